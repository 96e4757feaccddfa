#include "model/stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "linalg/threads.h"
#include "model/stream_pass.h"
#include "solve/system.h"

/* Features up to which products are kept in double. */
enum { DOUBLE_FEATURES = 20480 };

/* A checkpoint is written once the work since the last one has taken this many times what writing that took. */
static const double checkpoint_share = 20;

mn_stream_options mn_stream_defaults(mn_features_name name)
{
  return (mn_stream_options){.features = mn_features_default(name)};
}

typedef struct {
  mn_stream_options options; /* nothing is auto but the precision */
  const mn_data *train, *test;
  mn_scaling *scaling;
  mn_features *features;
  mn_stream_pass pass;
  double saved_s, save_took_s;
  double flops; /* of products */
  mn_stream_report *report;
} stream;

static size_t test_count(const stream *s)
{
  return s->pass.images[1].n;
}

static size_t image_count(const stream *s)
{
  return s->pass.images[0].n + test_count(s);
}

/* ---- what is made */

static mn_status check_options(const stream *s, mn_error *err)
{
  const mn_stream_options *o = &s->options;
  if (o->bfloat16 && o->precision == MN_PRECISION_DOUBLE)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "products of features in bfloat16 are in single precision, not in double");
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
  *s = (stream){.options = *options, .train = train, .test = test};
  s->pass = (mn_stream_pass){.ctx = ctx, .threads = mn_threads_open(ctx)};
  mn_status st = check_options(s, err);
  if (!st) st = mn_scaling_open(options->scale, train, &s->scaling, err);
  if (st) return st;
  s->options.scale = s->scaling->kind;
  s->options.feature_scale = mn_feature_scale_of(options);
  s->pass.images[0] = mn_samples_of(train, s->scaling);
  if (test) s->pass.images[1] = mn_samples_of(test, s->scaling);
  return MN_OK;
}

static void finish(stream *s)
{
  mn_features_close(&s->features);
  mn_scaling_close(&s->scaling);
  mn_products_close(&s->pass.products);
}

static double room_of(const stream *s)
{
  mn_solve_options o = {.memory_bytes = s->options.memory_bytes};
  return mn_solver_room(&o);
}

/* Bytes of products of a type, of what adding to them takes, and of a block. */
static double bytes_of(const stream *s, mn_dtype type, size_t block)
{
  size_t n = s->pass.images[0].n, m = test_count(s);
  return mn_products_bytes(n, m, type) + mn_products_add_bytes(n, m, type, s->options.bfloat16) +
         (double)image_count(s) * (double)block * sizeof(float);
}

/* As many features as the buffer has room for, fewer where memory is short, a group at least. */
static size_t choose_block(const stream *s, mn_dtype type)
{
  return mn_stream_choose_block(s->features, image_count(s), room_of(s) - bytes_of(s, type, 0));
}

/* Of a block of so many features at least. */
static mn_status check_room(const stream *s, mn_dtype type, size_t block, mn_error *err)
{
  double room = room_of(s), need = bytes_of(s, type, block);
  if (need <= room) return MN_OK;
  return MN_FAIL(err, MN_ERR_BUDGET,
                 "products of %zu training and %zu test images need %.2f GiB, %.2f GiB are left: take fewer images "
                 "(--n, --n-test)%s",
                 s->pass.images[0].n, test_count(s), need / 0x1p30, fmax(room, 0) / 0x1p30,
                 type == MN_F64 ? " or products in single precision" : "");
}

