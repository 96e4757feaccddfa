/* What minnorm express shows and writes. */
#include <math.h>
#include <stdlib.h>

#include "express.h"

/* ---- table */

static void data_lines(const mn_cli *cli, const mn_cli_express_run *run, const mn_network_report *r)
{
  char features[96], test[64] = "", mirror[64];
  mn_cli_describe_features(run->train, features, sizeof features);
  if (run->test) snprintf(test, sizeof test, " and %s test", mn_number_count(run->test->n).text);
  mn_cli_describe_mirror(cli, r->n, mirror, sizeof mirror);
  mn_cli_line("data", "%s: %s training%s%s sample%s, %s", run->train->name, mn_number_count(r->n).text, mirror, test,
              r->n == 1 && !run->test ? "" : "s", features);
  mn_cli_variant_line(cli);
  if (cli->values.corrupt > 0)
    mn_cli_line("labels", "replaced with probability %s by a class drawn uniformly",
                mn_number_real(cli->values.corrupt, 3).text);
  if (r->distinct < r->n)
    mn_cli_line("merged", "%s samples that equal earlier ones with the same targets (--verbose names them)",
                mn_number_count(r->n - r->distinct).text);
}

static void layer_lines(const mn_cli_express_run *run, const mn_network_report *r)
{
  mn_cli_line("network", "depth %zu, %s weights = %s + %s (a, b, w), %zu output%s", r->layers + 1,
              mn_number_count(r->weights).text, mn_number_count(r->dim).text, mn_number_count(r->weights - r->dim).text,
              r->outputs, r->outputs == 1 ? "" : "s");
  if (r->layers < 2) return;
  mn_cli_line("width", "%s at most, 2n/k = %s; %s connections above the projection", mn_number_count(r->width_max).text,
              mn_number_count(2 * r->distinct / (r->layers + 1)).text, mn_number_count(r->connections).text);
  printf("\n%11s %10s %10s %12s\n", "layer", "units", "weights", "connections");
  for (size_t l = 0; l < r->layers; l++) {
    mn_network_layer layer = mn_network_layer_at(run->network, l);
    printf("%11zu %10s %10s %12s\n", l + 1, mn_number_count(layer.units).text, mn_number_count(layer.weights).text,
           mn_number_count(layer.connections).text);
  }
}

static void pair(const char *label, double drawn, double now, int digits)
{
  mn_cli_line(label, "%12s %12s", mn_number_real(drawn, digits).text, mn_number_real(now, digits).text);
}

static void condition_lines(const mn_network_report *r)
{
  printf("\n%-11s %12s %12s\n", "", "drawn", "improved");
  pair("least gap", r->gap_drawn, r->gap, 3);
  pair("gap / range", r->gap_drawn / r->range, r->gap / r->range, 3);
  pair("norm", r->norm_drawn, r->norm, 3);
  putchar('\n');
  if (isfinite(r->lambda_min_lapack)) {
    mn_cli_line("", "%12s %12s", "", "LAPACK");
    pair("lambda min", r->lambda_min, r->lambda_min_lapack, 3);
    pair("condition", r->condition, r->condition_lapack, 3);
  } else {
    mn_cli_line("lambda min", "%12s", mn_number_real(r->lambda_min, 3).text);
    mn_cli_line("condition", "%12s", mn_number_real(r->condition, 3).text);
  }
  mn_cli_line("norm bound", "%12s, %s times the norm", mn_number_real(r->norm_bound, 3).text,
              mn_number_real(r->norm_bound / r->norm, 2).text);
  if (isfinite(r->dense_difference))
    mn_cli_line("dense", "%12s relative difference of w", mn_number_real(r->dense_difference, 2).text);
}

