/* The table of kernels: every transform of every instruction set this processor has, in both precisions, against the
 * long double oracle; known values, symmetry, positive semidefiniteness. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "gram/kernels.h"
#include "kernel_oracle.h"

enum { F64, F32, PRECISIONS };
static const double eps_of[PRECISIONS] = {DBL_EPSILON, FLT_EPSILON};

/* The most rows and columns of a case, and the room for a leading dimension above m. */
enum { max_m = 300, max_n = 17, max_ld = max_m + 7, max_dim = 64 };

/* Inner products and squared norms of m and n samples, rounded to the precision of the case. */
typedef struct {
  size_t m, n, ld;
  int precision;
  double rows[max_m], cols[max_n];
  double dots[max_ld * max_n]; /* ld x n, column-major; the padding holds `padding` */
} tile_case;

static const double padding = -12345.0;

static double rounded(int precision, wide x)
{
  return precision == F64 ? (double)x : (double)(float)x;
}

static wide dot_of(size_t dim, const double *x, const double *y)
{
  wide sum = 0;
  for (size_t k = 0; k < dim; k++) sum += (wide)x[k] * (wide)y[k];
  return sum;
}

static void random_sample(mn_random *random, size_t dim, double scale, double *x)
{
  for (size_t k = 0; k < dim; k++) x[k] = scale * mn_random_normal(random);
}

/* Column samples are drawn; row samples are drawn too, or, two times in eight, equal or opposite to a column's, close
 * to one, or 0. */
static void fill_case(tile_case *c, size_t m, size_t n, size_t pad, int precision, size_t dim, double scale,
                      uint64_t seed)
{
  static double x[max_dim], y[max_n][max_dim];
  mn_random random = mn_random_open(seed, MN_STREAM_TEST, 0);
  c->m = m, c->n = n, c->ld = m + pad, c->precision = precision;
  for (size_t j = 0; j < n; j++) {
    random_sample(&random, dim, j % 5 == 4 ? 0 : scale, y[j]);
    c->cols[j] = rounded(precision, dot_of(dim, y[j], y[j]));
  }
  for (size_t k = 0; k < c->ld * n; k++) c->dots[k] = padding;
  for (size_t i = 0; i < m; i++) {
    const double *near = y[i % n];
    random_sample(&random, dim, i % 8 < 4 ? scale : i % 8 == 6 ? scale * 1e-4 : 0, x);
    double sign = i % 8 == 4 || i % 8 == 6 ? 1 : i % 8 == 5 ? -1 : 0;
    for (size_t k = 0; k < dim; k++) x[k] += sign * near[k];
    c->rows[i] = rounded(precision, dot_of(dim, x, x));
    for (size_t j = 0; j < n; j++) c->dots[i + j * c->ld] = rounded(precision, dot_of(dim, x, y[j]));
  }
}

/* Runs a transform over a case, `out` being ld x n in double whatever the precision. */
static void run(const mn_kernel_level *level, const mn_kernel *kernel, const tile_case *c, double *out)
{
  static float tile[max_ld * max_n], rows[max_m], cols[max_n];
  if (c->precision == F64) {
    memcpy(out, c->dots, c->ld * c->n * sizeof *out);
    level->f64[kernel->name](kernel, c->m, c->n, out, c->ld, c->rows, c->cols);
    return;
  }
  for (size_t k = 0; k < c->ld * c->n; k++) tile[k] = (float)c->dots[k];
  for (size_t i = 0; i < c->m; i++) rows[i] = (float)c->rows[i];
  for (size_t j = 0; j < c->n; j++) cols[j] = (float)c->cols[j];
  level->f32[kernel->name](kernel, c->m, c->n, tile, c->ld, rows, cols);
  for (size_t k = 0; k < c->ld * c->n; k++) out[k] = (double)tile[k];
}

