#include "expressivity/projection.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/status.h"
#include "expressivity/compensated.h"
#include "gram/linear.h"

/* Bits of the sums over bytes: with the grid of kinks and differences of them there are 3 more than these. */
enum { SUM_BITS = 50, ROWS = 256 };

/* ---- distinct points */

static int same_targets(const double *y, size_t columns, mn_pair pair)
{
  for (size_t c = 0; c < columns; c++)
    if (y[pair.first * columns + c] != y[pair.second * columns + c]) return 0;
  return 1;
}

static mn_status check_conflicts(const mn_data *data, size_t columns, const double *y, const mn_pair *pairs,
                                 size_t count, mn_error *err)
{
  size_t conflicts = 0, at = 0;
  for (size_t p = count; p-- > 0;)
    if (!same_targets(y, columns, pairs[p])) conflicts++, at = p;
  if (!conflicts) return MN_OK;
  char more[64] = "";
  if (conflicts > 1) snprintf(more, sizeof more, ", and %zu more such pairs", conflicts - 1);
  return MN_FAIL(err, MN_ERR_DATA,
                 "%s: samples %zu and %zu (from 0) are equal but have different targets%s: no function has both",
                 data->name, pairs[at].first, pairs[at].second, more);
}

static mn_status find_distinct(mn_projection *p, size_t columns, const double *y, mn_error *err)
{
  size_t count, next = 0;
  mn_status st = mn_data_duplicates(p->data, &p->merged, &count, err);
  if (!st) st = check_conflicts(p->data, columns, y, p->merged, count, err);
  for (size_t i = 0; !st && i < p->n; i++) {
    if (next < count && p->merged[next].second == i)
      next++;
    else
      p->keep[p->count++] = i;
  }
  return st;
}

mn_status mn_projection_open(const mn_data *data, size_t columns, const double *y, mn_projection *out, mn_error *err)
{
  size_t n = data->n;
  *out = (mn_projection){.data = data, .n = n, .dim = data->dim, .exact = data->type == MN_U8};
  out->keep = mn_alloc(n, sizeof *out->keep);
  out->a = mn_alloc(data->dim, sizeof *out->a);
  out->hi = mn_alloc(n, sizeof *out->hi);
  out->lo = mn_alloc(n, sizeof *out->lo);
  out->order = mn_alloc(n, sizeof *out->order);
  out->scratch = mn_alloc(n, sizeof *out->scratch);
  mn_status st = MN_OK;
  if (!out->keep || !out->a || !out->hi || !out->lo || !out->order || !out->scratch)
    st = MN_NO_MEMORY(err, n * 7 * sizeof(double) + data->dim * sizeof(double));
  if (!st) st = find_distinct(out, columns, y, err);
  if (st) mn_projection_close(out);
  return st;
}

void mn_projection_close(mn_projection *p)
{
  mn_free(p->keep);
  mn_data_free(p->merged);
  mn_free(p->a);
  mn_free(p->hi);
  mn_free(p->lo);
  mn_free(p->order);
  mn_free(p->scratch);
  *p = (mn_projection){0};
}

/* ---- z */

static mn_status project_exact(const double *a, const mn_samples *samples, int threads, double *hi, double *lo,
                               mn_error *err)
{
  memset(lo, 0, samples->n * sizeof *lo);
  return mn_linear_multiply(samples, threads, 1, a, hi, err);
}

static mn_status project_compensated(const double *a, const mn_samples *samples, int threads, double *hi, double *lo,
                                     mn_error *err)
{
  const mn_compensated *rows = mn_compensated_best();
  size_t n = samples->n, dim = samples->dim, block = ROWS * dim;
  double *x = mn_alloc_matrix(block * (size_t)threads, sizeof *x);
  if (!x) return MN_NO_MEMORY(err, block * (size_t)threads * sizeof *x);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t first = 0; first < n; first += ROWS) {
    double *xb = x + block * (size_t)omp_get_thread_num();
    size_t count = n - first < ROWS ? n - first : ROWS;
    mn_samples_rows_f64(samples, first, count, xb);
    for (size_t i = 0; i < count; i++) rows->dot(dim, xb + i * dim, a, &hi[first + i], &lo[first + i]);
  }
  mn_free(x);
  return MN_OK;
}

