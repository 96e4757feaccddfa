#include "minnorm/features.h"

#include <omp.h>
#include <stdatomic.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "features/map.h"
#include "linalg/threads.h"

/* ---- the table */

static const mn_map_row *const rows[MN_FEATURES_COUNT] = {
    [MN_FEATURES_GABOR] = &mn_map_gabor_row,
    [MN_FEATURES_SCATTERING] = &mn_map_scattering_row,
    [MN_FEATURES_CONV] = &mn_map_conv_row,
};

/* NULL for names without a map. */
static const mn_map_row *find_row(mn_features_name name)
{
  return (unsigned)name < MN_FEATURES_COUNT ? rows[name] : NULL;
}

const char *mn_features_string(mn_features_name name)
{
  const mn_map_row *row = find_row(name);
  return row ? row->name : name == MN_FEATURES_NONE ? "none" : NULL;
}

const char *mn_features_help(mn_features_name name)
{
  const mn_map_row *row = find_row(name);
  return row ? row->help : name == MN_FEATURES_NONE ? "the samples themselves" : NULL;
}

mn_status mn_features_by_name(const char *text, mn_features_name *out, mn_error *err)
{
  char list[128] = "";
  for (mn_features_name name = MN_FEATURES_NONE; name < MN_FEATURES_COUNT; name++) {
    const char *known = mn_features_string(name);
    if (!known) continue;
    if (!strcmp(text, known)) return *out = name, MN_OK;
    if (*list) strcat(list, ", ");
    strcat(list, known);
  }
  return MN_FAIL(err, MN_ERR_ARGUMENT, "unknown feature map '%.64s': one of %s expected", text, list);
}

mn_features_options mn_features_default(mn_features_name name)
{
  mn_features_options options = {.name = name};
  if (name == MN_FEATURES_GABOR) options.scales = 3, options.orientations = 8, options.pooling = 1;
  if (name == MN_FEATURES_SCATTERING) options.scales = 3, options.orientations = 8, options.pooling = 2;
  if (name == MN_FEATURES_CONV) options.filters = 4096, mn_features_preset("b", &options, NULL);
  return options;
}

/* ---- maps */

mn_status mn_features_open_kept(const mn_features_options *options, const mn_samples *train,
                                const mn_features_kept *kept, const mn_context *ctx, mn_features **out, mn_error *err)
{
  const mn_map_row *row = find_row(options->name);
  const mn_data *data = train->data;
  int threads = mn_threads_open(ctx);
  mn_status st;
  *out = NULL;
  if (!row) return MN_FAIL(err, MN_ERR_ARGUMENT, "no feature map has the number %d", (int)options->name);
  if (!data->channels)
    return MN_FAIL(err, MN_ERR_DATA, "%s: the samples are no images, of which %s makes features", data->name,
                   row->name);
  mn_features *features = mn_calloc(1, sizeof *features);
  if (!features) return MN_NO_MEMORY(err, sizeof *features);
  *features = (mn_features){
      .options = *options, .channels = data->channels, .height = data->height, .width = data->width, .row = row};
  if ((st = row->check(features, err))) goto done;
  if ((st = row->open(features, train, kept, threads, ctx, err))) goto done;
  if (options->symmetric) features->flops *= 2;
  *out = features;
  features = NULL;
done:
  mn_features_close(&features);
  return st;
}

mn_status mn_features_open(const mn_features_options *options, const mn_samples *train, const mn_context *ctx,
                           mn_features **out, mn_error *err)
{
  return mn_features_open_kept(options, train, NULL, ctx, out, err);
}

mn_features_kept mn_features_keep(const mn_features *features)
{
  return features->row->keep ? features->row->keep(features) : (mn_features_kept){0};
}

void mn_features_close(mn_features **features)
{
  if (!*features) return;
  (*features)->row->close(*features);
  mn_free(*features);
  *features = NULL;
}

const mn_features_options *mn_features_info(const mn_features *features)
{
  return &features->options;
}

size_t mn_features_dim(const mn_features *features)
{
  return features->dim;
}

size_t mn_features_groups(const mn_features *features)
{
  return features->groups;
}

size_t mn_features_begin(const mn_features *features, size_t g)
{
  return features->begin[g];
}

const char *mn_features_engine(const mn_features *features)
{
  return features->row->engine ? features->row->engine(features) : "";
}

double mn_features_flops(const mn_features *features)
{
  return features->flops;
}

/* ---- computing */

/* What the threads of a call share. */
typedef struct {
  const mn_features *features;
  const mn_samples *images;
  size_t first, count, g, end;
  float *out; /* count rows of leading dimension ld */
  size_t ld;
  mn_meter meter;
} pass;

