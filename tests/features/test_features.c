/* The frame of the feature maps: names, options, and computing: the same bits whatever the threads, the blocks of
 * images and the groups that are asked for together. */
#define _XOPEN_SOURCE 700
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/map.h"
#include "support.h"
#include "wavelet_oracle.h"

static const mn_features_name wavelets[] = {MN_FEATURES_GABOR, MN_FEATURES_SCATTERING};

static mn_features_options small(mn_features_name name)
{
  mn_features_options o = mn_features_default(name);
  o.scales = 2;
  o.orientations = 3;
  return o;
}

static mn_features *opened(const mn_features_options *o, const oracle_images *images)
{
  mn_features *f;
  mn_error err = {0};
  if (mn_features_open(o, &images->samples, NULL, &f, &err)) fail_msg("%s", err.text);
  return f;
}

/* ---- names */

static void names(void **state)
{
  (void)state;
  for (mn_features_name name = MN_FEATURES_NONE; name < MN_FEATURES_COUNT; name++) {
    mn_features_name found = MN_FEATURES_COUNT;
    assert_non_null(mn_features_help(name));
    assert_int_equal(mn_features_by_name(mn_features_string(name), &found, NULL), MN_OK);
    assert_int_equal(found, name);
    assert_int_equal(mn_features_default(name).name, name);
  }
  assert_string_equal(mn_features_string(MN_FEATURES_SCATTERING), "scattering");
  assert_int_equal(mn_features_default(MN_FEATURES_CONV).filters, 4096);
  assert_null(mn_features_string(MN_FEATURES_COUNT));
  assert_null(mn_features_string((mn_features_name)-1));
  assert_null(mn_features_help(MN_FEATURES_COUNT));
  static const char *const unknown[] = {"", "Gabor", "gabor ", "gab", "%s%n"};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    mn_features_name found = MN_FEATURES_COUNT;
    mn_error err = {0};
    assert_int_equal(mn_features_by_name(unknown[i], &found, &err), MN_ERR_ARGUMENT);
    assert_int_equal(found, MN_FEATURES_COUNT);
    assert_non_null(strstr(err.text, "none, gabor, scattering, conv"));
  }
}

/* ---- options */

static void refused(mn_features_options o, const oracle_images *images, mn_status status, const char *word)
{
  mn_features *f = (mn_features *)&o;
  mn_error err = {0};
  assert_int_equal(mn_features_open(&o, &images->samples, NULL, &f, &err), status);
  assert_null(f);
  if (!strstr(err.text, word)) fail_msg("'%s' does not say '%s'", err.text, word);
}

static void options_out_of_range(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(1, 1, 28, 20, 1), dot = oracle_images_open(1, 3, 1, 1, 1);
  static const int scales[] = {0, -1, 6, 64, INT_MAX, INT_MIN}, orientations[] = {0, -8, 65, INT_MAX, INT_MIN};
  static const int poolings[] = {-1, 6, 32, 64, INT_MAX, INT_MIN};
  const double slants[] = {-1, 17, 0.01, INFINITY, -INFINITY, NAN, 5e-324};
  for (size_t k = 0; k < 2; k++) {
    mn_features_options o = mn_features_default(wavelets[k]), fine = o;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++, o = fine)
      o.scales = scales[i], refused(o, &images, MN_ERR_ARGUMENT, "scales");
    for (size_t i = 0; i < sizeof orientations / sizeof *orientations; i++, o = fine)
      o.orientations = orientations[i], refused(o, &images, MN_ERR_ARGUMENT, "orientations");
    for (size_t i = 0; i < sizeof poolings / sizeof *poolings; i++, o = fine)
      o.pooling = poolings[i], refused(o, &images, MN_ERR_ARGUMENT, "pooling");
    for (size_t i = 0; i < sizeof slants / sizeof *slants; i++, o = fine)
      o.slant = slants[i], refused(o, &images, MN_ERR_ARGUMENT, "slant");
    refused(o, &dot, MN_ERR_DATA, "one pixel");
    o.name = (mn_features_name)-1;
    refused(o, &images, MN_ERR_ARGUMENT, "-1");
    o.name = MN_FEATURES_NONE;
    refused(o, &images, MN_ERR_ARGUMENT, "no feature map");
    images.data->channels = 0; /* no images any more */
    refused(fine, &images, MN_ERR_DATA, "oracle");
    images.data->channels = 1;
  }
  mn_features_options most = {.name = MN_FEATURES_GABOR, .scales = 5, .orientations = 64, .pooling = 5, .slant = 16};
  if (mn_test_is_wrapped()) most.orientations = 4; /* the filters take minutes */
  mn_features *f = opened(&most, &images);
  assert_int_equal(mn_features_dim(f), 1 + 5 * most.orientations);
  assert_true(mn_features_info(f)->slant == 16 && mn_features_info(f)->orientations == most.orientations);
  mn_features_close(&f);
  assert_null(f);
  mn_features_close(&f);
  oracle_images_close(&images);
  oracle_images_close(&dot);
}

/* ---- computing */

