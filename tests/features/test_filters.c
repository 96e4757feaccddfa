/* Patches, whitening and filters against their definitions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv_support.h"
#include "features/filters.h"

/* ---- patches */

static void places_are_a_permutation(void **state)
{
  (void)state;
  static const size_t sizes[][3] = {{1, 3, 3}, {1, 3, 4}, {5, 4, 7}, {40, 9, 8}, {300, 6, 6}};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    naive_set images = conv_images(sizes[s][0], 1, sizes[s][1], sizes[s][2], MN_U8, MN_SCALE_NONE, s);
    mn_patches p = mn_patches_of(&images.samples, 3, s);
    uint64_t places = mn_patches_places(&p);
    char *seen = calloc(places, 1);
    assert_non_null(seen);
    assert_int_equal(places, sizes[s][0] * (sizes[s][1] - 2) * (sizes[s][2] - 2));
    for (size_t i = 0; i < places; i++) seen[mn_patches_place(&p, i)]++;
    for (size_t i = 0; i < places; i++) assert_int_equal(seen[i], 1);
    assert_int_equal(mn_patches_place(&p, places + 2 % places), mn_patches_place(&p, 2 % places));
    free(seen);
    naive_close(&images);
  }
}

/* Every seed has its own order, without a drift: the mean place of the first patches is in the middle. */
static void places_are_spread(void **state)
{
  (void)state;
  enum { DRAWN = 4000 };
  naive_set images = conv_images(1000, 1, 8, 9, MN_U8, MN_SCALE_NONE, 1);
  mn_patches a = mn_patches_of(&images.samples, 3, 1), b = mn_patches_of(&images.samples, 3, 2);
  double sum = 0, places = (double)mn_patches_places(&a);
  size_t equal = 0;
  for (size_t i = 0; i < DRAWN; i++) {
    sum += (double)mn_patches_place(&a, i) / places / DRAWN;
    equal += mn_patches_place(&a, i) == mn_patches_place(&b, i);
  }
  assert_true(fabs(sum - 0.5) < 5 * 0.2887 / sqrt(DRAWN)); /* five deviations of a mean of uniform numbers */
  assert_true(equal < 5);
  naive_close(&images);
}

/* Patch i as doubles, from the images by definition. */
static void cut(const naive_set *s, const mn_patches *p, size_t i, double *out)
{
  size_t columns = p->width - p->side + 1, each = (p->height - p->side + 1) * columns;
  uint64_t place = mn_patches_place(p, i);
  const double *image = s->x + place / each * s->dim;
  size_t y = place % each / columns, x = place % columns;
  for (size_t k = 0; k < p->taps; k++) {
    size_t c = k / (p->side * p->side), dy = k / p->side % p->side, dx = k % p->side;
    out[k] = image[(c * p->height + y + dy) * p->width + x + dx];
  }
}

static void patches_are_cut_from_the_images(void **state)
{
  (void)state;
  static const struct {
    mn_dtype type;
    mn_scale scale;
  } cases[] = {{MN_U8, MN_SCALE_NONE},      {MN_U8, MN_SCALE_UNIT},  {MN_U8, MN_SCALE_STANDARD},
               {MN_F32, MN_SCALE_STANDARD}, {MN_F32, MN_SCALE_UNIT}, {MN_F64, MN_SCALE_NONE}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    naive_set images = conv_images(7, 3, 6, 5, cases[c].type, cases[c].scale, c);
    mn_patches p = mn_patches_of(&images.samples, 4, 3);
    float image[3 * 6 * 5], out[48];
    double exact[48];
    for (size_t i = 0; i < 40; i++) {
      mn_patches_read(&p, i, image, out);
      cut(&images, &p, i, exact);
      for (size_t k = 0; k < 48; k++) mn_test_close(p.unit * (double)out[k], exact[k], 2e-7);
    }
    naive_close(&images);
  }
}

