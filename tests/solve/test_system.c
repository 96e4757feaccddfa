/* The solvers of (K + ridge I) alpha = y: each against Gaussian elimination in the test, against each other, and
 * against the properties of an interpolant; what the report says; refinement in single precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/threads.h"
#include "solve_support.h"
#include "support.h"

static const mn_solver solvers[] = {MN_SOLVER_CHOLESKY, MN_SOLVER_LU, MN_SOLVER_EIGEN, MN_SOLVER_AUTO};
enum { SOLVERS = 4 };

/* Condition numbers from 10 to some 1e4: errors of 1e-11 at most are to be expected. */
static problem moderate(size_t n, mn_kernel_name name, double ridge)
{
  naive_set set = naive_open(n, 12, MN_U8, MN_SCALE_UNIT, n);
  mn_kernel kernel = mn_kernel_default(name);
  kernel.gamma = 0.5;
  return problem_open(set, kernel, ridge);
}

static void solutions_equal_gaussian_elimination(void **state)
{
  (void)state;
  static const struct {
    size_t n;
    mn_kernel_name name;
    double ridge;
  } cases[] = {{1, MN_KERNEL_GAUSSIAN, 0},    {2, MN_KERNEL_LAPLACIAN, 0},    {60, MN_KERNEL_GAUSSIAN, 0},
               {60, MN_KERNEL_LAPLACIAN, 0},  {50, MN_KERNEL_MATERN32, 1e-3}, {50, MN_KERNEL_MATERN52, 0.1},
               {50, MN_KERNEL_NTK, 0},        {50, MN_KERNEL_ARCCOS1, 0.5},   {50, MN_KERNEL_POLYNOMIAL, 1},
               {140, MN_KERNEL_LAPLACIAN, 0}, {10, MN_KERNEL_LINEAR, 0}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    problem p = moderate(cases[c].n, cases[c].name, cases[c].ridge);
    size_t n = p.set.n, count = n * COLUMNS;
    double *exact = calloc(count, sizeof *exact), *fitted = calloc(count, sizeof *fitted);
    naive_solve(n, p.k, COLUMNS, p.y, exact);
    for (size_t s = 0; s < SOLVERS; s++) {
      answer a = problem_solve(&p, solvers[s]);
      double off = naive_relative(count, a.alpha, exact), residual = problem_residual(&p, a.alpha);
      if (!(off <= 1e-9)) fail_msg("case %zu, %s: off by %g", c, mn_solver_string(solvers[s]), off);
      assert_true(residual <= 1e-11 && a.solution.residual <= 1e-11);
      for (size_t i = 0; i < count; i++) fitted[i] = p.y[i] - p.options.ridge * exact[i];
      assert_true(naive_distance(count, a.fitted, fitted) <= 1e-9 * naive_norm(count, p.y));
      answer_close(&a);
    }
    free(exact);
    free(fitted);
    problem_close(&p);
  }
}

static void check_report(const problem *p, mn_solver solver, const answer *a)
{
  const mn_system_report *r = &a->report;
  assert_int_equal(r->solver, solver == MN_SOLVER_AUTO ? MN_SOLVER_CHOLESKY : solver);
  assert_int_equal(r->precision, MN_PRECISION_DOUBLE);
  assert_int_equal(r->unknowns, p->set.n);
  assert_int_equal(r->primal, 0);
  assert_int_equal(r->fallback_count, 0);
  assert_true(r->gram_s > 0 && r->factor_s > 0 && r->gram_gflops > 0);
  assert_true(solver == MN_SOLVER_EIGEN ? isnan(r->factor_gflops) : r->factor_gflops > 0);
  mn_test_close(r->gram_gflops * r->gram_s * 1e9, pow((double)p->set.n, 2) * (double)p->set.dim, 1e-9);
  if (solver == MN_SOLVER_EIGEN) {
    assert_int_equal(r->rank, p->set.n);
    mn_test_close(r->rank_tolerance / ((double)p->set.n * 0x1p-52), 1, 1e-12);
  } else {
    assert_int_equal(r->rank, 0);
    assert_true(isnan(r->rank_tolerance));
  }
  assert_true(isnan(a->solution.gradient));
  assert_true(a->solution.solve_s > 0 && a->solution.refine_s >= 0);
}

