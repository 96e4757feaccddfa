/* F F' + mu I against dense matrices: what F reproduces, what is left over, the core, the solve; matrices of low
 * numerical rank, singular, zero, diagonal, indefinite, of extreme scale; seeds and threads; cancelling, failing
 * allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/low_rank.h"
#include "linalg/threads.h"
#include "naive.h"
#include "support.h"

static const double u32 = 0x1p-24;

/* A symmetric matrix as the panels hold it: rounded to fp32. */
typedef struct {
  size_t n;
  double *a; /* n x n */
  mn_panels *panels;
} matrix;

/* Takes a over. What panels have room for above the diagonal is NaN. */
static matrix matrix_open(size_t n, size_t width, double *a)
{
  matrix m = {.n = n, .a = a};
  assert_int_equal(mn_panels_open(n, width, MN_F32, &m.panels, NULL), MN_OK);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j / width * width; i < n; i++) {
      float *at = mn_panels_at(m.panels, i, j);
      *at = i < j ? (float)NAN : (float)a[i + j * n];
      if (i >= j) a[i + j * n] = a[j + i * n] = (double)*at;
    }
  return m;
}

static void matrix_close(matrix *m)
{
  mn_panels_close(&m->panels);
  free(m->a);
}

/* Gaussian kernel of random samples: eigenvalues that decay. */
static matrix gaussian(size_t n, size_t width, double gamma)
{
  naive_set set = naive_open(n, 5, MN_F64, MN_SCALE_NONE, n);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  kernel.gamma = gamma;
  matrix m = matrix_open(n, width, naive_gram(&kernel, &set, &set, 0));
  naive_close(&set);
  return m;
}

/* Diagonal elements f(i). */
static matrix diagonal_matrix(size_t n, double (*f)(size_t i))
{
  double *a = calloc(n * n, sizeof *a);
  for (size_t i = 0; i < n; i++) a[i * (n + 1)] = f(i);
  return matrix_open(n, 16, a);
}

static mn_low_rank *low_rank_of(const matrix *m, size_t rank, double ridge, uint64_t seed, int threads)
{
  mn_low_rank *p = NULL;
  mn_error err = {0};
  mn_context ctx = {.threads = threads};
  if (mn_low_rank_open(m->panels, rank, ridge, seed, threads, &ctx, &p, &err)) fail_msg("%s", err.text);
  assert_true(p->n == m->n && p->rank <= rank && p->rank <= m->n);
  assert_true(p->mu > 0 && isfinite(p->mu));
  return p;
}

/* F F' + mu I, n x n. */
static double *dense(const mn_low_rank *p)
{
  size_t n = p->n;
  double *a = calloc(n * n, sizeof *a);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < n; i++) {
      long double sum = i == j ? (long double)p->mu : 0;
      for (size_t c = 0; c < p->rank; c++) sum += (long double)p->f[i + c * n] * (long double)p->f[j + c * n];
      a[i + j * n] = (double)sum;
    }
  return a;
}

static double trace(const matrix *m)
{
  double sum = 0;
  for (size_t i = 0; i < m->n; i++) sum += m->a[i * (m->n + 1)];
  return sum;
}

/* The largest magnitude in K - F F', and its trace as a fraction of that of K. */
static double left_over(const matrix *m, const mn_low_rank *p, double *fraction)
{
  size_t n = m->n;
  double *a = dense(p), most = 0, sum = 0;
  for (size_t i = 0; i < n * n; i++) {
    double off = m->a[i] - (a[i] - (i % (n + 1) ? 0 : p->mu));
    most = fmax(most, fabs(off));
    sum += i % (n + 1) ? 0 : off;
  }
  *fraction = sum / trace(m);
  free(a);
  return most;
}

/* The naive trace differs by rounding, and by the shift of the pivots' blocks, 1e-6 of the largest of them. */
static void check_trace(const matrix *m, const mn_low_rank *p)
{
  double fraction, largest = 0;
  left_over(m, p, &fraction);
  for (size_t i = 0; i < m->n; i++) largest = fmax(largest, m->a[i * (m->n + 1)]);
  if (!(fabs(p->trace_left - fraction) <= 2e-6 * (1 + (double)p->rank * largest / trace(m))))
    fail_msg("%g of the trace left, not %g", p->trace_left, fraction);
}

