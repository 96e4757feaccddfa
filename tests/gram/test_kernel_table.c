/* Names, defaults and parameter checks of the table of kernels. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "gram/kernels.h"

static void names_go_both_ways(void **state)
{
  (void)state;
  mn_error err = {0};
  mn_kernel_name name;
  for (int k = 0; k < MN_KERNEL_COUNT; k++) {
    assert_int_equal(mn_kernel_by_name(mn_kernel_string((mn_kernel_name)k), &name, &err), MN_OK);
    assert_int_equal((int)name, k);
    assert_string_equal(mn_kernel_find(name)->name, mn_kernel_string(name));
    assert_true(strlen(mn_kernel_find(name)->formula) > 0);
  }
  assert_null(mn_kernel_string(MN_KERNEL_COUNT));
  assert_null(mn_kernel_string((mn_kernel_name)-1));
  assert_null(mn_kernel_find(MN_KERNEL_COUNT));
  static const char *unknown[] = {"", "gauss", "Gaussian", "gaussian ", NULL};
  for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++)
    assert_int_equal(mn_kernel_by_name(unknown[k], &name, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_kernel_by_name("rbf", &name, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "kernel 'rbf' is unknown: one of linear, gaussian, laplacian, polynomial, matern32, "
                                "matern52, arccos1, ntk expected");
}

static void parameters_out_of_range_are_named(void **state)
{
  (void)state;
  static const struct {
    mn_kernel kernel;
    const char *text; /* NULL: fine */
  } rows[] = {
      {{MN_KERNEL_GAUSSIAN, 0, 0, 0, 0}, "gaussian kernel: gamma must be positive and finite, 0 given"},
      {{MN_KERNEL_LAPLACIAN, -2.5, 0, 0, 0}, "laplacian kernel: gamma must be positive and finite, -2.5 given"},
      {{MN_KERNEL_MATERN32, INFINITY, 0, 0, 0}, "matern32 kernel: gamma must be positive and finite, inf given"},
      {{MN_KERNEL_MATERN52, NAN, 0, 0, 0}, "matern52 kernel: gamma must be positive and finite, nan given"},
      {{MN_KERNEL_POLYNOMIAL, 0, 1, 3, 0}, "polynomial kernel: gamma must be positive and finite, 0 given"},
      {{MN_KERNEL_POLYNOMIAL, 1, -INFINITY, 3, 0}, "polynomial kernel: coef0 must be finite, -inf given"},
      {{MN_KERNEL_POLYNOMIAL, 1, 1, 0, 0}, "polynomial kernel: degree must be 1 to 100, 0 given"},
      {{MN_KERNEL_POLYNOMIAL, 1, 1, 101, 0}, "polynomial kernel: degree must be 1 to 100, 101 given"},
      {{MN_KERNEL_NTK, 0, 0, 0, 0}, "ntk kernel: depth must be 1 to 100, 0 given"},
      {{MN_KERNEL_NTK, 0, 0, 0, 101}, "ntk kernel: depth must be 1 to 100, 101 given"},
      {{MN_KERNEL_COUNT, 1, 1, 1, 1}, "kernel number 8 is unknown: 0 to 7 expected"},
      {{MN_KERNEL_LINEAR, NAN, NAN, -1, -1}, NULL}, /* parameters a kernel does not have do not matter */
      {{MN_KERNEL_ARCCOS1, -1, NAN, 0, 0}, NULL},
      {{MN_KERNEL_GAUSSIAN, DBL_MIN, NAN, 0, 0}, NULL},
      {{MN_KERNEL_POLYNOMIAL, 1, -3, 100, 0}, NULL},
      {{MN_KERNEL_NTK, 0, 0, 0, 100}, NULL},
  };
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    mn_error err = {0};
    mn_status st = mn_kernel_check(&rows[k].kernel, &err);
    assert_int_equal(st, rows[k].text ? MN_ERR_ARGUMENT : MN_OK);
    assert_int_equal(err.code, st);
    assert_string_equal(err.text, rows[k].text ? rows[k].text : "");
    assert_int_equal(mn_kernel_check(&rows[k].kernel, NULL), st);
  }
  for (int k = 0; k < MN_KERNEL_COUNT; k++) {
    mn_kernel kernel = mn_kernel_default((mn_kernel_name)k);
    assert_int_equal(mn_kernel_check(&kernel, NULL), MN_OK);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_go_both_ways),
      cmocka_unit_test(parameters_out_of_range_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
