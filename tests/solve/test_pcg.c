/* Preconditioned conjugate gradients against Gaussian elimination, their finite termination, columns of very different
 * scales, indefinite and singular matrices, preconditioners exact and inexact, limits, the watch, failing calls and
 * allocations. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "naive.h"
#include "solve/pcg.h"
#include "support.h"

/* A system, and how often what was called. */
typedef struct {
  size_t n, columns;
  double *a;       /* n x n */
  double *inverse; /* n x n: what preconditions; NULL: nothing does */
  double *b;       /* n x columns */
  double *x, *r;
  int multiplied, preconditioned;
  int fail_at; /* call that fails, counting both kinds; 0: none */
  int watched, stop_at;
  double residuals[500]; /* by iteration, from 1 */
  mn_pcg pcg;
  mn_pcg_result result;
} system_t;

static mn_status product(system_t *s, const double *a, size_t columns, const double *v, double *out, mn_error *err)
{
  if (s->multiplied + s->preconditioned == s->fail_at) return MN_FAIL(err, MN_ERR_DATA, "this call fails");
  naive_multiply(s->n, s->n, a, columns, v, out);
  return MN_OK;
}

static mn_status multiply(void *arg, size_t columns, const double *v, double *out, mn_error *err)
{
  system_t *s = arg;
  s->multiplied++;
  return product(s, s->a, columns, v, out, err);
}

static mn_status precondition(void *arg, size_t columns, const double *v, double *out, mn_error *err)
{
  system_t *s = arg;
  s->preconditioned++;
  if (s->inverse) return product(s, s->inverse, columns, v, out, err);
  if (s->multiplied + s->preconditioned == s->fail_at) return MN_FAIL(err, MN_ERR_DATA, "this call fails");
  memcpy(out, v, s->n * columns * sizeof *out);
  return MN_OK;
}

/* Iterations are told one by one, with the residual of the x handed over. */
static int watch(void *arg, const mn_pcg_step *step)
{
  system_t *s = arg;
  size_t count = s->n * s->columns;
  double *ax = malloc(count * sizeof *ax);
  assert_int_equal(step->iteration, ++s->watched);
  s->residuals[step->iteration] = step->residual;
  mn_test_close(step->residual, naive_norm(count, step->r) / naive_norm(count, s->b), 1e-12);
  naive_multiply(s->n, s->n, s->a, s->columns, step->x, ax);
  for (size_t i = 0; i < count; i++) ax[i] += step->r[i];
  assert_true(naive_distance(count, ax, s->b) <= 1e-10 * naive_norm(count, s->b));
  free(ax);
  return step->iteration == s->stop_at;
}

/* Takes a over. */
static system_t system_open(size_t n, size_t columns, double *a)
{
  system_t s = {.n = n, .columns = columns, .a = a, .b = naive_normals(n * columns, 9)};
  s.x = malloc(n * columns * sizeof *s.x);
  s.r = malloc(n * columns * sizeof *s.r);
  s.pcg = (mn_pcg){.n = n, .columns = columns, .threads = 2, .multiply = multiply, .precondition = precondition};
  s.pcg.tolerance = 1e-12, s.pcg.most = 499;
  return s;
}

static void system_close(system_t *s)
{
  free(s->a), free(s->inverse), free(s->b), free(s->x), free(s->r);
}

static mn_status run(system_t *s, mn_error *err)
{
  s->multiplied = s->preconditioned = s->watched = 0;
  s->pcg.arg = s;
  return mn_pcg_run(&s->pcg, s->b, s->x, s->r, &s->result, err);
}

static mn_pcg_end end_of(system_t *s)
{
  mn_error err = {0};
  if (run(s, &err)) fail_msg("%s", err.text);
  return s->result.end;
}

/* Eigenvalues from 1 to `condition`, in geometric progression; `distinct` of them. */
static double *spectrum(size_t n, size_t distinct, double condition)
{
  double *values = malloc(n * sizeof *values);
  for (size_t i = 0; i < n; i++)
    values[i] = pow(condition, distinct > 1 ? (double)(i % distinct) / (double)(distinct - 1) : 0);
  double *a = naive_spectrum(n, values, 2, 2);
  free(values);
  return a;
}