static void full_rank_reproduces_the_matrix(void **state)
{
  (void)state;
  const size_t sizes[] = {1, 2, 17, 255, 256, 257, 400};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    size_t n = sizes[s];
    double *values = malloc(n * sizeof *values), fraction;
    for (size_t i = 0; i < n; i++) values[i] = 1 + 9 * (double)i / (double)n;
    matrix m = matrix_open(n, 48, naive_spectrum(n, values, 3, 3));
    mn_low_rank *p = low_rank_of(&m, n, 0, 1, 2);
    double most = left_over(&m, p, &fraction);
    assert_int_equal(p->rank, n);
    if (!(most <= 400 * u32))
      fail_msg("n = %zu: off by %g roundoffs of the largest eigenvalue, 10", n, most / u32 / 10);
    assert_true(p->trace_left <= 1e-6);
    mn_low_rank_close(&p);
    assert_null(p);
    matrix_close(&m);
    free(values);
  }
}

/* What is left over is positive semidefinite: its diagonal is not negative. */
static void a_part_of_the_rank_leaves_what_it_says(void **state)
{
  (void)state;
  matrix m = gaussian(500, 70, 0.3);
  double last = 1;
  for (size_t rank = 1; rank <= 400; rank = rank * 7 / 2) {
    mn_low_rank *p = low_rank_of(&m, rank, 0.25, 1, 2);
    assert_int_equal(p->rank, rank);
    check_trace(&m, p);
    assert_true(p->trace_left < last && p->trace_left > 0);
    mn_test_close(p->mu, 0.25 + 0.5 * p->trace_left * trace(&m) / 500, 1e-12);
    double *a = dense(p);
    for (size_t i = 0; i < 500; i++) assert_true(a[i * 501] - p->mu <= m.a[i * 501] * (1 + 1e-6));
    free(a);
    last = p->trace_left;
    mn_low_rank_close(&p);
  }
  matrix_close(&m);
}

static void the_core_is_the_factor_of_f_transposed_f(void **state)
{
  (void)state;
  matrix m = gaussian(350, 100, 0.3);
  mn_low_rank *p = low_rank_of(&m, 300, 0.01, 1, 2);
  size_t rank = p->rank, n = p->n;
  double norm = 0, most = 0;
  for (size_t j = 0; j < rank; j++)
    for (size_t i = j; i < rank; i++) {
      long double sum = i == j ? (long double)p->mu : 0, product = 0;
      for (size_t k = 0; k < n; k++) sum += (long double)p->f[k + i * n] * (long double)p->f[k + j * n];
      for (size_t k = 0; k <= j; k++)
        product += (long double)p->core[i + k * rank] * (long double)p->core[j + k * rank];
      norm = fmax(norm, (double)fabsl(sum));
      most = fmax(most, (double)fabsl(sum - product));
    }
  assert_true(most <= 20 * u32 * norm);
  mn_low_rank_close(&p);
  matrix_close(&m);
}

/* ---- the solve */

/* Columns of the scales 1, 1e30, 1e-30 and 0. Errors of fp32 grow with the condition number of F F' + mu I. */
static void check_solve(const matrix *m, size_t rank, double ridge)
{
  enum { SIZE = 4 };
  size_t n = m->n;
  static const double scales[SIZE] = {1, 1e30, 1e-30, 0};
  mn_low_rank *p = low_rank_of(m, rank, ridge, 1, 2);
  double *a = dense(p), *v = naive_normals(n * SIZE, 4), *out = calloc(n * SIZE, sizeof *out);
  double *exact = calloc(n * SIZE, sizeof *exact);
  for (size_t i = 0; i < n * SIZE; i++) v[i] *= scales[i / n];
  naive_solve(n, a, SIZE, v, exact);
  for (int threads = 1; threads <= 3; threads++) {
    assert_int_equal(mn_low_rank_solve(p, threads, SIZE, v, out, NULL), MN_OK);
    for (size_t c = 0; c < SIZE - 1; c++) {
      double off = naive_relative(n, out + c * n, exact + c * n);
      if (!(off <= 1e-5)) fail_msg("rank %zu, column %zu: off by %g", rank, c, off);
    }
    assert_true(naive_norm(n, out + 3 * n) == 0);
  }
  free(a), free(v), free(out), free(exact);
  mn_low_rank_close(&p);
}

