/* Features streamed into products against features that are all there; runs that are stopped and go on; fits. */
#include "model/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/threads.h"
#include "minnorm/model.h"
#include "naive.h"
#include "solve/system.h"
#include "support.h"

enum { N = 40, M = 15, ALL = N + M };

typedef struct {
  mn_data *train, *test;
} images;

static images images_open(void)
{
  images s;
  assert_int_equal(mn_data_open("synth:digits,n=40", NULL, &s.train, NULL), MN_OK);
  assert_int_equal(mn_data_open("synth:digits,part=test,n=15", NULL, &s.test, NULL), MN_OK);
  return s;
}

static void images_close(images *s)
{
  mn_data_close(&s->train);
  mn_data_close(&s->test);
}

static mn_products *streamed(const images *s, const mn_stream_options *o, mn_stream_report *report)
{
  mn_products *p;
  mn_error err = {0};
  if (mn_stream_products(s->train, s->test, o, NULL, &p, report, &err)) fail_msg("%s", err.text);
  return p;
}

/* All features at once, scaled by plain loops in double. */
static double *all_features(const images *s, const mn_stream_options *o, mn_feature_scale scale, size_t *dim)
{
  mn_scaling *scaling;
  mn_features *f;
  assert_int_equal(mn_scaling_open(o->scale, s->train, &scaling, NULL), MN_OK);
  mn_samples train = mn_samples_of(s->train, scaling), test = mn_samples_of(s->test, scaling);
  assert_int_equal(mn_features_open(&o->features, &train, NULL, &f, NULL), MN_OK);
  size_t d = *dim = mn_features_dim(f), groups = mn_features_groups(f);
  float *x = malloc(ALL * d * sizeof *x);
  double *out = malloc(ALL * d * sizeof *out);
  assert_int_equal(mn_features_compute(f, &train, 0, N, 0, groups, NULL, x, d, NULL), MN_OK);
  assert_int_equal(mn_features_compute(f, &test, 0, M, 0, groups, NULL, x + N * d, d, NULL), MN_OK);
  for (size_t k = 0; k < d; k++) {
    double mean = 0, squares = 0;
    for (size_t i = 0; i < N; i++) mean += (double)x[i * d + k] / N;
    for (size_t i = 0; i < N; i++) squares += pow((double)x[i * d + k] - mean, 2);
    double deviation = sqrt(squares / N), factor = deviation > 1e-12 ? 1 / deviation / sqrt((double)d) : 0;
    if (scale != MN_FEATURE_SCALE_STANDARD) factor = 1;
    if (scale == MN_FEATURE_SCALE_NONE) mean = 0;
    for (size_t i = 0; i < ALL; i++) out[i * d + k] = ((double)x[i * d + k] - mean) * factor;
  }
  free(x);
  mn_features_close(&f);
  mn_scaling_close(&scaling);
  return out;
}

static double kept(const mn_products *p, size_t i, size_t j)
{
  size_t at = i * mn_products_width(p, 0) + j; /* one panel: N is below a tile */
  return p->type == MN_F64 ? ((const double *)p->panel[0])[at] : (double)((const float *)p->panel[0])[at];
}

/* To 8 bits. */
static double rounded(double x)
{
  int exponent;
  double mantissa = frexp((double)(float)x, &exponent);
  return ldexp(nearbyint(256 * mantissa), exponent - 8);
}

