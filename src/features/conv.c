#include "features/conv.h"

#include <math.h>

#include "core/memory.h"
#include "core/status.h"

/* ---- options */

static size_t halves_of(mn_rectifier rectifier)
{
  return rectifier == MN_RECTIFIER_TWOSIDED ? 2 : 1;
}

static mn_status check_number(const char *what, double value, double least, mn_error *err)
{
  if (isfinite(value) && value >= least) return MN_OK;
  return MN_FAIL(err, MN_ERR_ARGUMENT, "%s %g: a number of at least %g expected", what, value, least);
}

static mn_status check_count(const char *what, size_t value, mn_error *err)
{
  return value ? MN_OK : MN_FAIL(err, MN_ERR_ARGUMENT, "%s 0: at least 1 expected", what);
}

static mn_status check_names(const mn_features_options *o, mn_error *err)
{
  const struct {
    const char *what;
    int value, most;
  } names[] = {
      {"kind of filters", (int)o->kind, MN_FILTERS_WHITENED},
      {"patch normalisation", (int)o->patch_norm, MN_PATCHES_UNIT},
      {"filter normalisation", (int)o->filter_norm, MN_PATCHES_UNIT},
      {"rectifier", (int)o->rectifier, MN_RECTIFIER_ABS},
      {"pooling", (int)o->pool, MN_POOL_MAX},
      {"convolution", (int)o->engine, MN_CONV_FFT},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].value < 0 || names[i].value > names[i].most)
      return MN_FAIL(err, MN_ERR_ARGUMENT, "unknown %s: number %d", names[i].what, names[i].value);
  return MN_OK;
}

static mn_status check_numbers(const mn_features_options *o, mn_error *err)
{
  mn_status st = check_number("patch constant", o->patch_constant, 0, err);
  if (!st) st = check_number("whitening constant", o->whiten_epsilon, 0, err);
  if (!st) st = check_number("bias", o->bias, -HUGE_VAL, err);
  if (!st) st = check_count("filters", o->filters, err);
  if (!st) st = check_count("patch", o->patch, err);
  if (!st && o->kind == MN_FILTERS_WHITENED) st = check_count("patches for the whitening", o->whiten_patches, err);
  return st;
}

static mn_status check_pooling(const mn_features_options *o, size_t positions, mn_error *err)
{
  if (mn_pool_windows(positions, o->pool_window, o->pool_stride, o->pool_ceil)) return MN_OK;
  return MN_FAIL(err, MN_ERR_ARGUMENT, "pooling window %zu, stride %zu: from 1 up, the window at most %zu expected",
                 o->pool_window, o->pool_stride, positions);
}

/* Products of sizes that must not wrap; features of all filters are counted in size_t. */
static mn_status check_sizes(const mn_features *f, mn_error *err)
{
  const mn_features_options *o = &f->options;
  size_t rows = f->height - o->patch + 1, columns = f->width - o->patch + 1;
  size_t windows = mn_pool_windows(rows, o->pool_window, o->pool_stride, o->pool_ceil) *
                   mn_pool_windows(columns, o->pool_window, o->pool_stride, o->pool_ceil);
  size_t each = windows * halves_of(o->rectifier), taps = f->channels * o->patch * o->patch;
  size_t most = SIZE_MAX / 16 / (each > taps ? each : taps);
  if (o->filters <= most && (o->kind != MN_FILTERS_WHITENED || taps <= 32766)) return MN_OK;
  return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu filters of %zu weights are too many", o->filters, taps);
}

static mn_status check(const mn_features *f, mn_error *err)
{
  const mn_features_options *o = &f->options;
  size_t least = f->height < f->width ? f->height : f->width;
  mn_status st = check_names(o, err);
  if (st || (st = check_numbers(o, err))) return st;
  if (o->patch > least)
    return MN_FAIL(err, MN_ERR_DATA, "images of %zu x %zu are smaller than a patch of %zu", f->height, f->width,
                   o->patch);
  if (o->whiten_test && o->kind == MN_FILTERS_WHITENED && o->patch_norm != o->filter_norm)
    return MN_FAIL(err, MN_ERR_ARGUMENT,
                   "the mean patch can be subtracted only where patches of images and those that become filters are "
                   "normalised alike");
  if ((st = check_pooling(o, f->height - o->patch + 1, err))) return st;
  if ((st = check_pooling(o, f->width - o->patch + 1, err))) return st;
  return check_sizes(f, err);
}

/* ---- the map */

static void set_shape(const mn_features *f, double constant, mn_conv *c)
{
  const mn_features_options *o = &f->options;
  c->channels = f->channels;
  c->height = f->height;
  c->width = f->width;
  c->side = o->patch;
  c->taps = f->channels * o->patch * o->patch;
  c->rows = f->height - o->patch + 1;
  c->columns = f->width - o->patch + 1;
  c->padded = (c->rows * c->columns + MN_CONV_PANEL_MOST - 1) / MN_CONV_PANEL_MOST * MN_CONV_PANEL_MOST;
  c->plane = (2 * f->height * f->width + 15) / 16 * 16;
  c->filters = o->filters;
  c->halves = halves_of(o->rectifier);
  c->rectifier = o->rectifier;
  c->pool = o->pool;
  c->bias = o->rectifier == MN_RECTIFIER_ABS ? 0 : o->bias;
  c->norm = o->patch_norm;
  c->spread = o->patch_norm == MN_PATCHES_UNIT ? (double)c->taps : 1;
  c->constant = o->patch_norm == MN_PATCHES_UNIT ? 0 : constant;
  c->level = mn_conv_level_best();
}

