/* The partial Cholesky factor against dense matrices: what F reproduces, what is left over, its triangle at the pivots,
 * the ridge; matrices of low numerical rank, zero, diagonal; seeds and threads; cancelling, failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/low_rank.h"
#include "linalg/threads.h"
#include "matrix_support.h"
#include "support.h"

static const double u32 = 0x1p-24;

/* Columns at the pivots leave nothing over; the diagonal is what `left` says; rows at the pivots are a triangle. The
 * blocks of pivots are shifted by 1e-6 of their largest element. */
static void check_factor(const matrix *m, const mn_low_rank *p, double ridge)
{
  size_t n = p->n;
  double largest = 0, trace = 0, left = 0;
  char *pivot = calloc(n, 1);
  for (size_t i = 0; i < n; i++) largest = fmax(largest, m->a[i * (n + 1)] + ridge), trace += m->a[i * (n + 1)];
  double rounding = largest * (4e-6 + u32 * (double)(p->rank + 8));
  for (size_t c = 0; c < p->rank; c++) {
    assert_false(pivot[p->pivots[c]]);
    pivot[p->pivots[c]] = 1;
    for (size_t i = 0; i < n; i += i < 8 ? 1 : 7) {
      double off = matrix_left_at(m, p, ridge, i, p->pivots[c]);
      if (!(fabs(off) <= rounding)) fail_msg("rank %zu, element (%zu, %zu): off by %g", p->rank, i, p->pivots[c], off);
    }
    for (size_t k = 0; k < c; k++) assert_true(fabs((double)p->f[p->pivots[k] + c * n]) <= 1e-3 * sqrt(largest));
  }
  for (size_t i = 0; i < n; i++) {
    left += p->left[i];
    if (pivot[i])
      assert_true(p->left[i] == 0);
    else
      mn_test_close(p->left[i], fmax(matrix_left_at(m, p, 0, i, i), 0), rounding);
  }
  mn_test_close(p->trace_left, trace > 0 ? left / trace : 0, 1e-12);
  free(pivot);
}

static void full_rank_reproduces_the_matrix(void **state)
{
  (void)state;
  const size_t sizes[] = {1, 2, 17, 255, 256, 257, 400};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    size_t n = sizes[s];
    matrix m = matrix_well_conditioned(n, 48);
    mn_low_rank *p = matrix_low_rank(&m, n, 0, 1, 2);
    assert_int_equal(p->rank, n);
    check_factor(&m, p, 0);
    assert_true(p->trace_left == 0);
    mn_low_rank_close(&p);
    assert_null(p);
    matrix_close(&m);
  }
}

static void a_part_of_the_rank_leaves_what_it_says(void **state)
{
  (void)state;
  matrix m = matrix_gaussian(500, 70, 0.3);
  double last = 1;
  for (size_t rank = 1; rank <= 400; rank = rank * 7 / 2) {
    mn_low_rank *p = matrix_low_rank(&m, rank, 0, 1, 2);
    assert_int_equal(p->rank, rank);
    check_factor(&m, p, 0);
    assert_true(p->trace_left < last && p->trace_left > 0);
    last = p->trace_left;
    mn_low_rank_close(&p);
  }
  matrix_close(&m);
}

static void the_ridge_is_part_of_the_factor(void **state)
{
  (void)state;
  matrix m = matrix_gaussian(300, 64, 0.3);
  for (double ridge = 1e-3; ridge < 1e3; ridge *= 100) {
    mn_low_rank *p = matrix_low_rank(&m, 60, ridge, 1, 2);
    assert_int_equal(p->rank, 60);
    for (size_t c = 0; c < p->rank; c++) {
      double off = matrix_left_at(&m, p, ridge, p->pivots[c], p->pivots[c]);
      assert_true(fabs(off) <= 1e-5 * (1 + ridge));
    }
    mn_low_rank_close(&p);
  }
  matrix_close(&m);
}

static void a_low_numerical_rank_ends_early(void **state)
{
  (void)state;
  const double gammas[] = {1e-2, 1e-3, 1e-4, 1e-6, 1e-9};
  const size_t n = mn_test_is_wrapped() ? 350 : 700, seeds = mn_test_is_wrapped() ? 1 : 4;
  for (size_t g = 0; g < 5; g++)
    for (uint64_t seed = 0; seed < seeds; seed++) {
      matrix m = matrix_gaussian(n, 256, gammas[g]);
      mn_low_rank *p = matrix_low_rank(&m, n - 50, 0, seed, 2);
      assert_true(p->rank >= 1 && p->rank < n - 50);
      assert_true(p->trace_left < 3e-6);
      mn_low_rank_close(&p);
      matrix_close(&m);
    }
}

