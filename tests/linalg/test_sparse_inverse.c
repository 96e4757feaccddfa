/* The sparse approximate inverse of what a partial factor leaves over: each row against a dense solve in long double
 * with the block of its pattern, neighbours against a search of the dense matrix; matrices that it inverts exactly;
 * the product against the dense G; singular matrices, threads, sources that fail, failing allocations. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/sparse_inverse.h"
#include "linalg/threads.h"
#include "matrix_support.h"
#include "naive.h"
#include "support.h"

static size_t degree = 4;

static mn_sparse_inverse *inverse_of(const matrix *m, const mn_low_rank *f, double ridge, int threads)
{
  mn_sparse_inverse *g = NULL;
  mn_error err = {0};
  mn_symmetric_kept kept;
  mn_symmetric k = matrix_read(m, threads, &kept);
  if (mn_sparse_inverse_open(&k, f, degree, ridge, threads, &g, &err)) fail_msg("%s", err.text);
  assert_int_equal(g->n, m->n);
  return g;
}

/* A factor of no columns: all of the matrix is left over. */
static mn_low_rank nothing(size_t n)
{
  return (mn_low_rank){.n = n};
}

static char *pivots_of(const mn_low_rank *f)
{
  char *pivot = calloc(f->n, 1);
  for (size_t c = 0; c < f->rank; c++) pivot[f->pivots[c]] = 1;
  return pivot;
}

/* How much row j counts as a neighbour of row i. */
static double closeness(const matrix *m, double ridge, size_t i, size_t j)
{
  return fabs(m->a[j + i * m->n]) / sqrt(m->a[j * (m->n + 1)] + ridge);
}

/* Neighbours of a row come after it, are no pivots, and closer than all that were left out; they descend. */
static void check_neighbours(const matrix *m, const mn_sparse_inverse *g, const char *pivot, double ridge, size_t i)
{
  const uint32_t *near = g->neighbour + i * g->degree;
  size_t count = g->count[i], candidates = 0;
  double last = INFINITY;
  char *taken = calloc(m->n, 1);
  for (size_t k = 0; k < count; k++) {
    double value = closeness(m, ridge, i, near[k]);
    assert_true(near[k] > i && near[k] < m->n && !pivot[near[k]] && !taken[near[k]]);
    assert_true(value <= last * (1 + 1e-6) && value > 0);
    last = value, taken[near[k]] = 1;
  }
  for (size_t j = i + 1; j < m->n; j++) {
    double value = pivot[j] ? 0 : closeness(m, ridge, i, j);
    candidates += value > 0;
    if (!taken[j] && count == degree) assert_true(value <= last * (1 + 1e-6));
  }
  assert_int_equal(count, candidates < degree ? candidates : degree);
  free(taken);
}

/* Row i of G is e' S_b^-1 / sqrt(e' S_b^-1 e) for the block S_b of S at the neighbours and the row itself. */
static void check_row(const matrix *m, const mn_low_rank *f, const mn_sparse_inverse *g, double ridge, size_t i,
                      double tolerance)
{
  size_t size = g->count[i] + 1u, who[MN_SPARSE_MOST + 1];
  double block[(MN_SPARSE_MOST + 1) * (MN_SPARSE_MOST + 1)], e[MN_SPARSE_MOST + 1] = {0}, x[MN_SPARSE_MOST + 1];
  for (size_t k = 0; k < size; k++) who[k] = k + 1 < size ? g->neighbour[i * g->degree + k] : i;
  for (size_t c = 0; c < size; c++)
    for (size_t r = 0; r < size; r++) block[r + c * size] = matrix_left_at(m, f, ridge, who[r], who[c]);
  e[size - 1] = 1;
  naive_solve(size, block, 1, e, x);
  double scale = 1 / sqrt(x[size - 1]);
  for (size_t k = 0; k < size; k++) {
    double had = k + 1 < size ? g->value[i * g->degree + k] : g->own[i], off = fabs(had - x[k] * scale);
    if (!(off <= tolerance * x[size - 1] * scale))
      fail_msg("row %zu, element %zu: %g, not %g", i, k, had, x[k] * scale);
  }
}

/* The lists by columns hold every element once. */
static void check_transpose(const mn_sparse_inverse *g)
{
  size_t n = g->n, total = 0;
  char *seen = calloc(n * g->degree, 1);
  for (size_t i = 0; i < n; i++) total += g->count[i];
  assert_true(g->start[0] == 0 && g->start[n] == total);
  for (size_t j = 0; j < n; j++)
    for (size_t k = g->start[j]; k < g->start[j + 1]; k++) {
      uint32_t at = g->row[k];
      assert_true(at < n * g->degree && !seen[at]);
      assert_true(at % g->degree < g->count[at / g->degree] && g->neighbour[at] == j);
      seen[at] = 1;
    }
  free(seen);
}

