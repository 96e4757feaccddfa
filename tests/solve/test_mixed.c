/* Mixed precision: residuals by an evaluation of the test's own, solutions against fp64, the three ways of keeping K,
 * the shift, falling back to fp64, tolerances, scales, threads, cancelling, failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "gram/gram.h"
#include "linalg/panels.h"
#include "linalg/threads.h"
#include "solve/system.h"
#include "solve_support.h"
#include "support.h"

/* gamma is for uniform samples in 0 ... 1, whose variance is a twelfth of that of these normal ones. */
static problem mixed_problem(size_t n, mn_kernel_name name, double gamma, double ridge)
{
  naive_set set = naive_open(n, 12, MN_F32, MN_SCALE_NONE, n);
  mn_kernel kernel = mn_kernel_default(name);
  kernel.gamma = name == MN_KERNEL_GAUSSIAN ? gamma / 12 : gamma / sqrt(12);
  problem p = problem_open(set, kernel, ridge);
  p.options.precision = MN_PRECISION_MIXED;
  p.options.columns = COLUMNS;
  return p;
}

static mn_system planned(const problem *p, int threads)
{
  return (mn_system){.samples = p->set.samples, .kernel = p->kernel, .options = p->options, .threads = threads};
}

/* A budget that leaves room for K in the precision wanted, halfway to the next one. */
static void keep(problem *p, mn_gram_kept kept, int threads)
{
  size_t n = p->set.n, width = mn_panels_width(n), single = mn_panels_bytes(n, width, MN_F32);
  mn_system s = planned(p, threads);
  double least = mn_solver_bytes(&mn_solver_mixed_row, &s);
  static const double rooms[] = {[MN_GRAM_NONE] = 0.5, [MN_GRAM_SINGLE] = 1.5, [MN_GRAM_DOUBLE] = 3};
  p->options.memory_bytes =
      mn_memory_current_rss() + (size_t)(MN_SOLVER_BUFFERS + least + rooms[kept] * (double)single);
}

/* Opens, solves, closes; the report is that after solving. */
static answer mixed_solve(const problem *p, mn_solver solver, int threads)
{
  mn_system *system = NULL;
  mn_error err = {0};
  mn_solve_options options = p->options;
  mn_context ctx = {.threads = threads};
  size_t count = p->set.n * COLUMNS;
  answer a = {.alpha = malloc(count * sizeof *a.alpha), .fitted = malloc(count * sizeof *a.fitted)};
  options.solver = solver;
  mn_status st = mn_system_open(&p->set.samples, &p->kernel, &options, &ctx, &system, &err);
  if (!st) st = mn_system_solve(system, COLUMNS, p->y, a.alpha, a.fitted, &ctx, &a.solution, &err);
  if (st) fail_msg("%s", err.text);
  a.report = *mn_system_info(system);
  mn_system_close(&system);
  return a;
}

static void check_mixed(const answer *a)
{
  if (a->report.fallback_count) fail_msg("%s (%.1e)", a->report.fallbacks[0], a->solution.residual);
  assert_int_equal(a->report.solver, MN_SOLVER_CHOLESKY);
  assert_int_equal(a->report.precision, MN_PRECISION_MIXED);
  assert_true(a->report.shift > 0 && a->report.rcond > 0);
  assert_true(a->solution.converged && a->solution.iterations == 0 && a->solution.refinements >= 1);
}

/* K alpha, without the ridge, is what comes back as fitted. */
static void check_fitted(const problem *p, const answer *a)
{
  size_t n = p->set.n, count = n * COLUMNS;
  double *k = malloc(n * n * sizeof *k), *fitted = malloc(count * sizeof *fitted);
  memcpy(k, p->k, n * n * sizeof *k);
  for (size_t i = 0; i < n; i++) k[i * (n + 1)] -= p->options.ridge;
  naive_multiply(n, n, k, COLUMNS, a->alpha, fitted);
  assert_true(naive_distance(count, a->fitted, fitted) <=
              1e-14 * (double)n * (naive_norm(count, a->alpha) + naive_norm(count, p->y)));
  free(k), free(fitted);
}

