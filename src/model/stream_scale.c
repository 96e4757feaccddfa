/* Statistics of a block of features, and the text that names what products are of. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "gram/bfloat16.h"
#include "minnorm/options.h"
#include "model/stream.h"

enum { FEATURES = 32 }; /* that a thread looks at together */

static const char *const scale_names[] = {"auto", "none", "center", "standard"};

const char *mn_feature_scale_string(mn_feature_scale scale)
{
  return (unsigned)scale <= MN_FEATURE_SCALE_STANDARD ? scale_names[scale] : NULL;
}

mn_feature_scale mn_feature_scale_of(const mn_stream_options *o)
{
  if (o->feature_scale != MN_FEATURE_SCALE_AUTO) return o->feature_scale;
  return o->features.name == MN_FEATURES_CONV ? MN_FEATURE_SCALE_STANDARD : MN_FEATURE_SCALE_NONE;
}

/* Means and sums of squares about them of a few features. Differences from the first image: a constant feature has a
 * mean that is exact and squares that are 0. */
static void moments(const mn_feature_block *b, size_t first, size_t count, double *mean, double *squares)
{
  const float *x = b->x + first;
  double sum[FEATURES] = {0}, n = (double)b->train;
  for (size_t i = 0; i < b->train; i++)
    for (size_t k = 0; k < count; k++) sum[k] += (double)x[i * b->ld + k] - (double)x[k];
  for (size_t k = 0; k < count; k++) mean[k] = (double)x[k] + sum[k] / n, squares[k] = 0;
  for (size_t i = 0; i < b->train; i++)
    for (size_t k = 0; k < count; k++) {
      double difference = (double)x[i * b->ld + k] - mean[k];
      squares[k] += difference * difference;
    }
}

void mn_feature_statistics(const mn_feature_block *b, mn_feature_scale scale, size_t dim, int threads, double *shift,
                           double *factor)
{
  const double root = sqrt((double)dim);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t first = 0; first < b->count; first += FEATURES) {
    size_t count = b->count - first < FEATURES ? b->count - first : FEATURES;
    double mean[FEATURES] = {0}, squares[FEATURES] = {0};
    if (scale != MN_FEATURE_SCALE_NONE) moments(b, first, count, mean, squares);
    for (size_t k = 0; k < count; k++) {
      double deviation = sqrt(squares[k] / (double)b->train);
      shift[first + k] = mean[k];
      factor[first + k] = scale != MN_FEATURE_SCALE_STANDARD ? 1 : deviation > 0 ? 1 / (deviation * root) : 0;
    }
  }
}

void mn_feature_apply(const mn_feature_block *b, const double *shift, const double *factor, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < b->rows; i++) {
    float *x = b->x + i * b->ld;
    for (size_t k = 0; k < b->count; k++) x[k] = (float)(((double)x[k] - shift[k]) * factor[k]);
  }
}

void mn_feature_round(const mn_feature_block *b, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < b->rows; i++) mn_bfloat16_round(b->count, b->x + i * b->ld);
}

/* ---- what products are of */

static void print_shape(const mn_data *images, char text[80])
{
  snprintf(text, 80, "%zux%zux%zu", images->channels, images->height, images->width);
}

void mn_stream_text(const mn_stream_options *o, const char *engine, size_t block, const mn_data *images,
                    char text[MN_STREAM_TEXT])
{
  char shape[80];
  size_t count, used = 0;
  const mn_option *table = mn_features_option_table(&count);
  for (size_t i = 0; i < count && used < MN_STREAM_TEXT; i++) {
    char value[64];
    if (!mn_features_option_used(&table[i], o->features.name) || !strcmp(table[i].key, "engine")) continue;
    mn_option_get(&table[i], &o->features, value, sizeof value);
    used += (size_t)snprintf(text + used, MN_STREAM_TEXT - used, "%s=%s ", table[i].key, value);
  }
  if (used >= MN_STREAM_TEXT) return;
  if (o->features.name == MN_FEATURES_CONV)
    used += (size_t)snprintf(text + used, MN_STREAM_TEXT - used, "seed=%llu ", (unsigned long long)o->features.seed);
  if (used >= MN_STREAM_TEXT) return;
  print_shape(images, shape);
  snprintf(text + used, MN_STREAM_TEXT - used, "%sscale=%s feature-scale=%s; engine=%s block=%zu images=%s",
           o->bfloat16 ? "rounding=bfloat16 " : "", mn_scale_string(o->scale),
           mn_feature_scale_string(mn_feature_scale_of(o)), engine, block, shape);
}

