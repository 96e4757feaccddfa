/* K v for panels against plain loops in long double, with the bound of the header; threads, wrapped matrices, NaN in
 * the upper triangle, linearity, symmetry, cancelling, failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "linalg/panels_multiply.h"
#include "linalg/skinny.h"
#include "support.h"

/* Element (i, j) of the symmetric K: any values will do. */
static double value(size_t i, size_t j)
{
  size_t low = i < j ? i : j, high = i < j ? j : i;
  return sin((double)(high * 31 + low * 17 + 1));
}

static void set(mn_dtype type, void *a, size_t i, double x)
{
  if (type == MN_F64)
    ((double *)a)[i] = x;
  else
    ((float *)a)[i] = (float)x;
}

static double get(mn_dtype type, const void *a, size_t i)
{
  return type == MN_F64 ? ((const double *)a)[i] : (double)((const float *)a)[i];
}

/* Lower triangle filled; NaN wherever else the panels have room. */
static void fill(const mn_panels *k)
{
  for (size_t j = 0; j < k->n; j++)
    for (size_t i = j / k->width * k->width; i < k->n; i++)
      set(k->type, mn_panels_at(k, i, j), 0, i < j ? NAN : value(i, j));
}

static mn_panels *open_filled(size_t n, size_t width, mn_dtype type)
{
  mn_panels *k;
  assert_int_equal(mn_panels_open(n, width, type, &k, NULL), MN_OK);
  fill(k);
  return k;
}

static void *random_vectors(mn_dtype type, size_t count, uint64_t seed)
{
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, count);
  void *v = malloc(count * mn_dtype_size(type));
  assert_non_null(v);
  for (size_t i = 0; i < count; i++) set(type, v, i, mn_random_normal(&r));
  return v;
}

static void *allocate(size_t count, size_t size)
{
  void *p = calloc(count, size);
  assert_non_null(p);
  return p;
}

/* K v and |K| |v|, n x columns. */
typedef struct {
  size_t columns;
  void *v;
  long double *product, *magnitude;
} oracle;

static void close_oracle(oracle *o)
{
  free(o->v), free(o->product), free(o->magnitude);
}

static oracle open_oracle(const mn_panels *k, size_t columns)
{
  const size_t n = k->n, count = n * columns;
  oracle o = {.columns = columns, .v = random_vectors(k->type, count, columns)};
  o.product = allocate(count, sizeof *o.product);
  o.magnitude = allocate(count, sizeof *o.magnitude);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      double element = get(k->type, i < j ? mn_panels_at(k, j, i) : mn_panels_at(k, i, j), 0);
      for (size_t c = 0; c < columns; c++) {
        long double term = (long double)element * (long double)get(k->type, o.v, c * n + j);
        o.product[c * n + i] += term;
        o.magnitude[c * n + i] += fabsl(term);
      }
    }
  return o;
}

/* Every element of out is within rounding of K v: in double precision n terms, in single what the header says. */
static void check_product(const mn_panels *k, const oracle *o, const double *out, int threads)
{
  const long double u64 = 0x1p-53L, u32 = 0x1p-24L;
  long double factor = (long double)(k->n + 8) * u64 + (k->type == MN_F32 ? (MN_SKINNY_SPAN + 8) * u32 : 0);
  for (size_t i = 0; i < k->n * o->columns; i++)
    if (!(fabsl((long double)out[i] - o->product[i]) <= factor * o->magnitude[i]))
      fail_msg("n = %zu, width %zu, %zu columns, %d threads: element %zu is %.17g, not %.17Lg", k->n, k->width,
               o->columns, threads, i, out[i], o->product[i]);
}

static void check_panels(const mn_panels *k, size_t columns)
{
  size_t count = k->n * columns;
  oracle o = open_oracle(k, columns);
  double *out = allocate(count, sizeof *out), *again = allocate(count, sizeof *again);
  for (int threads = 1; threads <= 3; threads++) {
    for (size_t i = 0; i < count; i++) out[i] = again[i] = NAN; /* results replace what is there */
    assert_int_equal(mn_panels_multiply(k, threads, columns, o.v, out, NULL, NULL), MN_OK);
    check_product(k, &o, out, threads);
    assert_int_equal(mn_panels_multiply(k, threads, columns, o.v, again, NULL, NULL), MN_OK);
    assert_memory_equal(out, again, count * sizeof *out);
  }
  close_oracle(&o), free(out), free(again);
}