typedef struct {
  mn_kernel_name name;
  double gamma, ridge;
} setting;

/* Condition numbers up to some 1e6. */
static const setting settings[] = {
    {MN_KERNEL_GAUSSIAN, 0.5, 0},     {MN_KERNEL_GAUSSIAN, 0.1, 0},       {MN_KERNEL_GAUSSIAN, 0.03, 0},
    {MN_KERNEL_GAUSSIAN, 0.03, 1e-3}, {MN_KERNEL_GAUSSIAN, 0.03, 1},      {MN_KERNEL_LAPLACIAN, 0.5, 0},
    {MN_KERNEL_LAPLACIAN, 0.01, 0},   {MN_KERNEL_MATERN32, 0.2, 0},       {MN_KERNEL_MATERN52, 0.2, 0},
    {MN_KERNEL_POLYNOMIAL, 0.5, 0},   {MN_KERNEL_POLYNOMIAL, 0.05, 1e-4}, {MN_KERNEL_NTK, 1, 0}};
enum { SETTINGS = sizeof settings / sizeof *settings };

static void residuals_keep_the_tolerance(void **state)
{
  (void)state;
  const double tolerances[] = {1e-4, 1e-7, 1e-10};
  for (size_t s = 0; s < SETTINGS; s++) {
    problem p = mixed_problem(150, settings[s].name, settings[s].gamma, settings[s].ridge);
    for (size_t t = 0; t < 3; t++) {
      p.options.tolerance = tolerances[t];
      answer a = mixed_solve(&p, t == 1 ? MN_SOLVER_AUTO : MN_SOLVER_CHOLESKY, 1 + (int)t % 2);
      double residual = problem_residual(&p, a.alpha);
      check_mixed(&a);
      check_fitted(&p, &a);
      double noise =
          5e-16 * sqrt(150) * naive_norm(150 * COLUMNS, a.alpha); /* of elements of K that differ in their last digit */
      if (!(residual <= tolerances[t] + noise / naive_norm(150 * COLUMNS, p.y)))
        fail_msg("setting %zu: %g, not %g", s, residual, tolerances[t]);
      assert_true(a.solution.residual <= fmax(tolerances[t], noise / naive_norm(150 * COLUMNS, p.y)));
      assert_true(fabs(residual - a.solution.residual) <= 1e-6 * residual + noise / naive_norm(150 * COLUMNS, p.y));
      answer_close(&a);
    }
    problem_close(&p);
  }
}

static void solutions_equal_double_precision(void **state)
{
  (void)state;
  for (size_t s = 0; s < SETTINGS; s++) {
    problem p = mixed_problem(200, settings[s].name, settings[s].gamma, settings[s].ridge);
    double *exact = malloc(200 * COLUMNS * sizeof *exact);
    p.options.tolerance = 0;
    naive_solve(200, p.k, COLUMNS, p.y, exact);
    answer a = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
    double off = naive_relative(200 * COLUMNS, a.alpha, exact);
    check_mixed(&a);
    if (!(off <= 1e-8)) fail_msg("setting %zu: off by %g", s, off);
    free(exact);
    answer_close(&a);
    problem_close(&p);
  }
}

/* ---- K kept in double or single precision, or not at all */

static void every_way_of_keeping_k(void **state)
{
  (void)state;
  enum { N = 1100 };
  for (int ridge = 0; ridge < 2; ridge++) {
    problem p = mixed_problem(N, MN_KERNEL_GAUSSIAN, 0.3, 1e-9 * ridge);
    p.options.precision = MN_PRECISION_DOUBLE;
    answer exact = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
    p.options.precision = MN_PRECISION_MIXED;
    p.options.tolerance = 1e-11;
    for (mn_gram_kept kept = MN_GRAM_NONE; kept <= MN_GRAM_DOUBLE; kept++) {
      keep(&p, kept, 2);
      mn_system s = planned(&p, 2);
      assert_int_equal(mn_mixed_choose(&s), kept);
      answer a = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
      check_mixed(&a);
      assert_int_equal(a.report.gram_kept, kept);
      assert_true(problem_residual(&p, a.alpha) <= 4e-11);
      assert_true(naive_relative(N * COLUMNS, a.alpha, exact.alpha) <= 1e-8);
      assert_true(a.report.gram_s > 0 && a.report.allocate_s >= 0 && a.report.factor_gflops > 0);
      answer_close(&a);
    }
    answer_close(&exact);
    problem_close(&p);
  }
}