static void normalised_patches(void **state)
{
  (void)state;
  enum { TAPS = 12 };
  double *x = naive_normals(TAPS, 1), y[TAPS], z[TAPS], mean = 0, squares = 0;
  for (int norm = MN_PATCHES_RAW; norm <= MN_PATCHES_UNIT; norm++) {
    memcpy(y, x, sizeof y);
    memcpy(z, x, sizeof z);
    mn_patches_normalise((mn_patch_norm)norm, 0.5, TAPS, y);
    conv_normalise((mn_patch_norm)norm, 0.5, TAPS, z);
    for (size_t k = 0; k < TAPS; k++) mn_test_close(y[k], z[k], 1e-14);
  }
  for (size_t k = 0; k < TAPS; k++) mean += y[k], squares += y[k] * y[k];
  mn_test_close(mean, 0, 1e-15);
  mn_test_close(squares, 1, 1e-14);
  for (int norm = MN_PATCHES_CENTER; norm <= MN_PATCHES_UNIT; norm++) {
    for (size_t k = 0; k < TAPS; k++) y[k] = 0.1; /* whose mean is not exactly 0.1 */
    mn_patches_normalise((mn_patch_norm)norm, 0, TAPS, y);
    for (size_t k = 0; k < TAPS; k++) mn_test_close(y[k], 0, 1e-15);
  }
  free(x);
}

/* ---- whitening */

enum { CHANNELS = 2, SIDE = 3, TAPS = CHANNELS * SIDE * SIDE };

typedef struct {
  naive_set images;
  mn_patches patches;
  size_t count;
  double mean[TAPS], covariance[TAPS * TAPS];
} moments;

/* Second moments about the mean, or about 0, of the first `count` normalised patches. */
static moments moments_of(size_t count, mn_patch_norm norm, double constant, int center)
{
  moments m = {.images = conv_images(30, CHANNELS, 7, 8, MN_U8, MN_SCALE_UNIT, 4), .count = count};
  m.patches = mn_patches_of(&m.images.samples, SIDE, 9);
  m.patches.train = &m.images.samples;
  double *all = malloc(count * TAPS * sizeof *all);
  assert_non_null(all);
  for (size_t i = 0; i < count; i++) {
    cut(&m.images, &m.patches, i, all + i * TAPS);
    conv_normalise(norm, constant, TAPS, all + i * TAPS);
    for (size_t k = 0; k < TAPS && center; k++) m.mean[k] += all[i * TAPS + k] / (double)count;
  }
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < TAPS; k++)
      for (size_t j = 0; j < TAPS; j++)
        m.covariance[k * TAPS + j] += (all[i * TAPS + k] - m.mean[k]) * (all[i * TAPS + j] - m.mean[j]) / (double)count;
  free(all);
  return m;
}

static void multiply(const double *a, const double *b, double *out)
{
  naive_multiply(TAPS, TAPS, a, TAPS, b, out);
}

static mn_whitening whiten(moments *m, mn_patch_norm norm, double constant, int center, double epsilon, int threads)
{
  mn_whitening w;
  m->patches.train = &m->images.samples;
  assert_int_equal(mn_whitening_open(&m->patches, m->count, norm, constant, center, epsilon, threads, &w, NULL), MN_OK);
  for (size_t k = 0; k < TAPS; k++) mn_test_close(w.mean[k], m->mean[k], 1e-13);
  return w;
}

/* (C + epsilon) W W = I */
static void whitening_inverts_the_covariance(void **state)
{
  (void)state;
  for (int norm = MN_PATCHES_RAW; norm <= MN_PATCHES_UNIT; norm++)
    for (int center = 0; center < 2; center++) {
      moments m = moments_of(600, (mn_patch_norm)norm, 0.01, center);
      mn_whitening w = whiten(&m, (mn_patch_norm)norm, 0.01, center, 1e-3, 2);
      double product[TAPS * TAPS];
      for (size_t k = 0; k < TAPS; k++) m.covariance[k * (TAPS + 1)] += 1e-3;
      multiply(m.covariance, w.square, product);
      for (size_t k = 0; k < TAPS * TAPS; k++) mn_test_close(product[k], k % (TAPS + 1) == 0, 1e-10);
      mn_whitening_close(&w);
      naive_close(&m.images);
    }
}

/* Without a constant, whitened patches have covariance W C W = I on all directions but that of constant patches: W W is
 * the pseudo-inverse of C, and trace(W C W) its rank. */
