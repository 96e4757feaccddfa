/* Models of features of images: saved, opened, asked about images by streaming features, against the scores of the fit,
 * whose products had the same images; damaged ones. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/threads.h"
#include "minnorm/model.h"
#include "minnorm/stream.h"
#include "model/map.h"
#include "model/model.h"
#include "naive.h"
#include "solve/system.h"
#include "store_support.h"

enum { N = 30, M = 11 };

typedef struct {
  mn_data *train, *test;
  const char *path; /* of the model */
} images;

static char dir[256];

static int set_up(void **state)
{
  static images s;
  store_mkdtemp(dir);
  assert_int_equal(mn_data_open("synth:digits,n=30", NULL, &s.train, NULL), MN_OK);
  assert_int_equal(mn_data_open("synth:digits,part=test,n=11", NULL, &s.test, NULL), MN_OK);
  static char path[300];
  snprintf(path, sizeof path, "%s/model", dir);
  s.path = path;
  *state = &s;
  return 0;
}

static int tear_down(void **state)
{
  images *s = *state;
  mn_data_close(&s->train);
  mn_data_close(&s->test);
  mn_test_rmtree(dir);
  return 0;
}

/* Few features, quickly computed. */
static mn_stream_options small(mn_features_name name)
{
  mn_stream_options o = mn_stream_defaults(name);
  o.features.scales = 2, o.features.orientations = 3;
  if (name != MN_FEATURES_CONV) return o;
  o.features.filters = 20, o.features.patch = 5, o.features.whiten_patches = 300;
  o.features.engine = MN_CONV_BLOCKED;
  o.features.seed = 7;
  return o;
}

static double *scores_of(const mn_model *model, const mn_data *data, const mn_context *ctx)
{
  mn_error err;
  double *scores = malloc(data->n * mn_model_outputs(model) * sizeof *scores);
  if (mn_model_predict(model, data, ctx, scores, &err)) fail_msg("%s", err.text);
  return scores;
}

static mn_model *opened(const char *path)
{
  mn_error err;
  mn_model *model;
  if (mn_model_open(path, &model, &err)) fail_msg("%s", err.text);
  return model;
}

typedef struct {
  mn_products *products;
  mn_model *model;
} fitted;

static fitted fit(const images *s, const mn_stream_options *o, double ridge)
{
  fitted f;
  mn_stream_report report;
  mn_error err;
  mn_fit_options options = mn_fit_defaults();
  options.gamma_rule = MN_GAMMA_MEDIAN;
  options.scale = o->scale;
  options.solve.ridge = ridge;
  if (mn_stream_products(s->train, s->test, o, NULL, &f.products, &report, &err)) fail_msg("%s", err.text);
  if (mn_model_fit_products(s->train, f.products, &options, NULL, &f.model, &err)) fail_msg("%s", err.text);
  return f;
}

static void fitted_close(fitted *f)
{
  mn_model_close(&f->model);
  mn_products_close(&f->products);
}

/* The scores of the fit, after one save and after another. */
static void round_trip(const images *s, const mn_stream_options *o, double tol)
{
  fitted f = fit(s, o, 1e-3);
  size_t count = M * mn_model_outputs(f.model);
  mn_error err;
  if (mn_model_save(f.model, s->path, &err)) fail_msg("%s", err.text);
  mn_model *model = opened(s->path), *again;
  double *expected = scores_of(f.model, s->test, NULL), *a = scores_of(model, s->test, NULL), *b;
  double distance = naive_relative(count, a, expected);
  if (!(distance <= tol)) fail_msg("%s: scores differ by %g", mn_model_features(model).text, distance);
  mn_products_info info = mn_model_features(model), made = mn_products_get(f.products);
  assert_string_equal(info.text, made.text);
  assert_int_equal(info.dim, made.dim);
  assert_int_equal(info.type, made.type);
  assert_int_equal(info.unit, made.unit);
  assert_int_equal(mn_model_report(model)->dim, made.dim);
  const char *second = store_path(dir, "again");
  if (mn_model_save(model, second, &err)) fail_msg("%s", err.text);
  again = opened(second);
  b = scores_of(again, s->test, NULL);
  assert_true(naive_relative(count, b, a) <= 1e-13); /* sums of threads */
  free(expected), free(a), free(b);
  mn_model_close(&again);
  mn_model_close(&model);
  fitted_close(&f);
}

