/* What minnorm norms interpolants shows, writes and draws. */
#include <math.h>

#include "interpolants.h"

/* ---- table */

static void head_lines(const mn_cli_interpolants_run *run)
{
  const mn_fit_report *r = mn_model_report(mn_interpolants_direct(run->problem));
  char text[160];
  mn_cli_fit_data_line(run->cli, &run->fit);
  if (run->train_features) {
    mn_cli_describe_map(run->cli, &run->fit.features, text, sizeof text);
    mn_cli_line("features", "%s %s", mn_number_count(run->train->dim).text, text);
  }
  mn_cli_describe_kernel(&r->kernel, text, sizeof text);
  mn_cli_line("kernel", "%s", text);
}

static mn_number error_of(const mn_cli_interpolants_run *run, double error, double rmse)
{
  int classes = mn_model_labels(mn_interpolants_direct(run->problem)) != NULL;
  return classes ? mn_number_percent(error) : mn_number_real(rmse, 4);
}

static void rows(const mn_cli_interpolants_run *run)
{
  double least = run->rows[MN_CLI_LEAST_NORM].norm;
  printf("\n%-18s %12s %9s %10s %10s %9s %9s\n", "interpolant", "norm", "of least", "training", "test", "residual",
         "seconds");
  for (mn_cli_interpolant_name i = 0; i < MN_CLI_INTERPOLANTS_COUNT; i++) {
    const mn_cli_interpolant *row = &run->rows[i];
    if (!row->made) continue;
    printf("%-18s %12s %9.4g %10s %10s %9.1e %9.2f\n", mn_cli_interpolant_string(i), mn_number_real(row->norm, 6).text,
           row->norm / least, error_of(run, row->train_error, row->train_rmse).text,
           error_of(run, row->test.error, row->test.rmse).text, row->residual, row->seconds);
  }
  if (!run->rows[MN_CLI_FORCED_LABELS].made && run->test)
    printf("(forced labels take classes and, for a linear model, as many features as samples of both sets)\n");
}

static void descents(const mn_cli_interpolants_run *run)
{
  int missed = 0;
  printf("\n%-18s %10s %10s %10s %10s %12s %12s\n", "descent", "passes", "step", "start", "limit", "to limit",
         "to direct");
  for (mn_cli_interpolant_name i = 0; i < MN_CLI_INTERPOLANTS_COUNT; i++) {
    const mn_descent *d = &run->rows[i].descent;
    if (!run->rows[i].descends) continue;
    missed += !d->converged;
    printf("%-18s %9s%s %10.3g %10s %10s %12.2e %12.2e\n", mn_cli_interpolant_string(i),
           mn_number_count(d->passes).text, d->converged ? " " : "*", d->step, mn_number_real(d->start_norm, 5).text,
           mn_number_real(d->limit_norm, 5).text, d->distance, d->direct_distance);
  }
  printf("(start and limit: their norms; distances in parts of the least norm)\n");
  if (missed) printf("* ended by --passes, not by --tol\n");
}

/* The last point of a way that is not beyond so many passes; NULL past its end. */
static const mn_descent_point *point_at(const mn_descent *d, size_t passes)
{
  const mn_descent_point *found = NULL;
  for (size_t i = 0; i < d->count && d->points[i].passes <= passes; i++) found = &d->points[i];
  return passes > d->passes ? NULL : found;
}

static void ways(const mn_cli_interpolants_run *run)
{
  size_t longest = 0;
  printf("\n%-9s", "passes");
  for (mn_cli_interpolant_name i = 0; i < MN_CLI_INTERPOLANTS_COUNT; i++) {
    if (!run->rows[i].descends) continue;
    printf(" %18s", mn_cli_interpolant_string(i));
    if (run->rows[i].descent.passes > longest) longest = run->rows[i].descent.passes;
  }
  putchar('\n');
  for (size_t passes = 1; passes <= longest; passes *= 10) {
    printf("%-9s", mn_number_count(passes).text);
    for (mn_cli_interpolant_name i = 0; i < MN_CLI_INTERPOLANTS_COUNT; i++) {
      const mn_descent_point *p = point_at(&run->rows[i].descent, passes);
      if (run->rows[i].descends) printf(" %18s", p ? mn_number_real(p->distance, 3).text : "");
    }
    putchar('\n');
  }
}

