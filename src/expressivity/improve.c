/* Pushing the closest projections apart. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "expressivity/projection.h"
#include "linalg/blas.h"

enum {
  PAIRS_MAX = 1536, /* constraints at a time: beyond, a round costs more than it gains */
  TILE = 128,       /* columns of a tile of the pairs' Gram matrix */
  PATIENCE = 8      /* rounds in which delta may fail to be reached */
};
static const double hold = 1.7, overshoot = 1.2, growth = 1.1;

typedef struct {
  mn_projection *p;
  int threads;
  size_t most;   /* pairs that may be constrained at once */
  size_t count;  /* of this round */
  size_t *pairs; /* count: k of the neighbours k and k + 1 */
  double *gaps;  /* p->count: of all neighbours */
  double *x;     /* dim x most: differences of neighbours */
  double *gram;  /* most x most, lower triangle */
  double *move;  /* most: wanted changes of the gaps; then multipliers */
  double *row;   /* 2 x dim */
  double *best;  /* dim: the a of the largest gap so far */
  double best_gap;
  const mn_scaling *scaling;
} pusher;

static mn_status pusher_open(pusher *s, mn_error *err)
{
  size_t dim = s->p->dim;
  s->most = dim * 9 / 10 < PAIRS_MAX ? dim * 9 / 10 : PAIRS_MAX;
  s->pairs = mn_alloc(s->most, sizeof *s->pairs);
  s->gaps = mn_alloc(s->p->count, sizeof *s->gaps);
  s->x = mn_alloc_matrix(dim * s->most, sizeof *s->x);
  s->gram = mn_alloc_matrix(s->most * s->most, sizeof *s->gram);
  s->move = mn_alloc(s->most, sizeof *s->move);
  s->row = mn_alloc(2 * dim, sizeof *s->row);
  s->best = mn_alloc(dim, sizeof *s->best);
  if (s->pairs && s->gaps && s->x && s->gram && s->move && s->row && s->best) return MN_OK;
  return MN_NO_MEMORY(err, s->most * (dim + s->most) * sizeof *s->x);
}

static void pusher_close(pusher *s)
{
  mn_free(s->pairs);
  mn_free(s->gaps);
  mn_free(s->x);
  mn_free(s->gram);
  mn_free(s->move);
  mn_free(s->row);
  mn_free(s->best);
}

static void measure_gaps(pusher *s)
{
  for (size_t k = 0; k + 1 < s->p->count; k++) s->gaps[k] = mn_projection_gap_at(s->p, k);
}

/* The pairs closer than `below`; their number, which is more than s->most when they do not fit. */
static size_t collect(pusher *s, double below)
{
  size_t found = 0;
  for (size_t k = 0; k + 1 < s->p->count; k++) {
    if (!(s->gaps[k] < below)) continue;
    if (found < s->most) s->pairs[found] = k;
    found++;
  }
  return found;
}

