/* Random signs against their exact expectations over all 2^n of them, the maximiser over the ball, traces by explicit
 * inverses; interpolated signs; threads, seeds and what is kept; what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "solve/system.h"
#include "solve_support.h"
#include "support.h"

static mn_kernel gaussian(double gamma)
{
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  kernel.gamma = gamma;
  return kernel;
}

static mn_complexity complexity_of(const problem *p, mn_solver solver, size_t draws, uint64_t seed)
{
  mn_system *system = problem_system(p, solver);
  mn_complexity out, again;
  mn_error err = {0};
  if (mn_system_complexity(system, draws, seed, NULL, &out, &err)) fail_msg("%s", err.text);
  assert_int_equal(mn_system_complexity(system, draws, seed, NULL, &again, &err), MN_OK);
  assert_memory_equal(&again, &out, sizeof out); /* kept */
  assert_int_equal(out.n, p->set.n);
  assert_int_equal(out.draws, draws);
  assert_true(out.seed == seed && out.seconds >= 0);
  mn_system_close(&system);
  return out;
}

/* (K + ridge I)^-1 by elimination. */
static double *inverse_of(const problem *p)
{
  size_t n = p->set.n;
  double *eye = calloc(n * n, sizeof *eye), *inverse = calloc(n * n, sizeof *inverse);
  for (size_t i = 0; i < n; i++) eye[i * (n + 1)] = 1;
  naive_solve(n, p->k, n, eye, inverse);
  free(eye);
  return inverse;
}

static double form(size_t n, const double *a, const double *v)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) sum += v[i] * a[i + j * n] * v[j];
  return sum;
}

/* Mean and deviation over all signs. */
typedef struct {
  double mean, squares;
} moments;

static void add(moments *m, double value, double count)
{
  m->mean += value / count;
  m->squares += value * value / count;
}

static void assert_estimate(mn_estimate e, moments m, double draws)
{
  double deviation = sqrt(fmax(m.squares - m.mean * m.mean, 0));
  assert_true(fabs(e.mean - m.mean) <= 4.5 * deviation / sqrt(draws) + 1e-9);
  assert_true(fabs(e.error - deviation / sqrt(draws)) <= 0.1 * deviation / sqrt(draws) + 1e-9);
}

/* Of signs s: width^2 = s'K s; the fit is K a with a = (K + ridge I)^-1 s, its norm^2 a'K a. */
static void assert_expectations(const problem *p, mn_solver solver, double tolerance)
{
  enum { DRAWS = 6000 };
  size_t n = p->set.n;
  double *inverse = inverse_of(p), *k = malloc(n * n * sizeof *k), s[16], a[16], count = (double)(1 << n);
  moments width = {0}, fit = {0}, norm = {0};
  memcpy(k, p->k, n * n * sizeof *k);
  for (size_t i = 0; i < n; i++) k[i * (n + 1)] -= p->options.ridge;
  for (unsigned bits = 0; bits < 1u << n; bits++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) s[i] = bits >> i & 1 ? 1 : -1;
    naive_multiply(n, n, inverse, 1, s, a);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) sum += s[i] * k[i + j * n] * a[j];
    add(&width, sqrt(form(n, k, s)), count);
    add(&fit, sum / (double)n, count);
    add(&norm, sqrt(fmax(form(n, k, a), 0)), count);
  }
  mn_complexity out = complexity_of(p, solver, DRAWS, 3);
  assert_estimate(out.width, width, DRAWS);
  assert_estimate(out.fit, fit, DRAWS);
  assert_estimate(out.fit_norm, norm, DRAWS);
  mn_test_close(fit.mean, out.dimension / (double)n, tolerance);
  assert_true(out.width.mean < sqrt(out.trace));
  free(inverse);
  free(k);
}

static void all_signs(void **state)
{
  (void)state;
  static const double ridges[] = {0, 0.05, 2};
  for (size_t r = 0; r < 3; r++)
    for (mn_solver solver = MN_SOLVER_CHOLESKY; solver <= MN_SOLVER_EIGEN; solver++) {
      problem p = problem_open(naive_open(11, 6, MN_F64, MN_SCALE_NONE, 3), gaussian(0.1), ridges[r]);
      assert_expectations(&p, solver, 1e-9);
      problem_close(&p);
    }
}

