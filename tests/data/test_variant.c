/* The data variants: what each keeps and what it changes, on what it depends, what is refused. Permutations are read
 * off images whose elements say where they were. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "data_support.h"

enum { PLACE = 1000 }; /* more than pixels, and than channels */

static mn_data *create(size_t n, const size_t shape[3], mn_dtype type, size_t columns)
{
  mn_data *d = NULL;
  assert_int_equal(mn_data_create(n, shape[0] * shape[1] * shape[2], type, columns, &d, NULL), MN_OK);
  d->channels = shape[0], d->height = shape[1], d->width = shape[2];
  strcpy(d->name, "pictures");
  for (size_t i = 0; i < n * columns; i++) d->y[i] = (double)(i * 7 % 10);
  return d;
}

static void set(mn_data *d, size_t k, double v)
{
  if (d->type == MN_U8) ((unsigned char *)d->x)[k] = (unsigned char)v;
  if (d->type == MN_F32) ((float *)d->x)[k] = (float)v;
  if (d->type == MN_F64) ((double *)d->x)[k] = v;
}

static double get(const mn_data *d, size_t k)
{
  if (d->type == MN_U8) return ((unsigned char *)d->x)[k];
  return d->type == MN_F32 ? (double)((float *)d->x)[k] : ((double *)d->x)[k];
}

/* Element = (image * PLACE + channel) * PLACE + pixel; a sample without a shape has one channel. */
static mn_data *places(size_t n, const size_t shape[3], mn_dtype type)
{
  mn_data *d = create(n, shape, type, 1);
  size_t pixels = shape[1] * shape[2];
  for (size_t k = 0; k < n * d->dim; k++)
    set(d, k, (double)((k / d->dim * PLACE + k % d->dim / pixels) * PLACE + k % pixels));
  return d;
}

/* Pixels as random bytes, or normal numbers. */
static mn_data *images(size_t n, const size_t shape[3], mn_dtype type)
{
  mn_data *d = create(n, shape, type, 1);
  mn_random r = mn_random_open(5, MN_STREAM_TEST, 0);
  for (size_t k = 0; k < n * d->dim; k++)
    set(d, k, type == MN_U8 ? (double)(mn_random_u32(&r) % 256) : 3 + 2 * mn_random_normal(&r));
  return d;
}

static void make(mn_data *d, mn_variant variant, mn_part part, uint64_t seed, int threads)
{
  mn_error err = {0};
  mn_context ctx = {.threads = threads};
  if (mn_data_make_variant(d, variant, part, seed, &ctx, &err)) fail_msg("%s", err.text);
}

/* The permutation of an image of `places`: the same in all of its channels, and none of them left. */
static void read_order(const mn_data *d, size_t image, size_t pixels, size_t *order)
{
  char seen[PLACE] = {0};
  for (size_t p = 0; p < pixels; p++) {
    order[p] = (size_t)get(d, image * d->dim + p) % PLACE;
    assert_false(seen[order[p]]++);
  }
  for (size_t k = 0; k < d->dim; k++) {
    size_t wanted = (image * PLACE + k / pixels) * PLACE + order[k % pixels];
    assert_true(get(d, image * d->dim + k) == (double)wanted);
  }
}

static void names(void **state)
{
  (void)state;
  static const char *const wanted[] = {"true", "random-labels", "shuffled-pixels", "random-pixels", "gaussian"};
  for (int v = 0; v < MN_VARIANT_COUNT; v++) assert_string_equal(mn_variant_string((mn_variant)v), wanted[v]);
  assert_null(mn_variant_string(MN_VARIANT_COUNT));
  assert_null(mn_variant_string((mn_variant)-1));
}

static void the_true_one_is_the_set(void **state)
{
  (void)state;
  mn_data *d = images(6, (const size_t[]){3, 4, 5}, MN_U8), *old = images(6, (const size_t[]){3, 4, 5}, MN_U8);
  make(d, MN_VARIANT_TRUE, MN_TRAIN, 3, 2);
  must_equal(old, d);
  mn_data_close(&d);
  mn_data_close(&old);
}