enum { N = 41 }; /* images: two blocks and a part of one */

/* count x ld, filled with a number that is no feature where none is written. */
static float *compute(const mn_features *f, const oracle_images *images, size_t first, size_t count, size_t g,
                      size_t end, int threads, size_t ld)
{
  const mn_context ctx = {.threads = threads};
  float *out = malloc(count * ld * sizeof *out);
  mn_error err = {0};
  assert_non_null(out);
  for (size_t k = 0; k < count * ld; k++) out[k] = -7;
  if (mn_features_compute(f, &images->samples, first, count, g, end, &ctx, out, ld, &err)) fail_msg("%s", err.text);
  return out;
}

/* Any part of the features, however it is computed, holds the bits of the whole. */
static void check_part(const mn_features *f, const oracle_images *images, const float *whole, size_t first,
                       size_t count, size_t g, size_t end, int threads)
{
  size_t dim = mn_features_dim(f), from = mn_features_begin(f, g), part = mn_features_begin(f, end) - from;
  float *out = compute(f, images, first, count, g, end, threads, part + 3);
  for (size_t i = 0; i < count; i++) {
    assert_memory_equal(out + i * (part + 3), whole + (first + i) * dim + from, part * sizeof *out);
    for (size_t k = part; k < part + 3; k++) assert_true(out[i * (part + 3) + k] == -7);
  }
  free(out);
}

static void parts_are_parts_of_the_whole(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(N, 2, 9, 14, 1);
  for (size_t k = 0; k < 4; k++) {
    mn_features_options o = small(wavelets[k / 2]);
    o.symmetric = k % 2;
    mn_features *f = opened(&o, &images);
    size_t groups = mn_features_groups(f);
    float *whole = compute(f, &images, 0, N, 0, groups, 1, mn_features_dim(f));
    for (int threads = 1; threads <= 5; threads++) check_part(f, &images, whole, 0, N, 0, groups, threads);
    for (size_t first = 0; first < N; first += 5)
      for (size_t count = 1; count <= N - first; count += 7) check_part(f, &images, whole, first, count, 0, groups, 2);
    for (size_t g = 0; g < groups; g++)
      for (size_t end = g + 1; end <= groups; end++) check_part(f, &images, whole, 3, 5, g, end, 1);
    free(whole);
    mn_features_close(&f);
  }
  oracle_images_close(&images);
}

/* The same image has the same features wherever it stands, and in whatever company. */
/* Of an image and its mirror image, each for itself. */
static void symmetric_features_are_sums(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(N, 2, 9, 14, 1);
  assert_int_equal(mn_data_mirror(&images.data, NULL, NULL), MN_OK);
  images.samples = mn_samples_of(images.data, images.samples.scaling);
  for (mn_features_name name = MN_FEATURES_GABOR; name < MN_FEATURES_COUNT; name++) {
    mn_features_options o = small(name);
    o.filters = 5, o.pool_window = 3, o.pool_stride = 2;
    mn_features *plain = opened(&o, &images), *symmetric = (o.symmetric = 1, opened(&o, &images));
    size_t dim = mn_features_dim(plain), groups = mn_features_groups(plain);
    assert_int_equal(mn_features_dim(symmetric), dim);
    assert_true(mn_features_flops(symmetric) == 2 * mn_features_flops(plain));
    float *each = compute(plain, &images, 0, 2 * N, 0, groups, 2, dim);
    float *sums = compute(symmetric, &images, 0, 2 * N, 0, groups, 2, dim);
    for (size_t k = 0; k < N * dim; k++) assert_true(sums[k] == each[k] + each[N * dim + k]);
    assert_memory_equal(sums, sums + N * dim, N * dim * sizeof *sums);
    free(each);
    free(sums);
    mn_features_close(&plain);
    mn_features_close(&symmetric);
  }
  oracle_images_close(&images);
}

static void images_do_not_mix(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(N, 1, 16, 16, 1), alone = oracle_images_open(N, 1, 16, 16, 2);
  mn_features_options o = small(MN_FEATURES_SCATTERING);
  mn_features *f = opened(&o, &images);
  size_t dim = mn_features_dim(f), plane = 256;
  float *x = alone.data->x;
  const float *from = images.data->x;
  for (size_t i = 0; i < N; i += 2) memcpy(x + i * plane, from, plane * sizeof *x);
  float *one = compute(f, &images, 0, 1, 0, mn_features_groups(f), 1, dim);
  float *many = compute(f, &alone, 0, N, 0, mn_features_groups(f), 2, dim);
  for (size_t i = 0; i < N; i++) assert_true(!memcmp(many + i * dim, one, dim * sizeof *one) == !(i % 2));
  free(one), free(many);
  mn_features_close(&f);
  oracle_images_close(&images);
  oracle_images_close(&alone);
}