/* The largest distance that at most `count` pairs stay below, to a few per cent. */
static double quantile(const pusher *s, size_t count)
{
  double low = s->p->gap, high = s->p->range;
  while (high > 1.02 * low) {
    double middle = sqrt(low * high);
    size_t below = 0;
    for (size_t k = 0; k + 1 < s->p->count; k++) below += s->gaps[k] < middle;
    if (below <= count)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static void fill_differences(pusher *s)
{
  size_t dim = s->p->dim;
  mn_samples samples = mn_samples_of(s->p->data, s->scaling);
  for (size_t k = 0; k < s->count; k++) {
    const mn_sort_entry *pair = &s->p->order[s->pairs[k]];
    double *x = s->x + k * dim;
    mn_samples_rows_f64(&samples, pair[0].item, 1, s->row);
    mn_samples_rows_f64(&samples, pair[1].item, 1, s->row + dim);
    for (size_t j = 0; j < dim; j++) x[j] = s->row[dim + j] - s->row[j];
  }
}

/* Lower triangle of X'X, in tiles, so that the sums do not depend on the number of threads. */
static void fill_gram(pusher *s)
{
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t m = s->count, dim = s->p->dim, tiles = (m + TILE - 1) / TILE;
#pragma omp parallel for num_threads(s->threads) schedule(dynamic)
  for (size_t t = 0; t < tiles * tiles; t++) {
    size_t i = t / tiles * TILE, j = t % tiles * TILE;
    if (i < j) continue;
    size_t rows = m - i < TILE ? m - i : TILE, cols = m - j < TILE ? m - j : TILE;
    blas->gemm('T', 'N', rows, cols, dim, 1, s->x + i * dim, dim, s->x + j * dim, dim, 0, s->gram + i + j * m, m);
  }
}

/* a <- a + X (X'X)^-1 move; 0 when the differences are dependent. */
static int correct(pusher *s, double delta)
{
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t m = s->count, dim = s->p->dim;
  for (size_t k = 0; k < m; k++) {
    double gap = s->gaps[s->pairs[k]];
    s->move[k] = gap < delta ? overshoot * delta - gap : 0;
  }
  fill_differences(s);
  fill_gram(s);
  for (size_t k = 0; k < m; k++) s->gram[k + k * m] *= 1 + 1e-13;
  if (blas->potrf(m, s->gram, m)) return 0;
  blas->trsm('L', 'N', m, 1, s->gram, m, s->move, m);
  blas->trsm('L', 'T', m, 1, s->gram, m, s->move, m);
  blas->gemm('N', 'N', dim, 1, m, 1, s->x, dim, s->move, m, 1, s->p->a, dim);
  if (s->p->exact) mn_projection_round(dim, s->p->a, s->p->grid);
  return !s->p->exact || mn_projection_grid_of(dim, s->p->a) <= s->p->grid;
}

static void keep_best(pusher *s)
{
  if (s->p->gap <= s->best_gap) return;
  s->best_gap = s->p->gap;
  memcpy(s->best, s->p->a, s->p->dim * sizeof *s->best);
}

/* One round at delta; 1 when the way ends here. */
static int push(pusher *s, double delta, mn_status *st, mn_error *err)
{
  s->count = collect(s, hold * delta);
  if (s->count > s->most || !correct(s, delta)) return 1;
  *st = mn_projection_refresh(s->p, s->threads, err);
  if (*st) return 1;
  measure_gaps(s);
  keep_best(s);
  return 0;
}

static mn_status push_all(pusher *s, double seconds, const mn_context *ctx, int *rounds, int *timed_out, mn_error *err)
{
  mn_meter meter;
  mn_status st = MN_OK;
  double start = mn_clock_s(), last = start;
  measure_gaps(s);
  double even = fmax(s->p->range / (double)(s->p->count - 1), s->p->gap); /* beyond it, gaps grow with the range only */
  double delta = fmin(fmax(quantile(s, s->most / 4) / hold, 1.3 * s->p->gap), even);
  mn_meter_open(&meter, ctx, "improve", seconds, "second");
  for (int patience = PATIENCE; patience > 0 && delta <= even;) {
    if (push(s, delta, &st, err)) break;
    ++*rounds;
    if (s->p->gap >= delta) {
      delta *= growth;
      patience = PATIENCE;
    } else {
      patience--;
    }
    double now = mn_clock_s();
    if (mn_meter_add(&meter, now - last)) break;
    *timed_out = now - start + (now - last) > seconds;
    last = now;
    if (*timed_out) break;
  }
  return st ? st : mn_meter_close(&meter, err);
}

mn_status mn_projection_improve(mn_projection *p, double seconds, const mn_context *ctx, int threads, int *rounds,
                                int *timed_out, mn_error *err)
{
  mn_scaling *scaling = NULL;
  pusher s = {.p = p, .threads = threads, .best_gap = p->gap};
  *rounds = *timed_out = 0;
  if (p->dim < 4 || p->count < 3 || !(seconds > 0) || !(p->gap > 0)) return MN_OK;
  mn_status st = mn_scaling_open(MN_SCALE_NONE, p->data, &scaling, err);
  if (!st) st = pusher_open(&s, err);
  if (st) goto done;
  s.scaling = scaling;
  memcpy(s.best, p->a, p->dim * sizeof *p->a);
  st = push_all(&s, seconds, ctx, rounds, timed_out, err);
  if (st) goto done;
  memcpy(p->a, s.best, p->dim * sizeof *p->a);
  st = mn_projection_refresh(p, threads, err);
done:
  pusher_close(&s);
  mn_scaling_close(&scaling);
  return st;
}