/* One permutation for all images, of the test set too; another seed has another one. */
static void shuffled_pixels(void **state)
{
  (void)state;
  static const size_t shapes[][3] = {{1, 6, 7}, {3, 5, 4}, {2, 1, 9}};
  for (size_t s = 0; s < 3; s++)
    for (int type = MN_F32; type <= MN_F64; type++) {
      size_t pixels = shapes[s][1] * shapes[s][2], first[PLACE], order[PLACE];
      mn_data *train = places(9, shapes[s], (mn_dtype)type), *test = places(4, shapes[s], (mn_dtype)type);
      mn_data *other = places(2, shapes[s], (mn_dtype)type);
      make(train, MN_VARIANT_SHUFFLED_PIXELS, MN_TRAIN, 8, 2);
      make(test, MN_VARIANT_SHUFFLED_PIXELS, MN_TEST, 8, 1);
      make(other, MN_VARIANT_SHUFFLED_PIXELS, MN_TRAIN, 9, 1);
      read_order(train, 0, pixels, first);
      for (size_t i = 0; i < 9; i++) {
        read_order(i < 4 ? test : train, i, pixels, order);
        assert_memory_equal(order, first, pixels * sizeof *order);
      }
      read_order(other, 0, pixels, order);
      assert_memory_not_equal(order, first, pixels * sizeof *order);
      mn_data_close(&train);
      mn_data_close(&test);
      mn_data_close(&other);
    }
}

/* Distances between images are those of before: nothing a kernel of distances sees has changed. */
static void shuffled_pixels_keep_inner_products(void **state)
{
  (void)state;
  const size_t shape[3] = {3, 6, 6};
  mn_data *d = images(8, shape, MN_U8), *old = images(8, shape, MN_U8);
  make(d, MN_VARIANT_SHUFFLED_PIXELS, MN_TRAIN, 1, 2);
  assert_memory_not_equal(d->x, old->x, 8 * d->dim);
  for (size_t i = 0; i < 8; i++)
    for (size_t j = 0; j < 8; j++) {
      double before = 0, after = 0;
      for (size_t k = 0; k < d->dim; k++) {
        before += get(old, i * d->dim + k) * get(old, j * d->dim + k);
        after += get(d, i * d->dim + k) * get(d, j * d->dim + k);
      }
      assert_true(before == after);
    }
  mn_data_close(&d);
  mn_data_close(&old);
}

/* A permutation for each image; those of the test set are others; the head of a longer set is the same. */
static void random_pixels(void **state)
{
  (void)state;
  const size_t shape[3] = {3, 5, 4}, pixels = 20;
  size_t order[2][PLACE];
  mn_data *d = places(12, shape, MN_F64), *head = places(5, shape, MN_F64), *test = places(12, shape, MN_F64);
  make(d, MN_VARIANT_RANDOM_PIXELS, MN_TRAIN, 4, 3);
  make(head, MN_VARIANT_RANDOM_PIXELS, MN_TRAIN, 4, 1);
  make(test, MN_VARIANT_RANDOM_PIXELS, MN_TEST, 4, 1);
  assert_memory_equal(d->x, head->x, 5 * d->dim * sizeof(double));
  for (size_t i = 0; i < 12; i++) {
    read_order(d, i, pixels, order[0]);
    read_order(test, i, pixels, order[1]);
    assert_memory_not_equal(order[0], order[1], pixels * sizeof **order);
    read_order(d, (i + 1) % 12, pixels, order[1]);
    assert_memory_not_equal(order[0], order[1], pixels * sizeof **order);
  }
  mn_data_close(&d);
  mn_data_close(&head);
  mn_data_close(&test);
}

/* All 24 orders of four pixels are as likely: chi squared with 23 degrees of freedom, 99.99 % of which lie below 55. */
static void permutations_are_uniform(void **state)
{
  (void)state;
  enum { N = 24000 };
  const size_t shape[3] = {1, 2, 2};
  size_t counts[256] = {0}, found = 0;
  double chi2 = 0;
  mn_data *d = create(N, shape, MN_U8, 1);
  for (size_t k = 0; k < 4 * N; k++) set(d, k, (double)(k % 4));
  make(d, MN_VARIANT_RANDOM_PIXELS, MN_TRAIN, 2, 2);
  const unsigned char *x = d->x;
  for (size_t i = 0; i < N; i++, x += 4) counts[x[0] | x[1] << 2 | x[2] << 4 | x[3] << 6]++;
  for (size_t c = 0; c < 256; c++) {
    if (!counts[c]) continue;
    double off = (double)counts[c] - N / 24.0;
    chi2 += off * off / (N / 24.0);
    found++;
  }
  assert_int_equal(found, 24);
  assert_true(chi2 < 55);
  mn_data_close(&d);
}