static void groups_are_in_order(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(1, 1, 28, 28, 1);
  for (size_t k = 0; k < 2; k++) {
    mn_features_options o = mn_features_default(wavelets[k]);
    mn_features *f = opened(&o, &images);
    assert_int_equal(mn_features_begin(f, 0), 0);
    for (size_t g = 0; g < mn_features_groups(f); g++)
      assert_true(mn_features_begin(f, g) < mn_features_begin(f, g + 1));
    assert_int_equal(mn_features_begin(f, mn_features_groups(f)), mn_features_dim(f));
    mn_features_close(&f);
  }
  oracle_images_close(&images);
}

static void wrong_requests(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(3, 1, 8, 8, 1), other = oracle_images_open(3, 1, 4, 16, 1);
  mn_features_options o = small(MN_FEATURES_GABOR);
  mn_features *f = opened(&o, &images);
  size_t dim = mn_features_dim(f), groups = mn_features_groups(f);
  float *out = calloc(3 * dim, sizeof *out), *zeros = calloc(3 * dim, sizeof *out);
  const struct {
    const oracle_images *images;
    size_t first, count, g, end, ld;
    mn_status status;
  } rows[] = {{&other, 0, 3, 0, groups, dim, MN_ERR_DATA},
              {&images, 0, 4, 0, groups, dim, MN_ERR_ARGUMENT},
              {&images, 4, 0, 0, groups, dim, MN_ERR_ARGUMENT},
              {&images, SIZE_MAX, 2, 0, groups, dim, MN_ERR_ARGUMENT},
              {&images, 1, SIZE_MAX, 0, groups, dim, MN_ERR_ARGUMENT},
              {&images, 0, 3, 2, 1, dim, MN_ERR_ARGUMENT},
              {&images, 0, 3, 0, groups + 1, dim, MN_ERR_ARGUMENT},
              {&images, 0, 3, SIZE_MAX, SIZE_MAX, dim, MN_ERR_ARGUMENT},
              {&images, 0, 3, 0, groups, dim - 1, MN_ERR_ARGUMENT},
              {&images, 3, 0, 0, groups, dim, MN_OK},
              {&images, 0, 3, 1, 1, 0, MN_OK}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mn_error err = {0};
    assert_int_equal(mn_features_compute(f, &rows[i].images->samples, rows[i].first, rows[i].count, rows[i].g,
                                         rows[i].end, NULL, out, rows[i].ld, &err),
                     rows[i].status);
    assert_true((rows[i].status != MN_OK) == (strlen(err.text) > 0));
    assert_memory_equal(out, zeros, 3 * dim * sizeof *out);
  }
  free(out), free(zeros);
  mn_features_close(&f);
  oracle_images_close(&images);
  oracle_images_close(&other);
}

/* ---- progress */

typedef struct {
  int calls, stop_at;
  double last, total;
} watch;

static int watching(void *user, const mn_progress *p)
{
  watch *w = user;
  assert_string_equal(p->phase, "features");
  assert_true(p->done >= w->last);
  w->last = p->done;
  w->total = p->total;
  return w->stop_at && ++w->calls >= w->stop_at;
}

static void progress_and_cancelling(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(N, 1, 8, 8, 1);
  mn_features_options o = small(MN_FEATURES_GABOR);
  mn_features *f = opened(&o, &images);
  float *out = malloc(N * mn_features_dim(f) * sizeof *out);
  for (int stop = 0; stop <= 1; stop++) {
    watch w = {.stop_at = stop};
    const mn_context ctx = {.threads = 2, .progress = watching, .user = &w};
    assert_int_equal(
        mn_features_compute(f, &images.samples, 0, N, 0, mn_features_groups(f), &ctx, out, mn_features_dim(f), NULL),
        stop ? MN_ERR_CANCELLED : MN_OK);
    assert_true(w.total == N && (stop || w.last == N));
  }
  free(out);
  mn_features_close(&f);
  oracle_images_close(&images);
}

/* ---- memory */

static mn_status open_and_compute(void *arg, mn_error *err)
{
  const oracle_images *images = arg;
  const mn_context ctx = {.threads = 2};
  mn_features_options o = small(MN_FEATURES_SCATTERING);
  mn_features *f;
  mn_status st = mn_features_open(&o, &images->samples, &ctx, &f, err);
  if (st) return st;
  float *out = malloc(N * mn_features_dim(f) * sizeof *out);
  st = mn_features_compute(f, &images->samples, 0, N, 0, mn_features_groups(f), &ctx, out, mn_features_dim(f), err);
  free(out);
  mn_features_close(&f);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(N, 1, 7, 7, 1);
  mn_test_every_allocation(open_and_compute, &images);
  oracle_images_close(&images);
}

static int set_up(void **state)
{
  int bad = mn_test_dir_open(state);
  setenv("XDG_CACHE_HOME", mn_test_dir, 1);
  return bad;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names),
      cmocka_unit_test(options_out_of_range),
      cmocka_unit_test(parts_are_parts_of_the_whole),
      cmocka_unit_test(symmetric_features_are_sums),
      cmocka_unit_test(images_do_not_mix),
      cmocka_unit_test(groups_are_in_order),
      cmocka_unit_test(wrong_requests),
      cmocka_unit_test(progress_and_cancelling),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("features", tests, set_up, mn_test_dir_close);
}