static void all_signs_of_least_squares(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(11, 4, MN_F64, MN_SCALE_NONE, 4), mn_kernel_default(MN_KERNEL_LINEAR), 0.4);
  assert_expectations(&p, MN_SOLVER_AUTO, 1e-9);
  problem_close(&p);
}

/* Of the ball of norm B, B X's / ||X's|| has the largest sum, B times the width: no other function reaches it. */
static void the_maximiser(void **state)
{
  (void)state;
  enum { DRAWS = 5, N = 30 };
  const double norm = 1.7;
  for (size_t dim = 8; dim <= 40; dim += 32) { /* solved by weights, and by coefficients */
    problem p = problem_open(naive_open(N, dim, MN_F64, MN_SCALE_NONE, 9), mn_kernel_default(MN_KERNEL_LINEAR), 0.1);
    double mean = 0, squares = 0, sup[DRAWS], s[N], best[40];
    for (size_t d = 0; d < DRAWS; d++) {
      double size = 0;
      mn_random_signs(6, MN_STREAM_COMPLEXITY, d, N, s);
      for (size_t j = 0; j < dim; j++) {
        best[j] = 0;
        for (size_t i = 0; i < N; i++) best[j] += s[i] * p.set.x[i * dim + j];
        size += best[j] * best[j];
      }
      sup[d] = 0;
      for (size_t j = 0; j < dim; j++) best[j] *= norm / sqrt(size);
      for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < dim; j++) sup[d] += s[i] * p.set.x[i * dim + j] * best[j] / N;
      for (size_t other = 0; other < 50; other++) {
        double *w = naive_normals(dim, other), length = naive_norm(dim, w), sum = 0;
        for (size_t i = 0; i < N; i++)
          for (size_t j = 0; j < dim; j++) sum += s[i] * p.set.x[i * dim + j] * w[j] * norm / length / N;
        assert_true(sum < sup[d]);
        free(w);
      }
      mean += sup[d] / DRAWS;
    }
    for (size_t d = 0; d < DRAWS; d++) squares += (sup[d] - mean) * (sup[d] - mean);
    mn_complexity out = complexity_of(&p, MN_SOLVER_AUTO, DRAWS, 6);
    mn_test_close(norm / N * out.width.mean / mean, 1, 1e-12);
    mn_test_close(norm / N * out.width.error / sqrt(squares / (DRAWS - 1) / DRAWS), 1, 1e-10);
    problem_close(&p);
  }
}

static void traces(void **state)
{
  (void)state;
  static const double ridges[] = {0, 1e-3, 0.3};
  for (size_t r = 0; r < 3; r++)
    for (int which = 0; which < 5; which++) {
      static const mn_solver solvers[] = {MN_SOLVER_CHOLESKY, MN_SOLVER_LU, MN_SOLVER_EIGEN, MN_SOLVER_CHOLESKY,
                                          MN_SOLVER_AUTO};
      int linear = which == 4, polynomial = which == 3;
      if (linear && r == 0) continue; /* K is singular */
      mn_kernel kernel = linear ? mn_kernel_default(MN_KERNEL_LINEAR) : gaussian(0.1);
      if (polynomial) kernel = mn_kernel_default(MN_KERNEL_POLYNOMIAL), kernel.gamma = 0.1;
      problem p = problem_open(naive_open(60, 7, MN_F64, MN_SCALE_NONE, 2), kernel, ridges[r]);
      double *inverse = inverse_of(&p), trace = 0, dimension = 0;
      for (size_t i = 0; i < 60; i++) {
        trace += p.k[i * 61] - ridges[r];
        dimension += 1 - ridges[r] * inverse[i * 61];
      }
      mn_complexity out = complexity_of(&p, solvers[which], 2, 0);
      mn_test_close(out.trace / trace, 1, 1e-12);
      mn_test_close(out.dimension / dimension, 1, 1e-9);
      free(inverse);
      problem_close(&p);
    }
}

