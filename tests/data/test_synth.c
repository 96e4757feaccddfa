/* Synthetic data sets: the same bytes everywhere, the promised statistics, every wrong spec refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "data/readers.h"
#include "data/synth.h"
#include "support.h"

static mn_data *open_synth(const char *arguments)
{
  mn_data *data = NULL;
  mn_error err = {0};
  if (mn_data_open_synth(arguments, NULL, &data, &err)) fail_msg("%s: %s", arguments, err.text);
  return data;
}

static uint64_t fnv1a(uint64_t hash, const void *bytes, size_t count)
{
  for (size_t i = 0; i < count; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
  return hash;
}

static uint64_t checksum(const char *arguments, int threads)
{
  mn_context ctx = {.threads = threads};
  mn_data *data = NULL;
  mn_error err = {0};
  if (mn_data_open_synth(arguments, &ctx, &data, &err)) fail_msg("%s", err.text);
  uint64_t hash = fnv1a(0xcbf29ce484222325, data->x, data->n * data->dim * (data->type == MN_U8 ? 1 : 8));
  hash = fnv1a(hash, data->y, data->n * data->columns * sizeof(double));
  mn_data_close(&data);
  return hash;
}

/* Committed values: a change here changes every published number on these sets. */
static const struct {
  const char *arguments;
  uint64_t hash;
} known[] = {
    {"digits,n=200,seed=0", 0x6d1ce8876c0d47e1},
    {"digits,n=200,seed=0,part=test", 0xece141ad4ead2e6f},
    {"digits,n=64,seed=18446744073709551615", 0xf52ac88e80caae0a},
    {"gaussian,n=100,d=7,classes=3,seed=5", 0x5db1a5827ced368a},
    {"gaussian,n=100,labels=linear", 0x481f725ddbdc6b89},
    {"regression,n=100,d=3,columns=2", 0xb639ce9dc7c55c9b},
    {"circles,n=100,classes=3", 0x0eb4249acb9b80eb},
};
enum { KNOWN = sizeof known / sizeof *known };

static void bytes_are_the_committed_ones(void **state)
{
  (void)state;
  for (size_t i = 0; i < KNOWN; i++) {
    uint64_t hash = checksum(known[i].arguments, 1);
    if (hash != known[i].hash) fail_msg("%s: 0x%016lx", known[i].arguments, hash);
  }
}

static void threads_do_not_matter(void **state)
{
  (void)state;
  for (size_t i = 0; i < KNOWN; i++)
    for (int threads = 2; threads <= 5; threads += 3)
      assert_int_equal(checksum(known[i].arguments, threads), known[i].hash);
}

static void a_short_set_is_the_head_of_a_long_one(void **state)
{
  (void)state;
  static const char *const names[] = {"digits", "gaussian", "regression", "circles"};
  for (size_t k = 0; k < 4; k++) {
    char spec[64];
    snprintf(spec, sizeof spec, "%s,n=100,seed=9", names[k]);
    mn_data *head = open_synth(spec);
    snprintf(spec, sizeof spec, "%s,n=200,seed=9", names[k]);
    mn_data *all = open_synth(spec);
    size_t bytes = 100 * head->dim * (head->type == MN_U8 ? 1 : 8);
    assert_memory_equal(head->x, all->x, bytes);
    assert_memory_equal(head->y, all->y, 100 * sizeof(double));
    assert_memory_not_equal(head->x, (char *)all->x + bytes, bytes);
    mn_data_close(&head);
    mn_data_close(&all);
  }
}

static void parts_and_seeds_share_no_sample(void **state)
{
  (void)state;
  mn_data *set[3] = {open_synth("digits,n=300"), open_synth("digits,n=300,part=test"),
                     open_synth("digits,n=300,seed=1")};
  const unsigned char *image[900];
  for (size_t i = 0; i < 900; i++) image[i] = (const unsigned char *)set[i / 300]->x + i % 300 * 784;
  for (size_t i = 0; i < 900; i++)
    for (size_t j = 0; j < i; j++) assert_true(memcmp(image[i], image[j], 784));
  for (int k = 0; k < 3; k++) mn_data_close(&set[k]);
}

