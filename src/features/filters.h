/* The filters of the convolutional layer: drawn from the seed and, but for Gaussian ones, from training patches. Of
 * each filter only its patch is kept, a byte a tap where the samples are bytes, and the weights are computed when they
 * are needed: 256,000 filters of recipe B take 28 MB. */
#ifndef MN_FEATURES_FILTERS_H
#define MN_FEATURES_FILTERS_H

#include "features/kept.h"
#include "features/whiten.h"

typedef struct {
  mn_filters kind;
  size_t count, taps; /* filters, and weights of each: channels x side x side */
  mn_patch_norm norm; /* of the patches */
  double constant;    /* added to their variance, as the samples are scaled */
  int unit;           /* scaled to norm 1 */
  int centered;       /* patches of images have their mean subtracted: weights need only be right up to a constant */
  uint64_t seed;
  int bytes;              /* type of patches: bytes or floats */
  double scale;           /* what their elements are multiplied by */
  void *patches;          /* count x taps; NULL when Gaussian */
  mn_whitening whitening; /* NULL both unless whitened */
} mn_filter_bank;

/* Filter f depends on the seed, f, the training set and the options but for their number of filters. The bits of the
 * weights may differ between machines in the last places, through log, cos and LAPACK's eigenvectors, not between
 * numbers of threads. kept: patches and whitening that take the place of those of the training images, whose type and
 * scaling still count; NULL: none. Closed after a failure, too. */
mn_status mn_filters_open(const mn_features_options *options, const mn_samples *train, const mn_features_kept *kept,
                          int threads, mn_filter_bank *out, mn_error *err);
void mn_filters_close(mn_filter_bank *bank);
mn_features_kept mn_filters_keep(const mn_filter_bank *bank);

/* Weights of filter f (taps); the response to a patch p, normalised as those of images are, is <weights, p> - offset:
 * the offset stands for the mean that is subtracted from p. Weights have sum 0 where p has. scratch: taps. */
void mn_filters_make(const mn_filter_bank *bank, size_t f, double *scratch, double *weights, double *offset);

#endif