static void check_inverse(const matrix *m, const mn_low_rank *f, double ridge, double tolerance)
{
  mn_sparse_inverse *g = inverse_of(m, f, ridge, 2);
  char *pivot = pivots_of(f);
  for (size_t i = 0; i < m->n; i++) {
    if (pivot[i]) {
      assert_true(g->own[i] == 0 && g->count[i] == 0);
      continue;
    }
    check_neighbours(m, g, pivot, ridge, i);
    check_row(m, f, g, ridge, i, tolerance);
  }
  check_transpose(g);
  mn_sparse_inverse_close(&g);
  assert_null(g);
  free(pivot);
}

/* S is as exact as fp32 makes K and F: 1e-6 of K's diagonal, a hundredth of the ridge at most. */
static void rows_are_the_best_of_their_pattern(void **state)
{
  (void)state;
  const size_t orders[] = {1, 2, 3, 6, 40, 300}, ranks[] = {1, 5, 16, 17, 100};
  for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
    matrix m = matrix_gaussian(orders[o], 64, 0.3), well = matrix_well_conditioned(orders[o], 64);
    mn_low_rank none = nothing(orders[o]);
    for (degree = 1; degree <= MN_SPARSE_MOST; degree *= 4) {
      check_inverse(&m, &none, 1e-3, 1e-2);
      check_inverse(&well, &none, 0, 1e-5);
      for (size_t r = 0; r < sizeof ranks / sizeof *ranks && ranks[r] <= orders[o]; r++) {
        mn_low_rank *f = matrix_low_rank(&m, ranks[r], 1e-2, 1, 2);
        check_inverse(&m, f, 1e-2, 1e-2);
        mn_low_rank_close(&f);
      }
    }
    degree = 4;
    matrix_close(&m), matrix_close(&well);
  }
}

/* More rows than are asked for at a time, and panels of another width. */
static void many_rows(void **state)
{
  (void)state;
  enum { N = 4200 }; /* beyond a block of 4,096 */
  float *full = malloc((size_t)N * N * sizeof *full);
  mn_panels *panels;
  mn_sparse_inverse *g;
  mn_low_rank none = nothing(N);
  for (size_t j = 0; j < N; j++)
    for (size_t i = j; i < N; i++) full[i + j * N] = (float)exp(-0.5 * (double)(i - j));
  assert_int_equal(mn_panels_wrap(full, N, N, 1000, MN_F32, &panels, NULL), MN_OK);
  mn_symmetric_kept kept = {panels, 2};
  mn_symmetric k = mn_symmetric_of_panels(&kept);
  assert_int_equal(mn_sparse_inverse_open(&k, &none, degree, 0, 2, &g, NULL), MN_OK);
  double rho = exp(-0.5), own = 1 / sqrt(1 - rho * rho);
  for (size_t i = 0; i < N; i++) {
    assert_true(i + 1 == N || g->neighbour[i * g->degree] == i + 1);
    mn_test_close(g->own[i], i + 1 < N ? own : 1, 1e-5);
    if (i + 1 < N) mn_test_close(g->value[i * g->degree], -rho * own, 1e-5);
  }
  check_transpose(g);
  mn_sparse_inverse_close(&g), mn_panels_close(&panels);
  free(full);
}

/* ---- the product */

/* t = G'G t from a dense G. */
static void naive_apply(const mn_sparse_inverse *g, size_t columns, double *t)
{
  size_t n = g->n;
  double *dense = calloc(n * n, sizeof *dense), *flipped = calloc(n * n, sizeof *dense);
  double *work = calloc(n * columns, sizeof *work);
  for (size_t i = 0; i < n; i++) {
    dense[i * (n + 1)] = flipped[i * (n + 1)] = g->own[i];
    for (size_t k = 0; k < g->count[i]; k++) {
      size_t j = g->neighbour[i * g->degree + k];
      dense[i + j * n] = flipped[j + i * n] = g->value[i * g->degree + k];
    }
  }
  naive_multiply(n, n, dense, columns, t, work);
  naive_multiply(n, n, flipped, columns, work, t);
  free(dense), free(flipped), free(work);
}