static void less_than_the_factor_is_refused(void **state)
{
  (void)state;
  problem p = mixed_problem(1500, MN_KERNEL_GAUSSIAN, 0.1, 0);
  mn_system *system;
  mn_error err = {0};
  p.options.memory_bytes = mn_memory_current_rss() + mn_panels_bytes(1500, mn_panels_width(1500), MN_F32) / 2;
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, &err), MN_ERR_BUDGET);
  assert_null(system);
  assert_non_null(strstr(err.text, "budget"));
  problem_close(&p);
}

/* ---- the shift, and falling back */

/* Half a roundoff of fp32 times sqrt(n) times the mean of the diagonal, and ten or a hundred times that. */
static int shift_power(const problem *p, const answer *a)
{
  double n = (double)p->set.n, first = 0;
  for (size_t i = 0; i < p->set.n; i++) first += p->k[i * (p->set.n + 1)] / n;
  first *= 0.5 * 0x1p-24 * sqrt(n);
  double power = log10(a->report.shift / first);
  assert_true(fabs(power - round(power)) <= 1e-4);
  return (int)round(power);
}

static void first_shifts_suffice_for_well_conditioned_systems(void **state)
{
  (void)state;
  for (size_t s = 0; s < SETTINGS; s++) {
    problem p = mixed_problem(100, settings[s].name, settings[s].gamma, settings[s].ridge);
    answer a = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
    assert_int_equal(shift_power(&p, &a), 0);
    answer_close(&a);
    problem_close(&p);
  }
}

static void count_pivots(void *user, const char *line)
{
  int *lines = user;
  *lines += strstr(line, "fp32: pivot ") != NULL;
}

/* Smooth kernels of few features: rounding makes pivots fail. Each shift that failed is told. */
static void a_shift_grows_until_pivots_are_positive(void **state)
{
  (void)state;
  int grown = 0;
  for (uint64_t seed = 0; seed < 6; seed++) {
    mn_kernel kernel = mn_kernel_default(seed % 2 ? MN_KERNEL_MATERN52 : MN_KERNEL_GAUSSIAN);
    kernel.gamma = 1e-2;
    problem p = problem_open(naive_open(200, 2, MN_F64, MN_SCALE_NONE, seed), kernel, 0);
    int lines = 0;
    mn_context ctx = {.threads = 2, .log = count_pivots, .user = &lines};
    mn_system *system;
    p.options.precision = MN_PRECISION_MIXED, p.options.solver = MN_SOLVER_CHOLESKY;
    assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, NULL), MN_OK);
    answer a = {.report = *mn_system_info(system)};
    int power = shift_power(&p, &a);
    assert_true(power >= 0 && power <= 2 && power == lines);
    grown += power > 0;
    mn_system_close(&system);
    problem_close(&p);
  }
  assert_true(grown > 0);
}

/* However much room there is. */
static void bytes_are_made_anew(void **state)
{
  (void)state;
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  kernel.gamma = 0.3;
  problem p = problem_open(naive_open(600, 12, MN_U8, MN_SCALE_UNIT, 1), kernel, 0);
  p.options.precision = MN_PRECISION_MIXED;
  answer a = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
  check_mixed(&a);
  assert_int_equal(a.report.gram_kept, mn_gram_in_integers(&p.set.samples) ? MN_GRAM_NONE : MN_GRAM_DOUBLE);
  assert_true(problem_residual(&p, a.alpha) <= 1e-10);
  answer_close(&a);
  problem_close(&p);
}

static void count_refinements(void *user, const char *line)
{
  int *lines = user;
  *lines += strstr(line, "refinement ") != NULL;
}

