/* Merging: duplicates of equal targets are left out and change nothing; those of other targets are named. */
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

/* 40 samples of which 5, 9 and 30 repeat 2 and 17 repeats 11. */
static mn_data *repeated(mn_dtype type)
{
  mn_data *data = model_classes(40, 3, type, 4, -2, 2, 8);
  model_repeat(data, 2, 5), model_repeat(data, 2, 9), model_repeat(data, 2, 30);
  model_repeat(data, 11, 17);
  return data;
}

static mn_data *without_repeats(const mn_data *data)
{
  size_t index[36], count = 0;
  for (size_t i = 0; i < 40; i++)
    if (i != 5 && i != 9 && i != 30 && i != 17) index[count++] = i;
  return model_pick(data, index, count);
}

static void check_merged(mn_dtype type, const mn_fit_options *options)
{
  mn_data *data = repeated(type), *plain = without_repeats(data), *test = model_data(21, 3, type, 0, 9);
  mn_model *merged = model_fit(data, options), *model = model_fit(plain, options);
  const mn_fit_report *report = mn_model_report(merged);
  assert_int_equal(report->merged, 4);
  assert_int_equal(report->n_train, 40);
  assert_int_equal(report->system.unknowns, 36);
  assert_int_equal(mn_model_report(model)->merged, 0);
  assert_true(report->train_error == 0);
  double *a = model_predict(merged, test), *b = model_predict(model, test);
  assert_memory_equal(a, b, test->n * mn_model_outputs(model) * sizeof *a);
  assert_true(report->norm == mn_model_report(model)->norm);
  free(a), free(b);
  mn_model_close(&merged);
  mn_model_close(&model);
  mn_data_close(&data), mn_data_close(&plain), mn_data_close(&test);
}

static void test_merged(void **state)
{
  (void)state;
  mn_fit_options options = model_options();
  check_merged(MN_F64, &options);
  check_merged(MN_F32, &options);
  check_merged(MN_U8, &options);
  options.targets = MN_TARGETS_PM1;
  options.solve.solver = MN_SOLVER_LU;
  check_merged(MN_F64, &options);
}

/* Which samples are kept, and where each sample stands among them. */
static void test_merge_positions(void **state)
{
  (void)state;
  mn_data *data = repeated(MN_F64);
  mn_fit_options options = model_options();
  mn_encoded e = encode(data, &options);
  mn_merge merge;
  size_t next = 0;
  assert_int_equal(mn_merge_open(data, &e, &merge, NULL), MN_OK);
  assert_int_equal(merge.count, 36);
  for (size_t i = 0; i < 40; i++) {
    size_t first = i == 5 || i == 9 || i == 30 ? 2 : i == 17 ? 11 : i;
    assert_int_equal(merge.keep[merge.position[i]], first);
    if (first == i) assert_int_equal(merge.position[i], next++);
  }
  mn_merge_close(&merge);
  assert_null(merge.keep);
  mn_encoded_close(&e);
  mn_data_close(&data);
}

/* Without duplicates nothing is allocated. */
static void test_nothing_to_merge(void **state)
{
  (void)state;
  mn_data *data = model_classes(40, 3, MN_F64, 4, 0, 1, 8);
  mn_fit_options options = model_options();
  mn_encoded e = encode(data, &options);
  mn_merge merge;
  long live = mn_memory_live();
  assert_int_equal(mn_merge_open(data, &e, &merge, NULL), MN_OK);
  assert_null(merge.keep);
  assert_null(merge.position);
  assert_int_equal(merge.count, 40);
  assert_int_equal(mn_memory_live(), live);
  mn_encoded_close(&e);
  mn_data_close(&data);
}

/* Conflicts: 5 and 30 against 2, 17 against 11; 9 agrees with 2. The first is named, two more are counted. */
static mn_data *conflicting(void)
{
  mn_data *data = repeated(MN_F64);
  data->y[2] = data->y[9] = -2, data->y[5] = 4, data->y[30] = 0, data->y[11] = 2, data->y[17] = -2;
  return data;
}

static void test_conflict(void **state)
{
  (void)state;
  mn_data *data = conflicting();
  mn_fit_options options = model_options();
  mn_model *model;
  mn_error err = {0};
  long live = mn_memory_live();
  assert_int_equal(mn_model_fit(data, &options, NULL, &model, &err), MN_ERR_DATA);
  const char *says =
      "test data: samples 2 and 5 (from 0) are equal but have labels -2 and 4, and 2 more such pairs: no "
      "function interpolates them";
  if (strncmp(err.text, says, strlen(says))) fail_msg("'%s'", err.text);
  assert_null(model);
  data->y[5] = data->y[30] = -2; /* one left */
  assert_int_equal(mn_model_fit(data, &options, NULL, &model, &err), MN_ERR_DATA);
  says = "test data: samples 11 and 17 (from 0) are equal but have labels 2 and -2: no";
  if (strncmp(err.text, says, strlen(says))) fail_msg("'%s'", err.text);
  assert_int_equal(mn_memory_live(), live);
  mn_data_close(&data);
}

