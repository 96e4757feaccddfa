/* A partial Cholesky factorisation of a symmetric positive semidefinite matrix, by block randomly pivoted Cholesky
 * (Chen, Epperly, Tropp & Webber 2023): each block of pivots is drawn with probabilities proportional to the diagonal
 * that the columns so far leave over. F F' takes the large eigenvalues out. */
#ifndef MN_LINALG_LOW_RANK_H
#define MN_LINALG_LOW_RANK_H

#include <stdint.h>

#include "linalg/symmetric.h"

enum { MN_LOW_RANK_BLOCK = 256 }; /* pivots drawn at a time */

typedef struct {
  size_t n, rank;
  float *f;          /* n x rank, column-major; its rows at the pivots, in their order, are lower triangular */
  size_t *pivots;    /* rank: the row of K that each column of F belongs to */
  double *left;      /* n: diagonal of K - F F', 0 at the pivots */
  double trace_left; /* its sum, as a fraction of the trace of K */
} mn_low_rank;

/* Bytes that opening allocates at the peak. */
double mn_low_rank_bytes(size_t n, size_t rank);

/* The first `rank` columns, or as many as there are before nothing is left over, of the Cholesky factor of K + ridge I
 * with the pivots brought to the front. Pivots depend on the seed alone, but for rounding. Phase "precondition".
 * MN_ERR_DATA when the diagonal of K + ridge I is beyond what single precision can work with. */
mn_status mn_low_rank_open(const mn_symmetric *k, size_t rank, double ridge, uint64_t seed, int threads,
                           const mn_context *ctx, mn_low_rank **out, mn_error *err);
void mn_low_rank_close(mn_low_rank **p);

#endif
