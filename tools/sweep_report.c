/* What minnorm sweep shows and writes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

/* Names in the CSV, and above the table where a column is shown there. */
static const struct {
  const char *name, *title;
} columns[] = {{"n", "n"},
               {"gamma", "gamma"},
               {"ridge", "ridge"},
               {"corrupt", "corrupt"},
               {"seed", "seed"},
               {"dim", "features"},
               {"train_error", "training"},
               {"test_error", "test"},
               {"train_rmse", "train rmse"},
               {"test_rmse", "test rmse"},
               {"r2", "R2"},
               {"loo_error", "left out"},
               {"norm", "norm"},
               {"residual", "residual"},
               {"loo_mse", "loo mse"},
               {"gcv", "gcv"}};

static int shows(const mn_cli_sweep_run *run, int column)
{
  const mn_fit_options *fit = &run->cli->values.fit;
  int classes = fit->task != MN_TASK_REGRESSION && mn_data_has_labels(run->fit.train);
  switch (column) {
  case MN_CLI_SWEEP_GAMMA: /* what was chosen, too */
    return run->options.gamma_count != 1 && mn_cli_kernel_has_gamma(&fit->kernel);
  case MN_CLI_SWEEP_TEST_ERROR:
    return classes && run->fit.test;
  case MN_CLI_SWEEP_TRAIN_ERROR:
    return classes;
  case MN_CLI_SWEEP_TEST_RMSE:
  case MN_CLI_SWEEP_R2:
    return !classes && run->fit.test;
  case MN_CLI_SWEEP_TRAIN_RMSE:
    return !classes;
  case MN_CLI_SWEEP_LOO_ERROR:
    return classes && (fit->loo || fit->measures);
  case MN_CLI_SWEEP_LOO_MSE:
    return !classes && (fit->loo || fit->measures);
  case MN_CLI_SWEEP_GCV:
    return 0; /* in files alone */
  default:
    return column > MN_CLI_SWEEP_DIM || mn_cli_sweep_varies(run, column);
  }
}

static mn_number cell_of(int column, double value)
{
  switch (column) {
  case MN_CLI_SWEEP_N:
  case MN_CLI_SWEEP_DIM:
    return mn_number_count((uint64_t)value);
  case MN_CLI_SWEEP_TRAIN_ERROR:
  case MN_CLI_SWEEP_TEST_ERROR:
  case MN_CLI_SWEEP_LOO_ERROR:
    return mn_number_percent(value);
  case MN_CLI_SWEEP_NORM:
    return mn_number_real(value, 6);
  case MN_CLI_SWEEP_RESIDUAL:
    return mn_number_real(value, 2);
  case MN_CLI_SWEEP_SEED:
    return mn_number_real(value, 17);
  default:
    return mn_number_real(value, 4);
  }
}

/* "11 levels, 3 seeds, 2 ridges". */
static void describe_grid(const mn_cli_sweep_run *run, char *text, size_t size)
{
  const mn_sweep_options *o = &run->options;
  const struct {
    const char *what;
    size_t count;
  } axes[] = {{"numbers of samples", o->n_count}, {"gammas", o->gamma_count},
              {"ridges", o->ridge_count},         {"levels of corruption", o->corrupt_count},
              {"seeds", o->seed_count},           {"numbers of features", run->dim_count}};
  size_t used = (size_t)snprintf(text, size, "%zu point%s", run->count, run->count == 1 ? "" : "s");
  for (size_t i = 0; i < sizeof axes / sizeof *axes && used < size; i++)
    if (axes[i].count > 1) used += (size_t)snprintf(text + used, size - used, ", %zu %s", axes[i].count, axes[i].what);
}

void mn_cli_sweep_head(const mn_cli_sweep_run *run)
{
  char text[256];
  mn_cli_fit_data_line(run->cli, &run->fit);
  mn_cli_fit_products_line(&run->fit);
  mn_cli_describe_kernel(&run->cli->values.fit.kernel, text, sizeof text);
  if (run->options.gamma_count != 1)
    snprintf(text, sizeof text, "%s", mn_kernel_string(run->cli->values.fit.kernel.name));
  mn_cli_line("kernel", "%s", text);
  describe_grid(run, text, sizeof text);
  mn_cli_line("grid", "%s", text);
  if (run->resumed) mn_cli_line("resumed", "after %zu points", run->resumed);
  putchar('\n');
  for (int c = 0; c < MN_CLI_SWEEP_COLUMNS; c++)
    if (shows(run, c)) printf("%11s", columns[c].title);
  putchar('\n');
}

void mn_cli_sweep_row(const mn_cli_sweep_run *run, const mn_cli_sweep_point *point)
{
  for (int c = 0; c < MN_CLI_SWEEP_COLUMNS; c++)
    if (shows(run, c)) printf("%11s", cell_of(c, point->values[c]).text);
  putchar('\n');
}

mn_status mn_cli_sweep_csv(const mn_cli_sweep_run *run, mn_error *err)
{
  const char *names[MN_CLI_SWEEP_COLUMNS + MN_CLI_MEASURES];
  size_t measures = run->cli->values.fit.measures ? MN_CLI_MEASURES : 0, width = MN_CLI_SWEEP_COLUMNS + measures;
  double *values = calloc(run->count, width * sizeof *values);
  if (!values) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu points", run->count);
  for (int c = 0; c < MN_CLI_SWEEP_COLUMNS; c++) names[c] = columns[c].name;
  for (size_t m = 0; m < measures; m++) names[MN_CLI_SWEEP_COLUMNS + m] = mn_cli_measure(m);
  for (size_t i = 0; i < run->count; i++) {
    const mn_cli_sweep_point *p = &run->points[i];
    memcpy(values + i * width, p->values, sizeof p->values);
    memcpy(values + i * width + MN_CLI_SWEEP_COLUMNS, p->measures, measures * sizeof *p->measures);
  }
  mn_status st = mn_report_write_csv(run->cli->values.csv, width, names, run->count, values, err);
  free(values);
  return st;
}

mn_status mn_cli_sweep_json(const mn_cli_sweep_run *run, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(run->cli, &j, err);
  if (st) return st;
  mn_report_text(j, "dataset", run->fit.train->name);
  mn_report_real(j, "threads", mn_cli_threads(run->cli));
  mn_report_count(j, "resumed", run->resumed);
  mn_report_begin_list(j, "points");
  for (size_t i = 0; i < run->count; i++) mn_report_json(j, NULL, run->points[i].line);
  mn_report_end(j);
  return mn_cli_report_finish(run->cli, &j, err);
}
