#include "features/conv.h"

#include <math.h>
#include <string.h>

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

static mn_status conv_open(mn_features *f, const mn_samples *train, int threads, const mn_context *ctx, mn_error *err)
{
  (void)ctx;
  mn_conv *c = f->state = mn_calloc(1, sizeof *c);
  if (!c) return MN_NO_MEMORY(err, sizeof *c);
  mn_status st = mn_filters_open(&f->options, train, threads, &c->bank, err);
  if (st) return st;
  set_shape(f, c->bank.constant, c);
  st = open_tables(&f->options, c, err);
  return st ? st : open_groups(f, c, err);
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
  }
  mn_free(c);
  mn_free(f->begin);
  f->state = NULL;
  f->begin = NULL;
}

size_t mn_conv_scratch(const mn_conv *c)
{
  return 2 * c->height * c->width + c->width + 2 * c->columns;
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
  (void)f;
  return "blocked";
}

/* ---- a thread's work */

/* The filters of a few groups are kept, so that a caller who takes up to so many groups of many blocks of images has
 * them made once. */
enum { SLOTS = 8 };

typedef struct {
  size_t held[SLOTS]; /* which group; SIZE_MAX: none */
  float *weights;     /* SLOTS x (panels of a group) x taps x panel */
  float *shift;       /* SLOTS x (panels of a group) x 2 x panel */
  float *images;      /* MN_MAP_IMAGES x (channels x height x width) */
  float *inverse;     /* MN_MAP_IMAGES x padded */
  double *scratch;    /* of prepare */
  double *filter;     /* 2 x taps */
  float *z;           /* columns x panel */
  float *sums;        /* halves x windows x panel */
} worker;

static size_t group_of(const mn_conv *c)
{
  size_t panel = c->level->panel, filters = c->filters < MN_CONV_GROUP ? c->filters : MN_CONV_GROUP;
  return (filters + panel - 1) / panel * panel;
}

static size_t slots_of(const mn_conv *c)
{
  size_t groups = (c->filters + MN_CONV_GROUP - 1) / MN_CONV_GROUP;
  return groups < SLOTS ? groups : SLOTS;
}

static size_t pixels_of(const mn_conv *c)
{
  return c->channels * c->height * c->width;
}

static void worker_close(void **p)
{
  worker *w = *p;
  if (!w) return;
  mn_free(w->weights);
  mn_free(w->shift);
  mn_free(w->images);
  mn_free(w->inverse);
  mn_free(w->scratch);
  mn_free(w->filter);
  mn_free(w->z);
  mn_free(w->sums);
  mn_free(w);
  *p = NULL;
}

static int allocate(const mn_conv *c, worker *w)
{
  size_t group = group_of(c), panel = c->level->panel, slots = slots_of(c);
  return (w->weights = mn_alloc_matrix(slots * group * c->taps, sizeof(float))) &&
         (w->shift = mn_alloc_matrix(slots * group * 2, sizeof(float))) &&
         (w->images = mn_alloc_matrix(MN_MAP_IMAGES * pixels_of(c), sizeof(float))) &&
         (w->inverse = mn_alloc_matrix(MN_MAP_IMAGES * c->padded, sizeof(float))) &&
         (w->scratch = mn_alloc_matrix(mn_conv_scratch(c), sizeof(double))) &&
         (w->filter = mn_alloc_matrix(2 * c->taps, sizeof(double))) &&
         (w->z = mn_alloc_matrix(c->columns * panel, sizeof(float))) &&
         (w->sums = mn_alloc_matrix(c->halves * c->windows * panel, sizeof(float)));
}

static mn_status worker_open(const mn_features *f, void **out, mn_error *err)
{
  const mn_conv *c = f->state;
  worker *w = mn_calloc(1, sizeof *w);
  *out = w;
  if (!w || !allocate(c, w)) {
    worker_close(out);
    return MN_NO_MEMORY(err, slots_of(c) * group_of(c) * (c->taps + 2) * sizeof(float));
  }
  for (size_t s = 0; s < SLOTS; s++) w->held[s] = SIZE_MAX;
  for (size_t i = 0; i < MN_MAP_IMAGES * c->padded; i++) w->inverse[i] = 1;
  return MN_OK;
}

