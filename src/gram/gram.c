#include "gram/gram.h"

#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/block.h"
#include "gram/kernels.h"
#include "linalg/blas.h"

/* Below this multiple of ||x||^2 + ||x'||^2 a squared distance from inner products has lost most of its digits. */
static const double near_limit = 1e-10;

/* Tiles of the passes that do not store K have at most this many rows and columns, and blocks of at most this many
 * elements: small enough to stay in the second-level cache while they are used. */
enum { STREAM_TILE = 512, STREAM_ELEMENTS = 1 << 24 };

/* One side of a tile: samples with their squared norms in both types. */
typedef struct {
  const mn_samples *samples;
  size_t tile;    /* samples of a tile */
  double *norms;  /* n */
  float *norms32; /* n, the same rounded; NULL in fp64 passes */
} side;

/* One thread's buffers. */
typedef struct {
  void *xi, *xj;           /* tile x dim each, row-major */
  size_t first_i, first_j; /* what they hold now; SIZE_MAX: nothing */
  double *row;             /* dim, for conversions */
  double *tile;            /* tile x tile, passes that do not store K */
  double *sum;             /* n x columns, the thread's share of a symmetric product */
} buffers;

/* What the threads of one pass share. */
typedef struct {
  const mn_kernel *kernel;
  const mn_kernel_row *row;
  const mn_blas *blas;
  int threads;
  double *center;  /* dim, subtracted from every sample; NULL: none */
  side rows, cols; /* cols has no arrays of its own for a symmetric matrix */
  size_t columns;  /* of the vectors multiplied; 0: K is stored */
  const double *v;
  double *out;
  buffers *all; /* threads */
  mn_meter meter;
  atomic_size_t next; /* next tile to hand out */
} pass;

static void close_side(side *s)
{
  mn_free(s->norms);
  mn_free(s->norms32);
}

static mn_status open_side(const mn_samples *samples, const double *center, mn_dtype type, int threads, side *s,
                           mn_error *err)
{
  size_t n = samples->n;
  s->samples = samples;
  s->norms = mn_alloc(n, sizeof *s->norms);
  if (!s->norms) return MN_NO_MEMORY(err, n * sizeof *s->norms);
  if (type == MN_F32 && !(s->norms32 = mn_alloc(n, sizeof *s->norms32))) return MN_NO_MEMORY(err, n * sizeof(float));
  mn_status st = mn_block_norms(samples, center, threads, s->norms, err);
  if (!st && s->norms32)
    for (size_t i = 0; i < n; i++) s->norms32[i] = (float)s->norms[i];
  return st;
}

/* The columns of a symmetric matrix are its rows. */
static const side *cols_of(const pass *p)
{
  return p->cols.samples ? &p->cols : &p->rows;
}

/* Brings the blocks of a tile into the buffers; consecutive tiles of a panel share their columns. */
static void load(const pass *p, buffers *b, size_t i0, size_t m, size_t j0, size_t n)
{
  mn_dtype type = p->blas->type;
  if (b->first_i != i0) mn_block_fetch(p->rows.samples, p->center, type, i0, m, b->xi, b->row);
  if (b->first_j != j0) mn_block_fetch(cols_of(p)->samples, p->center, type, j0, n, b->xj, b->row);
  b->first_i = i0;
  b->first_j = j0;
}

static void transform(const pass *p, size_t i0, size_t m, size_t j0, size_t n, void *tile, size_t ld)
{
  if (p->blas->type == MN_F64)
    mn_kernel_transform_f64(p->kernel, m, n, tile, ld, p->rows.norms + i0, cols_of(p)->norms + j0);
  else
    mn_kernel_transform_f32(p->kernel, m, n, tile, ld, p->rows.norms32 + i0, cols_of(p)->norms32 + j0);
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
  double nj = cols_of(p)->norms[j0 + j], limit = type == MN_F64 ? near_limit : 1e-3;
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
  mn_free(b->row);
  mn_free(b->tile);
  mn_free(b->sum);
}

static int open_buffers(const pass *p, int symmetric, buffers *b)
{
  size_t dim = p->rows.samples->dim, sum = symmetric ? p->rows.samples->n * p->columns : 0;
  *b = (buffers){.first_i = SIZE_MAX, .first_j = SIZE_MAX};
  b->xi = mn_alloc_matrix(p->rows.tile * dim, p->blas->size);
  b->xj = mn_alloc_matrix(p->cols.tile * dim, p->blas->size);
  b->row = mn_alloc(dim, sizeof *b->row);
  if (p->columns) b->tile = mn_alloc_matrix(p->rows.tile * p->cols.tile, sizeof *b->tile);
  if (sum) b->sum = mn_calloc(sum, sizeof *b->sum);
  return b->xi && b->xj && b->row && (b->tile || !p->columns) && (b->sum || !sum);
}

