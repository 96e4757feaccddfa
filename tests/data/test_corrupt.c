/* Corruption of labels: how many are redrawn and to what, on what it depends, that a fit does the same, what is
 * refused. The expected share of changed labels is p (1 - 1/k) over k classes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "data/corrupt.h"
#include "minnorm/data.h"
#include "model/model.h"
#include "support.h"

enum { N = 20000, K = 10 };

/* n samples of one feature whose labels take turns among first, first + step, ...; 7 does not divide `classes`. */
static mn_data *make(size_t n, size_t classes, double first, double step)
{
  mn_data *data = NULL;
  assert_int_equal(mn_data_create(n, 1, MN_U8, 1, &data, NULL), MN_OK);
  memset(data->x, 0, n);
  for (size_t i = 0; i < n; i++) data->y[i] = first + step * (double)(i * 7 % classes);
  snprintf(data->name, sizeof data->name, "test data");
  return data;
}

static mn_data *make_corrupted(size_t n, size_t classes, double p, uint64_t seed)
{
  mn_data *data = make(n, classes, 0, 1);
  mn_error err = {0};
  if (mn_data_corrupt(data, p, seed, &err)) fail_msg("%s", err.text);
  return data;
}

static void nothing_at_zero(void **state)
{
  (void)state;
  mn_data *data = make(1000, K, -4, 3), *same = make(1000, K, -4, 3);
  data->y[3] = same->y[3] = -0.0; /* a label as any other, and these bits */
  assert_int_equal(mn_data_corrupt(data, 0, 7, NULL), MN_OK);
  assert_memory_equal(data->y, same->y, 1000 * sizeof *data->y);
  assert_memory_equal(data->x, same->x, 1000);
  mn_data_close(&data);
  mn_data_close(&same);
}

/* At p = 1 every class is as likely as any other, whatever the label was: chi squared over the pairs of an old and a
 * new class. The 10 rows have given sums, so there are 90 degrees of freedom; 99.99 % lie below 149, as many above 48.
 */
static void uniform_at_one(void **state)
{
  (void)state;
  mn_data *data = make_corrupted(N, K, 1, 3);
  size_t counts[K][K] = {{0}};
  double chi2 = 0, expected = (double)N / (K * K);
  for (size_t i = 0; i < N; i++) {
    assert_in_range((uintmax_t)data->y[i], 0, K - 1);
    counts[i * 7 % K][(size_t)data->y[i]]++;
  }
  for (size_t from = 0; from < K; from++)
    for (size_t to = 0; to < K; to++) {
      double off = (double)counts[from][to] - expected;
      chi2 += off * off / expected;
    }
  if (!(chi2 < 149)) fail_msg("chi squared %g", chi2);
  if (!(chi2 > 48)) fail_msg("chi squared %g: more even than chance", chi2);
  mn_data_close(&data);
}

/* Within 4.5 deviations. */
static void share_changed(void **state)
{
  (void)state;
  static const double ps[] = {0.01, 0.5, 1};
  for (size_t k = 2; k <= K; k += K - 2)
    for (size_t j = 0; j < sizeof ps / sizeof *ps; j++) {
      mn_data *data = make_corrupted(N, k, ps[j], 11);
      double share = ps[j] * (1 - 1 / (double)k), changed = 0;
      for (size_t i = 0; i < N; i++) changed += data->y[i] != (double)(i * 7 % k);
      if (!(fabs(changed / N - share) < 4.5 * sqrt(share * (1 - share) / N)))
        fail_msg("%zu classes, p = %g: %g changed, %g expected", k, ps[j], changed / N, share);
      mn_data_close(&data);
    }
}

/* The head of a longer set, another seed, a greater p. */
static void determined(void **state)
{
  (void)state;
  mn_data *whole = make_corrupted(2000, K, 0.5, 7), *head = make_corrupted(500, K, 0.5, 7);
  mn_data *other = make_corrupted(2000, K, 0.5, 8), *less = make_corrupted(2000, K, 0.2, 7);
  assert_memory_equal(whole->y, head->y, 500 * sizeof *head->y);
  assert_memory_not_equal(whole->y, other->y, 2000 * sizeof *whole->y);
  for (size_t i = 0; i < 2000; i++)
    if (less->y[i] != (double)(i * 7 % K)) assert_true(less->y[i] == whole->y[i]);
  mn_data_close(&whole), mn_data_close(&head), mn_data_close(&other), mn_data_close(&less);
}

/* Committed values: a change here changes every published number on corrupted labels. */
static const struct {
  double p;
  uint64_t seed, hash;
} known[] = {{0.1, 0, 0xd58b2fdb832bac94}, {0.5, 7, 0x0bf2ca67719ff4e1}, {1, UINT64_MAX, 0x2684c3420cf64839}};

static void labels_are_the_committed_ones(void **state)
{
  (void)state;
  for (size_t j = 0; j < sizeof known / sizeof *known; j++) {
    mn_data *data = make_corrupted(1000, K, known[j].p, known[j].seed);
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < 1000; i++) hash = (hash ^ (uint64_t)data->y[i]) * 0x100000001b3;
    if (hash != known[j].hash) fail_msg("p = %g: 0x%016" PRIx64, known[j].p, hash);
    mn_data_close(&data);
  }
}

