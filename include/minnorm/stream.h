/* Features streamed into kept inner products: computed a block at a time, scaled by their statistics over the training
 * images, added, and forgotten. Memory does not depend on how many there are. */
#ifndef MINNORM_STREAM_H
#define MINNORM_STREAM_H

#include "minnorm/features.h"
#include "minnorm/products.h"
#include "minnorm/solve.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* Names on the command line; NULL outside the table. */
typedef enum {
  MN_FEATURE_SCALE_AUTO,    /* standard for conv, none for the others */
  MN_FEATURE_SCALE_NONE,    /* as they are */
  MN_FEATURE_SCALE_CENTER,  /* minus the mean over the training images */
  MN_FEATURE_SCALE_STANDARD /* that over the deviation and the root of the number of features, so that the mean squared
                               norm of a training image is 1; constant features become 0 */
} mn_feature_scale;
const char *mn_feature_scale_string(mn_feature_scale scale);

typedef struct {
  mn_features_options features;
  mn_scale scale; /* of the pixels */
  mn_feature_scale feature_scale;
  int normalise;          /* 1: then each image to norm 1 */
  mn_precision precision; /* of the products: double or single; auto: double up to 20,480 features where memory has
                             room, else single */
  int bfloat16; /* 1: features are rounded to bfloat16, the upper half of a float, after all that is done to them; their
                   products, single, take less time then on processors with AVX-512 BF16 */
  size_t memory_bytes; /* budget of the whole process; 0: what the machine has available */
  const char *folder;  /* where the products are kept, as they grow and when they are complete: a run that was stopped
                          goes on from there; NULL: nowhere */
} mn_stream_options;

typedef struct {
  size_t dim;
  mn_dtype type;
  size_t block;   /* features at once, about */
  size_t resumed; /* features that were in the products already */
  double open_s, features_s, products_s, save_s;
  double products_gflops;
} mn_stream_report;

/* auto, auto, auto, no budget, no folder, features as mn_features_default has them. */
mn_stream_options mn_stream_defaults(mn_features_name name);

/* Products of all features of the training and test images (test may be NULL), which stay the caller's. A folder with
 * products of other images or options is MN_ERR_DATA, and left as it is; products that are complete there are opened
 * without computing anything; those that are not are gone on with, to the same bits where memory_bytes has room for as
 * many features at once. MN_ERR_BUDGET without room for the products. Phase "features". */
mn_status mn_stream_products(const mn_data *train, const mn_data *test, const mn_stream_options *options,
                             const mn_context *ctx, mn_products **out, mn_stream_report *report, mn_error *err);

typedef mn_status (*mn_stream_take)(void *user, size_t k, const mn_products *products, mn_error *err);

/* Products on the way to all features, for a curve over their number in one pass: `take` is given those of the first
 * dims[k] features, k = 0 ... count - 1, rounded up to the end of a group; the pass ends with the last of them. They
 * are as products of so many features alone would be. A folder keeps them on the way too; one that has come beyond
 * dims[0] is MN_ERR_DATA. Errors: MN_ERR_ARGUMENT for dims that do not rise from group to group or are more than there
 * are, and what take returns, which ends the pass. products is valid during the call. */
mn_status mn_stream_stops(const mn_data *train, const mn_data *test, const mn_stream_options *options, size_t count,
                          const size_t *dims, const mn_context *ctx, mn_stream_take take, void *user,
                          mn_stream_report *report, mn_error *err);

/* What this will need: bytes at the peak, the data and the process as they are included; seconds from a few images and
 * the gemm rate. */
typedef struct {
  size_t dim;
  mn_dtype type;
  double bytes, products_bytes;
  double features_s, products_s;
} mn_stream_forecast;
mn_status mn_stream_predict_cost(const mn_data *train, size_t n_test, const mn_stream_options *options,
                                 const mn_context *ctx, mn_stream_forecast *out, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
