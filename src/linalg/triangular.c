#include "linalg/triangular.h"

#include "core/memory.h"
#include "core/status.h"
#include "linalg/lapack.h"
#include "linalg/threads.h"

static mn_status check_order(size_t n, mn_error *err)
{
  if (n <= MN_TRIANGULAR_MAX) return MN_OK;
  return MN_FAIL(err, MN_ERR_UNSUPPORTED, "a dense triangular matrix may be of order %d at most, %zu given",
                 MN_TRIANGULAR_MAX, n);
}

mn_status mn_triangular_solve(size_t n, const double *a, size_t columns, double *b, int threads, mn_error *err)
{
  mn_status st = check_order(n, err);
  if (st) return st;
  int order = (int)n, nrhs = (int)columns, info = 0;
  int before = mn_threads_blas_begin(threads);
  dtrtrs_("L", "N", "N", &order, &nrhs, a, &order, b, &order, &info, 1, 1, 1);
  mn_threads_blas_end(before);
  if (info > 0) return MN_FAIL(err, MN_ERR_SINGULAR, "triangular system: diagonal element %d of %zu is zero", info, n);
  return info ? MN_FAIL(err, MN_ERR_LAPACK, "dtrtrs failed with info = %d", info) : MN_OK;
}

mn_status mn_triangular_rcond(size_t n, const double *a, double *rcond, mn_error *err)
{
  mn_status st = check_order(n, err);
  if (st) return st;
  int order = (int)n, info = 0, *iwork = mn_alloc(n, sizeof *iwork);
  double *work = mn_alloc(3 * n, sizeof *work);
  if (!iwork || !work)
    st = MN_NO_MEMORY(err, n * (3 * sizeof *work + sizeof *iwork));
  else {
    int before = mn_threads_blas_begin(1);
    dtrcon_("1", "L", "N", &order, a, &order, rcond, work, iwork, &info, 1, 1, 1);
    mn_threads_blas_end(before);
    if (info) st = MN_FAIL(err, MN_ERR_LAPACK, "dtrcon failed with info = %d", info);
  }
  mn_free(iwork);
  mn_free(work);
  return st;
}

mn_status mn_general_eigenvalues(size_t n, double *a, double *values, mn_error *err)
{
  mn_status st = check_order(n, err);
  if (st) return st;
  int order = (int)n, one = 1, size = 34 * (int)n, info = 0;
  double *work = mn_alloc(34 * n, sizeof *work), *imaginary = mn_alloc(n, sizeof *imaginary);
  if (!work || !imaginary)
    st = MN_NO_MEMORY(err, 35 * n * sizeof *work);
  else {
    int before = mn_threads_blas_begin(1);
    dgeev_("N", "N", &order, a, &order, values, imaginary, NULL, &one, NULL, &one, work, &size, &info, 1, 1);
    mn_threads_blas_end(before);
    if (info) st = MN_FAIL(err, MN_ERR_LAPACK, "dgeev failed with info = %d", info);
  }
  mn_free(work);
  mn_free(imaginary);
  return st;
}