static void wavelets(void **state)
{
  for (mn_features_name name = MN_FEATURES_GABOR; name <= MN_FEATURES_SCATTERING; name++)
    for (mn_feature_scale scale = MN_FEATURE_SCALE_NONE; scale <= MN_FEATURE_SCALE_STANDARD; scale++) {
      mn_stream_options o = small(name);
      o.feature_scale = scale;
      o.normalise = scale == MN_FEATURE_SCALE_CENTER;
      round_trip(*state, &o, 1e-10);
    }
}

static void filters(void **state)
{
  for (int code = 0; code < 3 * 2 * 2; code++) {
    mn_stream_options o = small(MN_FEATURES_CONV);
    o.features.kind = (mn_filters)(code % 3);
    o.features.engine = code / 3 % 2 ? MN_CONV_FFT : MN_CONV_BLOCKED;
    o.scale = code / 6 ? MN_SCALE_STANDARD : MN_SCALE_AUTO; /* of pixels: patches of floats, or of bytes */
    o.normalise = code % 2;
    round_trip(*state, &o, 1e-10);
  }
}

static void in_single_precision(void **state)
{
  mn_stream_options o = small(MN_FEATURES_GABOR);
  o.precision = MN_PRECISION_SINGLE;
  round_trip(*state, &o, 1e-3);
}

/* Equal images leave the system, but filters and scales came from all of them. */
static void with_equal_images(void **state)
{
  images s = *(images *)*state;
  mn_stream_options o = small(MN_FEATURES_CONV);
  size_t list[N];
  for (size_t i = 0; i < N; i++) list[i] = i < 20 ? i : i % 4; /* a third of them are the first four */
  s.train = model_pick(s.train, list, N);
  s.train->channels = 1, s.train->height = s.train->width = 28;
  fitted f = fit(&s, &o, 0);
  assert_int_equal(mn_model_report(f.model)->merged, 10);
  assert_int_equal(mn_model_save(f.model, s.path, NULL), MN_OK);
  mn_model *model = opened(s.path);
  double *a = scores_of(f.model, s.test, NULL), *b = scores_of(model, s.test, NULL);
  assert_true(naive_relative(M * mn_model_outputs(model), b, a) <= 1e-8);
  free(a), free(b);
  mn_model_close(&model);
  fitted_close(&f);
  mn_data_close(&s.train);
}

/* Products of more images than are fitted: the filters came from images that the model does not have. */
static void with_fewer_images(void **state)
{
  images s = *(images *)*state;
  for (mn_filters kind = MN_FILTERS_GAUSSIAN; kind <= MN_FILTERS_PATCHES; kind++) {
    mn_stream_options o = small(MN_FEATURES_CONV);
    o.features.kind = kind;
    fitted f = fit(&s, &o, 0), few;
    mn_data first = *s.train;
    mn_error err = {0};
    mn_fit_options options = mn_fit_defaults();
    options.gamma_rule = MN_GAMMA_MEDIAN;
    first.n = N - 5;
    mn_status expected = kind == MN_FILTERS_GAUSSIAN ? MN_OK : MN_ERR_UNSUPPORTED;
    assert_int_equal(mn_model_check_features(f.products, &first, &err), expected);
    assert_int_equal(mn_model_fit_products(&first, f.products, &options, NULL, &few.model, NULL), MN_OK);
    assert_int_equal(mn_model_save(few.model, s.path, &err), expected);
    if (expected)
      assert_non_null(strstr(err.text, "first 25 of 30 images"));
    else {
      mn_model *model = opened(s.path);
      double *a = scores_of(few.model, s.test, NULL), *b = scores_of(model, s.test, NULL);
      assert_true(naive_relative(M * mn_model_outputs(model), b, a) <= 1e-8);
      free(a), free(b);
      mn_model_close(&model);
    }
    mn_model_close(&few.model);
    fitted_close(&f);
  }
}