static double zero(size_t i)
{
  (void)i;
  return 0;
}

static double falling(size_t i)
{
  return i % 2 ? 1 / (double)i : 0;
}

/* Columns of a diagonal matrix are its elements: F holds the roots of some, each one once, and never of a zero. */
static void diagonal_matrices(void **state)
{
  (void)state;
  enum { N = 60 };
  matrix none = matrix_diagonal(N, 16, zero), m = matrix_diagonal(N, 16, falling);
  mn_low_rank *p = matrix_low_rank(&none, 10, 0, 1, 2);
  assert_int_equal(p->rank, 0);
  assert_true(p->trace_left == 0);
  mn_low_rank_close(&p);
  for (size_t rank = 4; rank <= N; rank += 28) {
    p = matrix_low_rank(&m, rank, 0, 1, 2);
    assert_int_equal(p->rank, rank < N / 2 ? rank : N / 2);
    check_factor(&m, p, 0);
    for (size_t c = 0; c < p->rank; c++) {
      double f = (double)p->f[p->pivots[c] + c * N];
      mn_test_close(f * f / falling(p->pivots[c]), 1, 1e-4);
    }
    mn_low_rank_close(&p);
  }
  matrix_close(&m), matrix_close(&none);
}

static void seeds_decide_and_threads_do_not(void **state)
{
  (void)state;
  matrix m = matrix_gaussian(420, 100, 0.3);
  mn_low_rank *p = matrix_low_rank(&m, 300, 0, 6, 1), *same = matrix_low_rank(&m, 300, 0, 6, 1);
  mn_low_rank *threads = matrix_low_rank(&m, 300, 0, 6, 2), *other = matrix_low_rank(&m, 300, 0, 7, 1);
  assert_memory_equal(p->f, same->f, 420 * 300 * sizeof *p->f);
  assert_true(p->rank == threads->rank);
  assert_memory_equal(p->pivots, threads->pivots, p->rank * sizeof *p->pivots);
  for (size_t i = 0; i < 420 * 300; i++) mn_test_close((double)p->f[i], (double)threads->f[i], 1e-3);
  assert_true(memcmp(p->f, other->f, 420 * 300 * sizeof *p->f) != 0);
  mn_low_rank_close(&p), mn_low_rank_close(&same), mn_low_rank_close(&threads), mn_low_rank_close(&other);
  matrix_close(&m);
}

static void a_rank_beyond_n_is_n(void **state)
{
  (void)state;
  matrix m = matrix_gaussian(30, 16, 5);
  mn_low_rank *p = matrix_low_rank(&m, 30, 0, 1, 2);
  assert_true(p->rank <= 30 && p->rank >= 25);
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
  matrix m = matrix_gaussian(300, 100, 0.3);
  int reports = 1 << 20, many = reports;
  mn_context ctx = {.progress = cancel_late, .user = &reports};
  mn_low_rank *p = NULL;
  mn_error err = {0};
  mn_symmetric_kept kept;
  mn_symmetric k = matrix_read(&m, 2, &kept);
  assert_int_equal(mn_low_rank_open(&k, 280, 0, 1, 2, &ctx, &p, &err), MN_OK);
  mn_low_rank_close(&p);
  many -= reports;
  assert_true(many >= 2);
  for (int at = 0; at < 2; at++) {
    long live = mn_memory_live();
    reports = at;
    assert_int_equal(mn_low_rank_open(&k, 280, 0, 1, 2, &ctx, &p, &err), MN_ERR_CANCELLED);
    assert_null(p);
    assert_non_null(strstr(err.text, "precondition"));
    assert_int_equal(mn_memory_live(), live);
  }
  matrix_close(&m);
}

static mn_status open_it(void *arg, mn_error *err)
{
  const matrix *m = arg;
  mn_low_rank *p = NULL;
  mn_symmetric_kept kept;
  mn_symmetric k = matrix_read(m, 2, &kept);
  mn_status st = mn_low_rank_open(&k, 20, 0, 1, 2, NULL, &p, err);
  mn_low_rank_close(&p);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  matrix m = matrix_gaussian(40, 16, 0.3);
  mn_test_every_allocation(open_it, &m);
  matrix_close(&m);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(full_rank_reproduces_the_matrix),
      cmocka_unit_test(a_part_of_the_rank_leaves_what_it_says),
      cmocka_unit_test(the_ridge_is_part_of_the_factor),
      cmocka_unit_test(a_low_numerical_rank_ends_early),
      cmocka_unit_test(diagonal_matrices),
      cmocka_unit_test(seeds_decide_and_threads_do_not),
      cmocka_unit_test(a_rank_beyond_n_is_n),
      cmocka_unit_test(cancelling),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("low rank", tests, NULL, NULL);
}
