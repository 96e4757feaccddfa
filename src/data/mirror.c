/* Mirror images: every image once more, flipped left-right. */
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/readers.h"

/* Planes lie one after the other, so that a set is a column of rows of `width` elements. */

static void flip_bytes(size_t rows, size_t width, const unsigned char *restrict from, unsigned char *restrict to)
{
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < width; j++) to[r * width + j] = from[r * width + width - 1 - j];
}

static void flip_floats(size_t rows, size_t width, const float *restrict from, float *restrict to)
{
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < width; j++) to[r * width + j] = from[r * width + width - 1 - j];
}

static void flip_doubles(size_t rows, size_t width, const double *restrict from, double *restrict to)
{
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < width; j++) to[r * width + j] = from[r * width + width - 1 - j];
}

/* The second half of `data` becomes the first one, flipped. */
static void flip(mn_data *data)
{
  size_t elements = data->n * data->dim, rows = elements / data->width;
  char *to = (char *)data->x + elements * mn_dtype_size(data->type);
  if (data->type == MN_U8) flip_bytes(rows, data->width, data->x, (unsigned char *)to);
  if (data->type == MN_F32) flip_floats(rows, data->width, data->x, (float *)(void *)to);
  if (data->type == MN_F64) flip_doubles(rows, data->width, data->x, (double *)(void *)to);
}

static mn_status check_room(const mn_data *data, const mn_context *ctx, mn_error *err)
{
  char what[64], count[32];
  size_t bytes = data->n * (data->dim * mn_dtype_size(data->type) + data->columns * sizeof(double));
  snprintf(what, sizeof what, "mirror images of %s samples need", mn_group_digits(data->n, count));
  return mn_data_check_bytes(data->name, what, bytes, ctx, err);
}

mn_status mn_data_mirror(mn_data **data, const mn_context *ctx, mn_error *err)
{
  mn_data *d = *data;
  size_t elements = d->n * d->dim, targets = d->n * d->columns, size = mn_dtype_size(d->type);
  if (!d->channels || !d->height || !d->width)
    return MN_FAIL(err, MN_ERR_DATA, "%s: images expected to mirror, samples of %zu features without a shape found",
                   d->name, d->dim);
  mn_status st = check_room(d, ctx, err);
  if (st) return st;
  /* large blocks grow by moving their pages: there is no copy */
  void *x = mn_realloc(d->x, 2 * elements, size);
  if (x) d->x = x;
  double *y = x && targets ? mn_realloc(d->y, 2 * targets, sizeof *y) : NULL;
  if (y) d->y = y;
  if (!x || (targets && !y)) return MN_NO_MEMORY(err, 2 * (elements * size + targets * sizeof *y));
  flip(d);
  if (targets) memcpy(y + targets, y, targets * sizeof *y);
  d->n *= 2;
  return MN_OK;
}
