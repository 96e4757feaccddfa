/* Rank correlation of two columns: Spearman's rho and Kendall's tau-b (Kendall 1945), by sorting (Knight 1966). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/sort.h"
#include "core/status.h"
#include "minnorm/report.h"

/* count rows where both are numbers. */
typedef struct {
  size_t count;
  double *values[2];      /* then ranks, of equal values their mean */
  double *merged;         /* count */
  mn_sort_entry *entries; /* count, and as many of scratch */
} columns;

/* No zero is below another. */
static double rounded(double value, int digits)
{
  char text[64];
  if (!digits || !isfinite(value)) return value + 0.0;
  snprintf(text, sizeof text, "%.*e", digits - 1, value);
  return strtod(text, NULL) + 0.0;
}

static mn_status open_columns(columns *c, size_t n, const double *x, const double *y, int digits, mn_error *err)
{
  double *space = mn_alloc(3 * n, sizeof *space);
  c->values[0] = space;
  c->entries = mn_alloc(2 * n, sizeof *c->entries);
  if (!space || !c->entries) return MN_NO_MEMORY(err, 2 * n * sizeof *c->entries);
  c->values[1] = space + n, c->merged = space + 2 * n;
  for (size_t i = 0; i < n; i++) {
    if (isnan(x[i]) || isnan(y[i])) continue;
    c->values[0][c->count] = rounded(x[i], digits);
    c->values[1][c->count++] = rounded(y[i], digits);
  }
  return MN_OK;
}

static void sort(columns *c)
{
  mn_sort_entries(c->count, c->entries, c->entries + c->count);
}

static double pairs(size_t count)
{
  return 0.5 * (double)count * ((double)count - 1);
}

/* Pairs of equal values, which become ranks. */
static double rank(columns *c, int column)
{
  double *values = c->values[column], tied = 0;
  for (size_t i = 0; i < c->count; i++) c->entries[i] = (mn_sort_entry){mn_sort_key(values[i]), i};
  sort(c);
  for (size_t first = 0, end; first < c->count; first = end) {
    for (end = first + 1; end < c->count && c->entries[end].key == c->entries[first].key;) end++;
    for (size_t i = first; i < end; i++) values[c->entries[i].item] = 0.5 * (double)(first + 1 + end);
    tied += pairs(end - first);
  }
  return tied;
}

/* Correlation of the ranks. */
static double spearman_of(const columns *c)
{
  double sums[3] = {0}, mean = 0.5 * ((double)c->count + 1);
  for (size_t i = 0; i < c->count; i++) {
    double x = c->values[0][i] - mean, y = c->values[1][i] - mean;
    sums[0] += x * y, sums[1] += x * x, sums[2] += y * y;
  }
  return sums[0] / sqrt(sums[1] * sums[2]);
}

/* Merges two runs that ascend, of `values`; returns how many pairs were in the other order. */
static double merge(double *values, size_t first, size_t middle, size_t end, double *out)
{
  double swapped = 0;
  size_t left = first, right = middle;
  for (size_t k = first; k < end; k++) {
    int take_left = right == end || (left < middle && values[left] <= values[right]);
    if (!take_left) swapped += (double)(middle - left);
    out[k] = values[take_left ? left++ : right++];
  }
  memcpy(values + first, out + first, (end - first) * sizeof *out);
  return swapped;
}

/* Sorts y in the order of x, and of y where x is equal: each exchange is a pair in opposite order. `both`: pairs that
 * are equal in x and y. */
static double count_swaps(columns *c, double *both)
{
  double *y = c->values[1], *sorted = c->values[0], swapped = 0;
  size_t n = c->count, run = 0;
  for (size_t k = 0; k < n; k++) /* which are in the order of y */
    c->entries[k].key = mn_sort_key(c->values[0][c->entries[k].item]);
  sort(c);
  *both = 0;
  for (size_t k = 0; k < n; k++) {
    sorted[k] = y[c->entries[k].item];
    run = k && c->entries[k].key == c->entries[k - 1].key && sorted[k] == sorted[k - 1] ? run + 1 : 0;
    *both += (double)run;
  }
  for (size_t width = 1; width < n; width *= 2)
    for (size_t first = 0; first + width < n; first += 2 * width) {
      size_t end = first + 2 * width < n ? first + 2 * width : n;
      swapped += merge(sorted, first, first + width, end, c->merged);
    }
  return swapped;
}

mn_status mn_report_correlate(size_t n, const double *x, const double *y, int digits, mn_rank_correlation *out,
                              mn_error *err)
{
  columns c = {0};
  *out = (mn_rank_correlation){0, NAN, NAN};
  mn_status st = open_columns(&c, n, x, y, digits, err);
  if (st) goto done;
  double tied_x = rank(&c, 0), tied_y = rank(&c, 1), all = pairs(c.count), both;
  out->points = c.count;
  if (tied_x == all || tied_y == all) goto done; /* no order */
  out->spearman = spearman_of(&c);
  double opposite = count_swaps(&c, &both);
  out->kendall = (all - tied_x - tied_y + both - 2 * opposite) / sqrt((all - tied_x) * (all - tied_y));
done:
  mn_free(c.values[0]);
  mn_free(c.entries);
  return st;
}
