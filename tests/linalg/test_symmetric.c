/* Matrices read by parts: columns, elements and panels of what is kept, against the dense matrix; above the diagonal,
 * where the panels of the tests hold NaN, nothing is read. */
#include <math.h>
#include <stdlib.h>

#include "linalg/threads.h"
#include "matrix_support.h"
#include "naive.h"
#include "support.h"

static void check_columns(const matrix *m, const mn_symmetric *k, size_t count, const size_t *which)
{
  size_t n = m->n;
  float *out = malloc((n * count + 1) * sizeof *out);
  out[n * count] = 42;
  assert_int_equal(k->columns(k->arg, count, which, out, NULL), MN_OK);
  for (size_t s = 0; s < count; s++)
    for (size_t i = 0; i < n; i++) assert_true((double)out[i + s * n] == m->a[i + which[s] * n]);
  assert_true(out[n * count] == 42);
  free(out);
}

/* Every pair of rows, either one first. */
static void check_elements(const matrix *m, const mn_symmetric *k)
{
  size_t n = m->n, *i = calloc(n * n, sizeof *i), *j = calloc(n * n, sizeof *j);
  float *out = malloc(n * n * sizeof *out);
  for (size_t e = 0; e < n * n; e++) i[e] = e % n, j[e] = e / n;
  assert_int_equal(k->elements(k->arg, n * n, i, j, out, NULL), MN_OK);
  for (size_t e = 0; e < n * n; e++) assert_true((double)out[e] == m->a[e]);
  free(i), free(j), free(out);
}

static void check_panels(const matrix *m, const mn_symmetric *k)
{
  size_t columns = 0;
  for (size_t p = 0; p < k->panels; p++) {
    const mn_panels *out = NULL;
    assert_int_equal(k->panel(k->arg, p, &out, NULL), MN_OK);
    assert_true(out->type == MN_F32 && out->n == m->n);
    for (size_t j = p * out->width; j < p * out->width + mn_panels_rows(out, p); j++, columns++)
      for (size_t i = j; i < m->n; i++)
        assert_true((double)*(const float *)mn_panels_at(out, i, j) == m->a[i + j * m->n]);
  }
  assert_int_equal(columns, m->n);
}

static void kept_panels_are_the_matrix(void **state)
{
  (void)state;
  const size_t orders[] = {1, 2, 16, 17, 63}, widths[] = {1, 3, 16, 64};
  for (size_t o = 0; o < 5; o++)
    for (size_t w = 0; w < 4; w++)
      for (int threads = 1; threads <= 3; threads++) {
        size_t n = orders[o], which[64];
        matrix m = matrix_open(n, widths[w], naive_normals(n * n, n));
        mn_symmetric_kept kept;
        mn_symmetric k = matrix_read(&m, threads, &kept);
        assert_int_equal(k.n, n);
        for (size_t i = 0; i < n; i++) which[i] = n - 1 - i; /* in any order */
        check_columns(&m, &k, n, which);
        check_columns(&m, &k, 1, which + n / 2);
        check_columns(&m, &k, 0, which);
        check_elements(&m, &k);
        check_panels(&m, &k);
        matrix_close(&m);
      }
}

/* A full matrix wrapped as panels is read the same way. */
static void wrapped_matrices(void **state)
{
  (void)state;
  enum { N = 37 };
  float *full = malloc(N * N * sizeof *full);
  matrix m = matrix_open(N, 8, naive_normals(N * N, 5));
  mn_panels *wrapped;
  for (size_t e = 0; e < N * N; e++) full[e] = e % N < e / N ? (float)NAN : (float)m.a[e];
  assert_int_equal(mn_panels_wrap(full, N, N, 8, MN_F32, &wrapped, NULL), MN_OK);
  mn_symmetric_kept kept = {wrapped, 2};
  mn_symmetric k = mn_symmetric_of_panels(&kept);
  const size_t which[] = {0, 7, 8, 36, 7};
  check_columns(&m, &k, 5, which);
  check_elements(&m, &k);
  check_panels(&m, &k);
  mn_panels_close(&wrapped);
  matrix_close(&m);
  free(full);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kept_panels_are_the_matrix),
      cmocka_unit_test(wrapped_matrices),
  };
  return cmocka_run_group_tests_name("symmetric", tests, NULL, NULL);
}