static void close_pass(pass *p)
{
  for (int t = 0; p->all && t < p->threads; t++) close_buffers(&p->all[t]);
  mn_free(p->all);
  mn_free(p->center);
  close_side(&p->rows);
  close_side(&p->cols);
}

/* Opens what the threads share, then their buffers. cols NULL: the matrix is symmetric. */
static mn_status open_pass(pass *p, const mn_samples *rows, const mn_samples *cols, const mn_kernel *kernel,
                           int centered, mn_dtype type, mn_error *err)
{
  mn_status st = MN_OK;
  int ok = 1;
  p->kernel = kernel;
  p->row = mn_kernel_find(kernel->name);
  p->blas = mn_blas_of(type);
  if (centered && (st = mn_block_center(cols ? cols : rows, &p->center, err))) return st;
  if ((st = open_side(rows, p->center, type, p->threads, &p->rows, err))) return st;
  if (cols && (st = open_side(cols, p->center, type, p->threads, &p->cols, err))) return st;
  if (!(p->all = mn_calloc((size_t)p->threads, sizeof *p->all))) return MN_NO_MEMORY(err, sizeof *p->all);
  for (int t = 0; t < p->threads; t++) ok = ok && open_buffers(p, !cols, &p->all[t]);
  return ok ? MN_OK : MN_NO_MEMORY(err, 2 * p->rows.tile * rows->dim * p->blas->size);
}

static double pass_flops(size_t m, size_t n, size_t dim)
{
  return (double)m * (double)n * (double)dim;
}

static size_t stream_tile(size_t n, size_t dim)
{
  size_t tile = at_most(STREAM_TILE, n), most = STREAM_ELEMENTS / dim;
  return tile <= most ? tile : most ? most : 1;
}

/* Few rows are spread over the threads. */
static size_t row_tile(size_t m, size_t dim, int threads)
{
  size_t share = (m + (size_t)threads - 1) / (size_t)threads;
  return stream_tile(share, dim);
}

double mn_gram_fill_bytes(size_t n, size_t dim, size_t width, int threads)
{
  double block = 2 * (double)at_most(width, n) * (double)dim + (double)dim;
  return (double)threads * block * sizeof(double) + 2 * (double)n * sizeof(double);
}

double mn_gram_multiply_bytes(size_t m, size_t n, size_t dim, int threads)
{
  double r = (double)row_tile(m, dim, threads), c = (double)stream_tile(n, dim);
  double block = (r + c + 1) * (double)dim + r * c;
  return ((double)threads * block + (double)m + (double)n) * sizeof(double);
}

