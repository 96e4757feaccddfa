/* Status, memory, random numbers. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "support.h"

static void digits_are_grouped(void **state)
{
  (void)state;
  char text[32];
  assert_string_equal(mn_group_digits(0, text), "0");
  assert_string_equal(mn_group_digits(999, text), "999");
  assert_string_equal(mn_group_digits(1000, text), "1,000");
  assert_string_equal(mn_group_digits(47040016, text), "47,040,016");
}

static void error_record_is_filled(void **state)
{
  (void)state;
  mn_error err = {0};
  assert_int_equal(MN_FAIL(&err, MN_ERR_IO, "%s: gone", "a.gz"), MN_ERR_IO);
  assert_string_equal(err.text, "a.gz: gone");
  assert_int_equal(MN_FAIL(NULL, MN_ERR_IO, "nobody listens"), MN_ERR_IO);
  assert_string_equal(mn_status_string(MN_OK), "no error");
  assert_string_equal(mn_status_string((mn_status)99), "unknown status");
}

static void overflowing_sizes_fail(void **state)
{
  (void)state;
  assert_null(mn_alloc(SIZE_MAX / 2, 4));
  assert_null(mn_calloc(SIZE_MAX, SIZE_MAX));
  assert_null(mn_alloc_matrix(SIZE_MAX / 8 + 1, 8));
  assert_null(mn_realloc(NULL, SIZE_MAX, 2));
}

static mn_status three_allocations(void *arg, mn_error *err)
{
  (void)arg;
  mn_status st = MN_OK;
  void *a = mn_alloc(10, 8), *b = mn_calloc(3, 3), *c = mn_alloc_matrix(1000, 8);
  if (!a || !b || !c) st = MN_NO_MEMORY(err, 8000);
  if (c) assert_int_equal((uintptr_t)c % 64, 0);
  mn_free(a);
  mn_free(b);
  mn_free(c);
  return st;
}

static void failures_are_injected(void **state)
{
  (void)state;
  mn_test_every_allocation(three_allocations, NULL);
}

/* Known answer of Philox4x32-10 for zero counter and key (Random123, kat_vectors). */
static void philox_known_answer(void **state)
{
  (void)state;
  mn_random r = mn_random_open(0, (mn_stream)0, 0);
  assert_int_equal(mn_random_u32(&r), 0x6627e8d5u);
  assert_int_equal(mn_random_u32(&r), 0xe169c58du);
  assert_int_equal(mn_random_u32(&r), 0xbc57ac4cu);
  assert_int_equal(mn_random_u32(&r), 0x9b00dbd8u);
}

static void normal_moments(void **state)
{
  (void)state;
  mn_random r = mn_random_open(7, MN_STREAM_TEST, 3);
  double sum = 0, square = 0, fourth = 0;
  const int n = 200000;
  for (int i = 0; i < n; i++) {
    double x = mn_random_normal(&r);
    sum += x;
    square += x * x;
    fourth += x * x * x * x;
  }
  assert_true(fabs(sum / n) < 0.01);         /* 4.5 standard errors */
  assert_true(fabs(square / n - 1) < 0.015); /* 4.7 */
  assert_true(fabs(fourth / n - 3) < 0.11);  /* 5 */
}

static void permutation_is_one(void **state)
{
  (void)state;
  enum { n = 1000 };
  size_t p[n], seen[n] = {0}, fixed = 0;
  mn_random_permutation(1, MN_STREAM_SHUFFLE_TRAIN, n, p);
  for (size_t i = 0; i < n; i++) {
    assert_true(p[i] < n);
    seen[p[i]]++;
    fixed += p[i] == i;
  }
  for (size_t i = 0; i < n; i++) assert_int_equal(seen[i], 1);
  assert_true(fixed < 10); /* Poisson of mean 1 */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(digits_are_grouped),     cmocka_unit_test(error_record_is_filled),
      cmocka_unit_test(overflowing_sizes_fail), cmocka_unit_test(failures_are_injected),
      cmocka_unit_test(philox_known_answer),    cmocka_unit_test(normal_moments),
      cmocka_unit_test(permutation_is_one),
  };
  return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
