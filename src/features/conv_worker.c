/* A thread's work on the convolutional layer. */
#include <stdint.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "features/conv.h"

/* The filters of a few groups are kept, so that a caller who takes up to so many groups of many blocks of images has
 * them made once; fewer where they are large. */
enum { SLOTS = 8, SLOTS_FLOATS = 1 << 22 };

struct mn_conv_worker {
  size_t slots, held[SLOTS]; /* which group a slot holds; SIZE_MAX: none */
  float *weights;            /* slots x panels of a group x c->method->weights */
  float *shift;              /* slots x panels of a group x 2 x panel */
  float *images;             /* MN_MAP_IMAGES x (channels x height x width) */
  float *inverse;            /* MN_MAP_IMAGES x padded */
  double *scratch;           /* of prepare */
  double *filters;           /* (panel + 1) x taps */
  float *space;              /* of the method */
  float *z;                  /* columns x panel */
  float *sums;               /* halves x windows x panel */
};

/* Of the largest group. */
static size_t panels_of(const mn_conv *c)
{
  size_t filters = c->filters < MN_CONV_GROUP ? c->filters : MN_CONV_GROUP;
  return (filters + c->level->panel - 1) / c->level->panel;
}

static size_t slots_of(const mn_conv *c)
{
  size_t groups = (c->filters + MN_CONV_GROUP - 1) / MN_CONV_GROUP, slots = groups < SLOTS ? groups : SLOTS;
  size_t fit = SLOTS_FLOATS / (panels_of(c) * c->method->weights(c));
  return slots <= fit ? slots : fit ? fit : 1;
}

static size_t pixels_of(const mn_conv *c)
{
  return c->channels * c->height * c->width;
}

static size_t scratch_of(const mn_conv *c)
{
  return 2 * c->height * c->width + c->width + 2 * c->columns;
}

void mn_conv_worker_close(mn_conv_worker **worker)
{
  mn_conv_worker *w = *worker;
  if (!w) return;
  mn_free(w->weights);
  mn_free(w->shift);
  mn_free(w->images);
  mn_free(w->inverse);
  mn_free(w->scratch);
  mn_free(w->filters);
  mn_free(w->space);
  mn_free(w->z);
  mn_free(w->sums);
  mn_free(w);
  *worker = NULL;
}

static int allocate(const mn_conv *c, mn_conv_worker *w)
{
  size_t panel = c->level->panel, panels = w->slots * panels_of(c);
  return (w->weights = mn_alloc_matrix(panels * c->method->weights(c), sizeof(float))) &&
         (w->shift = mn_alloc_matrix(panels * 2 * panel, sizeof(float))) &&
         (w->images = mn_alloc_matrix(MN_MAP_IMAGES * pixels_of(c), sizeof(float))) &&
         (w->inverse = mn_alloc_matrix(MN_MAP_IMAGES * c->padded, sizeof(float))) &&
         (w->scratch = mn_alloc_matrix(scratch_of(c), sizeof(double))) &&
         (w->filters = mn_alloc_matrix((panel + 1) * c->taps, sizeof(double))) &&
         (w->space = mn_alloc_matrix(c->method->space(c), sizeof(float))) &&
         (w->z = mn_alloc_matrix(c->columns * panel, sizeof(float))) &&
         (w->sums = mn_alloc_matrix(c->halves * c->windows * panel, sizeof(float)));
}

mn_status mn_conv_worker_open(const mn_conv *c, mn_conv_worker **out, mn_error *err)
{
  mn_conv_worker *w = *out = mn_calloc(1, sizeof *w);
  if (w) w->slots = slots_of(c);
  if (!w || !allocate(c, w)) {
    mn_conv_worker_close(out);
    return MN_NO_MEMORY(err, slots_of(c) * panels_of(c) * c->method->weights(c) * sizeof(float));
  }
  for (size_t s = 0; s < SLOTS; s++) w->held[s] = SIZE_MAX;
  for (size_t i = 0; i < MN_MAP_IMAGES * c->padded; i++) w->inverse[i] = 1;
  return MN_OK;
}

/* Filters first ... of the map; beyond the last one they are 0. */
static void pack_panel(const mn_conv *c, mn_conv_worker *w, size_t first, float *weights, float *shift)
{
  size_t panel = c->level->panel;
  double *spare = w->filters + panel * c->taps;
  for (size_t l = 0; l < panel; l++) {
    double *filter = w->filters + l * c->taps, offset = 0;
    if (first + l < c->filters)
      mn_filters_make(&c->bank, first + l, spare, filter, &offset);
    else
      memset(filter, 0, c->taps * sizeof *filter);
    shift[l] = (float)(offset + c->bias);
    shift[panel + l] = (float)(offset - c->bias);
  }
  c->method->pack(c, w->filters, weights, w->space);
}

/* The slot that holds group g, filled if need be. */
static size_t hold(const mn_conv *c, mn_conv_worker *w, size_t g)
{
  size_t slot = g % w->slots, panels = panels_of(c), panel = c->level->panel;
  if (w->held[slot] == g) return slot;
  for (size_t p = slot * panels, first = g * MN_CONV_GROUP; p < (slot + 1) * panels; p++, first += panel)
    pack_panel(c, w, first, w->weights + p * c->method->weights(c), w->shift + p * 2 * panel);
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

/* One image, number i of those in hand, and one panel. */
static void run_panel(const mn_conv *c, mn_conv_worker *w, const float *image, size_t i, const float *weights,
                      const float *shift)
{
  const float *inverse = w->inverse + i * c->padded;
  memset(w->sums, 0, c->halves * c->windows * c->level->panel * sizeof *w->sums);
  if (c->method->start) c->method->start(c, i, weights, w->space);
  for (size_t y = 0; y < c->rows; y++) {
    if (c->y.first[y] >= c->y.last[y]) continue; /* in no window */
    c->method->row(c, image, y, weights, w->space, w->z);
    c->level->pool(c, y, w->z, inverse + y * c->columns, shift, w->sums);
  }
}

/* All images with a panel of filters before the next panel, which then comes from the first-level cache. */
static void run_group(const mn_conv *c, mn_conv_worker *w, const float *images, size_t count, size_t g, float *out,
                      size_t ld)
{
  size_t at = hold(c, w, g) * panels_of(c), panel = c->level->panel, left = c->filters - g * MN_CONV_GROUP;
  size_t filters = left < MN_CONV_GROUP ? left : MN_CONV_GROUP;
  for (size_t first = 0; first < filters; first += panel, at++)
    for (size_t i = 0; i < count; i++) {
      run_panel(c, w, images + i * pixels_of(c), i, w->weights + at * c->method->weights(c), w->shift + at * 2 * panel);
      finish(c, w->sums, first, filters - first < panel ? filters - first : panel, filters, out + i * ld);
    }
}

void mn_conv_worker_run(const mn_conv *c, mn_conv_worker *w, const float *pixels, size_t count, size_t g, size_t end,
                        float *out, size_t ld)
{
  size_t each = MN_CONV_GROUP * c->halves * c->windows;
  const float *images = c->norm == MN_PATCHES_RAW ? pixels : w->images;
  for (size_t i = 0; i < count; i++) {
    size_t at = i * pixels_of(c);
    if (images == w->images) c->level->prepare(c, pixels + at, w->scratch, w->images + at, w->inverse + i * c->padded);
    if (c->method->image) c->method->image(c, images + at, i, w->space);
  }
  for (size_t b = g; b < end; b++) run_group(c, w, images, count, b, out + (b - g) * each, ld);
}
