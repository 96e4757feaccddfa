/* Data sets: samples in memory in the type of their file, with labels or real-valued targets.
 *
 * Reading checks every header against the size of the file before anything is allocated; each error is one line that
 * names the file, what was expected and what was found. */
#ifndef MINNORM_DATA_H
#define MINNORM_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/context.h"
#include "minnorm/status.h"
#include "minnorm/types.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* n samples of dim features. An image data set also knows its shape: dim = channels * height * width, planes first. */
typedef struct {
  size_t n;
  size_t dim;
  size_t channels, height, width; /* 0 when the samples are not images */
  mn_dtype type;
  void *x;        /* n x dim elements of `type`, row-major, one sample a row */
  size_t columns; /* target columns; 0 for samples without targets, which can be predicted but not fitted */
  double *y;      /* n x columns, row-major; class labels are stored as the integers they are; NULL without columns */
  char name[64];  /* "mnist", "synth:digits", or the name of the file */
} mn_data;

/* Reads the data set a spec names:
 *   idx:IMAGES[,LABELS]  cifar:FILE[,FILE...]  npy:X.npy[,Y.npy]  libsvm:FILE[,dim=D]  csv:FILE[,targets=T]
 *   synth:NAME[,key=value...]
 * IDX, NPY and text files may be gzip. Integer and real features other than bytes and 32-bit floats become doubles.
 * Text features are doubles; LIBSVM's dim is the largest index in the file unless given. A set beyond the budget of ctx
 * is MN_ERR_BUDGET before it is read: its header, the spec of a synthetic one, or a first pass over the lines of a text
 * file says so; text that cannot be read twice, as from a pipe, once the budget has no room for more of it. `*out` is
 * NULL on failure. */
mn_status mn_data_open(const char *spec, const mn_context *ctx, mn_data **out, mn_error *err);

/* What synth:NAME makes, for help: its name, one line about it, the keys it accepts; NULL past the last. */
typedef struct {
  const char *name, *help;
  const char *keys; /* separated by ", " */
} mn_synth_info;
const mn_synth_info *mn_data_synth_info(size_t i);

/* The syntaxes above, for --help; NULL past the last. */
typedef struct {
  const char *prefix;    /* "idx" */
  const char *arguments; /* "IMAGES[,LABELS]" */
  const char *help;      /* one line */
} mn_data_syntax;
const mn_data_syntax *mn_data_syntax_at(size_t i);

/* Reads the training or the test part of "mnist" or "cifar10" below a directory (MNIST plain or .gz). */
typedef enum { MN_TRAIN, MN_TEST } mn_part;
mn_status mn_data_open_named(const char *dataset, const char *dir, mn_part part, const mn_context *ctx, mn_data **out,
                             mn_error *err);

/* Releases a data set and sets the pointer to NULL; NULL is fine. */
void mn_data_close(mn_data **data);

/* Allocates a data set with undefined x and y and no image shape; n and dim are at least 1, columns may be 0. */
mn_status mn_data_create(size_t n, size_t dim, mn_dtype type, size_t columns, mn_data **out, mn_error *err);

/* Keeps the first n samples, in the order of a permutation drawn from `seed` when `shuffle` is not 0. n = 0 keeps all;
 * asking for more than there are is an error. In place: a shuffle takes 8 bytes a sample beside the set, MN_ERR_BUDGET
 * when ctx has no room for them. A set for which the call fails is unchanged. */
mn_status mn_data_take(mn_data **data, size_t n, int shuffle, uint64_t seed, mn_part part, const mn_context *ctx,
                       mn_error *err);

/* Mirror images: the n images, in their order, followed by each of them flipped left-right (every row of every plane
 * reversed), in the same order and with the same targets; n doubles. An image that is its own mirror is there twice.
 * MN_ERR_DATA when the samples have no image shape; MN_ERR_BUDGET, before anything is allocated, when ctx has no room
 * for as much again. A set for which the call fails is unchanged. */
mn_status mn_data_mirror(mn_data **data, const mn_context *ctx, mn_error *err);

/* 1 when there is one target column and every value is an integer below 2^53 in magnitude: class labels. */
int mn_data_has_labels(const mn_data *data);

/* The distinct labels in ascending order, to be released with mn_data_free. MN_ERR_DATA without labels. */
mn_status mn_data_classes(const mn_data *data, int64_t **labels, size_t *count, mn_error *err);
void mn_data_free(void *p);

