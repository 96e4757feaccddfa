/* Leave-one-out in closed form against as many separate systems, each without one sample; generalised cross-validation
 * against its formula; what single precision costs; what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "solve_support.h"
#include "support.h"

static const double gammas[] = {0.05, 0.3};

static mn_kernel kernel_of(mn_kernel_name name, double gamma)
{
  mn_kernel kernel = mn_kernel_default(name);
  kernel.gamma = gamma;
  return kernel;
}

/* errors (n x COLUMNS) of a system that was solved for the problem's targets. */
static double *closed_form(const problem *p, mn_solver solver, mn_leave_one_out *out)
{
  mn_system *system = problem_system(p, solver);
  size_t n = p->set.n, unknowns = mn_system_info(system)->unknowns;
  double *alpha = calloc(unknowns * COLUMNS, sizeof *alpha), *fitted = calloc(n * COLUMNS, sizeof *fitted);
  double *errors = calloc(n * COLUMNS, sizeof *errors), *again = calloc(n, sizeof *again);
  mn_solution solution;
  mn_leave_one_out second;
  mn_error err = {0};
  if (mn_system_solve(system, COLUMNS, p->y, alpha, fitted, NULL, &solution, &err)) fail_msg("%s", err.text);
  if (mn_system_leave_one_out(system, COLUMNS, p->y, alpha, fitted, NULL, errors, out, &err)) fail_msg("%s", err.text);
  double squares = 0;
  for (size_t k = 0; k < n * COLUMNS; k++) squares += errors[k] * errors[k];
  mn_test_close(out->mse, squares / (double)n, 1e-12);
  assert_int_equal(mn_system_leave_one_out(system, 1, p->y, alpha, fitted, NULL, again, &second, &err), MN_OK);
  assert_memory_equal(again, errors, n * sizeof *again);
  assert_int_equal(second.probes, out->probes);
  free(alpha);
  free(fitted);
  free(again);
  mn_system_close(&system);
  return errors;
}

/* y_i - f(x_i), f the solution of a system without sample i. */
static void separate_error(const problem *p, mn_solver solver, size_t i, double *error)
{
  size_t n = p->set.n, dim = p->set.dim, rest = n - 1;
  double *x = malloc(rest * dim * sizeof *x), *y = malloc(rest * COLUMNS * sizeof *y);
  for (size_t s = 0, t = 0; s < n; s++) {
    if (s == i) continue;
    memcpy(x + t * dim, p->set.x + s * dim, dim * sizeof *x);
    for (size_t c = 0; c < COLUMNS; c++) y[t + c * rest] = p->y[s + c * n];
    t++;
  }
  naive_set set = naive_open_rows(rest, dim, x);
  problem without = {.set = set, .kernel = p->kernel, .options = p->options, .y = y};
  answer a = problem_solve(&without, solver);
  for (size_t c = 0; c < COLUMNS; c++) {
    double value = 0;
    for (size_t t = 0; t < rest && !a.report.primal; t++)
      value += a.alpha[t + c * rest] * naive_kernel(&p->kernel, dim, p->set.x + i * dim, set.x + t * dim);
    for (size_t j = 0; j < dim && a.report.primal; j++) value += a.alpha[j + c * dim] * p->set.x[i * dim + j];
    error[c] = p->y[i + c * n] - value;
  }
  answer_close(&a);
  free(x);
  free(y);
  naive_close(&set);
}

static void assert_separate(const problem *p, mn_solver solver, double tolerance)
{
  mn_leave_one_out out;
  double *errors = closed_form(p, solver, &out), error[COLUMNS];
  for (size_t i = 0; i < p->set.n; i++) {
    separate_error(p, solver, i, error);
    for (size_t c = 0; c < COLUMNS; c++) mn_test_close(errors[i + c * p->set.n], error[c], tolerance);
  }
  assert_int_equal(out.probes, 0);
  assert_true(isnan(out.diagonal_error));
  free(errors);
}

