#include "gram/gram.h"

#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/kernels.h"
#include "linalg/blas.h"

/* Below this multiple of ||x||^2 + ||x'||^2 a squared distance from inner products has lost most of its digits. */
static const double near_limit = 1e-10;

/* Tiles of the passes that do not store K: small enough to stay in the second-level cache while they are used. */
enum { STREAM_TILE = 512 };

/* One side of a tile: samples with their squared norms in both types. */
typedef struct {
  const mn_samples *samples;
  double *norms;  /* n */
  float *norms32; /* n, the same rounded; NULL in fp64 passes */
} side;

/* What the threads of one pass share. */
typedef struct {
  const mn_kernel *kernel;
  const mn_kernel_row *row;
  const mn_blas *blas;
  side rows, cols; /* the same twice for a symmetric matrix */
  size_t tile;     /* rows and columns of a tile */
  size_t columns;  /* of the vectors multiplied */
  const double *v;
  double *out;
  mn_meter meter;
  atomic_size_t next; /* next tile to hand out */
} pass;

/* One thread's buffers. */
typedef struct {
  void *xi, *xj;           /* tile x dim each, row-major */
  size_t first_i, first_j; /* what they hold now; SIZE_MAX: nothing */
  double *tile;            /* tile x tile, passes that do not store K */
  double *sum;             /* n x columns, the thread's share of a symmetric product */
} buffers;

static void close_side(side *s)
{
  mn_free(s->norms);
  mn_free(s->norms32);
}

static mn_status open_side(const mn_samples *samples, mn_dtype type, int threads, side *s, mn_error *err)
{
  size_t n = samples->n;
  *s = (side){.samples = samples, .norms = mn_alloc(n, sizeof *s->norms)};
  if (!s->norms) return MN_NO_MEMORY(err, n * sizeof *s->norms);
  if (type == MN_F32 && !(s->norms32 = mn_alloc(n, sizeof *s->norms32))) return MN_NO_MEMORY(err, n * sizeof(float));
  mn_status st = mn_gram_norms(samples, threads, s->norms, err);
  if (!st && s->norms32)
    for (size_t i = 0; i < n; i++) s->norms32[i] = (float)s->norms[i];
  return st;
}

static void fetch(mn_dtype type, const mn_samples *samples, size_t first, size_t count, void *out)
{
  if (type == MN_F64)
    mn_samples_rows_f64(samples, first, count, out);
  else
    mn_samples_rows_f32(samples, first, count, out);
}

/* Brings the blocks of a tile into the buffers; consecutive tiles of a panel share their columns. */
static void load(const pass *p, buffers *b, size_t i0, size_t m, size_t j0, size_t n)
{
  if (b->first_i != i0) fetch(p->blas->type, p->rows.samples, i0, m, b->xi);
  if (b->first_j != j0) fetch(p->blas->type, p->cols.samples, j0, n, b->xj);
  b->first_i = i0;
  b->first_j = j0;
}

static void transform(const pass *p, size_t i0, size_t m, size_t j0, size_t n, void *tile, size_t ld)
{
  if (p->blas->type == MN_F64)
    mn_kernel_transform_f64(p->kernel, m, n, tile, ld, p->rows.norms + i0, p->cols.norms + j0);
  else
    mn_kernel_transform_f32(p->kernel, m, n, tile, ld, p->rows.norms32 + i0, p->cols.norms32 + j0);
}

static double get(mn_dtype type, const void *a, size_t i)
{
  return type == MN_F64 ? ((const double *)a)[i] : (double)((const float *)a)[i];
}

static void put(mn_dtype type, void *a, size_t i, double value)
{
  if (type == MN_F64)
    ((double *)a)[i] = value;
  else
    ((float *)a)[i] = (float)value;
}

static double squared_distance(mn_dtype type, size_t dim, const void *x, size_t i, const void *y, size_t j)
{
  double sum = 0;
  for (size_t k = 0; k < dim; k++) {
    double difference = get(type, x, i * dim + k) - get(type, y, j * dim + k);
    sum += difference * difference;
  }
  return sum;
}

/* Rows of a column that are looked at together. */
enum { NEAR_ROWS = 1024 };

