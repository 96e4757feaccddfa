/* The linear kernel: least squares of minimum norm against a one-sided Jacobi SVD in the test, whatever the rank; and,
 * with at least as many features as samples, interpolation of least norm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/threads.h"
#include "solve_support.h"
#include "support.h"

static problem linear(size_t n, size_t dim, const double *x, double ridge)
{
  return problem_open(naive_open_rows(n, dim, x), mn_kernel_default(MN_KERNEL_LINEAR), ridge);
}

/* X v, X n x dim row-major. */
static void times_x(const problem *p, const double *w, double *out)
{
  for (size_t c = 0; c < COLUMNS; c++)
    for (size_t i = 0; i < p->set.n; i++) {
      long double sum = 0;
      for (size_t k = 0; k < p->set.dim; k++)
        sum += (long double)p->set.x[i * p->set.dim + k] * (long double)w[k + c * p->set.dim];
      out[i + c * p->set.n] = (double)sum;
    }
}

/* ||X'(y - X w) - ridge w||_F / ||X'y||_F and ||X w - y||_F / ||y||_F by plain loops; values: X w. */
static double gradient_of(const problem *p, const double *w, double *values, double *residual)
{
  size_t n = p->set.n, d = p->set.dim;
  double error = 0, right = 0;
  times_x(p, w, values);
  for (size_t c = 0; c < COLUMNS; c++)
    for (size_t k = 0; k < d; k++) {
      long double g = -(long double)p->options.ridge * (long double)w[k + c * d], xy = 0;
      for (size_t i = 0; i < n; i++) {
        long double xi = (long double)p->set.x[i * d + k], yi = (long double)p->y[i + c * n];
        g += xi * (yi - (long double)values[i + c * n]);
        xy += xi * yi;
      }
      error += (double)(g * g), right += (double)(xy * xy);
    }
  *residual = naive_relative(n * COLUMNS, values, p->y);
  return sqrt(error / right);
}

/* Everything a primal solution promises, against the exact w. */
static void check_primal(const problem *p, const double *exact, size_t rank, mn_solver solver)
{
  size_t n = p->set.n, d = p->set.dim;
  double *values = malloc(n * COLUMNS * sizeof *values), residual;
  answer a = problem_solve(p, solver);
  const mn_system_report *r = &a.report;
  assert_int_equal(r->solver, MN_SOLVER_EIGEN);
  assert_int_equal(r->primal, 1);
  assert_int_equal(r->unknowns, d);
  assert_int_equal(r->rank, rank);
  double tolerance = p->options.rank_tolerance > 0 ? p->options.rank_tolerance : (double)n * 0x1p-52;
  mn_test_close(r->rank_tolerance / tolerance, 1, 1e-12);
  assert_true(isnan(r->gram_s) && isnan(r->gram_gflops) && r->factor_s > 0 && r->factor_gflops > 0);
  assert_int_equal(r->fallback_count, 0);
  assert_int_equal(r->rcond > 0, rank == d);
  double off = naive_relative(d * COLUMNS, a.alpha, exact);
  if (!(off <= 1e-9)) fail_msg("n = %zu, dim %zu, rank %zu: w is off by %g", n, d, rank, off);
  double gradient = gradient_of(p, a.alpha, values, &residual);
  assert_true(gradient <= 1e-12 && a.solution.gradient <= 1e-12);
  mn_test_close(a.solution.residual, residual, 1e-12);
  assert_true(naive_relative(n * COLUMNS, a.fitted, values) <= 1e-12);
  answer_close(&a);
  free(values);
}

/* X of rank 6 or less in its first columns; the others repeat, combine or are zero. */
static double *deficient(size_t n, size_t dim, size_t rank)
{
  double *x = naive_normals(n * dim, n + dim);
  for (size_t i = 0; i < n; i++) {
    double *row = x + i * dim;
    for (size_t k = rank; k < dim; k++) row[k] = k % 3 == 0 ? 0 : k % 3 == 1 ? row[k % rank] : row[0] - 2 * row[1];
  }
  return x;
}