/* A^-1, symmetric to rounding. */
static double *inverse_of(size_t n, const double *a)
{
  double *one = calloc(n * n, sizeof *one), *inverse = malloc(n * n * sizeof *inverse);
  for (size_t i = 0; i < n; i++) one[i * (n + 1)] = 1;
  naive_solve(n, a, n, one, inverse);
  free(one);
  return inverse;
}

/* ||b - A x|| / ||b|| of one column. */
static double residual_of(const system_t *s, size_t column)
{
  double *ax = malloc(s->n * sizeof *ax);
  naive_multiply(s->n, s->n, s->a, 1, s->x + column * s->n, ax);
  double residual = naive_relative(s->n, ax, s->b + column * s->n);
  free(ax);
  return residual;
}

/* ---- positive definite systems */

static void solutions_equal_gaussian_elimination(void **state)
{
  (void)state;
  const size_t sizes[] = {1, 2, 3, 30, 111};
  for (size_t c = 0; c < 5; c++)
    for (size_t columns = 1; columns <= 4; columns += 3) {
      system_t s = system_open(sizes[c], columns, spectrum(sizes[c], sizes[c], 1000));
      double *exact = malloc(s.n * columns * sizeof *exact);
      s.pcg.watch = watch;
      assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
      naive_solve(s.n, s.a, columns, s.b, exact);
      assert_true(naive_relative(s.n * columns, s.x, exact) <= 1e-9);
      for (size_t k = 0; k < columns; k++) assert_true(residual_of(&s, k) <= 1e-11);
      assert_true(s.result.residual <= 1e-12);
      assert_int_equal(s.result.iterations, s.multiplied);
      assert_int_equal(s.watched, s.result.iterations - 1); /* the last one is no longer watched */
      free(exact);
      system_close(&s);
    }
}

/* As many steps as there are different eigenvalues. With directions in single precision each such round leaves their
 * rounding, and how many rounds it takes depends on the order of summation; without ending, it would be over 80 steps. */
static void runs_end_after_as_many_steps_as_eigenvalues(void **state)
{
  (void)state;
  for (size_t distinct = 1; distinct <= 8; distinct++) {
    system_t s = system_open(60, 3, spectrum(60, distinct, 50));
    s.pcg.tolerance = 1e-10;
    assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
    assert_in_range(s.result.iterations, 1, distinct);
    s.pcg.single = 1;
    assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
    assert_in_range(s.result.iterations, 1, 4 * distinct);
    system_close(&s);
  }
  system_t s = system_open(12, 1, spectrum(12, 12, 10));
  assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
  assert_true(s.result.iterations <= 12);
  system_close(&s);
}

/* The error in the norm of A never grows: what conjugate gradients minimise over Krylov spaces. */
static void the_energy_of_the_error_falls(void **state)
{
  (void)state;
  enum { N = 50 };
  system_t s = system_open(N, 1, spectrum(N, N, 1e4));
  double exact[N], error[N], ae[N], last = INFINITY;
  naive_solve(N, s.a, 1, s.b, exact);
  for (s.pcg.most = 1; s.pcg.most <= 40; s.pcg.most++) {
    assert_int_equal(end_of(&s), MN_PCG_EXHAUSTED);
    long double energy = 0;
    for (size_t i = 0; i < N; i++) error[i] = exact[i] - s.x[i];
    naive_multiply(N, N, s.a, 1, error, ae);
    for (size_t i = 0; i < N; i++) energy += (long double)error[i] * (long double)ae[i];
    assert_true((double)energy < last);
    last = (double)energy;
  }
  system_close(&s);
}

