/* Data sets in memory: taking samples, labels, duplicates, summary. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "data_support.h"

static mn_data *make(size_t n, size_t dim, mn_dtype type, size_t columns)
{
  mn_data *d = NULL;
  assert_int_equal(mn_data_create(n, dim, type, columns, &d, NULL), MN_OK);
  memset(d->x, 0, n * dim * mn_dtype_size(type));
  for (size_t i = 0; i < n * columns; i++) d->y[i] = (double)i;
  return d;
}

static void set(mn_data *d, size_t i, size_t j, double v)
{
  size_t k = i * d->dim + j;
  if (d->type == MN_U8) ((unsigned char *)d->x)[k] = (unsigned char)v;
  if (d->type == MN_F32) ((float *)d->x)[k] = (float)v;
  if (d->type == MN_F64) ((double *)d->x)[k] = v;
}

static double get(const mn_data *d, size_t i, size_t j)
{
  size_t k = i * d->dim + j;
  return d->type == MN_U8    ? ((unsigned char *)d->x)[k]
         : d->type == MN_F32 ? (double)((float *)d->x)[k]
                             : ((double *)d->x)[k];
}

static void test_create(void **state)
{
  (void)state;
  mn_error err;
  mn_data *d = make(3, 4, MN_F32, 2);
  assert_int_equal(d->n * 1000 + d->dim * 100 + d->columns * 10 + d->height, 3420);
  mn_data_close(&d);
  assert_null(d);
  d = make(3, 4, MN_U8, 0);
  assert_null(d->y);
  mn_data_close(&d);
  assert_int_equal(mn_data_create(0, 4, MN_U8, 1, &d, &err), MN_ERR_DATA);
  assert_int_equal(mn_data_create(4, 0, MN_U8, 1, &d, &err), MN_ERR_DATA);
  assert_int_equal(mn_data_create((size_t)1 << 40, (size_t)1 << 40, MN_U8, 1, &d, &err), MN_ERR_MEMORY);
  assert_int_equal(mn_data_create((size_t)1 << 62, 1, MN_F64, 1, &d, &err), MN_ERR_MEMORY);
  assert_null(d);
}

/* Every sample carries its number as feature and as target, so that a row out of place shows. */
static mn_data *numbered(size_t n, mn_dtype type)
{
  mn_data *d = make(n, 6, type, 2);
  d->channels = 1;
  d->height = 2;
  d->width = 3;
  strcpy(d->name, "numbered");
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < 6; j++) set(d, i, j, (double)(i + j));
    d->y[2 * i] = (double)i;
    d->y[2 * i + 1] = -(double)i;
  }
  return d;
}

static void assert_rows(const mn_data *d, const size_t *order, size_t n)
{
  assert_int_equal(d->n, n);
  assert_int_equal(d->dim * 1000 + d->channels * 100 + d->height * 10 + d->width, 6123);
  assert_string_equal(d->name, "numbered");
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < 6; j++) assert_true(get(d, i, j) == (double)(order[i] + j));
    assert_true(d->y[2 * i] == (double)order[i] && d->y[2 * i + 1] == -(double)order[i]);
  }
}

static void test_take(void **state)
{
  (void)state;
  enum { N = 40 };
  size_t natural[N], train[N], test[N];
  for (size_t i = 0; i < N; i++) natural[i] = i;
  mn_random_permutation(7, MN_STREAM_SHUFFLE_TRAIN, N, train);
  mn_random_permutation(7, MN_STREAM_SHUFFLE_TEST, N, test);
  assert_memory_not_equal(train, test, sizeof test);
  for (int type = MN_U8; type <= MN_F64; type++) {
    mn_data *d = numbered(N, (mn_dtype)type);
    assert_int_equal(mn_data_take(&d, 0, 0, 7, MN_TRAIN, NULL, NULL), MN_OK);
    assert_rows(d, natural, N);
    assert_int_equal(mn_data_take(&d, 15, 0, 7, MN_TRAIN, NULL, NULL), MN_OK);
    assert_rows(d, natural, 15);
    mn_data_close(&d);
    d = numbered(N, (mn_dtype)type);
    assert_int_equal(mn_data_take(&d, 0, 1, 7, MN_TRAIN, NULL, NULL), MN_OK);
    assert_rows(d, train, N);
    mn_data_close(&d);
    d = numbered(N, (mn_dtype)type);
    assert_int_equal(mn_data_take(&d, 11, 1, 7, MN_TEST, NULL, NULL), MN_OK);
    assert_rows(d, test, 11);
    mn_data_close(&d);
  }
}

