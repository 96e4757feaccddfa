/* Measures of a sweep against its test errors, by ranks. */
#include <math.h>
#include <stdlib.h>

#include "sweep.h"

/* Those of the columns, before the measures. */
static const struct {
  const char *name;
  int column;
} columns[] = {{"norm", MN_CLI_SWEEP_NORM}, {"loo_error", MN_CLI_SWEEP_LOO_ERROR}, {"loo_mse", MN_CLI_SWEEP_LOO_MSE}};
enum { COLUMNS = sizeof columns / sizeof *columns };

typedef struct {
  int error;    /* the column that all are held against */
  size_t count; /* rows; 0: nothing to compare */
  struct {
    const char *name;
    mn_rank_correlation of;
  } rows[COLUMNS + MN_CLI_MEASURES];
} comparison;

/* The k-th row: of a column, then of a measure. */
static mn_status add_row(const mn_cli_sweep_run *run, comparison *c, size_t k, double *space, mn_error *err)
{
  double *x = space, *y = space + run->count;
  if (k >= COLUMNS && !mn_cli_measure_compared(k - COLUMNS)) return MN_OK;
  for (size_t i = 0; i < run->count; i++) {
    const mn_cli_sweep_point *p = &run->points[i];
    x[i] = k < COLUMNS ? p->values[columns[k].column] : p->measures[k - COLUMNS];
    y[i] = p->values[c->error];
  }
  c->rows[c->count].name = k < COLUMNS ? columns[k].name : mn_cli_measure(k - COLUMNS);
  return mn_report_correlate(run->count, x, y, 6, &c->rows[c->count++].of, err);
}

static mn_status compare(const mn_cli_sweep_run *run, comparison *c, mn_error *err)
{
  int classes = !isnan(run->points[0].values[MN_CLI_SWEEP_TRAIN_ERROR]);
  c->error = classes ? MN_CLI_SWEEP_TEST_ERROR : MN_CLI_SWEEP_TEST_RMSE;
  c->count = 0;
  if (!run->cli->values.fit.measures || !run->fit.test) return MN_OK;
  double *space = calloc(2 * run->count, sizeof *space);
  mn_status st = space ? MN_OK : mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu points", run->count);
  for (size_t k = 0; !st && k < COLUMNS + MN_CLI_MEASURES; k++) st = add_row(run, c, k, space, err);
  free(space);
  return st;
}

mn_status mn_cli_sweep_correlations(const mn_cli_sweep_run *run, mn_error *err)
{
  comparison c;
  mn_status st = compare(run, &c, err);
  if (st || !c.count) return st;
  printf("\nrank correlation with the test %s of %zu points\n%-24s %11s %11s\n",
         c.error == MN_CLI_SWEEP_TEST_ERROR ? "error" : "rmse", c.rows[0].of.points, "", "spearman", "kendall");
  for (size_t i = 0; i < c.count; i++)
    printf("%-24s %11s %11s\n", c.rows[i].name, mn_number_real(c.rows[i].of.spearman, 3).text,
           mn_number_real(c.rows[i].of.kendall, 3).text);
  return MN_OK;
}

mn_status mn_cli_sweep_correlations_json(mn_report *report, const mn_cli_sweep_run *run, mn_error *err)
{
  comparison c;
  mn_status st = compare(run, &c, err);
  if (st) return st;
  if (!c.count) {
    mn_report_null(report, "correlations");
    return MN_OK;
  }
  mn_report_begin_list(report, "correlations");
  for (size_t i = 0; i < c.count; i++) {
    mn_report_begin_object(report, NULL);
    mn_report_text(report, "measure", c.rows[i].name);
    mn_report_real(report, "spearman", c.rows[i].of.spearman);
    mn_report_real(report, "kendall", c.rows[i].of.kendall);
    mn_report_count(report, "points", c.rows[i].of.points);
    mn_report_end(report);
  }
  mn_report_end(report);
  return MN_OK;
}
