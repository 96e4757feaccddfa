/* The Gram passes against plain loops over the formulas: every kernel, type and scaling; samples that nearly coincide;
 * the properties of a Gram matrix; threads, progress, cancelling, failing allocations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gram/block.h"
#include "gram/gram.h"
#include "gram/kernels.h"
#include "linalg/dense.h"
#include "linalg/skinny.h"
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

static double largest(size_t count, const double *a)
{
  double best = 0;
  for (size_t i = 0; i < count; i++) best = fmax(best, fabs(a[i]));
  return best;
}

static double element(const mn_panels *p, size_t i, size_t j)
{
  const void *at = mn_panels_at(p, i, j);
  return p->type == MN_F64 ? *(const double *)at : (double)*(const float *)at;
}

static mn_panels *filled(const naive_set *s, const mn_kernel *kernel, double ridge, size_t width, mn_dtype type,
                         int threads)
{
  mn_panels *p;
  assert_int_equal(mn_panels_open(s->n, width, type, &p, NULL), MN_OK);
  for (size_t j = 0; j < p->count; j++)
    memset(p->panel[j].p, 0xff, p->panel[j].ld * mn_panels_rows(p, j) * mn_dtype_size(type)); /* NaN */
  assert_int_equal(mn_gram_fill(&s->samples, kernel, ridge, threads, NULL, p, NULL), MN_OK);
  return p;
}

/* K (n x n, full, column-major) in fp64. */
static double *full(const naive_set *s, const mn_kernel *kernel)
{
  mn_panels *p = filled(s, kernel, 0, 16, MN_F64, 2);
  double *k = malloc(s->n * s->n * sizeof *k);
  for (size_t j = 0; j < s->n; j++)
    for (size_t i = j; i < s->n; i++) k[i + j * s->n] = k[j + i * s->n] = element(p, i, j);
  mn_panels_close(&p);
  return k;
}

/* ---- against plain loops */

static void check_fill(const naive_set *s, const mn_kernel *kernel, size_t width, mn_dtype type, double ridge,
                       int threads)
{
  double *exact = naive_gram(kernel, s, s, ridge), size = largest(s->n * s->n, exact);
  mn_panels *p = filled(s, kernel, ridge, width, type, threads);
  for (size_t j = 0; j < s->n; j++)
    for (size_t i = j; i < s->n; i++) {
      double gap = fabs(element(p, i, j) - exact[i + j * s->n]);
      if (!(gap <= (type == MN_F64 ? 2e-14 : 4e-6) * size))
        fail_msg("%s, width %zu: K(%zu, %zu) is off by %g of %g", mn_kernel_string(kernel->name), width, i, j, gap,
                 size);
    }
  mn_panels_close(&p);
  free(exact);
}

static void check_multiply(const naive_set *rows, const naive_set *cols, const mn_kernel *kernel, size_t columns,
                           int threads)
{
  size_t m = rows->n, n = cols->n;
  double *k = naive_gram(kernel, rows, cols, 0), *v = naive_normals(n * columns, 1);
  double *exact = malloc(m * columns * sizeof *exact), *out = malloc(m * columns * sizeof *out);
  naive_multiply(m, n, k, columns, v, exact);
  double bound = 1e-14 * largest(m * n, k) * sqrt((double)(m * n)) * naive_norm(n * columns, v);
  assert_int_equal(
      mn_gram_multiply(&rows->samples, &cols->samples, kernel, threads, NULL, "predict", columns, v, out, NULL), MN_OK);
  assert_true(naive_distance(m * columns, out, exact) <= bound);
  if (rows == cols) {
    memset(out, 0xff, n * columns * sizeof *out); /* NaN */
    assert_int_equal(
        mn_gram_multiply_symmetric(&rows->samples, kernel, threads, NULL, "residual", columns, v, out, NULL), MN_OK);
    assert_true(naive_distance(n * columns, out, exact) <= bound);
    float *single = malloc(n * columns * sizeof *single);
    for (size_t i = 0; i < n * columns; i++) single[i] = (float)v[i];
    memset(out, 0xff, n * columns * sizeof *out);
    assert_int_equal(
        mn_gram_multiply_symmetric_f32(&rows->samples, kernel, threads, NULL, "k", columns, single, out, NULL), MN_OK);
    assert_true(naive_distance(n * columns, out, exact) <= 4e8 * bound); /* as elements of K in fp32 and fp64 above */
    free(single);
  }
  free(k), free(v), free(exact), free(out);
}

