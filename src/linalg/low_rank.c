#include "linalg/low_rank.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/status.h"
#include "linalg/blas.h"
#include "linalg/narrow.h"
#include "linalg/skinny.h"

/* v - F (...) cancels to mu / (mu + eigenvalue) of v, which single precision has to resolve. */
#define MU_LEAST (16 * 0x1p-24)

enum { BLOCK = 256, ROWS = 2048, ATTEMPTS = 6 }; /* pivots drawn at a time; rows of a tile of F; shifts tried */

static size_t at_most(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* ---- pivots */

typedef struct {
  const mn_panels *k;
  int threads;
  mn_meter meter; /* in flops: n rank^2 for the columns, as many for the core */
  mn_random random;
  double *left;   /* n: diagonal of K - F F' */
  double trace;   /* of K */
  size_t *pivots; /* BLOCK */
  float *rows;    /* BLOCK x rank: F at the pivots */
  float *corner;  /* BLOCK x BLOCK */
} builder;

static float diagonal(const mn_panels *k, size_t i)
{
  return *(const float *)mn_panels_at(k, i, i);
}

static double sum_of(const double *v, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += v[i];
  return sum;
}

/* Draws at most `most` different pivots, which ascend; returns how many. */
static size_t draw_pivots(builder *b, size_t most)
{
  size_t n = b->k->n, count = 0;
  double total = sum_of(b->left, n), places[BLOCK];
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
    sum += b->left[i];
    if (places[d] > sum) continue;
    b->pivots[count++] = i;
    while (d < most && places[d] <= sum) d++;
  }
  return count;
}

/* ---- columns */

/* Column j of K from its lower triangle, n elements. */
static void copy_column(const mn_panels *k, size_t j, float *out)
{
  size_t w = k->width, own = j / w;
  for (size_t panel = 0; panel <= own; panel++) {
    size_t first = panel * w, end = panel == own ? j : first + w, ld = k->panel[panel].ld;
    const float *row = mn_panels_at(k, j, first);
    for (size_t c = first; c < end; c++) out[c] = row[(c - first) * ld];
  }
  memcpy(out + j, mn_panels_at(k, j, j), (k->n - j) * sizeof *out);
}

/* g = K(:, S), and the rows S of F. */
static void gather(builder *b, const mn_low_rank *p, size_t count, float *g)
{
#pragma omp parallel for num_threads(b->threads) schedule(dynamic)
  for (size_t s = 0; s < count; s++) {
    copy_column(b->k, b->pivots[s], g + s * p->n);
    for (size_t c = 0; c < p->rank; c++) b->rows[s + c * BLOCK] = p->f[b->pivots[s] + c * p->n];
  }
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
    double rounding = 4 * 0x1p-24 * (double)diagonal(b->k, b->pivots[s]);
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

/* g divided by that factor becomes columns of F; what they leave of the diagonal. */
static void divide(builder *b, size_t n, size_t count, float *g)
{
#pragma omp parallel for num_threads(b->threads) schedule(dynamic)
  for (size_t i = 0; i < n; i += ROWS) {
    size_t rows = at_most(ROWS, n - i);
    mn_blas_of(MN_F32)->trsm('R', 'T', rows, count, b->corner, BLOCK, g + i, n);
    for (size_t s = 0; s < count; s++)
      for (size_t r = i; r < i + rows; r++) b->left[r] -= (double)g[r + s * n] * (double)g[r + s * n];
    for (size_t r = i; r < i + rows; r++) b->left[r] = fmax(b->left[r], 0);
    mn_meter_add(&b->meter, (double)rows * (double)count * (double)count);
  }
  for (size_t s = 0; s < count; s++) b->left[b->pivots[s]] = 0;
}

/* F's next columns: K(:, S) - F F(S, :)', divided by the Cholesky factor of its rows S; 0: there are none. */
static int append(builder *b, mn_low_rank *p, size_t count)
{
  float *g = p->f + p->rank * p->n;
  gather(b, p, count, g);
  subtract_earlier(b, p, count, g);
  if (!factor_corner(b, p->n, count, g)) return 0;
  divide(b, p->n, count, g);
  p->rank += count;
  return 1;
}

/* ---- mu I + F'F, in fp32 products of ROWS rows that are added up in fp64 */

/* Frobenius norm of a symmetric matrix from its lower triangle. */
static double norm_of(const double *a, size_t n)
{
  double sum = 0;
  for (size_t j = 0; j < n; j++) {
    sum += a[j + j * n] * a[j + j * n];
    for (size_t i = j + 1; i < n; i++) sum += 2 * a[i + j * n] * a[i + j * n];
  }
  return sqrt(sum);
}

/* Tile (i, j) of F'F; part: BLOCK x BLOCK. */
static void core_tile(const mn_low_rank *p, size_t i, size_t j, float *part, mn_meter *meter)
{
  size_t n = p->n, rank = p->rank, rows = at_most(BLOCK, rank - i), columns = at_most(BLOCK, rank - j);
  for (size_t k = 0; k < n && !mn_meter_cancelled(meter); k += ROWS) {
    size_t terms = at_most(ROWS, n - k);
    mn_blas_of(MN_F32)->gemm('T', 'N', rows, columns, terms, 1, p->f + k + i * n, n, p->f + k + j * n, n, 0, part,
                             BLOCK);
    for (size_t c = 0; c < columns; c++)
      for (size_t r = 0; r < rows; r++)
        p->core[i + r + (j + c) * rank] = (k ? p->core[i + r + (j + c) * rank] : 0) + (double)part[r + c * BLOCK];
    mn_meter_add(meter, (i > j ? 2 : 1) * (double)rows * (double)columns * (double)terms);
  }
}

/* F'F's lower triangle. */
static mn_status multiply_core(mn_low_rank *p, int threads, mn_meter *meter, mn_error *err)
{
  size_t tiles = (p->rank + BLOCK - 1) / BLOCK;
  float *parts = mn_alloc_matrix((size_t)BLOCK * BLOCK * (size_t)threads, sizeof *parts);
  if (!parts) return MN_NO_MEMORY(err, (size_t)BLOCK * BLOCK * (size_t)threads * sizeof *parts);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t t = 0; t < tiles * tiles; t++)
    if (t / tiles >= t % tiles)
      core_tile(p, t / tiles * BLOCK, t % tiles * BLOCK, parts + (size_t)BLOCK * BLOCK * (size_t)omp_get_thread_num(),
                meter);
  mn_free(parts);
  return mn_meter_close(meter, err);
}