static void defaults_are_as_documented(void **state)
{
  (void)state;
  mn_data *data = open_synth("digits");
  assert_int_equal(data->n, 5000);
  assert_int_equal(data->dim, 784);
  assert_int_equal(data->channels, 1);
  assert_int_equal(data->height, 28);
  assert_int_equal(data->width, 28);
  assert_int_equal(data->type, MN_U8);
  assert_int_equal(data->columns, 1);
  assert_string_equal(data->name, "synth:digits");
  mn_data_close(&data);
  assert_null(data);
  data = open_synth("regression,columns=4,d=3");
  assert_int_equal(data->n, 1000);
  assert_int_equal(data->dim, 3);
  assert_int_equal(data->channels, 0);
  assert_int_equal(data->type, MN_F64);
  assert_int_equal(data->columns, 4);
  mn_data_close(&data);
}

/* Uniform labels, ink in the middle and none along the border on average, every image with some of it. */
static void digits_look_like_digits(void **state)
{
  (void)state;
  mn_data *data = open_synth("digits,n=4000,seed=2");
  const unsigned char *x = data->x;
  double count[10] = {0}, centre = 0, corner = 0;
  for (size_t i = 0; i < data->n; i++) {
    assert_true(data->y[i] >= 0 && data->y[i] <= 9 && floor(data->y[i]) == data->y[i]);
    count[(int)data->y[i]]++;
    int dark = 0;
    for (size_t j = 0; j < 784; j++) {
      size_t row = j / 28, column = j % 28;
      double v = x[i * 784 + j];
      dark += v > 120;
      if (row >= 8 && row < 20 && column >= 8 && column < 20) centre += v / 144;
      if ((row < 3 || row >= 25) && (column < 3 || column >= 25)) corner += v / 36;
    }
    assert_in_range(dark, 15, 300);
  }
  assert_true(centre / 4000 > 50 && centre / 4000 < 110);
  assert_true(corner / 4000 < 8);
  double chi2 = 0;
  for (int c = 0; c < 10; c++) chi2 += (count[c] - 400) * (count[c] - 400) / 400;
  assert_true(chi2 < 27.9); /* 9 degrees of freedom, 0.1 % */
  mn_data_close(&data);
}

