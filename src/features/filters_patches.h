/* Random patches of the training images. */
#ifndef MN_FEATURES_FILTERS_PATCHES_H
#define MN_FEATURES_FILTERS_PATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/features.h"

/* Patch i depends on the seed, i and the training set alone, not on how many are drawn; patches 0, 1, ... are of
 * different places (image, row, column) until all places have been seen, which then repeat. */
typedef struct {
  const mn_samples *train;
  size_t channels, height, width; /* of an image */
  size_t side, taps;              /* of a patch: taps = channels * side * side */
  uint64_t seed;
  int bytes;   /* the samples are bytes, as they are or over 255: elements are these bytes */
  double unit; /* what an element is multiplied by to be as the samples are scaled: 1/255 or 1 */
} mn_patches;

mn_patches mn_patches_of(const mn_samples *train, size_t side, uint64_t seed);

/* How many places there are, and that of patch i: ((image * rows) + row) * columns + column. */
uint64_t mn_patches_places(const mn_patches *p);
uint64_t mn_patches_place(const mn_patches *p, size_t i);

/* The elements of patch i into out (taps: channels x side x side); image: dim floats of scratch, unused with bytes. */
void mn_patches_read(const mn_patches *p, size_t i, float *image, float *out);

/* A patch (taps elements, as the samples are scaled) normalised in place. constant: added to the variance. */
void mn_patches_normalise(mn_patch_norm norm, double constant, size_t taps, double *patch);

#endif
