/* Systems that are singular, indefinite or too large: what is tried, what is said; invalid options, cancelling, failing
 * allocations; the forecast. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/dense.h"
#include "linalg/panels.h"
#include "linalg/threads.h"
#include "solve_support.h"
#include "support.h"

/* A Gaussian so wide that K is all ones but for a few digits. */
static problem wide_gaussian(size_t n)
{
  naive_set set = naive_open(n, 5, MN_U8, MN_SCALE_UNIT, 1);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  kernel.gamma = 1e-4;
  problem p = problem_open(set, kernel, 0);
  for (size_t i = 0; i < n * COLUMNS; i++) p.y[i] = 1 + set.x[i % n * 5] * (double)(i / n); /* a smooth target */
  return p;
}

typedef struct {
  int lines;
  char last[512];
} journal;

static void keep_line(void *user, const char *line)
{
  journal *j = user;
  j->lines++;
  snprintf(j->last, sizeof j->last, "%s", line);
}

static void a_singular_gaussian_falls_back_to_eigen(void **state)
{
  (void)state;
  enum { N = 200 };
  problem p = wide_gaussian(N);
  journal log = {0};
  mn_context ctx = {.threads = 2, .log = keep_line, .user = &log};
  mn_system *system;
  mn_solution solution;
  double *alpha = malloc(N * COLUMNS * sizeof *alpha);
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, NULL), MN_OK);
  const mn_system_report *r = mn_system_info(system);
  assert_int_equal(r->solver, MN_SOLVER_EIGEN);
  assert_int_equal(r->fallback_count, 1);
  assert_non_null(strstr(r->fallbacks[0], "Cholesky: pivot"));
  assert_non_null(strstr(r->fallbacks[0], "eigen instead"));
  assert_int_equal(log.lines, 1);
  assert_string_equal(log.last, r->fallbacks[0]);
  assert_true(r->rank > 5 && r->rank < N && r->rank_tolerance > 0 && r->rcond == 0);
  assert_int_equal(mn_system_solve(system, COLUMNS, p.y, alpha, NULL, NULL, &solution, NULL), MN_OK);
  assert_true(solution.residual < 2e-5); /* third order terms are lost: gamma ||x||^2 times the target, at most */
  assert_true(fabs(solution.residual - problem_residual(&p, alpha)) <= 1e-12 + 1e-15 * naive_norm(N, alpha));
  mn_system_close(&system);
  free(alpha);
  problem_close(&p);
}

/* Features without their means: K has the sum of all samples as null vector, and it is rounding that says whether the
 * last pivot is positive. Either way the least squares are found, which leave the mean of the targets. */
static void centred_features_end_in_least_squares(void **state)
{
  (void)state;
  enum { N = 30, DIM = 50, SEEDS = 12 };
  int pivots = 0, residuals = 0;
  for (unsigned seed = 1; seed <= SEEDS; seed++) {
    double *x = naive_normals(N * DIM, seed);
    for (size_t k = 0; k < DIM; k++) {
      double mean = 0;
      for (size_t i = 0; i < N; i++) mean += x[i * DIM + k] / N;
      for (size_t i = 0; i < N; i++) x[i * DIM + k] -= mean;
    }
    problem p = problem_open(naive_open_rows(N, DIM, x), mn_kernel_default(MN_KERNEL_LINEAR), 0);
    answer a = problem_solve(&p, MN_SOLVER_AUTO);
    assert_int_equal(a.report.solver, MN_SOLVER_EIGEN);
    assert_int_equal(a.report.rank, N - 1);
    assert_int_equal(a.report.fallback_count, 1);
    pivots += !strncmp(a.report.fallbacks[0], "Cholesky: pivot", 15);
    residuals += !strncmp(a.report.fallbacks[0], "residual", 8);
    for (size_t c = 0; c < COLUMNS; c++) {
      double mean = 0;
      for (size_t i = 0; i < N; i++) mean += p.y[i + c * N] / N;
      for (size_t i = 0; i < N; i++) mn_test_close(a.fitted[i + c * N], p.y[i + c * N] - mean, 1e-10);
    }
    answer_close(&a);
    problem_close(&p);
    free(x);
  }
  assert_int_equal(pivots + residuals, SEEDS);
  print_message("  %d by a pivot, %d by the residual\n", pivots, residuals);
}

