#include "model/stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "linalg/rate.h"
#include "linalg/threads.h"
#include "solve/system.h"

/* Features of a block at most, and bytes that they may take; features up to which products are kept in double. */
enum { BLOCK_FEATURES = 8192, DOUBLE_FEATURES = 20480 };
static const double block_bytes = 0x1p31;

/* A checkpoint is written once the work since the last one has taken this many times what writing that took. */
static const double checkpoint_share = 5;

mn_stream_options mn_stream_defaults(mn_features_name name)
{
  return (mn_stream_options){.features = mn_features_default(name)};
}

typedef struct {
  mn_stream_options options; /* nothing is auto but the precision */
  const mn_data *train, *test;
  mn_scaling *scaling;
  mn_samples images[2]; /* training, test (n = 0: none) */
  mn_features *features;
  mn_products *products;
  size_t block;
  mn_feature_block buffer;
  int threads;
  const mn_context *ctx;    /* the caller's */
  mn_context inner;         /* its progress is part of the whole */
  double base, span, total; /* flops: done before the step at hand, of that step, of all */
  double saved_s, save_took_s;
  mn_stream_report *report;
} stream;

static int forward_progress(void *user, const mn_progress *inner)
{
  const stream *s = user;
  double part = inner->total > 0 ? inner->done / inner->total : 1;
  mn_progress p = {"features", s->base + s->span * part, s->total, "flop"};
  return s->ctx->progress(s->ctx->user, &p);
}

static void forward_log(void *user, const char *line)
{
  const stream *s = user;
  if (s->ctx->log) s->ctx->log(s->ctx->user, line);
}

static size_t test_count(const stream *s)
{
  return s->images[1].n;
}

static size_t image_count(const stream *s)
{
  return s->images[0].n + test_count(s);
}

/* ---- what is made */

static mn_status check_options(const stream *s, mn_error *err)
{
  const mn_stream_options *o = &s->options;
  if (o->precision == MN_PRECISION_MIXED || (unsigned)o->precision > MN_PRECISION_SINGLE ||
      (unsigned)o->feature_scale > MN_FEATURE_SCALE_STANDARD)
    return MN_FAIL(err, MN_ERR_ARGUMENT,
                   "products in precision %d of features in scale %d: auto, double or single "
                   "expected, and one of the table",
                   (int)o->precision, (int)o->feature_scale);
  if (s->test && s->test->dim != s->train->dim)
    return MN_FAIL(err, MN_ERR_DATA, "%s: samples of %zu pixels expected as in %s, %zu found", s->test->name,
                   s->train->dim, s->train->name, s->test->dim);
  return MN_OK;
}

static mn_status begin(stream *s, const mn_data *train, const mn_data *test, const mn_stream_options *options,
                       const mn_context *ctx, mn_error *err)
{
  *s = (stream){.options = *options, .train = train, .test = test, .ctx = ctx, .threads = mn_threads_open(ctx)};
  s->inner = (mn_context){.threads = s->threads, .log = ctx ? forward_log : NULL, .user = s};
  if (ctx && ctx->progress) s->inner.progress = forward_progress;
  mn_status st = check_options(s, err);
  if (!st) st = mn_scaling_open(options->scale, train, &s->scaling, err);
  if (st) return st;
  s->options.scale = s->scaling->kind;
  s->options.feature_scale = mn_feature_scale_of(options);
  s->images[0] = mn_samples_of(train, s->scaling);
  if (test) s->images[1] = mn_samples_of(test, s->scaling);
  return MN_OK;
}

static void finish(stream *s)
{
  mn_free(s->buffer.x);
  mn_features_close(&s->features);
  mn_scaling_close(&s->scaling);
  mn_products_close(&s->products);
}

static double room_of(const stream *s)
{
  mn_solve_options o = {.memory_bytes = s->options.memory_bytes};
  return mn_solver_room(&o);
}

/* Bytes of products of a type, of what adding to them takes, and of a block. */
static double bytes_of(const stream *s, mn_dtype type, size_t block)
{
  size_t n = s->images[0].n, m = test_count(s);
  return mn_products_bytes(n, m, type) + mn_products_add_bytes(n, m, type) +
         (double)image_count(s) * (double)block * sizeof(float);
}

/* The end of the groups from g on that make a block of at most so many features; one at least. */
static size_t group_end(const mn_features *f, size_t g, size_t features)
{
  size_t end = g + 1, limit = mn_features_begin(f, g) + features;
  while (end < mn_features_groups(f) && mn_features_begin(f, end + 1) <= limit) end++;
  return end;
}