/* A fit that corrupts has the targets of this set corrupted; labels negative, with gaps, far apart. */
static void same_as_targets(void **state)
{
  (void)state;
  static const double ps[] = {0, 0.3, 1}, steps[] = {1, 3, 1e9};
  for (size_t j = 0; j < 3; j++)
    for (size_t s = 0; s < 3; s++) {
      mn_data *data = make(500, 6, -5, steps[s]);
      mn_fit_options options = mn_fit_defaults();
      options.corrupt = ps[j];
      options.seed = 100 + s;
      mn_encoded e;
      assert_int_equal(mn_encode_targets(data, &options, &e, NULL), MN_OK);
      assert_int_equal(e.outputs, 6);
      assert_int_equal(mn_data_corrupt(data, ps[j], 100 + s, NULL), MN_OK);
      for (size_t i = 0; i < 500; i++) {
        assert_true(data->y[i] == (double)e.labels[e.class_of[i]]);
        for (size_t c = 0; c < 6; c++) assert_true(e.y[i + 500 * c] == (c == e.class_of[i]));
      }
      mn_encoded_close(&e);
      mn_data_close(&data);
    }
}

static void one_class(void **state)
{
  (void)state;
  mn_data *data = make_corrupted(100, 1, 1, 5);
  for (size_t i = 0; i < 100; i++) assert_true(data->y[i] == 0);
  mn_data_close(&data);
}

/* Against a search from the start. */
static void class_of_label(void **state)
{
  (void)state;
  static const int64_t labels[] = {-9007199254740991, -90, -1, 0, 1, 7, 100, 9007199254740991};
  for (size_t count = 1; count <= sizeof labels / sizeof *labels; count++)
    for (size_t c = 0; c < count; c++) assert_int_equal(mn_class_of_label(labels, count, (double)labels[c]), c);
}

static void must_refuse(mn_data *data, double p, mn_status status, const char *text)
{
  mn_error err = {0};
  double before[8];
  size_t count = data->n * data->columns;
  if (count) memcpy(before, data->y, count * sizeof *before);
  assert_int_equal(mn_data_corrupt(data, p, 7, NULL), status);
  assert_int_equal(mn_data_corrupt(data, p, 7, &err), status);
  assert_string_equal(err.text, text);
  if (count) assert_memory_equal(data->y, before, count * sizeof *before);
}

static void refusals(void **state)
{
  (void)state;
  mn_data *data = make(8, 3, 0, 1), *two = NULL, *none = NULL;
  long live = mn_memory_live();
  must_refuse(data, -1e-9, MN_ERR_ARGUMENT, "corruption -1e-09: 0 ... 1 expected");
  must_refuse(data, 1.5, MN_ERR_ARGUMENT, "corruption 1.5: 0 ... 1 expected");
  must_refuse(data, INFINITY, MN_ERR_ARGUMENT, "corruption inf: 0 ... 1 expected");
  assert_int_equal(mn_data_corrupt(data, NAN, 7, NULL), MN_ERR_ARGUMENT);
  static const char text[] = "test data: integer labels in one column expected, others found";
  data->y[7] = 0.5;
  must_refuse(data, 0.5, MN_ERR_DATA, text);
  must_refuse(data, 0, MN_ERR_DATA, text);
  assert_int_equal(mn_memory_live(), live);
  assert_int_equal(mn_data_create(4, 1, MN_U8, 2, &two, NULL), MN_OK);
  assert_int_equal(mn_data_create(4, 1, MN_U8, 0, &none, NULL), MN_OK);
  memset(two->y, 0, 8 * sizeof *two->y);
  memcpy(two->name, "test data", sizeof "test data");
  memcpy(none->name, "test data", sizeof "test data");
  must_refuse(two, 0.5, MN_ERR_DATA, text);
  must_refuse(none, 0.5, MN_ERR_DATA, text);
  mn_data_close(&data), mn_data_close(&two), mn_data_close(&none);
}

/* A failure leaves the set as it was. */
static mn_status corrupt_copy(void *arg, mn_error *err)
{
  mn_data *data = arg;
  double before[100];
  memcpy(before, data->y, sizeof before);
  mn_status st = mn_data_corrupt(data, 1, 7, err);
  if (st) assert_memory_equal(data->y, before, sizeof before);
  if (!st) assert_memory_not_equal(data->y, before, sizeof before);
  return st;
}

static void allocations(void **state)
{
  (void)state;
  mn_data *data = make(100, K, 0, 1);
  mn_test_every_allocation(corrupt_copy, data);
  mn_data_close(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_at_zero), cmocka_unit_test(uniform_at_one),
      cmocka_unit_test(share_changed),   cmocka_unit_test(determined),
      cmocka_unit_test(same_as_targets), cmocka_unit_test(labels_are_the_committed_ones),
      cmocka_unit_test(one_class),       cmocka_unit_test(class_of_label),
      cmocka_unit_test(refusals),        cmocka_unit_test(allocations),
  };
  return cmocka_run_group_tests_name("corrupt", tests, NULL, NULL);
}
