/* A symmetric positive semidefinite matrix as F F' + mu I with a few columns, found by block randomly pivoted Cholesky
 * (Chen, Epperly, Tropp & Webber 2023): each block of pivots is drawn with probabilities proportional to the diagonal
 * that the columns so far leave over. As a preconditioner it takes the large eigenvalues out. */
#ifndef MN_LINALG_LOW_RANK_H
#define MN_LINALG_LOW_RANK_H

#include <stdint.h>

#include "linalg/panels.h"

typedef struct {
  size_t n, rank;
  float *f;          /* n x rank, column-major */
  double *core;      /* rank x rank: lower Cholesky factor of mu I + F'F */
  double mu;         /* see below */
  double trace_left; /* trace of K - F F', as a fraction of that of K */
} mn_low_rank;

/* Bytes that opening allocates at the peak. */
double mn_low_rank_bytes(size_t n, size_t rank, int threads);

/* K's lower triangle in fp32 panels, `rank` columns at most (fewer when nothing is left over); mu = ridge + half the
 * mean of the diagonal left over, but no less than single precision resolves beside the norm of F F'. Pivots depend on
 * the seed alone, but for rounding. Phase "precondition". */
mn_status mn_low_rank_open(const mn_panels *k, size_t rank, double ridge, uint64_t seed, int threads,
                           const mn_context *ctx, mn_low_rank **out, mn_error *err);
void mn_low_rank_close(mn_low_rank **p);

/* out = (F F' + mu I)^-1 v = (v - F (mu I + F'F)^-1 F'v) / mu; n x columns, column-major. */
mn_status mn_low_rank_solve(const mn_low_rank *p, int threads, size_t columns, const double *v, double *out,
                            mn_error *err);

#endif
