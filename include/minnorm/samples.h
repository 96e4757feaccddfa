/* Samples: what a kernel sees of a data set, n x dim real numbers produced a block of rows at a time.
 *
 * A data set keeps its file's type (one byte a pixel); scaling happens while a block is converted, so that a full
 * floating-point copy never exists. */
#ifndef MINNORM_SAMPLES_H
#define MINNORM_SAMPLES_H

#include "minnorm/data.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MN_SCALE_AUTO,    /* unit for bytes, none for the rest */
  MN_SCALE_UNIT,    /* x / 255 */
  MN_SCALE_NONE,    /* as they are */
  MN_SCALE_STANDARD /* (x - mean) / deviation per feature, from the training samples; constant features become 0 */
} mn_scale;

/* Names on the command line; NULL outside the table. */
const char *mn_scale_string(mn_scale scale);

/* A scaling fitted to training samples and applied to any others of the same dim. */
typedef struct {
  mn_scale kind; /* never MN_SCALE_AUTO */
  size_t dim;
  double *shift;  /* dim, subtracted first; NULL unless standard */
  double *factor; /* dim, multiplied next; NULL unless standard */
} mn_scaling;

mn_status mn_scaling_open(mn_scale kind, const mn_data *train, mn_scaling **out, mn_error *err);
void mn_scaling_close(mn_scaling **scaling);

struct mn_products;

/* A view: owns nothing. Either of data, or of kept inner products (products.h), of which data and scaling are NULL. */
typedef struct {
  const mn_data *data;
  const mn_scaling *scaling;
  size_t n, dim;
  const struct mn_products *products;
  size_t first;       /* of the products: the first sample, the others following it, */
  const size_t *rows; /* unless they are listed here (n); they should ascend */
} mn_samples;

mn_samples mn_samples_of(const mn_data *data, const mn_scaling *scaling);

/* Rows first ... first + count - 1 of data as count x dim, row-major, leading dimension dim. */
void mn_samples_rows_f64(const mn_samples *samples, size_t first, size_t count, double *out);
void mn_samples_rows_f32(const mn_samples *samples, size_t first, size_t count, float *out);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
