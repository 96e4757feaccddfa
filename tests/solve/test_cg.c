/* The solver cg: against fp64 Cholesky to the tolerance asked for, interpolation of classes, what it never claims to
 * have reached, ridges, scales, threads, budgets, cancelling, failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/panels.h"
#include "linalg/threads.h"
#include "solve/system.h"
#include "solve_support.h"
#include "support.h"

static problem cg_problem(size_t n, mn_kernel_name name, double gamma, double ridge)
{
  naive_set set = naive_open(n, 12, MN_U8, MN_SCALE_UNIT, n);
  mn_kernel kernel = mn_kernel_default(name);
  kernel.gamma = gamma;
  problem p = problem_open(set, kernel, ridge);
  p.options.columns = COLUMNS;
  return p;
}

/* One of COLUMNS classes a sample, drawn at random (NULL) or the largest of the first features. */
static void make_classes(problem *p, int random)
{
  size_t n = p->set.n;
  double *normals = naive_normals(n * COLUMNS, 12);
  for (size_t i = 0; i < n; i++) {
    size_t best = 0;
    for (size_t c = 1; c < COLUMNS; c++) {
      double a = random ? normals[i + c * n] : p->set.x[i * p->set.dim + c];
      double b = random ? normals[i + best * n] : p->set.x[i * p->set.dim + best];
      if (a > b) best = c;
    }
    for (size_t c = 0; c < COLUMNS; c++) p->y[i + c * n] = c == best;
  }
  free(normals);
}

/* Fraction of samples whose largest value is in another column than that of y. */
static double misfit_of(const problem *p, const double *fitted)
{
  size_t n = p->set.n, wrong = 0;
  for (size_t i = 0; i < n; i++) {
    size_t at[2] = {0, 0};
    for (size_t c = 1; c < COLUMNS; c++) {
      if (fitted[i + c * n] > fitted[i + at[0] * n]) at[0] = c;
      if (p->y[i + c * n] > p->y[i + at[1] * n]) at[1] = c;
    }
    wrong += at[0] != at[1];
  }
  return (double)wrong / (double)n;
}

/* sqrt(alpha'K alpha), and that of the exact solution. */
static double norm_of(const problem *p, const double *alpha)
{
  size_t n = p->set.n;
  double *ka = malloc(n * COLUMNS * sizeof *ka);
  long double sum = 0;
  naive_multiply(n, n, p->k, COLUMNS, alpha, ka);
  for (size_t i = 0; i < n * COLUMNS; i++)
    sum += (long double)alpha[i] * ((long double)ka[i] - (long double)(p->options.ridge * alpha[i]));
  free(ka);
  return (double)sqrtl(sum);
}

/* What is said is what holds of the alpha returned, whether it converged or not; K was kept in single precision, or
 * made anew where the budget says so. */
static void check_truthful_of(const problem *p, const answer *a, mn_gram_kept kept)
{
  size_t n = p->set.n, count = n * COLUMNS;
  double noise = 1e-14 * (1 + naive_norm(count, a->alpha) / naive_norm(count, p->y)) * sqrt((double)n);
  double residual = problem_residual(p, a->alpha), *fitted = malloc(count * sizeof *fitted);
  assert_int_equal(a->report.solver, MN_SOLVER_CG);
  assert_int_equal(a->report.precision, MN_PRECISION_MIXED);
  assert_int_equal(a->report.gram_kept, kept);
  assert_int_equal(a->report.fallback_count, 0);
  assert_true(a->report.preconditioner_rank <= n);
  assert_true(isnan(a->report.rcond) && isnan(a->report.shift) && isnan(a->solution.gradient));
  if (!(fabs(residual - a->solution.residual) <= 1e-6 * residual + noise))
    fail_msg("residual %g, not %g", a->solution.residual, residual);
  assert_true(a->solution.misfit == misfit_of(p, a->fitted));
  naive_multiply(n, n, p->k, COLUMNS, a->alpha, fitted);
  for (size_t i = 0; i < count; i++) fitted[i] -= p->options.ridge * a->alpha[i];
  assert_true(naive_distance(count, a->fitted, fitted) <= noise * (1 + naive_norm(count, p->y)));
  assert_true(a->solution.iterations >= 1 && a->solution.solve_s > 0);
  free(fitted);
}

