/* What the tests of the convolutional layer share: small random images, an open map without its table, the layer by
 * definition. */
#ifndef MN_TESTS_CONV_SUPPORT_H
#define MN_TESTS_CONV_SUPPORT_H

#include "features/conv.h"
#include "naive.h"
#include "support.h"

/* n random images, closed by naive_close. */
naive_set conv_images(size_t n, size_t channels, size_t height, size_t width, mn_dtype type, mn_scale scale,
                      uint64_t seed);

/* Small constants for small images: 3 x 3 patches, 37 whitened filters, windows of 4 with a stride of 3, blocked. */
mn_features_options conv_options(void);

/* The row's check and open. Closed by conv_close, after a failure too. */
mn_status conv_open(const mn_features_options *options, const naive_set *train, int threads, mn_features *out,
                    mn_error *err);
void conv_close(mn_features *map);
void conv_must_open(const mn_features_options *options, const naive_set *train, mn_features *out);

/* Features of groups g ... end - 1 of images first ... first + count - 1, `block` images at a time by a worker of its
 * own; released with free. */
float *conv_transform(const mn_features *map, const naive_set *images, size_t first, size_t count, size_t block,
                      size_t g, size_t end);

/* The features of one image (dim) by definition, from weights and offsets of the filters, into out (dim). */
void conv_naive(const mn_features *map, const double *image, double *out);

/* A patch (taps) normalised as the options say, by definition. */
void conv_normalise(mn_patch_norm norm, double constant, size_t taps, double *patch);

#endif