/* 1 / (||K||_1 ||K^-1||_1) by plain loops; eigen: smallest over largest singular value. */
static double exact_rcond(const problem *p, int two_norm)
{
  size_t n = p->set.n;
  double *one = calloc(n * n, sizeof *one), *inverse = calloc(n * n, sizeof *inverse), norm[2] = {0};
  for (size_t i = 0; i < n; i++) one[i * (n + 1)] = 1;
  naive_solve(n, p->k, n, one, inverse);
  for (size_t j = 0; j < n; j++) {
    double sums[2] = {0};
    for (size_t i = 0; i < n; i++) sums[0] += fabs(p->k[i + j * n]), sums[1] += fabs(inverse[i + j * n]);
    norm[0] = fmax(norm[0], sums[0]), norm[1] = fmax(norm[1], sums[1]);
  }
  double rcond = 1 / (norm[0] * norm[1]);
  if (two_norm) {
    naive_svd svd = naive_svd_open(n, n, p->k);
    rcond = svd.values[n - 1] / svd.values[0];
    naive_svd_close(&svd);
  }
  free(one);
  free(inverse);
  return rcond;
}

static void reports_are_right(void **state)
{
  (void)state;
  problem p = moderate(40, MN_KERNEL_LAPLACIAN, 0.01);
  for (size_t s = 0; s < SOLVERS; s++) {
    answer a = problem_solve(&p, solvers[s]);
    check_report(&p, solvers[s], &a);
    double exact = exact_rcond(&p, solvers[s] == MN_SOLVER_EIGEN);
    if (solvers[s] == MN_SOLVER_EIGEN) mn_test_close(a.report.rcond / exact, 1, 1e-9);
    assert_true(a.report.rcond >= exact * (1 - 1e-9) && a.report.rcond <= 3 * exact);
    answer_close(&a);
  }
  problem_close(&p);
}

/* The reported residual is that of the alpha returned, whatever it is: here K is nearly singular. More refinements are
 * never worse. */
static void residuals_are_reported_truthfully(void **state)
{
  (void)state;
  enum { N = 80 };
  problem p = moderate(N, MN_KERNEL_GAUSSIAN, 0);
  p.kernel.gamma = 0.004;
  free(p.k);
  p.k = naive_gram(&p.kernel, &p.set, &p.set, 0);
  p.options.tolerance = 0;
  for (size_t s = 0; s < 4; s++) {
    double last = INFINITY;
    p.options.precision = s == 3 ? MN_PRECISION_SINGLE : MN_PRECISION_DOUBLE;
    p.options.ridge = s == 3 ? 1e-4 : 0;
    for (size_t i = 0; i < N; i++) p.k[i * (N + 1)] = 1 + p.options.ridge;
    for (int refinements = 0; refinements <= 5; refinements++) {
      p.options.refinements = refinements;
      answer a = problem_solve(&p, s == 3 ? MN_SOLVER_CHOLESKY : solvers[s]);
      double residual = problem_residual(&p, a.alpha), noise = 1e-14 * naive_norm(N * COLUMNS, a.alpha);
      assert_true(residual > 0);
      assert_true(fabs(residual - a.solution.residual) <= 1e-6 * residual + noise);
      assert_true(a.solution.refinements <= refinements);
      assert_true(a.solution.residual <= last * 1.0001); /* a single tile: sums have one order */
      last = a.solution.residual;
      answer_close(&a);
    }
  }
  problem_close(&p);
}

/* ---- properties */

static void solutions_are_linear_in_y(void **state)
{
  (void)state;
  enum { N = 70 };
  problem p = moderate(N, MN_KERNEL_LAPLACIAN, 0);
  for (size_t s = 0; s < SOLVERS; s++) { /* the third column becomes 2 first - 3 second */
    for (size_t i = 0; i < N; i++) p.y[i + 2 * N] = 2 * p.y[i] - 3 * p.y[i + N];
    answer a = problem_solve(&p, solvers[s]);
    double combined[N];
    for (size_t i = 0; i < N; i++) combined[i] = 2 * a.alpha[i] - 3 * a.alpha[i + N];
    assert_true(naive_relative(N, combined, a.alpha + 2 * N) <= 1e-11);
    answer_close(&a);
  }
  problem_close(&p);
}