static void check_products(const images *s, mn_features_name name, mn_feature_scale scale, mn_precision precision,
                           int bfloat16)
{
  mn_stream_options o = mn_stream_defaults(name);
  mn_stream_report report;
  size_t dim;
  double most = 0, trace = 0, tol = precision == MN_PRECISION_SINGLE ? 1e-5 : 1e-6; /* features are scaled in fp32 */
  if (name == MN_FEATURES_CONV) mn_features_preset("gaussian", &o.features, NULL);
  o.features.filters = 64, o.features.engine = MN_CONV_BLOCKED;
  o.feature_scale = scale;
  o.precision = precision;
  o.bfloat16 = bfloat16;
  mn_products *p = streamed(s, &o, &report);
  double *x = all_features(s, &o, mn_feature_scale_of(&o), &dim);
  for (size_t i = 0; bfloat16 && i < ALL * dim; i++) x[i] = rounded(x[i]);
  assert_int_equal(mn_products_get(p).dim, dim);
  assert_int_equal(mn_products_get(p).done, dim);
  assert_int_equal(p->type, precision == MN_PRECISION_SINGLE ? MN_F32 : MN_F64);
  for (size_t i = 0; i < ALL; i++) most = fmax(most, pow(naive_norm(dim, x + i * dim), 2));
  for (size_t i = 0; i < ALL; i++) {
    for (size_t j = 0; j < N; j++) {
      double dot = 0;
      for (size_t k = 0; k < dim; k++) dot += x[i * dim + k] * x[j * dim + k];
      assert_true(fabs(kept(p, i, j) - dot) <= tol * most);
    }
    assert_true(fabs(p->norms[i] - pow(naive_norm(dim, x + i * dim), 2)) <= tol * most);
    if (i < N) trace += p->norms[i];
  }
  if (scale == MN_FEATURE_SCALE_STANDARD && name == MN_FEATURES_GABOR) assert_true(trace / N <= 1 + 1e-6);
  free(x);
  mn_products_close(&p);
}

static void products_of_streamed_features(void **state)
{
  (void)state;
  images s = images_open();
  for (mn_feature_scale scale = MN_FEATURE_SCALE_AUTO; scale <= MN_FEATURE_SCALE_STANDARD; scale++) {
    check_products(&s, MN_FEATURES_GABOR, scale, MN_PRECISION_AUTO, 0);
    check_products(&s, MN_FEATURES_CONV, scale, MN_PRECISION_SINGLE, 0);
    check_products(&s, MN_FEATURES_CONV, scale, MN_PRECISION_SINGLE, 1);
  }
  images_close(&s);
}

/* A feature that is constant becomes 0 and has no infinite factor. */
static void constant_features(void **state)
{
  (void)state;
  float x[6] = {0.1f, 1, 0.1f, 2, 0.1f, 3};
  double shift[2], factor[2];
  mn_feature_block b = {.train = 3, .rows = 3, .count = 2, .ld = 2, .x = x};
  mn_feature_statistics(&b, MN_FEATURE_SCALE_STANDARD, 2, 2, shift, factor);
  mn_feature_apply(&b, shift, factor, 2);
  for (size_t i = 0; i < 3; i++) {
    assert_true(x[2 * i] == 0);
    mn_test_close((double)x[2 * i + 1], ((double)i - 1) / sqrt(2.0 / 3) / sqrt(2), 1e-6);
  }
}

/* ---- stopped and gone on with */

/* Cancels once so much of the whole is done. */
typedef struct {
  double most;
} limit;

static int stop_at(void *user, const mn_progress *p)
{
  const limit *l = user;
  return !strcmp(p->phase, "features") && p->unit && !strcmp(p->unit, "flop") && p->done > l->most * p->total;
}

static mn_stream_options two_blocks(const char *folder)
{
  mn_stream_options o = mn_stream_defaults(MN_FEATURES_CONV);
  assert_int_equal(mn_features_preset("gaussian", &o.features, NULL), MN_OK);
  o.features.filters = 768;
  o.features.pool_window = o.features.pool_stride = 7; /* 3 x 3 windows: 13,824 features */
  o.features.engine = MN_CONV_BLOCKED;
  o.precision = MN_PRECISION_SINGLE;
  o.folder = folder;
  return o;
}