/* Few images at a time where memory is short: the same scores. */
static void a_few_at_a_time(void **state)
{
  const images *s = *state;
  enum { MANY = 3000 };
  mn_stream_options o = small(MN_FEATURES_GABOR);
  fitted f = fit(s, &o, 1e-3);
  assert_int_equal(mn_model_save(f.model, s->path, NULL), MN_OK);
  mn_model *model = opened(s->path);
  mn_data *many;
  mn_error err;
  assert_int_equal(mn_data_open("synth:digits,part=test,n=3000", NULL, &many, NULL), MN_OK);
  size_t outputs = mn_model_outputs(model), most, each = outputs * sizeof(double);
  double *a = scores_of(model, many, NULL);
  assert_int_equal(mn_map_most(model->map, N, MANY, each, 0, &most, NULL), MN_OK);
  assert_int_equal(most, MANY);
  mn_context ctx = {.memory_bytes = mn_memory_current_rss() + (size_t)MN_SOLVER_BUFFERS + ((size_t)8 << 20)};
  assert_int_equal(mn_map_most(model->map, N, MANY, each, ctx.memory_bytes, &most, NULL), MN_OK);
  assert_true(most > 100 && most < MANY); /* an image takes 4 KiB and a block of its features */
  double *b = scores_of(model, many, &ctx);
  assert_true(naive_relative(MANY * outputs, b, a) <= 1e-12);
  ctx.memory_bytes = 1;
  assert_int_equal(mn_model_predict(model, many, &ctx, b, &err), MN_ERR_BUDGET);
  assert_non_null(strstr(err.text, "--memory"));
  free(a), free(b);
  mn_data_close(&many);
  mn_model_close(&model);
  fitted_close(&f);
}

static void other_images(void **state)
{
  const images *s = *state;
  mn_stream_options o = small(MN_FEATURES_GABOR);
  fitted f = fit(s, &o, 1e-3);
  double scores[4 * 16];
  mn_error err;
  assert_int_equal(mn_model_save(f.model, s->path, NULL), MN_OK);
  mn_model *model = opened(s->path);
  mn_data *small_images, *none = model_data(4, 784, MN_U8, 0, 1);
  assert_int_equal(mn_data_create(2, 100, MN_U8, 0, &small_images, NULL), MN_OK);
  memset(small_images->x, 0, 200);
  small_images->channels = 1, small_images->height = small_images->width = 10;
  assert_int_equal(mn_model_predict(model, small_images, NULL, scores, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "images of 1 x 28 x 28 expected"));
  assert_int_equal(mn_model_predict(model, none, NULL, scores, &err), MN_ERR_DATA);
  mn_data_close(&small_images);
  mn_data_close(&none);
  mn_model_close(&model);
  fitted_close(&f);
}

static int stop(void *user, const mn_progress *p)
{
  (void)user;
  return !strcmp(p->phase, "features") && p->done > 0;
}

static void cancelled(void **state)
{
  const images *s = *state;
  mn_stream_options o = small(MN_FEATURES_GABOR);
  fitted f = fit(s, &o, 1e-3);
  double scores[M * 16];
  mn_context ctx = {.progress = stop};
  assert_int_equal(mn_model_save(f.model, s->path, NULL), MN_OK);
  mn_model *model = opened(s->path);
  long live = mn_memory_live();
  assert_int_equal(mn_model_predict(model, s->test, &ctx, scores, NULL), MN_ERR_CANCELLED);
  assert_int_equal(mn_memory_live(), live);
  mn_model_close(&model);
  fitted_close(&f);
}

/* ---- damage */

static void expect_damage(const char *path, const char *text)
{
  mn_model *model;
  mn_error err = {0};
  long live = mn_memory_live();
  assert_int_equal(mn_model_open(path, &model, &err), MN_ERR_FORMAT);
  assert_null(model);
  if (!strstr(err.text, text) || strchr(err.text, '\n')) fail_msg("'%s' does not say '%s'", err.text, text);
  assert_int_equal(mn_memory_live(), live);
}

static void replace(const images *s, const char *header, const char *from, const char *to, const char *text)
{
  const char *at = strstr(header, from);
  if (!at) fail_msg("no '%s' in the header", from);
  char *changed = malloc(strlen(header) + strlen(to) + 1);
  sprintf(changed, "%.*s%s%s", (int)(at - header), header, to, at + strlen(from));
  mn_test_write(s->path, "model.json", changed, strlen(changed));
  expect_damage(s->path, text);
  free(changed);
}