/* One factor serves any number of right-hand sides; `fitted` is optional; y = 0 gives 0. */
static void new_right_hand_sides_reuse_the_factor(void **state)
{
  (void)state;
  enum { N = 50 };
  problem p = moderate(N, MN_KERNEL_LAPLACIAN, 0);
  for (size_t s = 0; s < SOLVERS; s++) {
    answer all = problem_solve(&p, solvers[s]);
    mn_system *system = problem_system(&p, solvers[s]);
    double alpha[N * 5], y[N * 5];
    mn_solution solution;
    for (size_t c = 0; c < COLUMNS; c++) {
      assert_int_equal(mn_system_solve(system, 1, p.y + c * N, alpha, NULL, NULL, &solution, NULL), MN_OK);
      assert_true(naive_relative(N, alpha, all.alpha + c * N) <= 1e-11);
    }
    for (size_t i = 0; i < N * 5; i++) y[i] = p.y[i % (N * COLUMNS)];
    assert_int_equal(mn_system_solve(system, 5, y, alpha, NULL, NULL, &solution, NULL), MN_OK);
    assert_true(naive_relative(N * COLUMNS, alpha, all.alpha) <= 1e-11);
    memset(y, 0, sizeof y);
    assert_int_equal(mn_system_solve(system, 2, y, alpha, NULL, NULL, &solution, NULL), MN_OK);
    assert_true(naive_norm(N * 2, alpha) == 0 && solution.residual == 0);
    mn_system_close(&system);
    answer_close(&all);
  }
  problem_close(&p);
}

static void permuted_samples_permute_the_solution(void **state)
{
  (void)state;
  enum { N = 60, DIM = 12 };
  problem p = moderate(N, MN_KERNEL_GAUSSIAN, 0);
  double x[N * DIM], expected[N * COLUMNS];
  for (size_t i = 0; i < N; i++) memcpy(x + i * DIM, p.set.x + (i * 7 + 1) % N * DIM, DIM * sizeof *x);
  problem q = problem_open(naive_open_rows(N, DIM, x), p.kernel, 0);
  for (size_t i = 0; i < N * COLUMNS; i++) q.y[i] = p.y[(i % N * 7 + 1) % N + i / N * N];
  for (size_t s = 0; s < SOLVERS; s++) {
    answer a = problem_solve(&p, solvers[s]), b = problem_solve(&q, solvers[s]);
    for (size_t i = 0; i < N * COLUMNS; i++) expected[i] = a.alpha[(i % N * 7 + 1) % N + i / N * N];
    assert_true(naive_relative(N * COLUMNS, b.alpha, expected) <= 1e-10);
    answer_close(&a);
    answer_close(&b);
  }
  problem_close(&p);
  problem_close(&q);
}

static void ridge_zero_interpolates(void **state)
{
  (void)state;
  static const mn_kernel_name names[] = {MN_KERNEL_GAUSSIAN, MN_KERNEL_LAPLACIAN, MN_KERNEL_MATERN32, MN_KERNEL_NTK};
  for (size_t k = 0; k < 4; k++) {
    problem p = moderate(60, names[k], 0), ridge = moderate(60, names[k], 0.1);
    for (size_t s = 0; s < SOLVERS; s++) {
      answer a = problem_solve(&p, solvers[s]), b = problem_solve(&ridge, solvers[s]);
      assert_true(naive_relative(60 * COLUMNS, a.fitted, p.y) <= 1e-11);
      assert_true(naive_relative(60 * COLUMNS, b.fitted, p.y) > 1e-3); /* and with a ridge it does not */
      answer_close(&a);
      answer_close(&b);
    }
    problem_close(&p);
    problem_close(&ridge);
  }
}

/* Of two interpolants, K alpha = y, the kernel's has the least norm: adding samples can only raise y' K^-1 y. */
static void norm_grows_with_the_samples(void **state)
{
  (void)state;
  enum { N = 60, DIM = 12 };
  problem p = moderate(N, MN_KERNEL_LAPLACIAN, 0);
  double last = 0;
  for (size_t n = 10; n <= N; n += 10) {
    problem q = problem_open(naive_open_rows(n, DIM, p.set.x), p.kernel, 0);
    for (size_t c = 0; c < COLUMNS; c++) memcpy(q.y + c * n, p.y + c * N, n * sizeof *q.y);
    answer a = problem_solve(&q, MN_SOLVER_AUTO);
    double norm2 = 0;
    for (size_t i = 0; i < n; i++) norm2 += q.y[i] * a.alpha[i];
    assert_true(norm2 > last);
    last = norm2;
    answer_close(&a);
    problem_close(&q);
  }
  problem_close(&p);
}

