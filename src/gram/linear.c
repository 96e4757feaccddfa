#include "gram/linear.h"

#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/blas.h"

enum { BLOCK = 512 };

static size_t block_rows(size_t n, size_t first)
{
  return n - first < BLOCK ? n - first : BLOCK;
}

mn_status mn_linear_multiply(const mn_samples *samples, int threads, size_t columns, const double *w, double *out,
                             mn_error *err)
{
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t n = samples->n, dim = samples->dim, block = BLOCK * dim;
  double *x = mn_alloc_matrix(block * (size_t)threads, sizeof *x);
  if (!x) return MN_NO_MEMORY(err, block * (size_t)threads * sizeof *x);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t first = 0; first < n; first += BLOCK) {
    double *xb = x + block * (size_t)omp_get_thread_num();
    size_t rows = block_rows(n, first);
    mn_samples_rows_f64(samples, first, rows, xb);
    blas->gemm('T', 'N', rows, columns, dim, 1, xb, dim, w, dim, 0, out + first, n);
  }
  mn_free(x);
  return MN_OK;
}

mn_status mn_linear_transposed(const mn_samples *samples, int threads, size_t columns, const double *v, double *out,
                               mn_error *err)
{
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t n = samples->n, dim = samples->dim, block = BLOCK * dim, share = dim * columns, count = (size_t)threads;
  double *x = mn_alloc_matrix(block * count, sizeof *x), *sums = mn_calloc(share * count, sizeof *sums);
  mn_status st = MN_OK;
  if (!x || !sums) {
    st = MN_NO_MEMORY(err, (block + share) * count * sizeof *x);
    goto done;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t first = 0; first < n; first += BLOCK) {
    size_t self = (size_t)omp_get_thread_num(), rows = block_rows(n, first);
    mn_samples_rows_f64(samples, first, rows, x + block * self);
    blas->gemm('N', 'N', dim, columns, rows, 1, x + block * self, dim, v + first, n, 1, sums + share * self, dim);
  }
  memcpy(out, sums, share * sizeof *out);
  for (size_t t = 1; t < count; t++)
    for (size_t i = 0; i < share; i++) out[i] += sums[t * share + i];
done:
  mn_free(x);
  mn_free(sums);
  return st;
}

double mn_linear_bytes(const mn_samples *samples, size_t columns, int threads)
{
  return (double)threads * (double)samples->dim * ((double)block_rows(samples->n, 0) + (double)columns) *
         sizeof(double);
}