/* Columns share directions, and none is hurt by the scale of others, by one that is zero or by one that repeats. */
static void columns_of_different_scales_and_a_zero_column(void **state)
{
  (void)state;
  enum { N = 40, SIZE = 6 };
  static const double scales[SIZE] = {1, 1e20, 0, 1e-20, 1e-3, 1};
  system_t s = system_open(N, SIZE, spectrum(N, 10, 100));
  memcpy(s.b + 5 * N, s.b, N * sizeof *s.b);
  for (size_t i = 0; i < N * SIZE; i++) s.b[i] *= scales[i / N];
  s.pcg.tolerance = 0, s.pcg.most = 30;
  end_of(&s);
  for (size_t c = 0; c < SIZE; c++)
    if (c != 2 && !(residual_of(&s, c) <= 1e-10)) fail_msg("column %zu: %g", c, residual_of(&s, c));
  assert_true(naive_norm(N, s.x + 2 * N) == 0);
  assert_true(naive_relative(N, s.x + 5 * N, s.x) <= 1e-9);
  system_close(&s);
}

/* More columns than rows, and fewer iterations than one column alone. */
static void columns_share_their_directions(void **state)
{
  (void)state;
  system_t few = system_open(5, 9, spectrum(5, 5, 100));
  few.pcg.tolerance = 1e-10;
  assert_int_equal(end_of(&few), MN_PCG_CONVERGED);
  assert_in_range(few.result.iterations, 1, 4);
  system_close(&few);
  system_t one = system_open(120, 1, spectrum(120, 120, 1e4)), many = system_open(120, 20, spectrum(120, 120, 1e4));
  one.pcg.tolerance = many.pcg.tolerance = 1e-8;
  assert_int_equal(end_of(&one), MN_PCG_CONVERGED);
  assert_int_equal(end_of(&many), MN_PCG_CONVERGED);
  assert_true(2 * many.result.iterations < one.result.iterations);
  system_close(&one), system_close(&many);
}

static void zero_needs_no_iteration(void **state)
{
  (void)state;
  system_t s = system_open(20, 2, spectrum(20, 20, 10));
  memset(s.b, 0, 40 * sizeof *s.b);
  assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
  assert_true(s.result.iterations == 0 && s.multiplied == 0 && s.result.residual == 0);
  assert_true(naive_norm(40, s.x) == 0 && naive_norm(40, s.r) == 0);
  system_close(&s);
}

/* ---- preconditioners */

static void an_exact_inverse_needs_one_step(void **state)
{
  (void)state;
  system_t s = system_open(50, 3, spectrum(50, 50, 1e6));
  s.inverse = inverse_of(50, s.a);
  s.pcg.tolerance = 1e-10;
  assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
  assert_true(s.result.iterations <= 2);
  for (size_t c = 0; c < 3; c++) assert_true(residual_of(&s, c) <= 1e-9);
  system_close(&s);
}

/* In fp32 it takes a few, and reaches what fp64 can: an inverse that is not symmetric to the last digit is forgiven. */
static void an_inverse_in_single_precision_needs_a_few(void **state)
{
  (void)state;
  system_t s = system_open(50, 3, spectrum(50, 50, 1e4));
  s.inverse = inverse_of(50, s.a);
  for (size_t i = 0; i < 50 * 50; i++) s.inverse[i] = (double)(float)(s.inverse[i] * (1 + 1e-4 * sin((double)i)));
  assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
  if (s.result.iterations > 8) fail_msg("%d iterations", s.result.iterations);
  for (size_t c = 0; c < 3; c++) assert_true(residual_of(&s, c) <= 1e-11);
  system_close(&s);
}

/* By the diagonal of a badly scaled matrix: fewer iterations than without. */
static void a_diagonal_preconditioner_helps(void **state)
{
  (void)state;
  enum { N = 60 };
  system_t s = system_open(N, 2, spectrum(N, N, 10));
  for (size_t j = 0; j < N; j++)
    for (size_t i = 0; i < N; i++) s.a[i + j * N] *= pow(10, (double)(i + j) / N);
  end_of(&s);
  int without = s.result.iterations;
  s.inverse = calloc(N * N, sizeof *s.inverse);
  for (size_t i = 0; i < N; i++) s.inverse[i * (N + 1)] = 1 / s.a[i * (N + 1)];
  assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
  assert_true(s.result.iterations < without);
  for (size_t c = 0; c < 2; c++) assert_true(residual_of(&s, c) <= 1e-10);
  system_close(&s);
}

/* ---- matrices that conjugate gradients are not made for */