mn_status mn_project(const double *a, const mn_data *data, int exact, int threads, double *hi, double *lo,
                     mn_error *err)
{
  mn_scaling *scaling = NULL;
  mn_status st = mn_scaling_open(MN_SCALE_NONE, data, &scaling, err);
  if (st) return st;
  mn_samples samples = mn_samples_of(data, scaling);
  if (exact && data->type == MN_U8)
    st = project_exact(a, &samples, threads, hi, lo, err);
  else
    st = project_compensated(a, &samples, threads, hi, lo, err);
  mn_scaling_close(&scaling);
  return st;
}

/* ---- order */

double mn_projection_gap_at(const mn_projection *p, size_t k)
{
  size_t i = p->order[k].item, j = p->order[k + 1].item;
  return (p->hi[j] - p->hi[i]) + (p->lo[j] - p->lo[i]);
}

/* Entries of equal hi by lo; such runs are short, if there are any. */
static void order_rests(mn_projection *p)
{
  for (size_t k = 1; k < p->count; k++)
    for (size_t m = k;
         m > 0 && p->order[m].key == p->order[m - 1].key && p->lo[p->order[m].item] < p->lo[p->order[m - 1].item];
         m--) {
      mn_sort_entry entry = p->order[m];
      p->order[m] = p->order[m - 1];
      p->order[m - 1] = entry;
    }
}

static double power_of_two_above(double x)
{
  int exponent;
  frexp(x, &exponent);
  return ldexp(1, exponent);
}

mn_status mn_projection_refresh(mn_projection *p, int threads, mn_error *err)
{
  mn_status st = mn_project(p->a, p->data, p->exact, threads, p->hi, p->lo, err);
  if (st) return st;
  for (size_t k = 0; k < p->count; k++) {
    double z = p->hi[p->keep[k]];
    if (!isfinite(z)) return MN_FAIL(err, MN_ERR_DATA, "%s: values too large to be projected", p->data->name);
    p->order[k] = (mn_sort_entry){mn_sort_key(z + 0.0), p->keep[k]};
  }
  mn_sort_entries(p->count, p->order, p->scratch);
  order_rests(p);
  double first = p->hi[p->order[0].item], last = p->hi[p->order[p->count - 1].item];
  p->range = last - first;
  p->gap = INFINITY;
  for (size_t k = 0; k + 1 < p->count; k++) p->gap = fmin(p->gap, mn_projection_gap_at(p, k));
  p->grid = p->exact ? mn_projection_grid_of(p->dim, p->a)
                     : power_of_two_above(fmax(fabs(first), fabs(last))) * ldexp(1, -SUM_BITS);
  return MN_OK;
}

/* ---- drawing */

double mn_projection_grid_of(size_t dim, const double *a)
{
  double sum = 0;
  for (size_t j = 0; j < dim; j++) sum += fabs(a[j]);
  return power_of_two_above(255 * 1.25 * sum) * ldexp(1, -SUM_BITS); /* a quarter of room for corrections */
}

void mn_projection_round(size_t dim, double *a, double grid)
{
  for (size_t j = 0; j < dim; j++) a[j] = nearbyint(a[j] / grid) * grid;
}

/* On one feature every direction is the same one; 1 keeps it exact. The scale is a power of two that brings the values
 * to about 1. */
static void draw(const mn_projection *p, size_t candidate, const double *factor, double scale, uint64_t seed, double *a)
{
  mn_random r = mn_random_open(seed, MN_STREAM_PROJECTION, candidate);
  for (size_t j = 0; j < p->dim; j++) a[j] = mn_random_normal(&r) * (factor ? factor[j] : scale);
  if (p->dim == 1) a[0] = scale;
  if (p->exact) mn_projection_round(p->dim, a, mn_projection_grid_of(p->dim, a));
}

/* 2^-e for values below 2^e. */
static double scale_of(const mn_data *data, mn_error *err, mn_status *st)
{
  mn_data_summary s;
  if (data->type == MN_U8) return ldexp(1, -8);
  *st = mn_data_summarise(data, &s, err);
  if (*st) return 0;
  double most = fmax(fabs(s.min), fabs(s.max));
  return most > 0 ? 1 / power_of_two_above(fmin(fmax(most, 1e-300), 1e300)) : 1;
}