/* What is no picture: every feature is a pixel of its own. */
static void samples_without_a_shape(void **state)
{
  (void)state;
  size_t order[PLACE], first[PLACE];
  for (int v = MN_VARIANT_SHUFFLED_PIXELS; v <= MN_VARIANT_RANDOM_PIXELS; v++) {
    mn_data *d = places(3, (const size_t[]){1, 1, 30}, MN_F64);
    d->channels = d->height = d->width = 0;
    make(d, (mn_variant)v, MN_TRAIN, 6, 2);
    read_order(d, 0, 30, first);
    read_order(d, 1, 30, order);
    assert_true((memcmp(first, order, 30 * sizeof *order) == 0) == (v == MN_VARIANT_SHUFFLED_PIXELS));
    mn_data_close(&d);
  }
}

/* Mean and deviation are those of the set within four standard errors, the share inside one deviation that of a normal
 * distribution, neighbours independent. */
static void noise_has_the_moments_of_the_set(void **state)
{
  (void)state;
  const size_t shape[3] = {3, 8, 8};
  for (int type = MN_U8; type <= MN_F64; type++) {
    mn_data *d = create(400, shape, (mn_dtype)type, 1);
    mn_random r = mn_random_open(6, MN_STREAM_TEST, 0);
    size_t count = 400 * d->dim, inside = 0;
    for (size_t k = 0; k < count; k++) set(d, k, mn_random_uniform(&r) < 0.25 ? 150 : 110); /* mean 120, deviation 17 */
    mn_data_summary before, after;
    assert_int_equal(mn_data_summarise(d, &before, NULL), MN_OK);
    make(d, MN_VARIANT_GAUSSIAN, MN_TRAIN, 3, 2);
    assert_int_equal(mn_data_summarise(d, &after, NULL), MN_OK);
    assert_int_equal(d->type, type);
    double root = sqrt((double)count), products = 0;
    mn_test_close(after.mean, before.mean, 4 * before.deviation / root / before.mean);
    mn_test_close(after.deviation, before.deviation, 4 * sqrt(0.5) / root + (type == MN_U8 ? 0.001 : 0)); /* rounding */
    for (size_t k = 0; k < count; k++) {
      double z = (get(d, k) - before.mean) / before.deviation;
      inside += fabs(z) < 1;
      products += k ? z * (get(d, k - 1) - before.mean) / before.deviation : 0;
    }
    mn_test_close((double)inside / (double)count, 0.6827, type == MN_U8 ? 0.02 : 0.006);
    mn_test_close(products / (double)count, 0, 4 / root);
    mn_data_close(&d);
  }
}

/* Bytes stay bytes: what lies beyond is cut off. */
static void noise_in_bytes_is_cut(void **state)
{
  (void)state;
  mn_data *d = create(50, (const size_t[]){1, 10, 10}, MN_U8, 1);
  for (size_t k = 0; k < 5000; k++) set(d, k, k % 8 ? 0 : 255);
  make(d, MN_VARIANT_GAUSSIAN, MN_TRAIN, 3, 2);
  size_t ends[2] = {0};
  for (size_t k = 0; k < 5000; k++) ends[0] += get(d, k) == 0, ends[1] += get(d, k) == 255;
  mn_test_close((double)ends[0] / 5000, 0.357, 0.03); /* mean 31.9, deviation 84.3: P(z < -0.37) and P(z > 2.64) */
  mn_test_close((double)ends[1] / 5000, 0.004, 0.004);
  mn_data_close(&d);
}

/* A test set of the same images has other noise and keeps its labels. */
static void parts_and_seeds(void **state)
{
  (void)state;
  const size_t shape[3] = {1, 9, 9};
  for (int v = MN_VARIANT_RANDOM_PIXELS; v <= MN_VARIANT_GAUSSIAN; v++) {
    mn_data *a = images(5, shape, MN_F32), *b = images(5, shape, MN_F32), *c = images(5, shape, MN_F32);
    size_t bytes = 5 * 81 * sizeof(float);
    make(a, (mn_variant)v, MN_TRAIN, 1, 2);
    make(b, (mn_variant)v, MN_TEST, 1, 2);
    make(c, (mn_variant)v, MN_TRAIN, 2, 2);
    assert_memory_not_equal(a->x, b->x, bytes);
    assert_memory_not_equal(a->x, c->x, bytes);
    for (size_t i = 0; i < 5; i++) assert_true(a->y[i] == b->y[i] && a->y[i] == (double)(i * 7 % 10));
    mn_data_close(&a);
    mn_data_close(&b);
    mn_data_close(&c);
  }
}