/* The order of a shuffle counts; a set whose shuffle is refused is as it was. */
static void test_take_budget(void **state)
{
  (void)state;
  enum { N = 1 << 21 };
  mn_error err = {0};
  mn_data *d = NULL;
  assert_int_equal(mn_data_create(N, 1, MN_U8, 0, &d, NULL), MN_OK);
  for (size_t i = 0; i < N; i++) ((unsigned char *)d->x)[i] = (unsigned char)(i % 251);
  mn_context ctx = {.memory_bytes = mn_memory_current_rss() + (4 << 20)};
  strcpy(d->name, "many");
  assert_int_equal(mn_data_take(&d, 1000, 1, 3, MN_TRAIN, &ctx, &err), MN_ERR_BUDGET);
  assert_non_null(strstr(err.text, "many: the order of 2,097,152 samples needs 16,777,216 bytes of memory"));
  assert_int_equal(d->n, N);
  for (size_t i = 0; i < N; i++) assert_int_equal(((unsigned char *)d->x)[i], i % 251);
  ctx.memory_bytes = mn_memory_current_rss() + (20 << 20);
  assert_int_equal(mn_data_take(&d, 1000, 1, 3, MN_TRAIN, &ctx, &err), MN_OK);
  assert_int_equal(d->n, 1000);
  mn_data_close(&d);
}