/* Square distance of two images over 784 pixels. */
static double distance2(const unsigned char *a, const unsigned char *b)
{
  double sum = 0;
  for (int j = 0; j < 784; j++) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

/* Hard, but learnable: the nearest of 2,000 neighbours errs on 10 to 35 % of the test part. */
static void digits_are_hard_but_learnable(void **state)
{
  (void)state;
  mn_data *train = open_synth("digits,n=2000"), *test = open_synth("digits,n=300,part=test");
  int wrong = 0;
  for (size_t i = 0; i < test->n; i++) {
    double best = INFINITY, label = -1;
    for (size_t j = 0; j < train->n; j++) {
      double d2 = distance2((unsigned char *)test->x + i * 784, (unsigned char *)train->x + j * 784);
      if (d2 < best) {
        best = d2;
        label = train->y[j];
      }
    }
    wrong += label != test->y[i];
  }
  assert_in_range(wrong, 30, 105);
  mn_data_close(&train);
  mn_data_close(&test);
}

static void gaussian_has_its_moments(void **state)
{
  (void)state;
  mn_data *data = open_synth("gaussian,n=4000,d=10,labels=random");
  const double *x = data->x;
  double sum[5] = {0}, coins = 0;
  for (size_t k = 0; k < 40000; k++)
    for (int p = 1; p <= 4; p++) sum[p] += pow(x[k], p) / 40000;
  assert_true(fabs(sum[1]) < 0.025 && fabs(sum[2] - 1) < 0.035 && fabs(sum[3]) < 0.1 && fabs(sum[4] - 3) < 0.25);
  for (size_t i = 0; i < data->n; i++) {
    assert_true(data->y[i] == 1 || data->y[i] == -1);
    coins += data->y[i];
  }
  assert_true(fabs(coins) < 300);
  mn_data_close(&data);
}

/* The hyperplane and the class centres are those of the seed, in training and test samples alike. */
static void parts_share_their_parameters(void **state)
{
  (void)state;
  double mean[2][2] = {{0}};
  for (int part = 0; part < 2; part++) {
    mn_data *data = open_synth(part ? "gaussian,n=4000,d=1,distance=8,part=test" : "gaussian,n=4000,d=1,distance=8");
    for (size_t i = 0; i < data->n; i++) mean[part][(int)data->y[i]] += ((double *)data->x)[i] / 2000;
    mn_data_close(&data);
  }
  for (int c = 0; c < 2; c++) assert_true(fabs(mean[0][c] - mean[1][c]) < 0.1 * fabs(mean[0][c]) + 0.3);
  assert_true(fabs(mean[0][0] - mean[0][1]) > 1);
}

static void linear_labels_are_separable_through_zero(void **state)
{
  (void)state;
  mn_data *data = open_synth("gaussian,n=500,d=4,labels=linear,part=test,seed=3");
  double w[4] = {0};
  const double *x = data->x;
  int changed = 1;
  for (int pass = 0; changed && pass < 100000; pass++) { /* perceptron: ends if and only if they are */
    changed = 0;
    for (size_t i = 0; i < data->n; i++) {
      double t = 0;
      for (int j = 0; j < 4; j++) t += w[j] * x[i * 4 + (size_t)j];
      if (t * data->y[i] > 0) continue;
      changed = 1;
      for (int j = 0; j < 4; j++) w[j] += data->y[i] * x[i * 4 + (size_t)j];
    }
  }
  assert_false(changed);
  mn_data_close(&data);
}

/* With noise = 0 the targets are a smooth function: close samples have close targets. */
static void regression_is_smooth(void **state)
{
  (void)state;
  mn_data *data = open_synth("regression,n=2000,d=1,columns=2,noise=0");
  const double *x = data->x;
  for (size_t i = 0; i < data->n; i++)
    for (size_t j = 0; j < i; j++)
      for (size_t c = 0; c < 2; c++)
        assert_true(fabs(data->y[2 * i + c] - data->y[2 * j + c]) <= 40 * fabs(x[i] - x[j]) + 1e-12);
  mn_data_close(&data);
}

static void circles_are_circles(void **state)
{
  (void)state;
  mn_data *data = open_synth("circles,n=500,classes=4,noise=0");
  const double *x = data->x;
  for (size_t i = 0; i < data->n; i++) mn_test_close(hypot(x[2 * i], x[2 * i + 1]), data->y[i] + 1, 1e-14);
  mn_data_close(&data);
}

static void own_functions_agree_with_the_c_library(void **state)
{
  (void)state;
  for (double x = -20; x < 20; x += 0.0137) {
    mn_test_close(mn_synth_sin(x), sin(x), 1e-14);
    mn_test_close(mn_synth_cos(x), cos(x), 1e-14);
  }
  for (double x = 1e-300; x < 1e300; x *= 1.7) mn_test_close(mn_synth_log(x), log(x), 4e-16);
  for (double x = 0.3; x < 3; x += 0.00137) mn_test_close(mn_synth_log(x), log(x), 4e-16);
}

static void wrong_specs_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *arguments, *expected;
  } cases[] = {
      {"", "digits, gaussian, regression, circles"},
      {"digit", "there are digits, gaussian, regression, circles"},
      {"digitss,n=5", "unknown"},
      {"digits,", "key=value expected"},
      {"digits,n", "n, seed, part"},
      {"digits,n=", "integer from 1"},
      {"digits,n=0", "integer from 1"},
      {"digits,n=-5", "integer from 1"},
      {"digits,n= 5", "integer from 1"},
      {"digits,n=5x", "integer from 1"},
      {"digits,n=1000000001", "integer from 1 to 1000000000"},
      {"digits,n=99999999999999999999999", "integer from 1"},
      {"digits,seed=18446744073709551616", "integer from 0"},
      {"digits,d=5", "the keys are n, seed, part"},
      {"digits,n=5,,seed=1", "key=value expected"},
      {"digits,part=valid", "train|test"},
      {"digits,part=", "train|test"},
      {"digits,=5", "key=value expected"},
      {"gaussian,labels=tra", "clusters|random|linear"},
      {"regression,noise=nan", "a number from 0"},
      {"regression,noise=inf", "a number from 0"},
      {"regression,noise=-1", "a number from 0"},
      {"regression,noise=", "a number from 0"},
      {"circles,classes=0", "integer from 1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mn_error err = {0};
    mn_data *data = (mn_data *)&err; /* must become NULL */
    assert_int_equal(mn_data_open_synth(cases[i].arguments, NULL, &data, &err), MN_ERR_ARGUMENT);
    assert_null(data);
    if (!strstr(err.text, cases[i].expected)) fail_msg("'%s': %s", cases[i].arguments, err.text);
    assert_null(strchr(err.text, '\n'));
  }
  char longest[2000];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  mn_data *data;
  assert_int_equal(mn_data_open_synth(longest, NULL, &data, NULL), MN_ERR_ARGUMENT);
  memcpy(longest, "digits,", 7);
  assert_int_equal(mn_data_open_synth(longest, NULL, &data, NULL), MN_ERR_ARGUMENT);
}