static void a_stopped_run_goes_on(void **state)
{
  (void)state;
  images s = images_open();
  const char *folder = mn_test_path("stream");
  mn_stream_options o = two_blocks(NULL);
  mn_stream_report report;
  mn_products *whole = streamed(&s, &o, &report), *p;
  assert_true(report.block < report.dim);
  o = two_blocks(folder);
  limit l = {0.9};
  mn_context ctx = {.progress = stop_at, .user = &l};
  mn_error err;
  assert_int_equal(mn_stream_products(s.train, s.test, &o, &ctx, &p, &report, &err), MN_ERR_CANCELLED);
  assert_null(p);
  assert_int_equal(mn_products_load(folder, 0, 0, 0, 0, NULL, &p, &err), MN_ERR_DATA); /* unfinished */
  o.memory_bytes = 1;
  assert_int_equal(mn_stream_products(s.train, s.test, &o, NULL, &p, &report, &err), MN_ERR_BUDGET);
  o.memory_bytes = 0;
  p = streamed(&s, &o, &report);
  assert_true(report.resumed > 0 && report.resumed < report.dim);
  for (size_t i = 0; i < ALL; i++)
    for (size_t j = 0; j < N; j++) assert_true(kept(p, i, j) == kept(whole, i, j));
  assert_memory_equal(p->norms, whole->norms, ALL * sizeof *p->norms);
  assert_memory_equal(p->factor, whole->factor, p->dim * sizeof *p->factor);
  mn_products_close(&p);
  /* complete: nothing is computed */
  p = streamed(&s, &o, &report);
  assert_int_equal(report.resumed, report.dim);
  assert_true(report.features_s == 0);
  mn_products_close(&p);
  /* of something else */
  o.features.seed = 1;
  assert_int_equal(mn_stream_products(s.train, s.test, &o, NULL, &p, &report, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "seed=0"));
  o = two_blocks(folder);
  assert_int_equal(mn_stream_products(s.train, NULL, &o, NULL, &p, &report, &err), MN_ERR_DATA);
  ((unsigned char *)s.train->x)[300] ^= 1;
  assert_int_equal(mn_stream_products(s.train, s.test, &o, NULL, &p, &report, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "sample 0"));
  mn_products_remove(folder);
  mn_products_close(&whole);
  images_close(&s);
}

static void a_run_goes_on_with_less_memory(void **state)
{
  (void)state;
  images s = images_open();
  const char *folder = mn_test_path("less");
  mn_stream_options o = two_blocks(NULL);
  mn_stream_report report;
  mn_products *whole = streamed(&s, &o, &report), *p;
  size_t block = report.block;
  o.folder = folder;
  limit l = {0.9};
  mn_context ctx = {.progress = stop_at, .user = &l};
  mn_error err;
  assert_int_equal(mn_stream_products(s.train, s.test, &o, &ctx, &p, &report, &err), MN_ERR_CANCELLED);
  o.memory_bytes = mn_memory_current_rss() + (size_t)MN_SOLVER_BUFFERS + block * ALL * sizeof(float) / 2;
  p = streamed(&s, &o, &report);
  assert_true(report.resumed > 0 && report.resumed < report.dim);
  assert_in_range(report.block, 1, block - 1);
  for (size_t i = 0; i < ALL; i++)
    for (size_t j = 0; j < N; j++) assert_true(fabs(kept(p, i, j) - kept(whole, i, j)) < 1e-5);
  mn_products_close(&p);
  mn_products_close(&whole);
  mn_products_remove(folder);
  images_close(&s);
}

/* The same bytes as images of another shape have other features. */
static void images_of_another_shape(void **state)
{
  (void)state;
  images s = images_open();
  const char *folder = mn_test_path("shape");
  mn_stream_options o = mn_stream_defaults(MN_FEATURES_GABOR);
  o.features.scales = 1, o.features.orientations = 2, o.folder = folder;
  mn_stream_report report;
  mn_products *p = streamed(&s, &o, &report), *q;
  mn_error err;
  assert_int_equal(mn_model_check_features(p, s.train, &err), MN_OK);
  s.train->height = s.test->height = 14;
  s.train->width = s.test->width = 56;
  assert_int_equal(mn_stream_products(s.train, s.test, &o, NULL, &q, &report, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "images of 1x14x56 (channels, height, width), the kept products are of 1x28x28"));
  assert_int_equal(mn_model_check_features(p, s.train, &err), MN_ERR_DATA);
  *strstr(p->text, " images=") = '\0'; /* as of earlier versions */
  assert_int_equal(mn_model_check_features(p, s.train, &err), MN_OK);
  mn_products_close(&p);
  mn_products_remove(folder);
  images_close(&s);
}

/* ---- on the way to all features */

