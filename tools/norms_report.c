/* What minnorm norms shows and writes, but for its page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "norms.h"

mn_number mn_cli_norms_cell(int column, double value)
{
  switch (column) {
  case MN_CLI_NORMS_N:
    return isnan(value) ? mn_number_real(value, 1) : mn_number_count((uint64_t)value);
  case MN_CLI_NORMS_TRAIN:
  case MN_CLI_NORMS_TEST:
  case MN_CLI_NORMS_LOO:
    return mn_number_percent(value);
  case MN_CLI_NORMS_NORM:
    return mn_number_real(value, 6);
  default:
    return mn_number_real(value, 4);
  }
}

static void correlation_line(const mn_cli_norms_measure *m)
{
  const mn_rank_correlation *const both[] = {&m->all, &m->plain};
  printf("%-25s", mn_cli_norms_name(m->column));
  for (int k = 0; k < 2; k++)
    printf("%8zu %8s %8s", both[k]->points, mn_number_real(round(both[k]->spearman * 1e3) / 1e3, 3).text,
           mn_number_real(round(both[k]->kendall * 1e3) / 1e3, 3).text);
  putchar('\n');
}

void mn_cli_norms_table(const mn_cli_norms_run *run)
{
  static const int shown[] = {MN_CLI_NORMS_NORM, MN_CLI_NORMS_TRAIN, MN_CLI_NORMS_TEST, MN_CLI_NORMS_LOO};
  printf("%11s%11s%11s%11s  model\n", "norm", "training", "test", "left out");
  for (size_t i = 0; i < run->count; i++) {
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++)
      printf("%11s", mn_cli_norms_cell(shown[k], run->models[i].values[shown[k]]).text);
    printf("  %s\n", run->models[i].text);
  }
  if (!run->measure_count) {
    puts("\nNo ranks: no model has a test error, which regressions and models without test samples lack");
    return;
  }
  printf("\nRank correlation with the test error, over models\n%-25s%26s%26s\n%-25s", "", "of all", "of true data", "");
  for (int k = 0; k < 2; k++) printf("%8s %8s %8s", "models", "Spearman", "Kendall");
  putchar('\n');
  for (size_t i = 0; i < run->measure_count; i++) correlation_line(&run->measures[i]);
}

static void report_correlation(mn_report *j, const char *key, const mn_rank_correlation *c)
{
  mn_report_begin_object(j, key);
  mn_report_count(j, "points", c->points);
  mn_report_real(j, "spearman", c->spearman);
  mn_report_real(j, "kendall", c->kendall);
  mn_report_end(j);
}

mn_status mn_cli_norms_json(const mn_cli_norms_run *run, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(run->cli, &j, err);
  if (st) return st;
  mn_report_begin_list(j, "models");
  for (size_t i = 0; i < run->count; i++) {
    const mn_cli_norms_model *m = &run->models[i];
    mn_report_begin_object(j, NULL);
    mn_report_text(j, "model", m->text);
    mn_report_flag(j, "true_data", m->plain);
    for (int c = 0; c < MN_CLI_NORMS_COLUMNS; c++) mn_report_real(j, mn_cli_norms_name(c), m->values[c]);
    mn_report_end(j);
  }
  mn_report_end(j);
  mn_report_begin_list(j, "correlations");
  for (size_t i = 0; i < run->measure_count; i++) {
    mn_report_begin_object(j, NULL);
    mn_report_text(j, "measure", mn_cli_norms_name(run->measures[i].column));
    report_correlation(j, "all", &run->measures[i].all);
    report_correlation(j, "true_data", &run->measures[i].plain);
    mn_report_end(j);
  }
  mn_report_end(j);
  return mn_cli_report_finish(run->cli, &j, err);
}

/* ---- the picture */

/* One panel: every kind of models, on a logarithmic axis where all of it is positive. */
static mn_plot_axes panel(const mn_cli_norms_run *run, int column, double *space, const char **names,
                          mn_plot_series *series)
{
  int positive = 1;
  for (size_t k = 0; k < run->kind_count; k++) {
    double *x = space + 2 * k * run->count, *y = x + run->count;
    size_t count = mn_cli_norms_series(run, k, column, x, y, names);
    for (size_t i = 0; i < count; i++) positive = positive && x[i] > 0;
    series[k] = (mn_plot_series){run->kinds[k], MN_PLOT_POINTS, count, x, y};
  }
  return (mn_plot_axes){"", mn_cli_norms_name(column), "test error", positive, 0, run->kind_count, series};
}

mn_status mn_cli_norms_plot(const mn_cli_norms_run *run, mn_error *err)
{
  enum { PANELS = 6 };
  mn_plot_axes panels[PANELS];
  mn_plot_series series[PANELS][MN_CLI_NORMS_KINDS];
  size_t each = 2 * run->count * run->kind_count, count = 0;
  double *space = calloc(PANELS * each, sizeof *space);
  const char **names = calloc(run->count, sizeof *names);
  mn_status st = space && names ? MN_OK : mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu models", run->count);
  for (size_t i = 0; !st && i < run->measure_count && count < PANELS; i++)
    if (mn_cli_norms_drawn(run->measures[i].column)) {
      panels[count] = panel(run, run->measures[i].column, space + count * each, names, series[count]);
      count++;
    }
  if (!st && !count) st = mn_cli_fail(err, MN_ERR_DATA, "no model has a test error to be drawn");
  if (!st) st = mn_plot_write(run->cli->values.plot, count, panels, count > 1 ? 2 : 1, err);
  free(space);
  free(names);
  return st;
}
