/* The convolutional layer against its definition, by every method on every instruction set. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv_support.h"
#include "core/memory.h"

static void set_level(mn_features *map, mn_cpu_level level)
{
  ((mn_conv *)map->state)->level = mn_conv_level_at(level);
}

/* Feature by feature, in units of the largest. A Fourier transform rounds in units of the image's largest pixels, not
 * of the patch's. */
static void compare(const mn_features *m, const char *what, const double *exact, const float *out)
{
  double most = 0, tolerance = m->options.engine == MN_CONV_FFT ? 2e-5 : 4e-6;
  for (size_t i = 0; i < m->dim; i++) most = fmax(most, fabs(exact[i]));
  for (size_t i = 0; i < m->dim; i++)
    if (!(fabs((double)out[i] - exact[i]) <= tolerance * most))
      fail_msg("%s, %s: feature %zu of %zu is %.9g instead of %.9g, the largest %g", what, m->row->engine(m), i, m->dim,
               (double)out[i], exact[i], most);
}

/* All images of the set by one method, with every instruction set there is. */
static void check_method(const char *what, const mn_features_options *o, const naive_set *images)
{
  mn_features m;
  conv_must_open(o, images, &m);
  double *exact = malloc(images->n * m.dim * sizeof *exact);
  assert_non_null(exact);
  for (size_t i = 0; i < images->n; i++) conv_naive(&m, images->x + i * images->dim, exact + i * m.dim);
  for (int level = MN_CPU_BASE; level <= MN_CPU_AVX512; level++) {
    if (!mn_conv_level_at((mn_cpu_level)level)) continue;
    set_level(&m, (mn_cpu_level)level);
    float *out = conv_transform(&m, images, 0, images->n, 2, 0, m.groups);
    for (size_t i = 0; i < images->n; i++) compare(&m, what, exact + i * m.dim, out + i * m.dim);
    free(out);
  }
  free(exact);
  conv_close(&m);
}

static void check_map(const char *what, const mn_features_options *options, const naive_set *images)
{
  mn_features_options o = *options;
  for (int engine = MN_CONV_BLOCKED; engine <= MN_CONV_FFT; engine++) {
    o.engine = (mn_conv_engine)engine;
    check_method(what, &o, images);
  }
}

/* Kinds, normalisations, rectifiers and poolings. */
static void every_combination(void **state)
{
  (void)state;
  naive_set images = conv_images(3, 2, 9, 11, MN_U8, MN_SCALE_UNIT, 1);
  for (int code = 0; code < 3 * 4 * 3 * 3 * 2; code++) {
    mn_features_options o = conv_options();
    char what[64];
    snprintf(what, sizeof what, "combination %d", code);
    o.kind = (mn_filters)(code % 3);
    o.patch_norm = o.filter_norm = (mn_patch_norm)(code / 3 % 4);
    o.rectifier = (mn_rectifier)(code / 12 % 3);
    o.pool = (mn_pool)(code / 36 % 3);
    o.pool_ceil = code / 108;
    o.whiten_test = code % 2;
    check_map(what, &o, &images);
  }
  naive_close(&images);
}

/* The number of positions of a row decides which kernels run. */
static void every_width(void **state)
{
  (void)state;
  for (size_t width = 2; width <= 33; width++) {
    naive_set images = conv_images(2, 1, 4, width, MN_F32, MN_SCALE_NONE, width);
    mn_features_options o = conv_options();
    char what[64];
    snprintf(what, sizeof what, "width %zu", width);
    o.patch = 2;
    o.filters = width;
    o.pool_ceil = 1;
    check_map(what, &o, &images);
    naive_close(&images);
  }
}