static void minimum_norm_equals_the_svd(void **state)
{
  (void)state;
  static const struct {
    size_t n, dim, rank;
  } cases[] = {{2, 1, 1},   {20, 19, 19}, {50, 7, 7},    {50, 20, 6},
               {60, 40, 3}, {300, 10, 2}, {2500, 12, 8}, {1100, 5, 5}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double *x = deficient(cases[c].n, cases[c].dim, cases[c].rank), w[40 * COLUMNS];
    if (cases[c].n > 400) { /* the naive Gram matrix is not needed, nor its time */
      problem p = {.set = naive_open_rows(cases[c].n, cases[c].dim, x), .options = mn_solve_defaults()};
      p.kernel = mn_kernel_default(MN_KERNEL_LINEAR);
      p.y = naive_normals(cases[c].n * COLUMNS, 1);
      naive_svd svd = naive_svd_open(p.set.n, p.set.dim, p.set.x);
      naive_least_squares(&svd, 1e-12, COLUMNS, p.y, w);
      check_primal(&p, w, cases[c].rank, MN_SOLVER_EIGEN);
      naive_svd_close(&svd);
      problem_close(&p);
    } else {
      problem p = linear(cases[c].n, cases[c].dim, x, 0);
      naive_svd svd = naive_svd_open(p.set.n, p.set.dim, p.set.x);
      naive_least_squares(&svd, 1e-12, COLUMNS, p.y, w);
      check_primal(&p, w, cases[c].rank, MN_SOLVER_AUTO);
      check_primal(&p, w, cases[c].rank, MN_SOLVER_EIGEN);
      naive_svd_close(&svd);
      problem_close(&p);
    }
    free(x);
  }
}

/* Bytes with features that are always 0, as at the margin of images. */
static void bytes_with_empty_features(void **state)
{
  (void)state;
  naive_set set = naive_open(80, 16, MN_U8, MN_SCALE_UNIT, 3);
  uint8_t *bytes = set.data->x;
  double w[16 * COLUMNS];
  for (size_t i = 0; i < 80; i++)
    for (size_t k = 0; k < 16; k += 5) bytes[i * 16 + k] = 0, set.x[i * 16 + k] = 0;
  problem p = problem_open(set, mn_kernel_default(MN_KERNEL_LINEAR), 0);
  naive_svd svd = naive_svd_open(80, 16, p.set.x);
  naive_least_squares(&svd, 1e-12, COLUMNS, p.y, w);
  check_primal(&p, w, 12, MN_SOLVER_AUTO);
  answer a = problem_solve(&p, MN_SOLVER_AUTO);
  for (size_t c = 0; c < COLUMNS; c++)
    for (size_t k = 0; k < 16; k += 5) assert_true(fabs(a.alpha[k + c * 16]) <= 1e-14); /* least norm: no weight */
  answer_close(&a);
  naive_svd_close(&svd);
  problem_close(&p);
}

/* Singular values 1 ... 1e-6 and y = X w for weights of about 1: the normal equations alone would lose 12 digits of w,
 * where the data have lost 6. */
static void condition_is_not_squared(void **state)
{
  (void)state;
  enum { N = 90, DIM = 10 };
  double *x = naive_normals(N * DIM, 8), w[DIM * COLUMNS], values[DIM], *weights = naive_normals(DIM * COLUMNS, 9);
  for (size_t k = 0; k < DIM; k++) values[k] = pow(10, -(double)k * 6 / (DIM - 1));
  double *mix = naive_spectrum(DIM, values, 1, 2), *mixed = calloc(N * DIM, sizeof *mixed);
  naive_multiply(DIM, DIM, mix, N, x, mixed); /* X' <- mix X' */
  problem p = linear(N, DIM, mixed, 0);
  times_x(&p, weights, p.y);
  naive_svd svd = naive_svd_open(N, DIM, mixed);
  naive_least_squares(&svd, 0, COLUMNS, p.y, w);
  answer a = problem_solve(&p, MN_SOLVER_AUTO);
  assert_int_equal(a.report.rank, DIM);
  mn_test_close(a.report.rcond / (svd.values[DIM - 1] / svd.values[0]), 1, 1e-8);
  assert_true(naive_relative(DIM * COLUMNS, a.alpha, w) <= 1e-8);
  assert_true(a.solution.refinements > 0 && a.solution.residual <= 1e-14);
  answer_close(&a);
  naive_svd_close(&svd);
  problem_close(&p);
  free(x), free(mix), free(mixed), free(weights);
}