/* The type of the products. */
static mn_status choose_type(const stream *s, mn_dtype *type, mn_error *err)
{
  size_t least = mn_stream_widest_group(s->features);
  double room = room_of(s);
  int few = mn_features_dim(s->features) <= DOUBLE_FEATURES && !s->options.bfloat16;
  int wide = s->options.precision == MN_PRECISION_DOUBLE || (s->options.precision == MN_PRECISION_AUTO && few);
  *type = wide ? MN_F64 : MN_F32;
  if (s->options.precision == MN_PRECISION_AUTO && bytes_of(s, *type, least) > room) *type = MN_F32;
  return check_room(s, *type, least, err);
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
  mn_stream_text(&s->options, "", 0, s->train, text);
  if (!mn_stream_text_agrees(info.text, text)) return other(s, info.text, text, err);
  if (info.n != s->pass.images[0].n || info.m != test_count(s))
    return MN_FAIL(
        err, MN_ERR_DATA,
        "%s: products of %zu training and %zu test images are kept here, this run has %zu and %zu: load them "
        "(--load-gram) or choose another folder",
        s->options.folder, info.n, info.m, s->pass.images[0].n, test_count(s));
  if ((s->options.precision == MN_PRECISION_DOUBLE && info.type == MN_F32) ||
      (s->options.precision == MN_PRECISION_SINGLE && info.type == MN_F64))
    return MN_FAIL(err, MN_ERR_DATA, "%s: the products kept here are in %s precision: choose another folder",
                   s->options.folder, info.type == MN_F64 ? "double" : "single");
  mn_status st = mn_stream_text_check_images(info.text, s->train, err);
  return st ? st : mn_products_check(p, s->train, s->test, err);
}

/* Products are gone on with in the blocks that they were begun with, for other ones round otherwise; but memory may
 * have become less. */
static mn_status shrink_block(stream *s, mn_dtype type, mn_error *err)
{
  mn_status st = check_room(s, type, 0, err);
  if (st) return st;
  double most = (room_of(s) - bytes_of(s, type, 0)) / (double)image_count(s) / sizeof(float);
  if (most >= (double)s->pass.block) return MN_OK;
  mn_log(s->pass.ctx, "%s: begun with %zu features at once, memory has room for %.0f: sums will round otherwise",
         s->options.folder, s->pass.block, fmax(most, 0));
  s->pass.block = (size_t)fmax(most, 0);
  return MN_OK;
}

/* Products that the folder keeps: on disk if they are complete, else in memory to be gone on with. */
static mn_status open_kept(stream *s, mn_error *err)
{
  const char *folder = s->options.folder;
  char engine[32];
  if (!folder) return MN_OK;
  if (!mn_products_exist(folder)) return mn_products_check_folder(folder, err);
  mn_status st = mn_products_load(folder, 0, 0, 0, 1, s->pass.ctx, &s->pass.products, err);
  if (!st) st = check_kept(s, s->pass.products, err);
  if (st) return st;
  mn_products_info info = mn_products_get(s->pass.products);
  s->report->resumed = info.done;
  mn_stream_text_choices(info.text, engine, &s->pass.block);
  if (s->options.features.engine == MN_CONV_AUTO && *engine)
    s->options.features.engine = strcmp(engine, "fft") ? MN_CONV_BLOCKED : MN_CONV_FFT;
  mn_log(s->pass.ctx, "%s: products of %zu of %zu features are there already", folder, info.done, info.dim);
  if (info.done == info.dim) return mn_products_tidy(folder), MN_OK;
  mn_products_close(&s->pass.products);
  if ((st = shrink_block(s, info.type, err))) return st;
  return mn_products_load(folder, 0, 0, 1, 1, s->pass.ctx, &s->pass.products, err);
}

static mn_status open_new(stream *s, mn_error *err)
{
  mn_dtype type;
  char text[MN_STREAM_TEXT];
  mn_status st = choose_type(s, &type, err);
  if (st) return st;
  s->pass.block = choose_block(s, type);
  mn_stream_text(&s->options, mn_features_engine(s->features), s->pass.block, s->train, text);
  size_t n = s->pass.images[0].n, m = test_count(s), dim = mn_features_dim(s->features);
  st = mn_products_open(n, m, MN_PRODUCTS_TILE, type, dim, text, &s->pass.products, err);
  for (size_t i = 0; !st && i < n; i++) s->pass.products->samples[i] = mn_products_hash(s->train, i);
  for (size_t i = 0; !st && i < m; i++) s->pass.products->samples[n + i] = mn_products_hash(s->test, i);
  return st;
}

