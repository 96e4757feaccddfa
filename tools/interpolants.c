/* minnorm norms interpolants: reads, makes every interpolant, predicts, reports. */
#include "interpolants.h"

#include <math.h>
#include <stdlib.h>

static const struct {
  const char *name;
  int descends, outside;
  mn_descent_method method;
} kinds[MN_CLI_INTERPOLANTS_COUNT] = {
    [MN_CLI_LEAST_NORM] = {"least norm", 0, 0, 0},
    [MN_CLI_RANDOM_CENTRES] = {"random centres", 0, 0, 0},
    [MN_CLI_FORCED_LABELS] = {"forced labels", 0, 0, 0},
    [MN_CLI_GRADIENT] = {"gradient", 1, 0, MN_DESCENT_GRADIENT},
    [MN_CLI_MOMENTUM] = {"momentum", 1, 0, MN_DESCENT_MOMENTUM},
    [MN_CLI_SGD] = {"sgd", 1, 0, MN_DESCENT_SGD},
    [MN_CLI_KACZMARZ] = {"kaczmarz", 1, 0, MN_DESCENT_KACZMARZ},
    [MN_CLI_MOMENTUM_OUTSIDE] = {"momentum, outside", 1, 1, MN_DESCENT_MOMENTUM},
    [MN_CLI_SGD_OUTSIDE] = {"sgd, outside", 1, 1, MN_DESCENT_SGD},
};

const char *mn_cli_interpolant_string(mn_cli_interpolant_name name)
{
  return kinds[name].name;
}

/* ---- one interpolant */

/* What is known of a model. */
static mn_status measure(mn_cli_interpolants_run *run, const mn_model *model, mn_cli_interpolant *row, mn_error *err)
{
  const mn_fit_report *r = mn_model_report(model);
  mn_cli_predictions p = {0};
  row->made = 1;
  row->norm = r->norm;
  row->residual = r->solution.residual;
  row->train_error = r->train_error;
  row->train_rmse = r->train_rmse;
  mn_status st = run->test ? mn_cli_predict_data(run->cli, model, run->test, &p, err) : MN_OK;
  if (!st && run->test) row->test = p.metrics;
  mn_cli_predictions_close(&p);
  return st;
}

/* A linear model of d features does not interpolate more than d samples. */
static int can_force(const mn_cli_interpolants_run *run)
{
  if (!run->test || !mn_data_has_labels(run->test) || !mn_model_labels(mn_interpolants_direct(run->problem))) return 0;
  return run->options.kernel.name != MN_KERNEL_LINEAR || run->train->n + run->test->n <= run->train->dim;
}

static mn_status make_descent(mn_cli_interpolants_run *run, mn_cli_interpolant_name name, mn_cli_interpolant *row,
                              mn_model **out, mn_error *err)
{
  mn_descent_options o = run->cli->values.descent;
  o.method = row->method = kinds[name].method;
  o.start = row->start = kinds[name].outside ? o.start : 0;
  o.seed = run->options.seed;
  row->descends = 1;
  mn_status st = mn_interpolants_descend(run->problem, &o, &run->cli->context, out, &row->descent, err);
  row->seconds = row->descent.seconds;
  return st;
}

/* Where k(x, x) is the same for all, steps of single samples are. */
static int same_as_sgd(const mn_cli_interpolants_run *run)
{
  static const int of_distance[MN_KERNEL_COUNT] = {
      [MN_KERNEL_GAUSSIAN] = 1, [MN_KERNEL_LAPLACIAN] = 1, [MN_KERNEL_MATERN32] = 1, [MN_KERNEL_MATERN52] = 1};
  return run->cli->values.descent.batch == 1 && of_distance[run->options.kernel.name];
}

/* *out: NULL when there is no such one, or when it is the problem's own. */
static mn_status make(mn_cli_interpolants_run *run, mn_cli_interpolant_name name, mn_cli_interpolant *row,
                      mn_model **out, mn_error *err)
{
  const mn_context *ctx = &run->cli->context;
  uint64_t seed = run->options.seed;
  double start_s = mn_report_now_s();
  mn_random_centres centres;
  mn_status st = MN_OK;
  if (name == MN_CLI_KACZMARZ && same_as_sgd(run)) return MN_OK;
  if (kinds[name].descends) return make_descent(run, name, row, out, err);
  if (name == MN_CLI_LEAST_NORM) {
    row->seconds = mn_model_report(mn_interpolants_direct(run->problem))->fit_s;
  } else if (name == MN_CLI_RANDOM_CENTRES) {
    st = mn_interpolants_random_centres(run->problem, seed, ctx, out, &centres, err);
    row->rcond = centres.rcond;
    row->seconds = centres.seconds;
  } else if (can_force(run)) {
    st = mn_interpolants_forced(run->problem, run->test, seed, ctx, out, err);
    row->seconds = mn_report_now_s() - start_s;
  }
  return st;
}