static void check_case(const mn_kernel_level *level, const mn_kernel *kernel, const tile_case *c)
{
  static double out[max_ld * max_n];
  const wide eps = (wide)eps_of[c->precision];
  run(level, kernel, c, out);
  for (size_t j = 0; j < c->n; j++) {
    for (size_t i = 0; i < c->ld; i++) {
      double value = out[i + j * c->ld];
      wide dot = (wide)c->dots[i + j * c->ld];
      if (i >= c->m) {
        if (value != padding)
          fail_msg("%s, %s: row %zu below %zu rows is touched", level->name, mn_kernel_string(kernel->name), i, c->m);
        continue;
      }
      wide exact = oracle_kernel(kernel, dot, (wide)c->rows[i], (wide)c->cols[j], eps, 0);
      wide bound = oracle_bound(kernel, dot, (wide)c->rows[i], (wide)c->cols[j], eps);
      if (!(fabsl((wide)value - exact) <= bound))
        fail_msg("%s, %s, eps %g, gamma %g: (%zu, %zu) is %.17g, not %.17Lg to %Lg", level->name,
                 mn_kernel_string(kernel->name), (double)eps, kernel->gamma, i, j, value, exact, bound);
    }
  }
}

/* Calls f for every level of this processor. */
static void for_every_level(void (*f)(const mn_kernel_level *level))
{
  assert_non_null(mn_kernel_level_get(0));
  for (int l = 0; l < MN_KERNEL_LEVELS; l++)
    if (mn_kernel_level_get(l)) f(mn_kernel_level_get(l));
}

static const mn_kernel variants[] = {
    {MN_KERNEL_LINEAR, 1, 0, 1, 1},        {MN_KERNEL_GAUSSIAN, 0.02, 0, 1, 1},  {MN_KERNEL_GAUSSIAN, 3, 0, 1, 1},
    {MN_KERNEL_LAPLACIAN, 0.3, 0, 1, 1},   {MN_KERNEL_LAPLACIAN, 20, 0, 1, 1},   {MN_KERNEL_MATERN32, 0.3, 0, 1, 1},
    {MN_KERNEL_MATERN32, 20, 0, 1, 1},     {MN_KERNEL_MATERN52, 0.3, 0, 1, 1},   {MN_KERNEL_MATERN52, 20, 0, 1, 1},
    {MN_KERNEL_POLYNOMIAL, 0.1, 1, 1, 1},  {MN_KERNEL_POLYNOMIAL, 0.1, 1, 2, 1}, {MN_KERNEL_POLYNOMIAL, 0.1, 1, 3, 1},
    {MN_KERNEL_POLYNOMIAL, 0.1, -2, 7, 1}, {MN_KERNEL_POLYNOMIAL, 2, 0, 12, 1},  {MN_KERNEL_ARCCOS1, 1, 0, 1, 1},
    {MN_KERNEL_NTK, 1, 0, 1, 1},           {MN_KERNEL_NTK, 1, 0, 1, 2},          {MN_KERNEL_NTK, 1, 0, 1, 3},
    {MN_KERNEL_NTK, 1, 0, 1, 10},
};
enum { variant_count = sizeof variants / sizeof *variants };

static void check_depth(const mn_kernel_level *level, int precision)
{
  static tile_case c;
  const mn_kernel deepest = {MN_KERNEL_NTK, 1, 0, 1, 100};
  fill_case(&c, 24, 2, 0, precision, 5, 1, 31);
  check_case(level, &deepest, &c);
}

static void check_shapes(const mn_kernel_level *level)
{
  static const size_t shapes[][3] = {{1, 1, 0},   {2, 3, 1},   {3, 2, 0},   {7, 5, 2},   {8, 1, 0},  {9, 4, 7},
                                     {15, 3, 1},  {16, 2, 0},  {17, 17, 3}, {31, 2, 1},  {33, 3, 0}, {64, 2, 0},
                                     {255, 2, 1}, {256, 3, 0}, {257, 2, 5}, {300, 5, 7}, {0, 3, 4}};
  static tile_case c;
  for (int precision = 0; precision < PRECISIONS; precision++) {
    check_depth(level, precision);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
      fill_case(&c, shapes[s][0], shapes[s][1], shapes[s][2], precision, 5, 1, s);
      for (int v = 0; v < variant_count; v++) check_case(level, &variants[v], &c);
    }
  }
}

static void transforms_equal_the_oracle_in_every_shape(void **state)
{
  (void)state;
  for_every_level(check_shapes);
}