static void check_truthful(const problem *p, const answer *a)
{
  check_truthful_of(p, a, MN_GRAM_SINGLE);
}

/* ---- to a tolerance */

static void solutions_equal_cholesky(void **state)
{
  (void)state;
  static const struct {
    size_t n;
    mn_kernel_name name;
    double gamma, ridge;
  } cases[] = {
      {1, MN_KERNEL_GAUSSIAN, 0.5, 0},      {2, MN_KERNEL_LAPLACIAN, 0.5, 0},     {150, MN_KERNEL_GAUSSIAN, 0.5, 0},
      {150, MN_KERNEL_LAPLACIAN, 0.1, 0},   {150, MN_KERNEL_MATERN32, 0.5, 0},    {400, MN_KERNEL_GAUSSIAN, 0.3, 0},
      {150, MN_KERNEL_GAUSSIAN, 0.01, 0.1}, {150, MN_KERNEL_MATERN52, 0.1, 1e-3}, {150, MN_KERNEL_POLYNOMIAL, 0.3, 1},
      {100, MN_KERNEL_NTK, 1, 0.01},        {300, MN_KERNEL_LINEAR, 1, 0.5}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    problem p = cg_problem(cases[c].n, cases[c].name, cases[c].gamma, cases[c].ridge);
    double *exact = malloc(p.set.n * COLUMNS * sizeof *exact);
    naive_solve(p.set.n, p.k, COLUMNS, p.y, exact);
    for (double tolerance = 1e-3; tolerance > 1e-11; tolerance *= 1e-3) {
      p.options.tolerance = tolerance;
      answer a = problem_solve(&p, MN_SOLVER_CG);
      check_truthful(&p, &a);
      assert_true(a.solution.converged && a.report.preconditioner_rank >= 1);
      assert_true(a.solution.residual <= tolerance);
      if (tolerance < 1e-8) {
        double off = naive_relative(p.set.n * COLUMNS, a.alpha, exact);
        if (!(off <= 1e-4)) fail_msg("case %zu: off by %g", c, off); /* tolerance times a condition number below 1e5 */
      }
      answer_close(&a);
    }
    free(exact);
    problem_close(&p);
  }
}

static void a_tolerance_out_of_reach_is_never_called_done(void **state)
{
  (void)state;
  const double gammas[] = {0.5, 0.02, 0.002, 1e-4};
  for (size_t g = 0; g < 4; g++)
    for (int tolerance = 0; tolerance < 2; tolerance++) {
      problem p = cg_problem(150, MN_KERNEL_GAUSSIAN, gammas[g], 0);
      p.options.tolerance = tolerance * 1e-18;
      answer a = problem_solve(&p, MN_SOLVER_CG);
      check_truthful(&p, &a);
      assert_int_equal(a.solution.converged, 0);
      assert_true(a.solution.residual > 1e-18 && a.solution.residual <= 1);
      if (!g) assert_true(a.solution.residual <= 1e-13);
      answer_close(&a);
      problem_close(&p);
    }
}

/* Condition numbers of 1e9 and more, beyond what K in single precision can tell: the first run ends worse than it
 * began, and the next ones stop in time. Smooth targets are the largest eigenvectors', so that there is much to gain: K
 * alpha for a random alpha of few samples. Of independent ones a dozen directions of 300 can be fitted at the least
 * gamma, too little to ask for. */
static void ill_conditioned_systems_have_their_best_iterate(void **state)
{
  (void)state;
  const double gammas[] = {0.1, 0.02, 0.005, 0.001};
  for (size_t g = 0; g < 4; g++)
    for (int smooth = g == 3; smooth < 2; smooth++) {
      problem p = cg_problem(300, MN_KERNEL_GAUSSIAN, gammas[g], 0);
      if (smooth) {
        double *few = calloc(300 * COLUMNS, sizeof *few);
        for (size_t e = 0; e < 300 * COLUMNS; e += 30) few[e] = p.y[e];
        naive_multiply(300, 300, p.k, COLUMNS, few, p.y);
        free(few);
      }
      answer a = problem_solve(&p, MN_SOLVER_CG);
      check_truthful(&p, &a);
      assert_true(naive_norm(300 * COLUMNS, a.alpha) > 0);
      assert_int_equal(a.solution.converged, a.solution.residual <= 1e-10);
      if (!(a.solution.residual <= (smooth ? 1e-6 : 0.99)))
        fail_msg("gamma %g: residual %g", gammas[g], a.solution.residual);
      answer_close(&a);
      problem_close(&p);
    }
}

