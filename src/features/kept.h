/* What a map takes from its training images, so that another program can open the same map without them: the patches
 * that became filters, and the whitening. Everything else is made again from the options. */
#ifndef MN_FEATURES_KEPT_H
#define MN_FEATURES_KEPT_H

#include "minnorm/features.h"

/* A view. Arrays are NULL where the map has none. */
typedef struct {
  size_t filters, taps;
  mn_dtype type;        /* of patches: MN_U8 or MN_F32 */
  const void *patches;  /* filters x taps, row-major */
  const double *mean;   /* taps */
  const double *square; /* taps x taps */
} mn_features_kept;

mn_features_kept mn_features_keep(const mn_features *features);

/* mn_features_open with these in place of what would be drawn: the same map to the last bit. `like` has the shape, type
 * and scaling of the training images. The arrays are copied; those of another map are MN_ERR_FORMAT. */
mn_status mn_features_open_kept(const mn_features_options *options, const mn_samples *like,
                                const mn_features_kept *kept, const mn_context *ctx, mn_features **out, mn_error *err);

#endif