/* A tolerance between two singular values cuts there. */
static void rank_tolerance_is_obeyed(void **state)
{
  (void)state;
  enum { N = 40, DIM = 8 };
  double *x = naive_normals(N * DIM, 2), w[DIM * COLUMNS];
  for (size_t i = 0; i < N * DIM; i++) x[i] *= pow(10, -(double)(i % DIM) / 2);
  problem p = linear(N, DIM, x, 0);
  naive_svd svd = naive_svd_open(N, DIM, x);
  for (size_t rank = 1; rank < DIM; rank++) {
    p.options.rank_tolerance = sqrt(svd.values[rank - 1] * svd.values[rank]) / svd.values[0];
    naive_least_squares(&svd, p.options.rank_tolerance, COLUMNS, p.y, w);
    answer a = problem_solve(&p, MN_SOLVER_AUTO);
    assert_int_equal(a.report.rank, rank);
    assert_true(naive_relative(DIM * COLUMNS, a.alpha, w) <= 1e-9);
    assert_true(a.report.rcond == 0);
    answer_close(&a);
  }
  naive_svd_close(&svd);
  problem_close(&p);
  free(x);
}

/* (X'X + ridge I) w = X'y, by Gaussian elimination; the gradient counts the ridge. */
static void ridge_equals_the_normal_equations(void **state)
{
  (void)state;
  enum { N = 60, DIM = 15 };
  for (int full = 0; full < 2; full++) {
    double *x = deficient(N, DIM, full ? DIM : 5), normal[DIM * DIM], right[DIM * COLUMNS], w[DIM * COLUMNS];
    problem p = linear(N, DIM, x, 0.3);
    for (size_t k = 0; k < DIM; k++)
      for (size_t l = 0; l < DIM; l++) {
        normal[k + l * DIM] = k == l ? 0.3 : 0;
        for (size_t i = 0; i < N; i++) normal[k + l * DIM] += x[i * DIM + k] * x[i * DIM + l];
      }
    naive_multiply(DIM, N, x, COLUMNS, p.y, right);
    naive_solve(DIM, normal, COLUMNS, right, w);
    check_primal(&p, w, DIM, MN_SOLVER_AUTO);
    answer a = problem_solve(&p, MN_SOLVER_AUTO); /* rcond of [X; sqrt(ridge) I] */
    naive_svd svd = naive_svd_open(N, DIM, x);
    double least = hypot(svd.values[DIM - 1], sqrt(0.3)), largest = hypot(svd.values[0], sqrt(0.3));
    mn_test_close(a.report.rcond / (least / largest), 1, 1e-12);
    naive_svd_close(&svd);
    answer_close(&a);
    problem_close(&p);
    free(x);
  }
}

/* The weights that the dual solution stands for: w = X'alpha. */
static void primal_and_dual_agree(void **state)
{
  (void)state;
  enum { N = 30, DIM = 8 };
  double *x = naive_normals(N * DIM, 12), w[DIM * COLUMNS];
  problem p = linear(N, DIM, x, 0.5);
  answer primal = problem_solve(&p, MN_SOLVER_AUTO), dual = problem_solve(&p, MN_SOLVER_CHOLESKY);
  assert_int_equal(dual.report.primal, 0);
  assert_int_equal(dual.report.unknowns, N);
  naive_multiply(DIM, N, x, COLUMNS, dual.alpha, w);
  assert_true(naive_relative(DIM * COLUMNS, w, primal.alpha) <= 1e-11);
  assert_true(naive_relative(N * COLUMNS, dual.fitted, primal.fitted) <= 1e-11);
  answer_close(&primal);
  answer_close(&dual);
  problem_close(&p);
  free(x);
}

