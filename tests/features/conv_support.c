#include "conv_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

naive_set conv_images(size_t n, size_t channels, size_t height, size_t width, mn_dtype type, mn_scale scale,
                      uint64_t seed)
{
  naive_set s = naive_open(n, channels * height * width, type, scale, seed);
  s.data->channels = channels;
  s.data->height = height;
  s.data->width = width;
  return s;
}

mn_features_options conv_options(void)
{
  mn_features_options o = {.name = MN_FEATURES_CONV, .filters = 37, .seed = 5};
  assert_int_equal(mn_features_preset("b", &o, NULL), MN_OK);
  o.patch = 3;
  o.whiten_patches = 200;
  o.pool_window = 4;
  o.pool_stride = 3;
  o.engine = MN_CONV_BLOCKED;
  return o;
}

mn_status conv_open(const mn_features_options *options, const naive_set *train, int threads, mn_features *out,
                    mn_error *err)
{
  const mn_data *d = train->data;
  *out = (mn_features){.options = *options, .row = &mn_map_conv_row};
  out->channels = d->channels;
  out->height = d->height;
  out->width = d->width;
  mn_status st = out->row->check(out, err);
  return st ? st : out->row->open(out, &train->samples, NULL, threads, NULL, err);
}

void conv_close(mn_features *map)
{
  map->row->close(map);
}

void conv_must_open(const mn_features_options *options, const naive_set *train, mn_features *out)
{
  mn_error err = {0};
  if (conv_open(options, train, 2, out, &err)) fail_msg("%s", err.text);
}

float *conv_transform(const mn_features *map, const naive_set *images, size_t first, size_t count, size_t block,
                      size_t g, size_t end)
{
  size_t width = map->begin[end] - map->begin[g], dim = images->dim;
  float *pixels = malloc(block * dim * sizeof *pixels), *out = malloc(count * width * sizeof *out);
  void *worker;
  assert_true(pixels && out);
  assert_int_equal(map->row->worker_open(map, &worker, NULL), MN_OK);
  for (size_t i = 0; i < count; i += block) {
    size_t some = count - i < block ? count - i : block;
    mn_samples_rows_f32(&images->samples, first + i, some, pixels);
    map->row->transform(map, worker, pixels, some, g, end, out + i * width, width);
  }
  map->row->worker_close(&worker);
  assert_null(worker);
  free(pixels);
  return out;
}

void conv_normalise(mn_patch_norm norm, double constant, size_t taps, double *patch)
{
  double mean = 0, squares = 0;
  if (norm == MN_PATCHES_RAW) return;
  for (size_t k = 0; k < taps; k++) mean += patch[k];
  for (size_t k = 0; k < taps; k++) patch[k] -= mean / (double)taps;
  for (size_t k = 0; k < taps; k++) squares += patch[k] * patch[k];
  double under = norm == MN_PATCHES_UNIT ? squares : squares / (double)taps + constant;
  for (size_t k = 0; k < taps && norm != MN_PATCHES_CENTER; k++) patch[k] /= sqrt(under);
}

/* Response of one filter at every position. */
static void respond(const mn_features *m, const double *image, const double *weights, double offset, double *z)
{
  const mn_features_options *o = &m->options;
  size_t side = o->patch, rows = m->height - side + 1, columns = m->width - side + 1;
  size_t taps = m->channels * side * side;
  double *patch = malloc(taps * sizeof *patch), unit = ((mn_conv *)m->state)->bank.constant;
  assert_non_null(patch);
  for (size_t y = 0; y < rows; y++)
    for (size_t x = 0; x < columns; x++) {
      double sum = -offset;
      for (size_t k = 0; k < taps; k++) {
        size_t c = k / (side * side), dy = k / side % side, dx = k % side;
        patch[k] = image[(c * m->height + y + dy) * m->width + x + dx];
      }
      conv_normalise(o->patch_norm, unit, taps, patch);
      for (size_t k = 0; k < taps; k++) sum += weights[k] * patch[k];
      z[y * columns + x] = sum;
    }
  free(patch);
}

/* Where windows along an axis begin; their number. */
static size_t windows_of(const mn_features_options *o, size_t size, size_t *begin)
{
  size_t count = 0;
  for (size_t at = 0; at < size; at += o->pool_stride) {
    if (at + o->pool_window > size && !o->pool_ceil) break;
    begin[count++] = at;
    if (at + o->pool_window >= size) break;
  }
  return count;
}

static double pool_window(const mn_features_options *o, size_t rows, size_t columns, const double *z, double sign,
                          size_t y0, size_t x0)
{
  double sum = 0, most = 0, count = 0;
  for (size_t y = y0; y < rows && y < y0 + o->pool_window; y++)
    for (size_t x = x0; x < columns && x < x0 + o->pool_window; x++, count++) {
      double value = sign * z[y * columns + x] - o->bias;
      value = o->rectifier == MN_RECTIFIER_ABS ? fabs(z[y * columns + x]) : value > 0 ? value : 0;
      sum += value;
      if (value > most) most = value;
    }
  return o->pool == MN_POOL_MAX ? most : o->pool == MN_POOL_SUM ? sum : sum / count;
}

/* Where feature (half, window, filter) belongs: the filters of a group run fastest. */
static size_t place(const mn_features *m, size_t each, size_t half_window, size_t f)
{
  size_t g = f / MN_CONV_GROUP, filters = m->options.filters - g * MN_CONV_GROUP;
  if (filters > MN_CONV_GROUP) filters = MN_CONV_GROUP;
  return g * MN_CONV_GROUP * each + half_window * filters + f % MN_CONV_GROUP;
}

void conv_naive(const mn_features *m, const double *image, double *out)
{
  const mn_features_options *o = &m->options;
  const mn_conv *c = m->state;
  size_t rows = m->height - o->patch + 1, columns = m->width - o->patch + 1, ys[64], xs[64];
  size_t halves = o->rectifier == MN_RECTIFIER_TWOSIDED ? 2 : 1, v = windows_of(o, rows, ys),
         u = windows_of(o, columns, xs);
  double *z = malloc(rows * columns * sizeof *z), *filter = malloc(2 * c->taps * sizeof *filter), offset;
  assert_true(z && filter);
  assert_int_equal(m->dim, halves * v * u * o->filters);
  for (size_t f = 0; f < o->filters; f++) {
    mn_filters_make(&c->bank, f, filter, filter + c->taps, &offset);
    respond(m, image, filter + c->taps, offset, z);
    for (size_t h = 0; h < halves; h++)
      for (size_t i = 0; i < v; i++)
        for (size_t j = 0; j < u; j++)
          out[place(m, halves * v * u, (h * v + i) * u + j, f)] =
              pool_window(o, rows, columns, z, h ? -1 : 1, ys[i], xs[j]);
  }
  free(z);
  free(filter);
}
