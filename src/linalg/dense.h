/* Whole-matrix factorisations by LAPACK, in fp64: LU, symmetric eigenvalues, streamed QR, singular values.
 *
 * They run on the BLAS's own threads (threads.h), cannot be interrupted, and take matrices of at most 2^31 elements,
 * workspace included: LU up to n = 46,340, eigenvalues up to n = 32,766, singular values up to d = 20,000. */
#ifndef MN_LINALG_DENSE_H
#define MN_LINALG_DENSE_H

#include <stddef.h>

#include "minnorm/status.h"

enum { MN_LU_MAX = 46340, MN_EIGEN_MAX = 32766, MN_SVD_MAX = 20000 };

/* Copies the lower triangle of a (n x n, column-major, ld n) to the upper. */
void mn_dense_mirror(size_t n, double *a, int threads);

/* PA = LU in place; pivots has n entries. MN_ERR_SINGULAR when a pivot is exactly zero. */
mn_status mn_lu_factor(size_t n, double *a, int *pivots, int threads, mn_error *err);

/* b (n x columns, ld n) <- A^-1 b */
mn_status mn_lu_solve(size_t n, const double *lu, const int *pivots, size_t columns, double *b, int threads,
                      mn_error *err);

/* Reciprocal condition number in the 1-norm, estimated (dgecon), for norm1 = ||A||_1. */
mn_status mn_lu_rcond(size_t n, const double *lu, double norm1, double *rcond, mn_error *err);

/* A = V diag(values) V': the lower triangle of a is replaced by V, values ascend. Bytes of the workspace on top of a.
 */
size_t mn_eigen_workspace_bytes(size_t n);
mn_status mn_eigen_factor(size_t n, double *a, double *values, int threads, mn_error *err);

/* The values alone, for a third of the time; a is destroyed. */
mn_status mn_eigen_values(size_t n, double *a, double *values, int threads, mn_error *err);

/* QR of a tall matrix by blocks of rows: r (d x d, ld d, upper triangular, zero or an earlier R) becomes the R of [R;
 * X_b], X_b rows x d given row-major. work: mn_qr_work_size(d, rows) doubles. */
size_t mn_qr_work_size(size_t d, size_t rows);
mn_status mn_qr_append(size_t d, double *r, size_t rows, const double *x, double *work, int threads, mn_error *err);

/* Singular values (descending) and right singular vectors of a (d x d, ld d, destroyed): vt (d x d) holds V'. */
mn_status mn_svd_right(size_t d, double *a, double *values, double *vt, int threads, mn_error *err);

#endif