static void damaged_headers(void **state)
{
  const images *s = *state;
  mn_stream_options o = small(MN_FEATURES_CONV);
  fitted f = fit(s, &o, 1e-3);
  size_t length;
  assert_int_equal(mn_model_save(f.model, s->path, NULL), MN_OK);
  char *header = store_read(store_path(s->path, "model.json"), &length);
  replace(s, header, "\"version\":\t2", "\"version\":\t1", "damaged");
  replace(s, header, "patch=5", "patch=4", "do not match their checksum");
  replace(s, header, "seed=7", "seed=8", "do not match their checksum");
  replace(s, header, "features=conv", "features=cone", "\"settings\" is missing or not what it should be");
  replace(s, header, "scale=unit ", "", "\"settings\" is missing or not what it should be");
  replace(s, header, "\"settings\"", "\"setting\"", "\"features\" is missing");
  replace(s, header, "\"height\":\t28", "\"height\":\t27", "do not match their checksum");
  replace(s, header, "\"height\":\t28", "\"height\":\t0", "\"features\" is missing");
  replace(s, header, "\"width\":\t28", "\"width\":\t9007199254740991", "\"features\" is missing");
  replace(s, header, "\"normalised\":\tfalse", "\"normalised\":\ttrue", "do not match their checksum");
  replace(s, header, "\"normalised\":\tfalse", "\"normalised\":\t0", "\"features\" is missing");
  replace(s, header, "\"products\":\t\"double\"", "\"products\":\t\"single\"", "do not match their checksum");
  replace(s, header, "\"patches\":", "\"patch\":", "\"features\" is missing or not");
  replace(s, header, "\"whitening_mean\":", "\"mean\":", "\"features\" is missing or not");
  replace(s, header, "\"whitening_square\":", "\"square\":", "whitening_square is missing");
  replace(s, header, "\"feature_shift\":", "\"shift_of\":", "feature_shift is missing");
  replace(s, header, "\"feature_factor\":", "\"factor_of\":", "feature_factor is missing");
  for (size_t keep = 0; keep + 3 < length; keep += 1 + keep / 10) {
    mn_test_write(s->path, "model.json", header, keep);
    expect_damage(s->path, "model.json: a JSON object expected");
  }
  free(header);
  fitted_close(&f);
}

/* A bit flipped, a byte less, no file. */
static void damaged_arrays(void **state)
{
  static const char *const names[] = {"feature_shift.npy",  "feature_factor.npy",   "patches.npy",
                                      "whitening_mean.npy", "whitening_square.npy", "samples.npy"};
  const images *s = *state;
  mn_stream_options o = small(MN_FEATURES_CONV);
  fitted f = fit(s, &o, 1e-3);
  assert_int_equal(mn_model_save(f.model, s->path, NULL), MN_OK);
  store_expect_listing(s->path, "alpha.npy feature_factor.npy feature_shift.npy labels.npy model.json offset.npy "
                                "patches.npy samples.npy whitening_mean.npy whitening_square.npy");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length;
    mn_model *model;
    mn_error err;
    char *bytes = store_read(store_path(s->path, names[i]), &length);
    bytes[length - 3] ^= 4;
    mn_test_write(s->path, names[i], bytes, length);
    expect_damage(s->path, "checksum");
    bytes[length - 3] ^= 4;
    mn_test_write(s->path, names[i], bytes, length - 1);
    expect_damage(s->path, names[i]);
    remove(store_path(s->path, names[i]));
    assert_int_equal(mn_model_open(s->path, &model, &err), MN_ERR_IO);
    assert_non_null(strstr(err.text, names[i]));
    mn_test_write(s->path, names[i], bytes, length);
    free(bytes);
  }
  mn_model *model = opened(s->path);
  mn_model_close(&model);
  fitted_close(&f);
}

/* ---- allocations */

typedef struct {
  const images *s;
  mn_model *model;
} request;

static mn_status save_open_predict(void *arg, mn_error *err)
{
  const request *r = arg;
  mn_model *model = NULL;
  mn_context one = {.threads = 1};
  double scores[M * 16];
  mn_status st = mn_model_save(r->model, r->s->path, err);
  if (!st) st = mn_model_open(r->s->path, &model, err);
  if (!st) st = mn_model_predict(model, r->s->test, &one, scores, err);
  mn_model_close(&model);
  return st;
}

static void failing_allocations(void **state)
{
  request r = {.s = *state};
  for (mn_features_name name = MN_FEATURES_GABOR; name <= MN_FEATURES_CONV; name++) {
    mn_stream_options o = small(name);
    o.features.scales = 1, o.features.orientations = 2;
    o.normalise = 1;
    if (name == MN_FEATURES_SCATTERING) continue;
    fitted f = fit(r.s, &o, 1e-3);
    r.model = f.model;
    mn_test_every_allocation(save_open_predict, &r);
    fitted_close(&f);
  }
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wavelets),
      cmocka_unit_test(filters),
      cmocka_unit_test(in_single_precision),
      cmocka_unit_test(with_equal_images),
      cmocka_unit_test(with_fewer_images),
      cmocka_unit_test(a_few_at_a_time),
      cmocka_unit_test(other_images),
      cmocka_unit_test(cancelled),
      cmocka_unit_test(damaged_headers),
      cmocka_unit_test(damaged_arrays),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("store of features", tests, set_up, tear_down);
}
