/* Inner products of bytes in integers: every level this processor has against 64-bit sums, the passes that use them
 * against the formulas in long double, to a few units in the last place. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "gram/bytes.h"
#include "gram/gram.h"
#include "gram/kernels.h"
#include "gram/tile.h"
#include "linalg/threads.h"
#include "naive.h"
#include "support.h"

/* The largest dim whose inner products fit. */
enum { MOST = 33025 };

static int64_t exact_dot(size_t dim, const unsigned char *x, const unsigned char *y)
{
  int64_t sum = 0;
  for (size_t k = 0; k < dim; k++) sum += (int64_t)x[k] * y[k];
  return sum;
}

/* ---- levels */

typedef enum { RANDOM, ALL_255, ALTERNATING } content;

/* ALTERNATING: rows of 255 and rows of 0 in turn. */
static unsigned char *samples_of(size_t n, size_t dim, content what, uint64_t seed)
{
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, n);
  unsigned char *x = malloc(n * dim);
  assert_non_null(x);
  for (size_t i = 0; i < n * dim; i++)
    x[i] = (unsigned char)(what == RANDOM ? mn_random_u32(&r) : what == ALL_255 || i / dim % 2 == 0 ? 255 : 0);
  return x;
}

/* All products of m rows and n columns as 32-bit integers, m x n column-major, from packed panels of exactly the size
 * that is asked for. */
static int32_t *level_products(const mn_bytes_level *l, size_t m, size_t n, size_t dim, const unsigned char *x,
                               const unsigned char *y)
{
  size_t cells = mn_bytes_cells(l, dim);
  uint32_t *px = malloc(mn_bytes_panel_cells(l, l->rows, m, dim) * sizeof *px);
  uint32_t *py = malloc(mn_bytes_panel_cells(l, l->columns, n, dim) * sizeof *py);
  int32_t *out = malloc(m * n * sizeof *out), start[MN_BYTES_ROWS], dots[MN_BYTES_ROWS * MN_BYTES_COLUMNS];
  for (size_t j = 0; j < n; j += l->columns)
    l->pack_columns(dim, n - j < l->columns ? n - j : l->columns, y + j * dim, py + j * cells);
  for (size_t i = 0; i < m; i += l->rows) {
    l->pack_rows(dim, m - i < l->rows ? m - i : l->rows, x + i * dim, px + i * cells, start);
    for (size_t j = 0; j < n; j += l->columns) {
      l->products(cells, px + i * cells, start, py + j * cells, dots, MN_BYTES_ROWS);
      for (size_t c = 0; c < l->columns && j + c < n; c++)
        for (size_t r = 0; r < l->rows && i + r < m; r++) out[i + r + (j + c) * m] = dots[r + c * MN_BYTES_ROWS];
    }
  }
  free(px), free(py);
  return out;
}

static void check_conversions(const mn_bytes_level *l, size_t m, const int32_t *x)
{
  double *wide = malloc(m * sizeof *wide);
  float *narrow = malloc(m * sizeof *narrow);
  const double scale = 1.0 / 65025;
  l->to_f64(m, x, scale, wide);
  l->to_f32(m, x, scale, narrow);
  for (size_t i = 0; i < m; i++) {
    assert_true(wide[i] == scale * (double)x[i]);
    assert_true(fabs(narrow[i] - wide[i]) <= 1.5 * (double)FLT_EPSILON * fabs(wide[i]));
  }
  free(wide), free(narrow);
}

