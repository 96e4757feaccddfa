/* The product of a symmetric matrix, held as panels, with a few vectors: the inner loop of conjugate gradients. */
#ifndef MN_LINALG_PANELS_MULTIPLY_H
#define MN_LINALG_PANELS_MULTIPLY_H

#include "core/progress.h"
#include "linalg/panels.h"

/* Bytes of the partial sums of all threads but one, which mn_panels_multiply allocates and releases. */
size_t mn_panels_multiply_bytes(size_t n, int threads, size_t columns);

/* out (n x columns) = K v, v n x columns, column-major without gaps, v in the precision of K: `k` holds the symmetric
 * matrix itself, not a factor. Of K only the lower triangle is read, once for both halves of the product.
 *
 * |out - K v| <= ((n + 8) 2^-53 + e) |K| |v|, with e = 0 in double precision; in single, e = 136 2^-24, since only
 * sums of 128 products are in single precision (skinny.h). The same number of threads gives the same bits; different
 * numbers differ by rounding. Adds 2 n^2 columns flops to the meter, which may be NULL; once it is cancelled the call
 * returns early, `out` undefined. */
mn_status mn_panels_multiply(const mn_panels *k, int threads, size_t columns, const void *v, double *out,
                             mn_meter *meter, mn_error *err);

/* The same for v in double precision whatever K is in. For K in single precision v is rounded to it, each column by a
 * scale of its own, into single (n x columns) and scale (columns), which are not read otherwise. MN_ERR_CANCELLED once
 * the meter is cancelled. */
mn_status mn_panels_multiply_f64(const mn_panels *k, int threads, size_t columns, const double *v, float *single,
                                 double *scale, double *out, mn_meter *meter, mn_error *err);

#endif