static void explicit_cholesky_says_the_pivot_and_what_to_do(void **state)
{
  (void)state;
  problem p = wide_gaussian(200);
  mn_system *system = (mn_system *)&p;
  mn_error err = {0};
  p.options.solver = MN_SOLVER_CHOLESKY;
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, &err), MN_ERR_SINGULAR);
  assert_null(system);
  assert_int_equal(err.code, MN_ERR_SINGULAR);
  assert_non_null(strstr(err.text, "Cholesky: pivot"));
  assert_non_null(strstr(err.text, "of 200"));
  assert_non_null(strstr(err.text, "--ridge"));
  p.options.ridge = 1e-6; /* as advised */
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, NULL), MN_OK);
  mn_system_close(&system);
  problem_close(&p);
}

/* Duplicate rows: K is exactly singular; the eigendecomposition gives equal rows equal values, here their mean. */
static void duplicates_share_the_mean(void **state)
{
  (void)state;
  enum { N = 41, DIM = 3 };
  double *x = naive_normals(N * DIM, 2), mean[N];
  memcpy(x + (N - 1) * DIM, x, DIM * sizeof *x);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_LAPLACIAN);
  problem p = problem_open(naive_open_rows(N, DIM, x), kernel, 0);
  answer a = problem_solve(&p, MN_SOLVER_EIGEN);
  assert_int_equal(a.report.rank, N - 1);
  memcpy(mean, p.y, sizeof mean);
  mean[0] = mean[N - 1] = (p.y[0] + p.y[N - 1]) / 2;
  assert_true(naive_relative(N, a.fitted, mean) <= 1e-11);
  assert_true(fabs(a.alpha[0] - a.alpha[N - 1]) <= 1e-11 * naive_norm(N, a.alpha)); /* least norm */
  answer_close(&a);
  problem_close(&p);
  free(x);
}

static void an_indefinite_matrix_falls_back_to_lu(void **state)
{
  (void)state;
  enum { N = 30 };
  naive_set set = naive_open(N, 12, MN_F64, MN_SCALE_NONE, 1);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_POLYNOMIAL);
  kernel.gamma = 0.1, kernel.coef0 = -1;
  problem p = problem_open(set, kernel, 0);
  double exact[N * COLUMNS], *copy = malloc(N * N * sizeof *copy), values[N];
  memcpy(copy, p.k, N * N * sizeof *copy);
  assert_int_equal(mn_eigen_factor(N, copy, values, 1, NULL), MN_OK);
  assert_true(values[0] < -1e-3 && values[N - 1] > 1e-3); /* indefinite indeed */
  naive_solve(N, p.k, COLUMNS, p.y, exact);
  answer a = problem_solve(&p, MN_SOLVER_AUTO), lu = problem_solve(&p, MN_SOLVER_LU);
  answer eigen = problem_solve(&p, MN_SOLVER_EIGEN);
  assert_int_equal(a.report.solver, MN_SOLVER_LU);
  assert_int_equal(a.report.fallback_count, 1);
  assert_non_null(strstr(a.report.fallbacks[0], "lu instead"));
  assert_int_equal(lu.report.fallback_count, 0);
  assert_true(naive_relative(N * COLUMNS, a.alpha, exact) <= 1e-9);
  assert_true(naive_relative(N * COLUMNS, lu.alpha, exact) <= 1e-9);
  assert_true(naive_relative(N * COLUMNS, eigen.alpha, exact) <= 1e-9);
  assert_int_equal(eigen.report.rank, N);
  answer_close(&a), answer_close(&lu), answer_close(&eigen);
  free(copy);
  problem_close(&p);
}

/* (0 + 0)^1: every element is 0, so LU finds a zero pivot and the eigenvalues none that counts. */
static void a_zero_matrix_has_rank_zero(void **state)
{
  (void)state;
  enum { N = 12 };
  double x[N] = {0};
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_POLYNOMIAL);
  kernel.coef0 = 0, kernel.degree = 1;
  problem p = problem_open(naive_open_rows(N, 1, x), kernel, 0);
  answer a = problem_solve(&p, MN_SOLVER_AUTO);
  assert_int_equal(a.report.solver, MN_SOLVER_EIGEN);
  assert_int_equal(a.report.rank, 0);
  assert_true(naive_norm(N * COLUMNS, a.alpha) == 0 && a.solution.residual == 1);
  answer_close(&a);
  mn_system *system;
  mn_error err = {0};
  p.options.solver = MN_SOLVER_LU;
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, &err), MN_ERR_SINGULAR);
  assert_non_null(strstr(err.text, "LU: pivot 1 of 12"));
  problem_close(&p);
}

