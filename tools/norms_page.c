/* minnorm norms --page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "norms.h"

/* Texts of cells, which a table takes by pointer. */
typedef struct {
  mn_page_cell *cells;
  mn_number *numbers;
  size_t count;
} cells;

static mn_status open_cells(cells *c, size_t most, mn_error *err)
{
  *c = (cells){calloc(most, sizeof *c->cells), calloc(most, sizeof *c->numbers), 0};
  return c->cells && c->numbers ? MN_OK : mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu cells", most);
}

static void close_cells(cells *c)
{
  free(c->cells);
  free(c->numbers);
}

static void add_text(cells *c, const char *text)
{
  c->cells[c->count++] = (mn_page_cell){text, (double)NAN};
}

static void add_number(cells *c, mn_number number, double value)
{
  c->numbers[c->count] = number;
  c->cells[c->count] = (mn_page_cell){c->numbers[c->count].text, value};
  c->count++;
}

static mn_status models(const mn_cli_norms_run *run, mn_page *page, mn_error *err)
{
  static const char *const names[] = {"model", "n", "norm", "training error", "test error", "leave-one-out error"};
  static const int columns[] = {MN_CLI_NORMS_N, MN_CLI_NORMS_NORM, MN_CLI_NORMS_TRAIN, MN_CLI_NORMS_TEST,
                                MN_CLI_NORMS_LOO};
  enum { COLUMNS = sizeof names / sizeof *names };
  cells c;
  mn_status st = open_cells(&c, run->count * COLUMNS, err);
  for (size_t i = 0; !st && i < run->count; i++) {
    const mn_cli_norms_model *m = &run->models[i];
    add_text(&c, m->text);
    for (size_t k = 0; k < COLUMNS - 1; k++)
      add_number(&c, mn_cli_norms_cell(columns[k], m->values[columns[k]]), m->values[columns[k]]);
  }
  if (!st) mn_page_table(page, "Models", COLUMNS, names, run->count, c.cells);
  close_cells(&c);
  return st;
}

static mn_status correlations(const mn_cli_norms_run *run, mn_page *page, mn_error *err)
{
  static const char *const names[] = {"measure",      "models",   "Spearman", "Kendall",
                                      "of true data", "Spearman", "Kendall"};
  enum { COLUMNS = sizeof names / sizeof *names };
  cells c;
  mn_status st = open_cells(&c, run->measure_count * COLUMNS, err);
  for (size_t i = 0; !st && i < run->measure_count; i++) {
    const mn_cli_norms_measure *m = &run->measures[i];
    const mn_rank_correlation *const both[] = {&m->all, &m->plain};
    add_text(&c, mn_cli_norms_name(m->column));
    for (int k = 0; k < 2; k++) {
      add_number(&c, mn_number_count(both[k]->points), (double)both[k]->points);
      add_number(&c, mn_number_real(both[k]->spearman, 3), both[k]->spearman);
      add_number(&c, mn_number_real(both[k]->kendall, 3), both[k]->kendall);
    }
  }
  if (!st) mn_page_table(page, "Rank correlation with the test error", COLUMNS, names, run->measure_count, c.cells);
  close_cells(&c);
  return st;
}

/* A measure against the test error, on a logarithmic axis where all of it is positive. */
static mn_status picture(const mn_cli_norms_run *run, int column, mn_page *page, mn_error *err)
{
  mn_page_series series[MN_CLI_NORMS_KINDS];
  size_t all = run->count * run->kind_count;
  double *space = calloc(2 * all, sizeof *space);
  const char **names = calloc(all, sizeof *names);
  char caption[96];
  int positive = 1;
  mn_status st = space && names ? MN_OK : mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu models", run->count);
  for (size_t k = 0; !st && k < run->kind_count; k++) {
    double *x = space + 2 * k * run->count, *y = x + run->count;
    const char **text = names + k * run->count;
    size_t count = mn_cli_norms_series(run, k, column, x, y, text);
    for (size_t i = 0; i < count; i++) positive = positive && x[i] > 0;
    series[k] = (mn_page_series){run->kinds[k], count, x, y, text};
  }
  snprintf(caption, sizeof caption, "Test error against %s", mn_cli_norms_name(column));
  if (!st)
    mn_page_points(page, &(mn_page_scatter){caption, mn_cli_norms_name(column), "test error", positive, 0,
                                            run->kind_count, series});
  free(space);
  free(names);
  return st;
}

static void introduce(const mn_cli_norms_run *run, mn_page *page)
{
  char text[512];
  mn_info info;
  mn_info_get(&info);
  snprintf(
      text, sizeof text,
      "%zu models, made by minnorm fit and sweep and compared by minnorm norms, version %s. A model is named by its "
      "data, what is made of them, its kernel, and whatever else it differs by. True data: neither labels nor images "
      "are randomised. Click a name above a column to sort by it; point at a mark to see what model it is.",
      run->count, info.version);
  mn_page_paragraph(page, text);
}

mn_status mn_cli_norms_page(const mn_cli_norms_run *run, mn_error *err)
{
  mn_page *page;
  mn_status st = mn_page_open("What predicts the test error of an interpolant", &page, err);
  if (st) return st;
  introduce(run, page);
  if (run->measure_count) st = picture(run, run->measures[0].column, page, err);
  if (!st) st = correlations(run, page, err);
  if (!st) st = models(run, page, err);
  if (!st && run->measure_count > 1) mn_page_heading(page, "Other measures");
  for (size_t i = 1; !st && i < run->measure_count; i++)
    if (mn_cli_norms_drawn(run->measures[i].column)) st = picture(run, run->measures[i].column, page, err);
  if (!st) st = mn_page_write(page, run->cli->values.page, err);
  mn_page_close(&page);
  return st;
}
