#include "gram/block.h"

#include <omp.h>

#include "core/memory.h"
#include "core/status.h"

enum { CENTER_SAMPLES = 1000, BLOCK = 64 };

mn_status mn_block_center(const mn_samples *samples, double **out, mn_error *err)
{
  size_t n = samples->n < CENTER_SAMPLES ? samples->n : CENTER_SAMPLES, dim = samples->dim;
  double *center = mn_calloc(dim, sizeof *center), *row = mn_alloc(dim, sizeof *row);
  *out = center;
  if (!center || !row) {
    mn_free(center);
    mn_free(row);
    *out = NULL;
    return MN_NO_MEMORY(err, 2 * dim * sizeof *row);
  }
  for (size_t i = 0; i < n; i++) { /* a running mean, which cannot overflow */
    mn_samples_rows_f64(samples, i, 1, row);
    for (size_t k = 0; k < dim; k++) center[k] += (row[k] - center[k]) / (double)(i + 1);
  }
  mn_free(row);
  return MN_OK;
}

static void subtract(size_t count, size_t dim, const double *restrict center, double *restrict x)
{
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < dim; k++) x[i * dim + k] -= center[k];
}

void mn_block_fetch(const mn_samples *samples, const double *center, mn_dtype type, size_t first, size_t count,
                    void *out, double *scratch)
{
  size_t dim = samples->dim;
  if (type == MN_F64) {
    mn_samples_rows_f64(samples, first, count, out);
    if (center) subtract(count, dim, center, out);
  } else if (!center) {
    mn_samples_rows_f32(samples, first, count, out);
  } else {
    for (size_t i = 0; i < count; i++) {
      float *row = (float *)out + i * dim;
      mn_samples_rows_f64(samples, first + i, 1, scratch);
      for (size_t k = 0; k < dim; k++) row[k] = (float)(scratch[k] - center[k]);
    }
  }
}

static double squared_norm(size_t dim, const double *x)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t k = 0; k < dim; k++) sum += x[k] * x[k];
  return sum;
}

mn_status mn_block_norms(const mn_samples *samples, const double *center, int threads, double *norms, mn_error *err)
{
  size_t n = samples->n, dim = samples->dim, rows = n < BLOCK ? n : BLOCK, each = rows * dim;
  double *x = mn_alloc_matrix(each * (size_t)threads, sizeof *x);
  if (!x) return MN_NO_MEMORY(err, each * (size_t)threads * sizeof *x);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t first = 0; first < n; first += rows) {
    double *block = x + each * (size_t)omp_get_thread_num();
    size_t count = n - first < rows ? n - first : rows;
    mn_block_fetch(samples, center, MN_F64, first, count, block, NULL);
    for (size_t i = 0; i < count; i++) norms[first + i] = squared_norm(dim, block + i * dim);
  }
  mn_free(x);
  return MN_OK;
}
