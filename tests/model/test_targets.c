/* Targets: what labels become, how many are corrupted and which, what is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "model/model.h"
#include "model_support.h"

static mn_encoded encode(const mn_data *data, const mn_fit_options *options)
{
  mn_encoded e;
  mn_error err = {0};
  if (mn_encode_targets(data, options, &e, &err)) fail_msg("%s", err.text);
  return e;
}

static mn_data *labelled(size_t n, const double *y)
{
  mn_data *data = model_data(n, 2, MN_F64, 1, 5);
  memcpy(data->y, y, n * sizeof *y);
  return data;
}

/* Labels negative, with gaps, in no order; the ends are what a binary search gets wrong first. */
static const double mixed[] = {7, -3, 100, -3, 7, 1000000, -90, 100};
static const int64_t mixed_labels[] = {-90, -3, 7, 100, 1000000};
enum { MIXED = 8, MIXED_LABELS = 5 };

static void check_encoding(mn_targets kind, double off)
{
  mn_data *data = labelled(MIXED, mixed);
  mn_fit_options options = model_options();
  options.targets = kind;
  mn_encoded e = encode(data, &options);
  assert_int_equal(e.outputs, MIXED_LABELS);
  assert_memory_equal(e.labels, mixed_labels, sizeof mixed_labels);
  for (size_t i = 0; i < MIXED; i++) {
    assert_true((double)e.labels[e.class_of[i]] == mixed[i]);
    for (size_t c = 0; c < MIXED_LABELS; c++)
      assert_true(e.y[i + c * MIXED] == ((double)mixed_labels[c] == mixed[i] ? 1 : off));
  }
  for (size_t c = 0; c < MIXED_LABELS; c++) assert_true(e.offset[c] == 0);
  mn_encoded_close(&e);
  mn_data_close(&data);
}

static void test_onehot(void **state)
{
  (void)state;
  check_encoding(MN_TARGETS_ONEHOT, 0);
}

static void test_pm1(void **state)
{
  (void)state;
  check_encoding(MN_TARGETS_PM1, -1);
}

/* Every number of classes from 1 on: each label is found, the least and the greatest too. */
static void test_every_class_found(void **state)
{
  (void)state;
  mn_fit_options options = model_options();
  for (size_t classes = 1; classes <= 33; classes++) {
    mn_data *data = model_classes(3 * classes, 1, MN_F64, classes, -17, 3, classes);
    mn_encoded e = encode(data, &options);
    assert_int_equal(e.outputs, classes);
    for (size_t i = 0; i < data->n; i++) assert_true((double)e.labels[e.class_of[i]] == data->y[i]);
    mn_encoded_close(&e);
    mn_data_close(&data);
  }
}

static void test_center(void **state)
{
  (void)state;
  mn_data *data = labelled(MIXED, mixed), *real = model_regression(50, 3, MN_F64, 2, 6);
  mn_fit_options options = model_options();
  options.center = 1;
  mn_encoded e = encode(data, &options);
  static const double shares[] = {1. / 8, 2. / 8, 2. / 8, 2. / 8, 1. / 8};
  for (size_t c = 0; c < MIXED_LABELS; c++) {
    mn_test_close(e.offset[c], shares[c], 1e-15);
    for (size_t i = 0; i < MIXED; i++)
      assert_true(e.y[i + c * MIXED] == (e.class_of[i] == c ? 1 - e.offset[c] : -e.offset[c]));
  }
  mn_encoded_close(&e);
  e = encode(real, &options);
  assert_null(e.labels);
  assert_null(e.class_of);
  for (size_t c = 0; c < 2; c++) {
    wide sum = 0;
    for (size_t i = 0; i < 50; i++) sum += real->y[2 * i + c];
    mn_test_close(e.offset[c], (double)(sum / 50), 1e-14);
    for (size_t i = 0; i < 50; i++) assert_true(e.y[i + c * 50] == real->y[2 * i + c] - e.offset[c]);
  }
  mn_encoded_close(&e);
  mn_data_close(&data);
  mn_data_close(&real);
}

/* Integers are classes unless the task says otherwise; real numbers, or two columns, are a regression. */
static void test_task(void **state)
{
  (void)state;
  mn_data *data = labelled(MIXED, mixed), *two = model_data(4, 2, MN_F64, 2, 1);
  mn_fit_options options = model_options();
  options.task = MN_TASK_REGRESSION;
  mn_encoded e = encode(data, &options);
  assert_int_equal(e.outputs, 1);
  assert_null(e.labels);
  assert_memory_equal(e.y, mixed, sizeof mixed);
  mn_encoded_close(&e);
  for (size_t i = 0; i < 8; i++) two->y[i] = (double)i;
  options.task = MN_TASK_AUTO;
  e = encode(two, &options);
  assert_null(e.labels);
  assert_int_equal(e.outputs, 2);
  for (size_t i = 0; i < 8; i++) assert_true(e.y[i / 2 + i % 2 * 4] == (double)i);
  mn_encoded_close(&e);
  mn_data_close(&data);
  mn_data_close(&two);
}

static size_t changed(const mn_data *data, double p, uint64_t seed, size_t *classes)
{
  mn_fit_options options = model_options();
  options.corrupt = p;
  options.seed = seed;
  mn_encoded e = encode(data, &options);
  size_t count = 0;
  for (size_t i = 0; i < data->n; i++) {
    count += (double)e.labels[e.class_of[i]] != data->y[i];
    for (size_t c = 0; c < e.outputs; c++) assert_true(e.y[i + c * e.n] == (c == e.class_of[i]));
    if (classes) classes[i] = e.class_of[i];
  }
  mn_encoded_close(&e);
  return count;
}

