/* Writers: a table of the same syntaxes as the readers'. */
#define _GNU_SOURCE
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/npy.h"
#include "data/output.h"
#include "data/readers.h"

enum { MOST_FILES = 2 };

typedef struct {
  const mn_data *data;
  const char *paths[MOST_FILES];
  mn_output *files[MOST_FILES]; /* opened; the second is NULL when there are no targets */
  mn_error *err;
} writing;

static mn_status unfit(const writing *w, const char *expected)
{
  return MN_FAIL(w->err, MN_ERR_DATA, "%s: %s", w->paths[0], expected);
}

static size_t image_dims(const mn_data *data)
{
  return data->height ? (data->channels == 1 ? 3 : 4) : 2;
}

/* Shape of the samples: (n, d), (n, h, w) or (n, c, h, w). */
static void image_shape(const mn_data *data, size_t shape[MN_NPY_MAX_DIMS])
{
  size_t ndim = image_dims(data);
  shape[0] = data->n;
  shape[1] = ndim == 2 ? data->dim : ndim == 3 ? data->height : data->channels;
  shape[2] = ndim == 3 ? data->width : data->height;
  shape[3] = data->width;
}

/* 1 when the targets are labels from `least` to `most`. */
static int labels_within(const mn_data *data, double least, double most)
{
  if (!mn_data_has_labels(data)) return 0;
  for (size_t i = 0; i < data->n; i++)
    if (data->y[i] < least || data->y[i] > most) return 0;
  return 1;
}

/* IDX */

static mn_status idx_header(const writing *w, int file, unsigned char type, size_t ndim, const size_t *shape)
{
  unsigned char header[4 + 4 * MN_NPY_MAX_DIMS] = {0, 0, type, (unsigned char)ndim};
  for (size_t i = 0; i < ndim; i++) {
    if (shape[i] > UINT32_MAX) return unfit(w, "IDX holds lengths below 2^32 only");
    for (size_t b = 0; b < 4; b++) header[4 + 4 * i + b] = (unsigned char)(shape[i] >> (24 - 8 * b));
  }
  return mn_output_write(w->files[file], header, 4 + 4 * ndim, w->err);
}

/* Labels as bytes where they fit, else as big-endian 32-bit integers. */
static mn_status idx_labels(const writing *w)
{
  const mn_data *data = w->data;
  int narrow = labels_within(data, 0, 255);
  mn_status st = idx_header(w, 1, narrow ? 0x08 : 0x0c, 1, &data->n);
  for (size_t i = 0; i < data->n && !st; i++) {
    uint32_t v = (uint32_t)(int32_t)data->y[i];
    unsigned char bytes[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
                              (unsigned char)v};
    st = narrow ? mn_output_write(w->files[1], bytes + 3, 1, w->err) : mn_output_write(w->files[1], bytes, 4, w->err);
  }
  return st;
}

static mn_status check_idx(const writing *w)
{
  if (w->data->type != MN_U8) return unfit(w, "IDX is written for samples of bytes only: choose npy: or csv:");
  if (w->data->columns && !labels_within(w->data, INT32_MIN, INT32_MAX))
    return unfit(w, "IDX is written for labels of 32 bits only: choose npy: or csv:");
  return MN_OK;
}

static mn_status write_idx(const writing *w)
{
  size_t shape[MN_NPY_MAX_DIMS];
  image_shape(w->data, shape);
  mn_status st = idx_header(w, 0, 0x08, image_dims(w->data), shape);
  if (!st) st = mn_output_write(w->files[0], w->data->x, w->data->n * w->data->dim, w->err);
  return st || !w->files[1] ? st : idx_labels(w);
}

/* CIFAR-10 binary */

static mn_status check_cifar(const writing *w)
{
  const mn_data *data = w->data;
  if (data->type != MN_U8 || data->channels != 3 || data->height != 32 || data->width != 32)
    return unfit(w, "CIFAR records are written for images of 3 x 32 x 32 bytes only");
  size_t length = strlen(w->paths[0]);
  if (length > 3 && !strcmp(w->paths[0] + length - 3, ".gz"))
    return unfit(w, "CIFAR records are written uncompressed only: choose a name without .gz");
  return labels_within(data, 0, 9) ? MN_OK : unfit(w, "CIFAR records are written for labels from 0 to 9 only");
}

