#include "linalg/dense.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/lapack.h"
#include "linalg/threads.h"

static mn_status lapack_failure(const char *routine, int info, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_LAPACK, "%s failed with info = %d", routine, info);
}

static mn_status check_order(const char *what, size_t n, size_t most, mn_error *err)
{
  if (n <= most) return MN_OK;
  return MN_FAIL(err, MN_ERR_UNSUPPORTED, "%s takes orders of at most %zu, %zu given", what, most, n);
}

void mn_dense_mirror(size_t n, double *a, int threads)
{
  enum { TILE = 64 };
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (size_t j0 = 0; j0 < n; j0 += TILE)
    for (size_t i0 = j0; i0 < n; i0 += TILE)
      for (size_t j = j0; j < n && j < j0 + TILE; j++)
        for (size_t i = i0 > j ? i0 : j + 1; i < n && i < i0 + TILE; i++) a[j + i * n] = a[i + j * n];
}

mn_status mn_lu_factor(size_t n, double *a, int *pivots, int threads, mn_error *err)
{
  mn_status st = check_order("LU", n, MN_LU_MAX, err);
  if (st) return st;
  int order = (int)n, info = 0;
  int before = mn_threads_blas_begin(threads);
  dgetrf_(&order, &order, a, &order, pivots, &info);
  mn_threads_blas_end(before);
  if (info > 0) return MN_FAIL(err, MN_ERR_SINGULAR, "LU: pivot %d of %zu is zero", info, n);
  return info ? lapack_failure("dgetrf", info, err) : MN_OK;
}

mn_status mn_lu_solve(size_t n, const double *lu, const int *pivots, size_t columns, double *b, int threads,
                      mn_error *err)
{
  int order = (int)n, nrhs = (int)columns, info = 0;
  int before = mn_threads_blas_begin(threads);
  dgetrs_("N", &order, &nrhs, lu, &order, pivots, b, &order, &info, 1);
  mn_threads_blas_end(before);
  return info ? lapack_failure("dgetrs", info, err) : MN_OK;
}

mn_status mn_lu_rcond(size_t n, const double *lu, double norm1, double *rcond, mn_error *err)
{
  int order = (int)n, info = 0, *iwork = mn_alloc(n, sizeof *iwork);
  double *work = mn_alloc(4 * n, sizeof *work);
  mn_status st = MN_OK;
  if (!iwork || !work)
    st = MN_NO_MEMORY(err, n * (4 * sizeof *work + sizeof *iwork));
  else {
    int before = mn_threads_blas_begin(1);
    dgecon_("1", &order, lu, &order, &norm1, rcond, work, iwork, &info, 1);
    mn_threads_blas_end(before);
    if (info) st = lapack_failure("dgecon", info, err);
  }
  mn_free(iwork);
  mn_free(work);
  return st;
}

size_t mn_eigen_workspace_bytes(size_t n)
{
  return (1 + 6 * n + 2 * n * n) * sizeof(double) + (3 + 5 * n) * sizeof(int);
}

/* jobz: 'V' or 'N'. */
static mn_status eigen(const char *jobz, size_t n, double *a, double *values, size_t work_size, size_t iwork_size,
                       int threads, mn_error *err)
{
  mn_status st = check_order("the eigendecomposition", n, MN_EIGEN_MAX, err);
  if (st) return st;
  double *work = mn_alloc_matrix(work_size, sizeof *work);
  int *iwork = mn_alloc(iwork_size, sizeof *iwork);
  if (!work || !iwork)
    st = MN_NO_MEMORY(err, work_size * sizeof *work + iwork_size * sizeof *iwork);
  else {
    int order = (int)n, lwork = (int)work_size, liwork = (int)iwork_size, info = 0;
    int before = mn_threads_blas_begin(threads);
    dsyevd_(jobz, "L", &order, a, &order, values, work, &lwork, iwork, &liwork, &info, 1, 1);
    mn_threads_blas_end(before);
    if (info) st = lapack_failure("dsyevd", info, err);
  }
  mn_free(work);
  mn_free(iwork);
  return st;
}

mn_status mn_eigen_factor(size_t n, double *a, double *values, int threads, mn_error *err)
{
  return eigen("V", n, a, values, 1 + 6 * n + 2 * n * n, 3 + 5 * n, threads, err);
}

mn_status mn_eigen_values(size_t n, double *a, double *values, int threads, mn_error *err)
{
  enum { BLOCK = 64 }; /* columns that the reduction to a tridiagonal matrix takes at once */
  return eigen("N", n, a, values, 1 + (BLOCK + 2) * n, 1, threads, err);
}

enum { QR_BLOCK = 64 };

size_t mn_qr_work_size(size_t d, size_t rows)
{
  return (d + rows) * d + d + d * QR_BLOCK;
}

mn_status mn_qr_append(size_t d, double *r, size_t rows, const double *x, double *work, int threads, mn_error *err)
{
  size_t m = d + rows;
  double *stack = work, *tau = work + m * d, *space = tau + d; /* stack: m x d, R above X_b */
  for (size_t j = 0; j < d; j++) {
    memcpy(stack + j * m, r + j * d, d * sizeof *r);
    for (size_t i = 0; i < rows; i++) stack[j * m + d + i] = x[i * d + j];
  }
  int im = (int)m, id = (int)d, lwork = (int)(d * QR_BLOCK), info = 0;
  int before = mn_threads_blas_begin(threads);
  dgeqrf_(&im, &id, stack, &im, tau, space, &lwork, &info);
  mn_threads_blas_end(before);
  if (info) return lapack_failure("dgeqrf", info, err);
  for (size_t j = 0; j < d; j++) memcpy(r + j * d, stack + j * m, (j + 1) * sizeof *r);
  return MN_OK;
}

mn_status mn_svd_right(size_t d, double *a, double *values, double *vt, int threads, mn_error *err)
{
  mn_status st = check_order("the singular value decomposition", d, MN_SVD_MAX, err);
  if (st) return st;
  int order = (int)d, lwork = -1, info = 0, *iwork = mn_alloc(8 * d, sizeof *iwork);
  double best = 0, *work = NULL;
  if (!iwork) return MN_NO_MEMORY(err, 8 * d * sizeof *iwork);
  /* 'O': U overwrites a, V' goes to vt. */
  dgesdd_("O", &order, &order, a, &order, values, a, &order, vt, &order, &best, &lwork, iwork, &info, 1);
  lwork = (int)best;
  if (!(work = mn_alloc_matrix((size_t)lwork, sizeof *work))) {
    st = MN_NO_MEMORY(err, (size_t)lwork * sizeof *work);
    goto done;
  }
  int before = mn_threads_blas_begin(threads);
  dgesdd_("O", &order, &order, a, &order, values, a, &order, vt, &order, work, &lwork, iwork, &info, 1);
  mn_threads_blas_end(before);
  if (info) st = lapack_failure("dgesdd", info, err);
done:
  mn_free(work);
  mn_free(iwork);
  return st;
}
