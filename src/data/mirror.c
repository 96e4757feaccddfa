/* Mirror images: every image once more, flipped left-right. */
#include <string.h>

#include "core/status.h"
#include "minnorm/data.h"

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

static void flip(const mn_data *from, void *to)
{
  size_t rows = from->n * (from->dim / from->width);
  if (from->type == MN_U8) flip_bytes(rows, from->width, from->x, to);
  if (from->type == MN_F32) flip_floats(rows, from->width, from->x, to);
  if (from->type == MN_F64) flip_doubles(rows, from->width, from->x, to);
}

mn_status mn_data_mirror(mn_data **data, mn_error *err)
{
  mn_data *from = *data, *to = NULL;
  size_t elements = from->n * from->dim, targets = from->n * from->columns;
  if (!from->channels || !from->height || !from->width)
    return MN_FAIL(err, MN_ERR_DATA, "%s: images expected to mirror, samples of %zu features without a shape found",
                   from->name, from->dim);
  mn_status st = mn_data_create(2 * from->n, from->dim, from->type, from->columns, &to, err);
  if (st) return st;
  to->channels = from->channels;
  to->height = from->height;
  to->width = from->width;
  memcpy(to->name, from->name, sizeof to->name);
  memcpy(to->x, from->x, elements * mn_dtype_size(from->type));
  flip(from, (char *)to->x + elements * mn_dtype_size(from->type));
  for (size_t half = 0; half < 2 && targets; half++) memcpy(to->y + half * targets, from->y, targets * sizeof *to->y);
  mn_data_close(data);
  *data = to;
  return MN_OK;
}