/* A condition number of some 1e10: iterations with a factor in fp32 are not enough, fp64 is. That is seen early. */
static void a_residual_that_stalls_falls_back_to_double(void **state)
{
  (void)state;
  problem p = mixed_problem(200, MN_KERNEL_GAUSSIAN, 0.005, 0);
  int lines = 0;
  mn_context ctx = {.threads = 2, .log = count_refinements, .user = &lines};
  mn_system *system = problem_system(&p, MN_SOLVER_CHOLESKY);
  double *alpha = malloc(200 * COLUMNS * sizeof *alpha);
  mn_solution solution;
  assert_int_equal(mn_system_solve(system, COLUMNS, p.y, alpha, NULL, &ctx, &solution, NULL), MN_OK);
  assert_int_equal(mn_system_info(system)->precision, MN_PRECISION_DOUBLE);
  assert_int_equal(lines, 10);
  mn_system_close(&system);
  free(alpha);
  answer a = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
  assert_int_equal(a.report.fallback_count, 1);
  assert_non_null(strstr(a.report.fallbacks[0], "mixed precision: the residual stalls at "));
  assert_non_null(strstr(a.report.fallbacks[0], "cholesky instead"));
  assert_int_equal(a.report.precision, MN_PRECISION_DOUBLE);
  assert_int_equal(a.report.gram_kept, MN_GRAM_NONE);
  assert_true(isnan(a.report.shift));
  assert_true(a.solution.refinements <= p.options.refinements);
  p.options.precision = MN_PRECISION_DOUBLE;
  answer exact = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
  assert_true(naive_relative(200 * COLUMNS, a.alpha, exact.alpha) <= 1e-12);
  mn_test_close(a.solution.residual / exact.solution.residual, 1, 0.1);
  answer_close(&a), answer_close(&exact);
  problem_close(&p);
}

/* x x' of samples around 1e20, and a ridge of 1e41. */
static problem enormous(size_t n)
{
  double *x = naive_normals(n * 3, 3);
  for (size_t i = 0; i < n * 3; i++) x[i] *= 1e20;
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_POLYNOMIAL);
  kernel.degree = 1, kernel.coef0 = 0, kernel.gamma = 1;
  problem p = problem_open(naive_open_rows(n, 3, x), kernel, 1e41);
  p.options.precision = MN_PRECISION_MIXED, p.options.columns = COLUMNS;
  free(x);
  return p;
}

/* They are beyond fp32; fp64 takes them, where there is room for it. */
static void elements_beyond_single_precision_fall_back(void **state)
{
  (void)state;
  problem p = enormous(60);
  answer a = mixed_solve(&p, MN_SOLVER_CHOLESKY, 2);
  assert_int_equal(a.report.precision, MN_PRECISION_DOUBLE);
  assert_int_equal(a.report.fallback_count, 1);
  assert_true(problem_residual(&p, a.alpha) <= 1e-11);
  answer_close(&a);
  problem_close(&p);
  p = enormous(1100);
  for (mn_gram_kept kept = MN_GRAM_NONE; kept <= MN_GRAM_SINGLE; kept++) {
    mn_system *system;
    mn_error err = {0};
    keep(&p, kept, 2);
    p.options.solver = MN_SOLVER_CHOLESKY;
    mn_context ctx = {.threads = 2};
    mn_status st = mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, &err);
    if (st)
      assert_non_null(strstr(err.text, "mixed precision: the Gram matrix has elements beyond single precision"));
    else
      assert_int_equal(mn_system_info(system)->precision, MN_PRECISION_DOUBLE);
    mn_system_close(&system);
  }
  problem_close(&p);
}

/* No factor at all: the shift cannot help, nor can fp64, and LU takes over where that is allowed. */
static void an_indefinite_matrix_goes_on_to_lu(void **state)
{
  (void)state;
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_POLYNOMIAL);
  kernel.gamma = 0.1, kernel.coef0 = -1;
  problem p = problem_open(naive_open(30, 12, MN_F64, MN_SCALE_NONE, 1), kernel, 0);
  p.options.precision = MN_PRECISION_MIXED;
  answer a = mixed_solve(&p, MN_SOLVER_AUTO, 2);
  assert_int_equal(a.report.solver, MN_SOLVER_LU);
  assert_int_equal(a.report.fallback_count, 2);
  assert_true(problem_residual(&p, a.alpha) <= 1e-11);
  mn_system *system;
  p.options.solver = MN_SOLVER_CHOLESKY;
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, NULL), MN_ERR_SINGULAR);
  answer_close(&a);
  problem_close(&p);
}

