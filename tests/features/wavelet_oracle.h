/* Naive twin of the wavelet maps: wavelets sampled in space, direct circular sums, all in double precision. */
#ifndef MN_TESTS_WAVELET_ORACLE_H
#define MN_TESTS_WAVELET_ORACLE_H

#include <complex.h>
#include <stddef.h>

#include "minnorm/features.h"

/* Images of random numbers around a bright spot, n x channels x height x width. */
typedef struct {
  mn_data *data;
  mn_scaling *scaling;
  mn_samples samples;
} oracle_images;
oracle_images oracle_images_open(size_t n, size_t channels, size_t height, size_t width, uint64_t seed);
/* The same numbers, as given. */
oracle_images oracle_images_of(size_t n, size_t channels, size_t height, size_t width, const float *x);
void oracle_images_close(oracle_images *images);

/* Sides of the image among zeros. */
size_t oracle_side(const mn_features_options *options, size_t side);

/* Wavelet of scale j and orientation l on height x width pixels, periodic, from its formula in space. */
double complex *oracle_wavelet(const mn_features_options *options, int j, int l, size_t height, size_t width);

/* Features of one image, channels x height x width, in the order that features.h states; *dim of them. */
double *oracle_features(const mn_features_options *options, size_t channels, size_t height, size_t width,
                        const float *image, size_t *dim);

#endif