static mn_status write_cifar(const writing *w)
{
  mn_status st = MN_OK;
  const unsigned char *x = w->data->x;
  for (size_t i = 0; i < w->data->n && !st; i++) {
    unsigned char label = (unsigned char)w->data->y[i];
    st = mn_output_write(w->files[0], &label, 1, w->err);
    if (!st) st = mn_output_write(w->files[0], x + i * w->data->dim, w->data->dim, w->err);
  }
  return st;
}

/* NPY */

static const mn_npy_type npy_types[] = {[MN_U8] = MN_NPY_U1, [MN_F32] = MN_NPY_F4, [MN_F64] = MN_NPY_F8};

static mn_status npy_header(const writing *w, int file, mn_npy_type type, size_t ndim, const size_t *shape)
{
  char header[MN_NPY_HEADER_ROOM];
  size_t bytes = mn_npy_format_header(type, ndim, shape, header);
  return mn_output_write(w->files[file], header, bytes, w->err);
}

/* Labels become integers, targets stay doubles. */
static mn_status npy_targets(const writing *w)
{
  const mn_data *data = w->data;
  int labels = mn_data_has_labels(data);
  size_t shape[2] = {data->n, data->columns};
  mn_status st = npy_header(w, 1, labels ? MN_NPY_I8 : MN_NPY_F8, data->columns == 1 ? 1 : 2, shape);
  if (st || !labels)
    return st ? st : mn_output_write(w->files[1], data->y, data->n * data->columns * sizeof *data->y, w->err);
  for (size_t i = 0; i < data->n && !st; i++) {
    int64_t label = (int64_t)data->y[i];
    st = mn_output_write(w->files[1], &label, sizeof label, w->err);
  }
  return st;
}

static mn_status write_npy(const writing *w)
{
  const mn_data *data = w->data;
  size_t shape[MN_NPY_MAX_DIMS];
  image_shape(data, shape);
  mn_status st = npy_header(w, 0, npy_types[data->type], image_dims(data), shape);
  if (!st) st = mn_output_write(w->files[0], data->x, data->n * data->dim * mn_dtype_size(data->type), w->err);
  return st || !w->files[1] ? st : npy_targets(w);
}

/* Text. Numbers have as many digits as it takes to read back the same. */

static mn_status put_u8(const writing *w, size_t i)
{
  return mn_output_print(w->files[0], w->err, "%d", ((const unsigned char *)w->data->x)[i]);
}

static mn_status put_f32(const writing *w, size_t i)
{
  return mn_output_print(w->files[0], w->err, "%.9g", (double)((const float *)w->data->x)[i]);
}

static mn_status put_f64(const writing *w, size_t i)
{
  return mn_output_print(w->files[0], w->err, "%.17g", ((const double *)w->data->x)[i]);
}

static mn_status (*const put_element[])(const writing *,
                                        size_t) = {[MN_U8] = put_u8, [MN_F32] = put_f32, [MN_F64] = put_f64};

/* The bits are all zero: a value that sparse text leaves out. -0.0 is not one, so that it survives. */
static int is_zero(const mn_data *data, size_t i)
{
  static const unsigned char zero[sizeof(double)];
  size_t size = mn_dtype_size(data->type);
  return !memcmp((const char *)data->x + i * size, zero, size);
}

static mn_status put_targets(const writing *w, size_t i, const char *before)
{
  mn_status st = MN_OK;
  size_t columns = w->data->columns;
  for (size_t t = 0; t < columns && !st; t++)
    st = mn_output_print(w->files[0], w->err, "%s%.17g", t ? "," : before, w->data->y[i * columns + t]);
  return st;
}

static mn_status write_csv(const writing *w)
{
  mn_status st = MN_OK;
  size_t dim = w->data->dim;
  for (size_t i = 0; i < w->data->n && !st; i++) {
    for (size_t j = 0; j < dim && !st; j++) {
      if (j) st = mn_output_write(w->files[0], ",", 1, w->err);
      if (!st) st = put_element[w->data->type](w, i * dim + j);
    }
    if (!st) st = put_targets(w, i, ",");
    if (!st) st = mn_output_write(w->files[0], "\n", 1, w->err);
  }
  return st;
}