static void check_norms(const naive_set *s)
{
  double *norms = malloc(s->n * sizeof *norms);
  for (int threads = 1; threads <= 3; threads++) {
    assert_int_equal(mn_block_norms(&s->samples, NULL, threads, norms, NULL), MN_OK);
    for (size_t i = 0; i < s->n; i++) {
      double exact = pow(naive_norm(s->dim, s->x + i * s->dim), 2);
      assert_true(fabs(norms[i] - exact) <= 1e-14 * exact);
    }
  }
  free(norms);
}

static void passes_equal_plain_loops(void **state)
{
  (void)state;
  static const mn_scale scales[] = {MN_SCALE_UNIT, MN_SCALE_NONE, MN_SCALE_STANDARD};
  const size_t orders[] = {1, 16, mn_test_is_wrapped() ? 21 : 45};
  for (int type = MN_U8; type <= MN_F64; type++)
    for (size_t c = 0; c < 3; c++)
      for (size_t o = type == MN_U8 ? 0 : 2; o < 3; o++) {
        if (orders[o] == 1 && scales[c] == MN_SCALE_STANDARD) continue; /* a single sample is its own mean */
        naive_set s = naive_open(orders[o], 9, (mn_dtype)type, scales[c], 1);
        naive_set t = naive_open(mn_test_is_wrapped() ? 11 : 23, 9, (mn_dtype)type, scales[c], 2);
        check_norms(&s);
        for (int name = 0; name < MN_KERNEL_COUNT; name++) {
          mn_kernel kernel = suited((mn_kernel_name)name, &s);
          int threads = 1 + (name + type + (int)c) % 3;
          check_fill(&s, &kernel, 16, MN_F64, 0, threads);
          check_fill(&s, &kernel, 7, MN_F64, 0.25, threads);
          check_fill(&s, &kernel, 16, MN_F32, 0.25, threads);
          check_multiply(&s, &s, &kernel, 3, threads);
          check_multiply(&t, &s, &kernel, 2, threads);
        }
        naive_close(&s);
        naive_close(&t);
      }
}

/* More samples than one streamed tile of 512 holds. */
static void streamed_tiles_are_put_together(void **state)
{
  (void)state;
  naive_set s = naive_open(530, 3, MN_F32, MN_SCALE_NONE, 1), t = naive_open(5, 3, MN_F32, MN_SCALE_NONE, 2);
  const mn_kernel_name names[] = {MN_KERNEL_LAPLACIAN, MN_KERNEL_NTK};
  for (size_t k = 0; k < 2; k++) {
    mn_kernel kernel = suited(names[k], &s);
    for (int threads = mn_test_is_wrapped() ? 2 : 1; threads <= 2; threads++)
      check_multiply(&s, &s, &kernel, 2, threads);
    check_multiply(&s, &t, &kernel, 1, 3);
    check_multiply(&t, &s, &kernel, 1, 3);
  }
  naive_close(&s);
  naive_close(&t);
  if (mn_test_is_wrapped()) return;
  naive_set many = naive_open(1100, 3, MN_U8, MN_SCALE_UNIT, 3); /* and of 1,024, for many vectors */
  mn_kernel kernel = suited(MN_KERNEL_GAUSSIAN, &many);
  check_multiply(&many, &many, &kernel, MN_SKINNY_GEMM_FROM, 2);
  naive_close(&many);
}