static void without_a_constant_whitened_patches_are_white(void **state)
{
  (void)state;
  moments m = moments_of(600, MN_PATCHES_NORM, 0.01, 1);
  mn_whitening w = whiten(&m, MN_PATCHES_NORM, 0.01, 1, 0, 2);
  double product[TAPS * TAPS], again[TAPS * TAPS], trace = 0;
  multiply(m.covariance, w.square, product);
  for (size_t k = 0; k < TAPS; k++) trace += product[k * (TAPS + 1)];
  mn_test_close(trace, TAPS - 1, 1e-10);
  multiply(product, m.covariance, again);
  assert_true(naive_distance(TAPS * TAPS, again, m.covariance) <= 1e-11 * naive_norm(TAPS * TAPS, m.covariance));
  multiply(w.square, product, again);
  assert_true(naive_distance(TAPS * TAPS, again, w.square) <= 1e-11 * naive_norm(TAPS * TAPS, w.square));
  mn_whitening_close(&w);
  naive_close(&m.images);
}

static void threads_do_not_change_a_bit(void **state)
{
  (void)state;
  moments m = moments_of(700, MN_PATCHES_NORM, 0.01, 1);
  mn_whitening one = whiten(&m, MN_PATCHES_NORM, 0.01, 1, 0.1, 1);
  mn_whitening three = whiten(&m, MN_PATCHES_NORM, 0.01, 1, 0.1, 3);
  assert_memory_equal(one.mean, three.mean, sizeof m.mean);
  assert_memory_equal(one.square, three.square, sizeof m.covariance);
  mn_whitening_close(&one);
  mn_whitening_close(&three);
  naive_close(&m.images);
}

/* ---- filters */

typedef struct {
  double weights[TAPS], offset;
} filter;

static filter make(const mn_filter_bank *bank, size_t f)
{
  filter out;
  double scratch[TAPS];
  mn_filters_make(bank, f, scratch, out.weights, &out.offset);
  return out;
}

static mn_features_options options_of(mn_filters kind)
{
  mn_features_options o = conv_options();
  o.kind = kind;
  o.seed = 9;
  o.whiten_patches = 600;
  o.patch_constant = 0.01 * 255 * 255;
  return o;
}

static mn_filter_bank must_open(const mn_features_options *o, const naive_set *images)
{
  mn_filter_bank bank;
  assert_int_equal(mn_filters_open(o, &images->samples, NULL, 2, &bank, NULL), MN_OK);
  return bank;
}

/* Norm 1 before the mean is taken off, which images with raw patches keep. */
static void unit_filters(void **state)
{
  (void)state;
  naive_set images = conv_images(30, CHANNELS, 7, 8, MN_U8, MN_SCALE_UNIT, 4);
  for (int kind = MN_FILTERS_GAUSSIAN; kind <= MN_FILTERS_PATCHES; kind++) {
    mn_features_options o = options_of((mn_filters)kind);
    o.patch_norm = MN_PATCHES_RAW;
    o.filter_norm = MN_PATCHES_RAW;
    mn_filter_bank raw = must_open(&o, &images);
    o.patch_norm = MN_PATCHES_CENTER;
    mn_filter_bank centered = must_open(&o, &images);
    for (size_t f = 0; f < o.filters; f++) {
      filter a = make(&raw, f), b = make(&centered, f);
      double sum = 0, mean = 0;
      for (size_t k = 0; k < TAPS; k++) sum += b.weights[k], mean += a.weights[k] / TAPS;
      mn_test_close(naive_norm(TAPS, a.weights), 1, 1e-14);
      mn_test_close(sum, 0, 1e-14);
      for (size_t k = 0; k < TAPS; k++) mn_test_close(b.weights[k], a.weights[k] - mean, 1e-14);
      assert_true(a.offset == 0 && b.offset == 0);
    }
    mn_filters_close(&raw);
    mn_filters_close(&centered);
  }
  naive_close(&images);
}

/* Mean 0 and variance 1 over many filters, before they are scaled. */
static void gaussian_filters(void **state)
{
  (void)state;
  naive_set images = conv_images(1, CHANNELS, 7, 8, MN_U8, MN_SCALE_UNIT, 4);
  mn_features_options o = options_of(MN_FILTERS_GAUSSIAN);
  o.patch_norm = MN_PATCHES_RAW;
  o.filter_unit = 0;
  o.filters = 2000;
  mn_filter_bank bank = must_open(&o, &images);
  double mean = 0, squares = 0, count = (double)o.filters * TAPS;
  for (size_t f = 0; f < o.filters; f++) {
    filter a = make(&bank, f);
    for (size_t k = 0; k < TAPS; k++) mean += a.weights[k] / count, squares += a.weights[k] * a.weights[k] / count;
  }
  assert_true(fabs(mean) < 5 / sqrt(count));
  assert_true(fabs(squares - 1) < 5 * sqrt(2 / count));
  mn_filters_close(&bank);
  naive_close(&images);
}

