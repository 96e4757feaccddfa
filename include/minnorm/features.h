/* Feature maps: images to vectors of 32-bit floats, a block of images and a group of features at a time, so that
 * nothing ever holds the features of all images.
 *
 * Features come in groups (the path of a wavelet, a block of filters) that are computed independently of each other;
 * group g is features begin(g) ... begin(g + 1) - 1. The features of an image depend on that image, the options and,
 * where filters or whitening come from patches, the training images; not on the number of threads, nor on the block. */
#ifndef MINNORM_FEATURES_H
#define MINNORM_FEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/context.h"
#include "minnorm/options.h"
#include "minnorm/samples.h"
#include "minnorm/status.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MN_FEATURES_NONE,
  MN_FEATURES_GABOR,      /* orders 0 and 1 of the scattering transform */
  MN_FEATURES_SCATTERING, /* orders 0, 1 and 2 */
  MN_FEATURES_CONV,       /* one convolutional layer with random filters */
  MN_FEATURES_COUNT
} mn_features_name;

/* Filters of the convolutional layer, before they are scaled as filter_unit says. */
typedef enum {
  MN_FILTERS_GAUSSIAN, /* independent N(0, 1) weights */
  MN_FILTERS_PATCHES,  /* random training patches p, normalised; no two of the same place while there are others */
  MN_FILTERS_WHITENED  /* W (W p), W = V (E + epsilon)^(-1/2) V' (ZCA) from the covariance V E V' of such patches */
} mn_filters;
/* What is done to a patch before it meets a filter, or becomes one. The variance is the mean square of what differs
 * from the patch's mean. */
typedef enum {
  MN_PATCHES_RAW,    /* nothing */
  MN_PATCHES_CENTER, /* minus its mean */
  MN_PATCHES_NORM,   /* minus its mean, over sqrt(variance + patch_constant); 0 where that is 0 */
  MN_PATCHES_UNIT    /* minus its mean, scaled to norm 1; 0 if constant */
} mn_patch_norm;
typedef enum {
  MN_RECTIFIER_RELU,     /* max(z - bias, 0): 1 feature a filter and pooling window */
  MN_RECTIFIER_TWOSIDED, /* max(z - bias, 0) and max(-z - bias, 0): 2 */
  MN_RECTIFIER_ABS       /* |z|: 1 */
} mn_rectifier;
typedef enum { MN_POOL_AVERAGE, MN_POOL_SUM, MN_POOL_MAX } mn_pool;
/* How the convolution is computed; they agree to rounding. */
typedef enum {
  MN_CONV_AUTO,    /* the faster of the others for this shape, measured by mn_features_open */
  MN_CONV_BLOCKED, /* products of patches and blocks of filters, rectified and pooled in cache */
  MN_CONV_FFT      /* products of spectra */
} mn_conv_engine;

typedef struct {
  mn_features_name name;
  int symmetric; /* 1: features of an image and of its mirror image, left for right, are added up */
  /* gabor, scattering: the Morlet bank of Kymatio in the Fourier domain (Andreux et al. 2020). Order 0 is x * phi,
   * order 1 |x * psi|* phi, order 2 ||x * psi_1| * psi_2| * phi with the larger scale second, all circular convolutions
   * of the image centred among zeros, whose sides are the least multiples of 2^max(3, scales, pooling) that hold it,
   * each channel on its own. A path has rows x columns features, channel after channel. Group 0 is order 0; group 1 + j
   * L + l is the path of scale j and orientation l, which points at the angle pi l / L from the first axis (down), with
   * the paths of order 2 that start from it. 2^max(scales, pooling) may not exceed the least power of 2 that is at
   * least the longer side of an image. Squares of values and of their sums must not overflow a float. */
  int scales;       /* J >= 1: envelopes 0.8 2^j, centre frequencies (3 pi / 4) / 2^j, j = 0 ... J - 1 */
  int orientations; /* L >= 1, evenly over pi */
  double slant;     /* of the envelope; 0: 4 / L */
  int pooling;      /* 0 ... : low-pass of deviation 0.8 2^pooling, then every 2^pooling-th pixel */
  /* conv */
  size_t filters; /* F */
  size_t patch;   /* side of a square patch; step 1 */
  mn_filters kind;
  mn_patch_norm patch_norm, filter_norm; /* of the patches of images; of training patches that become filters */
  double patch_constant; /* added to the variance of a patch, for bytes; over 255^2 where samples are scaled to x/255 */
  int filter_unit;       /* 1: filters are scaled to norm 1; whitened ones to ||W p|| = 1, so W (W p) / ||W p|| */
  double whiten_epsilon; /* added to the eigenvalues of the patches' covariance; 0: those that are 0 are left out */
  size_t whiten_patches; /* training patches that covariance is estimated from */
  int whiten_test;       /* 1: the mean of the training patches is subtracted from these and from patches of images,
                          * which must be normalised alike; 0: from neither, W is of the second moment about 0 */
  mn_rectifier rectifier;
  double bias; /* in units of a response: those of the pixels as scaled, or none where patches are normalised */
  mn_pool pool;
  size_t pool_window, pool_stride; /* the last window is cut at the border (ceil mode) where ceil is 1 */
  int pool_ceil;
  mn_conv_engine engine;
  uint64_t seed;
} mn_features_options;

