/* A feature map is a row of the table; features.c opens it, deals images to the threads and gives each a worker. */
#ifndef MN_FEATURES_MAP_H
#define MN_FEATURES_MAP_H

#include "features/kept.h"

typedef struct mn_map_row mn_map_row;

struct mn_features {
  mn_features_options options;
  size_t channels, height, width; /* of an image */
  size_t dim, groups;
  size_t *begin; /* groups + 1: first feature of each group, then dim */
  double flops;  /* of one image, about */
  const mn_map_row *row;
  void *state; /* the row's, immutable once open */
};

/* Images that a worker is handed at once; a worker belongs to one thread. */
enum { MN_MAP_IMAGES = 16 };

struct mn_map_row {
  const char *name, *help;
  /* MN_ERR_ARGUMENT for options out of range, given an image's shape. */
  mn_status (*check)(const mn_features *features, mn_error *err);
  /* Sets dim, groups, begin, flops and state, with what was kept of an earlier one unless that is NULL. What it set is
   * released by close, after a failure too. */
  mn_status (*open)(mn_features *features, const mn_samples *train, const mn_features_kept *kept, int threads,
                    const mn_context *ctx, mn_error *err);
  void (*close)(mn_features *features);
  /* A thread's scratch memory. */
  mn_status (*worker_open)(const mn_features *features, void **worker, mn_error *err);
  void (*worker_close)(void **worker);
  /* pixels: count (at most MN_MAP_IMAGES) images as the samples scale them, channels x height x width each. out: count
   * rows, leading dimension ld, of the features of groups g ... end - 1. */
  void (*transform)(const mn_features *features, void *worker, const float *pixels, size_t count, size_t g, size_t end,
                    float *out, size_t ld);
  /* Optional. What a map has of its training images. */
  mn_features_kept (*keep)(const mn_features *features);
  /* Optional. The way the features are computed, as a static string. */
  const char *(*engine)(const mn_features *features);
  /* Optional. What the map looks for (wavelets, filters) as images of values in [0, 1], `cols` of them in a row. */
  mn_status (*picture)(const mn_features *features, mn_data **images, size_t *cols, mn_error *err);
  /* Features that make a picture together: how many such pictures there are, and which feature picture `map` shows at
   * pixel (y, x) of an image; those of a picture are of one group. */
  size_t (*maps)(const mn_features *features);
  size_t (*feature_at)(const mn_features *features, size_t map, size_t y, size_t x);
};

/* mn_features_write with `step` images at a time. */
mn_status mn_features_write_blocks(const mn_features *features, const mn_samples *images, size_t step, const char *path,
                                   const mn_context *ctx, mn_features_timing *timing, mn_error *err);

extern const mn_map_row mn_map_gabor_row, mn_map_scattering_row, mn_map_conv_row;

#endif