/* W (W p) by definition: v with (C + epsilon) v = p - m; its norm in the whitened space is that of W p. */
static void check_whitened(int unit, int center)
{
  moments m = moments_of(600, MN_PATCHES_NORM, 0.01, center);
  mn_features_options o = options_of(MN_FILTERS_WHITENED);
  o.filter_unit = unit;
  o.whiten_test = center;
  mn_filter_bank bank = must_open(&o, &m.images);
  m.patches.train = &m.images.samples;
  for (size_t k = 0; k < TAPS; k++) m.covariance[k * (TAPS + 1)] += o.whiten_epsilon;
  for (size_t f = 0; f < o.filters; f++) {
    double p[TAPS], v[TAPS], norm2 = 0, offset = 0, mean = 0;
    filter a = make(&bank, f);
    cut(&m.images, &m.patches, f, p);
    conv_normalise(MN_PATCHES_NORM, 0.01, TAPS, p);
    for (size_t k = 0; k < TAPS; k++) p[k] -= m.mean[k];
    naive_solve(TAPS, m.covariance, 1, p, v);
    for (size_t k = 0; k < TAPS; k++) norm2 += p[k] * v[k];
    for (size_t k = 0; k < TAPS; k++) v[k] /= unit ? sqrt(norm2) : 1;
    for (size_t k = 0; k < TAPS; k++) offset += v[k] * m.mean[k], mean += v[k] / TAPS;
    for (size_t k = 0; k < TAPS; k++) mn_test_close(a.weights[k], v[k] - mean, 1e-11);
    mn_test_close(a.offset, offset, 1e-11);
  }
  mn_filters_close(&bank);
  naive_close(&m.images);
}

static void whitened_filters(void **state)
{
  (void)state;
  check_whitened(1, 1);
  check_whitened(0, 1);
  check_whitened(1, 0);
}

/* Filter f is the same however many there are, and another with another seed. */
static void a_filter_depends_on_its_number_and_the_seed(void **state)
{
  (void)state;
  naive_set images = conv_images(30, CHANNELS, 7, 8, MN_F32, MN_SCALE_NONE, 4);
  for (int kind = MN_FILTERS_GAUSSIAN; kind <= MN_FILTERS_WHITENED; kind++) {
    mn_features_options o = options_of((mn_filters)kind), more = o, other = o;
    more.filters = 1000;
    other.seed++;
    mn_filter_bank a = must_open(&o, &images), b = must_open(&more, &images), c = must_open(&other, &images);
    for (size_t f = 0; f < o.filters; f++) {
      filter x = make(&a, f), y = make(&b, f), z = make(&c, f);
      assert_memory_equal(&x, &y, sizeof x);
      assert_memory_not_equal(&x, &z, sizeof x);
    }
    mn_filters_close(&a), mn_filters_close(&b), mn_filters_close(&c);
  }
  naive_close(&images);
}

typedef struct {
  mn_features_options options;
  naive_set images;
} request;

static mn_status open_filters(void *arg, mn_error *err)
{
  request *r = arg;
  mn_filter_bank bank;
  mn_status st = mn_filters_open(&r->options, &r->images.samples, NULL, 2, &bank, err);
  mn_filters_close(&bank);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  request r = {options_of(MN_FILTERS_WHITENED), conv_images(3, CHANNELS, 7, 8, MN_F32, MN_SCALE_NONE, 4)};
  mn_test_every_allocation(open_filters, &r);
  naive_close(&r.images);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_are_a_permutation),
      cmocka_unit_test(places_are_spread),
      cmocka_unit_test(patches_are_cut_from_the_images),
      cmocka_unit_test(normalised_patches),
      cmocka_unit_test(whitening_inverts_the_covariance),
      cmocka_unit_test(without_a_constant_whitened_patches_are_white),
      cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test(unit_filters),
      cmocka_unit_test(gaussian_filters),
      cmocka_unit_test(whitened_filters),
      cmocka_unit_test(a_filter_depends_on_its_number_and_the_seed),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("filters", tests, NULL, NULL);
}