static void every_factor_and_ridge(void **state)
{
  (void)state;
  static const double ridges[] = {0, 1e-3, 0.5};
  for (size_t r = 0; r < 3; r++)
    for (mn_solver solver = MN_SOLVER_CHOLESKY; solver <= MN_SOLVER_EIGEN; solver++) {
      naive_set set = naive_open(24, 9, MN_F64, MN_SCALE_NONE, 3);
      problem p = problem_open(set, kernel_of(MN_KERNEL_GAUSSIAN, gammas[r % 2]), ridges[r]);
      assert_separate(&p, solver, 1e-9);
      problem_close(&p);
    }
}

/* Several panels and strips, the last of them short: 300 separate fits. */
static void three_hundred_fits(void **state)
{
  (void)state;
  naive_set set = naive_open(300, 12, MN_F64, MN_SCALE_NONE, 5);
  problem p = problem_open(set, kernel_of(MN_KERNEL_GAUSSIAN, 0.05), 0);
  assert_separate(&p, MN_SOLVER_CHOLESKY, 1e-9);
  problem_close(&p);
}

/* A kernel that is not semidefinite has an LU factor, and eigenvalues of both signs. */
static void an_indefinite_kernel(void **state)
{
  (void)state;
  naive_set set = naive_open(40, 9, MN_F64, MN_SCALE_NONE, 8);
  mn_kernel kernel = kernel_of(MN_KERNEL_POLYNOMIAL, 0.2);
  kernel.coef0 = -0.5;
  problem p = problem_open(set, kernel, 0);
  assert_separate(&p, MN_SOLVER_LU, 1e-7);
  assert_separate(&p, MN_SOLVER_EIGEN, 1e-7);
  problem_close(&p);
}

static void least_squares(void **state)
{
  (void)state;
  static const double ridges[] = {0, 0.3};
  for (size_t r = 0; r < 2; r++) {
    naive_set set = naive_open(50, 7, MN_F64, MN_SCALE_NONE, 4);
    problem p = problem_open(set, mn_kernel_default(MN_KERNEL_LINEAR), ridges[r]);
    assert_separate(&p, MN_SOLVER_AUTO, 1e-10);
    problem_close(&p);
  }
}

/* Features that only one sample has, which are interpolated; a feature that repeats another one, for the rank. */
static void least_squares_with_leverage_one(void **state)
{
  (void)state;
  enum { N = 30, DIM = 6 };
  double *x = naive_normals(N * DIM, 12);
  for (size_t i = 0; i < N; i++) {
    x[i * DIM + 5] = x[i * DIM + 4];
    if (i != 3) x[i * DIM] = 0;
    if (i != 17) x[i * DIM + 1] = 0;
  }
  problem p = problem_open(naive_open_rows(N, DIM, x), mn_kernel_default(MN_KERNEL_LINEAR), 0);
  assert_separate(&p, MN_SOLVER_AUTO, 1e-9);
  problem_close(&p);
  free(x);
}

/* Equal samples of different targets have their mean; the one without the other interpolates. */
static void singular_systems(void **state)
{
  (void)state;
  enum { N = 24, DIM = 5 };
  double *x = naive_normals(N * DIM, 21);
  memcpy(x + 7 * DIM, x + 2 * DIM, DIM * sizeof *x);
  memcpy(x + 20 * DIM, x + 11 * DIM, DIM * sizeof *x);
  memcpy(x + 15 * DIM, x + 11 * DIM, DIM * sizeof *x);
  problem p = problem_open(naive_open_rows(N, DIM, x), kernel_of(MN_KERNEL_GAUSSIAN, 0.2), 0);
  assert_separate(&p, MN_SOLVER_EIGEN, 1e-8);
  problem_close(&p);
  free(x);
}

/* ||(I - H) y||^2 / n / (tr(I - H) / n)^2 with H = K (K + ridge I)^-1 by elimination. */
static double naive_gcv(const problem *p)
{
  size_t n = p->set.n;
  double *eye = calloc(n * n, sizeof *eye), *inverse = calloc(n * n, sizeof *inverse), trace = 0, squares = 0;
  for (size_t i = 0; i < n; i++) eye[i * (n + 1)] = 1;
  naive_solve(n, p->k, n, eye, inverse);
  for (size_t i = 0; i < n; i++) trace += p->options.ridge * inverse[i * (n + 1)];
  for (size_t c = 0; c < COLUMNS; c++)
    for (size_t i = 0; i < n; i++) {
      double left = 0;
      for (size_t j = 0; j < n; j++) left += p->options.ridge * inverse[i + j * n] * p->y[j + c * n];
      squares += left * left;
    }
  free(eye);
  free(inverse);
  return squares / (double)n / (trace / (double)n) / (trace / (double)n);
}