/* What is left of the dimension is the rank. */
static void singular_systems(void **state)
{
  (void)state;
  enum { N = 24, DIM = 5 };
  double *x = naive_normals(N * DIM, 21);
  memcpy(x + 7 * DIM, x + 2 * DIM, DIM * sizeof *x);
  memcpy(x + 15 * DIM, x + 2 * DIM, DIM * sizeof *x);
  problem twice = problem_open(naive_open_rows(N, DIM, x), gaussian(0.2), 0);
  problem thin = problem_open(naive_open_rows(N, DIM, x), mn_kernel_default(MN_KERNEL_LINEAR), 0);
  mn_test_close(complexity_of(&twice, MN_SOLVER_EIGEN, 2, 0).dimension, N - 2, 1e-9);
  mn_complexity out = complexity_of(&thin, MN_SOLVER_AUTO, 2000, 1);
  mn_test_close(out.dimension, DIM, 1e-9);
  assert_true(fabs(out.fit.mean - (double)DIM / N) < 5 * out.fit.error);
  problem_close(&twice);
  problem_close(&thin);
  free(x);
}

static void signs_are_interpolated(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(200, 9, MN_F64, MN_SCALE_NONE, 5), gaussian(0.1), 0);
  for (mn_solver solver = MN_SOLVER_CHOLESKY; solver <= MN_SOLVER_EIGEN; solver++) {
    mn_complexity out = complexity_of(&p, solver, 8, 2);
    mn_test_close(out.fit.mean, 1, 1e-10);
    assert_true(out.fit.error < 1e-10 && out.fit_norm.error > 1e-6);
    assert_true(out.dimension == 200);
  }
  problem_close(&p);
}

static void lower_precisions(void **state)
{
  (void)state;
  static const mn_precision precisions[] = {MN_PRECISION_MIXED, MN_PRECISION_SINGLE};
  for (size_t t = 0; t < 2; t++) {
    problem p = problem_open(naive_open(300, 10, MN_F64, MN_SCALE_NONE, 6), gaussian(0.05), 0.01);
    mn_complexity exact = complexity_of(&p, MN_SOLVER_CHOLESKY, 16, 1);
    p.options.precision = precisions[t];
    mn_complexity out = complexity_of(&p, MN_SOLVER_CHOLESKY, 16, 1);
    mn_test_close(out.width.mean / exact.width.mean, 1, 1e-12);
    mn_test_close(out.fit.mean / exact.fit.mean, 1, 1e-7);
    mn_test_close(out.fit_norm.mean / exact.fit_norm.mean, 1, 1e-6);
    mn_test_close(out.dimension / exact.dimension, 1, 1e-3);
    problem_close(&p);
  }
}

/* The same draws for any number of threads, others for another seed; another number of them begins with the same. */
static void threads_and_seeds(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(150, 5, MN_F64, MN_SCALE_NONE, 6), gaussian(0.1), 0.1);
  mn_complexity first = complexity_of(&p, MN_SOLVER_CHOLESKY, 3, 7),
                other = complexity_of(&p, MN_SOLVER_CHOLESKY, 3, 8);
  for (int threads = 1; threads <= 5; threads += 2) {
    mn_context ctx = {.threads = threads};
    mn_system *system = NULL;
    mn_complexity out;
    assert_int_equal(mn_system_open(&p.set.samples, &p.kernel, &p.options, &ctx, &system, NULL), MN_OK);
    assert_int_equal(mn_system_complexity(system, 4, 7, &ctx, &out, NULL), MN_OK);
    assert_int_equal(mn_system_complexity(system, 3, 7, &ctx, &out, NULL), MN_OK);
    mn_test_close(out.width.mean / first.width.mean, 1, 1e-12);
    mn_test_close(out.fit.mean / first.fit.mean, 1, 1e-12);
    mn_test_close(out.fit_norm.mean / first.fit_norm.mean, 1, 1e-10);
    assert_int_equal(mn_system_complexity(system, 3, 8, &ctx, &out, NULL), MN_OK);
    mn_test_close(out.width.mean / other.width.mean, 1, 1e-12);
    assert_true(fabs(out.width.mean / first.width.mean - 1) > 1e-6);
    mn_system_close(&system);
  }
  problem_close(&p);
}

static void what_is_refused(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(50, 6, MN_F64, MN_SCALE_NONE, 2), gaussian(0.1), 0.1);
  mn_system *cg = problem_system(&p, MN_SOLVER_CG), *factor = problem_system(&p, MN_SOLVER_CHOLESKY);
  mn_complexity out;
  mn_error err = {0};
  assert_int_equal(mn_system_complexity(cg, 8, 0, NULL, &out, &err), MN_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "cg"));
  assert_int_equal(mn_system_complexity(factor, 1, 0, NULL, &out, &err), MN_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "at least 2"));
  mn_system_close(&cg);
  mn_system_close(&factor);
  problem_close(&p);
}