static void set_offsets(mn_conv *c)
{
  size_t *out = c->offset;
  for (size_t channel = 0; channel < c->channels; channel++)
    for (size_t y = 0; y < c->side; y++)
      for (size_t x = 0; x < c->side; x++) *out++ = (channel * c->height + y) * c->width + x;
}

static void set_scales(mn_conv *c)
{
  for (size_t i = 0; i < c->y.windows; i++)
    for (size_t j = 0; j < c->x.windows; j++) {
      size_t positions = (c->y.end[i] - c->y.begin[i]) * (c->x.end[j] - c->x.begin[j]);
      c->scale[i * c->x.windows + j] = c->pool == MN_POOL_AVERAGE ? (float)(1 / (double)positions) : 1;
    }
}

static mn_status open_tables(const mn_features_options *o, mn_conv *c, mn_error *err)
{
  mn_status st = mn_pool_axis_open(c->rows, o->pool_window, o->pool_stride, o->pool_ceil, &c->y, err);
  if (!st) st = mn_pool_axis_open(c->columns, o->pool_window, o->pool_stride, o->pool_ceil, &c->x, err);
  if (st) return st;
  c->windows = c->y.windows * c->x.windows;
  c->scale = mn_alloc(c->windows, sizeof *c->scale);
  c->offset = mn_alloc(c->taps, sizeof *c->offset);
  if (!c->scale || !c->offset) return MN_NO_MEMORY(err, c->windows * sizeof *c->scale + c->taps * sizeof *c->offset);
  set_offsets(c);
  set_scales(c);
  return MN_OK;
}

static mn_status open_groups(mn_features *f, const mn_conv *c, mn_error *err)
{
  size_t each = c->halves * c->windows;
  f->dim = c->filters * each;
  f->groups = (c->filters + MN_CONV_GROUP - 1) / MN_CONV_GROUP;
  f->flops = 2 * (double)(c->rows * c->columns) * (double)c->taps * (double)c->filters;
  if (!(f->begin = mn_alloc(f->groups + 1, sizeof *f->begin)))
    return MN_NO_MEMORY(err, (f->groups + 1) * sizeof *f->begin);
  for (size_t g = 0; g < f->groups; g++) f->begin[g] = g * MN_CONV_GROUP * each;
  f->begin[f->groups] = f->dim;
  return MN_OK;
}

static mn_status conv_open(mn_features *f, const mn_samples *train, const mn_features_kept *kept, int threads,
                           const mn_context *ctx, mn_error *err)
{
  (void)ctx;
  mn_conv *c = f->state = mn_calloc(1, sizeof *c);
  if (!c) return MN_NO_MEMORY(err, sizeof *c);
  mn_status st = mn_filters_open(&f->options, train, kept, threads, &c->bank, err);
  if (st) return st;
  set_shape(f, c->bank.constant, c);
  st = open_tables(&f->options, c, err);
  if (!st) st = open_groups(f, c, err);
  return st ? st : mn_conv_choose(c, f->options.engine, err);
}

static void conv_close(mn_features *f)
{
  mn_conv *c = f->state;
  if (c) {
    mn_pool_axis_close(&c->y);
    mn_pool_axis_close(&c->x);
    mn_free(c->scale);
    mn_free(c->offset);
    mn_filters_close(&c->bank);
    mn_fft_close(&c->fft);
  }
  mn_free(c);
  mn_free(f->begin);
  f->state = NULL;
  f->begin = NULL;
}

static mn_features_kept keep(const mn_features *f)
{
  return mn_filters_keep(&((const mn_conv *)f->state)->bank);
}

mn_status mn_conv_filter(const mn_features *features, size_t f, float *out, mn_error *err)
{
  const mn_conv *c = features->state;
  double *scratch = mn_alloc(2 * c->taps, sizeof *scratch), offset;
  if (!scratch) return MN_NO_MEMORY(err, 2 * c->taps * sizeof *scratch);
  mn_filters_make(&c->bank, f, scratch, scratch + c->taps, &offset);
  for (size_t k = 0; k < c->taps; k++) out[k] = (float)scratch[c->taps + k];
  mn_free(scratch);
  return MN_OK;
}

static const char *engine(const mn_features *f)
{
  return ((const mn_conv *)f->state)->method->name;
}

static mn_status worker_open(const mn_features *f, void **out, mn_error *err)
{
  mn_conv_worker *w = NULL;
  mn_status st = mn_conv_worker_open(f->state, &w, err);
  *out = w;
  return st;
}

static void worker_close(void **worker)
{
  mn_conv_worker *w = *worker;
  mn_conv_worker_close(&w);
  *worker = NULL;
}

static void transform(const mn_features *f, void *worker, const float *pixels, size_t count, size_t g, size_t end,
                      float *out, size_t ld)
{
  mn_conv_worker_run(f->state, worker, pixels, count, g, end, out, ld);
}

const mn_map_row mn_map_conv_row = {
    .name = "conv",
    .help = "one convolutional layer with random filters, rectified and pooled; --preset names published recipes",
    .check = check,
    .open = conv_open,
    .close = conv_close,
    .worker_open = worker_open,
    .worker_close = worker_close,
    .transform = transform,
    .keep = keep,
    .engine = engine,
    .picture = mn_conv_picture,
    .maps = mn_conv_maps,
    .feature_at = mn_conv_feature_at,
};
