/* The table of synthetic data sets and the reading of their specs. */
#include "data/synth.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/progress.h"
#include "core/status.h"
#include "data/readers.h"

typedef struct {
  mn_synth_info info;
  mn_synth_fill fill;
  size_t side; /* square grey images of bytes; 0: d real numbers */
  mn_synth_options defaults;
} generator;

static const generator generators[] = {
    {{"digits", "28 x 28 grey images of drawn digits, ten classes", "n, seed, part"},
     mn_synth_digits,
     28,
     {.n = 5000, .d = 784, .columns = 1}},
    {{"gaussian", "normal samples; labels are the cluster, fair coins, or the side of a hyperplane",
      "n, d, labels, classes, distance, seed, part"},
     mn_synth_gaussian,
     0,
     {.n = 1000, .d = 20, .classes = 2, .columns = 1, .distance = 4}},
    {{"regression", "smooth real targets of uniform samples", "n, d, columns, noise, seed, part"},
     mn_synth_regression,
     0,
     {.n = 1000, .d = 5, .columns = 1, .noise = 0.05}},
    {{"circles", "concentric rings in the plane, one a class", "n, classes, noise, seed, part"},
     mn_synth_circles,
     0,
     {.n = 1000, .d = 2, .classes = 2, .columns = 1, .noise = 0.1}},
};
enum { GENERATORS = sizeof generators / sizeof *generators };

typedef enum { KEY_COUNT, KEY_REAL, KEY_CHOICE } key_type;
typedef struct {
  const char *name;
  key_type type;
  size_t offset; /* in mn_synth_options, of a uint64_t or (KEY_REAL) a double */
  double min, max;
  const char *choices; /* KEY_CHOICE: words separated by "|", numbered from 0 */
} key;

#define MEMBER(name) offsetof(mn_synth_options, name)
static const key keys[] = {
    {"n", KEY_COUNT, MEMBER(n), 1, 1e9, NULL},
    {"d", KEY_COUNT, MEMBER(d), 1, 1e7, NULL},
    {"classes", KEY_COUNT, MEMBER(classes), 1, 1e6, NULL},
    {"columns", KEY_COUNT, MEMBER(columns), 1, 1e4, NULL},
    {"seed", KEY_COUNT, MEMBER(seed), 0, 0x1p64, NULL},
    {"noise", KEY_REAL, MEMBER(noise), 0, 1e6, NULL},
    {"distance", KEY_REAL, MEMBER(distance), 0, 1e6, NULL},
    {"part", KEY_CHOICE, MEMBER(part), 0, 0, "train|test"},
    {"labels", KEY_CHOICE, MEMBER(labels), 0, 0, "clusters|random|linear"},
};
enum { KEYS = sizeof keys / sizeof *keys };

const mn_synth_info *mn_data_synth_info(size_t i)
{
  return i < GENERATORS ? &generators[i].info : NULL;
}

/* Whether `word`, of `length` characters, is one of the words of a list; its number in `index`. */
static int in_list(const char *list, const char *separators, const char *word, size_t length, size_t *index)
{
  *index = 0;
  while (*list) {
    size_t span = strcspn(list, separators);
    if (span == length && !memcmp(list, word, length)) return 1;
    list += span;
    list += strspn(list, separators);
    ++*index;
  }
  return 0;
}

static const generator *find_generator(const char *name, size_t length, mn_error *err)
{
  for (size_t i = 0; i < GENERATORS; i++)
    if (strlen(generators[i].info.name) == length && !memcmp(generators[i].info.name, name, length))
      return &generators[i];
  char known[128] = "";
  for (size_t i = 0, used = 0; i < GENERATORS && used < sizeof known; i++)
    used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", generators[i].info.name);
  MN_FAIL(err, MN_ERR_ARGUMENT, "synth:%.*s: unknown synthetic data set; there are %s",
          (int)(length < 80 ? length : 80), name, known);
  return NULL;
}

static int parse_count(const char *text, const key *k, uint64_t *out)
{
  char *end;
  errno = 0;
  if (!isdigit((unsigned char)*text)) return 0; /* strtoull would take a sign */
  unsigned long long value = strtoull(text, &end, 10);
  if (*end || errno || (double)value < k->min || (double)value > k->max) return 0;
  *out = value;
  return 1;
}

