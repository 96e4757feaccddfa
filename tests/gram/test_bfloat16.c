/* bfloat16: rounding against frexp; products of small integers, which are exact, against 64-bit sums in every shape;
 * kept products of such numbers with the instructions and without. */
#include "gram/bfloat16.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "gram/products.h"
#include "linalg/threads.h"
#include "support.h"

/* ---- rounding */

static float rounded(float x)
{
  mn_bfloat16_round(1, &x);
  return x;
}

static void to_the_nearest_of_8_bits(void **state)
{
  (void)state;
  mn_random r = mn_random_open(1, MN_STREAM_TEST, 0);
  for (int k = 0; k < 100000; k++) {
    float x = ldexpf((float)mn_random_u32(&r) - 0x1p31F, (int)(mn_random_u32(&r) % 200) - 130);
    int exponent;
    float mantissa = frexpf(x, &exponent);
    assert_true(rounded(x) == ldexpf(nearbyintf(256 * mantissa), exponent - 8));
  }
}

static void ties_and_limits(void **state)
{
  (void)state;
  assert_true(rounded(1 + 0x1p-8F) == 1); /* halfway: to the even one */
  assert_true(rounded(1 + 0x3p-8F) == 1 + 0x1p-6F);
  assert_true(rounded(-1 - 0x3p-8F) == -1 - 0x1p-6F);
  assert_true(rounded(1 + 0x1.01p-8F) == 1 + 0x1p-7F);
  assert_true(rounded(0) == 0);
  assert_true(signbit(rounded(-0.0F)) != 0);
  assert_true(rounded(INFINITY) == INFINITY);
  assert_true(rounded(-INFINITY) == -INFINITY);
  assert_true(isnan(rounded(NAN)));
  assert_true(rounded(FLT_MAX) == INFINITY);
}

/* ---- products */

/* Integers of at most 4 bits: sums of up to 2^16 products are exact in single precision. */
static float *integers(size_t count, uint64_t seed)
{
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, count);
  float *x = malloc((count + 1) * sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < count; i++) x[i] = (float)(int)(mn_random_u32(&r) % 31) - 15;
  return x;
}

static int64_t dot(size_t count, const float *x, const float *y)
{
  int64_t sum = 0;
  for (size_t k = 0; k < count; k++) sum += (int64_t)x[k] * (int64_t)y[k];
  return sum;
}

static void check_shape(const mn_bfloat16_level *level, size_t m, size_t n, size_t count, int add)
{
  size_t lda = count + 3, ld = m + 2;
  float *x = integers(m * lda, 1), *y = integers(n * count, 2), *out = integers(n * ld, 3),
        *before = integers(n * ld, 3);
  uint32_t *a = malloc(mn_bfloat16_cells(m, count) * sizeof *a), *b = malloc(mn_bfloat16_cells(n, count) * sizeof *b);
  assert_true(a && b);
  mn_bfloat16_pack(m, count, x, lda, 2, a);
  mn_bfloat16_pack(n, count, y, count, 1, b);
  mn_bfloat16_multiply(level, m, n, count, a, b, add, out, ld);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < ld; i++) {
      float expected = before[i + j * ld];
      if (i < m) expected = (add ? expected : 0) + (float)dot(count, x + i * lda, y + j * count);
      assert_true(out[i + j * ld] == expected);
    }
  free(x);
  free(y);
  free(out);
  free(before);
  free(a);
  free(b);
}

static void every_shape_is_exact(void **state)
{
  static const size_t sizes[] = {1, 7, 8, 9, 31, 32, 33, 64, 77}, counts[] = {1, 2, 3, 383, 384, 385, 1001};
  const mn_bfloat16_level *level = mn_bfloat16_level_at(*(const int *)*state);
  if (!level) skip();
  for (size_t m = 0; m < sizeof sizes / sizeof *sizes; m++)
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
      for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        check_shape(level, sizes[m], sizes[n], counts[k], k % 2 == 0);
}

/* ---- kept products */

enum { N = 150, M = 45, DIM = 2100, TILE = 64, BLOCK = 2060 };

static mn_products *make(const float *x, int across, int bfloat16, int threads)
{
  mn_products *p;
  mn_status (*open)(size_t, size_t, size_t, mn_dtype, size_t, const char *, mn_products **, mn_error *) =
      across ? mn_products_open_across : mn_products_open;
  assert_int_equal(open(N, M, TILE, MN_F32, DIM, "", &p, NULL), MN_OK);
  p->bfloat16 = bfloat16;
  assert_int_equal(mn_products_add(p, BLOCK, x, DIM, threads, NULL, NULL), MN_OK);
  assert_int_equal(mn_products_add(p, DIM - BLOCK, x + BLOCK, DIM, threads, NULL, NULL), MN_OK);
  return p;
}

static void kept_products(void **state)
{
  (void)state;
  float *x = integers((N + M) * DIM, 4);
  mn_products_buffer buffer = {NULL, SIZE_MAX};
  for (int across = 0; across < 2; across++)
    for (int half = 0; half < 2; half++)
      for (int threads = 1; threads < 4; threads++) {
        mn_products *p = make(x, across, half, threads);
        for (size_t j = 0; j < p->columns; j++)
          for (size_t i = across ? p->columns : j; i < p->rows; i++) {
            const float *tile = mn_products_tile(p, i, j, &buffer, NULL);
            size_t width = mn_products_width(p, j), row = mn_products_first(p, i);
            for (size_t r = 0; r < mn_products_height(p, i); r++)
              for (size_t c = 0; c < width; c++)
                assert_true(tile[r * width + c] == (float)dot(DIM, x + (row + r) * DIM, x + (j * TILE + c) * DIM));
          }
        for (size_t i = 0; i < N + M; i++) assert_true(p->norms[i] == (double)dot(DIM, x + i * DIM, x + i * DIM));
        mn_products_close(&p);
      }
  free(x);
}

int main(void)
{
  mn_threads_open(NULL);
  static int avx512 = 0, amx = 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(to_the_nearest_of_8_bits),
      cmocka_unit_test(ties_and_limits),
      {"every_shape_is_exact, AVX-512", every_shape_is_exact, NULL, NULL, &avx512},
      {"every_shape_is_exact, AMX", every_shape_is_exact, NULL, NULL, &amx},
      cmocka_unit_test(kept_products),
  };
  return cmocka_run_group_tests_name("bfloat16", tests, NULL, NULL);
}
