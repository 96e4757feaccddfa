/* What a map makes of a few images: the image, then features as grey pictures of its size. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "features/map.h"

typedef struct {
  const mn_features *features;
  const mn_samples *images;
  size_t rows, cols; /* images, and pictures of features of each */
  mn_data *sheet;    /* rows (1 + cols) pictures of bytes */
} sheet;

static unsigned char *picture_at(const sheet *s, size_t row, size_t col)
{
  return (unsigned char *)s->sheet->x + (row * (1 + s->cols) + col) * s->sheet->dim;
}

static void widen(size_t n, const float *x, float range[2])
{
  for (size_t k = 0; k < n; k++) {
    range[0] = fminf(range[0], x[k]);
    range[1] = fmaxf(range[1], x[k]);
  }
}

static unsigned char level_of(float x, const float range[2])
{
  double width = (double)range[1] - (double)range[0], part = width > 0 ? ((double)x - (double)range[0]) / width : 0;
  return (unsigned char)(255 * part + 0.5);
}

/* Bytes as they are, other values by the range of the images shown. */
static mn_status put_images(const sheet *s, mn_error *err)
{
  const mn_data *data = s->images->data;
  size_t dim = s->sheet->dim;
  float range[2] = {INFINITY, -INFINITY};
  if (data->type == MN_U8) {
    for (size_t i = 0; i < s->rows; i++) memcpy(picture_at(s, i, 0), (const unsigned char *)data->x + i * dim, dim);
    return MN_OK;
  }
  float *pixels = mn_alloc_matrix(s->rows * dim, sizeof *pixels);
  if (!pixels) return MN_NO_MEMORY(err, s->rows * dim * sizeof *pixels);
  mn_samples_rows_f32(s->images, 0, s->rows, pixels);
  widen(s->rows * dim, pixels, range);
  for (size_t k = 0; k < s->rows * dim; k++) picture_at(s, k / dim, 0)[k % dim] = level_of(pixels[k], range);
  mn_free(pixels);
  return MN_OK;
}

static size_t group_of(const mn_features *f, size_t feature)
{
  size_t low = 0, high = f->groups; /* begin[low] <= feature < begin[high] */
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (f->begin[middle] <= feature)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* The pictures of a map in every row, black to white by its values over the images shown, a colour's planes alike.
 * values: rows x ld, those of group g. */
static void put_map(const sheet *s, size_t map, size_t g, size_t col, const float *values, size_t ld)
{
  const mn_features *f = s->features;
  float range[2] = {INFINITY, -INFINITY};
  size_t plane = f->height * f->width;
  for (size_t pass = 0; pass < 2; pass++) /* the range, then the pictures */
    for (size_t i = 0; i < s->rows; i++)
      for (size_t k = 0; k < plane; k++) {
        float value = values[i * ld + f->row->feature_at(f, map, k / f->width, k % f->width) - f->begin[g]];
        if (!pass) widen(1, &value, range);
        for (size_t c = 0; pass && c < f->channels; c++) picture_at(s, i, col)[c * plane + k] = level_of(value, range);
      }
}

static mn_status put_maps(const sheet *s, const mn_context *ctx, mn_error *err)
{
  const mn_features *f = s->features;
  mn_status st = MN_OK;
  for (size_t c = 0; !st && c < s->cols; c++) {
    size_t map = (size_t)((double)c * (double)f->row->maps(f) / (double)s->cols); /* no product of sizes to wrap */
    size_t g = group_of(f, f->row->feature_at(f, map, 0, 0)), width = f->begin[g + 1] - f->begin[g];
    float *values = mn_alloc_matrix(s->rows * width, sizeof *values);
    if (!values) return MN_NO_MEMORY(err, s->rows * width * sizeof *values);
    st = mn_features_compute(f, s->images, 0, s->rows, g, g + 1, ctx, values, width, err);
    if (!st) put_map(s, map, g, 1 + c, values, width);
    mn_free(values);
  }
  return st;
}

static mn_status open_sheet(sheet *s, mn_error *err)
{
  const mn_data *data = s->images->data;
  mn_status st = mn_data_create(s->rows * (1 + s->cols), data->dim, MN_U8, 0, &s->sheet, err);
  if (st) return st;
  snprintf(s->sheet->name, sizeof s->sheet->name, "%s", data->name);
  s->sheet->channels = data->channels;
  s->sheet->height = data->height;
  s->sheet->width = data->width;
  return MN_OK;
}

mn_status mn_features_draw_images(const mn_features *features, const mn_samples *images, size_t rows, size_t cols,
                                  const char *path, const mn_context *ctx, mn_error *err)
{
  size_t maps = features->row->maps(features);
  sheet s = {features, images, rows < images->n ? rows : images->n, cols < maps ? cols : maps, NULL};
  mn_status st;
  if (features->channels != 1 && features->channels != 3)
    return MN_FAIL(err, MN_ERR_UNSUPPORTED, "images of %zu channels have no colours", features->channels);
  if (!rows || !cols || rows > MN_FEATURES_DRAWN_MOST || cols > MN_FEATURES_DRAWN_MOST)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu x %zu pictures: 1 ... %d of either expected", rows, cols,
                   MN_FEATURES_DRAWN_MOST);
  if ((st = open_sheet(&s, err))) goto done;
  if ((st = put_maps(&s, ctx, err))) goto done; /* checks the shape of the images */
  if ((st = put_images(&s, err))) goto done;
  st = mn_data_write_png(s.sheet, s.rows, 1 + s.cols, path, err);
done:
  mn_data_close(&s.sheet);
  return st;
}