/* Features as they are, and whether standard ones are wanted of them. */
typedef struct {
  const double *x; /* ALL x dim */
  size_t dim;
  const size_t *ends;
  int standard, unit, fail_at, calls;
} way;

/* Products of rows of `dim` features each, of which the first so many count, as features of their own. */
static mn_status compare(void *user, size_t k, const mn_products *p, mn_error *err)
{
  way *w = user;
  size_t end = w->ends[k];
  double one[N * N] = {0}, linear[ALL * N], gaussian[ALL * N];
  assert_int_equal(k, (size_t)w->calls++);
  if ((int)k == w->fail_at) return MN_FAIL(err, MN_ERR_IO, "taken no more");
  assert_int_equal(mn_products_get(p).done, end);
  for (size_t i = 0; i < N; i++) one[i * (N + 1)] = 1;
  mn_kernel kernels[] = {mn_kernel_default(MN_KERNEL_LINEAR), mn_kernel_default(MN_KERNEL_GAUSSIAN)};
  kernels[1].gamma = 0.7;
  for (int part = 0; part < 2; part++) {
    mn_samples cols = mn_products_train(p, N), rows = part ? mn_products_test(p, M) : cols;
    for (int c = 0; c < 2; c++)
      assert_int_equal(
          mn_gram_multiply(&rows, &cols, &kernels[c], 2, NULL, "test", N, one, (c ? gaussian : linear), err), MN_OK);
    for (size_t i = 0; i < rows.n; i++)
      for (size_t j = 0; j < N; j++) {
        const double *a = w->x + (i + (part ? N : 0)) * w->dim, *b = w->x + j * w->dim;
        double dot = 0, aa = 0, bb = 0, scale = w->standard ? (double)w->dim / (double)end : 1;
        for (size_t f = 0; f < end; f++) dot += a[f] * b[f], aa += a[f] * a[f], bb += b[f] * b[f];
        dot *= w->unit ? 1 / sqrt(aa * bb) : scale;
        double r2 = (w->unit ? 2 : scale * (aa + bb)) - 2 * dot;
        assert_true(fabs(linear[i + j * rows.n] - dot) <= 1e-5 * (1 + fabs(dot)));
        mn_test_close(gaussian[i + j * rows.n], exp(-0.7 * r2), 1e-5);
      }
  }
  return MN_OK;
}

/* Of each stop the whole is what it adds, and no more is done than that; *user: how often it was all done. */
static int count_wholes(void *user, const mn_progress *p)
{
  if (strcmp(p->phase, "features") || strcmp(p->unit, "flop")) return 0;
  if (p->done > p->total * (1 + 1e-9)) fail_msg("%.17g of %.17g", p->done, p->total);
  *(size_t *)user += p->done >= p->total * (1 - 1e-9);
  return 0;
}

static void products_on_the_way(void **state)
{
  (void)state;
  images s = images_open();
  mn_stream_report report;
  mn_error err;
  for (int code = 0; code < 6; code++) {
    mn_feature_scale scale = (mn_feature_scale)(MN_FEATURE_SCALE_NONE + code % 3);
    mn_stream_options o = mn_stream_defaults(MN_FEATURES_GABOR);
    o.feature_scale = scale;
    o.normalise = code / 3;
    way w = {.fail_at = -1, .standard = scale == MN_FEATURE_SCALE_STANDARD, .unit = o.normalise};
    double *x = all_features(&s, &o, scale, &w.dim);
    const size_t path = 256, dims[] = {1, 3 * path - 5, 3 * path + 1, w.dim},
                 ends[] = {path, 3 * path, 4 * path, w.dim};
    w.x = x, w.ends = ends;
    size_t wholes = 0;
    const mn_context ctx = {.progress = count_wholes, .user = &wholes};
    if (mn_stream_stops(s.train, s.test, &o, 4, dims, &ctx, compare, &w, &report, &err)) fail_msg("%s", err.text);
    assert_int_equal(w.calls, 4);
    assert_true(wholes >= 4);
    assert_int_equal(report.dim, w.dim);
    free(x);
  }
  images_close(&s);
}