/* ---- right-hand sides */

/* One system for 70 at once, for one, of any scale, and for zero. */
static void any_number_and_scale_of_right_hand_sides(void **state)
{
  (void)state;
  enum { N = 700, MANY = 70 };
  problem p = mixed_problem(N, MN_KERNEL_LAPLACIAN, 0.3, 1e-3);
  double *y = naive_normals(N * MANY, 5), *alpha = malloc(N * MANY * sizeof *alpha);
  double *single = malloc(N * sizeof *single), *scaled = malloc(N * sizeof *scaled);
  for (mn_gram_kept kept = MN_GRAM_NONE; kept <= MN_GRAM_DOUBLE; kept++) {
    mn_solution solution;
    keep(&p, kept, 2);
    mn_system *system = problem_system(&p, MN_SOLVER_CHOLESKY);
    assert_int_equal(mn_system_info(system)->gram_kept, kept);
    assert_int_equal(mn_system_solve(system, MANY, y, alpha, NULL, NULL, &solution, NULL), MN_OK);
    assert_true(solution.residual <= 1e-10);
    for (size_t c = 0; c < MANY; c += 23) {
      assert_int_equal(mn_system_solve(system, 1, y + c * N, single, NULL, NULL, &solution, NULL), MN_OK);
      assert_true(solution.residual <= 1e-10);
      assert_true(naive_relative(N, alpha + c * N, single) <= 1e-7);
    }
    for (int power = -300; power <= 300; power += 600) { /* 2^-300 and 2^300 */
      for (size_t i = 0; i < N; i++) scaled[i] = ldexp(y[i], power);
      assert_int_equal(mn_system_solve(system, 1, scaled, single, NULL, NULL, &solution, NULL), MN_OK);
      assert_true(solution.residual <= 1e-10);
    }
    memset(y, 0, N * sizeof *y);
    assert_int_equal(mn_system_solve(system, 1, y, single, scaled, NULL, &solution, NULL), MN_OK);
    assert_true(naive_norm(N, single) == 0 && naive_norm(N, scaled) == 0 && solution.residual == 0);
    memcpy(y, p.y, N * sizeof *y);
    mn_system_close(&system);
  }
  free(y), free(alpha), free(single), free(scaled);
  problem_close(&p);
}

/* Groups of one-hot columns, centred and not, whose last is implied by the others and the first group; and the same
 * with a target that breaks the sum. */
static void groups_of_one_hot_columns(void **state)
{
  (void)state;
  enum { N = 300, CLASSES = 5, MANY = 4 * CLASSES };
  problem p = mixed_problem(N, MN_KERNEL_GAUSSIAN, 2, 0);
  double *y = malloc(N * MANY * sizeof *y), *alpha[2];
  mn_random r = mn_random_open(7, MN_STREAM_TEST, 0);
  p.options.group = CLASSES, p.options.columns = MANY;
  for (int kind = 0; kind < 3; kind++) {
    for (size_t i = 0; i < N * MANY; i++) y[i] = kind == 1 ? -0.2 : 0;
    for (size_t g = 0; g < MANY; g += CLASSES)
      for (size_t i = 0; i < N; i++) y[i + (g + mn_random_below(&r, CLASSES)) * N] += 1;
    if (kind == 2) y[N * MANY - 1] += 3;
    for (int precision = 0; precision < 2; precision++) {
      mn_solution solution;
      p.options.precision = precision ? MN_PRECISION_MIXED : MN_PRECISION_DOUBLE;
      mn_system *system = problem_system(&p, MN_SOLVER_CHOLESKY);
      alpha[precision] = malloc(N * MANY * sizeof *y);
      assert_int_equal(mn_system_solve(system, MANY, y, alpha[precision], NULL, NULL, &solution, NULL), MN_OK);
      assert_int_equal(mn_system_info(system)->precision, p.options.precision);
      assert_true(solution.residual <= 1e-10);
      mn_system_close(&system);
    }
    for (size_t c = 0; c < MANY; c++) assert_true(naive_relative(N, alpha[1] + c * N, alpha[0] + c * N) <= 1e-7);
    free(alpha[0]), free(alpha[1]);
  }
  free(y);
  problem_close(&p);
}