static void ridge_is_on_the_diagonal_only(void **state)
{
  (void)state;
  naive_set s = naive_open(40, 6, MN_U8, MN_SCALE_UNIT, 1);
  for (int type = MN_F32; type <= MN_F64; type++)
    for (int name = 0; name < MN_KERNEL_COUNT; name++) {
      mn_kernel kernel = suited((mn_kernel_name)name, &s);
      mn_panels *none = filled(&s, &kernel, 0, 16, (mn_dtype)type, 1);
      mn_panels *ridge = filled(&s, &kernel, 0.5, 16, (mn_dtype)type, 1);
      int of_distance = mn_kernel_find((mn_kernel_name)name)->of_distance;
      for (size_t j = 0; j < s.n; j++)
        for (size_t i = j; i < s.n; i++) {
          double k = element(none, i, j), eps = type == MN_F64 ? 0x1p-51 : 0x1p-22;
          if (i != j) assert_true(element(ridge, i, j) == k);
          if (i == j && of_distance) assert_true(k == 1 && element(ridge, i, j) == 1.5);
          if (i == j) mn_test_close(element(ridge, i, j), k + 0.5, eps);
        }
      mn_panels_close(&none);
      mn_panels_close(&ridge);
    }
  naive_close(&s);
}

/* ---- samples that nearly coincide */

/* Rows: x, x again, x moved by ever larger steps, x stretched a little. */
static naive_set close_rows(mn_dtype type)
{
  enum { DIM = 5 };
  static const double steps[2][9] = {{0, 0, 1e-15, 1e-12, 1e-10, 1e-8, 1e-6, 3e-6, 1e-5},
                                     {0, 0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2}};
  double *base = naive_normals(DIM, 6), x[14 * DIM];
  for (size_t i = 0; i < 14; i++)
    for (size_t k = 0; k < DIM; k++) {
      double step = steps[type == MN_F32][i < 9 ? i : i - 6];
      x[i * DIM + k] = i < 9 ? base[k] + (k == 1 ? step : 0) : base[k] * (1 + step / 4);
      if (type == MN_F32) x[i * DIM + k] = (float)x[i * DIM + k];
    }
  free(base);
  return naive_open_rows(14, DIM, x);
}

/* The distance of the two directions, about the angle when that is small. */
static double turned(size_t dim, const double *x, const double *y)
{
  double a = naive_norm(dim, x), b = naive_norm(dim, y), sum = 0;
  for (size_t k = 0; k < dim; k++) sum += pow(x[k] / a - y[k] / b, 2);
  return sqrt(sum);
}

/* What an entry may be off by. Below 1e-10 of ||x||^2 + ||y||^2 squared distances are exact, and only the norms, known
 * to a unit in the last place, hurt the angle: norms that differ by a fraction f may look like an angle of sqrt(f eps).
 * Above, everything comes from inner products: a distance r is off by eps (||x||^2 + ||y||^2) / r, an angle t by eps /
 * t and never by more than sqrt(eps). */
static double near_bound(const mn_kernel *kernel, mn_dtype type, const double *x, const double *y, size_t dim)
{
  const double eps = 0x1p-52;
  double a = naive_norm(dim, x), b = naive_norm(dim, y), r = naive_distance(dim, x, y), total = a * a + b * b;
  int exact = r * r < 0.9e-10 * total;
  if (type == MN_F32) return 2e-6;
  if (kernel->name == MN_KERNEL_LAPLACIAN) return 1e-13 + (exact ? 0 : kernel->gamma * eps * total / r);
  if (kernel->name == MN_KERNEL_NTK)
    return 1e-13 + (exact ? sqrt(fabs(a - b) / b * eps) : eps / fmax(turned(dim, x, y), sqrt(eps)));
  return 1e-13;
}

static void check_column(const naive_set *s, const mn_kernel *kernel, mn_dtype type, size_t j, const double *found)
{
  size_t d = s->dim;
  for (size_t i = 0; i < s->n; i++) {
    const double *x = s->x + i * d, *y = s->x + j * d;
    double exact = naive_kernel(kernel, d, x, y), size = fmax(1, naive_kernel(kernel, d, y, y));
    if (!(fabs(found[i] - exact) <= near_bound(kernel, type, x, y, d) * size))
      fail_msg("%s: K(%zu, %zu) is %.17g, not %.17g", mn_kernel_string(kernel->name), i, j, found[i], exact);
  }
}

