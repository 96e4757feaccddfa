/* minnorm norms: reads the reports of fits and sweeps, and compares what may predict generalisation with the test
 * errors. */
#include "norms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As members of a report are called, but for the measures. */
static const char *const members[MN_CLI_NORMS_MEASURES] = {"n_train",   "kernel.gamma", "ridge",      "corrupt",
                                                           "seed",      "train_error",  "test_error", "norm",
                                                           "loo_error", "loo_mse",      "gcv"};

const char *mn_cli_norms_name(int column)
{
  return column < MN_CLI_NORMS_MEASURES ? members[column] : mn_cli_measure((size_t)(column - MN_CLI_NORMS_MEASURES));
}

int mn_cli_norms_compared(int column)
{
  return column >= MN_CLI_NORMS_MEASURES ? mn_cli_measure_compared((size_t)(column - MN_CLI_NORMS_MEASURES))
                                         : column >= MN_CLI_NORMS_NORM;
}

int mn_cli_norms_drawn(int column)
{
  static const char *const names[] = {"norm",           "loo_error",   "rademacher_bound",
                                      "stability_mean", "random_norm", "normalised_margin_tenth"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(mn_cli_norms_name(column), names[i])) return 1;
  return 0;
}

/* ---- reading */

static mn_status find_kind(mn_cli_norms_run *run, const char *text, size_t *kind, mn_error *err)
{
  for (*kind = 0; *kind < run->kind_count; ++*kind)
    if (!strcmp(run->kinds[*kind], text)) return MN_OK;
  if (*kind == MN_CLI_NORMS_KINDS)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "more than %d kinds of models, %.60s the last of them", MN_CLI_NORMS_KINDS,
                       text);
  snprintf(run->kinds[run->kind_count++], sizeof run->kinds[0], "%s", text);
  return MN_OK;
}

static const char *text_of(const mn_report *report, const char *name, const char *otherwise)
{
  const char *text = mn_report_get_text(report, name);
  return text ? text : otherwise;
}

static void add_setting(char *text, size_t size, const char *format, double value)
{
  size_t used = strlen(text);
  if (isfinite(value) && used < size) snprintf(text + used, size - used, format, value);
}

/* "mnist, gabor: gaussian, gamma 0.08, n 60000, ridge 0.001, targets pm1, corrupt 0.5, seed 1". */
static void describe(const mn_report *report, const char *kind, mn_cli_norms_model *m)
{
  const char *variant = text_of(report, "variant", "true"), *targets = text_of(report, "targets", "onehot");
  const double *v = m->values;
  snprintf(m->text, sizeof m->text, "%s: %s", kind, text_of(report, "kernel.name", "?"));
  add_setting(m->text, sizeof m->text, ", gamma %.4g", v[MN_CLI_NORMS_GAMMA]);
  add_setting(m->text, sizeof m->text, ", n %.0f", v[MN_CLI_NORMS_N]);
  add_setting(m->text, sizeof m->text, ", %.0f features", mn_report_get(report, "features.dim"));
  if (v[MN_CLI_NORMS_RIDGE] > 0) add_setting(m->text, sizeof m->text, ", ridge %.3g", v[MN_CLI_NORMS_RIDGE]);
  size_t used = strlen(m->text);
  if (strcmp(targets, "onehot")) snprintf(m->text + used, sizeof m->text - used, ", targets %s", targets);
  if (v[MN_CLI_NORMS_CORRUPT] > 0) {
    add_setting(m->text, sizeof m->text, ", corrupt %.3g", v[MN_CLI_NORMS_CORRUPT]);
    add_setting(m->text, sizeof m->text, ", seed %.0f", v[MN_CLI_NORMS_SEED]);
  }
  used = strlen(m->text);
  m->plain = !strcmp(variant, "true") && !(v[MN_CLI_NORMS_CORRUPT] > 0);
  if (strcmp(variant, "true")) snprintf(m->text + used, sizeof m->text - used, ", %s", variant);
}

static void add_figures(mn_cli_norms_model *m)
{
  const double *v = m->values;
  snprintf(m->figures, sizeof m->figures, "%s; norm %s, test error %s", m->text,
           mn_cli_norms_cell(MN_CLI_NORMS_NORM, v[MN_CLI_NORMS_NORM]).text,
           mn_cli_norms_cell(MN_CLI_NORMS_TEST, v[MN_CLI_NORMS_TEST]).text);
}