/* A label is redrawn with probability p and comes out the same once in k. Within 4.5 deviations. */
static void test_corrupted_share(void **state)
{
  (void)state;
  enum { N = 20000, K = 10 };
  mn_data *data = model_classes(N, 1, MN_U8, K, 0, 1, 2);
  static const double ps[] = {0.1, 0.5, 1};
  for (size_t i = 0; i < sizeof ps / sizeof *ps; i++) {
    double share = ps[i] * (1 - 1. / K), deviation = sqrt(share * (1 - share) / N);
    double found = (double)changed(data, ps[i], 7, NULL) / N;
    if (!(fabs(found - share) < 4.5 * deviation)) fail_msg("p = %g: %g changed, %g expected", ps[i], found, share);
  }
  assert_int_equal(changed(data, 0, 7, NULL), 0);
  mn_data_close(&data);
}

/* At p = 1 every class is as likely as any other, whatever the label was: chi squared with k - 1 = 9 degrees, 99.99 %.
 */
static void test_corrupted_uniform(void **state)
{
  (void)state;
  enum { N = 20000, K = 10 };
  mn_data *data = model_classes(N, 1, MN_U8, K, 0, 1, 2);
  size_t *classes = malloc(N * sizeof *classes), counts[K] = {0};
  double chi2 = 0;
  changed(data, 1, 3, classes);
  for (size_t i = 0; i < N; i++) counts[classes[i]]++;
  for (size_t c = 0; c < K; c++) chi2 += ((double)counts[c] - N / K) * ((double)counts[c] - N / K) / (N / K);
  if (!(chi2 < 33.7)) fail_msg("chi squared %g", chi2);
  free(classes);
  mn_data_close(&data);
}

/* The same seed gives the same labels, another one others; the first samples do not depend on how many follow. */
static void test_corruption_is_determined(void **state)
{
  (void)state;
  enum { N = 2000 };
  mn_data *data = model_classes(N, 1, MN_U8, 4, 0, 1, 2);
  size_t a[N], b[N], first[N / 4], index[N / 4];
  changed(data, 0.5, 11, a);
  changed(data, 0.5, 11, b);
  assert_memory_equal(a, b, sizeof a);
  changed(data, 0.5, 12, b);
  assert_memory_not_equal(a, b, sizeof a);
  for (size_t i = 0; i < N / 4; i++) index[i] = i;
  mn_data *prefix = model_pick(data, index, N / 4);
  changed(prefix, 0.5, 11, first);
  assert_memory_equal(a, first, sizeof first);
  /* A label changed at p stays changed at a greater p: both look at the same number. */
  size_t few[N];
  changed(data, 0.2, 11, few);
  for (size_t i = 0; i < N; i++)
    if ((double)few[i] != data->y[i]) assert_int_equal(few[i], a[i]);
  mn_data_close(&prefix);
  mn_data_close(&data);
}

static void expect_refusal(const mn_data *data, const mn_fit_options *options, mn_status status, const char *text)
{
  mn_encoded e;
  mn_error err = {0};
  long live = mn_memory_live();
  assert_int_equal(mn_encode_targets(data, options, &e, &err), status);
  if (!strstr(err.text, text)) fail_msg("'%s' does not say '%s'", err.text, text);
  assert_int_equal(mn_memory_live(), live);
  mn_model *model;
  assert_int_equal(mn_model_fit(data, options, NULL, &model, &err), status);
  assert_null(model);
  assert_int_equal(mn_memory_live(), live);
}

static void test_refusals(void **state)
{
  (void)state;
  mn_data *real = model_regression(10, 2, MN_F64, 1, 3), *two = model_regression(10, 2, MN_F64, 2, 3);
  mn_data *none = model_data(10, 2, MN_F64, 0, 3);
  mn_fit_options options = model_options();
  expect_refusal(none, &options, MN_ERR_DATA, "test data: no targets to fit");
  options.task = MN_TASK_CLASSIFICATION;
  expect_refusal(real, &options, MN_ERR_DATA, "classification takes one column of integer labels");
  expect_refusal(two, &options, MN_ERR_DATA, "classification takes one column of integer labels");
  options.task = MN_TASK_AUTO;
  options.corrupt = 0.5;
  expect_refusal(real, &options, MN_ERR_ARGUMENT, "only class labels can be corrupted");
  mn_data_close(&real);
  mn_data_close(&two);
  mn_data_close(&none);
}

static void test_bad_options(void **state)
{
  (void)state;
  mn_data *data = model_classes(10, 2, MN_F64, 2, 0, 1, 3);
  mn_model *model;
  mn_error err = {0};
  const double bad[] = {-0.1, 1.1, NAN, INFINITY};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    mn_fit_options options = model_options();
    options.corrupt = bad[i];
    assert_int_equal(mn_model_fit(data, &options, NULL, &model, &err), MN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "corruption"));
    options = model_options();
    options.kernel.gamma = i ? bad[i] == 1.1 ? 0 : bad[i] : -1;
    assert_int_equal(mn_model_fit(data, &options, NULL, &model, &err), MN_ERR_ARGUMENT);
    options = model_options();
    options.solve.ridge = bad[i] == 1.1 ? -1e-300 : bad[i];
    assert_int_equal(mn_model_fit(data, &options, NULL, &model, &err), MN_ERR_ARGUMENT);
  }
  mn_data_close(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_onehot),
      cmocka_unit_test(test_pm1),
      cmocka_unit_test(test_every_class_found),
      cmocka_unit_test(test_center),
      cmocka_unit_test(test_task),
      cmocka_unit_test(test_corrupted_share),
      cmocka_unit_test(test_corrupted_uniform),
      cmocka_unit_test(test_corruption_is_determined),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_bad_options),
  };
  return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