/* Windows that overlap several times, leave gaps, are cut, are the whole. */
static void every_window(void **state)
{
  (void)state;
  naive_set images = conv_images(2, 1, 10, 13, MN_F64, MN_SCALE_NONE, 2);
  for (size_t window = 1; window <= 9; window++)
    for (size_t stride = 1; stride <= 9; stride++)
      for (int ceil = 0; ceil < 2; ceil++) {
        mn_features_options o = conv_options();
        char what[64];
        snprintf(what, sizeof what, "window %zu, stride %zu, ceil %d", window, stride, ceil);
        o.patch = 2;
        o.filters = 3;
        o.pool = (mn_pool)((window + stride) % 3);
        o.pool_window = window;
        o.pool_stride = stride;
        o.pool_ceil = ceil;
        check_map(what, &o, &images);
      }
  naive_close(&images);
}

/* The recipes on images of their size, with fewer patches. */
static void recipes(void **state)
{
  (void)state;
  naive_set images = conv_images(2, 3, 32, 32, MN_U8, MN_SCALE_UNIT, 3);
  const mn_preset_info *info;
  for (size_t i = 0; (info = mn_features_preset_at(i)); i++) {
    mn_features_options o = {.filters = 40, .seed = 1};
    assert_int_equal(mn_features_preset(info->name, &o, NULL), MN_OK);
    o.whiten_patches = 500;
    check_map(info->name, &o, &images);
  }
  naive_close(&images);
}

/* Bytes and x/255 give the same features where patches are normalised: the constant follows the scale. */
static void bytes_and_unit_scale_agree(void **state)
{
  (void)state;
  naive_set bytes = conv_images(3, 2, 9, 11, MN_U8, MN_SCALE_NONE, 4);
  naive_set unit = conv_images(3, 2, 9, 11, MN_U8, MN_SCALE_UNIT, 4);
  mn_features_options o = conv_options();
  mn_features a, b;
  o.patch_constant = 1000;
  conv_must_open(&o, &bytes, &a);
  conv_must_open(&o, &unit, &b);
  float *x = conv_transform(&a, &bytes, 0, 3, 3, 0, 1), *y = conv_transform(&b, &unit, 0, 3, 3, 0, 1);
  for (size_t i = 0; i < 3 * a.dim; i++) mn_test_close((double)x[i], (double)y[i], 1e-5);
  free(x), free(y);
  conv_close(&a), conv_close(&b);
  naive_close(&bytes), naive_close(&unit);
}

/* Three groups, the last one of 8 filters: each alone, all together, images one by one or many at a time, opened by one
 * thread or three, with more filters after them: the same bits. */
static void check_bits(mn_conv_engine engine, const naive_set *images)
{
  mn_features_options o = conv_options(), more = o;
  mn_features m, again;
  size_t n = images->n;
  o.engine = more.engine = engine;
  o.filters = 2 * MN_CONV_GROUP + 8;
  more.filters = 10 * MN_CONV_GROUP; /* more groups than a worker keeps */
  conv_must_open(&o, images, &m);
  assert_int_equal(m.groups, 3);
  float *all = conv_transform(&m, images, 0, n, MN_MAP_IMAGES, 0, 3);
  for (size_t g = 0; g < 3; g++) {
    size_t width = m.begin[g + 1] - m.begin[g];
    float *some = conv_transform(&m, images, 4, n - 4, 3, g, g + 1);
    for (size_t i = 4; i < n; i++)
      assert_memory_equal(all + i * m.dim + m.begin[g], some + (i - 4) * width, width * sizeof *all);
    free(some);
  }
  for (int threads = 1; threads <= 3; threads += 2) {
    assert_int_equal(conv_open(&more, images, threads, &again, NULL), MN_OK);
    float *other = conv_transform(&again, images, 0, n, 5, 0, 10);
    for (size_t i = 0; i < n; i++)
      assert_memory_equal(all + i * m.dim, other + i * again.dim, m.begin[2] * sizeof *all);
    free(other);
    conv_close(&again);
  }
  free(all);
  conv_close(&m);
}

static void blocks_groups_and_threads_change_nothing(void **state)
{
  (void)state;
  naive_set images = conv_images(21, 1, 8, 9, MN_U8, MN_SCALE_UNIT, 5);
  check_bits(MN_CONV_BLOCKED, &images);
  check_bits(MN_CONV_FFT, &images);
  naive_close(&images);
}