/* Room for Cholesky (9 MB) but not for the eigendecomposition (54): both failures are said. */
static void a_fallback_that_does_not_fit_is_said(void **state)
{
  (void)state;
  naive_set set = naive_open(1500, 2, MN_U8, MN_SCALE_UNIT, 1);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  mn_solve_options options = mn_solve_defaults();
  mn_system *system;
  mn_error err = {0};
  kernel.gamma = 1e-4;
  options.memory_bytes = mn_memory_current_rss() + ((size_t)30 << 20);
  assert_int_equal(mn_system_open(&set.samples, &kernel, &options, NULL, &system, &err), MN_ERR_SINGULAR);
  assert_null(system);
  assert_non_null(strstr(err.text, "Cholesky: pivot"));
  assert_non_null(strstr(err.text, "no fallback: eigen of 1500 samples needs 0.05 GiB"));
  naive_close(&set);
}

/* ---- what is refused */

static void a_small_budget_is_refused_before_allocating(void **state)
{
  (void)state;
  problem p = wide_gaussian(120);
  mn_solver solvers[] = {MN_SOLVER_AUTO, MN_SOLVER_CHOLESKY, MN_SOLVER_LU, MN_SOLVER_EIGEN};
  for (size_t s = 0; s < 4; s++) {
    mn_system *system;
    mn_error err = {0};
    long failures = mn_memory_failures();
    p.options.solver = solvers[s], p.options.memory_bytes = 1 << 20;
    mn_memory_fail_at(1); /* the system's own record is the only allocation there may be */
    assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, &err), MN_ERR_BUDGET);
    mn_memory_fail_at(-1);
    assert_null(system);
    assert_int_equal(mn_memory_failures(), failures);
    assert_non_null(strstr(err.text, "budget"));
    assert_non_null(strstr(err.text, "--precision single"));
  }
  p.options.memory_bytes = mn_memory_current_rss() + ((size_t)512 << 20);
  p.options.ridge = 1;
  answer a = problem_solve(&p, MN_SOLVER_AUTO);
  answer_close(&a);
  problem_close(&p);
}

/* Orders beyond a solver's limit, or the budget: the data set is described, never there. */
static void what_cannot_fit_is_refused(void **state)
{
  (void)state;
  mn_data data = {.n = MN_LU_MAX + 1, .dim = 2, .type = MN_U8};
  mn_scaling scaling = {.kind = MN_SCALE_UNIT, .dim = 2};
  mn_samples samples = mn_samples_of(&data, &scaling);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  mn_solve_options options = mn_solve_defaults();
  for (mn_solver solver = MN_SOLVER_LU; solver <= MN_SOLVER_EIGEN; solver++) {
    mn_system *system;
    mn_error err = {0};
    options.solver = solver;
    assert_int_equal(mn_system_open(&samples, &kernel, &options, NULL, &system, &err), MN_ERR_BUDGET);
    assert_non_null(strstr(err.text, solver == MN_SOLVER_LU ? "46340" : "32766"));
  }
  mn_system *system;
  mn_error err = {0};
  options.solver = MN_SOLVER_CHOLESKY; /* 8 GiB of panels in 4 GiB */
  options.precision = MN_PRECISION_DOUBLE;
  options.memory_bytes = mn_memory_current_rss() + ((size_t)4 << 30);
  assert_int_equal(mn_system_open(&samples, &kernel, &options, NULL, &system, &err), MN_ERR_BUDGET);
  assert_non_null(strstr(err.text, "needs 8."));
  assert_non_null(strstr(err.text, "4.00 GiB are left"));
}