/* ---- cancelling and failing */

typedef struct {
  const char *phase;
  int seen;
} brake;

static int cancel_phase(void *user, const mn_progress *progress)
{
  brake *b = user;
  if (strcmp(b->phase, progress->phase)) return 0;
  b->seen++;
  return progress->done > 0; /* in its midst */
}

static void cancelling(void **state)
{
  (void)state;
  enum { N = 1100 };
  const char *phases[] = {"memory", "gram", "factor", "refine", "residual"};
  problem p = mixed_problem(N, MN_KERNEL_LAPLACIAN, 0.3, 0);
  double *alpha = malloc(N * COLUMNS * sizeof *alpha);
  for (mn_gram_kept kept = MN_GRAM_NONE; kept <= MN_GRAM_DOUBLE; kept++)
    for (size_t i = 0; i < 5; i++) {
      brake b = {.phase = phases[i]};
      mn_context ctx = {.threads = 2, .progress = cancel_phase, .user = &b};
      mn_system *system;
      mn_solution solution;
      mn_error err = {0};
      long live = mn_memory_live();
      keep(&p, kept, 2);
      mn_status st = mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, &err);
      if (!st) st = mn_system_solve(system, COLUMNS, p.y, alpha, NULL, &ctx, &solution, &err);
      if (b.seen) {
        assert_int_equal(st, MN_ERR_CANCELLED);
        assert_non_null(strstr(err.text, phases[i]));
      } else {
        assert_string_equal(phases[i], "memory"); /* not told below a few hundred MB */
      }
      mn_system_close(&system);
      assert_int_equal(mn_memory_live(), live);
    }
  free(alpha);
  problem_close(&p);
}

static mn_status open_and_solve(void *arg, mn_error *err)
{
  const problem *p = arg;
  mn_context ctx = {.threads = 2};
  mn_system *system;
  mn_solution solution;
  double alpha[40 * COLUMNS], fitted[40 * COLUMNS];
  mn_status st = mn_system_open(&p->set.samples, &p->kernel, &p->options, &ctx, &system, err);
  if (!st) st = mn_system_solve(system, COLUMNS, p->y, alpha, fitted, &ctx, &solution, err);
  mn_system_close(&system);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  problem p = mixed_problem(40, MN_KERNEL_LAPLACIAN, 0.3, 0);
  mn_test_every_allocation(open_and_solve, &p); /* K is kept in double */
  problem_close(&p);
  p = mixed_problem(40, MN_KERNEL_GAUSSIAN, 0.001, 0); /* by way of the fallback */
  mn_test_every_allocation(open_and_solve, &p);
  problem_close(&p);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(residuals_keep_the_tolerance),
      cmocka_unit_test(solutions_equal_double_precision),
      cmocka_unit_test(every_way_of_keeping_k),
      cmocka_unit_test(less_than_the_factor_is_refused),
      cmocka_unit_test(first_shifts_suffice_for_well_conditioned_systems),
      cmocka_unit_test(a_shift_grows_until_pivots_are_positive),
      cmocka_unit_test(bytes_are_made_anew),
      cmocka_unit_test(a_residual_that_stalls_falls_back_to_double),
      cmocka_unit_test(elements_beyond_single_precision_fall_back),
      cmocka_unit_test(an_indefinite_matrix_goes_on_to_lu),
      cmocka_unit_test(any_number_and_scale_of_right_hand_sides),
      cmocka_unit_test(groups_of_one_hot_columns),
      cmocka_unit_test(cancelling),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("mixed", tests, NULL, NULL);
}
