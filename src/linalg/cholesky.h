/* Tiled Cholesky factorisation of panels, and what is solved with the factor.
 *
 * K = L L', L replacing the lower triangle of K. Tiles are computed in the order of the panels, each tile once, from
 * the finished tiles to its left (left-looking): threads draw tiles from one counter and wait for the tiles they need.
 * No tile depends on a later one, so this cannot stall; panels are finished in order, and the result does not depend on
 * the number of threads. */
#ifndef MN_LINALG_CHOLESKY_H
#define MN_LINALG_CHOLESKY_H

#include "core/progress.h"
#include "linalg/blas.h"
#include "linalg/panels.h"

/* Flops of a factorisation of order n: n^3 / 3; of its columns from this one on. */
double mn_cholesky_flops(size_t n);
double mn_cholesky_flops_from(size_t n, size_t column);

/* Factors in place. A pivot that is not positive gives MN_ERR_SINGULAR, its index (from 0) in *pivot, and panels whose
 * contents are of no use. Progress phase "factor". */
mn_status mn_cholesky_factor(mn_panels *panels, int threads, const mn_context *ctx, size_t *pivot, mn_error *err);

/* A part of a factorisation: the panels begin ... end - 1. Those before `begin` hold their part of L already, and those
 * before `from` have been subtracted from the part's panels already: they need not be in memory. */
typedef struct {
  size_t from, begin, end;
  /* Called once for each panel of the part, in order and by one thread at a time, as soon as the panel is finished,
   * while other threads go on with later panels. Anything but MN_OK ends the factorisation with that status. NULL is
   * fine. */
  mn_status (*done)(void *arg, size_t panel, mn_error *err);
  void *arg;
} mn_cholesky_range;

/* Factors a part in place; the factor has the same bits whatever the parts. Pivot as above. The caller's meter is
 * advanced by the flops that are left to do; MN_ERR_CANCELLED once it is cancelled. */
mn_status mn_cholesky_factor_range(mn_panels *panels, const mn_cholesky_range *range, int threads, mn_meter *meter,
                                   size_t *pivot, mn_error *err);

/* The step that everything is made of: tile C (rows x columns) -= A B', where A (rows x width) and B (columns x width)
 * are finished tiles in the row of C and in the row of C's diagonal tile; on the diagonal these are the same. */
void mn_cholesky_update(const mn_blas *blas, int diagonal, size_t rows, size_t columns, size_t width, const void *a,
                        size_t lda, const void *b, size_t ldb, void *c, size_t ldc);
double mn_cholesky_update_flops(int diagonal, size_t rows, size_t columns, size_t width);

/* b (n x columns, column-major, ld n) <- (L L')^-1 b, in the factor's precision; an fp32 factor solves on a copy of b.
 * meter (may be NULL) is advanced by 2 n^2 columns flops; once it is cancelled b is of no use, and closing the meter
 * says so. */
mn_status mn_cholesky_solve(const mn_panels *factor, int threads, size_t columns, mn_meter *meter, double *b,
                            mn_error *err);

/* The same, b <- L^-1 b, and b <- L^-T b; b in the factor's precision. */
void mn_cholesky_apply(const mn_panels *factor, int threads, size_t columns, mn_meter *meter, void *b);
void mn_cholesky_forward(const mn_panels *factor, int threads, size_t columns, void *b);
void mn_cholesky_backward(const mn_panels *factor, int threads, size_t columns, void *b);

/* diagonal[i] = ((L L')^-1)_ii for i = 0 ... n-1, computed in the factor's precision and summed in fp64; n^3 / 3 flops
 * and the bytes below. The same bits for any number of threads. Progress phase `phase`. (inverse_diagonal.c) */
size_t mn_cholesky_inverse_bytes(size_t n, size_t width, mn_dtype type, int threads);
mn_status mn_cholesky_inverse_diagonal(const mn_panels *factor, int threads, const mn_context *ctx, const char *phase,
                                       double *diagonal, mn_error *err);

/* Estimates the reciprocal condition number in the 1-norm, 1 / (||K||_1 ||K^-1||_1), from the factor and norm1 =
 * ||K||_1 (Higham 1988, LAPACK dlacn2); the estimate is at least the true value. Progress phase "condition". */
mn_status mn_cholesky_rcond(const mn_panels *factor, int threads, const mn_context *ctx, double norm1, double *rcond,
                            mn_error *err);

#endif