/* Filter f as number i of its group. */
static void pack_filter(const mn_conv *c, size_t f, size_t i, double *filter, float *weights, float *shift)
{
  size_t panel = c->level->panel, p = i / panel, lane = i % panel;
  double *w = filter + c->taps, offset = 0;
  if (f < c->filters)
    mn_filters_make(&c->bank, f, filter, w, &offset);
  else
    memset(w, 0, c->taps * sizeof *w);
  for (size_t k = 0; k < c->taps; k++) weights[(p * c->taps + k) * panel + lane] = (float)w[k];
  shift[2 * p * panel + lane] = (float)(offset + c->bias);
  shift[(2 * p + 1) * panel + lane] = (float)(offset - c->bias);
}

/* The slot that holds group g, filled if need be. */
static size_t hold(const mn_conv *c, worker *w, size_t g)
{
  size_t slot = g % slots_of(c), group = group_of(c);
  if (w->held[slot] == g) return slot;
  for (size_t i = 0; i < group; i++)
    pack_filter(c, g * MN_CONV_GROUP + i, i, w->filter, w->weights + slot * group * c->taps,
                w->shift + slot * group * 2);
  w->held[slot] = g;
  return slot;
}

/* Sums of a panel become features: count of its filters, the first of which is number `first` of `filters` in the
 * group. */
static void finish(const mn_conv *c, const float *sums, size_t first, size_t count, size_t filters, float *out)
{
  for (size_t h = 0; h < c->halves; h++)
    for (size_t v = 0; v < c->windows; v++, sums += c->level->panel) {
      float *to = out + (h * c->windows + v) * filters + first;
      for (size_t i = 0; i < count; i++) to[i] = c->scale[v] * sums[i];
    }
}

static void run_panel(const mn_conv *c, worker *w, const float *image, const float *inverse, const float *weights,
                      const float *shift)
{
  memset(w->sums, 0, c->halves * c->windows * c->level->panel * sizeof *w->sums);
  for (size_t y = 0; y < c->rows; y++) {
    if (c->y.first[y] >= c->y.last[y]) continue;
    c->level->respond(c, image + y * c->width, weights, w->z);
    c->level->pool(c, y, w->z, inverse + y * c->columns, shift, w->sums);
  }
}

/* All images with a panel of filters before the next panel, which then comes from the first-level cache. */
static void run_group(const mn_conv *c, worker *w, const float *images, size_t count, size_t g, float *out, size_t ld)
{
  size_t slot = hold(c, w, g), group = group_of(c), panel = c->level->panel, left = c->filters - g * MN_CONV_GROUP;
  size_t filters = left < MN_CONV_GROUP ? left : MN_CONV_GROUP;
  const float *weights = w->weights + slot * group * c->taps, *shift = w->shift + slot * group * 2;
  for (size_t first = 0; first < filters; first += panel)
    for (size_t i = 0; i < count; i++) {
      size_t some = filters - first < panel ? filters - first : panel;
      run_panel(c, w, images + i * pixels_of(c), w->inverse + i * c->padded, weights + first * c->taps,
                shift + 2 * first);
      finish(c, w->sums, first, some, filters, out + i * ld);
    }
}

static void transform(const mn_features *f, void *p, const float *pixels, size_t count, size_t g, size_t end,
                      float *out, size_t ld)
{
  const mn_conv *c = f->state;
  worker *w = p;
  const float *images = c->norm == MN_PATCHES_RAW ? pixels : w->images;
  for (size_t i = 0; i < count && images == w->images; i++)
    c->level->prepare(c, pixels + i * pixels_of(c), w->scratch, w->images + i * pixels_of(c),
                      w->inverse + i * c->padded);
  for (size_t b = g; b < end; b++) run_group(c, w, images, count, b, out + f->begin[b] - f->begin[g], ld);
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
    .engine = engine,
};