/* (K + ridge I) with a singular and an indefinite K. */
static void singular_and_indefinite_systems_are_not_solved(void **state)
{
  (void)state;
  problem p = cg_problem(100, MN_KERNEL_LINEAR, 1, 0), q = cg_problem(60, MN_KERNEL_POLYNOMIAL, 0.1, 0);
  answer a = problem_solve(&p, MN_SOLVER_CG);
  check_truthful(&p, &a);
  assert_int_equal(a.solution.converged, 0);
  answer_close(&a);
  q.kernel.coef0 = -1;
  free(q.k);
  q.k = naive_gram(&q.kernel, &q.set, &q.set, 0);
  a = problem_solve(&q, MN_SOLVER_CG);
  check_truthful(&q, &a);
  assert_int_equal(a.solution.converged, 0);
  answer_close(&a);
  problem_close(&p), problem_close(&q);
}

static void a_zero_matrix_is_not_solved(void **state)
{
  (void)state;
  double x[12] = {0};
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_POLYNOMIAL);
  kernel.coef0 = 0, kernel.degree = 1;
  problem p = problem_open(naive_open_rows(12, 1, x), kernel, 0);
  answer a = problem_solve(&p, MN_SOLVER_CG);
  assert_int_equal(a.solution.converged, 0);
  assert_true(a.solution.residual == 1 && naive_norm(12 * COLUMNS, a.alpha) == 0);
  answer_close(&a);
  problem_close(&p);
}

/* ---- to interpolation */

static void interpolation_has_no_training_error_and_the_norm(void **state)
{
  (void)state;
  for (int random = 0; random < 2; random++)
    for (size_t n = 50; n <= 450; n += 200) {
      problem p = cg_problem(n, MN_KERNEL_GAUSSIAN, 0.3, 0);
      make_classes(&p, random);
      p.options.interpolate = 1;
      answer a = problem_solve(&p, random ? MN_SOLVER_CG : MN_SOLVER_AUTO);
      check_truthful(&p, &a);
      assert_int_equal(a.solution.converged, 1);
      assert_true(a.solution.misfit == 0);
      double *exact = malloc(n * COLUMNS * sizeof *exact);
      naive_solve(n, p.k, COLUMNS, p.y, exact);
      double norm = norm_of(&p, a.alpha), least = norm_of(&p, exact);
      if (!(fabs(norm - least) <= 0.01 * least)) fail_msg("norm %g, not %g", norm, least);
      free(exact);
      answer_close(&a);
      problem_close(&p);
    }
}

/* Two equal samples of different classes: no function takes both values. */
static void what_cannot_be_interpolated_is_never_called_done(void **state)
{
  (void)state;
  enum { N = 60, DIM = 4 };
  double *x = naive_normals(N * DIM, 3);
  memcpy(x + (N - 1) * DIM, x, DIM * sizeof *x);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  problem p = problem_open(naive_open_rows(N, DIM, x), kernel, 0);
  make_classes(&p, 0);
  for (size_t c = 0; c < COLUMNS; c++) p.y[c * N] = c == 0, p.y[N - 1 + c * N] = c == 1;
  p.options.interpolate = 1;
  answer a = problem_solve(&p, MN_SOLVER_CG);
  check_truthful(&p, &a);
  assert_int_equal(a.solution.converged, 0);
  assert_true(a.solution.misfit > 0);
  answer_close(&a);
  p.options.ridge = 100; /* a ridge that large fits nothing */
  for (size_t i = 0; i < N; i++) p.k[i * (N + 1)] = 1 + p.options.ridge;
  make_classes(&p, 1);
  a = problem_solve(&p, MN_SOLVER_CG);
  check_truthful(&p, &a);
  assert_int_equal(a.solution.converged, a.solution.misfit == 0);
  answer_close(&a);
  problem_close(&p);
  free(x);
}

