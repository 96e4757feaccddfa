/* The diagonal of (L L')^-1: squared norms of the columns of L^-1, which are made strip by strip and forgotten.
 *
 * Leaving one sample out of a fit changes its value there by alpha_i / (K^-1)_ii, so that one such diagonal is worth n
 * fits. */
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/blas.h"
#include "linalg/cholesky.h"

/* Columns of a strip at most: wide enough for products at full speed, narrow enough that n of them for each thread are
 * little beside the factor. */
enum { STRIP = 512 };

static size_t strip_columns(size_t width)
{
  return width < STRIP ? width : STRIP;
}

/* Rows rounded up to an odd number of cache lines, as in panels. */
static size_t strip_ld(size_t rows)
{
  const size_t line = 16;
  return ((rows + line - 1) / line | 1) * line;
}

size_t mn_cholesky_inverse_bytes(size_t n, size_t width, mn_dtype type, int threads)
{
  return strip_ld(n) * strip_columns(width < n ? width : n) * mn_dtype_size(type) * (size_t)threads;
}

/* A strip: columns first ... first + columns - 1 of L^-1, of which rows first ... n - 1 are not zero. */
typedef struct {
  const mn_panels *factor;
  size_t first, columns, ld;
  char *z; /* (n - first) x columns */
} strip;

static strip open_strip(const mn_panels *factor, size_t first, char *z)
{
  size_t width = strip_columns(factor->width), panel_end = (first / factor->width + 1) * factor->width;
  size_t end = first + width < panel_end ? first + width : panel_end;
  if (end > factor->n) end = factor->n;
  return (strip){factor, first, end - first, strip_ld(factor->n - first), z};
}

/* The rows of a tile row that a strip has. */
static size_t begin_of(const strip *s, size_t tile)
{
  size_t begin = tile * s->factor->width;
  return begin < s->first ? s->first : begin;
}

static size_t end_of(const strip *s, size_t tile)
{
  size_t end = (tile + 1) * s->factor->width;
  return end < s->factor->n ? end : s->factor->n;
}

static char *strip_row(const strip *s, size_t row)
{
  return s->z + (row - s->first) * mn_dtype_size(s->factor->type);
}

static void set_identity(const strip *s)
{
  size_t size = mn_dtype_size(s->factor->type);
  for (size_t c = 0; c < s->columns; c++) {
    char *column = s->z + c * s->ld * size;
    memset(column, 0, (s->factor->n - s->first) * size);
    if (s->factor->type == MN_F64)
      ((double *)(void *)column)[c] = 1;
    else
      ((float *)(void *)column)[c] = 1;
  }
}

/* Forward substitution of the identity; 0 once cancelled. */
static int invert(const strip *s, mn_meter *meter)
{
  const mn_panels *p = s->factor;
  const mn_blas *blas = mn_blas_of(p->type);
  size_t w = p->width;
  set_identity(s);
  for (size_t i = s->first / w; i < p->count; i++) {
    size_t row = begin_of(s, i), rows = end_of(s, i) - row;
    char *target = strip_row(s, row);
    for (size_t k = s->first / w; k < i; k++) {
      size_t column = begin_of(s, k), columns = end_of(s, k) - column;
      blas->gemm('N', 'N', rows, s->columns, columns, -1, mn_panels_at(p, row, column), p->panel[k].ld,
                 strip_row(s, column), s->ld, 1, target, s->ld);
      if (mn_meter_add(meter, 2 * (double)rows * (double)s->columns * (double)columns)) return 0;
    }
    blas->trsm('L', 'N', rows, s->columns, mn_panels_at(p, row, row), p->panel[i].ld, target, s->ld);
    if (mn_meter_add(meter, (double)rows * (double)rows * (double)s->columns)) return 0;
  }
  return 1;
}

static double norm2_f64(const double *z, size_t count)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < count; i++) sum += z[i] * z[i];
  return sum;
}

static double norm2_f32(const float *z, size_t count)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < count; i++) sum += (double)z[i] * (double)z[i];
  return sum;
}

static void take_norms(const strip *s, double *diagonal)
{
  size_t size = mn_dtype_size(s->factor->type), rows = s->factor->n - s->first;
  for (size_t c = 0; c < s->columns; c++) {
    const void *from = s->z + (c * s->ld + c) * size;
    diagonal[s->first + c] = s->factor->type == MN_F64 ? norm2_f64(from, rows - c) : norm2_f32(from, rows - c);
  }
}

/* Where the strips begin: at every multiple of their width within a panel. */
static size_t strips_of(const mn_panels *factor)
{
  size_t width = strip_columns(factor->width), each = (factor->width + width - 1) / width;
  size_t last = factor->n - (factor->count - 1) * factor->width;
  return (factor->count - 1) * each + (last + width - 1) / width;
}

static size_t strip_first(const mn_panels *factor, size_t index)
{
  size_t width = strip_columns(factor->width), each = (factor->width + width - 1) / width;
  return index / each * factor->width + index % each * width;
}

static double total_flops(const mn_panels *factor)
{
  double total = 0;
  for (size_t index = 0; index < strips_of(factor); index++) {
    strip s = open_strip(factor, strip_first(factor, index), NULL);
    double rows = (double)(factor->n - s.first);
    total += rows * rows * (double)s.columns;
  }
  return total;
}

mn_status mn_cholesky_inverse_diagonal(const mn_panels *factor, int threads, const mn_context *ctx, const char *phase,
                                       double *diagonal, mn_error *err)
{
  size_t bytes = mn_cholesky_inverse_bytes(factor->n, factor->width, factor->type, 1);
  char *z = mn_alloc_matrix(bytes, (size_t)threads);
  if (!z) return MN_NO_MEMORY(err, bytes * (size_t)threads);
  mn_meter meter;
  mn_meter_open(&meter, ctx, phase, total_flops(factor), "flop");
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t index = 0; index < strips_of(factor); index++) { /* the longest come first */
    if (mn_meter_cancelled(&meter)) continue;
    strip s = open_strip(factor, strip_first(factor, index), z + bytes * (size_t)omp_get_thread_num());
    if (invert(&s, &meter)) take_norms(&s, diagonal);
  }
  mn_free(z);
  return mn_meter_close(&meter, err);
}
