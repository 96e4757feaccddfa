/* Tall matrices of few columns against plain loops in long double: inner products and updates at the edges of the
 * threads' blocks; bases: what they span, how near orthonormal they are, dependent columns, scales; threads, failing
 * allocations. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/tall.h"
#include "linalg/threads.h"
#include "naive.h"
#include "support.h"

static const double u = 0x1p-53;

/* ---- products */

/* Sums of n products in any order are off by at most n u times the sum of their magnitudes. */
static void check_inner(size_t n, size_t ka, size_t kb, int threads)
{
  double *a = naive_normals(n * ka, 1), *b = naive_normals(n * kb, 2);
  double *c = malloc(ka * kb * sizeof *c), *again = malloc(ka * kb * sizeof *again);
  for (size_t e = 0; e < ka * kb; e++) c[e] = NAN;
  assert_int_equal(mn_tall_inner(n, ka, a, kb, b, threads, c, NULL), MN_OK);
  for (size_t j = 0; j < kb; j++)
    for (size_t i = 0; i < ka; i++) {
      long double sum = 0, size = 0;
      for (size_t r = 0; r < n; r++) {
        long double term = (long double)a[r + i * n] * (long double)b[r + j * n];
        sum += term, size += fabsl(term);
      }
      double off = fabs(c[i + j * ka] - (double)sum);
      if (!(off <= (double)(n + 1) * u * (double)size)) fail_msg("n = %zu, (%zu, %zu): off by %g", n, i, j, off);
    }
  assert_int_equal(mn_tall_inner(n, ka, a, kb, b, threads, again, NULL), MN_OK);
  assert_memory_equal(c, again, ka * kb * sizeof *c);
  free(a), free(b), free(c), free(again);
}

/* y += sign A C, and nothing behind y. */
static void check_add(size_t n, size_t k, size_t columns, double sign, int threads)
{
  enum { GUARD = 8 };
  double *a = naive_normals(n * k, 3), *c = naive_normals(k * columns, 4), *y = naive_normals(n * columns + GUARD, 5);
  double *old = malloc((n * columns + GUARD) * sizeof *old);
  memcpy(old, y, (n * columns + GUARD) * sizeof *old);
  mn_tall_add(n, k, sign, a, columns, c, threads, y);
  for (size_t j = 0; j < columns; j++)
    for (size_t i = 0; i < n; i++) {
      long double sum = (long double)old[i + j * n], size = fabsl(sum);
      for (size_t e = 0; e < k; e++) {
        long double term = (long double)sign * (long double)a[i + e * n] * (long double)c[e + j * k];
        sum += term, size += fabsl(term);
      }
      assert_true(fabs(y[i + j * n] - (double)sum) <= (double)(k + 3) * u * (double)size);
    }
  assert_memory_equal(y + n * columns, old + n * columns, GUARD * sizeof *y);
  free(a), free(c), free(y), free(old);
}

static const size_t sizes[] = {1, 2, 7, 2047, 2048, 2049, 4096, 6200};

static void inner_products(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int threads = 1; threads <= 3; threads++) {
      check_inner(sizes[s], 1, 1, threads);
      check_inner(sizes[s], 3, 5, threads);
      check_inner(sizes[s], 10, 4, threads);
    }
}

static void updates(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int threads = 1; threads <= 3; threads++) {
      check_add(sizes[s], 1, 1, 1, threads);
      check_add(sizes[s], 3, 5, -1, threads);
      check_add(sizes[s], 10, 4, 0.5, threads);
    }
}

/* ---- bases */

typedef struct {
  size_t n, columns, rank;
  double *z, *basis; /* n x columns */
} basis_of;