static void random_labels_are_full_corruption(void **state)
{
  (void)state;
  const size_t shape[3] = {1, 2, 2};
  mn_data *a = images(500, shape, MN_U8), *b = images(500, shape, MN_U8), *test = images(500, shape, MN_U8);
  make(a, MN_VARIANT_RANDOM_LABELS, MN_TRAIN, 12, 2);
  assert_int_equal(mn_data_corrupt(b, 1, 12, NULL), MN_OK);
  must_equal(b, a);
  size_t changed = 0;
  for (size_t i = 0; i < 500; i++) changed += a->y[i] != test->y[i];
  assert_in_range(changed, 415, 485); /* 450 expected, deviation 6.7 */
  mn_data_close(&b);
  b = images(500, shape, MN_U8);
  make(test, MN_VARIANT_RANDOM_LABELS, MN_TEST, 12, 2);
  must_equal(b, test);
  mn_data_close(&a);
  mn_data_close(&b);
  mn_data_close(&test);
}

static void any_number_of_threads(void **state)
{
  (void)state;
  const size_t shape[3] = {3, 7, 5};
  for (int v = 0; v < MN_VARIANT_COUNT; v++)
    for (int type = MN_U8; type <= MN_F64; type++) {
      mn_data *a = images(23, shape, (mn_dtype)type), *b = images(23, shape, (mn_dtype)type);
      make(a, (mn_variant)v, MN_TRAIN, 77, 1);
      make(b, (mn_variant)v, MN_TRAIN, 77, 4);
      must_equal(a, b);
      assert_int_equal(mn_data_make_variant(b, MN_VARIANT_TRUE, MN_TRAIN, 0, NULL, NULL), MN_OK);
      mn_data_close(&a);
      mn_data_close(&b);
    }
  assert_int_equal(mn_memory_live(), 0);
}

static void refusals(void **state)
{
  (void)state;
  const size_t shape[3] = {1, 2, 2};
  mn_error err = {0};
  mn_data *d = images(4, shape, MN_F64), *old = images(4, shape, MN_F64);
  assert_int_equal(mn_data_make_variant(d, MN_VARIANT_COUNT, MN_TRAIN, 0, NULL, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "variant 5: not in the table");
  d->y[2] = old->y[2] = 0.5;
  assert_int_equal(mn_data_make_variant(d, MN_VARIANT_RANDOM_LABELS, MN_TRAIN, 0, NULL, &err), MN_ERR_DATA);
  assert_int_equal(mn_data_make_variant(d, MN_VARIANT_RANDOM_LABELS, MN_TRAIN, 0, NULL, NULL), MN_ERR_DATA);
  must_equal(old, d);
  mn_data_close(&d);
  mn_data_close(&old);
}

/* A set for which the call fails is as it was. */
static mn_status vary_once(void *arg, mn_error *err)
{
  const size_t shape[3] = {3, 3, 2};
  mn_context ctx = {.threads = 2};
  mn_data *d = NULL, *old = NULL;
  mn_status st = mn_data_create(4, 18, MN_U8, 1, &d, err);
  if (!st) st = mn_data_create(4, 18, MN_U8, 1, &old, err);
  if (st) goto done;
  memcpy(d->x, "a picture of eighteen bytes a sample and four samples in all, as it is", 4 * 17);
  memset((char *)d->x + 4 * 17, 7, 4);
  memcpy(old->x, d->x, 4 * 18);
  for (size_t i = 0; i < 4; i++) d->y[i] = old->y[i] = (double)i;
  d->channels = old->channels = shape[0], d->height = old->height = shape[1], d->width = old->width = shape[2];
  st = mn_data_make_variant(d, *(mn_variant *)arg, MN_TRAIN, 1, &ctx, err);
  if (st) must_equal(old, d);
done:
  mn_data_close(&d);
  mn_data_close(&old);
  return st;
}

static void every_allocation(void **state)
{
  (void)state;
  for (mn_variant v = 0; v < MN_VARIANT_COUNT; v++) mn_test_every_allocation(vary_once, &v);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names),
      cmocka_unit_test(the_true_one_is_the_set),
      cmocka_unit_test(shuffled_pixels),
      cmocka_unit_test(shuffled_pixels_keep_inner_products),
      cmocka_unit_test(random_pixels),
      cmocka_unit_test(permutations_are_uniform),
      cmocka_unit_test(samples_without_a_shape),
      cmocka_unit_test(noise_has_the_moments_of_the_set),
      cmocka_unit_test(noise_in_bytes_is_cut),
      cmocka_unit_test(parts_and_seeds),
      cmocka_unit_test(random_labels_are_full_corruption),
      cmocka_unit_test(any_number_of_threads),
      cmocka_unit_test(refusals),
      cmocka_unit_test(every_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