static size_t widest_group(const mn_features *f)
{
  size_t most = 0;
  for (size_t g = 0; g < mn_features_groups(f); g++) {
    size_t width = mn_features_begin(f, g + 1) - mn_features_begin(f, g);
    if (width > most) most = width;
  }
  return most;
}

/* As many features as the buffer has room for, fewer where memory is short, a group at least. */
static size_t choose_block(const stream *s, mn_dtype type)
{
  size_t least = widest_group(s->features), dim = mn_features_dim(s->features);
  double each = (double)image_count(s) * sizeof(float), block = fmin(BLOCK_FEATURES, block_bytes / each);
  double left = (room_of(s) - bytes_of(s, type, 0)) / each;
  block = fmin(fmin(block, (double)dim), fmax(left, 0));
  return block > (double)least ? (size_t)block : least;
}

/* The type of the products. */
static mn_status choose_type(const stream *s, mn_dtype *type, mn_error *err)
{
  size_t least = widest_group(s->features);
  double room = room_of(s);
  int wide = s->options.precision == MN_PRECISION_DOUBLE ||
             (s->options.precision == MN_PRECISION_AUTO && mn_features_dim(s->features) <= DOUBLE_FEATURES);
  *type = wide ? MN_F64 : MN_F32;
  if (s->options.precision == MN_PRECISION_AUTO && bytes_of(s, *type, least) > room) *type = MN_F32;
  double need = bytes_of(s, *type, least);
  if (need <= room) return MN_OK;
  return MN_FAIL(err, MN_ERR_BUDGET,
                 "products of %zu training and %zu test images need %.2f GiB, %.2f GiB are left: take fewer images "
                 "(--n, --n-test)%s",
                 s->images[0].n, test_count(s), need / 0x1p30, fmax(room, 0) / 0x1p30,
                 *type == MN_F64 ? " or products in single precision" : "");
}

/* ---- what is there already */

/* Names the first word in which the texts differ. */
static mn_status other(const stream *s, const char *there, const char *here, mn_error *err)
{
  size_t word = 0;
  for (size_t i = 0; there[i] && there[i] == here[i]; i++)
    if (there[i] == ' ') word = i + 1;
  return MN_FAIL(err, MN_ERR_DATA, "%s: products with %.*s are kept here, this run has %.*s: choose another folder",
                 s->options.folder, (int)strcspn(there + word, " ;"), there + word, (int)strcspn(here + word, " ;"),
                 here + word);
}

static mn_status check_kept(const stream *s, const mn_products *p, mn_error *err)
{
  mn_products_info info = mn_products_get(p);
  char text[MN_STREAM_TEXT];
  mn_stream_text(&s->options, "", 0, text);
  if (!mn_stream_text_agrees(info.text, text)) return other(s, info.text, text, err);
  if (info.n != s->images[0].n || info.m != test_count(s))
    return MN_FAIL(
        err, MN_ERR_DATA,
        "%s: products of %zu training and %zu test images are kept here, this run has %zu and %zu: load them "
        "(--load-gram) or choose another folder",
        s->options.folder, info.n, info.m, s->images[0].n, test_count(s));
  if ((s->options.precision == MN_PRECISION_DOUBLE && info.type == MN_F32) ||
      (s->options.precision == MN_PRECISION_SINGLE && info.type == MN_F64))
    return MN_FAIL(err, MN_ERR_DATA, "%s: the products kept here are in %s precision: choose another folder",
                   s->options.folder, info.type == MN_F64 ? "double" : "single");
  return mn_products_check(p, s->train, s->test, err);
}

/* Products that the folder keeps: on disk if they are complete, else in memory to be gone on with. */
static mn_status open_kept(stream *s, mn_error *err)
{
  const char *folder = s->options.folder;
  char engine[32];
  if (!folder || !mn_products_exist(folder)) return MN_OK;
  mn_status st = mn_products_load(folder, 0, 0, 0, 1, s->ctx, &s->products, err);
  if (!st) st = check_kept(s, s->products, err);
  if (st) return st;
  mn_products_info info = mn_products_get(s->products);
  s->report->resumed = info.done;
  mn_stream_text_choices(info.text, engine, &s->block);
  if (s->options.features.engine == MN_CONV_AUTO && *engine)
    s->options.features.engine = strcmp(engine, "fft") ? MN_CONV_BLOCKED : MN_CONV_FFT;
  mn_log(s->ctx, "%s: products of %zu of %zu features are there already", folder, info.done, info.dim);
  if (info.done == info.dim) return MN_OK;
  mn_products_close(&s->products);
  return mn_products_load(folder, 0, 0, 1, 1, s->ctx, &s->products, err);
}

