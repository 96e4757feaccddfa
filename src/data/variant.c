/* Data variants: what the randomisation tests make of a set. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "minnorm/data.h"

const char *mn_variant_string(mn_variant variant)
{
  static const char *const names[] = {"true", "random-labels", "shuffled-pixels", "random-pixels", "gaussian"};
  return variant >= 0 && variant < MN_VARIANT_COUNT ? names[variant] : NULL;
}

/* Random numbers of one image. */
static mn_random open_random(mn_part part, uint64_t seed, size_t image)
{
  return mn_random_open(seed, part == MN_TEST ? MN_STREAM_VARIANT_TEST : MN_STREAM_VARIANT_TRAIN, image);
}

static int threads_of(const mn_context *ctx)
{
  return ctx && ctx->threads > 0 ? ctx->threads : omp_get_max_threads();
}

/* ---- permutations of pixels */

static size_t channels_of(const mn_data *data)
{
  return data->channels ? data->channels : 1;
}

/* Pixel p of an image becomes what pixel order[p] was, in every channel; `old` has room for one image. */
static void permute_image(mn_data *data, size_t image, size_t pixels, const size_t *order, char *old)
{
  size_t size = mn_dtype_size(data->type), bytes = data->dim * size;
  char *row = (char *)data->x + image * bytes;
  memcpy(old, row, bytes);
  for (size_t c = 0; c < channels_of(data); c++)
    for (size_t p = 0; p < pixels; p++)
      memcpy(row + (c * pixels + p) * size, old + (c * pixels + order[p]) * size, size);
}

/* What permuting takes a thread. */
typedef struct {
  size_t *order; /* pixels */
  char *image;   /* one image */
} workspace;

static void close_workspaces(int threads, workspace *w)
{
  for (int t = 0; w && t < threads; t++) {
    mn_free(w[t].order);
    mn_free(w[t].image);
  }
  mn_free(w);
}

static mn_status open_workspaces(const mn_data *data, size_t pixels, int threads, workspace **out, mn_error *err)
{
  int whole = (*out = mn_calloc((size_t)threads, sizeof **out)) != NULL;
  for (int t = 0; t < threads && whole; t++) {
    (*out)[t].order = mn_alloc(pixels, sizeof *(*out)[t].order);
    (*out)[t].image = mn_alloc(data->dim, mn_dtype_size(data->type));
    whole = (*out)[t].order && (*out)[t].image;
  }
  if (whole) return MN_OK;
  close_workspaces(threads, *out);
  return MN_NO_MEMORY(err, (size_t)threads * pixels * sizeof(size_t));
}

/* Shuffled pixels have one permutation, random pixels one an image. */
static mn_status permute(mn_data *data, mn_variant variant, mn_part part, uint64_t seed, int threads, mn_error *err)
{
  size_t pixels = data->dim / channels_of(data);
  int own = variant == MN_VARIANT_RANDOM_PIXELS;
  workspace *w;
  mn_status st = open_workspaces(data, pixels, threads, &w, err);
  if (st) return st;
  for (int t = 0; t < threads && !own; t++) mn_random_permutation(seed, MN_STREAM_VARIANT, pixels, w[t].order);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < data->n; i++) {
    workspace *mine = &w[omp_get_thread_num()];
    mn_random r = open_random(part, seed, i);
    if (own) mn_random_permute(&r, pixels, mine->order);
    permute_image(data, i, pixels, mine->order, mine->image);
  }
  close_workspaces(threads, w);
  return MN_OK;
}

/* ---- noise */

static void fill_noise(mn_data *data, size_t image, mn_random *r, double mean, double deviation)
{
  size_t first = image * data->dim;
  for (size_t k = first; k < first + data->dim; k++) {
    double value = mean + deviation * mn_random_normal(r);
    if (data->type == MN_U8) ((unsigned char *)data->x)[k] = (unsigned char)fmin(fmax(round(value), 0), 255);
    if (data->type == MN_F32) ((float *)data->x)[k] = (float)value;
    if (data->type == MN_F64) ((double *)data->x)[k] = value;
  }
}

static mn_status replace_by_noise(mn_data *data, mn_part part, uint64_t seed, int threads, mn_error *err)
{
  mn_data_summary s;
  mn_status st = mn_data_summarise(data, &s, err);
  if (st) return st;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < data->n; i++) {
    mn_random r = open_random(part, seed, i);
    fill_noise(data, i, &r, s.mean, s.deviation);
  }
  return MN_OK;
}

mn_status mn_data_make_variant(mn_data *data, mn_variant variant, mn_part part, uint64_t seed, const mn_context *ctx,
                               mn_error *err)
{
  switch (variant) {
  case MN_VARIANT_TRUE:
    return MN_OK;
  case MN_VARIANT_RANDOM_LABELS:
    return part == MN_TEST ? MN_OK : mn_data_corrupt(data, 1, seed, err);
  case MN_VARIANT_SHUFFLED_PIXELS:
  case MN_VARIANT_RANDOM_PIXELS:
    return permute(data, variant, part, seed, threads_of(ctx), err);
  case MN_VARIANT_GAUSSIAN:
    return replace_by_noise(data, part, seed, threads_of(ctx), err);
  default:
    return MN_FAIL(err, MN_ERR_ARGUMENT, "variant %d: not in the table", (int)variant);
  }
}