/* Rows first ... first + m - 1 (at most NEAR_ROWS) of a tile's column j, for kernels that are not smooth at r = 0: the
 * pairs that nearly coincide are found while the column still holds inner products, and evaluated again from the
 * difference of the samples. */
static void near_rows(const pass *p, const buffers *b, size_t i0, size_t first, size_t m, size_t j0, size_t j,
                      void *column)
{
  mn_dtype type = p->blas->type;
  size_t dim = p->rows.samples->dim;
  const double *ni = p->rows.norms + i0 + first;
  double nj = p->cols.norms[j0 + j], limit = type == MN_F64 ? near_limit : 1e-3;
  uint32_t near[NEAR_ROWS], count = 0;
  double dots[NEAR_ROWS];
  for (size_t i = 0; i < m; i++) {
    double total = ni[i] + nj, dot = get(type, column, i);
    if (total - 2 * dot >= limit * total) continue;
    near[count] = (uint32_t)i;
    dots[count++] = dot;
  }
  transform(p, i0 + first, m, j0 + j, 1, column, m);
  for (uint32_t c = 0; c < count; c++) {
    size_t i = near[c];
    double r2 = squared_distance(type, dim, b->xi, first + i, b->xj, j);
    put(type, column, i, p->row->value(p->kernel, r2, dots[c], ni[i], nj));
  }
}

static size_t at_most(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* K(rows i0 ... , columns j0 ...) into `tile`. */
static void compute_tile(const pass *p, buffers *b, size_t i0, size_t m, size_t j0, size_t n, void *tile, size_t ld)
{
  size_t dim = p->rows.samples->dim;
  load(p, b, i0, m, j0, n);
  p->blas->gemm('T', 'N', m, n, dim, 1, b->xi, dim, b->xj, dim, 0, tile, ld);
  if (!p->row->exact_near) {
    transform(p, i0, m, j0, n, tile, ld);
    return;
  }
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < m; i += NEAR_ROWS)
      near_rows(p, b, i0, i, at_most(NEAR_ROWS, m - i), j0, j, (char *)tile + (i + j * ld) * p->blas->size);
}

/* The diagonal from the norms alone: exact where the transform of an inner product would round. */
static void set_diagonal(const pass *p, size_t i0, size_t m, double ridge, void *tile, size_t ld)
{
  for (size_t i = 0; i < m; i++)
    put(p->blas->type, tile, i * (ld + 1), p->row->diagonal(p->kernel, p->rows.norms[i0 + i]) + ridge);
}

static void close_buffers(buffers *b)
{
  mn_free(b->xi);
  mn_free(b->xj);
  mn_free(b->tile);
  mn_free(b->sum);
}

static int open_buffers(const pass *p, size_t stored_sum, buffers *b)
{
  size_t block = p->tile * p->rows.samples->dim;
  *b = (buffers){.first_i = SIZE_MAX, .first_j = SIZE_MAX};
  b->xi = mn_alloc_matrix(block, p->blas->size);
  b->xj = mn_alloc_matrix(block, p->blas->size);
  if (p->columns) b->tile = mn_alloc_matrix(p->tile * p->tile, sizeof *b->tile);
  if (stored_sum) b->sum = mn_calloc(stored_sum, sizeof *b->sum);
  return b->xi && b->xj && (b->tile || !p->columns) && (b->sum || !stored_sum);
}

/* One set of buffers a thread; `*out` is NULL on failure. */
static mn_status open_all_buffers(const pass *p, int threads, size_t stored_sum, buffers **out, mn_error *err)
{
  int ok = 1;
  buffers *all = mn_calloc((size_t)threads, sizeof *all);
  if (!all) return MN_NO_MEMORY(err, (size_t)threads * sizeof *all);
  for (int t = 0; t < threads; t++) ok = ok && open_buffers(p, stored_sum, &all[t]);
  *out = all;
  return ok ? MN_OK : MN_NO_MEMORY(err, 2 * p->tile * p->rows.samples->dim * p->blas->size);
}

