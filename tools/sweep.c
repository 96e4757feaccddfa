/* minnorm sweep: check, read, forecast, fit point by point, report. */
#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static mn_status check_writable(const mn_cli_sweep_run *run, mn_error *err)
{
  const mn_cli_values *v = &run->cli->values;
  mn_status st = mn_cli_check_outputs(run->cli, err);
  if (!st && v->log && !strcmp(v->log, "-"))
    st = mn_cli_fail(err, MN_ERR_ARGUMENT, "--log -: the name of a file expected");
  if (!st && v->csv) st = mn_report_check_path(v->csv, err);
  if (!st && v->plot) st = mn_cli_sweep_check_plot(run, err);
  return st;
}

static mn_status allocate(mn_cli_sweep_run *run, mn_error *err)
{
  run->points = calloc(run->count, sizeof *run->points);
  return run->points ? MN_OK : mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu points", run->count);
}

/* Only some of the features, and all points for each number of them. */
static void forecast_dims(mn_cli_sweep_run *run)
{
  mn_forecast *f = &run->fit.forecast;
  mn_stream_forecast *s = &run->fit.stream_forecast;
  double times = (double)run->dim_count, made = s->features_s + s->products_s;
  double share = fmin((double)run->dims[run->dim_count - 1] / (double)s->dim, 1);
  f->total_s = times * (f->total_s - made) + share * made;
  s->features_s *= share, s->products_s *= share;
  double *const each[] = {&f->bandwidth_flops, &f->gram_flops,       &f->factor_flops, &f->residual_flops,
                          &f->predict_flops,   &f->bandwidth_s,      &f->allocate_s,   &f->gram_s,
                          &f->factor_s,        &f->residual_s,       &f->predict_s,    &f->loo_flops,
                          &f->loo_s,           &f->complexity_flops, &f->complexity_s};
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) *each[i] *= times;
}

static mn_status forecast_system(void *user, const mn_products *to_come, size_t memory_bytes, mn_error *err)
{
  mn_cli_sweep_run *run = user;
  mn_cli_fit_run *fit = &run->fit;
  mn_sweep_options o = run->options;
  o.fit.solve.memory_bytes = memory_bytes;
  size_t n_test = fit->test ? fit->test->n : 0;
  return mn_sweep_forecast(fit->train, n_test, to_come, &o, &run->cli->context, &fit->forecast, &run->together, err);
}

static mn_status forecast(mn_cli_sweep_run *run, mn_error *err)
{
  mn_cli_fit_run *fit = &run->fit;
  mn_status st = mn_cli_fit_forecast(run->cli, fit, forecast_system, run, err);
  if (!st && run->dim_count) forecast_dims(run);
  fit->before_s = mn_report_now_s() - run->cli->start_s;
  fit->forecast.total_s += fit->before_s;
  return st;
}

static mn_status report_forecast(mn_cli_sweep_run *run, mn_error *err)
{
  if (mn_cli_shows_table(run->cli)) {
    mn_cli_fit_forecast_table(run->cli, &run->fit);
    mn_cli_line("points", "%zu, %zu of them at once", run->count, run->together);
  }
  return run->cli->values.json ? mn_cli_fit_forecast_json(run->cli, &run->fit, err) : MN_OK;
}

/* All that a fit says, and where the point stands. */
static mn_status make_line(mn_cli_sweep_run *run, const mn_sweep_point *point, char **line, mn_error *err)
{
  mn_report *j = NULL;
  run->cli->values.fit.corrupt = point->place.corrupt;
  run->cli->values.fit.seed = point->place.seed;
  run->fit.predictions.metrics = point->test;
  run->fit.predictions.predict_s = point->predict_s;
  mn_status st = mn_report_open(&j, err);
  if (st) return st;
  mn_report_count(j, "point", run->at + point->place.index);
  mn_report_count(j, "together", point->together);
  mn_cli_fit_report_members(j, run->cli, &run->fit, point->report);
  st = mn_report_line(j, line, err);
  mn_report_close(&j);
  return st;
}

static mn_status take(void *user, const mn_sweep_point *point, mn_error *err)
{
  mn_cli_sweep_run *run = user;
  char *line = NULL;
  mn_status st = make_line(run, point, &line, err);
  if (!st) st = mn_cli_sweep_keep(run, run->at + point->place.index, line, err);
  mn_report_free(line);
  if (st) return st;
  mn_cli_progress_clear();
  if (mn_cli_shows_table(run->cli)) mn_cli_sweep_row(run, &run->points[run->at + point->place.index]);
  fflush(stdout);
  return MN_OK;
}