static void error_lines(const mn_cli_express_point *p)
{
  const mn_network_verification *c = &p->check;
  const char *all = c->points == p->report.n ? "" : " on a sample";
  putchar('\n');
  if (p->report.classes)
    mn_cli_line("train error", "%12s%s", mn_number_percent(c->train_error).text, *all ? " piece by piece" : "");
  if (isfinite(p->test_error)) mn_cli_line("test error", "%12s", mn_number_percent(p->test_error).text);
  if (isfinite(p->test_rmse)) mn_cli_line("test rmse", "%12s", mn_number_real(p->test_rmse, 4).text);
  mn_cli_line("max error", "%12s in fp64%s", mn_number_real(c->max_error[MN_FORWARD_DOUBLE], 2).text, all);
  mn_cli_line("", "%12s in fp32%s", mn_number_real(c->max_error[MN_FORWARD_SINGLE], 2).text, all);
  if (p->report.classes)
    mn_cli_line("", "%12s labels missed in fp32%s", mn_number_percent(c->missed[MN_FORWARD_SINGLE]).text,
                c->missed[MN_FORWARD_SINGLE] > 0 ? ": projections closer than its digits" : "");
  mn_cli_line("", "%12s compensated%s", mn_number_real(c->max_error[MN_FORWARD_COMPENSATED], 2).text, all);
  mn_cli_line("", "%12s piece by piece", mn_number_real(c->max_error[MN_FORWARD_PIECEWISE], 2).text);
  if (*all) mn_cli_line("sample", "%12s points", mn_number_count(c->points).text);
}

static void time_lines(const mn_cli *cli, const mn_cli_express_point *p)
{
  const mn_network_report *r = &p->report;
  putchar('\n');
  mn_cli_line("project", "%12s, of which improve %s (%d rounds%s)", mn_number_seconds(r->project_s).text,
              mn_number_seconds(r->improve_s).text, r->improve_rounds, r->improve_timed_out ? ", ended by time" : "");
  mn_cli_line("solve", "%12s", mn_number_seconds(r->solve_s).text);
  mn_cli_line("bounds", "%12s", mn_number_seconds(r->checks_s).text);
  mn_cli_line("verify", "%12s", mn_number_seconds(p->check.verify_s).text);
  mn_cli_line("total", "%12s %12s memory", mn_number_seconds(mn_report_now_s() - cli->start_s).text,
              mn_number_bytes((double)mn_report_peak_rss_bytes()).text);
}

/* Without test samples the column of their error has nothing in it. */
static void growth_row(const mn_cli_express_point *p, int first)
{
  const mn_network_report *r = &p->report;
  double gap = r->range > 0 ? r->gap / r->range : (double)NAN;
  if (first) {
    printf("%9s %9s %10s %10s %11s %10s %10s %8s %8s\n", "", "", "", "", "max error:", "", "", "test", "");
    printf("%9s %9s %10s %10s %11s %10s %10s %8s %8s\n", "n", "weights", "gap/range", "norm", "fp64", "fp32", "comp.",
           "error", "seconds");
  }
  printf("%9s %9s %10s %10.2g %11.2g %10.2g %10.1g %8s %8.2f\n", mn_number_count(r->n).text,
         mn_number_count(r->weights).text, mn_number_real(gap, 2).text, r->norm, p->check.max_error[MN_FORWARD_DOUBLE],
         p->check.max_error[MN_FORWARD_SINGLE], p->check.max_error[MN_FORWARD_COMPENSATED],
         mn_number_percent(p->test_error).text, r->project_s + r->solve_s);
  fflush(stdout);
}

void mn_cli_express_table(const mn_cli *cli, const mn_cli_express_run *run, size_t total)
{
  const mn_cli_express_point *p = &run->points[run->count - 1];
  if (total > 1) {
    growth_row(p, run->count == 1);
    return;
  }
  data_lines(cli, run, &p->report);
  layer_lines(run, &p->report);
  condition_lines(&p->report);
  error_lines(p);
  time_lines(cli, p);
}

/* ---- JSON */

static void option_text(mn_report *j, const char *key, const mn_network_options *options)
{
  size_t count;
  char text[64];
  const mn_option *table = mn_network_option_table(&count);
  mn_option_get(mn_option_find(table, count, key), options, text, sizeof text);
  mn_report_text(j, key, text);
}

static void setting(const mn_cli *cli, const mn_cli_express_run *run, mn_report *j)
{
  const mn_network_options *o = &cli->values.network;
  mn_info info;
  mn_info_get(&info);
  mn_report_text(j, "dataset", run->train->name);
  if (run->test)
    mn_report_count(j, "n_test", run->test->n);
  else
    mn_report_null(j, "n_test");
  option_text(j, "targets", o);
  option_text(j, "solver", o);
  option_text(j, "scale", o);
  mn_report_real(j, "candidates", o->candidates);
  mn_report_real(j, "improve", o->improve_s);
  mn_report_flag(j, "mirror", cli->values.mirror);
  mn_cli_report_variant(cli, j);
  mn_report_real(j, "corrupt", cli->values.corrupt);
  mn_report_count(j, "seed", o->seed);
  mn_report_real(j, "threads", mn_cli_threads(cli));
  mn_report_text(j, "blas", info.blas);
}

