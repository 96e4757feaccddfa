#include "gram/tile.h"

#include <stdint.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/block.h"

double mn_tile_near(mn_dtype type)
{
  return type == MN_F64 ? 1e-10 : 1e-3;
}

const mn_tile_side *mn_tile_cols(const mn_tiles *t)
{
  return t->cols.samples ? &t->cols : &t->rows;
}

void mn_tile_transform(const mn_tiles *t, size_t i0, size_t m, size_t j0, size_t n, void *tile, size_t ld)
{
  if (t->blas->type == MN_F64)
    mn_kernel_transform_f64(t->kernel, m, n, tile, ld, t->rows.norms + i0, mn_tile_cols(t)->norms + j0);
  else
    mn_kernel_transform_f32(t->kernel, m, n, tile, ld, t->rows.norms32 + i0, mn_tile_cols(t)->norms32 + j0);
}

static double get(mn_dtype type, const void *a, size_t i)
{
  return type == MN_F64 ? ((const double *)a)[i] : (double)((const float *)a)[i];
}

void mn_tile_put(mn_dtype type, void *a, size_t i, double value)
{
  if (type == MN_F64)
    ((double *)a)[i] = value;
  else
    ((float *)a)[i] = (float)value;
}

/* ---- gemm */

static void load(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n)
{
  mn_dtype type = t->blas->type;
  if (b->first_i != i0) mn_block_fetch(t->rows.samples, t->center, type, i0, m, b->xi, b->row);
  if (b->first_j != j0) mn_block_fetch(mn_tile_cols(t)->samples, t->center, type, j0, n, b->xj, b->row);
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
static void near_rows(const mn_tiles *t, const mn_tile_blocks *b, size_t i0, size_t first, size_t m, size_t j0,
                      size_t j, void *column)
{
  mn_dtype type = t->blas->type;
  size_t dim = t->rows.samples->dim;
  const double *ni = t->rows.norms + i0 + first;
  double nj = mn_tile_cols(t)->norms[j0 + j], limit = mn_tile_near(type);
  uint32_t near[NEAR_ROWS], count = 0;
  double dots[NEAR_ROWS];
  for (size_t i = 0; i < m; i++) {
    double total = ni[i] + nj, dot = get(type, column, i);
    if (total - 2 * dot >= limit * total) continue;
    near[count] = (uint32_t)i;
    dots[count++] = dot;
  }
  mn_tile_transform(t, i0 + first, m, j0 + j, 1, column, m);
  for (uint32_t c = 0; c < count; c++) {
    size_t i = near[c];
    double r2 = squared_distance(type, dim, b->xi, first + i, b->xj, j);
    mn_tile_put(type, column, i, t->row->value(t->kernel, r2, dots[c], ni[i], nj));
  }
}

static void gemm_compute(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n, void *tile,
                         size_t ld)
{
  size_t dim = t->rows.samples->dim;
  load(t, b, i0, m, j0, n);
  t->blas->gemm('T', 'N', m, n, dim, 1, b->xi, dim, b->xj, dim, 0, tile, ld);
  if (!t->row->exact_near) {
    mn_tile_transform(t, i0, m, j0, n, tile, ld);
    return;
  }
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < m; i += NEAR_ROWS)
      near_rows(t, b, i0, i, m - i < NEAR_ROWS ? m - i : NEAR_ROWS, j0, j, (char *)tile + (i + j * ld) * t->blas->size);
}

static mn_status gemm_norms(const mn_tiles *t, int threads, mn_tile_side *side, mn_error *err)
{
  return mn_block_norms(side->samples, t->center, threads, side->norms, err);
}

static int gemm_open(const mn_tiles *t, mn_tile_blocks *b)
{
  size_t dim = t->rows.samples->dim;
  b->xi = mn_alloc_matrix(t->rows.tile * dim, t->blas->size);
  b->xj = mn_alloc_matrix(t->cols.tile * dim, t->blas->size);
  b->row = mn_alloc(dim, sizeof *b->row);
  return b->xi && b->xj && b->row;
}

static const mn_tile_engine gemm_engine = {gemm_norms, gemm_open, gemm_compute};

/* ---- every engine */

void mn_tile_compute(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n, void *tile,
                     size_t ld)
{
  t->engine->compute(t, b, i0, m, j0, n, tile, ld);
  b->first_i = i0;
  b->first_j = j0;
}