static void one_column_has_no_classes(void **state)
{
  (void)state;
  problem p = cg_problem(30, MN_KERNEL_GAUSSIAN, 0.5, 0);
  double alpha[30];
  mn_error err = {0};
  mn_solution solution;
  p.options.interpolate = 1;
  mn_system *system = problem_system(&p, MN_SOLVER_CG);
  assert_int_equal(mn_system_solve(system, 1, p.y, alpha, NULL, NULL, &solution, &err), MN_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "needs classes"));
  mn_system_close(&system);
  p.options.interpolate = 0; /* with a tolerance it is a right-hand side like any other */
  system = problem_system(&p, MN_SOLVER_CG);
  assert_int_equal(mn_system_solve(system, 1, p.y, alpha, NULL, NULL, &solution, &err), MN_OK);
  assert_true(solution.converged && solution.residual <= 1e-10 && isnan(solution.misfit));
  mn_system_close(&system);
  const mn_solver others[] = {MN_SOLVER_CHOLESKY, MN_SOLVER_LU, MN_SOLVER_EIGEN};
  p.options.interpolate = 1;
  for (size_t i = 0; i < 3; i++) {
    p.options.solver = others[i];
    assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, &err), MN_ERR_ARGUMENT);
  }
  problem_close(&p);
}

/* ---- right-hand sides, threads, budget */

static void scales_and_zero(void **state)
{
  (void)state;
  enum { N = 120 };
  problem p = cg_problem(N, MN_KERNEL_GAUSSIAN, 0.5, 1e-3);
  double y[N * 2], alpha[N * 2], fitted[N * 2];
  mn_solution solution;
  mn_system *system = problem_system(&p, MN_SOLVER_CG);
  for (int power = -300; power <= 300; power += 100) {
    for (size_t i = 0; i < N * 2; i++) y[i] = ldexp(p.y[i], power);
    assert_int_equal(mn_system_solve(system, 2, y, alpha, fitted, NULL, &solution, NULL), MN_OK);
    assert_true(solution.converged && solution.residual <= 1e-10);
  }
  memset(y, 0, sizeof y);
  assert_int_equal(mn_system_solve(system, 2, y, alpha, fitted, NULL, &solution, NULL), MN_OK);
  assert_true(naive_norm(N * 2, alpha) == 0 && naive_norm(N * 2, fitted) == 0);
  assert_true(solution.residual == 0 && solution.converged && solution.iterations == 0);
  mn_system_close(&system);
  problem_close(&p);
}

static void threads_change_rounding_alone(void **state)
{
  (void)state;
  enum { N = 500 };
  problem p = cg_problem(N, MN_KERNEL_GAUSSIAN, 0.5, 0);
  double *alpha[3];
  for (int threads = 1; threads <= 3; threads++) {
    mn_context ctx = {.threads = threads};
    mn_solution solution;
    mn_system *system;
    p.options.solver = MN_SOLVER_CG;
    alpha[threads - 1] = malloc(N * COLUMNS * sizeof **alpha);
    assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, NULL), MN_OK);
    assert_int_equal(mn_system_solve(system, COLUMNS, p.y, alpha[threads - 1], NULL, &ctx, &solution, NULL), MN_OK);
    assert_true(solution.converged);
    assert_true(naive_relative(N * COLUMNS, alpha[threads - 1], alpha[0]) <= 1e-6);
    mn_system_close(&system);
  }
  for (size_t i = 0; i < 3; i++) free(alpha[i]);
  problem_close(&p);
}

/* Where the budget does not hold K it is made anew in every iteration; where it hardly does, the preconditioner has a
 * smaller rank. Either way to the digits asked for, and within the budget as it is counted. */