static void close_all_buffers(buffers *all, int threads)
{
  if (!all) return;
  for (int t = 0; t < threads; t++) close_buffers(&all[t]);
  mn_free(all);
}

size_t mn_gram_buffer_bytes(size_t n, size_t dim, size_t width, size_t columns)
{
  size_t tile = columns ? STREAM_TILE : width;
  return 2 * tile * dim * sizeof(double) + (columns ? (tile * tile + n * columns) * sizeof(double) : 0);
}

static double tile_flops(const pass *p, size_t m, size_t n)
{
  return 2 * (double)m * (double)n * (double)p->rows.samples->dim;
}

static void fill_work(pass *p, mn_panels *out, double ridge, buffers *b)
{
  size_t tiles = mn_panels_tiles(out), w = out->width, ticket, i, j;
  while ((ticket = atomic_fetch_add(&p->next, 1)) < tiles && !mn_meter_cancelled(&p->meter)) {
    mn_panels_tile_of(out, ticket, &i, &j);
    size_t m = mn_panels_rows(out, i), n = mn_panels_rows(out, j), ld = out->panel[j].ld;
    void *tile = mn_panels_at(out, i * w, j * w);
    compute_tile(p, b, i * w, m, j * w, n, tile, ld);
    if (i == j) set_diagonal(p, i * w, m, ridge, tile, ld);
    mn_meter_add(&p->meter, tile_flops(p, m, n) * (i == j ? 0.5 : 1));
  }
}

static double pass_flops(size_t m, size_t n, size_t dim)
{
  return (double)m * (double)n * (double)dim;
}

static pass open_pass(const mn_kernel *kernel, mn_dtype type, size_t tile)
{
  return (pass){.kernel = kernel, .row = mn_kernel_find(kernel->name), .blas = mn_blas_of(type), .tile = tile};
}

mn_status mn_gram_fill(const mn_samples *samples, const mn_kernel *kernel, double ridge, int threads,
                       const mn_context *ctx, mn_panels *out, mn_error *err)
{
  pass p = open_pass(kernel, out->type, out->width);
  buffers *all = NULL;
  mn_status st = open_side(samples, out->type, threads, &p.rows, err);
  p.cols = p.rows;
  if (st) goto done;
  if ((st = open_all_buffers(&p, threads, 0, &all, err))) goto done;
  mn_meter_open(&p.meter, ctx, "gram", pass_flops(samples->n, samples->n, samples->dim), "flop");
#pragma omp parallel num_threads(threads)
  fill_work(&p, out, ridge, &all[omp_get_thread_num()]);
  st = mn_meter_close(&p.meter, err);
done:
  close_all_buffers(all, threads);
  close_side(&p.rows);
  return st;
}

/* Whole block rows of the product, so that no two threads write the same element. */
static void multiply_work(pass *p, buffers *b)
{
  size_t m_all = p->rows.samples->n, n_all = p->cols.samples->n, w = p->tile, i;
  while ((i = w * atomic_fetch_add(&p->next, 1)) < m_all && !mn_meter_cancelled(&p->meter)) {
    size_t m = at_most(w, m_all - i);
    for (size_t j = 0; j < n_all && !mn_meter_cancelled(&p->meter); j += w) {
      size_t n = at_most(w, n_all - j);
      compute_tile(p, b, i, m, j, n, b->tile, m);
      p->blas->gemm('N', 'N', m, p->columns, n, 1, b->tile, m, p->v + j, n_all, j ? 1 : 0, p->out + i, m_all);
      mn_meter_add(&p->meter, tile_flops(p, m, n));
    }
  }
}