static void size_members(mn_report *j, const mn_network_report *r)
{
  mn_report_count(j, "n_train", r->n);
  mn_report_count(j, "distinct", r->distinct);
  mn_report_count(j, "dim", r->dim);
  if (r->classes)
    mn_report_count(j, "classes", r->classes);
  else
    mn_report_null(j, "classes");
  mn_report_count(j, "outputs", r->outputs);
  mn_report_count(j, "weights", r->weights);
  mn_report_count(j, "connections", r->connections);
  mn_report_count(j, "depth", r->layers + 1);
  mn_report_count(j, "width_max", r->width_max);
  mn_report_flag(j, "exact_projections", r->exact);
}

static void condition_members(mn_report *j, const mn_network_report *r)
{
  mn_report_real(j, "range", r->range);
  mn_report_real(j, "min_gap", r->gap);
  mn_report_real(j, "min_gap_drawn", r->gap_drawn);
  mn_report_real(j, "improve_rounds", r->improve_rounds);
  mn_report_flag(j, "improve_timed_out", r->improve_timed_out);
  mn_report_real(j, "lambda_min", r->lambda_min);
  mn_report_real(j, "lambda_min_lapack", r->lambda_min_lapack);
  mn_report_real(j, "condition", r->condition);
  mn_report_real(j, "condition_lapack", r->condition_lapack);
  mn_report_real(j, "norm", r->norm);
  mn_report_real(j, "norm_drawn", r->norm_drawn);
  mn_report_real(j, "norm_bound", r->norm_bound);
  mn_report_real(j, "norm_looseness", r->norm_bound / r->norm);
  mn_report_real(j, "dense_difference", r->dense_difference);
}

static void point_members(mn_report *j, const mn_cli_express_point *p)
{
  const mn_network_verification *c = &p->check;
  size_members(j, &p->report);
  condition_members(j, &p->report);
  mn_report_count(j, "verified", c->points);
  mn_report_real(j, "max_error", c->max_error[MN_FORWARD_DOUBLE]);
  mn_report_real(j, "max_error_fp32", c->max_error[MN_FORWARD_SINGLE]);
  mn_report_real(j, "max_error_compensated", c->max_error[MN_FORWARD_COMPENSATED]);
  mn_report_real(j, "max_error_piecewise", c->max_error[MN_FORWARD_PIECEWISE]);
  mn_report_real(j, "target_max", c->target_max);
  mn_report_real(j, "train_error", c->train_error);
  mn_report_real(j, "train_error_fp32", c->missed[MN_FORWARD_SINGLE]);
  mn_report_real(j, "test_error", p->test_error);
  mn_report_real(j, "test_rmse", p->test_rmse);
  mn_report_real(j, "project_s", p->report.project_s);
  mn_report_real(j, "improve_s", p->report.improve_s);
  mn_report_real(j, "solve_s", p->report.solve_s);
  mn_report_real(j, "checks_s", p->report.checks_s);
  mn_report_real(j, "verify_s", c->verify_s);
}

static void layers(const mn_cli_express_run *run, mn_report *j)
{
  mn_report_begin_list(j, "layers");
  for (size_t l = 0; l < mn_network_report_of(run->network)->layers; l++) {
    mn_network_layer layer = mn_network_layer_at(run->network, l);
    mn_report_begin_object(j, NULL);
    mn_report_count(j, "units", layer.units);
    mn_report_count(j, "weights", layer.weights);
    mn_report_count(j, "connections", layer.connections);
    mn_report_end(j);
  }
  mn_report_end(j);
}

/* The members of the last network, and of each one in "points" when there are several. */
mn_status mn_cli_express_json(const mn_cli *cli, const mn_cli_express_run *run, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  setting(cli, run, j);
  point_members(j, &run->points[run->count - 1]);
  layers(run, j);
  mn_report_begin_list(j, "points");
  for (size_t i = 0; run->count > 1 && i < run->count; i++) {
    mn_report_begin_object(j, NULL);
    point_members(j, &run->points[i]);
    mn_report_end(j);
  }
  mn_report_end(j);
  return mn_cli_report_finish(cli, &j, err);
}