static void help_lists_every_generator(void **state)
{
  (void)state;
  const mn_synth_info *info;
  size_t i = 0;
  for (; (info = mn_data_synth_info(i)); i++) {
    assert_non_null(strstr(info->keys, "seed"));
    assert_true(strlen(info->help) > 10);
    mn_data *data = open_synth(info->name);
    mn_data_close(&data);
  }
  assert_int_equal(i, 4);
}

static int cancel(void *user, const mn_progress *progress)
{
  (void)user;
  return progress->done > 0;
}

static void can_be_cancelled(void **state)
{
  (void)state;
  mn_context ctx = {.threads = 1, .progress = cancel};
  mn_data *data;
  mn_error err = {0};
  long live = mn_memory_live();
  assert_int_equal(mn_data_open_synth("digits,n=10000", &ctx, &data, &err), MN_ERR_CANCELLED);
  assert_null(data);
  assert_int_equal(mn_memory_live(), live);
}

static mn_status small_set(void *arg, mn_error *err)
{
  mn_data *data;
  mn_status st = mn_data_open_synth(arg, NULL, &data, err);
  mn_data_close(&data);
  return st;
}

static void allocations_may_fail(void **state)
{
  (void)state;
  mn_test_every_allocation(small_set, (void *)(uintptr_t) "digits,n=3");
  mn_test_every_allocation(small_set, (void *)(uintptr_t) "regression,n=3");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_are_the_committed_ones),
      cmocka_unit_test(threads_do_not_matter),
      cmocka_unit_test(a_short_set_is_the_head_of_a_long_one),
      cmocka_unit_test(parts_and_seeds_share_no_sample),
      cmocka_unit_test(defaults_are_as_documented),
      cmocka_unit_test(digits_look_like_digits),
      cmocka_unit_test(digits_are_hard_but_learnable),
      cmocka_unit_test(gaussian_has_its_moments),
      cmocka_unit_test(parts_share_their_parameters),
      cmocka_unit_test(linear_labels_are_separable_through_zero),
      cmocka_unit_test(regression_is_smooth),
      cmocka_unit_test(circles_are_circles),
      cmocka_unit_test(own_functions_agree_with_the_c_library),
      cmocka_unit_test(wrong_specs_are_refused),
      cmocka_unit_test(help_lists_every_generator),
      cmocka_unit_test(can_be_cancelled),
      cmocka_unit_test(allocations_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
