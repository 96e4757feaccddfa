/* A preconditioner of conjugate gradients for kernel matrices: a partial Cholesky factor takes out the large
 * eigenvalues, a sparse approximate inverse of what is left over the small ones (the adaptive factorised Nystrom
 * preconditioner of Zhao, Xu, Huang, Chow & Xi 2023, with random pivots).
 *
 * With the pivots in front, K + ridge I = [L11 0; L21 I] [I 0; 0 S] [L11' L21'; 0 I], and S^-1 is about G'G. */
#ifndef MN_LINALG_PRECONDITIONER_H
#define MN_LINALG_PRECONDITIONER_H

#include "linalg/low_rank.h"
#include "linalg/sparse_inverse.h"

typedef struct {
  mn_low_rank *f;
  mn_sparse_inverse *g;
  mn_panels *corner; /* fp32: L11, the rows of F at the pivots; NULL at rank 0 */
} mn_preconditioner;

/* Bytes that opening allocates at the peak, and what stays of them. */
double mn_preconditioner_bytes(size_t n, size_t rank, size_t degree);
double mn_preconditioner_held_bytes(size_t n, size_t rank, size_t degree);

/* As mn_low_rank_open; degree: neighbours of a row of the sparse inverse, as there. */
mn_status mn_preconditioner_open(const mn_symmetric *k, size_t rank, size_t degree, double ridge, uint64_t seed,
                                 int threads, const mn_context *ctx, mn_preconditioner **out, mn_error *err);
void mn_preconditioner_close(mn_preconditioner **p);

/* out = M^-1 v; n x columns, column-major. */
mn_status mn_preconditioner_solve(const mn_preconditioner *p, int threads, size_t columns, const double *v, double *out,
                                  mn_error *err);

#endif
