#include "features/filters.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"

static double dot(size_t n, const double *x, const double *y)
{
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += x[k] * y[k];
  return sum;
}

static void keep_patch(const mn_filter_bank *bank, const float *elements, size_t f)
{
  if (bank->bytes) {
    unsigned char *out = (unsigned char *)bank->patches + f * bank->taps;
    for (size_t k = 0; k < bank->taps; k++) out[k] = (unsigned char)elements[k];
  } else {
    memcpy((float *)bank->patches + f * bank->taps, elements, bank->taps * sizeof *elements);
  }
}

static mn_status keep_patches(mn_filter_bank *bank, const mn_patches *patches, int threads, mn_error *err)
{
  size_t each = patches->train->dim + bank->taps, size = bank->bytes ? 1 : sizeof(float);
  float *scratch = mn_alloc_matrix(each * (size_t)threads, sizeof *scratch);
  if (bank->count <= SIZE_MAX / bank->taps) bank->patches = mn_alloc_matrix(bank->count * bank->taps, size);
  if (!scratch || !bank->patches) {
    mn_free(scratch);
    return MN_NO_MEMORY(err, bank->count * bank->taps * size + each * (size_t)threads * sizeof *scratch);
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t f = 0; f < bank->count; f++) {
    float *image = scratch + each * (size_t)omp_get_thread_num(), *elements = image + patches->train->dim;
    mn_patches_read(patches, f, image, elements);
    keep_patch(bank, elements, f);
  }
  mn_free(scratch);
  return MN_OK;
}

mn_features_kept mn_filters_keep(const mn_filter_bank *b)
{
  const mn_whitening *w = &b->whitening;
  return (mn_features_kept){b->count, b->taps, b->bytes ? MN_U8 : MN_F32, b->patches, w->mean, w->square};
}

static mn_status take_kept(mn_filter_bank *bank, const mn_features_kept *kept, mn_error *err)
{
  size_t taps = bank->taps, bytes = bank->count * taps * mn_dtype_size(kept->type);
  int whitened = bank->kind == MN_FILTERS_WHITENED;
  if (!kept->patches || kept->filters != bank->count || kept->taps != taps || (kept->type == MN_U8) != bank->bytes ||
      (whitened && !(kept->mean && kept->square)))
    return MN_FAIL(err, MN_ERR_FORMAT, "what is kept of %zu filters of %zu weights is of others", bank->count, taps);
  if (!(bank->patches = mn_alloc_matrix(bytes, 1))) return MN_NO_MEMORY(err, bytes);
  memcpy(bank->patches, kept->patches, bytes);
  if (!whitened) return MN_OK;
  mn_whitening *w = &bank->whitening;
  *w = (mn_whitening){mn_alloc(taps, sizeof *w->mean), mn_alloc_matrix(taps * taps, sizeof *w->square)};
  if (!w->mean || !w->square) return MN_NO_MEMORY(err, (taps + 1) * taps * sizeof *w->square);
  memcpy(w->mean, kept->mean, taps * sizeof *w->mean);
  memcpy(w->square, kept->square, taps * taps * sizeof *w->square);
  return MN_OK;
}

mn_status mn_filters_open(const mn_features_options *o, const mn_samples *train, const mn_features_kept *kept,
                          int threads, mn_filter_bank *out, mn_error *err)
{
  mn_patches patches = mn_patches_of(train, o->patch, o->seed);
  double scale = train->scaling->kind == MN_SCALE_UNIT ? 1.0 / 255 : 1;
  *out = (mn_filter_bank){.kind = o->kind, .count = o->filters, .taps = patches.taps, .norm = o->filter_norm};
  out->constant = o->patch_constant * scale * scale;
  out->unit = o->filter_unit;
  out->centered = o->patch_norm != MN_PATCHES_RAW;
  out->seed = o->seed;
  out->bytes = patches.bytes;
  out->scale = patches.unit;
  if (o->kind == MN_FILTERS_GAUSSIAN) return MN_OK;
  if (kept) return take_kept(out, kept, err);
  mn_status st = keep_patches(out, &patches, threads, err);
  if (st || o->kind != MN_FILTERS_WHITENED) return st;
  return mn_whitening_open(&patches, o->whiten_patches, o->filter_norm, out->constant, o->whiten_test,
                           o->whiten_epsilon, threads, &out->whitening, err);
}

void mn_filters_close(mn_filter_bank *bank)
{
  mn_free(bank->patches);
  mn_whitening_close(&bank->whitening);
  *bank = (mn_filter_bank){0};
}

static void draw_normals(const mn_filter_bank *bank, size_t f, double *out)
{
  mn_random r = mn_random_open(bank->seed, MN_STREAM_FILTER, f);
  for (size_t k = 0; k < bank->taps; k++) out[k] = mn_random_normal(&r);
}

static void take_patch(const mn_filter_bank *bank, size_t f, double *out)
{
  const unsigned char *bytes = (const unsigned char *)bank->patches + f * bank->taps;
  const float *floats = (const float *)bank->patches + f * bank->taps;
  if (bank->bytes)
    for (size_t k = 0; k < bank->taps; k++) out[k] = bank->scale * (double)bytes[k];
  else
    for (size_t k = 0; k < bank->taps; k++) out[k] = bank->scale * (double)floats[k];
  mn_patches_normalise(bank->norm, bank->constant, bank->taps, out);
}

/* out = W W patch */
static void multiply(size_t taps, const double *restrict square, const double *restrict patch, double *restrict out)
{
  memset(out, 0, taps * sizeof *out);
  for (size_t k = 0; k < taps; k++)
    for (size_t j = 0; j < taps; j++) out[j] += patch[k] * square[k * taps + j];
}

static void scale_to_unit(size_t taps, double norm2, double *weights)
{
  for (size_t k = 0; k < taps; k++) weights[k] = norm2 > 0 ? weights[k] / sqrt(norm2) : 0;
}

static void subtract_mean(size_t taps, double *weights)
{
  double mean = 0;
  for (size_t k = 0; k < taps; k++) mean += weights[k] / (double)taps;
  for (size_t k = 0; k < taps; k++) weights[k] -= mean;
}

/* ||W p||^2 = <p, W W p>: one product gives both. */
void mn_filters_make(const mn_filter_bank *bank, size_t f, double *scratch, double *weights, double *offset)
{
  const mn_whitening *w = &bank->whitening;
  size_t taps = bank->taps;
  double *drawn = w->square ? scratch : weights;
  if (bank->patches)
    take_patch(bank, f, drawn);
  else
    draw_normals(bank, f, drawn);
  if (w->square) {
    for (size_t k = 0; k < taps; k++) drawn[k] -= w->mean[k];
    multiply(taps, w->square, drawn, weights);
  }
  if (bank->unit) scale_to_unit(taps, dot(taps, drawn, weights), weights);
  *offset = w->mean ? dot(taps, w->mean, weights) : 0;
  if (bank->centered) subtract_mean(taps, weights);
}