static void invalid_options_are_refused(void **state)
{
  (void)state;
  problem p = wide_gaussian(10);
  const mn_solve_options good = p.options;
  enum { BAD = 9 };
  mn_solve_options bad[BAD];
  for (size_t i = 0; i < BAD; i++) bad[i] = good;
  bad[0].ridge = -1e-300, bad[1].ridge = NAN, bad[2].ridge = INFINITY;
  bad[3].rank_tolerance = 1, bad[4].rank_tolerance = -1, bad[5].rank_tolerance = NAN;
  bad[6].precision = MN_PRECISION_SINGLE, bad[6].solver = MN_SOLVER_LU;
  bad[7].solver = MN_SOLVER_COUNT, bad[8].precision = (mn_precision)(MN_PRECISION_SINGLE + 1);
  mn_system *system;
  for (size_t i = 0; i < BAD; i++) {
    mn_error err = {0};
    assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &bad[i], NULL, &system, &err), MN_ERR_ARGUMENT);
    assert_null(system);
    assert_true(err.text[0]);
  }
  bad[6].solver = MN_SOLVER_EIGEN;
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &bad[6], NULL, &system, NULL), MN_ERR_ARGUMENT);
  const double gammas[] = {0, -1, NAN, INFINITY};
  for (size_t i = 0; i < 4; i++) {
    mn_kernel kernel = p.kernel;
    kernel.gamma = gammas[i];
    assert_int_equal(mn_system_open(&p.set.samples, &kernel, &good, NULL, &system, NULL), MN_ERR_ARGUMENT);
  }
  mn_system_close(&system); /* NULL is fine */
  system = problem_system(&p, MN_SOLVER_EIGEN);
  mn_solution solution;
  mn_error err = {0};
  assert_int_equal(mn_system_solve(system, 0, p.y, p.k, NULL, NULL, &solution, &err), MN_ERR_ARGUMENT);
  assert_true(err.text[0]);
  mn_system_close(&system);
  problem_close(&p);
}

static void names(void **state)
{
  (void)state;
  assert_string_equal(mn_solver_string(MN_SOLVER_AUTO), "auto");
  assert_string_equal(mn_solver_string(MN_SOLVER_CHOLESKY), "cholesky");
  assert_string_equal(mn_solver_string(MN_SOLVER_LU), "lu");
  assert_string_equal(mn_solver_string(MN_SOLVER_EIGEN), "eigen");
  assert_null(mn_solver_string(MN_SOLVER_COUNT));
  assert_string_equal(mn_precision_string(MN_PRECISION_AUTO), "auto");
  assert_string_equal(mn_precision_string(MN_PRECISION_DOUBLE), "double");
  assert_string_equal(mn_precision_string(MN_PRECISION_SINGLE), "single");
}

/* ---- cancelling and failing */

static int cancel_phase(void *user, const mn_progress *progress)
{
  return !strcmp(user, progress->phase);
}

static void cancelling(void **state)
{
  (void)state;
  problem p = wide_gaussian(40);
  p.options.ridge = 1;
  problem q = problem_open(naive_open(40, 5, MN_U8, MN_SCALE_UNIT, 1), mn_kernel_default(MN_KERNEL_LINEAR), 0);
  char gram[] = "gram", factor[] = "factor", residual[] = "residual";
  char *phases[] = {gram, factor, residual};
  for (size_t i = 0; i < 3; i++) {
    mn_context ctx = {.progress = cancel_phase, .user = phases[i]};
    mn_system *system;
    mn_error err = {0};
    mn_solution solution;
    double alpha[40 * COLUMNS];
    long live = mn_memory_live();
    mn_status st = mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, &err);
    if (i == 2) {
      assert_int_equal(st, MN_OK);
      st = mn_system_solve(system, COLUMNS, p.y, alpha, NULL, &ctx, &solution, &err);
      mn_system_close(&system);
    }
    assert_int_equal(st, MN_ERR_CANCELLED);
    assert_non_null(strstr(err.text, phases[i]));
    assert_null(system);
    assert_int_equal(mn_memory_live(), live);
    if (i == 1)
      assert_int_equal(mn_system_open(&q.set.samples, &q.kernel, &q.options, &ctx, &system, NULL), MN_ERR_CANCELLED);
  }
  problem_close(&p);
  problem_close(&q);
}

typedef struct {
  problem p;
  mn_solver solver;
  mn_precision precision;
} attempt;