static void small_budgets_are_kept_to(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped("2,000 samples are needed for K to be larger than what makes it");
  enum { N = 2000, USUAL = N / 7 };
  static const struct {
    size_t bytes;
    mn_gram_kept kept;
  } budgets[] = {{14000000, MN_GRAM_NONE}, {16000000, MN_GRAM_SINGLE}};
  problem p = cg_problem(N, MN_KERNEL_GAUSSIAN, 0.5, 1e-2);
  for (size_t b = 0; b < 2; b++)
    for (p.options.tolerance = 1e-3; p.options.tolerance > 1e-9; p.options.tolerance *= 1e-5) {
      p.options.memory_bytes = mn_memory_current_rss() + (size_t)MN_SOLVER_BUFFERS + budgets[b].bytes;
      answer a = problem_solve(&p, MN_SOLVER_CG);
      check_truthful_of(&p, &a, budgets[b].kept);
      assert_true(a.solution.converged && a.solution.residual <= p.options.tolerance);
      assert_true(a.report.preconditioner_rank >= 64 && a.report.preconditioner_rank < USUAL);
      answer_close(&a);
    }
  make_classes(&p, 0); /* and to interpolation */
  p.options.ridge = 0;
  for (size_t i = 0; i < N; i++) p.k[i * (N + 1)] = 1;
  p.options.interpolate = 1;
  p.options.memory_bytes = mn_memory_current_rss() + (size_t)MN_SOLVER_BUFFERS + budgets[0].bytes;
  answer a = problem_solve(&p, MN_SOLVER_CG);
  check_truthful_of(&p, &a, MN_GRAM_NONE);
  assert_true(a.solution.converged && a.solution.misfit == 0);
  answer_close(&a);
  problem_close(&p);
}

static void a_small_budget_is_refused(void **state)
{
  (void)state;
  problem p = cg_problem(1200, MN_KERNEL_GAUSSIAN, 0.5, 0);
  mn_system *system;
  mn_error err = {0};
  long failures = mn_memory_failures();
  p.options.solver = MN_SOLVER_CG;
  p.options.memory_bytes = mn_memory_current_rss() + mn_panels_bytes(1200, mn_panels_width(1200), MN_F32) / 2;
  mn_memory_fail_at(1); /* the system's own record is the only allocation there may be */
  assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, NULL, &system, &err), MN_ERR_BUDGET);
  mn_memory_fail_at(-1);
  assert_int_equal(mn_memory_failures(), failures);
  assert_null(system);
  assert_non_null(strstr(err.text, "cg of 1200 samples needs"));
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
  return progress->done > 0;
}

static void cancelling(void **state)
{
  (void)state;
  const char *phases[] = {"gram", "precondition", "cg", "residual"};
  problem p = cg_problem(900, MN_KERNEL_LAPLACIAN, 0.1, 0);
  double *alpha = malloc(900 * COLUMNS * sizeof *alpha);
  for (size_t i = 0; i < 4; i++) {
    brake b = {.phase = phases[i]};
    mn_context ctx = {.threads = 2, .progress = cancel_phase, .user = &b};
    mn_system *system;
    mn_solution solution;
    mn_error err = {0};
    long live = mn_memory_live();
    p.options.solver = MN_SOLVER_CG;
    mn_status st = mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, &err);
    assert_int_equal(st, i < 2 ? MN_ERR_CANCELLED : MN_OK);
    if (!st) st = mn_system_solve(system, COLUMNS, p.y, alpha, NULL, &ctx, &solution, &err);
    assert_int_equal(st, MN_ERR_CANCELLED);
    assert_non_null(strstr(err.text, phases[i]));
    assert_true(b.seen > 0);
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
  problem p = cg_problem(40, MN_KERNEL_LAPLACIAN, 1, 0);
  p.options.solver = MN_SOLVER_CG;
  p.options.tolerance = 1e-3;
  mn_test_every_allocation(open_and_solve, &p);
  make_classes(&p, 0);
  p.options.interpolate = 1;
  mn_test_every_allocation(open_and_solve, &p);
  problem_close(&p);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(solutions_equal_cholesky),
      cmocka_unit_test(a_tolerance_out_of_reach_is_never_called_done),
      cmocka_unit_test(ill_conditioned_systems_have_their_best_iterate),
      cmocka_unit_test(singular_and_indefinite_systems_are_not_solved),
      cmocka_unit_test(a_zero_matrix_is_not_solved),
      cmocka_unit_test(interpolation_has_no_training_error_and_the_norm),
      cmocka_unit_test(what_cannot_be_interpolated_is_never_called_done),
      cmocka_unit_test(one_column_has_no_classes),
      cmocka_unit_test(scales_and_zero),
      cmocka_unit_test(threads_change_rounding_alone),
      cmocka_unit_test(small_budgets_are_kept_to),
      cmocka_unit_test(a_small_budget_is_refused),
      cmocka_unit_test(cancelling),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("cg", tests, NULL, NULL);
}