static mn_status check_pass(const pass *p, mn_error *err)
{
  const mn_features *f = p->features;
  const mn_data *data = p->images->data;
  if (data->channels != f->channels || data->height != f->height || data->width != f->width)
    return MN_FAIL(err, MN_ERR_DATA, "%s: images of %zu x %zu x %zu expected, as in training; %zu x %zu x %zu found",
                   data->name, f->channels, f->height, f->width, data->channels, data->height, data->width);
  if (p->first > p->images->n || p->count > p->images->n - p->first)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: images %zu and the next %zu are asked for, of %zu", data->name, p->first,
                   p->count, p->images->n);
  if (p->g > p->end || p->end > f->groups)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "groups of features %zu up to %zu are asked for, of %zu", p->g, p->end,
                   f->groups);
  if (p->ld < f->begin[p->end] - f->begin[p->g])
    return MN_FAIL(err, MN_ERR_ARGUMENT, "rows of %zu features do not fit a leading dimension of %zu",
                   f->begin[p->end] - f->begin[p->g], p->ld);
  return MN_OK;
}

/* Left for right, in place. */
static void mirror(size_t rows, size_t width, float *pixels)
{
  for (size_t y = 0; y < rows; y++)
    for (size_t x = 0; x < width / 2; x++) {
      float *left = pixels + y * width + x, *right = pixels + (y + 1) * width - 1 - x, kept = *left;
      *left = *right;
      *right = kept;
    }
}

/* Adds the features of the mirror images; space: that of a worker, behind its pixels. */
static void add_mirrored(const pass *p, void *worker, size_t count, float *pixels, float *space, float *out)
{
  const mn_features *f = p->features;
  size_t width = f->begin[p->end] - f->begin[p->g];
  mirror(count * f->channels * f->height, f->width, pixels);
  f->row->transform(f, worker, pixels, count, p->g, p->end, space, width);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < width; k++) out[i * p->ld + k] += space[i * width + k];
}

/* One thread's share: blocks of images as they come. */
static void run(pass *p, void *worker, float *pixels)
{
  const mn_features *f = p->features;
#pragma omp for schedule(dynamic)
  for (size_t i = 0; i < p->count; i += MN_MAP_IMAGES) {
    size_t count = p->count - i < MN_MAP_IMAGES ? p->count - i : MN_MAP_IMAGES;
    if (mn_meter_cancelled(&p->meter)) continue;
    mn_samples_rows_f32(p->images, p->first + i, count, pixels);
    f->row->transform(f, worker, pixels, count, p->g, p->end, p->out + i * p->ld, p->ld);
    if (f->options.symmetric)
      add_mirrored(p, worker, count, pixels, pixels + MN_MAP_IMAGES * p->images->dim, p->out + i * p->ld);
    mn_meter_add(&p->meter, (double)count);
  }
}

mn_status mn_features_compute(const mn_features *features, const mn_samples *images, size_t first, size_t count,
                              size_t g, size_t end, const mn_context *ctx, float *out, size_t ld, mn_error *err)
{
  pass p = {features, images, first, count, g, end, out, ld, {0}};
  size_t blocks = (count + MN_MAP_IMAGES - 1) / MN_MAP_IMAGES, each = MN_MAP_IMAGES * images->dim;
  size_t threads = (size_t)mn_threads_open(ctx);
  void **workers = NULL;
  float *pixels = NULL;
  mn_status st = check_pass(&p, err);
  if (st || !count || g == end) return st;
  if (features->options.symmetric) each += MN_MAP_IMAGES * (features->begin[end] - features->begin[g]);
  if (threads > blocks) threads = blocks;
  workers = mn_calloc(threads, sizeof *workers);
  pixels = mn_alloc_matrix(threads * each, sizeof *pixels);
  if (!workers || !pixels) {
    st = MN_NO_MEMORY(err, threads * each * sizeof *pixels);
    goto done;
  }
  for (size_t t = 0; t < threads; t++)
    if ((st = features->row->worker_open(features, &workers[t], err))) goto done;
  mn_meter_open(&p.meter, ctx, "features", (double)count, "sample");
#pragma omp parallel num_threads((int)threads)
  run(&p, workers[omp_get_thread_num()], pixels + each * (size_t)omp_get_thread_num());
  st = mn_meter_close(&p.meter, err);
done:
  for (size_t t = 0; workers && t < threads; t++) features->row->worker_close(&workers[t]);
  mn_free(workers);
  mn_free(pixels);
  return st;
}