/* Through the table and the threads of the public calls. */
static void public_calls(void **state)
{
  (void)state;
  enum { N = 40 };
  naive_set images = conv_images(N, 3, 9, 9, MN_U8, MN_SCALE_UNIT, 13);
  mn_features_options o = conv_options();
  mn_features *one, *three;
  mn_context single = {.threads = 1}, several = {.threads = 3};
  o.filters = 300;
  assert_int_equal(mn_features_open(&o, &images.samples, &single, &one, NULL), MN_OK);
  assert_int_equal(mn_features_open(&o, &images.samples, &several, &three, NULL), MN_OK);
  size_t dim = mn_features_dim(one);
  float *a = malloc(N * dim * sizeof *a), *b = malloc(N * dim * sizeof *b);
  double *exact = malloc(dim * sizeof *exact);
  assert_true(a && b && exact);
  assert_int_equal(mn_features_compute(one, &images.samples, 0, N, 0, 2, &single, a, dim, NULL), MN_OK);
  assert_int_equal(mn_features_compute(three, &images.samples, 0, N, 0, 2, &several, b, dim, NULL), MN_OK);
  assert_memory_equal(a, b, N * dim * sizeof *a);
  conv_naive(one, images.x + (N - 1) * images.dim, exact);
  compare(one, "public calls", exact, a + (N - 1) * dim);
  free(a), free(b), free(exact);
  mn_features_close(&one);
  mn_features_close(&three);
  naive_close(&images);
}

/* A map opened from what another keeps has its features to the last bit, whatever images it is opened with. */
static void check_kept(const mn_features_options *o, mn_dtype type, mn_scale scale)
{
  enum { N = 6 };
  naive_set images = conv_images(N, 2, 9, 8, type, scale, 21), others = conv_images(3, 2, 9, 8, type, scale, 22);
  mn_features *drawn, *kept;
  mn_error err;
  assert_int_equal(mn_features_open(o, &images.samples, NULL, &drawn, NULL), MN_OK);
  mn_features_kept k = mn_features_keep(drawn);
  if (mn_features_open_kept(o, &others.samples, &k, NULL, &kept, &err)) fail_msg("%s", err.text);
  size_t dim = mn_features_dim(drawn), groups = mn_features_groups(drawn);
  float *a = malloc(N * dim * sizeof *a), *b = malloc(N * dim * sizeof *b);
  assert_int_equal(mn_features_compute(drawn, &images.samples, 0, N, 0, groups, NULL, a, dim, NULL), MN_OK);
  assert_int_equal(mn_features_compute(kept, &images.samples, 0, N, 0, groups, NULL, b, dim, NULL), MN_OK);
  assert_memory_equal(a, b, N * dim * sizeof *a);
  free(a), free(b);
  mn_features_close(&kept);
  for (int wrong = 0; k.patches && wrong < 4; wrong++) {
    mn_features_kept bad = k;
    if (wrong == 0) bad.filters--;
    if (wrong == 1) bad.taps--;
    if (wrong == 2) bad.type = k.type == MN_U8 ? MN_F32 : MN_U8;
    if (wrong == 3) bad.square = NULL;
    mn_status expected = wrong == 3 && o->kind != MN_FILTERS_WHITENED ? MN_OK : MN_ERR_FORMAT;
    assert_int_equal(mn_features_open_kept(o, &others.samples, &bad, NULL, &kept, &err), expected);
    mn_features_close(&kept);
  }
  mn_features_close(&drawn);
  naive_close(&images);
  naive_close(&others);
}

static void a_map_is_opened_from_what_is_kept(void **state)
{
  (void)state;
  mn_features_options o = conv_options();
  for (int code = 0; code < 3 * 2 * 2; code++) {
    o.kind = (mn_filters)(code % 3);
    mn_dtype type = code / 3 % 2 ? MN_F32 : MN_U8;
    check_kept(&o, type, code / 6 ? MN_SCALE_STANDARD : type == MN_U8 ? MN_SCALE_UNIT : MN_SCALE_NONE);
  }
}