static void check_scales(const mn_kernel_level *level)
{
  static const size_t dims[] = {1, 2, 3, 17, 64};
  static const double scales[] = {1e-6, 1e-2, 1, 10, 1e5};
  static tile_case c;
  for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
      for (int precision = 0; precision < PRECISIONS; precision++) {
        fill_case(&c, 45, 6, 3, precision, dims[d], scales[s], 100 + d);
        for (int v = 0; v < variant_count; v++) {
          mn_kernel kernel = variants[v]; /* a power of a large number would only overflow */
          if (kernel.name == MN_KERNEL_POLYNOMIAL) kernel.gamma /= 1 + scales[s] * scales[s] * (double)dims[d];
          check_case(level, &kernel, &c);
        }
      }
    }
  }
}

static void transforms_equal_the_oracle_at_every_scale(void **state)
{
  (void)state;
  for_every_level(check_scales);
}

static void check_gammas(const mn_kernel_level *level)
{
  static const mn_kernel_name names[] = {MN_KERNEL_GAUSSIAN, MN_KERNEL_LAPLACIAN, MN_KERNEL_MATERN32,
                                         MN_KERNEL_MATERN52};
  static tile_case c;
  for (int precision = 0; precision < PRECISIONS; precision++) {
    fill_case(&c, 40, 6, 0, precision, 5, 1, 7);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
      mn_kernel kernel = mn_kernel_default(names[k]);
      for (kernel.gamma = 1e-12; kernel.gamma < 1e5; kernel.gamma *= 1.7) check_case(level, &kernel, &c);
    }
  }
}

static void transforms_equal_the_oracle_for_every_gamma(void **state)
{
  (void)state;
  for_every_level(check_gammas);
}

/* A tile of one precision-independent pair: the value for given products, in either precision. */
static double one(const mn_kernel_level *level, const mn_kernel *kernel, int precision, double dot, double norm2_x,
                  double norm2_y)
{
  tile_case c = {.m = 1, .n = 1, .ld = 1, .precision = precision};
  double out[max_ld * max_n];
  c.rows[0] = norm2_x, c.cols[0] = norm2_y, c.dots[0] = dot;
  run(level, kernel, &c, out);
  return out[0];
}

static void check_limits(const mn_kernel_level *level)
{
  for (int k = 0; k < MN_KERNEL_COUNT; k++) {
    mn_kernel kernel = mn_kernel_default((mn_kernel_name)k);
    for (int p = 0; p < PRECISIONS; p++) {
      kernel.gamma = 1;
      assert_true(isnan(one(level, &kernel, p, NAN, 1, 1)));
      if (!mn_kernel_find(kernel.name)->of_distance) continue;
      kernel.gamma = DBL_MAX;
      assert_true(one(level, &kernel, p, 1, 1, 1) == 1);
      assert_true(one(level, &kernel, p, 0, 1, 1) == 0);
      assert_true(one(level, &kernel, p, 1.5, 1, 1) == 1); /* r^2 < 0 by cancellation counts as 0 */
      kernel.gamma = DBL_MIN;
      assert_true(one(level, &kernel, p, 0, 1, 1) == 1);
      kernel.gamma = 1;
      assert_true(one(level, &kernel, p, 0, 1e20, 1e20) == 0);
    }
  }
}

static void limits_and_nan(void **state)
{
  (void)state;
  for_every_level(check_limits);
}

static void check_angles(const mn_kernel_level *level)
{
  const double pi = 3.14159265358979323846;
  mn_kernel arccos1 = mn_kernel_default(MN_KERNEL_ARCCOS1), ntk = mn_kernel_default(MN_KERNEL_NTK);
  for (int p = 0; p < PRECISIONS; p++) {
    const double tol = 4 * eps_of[p];
    mn_test_close(one(level, &arccos1, p, 6, 4, 9), 6, tol);      /* theta = 0 */
    mn_test_close(one(level, &arccos1, p, 0, 4, 9), 6 / pi, tol); /* pi / 2 */
    mn_test_close(one(level, &arccos1, p, -6, 4, 9), 0, tol);     /* pi */
    assert_true(one(level, &arccos1, p, 0, 0, 9) == 0);
    assert_true(one(level, &arccos1, p, 0, 0, 0) == 0);
    for (ntk.depth = 1; ntk.depth <= 100; ntk.depth += 3) {
      assert_true(one(level, &ntk, p, 0, 0, 9) == 0);
      mn_test_close(one(level, &ntk, p, 6, 4, 9), 6 * ntk.depth, tol);
    }
    ntk.depth = 1;
    assert_true(one(level, &ntk, p, 2.5, 4, 9) == 2.5);
    ntk.depth = 2; /* t (pi - theta) / pi twice, and q sin(theta) / pi */
    for (double t = -5.75; t < 6; t += 0.25) {
      double theta = acos(t / 6), closed = (2 * t * (pi - theta) + 6 * sin(theta)) / pi;
      mn_test_close(one(level, &ntk, p, t, 4, 9), closed, 6 * tol);
    }
  }
}

