/* Whitening of patches by zero-phase components (ZCA; Bell & Sejnowski 1997), from the training images alone. */
#ifndef MN_FEATURES_WHITEN_H
#define MN_FEATURES_WHITEN_H

#include "features/filters_patches.h"

/* V E V' = mean of (p - m)(p - m)' over normalised patches p; m their mean, or 0 without center. */
typedef struct {
  double *mean;   /* taps; all 0 without center */
  double *square; /* taps x taps: W W = V (E + epsilon)^-1 V' */
} mn_whitening;

/* Patches 0 ... count - 1. Sums are taken patch by patch in their order, so that threads do not change a bit of them;
 * the eigenvectors are LAPACK's, so that machines may differ by rounding. With epsilon = 0 eigenvalues below taps
 * 2^-52 times the largest count as 0 and are left out. What was allocated is closed after a failure, too. */
mn_status mn_whitening_open(const mn_patches *patches, size_t count, mn_patch_norm norm, double constant, int center,
                            double epsilon, int threads, mn_whitening *out, mn_error *err);
void mn_whitening_close(mn_whitening *w);

#endif
