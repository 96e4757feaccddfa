/* The convolutional layer with random filters: normalised patches x filters, rectified, pooled.
 *
 * A group is a block of filters. Of an image, it has one feature for each half of the rectifier, pooling window and
 * filter, in this order, the filter running fastest: pooling is then vector arithmetic over filters.
 *
 * Patches are never normalised: with filters of sum 0, <w, (p - mean) / s - m> = <w, p> / s - <w, m>, where s of all
 * patches of an image comes from box filters and <w, m> is one number a filter. */
#ifndef MN_FEATURES_CONV_H
#define MN_FEATURES_CONV_H

#include "core/cpu.h"
#include "features/filters.h"
#include "features/map.h"
#include "features/pool.h"
#include "linalg/fft.h"

/* Filters of a group; a multiple of every level's panel. */
enum { MN_CONV_GROUP = 256, MN_CONV_PANEL_MOST = 32 };

typedef struct mn_conv mn_conv;

/* What one instruction set does with a panel of filters, from the source conv_body.h. z holds the responses of one row
 * of positions: columns x panel. sums: halves x windows x panel. */
typedef struct {
  mn_cpu_level needs;
  size_t panel; /* filters computed at once */
  /* image <- pixels minus their mean, inverse <- 1/s of every position; scratch: mn_conv_scratch doubles. Only where
   * patches are normalised or centered; otherwise the pixels are the image, and 1/s is 1. */
  void (*prepare)(const mn_conv *c, const float *pixels, double *scratch, float *image, float *inverse);
  /* image: at the first pixel of the row; weights: taps x panel. */
  void (*respond)(const mn_conv *c, const float *image, const float *weights, float *z);
  /* Adds row y of positions to the sums, or to the maxima; inverse: of the row; shift: 2 x panel, offset + bias and
   * offset - bias. */
  void (*pool)(const mn_conv *c, size_t y, const float *z, const float *inverse, const float *shift, float *sums);
  /* out (c->plane) = sum over channels of the products of x and the filters' spectra, pairs (real, imaginary). x:
   * channels x 2 x plane, each number's real part twice, then its imaginary part with signs - and +. */
  void (*multiply)(const mn_conv *c, const float *x, const float *filters, float *out);
} mn_conv_level;

extern const mn_conv_level mn_conv_base;
#if MN_X86_LEVELS
extern const mn_conv_level mn_conv_avx2, mn_conv_avx512;
#endif

/* The row of a level, NULL when this program or processor cannot run it; and the best one. */
const mn_conv_level *mn_conv_level_at(mn_cpu_level level);
const mn_conv_level *mn_conv_level_best(void);

/* A way to compute responses, a row of the table of conv_methods.c. space: a thread's, of as many floats as the method
 * says; image: number i of those that the thread has in hand. */
typedef struct {
  const char *name;
  size_t (*weights)(const mn_conv *c); /* floats that hold a panel of filters */
  size_t (*space)(const mn_conv *c);
  /* w: panel x taps. */
  void (*pack)(const mn_conv *c, const double *w, float *weights, float *space);
  /* Once an image; NULL: nothing. */
  void (*image)(const mn_conv *c, const float *image, size_t i, float *space);
  /* Once an image and panel; NULL: nothing. */
  void (*start)(const mn_conv *c, size_t i, const float *weights, float *space);
  /* The responses of a row of positions, columns x panel. */
  void (*row)(const mn_conv *c, const float *image, size_t y, const float *weights, const float *space, float *z);
} mn_conv_method;

extern const mn_conv_method mn_conv_blocked, mn_conv_fft;

/* The state of an open map. */
struct mn_conv {
  size_t channels, height, width; /* of an image */
  size_t side, taps;              /* of a patch */
  size_t rows, columns;           /* of positions */
  size_t padded;                  /* rows * columns, up to a multiple of MN_CONV_PANEL_MOST */
  size_t *offset;                 /* taps: of an element of a patch from its corner, in an image */
  size_t filters, halves, windows;
  mn_pool_axis y, x;
  float *scale; /* windows: 1, or 1 over the positions of a window */
  mn_rectifier rectifier;
  mn_pool pool;
  double bias;
  mn_patch_norm norm;
  double spread, constant; /* s^2 = spread * variance + constant */
  const mn_conv_level *level;
  const mn_conv_method *method;
  mn_fft *fft;  /* height x width; NULL unless that is the method */
  size_t plane; /* floats of an array of that transform, up to a multiple of 16 */
  mn_filter_bank bank;
};

/* Doubles that prepare needs. */
size_t mn_conv_scratch(const mn_conv *c);

/* Sets the method: the one asked for, or the one that takes less time here, where a Fourier transform has to win by a
 * fifth for the choice to be the same next time. c is open but for this. */
mn_status mn_conv_choose(mn_conv *c, mn_conv_engine engine, mn_error *err);

/* A thread's memory, NULL after a failure, and features of groups g ... end - 1 of count images; see mn_map_row. */
typedef struct mn_conv_worker mn_conv_worker;
mn_status mn_conv_worker_open(const mn_conv *c, mn_conv_worker **out, mn_error *err);
void mn_conv_worker_close(mn_conv_worker **w);
void mn_conv_worker_run(const mn_conv *c, mn_conv_worker *w, const float *pixels, size_t count, size_t g, size_t end,
                        float *out, size_t ld);

/* Filter f of an open map as channels x patch x patch, what images' normalised patches are multiplied with. */
mn_status mn_conv_filter(const mn_features *features, size_t f, float *out, mn_error *err);

/* The first filters as images: 0 is mid grey. Of patches with one or three channels. */
mn_status mn_conv_picture(const mn_features *features, mn_data **images, size_t *cols, mn_error *err);

/* A picture of features is a filter's windows, laid over the image; those of the second half of the rectifier follow
 * those of the first. See mn_map_row. */
size_t mn_conv_maps(const mn_features *features);
size_t mn_conv_feature_at(const mn_features *features, size_t map, size_t y, size_t x);

#endif