static mn_status open_features(stream *s, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = mn_features_open(&s->options.features, &s->pass.images[0], s->pass.ctx, &s->features, err);
  s->report->open_s = mn_clock_s() - begin_s;
  if (!st && s->pass.products && mn_features_dim(s->features) != s->pass.products->dim)
    st = MN_FAIL(err, MN_ERR_FORMAT, "%s: products of %zu features are kept here, there are %zu", s->options.folder,
                 s->pass.products->dim, mn_features_dim(s->features));
  return st;
}

/* ---- the blocks */

static double product_flops(const stream *s, size_t count)
{
  return mn_products_add_flops(s->pass.images[0].n, test_count(s), count);
}

/* Where writing would take too much of the time, the next block does it. */
static mn_status checkpoint(void *user, mn_error *err)
{
  stream *s = user;
  double begin_s = mn_clock_s();
  int last = s->pass.products->done == s->pass.products->dim;
  if (!s->options.folder || (!last && begin_s - s->saved_s < checkpoint_share * s->save_took_s)) return MN_OK;
  s->pass.span = 0;
  mn_status st = mn_products_save(s->pass.products, s->options.folder, last ? s->pass.ctx : &s->pass.inner, err);
  s->saved_s = mn_clock_s();
  s->save_took_s = s->saved_s - begin_s;
  s->report->save_s += s->save_took_s;
  return st;
}

static mn_status run(stream *s, size_t until, mn_error *err)
{
  mn_stream_pass *p = &s->pass;
  size_t begin = p->products->done;
  p->until = until;
  p->features = s->features;
  p->scale = s->options.feature_scale;
  p->bfloat16 = s->options.bfloat16;
  p->after = checkpoint;
  p->user = s;
  s->saved_s = mn_clock_s();
  mn_status st = mn_stream_pass_run(p, err);
  s->report->features_s = p->features_s;
  s->report->products_s = p->products_s;
  s->flops += product_flops(s, p->products->done - begin);
  s->report->products_gflops = s->flops / p->products_s * 1e-9;
  return st;
}

static mn_status open_both(stream *s, mn_error *err)
{
  mn_status st = open_features(s, err);
  return st || s->pass.products ? st : open_new(s, err);
}

static mn_status make(stream *s, mn_error *err)
{
  mn_status st = open_kept(s, err);
  if (st || (s->pass.products && s->pass.products->done == s->pass.products->dim)) return st;
  if ((st = open_both(s, err))) return st;
  return run(s, mn_features_dim(s->features), err);
}

static void report_products(stream *s)
{
  s->report->dim = s->pass.products->dim;
  s->report->type = s->pass.products->type;
  s->report->block = s->pass.block;
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
  if (!st && options->normalise) st = mn_products_normalise(s.pass.products, err);
  if (!st) {
    report_products(&s);
    *out = s.pass.products;
    s.pass.products = NULL;
  }
  finish(&s);
  return st;
}

/* ---- on the way to all features */

/* The features of the groups that have `dim` of them. */
static mn_status end_of(const stream *s, size_t dim, size_t *end, mn_error *err)
{
  size_t all = mn_features_dim(s->features), g = 0;
  if (!dim || dim > all) return MN_FAIL(err, MN_ERR_ARGUMENT, "the first %zu features: 1 ... %zu expected", dim, all);
  while (mn_features_begin(s->features, g) < dim) g++;
  *end = mn_features_begin(s->features, g);
  return MN_OK;
}

/* Standard features were divided by the root of how many there are in all. */
static mn_status hand_over(stream *s, size_t k, mn_stream_take take, void *user, mn_error *err)
{
  mn_products *p = s->pass.products;
  if (s->options.feature_scale == MN_FEATURE_SCALE_STANDARD) p->scale = (double)p->dim / (double)p->done;
  mn_status st = s->options.normalise ? mn_products_normalise(p, err) : MN_OK;
  if (!st) st = take(user, k, p, err);
  mn_free(p->inverse);
  p->inverse = NULL;
  p->scale = 1;
  return st;
}

static mn_status check_stops(const stream *s, size_t count, const size_t *dims, mn_error *err)
{
  size_t last = 0, end = 0;
  for (size_t k = 0; k < count; k++, last = end) {
    mn_status st = end_of(s, dims[k], &end, err);
    if (st) return st;
    if (end <= last)
      return MN_FAIL(
          err, MN_ERR_ARGUMENT,
          "numbers of features are rounded up to whole groups, %zu to %zu and %zu before it to %zu: more groups from "
          "one to the next expected",
          dims[k], end, dims[k - 1], last);
  }
  return MN_OK;
}