static void solves_equal_gaussian_elimination(void **state)
{
  (void)state;
  matrix m = gaussian(300, 64, 0.3);
  check_solve(&m, 1, 0);
  check_solve(&m, 40, 0);
  check_solve(&m, 280, 0.01);
  check_solve(&m, 300, 1);
  matrix_close(&m);
}

/* More rows than a tile of F has. */
static void long_columns(void **state)
{
  (void)state;
  matrix m = gaussian(2100, 512, 0.05);
  mn_low_rank *p = low_rank_of(&m, 30, 0, 1, 2);
  size_t n = m.n;
  double *v = naive_normals(n, 5), *out = calloc(n, sizeof *out), *back = calloc(n, sizeof *back);
  assert_int_equal(mn_low_rank_solve(p, 2, 1, v, out, NULL), MN_OK);
  for (size_t c = 0; c < p->rank; c++) { /* back = (F F' + mu I) out */
    long double dot = 0;
    for (size_t i = 0; i < n; i++) dot += (long double)p->f[i + c * n] * (long double)out[i];
    for (size_t i = 0; i < n; i++) back[i] += (double)((long double)p->f[i + c * n] * dot);
  }
  for (size_t i = 0; i < n; i++) back[i] += p->mu * out[i];
  assert_true(naive_relative(n, back, v) <= 1e-3);
  check_trace(&m, p);
  free(v), free(out), free(back);
  mn_low_rank_close(&p);
  matrix_close(&m);
}

/* ---- matrices that are not of full rank */

/* v'(F F' + mu I)^-1 v > 0 for random v: fit to precondition. */
static void check_positive(const mn_low_rank *p)
{
  enum { SIZE = 5 };
  size_t n = p->n;
  double *v = naive_normals(n * SIZE, 8), *out = calloc(n * SIZE, sizeof *out);
  assert_int_equal(mn_low_rank_solve(p, 2, SIZE, v, out, NULL), MN_OK);
  for (size_t c = 0; c < SIZE; c++) {
    double energy = 0;
    for (size_t i = c * n; i < (c + 1) * n; i++) energy += v[i] * out[i];
    assert_true(energy > 0 && isfinite(energy));
  }
  free(v), free(out);
}

static void a_low_numerical_rank_ends_early(void **state)
{
  (void)state;
  const double gammas[] = {1e-2, 1e-3, 1e-4, 1e-6, 1e-9};
  for (size_t g = 0; g < 5; g++)
    for (uint64_t seed = 0; seed < 4; seed++) {
      matrix m = gaussian(700, 256, gammas[g]);
      mn_low_rank *p = low_rank_of(&m, 650, 0, seed, 2);
      assert_true(p->rank >= 1 && p->rank < 650);
      assert_true(p->trace_left < 3e-6);
      check_positive(p);
      mn_low_rank_close(&p);
      matrix_close(&m);
    }
}

/* In the directions that F has, the preconditioner must not be worse than none: x = M^-1 K x for K's own large
 * eigenvector, which for so wide a kernel is the constant vector. */
static void large_eigenvalues_survive_rounding(void **state)
{
  (void)state;
  matrix m = gaussian(900, 256, 1e-5);
  mn_low_rank *p = low_rank_of(&m, 100, 0, 1, 2);
  double *one = malloc(900 * sizeof *one), *v = malloc(900 * sizeof *v), *out = malloc(900 * sizeof *out);
  for (size_t i = 0; i < 900; i++) one[i] = 1;
  naive_multiply(900, 900, m.a, 1, one, v);
  assert_int_equal(mn_low_rank_solve(p, 2, 1, v, out, NULL), MN_OK);
  assert_true(naive_relative(900, out, one) <= 0.5);
  free(one), free(v), free(out);
  mn_low_rank_close(&p);
  matrix_close(&m);
}

/* Each row twice: rank n / 2. */
static void duplicates(void **state)
{
  (void)state;
  enum { HALF = 150, N = 2 * HALF };
  matrix half = gaussian(HALF, 64, 0.5);
  double *a = malloc(N * N * sizeof *a), fraction;
  for (size_t j = 0; j < N; j++)
    for (size_t i = 0; i < N; i++) a[i + j * N] = half.a[i % HALF + j % HALF * HALF];
  matrix m = matrix_open(N, 64, a);
  for (uint64_t seed = 0; seed < 5; seed++) {
    mn_low_rank *p = low_rank_of(&m, N, 0, seed, 2);
    double most = left_over(&m, p, &fraction);
    if (!(most <= 2e-5)) fail_msg("seed %d: rank %zu leaves %g", (int)seed, p->rank, most);
    check_positive(p);
    mn_low_rank_close(&p);
  }
  matrix_close(&m), matrix_close(&half);
}