static void check_stalls(system_t *s)
{
  assert_int_equal(end_of(s), MN_PCG_STALLED);
  for (size_t i = 0; i < s->n * s->columns; i++) assert_true(isfinite(s->x[i]) && isfinite(s->r[i]));
  assert_true(s->result.residual > 1e-6);
  mn_test_close(s->result.residual, naive_norm(s->n * s->columns, s->r) / naive_norm(s->n * s->columns, s->b), 1e-12);
}

static void an_indefinite_matrix_stalls(void **state)
{
  (void)state;
  enum { N = 40 };
  double values[N];
  for (size_t i = 0; i < N; i++) values[i] = i % 3 ? 1 + (double)i : -1 - (double)i;
  system_t s = system_open(N, 3, naive_spectrum(N, values, 6, 6));
  check_stalls(&s);
  system_close(&s);
  for (size_t i = 0; i < N; i++) values[i] = -1; /* no direction of positive energy at all */
  s = system_open(N, 3, naive_spectrum(N, values, 6, 6));
  check_stalls(&s);
  assert_int_equal(s.result.iterations, 1);
  assert_true(naive_norm(N * 3, s.x) == 0 && s.result.residual == 1);
  system_close(&s);
}

/* b has a part outside the range, which stays in the residual. */
static void a_singular_matrix_stalls(void **state)
{
  (void)state;
  enum { N = 30 };
  double values[N];
  for (size_t i = 0; i < N; i++) values[i] = i % 2 ? 1 + (double)(i % 5) : 0;
  system_t s = system_open(N, 2, naive_spectrum(N, values, 6, 6));
  check_stalls(&s);
  system_close(&s);
}

/* Directions are a basis of what it spans, and the sign of one does not matter. */
static void a_negative_preconditioner_spans_the_same(void **state)
{
  (void)state;
  system_t s = system_open(30, 2, spectrum(30, 30, 10));
  s.pcg.tolerance = 1e-10;
  s.inverse = inverse_of(30, s.a);
  for (size_t i = 0; i < 30 * 30; i++) s.inverse[i] = -s.inverse[i];
  assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
  assert_true(s.result.iterations <= 2);
  system_close(&s);
}

static void nan_and_infinity_stall(void **state)
{
  (void)state;
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (size_t k = 0; k < 3; k++) {
    system_t s = system_open(20, 2, spectrum(20, 20, 10));
    s.a[3 + 5 * 20] = s.a[5 + 3 * 20] = bad[k];
    assert_int_equal(end_of(&s), MN_PCG_STALLED);
    for (size_t i = 0; i < 40; i++) assert_true(isfinite(s.x[i]));
    system_close(&s);
  }
}

/* ---- limits, watch, failures */

static void tolerance_and_limit_are_kept(void **state)
{
  (void)state;
  system_t s = system_open(100, 2, spectrum(100, 100, 1e3));
  s.pcg.watch = watch;
  for (double tolerance = 0.5; tolerance > 1e-12; tolerance *= 0.01) {
    s.pcg.tolerance = tolerance;
    assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
    assert_true(s.result.residual <= tolerance);
    for (int k = 1; k < s.result.iterations; k++) assert_true(s.residuals[k] > tolerance); /* and not one step more */
  }
  for (s.pcg.most = 0; s.pcg.most < 20; s.pcg.most++) {
    assert_int_equal(end_of(&s), MN_PCG_EXHAUSTED);
    assert_int_equal(s.result.iterations, s.pcg.most);
    assert_int_equal(s.multiplied, s.pcg.most);
    assert_true(s.result.residual == (s.pcg.most ? s.residuals[s.pcg.most] : 1));
  }
  system_close(&s);
}

