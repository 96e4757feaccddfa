/* Filters as pictures. */
#include <math.h>
#include <stdio.h>

#include "core/memory.h"
#include "core/status.h"
#include "features/conv.h"

enum { MOST = 256, COLUMNS = 16 };

static void stretch(size_t taps, float *filter)
{
  float most = 0;
  for (size_t k = 0; k < taps; k++) most = fmaxf(most, fabsf(filter[k]));
  for (size_t k = 0; k < taps; k++) filter[k] = most > 0 ? 0.5F + 0.5F * filter[k] / most : 0.5F;
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
  mn_status st = mn_data_create(count, c->taps, MN_F32, 0, &data, err);
  if (st) return st;
  snprintf(data->name, sizeof data->name, "%s", f->row->name);
  data->channels = c->channels;
  data->height = data->width = c->side;
  for (size_t i = 0; !st && i < count; i++) {
    float *filter = (float *)data->x + i * c->taps;
    if (!(st = mn_conv_filter(f, i, filter, err))) stretch(c->taps, filter);
  }
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