/* At least as many features as samples: alpha interpolates, and ||w||^2 = alpha' K alpha is the SVD solution's. */
static void many_features_interpolate_with_least_norm(void **state)
{
  (void)state;
  static const size_t dims[] = {20, 25, 90};
  static const mn_solver solvers[] = {MN_SOLVER_AUTO, MN_SOLVER_LU, MN_SOLVER_EIGEN};
  enum { N = 20 };
  for (size_t s = 0; s < 3; s++) {
    size_t d = dims[s];
    double *x = naive_normals(N * d, d), w[90 * COLUMNS], own[90 * COLUMNS];
    problem p = linear(N, d, x, 0);
    naive_svd svd = naive_svd_open(N, d, x);
    naive_least_squares(&svd, 1e-12, COLUMNS, p.y, w);
    for (size_t k = 0; k < 3; k++) {
      answer a = problem_solve(&p, solvers[k]);
      double norm2 = 0;
      assert_int_equal(a.report.primal, 0);
      assert_true(naive_relative(N * COLUMNS, a.fitted, p.y) <= 1e-9);
      naive_multiply(d, N, x, COLUMNS, a.alpha, own);
      assert_true(naive_relative(d * COLUMNS, own, w) <= 1e-9);
      for (size_t i = 0; i < N * COLUMNS; i++) norm2 += p.y[i] * a.alpha[i];
      mn_test_close(norm2 / pow(naive_norm(d * COLUMNS, w), 2), 1, 1e-9);
      answer_close(&a);
    }
    naive_svd_close(&svd);
    problem_close(&p);
    free(x);
  }
}

/* Explicit Cholesky on a singular K = X X' says so; explicit eigen is served on the d x d side. */
static void explicit_cholesky_of_a_singular_matrix_fails(void **state)
{
  (void)state;
  double *x = naive_normals(40 * 4, 3);
  problem p = linear(40, 4, x, 0);
  mn_system *system;
  mn_error err = {0};
  p.options.solver = MN_SOLVER_CHOLESKY;
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, &err), MN_ERR_SINGULAR);
  assert_null(system);
  assert_non_null(strstr(err.text, "pivot"));
  assert_non_null(strstr(err.text, "--ridge"));
  problem_close(&p);
  free(x);
}

/* y = 0, and X = 0: the solution of least norm is 0. */
static void zeros(void **state)
{
  (void)state;
  double *x = naive_normals(30 * 4, 3), none[30 * 4] = {0};
  problem p = linear(30, 4, x, 0), q = linear(30, 4, none, 0);
  memset(p.y, 0, 30 * COLUMNS * sizeof *p.y);
  answer a = problem_solve(&p, MN_SOLVER_AUTO), b = problem_solve(&q, MN_SOLVER_AUTO);
  assert_true(naive_norm(4 * COLUMNS, a.alpha) == 0 && a.solution.residual == 0);
  assert_true(naive_norm(4 * COLUMNS, b.alpha) == 0 && b.solution.residual == 1);
  assert_int_equal(b.report.rank, 0);
  answer_close(&a);
  answer_close(&b);
  problem_close(&p);
  problem_close(&q);
  free(x);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(minimum_norm_equals_the_svd),
      cmocka_unit_test(bytes_with_empty_features),
      cmocka_unit_test(condition_is_not_squared),
      cmocka_unit_test(rank_tolerance_is_obeyed),
      cmocka_unit_test(ridge_equals_the_normal_equations),
      cmocka_unit_test(primal_and_dual_agree),
      cmocka_unit_test(many_features_interpolate_with_least_norm),
      cmocka_unit_test(explicit_cholesky_of_a_singular_matrix_fails),
      cmocka_unit_test(zeros),
  };
  return cmocka_run_group_tests_name("least squares", tests, NULL, NULL);
}
