/* Products with the samples themselves against plain loops. */
#include <math.h>
#include <stdlib.h>

#include "gram/linear.h"
#include "linalg/threads.h"
#include "naive.h"
#include "support.h"

/* X as a column-major matrix. */
static double *columns_of(const naive_set *s)
{
  double *a = malloc(s->n * s->dim * sizeof *a);
  assert_non_null(a);
  for (size_t i = 0; i < s->n; i++)
    for (size_t k = 0; k < s->dim; k++) a[i + k * s->n] = s->x[i * s->dim + k];
  return a;
}

static void check_products(const naive_set *s, size_t columns, int threads)
{
  size_t n = s->n, d = s->dim;
  double *a = columns_of(s), *w = naive_normals(d * columns, 1), *v = naive_normals(n * columns, 2);
  double *xw = malloc(n * columns * sizeof *xw), *xv = malloc(d * columns * sizeof *xv);
  double *exact_xw = malloc(n * columns * sizeof *xw), *exact_xv = malloc(d * columns * sizeof *xv);
  assert_int_equal(mn_linear_multiply(&s->samples, threads, columns, w, xw, NULL), MN_OK);
  assert_int_equal(mn_linear_transposed(&s->samples, threads, columns, v, xv, NULL), MN_OK);
  naive_multiply(n, d, a, columns, w, exact_xw);
  naive_multiply(d, n, s->x, columns, v, exact_xv); /* X row-major is X' column-major */
  double size = naive_norm(n * d, a) * 1e-15;
  assert_true(naive_distance(n * columns, xw, exact_xw) <= size * naive_norm(d * columns, w));
  assert_true(naive_distance(d * columns, xv, exact_xv) <= size * naive_norm(n * columns, v));
  free(a), free(w), free(v), free(xw), free(xv), free(exact_xw), free(exact_xv);
}

static void products_equal_plain_loops(void **state)
{
  (void)state;
  static const struct {
    size_t n, dim;
    mn_dtype type;
    mn_scale scale;
  } cases[] = {{1, 1, MN_F64, MN_SCALE_NONE},       {7, 30, MN_U8, MN_SCALE_UNIT},
               {511, 3, MN_F32, MN_SCALE_NONE},     {512, 3, MN_U8, MN_SCALE_STANDARD},
               {513, 4, MN_F64, MN_SCALE_STANDARD}, {1600, 5, MN_U8, MN_SCALE_UNIT}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    naive_set s = naive_open(cases[c].n, cases[c].dim, cases[c].type, cases[c].scale, c);
    for (int threads = 1; threads <= 3; threads++)
      for (size_t columns = 1; columns <= 4; columns += 3) check_products(&s, columns, threads);
    naive_close(&s);
  }
}

/* <X w, v> = <w, X'v> */
static void the_two_are_adjoint(void **state)
{
  (void)state;
  enum { N = 600, D = 4 };
  naive_set s = naive_open(N, D, MN_F64, MN_SCALE_NONE, 3);
  double *w = naive_normals(D, 4), *v = naive_normals(N, 5), xw[N], xv[D], left = 0, right = 0;
  assert_int_equal(mn_linear_multiply(&s.samples, 2, 1, w, xw, NULL), MN_OK);
  assert_int_equal(mn_linear_transposed(&s.samples, 2, 1, v, xv, NULL), MN_OK);
  for (size_t i = 0; i < N; i++) left += xw[i] * v[i];
  for (size_t k = 0; k < D; k++) right += w[k] * xv[k];
  assert_true(fabs(left - right) <= 1e-14 * naive_norm(N, xw) * naive_norm(N, v));
  free(w);
  free(v);
  naive_close(&s);
}

static mn_status both(void *arg, mn_error *err)
{
  const naive_set *s = arg;
  double in[20] = {0}, out[20];
  mn_status st = mn_linear_multiply(&s->samples, 2, 1, in, out, err);
  return st ? st : mn_linear_transposed(&s->samples, 2, 1, in, out, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  naive_set s = naive_open(20, 3, MN_U8, MN_SCALE_UNIT, 1);
  mn_test_every_allocation(both, &s);
  naive_close(&s);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_equal_plain_loops),
      cmocka_unit_test(the_two_are_adjoint),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