/* ---- single precision */

static void single_precision_is_refined(void **state)
{
  (void)state;
  enum { N = 150 };
  problem p = moderate(N, MN_KERNEL_LAPLACIAN, 0);
  double last = 1;
  p.options.precision = MN_PRECISION_SINGLE;
  p.options.tolerance = 1e-13;
  for (int refinements = 0; refinements <= 10; refinements += refinements < 2 ? 1 : 8) {
    p.options.refinements = refinements;
    answer a = problem_solve(&p, MN_SOLVER_CHOLESKY);
    assert_int_equal(a.report.precision, MN_PRECISION_SINGLE);
    assert_true(refinements < 2 ? a.solution.residual < last : a.solution.residual <= last);
    assert_true(a.solution.refinements > 0 ? refinements > 0 : refinements == 0);
    assert_true(fabs(problem_residual(&p, a.alpha) - a.solution.residual) <= 1e-3 * a.solution.residual + 1e-14);
    last = a.solution.residual;
    if (refinements == 0) assert_true(last > 1e-9 && last < 1e-4); /* what single precision leaves */
    answer_close(&a);
  }
  assert_true(last < 1e-10);
  problem_close(&p);
}

/* A small column of noise beside large ones of little but the first eigenvectors. */
static problem uneven(void)
{
  problem p = moderate(140, MN_KERNEL_LAPLACIAN, 0);
  size_t n = p.set.n;
  double *ky = malloc(n * sizeof *ky);
  for (size_t i = 0; i < n; i++) p.y[i] *= 1e-9;
  for (size_t c = 1; c < COLUMNS; c++)
    for (int times = 0; times < 4; times++) {
      naive_multiply(n, n, p.k, 1, p.y + c * n, ky);
      memcpy(p.y + c * n, ky, n * sizeof *ky);
    }
  free(ky);
  p.options.precision = MN_PRECISION_MIXED;
  return p;
}

/* ||k alpha - y|| / ||y|| of the worst column. */
static double worst_residual(const problem *p, const double *alpha)
{
  size_t n = p->set.n;
  double worst = 0, *ka = malloc(n * COLUMNS * sizeof *ka);
  naive_multiply(n, n, p->k, COLUMNS, alpha, ka);
  for (size_t c = 0; c < COLUMNS; c++) worst = fmax(worst, naive_relative(n, ka + c * n, p->y + c * n));
  free(ka);
  return worst;
}

/* The noise keeps the tolerance where each column is a group; where all are one it is neglected at times. */
static void every_group_has_the_tolerance(void **state)
{
  (void)state;
  static const mn_solver iterative[] = {MN_SOLVER_CHOLESKY, MN_SOLVER_CG};
  problem p = uneven();
  for (size_t s = 0; s < 2; s++) {
    int neglected = 0;
    for (p.options.tolerance = 1e-2; p.options.tolerance > 1e-10; p.options.tolerance /= 4)
      for (p.options.group = 0; p.options.group < 2; p.options.group++) {
        answer a = problem_solve(&p, iterative[s]);
        double worst = worst_residual(&p, a.alpha);
        assert_true(a.solution.residual <= p.options.tolerance);
        if (p.options.group && !(fabs(worst - a.solution.residual) <= 1e-6 * worst + 1e-14))
          fail_msg("%s: %g, not %g", mn_solver_string(iterative[s]), a.solution.residual, worst);
        neglected += !p.options.group && worst > p.options.tolerance;
        answer_close(&a);
      }
    assert_true(neglected > 0);
  }
  problem_close(&p);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(solutions_equal_gaussian_elimination),
      cmocka_unit_test(reports_are_right),
      cmocka_unit_test(residuals_are_reported_truthfully),
      cmocka_unit_test(solutions_are_linear_in_y),
      cmocka_unit_test(new_right_hand_sides_reuse_the_factor),
      cmocka_unit_test(permuted_samples_permute_the_solution),
      cmocka_unit_test(ridge_zero_interpolates),
      cmocka_unit_test(norm_grows_with_the_samples),
      cmocka_unit_test(single_precision_is_refined),
      cmocka_unit_test(every_group_has_the_tolerance),
  };
  return cmocka_run_group_tests_name("system", tests, NULL, NULL);
}