static mn_status make_core(mn_low_rank *p, int threads, mn_meter *meter, mn_error *err)
{
  size_t rank = p->rank;
  p->core = mn_alloc_matrix(rank * rank, sizeof *p->core);
  if (!p->core) return MN_NO_MEMORY(err, rank * rank * sizeof *p->core);
  mn_status st = multiply_core(p, threads, meter, err);
  if (st) return st;
  p->mu = fmax(p->mu, MU_LEAST * norm_of(p->core, rank));
  for (size_t c = 0; c < rank; c++) p->core[c + c * rank] += p->mu;
  if (mn_blas_of(MN_F64)->potrf(rank, p->core, rank))
    return MN_FAIL(err, MN_ERR_SINGULAR, "preconditioner: its core is not positive definite");
  return MN_OK;
}

static mn_status builder_open(builder *b, size_t rank, mn_error *err)
{
  size_t n = b->k->n;
  b->left = mn_alloc(n, sizeof *b->left);
  b->pivots = mn_alloc(BLOCK, sizeof *b->pivots);
  b->rows = mn_alloc_matrix(rank * BLOCK, sizeof *b->rows);
  b->corner = mn_alloc_matrix((size_t)BLOCK * BLOCK, sizeof *b->corner);
  if (!b->left || !b->pivots || !b->rows || !b->corner)
    return MN_NO_MEMORY(err, n * sizeof *b->left + rank * BLOCK * sizeof *b->rows);
  for (size_t i = 0; i < n; i++) b->left[i] = (double)diagonal(b->k, i);
  b->trace = sum_of(b->left, n);
  return MN_OK;
}

static void builder_close(builder *b)
{
  mn_free(b->left);
  mn_free(b->pivots);
  mn_free(b->rows);
  mn_free(b->corner);
}

static mn_status build(builder *b, mn_low_rank *p, size_t rank, double ridge, const mn_context *ctx, mn_error *err)
{
  mn_meter_open(&b->meter, ctx, "precondition", 2 * (double)p->n * (double)rank * (double)rank, "flop");
  while (p->rank < rank && !mn_meter_cancelled(&b->meter)) {
    size_t count = draw_pivots(b, at_most(BLOCK, rank - p->rank));
    if (!count || !append(b, p, count)) break;
  }
  double left = sum_of(b->left, p->n), floor = 1e-7 * b->trace;
  p->trace_left = b->trace > 0 ? left / b->trace : 0;
  p->mu = ridge + 0.5 * fmax(left, floor) / (double)p->n;
  if (!(p->mu > 0)) p->mu = 1; /* K is zero, and any multiple of I as good as another */
  if (!p->rank || mn_meter_cancelled(&b->meter)) return mn_meter_close(&b->meter, err);
  return make_core(p, b->threads, &b->meter, err);
}