static void angles_have_their_known_values(void **state)
{
  (void)state;
  for_every_level(check_angles);
}

static void check_symmetry(const mn_kernel_level *level)
{
  static tile_case c, t;
  static double out[max_ld * max_n], transposed[max_ld * max_n];
  for (int precision = 0; precision < PRECISIONS; precision++) {
    fill_case(&c, 17, 13, 0, precision, 5, 1, 11);
    t = (tile_case){.m = c.n, .n = c.m, .ld = c.n, .precision = precision};
    memcpy(t.rows, c.cols, c.n * sizeof *c.cols);
    memcpy(t.cols, c.rows, c.m * sizeof *c.rows);
    for (size_t i = 0; i < c.m; i++)
      for (size_t j = 0; j < c.n; j++) t.dots[j + i * t.ld] = c.dots[i + j * c.ld];
    for (int v = 0; v < variant_count; v++) {
      run(level, &variants[v], &c, out);
      run(level, &variants[v], &t, transposed);
      for (size_t i = 0; i < c.m; i++)
        for (size_t j = 0; j < c.n; j++) assert_true(out[i + j * c.ld] == transposed[j + i * t.ld]);
    }
  }
}

static void kernels_are_symmetric_to_the_bit(void **state)
{
  (void)state;
  for_every_level(check_symmetry);
}

/* The calls everybody uses take the best level, and pass everything on. */
static void dispatch_equals_the_best_level(void **state)
{
  (void)state;
  const mn_kernel_level *best = NULL;
  for (int l = 0; l < MN_KERNEL_LEVELS; l++) best = mn_kernel_level_get(l) ? mn_kernel_level_get(l) : best;
  assert_non_null(best);
  static tile_case c;
  static double out[max_ld * max_n], again[max_ld * max_n];
  fill_case(&c, 45, 6, 3, F64, 5, 1, 3);
  for (int v = 0; v < variant_count; v++) {
    run(best, &variants[v], &c, out);
    memcpy(again, c.dots, sizeof again);
    mn_kernel_transform_f64(&variants[v], c.m, c.n, again, c.ld, c.rows, c.cols);
    assert_memory_equal(out, again, c.ld * c.n * sizeof *out);
    float tile[2] = {0.25F, 0.5F}, same[2] = {0.25F, 0.5F}, rows[2] = {1, 1}, cols[1] = {1};
    mn_kernel_transform_f32(&variants[v], 2, 1, tile, 2, rows, cols);
    best->f32[variants[v].name](&variants[v], 2, 1, same, 2, rows, cols);
    assert_memory_equal(tile, same, sizeof tile);
  }
}

/* One kernel value from the coordinates alone, the angle by Kahan's formula, which loses nothing when it is small. */
static wide exact_pair(const mn_kernel *kernel, size_t dim, const double *x, const double *y)
{
  wide a = sqrtl(dot_of(dim, x, x)), b = sqrtl(dot_of(dim, y, y)), minus = 0, plus = 0, r2 = 0;
  const wide pi = acosl(-1);
  for (size_t k = 0; k < dim; k++) {
    wide u = (wide)x[k] / a, v = (wide)y[k] / b, d = (wide)x[k] - (wide)y[k];
    minus += (u - v) * (u - v), plus += (u + v) * (u + v), r2 += d * d;
  }
  if (kernel->name == MN_KERNEL_LAPLACIAN) return expl(-(wide)kernel->gamma * sqrtl(r2));
  wide theta = 2 * atan2l(sqrtl(minus), sqrtl(plus)), t = cosl(theta);
  for (int layer = 2; layer <= kernel->depth; layer++) {
    wide s = (sinl(theta) + (pi - theta) * cosl(theta)) / pi;
    t = t * (pi - theta) / pi + s;
    theta = acosl(s);
  }
  return a * b * t;
}