static void curvature(const mn_cli_interpolants_run *run)
{
  static const mn_cli_interpolant_name minima[MN_CLI_MINIMA] = {MN_CLI_LEAST_NORM, MN_CLI_MOMENTUM_OUTSIDE};
  if (!run->spectrum) return;
  printf("\n%-9s %-18s %7s %9s %11s %11s %11s %12s\n", "curvature", "at", "rank", "zeros", "largest", "least",
         "gradient", "difference");
  for (mn_loss loss = 0; loss < MN_LOSSES; loss++)
    for (size_t k = 0; k < MN_CLI_MINIMA; k++) {
      const mn_curvature *c = &run->curvature[loss][k];
      printf("%-9s %-18s %7s %9s %11.5g %11.4g %11.1e %12s\n", mn_loss_string(loss),
             mn_cli_interpolant_string(minima[k]), mn_number_count(c->rank).text,
             isfinite(c->zeros) ? mn_number_count((uint64_t)c->zeros).text : "-", c->largest, c->least, c->gradient,
             k ? mn_number_real(run->spectrum_difference[loss], 2).text : "");
    }
}

void mn_cli_interpolants_table(const mn_cli_interpolants_run *run)
{
  head_lines(run);
  rows(run);
  descents(run);
  ways(run);
  curvature(run);
  mn_cli_line("\ntotal", "%s, %s memory", mn_number_seconds(mn_report_now_s() - run->cli->start_s).text,
              mn_number_bytes((double)mn_report_peak_rss_bytes()).text);
}

/* ---- JSON */

static void setting(const mn_cli_interpolants_run *run, mn_report *j)
{
  const mn_fit_report *r = mn_model_report(mn_interpolants_direct(run->problem));
  const mn_cli_values *v = &run->cli->values;
  mn_info info;
  mn_info_get(&info);
  mn_report_text(j, "dataset", run->train->name);
  mn_report_count(j, "n_train", run->train->n);
  if (run->test)
    mn_report_count(j, "n_test", run->test->n);
  else
    mn_report_null(j, "n_test");
  mn_report_count(j, "dim", run->train->dim);
  mn_report_count(j, "classes", r->classes);
  mn_report_flag(j, "mirror", v->mirror);
  mn_cli_report_variant(run->cli, j);
  mn_report_begin_object(j, "features");
  mn_cli_report_map(j, run->cli, &run->fit.features);
  mn_report_end(j);
  mn_report_begin_object(j, "kernel");
  mn_cli_report_kernel(j, &r->kernel);
  mn_report_end(j);
  mn_cli_report_task(j, r->classes, &v->fit);
  mn_report_flag(j, "center", v->fit.center);
  mn_report_count(j, "seed", v->fit.seed);
  mn_report_real(j, "threads", mn_cli_threads(run->cli));
  mn_report_text(j, "blas", info.blas);
}

static void descent_members(mn_report *j, const mn_cli_interpolant *row, size_t batch)
{
  const mn_descent *d = &row->descent;
  mn_report_text(j, "method", mn_descent_string(row->method));
  mn_report_real(j, "batch", row->method == MN_DESCENT_SGD ? (double)batch : (double)NAN);
  mn_report_real(j, "start", row->start);
  mn_report_flag(j, "converged", d->converged);
  mn_report_count(j, "passes", d->passes);
  mn_report_count(j, "steps", d->steps);
  mn_report_real(j, "step", d->step);
  mn_report_real(j, "lipschitz", d->lipschitz);
  mn_report_real(j, "start_norm", d->start_norm);
  mn_report_real(j, "limit_norm", d->limit_norm);
  mn_report_real(j, "distance", d->distance);
  mn_report_real(j, "direct_distance", d->direct_distance);
  mn_report_begin_list(j, "way");
  for (size_t i = 0; i < d->count; i++) {
    mn_report_begin_object(j, NULL);
    mn_report_count(j, "passes", d->points[i].passes);
    mn_report_real(j, "distance", d->points[i].distance);
    mn_report_real(j, "residual", d->points[i].residual);
    mn_report_end(j);
  }
  mn_report_end(j);
}

