/* Dense triangular systems by LAPACK, in fp64. */
#ifndef MN_LINALG_TRIANGULAR_H
#define MN_LINALG_TRIANGULAR_H

#include <stddef.h>

#include "minnorm/status.h"

enum { MN_TRIANGULAR_MAX = 46340 };

/* b (n x columns, ld n) <- A^-1 b, a (n x n, ld n) lower triangular (dtrtrs). MN_ERR_SINGULAR for a zero on the
 * diagonal. */
mn_status mn_triangular_solve(size_t n, const double *a, size_t columns, double *b, int threads, mn_error *err);

/* Reciprocal condition number of a lower triangular matrix in the 1-norm, estimated (dtrcon). */
mn_status mn_triangular_rcond(size_t n, const double *a, double *rcond, mn_error *err);

/* Real parts of the eigenvalues of a general matrix (n x n, ld n, destroyed), in LAPACK's order (dgeev). */
mn_status mn_general_eigenvalues(size_t n, double *a, double *values, mn_error *err);

#endif