static mn_status open_and_solve(void *arg, mn_error *err)
{
  const attempt *a = arg;
  mn_solve_options options = a->p.options;
  mn_context ctx = {.threads = 2};
  mn_system *system;
  mn_solution solution;
  double alpha[20 * COLUMNS], fitted[20 * COLUMNS];
  options.solver = a->solver, options.precision = a->precision;
  mn_status st = mn_system_open(&a->p.set.samples, &a->p.kernel, &options, &ctx, &system, err);
  if (!st) st = mn_system_solve(system, COLUMNS, a->p.y, alpha, fitted, &ctx, &solution, err);
  mn_system_close(&system);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  attempt a = {.p = wide_gaussian(20)}, linear = a;
  for (mn_solver solver = MN_SOLVER_AUTO; solver < MN_SOLVER_COUNT; solver++) {
    a.solver = solver;
    a.p.options.ridge = solver == MN_SOLVER_AUTO ? 0 : 1; /* auto: by way of the fallback */
    mn_test_every_allocation(open_and_solve, &a);
  }
  a.solver = MN_SOLVER_CHOLESKY, a.precision = MN_PRECISION_SINGLE;
  mn_test_every_allocation(open_and_solve, &a);
  linear.p.kernel = mn_kernel_default(MN_KERNEL_LINEAR);
  mn_test_every_allocation(open_and_solve, &linear);
  problem_close(&a.p);
}

/* ---- the forecast */

static mn_forecast forecast(size_t n, size_t dim, size_t element_bytes, mn_kernel_name name, mn_solver solver,
                            mn_precision precision)
{
  mn_forecast out;
  mn_kernel kernel = mn_kernel_default(name);
  mn_solve_options options = mn_solve_defaults();
  mn_context ctx = {.threads = 1};
  size_t columns = mn_test_is_wrapped() ? 2 : 10; /* what is timed takes as many passes */
  mn_data *data = NULL;
  mn_scaling *scaling = NULL;
  options.solver = solver, options.precision = precision;
  assert_int_equal(mn_data_create(n < 300 ? n : 300, dim, MN_U8, 0, &data, NULL), MN_OK);
  memset(data->x, 1, data->n * dim);
  assert_int_equal(mn_scaling_open(MN_SCALE_UNIT, data, &scaling, NULL), MN_OK);
  mn_samples like = mn_samples_of(data, scaling);
  assert_int_equal(mn_solve_forecast(&like, n, n / 6, element_bytes, columns, &kernel, &options, &ctx, &out, NULL),
                   MN_OK);
  mn_scaling_close(&scaling);
  mn_data_close(&data);
  assert_true(out.gflops > 0 && out.bytes > 0 && out.factor_s > 0 && out.total_s >= out.factor_s);
  mn_test_close(out.total_s, out.allocate_s + out.gram_s + out.factor_s + out.residual_s + out.predict_s, 1e-12);
  return out;
}

static void forecasts_count_flops(void **state)
{
  (void)state;
  const size_t samples = mn_test_is_wrapped() ? 5000 : 60000;
  const double n = (double)samples, d = 784;
  mn_forecast f = forecast(samples, 784, 1, MN_KERNEL_GAUSSIAN, MN_SOLVER_CHOLESKY, MN_PRECISION_MIXED);
  assert_int_equal(f.solver, MN_SOLVER_CHOLESKY);
  mn_test_close(f.factor_flops / (n * n * n / 3), 1, 1e-12);
  mn_test_close(f.gram_flops / (n * n * d), 1, 1e-12);
  mn_test_close(f.residual_flops / (n * n * d), 1, 1e-12);
  mn_test_close(f.predict_flops / (2 * n * floor(n / 6) * d), 1, 1e-12);
  assert_true(f.gram_s > 0 && f.residual_s > 0 && f.predict_s > 0);
  if (mn_test_is_wrapped()) return; /* the other rows are timed on products that take minutes there */
  f = forecast(samples, 784, 1, MN_KERNEL_LINEAR, MN_SOLVER_AUTO, MN_PRECISION_AUTO);
  assert_int_equal(f.solver, MN_SOLVER_EIGEN);
  assert_true(f.factor_flops < n * n * d && f.bytes < 2e9 && f.gram_flops == 0);
  f = forecast(6000, 784, 1, MN_KERNEL_GAUSSIAN, MN_SOLVER_LU, MN_PRECISION_AUTO);
  mn_test_close(f.factor_flops / (2 * 6000.0 * 6000.0 * 6000.0 / 3), 1, 1e-12);
}