static void check_level(const mn_bytes_level *l, size_t m, size_t n, size_t dim, content what)
{
  unsigned char *x = samples_of(m, dim, what, 1), *y = samples_of(n, dim, what, 2);
  uint32_t *squares = malloc(m * sizeof *squares);
  int32_t *dots = level_products(l, m, n, dim, x, y);
  for (size_t i = 0; i < m; i++) {
    squares[i] = mn_bytes_square(dim, x + i * dim);
    assert_true(squares[i] == exact_dot(dim, x + i * dim, x + i * dim));
  }
  for (size_t j = 0; j < n; j++) {
    const unsigned char *column = y + j * dim;
    int32_t *d = dots + j * m;
    for (size_t i = 0; i < m; i++)
      if (d[i] != exact_dot(dim, x + i * dim, column))
        fail_msg("%s, %zu x %zu of dim %zu: product (%zu, %zu) is %d", l->name, m, n, dim, i, j, (int)d[i]);
    check_conversions(l, m, d);
    l->distances(m, squares, mn_bytes_square(dim, column), d);
    for (size_t i = 0; i < m; i++) {
      int64_t r2 = 0;
      for (size_t k = 0; k < dim; k++) r2 += (int64_t)(x[i * dim + k] - column[k]) * (x[i * dim + k] - column[k]);
      assert_true(d[i] == r2);
    }
    check_conversions(l, m, d);
  }
  free(x), free(y), free(squares), free(dots);
}

static void every_level_is_exact(void **state)
{
  (void)state;
  static const size_t orders[] = {1, 2, 5, 6, 7, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63};
  static const size_t dims[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64};
  enum { ORDERS = sizeof orders / sizeof *orders };
  for (int level = 0; level < MN_BYTES_LEVELS; level++) {
    const mn_bytes_level *l = mn_bytes_level_get(level);
    if (!l) continue;
    for (size_t o = 0; o < ORDERS; o++)
      for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
        check_level(l, orders[o], orders[(o + d) % ORDERS], dims[d], RANDOM);
    check_level(l, 35, 14, 784, RANDOM);
    check_level(l, 17, 13, 3072, RANDOM);
  }
}

static void no_sum_overflows(void **state)
{
  (void)state;
  for (int level = 0; level < MN_BYTES_LEVELS; level++) {
    const mn_bytes_level *l = mn_bytes_level_get(level);
    if (!l) continue;
    for (content what = RANDOM; what <= ALTERNATING; what++) {
      check_level(l, 5, 4, MOST, what);
      check_level(l, 3, 3, MOST - 3, what);
      check_level(l, 3, 2, 3, what);
    }
  }
}

static void the_table_of_levels(void **state)
{
  (void)state;
  const mn_bytes_level *best = NULL;
  for (int level = 0; level < MN_BYTES_LEVELS; level++) {
    const mn_bytes_level *l = mn_bytes_level_get(level);
    if (!l) continue;
    best = l;
    assert_true(mn_cpu_runs(l->needs));
    assert_true(MN_BYTES_ROWS % l->rows == 0 && l->columns <= MN_BYTES_COLUMNS);
  }
  assert_ptr_equal(mn_bytes_best(), best);
  assert_null(mn_bytes_level_get(-1));
  assert_null(mn_bytes_level_get(MN_BYTES_LEVELS));
  assert_true(mn_bytes_fit(1) && mn_bytes_fit(MOST) && !mn_bytes_fit(MOST + 1) && !mn_bytes_fit(SIZE_MAX));
  if (mn_cpu_runs(MN_CPU_AVX2)) assert_non_null(best);
}

/* ---- which samples they serve */

static const mn_bytes_level *chosen(const naive_set *rows, const naive_set *cols)
{
  return mn_tile_bytes_level(&rows->samples, cols ? &cols->samples : NULL);
}

static void only_bytes_of_one_scaling_are_taken(void **state)
{
  (void)state;
  naive_set unit = naive_open(3, 6, MN_U8, MN_SCALE_UNIT, 1), none = naive_open(3, 6, MN_U8, MN_SCALE_NONE, 1);
  naive_set standard = naive_open(3, 6, MN_U8, MN_SCALE_STANDARD, 1), real = naive_open(3, 6, MN_F32, MN_SCALE_UNIT, 1);
  naive_set most = naive_open(1, MOST, MN_U8, MN_SCALE_NONE, 1),
            more = naive_open(1, MOST + 1, MN_U8, MN_SCALE_NONE, 1);
  const mn_bytes_level *best = mn_bytes_best();
  assert_ptr_equal(chosen(&unit, NULL), best);
  assert_ptr_equal(chosen(&none, NULL), best);
  assert_ptr_equal(chosen(&unit, &unit), best);
  assert_ptr_equal(chosen(&most, NULL), best);
  assert_null(chosen(&more, NULL));
  assert_null(chosen(&standard, NULL));
  assert_null(chosen(&real, NULL));
  assert_null(chosen(&unit, &none));
  assert_null(chosen(&none, &unit));
  assert_null(chosen(&unit, &standard));
  assert_null(chosen(&unit, &real));
  assert_null(chosen(&real, &unit));
  naive_set *all[] = {&unit, &none, &standard, &real, &most, &more};
  for (size_t i = 0; i < 6; i++) naive_close(all[i]);
}