/* The basis of z (n x columns), which is copied. */
static basis_of take_basis(size_t n, size_t columns, const double *z, int threads)
{
  basis_of b = {.n = n, .columns = columns, .rank = SIZE_MAX};
  b.z = malloc(n * columns * sizeof *z), b.basis = malloc(n * columns * sizeof *z);
  double *spent = malloc(n * columns * sizeof *z);
  memcpy(b.z, z, n * columns * sizeof *z), memcpy(spent, z, n * columns * sizeof *z);
  assert_int_equal(mn_tall_basis(n, columns, spent, threads, b.basis, &b.rank, NULL), MN_OK);
  assert_true(b.rank <= columns && b.rank <= n);
  free(spent);
  return b;
}

static void release(basis_of *b)
{
  free(b->z), free(b->basis);
}

static double dot(size_t n, const double *x, const double *y)
{
  long double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (long double)x[i] * (long double)y[i];
  return (double)sum;
}

/* max |B'B - I| */
static double skewness(const basis_of *b)
{
  double most = 0;
  for (size_t i = 0; i < b->rank; i++)
    for (size_t j = 0; j <= i; j++)
      most = fmax(most, fabs(dot(b->n, b->basis + i * b->n, b->basis + j * b->n) - (i == j)));
  return most;
}

/* Largest distance of a column of z from the span of the basis, as a fraction of its length: the residual of least
 * squares, by Gram and Schmidt done twice. */
static double left_out(const basis_of *b)
{
  size_t n = b->n;
  double *q = malloc((n * b->rank + n) * sizeof *q), *v = q + n * b->rank, most = 0;
  memcpy(q, b->basis, n * b->rank * sizeof *q);
  for (size_t c = 0; c < b->rank + b->columns; c++) {
    double *x = c < b->rank ? q + c * n : v, length;
    if (c >= b->rank) memcpy(v, b->z + (c - b->rank) * n, n * sizeof *v);
    if (!((length = sqrt(dot(n, x, x))) > 0)) continue;
    for (int pass = 0; pass < 2; pass++)
      for (size_t k = 0; k < (c < b->rank ? c : b->rank); k++) {
        double part = dot(n, q + k * n, x);
        for (size_t i = 0; i < n; i++) x[i] -= part * q[i + k * n];
      }
    double rest = sqrt(dot(n, x, x));
    for (size_t i = 0; c < b->rank && i < n; i++) x[i] /= rest;
    if (c >= b->rank) most = fmax(most, rest / length);
  }
  free(q);
  return most;
}

static void a_basis_spans_the_columns(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (size_t columns = 1; columns <= 10; columns += 3)
      for (int threads = 1; threads <= 3; threads++) {
        double *z = naive_normals(sizes[s] * columns, s);
        basis_of b = take_basis(sizes[s], columns, z, threads);
        assert_int_equal(b.rank, columns < sizes[s] ? columns : sizes[s]);
        assert_true(left_out(&b) <= 1e-6);
        if (sizes[s] > 100) assert_true(skewness(&b) <= 1e-13 * (double)columns);
        release(&b);
        free(z);
      }
}

/* The second column is the first but for `apart` of another: as long as it counts, orthogonal to (u / apart^2). */
static void columns_that_nearly_agree(void **state)
{
  (void)state;
  enum { N = 3000 };
  for (double apart = 1; apart > 1e-12; apart /= 10) {
    double *z = naive_normals(N * 2, 6);
    for (size_t i = 0; i < N; i++) z[i + N] = z[i] + apart * z[i + N];
    basis_of b = take_basis(N, 2, z, 2);
    if (apart > 1e-5) assert_int_equal(b.rank, 2);
    if (apart < 1e-7) assert_int_equal(b.rank, 1);
    assert_true(left_out(&b) <= 2e-6);
    assert_true(skewness(&b) <= 100 * u / fmax(apart * apart, 1e-12));
    release(&b);
    free(z);
  }
}

