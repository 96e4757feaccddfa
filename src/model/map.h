/* The feature map of a model of images: what it takes to have the products of its images with others. */
#ifndef MN_MODEL_MAP_H
#define MN_MODEL_MAP_H

#include "features/kept.h"
#include "model/stream.h"

typedef struct {
  char *text; /* what the products call themselves, see mn_stream_text */
  mn_stream_options options;
  int unit;                       /* images are scaled to norm 1 */
  mn_dtype type;                  /* of the products */
  size_t channels, height, width; /* of an image */
  size_t dim;                     /* features */
  mn_features *features;          /* NULL until mn_map_open_features */
  double *shift, *factor;         /* dim; NULL where nothing is subtracted, and nothing multiplied */
} mn_map;

/* Without features, shift and factor. text is copied; one that cannot be read is MN_ERR_FORMAT. */
mn_status mn_map_open(const char *text, int unit, mn_dtype type, mn_map **out, mn_error *err);
void mn_map_close(mn_map **map);

/* Whether the scales of these features are subtracted, and multiplied. */
int mn_map_has_shift(const mn_map *map);
int mn_map_has_factor(const mn_map *map);

/* The map for these training images, or one like them and what is kept of the map (NULL: it is drawn). */
mn_status mn_map_open_features(mn_map *map, const mn_samples *images, const mn_features_kept *kept,
                               const mn_context *ctx, mn_error *err);

/* Of products and their training images; MN_ERR_UNSUPPORTED when these are fewer and the map depends on all. */
mn_status mn_map_of_products(const mn_products *products, const mn_data *train, mn_scaling **scaling, mn_map **out,
                             mn_error *err);

/* How many of m images can be predicted at once beside `each` bytes a prediction, with a budget of the whole process
 * (0: what the machine has available); all, or about as many each time. */
mn_status mn_map_most(const mn_map *map, size_t n, size_t m, size_t each, size_t memory_bytes, size_t *most,
                      mn_error *err);

/* Products of the n images of the model with `count` of other images, from `first` on; this is pass `index` of
 * `passes`. The features of both are streamed. */
mn_status mn_map_products(const mn_map *map, const mn_samples *centres, const mn_samples *images, size_t first,
                          size_t count, size_t index, size_t passes, const mn_context *ctx, mn_products **out,
                          mn_error *err);

#endif