static void products_equal_plain_loops(void **state)
{
  (void)state;
  static const size_t sizes[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 129, 300};
  for (int type = MN_F32; type <= MN_F64; type++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (size_t width = 5; width <= 160; width += width == 5 ? 11 : 144) { /* 5, 16, 160 */
        mn_panels *k = open_filled(sizes[s], width, (mn_dtype)type);
        for (size_t columns = s % 3 + 1; columns <= 17; columns += 3) check_panels(k, columns);
        mn_panels_close(&k);
      }
}

/* Several panels of several blocks each, divided between threads inside a panel. */
static void large_panels_are_divided(void **state)
{
  (void)state;
  for (int type = MN_F32; type <= MN_F64; type++) {
    mn_panels *k = open_filled(1201, 512, (mn_dtype)type);
    check_panels(k, 10);
    check_panels(k, 1);
    mn_panels_close(&k);
    k = open_filled(700, 1024, (mn_dtype)type); /* one panel for three threads */
    check_panels(k, 3);
    mn_panels_close(&k);
  }
}

static void full_matrices_are_wrapped(void **state)
{
  (void)state;
  enum { N = 133, LD = 140, WIDTH = 32 };
  for (int type = MN_F32; type <= MN_F64; type++) {
    void *a = allocate((size_t)LD * N, sizeof(double));
    mn_panels *k;
    for (size_t i = 0; i < (size_t)LD * N; i++) set((mn_dtype)type, a, i, NAN); /* the whole upper triangle, the gaps */
    assert_int_equal(mn_panels_wrap(a, N, LD, WIDTH, (mn_dtype)type, &k, NULL), MN_OK);
    fill(k);
    for (size_t columns = 1; columns <= 17; columns += 4) check_panels(k, columns);
    mn_panels_close(&k);
    free(a);
  }
}

/* More threads than there are columns to go round. */
static void threads_without_work(void **state)
{
  (void)state;
  for (size_t n = 1; n <= 40; n += 13) {
    mn_panels *k = open_filled(n, 8, MN_F64);
    oracle o = open_oracle(k, 2);
    double *out = allocate(n * 2, sizeof *out);
    assert_int_equal(mn_panels_multiply(k, 9, 2, o.v, out, NULL, NULL), MN_OK);
    check_product(k, &o, out, 9);
    close_oracle(&o), free(out);
    mn_panels_close(&k);
  }
}

/* Unit vectors give the columns of K, exactly; powers of two scale exactly. */
static void columns_of_the_identity(void **state)
{
  (void)state;
  enum { N = 70 };
  for (int type = MN_F32; type <= MN_F64; type++) {
    mn_panels *k = open_filled(N, 24, (mn_dtype)type);
    void *v = allocate((size_t)N * N, sizeof(double));
    double *out = allocate((size_t)N * N, sizeof *out);
    for (size_t j = 0; j < N; j++) set((mn_dtype)type, v, j * (N + 1), -4);
    assert_int_equal(mn_panels_multiply(k, 2, N, v, out, NULL, NULL), MN_OK);
    for (size_t j = 0; j < N; j++)
      for (size_t i = 0; i < N; i++) {
        double expected = type == MN_F64 ? value(i, j) : (double)(float)value(i, j);
        assert_true(out[j * N + i] == -4 * expected);
      }
    free(v), free(out);
    mn_panels_close(&k);
  }
}

/* A NaN in v reaches every row of its own column of out and no other column. */
static void a_nan_stays_in_its_column(void **state)
{
  (void)state;
  enum { N = 50, COLUMNS = 7 };
  mn_panels *k = open_filled(N, 16, MN_F32);
  float *v = random_vectors(MN_F32, N * COLUMNS, 1);
  double out[N * COLUMNS];
  v[3 * N + 20] = NAN;
  assert_int_equal(mn_panels_multiply(k, 2, COLUMNS, v, out, NULL, NULL), MN_OK);
  for (size_t c = 0; c < COLUMNS; c++)
    for (size_t i = 0; i < N; i++) assert_int_equal(isnan(out[c * N + i]) != 0, c == 3);
  free(v);
  mn_panels_close(&k);
}

static int stop(void *user, const mn_progress *progress)
{
  (void)progress;
  return *(int *)user;
}

/* The meter ends at 2 n^2 columns flops, and stops the product. */
static void flops_are_counted_and_cancelled(void **state)
{
  (void)state;
  enum { N = 200, COLUMNS = 3 };
  int halt = 0;
  mn_context ctx = {.progress = stop, .user = &halt};
  mn_panels *k = open_filled(N, 32, MN_F64);
  double *v = random_vectors(MN_F64, N * COLUMNS, 1), *out = allocate(N * COLUMNS, sizeof *out);
  mn_meter meter;
  mn_meter_open(&meter, &ctx, "multiply", 2.0 * N * N * COLUMNS, "flop");
  assert_int_equal(mn_panels_multiply(k, 3, COLUMNS, v, out, &meter, NULL), MN_OK);
  assert_true(meter.done == meter.total);
  assert_int_equal(mn_meter_close(&meter, NULL), MN_OK);
  halt = 1;
  mn_meter_open(&meter, &ctx, "multiply", 2.0 * N * N * COLUMNS, "flop");
  assert_int_equal(mn_panels_multiply(k, 1, COLUMNS, v, out, &meter, NULL), MN_OK);
  assert_true(meter.done < meter.total);
  assert_int_equal(mn_meter_close(&meter, NULL), MN_ERR_CANCELLED);
  free(v), free(out);
  mn_panels_close(&k);
}

/* Vectors of double precision, each column of a scale beyond single precision or of zeros: the rounding of the vector
 * to single precision comes on top of that of the product. */
static void vectors_of_any_scale(void **state)
{
  (void)state;
  enum { N = 150, COLUMNS = 4 };
  const double scales[COLUMNS] = {1, 1e200, 1e-200, 0}, u32 = 0x1p-24;
  for (int type = MN_F32; type <= MN_F64; type++)
    for (int threads = 1; threads <= 3; threads++) {
      mn_panels *k = open_filled(N, 64, (mn_dtype)type);
      oracle o = open_oracle(k, COLUMNS);
      double v[N * COLUMNS], out[N * COLUMNS], scale[COLUMNS], bound = MN_SKINNY_SPAN + 20;
      float single[N * COLUMNS];
      for (size_t e = 0; e < N * COLUMNS; e++) v[e] = get(k->type, o.v, e) * scales[e / N];
      assert_int_equal(mn_panels_multiply_f64(k, threads, COLUMNS, v, type == MN_F32 ? single : NULL,
                                              type == MN_F32 ? scale : NULL, out, NULL, NULL),
                       MN_OK);
      for (size_t e = 0; e < N * COLUMNS; e++) {
        long double by = (long double)scales[e / N], off = fabsl((long double)out[e] - o.product[e] * by);
        assert_true(off <= (type == MN_F32 ? bound * u32 : (N + 9) * 0x1p-53) * o.magnitude[e] * by);
      }
      close_oracle(&o);
      mn_panels_close(&k);
    }
}

static void a_cancelled_product_says_so(void **state)
{
  (void)state;
  enum { N = 100 };
  int halt = 1;
  mn_context ctx = {.progress = stop, .user = &halt};
  mn_panels *k = open_filled(N, 32, MN_F32);
  double *v = random_vectors(MN_F64, N, 1), out[N], scale;
  float single[N];
  mn_meter meter;
  mn_error err = {0};
  mn_meter_open(&meter, &ctx, "multiply", 2.0 * N * N, "flop");
  assert_int_equal(mn_panels_multiply_f64(k, 2, 1, v, single, &scale, out, &meter, &err), MN_ERR_CANCELLED);
  assert_non_null(strstr(err.text, "multiply"));
  mn_panels_close(&k);
  free(v);
}

typedef struct {
  const mn_panels *k;
  const double *v;
  double *out;
} multiply_arguments;

static mn_status multiply(void *arg, mn_error *err)
{
  multiply_arguments *a = arg;
  return mn_panels_multiply(a->k, 2, 2, a->v, a->out, NULL, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  enum { N = 40 };
  double out[N * 2], *v = random_vectors(MN_F64, N * 2, 1);
  mn_panels *k = open_filled(N, 16, MN_F64);
  mn_test_every_allocation(multiply, &(multiply_arguments){k, v, out});
  mn_panels_close(&k);
  free(v);
}

static void partial_sums_are_forecast(void **state)
{
  (void)state;
  assert_int_equal(mn_panels_multiply_bytes(1000, 1, 10), 0);
  assert_int_equal(mn_panels_multiply_bytes(1000, 2, 10), 80000);
  assert_int_equal(mn_panels_multiply_bytes(1001, 4, 1), 3 * 1008 * 8);
  assert_true(mn_panels_multiply_bytes(100000, 1001, 10) == (size_t)8000000000); /* beyond 32 bits */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_equal_plain_loops),      cmocka_unit_test(large_panels_are_divided),
      cmocka_unit_test(full_matrices_are_wrapped),       cmocka_unit_test(threads_without_work),
      cmocka_unit_test(columns_of_the_identity),         cmocka_unit_test(a_nan_stays_in_its_column),
      cmocka_unit_test(flops_are_counted_and_cancelled), cmocka_unit_test(failing_allocations),
      cmocka_unit_test(partial_sums_are_forecast),       cmocka_unit_test(vectors_of_any_scale),
      cmocka_unit_test(a_cancelled_product_says_so),
  };
  return cmocka_run_group_tests_name("panels_multiply", tests, NULL, NULL);
}
