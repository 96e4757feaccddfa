/* minnorm fit: check, read, forecast, fit, predict, report, save. */
#include "fit.h"

#include <stdlib.h>

/* What is given of a kernel belongs to it. */
static mn_status check_kernel(const mn_cli *cli, mn_error *err)
{
  static const struct {
    const char *key;
    mn_kernel_name kernel;
  } own[] = {{"sigma", MN_KERNEL_GAUSSIAN},
             {"coef0", MN_KERNEL_POLYNOMIAL},
             {"degree", MN_KERNEL_POLYNOMIAL},
             {"depth", MN_KERNEL_NTK}};
  const mn_kernel *kernel = &cli->values.fit.kernel;
  const char *name = mn_kernel_string(kernel->name);
  if (mn_cli_given(cli, "gamma") && !mn_cli_kernel_has_gamma(kernel))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--gamma: the kernel %s has no bandwidth", name);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (mn_cli_given(cli, own[i].key) && kernel->name != own[i].kernel)
      return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s belongs to the %s kernel, not to %s", own[i].key,
                         mn_kernel_string(own[i].kernel), name);
  return MN_OK;
}

mn_status mn_cli_fit_check_data(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  if (!v->train && !mn_cli_given(cli, "dataset"))
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "training samples expected: --dataset NAME or --train SPEC; see minnorm %s --help",
                       cli->command->name);
  mn_status st = check_kernel(cli, err);
  if (st) return st;
  if (mn_cli_given(cli, "draws") && !v->fit.measures)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--draws belongs to --measures");
  int has_test = v->test || !v->train;
  if (!has_test && (v->labels || v->scores || v->n_test || v->draw_errors))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s needs test samples: --test SPEC",
                       v->labels        ? "labels"
                       : v->scores      ? "scores"
                       : v->draw_errors ? "draw-errors"
                                        : "n-test");
  return MN_OK;
}

static mn_status check_writable(const mn_cli *cli, mn_error *err)
{
  mn_status st = mn_cli_check_outputs(cli, err);
  if (!st && cli->values.save) st = mn_model_check_path(cli->values.save, err);
  return st;
}

static int is_classification(const mn_cli *cli, const mn_data *train)
{
  return cli->values.fit.task != MN_TASK_REGRESSION && mn_data_has_labels(train);
}

mn_status mn_cli_fit_read(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = mn_cli_open_data(cli, v->train, MN_TRAIN, v->n, &run->train, err);
  if (!st && (v->test || !v->train)) st = mn_cli_open_data(cli, v->test, MN_TEST, v->n_test, &run->test, err);
  if (!st && run->test && run->test->dim != run->train->dim)
    st = mn_cli_fail(err, MN_ERR_DATA, "%s: samples of %zu features expected as in %s, %zu found", run->test->name,
                     run->train->dim, run->train->name, run->test->dim);
  if (!st && run->test) st = mn_cli_check_errors_picture(cli, run->test, err);
  if (!st && v->labels && !is_classification(cli, run->train))
    st = mn_cli_fail(err, MN_ERR_ARGUMENT, "--labels: %s has real targets and no labels; use --scores",
                     run->train->name);
  return st;
}

double mn_cli_fit_budget(const mn_cli *cli)
{
  mn_info info;
  mn_info_get(&info);
  size_t given = cli->values.fit.solve.memory_bytes;
  return (double)(given ? given : info.memory_available);
}

/* A fit that is to be forecast. */
typedef struct {
  mn_cli *cli;
  mn_cli_fit_run *run;
} planned;

static mn_status forecast_system(void *user, const mn_products *to_come, size_t memory_bytes, mn_error *err)
{
  const planned *p = user;
  mn_fit_options o = p->cli->values.fit;
  o.solve.memory_bytes = memory_bytes;
  size_t n_test = p->run->test ? p->run->test->n : 0;
  return mn_fit_forecast(p->run->train, n_test, to_come, &o, &p->cli->context, &p->run->forecast, err);
}

static mn_status forecast(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  mn_status st = mn_cli_fit_forecast(cli, run, forecast_system, &(planned){cli, run}, err);
  run->before_s = mn_report_now_s() - cli->start_s;
  run->forecast.total_s += run->before_s;
  return st;
}

static mn_status report_forecast(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  if (mn_cli_shows_table(cli)) mn_cli_fit_forecast_table(cli, run);
  return cli->values.json ? mn_cli_fit_forecast_json(cli, run, err) : MN_OK;
}

static mn_status fit_and_predict(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  const mn_fit_options *o = &cli->values.fit;
  mn_status st = mn_cli_fit_products(cli, run, err);
  if (!st && run->products) st = mn_cli_fit_select(cli, run, err);
  if (!st)
    st = run->products ? mn_model_fit_products(run->train, run->products, o, &cli->context, &run->model, err)
                       : mn_model_fit(run->train, o, &cli->context, &run->model, err);
  if (!st && run->test) st = mn_cli_predict_data(cli, run->model, run->test, &run->predictions, err);
  mn_cli_progress_clear();
  return st;
}

static mn_status report_results(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = MN_OK;
  if (run->test) st = mn_cli_write_predictions(cli, run->model, run->test->n, &run->predictions, err);
  if (!st && mn_cli_shows_table(cli)) mn_cli_fit_table(cli, run);
  if (!st && run->test) st = mn_cli_draw_errors(cli, run->test, run->predictions.labels, err);
  if (!st && v->json) st = mn_cli_fit_json(cli, run, err);
  if (!st && v->save) st = mn_model_save(run->model, v->save, err);
  if (!st && v->save && mn_cli_shows_table(cli)) mn_cli_line("saved", "%s", v->save);
  const mn_solution *s = &mn_model_report(run->model)->solution;
  if (!st && !s->converged)
    st = mn_cli_fail(err, MN_ERR_SINGULAR,
                     "cg ended after %d iterations at a residual of %.1e, before it reached what "
                     "--tol asks for",
                     s->iterations, s->residual);
  return st;
}

void mn_cli_fit_close(mn_cli_fit_run *run)
{
  mn_cli_predictions_close(&run->predictions);
  mn_model_close(&run->model);
  mn_products_close(&run->owned);
  mn_data_close(&run->train);
  mn_data_close(&run->test);
  free(run->folder);
}

mn_status mn_cli_fit(mn_cli *cli, mn_error *err)
{
  cli->values.fit.solve.checkpoint = cli->values.checkpoint;
  cli->values.fit.solve.scratch = cli->values.scratch;
  mn_cli_fit_run run = {0};
  int dry_run = cli->values.dry_run;
  mn_status st = mn_cli_fit_check_data(cli, err);
  if (!st) st = mn_cli_fit_features(cli, &run, err);
  if (!st) st = mn_cli_fit_check_select(cli, err);
  if (!st) st = check_writable(cli, err);
  if (!st) st = mn_cli_fit_read(cli, &run, err);
  /* of features once there are products of them */
  if (!st && !dry_run && !mn_cli_fit_of_products(cli, &run)) st = mn_cli_fit_select(cli, &run, err);
  if (!st && (dry_run || !cli->values.quiet)) st = forecast(cli, &run, err);
  if (!st && dry_run) {
    st = report_forecast(cli, &run, err);
    goto done;
  }
  if (!st && !cli->values.quiet) mn_cli_fit_forecast_line(cli, &run, stderr);
  if (!st) st = fit_and_predict(cli, &run, err);
  if (!st) st = report_results(cli, &run, err);
done:
  if (!st && !dry_run) mn_cli_fit_release_products(cli, &run);
  mn_cli_fit_close(&run);
  return st;
}