static double zero(size_t i)
{
  (void)i;
  return 0;
}

static void a_zero_matrix_is_mu_alone(void **state)
{
  (void)state;
  matrix m = diagonal_matrix(40, zero);
  for (int ridge = 0; ridge < 2; ridge++) {
    mn_low_rank *p = low_rank_of(&m, 10, 0.5 * ridge, 1, 2);
    double v[80], out[80];
    for (size_t i = 0; i < 80; i++) v[i] = (double)i;
    assert_int_equal(p->rank, 0);
    assert_true(p->trace_left == 0);
    if (ridge) assert_true(p->mu == 0.5);
    assert_int_equal(mn_low_rank_solve(p, 2, 2, v, out, NULL), MN_OK);
    for (size_t i = 0; i < 80; i++) mn_test_close(out[i], v[i] / p->mu, 1e-15);
    mn_low_rank_close(&p);
  }
  matrix_close(&m);
}

static double falling(size_t i)
{
  return i % 2 ? 1 / (double)i : 0;
}

/* Columns of a diagonal matrix are its elements: F holds the roots of some, each one once, and never of a zero. */
static void a_diagonal_matrix(void **state)
{
  (void)state;
  enum { N = 60 };
  matrix m = diagonal_matrix(N, falling);
  for (size_t rank = 4; rank <= N; rank += 28) {
    mn_low_rank *p = low_rank_of(&m, rank, 0, 1, 2);
    int seen[N] = {0};
    assert_int_equal(p->rank, rank < N / 2 ? rank : N / 2);
    for (size_t c = 0; c < p->rank; c++)
      for (size_t i = 0; i < N; i++) {
        double f = (double)p->f[i + c * N];
        if (f == 0) continue;
        assert_int_equal(seen[i]++, 0);
        mn_test_close(f * f / falling(i), 1, 1e-4);
      }
    check_trace(&m, p);
    mn_low_rank_close(&p);
  }
  matrix_close(&m);
}

/* No preconditioner can be right here; what comes is still positive definite. */
static void an_indefinite_matrix_gives_something_positive(void **state)
{
  (void)state;
  enum { N = 90 };
  double values[N];
  for (size_t i = 0; i < N; i++) values[i] = i % 2 ? 1 : -0.9;
  matrix m = matrix_open(N, 32, naive_spectrum(N, values, 5, 5));
  mn_low_rank *p = low_rank_of(&m, 40, 0, 1, 2);
  check_positive(p);
  mn_low_rank_close(&p);
  matrix_close(&m);
}

/* ---- scale, seeds, threads */

static void scaling_the_matrix_scales_the_result(void **state)
{
  (void)state;
  matrix m = gaussian(120, 64, 0.3), scaled = gaussian(120, 64, 0.3);
  mn_low_rank *p = low_rank_of(&m, 50, 0, 1, 2);
  for (int power = -80; power <= 80; power += 160) { /* powers of 4: no rounding */
    for (size_t j = 0; j < 120; j++)
      for (size_t i = j; i < 120; i++)
        *(float *)mn_panels_at(scaled.panels, i, j) = (float)ldexp(m.a[i + j * 120], power);
    mn_low_rank *q = low_rank_of(&scaled, 50, 0, 1, 2);
    assert_int_equal(q->rank, p->rank);
    mn_test_close(q->trace_left, p->trace_left, 1e-12);
    mn_test_close(q->mu / ldexp(p->mu, power), 1, 1e-12);
    for (size_t i = 0; i < 120 * p->rank; i++) assert_true(q->f[i] == (float)ldexp((double)p->f[i], power / 2));
    mn_low_rank_close(&q);
  }
  mn_low_rank_close(&p);
  matrix_close(&m), matrix_close(&scaled);
}