static void forecasts_count_bytes(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped("a forecast counts from the memory of the process, which is not that of the program alone");
  double last = 0;
  for (size_t n = 1000; n <= 64000; n *= 4) {
    mn_forecast f = forecast(n, 100, 1, MN_KERNEL_GAUSSIAN, MN_SOLVER_AUTO, MN_PRECISION_DOUBLE);
    double panels = (double)mn_panels_bytes(n, mn_panels_width(n), MN_F64);
    assert_true(f.bytes >= panels && f.bytes <= 1.5 * panels + 1e9);
    assert_true(f.bytes > last);
    last = f.bytes;
  }
  mn_forecast twice = forecast(64000, 100, 1, MN_KERNEL_GAUSSIAN, MN_SOLVER_AUTO, MN_PRECISION_DOUBLE);
  mn_forecast half = forecast(64000, 100, 1, MN_KERNEL_GAUSSIAN, MN_SOLVER_AUTO, MN_PRECISION_SINGLE);
  mn_forecast loaded = forecast(64000, 100, 0, MN_KERNEL_GAUSSIAN, MN_SOLVER_AUTO, MN_PRECISION_DOUBLE);
  double single = (double)mn_panels_bytes(64000, mn_panels_width(64000), MN_F32), samples = 64000 + 64000 / 6;
  assert_true(half.bytes >= single && twice.bytes - half.bytes > 0.95 * single);
  assert_true(fabs(twice.bytes - loaded.bytes - samples * 100) < 64e6); /* but for what the process took meanwhile */
  mn_forecast lu = forecast(20000, 100, 1, MN_KERNEL_GAUSSIAN, MN_SOLVER_LU, MN_PRECISION_AUTO);
  mn_forecast eigen = forecast(20000, 100, 1, MN_KERNEL_GAUSSIAN, MN_SOLVER_EIGEN, MN_PRECISION_AUTO);
  assert_true(lu.bytes >= 8 * 20000.0 * 20000.0 && eigen.bytes >= 24 * 20000.0 * 20000.0);
}

static mn_status forecast_once(void *arg, mn_error *err)
{
  const mn_solve_options *options = arg;
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  mn_context ctx = {.threads = 1};
  mn_forecast out;
  unsigned char x[20 * 5] = {0};
  mn_data data = {.n = 20, .dim = 5, .type = MN_U8, .x = x};
  mn_scaling scaling = {.kind = MN_SCALE_UNIT, .dim = 5};
  mn_samples like = mn_samples_of(&data, &scaling);
  return mn_solve_forecast(&like, 100, 10, 1, 1, &kernel, options, &ctx, &out, err);
}

static void forecasts_survive_failing_allocations(void **state)
{
  (void)state;
  mn_solve_options options = mn_solve_defaults();
  options.precision = MN_PRECISION_SINGLE;
  mn_test_every_allocation(forecast_once, &options);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_singular_gaussian_falls_back_to_eigen),
      cmocka_unit_test(centred_features_end_in_least_squares),
      cmocka_unit_test(explicit_cholesky_says_the_pivot_and_what_to_do),
      cmocka_unit_test(duplicates_share_the_mean),
      cmocka_unit_test(an_indefinite_matrix_falls_back_to_lu),
      cmocka_unit_test(a_zero_matrix_has_rank_zero),
      cmocka_unit_test(a_fallback_that_does_not_fit_is_said),
      cmocka_unit_test(a_small_budget_is_refused_before_allocating),
      cmocka_unit_test(what_cannot_fit_is_refused),
      cmocka_unit_test(invalid_options_are_refused),
      cmocka_unit_test(names),
      cmocka_unit_test(cancelling),
      cmocka_unit_test(failing_allocations),
      cmocka_unit_test(forecasts_count_flops),
      cmocka_unit_test(forecasts_count_bytes),
      cmocka_unit_test(forecasts_survive_failing_allocations),
  };
  return cmocka_run_group_tests_name("fallback", tests, NULL, NULL);
}