static void row_members(const mn_cli_interpolants_run *run, mn_cli_interpolant_name name, mn_report *j)
{
  const mn_cli_interpolant *row = &run->rows[name];
  mn_report_text(j, "interpolant", mn_cli_interpolant_string(name));
  mn_report_real(j, "norm", row->norm);
  mn_report_real(j, "norm_ratio", row->norm / run->rows[MN_CLI_LEAST_NORM].norm);
  mn_report_real(j, "train_error", row->train_error);
  mn_report_real(j, "train_rmse", row->train_rmse);
  mn_report_real(j, "test_error", row->test.error);
  mn_report_real(j, "test_rmse", row->test.rmse);
  mn_report_real(j, "residual", row->residual);
  mn_report_real(j, "seconds", row->seconds);
  mn_report_real(j, "rcond", row->rcond);
  if (!row->descends) {
    mn_report_null(j, "descent");
    return;
  }
  mn_report_begin_object(j, "descent");
  descent_members(j, row, run->cli->values.descent.batch);
  mn_report_end(j);
}

static void curvature_members(const mn_cli_interpolants_run *run, mn_report *j)
{
  for (mn_loss loss = 0; loss < MN_LOSSES; loss++) {
    mn_report_begin_object(j, NULL);
    mn_report_text(j, "loss", mn_loss_string(loss));
    mn_report_real(j, "difference", run->spectrum_difference[loss]);
    mn_report_begin_list(j, "minima");
    for (size_t k = 0; k < MN_CLI_MINIMA; k++) {
      const mn_curvature *c = &run->curvature[loss][k];
      mn_report_begin_object(j, NULL);
      mn_report_text(j, "at", mn_cli_interpolant_string(k ? MN_CLI_MOMENTUM_OUTSIDE : MN_CLI_LEAST_NORM));
      mn_report_count(j, "rank", c->rank);
      mn_report_real(j, "zeros", c->zeros);
      mn_report_real(j, "largest", c->largest);
      mn_report_real(j, "least", c->least);
      mn_report_real(j, "gradient", c->gradient);
      mn_report_real(j, "seconds", c->seconds);
      mn_report_end(j);
    }
    mn_report_end(j);
    mn_report_end(j);
  }
}

mn_status mn_cli_interpolants_json(const mn_cli_interpolants_run *run, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(run->cli, &j, err);
  if (st) return st;
  setting(run, j);
  mn_report_begin_list(j, "interpolants");
  for (mn_cli_interpolant_name i = 0; i < MN_CLI_INTERPOLANTS_COUNT; i++) {
    if (!run->rows[i].made) continue;
    mn_report_begin_object(j, NULL);
    row_members(run, i, j);
    mn_report_end(j);
  }
  mn_report_end(j);
  mn_report_begin_list(j, "curvature");
  if (run->spectrum) curvature_members(run, j);
  mn_report_end(j);
  return mn_cli_report_finish(run->cli, &j, err);
}

/* ---- picture */

mn_status mn_cli_interpolants_plot(const mn_cli_interpolants_run *run, mn_error *err)
{
  enum { MOST = MN_CLI_INTERPOLANTS_COUNT };
  static double x[MOST][MN_DESCENT_POINTS_MAX], y[MOST][MN_DESCENT_POINTS_MAX]; /* large */
  double norms[MOST], errors[MOST];
  mn_plot_series ways[MOST], points[MOST];
  size_t way = 0, made = 0;
  for (size_t i = 0; i < MOST; i++) {
    const mn_cli_interpolant *row = &run->rows[i];
    const mn_descent *d = &row->descent;
    for (size_t k = 0; k < d->count; k++) x[i][k] = (double)d->points[k].passes, y[i][k] = d->points[k].distance;
    if (row->descends)
      ways[way++] =
          (mn_plot_series){mn_cli_interpolant_string((mn_cli_interpolant_name)i), MN_PLOT_LINE, d->count, x[i], y[i]};
    norms[made] = row->norm;
    errors[made] = isnan(row->test.error) ? row->test.rmse : row->test.error;
    if (!row->made) continue;
    points[made] = (mn_plot_series){mn_cli_interpolant_string((mn_cli_interpolant_name)i), MN_PLOT_POINTS, 1,
                                    &norms[made], &errors[made]};
    made++;
  }
  mn_plot_axes axes[] = {{"distance to the limit", "passes", "of the least norm", 1, 1, way, ways},
                         {"test error", "norm", NULL, 1, 0, made, points}};
  return mn_plot_write(run->cli->values.plot, run->test ? 2 : 1, axes, 2, err);
}