/* Unless one is asked for, the faster method: whichever it is, it has a name and its features. */
static void the_method_is_chosen_by_measurement(void **state)
{
  (void)state;
  naive_set images = conv_images(2, 3, 32, 32, MN_U8, MN_SCALE_UNIT, 14);
  mn_features_options o = conv_options();
  mn_features m;
  o.engine = MN_CONV_AUTO;
  o.patch = 2; /* 24 flops a position; the transform is of 1,024 pixels whatever the patch */
  conv_must_open(&o, &images, &m);
  int blocked = !strcmp(m.row->engine(&m), "blocked"); /* nearly always, but a clock decides */
  assert_true(blocked || !strcmp(m.row->engine(&m), "fft"));
  assert_int_equal(((mn_conv *)m.state)->fft == NULL, blocked);
  conv_close(&m);
  o.engine = MN_CONV_FFT;
  conv_must_open(&o, &images, &m);
  assert_string_equal(m.row->engine(&m), "fft");
  conv_close(&m);
  naive_close(&images);
}

static void pictures(void **state)
{
  (void)state;
  naive_set colour = conv_images(2, 3, 8, 8, MN_U8, MN_SCALE_UNIT, 15);
  naive_set two = conv_images(2, 2, 8, 8, MN_U8, MN_SCALE_UNIT, 15);
  mn_features_options o = conv_options();
  mn_features m;
  mn_data *images;
  size_t columns;
  float filter[27], most = 0;
  conv_must_open(&o, &colour, &m);
  assert_int_equal(m.row->picture(&m, &images, &columns, NULL), MN_OK);
  assert_int_equal(images->n, o.filters);
  assert_int_equal(columns, 16);
  assert_int_equal(images->channels, 3);
  assert_int_equal(images->height, 12); /* four pixels a tap */
  assert_int_equal(images->dim, 3 * 12 * 12);
  assert_int_equal(mn_conv_filter(&m, 36, filter, NULL), MN_OK);
  for (size_t k = 0; k < 27; k++) most = fmaxf(most, fabsf(filter[k]));
  for (size_t p = 0; p < images->dim; p++) { /* channel, row, column */
    size_t k = p / 144 * 9 + p % 144 / 12 / 4 * 3 + p % 12 / 4;
    mn_test_close((double)((float *)images->x)[36 * images->dim + p], 0.5 + 0.5 * (double)filter[k] / (double)most,
                  1e-6);
  }
  mn_data_close(&images);
  conv_close(&m);
  conv_must_open(&o, &two, &m);
  assert_int_equal(m.row->picture(&m, &images, &columns, NULL), MN_ERR_UNSUPPORTED);
  assert_null(images);
  conv_close(&m);
  naive_close(&colour), naive_close(&two);
}

/* A constant image has patches of deviation 0: finite features, those of a response of 0 less the offset. */
static void flat_images(void **state)
{
  (void)state;
  naive_set train = conv_images(4, 2, 8, 8, MN_U8, MN_SCALE_UNIT, 6);
  naive_set flat = conv_images(2, 2, 8, 8, MN_U8, MN_SCALE_UNIT, 7);
  memset(flat.data->x, 0, flat.dim);
  memset((unsigned char *)flat.data->x + flat.dim, 255, flat.dim);
  for (int norm = MN_PATCHES_CENTER; norm <= MN_PATCHES_UNIT; norm++) {
    mn_features_options o = conv_options();
    mn_features m;
    o.patch_norm = o.filter_norm = (mn_patch_norm)norm;
    o.patch_constant = 0;
    o.kind = MN_FILTERS_PATCHES;
    o.bias = -1;
    o.pool = MN_POOL_AVERAGE;
    conv_must_open(&o, &train, &m);
    float *out = conv_transform(&m, &flat, 0, 2, 2, 0, 1);
    for (size_t i = 0; i < 2 * m.dim; i++) mn_test_close((double)out[i], 1, 1e-6);
    free(out);
    conv_close(&m);
  }
  naive_close(&train);
  naive_close(&flat);
}