/* Where a transform has lost r, `value` with an r2 from the difference has not. Two layers are closed form in the
 * oracle, so as close as we like; the oracle's own recursion through acosl limits more layers to 1e-5. */
static void value_is_accurate_for_close_samples(void **state)
{
  (void)state;
  enum { dim = 7 };
  static const struct {
    mn_kernel kernel;
    double distance, tol;
  } rows[] = {
      {{MN_KERNEL_LAPLACIAN, 2, 0, 1, 1}, 1e-9, 1e-15}, {{MN_KERNEL_NTK, 1, 0, 1, 2}, 1e-9, 4e-15},
      {{MN_KERNEL_NTK, 1, 0, 1, 2}, 1e-3, 4e-15},       {{MN_KERNEL_NTK, 1, 0, 1, 5}, 1e-5, 1e-13},
      {{MN_KERNEL_NTK, 1, 0, 1, 5}, 0.7, 1e-14},        {{MN_KERNEL_NTK, 1, 0, 1, 5}, 0.02, 1e-14},
      {{MN_KERNEL_NTK, 1, 0, 1, 5}, 0.06, 1e-14},       {{MN_KERNEL_NTK, 1, 0, 1, 30}, 1e-3, 1e-13},
  };
  if (!oracle_is_wide()) {
    print_message("long double is no wider than double here: skipped\n");
    skip();
  }
  mn_random random = mn_random_open(5, MN_STREAM_TEST, 1);
  for (size_t k = 0; k < sizeof rows / sizeof *rows * 50; k++) {
    const mn_kernel *kernel = &rows[k / 50].kernel;
    double x[dim], y[dim], step[dim];
    random_sample(&random, dim, 1, x);
    random_sample(&random, dim, rows[k / 50].distance, step);
    wide r2 = 0;
    for (int i = 0; i < dim; i++) y[i] = x[i] + step[i];
    for (int i = 0; i < dim; i++) r2 += ((wide)y[i] - (wide)x[i]) * ((wide)y[i] - (wide)x[i]);
    double value = mn_kernel_find(kernel->name)
                       ->value(kernel, (double)r2, (double)dot_of(dim, x, y), (double)dot_of(dim, x, x),
                               (double)dot_of(dim, y, y));
    mn_test_close(value, (double)exact_pair(kernel, dim, x, y), rows[k / 50].tol);
  }
}

static void value_equals_the_oracle(void **state)
{
  (void)state;
  static tile_case c;
  const wide eps = (wide)DBL_EPSILON;
  fill_case(&c, 64, 5, 0, F64, 5, 1, 21);
  for (int v = 0; v < variant_count; v++) {
    for (size_t k = 0; k < c.m * c.n; k++) {
      double a = c.rows[k % c.m], b = c.cols[k / c.m], dot = c.dots[k], r2 = fmax(0, a + b - 2 * dot);
      double value = mn_kernel_find(variants[v].name)->value(&variants[v], r2, dot, a, b);
      wide exact = oracle_kernel(&variants[v], (wide)dot, (wide)a, (wide)b, eps, 0);
      wide bound = oracle_bound(&variants[v], (wide)dot, (wide)a, (wide)b, eps);
      if (!(fabsl((wide)value - exact) <= bound))
        fail_msg("%s: %.17g, not %.17Lg to %Lg", mn_kernel_string(variants[v].name), value, exact, bound);
    }
  }
}

static void value_stays_finite_for_every_gamma(void **state)
{
  (void)state;
  for (int k = 0; k < MN_KERNEL_COUNT; k++) {
    const mn_kernel_row *row = mn_kernel_find((mn_kernel_name)k);
    mn_kernel kernel = mn_kernel_default((mn_kernel_name)k);
    if (!row->of_distance) continue;
    kernel.gamma = DBL_MAX;
    assert_true(row->value(&kernel, 0, 4, 4, 4) == 1);
    assert_true(row->value(&kernel, 8, 0, 4, 4) == 0);
    kernel.gamma = DBL_MIN;
    assert_true(row->value(&kernel, 8, 0, 4, 4) == 1);
  }
}

