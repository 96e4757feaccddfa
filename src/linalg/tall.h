/* Tall matrices of few columns, in fp64 and column-major without gaps: what block conjugate gradients do besides the
 * products with K. Sums are dealt to the threads in a fixed way: the same number of threads gives the same bits. */
#ifndef MN_LINALG_TALL_H
#define MN_LINALG_TALL_H

#include <stddef.h>

#include "minnorm/status.h"

/* c (ka x kb, ld ka) = A'B; a: n x ka, b: n x kb. */
mn_status mn_tall_inner(size_t n, size_t ka, const double *a, size_t kb, const double *b, int threads, double *c,
                        mn_error *err);

/* Y += sign A C; a: n x k, c: k x columns, y: n x columns. */
void mn_tall_add(size_t n, size_t k, double sign, const double *a, size_t columns, const double *c, int threads,
                 double *y);

/* A well-conditioned basis (n x *rank) of the space that the columns of z (n x columns, destroyed) span, by a pivoted
 * Cholesky factor of the inner products of the columns scaled to norm 1: near orthonormal, columns within 1e-6 of the
 * span of others left out. *rank is 0 when z is zero or not finite. */
mn_status mn_tall_basis(size_t n, size_t columns, double *z, int threads, double *basis, size_t *rank, mn_error *err);

#endif