/* Names on the command line; NULL outside the table. One line about each map. */
const char *mn_features_string(mn_features_name name);
const char *mn_features_help(mn_features_name name);
mn_status mn_features_by_name(const char *text, mn_features_name *out, mn_error *err);

/* gabor: J = 3, L = 8, pooling 1. scattering: J = 3, L = 8, pooling 2. conv: preset "b" with 4,096 filters. */
mn_features_options mn_features_default(mn_features_name name);

/* Published recipes of the convolutional layer by name ("a", "b", "d", "gaussian"), for --preset; the i-th of the table
 * for --help, NULL past the last. Sets everything of that layer but the number of filters, the engine and the seed. */
typedef struct {
  const char *name, *help;
} mn_preset_info;
const mn_preset_info *mn_features_preset_at(size_t i);
mn_status mn_features_preset(const char *name, mn_features_options *options, mn_error *err);

/* The rows of mn_features_options, all members but the seed. Most defaults depend on map and preset, so a row's own
 * says nothing here: start from mn_features_default. A row of this table is used: 1 when the map reads its member. */
const mn_option *mn_features_option_table(size_t *count);
int mn_features_option_used(const mn_option *row, mn_features_name name);

typedef struct mn_features mn_features;

/* Prepares the map for images of the shape of `train`: bank of wavelets, or filters drawn from the training images, in
 * the scale that the samples have. The samples need not outlive the call. MN_ERR_DATA when they are not images, or are
 * smaller than a patch; MN_ERR_ARGUMENT for an option out of range. */
mn_status mn_features_open(const mn_features_options *options, const mn_samples *train, const mn_context *ctx,
                           mn_features **out, mn_error *err);
void mn_features_close(mn_features **features);

const mn_features_options *mn_features_info(const mn_features *features);
size_t mn_features_dim(const mn_features *features);
size_t mn_features_groups(const mn_features *features);
/* First feature of group g; of g = groups: dim. */
size_t mn_features_begin(const mn_features *features, size_t g);
/* How the features are computed, "blocked" or "fft" for conv; "" for maps that have one way only. */
const char *mn_features_engine(const mn_features *features);
/* Flops of one image's features, about; of a direct convolution for conv. */
double mn_features_flops(const mn_features *features);

/* Images first ... first + count - 1, features of groups g ... end - 1, as count x (begin(end) - begin(g)), row-major
 * with leading dimension ld, by all threads of the context. The images have the shape of the training images. */
mn_status mn_features_compute(const mn_features *features, const mn_samples *images, size_t first, size_t count,
                              size_t g, size_t end, const mn_context *ctx, float *out, size_t ld, mn_error *err);

/* Draws what a map looks for as PNG. gabor, scattering: for each scale, a row of the wavelets' real parts (zero is mid
 * grey) and one of their Fourier transforms (zero is black), an orientation a column, the origin in the middle of each
 * picture; the low-pass last, in the same two ways. conv: filters as patches. MN_ERR_UNSUPPORTED without a picture. */
mn_status mn_features_draw(const mn_features *features, const char *path, mn_error *err);

/* Draws what a map makes of the first images as PNG: a row each, the image first, then `cols` pictures of features, as
 * far as there are so many, evenly from all: a path of one channel, or the windows of one filter and half of the
 * rectifier, stretched over the image; black to white is least to greatest of the images shown.
 * MN_ERR_UNSUPPORTED unless images have 1 or 3 channels. */
enum { MN_FEATURES_DRAWN_MOST = 100 }; /* rows, and columns */
mn_status mn_features_draw_images(const mn_features *features, const mn_samples *images, size_t rows, size_t cols,
                                  const char *path, const mn_context *ctx, mn_error *err);

/* Images in memory at once when n of them are written: about 128 MiB of features, but 16 images a thread at least. */
size_t mn_features_block(const mn_features *features, size_t n, const mn_context *ctx);

/* Bytes that the disk has room for where a file of this name would be; infinite where it does not say. */
mn_status mn_features_room(const char *path, double *bytes, mn_error *err);

/* Seconds of computing and of writing. */
typedef struct {
  double compute_s, write_s;
} mn_features_timing;

/* Writes the features of all images as .npy, n x dim in single precision, a block of images at a time; the file appears
 * when whole. A disk without room for it is MN_ERR_IO before anything is computed. path NULL: computes only, to be
 * timed. timing may be NULL. Progress phase "features". */
mn_status mn_features_write(const mn_features *features, const mn_samples *images, const char *path,
                            const mn_context *ctx, mn_features_timing *timing, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