static void diagonal_is_the_value_of_a_sample_with_itself(void **state)
{
  (void)state;
  static const double norms2[] = {0, 1e-8, 0.3, 1, 7, 1e3};
  for (int v = 0; v < variant_count; v++) {
    const mn_kernel_row *row = mn_kernel_find(variants[v].name);
    for (size_t k = 0; k < sizeof norms2 / sizeof *norms2; k++) {
      double norm2 = norms2[k], diagonal = row->diagonal(&variants[v], norm2);
      mn_test_close(diagonal, row->value(&variants[v], 0, norm2, norm2, norm2), 1e-13);
      if (row->of_distance) assert_true(diagonal == 1);
    }
  }
}

/* Least and greatest eigenvalue of a symmetric matrix (n x n), by cyclic Jacobi rotations; a is destroyed. */
static void jacobi(size_t n, double *a, double *least, double *greatest)
{
  for (int sweep = 0; sweep < 30; sweep++) {
    for (size_t p = 0; p + 1 < n; p++) {
      for (size_t q = p + 1; q < n; q++) {
        if (fabs(a[p + q * n]) < 1e-300) continue;
        double angle = 0.5 * atan2(2 * a[p + q * n], a[q + q * n] - a[p + p * n]), c = cos(angle), s = sin(angle);
        for (size_t k = 0; k < n; k++) {
          double x = a[k + p * n], y = a[k + q * n];
          a[k + p * n] = c * x - s * y, a[k + q * n] = s * x + c * y;
        }
        for (size_t k = 0; k < n; k++) {
          double x = a[p + k * n], y = a[q + k * n];
          a[p + k * n] = c * x - s * y, a[q + k * n] = s * x + c * y;
        }
      }
    }
  }
  *least = *greatest = a[0];
  for (size_t k = 1; k < n; k++) {
    *least = fmin(*least, a[k + k * n]);
    *greatest = fmax(*greatest, a[k + k * n]);
  }
}

/* The eigenvalues' range of the Gram matrix of 12 random samples in 3 dimensions. */
static void gram_range(const mn_kernel *kernel, double *least, double *greatest)
{
  enum { n = 12, dim = 3 };
  double x[n][dim], norms[n], gram[n * n];
  mn_random random = mn_random_open(9, MN_STREAM_TEST, 2);
  for (size_t i = 0; i < n; i++) {
    random_sample(&random, dim, 1, x[i]);
    norms[i] = (double)dot_of(dim, x[i], x[i]);
  }
  for (size_t k = 0; k < n * n; k++) gram[k] = (double)dot_of(dim, x[k % n], x[k / n]);
  mn_kernel_transform_f64(kernel, n, n, gram, n, norms, norms);
  jacobi(n, gram, least, greatest);
}

static void gram_matrices_are_semidefinite(void **state)
{
  (void)state;
  double least, greatest;
  for (int k = 0; k < MN_KERNEL_COUNT; k++) {
    mn_kernel kernel = mn_kernel_default((mn_kernel_name)k);
    gram_range(&kernel, &least, &greatest);
    assert_true(mn_kernel_semidefinite(&kernel));
    if (!(least >= -1e-14 * greatest)) fail_msg("%s: eigenvalue %g", mn_kernel_string(kernel.name), least);
    if (mn_kernel_find(kernel.name)->strictly_positive) assert_true(least > 1e-6 * greatest);
  }
  mn_kernel indefinite = {MN_KERNEL_POLYNOMIAL, 1, -1, 3, 1};
  gram_range(&indefinite, &least, &greatest);
  assert_false(mn_kernel_semidefinite(&indefinite));
  assert_true(least < -1e-3 * greatest);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transforms_equal_the_oracle_in_every_shape),
      cmocka_unit_test(transforms_equal_the_oracle_at_every_scale),
      cmocka_unit_test(transforms_equal_the_oracle_for_every_gamma),
      cmocka_unit_test(limits_and_nan),
      cmocka_unit_test(angles_have_their_known_values),
      cmocka_unit_test(kernels_are_symmetric_to_the_bit),
      cmocka_unit_test(dispatch_equals_the_best_level),
      cmocka_unit_test(value_is_accurate_for_close_samples),
      cmocka_unit_test(value_equals_the_oracle),
      cmocka_unit_test(value_stays_finite_for_every_gamma),
      cmocka_unit_test(diagonal_is_the_value_of_a_sample_with_itself),
      cmocka_unit_test(gram_matrices_are_semidefinite),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
