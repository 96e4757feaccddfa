/* Scaling and conversion of blocks of rows. */
#include <math.h>
#include <string.h>

#include "core/random.h"
#include "minnorm/samples.h"
#include "support.h"

enum { N = 37, D = 13 };

static double value(const mn_data *d, size_t k)
{
  return d->type == MN_U8    ? ((unsigned char *)d->x)[k]
         : d->type == MN_F32 ? (double)((float *)d->x)[k]
                             : ((double *)d->x)[k];
}

static mn_data *random_data(mn_dtype type, uint64_t seed)
{
  mn_data *d = NULL;
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, 0);
  assert_int_equal(mn_data_create(N, D, type, 1, &d, NULL), MN_OK);
  for (size_t k = 0; k < N * D; k++) {
    double v = k % D == 4 ? 200.5 : mn_random_normal(&r) * 30 + 100; /* feature 4 is constant */
    if (type == MN_U8) ((unsigned char *)d->x)[k] = (unsigned char)fmin(fmax(v, 0), 255);
    if (type == MN_F32) ((float *)d->x)[k] = (float)v;
    if (type == MN_F64) ((double *)d->x)[k] = v;
  }
  memset(d->y, 0, N * sizeof *d->y);
  return d;
}

/* What element k of the data should become. */
static double expected(const mn_data *d, const mn_scaling *s, size_t k)
{
  double v = value(d, k);
  if (s->kind == MN_SCALE_UNIT) return v / 255.0;
  if (s->kind == MN_SCALE_STANDARD) return (v - s->shift[k % D]) * s->factor[k % D];
  return v;
}

static void check_rows(const mn_data *d, const mn_scaling *s, size_t first, size_t count)
{
  double out[N * D + 1];
  float out32[N * D + 1];
  mn_samples samples = mn_samples_of(d, s);
  out[count * D] = -77;
  out32[count * D] = -77;
  mn_samples_rows_f64(&samples, first, count, out);
  mn_samples_rows_f32(&samples, first, count, out32);
  for (size_t k = 0; k < count * D; k++) {
    double e = expected(d, s, first * D + k);
    assert_true(out[k] == e);
    assert_true(out32[k] == (float)e);
  }
  assert_true(out[count * D] == -77 && out32[count * D] == -77); /* not a number too many */
}

static void test_rows(void **state)
{
  (void)state;
  for (int type = MN_U8; type <= MN_F64; type++)
    for (int kind = MN_SCALE_AUTO; kind <= MN_SCALE_STANDARD; kind++) {
      mn_data *train = random_data((mn_dtype)type, 1), *test = random_data((mn_dtype)type, 2);
      mn_scaling *s = NULL;
      assert_int_equal(mn_scaling_open((mn_scale)kind, train, &s, NULL), MN_OK);
      if (kind == MN_SCALE_AUTO)
        assert_int_equal(s->kind, type == MN_U8 ? MN_SCALE_UNIT : MN_SCALE_NONE);
      else
        assert_int_equal(s->kind, kind);
      mn_samples samples = mn_samples_of(test, s);
      assert_int_equal(samples.n * 100 + samples.dim, N * 100 + D);
      for (size_t first = 0; first < N; first += 6)
        for (size_t count = 0; first + count <= N; count += 5) check_rows(test, s, first, count);
      mn_scaling_close(&s);
      assert_null(s);
      mn_scaling_close(&s);
      mn_data_close(&train);
      mn_data_close(&test);
    }
}

/* All 256 bytes, against the division itself. */
static void test_unit_is_exact(void **state)
{
  (void)state;
  mn_data *d = NULL;
  mn_scaling *s = NULL;
  double out[256];
  float out32[256];
  assert_int_equal(mn_data_create(2, 128, MN_U8, 1, &d, NULL), MN_OK);
  for (size_t k = 0; k < 256; k++) ((unsigned char *)d->x)[k] = (unsigned char)k;
  assert_int_equal(mn_scaling_open(MN_SCALE_AUTO, d, &s, NULL), MN_OK);
  mn_samples samples = mn_samples_of(d, s);
  mn_samples_rows_f64(&samples, 0, 2, out);
  mn_samples_rows_f32(&samples, 0, 2, out32);
  for (size_t k = 0; k < 256; k++) {
    volatile double top = (double)k, bottom = 255.0;
    assert_true(out[k] == top / bottom);
    assert_true(out32[k] == (float)(top / bottom));
  }
  mn_scaling_close(&s);
  mn_data_close(&d);
}

/* Means and deviations against two passes in long double. */
static void test_standard(void **state)
{
  (void)state;
  for (int type = MN_U8; type <= MN_F64; type++) {
    mn_data *d = random_data((mn_dtype)type, 1);
    mn_scaling *s = NULL;
    double out[N * D];
    if (type == MN_F64) /* a large offset: squares minus squared mean would lose half the digits */
      for (size_t k = 0; k < N * D; k++) ((double *)d->x)[k] += 1e7;
    assert_int_equal(mn_scaling_open(MN_SCALE_STANDARD, d, &s, NULL), MN_OK);
    for (size_t j = 0; j < D; j++) {
      long double mean = 0, squares = 0;
      for (size_t i = 0; i < N; i++) mean += value(d, i * D + j) / (long double)N;
      for (size_t i = 0; i < N; i++) squares += (value(d, i * D + j) - mean) * (value(d, i * D + j) - mean);
      mn_test_close(s->shift[j], (double)mean, 1e-15);
      if (j == 4)
        assert_true(s->factor[j] == 0.0);
      else
        mn_test_close(s->factor[j] * (double)sqrtl(squares / N), 1, type == MN_F64 ? 1e-10 : 1e-14);
    }
    mn_samples samples = mn_samples_of(d, s);
    mn_samples_rows_f64(&samples, 0, N, out);
    for (size_t j = 0; j < D; j++) { /* the property itself: mean 0, deviation 1, constants 0 */
      double mean = 0, squares = 0;
      for (size_t i = 0; i < N; i++) mean += out[i * D + j] / N;
      for (size_t i = 0; i < N; i++) squares += out[i * D + j] * out[i * D + j] / N;
      mn_test_close(mean, 0, 1e-9);
      mn_test_close(squares, j == 4 ? 0 : 1, j == 4 ? 0 : 1e-9);
    }
    mn_scaling_close(&s);
    mn_data_close(&d);
  }
}

static mn_status open_and_close(void *arg, mn_error *err)
{
  mn_scaling *s = NULL;
  mn_status st = mn_scaling_open(MN_SCALE_STANDARD, arg, &s, err);
  mn_scaling_close(&s);
  return st;
}

static void test_allocations(void **state)
{
  (void)state;
  mn_data *d = random_data(MN_F32, 1);
  mn_test_every_allocation(open_and_close, d);
  mn_data_close(&d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_unit_is_exact),
      cmocka_unit_test(test_standard),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