mn_status mn_gram_multiply(const mn_samples *rows, const mn_samples *cols, const mn_kernel *kernel, int threads,
                           const mn_context *ctx, const char *phase, size_t columns, const double *v, double *out,
                           mn_error *err)
{
  pass p = open_pass(kernel, MN_F64, STREAM_TILE);
  p.columns = columns, p.v = v, p.out = out;
  buffers *all = NULL;
  mn_status st = MN_OK;
  if (rows->dim != cols->dim)
    return MN_FAIL(err, MN_ERR_DATA, "samples have %zu features, %zu expected", rows->dim, cols->dim);
  if ((st = open_side(rows, MN_F64, threads, &p.rows, err))) goto done;
  if ((st = open_side(cols, MN_F64, threads, &p.cols, err))) goto done;
  if ((st = open_all_buffers(&p, threads, 0, &all, err))) goto done;
  mn_meter_open(&p.meter, ctx, phase, 2 * pass_flops(rows->n, cols->n, rows->dim), "flop");
#pragma omp parallel num_threads(threads)
  multiply_work(&p, &all[omp_get_thread_num()]);
  st = mn_meter_close(&p.meter, err);
done:
  close_all_buffers(all, threads);
  close_side(&p.rows);
  close_side(&p.cols);
  return st;
}

/* Tile (i, j) of the symmetric product serves rows i and, off the diagonal, rows j. */
static void symmetric_tile(pass *p, buffers *b, size_t i, size_t j)
{
  size_t n_all = p->rows.samples->n, w = p->tile, m = at_most(w, n_all - i * w), n = at_most(w, n_all - j * w);
  compute_tile(p, b, i * w, m, j * w, n, b->tile, m);
  if (i == j) set_diagonal(p, i * w, m, 0, b->tile, m);
  p->blas->gemm('N', 'N', m, p->columns, n, 1, b->tile, m, p->v + j * w, n_all, 1, b->sum + i * w, n_all);
  if (i != j) p->blas->gemm('T', 'N', n, p->columns, m, 1, b->tile, m, p->v + i * w, n_all, 1, b->sum + j * w, n_all);
  mn_meter_add(&p->meter, tile_flops(p, m, n) * (i == j ? 0.5 : 1));
}

static void symmetric_work(pass *p, buffers *b)
{
  size_t blocks = (p->rows.samples->n + p->tile - 1) / p->tile, j;
  while ((j = atomic_fetch_add(&p->next, 1)) < blocks)
    for (size_t i = j; i < blocks && !mn_meter_cancelled(&p->meter); i++) symmetric_tile(p, b, i, j);
}

mn_status mn_gram_multiply_symmetric(const mn_samples *samples, const mn_kernel *kernel, int threads,
                                     const mn_context *ctx, const char *phase, size_t columns, const double *v,
                                     double *out, mn_error *err)
{
  pass p = open_pass(kernel, MN_F64, STREAM_TILE);
  p.columns = columns, p.v = v;
  size_t elements = samples->n * columns;
  buffers *all = NULL;
  mn_status st = open_side(samples, MN_F64, threads, &p.rows, err);
  p.cols = p.rows;
  if (st) goto done;
  if ((st = open_all_buffers(&p, threads, elements, &all, err))) goto done;
  mn_meter_open(&p.meter, ctx, phase, pass_flops(samples->n, samples->n, samples->dim), "flop");
#pragma omp parallel num_threads(threads)
  symmetric_work(&p, &all[omp_get_thread_num()]);
  if ((st = mn_meter_close(&p.meter, err))) goto done;
  memcpy(out, all[0].sum, elements * sizeof *out);
  for (int t = 1; t < threads; t++)
    for (size_t e = 0; e < elements; e++) out[e] += all[t].sum[e];
done:
  close_all_buffers(all, threads);
  close_side(&p.rows);
  return st;
}

mn_status mn_gram_norms(const mn_samples *samples, int threads, double *norms, mn_error *err)
{
  enum { BLOCK = 64 };
  size_t n = samples->n, dim = samples->dim;
  double *x = mn_alloc_matrix(BLOCK * dim * (size_t)threads, sizeof *x);
  if (!x) return MN_NO_MEMORY(err, BLOCK * dim * (size_t)threads * sizeof *x);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t first = 0; first < n; first += BLOCK) {
    double *block = x + BLOCK * dim * (size_t)omp_get_thread_num();
    size_t count = at_most(BLOCK, n - first);
    mn_samples_rows_f64(samples, first, count, block);
    for (size_t i = 0; i < count; i++) {
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (size_t k = 0; k < dim; k++) sum += block[i * dim + k] * block[i * dim + k];
      norms[first + i] = sum;
    }
  }
  mn_free(x);
  return MN_OK;
}