/* The points of the products at hand. */
static mn_status fit_points(mn_cli_sweep_run *run, mn_error *err)
{
  mn_cli_fit_run *fit = &run->fit;
  char *done = calloc(run->each, 1);
  if (!done) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu points", run->each);
  for (size_t i = 0; i < run->each; i++) done[i] = run->points[run->at + i].line != NULL;
  mn_status st =
      mn_sweep_run(fit->train, fit->test, fit->products, &run->options, done, &run->cli->context, take, run, err);
  mn_cli_progress_clear();
  free(done);
  return st;
}

static mn_status fit_dim(void *user, size_t k, mn_error *err)
{
  mn_cli_sweep_run *run = user;
  run->at = (run->first_dim + k) * run->each;
  return fit_points(run, err);
}

/* From the first number of features on that has a point left. */
static mn_status fit_dims(mn_cli_sweep_run *run, mn_error *err)
{
  size_t left = 0;
  while (left < run->count && run->points[left].line) left++;
  run->first_dim = left / run->each;
  if (run->first_dim == run->dim_count) return MN_OK;
  return mn_cli_fit_products_at(run->cli, &run->fit, run->dim_count - run->first_dim, run->dims + run->first_dim,
                                fit_dim, run, err);
}

static mn_status fit_all(mn_cli_sweep_run *run, mn_error *err)
{
  mn_status st = run->dim_count ? MN_OK : mn_cli_fit_products(run->cli, &run->fit, err);
  mn_cli_progress_clear();
  if (!st) st = mn_cli_sweep_open_log(run, err);
  if (st) return st;
  if (mn_cli_shows_table(run->cli)) {
    mn_cli_sweep_head(run);
    for (size_t i = 0; i < run->count; i++)
      if (run->points[i].line) mn_cli_sweep_row(run, &run->points[i]);
  }
  return run->dim_count ? fit_dims(run, err) : fit_points(run, err);
}

static mn_status report_results(const mn_cli_sweep_run *run, mn_error *err)
{
  const mn_cli_values *v = &run->cli->values;
  mn_status st = MN_OK;
  if (mn_cli_shows_table(run->cli))
    mn_cli_line("\ntotal", "%s", mn_number_seconds(mn_report_now_s() - run->cli->start_s).text);
  if (v->csv) st = mn_cli_sweep_csv(run, err);
  if (!st && v->plot) st = mn_cli_sweep_plot(run, err);
  if (!st && v->plot && mn_cli_shows_table(run->cli)) mn_cli_line("drawn", "%s", v->plot);
  if (!st && v->json) st = mn_cli_sweep_json(run, err);
  if (!st && run->unfinished)
    st = mn_cli_fail(err, MN_ERR_SINGULAR, "cg ended at %d points before it reached what --tol asks for",
                     run->unfinished);
  return st;
}

static void close_run(mn_cli_sweep_run *run)
{
  for (size_t i = 0; run->points && i < run->count; i++) free(run->points[i].line);
  free(run->points);
  mn_lines_close(&run->log);
  mn_cli_fit_close(&run->fit);
}

static mn_status prepare(mn_cli_sweep_run *run, mn_error *err)
{
  mn_cli *cli = run->cli;
  cli->values.fit.solve.checkpoint = cli->values.checkpoint;
  cli->values.fit.solve.scratch = cli->values.scratch;
  mn_status st = mn_cli_fit_check_data(cli, err);
  if (!st) st = mn_cli_sweep_read_lists(run, err);
  if (!st) st = mn_cli_fit_features(cli, &run->fit, err);
  if (!st) st = check_writable(run, err);
  if (!st) st = allocate(run, err);
  return st ? st : mn_cli_fit_read(cli, &run->fit, err);
}

mn_status mn_cli_sweep(mn_cli *cli, mn_error *err)
{
  static mn_cli_sweep_run run; /* large */
  int dry_run = cli->values.dry_run;
  run.cli = cli;
  mn_status st = prepare(&run, err);
  if (!st && (dry_run || !cli->values.quiet)) st = forecast(&run, err);
  if (!st && dry_run) {
    st = report_forecast(&run, err);
    goto done;
  }
  if (!st && !cli->values.quiet) mn_cli_fit_forecast_line(cli, &run.fit, stderr);
  if (!st) st = fit_all(&run, err);
  if (!st) st = report_results(&run, err);
done:
  if (!st && !dry_run) mn_cli_fit_release_products(cli, &run.fit);
  close_run(&run);
  return st;
}
