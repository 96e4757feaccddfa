/* Single elements of the Gram matrix against the kernels' formulas in long double: every kernel, type and scaling,
 * samples far from the origin that nearly coincide, threads, failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gram/gram.h"
#include "linalg/threads.h"
#include "naive.h"
#include "support.h"

/* A kernel with a bandwidth that suits the set: exponents and powers of about 1. */
static mn_kernel suited(mn_kernel_name name, const naive_set *s)
{
  mn_kernel kernel = mn_kernel_default(name);
  double mean2 = pow(naive_norm(s->n * s->dim, s->x), 2) / (double)s->n;
  int of_r = name == MN_KERNEL_LAPLACIAN || name == MN_KERNEL_MATERN32 || name == MN_KERNEL_MATERN52;
  kernel.gamma = of_r ? 1 / sqrt(mean2) : 1 / mean2;
  return kernel;
}

/* Every pair of the set, a diagonal and both triangles of it; a value beyond the last is left alone. */
static float *all_pairs(const naive_set *s, const mn_kernel *kernel, int threads)
{
  size_t n = s->n, *i = calloc(n * n, sizeof *i), *j = calloc(n * n, sizeof *j);
  float *out = malloc((n * n + 1) * sizeof *out);
  out[n * n] = 42;
  for (size_t e = 0; e < n * n; e++) i[e] = e % n, j[e] = e / n;
  assert_int_equal(mn_gram_elements(&s->samples, kernel, threads, n * n, i, j, out, NULL), MN_OK);
  assert_true(out[n * n] == 42);
  free(i), free(j);
  return out;
}

static void check(const naive_set *s, const mn_kernel *kernel, double tolerance)
{
  size_t n = s->n;
  double *k = naive_gram(kernel, s, s, 0), largest = 0;
  float *out = all_pairs(s, kernel, 2);
  for (size_t e = 0; e < n * n; e++) largest = fmax(largest, fabs(k[e]));
  for (size_t e = 0; e < n * n; e++) {
    double off = fabs((double)out[e] - k[e]);
    if (!(off <= 0x1p-24 * fabs(k[e]) + tolerance * largest))
      fail_msg("%s, element %zu: %.9g, not %.9g", mn_kernel_string(kernel->name), e, (double)out[e], k[e]);
  }
  free(k), free(out);
}

/* Rounded once to fp32, whatever the kernel. */
static void every_kernel_type_and_scaling(void **state)
{
  (void)state;
  const mn_scale scales[] = {MN_SCALE_NONE, MN_SCALE_UNIT, MN_SCALE_STANDARD};
  for (int name = 0; name < MN_KERNEL_COUNT; name++)
    for (int type = MN_U8; type <= MN_F64; type++)
      for (size_t scale = 0; scale < 3; scale++)
        for (size_t dim = 1; dim <= 40; dim += 13) {
          naive_set s = naive_open(23, dim, (mn_dtype)type, scales[scale], dim);
          mn_kernel kernel = suited((mn_kernel_name)name, &s);
          check(&s, &kernel, 1e-13);
          naive_close(&s);
        }
}

/* The squared distance is a sum of squares of differences, not a difference of large squares: neighbours 1e-6 apart and
 * 1,000 away from the origin keep all of fp32's digits of 1 - k, and equal samples have exactly 1. */
static void near_coinciding_samples(void **state)
{
  (void)state;
  enum { N = 12, DIM = 6 };
  const mn_kernel_name names[] = {MN_KERNEL_GAUSSIAN, MN_KERNEL_LAPLACIAN, MN_KERNEL_MATERN32, MN_KERNEL_MATERN52};
  double *x = naive_normals(N * DIM, 3);
  for (size_t e = 0; e < N * DIM; e++) x[e] = 1000 + 1e-6 * x[e];
  memcpy(x + (N - 1) * DIM, x, DIM * sizeof *x);
  naive_set s = naive_open_rows(N, DIM, x);
  for (size_t k = 0; k < 4; k++) {
    mn_kernel kernel = mn_kernel_default(names[k]);
    kernel.gamma = k ? 1e6 : 1e12;
    check(&s, &kernel, 1e-13);
    float *out = all_pairs(&s, &kernel, 1);
    for (size_t i = 0; i < N; i++) assert_true(out[i * (N + 1)] == 1);
    assert_true(out[N - 1] == 1 && out[1] < 0.99f);
    free(out);
  }
  naive_close(&s);
  free(x);
}

/* The sum of the diagonal, in fp64. */
static void the_trace(void **state)
{
  (void)state;
  for (int name = 0; name < MN_KERNEL_COUNT; name++)
    for (int type = MN_U8; type <= MN_F64; type++) {
      naive_set s = naive_open(23, 14, (mn_dtype)type, type == MN_U8 ? MN_SCALE_UNIT : MN_SCALE_NONE, 4);
      mn_kernel kernel = suited((mn_kernel_name)name, &s);
      double *k = naive_gram(&kernel, &s, &s, 0), trace = 0, found;
      for (size_t i = 0; i < s.n; i++) trace += k[i * (s.n + 1)];
      assert_int_equal(mn_gram_trace(&s.samples, &kernel, 2, &found, NULL), MN_OK);
      mn_test_close(found / trace, 1, 1e-13);
      free(k);
      naive_close(&s);
    }
}

static void threads_do_not_matter(void **state)
{
  (void)state;
  naive_set s = naive_open(40, 17, MN_U8, MN_SCALE_STANDARD, 1);
  mn_kernel kernel = suited(MN_KERNEL_GAUSSIAN, &s);
  float *one = all_pairs(&s, &kernel, 1);
  for (int threads = 2; threads <= 5; threads++) {
    float *out = all_pairs(&s, &kernel, threads);
    assert_memory_equal(out, one, 1600 * sizeof *out);
    free(out);
  }
  free(one);
  assert_int_equal(mn_gram_elements(&s.samples, &kernel, 2, 0, NULL, NULL, NULL, NULL), MN_OK); /* none asked for */
  naive_close(&s);
}

static mn_status few(void *arg, mn_error *err)
{
  const naive_set *s = arg;
  const size_t i[] = {0, 1, 2, 3}, j[] = {3, 2, 2, 0};
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  float out[4];
  return mn_gram_elements(&s->samples, &kernel, 2, 4, i, j, out, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  naive_set s = naive_open(4, 3, MN_F32, MN_SCALE_NONE, 1);
  mn_test_every_allocation(few, &s);
  naive_close(&s);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kernel_type_and_scaling),
      cmocka_unit_test(near_coinciding_samples),
      cmocka_unit_test(the_trace),
      cmocka_unit_test(threads_do_not_matter),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("elements", tests, NULL, NULL);
}
