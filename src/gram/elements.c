/* Single elements of a Gram matrix, each from its two samples, and the sum of its diagonal. */
#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/kernels.h"
#include "gram/tile.h"

/* x: two samples, dim each. */
static double element(const mn_kernel *kernel, size_t dim, const double *x)
{
  double r2 = 0, dot = 0, norm2[2] = {0, 0};
  for (size_t k = 0; k < dim; k++) {
    double a = x[k], b = x[dim + k];
    r2 += (a - b) * (a - b);
    dot += a * b;
    norm2[0] += a * a;
    norm2[1] += b * b;
  }
  return mn_kernel_find(kernel->name)->value(kernel, r2, dot, norm2[0], norm2[1]);
}

/* Kept products, as tiles of one. */
static mn_status of_products(const mn_samples *samples, const mn_kernel *kernel, int threads, size_t count,
                             const size_t *i, const size_t *j, float *out, mn_error *err)
{
  mn_tiles t = {.rows.tile = 1, .cols.tile = 1};
  mn_tile_blocks b = {0};
  double value;
  mn_status st =
      mn_tiles_open(&t, samples, NULL, kernel, mn_kernel_find(kernel->name)->of_distance, MN_F64, threads, err);
  if (!st && !mn_tile_blocks_open(&t, &b)) st = MN_NO_MEMORY(err, sizeof value);
  for (size_t k = 0; !st && k < count; k++) {
    mn_tile_compute(&t, &b, i[k], 1, j[k], 1, &value, 1);
    if (i[k] == j[k]) mn_tile_diagonal(&t, i[k], 1, 0, &value, 1);
    out[k] = (float)value;
    st = mn_tile_blocks_status(&b, err);
  }
  mn_tile_blocks_close(&b);
  mn_tiles_close(&t);
  return st;
}

mn_status mn_gram_elements(const mn_samples *samples, const mn_kernel *kernel, int threads, size_t count,
                           const size_t *i, const size_t *j, float *out, mn_error *err)
{
  size_t dim = samples->dim;
  int whole = 1;
  if (samples->products) return of_products(samples, kernel, threads, count, i, j, out, err);
#pragma omp parallel num_threads(threads) reduction(&& : whole)
  {
    double *x = mn_alloc(2 * dim, sizeof *x);
    whole = x != NULL;
#pragma omp for schedule(static)
    for (size_t k = 0; k < count; k++) {
      if (!x) continue;
      mn_samples_rows_f64(samples, i[k], 1, x);
      mn_samples_rows_f64(samples, j[k], 1, x + dim);
      out[k] = (float)element(kernel, dim, x);
    }
    mn_free(x);
  }
  return whole ? MN_OK : MN_NO_MEMORY(err, 2 * dim * sizeof(double));
}

mn_status mn_gram_trace(const mn_samples *samples, const mn_kernel *kernel, int threads, double *trace, mn_error *err)
{
  mn_tiles t = {.rows.tile = 1, .cols.tile = 1};
  mn_status st =
      mn_tiles_open(&t, samples, NULL, kernel, mn_kernel_find(kernel->name)->of_distance, MN_F64, threads, err);
  *trace = 0;
  for (size_t i = 0; !st && i < samples->n; i++) *trace += t.row->diagonal(kernel, t.rows.norms[i]);
  mn_tiles_close(&t);
  return st;
}
