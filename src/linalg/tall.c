#include "linalg/tall.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "linalg/threads.h"

enum { ROWS = 2048 }; /* that a thread takes at a time */

/* Squared norm of what a column has beyond the span of others, as a fraction, below which it counts as part of it. */
static const double dependent = 1e-12;

static size_t rows_from(size_t n, size_t i)
{
  return n - i < ROWS ? n - i : ROWS;
}

mn_status mn_tall_inner(size_t n, size_t ka, const double *a, size_t kb, const double *b, int threads, double *c,
                        mn_error *err)
{
  size_t size = ka * kb;
  double *parts = mn_calloc(size * (size_t)threads, sizeof *parts);
  if (!parts) return MN_NO_MEMORY(err, size * (size_t)threads * sizeof *parts);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i += ROWS)
    mn_blas_of(MN_F64)->gemm('T', 'N', ka, kb, rows_from(n, i), 1, a + i, n, b + i, n, 1,
                             parts + size * (size_t)omp_get_thread_num(), ka);
  memcpy(c, parts, size * sizeof *c);
  for (int t = 1; t < threads; t++)
    for (size_t e = 0; e < size; e++) c[e] += parts[(size_t)t * size + e];
  mn_free(parts);
  return MN_OK;
}

void mn_tall_add(size_t n, size_t k, double sign, const double *a, size_t columns, const double *c, int threads,
                 double *y)
{
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i += ROWS)
    mn_blas_of(MN_F64)->gemm('N', 'N', rows_from(n, i), columns, k, sign, a + i, n, c, k, 1, y + i, n);
}

/* Columns of z to norm 1; 0 when one of them is not finite. */
static int scale_columns(size_t n, size_t columns, double *z, int threads)
{
  int finite = 1;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(&& : finite)
  for (size_t c = 0; c < columns; c++) {
    double most = 0, sum = 0, *column = z + c * n;
    for (size_t i = 0; i < n; i++) {
      most = fmax(most, fabs(column[i]));
      finite = finite && isfinite(column[i]);
    }
    for (size_t i = 0; i < n && most > 0; i++) sum += column[i] / most * (column[i] / most);
    for (size_t i = 0; i < n && sum > 0; i++) column[i] = column[i] / most / sqrt(sum);
  }
  return finite;
}

/* basis = the pivot columns of z, divided by the factor. */
static void divide(size_t n, size_t columns, size_t rank, const double *z, const double *g, const int *pivots,
                   int threads, double *basis)
{
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i += ROWS) {
    size_t rows = rows_from(n, i);
    for (size_t c = 0; c < rank; c++)
      memcpy(basis + i + c * n, z + i + (size_t)(pivots[c] - 1) * n, rows * sizeof *basis);
    mn_blas_of(MN_F64)->trsm('R', 'T', rows, rank, g, columns, basis + i, n);
  }
}

mn_status mn_tall_basis(size_t n, size_t columns, double *z, int threads, double *basis, size_t *rank, mn_error *err)
{
  int order = (int)columns, found = 0, info = 0, *pivots = mn_alloc(columns, sizeof *pivots);
  double *g = mn_alloc(columns * columns, sizeof *g), *work = mn_alloc(2 * columns, sizeof *work);
  mn_status st = pivots && g && work ? MN_OK : MN_NO_MEMORY(err, columns * columns * sizeof *g);
  *rank = 0;
  if (st || !scale_columns(n, columns, z, threads)) goto done;
  if ((st = mn_tall_inner(n, columns, z, columns, z, threads, g, err))) goto done;
  int before = mn_threads_blas_begin(1);
  dpstrf_("L", &order, g, &order, pivots, &found, &dependent, work, &info, 1);
  mn_threads_blas_end(before);
  if (info < 0) {
    st = MN_FAIL(err, MN_ERR_LAPACK, "dpstrf failed with info = %d", info);
    goto done;
  }
  *rank = (size_t)found;
  if (*rank > n) *rank = n;
  divide(n, columns, *rank, z, g, pivots, threads, basis);
done:
  mn_free(pivots);
  mn_free(g);
  mn_free(work);
  return st;
}