static void generalised_cross_validation(void **state)
{
  (void)state;
  static const double ridges[] = {1e-3, 0.2};
  for (size_t r = 0; r < 2; r++)
    for (int linear = 0; linear < 2; linear++) {
      mn_kernel kernel = linear ? mn_kernel_default(MN_KERNEL_LINEAR) : kernel_of(MN_KERNEL_GAUSSIAN, 0.1);
      problem p = problem_open(naive_open(35, 6, MN_F64, MN_SCALE_NONE, 2), kernel, ridges[r]);
      mn_leave_one_out out;
      free(closed_form(&p, linear ? MN_SOLVER_AUTO : MN_SOLVER_CHOLESKY, &out));
      double wanted = naive_gcv(&p);
      mn_test_close(out.gcv / wanted, 1, 1e-8);
      problem_close(&p);
    }
}

/* At ridge 0 it is the limit, by whatever solver. */
static void cross_validation_without_ridge(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(35, 6, MN_F64, MN_SCALE_NONE, 2), kernel_of(MN_KERNEL_GAUSSIAN, 0.1), 1e-9);
  mn_leave_one_out out;
  double wanted = naive_gcv(&p);
  p.options.ridge = 0;
  for (mn_solver solver = MN_SOLVER_CHOLESKY; solver <= MN_SOLVER_EIGEN; solver++) {
    free(closed_form(&p, solver, &out));
    mn_test_close(out.gcv / wanted, 1, 1e-4);
  }
  problem_close(&p);
}

/* A diagonal from single precision: what is said of it is about what it is worth. */
static void lower_precisions(void **state)
{
  (void)state;
  enum { N = 700 };
  static const mn_precision precisions[] = {MN_PRECISION_MIXED, MN_PRECISION_SINGLE};
  for (size_t t = 0; t < 2; t++) {
    problem p = problem_open(naive_open(N, 10, MN_F64, MN_SCALE_NONE, 6), kernel_of(MN_KERNEL_GAUSSIAN, 0.05), 0);
    mn_leave_one_out exact, out;
    double *wanted = closed_form(&p, MN_SOLVER_CHOLESKY, &exact), worst = 0;
    p.options.precision = precisions[t];
    double *found = closed_form(&p, MN_SOLVER_CHOLESKY, &out);
    for (size_t k = 0; k < N * COLUMNS; k++) worst = fmax(worst, fabs(found[k] / wanted[k] - 1));
    assert_int_equal(out.probes, 8);
    assert_true(out.diagonal_error > 1e-9 && out.diagonal_error < 5e-3);
    assert_true(worst < 30 * out.diagonal_error);
    mn_test_close(out.mse / exact.mse, 1, 4 * out.diagonal_error);
    mn_test_close(out.gcv / exact.gcv, 1, 4 * out.diagonal_error);
    free(wanted);
    free(found);
    problem_close(&p);
  }
}

static void without_a_factor(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(50, 6, MN_F64, MN_SCALE_NONE, 2), kernel_of(MN_KERNEL_GAUSSIAN, 0.1), 0.1);
  mn_system *system = problem_system(&p, MN_SOLVER_CG), *none = NULL;
  double *space = calloc(3 * 50 * COLUMNS, sizeof *space);
  mn_solution solution;
  mn_leave_one_out out;
  mn_error err = {0};
  mn_solve_options options = p.options;
  assert_int_equal(mn_system_solve(system, COLUMNS, p.y, space, space + 150, NULL, &solution, &err), MN_OK);
  assert_int_equal(mn_system_leave_one_out(system, COLUMNS, p.y, space, space + 150, NULL, space + 300, &out, &err),
                   MN_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "cg"));
  assert_true(isnan(out.mse) && isnan(out.gcv));
  options.leave_one_out = 1;
  for (int interpolate = 0; interpolate < 2; interpolate++) {
    options.solver = interpolate ? MN_SOLVER_AUTO : MN_SOLVER_CG;
    options.interpolate = interpolate;
    assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &options, NULL, &none, &err), MN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "leave-one-out"));
    assert_null(none);
  }
  free(space);
  mn_system_close(&system);
  problem_close(&p);
}