static void seeds_decide_and_threads_do_not(void **state)
{
  (void)state;
  matrix m = gaussian(420, 100, 0.3);
  mn_low_rank *p = low_rank_of(&m, 300, 0, 6, 1), *same = low_rank_of(&m, 300, 0, 6, 1);
  mn_low_rank *threads = low_rank_of(&m, 300, 0, 6, 2), *other = low_rank_of(&m, 300, 0, 7, 1);
  assert_memory_equal(p->f, same->f, 420 * 300 * sizeof *p->f);
  for (size_t c = 0; c < 300; c++)
    assert_memory_equal(p->core + c * 301, same->core + c * 301, (300 - c) * sizeof *p->core);
  assert_true(p->rank == threads->rank);
  for (size_t i = 0; i < 420 * 300; i++) mn_test_close((double)p->f[i], (double)threads->f[i], 1e-3);
  assert_true(memcmp(p->f, other->f, 420 * 300 * sizeof *p->f) != 0);
  mn_low_rank_close(&p), mn_low_rank_close(&same), mn_low_rank_close(&threads), mn_low_rank_close(&other);
  matrix_close(&m);
}

static void a_rank_beyond_n_is_n(void **state)
{
  (void)state;
  matrix m = gaussian(30, 16, 5);
  mn_low_rank *p = NULL;
  assert_int_equal(mn_low_rank_open(m.panels, 1000, 0, 1, 2, NULL, &p, NULL), MN_OK);
  assert_true(p->rank <= 30 && p->rank >= 25);
  check_trace(&m, p);
  mn_low_rank_close(&p);
  mn_low_rank_close(&p); /* NULL is fine */
  matrix_close(&m);
}

/* ---- cancelling and failing */

static int cancel_late(void *user, const mn_progress *progress)
{
  int *left = user;
  assert_string_equal(progress->phase, "precondition");
  assert_string_equal(progress->unit, "flop");
  assert_true(progress->done <= progress->total * (1 + 1e-9));
  return (*left)-- <= 0;
}

/* At the first report, and at the last. */
static void cancelling(void **state)
{
  (void)state;
  matrix m = gaussian(300, 100, 0.3);
  int reports = 1 << 20, many = reports;
  mn_context ctx = {.progress = cancel_late, .user = &reports};
  mn_low_rank *p = NULL;
  mn_error err = {0};
  assert_int_equal(mn_low_rank_open(m.panels, 280, 0, 1, 2, &ctx, &p, &err), MN_OK);
  mn_low_rank_close(&p);
  many -= reports;
  assert_true(many >= 2);
  for (int at = 0; at < 2; at++) {
    long live = mn_memory_live();
    reports = at;
    assert_int_equal(mn_low_rank_open(m.panels, 280, 0, 1, 2, &ctx, &p, &err), MN_ERR_CANCELLED);
    assert_null(p);
    assert_non_null(strstr(err.text, "precondition"));
    assert_int_equal(mn_memory_live(), live);
  }
  matrix_close(&m);
}

static mn_status open_and_solve(void *arg, mn_error *err)
{
  const matrix *m = arg;
  mn_low_rank *p = NULL;
  double v[40 * 2] = {1, 2, 3}, out[40 * 2];
  mn_status st = mn_low_rank_open(m->panels, 20, 0, 1, 2, NULL, &p, err);
  if (!st) st = mn_low_rank_solve(p, 2, 2, v, out, err);
  mn_low_rank_close(&p);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  matrix m = gaussian(40, 16, 0.3);
  mn_test_every_allocation(open_and_solve, &m);
  matrix_close(&m);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(full_rank_reproduces_the_matrix),
      cmocka_unit_test(a_part_of_the_rank_leaves_what_it_says),
      cmocka_unit_test(the_core_is_the_factor_of_f_transposed_f),
      cmocka_unit_test(solves_equal_gaussian_elimination),
      cmocka_unit_test(long_columns),
      cmocka_unit_test(a_low_numerical_rank_ends_early),
      cmocka_unit_test(large_eigenvalues_survive_rounding),
      cmocka_unit_test(duplicates),
      cmocka_unit_test(a_zero_matrix_is_mu_alone),
      cmocka_unit_test(a_diagonal_matrix),
      cmocka_unit_test(an_indefinite_matrix_gives_something_positive),
      cmocka_unit_test(scaling_the_matrix_scales_the_result),
      cmocka_unit_test(seeds_decide_and_threads_do_not),
      cmocka_unit_test(a_rank_beyond_n_is_n),
      cmocka_unit_test(cancelling),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("low rank", tests, NULL, NULL);
}
