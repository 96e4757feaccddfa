/* The sweep over exp and acos, shared by the two precisions: the including file has vecmath_f64.h or vecmath_f32.h, and
 * says where exp gives 0 (LEAST), its unit roundoff (EPS), and the pointwise bounds in units in the last place. */

#include "kernel_oracle.h"

enum { points = 200000 };

/* |value - exact| in units in the last place of exact; LEAST_NORMAL keeps the unit from vanishing. */
static double ulps(real value, long double exact)
{
  int exponent;
  long double size = fabsl(exact) < LEAST_NORMAL ? LEAST_NORMAL : fabsl(exact);
  frexpl(size, &exponent);
  return (double)(fabsl((long double)value - exact) / ldexpl(EPS, exponent - 1));
}

static void need_wide(void)
{
  if (oracle_is_wide()) return;
  print_message("long double is no wider than double here: skipped\n");
  skip();
}

static void exp_is_accurate_down_to_underflow(void **state)
{
  (void)state;
  need_wide();
  double worst = 0;
  for (int i = 0; i <= points; i++) {
    real x = (real)(LEAST * ((double)i / points));
    double error = ulps(vec_exp(x), expl((long double)x));
    if (error > worst) worst = error;
  }
  for (int i = 0; i < 300; i++) { /* towards 0, where e^x - 1 is the whole of it */
    real x = -(real)ldexp(1.7, -i);
    double error = ulps(vec_exp(x), expl((long double)x));
    if (error > worst) worst = error;
  }
  print_message("exp: at most %.3f ulp\n", worst);
  if (!(worst <= EXP_ULPS)) fail_msg("exp is %g ulp off, %g allowed", worst, EXP_ULPS);
}

static void exp_is_zero_below_and_keeps_nan(void **state)
{
  (void)state;
  const double below[] = {1.0001 * LEAST, 1.05 * LEAST, 2 * LEAST, 1e6 * LEAST, 1e30 * LEAST, -INFINITY};
  for (size_t i = 0; i < sizeof below / sizeof *below; i++) assert_true(vec_exp((real)below[i]) == 0);
  assert_true(isnan(vec_exp((real)NAN)));
  assert_true(isnan(vec_exp((real)-NAN)));
  assert_true(vec_exp(0) == 1);
  assert_true(vec_exp((real)-0.0) == 1);
}

static void exp_works_for_positive_arguments(void **state)
{
  (void)state;
  need_wide();
  for (int i = 0; i <= 1000; i++) {
    real x = (real)(-LEAST * (i / 1000.0));
    double error = ulps(vec_exp(x), expl((long double)x));
    if (!(error <= EXP_ULPS)) fail_msg("exp(%g) is %g ulp off", (double)x, error);
  }
}

static void acos_is_accurate(void **state)
{
  (void)state;
  need_wide();
  double worst = 0;
  for (int i = 0; i <= 2 * points; i++) {
    real u = (real)((double)i / points - 1);
    double error = ulps(vec_acos(u), acosl((long double)u));
    if (error > worst) worst = error;
  }
  for (int sign = -1; sign <= 1; sign += 2) {
    for (int i = 1; i < 60; i++) { /* towards 0 and towards +-1 */
      real small = (real)ldexp(1.3, -i), u = (real)sign * small, v = (real)sign * (1 - small);
      double error = fmax(ulps(vec_acos(u), acosl((long double)u)), ulps(vec_acos(v), acosl((long double)v)));
      if (error > worst) worst = error;
    }
  }
  print_message("acos: at most %.3f ulp\n", worst);
  if (!(worst <= ACOS_ULPS)) fail_msg("acos is %g ulp off, %g allowed", worst, ACOS_ULPS);
}

static void acos_at_its_ends(void **state)
{
  (void)state;
  assert_true(vec_acos(1) == 0);
  assert_true(vec_acos(-1) == vec_pi);
  assert_true(vec_acos(0) == vec_pi / 2);
  assert_true(isnan(vec_acos((real)NAN)));
}

static int run_sweep(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exp_is_accurate_down_to_underflow),
      cmocka_unit_test(exp_is_zero_below_and_keeps_nan),
      cmocka_unit_test(exp_works_for_positive_arguments),
      cmocka_unit_test(acos_is_accurate),
      cmocka_unit_test(acos_at_its_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
