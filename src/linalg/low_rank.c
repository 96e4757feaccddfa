#include "linalg/low_rank.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/status.h"
#include "linalg/blas.h"

enum { BLOCK = MN_LOW_RANK_BLOCK, ROWS = 2048, ATTEMPTS = 6 }; /* rows of a tile of F; shifts tried */

static size_t at_most(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* ---- pivots */

typedef struct {
  const mn_symmetric *k;
  double ridge;
  int threads;
  mn_meter meter; /* in flops: n rank^2 */
  mn_random random;
  float *diagonal; /* n: of K */
  double trace;    /* of K */
  size_t *pivots;  /* of the block at hand: BLOCK */
  float *rows;     /* BLOCK x rank: F at the pivots */
  float *corner;   /* BLOCK x BLOCK */
} builder;

static double sum_of(const double *v, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += v[i];
  return sum;
}

/* Draws at most `most` different pivots, which ascend; returns how many. */
static size_t draw_pivots(builder *b, const double *left, size_t most)
{
  size_t n = b->k->n, count = 0;
  double total = sum_of(left, n), places[BLOCK];
  if (!(total > 1e-7 * b->trace)) return 0;
  for (size_t d = 0; d < most; d++) places[d] = mn_random_uniform(&b->random) * total;
  for (size_t d = 0; d < most; d++) { /* the places ascend after sorting by insertion */
    double place = places[d];
    size_t m = d;
    for (; m > 0 && places[m - 1] > place; m--) places[m] = places[m - 1];
    places[m] = place;
  }
  double sum = 0;
  for (size_t i = 0, d = 0; i < n && d < most; i++) {
    if (!(left[i] > 0)) continue; /* not even for a place of 0: what is left over there is nothing to divide by */
    sum += left[i];
    if (places[d] > sum) continue;
    b->pivots[count++] = i;
    while (d < most && places[d] <= sum) d++;
  }
  return count;
}

/* ---- columns */

/* g = K(:, S) + ridge I(:, S), and the rows S of F. */
static mn_status gather(builder *b, const mn_low_rank *p, size_t count, float *g, mn_error *err)
{
  mn_status st = b->k->columns(b->k->arg, count, b->pivots, g, err);
  if (st) return st;
  for (size_t s = 0; s < count; s++) {
    g[b->pivots[s] + s * p->n] += (float)b->ridge;
    for (size_t c = 0; c < p->rank; c++) b->rows[s + c * BLOCK] = p->f[b->pivots[s] + c * p->n];
  }
  return MN_OK;
}

/* g -= F F(S, :)' */
static void subtract_earlier(builder *b, const mn_low_rank *p, size_t count, float *g)
{
  const mn_blas *blas = mn_blas_of(MN_F32);
  size_t n = p->n, rank = p->rank;
#pragma omp parallel for num_threads(b->threads) schedule(dynamic)
  for (size_t i = 0; i < n; i += ROWS) {
    size_t rows = at_most(ROWS, n - i);
    if (!rank || mn_meter_cancelled(&b->meter)) continue;
    blas->gemm('N', 'T', rows, count, rank, -1, p->f + i, n, b->rows, BLOCK, 1, g + i, n);
    mn_meter_add(&b->meter, 2 * (double)rows * (double)count * (double)rank);
  }
}

/* Cholesky factor of the rows S of g, with a shift that grows until every pivot is positive; 0 when it never is, and
 * what is left over is rounding. The first shift is above the rounding of K itself, and far below what matters of g. */
static int factor_corner(builder *b, size_t n, size_t count, const float *g)
{
  double shift = 0;
  for (size_t s = 0; s < count; s++) {
    double rounding = 4 * 0x1p-24 * ((double)b->diagonal[b->pivots[s]] + b->ridge);
    shift = fmax(shift, fmax(1e-6 * (double)g[b->pivots[s] + s * n], rounding));
  }
  for (int attempt = 0; attempt < ATTEMPTS; attempt++, shift *= 10) {
    for (size_t s = 0; s < count; s++)
      for (size_t t = 0; t < count; t++) b->corner[t + s * BLOCK] = g[b->pivots[t] + s * n];
    for (size_t s = 0; s < count; s++) b->corner[s + s * BLOCK] += (float)shift;
    if (!mn_blas_of(MN_F32)->potrf(count, b->corner, BLOCK)) return 1;
  }
  return 0;
}

/* g divided by that factor becomes columns of F, the factor itself their rows S; what they leave of the diagonal. */
static void divide(builder *b, size_t n, size_t count, float *g, double *left)
{
#pragma omp parallel for num_threads(b->threads) schedule(dynamic)
  for (size_t i = 0; i < n; i += ROWS) {
    size_t rows = at_most(ROWS, n - i);
    mn_blas_of(MN_F32)->trsm('R', 'T', rows, count, b->corner, BLOCK, g + i, n);
    for (size_t s = 0; s < count; s++)
      for (size_t r = i; r < i + rows; r++) left[r] -= (double)g[r + s * n] * (double)g[r + s * n];
    for (size_t r = i; r < i + rows; r++) left[r] = fmax(left[r], 0);
    mn_meter_add(&b->meter, (double)rows * (double)count * (double)count);
  }
  for (size_t s = 0; s < count; s++) {
    left[b->pivots[s]] = 0;
    for (size_t t = 0; t < count; t++) g[b->pivots[t] + s * n] = t < s ? 0 : b->corner[t + s * BLOCK];
  }
}

/* F's next columns: (K + ridge I)(:, S) - F F(S, :)', divided by the Cholesky factor of its rows S; 0: there are none.
 */
static mn_status append(builder *b, mn_low_rank *p, size_t count, int *appended, mn_error *err)
{
  float *g = p->f + p->rank * p->n;
  mn_status st = gather(b, p, count, g, err);
  *appended = 0;
  if (st) return st;
  subtract_earlier(b, p, count, g);
  if (!factor_corner(b, p->n, count, g)) return MN_OK;
  divide(b, p->n, count, g, p->left);
  memcpy(p->pivots + p->rank, b->pivots, count * sizeof *p->pivots);
  p->rank += count;
  *appended = 1;
  return MN_OK;
}

/* The diagonal, from elements asked for BLOCK at a time. */
static mn_status take_diagonal(builder *b, double *left, mn_error *err)
{
  size_t n = b->k->n;
  for (size_t i = 0; i < n; i += BLOCK) {
    size_t count = at_most(BLOCK, n - i);
    for (size_t k = 0; k < count; k++) b->pivots[k] = i + k;
    mn_status st = b->k->elements(b->k->arg, count, b->pivots, b->pivots, b->diagonal + i, err);
    if (st) return st;
  }
  for (size_t i = 0; i < n; i++) left[i] = (double)b->diagonal[i];
  b->trace = sum_of(left, n);
  return MN_OK;
}

/* What matters of K must be normal numbers of single precision, and so must its products with the columns of F. */
static mn_status check_scale(const builder *b, mn_error *err)
{
  static const double least = 1e-35;
  double largest = 0;
  for (size_t i = 0; i < b->k->n && !isnan(largest); i++) {
    double own = (double)b->diagonal[i] + b->ridge;
    if (!(own <= largest)) largest = own; /* NaN as well */
  }
  if (largest == 0 || (largest >= least && largest <= FLT_MAX)) return MN_OK;
  return MN_FAIL(err, MN_ERR_DATA,
                 "the Gram matrix has diagonal elements of %.1e, beyond single precision: scale the features (--scale)",
                 largest);
}

static mn_status builder_open(builder *b, size_t rank, double *left, mn_error *err)
{
  size_t n = b->k->n;
  b->diagonal = mn_alloc(n, sizeof *b->diagonal);
  b->pivots = mn_alloc(BLOCK, sizeof *b->pivots);
  b->rows = mn_alloc_matrix(rank * BLOCK, sizeof *b->rows);
  b->corner = mn_alloc_matrix((size_t)BLOCK * BLOCK, sizeof *b->corner);
  if (!b->diagonal || !b->pivots || !b->rows || !b->corner)
    return MN_NO_MEMORY(err, n * sizeof *b->diagonal + rank * BLOCK * sizeof *b->rows);
  mn_status st = take_diagonal(b, left, err);
  return st ? st : check_scale(b, err);
}

static void builder_close(builder *b)
{
  mn_free(b->diagonal);
  mn_free(b->pivots);
  mn_free(b->rows);
  mn_free(b->corner);
}

static mn_status build(builder *b, mn_low_rank *p, size_t rank, const mn_context *ctx, mn_error *err)
{
  int appended = 1;
  mn_status st = MN_OK;
  mn_meter_open(&b->meter, ctx, "precondition", (double)p->n * (double)rank * (double)(rank + BLOCK), "flop");
  while (!st && appended && p->rank < rank && !mn_meter_cancelled(&b->meter)) {
    size_t count = draw_pivots(b, p->left, at_most(BLOCK, rank - p->rank));
    if (!count) break;
    st = append(b, p, count, &appended, err);
  }
  p->trace_left = b->trace > 0 ? sum_of(p->left, p->n) / b->trace : 0;
  return st ? st : mn_meter_close(&b->meter, err);
}

double mn_low_rank_bytes(size_t n, size_t rank)
{
  double r = (double)rank, dn = (double)n;
  return dn * (r * sizeof(float) + sizeof(double) + sizeof(float)) + r * sizeof(size_t) +
         (r + BLOCK) * BLOCK * sizeof(float);
}

mn_status mn_low_rank_open(const mn_symmetric *k, size_t rank, double ridge, uint64_t seed, int threads,
                           const mn_context *ctx, mn_low_rank **out, mn_error *err)
{
  builder b = {.k = k, .ridge = ridge, .threads = threads, .random = mn_random_open(seed, MN_STREAM_PIVOT, 0)};
  mn_low_rank *p = mn_calloc(1, sizeof *p);
  *out = NULL;
  if (!p) return MN_NO_MEMORY(err, sizeof *p);
  p->n = k->n;
  rank = at_most(rank, k->n);
  p->f = mn_alloc_matrix(p->n * rank, sizeof *p->f);
  p->pivots = mn_alloc(rank, sizeof *p->pivots);
  p->left = mn_alloc(p->n, sizeof *p->left);
  mn_status st = p->f && p->pivots && p->left ? builder_open(&b, rank, p->left, err)
                                              : MN_NO_MEMORY(err, p->n * rank * sizeof *p->f);
  if (!st) st = build(&b, p, rank, ctx, err);
  builder_close(&b);
  if (st)
    mn_low_rank_close(&p);
  else
    *out = p;
  return st;
}

void mn_low_rank_close(mn_low_rank **p)
{
  if (!*p) return;
  mn_free((*p)->f);
  mn_free((*p)->pivots);
  mn_free((*p)->left);
  mn_free(*p);
  *p = NULL;
}