static void test_take_too_many(void **state)
{
  (void)state;
  mn_error err;
  size_t natural[3] = {0, 1, 2};
  mn_data *d = numbered(3, MN_U8);
  assert_int_equal(mn_data_take(&d, 1234, 0, 0, MN_TRAIN, NULL, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "numbered: 1,234 samples wanted, 3 there");
  assert_rows(d, natural, 3);
  mn_data_close(&d);
}

static void test_labels(void **state)
{
  (void)state;
  int64_t *labels = NULL;
  size_t count = 0;
  mn_error err;
  const double values[] = {3, -1, 9007199254740991, 3, -9007199254740991, -0.0, 3, 0};
  const int64_t distinct[] = {-9007199254740991, -1, 0, 3, 9007199254740991};
  mn_data *d = make(8, 1, MN_U8, 1);
  memcpy(d->y, values, sizeof values);
  assert_true(mn_data_has_labels(d));
  assert_int_equal(mn_data_classes(d, &labels, &count, NULL), MN_OK);
  assert_int_equal(count, 5);
  assert_memory_equal(labels, distinct, sizeof distinct);
  mn_data_free(labels);
  const double others[] = {0.5, 9007199254740992.0, -9007199254740992.0, NAN, INFINITY};
  for (size_t i = 0; i < 5; i++) {
    d->y[7] = others[i];
    assert_false(mn_data_has_labels(d));
    assert_int_equal(mn_data_classes(d, &labels, &count, &err), MN_ERR_DATA);
    assert_null(labels);
  }
  mn_data_close(&d);
  d = make(2, 1, MN_U8, 2);
  assert_false(mn_data_has_labels(d));
  mn_data_close(&d);
  d = make(2, 1, MN_U8, 0);
  assert_int_equal(mn_data_classes(d, &labels, &count, &err), MN_ERR_DATA);
  mn_data_close(&d);
}

/* The naive twin: every pair of rows. */
static size_t naive_duplicates(const mn_data *d, mn_pair *out)
{
  size_t found = 0;
  for (size_t b = 0; b < d->n; b++)
    for (size_t a = 0; a < b; a++) {
      size_t j = 0;
      while (j < d->dim && get(d, a, j) == get(d, b, j)) j++;
      if (j < d->dim) continue;
      out[found++] = (mn_pair){a, b};
      break;
    }
  return found;
}

static void test_duplicates(void **state)
{
  (void)state;
  enum { N = 200 };
  mn_pair expected[N], *pairs;
  size_t count;
  mn_random r = mn_random_open(3, MN_STREAM_TEST, 0);
  for (int type = MN_U8; type <= MN_F64; type++)
    for (size_t dim = 1; dim <= 17; dim++) {
      mn_data *d = make(N, dim, (mn_dtype)type, 1);
      for (size_t i = 0; i < N; i++) { /* few different rows, which differ in one place only */
        set(d, i, mn_random_below(&r, dim), (double)mn_random_below(&r, 5));
        if (type != MN_U8 && mn_random_below(&r, 3) == 0) set(d, i, mn_random_below(&r, dim), -0.0);
      }
      size_t there = naive_duplicates(d, expected);
      assert_true(there > 0);
      assert_int_equal(mn_data_duplicates(d, &pairs, &count, NULL), MN_OK);
      assert_int_equal(count, there);
      for (size_t k = 0; k < count; k++)
        assert_true(pairs[k].first == expected[k].first && pairs[k].second == expected[k].second);
      mn_data_free(pairs);
      mn_data_close(&d);
    }
}

/* Rows of 16 bytes that differ and have one hash: the second word makes up for the first. (A copy of the hash, so that
 * the case is met at all; the answer does not depend on it.) */
static void test_colliding_hashes(void **state)
{
  (void)state;
  const uint64_t odd = 0x9e3779b97f4a7c15u;
  uint64_t rows[4][2] = {{1, 5}, {2, 0}, {1, 5}, {2, 0}}, after[2];
  for (uint64_t k = 0; k < 2; k++) {
    after[k] = (16 ^ (k + 1)) * odd;
    after[k] ^= after[k] >> 29;
  }
  rows[1][1] = rows[3][1] = 5 ^ after[0] ^ after[1];
  mn_pair *pairs;
  size_t count;
  mn_data *d = make(4, 16, MN_U8, 1);
  memcpy(d->x, rows, sizeof rows);
  assert_int_equal(mn_data_duplicates(d, &pairs, &count, NULL), MN_OK);
  assert_int_equal(count, 2);
  assert_true(pairs[0].first == 0 && pairs[0].second == 2 && pairs[1].first == 1 && pairs[1].second == 3);
  mn_data_free(pairs);
  mn_data_close(&d);
}

static void test_no_duplicates(void **state)
{
  (void)state;
  mn_pair *pairs;
  size_t count;
  mn_data *d = make(500, 2, MN_U8, 1);
  for (size_t i = 0; i < 500; i++) set(d, i, 0, (double)(i % 256)), set(d, i, 1, (double)(i / 256));
  assert_int_equal(mn_data_duplicates(d, &pairs, &count, NULL), MN_OK);
  assert_int_equal(count, 0);
  mn_data_free(pairs);
  mn_data_close(&d);
}

static void test_summary(void **state)
{
  (void)state;
  enum { N = 100, D = 7 };
  mn_random r = mn_random_open(5, MN_STREAM_TEST, 0);
  for (int type = MN_U8; type <= MN_F64; type++) {
    mn_data_summary s;
    mn_data *d = make(N, D, (mn_dtype)type, 1);
    long double sum = 0, squares = 0;
    double min = INFINITY, max = -INFINITY;
    for (size_t i = 0; i < N; i++)
      for (size_t j = 0; j < D; j++) {
        set(d, i, j, j == 2 || j == 5 ? 17 : 100 + (double)mn_random_below(&r, 100) + (type == MN_F64) * 1e8);
        double v = get(d, i, j);
        sum += v;
        min = fmin(min, v);
        max = fmax(max, v);
      }
    long double mean = sum / (N * D);
    for (size_t i = 0; i < N; i++)
      for (size_t j = 0; j < D; j++) squares += (get(d, i, j) - mean) * (get(d, i, j) - mean);
    assert_int_equal(mn_data_summarise(d, &s, NULL), MN_OK);
    assert_true(s.min == min && s.max == max);
    mn_test_close(s.mean, (double)mean, 1e-14);
    mn_test_close(s.deviation, (double)sqrtl(squares / (N * D)), 1e-13);
    assert_int_equal(s.constant_features, 2);
    mn_data_close(&d);
  }
}

static mn_status all_calls(void *arg, mn_error *err)
{
  mn_data *d = NULL;
  mn_pair *pairs = NULL;
  int64_t *labels = NULL;
  mn_data_summary s;
  size_t count;
  (void)arg;
  mn_status st = mn_data_create(20, 3, MN_F64, 1, &d, err);
  if (st) return st;
  memset(d->x, 0, 20 * 3 * sizeof(double));
  memset(d->y, 0, 20 * sizeof(double));
  st = mn_data_take(&d, 10, 1, 3, MN_TRAIN, NULL, err);
  if (!st) st = mn_data_classes(d, &labels, &count, err);
  if (!st) st = mn_data_duplicates(d, &pairs, &count, err);
  if (!st) st = mn_data_summarise(d, &s, err);
  mn_data_free(labels);
  mn_data_free(pairs);
  mn_data_close(&d);
  return st;
}

/* Any element, target or shape counts; the name does not. */
static void test_fingerprint(void **state)
{
  (void)state;
  mn_data *a, *b;
  char of_a[33], of_b[33];
  assert_int_equal(mn_data_create(3, 4, MN_F32, 1, &a, NULL), MN_OK);
  assert_int_equal(mn_data_create(3, 4, MN_F32, 1, &b, NULL), MN_OK);
  memset(a->x, 0, 48), memset(b->x, 0, 48);
  for (size_t i = 0; i < 3; i++) a->y[i] = b->y[i] = (double)i;
  strcpy(a->name, "a");
  mn_data_fingerprint(a, of_a);
  mn_data_fingerprint(b, of_b);
  assert_string_equal(of_a, of_b);
  assert_int_equal(strlen(of_a), 32);
  ((float *)b->x)[11] = 1;
  mn_data_fingerprint(b, of_b);
  assert_string_not_equal(of_a, of_b);
  ((float *)b->x)[11] = 0, b->y[2] = 7;
  mn_data_fingerprint(b, of_b);
  assert_string_not_equal(of_a, of_b);
  b->y[2] = 2, b->n = 2;
  mn_data_fingerprint(b, of_b);
  assert_string_not_equal(of_a, of_b);
  mn_data_close(&a), mn_data_close(&b);
}

static void test_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(all_calls, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_create),        cmocka_unit_test(test_take),
      cmocka_unit_test(test_take_too_many), cmocka_unit_test(test_take_budget),
      cmocka_unit_test(test_labels),        cmocka_unit_test(test_duplicates),
      cmocka_unit_test(test_no_duplicates), cmocka_unit_test(test_colliding_hashes),
      cmocka_unit_test(test_summary),       cmocka_unit_test(test_fingerprint),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