/* A stop is made again after a failure, from what the folder keeps; one that the folder is beyond is refused. */
static void the_way_is_gone_on_with(void **state)
{
  (void)state;
  images s = images_open();
  mn_stream_options o = two_blocks(mn_test_path("way"));
  mn_stream_report report;
  mn_error err;
  size_t group = 256 * 18;
  const size_t dims[] = {group, 2 * group, 3 * group};
  way w = {.ends = dims, .fail_at = 1, .standard = 1};
  double *x = all_features(&s, &o, MN_FEATURE_SCALE_STANDARD, &w.dim);
  w.x = x;
  assert_int_equal(mn_stream_stops(s.train, s.test, &o, 3, dims, NULL, compare, &w, &report, &err), MN_ERR_IO);
  assert_int_equal(w.calls, 2);
  way rest = {.x = x, .dim = w.dim, .ends = dims + 1, .fail_at = -1, .standard = 1};
  assert_int_equal(mn_stream_stops(s.train, s.test, &o, 2, dims + 1, NULL, compare, &rest, &report, &err), MN_OK);
  assert_true(report.resumed >= group && report.resumed <= 2 * group);
  assert_int_equal(rest.calls, 2);
  assert_int_equal(mn_stream_stops(s.train, s.test, &o, 3, dims, NULL, compare, &w, &report, &err), MN_ERR_DATA);
  mn_products_remove(o.folder);
  o.folder = NULL;
  const size_t same[] = {group, 1 + group, 2 * group - 1}, none[] = {0}, many[] = {3 * group + 1};
  assert_int_equal(mn_stream_stops(s.train, NULL, &o, 3, same, NULL, compare, &w, &report, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_stream_stops(s.train, NULL, &o, 1, none, NULL, compare, &w, &report, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_stream_stops(s.train, NULL, &o, 1, many, NULL, compare, &w, &report, &err), MN_ERR_ARGUMENT);
  free(x);
  images_close(&s);
}

/* ---- fits */

/* The same model from products as from the features themselves, as samples of doubles. */
static void fits_equal_those_of_the_features(void **state)
{
  (void)state;
  images s = images_open();
  mn_stream_options o = mn_stream_defaults(MN_FEATURES_GABOR);
  mn_stream_report report;
  size_t dim, outputs;
  mn_products *p = streamed(&s, &o, &report);
  double *x = all_features(&s, &o, MN_FEATURE_SCALE_NONE, &dim);
  naive_set train = naive_open_rows(N, dim, x), test = naive_open_rows(M, dim, x + N * dim);
  mn_data with_labels = *train.data;
  with_labels.columns = 1, with_labels.y = s.train->y;
  mn_fit_options fit = mn_fit_defaults();
  fit.gamma_rule = MN_GAMMA_GIVEN;
  fit.kernel.gamma = 0.05;
  mn_model *a, *b;
  assert_int_equal(mn_model_fit(&with_labels, &fit, NULL, &a, NULL), MN_OK);
  assert_int_equal(mn_model_fit_products(s.train, p, &fit, NULL, &b, NULL), MN_OK);
  mn_test_close(mn_model_report(b)->norm, mn_model_report(a)->norm, 1e-9);
  assert_int_equal((outputs = mn_model_outputs(a)), mn_model_outputs(b));
  double *sa = malloc(M * outputs * sizeof *sa), *sb = malloc(M * outputs * sizeof *sb);
  assert_int_equal(mn_model_predict(a, test.data, NULL, sa, NULL), MN_OK);
  assert_int_equal(mn_model_predict(b, s.test, NULL, sb, NULL), MN_OK);
  assert_true(naive_relative(M * outputs, sb, sa) <= 1e-9);
  mn_error err;
  assert_int_equal(mn_model_predict(b, s.train, NULL, sb, &err), MN_ERR_DATA);
  free(sa), free(sb), free(x);
  mn_model_close(&a);
  mn_model_close(&b);
  naive_close(&train);
  naive_close(&test);
  mn_products_close(&p);
  images_close(&s);
}

/* Bandwidth and ridge are judged from products as from the features, and other products are refused. */
static void selections_equal_those_of_the_features(void **state)
{
  (void)state;
  images s = images_open();
  mn_stream_options o = mn_stream_defaults(MN_FEATURES_GABOR);
  mn_stream_report report;
  size_t dim;
  mn_products *p = streamed(&s, &o, &report);
  double *x = all_features(&s, &o, MN_FEATURE_SCALE_NONE, &dim);
  naive_set train = naive_open_rows(N, dim, x);
  mn_data with_labels = *train.data;
  with_labels.columns = 1, with_labels.y = s.train->y;
  mn_select_options select = mn_select_defaults();
  mn_fit_options a = mn_fit_defaults(), b = a;
  mn_selection of_features, of_products;
  mn_error err;
  select.samples = 0;
  assert_int_equal(mn_fit_select(&with_labels, NULL, &select, &a, NULL, &of_features, NULL), MN_OK);
  assert_int_equal(mn_fit_select(s.train, p, &select, &b, NULL, &of_products, NULL), MN_OK);
  assert_int_equal(of_products.count, of_features.count);
  for (size_t i = 0; i < of_products.count; i++) {
    mn_test_close(of_products.points[i].gamma, of_features.points[i].gamma, 1e-9);
    mn_test_close(of_products.points[i].loo_mse, of_features.points[i].loo_mse, 1e-6);
  }
  mn_test_close(b.kernel.gamma, a.kernel.gamma, 1e-9);
  assert_true(a.solve.ridge == b.solve.ridge);
  assert_int_equal(mn_fit_select(s.test, p, &select, &b, NULL, &of_products, &err), MN_ERR_DATA);
  free(x);
  naive_close(&train);
  mn_products_close(&p);
  images_close(&s);
}

/* A fit that has no room, or whose options are wrong, is known before there are products. */
static void what_is_refused_before_features_are_made(void **state)
{
  (void)state;
  images s = images_open();
  mn_fit_options fit = mn_fit_defaults();
  mn_error err;
  assert_int_equal(mn_fit_check_products(s.train, &fit, NULL, &err), MN_OK);
  fit.solve.memory_bytes = 1;
  assert_int_equal(mn_fit_check_products(s.train, &fit, NULL, &err), MN_ERR_BUDGET);
  assert_non_null(strstr(err.text, "of 40 samples needs"));
  fit.solve.memory_bytes = 0;
  fit.corrupt = 2;
  assert_int_equal(mn_fit_check_products(s.train, &fit, NULL, &err), MN_ERR_ARGUMENT);
  images_close(&s);
}

static mn_status stream_and_fit(void *arg, mn_error *err)
{
  const images *s = arg;
  mn_stream_options o = mn_stream_defaults(MN_FEATURES_GABOR);
  mn_stream_report report;
  mn_products *p;
  mn_model *model = NULL;
  mn_fit_options fit = mn_fit_defaults();
  fit.gamma_rule = MN_GAMMA_MEDIAN;
  o.features.scales = 1, o.features.orientations = 2, o.features.pooling = 3;
  o.features.slant = 1;
  mn_status st = mn_fit_check_products(s->train, &fit, NULL, err);
  if (st) return st;
  st = mn_stream_products(s->train, s->test, &o, NULL, &p, &report, err);
  if (!st) st = mn_model_fit_products(s->train, p, &fit, NULL, &model, err);
  mn_model_close(&model);
  mn_products_close(&p);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  images s = images_open();
  mn_test_every_allocation(stream_and_fit, &s);
  images_close(&s);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_of_streamed_features),
      cmocka_unit_test(constant_features),
      cmocka_unit_test(a_stopped_run_goes_on),
      cmocka_unit_test(a_run_goes_on_with_less_memory),
      cmocka_unit_test(images_of_another_shape),
      cmocka_unit_test(products_on_the_way),
      cmocka_unit_test(the_way_is_gone_on_with),
      cmocka_unit_test(fits_equal_those_of_the_features),
      cmocka_unit_test(selections_equal_those_of_the_features),
      cmocka_unit_test(what_is_refused_before_features_are_made),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("stream", tests, mn_test_dir_open, mn_test_dir_close);
}