/* Normalised patches know neither brightness nor, without a constant, contrast. */
static void brightness_and_contrast(void **state)
{
  (void)state;
  enum { N = 3 };
  naive_set images = conv_images(N, 1, 9, 9, MN_F64, MN_SCALE_NONE, 8);
  mn_features_options o = conv_options();
  mn_features m;
  o.patch_constant = 0;
  conv_must_open(&o, &images, &m);
  float *before = conv_transform(&m, &images, 0, N, N, 0, 1);
  for (size_t i = 0; i < N * images.dim; i++) ((double *)images.data->x)[i] = 3 * images.x[i] + 5;
  float *after = conv_transform(&m, &images, 0, N, N, 0, 1);
  for (size_t i = 0; i < N * m.dim; i++) mn_test_close((double)after[i], (double)before[i], 1e-4);
  free(before), free(after);
  conv_close(&m);
  naive_close(&images);
}

static void sizes_are_told(void **state)
{
  (void)state;
  naive_set images = conv_images(2, 3, 32, 32, MN_U8, MN_SCALE_UNIT, 9);
  mn_features_options o = {.filters = 4096, .seed = 1};
  mn_features m;
  float filter[108];
  double norm2 = 0;
  mn_features_preset("gaussian", &o, NULL);
  o.engine = MN_CONV_BLOCKED;
  conv_must_open(&o, &images, &m);
  assert_int_equal(m.dim, 8 * 4096);
  assert_int_equal(m.groups, 16);
  assert_int_equal(m.begin[15], 15 * 8 * MN_CONV_GROUP);
  assert_int_equal(m.begin[16], m.dim);
  assert_true(fabs(m.flops - 2.0 * 729 * 108 * 4096) < 1);
  assert_string_equal(m.row->engine(&m), "blocked");
  assert_int_equal(mn_conv_filter(&m, 4095, filter, NULL), MN_OK);
  for (size_t k = 0; k < 108; k++) norm2 += (double)filter[k] * (double)filter[k];
  assert_true(norm2 > 0.8 && norm2 <= 1); /* 1 before the mean was taken off */
  conv_close(&m);
  naive_close(&images);
}

/* ---- what cannot be done */

static void expect(const mn_features_options *o, const naive_set *images, mn_status expected, const char *word)
{
  mn_features m;
  mn_error err = {0};
  mn_status st = conv_open(o, images, 1, &m, &err);
  conv_close(&m);
  if (st != expected || !strstr(err.text, word)) fail_msg("status %d, '%s', instead of '%s'", st, err.text, word);
}

static void hostile_options(void **state)
{
  (void)state;
  naive_set images = conv_images(2, 1, 8, 9, MN_U8, MN_SCALE_UNIT, 10);
  const mn_features_options good = conv_options();
  mn_features_options o;
#define WRONG(member, value, status, word)                                                                             \
  o = good;                                                                                                            \
  o.member = value;                                                                                                    \
  expect(&o, &images, status, word)
  WRONG(filters, 0, MN_ERR_ARGUMENT, "filters");
  WRONG(filters, SIZE_MAX, MN_ERR_ARGUMENT, "too many");
  WRONG(filters, SIZE_MAX / 64, MN_ERR_ARGUMENT, "too many");
  WRONG(patch, 0, MN_ERR_ARGUMENT, "patch");
  WRONG(patch, 9, MN_ERR_DATA, "smaller");
  WRONG(patch, SIZE_MAX, MN_ERR_DATA, "smaller");
  WRONG(pool_window, 0, MN_ERR_ARGUMENT, "window");
  WRONG(pool_window, 7, MN_ERR_ARGUMENT, "window");
  WRONG(pool_stride, 0, MN_ERR_ARGUMENT, "stride");
  WRONG(bias, NAN, MN_ERR_ARGUMENT, "bias");
  WRONG(bias, INFINITY, MN_ERR_ARGUMENT, "bias");
  WRONG(patch_constant, -1, MN_ERR_ARGUMENT, "constant");
  WRONG(patch_constant, NAN, MN_ERR_ARGUMENT, "constant");
  WRONG(whiten_epsilon, -1e-9, MN_ERR_ARGUMENT, "constant");
  WRONG(whiten_patches, 0, MN_ERR_ARGUMENT, "whitening");
  WRONG(filter_norm, MN_PATCHES_UNIT, MN_ERR_ARGUMENT, "alike");
  WRONG(filter_norm, (mn_patch_norm)4, MN_ERR_ARGUMENT, "filter normalisation");
  WRONG(patch_norm, (mn_patch_norm)-1, MN_ERR_ARGUMENT, "patch normalisation");
  WRONG(kind, (mn_filters)3, MN_ERR_ARGUMENT, "kind");
  WRONG(rectifier, (mn_rectifier)3, MN_ERR_ARGUMENT, "rectifier");
  WRONG(pool, (mn_pool)3, MN_ERR_ARGUMENT, "pooling");
  WRONG(engine, (mn_conv_engine)3, MN_ERR_ARGUMENT, "convolution");
#undef WRONG
  naive_close(&images);
}

