/* What must hold of any fit, whatever its numbers: linear in the targets, equivariant to the order of the samples, the
 * same with one thread and two, interpolation of least norm; every allocation failing; cancelling. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "model_support.h"

enum { N = 150, M = 40, DIM = 6 };

static double *scores_of(const mn_data *train, const mn_data *test, const mn_fit_options *options)
{
  mn_model *model = model_fit(train, options);
  double *scores = model_predict(model, test);
  mn_model_close(&model);
  return scores;
}

/* f(2 y1 - 3 y2) = 2 f(y1) - 3 f(y2). */
static void test_linear_in_y(void **state)
{
  (void)state;
  mn_data *train = model_regression(N, DIM, MN_F64, 2, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  mn_fit_options options = model_options();
  for (options.center = 0; options.center <= 1; options.center++) {
    double *both = scores_of(train, test, &options), combined[M];
    mn_data *sum = model_data(N, DIM, MN_F64, 1, 1);
    for (size_t i = 0; i < N; i++) sum->y[i] = 2 * train->y[2 * i] - 3 * train->y[2 * i + 1];
    for (size_t i = 0; i < M; i++) combined[i] = 2 * both[2 * i] - 3 * both[2 * i + 1];
    double *one = scores_of(sum, test, &options);
    assert_true(oracle_distance(M, one, combined) < 1e-9);
    free(both), free(one);
    mn_data_close(&sum);
  }
  mn_data_close(&train), mn_data_close(&test);
}

/* A column does not depend on the others. */
static void test_columns_are_independent(void **state)
{
  (void)state;
  mn_data *train = model_regression(N, DIM, MN_F64, 3, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  mn_data *last = model_data(N, DIM, MN_F64, 1, 1);
  mn_fit_options options = model_options();
  double *all = scores_of(train, test, &options), column[M];
  for (size_t i = 0; i < N; i++) last->y[i] = train->y[3 * i + 2];
  for (size_t i = 0; i < M; i++) column[i] = all[3 * i + 2];
  double *one = scores_of(last, test, &options);
  assert_true(oracle_distance(M, one, column) < 1e-10);
  free(all), free(one);
  mn_data_close(&train), mn_data_close(&test), mn_data_close(&last);
}

static void test_order_of_training(void **state)
{
  (void)state;
  static const mn_kernel_name names[] = {MN_KERNEL_GAUSSIAN, MN_KERNEL_LAPLACIAN, MN_KERNEL_NTK, MN_KERNEL_LINEAR};
  mn_data *train = model_classes(N, DIM, MN_F64, 4, 0, 1, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  size_t order[N];
  mn_random_permutation(3, MN_STREAM_TEST, N, order);
  mn_data *permuted = model_pick(train, order, N);
  for (size_t k = 0; k < 4; k++) {
    mn_fit_options options = model_kernel_options(names[k], 0.3);
    double *a = scores_of(train, test, &options), *b = scores_of(permuted, test, &options);
    assert_true(oracle_distance(M * 4, a, b) < 1e-10);
    free(a), free(b);
  }
  mn_data_close(&train), mn_data_close(&test), mn_data_close(&permuted);
}

/* The order of the test samples permutes the scores, bit for bit where a row's sums do not depend on its place. */
static void test_rows_are_independent(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 4, 0, 1, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  mn_fit_options options = model_options();
  mn_model *model = model_fit(train, &options);
  double *all = model_predict(model, test);
  for (size_t i = 0; i < M; i += 13) {
    mn_data *one = model_pick(test, &i, 1);
    double *row = model_predict(model, one);
    assert_true(oracle_distance(4, row, all + 4 * i) < 1e-11);
    free(row);
    mn_data_close(&one);
  }
  free(all);
  mn_model_close(&model);
  mn_data_close(&train), mn_data_close(&test);
}

static void test_threads(void **state)
{
  (void)state;
  mn_data *train = model_classes(700, DIM, MN_F64, 4, 0, 1, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  for (int primal = 0; primal <= 1; primal++) {
    mn_fit_options options = model_kernel_options(primal ? MN_KERNEL_LINEAR : MN_KERNEL_LAPLACIAN, 0.3);
    double *scores[2], norm[2];
    for (int t = 0; t < 2; t++) {
      mn_context ctx = {.threads = t + 1};
      mn_model *model;
      scores[t] = malloc(M * 4 * sizeof **scores);
      assert_int_equal(mn_model_fit(train, &options, &ctx, &model, NULL), MN_OK);
      assert_int_equal(mn_model_predict(model, test, &ctx, scores[t], NULL), MN_OK);
      norm[t] = mn_model_report(model)->norm;
      mn_model_close(&model);
    }
    assert_true(oracle_distance(M * 4, scores[0], scores[1]) < 1e-12);
    mn_test_close(norm[0] / norm[1], 1, 1e-12);
    free(scores[0]), free(scores[1]);
  }
  mn_data_close(&train), mn_data_close(&test);
}

/* Of all functions that take the values, the interpolant has the least norm: the one through more samples, which takes
 * them too, has a greater norm, and so does the one of more targets. */
static void test_least_norm(void **state)
{
  (void)state;
  mn_data *more = model_regression(N, DIM, MN_F64, 1, 1);
  size_t index[N];
  for (size_t i = 0; i < N; i++) index[i] = i;
  double previous = 0;
  mn_fit_options options = model_kernel_options(MN_KERNEL_GAUSSIAN, 0.2);
  for (size_t n = 10; n <= N; n += 35) {
    mn_data *train = model_pick(more, index, n);
    mn_model *model = model_fit(train, &options);
    assert_true(mn_model_report(model)->train_rmse < 1e-9);
    assert_true(mn_model_report(model)->norm > previous);
    previous = mn_model_report(model)->norm;
    mn_model_close(&model);
    mn_data_close(&train);
  }
  mn_data_close(&more);
}

/* Scaling the targets scales the norm; the ridge lowers it. */
static void test_norm(void **state)
{
  (void)state;
  mn_data *train = model_regression(N, DIM, MN_F64, 2, 1);
  mn_fit_options options = model_options();
  mn_model *model = model_fit(train, &options);
  double norm = mn_model_report(model)->norm;
  mn_model_close(&model);
  for (size_t i = 0; i < N * 2; i++) train->y[i] *= -3;
  model = model_fit(train, &options);
  mn_test_close(mn_model_report(model)->norm / norm, 3, 1e-10);
  mn_model_close(&model);
  double previous = 3 * norm;
  for (options.solve.ridge = 1e-3; options.solve.ridge < 20; options.solve.ridge *= 10) {
    model = model_fit(train, &options);
    assert_true(mn_model_report(model)->norm < previous);
    assert_true(mn_model_report(model)->train_rmse > 0);
    previous = mn_model_report(model)->norm;
    mn_model_close(&model);
  }
  mn_data_close(&train);
}

/* The first half of a fit that is cancelled at its k-th progress report leaves nothing behind. */
static int stop_at(void *user, const mn_progress *progress)
{
  (void)progress;
  return --*(int *)user < 0;
}

static void test_cancel(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 4, 0, 1, 1);
  mn_fit_options options = model_options();
  long live = mn_memory_live();
  int reports = 0;
  for (int k = 0; k < 1000; k++) {
    int left = k;
    mn_context ctx = {.progress = stop_at, .user = &left, .threads = 1};
    mn_model *model;
    mn_error err = {0};
    mn_status st = mn_model_fit(train, &options, &ctx, &model, &err);
    if (!st) {
      mn_model_close(&model);
      assert_int_equal(mn_memory_live(), live);
      break;
    }
    reports++;
    assert_int_equal(st, MN_ERR_CANCELLED);
    assert_true(err.text[0]);
    assert_null(model);
    assert_int_equal(mn_memory_live(), live);
  }
  assert_true(reports > 0);
  int none = 0;
  mn_context ctx = {.progress = stop_at, .user = &none};
  mn_model *model = model_fit(train, &options);
  double scores[N * 4];
  assert_int_equal(mn_model_predict(model, train, &ctx, scores, NULL), MN_ERR_CANCELLED);
  mn_model_close(&model);
  assert_int_equal(mn_memory_live(), live);
  mn_data_close(&train);
}

/* Everything a fit can take along: duplicates, standard scaling, the search for a bandwidth, the mean subtracted. */
typedef struct {
  const mn_data *train, *test;
  mn_fit_options options;
} job;

static mn_status fit_and_predict(void *arg, mn_error *err)
{
  const job *j = arg;
  mn_context ctx = {.threads = 1};
  mn_model *model;
  double scores[M * 4];
  mn_status st = mn_model_fit(j->train, &j->options, &ctx, &model, err);
  if (st) {
    assert_null(model);
    return st;
  }
  st = mn_model_predict(model, j->test, &ctx, scores, err);
  mn_model_close(&model);
  return st;
}

static void test_allocations(void **state)
{
  (void)state;
  mn_data *train = model_classes(40, DIM, MN_F32, 4, 0, 1, 1), *test = model_data(M, DIM, MN_F32, 0, 2);
  model_repeat(train, 3, 20);
  job j = {train, test, mn_fit_defaults()};
  j.options.scale = MN_SCALE_STANDARD;
  j.options.center = 1;
  mn_test_every_allocation(fit_and_predict, &j);
  for (mn_solver solver = MN_SOLVER_CHOLESKY; solver < MN_SOLVER_COUNT; solver++) {
    j.options = model_options();
    j.options.solve.solver = solver;
    mn_test_every_allocation(fit_and_predict, &j);
  }
  j.options = model_kernel_options(MN_KERNEL_LINEAR, 1);
  mn_test_every_allocation(fit_and_predict, &j);
  mn_data_close(&train), mn_data_close(&test);
}

/* A fallback in the middle of it: a linear kernel on unit vectors, one of which comes twice, in two lengths. */
static void test_allocations_with_fallback(void **state)
{
  (void)state;
  mn_data *train = model_classes(6, DIM, MN_F64, 2, 0, 1, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  memset(train->x, 0, DIM * DIM * sizeof(double));
  for (size_t i = 0; i < DIM; i++) ((double *)train->x)[i * DIM + (i > 1 ? i : 0)] = i == 1 ? 2 : 1;
  job j = {train, test, model_kernel_options(MN_KERNEL_LINEAR, 1)};
  mn_model *model = model_fit(train, &j.options);
  assert_true(mn_model_report(model)->system.fallback_count > 0);
  assert_int_equal(mn_model_report(model)->system.rank, 5);
  mn_model_close(&model);
  mn_test_every_allocation(fit_and_predict, &j);
  mn_data_close(&train), mn_data_close(&test);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_linear_in_y),
      cmocka_unit_test(test_columns_are_independent),
      cmocka_unit_test(test_order_of_training),
      cmocka_unit_test(test_rows_are_independent),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_least_norm),
      cmocka_unit_test(test_norm),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_allocations),
      cmocka_unit_test(test_allocations_with_fallback),
  };
  return cmocka_run_group_tests_name("fit properties", tests, NULL, NULL);
}