static void near_samples_keep_their_digits(void **state)
{
  (void)state;
  for (int type = MN_F32; type <= MN_F64; type++) {
    naive_set s = close_rows((mn_dtype)type);
    for (int name = 0; name < MN_KERNEL_COUNT; name++) {
      mn_kernel kernel = suited((mn_kernel_name)name, &s);
      double column[14], e[14];
      mn_panels *p = filled(&s, &kernel, 0, 5, (mn_dtype)type, 1);
      for (size_t j = 0; j < s.n; j++) {
        for (size_t i = 0; i < s.n; i++) e[i] = i == j, column[i] = i > j ? element(p, i, j) : element(p, j, i);
        check_column(&s, &kernel, (mn_dtype)type, j, column);
        assert_int_equal(mn_gram_multiply(&s.samples, &s.samples, &kernel, 1, NULL, "k", 1, e, column, NULL), MN_OK);
        check_column(&s, &kernel, MN_F64, j, column);
        assert_int_equal(mn_gram_multiply_symmetric(&s.samples, &kernel, 2, NULL, "k", 1, e, column, NULL), MN_OK);
        check_column(&s, &kernel, MN_F64, j, column);
      }
      mn_panels_close(&p);
    }
    naive_close(&s);
  }
}

/* A column of duplicates that is longer than any block the pass looks at. */
static void long_columns_of_duplicates(void **state)
{
  (void)state;
  enum { N = 2100 };
  double *x = malloc(N * sizeof *x);
  for (size_t i = 0; i < N; i++) x[i] = 1.1 + (double)(i / 2090);
  naive_set s = naive_open_rows(N, 1, x);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_LAPLACIAN);
  mn_panels *p = filled(&s, &kernel, 0, N, MN_F64, 1);
  for (size_t j = 0; j < N; j += 19)
    for (size_t i = j; i < N; i++) mn_test_close(element(p, i, j), (i >= 2090) == (j >= 2090) ? 1 : exp(-1), 1e-15);
  mn_panels_close(&p);
  naive_close(&s);
  free(x);
}

/* ---- properties */

static void matrices_are_positive_semidefinite(void **state)
{
  (void)state;
  naive_set s = naive_open(60, 4, MN_U8, MN_SCALE_UNIT, 8);
  for (int name = 0; name < MN_KERNEL_COUNT; name++) {
    mn_kernel kernel = suited((mn_kernel_name)name, &s);
    double *k = full(&s, &kernel), values[60];
    assert_int_equal(mn_eigen_factor(s.n, k, values, 1, NULL), MN_OK);
    assert_true(values[0] >= -1e-14 * values[s.n - 1]);
    if (mn_kernel_find((mn_kernel_name)name)->strictly_positive) assert_true(values[0] > 1e-12);
    free(k);
  }
  naive_close(&s);
}

static void permuted_samples_permute_the_matrix(void **state)
{
  (void)state;
  enum { N = 50, DIM = 7 };
  naive_set s = naive_open(N, DIM, MN_F64, MN_SCALE_NONE, 9);
  double permuted[N * DIM];
  size_t order[N];
  for (size_t i = 0; i < N; i++) order[i] = (i * 17 + 3) % N;
  for (size_t i = 0; i < N; i++) memcpy(permuted + i * DIM, s.x + order[i] * DIM, DIM * sizeof(double));
  naive_set t = naive_open_rows(N, DIM, permuted);
  for (int name = 0; name < MN_KERNEL_COUNT; name++) {
    mn_kernel kernel = suited((mn_kernel_name)name, &s);
    double *k = full(&s, &kernel), *kp = full(&t, &kernel), size = largest(N * N, k);
    for (size_t j = 0; j < N; j++)
      for (size_t i = 0; i < N; i++) assert_true(fabs(kp[i + j * N] - k[order[i] + order[j] * N]) <= 1e-14 * size);
    free(k);
    free(kp);
  }
  naive_close(&s);
  naive_close(&t);
}

