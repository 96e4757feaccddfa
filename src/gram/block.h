/* Blocks of samples as the Gram passes read them: converted, and for kernels of distances moved to the middle.
 *
 * r^2 = ||x||^2 + ||x'||^2 - 2 x.x' loses the digits that the norms have in common; taking the mean off all samples
 * leaves r alone and makes the norms as small as they can be. */
#ifndef MN_GRAM_BLOCK_H
#define MN_GRAM_BLOCK_H

#include "minnorm/samples.h"

/* The mean of the first 1,000 samples, which is as good a middle as that of all; dim numbers, released with mn_free. */
mn_status mn_block_center(const mn_samples *samples, double **out, mn_error *err);

/* Rows first ... first + count - 1 minus the center (NULL: as they are) as count x dim of the type, row-major. scratch:
 * dim doubles, used when a center meets MN_F32, for the difference has to be taken in double; else may be NULL. */
void mn_block_fetch(const mn_samples *samples, const double *center, mn_dtype type, size_t first, size_t count,
                    void *out, double *scratch);

/* Squared norms of all samples, center subtracted. */
mn_status mn_block_norms(const mn_samples *samples, const double *center, int threads, double *norms, mn_error *err);

#endif