static int cancel_it(void *user, const mn_progress *progress)
{
  return !strcmp(progress->phase, "complexity") ? ++*(int *)user : 0;
}

static void cancelled(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(80, 6, MN_F64, MN_SCALE_NONE, 2), gaussian(0.1), 0);
  mn_system *system = problem_system(&p, MN_SOLVER_CHOLESKY);
  int calls = 0;
  mn_context ctx = {.threads = 2, .progress = cancel_it, .user = &calls};
  mn_complexity out;
  assert_int_equal(mn_system_complexity(system, 4, 0, &ctx, &out, NULL), MN_ERR_CANCELLED);
  assert_true(calls > 0);
  assert_int_equal(mn_system_complexity(system, 4, 0, NULL, &out, NULL), MN_OK);
  mn_test_close(out.fit.mean, 1, 1e-10);
  mn_system_close(&system);
  problem_close(&p);
}

/* Passes over K for the width. */
static int count_passes(void *user, const mn_progress *progress)
{
  struct {
    int count, inside;
  } *seen = user;
  int is = !strcmp(progress->phase, "complexity");
  seen->count += is && !seen->inside;
  seen->inside = is;
  return 0;
}

/* What is of K alone is found once for all ridges of a decomposition. */
static void another_ridge(void **state)
{
  (void)state;
  problem p = problem_open(naive_open(50, 6, MN_F64, MN_SCALE_NONE, 2), gaussian(0.1), 0.1);
  mn_system *system = problem_system(&p, MN_SOLVER_EIGEN);
  int seen[2] = {0};
  mn_context ctx = {.threads = 2, .progress = count_passes, .user = seen};
  mn_complexity out, fresh;
  for (p.options.ridge = 0.1; p.options.ridge < 5; p.options.ridge *= 4) {
    mn_system_set_ridge(system, p.options.ridge);
    assert_int_equal(mn_system_complexity(system, 4, 9, &ctx, &out, NULL), MN_OK);
    fresh = complexity_of(&p, MN_SOLVER_EIGEN, 4, 9);
    mn_test_close(out.width.mean / fresh.width.mean, 1, 1e-12);
    mn_test_close(out.trace / fresh.trace, 1, 1e-12);
    mn_test_close(out.fit.mean / fresh.fit.mean, 1, 1e-12);
    mn_test_close(out.fit_norm.mean / fresh.fit_norm.mean, 1, 1e-12);
    mn_test_close(out.dimension / fresh.dimension, 1, 1e-12);
  }
  assert_int_equal(seen[0], 1);
  mn_system_close(&system);
  problem_close(&p);
}

static mn_status find_once(void *arg, mn_error *err)
{
  const problem *p = arg;
  mn_system *system = NULL;
  mn_context ctx = {.threads = 2};
  mn_complexity out;
  mn_status st = mn_system_open(&p->set.samples, &p->kernel, &p->options, &ctx, &system, err);
  if (!st) st = mn_system_complexity(system, 3, 1, &ctx, &out, err);
  mn_system_close(&system);
  return st;
}

static void every_allocation(void **state)
{
  (void)state;
  for (int which = 0; which < 3; which++) {
    mn_kernel kernel = which == 2 ? mn_kernel_default(MN_KERNEL_LINEAR) : gaussian(0.1);
    problem p = problem_open(naive_open(40, 4, MN_F64, MN_SCALE_NONE, 2), kernel, 0.1);
    if (which == 1) p.options.precision = MN_PRECISION_MIXED;
    mn_test_every_allocation(find_once, &p);
    problem_close(&p);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_signs),        cmocka_unit_test(all_signs_of_least_squares),
      cmocka_unit_test(the_maximiser),    cmocka_unit_test(traces),
      cmocka_unit_test(singular_systems), cmocka_unit_test(signs_are_interpolated),
      cmocka_unit_test(lower_precisions), cmocka_unit_test(threads_and_seeds),
      cmocka_unit_test(what_is_refused),  cmocka_unit_test(cancelled),
      cmocka_unit_test(another_ridge),    cmocka_unit_test(every_allocation),
  };
  return cmocka_run_group_tests_name("complexity", tests, NULL, NULL);
}