/* u'(K v) = (K u)'v, with different tiles on either side. */
static void products_are_symmetric(void **state)
{
  (void)state;
  naive_set s = naive_open(600, 4, MN_F32, MN_SCALE_NONE, 8);
  double *u = naive_normals(600, 1), *v = naive_normals(600, 2), ku[600], kv[600], left = 0, right = 0;
  for (int name = 0; name < MN_KERNEL_COUNT; name++) {
    mn_kernel kernel = suited((mn_kernel_name)name, &s);
    assert_int_equal(mn_gram_multiply_symmetric(&s.samples, &kernel, 2, NULL, "k", 1, u, ku, NULL), MN_OK);
    assert_int_equal(mn_gram_multiply(&s.samples, &s.samples, &kernel, 2, NULL, "k", 1, v, kv, NULL), MN_OK);
    left = right = 0;
    for (size_t i = 0; i < 600; i++) left += ku[i] * v[i], right += u[i] * kv[i];
    assert_true(fabs(left - right) <= 1e-13 * naive_norm(600, ku) * naive_norm(600, v));
  }
  free(u);
  free(v);
  naive_close(&s);
}

/* ---- panels, threads, callbacks, failures */

static void check_threads(mn_dtype samples)
{
  naive_set s = naive_open(150, 20, samples, MN_SCALE_UNIT, 5);
  for (int type = MN_F32; type <= MN_F64; type++)
    for (int name = 0; name < MN_KERNEL_COUNT; name++) {
      mn_kernel kernel = suited((mn_kernel_name)name, &s);
      mn_panels *one = filled(&s, &kernel, 0.1, 16, (mn_dtype)type, 1);
      for (int threads = 2; threads <= 4; threads++) {
        mn_panels *many = filled(&s, &kernel, 0.1, 16, (mn_dtype)type, threads);
        for (size_t j = 0; j < s.n; j++)
          for (size_t i = j; i < s.n; i++) assert_true(element(one, i, j) == element(many, i, j));
        mn_panels_close(&many);
      }
      mn_panels_close(&one);
    }
  naive_close(&s);
}

/* Bytes and floats: integers and gemm. */
static void threads_do_not_change_a_bit(void **state)
{
  (void)state;
  check_threads(MN_U8);
  check_threads(MN_F32);
}

static void a_wrapped_matrix_is_filled_in_place(void **state)
{
  (void)state;
  enum { N = 50, LD = 57, WIDTH = 16 };
  naive_set s = naive_open(N, 6, MN_U8, MN_SCALE_UNIT, 5);
  mn_kernel kernel = suited(MN_KERNEL_GAUSSIAN, &s);
  double a[LD * N], *exact = naive_gram(&kernel, &s, &s, 2);
  mn_panels *p;
  for (size_t i = 0; i < LD * N; i++) a[i] = -7;
  assert_int_equal(mn_panels_wrap(a, N, LD, WIDTH, MN_F64, &p, NULL), MN_OK);
  assert_int_equal(mn_gram_fill(&s.samples, &kernel, 2, 2, NULL, p, NULL), MN_OK);
  for (size_t j = 0; j < N; j++)
    for (size_t i = 0; i < LD; i++)
      if (i >= N || i < j / WIDTH * WIDTH)
        assert_true(a[i + j * LD] == -7);
      else if (i >= j)
        mn_test_close(a[i + j * LD], exact[i + j * N], 1e-14);
  mn_panels_close(&p);
  free(exact);
  naive_close(&s);
}

static void unequal_dims_are_refused(void **state)
{
  (void)state;
  naive_set s = naive_open(4, 6, MN_U8, MN_SCALE_UNIT, 5), t = naive_open(4, 11, MN_U8, MN_SCALE_UNIT, 5);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  double v[4] = {0}, out[4];
  mn_error err = {0};
  assert_int_equal(mn_gram_multiply(&t.samples, &s.samples, &kernel, 1, NULL, "k", 1, v, out, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "11"));
  assert_non_null(strstr(err.text, "6"));
  naive_close(&s);
  naive_close(&t);
}