static mn_status stop_at(stream *s, size_t count, const size_t *dims, mn_stream_take take, void *user, mn_error *err)
{
  size_t end = 0;
  mn_status st = check_stops(s, count, dims, err);
  for (size_t k = 0; !st && k < count; k++) {
    end_of(s, dims[k], &end, NULL);
    if (s->pass.products->done > end)
      return MN_FAIL(err, MN_ERR_DATA,
                     "%s: products of %zu features are kept here, %zu are wanted first: choose another folder",
                     s->options.folder, s->pass.products->done, end);
    st = run(s, end, err);
    if (!st) st = hand_over(s, k, take, user, err);
  }
  return st;
}

mn_status mn_stream_stops(const mn_data *train, const mn_data *test, const mn_stream_options *options, size_t count,
                          const size_t *dims, const mn_context *ctx, mn_stream_take take, void *user,
                          mn_stream_report *report, mn_error *err)
{
  stream s;
  *report = (mn_stream_report){.products_gflops = NAN};
  mn_status st = begin(&s, train, test, options, ctx, err);
  s.report = report;
  if (!st) st = open_kept(&s, err);
  if (!st) st = open_both(&s, err);
  if (!st) report_products(&s);
  if (!st) st = stop_at(&s, count, dims, take, user, err);
  finish(&s);
  return st;
}

/* ---- the forecast */

/* Seconds that the features of all images will take, from those of a few. */
static mn_status time_features(stream *s, double *seconds, mn_error *err)
{
  size_t few =
      s->pass.images[0].n < (size_t)(32 * s->pass.threads) ? s->pass.images[0].n : (size_t)(32 * s->pass.threads);
  size_t end = mn_stream_group_end(s->features, 0, 2048), count = mn_features_begin(s->features, end);
  mn_context quiet = {.threads = s->pass.threads};
  float *x = mn_alloc_matrix(few * count, sizeof *x);
  if (!x) return MN_NO_MEMORY(err, few * count * sizeof *x);
  mn_status st = mn_features_compute(s->features, &s->pass.images[0], 0, few, 0, end, &quiet, x, count, err);
  double begin_s = mn_clock_s();
  if (!st) st = mn_features_compute(s->features, &s->pass.images[0], 0, few, 0, end, &quiet, x, count, err);
  double each_s = (mn_clock_s() - begin_s) / (double)few / (double)count;
  *seconds = each_s * (double)image_count(s) * (double)mn_features_dim(s->features);
  mn_free(x);
  return st;
}

static mn_status forecast(stream *s, mn_stream_forecast *out, mn_error *err)
{
  const mn_context quiet = {.threads = s->pass.threads};
  double gflops;
  mn_status st = mn_features_open(&s->options.features, &s->pass.images[0], &quiet, &s->features, err);
  if (!st) st = choose_type(s, &out->type, err);
  if (!st) st = time_features(s, &out->features_s, err);
  if (!st) st = mn_products_rate(out->type, s->options.bfloat16, s->pass.threads, &gflops, err);
  if (st) return st;
  out->dim = mn_features_dim(s->features);
  out->products_s = product_flops(s, out->dim) / (gflops * 1e9);
  out->products_bytes = mn_products_bytes(s->pass.images[0].n, test_count(s), out->type);
  out->bytes = (double)mn_memory_current_rss() + bytes_of(s, out->type, choose_block(s, out->type));
  return MN_OK;
}

mn_status mn_stream_predict_cost(const mn_data *train, size_t n_test, const mn_stream_options *options,
                                 const mn_context *ctx, mn_stream_forecast *out, mn_error *err)
{
  stream s;
  *out = (mn_stream_forecast){0};
  mn_status st = begin(&s, train, NULL, options, ctx, err);
  s.pass.images[1].n = n_test;
  if (!st) st = forecast(&s, out, err);
  finish(&s);
  return st;
}