/* A huge window, a huge stride and a cut window are one window. */
static void huge_windows(void **state)
{
  (void)state;
  naive_set images = conv_images(2, 1, 8, 9, MN_U8, MN_SCALE_UNIT, 11);
  mn_features_options o = conv_options();
  o.pool_window = SIZE_MAX;
  o.pool_stride = SIZE_MAX;
  o.pool_ceil = 1;
  mn_features m;
  conv_must_open(&o, &images, &m);
  assert_int_equal(m.dim, 2 * o.filters);
  conv_close(&m);
  o.pool_window = 3;
  conv_must_open(&o, &images, &m);
  assert_int_equal(m.dim, 2 * o.filters);
  conv_close(&m);
  naive_close(&images);
}

typedef struct {
  mn_features_options options;
  naive_set images;
} request;

static mn_status open_and_run(void *arg, mn_error *err)
{
  request *r = arg;
  mn_features m;
  void *worker = NULL;
  mn_data *images = NULL;
  size_t columns;
  mn_features *again = NULL;
  mn_status st = conv_open(&r->options, &r->images, 2, &m, err);
  if (!st) {
    mn_features_kept kept = mn_features_keep(&m);
    st = mn_features_open_kept(&r->options, &r->images.samples, &kept, NULL, &again, err);
  }
  mn_features_close(&again);
  if (!st) st = m.row->worker_open(&m, &worker, err);
  if (!st) st = m.row->picture(&m, &images, &columns, err);
  mn_data_close(&images);
  m.row->worker_close(&worker);
  conv_close(&m);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  request r = {conv_options(), conv_images(2, 1, 8, 9, MN_F32, MN_SCALE_NONE, 12)};
  mn_test_every_allocation(open_and_run, &r);
  r.options.kind = MN_FILTERS_GAUSSIAN;
  r.options.engine = MN_CONV_AUTO;
  mn_test_every_allocation(open_and_run, &r);
  naive_close(&r.images);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_combination),
      cmocka_unit_test(every_width),
      cmocka_unit_test(every_window),
      cmocka_unit_test(recipes),
      cmocka_unit_test(bytes_and_unit_scale_agree),
      cmocka_unit_test(blocks_groups_and_threads_change_nothing),
      cmocka_unit_test(public_calls),
      cmocka_unit_test(a_map_is_opened_from_what_is_kept),
      cmocka_unit_test(the_method_is_chosen_by_measurement),
      cmocka_unit_test(pictures),
      cmocka_unit_test(flat_images),
      cmocka_unit_test(brightness_and_contrast),
      cmocka_unit_test(sizes_are_told),
      cmocka_unit_test(hostile_options),
      cmocka_unit_test(huge_windows),
      cmocka_unit_test(failing_allocations),
  };
  setenv("XDG_CACHE_HOME", "/dev/null", 1); /* plans of many shapes: not measured, not kept */
  return cmocka_run_group_tests_name("conv", tests, NULL, NULL);
}
