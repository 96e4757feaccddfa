/* A pass over all features of training and test images, a block at a time: computed, scaled, added to products. */
#ifndef MN_MODEL_STREAM_PASS_H
#define MN_MODEL_STREAM_PASS_H

#include "model/stream.h"

typedef struct {
  const mn_features *features;
  mn_samples images[2];   /* training, test: the first n of these and the m from `first` on of those, as the products */
  size_t first;           /* say */
  mn_feature_scale scale; /* not auto */
  int bfloat16;           /* 1: features are rounded to it */
  int measured;           /* 1: shift and factor are in the products; 0: they get those of the training images */
  mn_products *products;  /* added to, from the features on that they have */
  size_t block;           /* features at once, a group at least */
  size_t until;           /* ends with so many features, the end of a group; 0: with all */
  int threads;
  const mn_context *ctx;                         /* the caller's */
  size_t index, passes;                          /* this is pass `index` of so many alike; 0, 0: the only one */
  mn_status (*after)(void *user, mn_error *err); /* after each block; NULL: nothing */
  void *user;
  double features_s, products_s; /* out */
  /* of the pass itself */
  mn_feature_block buffer;
  mn_context inner;         /* its progress is part of the whole */
  double base, span, total; /* flops: done before the step at hand, of that step, of all */
} mn_stream_pass;

/* Phase "features", in flops. */
mn_status mn_stream_pass_run(mn_stream_pass *pass, mn_error *err);

/* The end of the groups from g on that make a block of at most so many features, one group at least; the most features
 * of a group. */
size_t mn_stream_group_end(const mn_features *features, size_t g, size_t most);
size_t mn_stream_widest_group(const mn_features *features);

/* As many features as a block of so many images may have, and `bytes` have room for; a group at least. */
size_t mn_stream_choose_block(const mn_features *features, size_t images, double bytes);

#endif
