#include "linalg/panels_multiply.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/narrow.h"
#include "linalg/skinny.h"

/* What the threads of one product share. */
typedef struct {
  const mn_panels *k;
  const mn_skinny *skinny;
  int parts; /* of the columns of K, one a thread */
  size_t columns;
  const char *v;
  double *out;      /* n x columns: the sums of part 0, and in the end of all */
  double *partials; /* the sums of the other parts, one after the other, each as many columns of ld rows */
  size_t ld;
  mn_meter *meter; /* may be NULL */
} multiplication;

/* Rows of a partial sum: whole cache lines, so that no two threads write to the same one. */
static size_t partial_rows(size_t n)
{
  const size_t line = 64 / sizeof(double);
  return (n + line - 1) / line * line;
}

size_t mn_panels_multiply_bytes(size_t n, int threads, size_t columns)
{
  return (size_t)(threads - 1) * partial_rows(n) * columns * sizeof(double);
}

/* The first column of a part. Parts have equal shares of the triangle: right of column a lies (1 - a / n)^2 of it. */
static size_t part_begin(const multiplication *x, int part)
{
  const size_t whole = 16; /* columns that the kernels take without a remainder */
  double n = (double)x->k->n, right = sqrt(1 - (double)part / x->parts);
  return part < x->parts ? (size_t)(n - n * right) / whole * whole : x->k->n;
}

static double *part_out(const multiplication *x, int part, size_t *ld)
{
  *ld = part ? x->ld : x->k->n;
  return part ? x->partials + (size_t)(part - 1) * x->ld * x->columns : x->out;
}

/* Counts columns first ... last - 1 of the triangle; non-zero once cancelled. */
static int halted(const multiplication *x, size_t first, size_t last)
{
  double rows = (double)(x->k->n - first), below = (double)(x->k->n - last);
  return x->meter && mn_meter_add(x->meter, 2 * (rows * rows - below * below) * (double)x->columns);
}

/* Columns first ... last - 1 of one panel, from the diagonal down. */
static void add_columns(const multiplication *x, size_t first, size_t last, double *out, size_t ldo)
{
  size_t n = x->k->n, size = mn_dtype_size(x->k->type), ld = x->k->panel[first / x->k->width].ld;
  const char *v_first = x->v + first * size, *v_last = x->v + last * size;
  x->skinny->symmetric(last - first, mn_panels_at(x->k, first, first), ld, x->columns, v_first, n, out + first, ldo);
  if (last < n)
    x->skinny->both(n - last, last - first, mn_panels_at(x->k, last, first), ld, x->columns, v_last, v_first, n,
                    out + last, out + first, ldo);
}

/* The sums of one part, which has no rows above its first column. */
static void add_part(const multiplication *x, int part)
{
  size_t first = part_begin(x, part), end = part_begin(x, part + 1), zeros = part ? first : 0, last, ldo;
  double *out = part_out(x, part, &ldo);
  for (size_t c = 0; c < x->columns; c++) memset(out + c * ldo + zeros, 0, (x->k->n - zeros) * sizeof *out);
  for (; first < end; first = last) {
    last = (first / x->k->width + 1) * x->k->width;
    if (last > end) last = end;
    add_columns(x, first, last, out, ldo);
    if (halted(x, first, last)) return;
  }
}

/* out += the other parts, always in the same order. */
static void add_partials(const multiplication *x, int threads)
{
  const size_t n = x->k->n;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t c = 0; c < x->columns; c++)
    for (int part = 1; part < x->parts; part++) {
      size_t ld;
      const double *partial = part_out(x, part, &ld) + c * ld;
      for (size_t i = part_begin(x, part); i < n; i++) x->out[c * n + i] += partial[i];
    }
}

mn_status mn_panels_multiply(const mn_panels *k, int threads, size_t columns, const void *v, double *out,
                             mn_meter *meter, mn_error *err)
{
  multiplication x = {.k = k, .skinny = mn_skinny_for(k->type, columns), .parts = threads, .columns = columns, .v = v};
  x.out = out;
  x.ld = partial_rows(k->n);
  x.meter = meter;
  size_t bytes = mn_panels_multiply_bytes(k->n, threads, columns);
  if (bytes && !(x.partials = mn_alloc_matrix(bytes, 1))) return MN_NO_MEMORY(err, bytes);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int part = 0; part < threads; part++) add_part(&x, part);
  add_partials(&x, threads);
  mn_free(x.partials);
  return MN_OK;
}

mn_status mn_panels_multiply_f64(const mn_panels *k, int threads, size_t columns, const double *v, float *single,
                                 double *scale, double *out, mn_meter *meter, mn_error *err)
{
  size_t n = k->n;
  const void *vector = v;
  if (k->type == MN_F32) {
    mn_narrow(n, columns, v, single, scale);
    vector = single;
  }
  mn_status st = mn_panels_multiply(k, threads, columns, vector, out, meter, err);
  if (st) return st;
  if (meter && mn_meter_cancelled(meter)) return mn_meter_close(meter, err);
  for (size_t c = 0; c < columns && k->type == MN_F32; c++)
    for (size_t i = c * n; i < (c + 1) * n; i++) out[i] *= scale[c];
  return MN_OK;
}
