/* minnorm sweep --log: what the sweep is of in the first line, then a point a line. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

/* Members of a line that the tables have, in the order of the columns. */
static const char *const members[] = {"n_train",     "kernel.gamma", "ridge",      "corrupt",   "seed", "features.dim",
                                      "train_error", "test_error",   "train_rmse", "test_rmse", "r2",   "loo_error",
                                      "norm",        "residual",     "loo_mse",    "gcv"};

static int counts(const mn_option *option)
{
  static const char *const without[] = {"memory", "save-gram", "load-gram"};
  if (!strcmp(option->key, "n")) return 1;
  for (size_t i = 0; i < sizeof without / sizeof *without; i++)
    if (!strcmp(option->key, without[i])) return 0;
  return strcmp(option->group, "Data") && strcmp(option->group, mn_cli_results) && strcmp(option->group, "Running");
}

/* Version, data, and every option that points depend on. */
static mn_status make_header(const mn_cli_sweep_run *run, char **line, mn_error *err)
{
  const mn_cli *cli = run->cli;
  const mn_cli_fit_run *fit = &run->fit;
  mn_report *j = NULL;
  char text[8192];
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_report_text(j, "dataset", fit->train->name);
  mn_data_fingerprint(fit->train, text);
  mn_report_text(j, "training set", text);
  if (fit->test) mn_data_fingerprint(fit->test, text);
  mn_report_text(j, "test set", fit->test ? text : NULL);
  mn_report_text(j, "products of", fit->products ? mn_products_get(fit->products).text : NULL);
  for (size_t i = 0; i < cli->entry_count; i++) {
    const mn_option *o = cli->entries[i].option;
    if (!counts(o)) continue;
    mn_option_get(o, cli->entries[i].target, text, sizeof text);
    mn_report_text(j, o->key, text);
  }
  st = mn_report_line(j, line, err);
  mn_report_close(&j);
  return st;
}

/* The point of a line. */
static mn_status take_line(mn_cli_sweep_run *run, const char *line, size_t *index, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_report_read(line, &j, err);
  if (st) return st;
  double point = mn_report_get(j, "point");
  *index = point >= 0 && point < (double)run->count ? (size_t)point : run->count;
  if (*index < run->count && !run->points[*index].line) {
    mn_cli_sweep_point *p = &run->points[*index];
    for (size_t c = 0; c < MN_CLI_SWEEP_COLUMNS; c++) p->values[c] = mn_report_get(j, members[c]);
    for (size_t m = 0; m < MN_CLI_MEASURES; m++) p->measures[m] = mn_cli_measure_get(j, m);
    run->unfinished += mn_report_get(j, "converged") == 0;
    if (!(p->line = strdup(line))) st = mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu bytes", strlen(line));
  } else {
    st = mn_cli_fail(err, MN_ERR_FORMAT, "a point of this sweep expected, %.40s found", line);
  }
  mn_report_close(&j);
  return st;
}

mn_status mn_cli_sweep_open_log(mn_cli_sweep_run *run, mn_error *err)
{
  const char *path = run->cli->values.log;
  char *header = NULL;
  size_t index;
  if (!path) return MN_OK;
  mn_status st = make_header(run, &header, err);
  if (!st) st = mn_lines_open(path, header, &run->log, err);
  mn_report_free(header);
  for (size_t i = 0; !st && i < mn_lines_count(run->log); i++) {
    st = take_line(run, mn_lines_at(run->log, i), &index, err);
    if (st) {
      mn_error why = *err;
      mn_cli_fail(err, st, "%s: line %zu: %.300s", path, i + 2, why.text);
    }
    run->resumed++;
  }
  return st;
}

mn_status mn_cli_sweep_keep(mn_cli_sweep_run *run, size_t index, const char *line, mn_error *err)
{
  mn_status st = take_line(run, line, &index, err);
  return st || !run->log ? st : mn_lines_append(run->log, line, err);
}