typedef struct {
  const char *phase;
  double total, last;
  int calls, cancel_at; /* the call that cancels, from 1; 0: none */
} watch;

static int watching(void *user, const mn_progress *progress)
{
  watch *w = user;
  assert_string_equal(progress->phase, w->phase);
  assert_string_equal(progress->unit, "flop");
  assert_true(progress->total == w->total && progress->done >= w->last);
  w->last = progress->done;
  return ++w->calls == w->cancel_at;
}

static mn_status run(int which, const naive_set *s, const naive_set *t, const mn_context *ctx, mn_error *err)
{
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_LAPLACIAN);
  double *v = calloc(s->n, sizeof *v), *out = malloc(s->n * sizeof *out);
  mn_panels *p = NULL;
  mn_status st = MN_OK;
  if (which < 2) st = mn_panels_open(s->n, 8, which ? MN_F64 : MN_F32, &p, err);
  if (!st && which < 2)
    st = mn_gram_fill(&s->samples, &kernel, 0, 2, ctx, p, err);
  else if (!st && which == 2)
    st = mn_gram_multiply(&t->samples, &s->samples, &kernel, 2, ctx, "gram", 1, v, out, err);
  else if (!st)
    st = mn_gram_multiply_symmetric(&s->samples, &kernel, 2, ctx, "gram", 1, v, out, err);
  mn_panels_close(&p);
  free(v);
  free(out);
  return st;
}

static void check_progress(mn_dtype samples)
{
  enum { N = 40, M = 9, DIM = 6 };
  naive_set s = naive_open(N, DIM, samples, MN_SCALE_UNIT, 5), t = naive_open(M, DIM, samples, MN_SCALE_UNIT, 5);
  for (int which = 0; which < 4; which++)
    for (int cancel = 0; cancel < 2; cancel++) {
      watch w = {.phase = "gram", .total = which == 2 ? 2 * N * M * DIM : N * N * DIM, .cancel_at = cancel};
      mn_context ctx = {.progress = watching, .user = &w};
      mn_error err = {0};
      assert_int_equal(run(which, &s, &t, &ctx, &err), cancel ? MN_ERR_CANCELLED : MN_OK);
      assert_true(cancel ? strstr(err.text, "gram") != NULL : w.last == w.total);
    }
  naive_close(&s);
  naive_close(&t);
}

static void progress_and_cancelling(void **state)
{
  (void)state;
  check_progress(MN_U8);
  check_progress(MN_F32);
}

static mn_status run_all(void *arg, mn_error *err)
{
  const naive_set *s = arg;
  double norms[20];
  mn_status st = mn_block_norms(&s->samples, NULL, 2, norms, err);
  for (int which = 0; !st && which < 4; which++) st = run(which, s, s, NULL, err);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  for (int type = MN_U8; type <= MN_F32; type++) {
    naive_set s = naive_open(20, 3, (mn_dtype)type, MN_SCALE_UNIT, 5);
    mn_test_every_allocation(run_all, &s);
    naive_close(&s);
  }
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(passes_equal_plain_loops),
      cmocka_unit_test(streamed_tiles_are_put_together),
      cmocka_unit_test(ridge_is_on_the_diagonal_only),
      cmocka_unit_test(near_samples_keep_their_digits),
      cmocka_unit_test(long_columns_of_duplicates),
      cmocka_unit_test(matrices_are_positive_semidefinite),
      cmocka_unit_test(permuted_samples_permute_the_matrix),
      cmocka_unit_test(products_are_symmetric),
      cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test(a_wrapped_matrix_is_filled_in_place),
      cmocka_unit_test(unequal_dims_are_refused),
      cmocka_unit_test(progress_and_cancelling),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("gram", tests, NULL, NULL);
}