static void applying_is_the_product_with_both(void **state)
{
  (void)state;
  for (size_t n = 1; n <= 300; n = 3 * n + 1)
    for (size_t columns = 1; columns <= 7; columns += 3)
      for (int threads = 1; threads <= 3; threads++) {
        matrix m = matrix_gaussian(n, 32, 0.3);
        mn_low_rank *f = matrix_low_rank(&m, (n + 3) / 4, 1e-3, 1, 2);
        mn_sparse_inverse *g = inverse_of(&m, f, 1e-3, threads);
        double *t = naive_normals(n * columns, 3), *same = naive_normals(n * columns, 3),
               *work = malloc(n * columns * 8);
        mn_sparse_inverse_apply(g, threads, columns, t, work);
        naive_apply(g, columns, same);
        assert_true(naive_distance(n * columns, t, same) <= 1e-14 * naive_norm(n * columns, same));
        for (size_t c = 0; c < columns; c++)
          for (size_t k = 0; k < f->rank; k++) assert_true(t[f->pivots[k] + c * n] == 0);
        free(t), free(same), free(work);
        mn_sparse_inverse_close(&g), mn_low_rank_close(&f);
        matrix_close(&m);
      }
}

/* max |K G'G v - v| / |v| */
static double distance_from_inverse(const matrix *m, double ridge)
{
  mn_low_rank none = nothing(m->n);
  mn_sparse_inverse *g = inverse_of(m, &none, ridge, 2);
  double *v = naive_normals(m->n, 5), *t = naive_normals(m->n, 5), *work = malloc(m->n * sizeof *work);
  mn_sparse_inverse_apply(g, 2, 1, t, work);
  naive_multiply(m->n, m->n, m->a, 1, t, work);
  for (size_t i = 0; i < m->n; i++) work[i] += ridge * t[i];
  double off = naive_relative(m->n, work, v);
  free(v), free(t), free(work);
  mn_sparse_inverse_close(&g);
  return off;
}

static double growing(size_t i)
{
  return 1e-3 * (double)(i + 1) * (double)(i + 1);
}

/* Where the factor of the inverse has the pattern: diagonal matrices; exponential ones, each row of which depends on
 * its next neighbour alone, given that; any of up to five rows; blocks of two. */
static void some_matrices_are_inverted_exactly(void **state)
{
  (void)state;
  matrix diagonal = matrix_diagonal(50, 16, growing);
  assert_true(distance_from_inverse(&diagonal, 0) <= 1e-14);
  assert_true(distance_from_inverse(&diagonal, 3) <= 1e-14);
  matrix_close(&diagonal);
  for (double rate = 0.2; rate < 4; rate *= 2) {
    double *a = malloc(80 * 80 * sizeof *a);
    for (size_t e = 0; e < 80 * 80; e++) a[e] = exp(-rate * fabs((double)(e % 80) - (double)(e / 80)));
    matrix m = matrix_open(80, 16, a);
    assert_true(distance_from_inverse(&m, 0) <= 1e-5);
    matrix_close(&m);
  }
  for (size_t n = 1; n <= degree + 1; n++) {
    matrix m = matrix_well_conditioned(n, 16);
    assert_true(distance_from_inverse(&m, 0.1) <= 1e-13);
    matrix_close(&m);
  }
  double *pairs = calloc(60 * 60, sizeof *pairs);
  for (size_t i = 0; i < 60; i++) pairs[i * 61] = 1, pairs[i + (i ^ 1) * 60] = 0.75;
  matrix m = matrix_open(60, 16, pairs);
  assert_true(distance_from_inverse(&m, 0) <= 1e-14);
  matrix_close(&m);
}

/* ---- what is singular */

static double zero(size_t i)
{
  (void)i;
  return 0;
}

static void check_positive(const matrix *m, const mn_low_rank *f, double ridge)
{
  mn_sparse_inverse *g = inverse_of(m, f, ridge, 2);
  char *pivot = pivots_of(f);
  for (size_t i = 0; i < m->n; i++) {
    assert_true(pivot[i] ? g->own[i] == 0 : g->own[i] > 0 && isfinite(g->own[i]));
    for (size_t k = 0; k < g->count[i]; k++) assert_true(isfinite(g->value[i * g->degree + k]));
  }
  check_transpose(g);
  mn_sparse_inverse_close(&g);
  free(pivot);
}

/* Equal rows, zero rows, nothing but rounding left over: finite, with a positive diagonal. */
static void singular_matrices_give_something_finite(void **state)
{
  (void)state;
  enum { N = 120 };
  double *ones = malloc(N * N * sizeof *ones);
  for (size_t e = 0; e < N * N; e++) ones[e] = 1;
  matrix m[] = {matrix_open(N, 32, ones), matrix_diagonal(N, 32, zero), matrix_gaussian(N, 32, 1e-6)};
  for (size_t k = 0; k < 3; k++) {
    mn_low_rank none = nothing(N), *f = matrix_low_rank(&m[k], 10, 0, 1, 2);
    check_positive(&m[k], &none, 0);
    check_positive(&m[k], f, 0);
    mn_low_rank_close(&f);
    matrix_close(&m[k]);
  }
}

