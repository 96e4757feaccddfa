/* Filters as pictures. */
#include <math.h>
#include <stdio.h>

#include "core/memory.h"
#include "core/status.h"
#include "features/conv.h"

/* A tap is a square of so many pixels: filters are too small to be looked at. */
enum { MOST = 256, COLUMNS = 16, PIXELS = 4 };

static void stretch(size_t taps, float *filter)
{
  float most = 0;
  for (size_t k = 0; k < taps; k++) most = fmaxf(most, fabsf(filter[k]));
  for (size_t k = 0; k < taps; k++) filter[k] = most > 0 ? 0.5F + 0.5F * filter[k] / most : 0.5F;
}

/* to: channels of (PIXELS side)^2 each. */
static void magnify(const mn_conv *c, const float *filter, float *to)
{
  size_t side = PIXELS * c->side;
  for (size_t k = 0; k < c->channels; k++)
    for (size_t y = 0; y < side; y++)
      for (size_t x = 0; x < side; x++)
        to[(k * side + y) * side + x] = filter[(k * c->side + y / PIXELS) * c->side + x / PIXELS];
}

mn_status mn_conv_picture(const mn_features *f, mn_data **images, size_t *cols, mn_error *err)
{
  const mn_conv *c = f->state;
  size_t count = c->filters < MOST ? c->filters : MOST;
  mn_data *data = NULL;
  *images = NULL;
  *cols = count < COLUMNS ? count : COLUMNS;
  if (c->channels != 1 && c->channels != 3)
    return MN_FAIL(err, MN_ERR_UNSUPPORTED, "filters of %zu channels have no colours", c->channels);
  float *filter = mn_alloc(c->taps, sizeof *filter);
  if (!filter) return MN_NO_MEMORY(err, c->taps * sizeof *filter);
  mn_status st = mn_data_create(count, PIXELS * PIXELS * c->taps, MN_F32, 0, &data, err);
  if (st) {
    mn_free(filter);
    return st;
  }
  snprintf(data->name, sizeof data->name, "%s", f->row->name);
  data->channels = c->channels;
  data->height = data->width = PIXELS * c->side;
  for (size_t i = 0; i < count; i++) {
    if ((st = mn_conv_filter(f, i, filter, err))) break;
    stretch(c->taps, filter);
    magnify(c, filter, (float *)data->x + i * data->dim);
  }
  mn_free(filter);
  if (st)
    mn_data_close(&data);
  else
    *images = data;
  return st;
}

size_t mn_conv_maps(const mn_features *f)
{
  const mn_conv *c = f->state;
  return c->halves * c->filters;
}

size_t mn_conv_feature_at(const mn_features *f, size_t map, size_t y, size_t x)
{
  const mn_conv *c = f->state;
  size_t half = map / c->filters, filter = map % c->filters, g = filter / MN_CONV_GROUP, first = g * MN_CONV_GROUP;
  size_t filters = c->filters - first < MN_CONV_GROUP ? c->filters - first : MN_CONV_GROUP;
  size_t window = y * c->y.windows / f->height * c->x.windows + x * c->x.windows / f->width;
  return f->begin[g] + (half * c->windows + window) * filters + (filter - first);
}
