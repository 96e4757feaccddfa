/* Inside of streamed features. */
#ifndef MN_MODEL_STREAM_H
#define MN_MODEL_STREAM_H

#include "gram/products.h"
#include "minnorm/stream.h"

/* A block of features: all images as rows, the `train` first ones the training images. */
typedef struct {
  size_t train, rows, count, ld;
  float *x; /* rows x count */
} mn_feature_block;

/* What each feature has subtracted (shift) and is then multiplied by (factor), from the training images of the block;
 * count numbers each. dim: features in all. The same for any number of threads. */
void mn_feature_statistics(const mn_feature_block *block, mn_feature_scale scale, size_t dim, int threads,
                           double *shift, double *factor);
void mn_feature_apply(const mn_feature_block *block, const double *shift, const double *factor, int threads);

/* To bfloat16. */
void mn_feature_round(const mn_feature_block *block, int threads);

/* auto becomes what it stands for. */
mn_feature_scale mn_feature_scale_of(const mn_stream_options *options);

/* "features=gabor scales=3 ...; engine= block=1600 images=1x28x28": what the products depend on, and behind the
 * semicolon what a run that goes on has to take over, and the shape of the images. */
enum { MN_STREAM_TEXT = 1024 };
void mn_stream_text(const mn_stream_options *options, const char *engine, size_t block, const mn_data *images,
                    char text[MN_STREAM_TEXT]);

/* MN_ERR_DATA when such a text is of images of another shape: a sample's hash is that of its numbers alone. Texts of
 * earlier versions do not say. */
mn_status mn_stream_text_check_images(const char *text, const mn_data *images, mn_error *err);

/* The options that such a text is of: map, engine, both scales; the rest is 0. MN_ERR_FORMAT where it is no such text.
 */
mn_status mn_stream_text_options(const char *text, mn_stream_options *out, mn_error *err);

/* Whether both texts are alike up to the semicolon; and the two members behind it. */
int mn_stream_text_agrees(const char *a, const char *b);
void mn_stream_text_choices(const char *text, char engine[32], size_t *block);

#endif