/* Label corruption: replaces each class label, with probability p, by one drawn uniformly from all that occur, its own
 * included (Zhang et al. 2017, section 2.1). These are the labels that a fit with the same `corrupt` and `seed` makes
 * of the set as it was. What becomes of sample i depends on i, its label, the list of labels, p and seed, not on how
 * many samples follow. MN_ERR_ARGUMENT for p outside 0 ... 1; MN_ERR_DATA without class labels, whatever p is. A set
 * for which the call fails is unchanged. */
mn_status mn_data_corrupt(mn_data *data, double p, uint64_t seed, mn_error *err);

/* The data variants of the randomisation tests (Zhang et al. 2017, section 2). */
typedef enum {
  MN_VARIANT_TRUE,            /* as they are */
  MN_VARIANT_RANDOM_LABELS,   /* training set: mn_data_corrupt with p = 1; a test set keeps its labels */
  MN_VARIANT_SHUFFLED_PIXELS, /* one permutation of the pixels for all images, those of the test set too */
  MN_VARIANT_RANDOM_PIXELS,   /* a permutation of its own for each image */
  MN_VARIANT_GAUSSIAN,        /* noise with the mean and the deviation of all elements of the set */
  MN_VARIANT_COUNT
} mn_variant;

/* The name on the command line; NULL outside the table. */
const char *mn_variant_string(mn_variant variant);

/* Makes a variant of a set, in its type and in place. A pixel is the elements of all channels at one place; of samples
 * without a shape, a feature. What becomes of sample i depends on variant, part, seed, i and the sample, and for noise
 * on mean and deviation of the set, not on how many samples follow or on threads; the permutation of shuffled pixels on
 * seed and number of pixels alone. Noise in bytes is rounded and cut at 0 and 255, which moves its mean and lowers its
 * deviation where these are close. Sets without targets have no random labels (MN_ERR_DATA). A set for which the call
 * fails is unchanged. */
mn_status mn_data_make_variant(mn_data *data, mn_variant variant, mn_part part, uint64_t seed, const mn_context *ctx,
                               mn_error *err);

/* Pairs of samples whose features are equal, found by hashing; each pair names a sample and the earliest one equal to
 * it, in the order of `second`. `*pairs` is to be released with mn_data_free. 0.0 and -0.0 are equal. */
typedef struct {
  size_t first, second; /* first < second */
} mn_pair;
mn_status mn_data_duplicates(const mn_data *data, mn_pair **pairs, size_t *count, mn_error *err);

/* Writes a data set to files of the same syntax as the readers': "idx:", "cifar:", "npy:", "libsvm:", "csv:" followed
 * by the path(s), one for "cifar:". Each file is written to a temporary name, synced and renamed, once all are whole; a
 * path that ends in .gz is compressed (not for CIFAR). Reading back gives the same samples, bit for bit, except that
 * text makes doubles of bytes and of 32-bit floats and knows no image shape. IDX takes bytes only, with integer labels
 * of 32 bits; CIFAR takes images of 3 x 32 x 32 bytes with labels 0 ... 9; LIBSVM needs at least one target column. */
mn_status mn_data_write(const mn_data *data, const char *spec, mn_error *err);

/* Writes a contact sheet of the first rows * cols images as PNG (grey or RGB). */
mn_status mn_data_write_png(const mn_data *data, size_t rows, size_t cols, const char *path, mn_error *err);

/* 32 hexadecimal digits and a 0, of sizes, samples and targets: equal for equal sets on machines of one byte order. The
 * name does not count. */
void mn_data_fingerprint(const mn_data *data, char text[33]);

/* Summary of the values, for `minnorm data`. */
typedef struct {
  double min, max, mean, deviation; /* over all elements of x; deviation is the population's */
  size_t constant_features;         /* features with one value over all samples */
} mn_data_summary;
mn_status mn_data_summarise(const mn_data *data, mn_data_summary *out, mn_error *err);

/* Downloads and verifies "mnist", "cifar10" or "all" into a directory: an interrupted transfer is resumed, sizes and
 * checksums are verified, each file appears under its name only when whole. base_url NULL: the usual mirrors. */
mn_status mn_data_download(const char *dataset, const char *dir, const char *base_url, const mn_context *ctx,
                           mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