static int parse_real(const char *text, const key *k, double *out)
{
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !isfinite(value) || value < k->min || value > k->max) return 0;
  *out = value;
  return 1;
}

static mn_status set_key(const generator *g, const key *k, const char *text, mn_synth_options *options, mn_error *err)
{
  void *member = (char *)options + k->offset;
  uint64_t number = 0;
  size_t word;
  if (k->type == KEY_COUNT && parse_count(text, k, &number)) return memcpy(member, &number, sizeof number), MN_OK;
  if (k->type == KEY_REAL && parse_real(text, k, member)) return MN_OK;
  if (k->type == KEY_CHOICE && in_list(k->choices, "|", text, strlen(text), &word)) {
    number = word;
    return memcpy(member, &number, sizeof number), MN_OK;
  }
  if (k->type == KEY_CHOICE)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "synth:%s: %s is one of %s, not '%.80s'", g->info.name, k->name, k->choices,
                   text);
  return MN_FAIL(err, MN_ERR_ARGUMENT, "synth:%s: %s is %s from %.0f to %.0f, not '%.80s'", g->info.name, k->name,
                 k->type == KEY_COUNT ? "an integer" : "a number", k->min, k->max, text);
}

/* One "key=value". */
static mn_status read_pair(const generator *g, const char *pair, size_t length, mn_synth_options *options,
                           mn_error *err)
{
  char text[128];
  size_t index;
  if (length >= sizeof text)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "synth:%s: '%.80s...' is too long", g->info.name, pair);
  memcpy(text, pair, length);
  text[length] = '\0';
  char *equals = strchr(text, '=');
  size_t name_length = equals ? (size_t)(equals - text) : length;
  if (equals && in_list(g->info.keys, ", ", text, name_length, &index)) {
    *equals = '\0';
    for (size_t i = 0; i < KEYS; i++)
      if (!strcmp(keys[i].name, text)) return set_key(g, &keys[i], equals + 1, options, err);
  }
  return MN_FAIL(err, MN_ERR_ARGUMENT, "synth:%s: key=value expected, '%.80s' found; the keys are %s", g->info.name,
                 text, g->info.keys);
}

static mn_status read_pairs(const generator *g, const char *text, mn_synth_options *options, mn_error *err)
{
  while (*text == ',') {
    size_t length = strcspn(++text, ",");
    mn_status st = read_pair(g, text, length, options, err);
    if (st) return st;
    text += length;
  }
  return MN_OK;
}

/* Samples are independent, so any division among threads gives the same bytes. */
static mn_status fill_all(const generator *g, const mn_synth_options *options, const mn_context *ctx, mn_data *data,
                          mn_error *err)
{
  int threads = ctx && ctx->threads > 0 ? ctx->threads : omp_get_max_threads();
  mn_meter meter;
  mn_meter_open(&meter, ctx, "data", (double)data->n, "sample");
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
  for (size_t i = 0; i < data->n; i++) {
    if (mn_meter_cancelled(&meter)) continue;
    g->fill(options, i, data);
    mn_meter_add(&meter, 1);
  }
  return mn_meter_close(&meter, err);
}

mn_status mn_data_open_synth(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err)
{
  *out = NULL;
  size_t length = strcspn(arguments, ",");
  const generator *g = find_generator(arguments, length, err);
  if (!g) return MN_ERR_ARGUMENT;
  mn_synth_options options = g->defaults;
  mn_data *data = NULL;
  char name[sizeof data->name];
  mn_status st;
  if ((st = read_pairs(g, arguments + length, &options, err))) goto done;
  mn_data_shape shape = {options.n, options.d, g->side ? MN_U8 : MN_F64, options.columns, 0};
  snprintf(name, sizeof name, "synth:%s", g->info.name);
  if ((st = mn_data_check_room(name, &shape, ctx, err))) goto done;
  if ((st = mn_data_create(shape.n, shape.dim, shape.type, shape.columns, &data, err))) goto done;
  if (g->side) {
    data->channels = 1;
    data->height = data->width = g->side;
  }
  memcpy(data->name, name, sizeof name);
  if ((st = fill_all(g, &options, ctx, data, err))) goto done;
  *out = data;
  data = NULL;
done:
  mn_data_close(&data);
  return st;
}
