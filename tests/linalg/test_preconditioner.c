/* The preconditioner of conjugate gradients: exact where its parts are, symmetric and positive definite, close to the
 * inverse of matrices with near-coinciding samples; duplicates, scales, threads, failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/preconditioner.h"
#include "linalg/threads.h"
#include "matrix_support.h"
#include "naive.h"
#include "support.h"

enum { DEGREE = 4 };

static mn_preconditioner *preconditioner_of(const matrix *m, size_t rank, double ridge)
{
  mn_preconditioner *p = NULL;
  mn_error err = {0};
  mn_symmetric_kept kept;
  mn_symmetric k = matrix_read(m, 2, &kept);
  if (mn_preconditioner_open(&k, rank, DEGREE, ridge, 1, 2, NULL, &p, &err)) fail_msg("%s", err.text);
  return p;
}

/* max |K M^-1 v - v| / |v| over columns of the scales 1, 1e30 and 1e-30; a column of zeros stays one. */
static double distance_from_inverse(const matrix *m, const mn_preconditioner *p, double ridge, int threads)
{
  enum { SIZE = 4 };
  static const double scales[SIZE] = {1, 1e30, 1e-30, 0};
  size_t n = m->n;
  double *v = naive_normals(n * SIZE, 4), *out = calloc(n * SIZE, sizeof *out), *back = calloc(n * SIZE, sizeof *back);
  double most = 0;
  for (size_t i = 0; i < n * SIZE; i++) v[i] *= scales[i / n];
  assert_int_equal(mn_preconditioner_solve(p, threads, SIZE, v, out, NULL), MN_OK);
  naive_multiply(n, n, m->a, SIZE, out, back);
  for (size_t i = 0; i < n * SIZE; i++) back[i] += ridge * out[i];
  for (size_t c = 0; c < SIZE - 1; c++) most = fmax(most, naive_relative(n, back + c * n, v + c * n));
  assert_true(naive_norm(n, out + (SIZE - 1) * n) == 0);
  free(v), free(out), free(back);
  return most;
}

static void full_rank_is_the_inverse(void **state)
{
  (void)state;
  for (size_t n = 1; n <= 400; n = n * 3 + 1) {
    matrix m = matrix_well_conditioned(n, 48);
    mn_preconditioner *p = preconditioner_of(&m, n, 0.5);
    for (int threads = 1; threads <= 3; threads++) assert_true(distance_from_inverse(&m, p, 0.5, threads) <= 1e-4);
    mn_preconditioner_close(&p);
    assert_null(p);
    matrix_close(&m);
  }
}

/* Five rows have each other as neighbours, whatever was taken by pivots. */
static void few_samples_are_solved_exactly(void **state)
{
  (void)state;
  for (size_t n = 1; n <= DEGREE + 1; n++)
    for (size_t rank = 1; rank <= n; rank++) {
      matrix m = matrix_gaussian(n, 3, 0.1);
      mn_preconditioner *p = preconditioner_of(&m, rank, 1e-2);
      double off = distance_from_inverse(&m, p, 1e-2, 2);
      if (!(off <= 1e-3)) fail_msg("n = %zu, rank %zu: off by %g", n, rank, off);
      mn_preconditioner_close(&p);
      matrix_close(&m);
    }
}

/* x'M^-1 y = y'M^-1 x, and x'M^-1 x > 0. */
static void check_symmetric_and_positive(const mn_preconditioner *p, double tolerance)
{
  size_t n = p->f->n;
  double *v = naive_normals(2 * n, 8), *out = calloc(2 * n, sizeof *out), xy = 0, yx = 0, xx = 0, yy = 0;
  assert_int_equal(mn_preconditioner_solve(p, 2, 2, v, out, NULL), MN_OK);
  for (size_t i = 0; i < n; i++) {
    xy += v[i] * out[n + i], yx += v[n + i] * out[i];
    xx += v[i] * out[i], yy += v[n + i] * out[n + i];
  }
  assert_true(xx > 0 && yy > 0 && isfinite(xx) && isfinite(yy));
  if (!(fabs(xy - yx) <= tolerance * sqrt(xx * yy))) fail_msg("%g, %g", xy, yx);
  free(v), free(out);
}

static void symmetric_and_positive(void **state)
{
  (void)state;
  for (size_t rank = 1; rank <= 300; rank = 4 * rank + 3) {
    matrix m = matrix_gaussian(350, 64, 0.3);
    mn_preconditioner *p = preconditioner_of(&m, rank, 0);
    check_symmetric_and_positive(p, 1e-3);
    mn_preconditioner_close(&p);
    matrix_close(&m);
  }
}