/* ---- the passes */

static double element(const mn_panels *p, size_t i, size_t j)
{
  const void *at = mn_panels_at(p, i, j);
  return p->type == MN_F64 ? *(const double *)at : (double)*(const float *)at;
}

static mn_panels *filled(const naive_set *s, const mn_kernel *kernel, size_t width, mn_dtype type, int threads)
{
  mn_panels *p;
  assert_int_equal(mn_panels_open(s->n, width, type, &p, NULL), MN_OK);
  assert_int_equal(mn_gram_fill(&s->samples, kernel, 0, threads, NULL, p, NULL), MN_OK);
  return p;
}

/* Random bytes; a quarter of the samples repeat an earlier one, another differs from one in a single place by 1. */
static naive_set bytes_open(size_t n, size_t dim, mn_scale scale, uint64_t seed)
{
  naive_set s = naive_open(n, dim, MN_U8, scale, seed);
  unsigned char *x = s.data->x;
  for (size_t i = 0; i < n; i++) {
    unsigned char *to = x + i * dim;
    if (i % 4 >= 2) memcpy(to, x + i / 3 * dim, dim);
    if (i % 4 == 3) to[i % dim] = (unsigned char)(to[i % dim] ? to[i % dim] - 1 : 1);
  }
  for (size_t i = 0; i < n * dim; i++) s.x[i] = x[i]; /* unscaled: exact */
  return s;
}

/* A kernel of samples divided by 255, and the one that has the same values, times *size, of the bytes themselves. gamma
 * is a power of 2 times 255 or 255^2, so that both are exact. */
static mn_kernel suited(mn_kernel_name name, size_t dim, mn_scale scale, mn_kernel *bytes, double *size)
{
  const mn_kernel_row *row = mn_kernel_find(name);
  mn_kernel kernel = mn_kernel_default(name);
  double gamma = ldexp(1, row->power == 1 ? -8 - ilogb(sqrt((double)dim)) : -15 - ilogb((double)dim));
  int unit = scale == MN_SCALE_UNIT, scales = !row->of_distance && name != MN_KERNEL_POLYNOMIAL;
  *bytes = kernel;
  bytes->gamma = gamma;
  kernel.gamma = unit ? gamma * (row->power == 1 ? 255 : 65025) : gamma;
  *size = unit && scales ? 65025 : 1;
  return kernel;
}

/* What an entry may be off by, in units of eps times the largest value there can be. Relative for functions of
 * distance, with what the argument of exp adds; the angle t of distinct samples is known to eps / t, unless they nearly
 * coincide: then to all digits. */
static double bound(const mn_kernel *kernel, mn_dtype type, size_t dim, const double *x, const double *y, double value)
{
  const double eps = type == MN_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
  double a = naive_norm(dim, x), b = naive_norm(dim, y), r = naive_distance(dim, x, y), sine = 0;
  if (mn_kernel_find(kernel->name)->of_distance) return eps * value * (4 - 3 * log(value));
  if (kernel->name == MN_KERNEL_LINEAR) return 2 * eps * value;
  if (kernel->name == MN_KERNEL_POLYNOMIAL) return eps * value * (4 + 2 * kernel->degree);
  if (kernel->name == MN_KERNEL_ARCCOS1) return 8 * eps * a * b;
  for (size_t k = 0; k < dim && a > 0 && b > 0; k++) sine += pow(x[k] / a - y[k] / b, 2);
  int near = r * r < mn_tile_near(type) * (a * a + b * b);
  return eps * a * b * (16 + (near ? 0 : 2 / fmax(sqrt(sine), sqrt(eps))));
}

