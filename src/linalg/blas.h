/* The gate to BLAS and LAPACK: the only place that knows their Fortran symbols and 32-bit integers.
 *
 * Matrices are column-major. Sizes are size_t; the gate checks that each fits a BLAS integer, which holds for every
 * tile of a panel and is checked by the callers that hand over whole matrices. The calls in mn_blas run on the calling
 * thread alone (threads.h), so that callers are free to make them from their own OpenMP threads. */
#ifndef MN_LINALG_BLAS_H
#define MN_LINALG_BLAS_H

#include <limits.h>
#include <stddef.h>

#include "minnorm/types.h"

/* Greatest size, leading dimension included, that BLAS takes. */
#define MN_BLAS_MAX ((size_t)INT_MAX)

/* The level-3 operations on tiles, one row a precision; scalars are passed in double, arrays are of the row's type. */
typedef struct {
  mn_dtype type;
  size_t size;          /* bytes of an element */
  double unit_roundoff; /* 2^-53 or 2^-24 */
  /* C (m x n) <- alpha op(A) op(B) + beta C, op(A) m x k; transposes are 'N' or 'T' */
  void (*gemm)(char ta, char tb, size_t m, size_t n, size_t k, double alpha, const void *a, size_t lda, const void *b,
               size_t ldb, double beta, void *c, size_t ldc);
  /* lower triangle of C (n x n) <- alpha A A' + beta C, A n x k */
  void (*syrk)(size_t n, size_t k, double alpha, const void *a, size_t lda, double beta, void *c, size_t ldc);
  /* B (m x n) <- op(A)^-1 B (side 'L') or B op(A)^-1 (side 'R'), A lower triangular */
  void (*trsm)(char side, char trans, size_t m, size_t n, const void *a, size_t lda, void *b, size_t ldb);
  /* lower Cholesky factor of A (n x n) in place; 0, or k when the k-th leading minor is not positive definite */
  size_t (*potrf)(size_t n, void *a, size_t lda);
} mn_blas;

/* The row of MN_F32 or MN_F64. */
const mn_blas *mn_blas_of(mn_dtype type);

#endif