/* Each row twice, and a matrix of low rank: S is zero but for rounding. */
static void singular_matrices_give_something_positive(void **state)
{
  (void)state;
  enum { HALF = 150, N = 2 * HALF };
  matrix half = matrix_gaussian(HALF, 64, 0.5), smooth = matrix_gaussian(N, 64, 1e-5);
  double *a = malloc(N * N * sizeof *a);
  for (size_t j = 0; j < N; j++)
    for (size_t i = 0; i < N; i++) a[i + j * N] = half.a[i % HALF + j % HALF * HALF];
  matrix twice = matrix_open(N, 64, a);
  for (size_t rank = 10; rank <= N; rank += 145) {
    mn_preconditioner *p = preconditioner_of(&twice, rank, 0), *q = preconditioner_of(&smooth, rank, 0);
    check_symmetric_and_positive(p, INFINITY);
    check_symmetric_and_positive(q, INFINITY);
    mn_preconditioner_close(&p), mn_preconditioner_close(&q);
  }
  matrix_close(&half), matrix_close(&twice), matrix_close(&smooth);
}

/* s K for any s that single precision has room for, with the ridge in proportion: the inverse is as large as s is
 * small, and beyond single precision itself. */
static void the_scale_of_the_matrix_does_not_matter(void **state)
{
  (void)state;
  enum { N = 200 };
  for (double scale = 1e-34; scale < 1e37; scale *= 1e5) {
    matrix one = matrix_well_conditioned(N, 64), half = matrix_gaussian(N, 64, 2);
    double *a = malloc(N * N * sizeof *a), *b = malloc(N * N * sizeof *b);
    for (size_t e = 0; e < N * N; e++) a[e] = scale * one.a[e], b[e] = scale * half.a[e];
    matrix m = matrix_open(N, 64, a), k = matrix_open(N, 64, b);
    mn_preconditioner *p = preconditioner_of(&m, N, 0.5 * scale), *q = preconditioner_of(&k, 50, 0.5 * scale);
    double off = distance_from_inverse(&m, p, 0.5 * scale, 2), near = distance_from_inverse(&k, q, 0.5 * scale, 2);
    if (!(off <= 1e-4 && near <= 0.5)) fail_msg("scale %g: off by %g, %g", scale, off, near);
    mn_preconditioner_close(&p), mn_preconditioner_close(&q);
    matrix_close(&m), matrix_close(&k), matrix_close(&one), matrix_close(&half);
  }
}

static double tiny(size_t i)
{
  return 1e-40 * (double)(1 + i % 3);
}

static double endless(size_t i)
{
  return i == 7 ? INFINITY : 1;
}

static double unknown(size_t i)
{
  return i == 7 ? (double)NAN : 1;
}

/* What single precision cannot tell from zero, or from infinity, is refused; a ridge may lift it. */
static void scales_beyond_single_precision_are_refused(void **state)
{
  (void)state;
  double (*const elements[])(size_t i) = {tiny, endless, unknown};
  for (size_t k = 0; k < 3; k++) {
    matrix m = matrix_diagonal(20, 8, elements[k]);
    mn_preconditioner *p;
    mn_error err = {0};
    mn_symmetric_kept kept;
    mn_symmetric source = matrix_read(&m, 2, &kept);
    long live = mn_memory_live();
    assert_int_equal(mn_preconditioner_open(&source, 5, DEGREE, 0, 1, 2, NULL, &p, &err), MN_ERR_DATA);
    assert_null(p);
    assert_non_null(strstr(err.text, "beyond single precision"));
    assert_int_equal(mn_memory_live(), live);
    matrix_close(&m);
  }
  matrix m = matrix_diagonal(20, 8, tiny);
  mn_preconditioner *p = preconditioner_of(&m, 5, 1);
  assert_true(distance_from_inverse(&m, p, 1, 2) <= 1e-5);
  mn_preconditioner_close(&p);
  matrix_close(&m);
}

static mn_status open_and_solve(void *arg, mn_error *err)
{
  const matrix *m = arg;
  mn_preconditioner *p = NULL;
  double v[40 * 2] = {1, 2, 3}, out[40 * 2];
  mn_symmetric_kept kept;
  mn_symmetric k = matrix_read(m, 2, &kept);
  mn_status st = mn_preconditioner_open(&k, 20, DEGREE, 0, 1, 2, NULL, &p, err);
  if (!st) st = mn_preconditioner_solve(p, 2, 2, v, out, err);
  mn_preconditioner_close(&p);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  matrix m = matrix_gaussian(40, 16, 0.3);
  mn_test_every_allocation(open_and_solve, &m);
  matrix_close(&m);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(full_rank_is_the_inverse),
      cmocka_unit_test(few_samples_are_solved_exactly),
      cmocka_unit_test(symmetric_and_positive),
      cmocka_unit_test(singular_matrices_give_something_positive),
      cmocka_unit_test(the_scale_of_the_matrix_does_not_matter),
      cmocka_unit_test(scales_beyond_single_precision_are_refused),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("preconditioner", tests, NULL, NULL);
}