/* ---- curvature at two minima */

static mn_status spectrum(mn_cli_interpolants_run *run, const mn_model *model, size_t minimum, mn_error *err)
{
  size_t n = run->train->n;
  mn_status st = MN_OK;
  for (mn_loss loss = 0; !st && loss < MN_LOSSES; loss++) {
    double *first = run->spectrum + 2 * loss * n, *values = first + minimum * n, most = 0;
    st = mn_interpolants_curvature(run->problem, model, loss, 0, &run->cli->context, values,
                                   &run->curvature[loss][minimum], err);
    for (size_t i = 0; !st && i < n; i++) most = fmax(most, fabs(values[i] - first[i]) / first[0]);
    run->spectrum_difference[loss] = most;
  }
  return st;
}

static mn_status run_one(mn_cli_interpolants_run *run, mn_cli_interpolant_name name, mn_error *err)
{
  const double none = (double)NAN;
  mn_cli_interpolant *row = &run->rows[name];
  mn_model *own = NULL;
  *row = (mn_cli_interpolant){.rcond = none, .test = {none, none, none}};
  mn_status st = make(run, name, row, &own, err);
  const mn_model *model = name == MN_CLI_LEAST_NORM ? mn_interpolants_direct(run->problem) : own;
  if (!st && model) st = measure(run, model, row, err);
  if (!st && run->spectrum && name == MN_CLI_LEAST_NORM) st = spectrum(run, model, 0, err);
  if (!st && run->spectrum && name == MN_CLI_MOMENTUM_OUTSIDE) st = spectrum(run, model, 1, err);
  mn_model_close(&own);
  mn_cli_progress_clear();
  return st;
}

/* ---- the command */

static mn_status check(mn_cli_interpolants_run *run, mn_error *err)
{
  mn_cli *cli = run->cli;
  const mn_cli_values *v = &cli->values;
  mn_status st = mn_cli_fit_check_data(cli, err);
  if (!st) st = mn_cli_fit_features(cli, &run->fit, err);
  if (!st) st = mn_cli_check_outputs(cli, err);
  return st || !v->plot ? st : mn_plot_check_path(v->plot, err);
}

static mn_status compare(mn_cli_interpolants_run *run, mn_error *err)
{
  mn_cli *cli = run->cli;
  mn_status st = mn_cli_interpolants_features(run, err);
  if (!st) st = mn_interpolants_open(run->train, &run->options, &cli->context, &run->problem, err);
  mn_cli_progress_clear();
  if (!st && cli->values.curvature) {
    run->spectrum = calloc(run->train->n, MN_LOSSES * MN_CLI_MINIMA * sizeof *run->spectrum);
    if (!run->spectrum) st = mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for the spectra");
  }
  for (mn_cli_interpolant_name name = 0; !st && name < MN_CLI_INTERPOLANTS_COUNT; name++) st = run_one(run, name, err);
  return st;
}

static mn_status report(const mn_cli_interpolants_run *run, mn_error *err)
{
  const mn_cli_values *v = &run->cli->values;
  mn_status st = MN_OK;
  if (mn_cli_shows_table(run->cli)) mn_cli_interpolants_table(run);
  if (v->plot) st = mn_cli_interpolants_plot(run, err);
  if (!st && v->plot && mn_cli_shows_table(run->cli)) mn_cli_line("drawn", "%s", v->plot);
  return st || !v->json ? st : mn_cli_interpolants_json(run, err);
}

static void close_run(mn_cli_interpolants_run *run)
{
  mn_interpolants_close(&run->problem);
  mn_data_close(&run->train_features);
  mn_data_close(&run->test_features);
  mn_cli_fit_close(&run->fit);
  free(run->spectrum);
}

mn_status mn_cli_interpolants(mn_cli *cli, mn_error *err)
{
  static mn_cli_interpolants_run run; /* large */
  int dry_run = cli->values.dry_run;
  run.cli = cli;
  run.options = cli->values.fit;
  mn_status st = check(&run, err);
  if (!st) st = mn_cli_fit_read(cli, &run.fit, err);
  run.train = run.fit.train;
  run.test = run.fit.test;
  run.fit.budget_bytes = mn_cli_fit_budget(cli);
  if (!st && (dry_run || !cli->values.quiet)) st = mn_cli_interpolants_forecast(&run, err);
  if (!st && dry_run && mn_cli_shows_table(cli)) mn_cli_interpolants_forecast_line(&run, stdout);
  if (!st && dry_run && cli->values.json) st = mn_cli_interpolants_forecast_json(&run, err);
  if (!st && !dry_run) {
    if (!cli->values.quiet) mn_cli_interpolants_forecast_line(&run, stderr);
    st = compare(&run, err);
    if (!st) st = report(&run, err);
  }
  close_run(&run);
  return st;
}