static mn_status open_new(stream *s, mn_error *err)
{
  mn_dtype type;
  char text[MN_STREAM_TEXT];
  mn_status st = choose_type(s, &type, err);
  if (st) return st;
  s->block = choose_block(s, type);
  mn_stream_text(&s->options, mn_features_engine(s->features), s->block, text);
  size_t n = s->images[0].n, m = test_count(s), dim = mn_features_dim(s->features);
  st = mn_products_open(n, m, MN_PRODUCTS_TILE, type, dim, text, &s->products, err);
  for (size_t i = 0; !st && i < n; i++) s->products->samples[i] = mn_products_hash(s->train, i);
  for (size_t i = 0; !st && i < m; i++) s->products->samples[n + i] = mn_products_hash(s->test, i);
  return st;
}

static mn_status open_features(stream *s, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = mn_features_open(&s->options.features, &s->images[0], s->ctx, &s->features, err);
  s->report->open_s = mn_clock_s() - begin_s;
  if (!st && s->products && mn_features_dim(s->features) != s->products->dim)
    st = MN_FAIL(err, MN_ERR_FORMAT, "%s: products of %zu features are kept here, there are %zu", s->options.folder,
                 s->products->dim, mn_features_dim(s->features));
  return st;
}

/* ---- the blocks */

static double feature_flops(const stream *s, size_t count)
{
  return mn_features_flops(s->features) * (double)image_count(s) * (double)count / (double)mn_features_dim(s->features);
}

static double product_flops(const stream *s, size_t count)
{
  return mn_products_add_flops(s->images[0].n, test_count(s), count);
}

/* Features of groups g ... end - 1 of all images, scaled. */
static mn_status compute_block(stream *s, size_t g, size_t end, mn_error *err)
{
  mn_products *p = s->products;
  mn_feature_block *b = &s->buffer;
  size_t done = p->done;
  b->count = b->ld = mn_features_begin(s->features, end) - mn_features_begin(s->features, g);
  for (int part = 0; part < 2; part++) {
    const mn_samples *images = &s->images[part];
    if (!images->n) continue;
    s->span = feature_flops(s, b->count) * (double)images->n / (double)image_count(s);
    float *to = b->x + (part ? s->images[0].n * b->ld : 0);
    mn_status st = mn_features_compute(s->features, images, 0, images->n, g, end, &s->inner, to, b->ld, err);
    if (st) return st;
    s->base += s->span;
  }
  mn_feature_statistics(b, s->options.feature_scale, p->dim, s->threads, p->shift + done, p->factor + done);
  if (s->options.feature_scale != MN_FEATURE_SCALE_NONE)
    mn_feature_apply(b, p->shift + done, p->factor + done, s->threads);
  return MN_OK;
}

/* Where writing would take too much of the time, the next block does it. */
static mn_status checkpoint(stream *s, mn_error *err)
{
  double begin_s = mn_clock_s();
  int last = s->products->done == s->products->dim;
  if (!s->options.folder || (!last && begin_s - s->saved_s < checkpoint_share * s->save_took_s)) return MN_OK;
  s->span = 0;
  mn_status st = mn_products_save(s->products, s->options.folder, last ? s->ctx : &s->inner, err);
  s->saved_s = mn_clock_s();
  s->save_took_s = s->saved_s - begin_s;
  s->report->save_s += s->save_took_s;
  return st;
}

static mn_status add_block(stream *s, size_t g, size_t end, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = compute_block(s, g, end, err);
  double middle_s = mn_clock_s();
  s->report->features_s += middle_s - begin_s;
  if (st) return st;
  s->span = product_flops(s, s->buffer.count);
  st = mn_products_add(s->products, s->buffer.count, s->buffer.x, s->buffer.ld, s->threads, &s->inner, err);
  s->base += s->span;
  s->report->products_s += mn_clock_s() - middle_s;
  return st ? st : checkpoint(s, err);
}

/* The group that begins with a feature. */
static size_t group_of(const mn_features *f, size_t feature)
{
  size_t g = 0;
  while (mn_features_begin(f, g) < feature) g++;
  return g;
}