static int cancel_it(void *user, const mn_progress *progress)
{
  return !strcmp(progress->phase, "leave-one-out") ? ++*(int *)user : 0;
}

static void cancelled(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(80, 6, MN_F64, MN_SCALE_NONE, 2), kernel_of(MN_KERNEL_GAUSSIAN, 0.1), 0);
  mn_system *system = problem_system(&p, MN_SOLVER_CHOLESKY);
  double *space = calloc(3 * 80 * COLUMNS, sizeof *space);
  int calls = 0;
  mn_context ctx = {.threads = 2, .progress = cancel_it, .user = &calls};
  mn_solution solution;
  mn_leave_one_out out;
  mn_error err = {0};
  assert_int_equal(mn_system_solve(system, COLUMNS, p.y, space, space + 240, &ctx, &solution, &err), MN_OK);
  assert_int_equal(mn_system_leave_one_out(system, COLUMNS, p.y, space, space + 240, &ctx, space + 480, &out, &err),
                   MN_ERR_CANCELLED);
  assert_true(calls > 0);
  assert_int_equal(mn_system_leave_one_out(system, COLUMNS, p.y, space, space + 240, NULL, space + 480, &out, &err),
                   MN_OK);
  free(space);
  mn_system_close(&system);
  problem_close(&p);
}

typedef struct {
  const problem *p;
  mn_solver solver;
} call;

static mn_status leave_out_once(void *arg, mn_error *err)
{
  const call *c = arg;
  static double alpha[40 * COLUMNS], fitted[40 * COLUMNS], error[40 * COLUMNS];
  mn_system *system = NULL;
  mn_solution solution;
  mn_leave_one_out out;
  mn_context ctx = {.threads = 2};
  mn_solve_options options = c->p->options;
  options.solver = c->solver;
  mn_status st = mn_system_open(&c->p->set.samples, &c->p->kernel, &options, &ctx, &system, err);
  if (!st) st = mn_system_solve(system, COLUMNS, c->p->y, alpha, fitted, &ctx, &solution, err);
  if (!st) st = mn_system_leave_one_out(system, COLUMNS, c->p->y, alpha, fitted, &ctx, error, &out, err);
  mn_system_close(&system);
  return st;
}

static void every_allocation(void **state)
{
  (void)state;
  for (int which = 0; which < 5; which++) {
    static const mn_solver solvers[] = {MN_SOLVER_CHOLESKY, MN_SOLVER_CHOLESKY, MN_SOLVER_LU, MN_SOLVER_EIGEN,
                                        MN_SOLVER_AUTO};
    mn_kernel kernel = which == 4 ? mn_kernel_default(MN_KERNEL_LINEAR) : kernel_of(MN_KERNEL_GAUSSIAN, 0.1);
    problem p = problem_open(naive_open(40, 4, MN_F64, MN_SCALE_NONE, 2), kernel, 0);
    if (which == 1) p.options.precision = MN_PRECISION_MIXED;
    if (which == 4)
      for (size_t i = 0; i < 40; i++) ((double *)p.set.data->x)[i * 4] = i == 5; /* leverage 1 */
    call c = {&p, solvers[which]};
    mn_test_every_allocation(leave_out_once, &c);
    problem_close(&p);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_factor_and_ridge),
      cmocka_unit_test(three_hundred_fits),
      cmocka_unit_test(an_indefinite_kernel),
      cmocka_unit_test(least_squares),
      cmocka_unit_test(least_squares_with_leverage_one),
      cmocka_unit_test(singular_systems),
      cmocka_unit_test(generalised_cross_validation),
      cmocka_unit_test(cross_validation_without_ridge),
      cmocka_unit_test(lower_precisions),
      cmocka_unit_test(without_a_factor),
      cmocka_unit_test(cancelled),
      cmocka_unit_test(every_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