/* A sweep's log and its report hold the same models. */
static int counted(const mn_cli_norms_run *run, const mn_cli_norms_model *m)
{
  for (size_t i = 0; i < run->count; i++)
    if (!strcmp(run->models[i].text, m->text) && !memcmp(run->models[i].values, m->values, sizeof m->values)) return 1;
  return 0;
}

static mn_status take(void *user, const mn_report *report, mn_error *err)
{
  mn_cli_norms_run *run = user;
  if (run->count == run->room) {
    size_t room = run->room ? 2 * run->room : 64;
    mn_cli_norms_model *models = realloc(run->models, room * sizeof *models);
    if (!models) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu models", room);
    run->models = models, run->room = room;
  }
  mn_cli_norms_model *m = &run->models[run->count];
  const char *map = text_of(report, "features.name", "none");
  char kind[64];
  for (int c = 0; c < MN_CLI_NORMS_MEASURES; c++) m->values[c] = mn_report_get(report, members[c]);
  for (size_t i = 0; i < MN_CLI_MEASURES; i++) m->values[MN_CLI_NORMS_MEASURES + i] = mn_cli_measure_get(report, i);
  snprintf(kind, sizeof kind, "%s, %s", text_of(report, "dataset", "?"), strcmp(map, "none") ? map : "pixels");
  mn_status st = find_kind(run, kind, &m->kind, err);
  if (st) return st;
  describe(report, kind, m);
  add_figures(m);
  run->count += !counted(run, m);
  return MN_OK;
}

/* ---- comparing */

/* Of the models in question; of the others the test error does not count. */
static mn_status correlate(const mn_cli_norms_run *run, int column, int plain, double *space, mn_rank_correlation *out,
                           mn_error *err)
{
  double *x = space, *y = space + run->count;
  for (size_t i = 0; i < run->count; i++) {
    const mn_cli_norms_model *m = &run->models[i];
    x[i] = m->values[column];
    y[i] = plain && !m->plain ? (double)NAN : m->values[MN_CLI_NORMS_TEST];
  }
  return mn_report_correlate(run->count, x, y, 6, out, err);
}

static mn_status compare(mn_cli_norms_run *run, mn_error *err)
{
  double *space = calloc(2 * run->count, sizeof *space);
  mn_status st = space ? MN_OK : mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu models", run->count);
  for (int c = 0; !st && c < MN_CLI_NORMS_COLUMNS; c++) {
    mn_cli_norms_measure *m = &run->measures[run->measure_count];
    if (!mn_cli_norms_compared(c)) continue;
    m->column = c;
    st = correlate(run, c, 0, space, &m->all, err);
    if (!st) st = correlate(run, c, 1, space, &m->plain, err);
    if (!st && m->all.points) run->measure_count++;
  }
  free(space);
  return st;
}

size_t mn_cli_norms_series(const mn_cli_norms_run *run, size_t kind, int column, double *x, double *y,
                           const char **names)
{
  size_t count = 0;
  for (size_t i = 0; i < run->count; i++) {
    const mn_cli_norms_model *m = &run->models[i];
    if (m->kind != kind || !isfinite(m->values[column]) || !isfinite(m->values[MN_CLI_NORMS_TEST])) continue;
    x[count] = m->values[column];
    y[count] = m->values[MN_CLI_NORMS_TEST];
    names[count++] = m->figures;
  }
  return count;
}

/* ---- the command */

static mn_status check(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  if (!cli->word_count) return mn_cli_fail(err, MN_ERR_ARGUMENT, "files of results expected: what fit or sweep wrote");
  mn_status st = mn_cli_check_outputs(cli, err);
  if (!st && v->page) st = mn_report_check_path(v->page, err);
  return st || !v->plot ? st : mn_plot_check_path(v->plot, err);
}

mn_status mn_cli_norms(mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_cli_norms_run run = {.cli = cli};
  mn_status st = check(cli, err);
  for (int i = 0; !st && i < cli->word_count; i++) st = mn_report_each(cli->words[i], "norm", take, &run, err);
  if (!st) st = compare(&run, err);
  int page_only = v->page && !strcmp(v->page, "-");
  if (!st && mn_cli_shows_table(cli) && !page_only) mn_cli_norms_table(&run);
  if (!st && v->json) st = mn_cli_norms_json(&run, err);
  if (!st && v->plot) st = mn_cli_norms_plot(&run, err);
  if (!st && v->page) st = mn_cli_norms_page(&run, err);
  free(run.models);
  return st;
}