/* Of tolerance 0 there is an end all the same: no digits are left to win. */
/* Groups of two columns, and one of what is left; not an iteration more than the worst of them takes. */
static void the_worst_group_ends_the_run(void **state)
{
  (void)state;
  enum { N = 60, SIZE = 5, GROUP = 2 };
  system_t s = system_open(N, SIZE, spectrum(N, N, 1e3));
  double *y = malloc(N * SIZE * sizeof *y);
  for (size_t i = 2 * N; i < 4 * N; i++) s.b[i] *= 1e-7;
  for (size_t i = 0; i < N * SIZE; i++) y[i] = 10 * s.b[i];
  s.pcg.tolerance = 1e-6, s.pcg.group = GROUP, s.pcg.y = y;
  assert_int_equal(end_of(&s), MN_PCG_CONVERGED);
  for (int last = 1; last >= 0; last--) {
    double worst = 0;
    for (size_t c = 0; c < SIZE; c += GROUP) {
      size_t count = N * (SIZE - c < GROUP ? SIZE - c : GROUP);
      worst = fmax(worst, naive_norm(count, s.r + c * N) / naive_norm(count, y + c * N));
    }
    mn_test_close(s.result.residual, worst, 1e-12);
    assert_true((worst <= s.pcg.tolerance) == last);
    s.pcg.most = s.result.iterations - 1;
    if (last) assert_int_equal(end_of(&s), MN_PCG_EXHAUSTED);
  }
  free(y);
  system_close(&s);
}

static void tolerance_zero_ends(void **state)
{
  (void)state;
  system_t s = system_open(40, 2, spectrum(40, 40, 1e3));
  s.pcg.tolerance = 0;
  mn_pcg_end end = end_of(&s);
  assert_true(end == MN_PCG_STALLED || end == MN_PCG_EXHAUSTED || s.result.residual == 0);
  for (size_t c = 0; c < 2; c++) assert_true(residual_of(&s, c) <= 1e-12);
  system_close(&s);
}

static void the_watch_ends_the_run(void **state)
{
  (void)state;
  system_t s = system_open(60, 2, spectrum(60, 60, 1e3));
  s.pcg.watch = watch;
  for (s.stop_at = 1; s.stop_at <= 10; s.stop_at += 3) {
    assert_int_equal(end_of(&s), MN_PCG_WATCHED);
    assert_int_equal(s.result.iterations, s.stop_at);
    assert_int_equal(s.watched, s.stop_at);
    assert_true(s.result.residual == s.residuals[s.stop_at]);
  }
  system_close(&s);
}

static void a_call_that_fails_ends_the_run(void **state)
{
  (void)state;
  system_t s = system_open(20, 2, spectrum(20, 20, 100));
  for (s.fail_at = 1; s.fail_at <= 6; s.fail_at++) {
    mn_error err = {0};
    assert_int_equal(run(&s, &err), MN_ERR_DATA);
    assert_string_equal(err.text, "this call fails");
    assert_int_equal(s.multiplied + s.preconditioned, s.fail_at);
  }
  system_close(&s);
}

static mn_status run_again(void *arg, mn_error *err)
{
  return run(arg, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  system_t s = system_open(20, 2, spectrum(20, 20, 10));
  mn_test_every_allocation(run_again, &s);
  assert_int_equal(s.result.end, MN_PCG_CONVERGED);
  system_close(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(solutions_equal_gaussian_elimination),
      cmocka_unit_test(runs_end_after_as_many_steps_as_eigenvalues),
      cmocka_unit_test(the_energy_of_the_error_falls),
      cmocka_unit_test(columns_of_different_scales_and_a_zero_column),
      cmocka_unit_test(columns_share_their_directions),
      cmocka_unit_test(zero_needs_no_iteration),
      cmocka_unit_test(an_exact_inverse_needs_one_step),
      cmocka_unit_test(an_inverse_in_single_precision_needs_a_few),
      cmocka_unit_test(a_diagonal_preconditioner_helps),
      cmocka_unit_test(an_indefinite_matrix_stalls),
      cmocka_unit_test(a_singular_matrix_stalls),
      cmocka_unit_test(a_negative_preconditioner_spans_the_same),
      cmocka_unit_test(nan_and_infinity_stall),
      cmocka_unit_test(tolerance_and_limit_are_kept),
      cmocka_unit_test(the_worst_group_ends_the_run),
      cmocka_unit_test(tolerance_zero_ends),
      cmocka_unit_test(the_watch_ends_the_run),
      cmocka_unit_test(a_call_that_fails_ends_the_run),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("pcg", tests, NULL, NULL);
}