/* Exact where the transform of an inner product would round. */
void mn_tile_diagonal(const mn_tiles *t, size_t i0, size_t m, double ridge, void *tile, size_t ld)
{
  for (size_t i = 0; i < m; i++)
    mn_tile_put(t->blas->type, tile, i * (ld + 1), t->row->diagonal(t->kernel, t->rows.norms[i0 + i]) + ridge);
}

static mn_status open_side(const mn_tiles *t, const mn_samples *samples, int threads, mn_tile_side *s, mn_error *err)
{
  size_t n = samples->n;
  s->samples = samples;
  if (!(s->norms = mn_alloc(n, sizeof *s->norms))) return MN_NO_MEMORY(err, n * sizeof *s->norms);
  if (t->blas->type == MN_F32 && !(s->norms32 = mn_alloc(n, sizeof *s->norms32)))
    return MN_NO_MEMORY(err, n * sizeof *s->norms32);
  mn_status st = t->engine->norms(t, threads, s, err);
  if (!st && s->norms32)
    for (size_t i = 0; i < n; i++) s->norms32[i] = (float)s->norms[i];
  return st;
}

mn_status mn_tiles_open(mn_tiles *t, const mn_samples *rows, const mn_samples *cols, const mn_kernel *kernel,
                        int of_distance, mn_dtype type, int threads, mn_error *err)
{
  mn_status st = MN_OK;
  t->kernel = kernel;
  t->row = mn_kernel_find(kernel->name);
  t->blas = mn_blas_of(type);
  t->bytes = mn_tile_bytes_level(rows, cols);
  t->engine = rows->products ? &mn_tile_products_engine : t->bytes ? &mn_tile_bytes_engine : &gemm_engine;
  t->of_distance = of_distance;
  t->scale2 = t->bytes && rows->scaling->kind == MN_SCALE_UNIT ? 1.0 / (255 * 255) : 1;
  if (cols && cols->products != rows->products)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "samples of kept products meet with others");
  if (of_distance && t->engine == &gemm_engine && (st = mn_block_center(cols ? cols : rows, &t->center, err)))
    return st;
  if ((st = open_side(t, rows, threads, &t->rows, err))) return st;
  return cols ? open_side(t, cols, threads, &t->cols, err) : MN_OK;
}

static void close_side(mn_tile_side *s)
{
  mn_free(s->norms);
  mn_free(s->norms32);
  mn_free(s->squares);
}

void mn_tiles_close(mn_tiles *t)
{
  mn_free(t->center);
  close_side(&t->rows);
  close_side(&t->cols);
}

int mn_tile_blocks_open(const mn_tiles *t, mn_tile_blocks *b)
{
  *b = (mn_tile_blocks){.first_i = SIZE_MAX, .first_j = SIZE_MAX, .stored.ticket = SIZE_MAX};
  return t->engine->open(t, b);
}

void mn_tile_blocks_close(mn_tile_blocks *b)
{
  mn_free(b->xi);
  mn_free(b->xj);
  mn_free(b->row);
  mn_free(b->start);
  mn_free(b->stored.space);
  mn_free(b->dots);
}

mn_status mn_tile_blocks_status(const mn_tile_blocks *b, mn_error *err)
{
  if (b->error.code && err) *err = b->error;
  return b->error.code;
}

static double norms_bytes(const mn_samples *samples, const mn_bytes_level *level, mn_dtype type)
{
  size_t each = sizeof(double) + (type == MN_F32 ? sizeof(float) : 0) + (level ? sizeof(uint32_t) : 0);
  return (double)samples->n * (double)each;
}

double mn_tiles_bytes(const mn_samples *rows, const mn_samples *cols, size_t row_tile, size_t col_tile, mn_dtype type,
                      int threads)
{
  const mn_bytes_level *level = mn_tile_bytes_level(rows, cols);
  double dim = (double)rows->dim, samples = (double)row_tile + (double)col_tile;
  double gemm = dim * (samples * (double)mn_dtype_size(type) + sizeof(double));
  double each = rows->products ? mn_tile_products_blocks(rows->products, row_tile, col_tile)
                : level        ? mn_tile_bytes_blocks(level, row_tile, col_tile, rows->dim)
                               : gemm;
  double norms = norms_bytes(rows, level, type) + (cols ? norms_bytes(cols, level, type) : 0);
  return norms + (double)threads * each;
}