double mn_gram_symmetric_bytes(size_t n, size_t dim, size_t columns, int threads)
{
  double c = (double)stream_tile(n, dim), block = (2 * c + 1) * (double)dim + c * c + (double)n * (double)columns;
  return ((double)threads * block + (double)n) * sizeof(double);
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

static mn_status fill(const mn_samples *samples, const mn_kernel *kernel, int centered, double ridge, int threads,
                      const mn_context *ctx, mn_panels *out, double *norms, mn_error *err)
{
  pass p = {.threads = threads, .rows.tile = out->width, .cols.tile = out->width};
  mn_status st = open_pass(&p, samples, NULL, kernel, centered, out->type, err);
  if (st) goto done;
  mn_meter_open(&p.meter, ctx, "gram", pass_flops(samples->n, samples->n, samples->dim), "flop");
#pragma omp parallel num_threads(threads)
  fill_work(&p, out, ridge, &p.all[omp_get_thread_num()]);
  st = mn_meter_close(&p.meter, err);
  if (!st && norms) memcpy(norms, p.rows.norms, samples->n * sizeof *norms);
done:
  close_pass(&p);
  return st;
}

mn_status mn_gram_fill(const mn_samples *samples, const mn_kernel *kernel, double ridge, int threads,
                       const mn_context *ctx, mn_panels *out, mn_error *err)
{
  return fill(samples, kernel, mn_kernel_find(kernel->name)->of_distance, ridge, threads, ctx, out, NULL, err);
}

mn_status mn_gram_inner(const mn_samples *samples, const mn_kernel *kernel, int threads, const mn_context *ctx,
                        mn_panels *out, double *norms, mn_error *err)
{
  mn_kernel linear = mn_kernel_default(MN_KERNEL_LINEAR);
  return fill(samples, &linear, mn_kernel_find(kernel->name)->of_distance, 0, threads, ctx, out, norms, err);
}

/* Whole block rows of the product, so that no two threads write the same element. */
static void multiply_work(pass *p, buffers *b)
{
  size_t m_all = p->rows.samples->n, n_all = p->cols.samples->n, w = p->cols.tile, i;
  while ((i = p->rows.tile * atomic_fetch_add(&p->next, 1)) < m_all && !mn_meter_cancelled(&p->meter)) {
    size_t m = at_most(p->rows.tile, m_all - i);
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
  if (rows->dim != cols->dim)
    return MN_FAIL(err, MN_ERR_DATA, "samples have %zu features, %zu expected", rows->dim, cols->dim);
  if (!columns) return MN_FAIL(err, MN_ERR_ARGUMENT, "at least one vector to multiply expected");
  pass p = {.threads = threads, .columns = columns, .v = v, .out = out};
  p.rows.tile = row_tile(rows->n, rows->dim, threads);
  p.cols.tile = stream_tile(cols->n, cols->dim);
  int centered = mn_kernel_find(kernel->name)->of_distance;
  mn_status st = open_pass(&p, rows, cols, kernel, centered, MN_F64, err);
  if (st) goto done;
  mn_meter_open(&p.meter, ctx, phase, 2 * pass_flops(rows->n, cols->n, rows->dim), "flop");
#pragma omp parallel num_threads(threads)
  multiply_work(&p, &p.all[omp_get_thread_num()]);
  st = mn_meter_close(&p.meter, err);
done:
  close_pass(&p);
  return st;
}

/* Tile (i, j) of the symmetric product serves rows i and, off the diagonal, rows j. */
static void symmetric_tile(pass *p, buffers *b, size_t i, size_t j)
{
  size_t n_all = p->rows.samples->n, w = p->rows.tile, m = at_most(w, n_all - i * w), n = at_most(w, n_all - j * w);
  compute_tile(p, b, i * w, m, j * w, n, b->tile, m);
  if (i == j) set_diagonal(p, i * w, m, 0, b->tile, m);
  p->blas->gemm('N', 'N', m, p->columns, n, 1, b->tile, m, p->v + j * w, n_all, 1, b->sum + i * w, n_all);
  if (i != j) p->blas->gemm('T', 'N', n, p->columns, m, 1, b->tile, m, p->v + i * w, n_all, 1, b->sum + j * w, n_all);
  mn_meter_add(&p->meter, tile_flops(p, m, n) * (i == j ? 0.5 : 1));
}

/* Block columns are dealt to the threads back and forth, a long one with a short one, and not by demand: each thread
 * adds the same terms in the same order in every run. */
static void symmetric_work(pass *p, size_t thread, buffers *b)
{
  size_t blocks = (p->rows.samples->n + p->rows.tile - 1) / p->rows.tile, round = 2 * (size_t)p->threads;
  for (size_t j = 0; j < blocks; j++) {
    size_t place = j % round;
    if (place != thread && place != round - 1 - thread) continue;
    for (size_t i = j; i < blocks && !mn_meter_cancelled(&p->meter); i++) symmetric_tile(p, b, i, j);
  }
}

mn_status mn_gram_multiply_symmetric(const mn_samples *samples, const mn_kernel *kernel, int threads,
                                     const mn_context *ctx, const char *phase, size_t columns, const double *v,
                                     double *out, mn_error *err)
{
  if (!columns) return MN_FAIL(err, MN_ERR_ARGUMENT, "at least one vector to multiply expected");
  pass p = {.threads = threads, .columns = columns, .v = v};
  p.rows.tile = p.cols.tile = stream_tile(samples->n, samples->dim);
  size_t elements = samples->n * columns;
  int centered = mn_kernel_find(kernel->name)->of_distance;
  mn_status st = open_pass(&p, samples, NULL, kernel, centered, MN_F64, err);
  if (st) goto done;
  mn_meter_open(&p.meter, ctx, phase, pass_flops(samples->n, samples->n, samples->dim), "flop");
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; t++) symmetric_work(&p, (size_t)t, &p.all[t]);
  if ((st = mn_meter_close(&p.meter, err))) goto done;
  memcpy(out, p.all[0].sum, elements * sizeof *out);
  for (int t = 1; t < threads; t++)
    for (size_t e = 0; e < elements; e++) out[e] += p.all[t].sum[e];
done:
  close_pass(&p);
  return st;
}