static void test_conflict_of_regression(void **state)
{
  (void)state;
  mn_data *data = model_regression(30, 2, MN_F64, 2, 4);
  mn_fit_options options = model_options();
  mn_model *model;
  mn_error err = {0};
  model_repeat(data, 3, 20);
  mn_model *merged = model_fit(data, &options);
  assert_int_equal(mn_model_report(merged)->merged, 1);
  mn_model_close(&merged);
  data->y[2 * 20 + 1] += 1e-9; /* the second column alone */
  assert_int_equal(mn_model_fit(data, &options, NULL, &model, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "samples 3 and 20 (from 0) are equal but have different targets: no"));
  mn_data_close(&data);
}

/* A label that corruption changed is a conflict too: what is fitted counts. */
static void test_conflict_by_corruption(void **state)
{
  (void)state;
  mn_data *data = model_classes(40, 3, MN_F64, 4, 0, 1, 8);
  mn_fit_options options = model_options();
  mn_model *model;
  mn_error err = {0};
  options.corrupt = 1;
  for (size_t i = 1; i < 40; i++) model_repeat(data, 0, i);
  data->y[39] = 1, data->y[38] = 2; /* so that there are classes to draw */
  assert_int_equal(mn_model_fit(data, &options, NULL, &model, &err), MN_ERR_DATA);
  mn_data_close(&data);
}

/* Fits conflicting samples and returns the scores of the training set. */
static double *fit_conflict(const mn_data *data, const mn_fit_options *options)
{
  mn_model *model = model_fit(data, options);
  const mn_fit_report *report = mn_model_report(model);
  assert_int_equal(report->merged, 0);
  assert_int_equal(report->system.unknowns, 40);
  assert_true(report->train_error >= 3. / 40); /* one of each conflicting pair must be wrong */
  double *scores = model_predict(model, data);
  mn_model_close(&model);
  return scores;
}

static const int64_t even_labels[] = {-2, 0, 2, 4};

/* A ridge makes do with conflicts: the system is regular. */
static void test_ridge_takes_conflicts(void **state)
{
  (void)state;
  mn_data *data = conflicting();
  mn_fit_options options = model_options();
  options.solve.ridge = 1e-3;
  double *scores = fit_conflict(data, &options), *y = oracle_targets(data, even_labels, 4, 0);
  double *exact = oracle_scores(data, data, &options.kernel, options.scale, 1e-3, 4, y, NULL);
  assert_true(oracle_distance(40 * 4, scores, exact) < 1e-11);
  free(scores), free(y), free(exact);
  mn_data_close(&data);
}

/* So do least squares: equal samples get the mean of their targets, for nothing else is asked of their value. */
static void test_eigen_takes_conflicts(void **state)
{
  (void)state;
  mn_data *data = conflicting();
  mn_fit_options options = model_kernel_options(MN_KERNEL_GAUSSIAN, 1); /* well conditioned */
  options.solve.solver = MN_SOLVER_EIGEN;
  double *scores = fit_conflict(data, &options);
  for (size_t c = 0; c < 4; c++) {
    double y = (double)even_labels[c];
    double four = ((data->y[2] == y) + (data->y[5] == y) + (data->y[9] == y) + (data->y[30] == y)) / 4.;
    double two = ((data->y[11] == y) + (data->y[17] == y)) / 2.;
    mn_test_close(scores[2 * 4 + c], four, 1e-12);
    mn_test_close(scores[30 * 4 + c], four, 1e-12);
    mn_test_close(scores[11 * 4 + c], two, 1e-12);
    mn_test_close(scores[0 * 4 + c], data->y[0] == y, 1e-12);
  }
  free(scores);
  mn_data_close(&data);
}

static mn_status encode_and_merge(void *arg, mn_error *err)
{
  const mn_data *data = arg;
  mn_fit_options options = model_options();
  options.center = 1;
  mn_encoded e;
  mn_merge merge = {0};
  mn_status st = mn_encode_targets(data, &options, &e, err);
  if (!st) st = mn_merge_open(data, &e, &merge, err);
  mn_merge_close(&merge);
  mn_encoded_close(&e);
  return st;
}

static void test_allocations(void **state)
{
  (void)state;
  mn_data *data = repeated(MN_F64);
  mn_test_every_allocation(encode_and_merge, data);
  mn_data_close(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_merged),
      cmocka_unit_test(test_merge_positions),
      cmocka_unit_test(test_nothing_to_merge),
      cmocka_unit_test(test_conflict),
      cmocka_unit_test(test_conflict_of_regression),
      cmocka_unit_test(test_conflict_by_corruption),
      cmocka_unit_test(test_ridge_takes_conflicts),
      cmocka_unit_test(test_eigen_takes_conflicts),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