static mn_status run(stream *s, mn_error *err)
{
  const mn_features *f = s->features;
  size_t most = widest_group(f), groups = mn_features_groups(f), first = s->products->done;
  size_t width = s->block > most ? s->block : most;
  s->buffer = (mn_feature_block){.train = s->images[0].n, .rows = image_count(s)};
  if (!(s->buffer.x = mn_alloc_matrix(s->buffer.rows * width, sizeof *s->buffer.x)))
    return MN_NO_MEMORY(err, s->buffer.rows * width * sizeof *s->buffer.x);
  size_t left = mn_features_dim(f) - first;
  s->total = feature_flops(s, left) + product_flops(s, left);
  s->saved_s = mn_clock_s();
  for (size_t g = group_of(f, first), end; g < groups; g = end) {
    end = group_end(f, g, s->block);
    mn_status st = add_block(s, g, end, err);
    if (st) return st;
  }
  s->report->products_gflops = product_flops(s, left) / s->report->products_s * 1e-9;
  return MN_OK;
}

static mn_status make(stream *s, mn_error *err)
{
  mn_status st = open_kept(s, err);
  if (st || (s->products && s->products->done == s->products->dim)) return st;
  if ((st = open_features(s, err))) return st;
  if (!s->products && (st = open_new(s, err))) return st;
  return run(s, err);
}

mn_status mn_stream_products(const mn_data *train, const mn_data *test, const mn_stream_options *options,
                             const mn_context *ctx, mn_products **out, mn_stream_report *report, mn_error *err)
{
  stream s;
  *out = NULL;
  *report = (mn_stream_report){.products_gflops = NAN};
  mn_status st = begin(&s, train, test, options, ctx, err);
  s.report = report;
  if (!st) st = make(&s, err);
  if (!st && options->normalise) st = mn_products_normalise(s.products, err);
  if (!st) {
    report->dim = s.products->dim;
    report->type = s.products->type;
    report->block = s.block;
    *out = s.products;
    s.products = NULL;
  }
  finish(&s);
  return st;
}

/* ---- the forecast */

/* Seconds that the features of all images will take, from those of a few. */
static mn_status time_features(stream *s, double *seconds, mn_error *err)
{
  size_t few = s->images[0].n < (size_t)(32 * s->threads) ? s->images[0].n : (size_t)(32 * s->threads);
  size_t end = group_end(s->features, 0, 2048), count = mn_features_begin(s->features, end);
  mn_context quiet = {.threads = s->threads};
  float *x = mn_alloc_matrix(few * count, sizeof *x);
  if (!x) return MN_NO_MEMORY(err, few * count * sizeof *x);
  mn_status st = mn_features_compute(s->features, &s->images[0], 0, few, 0, end, &quiet, x, count, err);
  double begin_s = mn_clock_s();
  if (!st) st = mn_features_compute(s->features, &s->images[0], 0, few, 0, end, &quiet, x, count, err);
  double each_s = (mn_clock_s() - begin_s) / (double)few / (double)count;
  *seconds = each_s * (double)image_count(s) * (double)mn_features_dim(s->features);
  mn_free(x);
  return st;
}

static mn_status forecast(stream *s, mn_stream_forecast *out, mn_error *err)
{
  double gflops;
  mn_status st = mn_features_open(&s->options.features, &s->images[0], NULL, &s->features, err);
  if (!st) st = choose_type(s, &out->type, err);
  if (!st) st = time_features(s, &out->features_s, err);
  if (!st) st = mn_gemm_rate(out->type, MN_PRODUCTS_TILE, 0.25, s->threads, &gflops, err);
  if (st) return st;
  out->dim = mn_features_dim(s->features);
  out->products_s = product_flops(s, out->dim) / (gflops * 1e9);
  out->products_bytes = mn_products_bytes(s->images[0].n, test_count(s), out->type);
  out->bytes = (double)mn_memory_current_rss() + bytes_of(s, out->type, choose_block(s, out->type));
  return MN_OK;
}

mn_status mn_stream_predict_cost(const mn_data *train, size_t n_test, const mn_stream_options *options,
                                 const mn_context *ctx, mn_stream_forecast *out, mn_error *err)
{
  stream s;
  *out = (mn_stream_forecast){0};
  mn_status st = begin(&s, train, NULL, options, ctx, err);
  s.images[1].n = n_test;
  if (!st) st = forecast(&s, out, err);
  finish(&s);
  return st;
}