mn_status mn_stream_text_check_images(const char *text, const mn_data *images, mn_error *err)
{
  const char *tail = strchr(text, ';'), *there = tail ? strstr(tail, " images=") : NULL;
  char here[80];
  print_shape(images, here);
  if (!there || !strcmp(there + strlen(" images="), here)) return MN_OK;
  return MN_FAIL(err, MN_ERR_DATA, "%s: images of %s (channels, height, width), the kept products are of %s",
                 images->name, here, there + strlen(" images="));
}

int mn_stream_text_agrees(const char *a, const char *b)
{
  size_t length = strcspn(a, ";");
  return length == strcspn(b, ";") && !strncmp(a, b, length);
}

/* "scales=3" into the options. */
static int set_word(const char *key, const char *value, mn_stream_options *o)
{
  size_t count;
  const mn_option *table = mn_features_option_table(&count), *row = mn_option_find(table, count, key);
  char *end;
  if (!strcmp(key, "seed")) return o->features.seed = strtoull(value, &end, 10), *value && !*end;
  if (!strcmp(key, "block") || !strcmp(key, "images")) return 1;
  if (!strcmp(key, "engine") && !*value) return 1;
  if (!strcmp(key, "rounding") && !strcmp(value, "bfloat16")) return o->bfloat16 = 1, 1;
  if (row) return !mn_option_set(row, value, &o->features, NULL);
  if (!strcmp(key, "scale"))
    for (mn_scale s = MN_SCALE_UNIT; s <= MN_SCALE_STANDARD; s++)
      if (!strcmp(value, mn_scale_string(s))) return o->scale = s, 1;
  if (!strcmp(key, "feature-scale"))
    for (mn_feature_scale s = MN_FEATURE_SCALE_NONE; s <= MN_FEATURE_SCALE_STANDARD; s++)
      if (!strcmp(value, scale_names[s])) return o->feature_scale = s, 1;
  return 0;
}

mn_status mn_stream_text_options(const char *text, mn_stream_options *out, mn_error *err)
{
  int good = 1;
  *out = (mn_stream_options){0};
  for (const char *word = text; good && *word; word += strspn(word, " ;")) {
    size_t length = strcspn(word, " ;"), split = strcspn(word, "=");
    char key[64], value[64];
    good = split < length && split < sizeof key && length - split - 1 < sizeof value;
    if (!good) break;
    snprintf(key, sizeof key, "%.*s", (int)split, word);
    snprintf(value, sizeof value, "%.*s", (int)(length - split - 1), word + split + 1);
    good = set_word(key, value, out);
    word += length;
  }
  if (good && out->features.name != MN_FEATURES_NONE && out->scale && out->feature_scale) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "'%.200s' does not name features that this program makes", text);
}

void mn_stream_text_choices(const char *text, char engine[32], size_t *block)
{
  const char *end = strchr(text, ';'), *name = end ? strstr(end, "engine=") : NULL;
  const char *size = end ? strstr(end, "block=") : NULL;
  snprintf(engine, 32, "%.*s", name ? (int)strcspn(name + 7, " ") : 0, name ? name + 7 : "");
  *block = size ? (size_t)strtoull(size + 6, NULL, 10) : 0;
}