/* A sample that comes twice has its other self as first neighbour. */
static void near_coinciding_rows_are_neighbours(void **state)
{
  (void)state;
  enum { HALF = 60, N = 2 * HALF };
  matrix half = matrix_gaussian(HALF, 64, 0.5);
  double *a = malloc(N * N * sizeof *a);
  for (size_t e = 0; e < N * N; e++) a[e] = (e % N == e / N ? 1 : 0.999999) * half.a[e % N / 2 + e / N / 2 * HALF];
  matrix m = matrix_open(N, 64, a);
  mn_low_rank none = nothing(N);
  mn_sparse_inverse *g = inverse_of(&m, &none, 0, 2);
  for (size_t i = 0; i < N; i += 2) assert_int_equal(g->neighbour[i * g->degree], i + 1);
  mn_sparse_inverse_close(&g);
  matrix_close(&m), matrix_close(&half);
}

/* ---- threads, failing */

static void threads_do_not_matter(void **state)
{
  (void)state;
  enum { N = 333 };
  matrix m = matrix_gaussian(N, 50, 0.3);
  mn_low_rank *f = matrix_low_rank(&m, 70, 0, 1, 2);
  mn_sparse_inverse *one = inverse_of(&m, f, 0, 1);
  for (int threads = 2; threads <= 4; threads++) {
    mn_sparse_inverse *g = inverse_of(&m, f, 0, threads);
    assert_memory_equal(g->own, one->own, N * sizeof *g->own);
    assert_memory_equal(g->count, one->count, N);
    for (size_t i = 0; i < N; i++) {
      assert_memory_equal(g->value + i * g->degree, one->value + i * g->degree, g->count[i] * sizeof *g->value);
      assert_memory_equal(g->neighbour + i * g->degree, one->neighbour + i * g->degree,
                          g->count[i] * sizeof *g->neighbour);
    }
    mn_sparse_inverse_close(&g);
  }
  mn_sparse_inverse_close(&one), mn_low_rank_close(&f);
  mn_sparse_inverse_close(&one); /* NULL is fine */
  matrix_close(&m);
}

/* A source of which one call fails, or that cannot give its panels. */
typedef struct {
  mn_symmetric k;
  int left; /* calls before that */
} brittle;

static mn_status break_elements(void *arg, size_t count, const size_t *i, const size_t *j, float *out, mn_error *err)
{
  brittle *b = arg;
  return b->left-- ? b->k.elements(b->k.arg, count, i, j, out, err) : MN_ERR_CANCELLED;
}

static mn_status break_panel(void *arg, size_t j, const mn_panels **out, mn_error *err)
{
  brittle *b = arg;
  return b->left-- ? b->k.panel(b->k.arg, j, out, err) : MN_ERR_CANCELLED;
}

/* Diagonal, three panels, blocks: five calls. */
static void what_the_source_says_is_handed_on(void **state)
{
  (void)state;
  matrix m = matrix_gaussian(40, 16, 0.3);
  mn_symmetric_kept kept;
  mn_low_rank none = nothing(40);
  for (int left = 0; left <= 5; left++) {
    brittle b = {matrix_read(&m, 2, &kept), left};
    mn_symmetric k = b.k;
    mn_sparse_inverse *g;
    long live = mn_memory_live();
    k.arg = &b, k.elements = break_elements, k.panel = break_panel;
    assert_int_equal(mn_sparse_inverse_open(&k, &none, degree, 0, 2, &g, NULL), left < 5 ? MN_ERR_CANCELLED : MN_OK);
    assert_true((g != NULL) == (left == 5));
    mn_sparse_inverse_close(&g);
    assert_int_equal(mn_memory_live(), live);
  }
  matrix_close(&m);
}

static mn_status open_it(void *arg, mn_error *err)
{
  const matrix *m = arg;
  mn_low_rank none = nothing(m->n);
  mn_sparse_inverse *g;
  mn_symmetric_kept kept;
  mn_symmetric k = matrix_read(m, 2, &kept);
  mn_status st = mn_sparse_inverse_open(&k, &none, degree, 0, 2, &g, err);
  mn_sparse_inverse_close(&g);
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
      cmocka_unit_test(rows_are_the_best_of_their_pattern),
      cmocka_unit_test(many_rows),
      cmocka_unit_test(applying_is_the_product_with_both),
      cmocka_unit_test(some_matrices_are_inverted_exactly),
      cmocka_unit_test(singular_matrices_give_something_finite),
      cmocka_unit_test(near_coinciding_rows_are_neighbours),
      cmocka_unit_test(threads_do_not_matter),
      cmocka_unit_test(what_the_source_says_is_handed_on),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("sparse inverse", tests, NULL, NULL);
}