static mn_status check_libsvm(const writing *w)
{
  return w->data->columns ? MN_OK : unfit(w, "LIBSVM text needs a label or targets, and these samples have none");
}

/* The first sample names its last feature even when it is 0: that is what tells a reader the dimension. */
static mn_status write_libsvm(const writing *w)
{
  mn_status st = MN_OK;
  size_t dim = w->data->dim;
  for (size_t i = 0; i < w->data->n && !st; i++) {
    st = put_targets(w, i, "");
    for (size_t j = 0; j < dim && !st; j++) {
      if (is_zero(w->data, i * dim + j) && (i || j + 1 < dim)) continue;
      st = mn_output_print(w->files[0], w->err, " %zu:", j + 1);
      if (!st) st = put_element[w->data->type](w, i * dim + j);
    }
    if (!st) st = mn_output_write(w->files[0], "\n", 1, w->err);
  }
  return st;
}

static mn_status check_nothing(const writing *w)
{
  (void)w;
  return MN_OK;
}

static const struct {
  const char *prefix, *syntax;
  size_t files; /* with targets; one less without, where there are two */
  mn_status (*check)(const writing *);
  mn_status (*write)(const writing *);
} writers[] = {
    {"idx:", "idx:IMAGES,LABELS", 2, check_idx, write_idx},   {"cifar:", "cifar:FILE", 1, check_cifar, write_cifar},
    {"npy:", "npy:X.npy,Y.npy", 2, check_nothing, write_npy}, {"libsvm:", "libsvm:FILE", 1, check_libsvm, write_libsvm},
    {"csv:", "csv:FILE", 1, check_nothing, write_csv},
};

enum { WRITERS = sizeof writers / sizeof *writers };

/* Opens all files, writes, and only when all are whole and synced gives them their names. */
static mn_status run(size_t k, writing *w, size_t files)
{
  mn_status st = writers[k].check(w);
  for (size_t f = 0; f < files && !st; f++) st = mn_output_open(w->paths[f], &w->files[f], w->err);
  if (!st) st = writers[k].write(w);
  for (size_t f = 0; f < files && !st; f++) st = mn_output_sync(w->files[f], w->err);
  for (size_t f = 0; f < files && !st; f++) st = mn_output_commit(&w->files[f], w->err);
  for (size_t f = 0; f < files; f++) mn_output_abort(&w->files[f]);
  return st;
}

/* Sets the paths, of which there have to be as many as there are files to write. */
static mn_status take_paths(size_t k, const mn_spec *spec, writing *w, size_t *files)
{
  *files = writers[k].files == 2 && !w->data->columns ? 1 : writers[k].files;
  int bad = spec->count != *files;
  for (size_t f = 0; f < spec->count && !bad; f++) {
    w->paths[f] = spec->parts[f];
    bad = !*spec->parts[f];
  }
  if (!bad) return MN_OK;
  return MN_FAIL(w->err, MN_ERR_ARGUMENT, "%s with %zu file%s expected, %zu found", writers[k].syntax, *files,
                 *files == 1 ? "" : "s", spec->count);
}

static mn_status write_with(size_t k, const mn_data *data, const char *arguments, mn_error *err)
{
  mn_spec spec;
  size_t files;
  writing w = {.data = data, .err = err};
  mn_status st = mn_spec_open(arguments, &spec, err);
  if (st) return st;
  /* a decimal point whatever the caller's locale says */
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), old = uselocale(c_locale);
  st = take_paths(k, &spec, &w, &files);
  if (!st) st = run(k, &w, files);
  uselocale(old);
  freelocale(c_locale);
  mn_spec_close(&spec);
  return st;
}

mn_status mn_data_write(const mn_data *data, const char *spec, mn_error *err)
{
  char list[128] = "", quoted[MN_QUOTE_ROOM];
  for (size_t k = 0; k < WRITERS; k++) {
    size_t length = strlen(writers[k].prefix);
    if (!strncmp(spec, writers[k].prefix, length)) return write_with(k, data, spec + length, err);
    strcat(strcat(list, k ? ", " : ""), writers[k].prefix);
  }
  return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: a name that starts with one of %s expected",
                 mn_quote(spec, strlen(spec), quoted), list);
}
