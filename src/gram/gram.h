/* Blocked passes over the Gram matrix K_ij = k(x_i, x_j): into panels, or multiplied by vectors without ever being
 * stored.
 *
 * A tile is the inner products of two blocks of samples, by gemm or, for bytes, in integers (tile.h), followed by the
 * kernel's vectorised transform; only tiles on and below the diagonal are visited where the matrix is symmetric. Every
 * pass counts n^2 d flops for a symmetric matrix and 2 m n d otherwise, the transform not counted. */
#ifndef MN_GRAM_GRAM_H
#define MN_GRAM_GRAM_H

#include "linalg/panels.h"
#include "minnorm/context.h"
#include "minnorm/kernel.h"
#include "minnorm/samples.h"

/* Bytes that each pass allocates while it runs: filling panels of this width and type, K(rows, cols) v, K v. Samples
 * that are not there yet have the number, the scaling and the data's type of those to come. */
double mn_gram_fill_bytes(const mn_samples *samples, size_t width, mn_dtype type, int threads);
double mn_gram_multiply_bytes(const mn_samples *rows, const mn_samples *cols, int threads);
double mn_gram_symmetric_bytes(const mn_samples *samples, size_t columns, int threads);

/* 1 when inner products of such samples are formed in integers, which makes a pass about as cheap as reading a kept K.
 */
int mn_gram_in_integers(const mn_samples *samples);

/* Writes the lower triangle of K + ridge I into the panels, in their type and tiles of their width. Phase "gram". */
mn_status mn_gram_fill(const mn_samples *samples, const mn_kernel *kernel, double ridge, int threads,
                       const mn_context *ctx, mn_panels *out, mn_error *err);

/* The same for panels first ... end - 1 alone; the others need no memory. */
mn_status mn_gram_fill_panels(const mn_samples *samples, const mn_kernel *kernel, double ridge, int threads,
                              const mn_context *ctx, mn_panels *out, size_t first, size_t end, mn_error *err);

/* out[k] = K(i[k], j[k]), k = 0 ... count - 1, from the difference of the two samples: exact to fp32 rounding; or from
 * their kept product. */
mn_status mn_gram_elements(const mn_samples *samples, const mn_kernel *kernel, int threads, size_t count,
                           const size_t *i, const size_t *j, float *out, mn_error *err);

/* tr K, from the norms alone. */
mn_status mn_gram_trace(const mn_samples *samples, const mn_kernel *kernel, int threads, double *trace, mn_error *err);

/* The inner products and squared norms (n) that the transform of this kernel takes. Where it is a function of distance
 * they are those of samples with their mean taken off, or, for bytes, -r^2/2 and 0. Candidates for its parameters are
 * tried on one such matrix. Phase "gram". */
mn_status mn_gram_inner(const mn_samples *samples, const mn_kernel *kernel, int threads, const mn_context *ctx,
                        mn_panels *out, double *norms, mn_error *err);

/* out (m x columns) = K(rows, cols) v (n x columns), fp64, column-major, leading dimensions m and n. */
mn_status mn_gram_multiply(const mn_samples *rows, const mn_samples *cols, const mn_kernel *kernel, int threads,
                           const mn_context *ctx, const char *phase, size_t columns, const double *v, double *out,
                           mn_error *err);

/* out (n x columns) = K v for K of one set of samples, at half the flops. The order of summation depends on the number
 * of threads. */
mn_status mn_gram_multiply_symmetric(const mn_samples *samples, const mn_kernel *kernel, int threads,
                                     const mn_context *ctx, const char *phase, size_t columns, const double *v,
                                     double *out, mn_error *err);

/* The same with K and v in fp32, and sums of a few hundred products (skinny.h); above them they are in double. */
mn_status mn_gram_multiply_symmetric_f32(const mn_samples *samples, const mn_kernel *kernel, int threads,
                                         const mn_context *ctx, const char *phase, size_t columns, const float *v,
                                         double *out, mn_error *err);

#endif