double mn_low_rank_bytes(size_t n, size_t rank, int threads)
{
  double r = (double)rank;
  return (double)n * (r * sizeof(float) + sizeof(double)) + r * r * sizeof(double) +
         (r + BLOCK) * BLOCK * sizeof(float) + (double)threads * BLOCK * BLOCK * sizeof(float);
}

mn_status mn_low_rank_open(const mn_panels *k, size_t rank, double ridge, uint64_t seed, int threads,
                           const mn_context *ctx, mn_low_rank **out, mn_error *err)
{
  builder b = {.k = k, .threads = threads, .random = mn_random_open(seed, MN_STREAM_PIVOT, 0)};
  mn_low_rank *p = mn_calloc(1, sizeof *p);
  *out = NULL;
  if (!p) return MN_NO_MEMORY(err, sizeof *p);
  p->n = k->n;
  rank = at_most(rank, k->n);
  p->f = mn_alloc_matrix(p->n * rank, sizeof *p->f);
  mn_status st = p->f ? builder_open(&b, rank, err) : MN_NO_MEMORY(err, p->n * rank * sizeof *p->f);
  if (!st) st = build(&b, p, rank, ridge, ctx, err);
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
  mn_free((*p)->core);
  mn_free(*p);
  *p = NULL;
}

/* ---- applying it */

/* t (rank x columns) = F'v, the rows of F dealt in a fixed way. parts: rank x columns a thread. */
static void project(const mn_low_rank *p, int threads, size_t columns, const float *v, double *parts, double *t)
{
  const mn_skinny *skinny = mn_skinny_best(MN_F32);
  size_t size = p->rank * columns, n = p->n;
  memset(parts, 0, size * (size_t)threads * sizeof *parts);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i += ROWS)
    skinny->transposed(at_most(ROWS, n - i), p->rank, p->f + i, n, columns, v + i, n,
                       parts + size * (size_t)omp_get_thread_num(), p->rank);
  memset(t, 0, size * sizeof *t);
  for (int thread = 0; thread < threads; thread++)
    for (size_t e = 0; e < size; e++) t[e] += parts[(size_t)thread * size + e];
}

/* out = (v - F t) / mu, with out as the sum. */
static void subtract(const mn_low_rank *p, int threads, size_t columns, const double *v, const float *t,
                     const double *scale, double *out)
{
  const mn_skinny *skinny = mn_skinny_best(MN_F32);
  size_t n = p->n;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i += ROWS) {
    size_t rows = at_most(ROWS, n - i);
    for (size_t c = 0; c < columns; c++) memset(out + i + c * n, 0, rows * sizeof *out);
    skinny->times(rows, p->rank, p->f + i, n, columns, t, p->rank, out + i, n);
    for (size_t c = 0; c < columns; c++)
      for (size_t r = i + c * n; r < i + rows + c * n; r++) out[r] = (v[r] - out[r] * scale[c]) / p->mu;
  }
}

mn_status mn_low_rank_solve(const mn_low_rank *p, int threads, size_t columns, const double *v, double *out,
                            mn_error *err)
{
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t n = p->n, rank = p->rank, small = rank * columns;
  if (!rank) {
    for (size_t i = 0; i < n * columns; i++) out[i] = v[i] / p->mu;
    return MN_OK;
  }
  float *scaled = mn_alloc_matrix(n * columns + small, sizeof *scaled), *t32 = scaled ? scaled + n * columns : NULL;
  double *t = mn_alloc_matrix(small * (1 + (size_t)threads) + columns, sizeof *t);
  mn_status st = MN_OK;
  if (!scaled || !t) {
    st = MN_NO_MEMORY(err, n * columns * sizeof *scaled);
    goto done;
  }
  double *parts = t + small, *scale = parts + small * (size_t)threads;
  mn_narrow(n, columns, v, scaled, scale);
  project(p, threads, columns, scaled, parts, t);
  blas->trsm('L', 'N', rank, columns, p->core, rank, t, rank);
  blas->trsm('L', 'T', rank, columns, p->core, rank, t, rank);
  for (size_t e = 0; e < small; e++) t32[e] = (float)t[e];
  subtract(p, threads, columns, v, t32, scale, out);
done:
  mn_free(scaled);
  mn_free(t);
  return st;
}