static void check_fill(const naive_set *s, mn_kernel_name name, mn_scale scale, mn_dtype type, size_t width)
{
  mn_kernel bytes;
  double size;
  mn_kernel kernel = suited(name, s->dim, scale, &bytes, &size);
  mn_panels *p = filled(s, &kernel, width, type, 2);
  for (size_t j = 0; j < s->n; j++)
    for (size_t i = j; i < s->n; i++) {
      const double *x = s->x + i * s->dim, *y = s->x + j * s->dim;
      double exact = naive_kernel(&bytes, s->dim, x, y), found = size * element(p, i, j);
      if (!(fabs(found - exact) <= bound(&bytes, type, s->dim, x, y, exact)))
        fail_msg("%s, dim %zu, type %d: K(%zu, %zu) is %.17g, not %.17g", mn_kernel_string(name), s->dim, (int)type, i,
                 j, found, exact);
      if (mn_kernel_find(name)->of_distance && !memcmp(x, y, s->dim * sizeof *x)) assert_true(found == 1);
    }
  mn_panels_close(&p);
}

static void every_kernel_to_a_few_units_in_the_last_place(void **state)
{
  (void)state;
  static const size_t dims[] = {1, 3, 4, 5, 784}, widths[] = {70, 33, 16, 7, 32};
  if (!mn_bytes_best()) skip(); /* gemm is held to other bounds */
  for (mn_scale scale = MN_SCALE_UNIT; scale <= MN_SCALE_NONE; scale++)
    for (size_t d = 0; d < 5; d++) {
      naive_set s = bytes_open(70, dims[d], scale, d);
      for (int name = 0; name < MN_KERNEL_COUNT; name++) {
        check_fill(&s, (mn_kernel_name)name, scale, MN_F64, widths[d]);
        check_fill(&s, (mn_kernel_name)name, scale, MN_F32, widths[d]);
      }
      naive_close(&s);
    }
}

/* Sums of 2^31 and more are still right: gemm's, exact while below 2^53. */
static void larger_dims_fall_back(void **state)
{
  (void)state;
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_LINEAR);
  for (size_t dim = MOST; dim <= MOST + 1; dim++) {
    naive_set s = naive_open(5, dim, MN_U8, MN_SCALE_NONE, 3);
    unsigned char *x = s.data->x;
    memset(x, 255, 2 * dim);
    memset(x + 2 * dim, 0, dim);
    mn_panels *p = filled(&s, &kernel, 5, MN_F64, 1);
    for (size_t j = 0; j < 5; j++)
      for (size_t i = j; i < 5; i++) assert_true(element(p, i, j) == (double)exact_dot(dim, x + i * dim, x + j * dim));
    assert_true((element(p, 1, 0) > INT32_MAX) == (dim > MOST));
    mn_panels_close(&p);
    naive_close(&s);
  }
}

/* The transform of what mn_gram_inner hands out is what mn_gram_fill makes. */
static void inner_products_lead_to_the_same_matrix(void **state)
{
  (void)state;
  enum { N = 70, DIM = 21 };
  if (!mn_bytes_best()) skip(); /* gemm and a transform alone lose samples that coincide */
  naive_set s = bytes_open(N, DIM, MN_SCALE_UNIT, 5);
  for (int name = 0; name < MN_KERNEL_COUNT; name++) {
    mn_kernel kernel = mn_kernel_default((mn_kernel_name)name);
    double norms[N];
    mn_panels *k = filled(&s, &kernel, N, MN_F64, 1), *inner;
    assert_int_equal(mn_panels_open(N, N, MN_F64, &inner, NULL), MN_OK);
    assert_int_equal(mn_gram_inner(&s.samples, &kernel, 2, NULL, inner, norms, NULL), MN_OK);
    for (size_t j = 0; j < N; j++)
      for (size_t i = j; i < N; i++) {
        double r = naive_distance(DIM, s.x + i * DIM, s.x + j * DIM) / 255;
        mn_test_close(norms[i] + norms[j] - 2 * element(inner, i, j), r * r, 1e-13);
      }
    mn_kernel_transform_f64(&kernel, N, N, inner->panel[0].p, inner->panel[0].ld, norms, norms);
    for (size_t j = 0; j < N; j++)
      for (size_t i = j + 1; i < N; i++)
        mn_test_close(element(inner, i, j), element(k, i, j), name == MN_KERNEL_NTK ? 1e-6 : 1e-15);
    mn_panels_close(&k);
    mn_panels_close(&inner);
  }
  naive_close(&s);
}

