/* Rates and what is known of the machine: fields are filled and agree with each other; no rate is asserted. */
#include <math.h>
#include <string.h>

#include "linalg/threads.h"
#include "minnorm/bench.h"
#include "support.h"

static void gemm_rates_are_positive(void **state)
{
  (void)state;
  for (int type = MN_F32; type <= MN_F64; type++)
    for (int threads = 1; threads <= 2; threads++) {
      mn_context ctx = {.threads = threads};
      double gflops = -1;
      assert_int_equal(mn_bench_gemm((mn_dtype)type, 0.02, &ctx, &gflops, NULL), MN_OK);
      assert_true(gflops > 0 && isfinite(gflops));
    }
}

static void other_types_are_refused(void **state)
{
  (void)state;
  double gflops = -1;
  mn_bench_point point;
  mn_error err = {0};
  assert_int_equal(mn_bench_gemm(MN_U8, 0.02, NULL, &gflops, &err), MN_ERR_ARGUMENT);
  assert_int_equal(err.code, MN_ERR_ARGUMENT);
  assert_true(err.text[0] && gflops == -1);
  assert_int_equal(mn_bench_run(50, 5, MN_U8, NULL, &point, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_bench_run(0, 5, MN_F64, NULL, &point, NULL), MN_ERR_DATA);
}

static void a_run_fills_every_field(void **state)
{
  (void)state;
  for (int type = MN_F32; type <= MN_F64; type++) {
    mn_context ctx = {.threads = 1 + type % 2};
    mn_bench_point p;
    const double n = 300, dim = 20;
    assert_int_equal(mn_bench_run(300, 20, (mn_dtype)type, &ctx, &p, NULL), MN_OK);
    assert_true(p.n == 300 && p.dim == 20 && p.type == (mn_dtype)type && p.threads == ctx.threads);
    assert_true(p.gemm_gflops > 0 && p.gram_s > 0 && p.factor_s > 0 && p.solve_s > 0);
    mn_test_close(p.gram_gflops * p.gram_s * 1e9 / (n * n * dim), 1, 1e-12);
    mn_test_close(p.factor_gflops * p.factor_s * 1e9 / (n * n * n / 3), 1, 1e-12);
    mn_test_close(p.gram_ratio * p.gemm_gflops, p.gram_gflops, 1e-12);
    mn_test_close(p.factor_ratio * p.gemm_gflops, p.factor_gflops, 1e-12);
  }
}

static int cancel_factor(void *user, const mn_progress *progress)
{
  (void)user;
  return !strcmp(progress->phase, "factor");
}

static void cancelling(void **state)
{
  (void)state;
  mn_context ctx = {.threads = 1, .progress = cancel_factor};
  mn_bench_point p;
  assert_int_equal(mn_bench_run(50, 5, MN_F64, &ctx, &p, NULL), MN_ERR_CANCELLED);
}

static void information_is_there(void **state)
{
  (void)state;
  mn_info info;
  mn_info_get(&info);
  assert_non_null(strchr(info.version, '.'));
  assert_string_equal(info.blas, mn_threads_blas_name());
  assert_true(strlen(info.compiler) > 0);
  assert_int_equal(info.threads, mn_threads_open(NULL));
  assert_true(info.memory_total > 0 && info.memory_available > 0 && info.memory_available <= info.memory_total);
  size_t count = 0;
  while (count < 8 && info.features[count]) assert_true(strlen(info.features[count++]) > 0);
  assert_true(count > 0 && count < 8); /* and a NULL ends them */
}

static mn_status run_once(void *arg, mn_error *err)
{
  mn_context ctx = {.threads = 1};
  mn_bench_point p;
  (void)arg;
  return mn_bench_run(10, 3, MN_F32, &ctx, &p, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(run_once, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gemm_rates_are_positive), cmocka_unit_test(other_types_are_refused),
      cmocka_unit_test(a_run_fills_every_field), cmocka_unit_test(cancelling),
      cmocka_unit_test(information_is_there),    cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
