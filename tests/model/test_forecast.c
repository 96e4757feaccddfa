/* What a fit is expected to need, and a budget that is refused before any work. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "model/model.h"
#include "model_support.h"

static void test_parts_add_up(void **state)
{
  (void)state;
  const size_t n = 200, m = 50, dim = 6;
  mn_data *train = model_classes(n, dim, MN_F64, 3, 0, 1, 1);
  mn_fit_options options = mn_fit_defaults();
  mn_forecast f;
  assert_int_equal(mn_fit_forecast(train, m, NULL, &options, NULL, &f, NULL), MN_OK);
  mn_test_close(f.gram_flops, (double)(n * n * dim), 1e-12);
  mn_test_close(f.factor_flops, pow((double)n, 3) / 3, 1e-12);
  mn_test_close(f.predict_flops, (double)(2 * n * m * dim), 1e-12);
  assert_true(f.bandwidth_flops > 8 * f.factor_flops); /* 8 candidates, each a factor and an inverse */
  assert_true(f.gflops > 0 && f.bytes > (double)(n * n * sizeof(double)) / 2);
  mn_test_close(f.total_s / (f.bandwidth_s + f.allocate_s + f.gram_s + f.factor_s + f.residual_s + f.predict_s), 1,
                1e-12);

  options.gamma_rule = MN_GAMMA_GIVEN, options.kernel.gamma = 1;
  assert_int_equal(mn_fit_forecast(train, 0, NULL, &options, NULL, &f, NULL), MN_OK);
  assert_true(f.bandwidth_flops == 0 && f.bandwidth_s == 0 && f.predict_flops == 0);
  mn_data_close(&train);
}

/* The search for gamma holds two matrices where the fit of so few samples holds one. */
static void test_the_search_counts(void **state)
{
  (void)state;
  const size_t n = 1500;
  mn_data *train = model_regression(n, 2, MN_F64, 1, 3);
  mn_fit_options search = mn_fit_defaults(), given = search;
  mn_forecast f;
  given.gamma_rule = MN_GAMMA_GIVEN, given.kernel.gamma = 1;
  double bytes = mn_bandwidth_bytes(&search, train, 1, 2);
  assert_true(bytes > (double)(n * n * sizeof(double)) && bytes < 2 * (double)(n * n * sizeof(double)));
  assert_true(mn_bandwidth_bytes(&given, train, 1, 2) == 0);
  assert_int_equal(mn_fit_forecast(train, 0, NULL, &search, NULL, &f, NULL), MN_OK);
  assert_true(f.bytes > bytes);
  mn_data_close(&train);
}

/* Of products a system is in the images whatever the kernel, K is kept in fp64 beside a mixed factor, where bytes would
 * have it made anew, and nothing is multiplied. */
static void test_products_to_come(void **state)
{
  (void)state;
  const size_t n = 9000;
  mn_data *train = model_classes(n, 6, MN_U8, 3, 0, 1, 1);
  mn_products *to_come;
  mn_fit_options options = mn_fit_defaults();
  mn_forecast of_bytes, of_products;
  double panels = (double)(n * n) / 2;
  options.gamma_rule = MN_GAMMA_GIVEN, options.kernel.gamma = 1;
  assert_int_equal(mn_products_to_come(n, MN_F64, &to_come, NULL), MN_OK);
  assert_true(mn_products_get(to_come).n < n);
  assert_int_equal(mn_fit_forecast(train, 10, NULL, &options, NULL, &of_bytes, NULL), MN_OK);
  assert_int_equal(mn_fit_forecast(train, 10, to_come, &options, NULL, &of_products, NULL), MN_OK);
  assert_true(of_products.bytes - of_bytes.bytes > 0.9 * panels * sizeof(double));
  assert_true(of_products.gram_flops == 0 && of_products.predict_flops == 0 && of_products.gram_s > 0);
  assert_true(of_products.factor_flops == of_bytes.factor_flops);
  options.kernel.name = MN_KERNEL_LINEAR;
  assert_int_equal(mn_fit_forecast(train, 10, NULL, &options, NULL, &of_bytes, NULL), MN_OK);
  assert_int_equal(mn_fit_forecast(train, 10, to_come, &options, NULL, &of_products, NULL), MN_OK);
  assert_int_equal(of_bytes.solver, MN_SOLVER_EIGEN); /* in six weights */
  assert_int_equal(of_products.solver, MN_SOLVER_CHOLESKY);
  mn_products_close(&to_come);
  mn_data_close(&train);
}

static int count_search(void *user, const mn_progress *progress)
{
  int *count = user;
  *count += !strcmp(progress->phase, "bandwidth");
  return 0;
}

static void test_a_budget_is_refused_before_the_search(void **state)
{
  (void)state;
  int count = 0;
  mn_data *train = model_regression(400, 3, MN_F64, 1, 2);
  mn_fit_options options = mn_fit_defaults();
  mn_context ctx = {.progress = count_search, .user = &count};
  mn_model *model;
  mn_error err = {0};
  options.solve.memory_bytes = 1 << 20;
  assert_int_equal(mn_model_fit(train, &options, &ctx, &model, &err), MN_ERR_BUDGET);
  assert_null(model);
  assert_non_null(strstr(err.text, "budget"));
  assert_int_equal(count, 0);
  options.solve.memory_bytes = 0;
  options.solve.ridge = 1e-3;
  assert_int_equal(mn_model_fit(train, &options, &ctx, &model, &err), MN_OK);
  assert_true(count > 0);
  mn_model_close(&model);
  mn_data_close(&train);
}

static int count_calls(void *user, const mn_progress *progress)
{
  (void)progress;
  ++*(int *)user;
  return 0;
}

/* One column of targets has no classes to tell interpolation by. */
static void test_interpolation_of_reals_is_refused_before_any_work(void **state)
{
  (void)state;
  int calls = 0;
  mn_data *one = model_regression(200, 3, MN_F64, 1, 2), *two = model_regression(200, 3, MN_F64, 2, 2);
  mn_fit_options options = mn_fit_defaults();
  mn_context ctx = {.progress = count_calls, .user = &calls};
  mn_model *model;
  mn_error err = {0};
  options.solve.solver = MN_SOLVER_CG, options.solve.interpolate = 1, options.solve.ridge = 1e-3;
  assert_int_equal(mn_model_fit(one, &options, &ctx, &model, &err), MN_ERR_ARGUMENT);
  assert_null(model);
  assert_non_null(strstr(err.text, "needs classes"));
  assert_int_equal(calls, 0);
  assert_int_equal(mn_model_fit(two, &options, &ctx, &model, &err), MN_OK);
  assert_true(calls > 0);
  mn_model_close(&model);
  mn_data_close(&one);
  mn_data_close(&two);
}

static mn_status forecast_call(void *arg, mn_error *err)
{
  mn_fit_options options = mn_fit_defaults();
  mn_forecast f;
  return mn_fit_forecast(arg, 10, NULL, &options, NULL, &f, err);
}

static void test_allocations(void **state)
{
  (void)state;
  mn_data *train = model_classes(30, 3, MN_F64, 2, -1, 2, 5);
  mn_test_every_allocation(forecast_call, train);
  mn_data_close(&train);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts_add_up),
      cmocka_unit_test(test_the_search_counts),
      cmocka_unit_test(test_products_to_come),
      cmocka_unit_test(test_a_budget_is_refused_before_the_search),
      cmocka_unit_test(test_interpolation_of_reals_is_refused_before_any_work),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("forecast", tests, NULL, NULL);
}