static double product_gap(const naive_set *rows, const naive_set *cols, const mn_kernel *kernel, int threads)
{
  enum { COLUMNS = 3 };
  size_t m = rows->n, n = cols->n;
  double *v = naive_normals(n * COLUMNS, 1), *exact = malloc(m * COLUMNS * sizeof *exact);
  double *out = malloc(m * COLUMNS * sizeof *out), *k = naive_gram(kernel, rows, cols, 0), gap;
  naive_multiply(m, n, k, COLUMNS, v, exact);
  assert_int_equal(mn_gram_multiply(&rows->samples, &cols->samples, kernel, threads, NULL, "k", COLUMNS, v, out, NULL),
                   MN_OK);
  gap = naive_relative(m * COLUMNS, out, exact);
  if (rows == cols) {
    memset(out, 0xff, m * COLUMNS * sizeof *out); /* NaN */
    assert_int_equal(mn_gram_multiply_symmetric(&rows->samples, kernel, threads, NULL, "k", COLUMNS, v, out, NULL),
                     MN_OK);
    gap = fmax(gap, naive_relative(m * COLUMNS, out, exact));
  }
  free(v), free(exact), free(out), free(k);
  return gap;
}

/* More samples than one streamed tile holds. */
static void products_with_vectors(void **state)
{
  (void)state;
  naive_set s = naive_open(530, 5, MN_U8, MN_SCALE_UNIT, 1), t = naive_open(41, 5, MN_U8, MN_SCALE_UNIT, 2);
  naive_set none = naive_open(41, 5, MN_U8, MN_SCALE_NONE, 2);
  for (int name = 0; name < MN_KERNEL_COUNT; name++) {
    mn_kernel kernel = mn_kernel_default((mn_kernel_name)name);
    int threads = 1 + name % 3;
    assert_true(product_gap(&s, &s, &kernel, threads) <= 1e-13);
    assert_true(product_gap(&s, &t, &kernel, threads) <= 1e-13);
    assert_true(product_gap(&t, &s, &kernel, threads) <= 1e-13);
  }
  mn_kernel mixed = mn_kernel_default(MN_KERNEL_POLYNOMIAL);
  assert_true(product_gap(&s, &none, &mixed, 2) <= 1e-13);
  assert_true(product_gap(&none, &s, &mixed, 2) <= 1e-13);
  naive_close(&s);
  naive_close(&t);
  naive_close(&none);
}

static mn_status inner(void *arg, mn_error *err)
{
  const naive_set *s = arg;
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  double norms[20];
  mn_panels *p;
  mn_status st = mn_panels_open(s->n, 8, MN_F64, &p, err);
  if (!st) st = mn_gram_inner(&s->samples, &kernel, 2, NULL, p, norms, err);
  mn_panels_close(&p);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  naive_set s = naive_open(20, 3, MN_U8, MN_SCALE_UNIT, 5);
  mn_test_every_allocation(inner, &s);
  naive_close(&s);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_level_is_exact),
      cmocka_unit_test(no_sum_overflows),
      cmocka_unit_test(the_table_of_levels),
      cmocka_unit_test(only_bytes_of_one_scaling_are_taken),
      cmocka_unit_test(every_kernel_to_a_few_units_in_the_last_place),
      cmocka_unit_test(larger_dims_fall_back),
      cmocka_unit_test(inner_products_lead_to_the_same_matrix),
      cmocka_unit_test(products_with_vectors),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