/* Least gap of z, n values of which those of distinct points count. entries: count, and as many again for scratch. */
static double least_gap(const mn_projection *p, const double *z, mn_sort_entry *entries)
{
  double gap = INFINITY;
  for (size_t k = 0; k < p->count; k++) entries[k] = (mn_sort_entry){mn_sort_key(z[p->keep[k]] + 0.0), k};
  mn_sort_entries(p->count, entries, entries + p->count);
  for (size_t k = 0; k + 1 < p->count; k++)
    gap = fmin(gap, mn_sort_value(entries[k + 1].key) - mn_sort_value(entries[k].key));
  return gap;
}

/* What the candidates are tried with. */
typedef struct {
  size_t chunk;           /* candidates at a time */
  double *a;              /* dim x candidates */
  double *z;              /* n x chunk */
  double *gaps;           /* candidates */
  mn_sort_entry *entries; /* 2 count a thread */
} trial;

static mn_status trial_open(const mn_projection *p, size_t candidates, int threads, trial *t, mn_error *err)
{
  const size_t most = (size_t)1 << 24;
  t->chunk = most / p->n;
  if (t->chunk > candidates) t->chunk = candidates;
  if (!t->chunk) t->chunk = 1;
  t->a = mn_alloc(p->dim * candidates, sizeof *t->a);
  t->z = mn_alloc_matrix(p->n * t->chunk, sizeof *t->z);
  t->gaps = mn_alloc(candidates, sizeof *t->gaps);
  t->entries = mn_alloc(2 * p->count * (size_t)threads, sizeof *t->entries);
  if (t->a && t->z && t->gaps && t->entries) return MN_OK;
  return MN_NO_MEMORY(err, p->n * t->chunk * sizeof *t->z + 2 * p->count * (size_t)threads * sizeof *t->entries);
}

static void trial_close(trial *t)
{
  mn_free(t->a);
  mn_free(t->z);
  mn_free(t->gaps);
  mn_free(t->entries);
}

static mn_status try_all(const mn_projection *p, const mn_samples *samples, size_t candidates, trial *t, int threads,
                         mn_meter *meter, mn_error *err)
{
  mn_status st = MN_OK;
  for (size_t first = 0; !st && first < candidates; first += t->chunk) {
    size_t count = candidates - first < t->chunk ? candidates - first : t->chunk;
    st = mn_linear_multiply(samples, threads, count, t->a + first * p->dim, t->z, err);
    if (st) break;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t c = 0; c < count; c++)
      t->gaps[first + c] = least_gap(p, t->z + c * p->n, t->entries + 2 * p->count * (size_t)omp_get_thread_num());
    if (mn_meter_add(meter, (double)count)) break;
  }
  return st;
}

mn_status mn_projection_draw(mn_projection *p, size_t candidates, const double *factor, uint64_t seed,
                             const mn_context *ctx, int threads, mn_error *err)
{
  mn_scaling *scaling = NULL;
  mn_meter meter;
  trial t = {0};
  size_t best = 0;
  mn_status st = MN_OK;
  double scale = scale_of(p->data, err, &st);
  if (p->dim == 1) candidates = 1;
  if (!st) st = mn_scaling_open(MN_SCALE_NONE, p->data, &scaling, err);
  if (!st) st = trial_open(p, candidates, threads, &t, err);
  if (st) goto done;
  for (size_t c = 0; c < candidates; c++) draw(p, c, factor, scale, seed, t.a + c * p->dim);
  mn_samples samples = mn_samples_of(p->data, scaling);
  mn_meter_open(&meter, ctx, "project", (double)candidates, "direction");
  st = try_all(p, &samples, candidates, &t, threads, &meter, err);
  if (!st) st = mn_meter_close(&meter, err);
  if (st) goto done;
  for (size_t c = 1; c < candidates; c++)
    if (t.gaps[c] > t.gaps[best]) best = c;
  memcpy(p->a, t.a + best * p->dim, p->dim * sizeof *p->a);
  st = mn_projection_refresh(p, threads, err);
done:
  trial_close(&t);
  mn_scaling_close(&scaling);
  return st;
}
