#include "model/stream_pass.h"

#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"

/* Features of a block at most, and bytes that they may take. */
enum { BLOCK_FEATURES = 8192 };
static const double block_bytes = 0x1p31;

/* ---- blocks */

size_t mn_stream_group_end(const mn_features *f, size_t g, size_t most)
{
  size_t end = g + 1, limit = mn_features_begin(f, g) + most;
  while (end < mn_features_groups(f) && mn_features_begin(f, end + 1) <= limit) end++;
  return end;
}

size_t mn_stream_widest_group(const mn_features *f)
{
  size_t most = 0;
  for (size_t g = 0; g < mn_features_groups(f); g++) {
    size_t width = mn_features_begin(f, g + 1) - mn_features_begin(f, g);
    if (width > most) most = width;
  }
  return most;
}

size_t mn_stream_choose_block(const mn_features *f, size_t images, double bytes)
{
  size_t least = mn_stream_widest_group(f);
  double each = (double)images * sizeof(float), block = fmin(BLOCK_FEATURES, block_bytes / each);
  block = fmin(fmin(block, (double)mn_features_dim(f)), fmax(bytes / each, 0));
  return block > (double)least ? (size_t)block : least;
}

/* The group that begins with a feature. */
static size_t group_of(const mn_features *f, size_t feature)
{
  size_t g = 0;
  while (mn_features_begin(f, g) < feature) g++;
  return g;
}

/* ---- progress */

static int forward_progress(void *user, const mn_progress *inner)
{
  const mn_stream_pass *s = user;
  double part = inner->total > 0 ? fmin(inner->done / inner->total, 1) : 1, passes = s->passes ? (double)s->passes : 1;
  mn_progress p = {"features", (double)s->index * s->total + s->base + s->span * part, passes * s->total, "flop"};
  return s->ctx->progress(s->ctx->user, &p);
}

static void forward_log(void *user, const char *line)
{
  const mn_stream_pass *s = user;
  if (s->ctx->log) s->ctx->log(s->ctx->user, line);
}

static size_t image_count(const mn_stream_pass *s)
{
  return s->products->n + s->products->m;
}

static double feature_flops(const mn_stream_pass *s, size_t images, size_t count)
{
  return mn_features_flops(s->features) * (double)images * (double)count / (double)mn_features_dim(s->features);
}

/* ---- the pass */

/* Features of groups g ... end - 1 of all images, scaled. */
static mn_status compute_block(mn_stream_pass *s, size_t g, size_t end, mn_error *err)
{
  mn_products *p = s->products;
  mn_feature_block *b = &s->buffer;
  b->count = b->ld = mn_features_begin(s->features, end) - mn_features_begin(s->features, g);
  for (int part = 0; part < 2; part++) {
    size_t count = part ? p->m : p->n;
    if (!count) continue;
    s->span = feature_flops(s, count, b->count);
    mn_status st = mn_features_compute(s->features, &s->images[part], part ? s->first : 0, count, g, end, &s->inner,
                                       b->x + (part ? p->n * b->ld : 0), b->ld, err);
    if (st) return st;
    s->base += s->span;
  }
  double *shift = p->shift + p->done, *factor = p->factor + p->done;
  if (!s->measured) mn_feature_statistics(b, s->scale, p->dim, s->threads, shift, factor);
  if (s->scale != MN_FEATURE_SCALE_NONE) mn_feature_apply(b, shift, factor, s->threads);
  if (s->bfloat16) mn_feature_round(b, s->threads);
  return MN_OK;
}

static mn_status add_block(mn_stream_pass *s, size_t g, size_t end, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = compute_block(s, g, end, err);
  double middle_s = mn_clock_s();
  s->features_s += middle_s - begin_s;
  if (st) return st;
  s->span = mn_products_flops(s->products, s->buffer.count);
  st = mn_products_add(s->products, s->buffer.count, s->buffer.x, s->buffer.ld, s->threads, &s->inner, err);
  s->base += s->span;
  s->products_s += mn_clock_s() - middle_s;
  return st || !s->after ? st : s->after(s->user, err);
}

static mn_status open_buffer(mn_stream_pass *s, mn_error *err)
{
  size_t most = mn_stream_widest_group(s->features), width = s->block > most ? s->block : most;
  s->buffer = (mn_feature_block){.train = s->products->n, .rows = image_count(s)};
  s->buffer.x = mn_alloc_matrix(s->buffer.rows * width, sizeof *s->buffer.x);
  return s->buffer.x ? MN_OK : MN_NO_MEMORY(err, s->buffer.rows * width * sizeof *s->buffer.x);
}

mn_status mn_stream_pass_run(mn_stream_pass *s, mn_error *err)
{
  const mn_features *f = s->features;
  size_t first = s->products->done, until = s->until ? s->until : mn_features_dim(f), left = until - first;
  size_t groups = group_of(f, until);
  mn_status st = open_buffer(s, err);
  if (st) return st;
  s->inner = (mn_context){.threads = s->threads, .log = s->ctx ? forward_log : NULL, .user = s};
  if (s->ctx && s->ctx->progress) s->inner.progress = forward_progress;
  s->products->bfloat16 = s->bfloat16;
  s->base = 0;
  s->total = feature_flops(s, image_count(s), left) + mn_products_flops(s->products, left);
  for (size_t g = group_of(f, first), end; !st && g < groups; g = end) {
    end = mn_stream_group_end(f, g, s->block);
    if (end > groups) end = groups;
    st = add_block(s, g, end, err);
  }
  mn_free(s->buffer.x);
  s->buffer.x = NULL;
  return st;
}