/* Copies, sums and zeros among the columns add nothing to what they span. */
static void dependent_columns_are_left_out(void **state)
{
  (void)state;
  enum { N = 2500, COLUMNS = 7 };
  double *z = naive_normals(N * COLUMNS, 7);
  for (size_t i = 0; i < N; i++) {
    z[i + 1 * N] = -3 * z[i];
    z[i + 4 * N] = z[i] + 2 * z[i + 2 * N];
    z[i + 5 * N] = 0;
    z[i + 6 * N] = 1e-200 * z[i + 3 * N];
  }
  for (int threads = 1; threads <= 3; threads++) {
    basis_of b = take_basis(N, COLUMNS, z, threads);
    assert_int_equal(b.rank, 3);
    assert_true(left_out(&b) <= 2e-6 && skewness(&b) <= 1e-12);
    release(&b);
  }
  free(z);
}

/* Whatever a column is multiplied by, subnormal or huge, its direction counts. */
static void scales_do_not_matter(void **state)
{
  (void)state;
  enum { N = 2100, COLUMNS = 4 };
  static const double scales[COLUMNS] = {1e-300, 1e300, 1, 1e-40};
  double *z = naive_normals(N * COLUMNS, 8), *plain = malloc(N * COLUMNS * sizeof *plain);
  memcpy(plain, z, N * COLUMNS * sizeof *plain);
  for (size_t i = 0; i < N * COLUMNS; i++) z[i] *= scales[i / N];
  basis_of b = take_basis(N, COLUMNS, z, 2);
  assert_int_equal(b.rank, COLUMNS);
  assert_true(skewness(&b) <= 1e-12);
  memcpy(b.z, plain, N * COLUMNS * sizeof *plain); /* of the same span */
  assert_true(left_out(&b) <= 1e-6);
  release(&b);
  free(z), free(plain);
}

static void nothing_or_nonsense_has_no_basis(void **state)
{
  (void)state;
  enum { N = 2050, COLUMNS = 3 };
  const double bad[] = {NAN, INFINITY, -INFINITY};
  double *z = naive_normals(N * COLUMNS, 9), *zero = calloc(N * COLUMNS, sizeof *zero);
  const size_t places[] = {0, N - 1, N, N * COLUMNS - 1};
  basis_of b = take_basis(N, COLUMNS, zero, 2);
  assert_int_equal(b.rank, 0);
  release(&b);
  for (size_t p = 0; p < 4; p++)
    for (size_t k = 0; k < 3; k++) {
      double kept = z[places[p]];
      z[places[p]] = bad[k];
      b = take_basis(N, COLUMNS, z, 2);
      assert_int_equal(b.rank, 0);
      release(&b);
      z[places[p]] = kept;
    }
  free(z), free(zero);
}

static void the_same_threads_give_the_same_bits(void **state)
{
  (void)state;
  enum { N = 9000, COLUMNS = 5 };
  double *z = naive_normals(N * COLUMNS, 10);
  for (int threads = 1; threads <= 4; threads++) {
    basis_of b = take_basis(N, COLUMNS, z, threads), again = take_basis(N, COLUMNS, z, threads);
    assert_memory_equal(b.basis, again.basis, N * COLUMNS * sizeof *z);
    release(&b), release(&again);
  }
  free(z);
}

/* ---- failing */

static mn_status inner_call(void *arg, mn_error *err)
{
  const double *z = arg;
  double c[9];
  return mn_tall_inner(20, 3, z, 3, z, 2, c, err);
}

static mn_status basis_call(void *arg, mn_error *err)
{
  double z[60], basis[60];
  size_t rank;
  memcpy(z, arg, sizeof z);
  return mn_tall_basis(20, 3, z, 2, basis, &rank, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  double *z = naive_normals(60, 11);
  mn_test_every_allocation(inner_call, z);
  mn_test_every_allocation(basis_call, z);
  free(z);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inner_products),
      cmocka_unit_test(updates),
      cmocka_unit_test(a_basis_spans_the_columns),
      cmocka_unit_test(columns_that_nearly_agree),
      cmocka_unit_test(dependent_columns_are_left_out),
      cmocka_unit_test(scales_do_not_matter),
      cmocka_unit_test(nothing_or_nonsense_has_no_basis),
      cmocka_unit_test(the_same_threads_give_the_same_bits),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("tall", tests, NULL, NULL);
}
