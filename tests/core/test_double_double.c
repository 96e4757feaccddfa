/* Arithmetic in two doubles, against 113 bits: sums and products of doubles are exact, and the operations on pairs keep
 * the bounds proved for them (Joldes, Muller & Popescu 2017), with operands that cancel among them. */
#include <float.h>
#include <math.h>

#include "core/double_double.h"
#include "core/random.h"
#include "support.h"

#if LDBL_MANT_DIG >= 113
typedef long double quad;
#else
typedef __float128 quad;
#endif

enum { TRIALS = 200000 };
static const double u = 0x1p-53;

static quad quad_of(mn_dd a)
{
  return (quad)a.hi + (quad)a.lo;
}

/* 53 random bits, either sign, 2^-range ... 2^range. */
static double draw(mn_random *r, uint64_t range)
{
  double x = 0.5 + mn_random_uniform(r) / 2, sign = mn_random_u32(r) % 2 ? 1 : -1;
  return sign * ldexp(x, (int)mn_random_below(r, 2 * range + 1) - (int)range);
}

/* hi with a rest of at most half a unit in its last place, 106 to 107 bits in all. */
static mn_dd draw_pair(mn_random *r, uint64_t range)
{
  double hi = draw(r, range);
  return mn_quick_two_sum(hi, hi * u * (mn_random_uniform(r) - 0.5));
}

static void expect_exact(mn_dd s, quad exact, double rounded)
{
  assert_true(s.hi == rounded);
  if (quad_of(s) != exact) fail_msg("%a + %a is not exact", s.hi, s.lo);
}

/* Exponents at most 50 apart: the sum has at most 104 bits. */
static void sums_are_exact(void **state)
{
  (void)state;
  mn_random r = mn_random_open(1, MN_STREAM_TEST, 0);
  for (int t = 0; t < TRIALS; t++) {
    double a = draw(&r, 25), b = draw(&r, 25);
    if (t % 3 == 0) b = -a * (1 + 4 * u * (double)mn_random_below(&r, 3)); /* cancels all but a few bits */
    expect_exact(mn_two_sum(a, b), (quad)a + (quad)b, a + b);
    double more = fabs(a) < fabs(b) ? b : a, less = fabs(a) < fabs(b) ? a : b;
    expect_exact(mn_quick_two_sum(more, less), (quad)a + (quad)b, a + b);
  }
}

/* Too far apart for the smaller to count: it is the rest. */
static void sums_of_unlike_numbers(void **state)
{
  (void)state;
  static const double large[] = {1, -3, 1e300, -0x1.fffffffffffffp1000}, small[] = {0x1p-60, -1e-300, 0x1p-1074, 0};
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < 4; j++) {
      mn_dd s = mn_two_sum(large[i], small[j]), t = mn_two_sum(small[j], large[i]);
      assert_true(s.hi == large[i] && s.lo == small[j]);
      assert_true(t.hi == large[i] && t.lo == small[j]);
      s = mn_quick_two_sum(large[i], small[j]);
      assert_true(s.hi == large[i] && s.lo == small[j]);
    }
}

static void products_are_exact(void **state)
{
  (void)state;
  static const double nasty[] = {0,     1,      -1, 1 + 0x1p-52, 1 - 0x1p-53, 0x1.fffffffffffffp0, 0x1.0000001p0,
                                 1e150, -1e-140};
  const size_t count = sizeof nasty / sizeof *nasty;
  mn_random r = mn_random_open(2, MN_STREAM_TEST, 0);
  for (int t = 0; t < TRIALS; t++) {
    double a = draw(&r, 400), b = draw(&r, 400);
    expect_exact(mn_two_product(a, b), (quad)a * (quad)b, a * b);
  }
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++)
      expect_exact(mn_two_product(nasty[i], nasty[j]), (quad)nasty[i] * (quad)nasty[j], nasty[i] * nasty[j]);
}

/* |got - exact| <= bound u^2 |exact|, 2^-111 for the roundings of `exact` itself; and got is normalised. */
static void expect_near(mn_dd got, quad exact, double bound)
{
  quad error = quad_of(got) - exact, size = exact < 0 ? -exact : exact;
  if (error < 0) error = -error;
  if (error > (quad)(bound * u * u + 0x1p-111) * size)
    fail_msg("%a + %a: off by %g u^2", got.hi, got.lo, (double)(error / size) / (u * u));
  assert_true(got.hi + got.lo == got.hi);
}

/* Parts of like size first, so that what cancels cancels exactly. Relative errors: 3 u^2 (their algorithm 6), 2 u^2
 * (4), 7 u^2 (10), 3 u^2 (8). */
static void check_pair(mn_dd a, mn_dd b)
{
  expect_near(mn_dd_add(a, b), ((quad)a.hi + (quad)b.hi) + ((quad)a.lo + (quad)b.lo), 3);
  expect_near(mn_dd_sub(a, b), ((quad)a.hi - (quad)b.hi) + ((quad)a.lo - (quad)b.lo), 3);
  expect_near(mn_dd_add_double(a, b.hi), ((quad)a.hi + (quad)b.hi) + (quad)a.lo, 2);
  expect_near(mn_dd_mul(a, b), quad_of(a) * quad_of(b), 7);
  expect_near(mn_dd_mul_double(a, b.hi), quad_of(a) * (quad)b.hi, 3);
}

static void operations_on_pairs(void **state)
{
  (void)state;
  mn_random r = mn_random_open(3, MN_STREAM_TEST, 0);
  for (int t = 0; t < TRIALS; t++) {
    mn_dd a = draw_pair(&r, 3), b = draw_pair(&r, 3), near = a;
    check_pair(a, b);
    near.hi = a.hi * (1 + 2 * u * (double)mn_random_below(&r, 4)); /* a - near cancels: up to 53 bits go */
    near = mn_quick_two_sum(near.hi, a.lo * mn_random_uniform(&r));
    check_pair(a, near);
    check_pair(a, (mn_dd){-near.hi, -near.lo});
  }
}

/* A sum of ten thousand terms that nearly cancel, carried as the network's slopes are. */
static void long_sums(void **state)
{
  (void)state;
  enum { N = 10000 };
  mn_random r = mn_random_open(4, MN_STREAM_TEST, 0);
  mn_dd sum = {0, 0};
  quad exact = 0, size = 0;
  for (int i = 0; i < N; i++) {
    double term = i % 2 ? -sum.hi : draw(&r, 30);
    sum = mn_dd_add_double(sum, term);
    exact += (quad)term;
    size += (quad)fabs(term);
  }
  quad error = quad_of(sum) - exact;
  assert_true((error < 0 ? -error : error) <= (quad)(2.5 * u * u) * size); /* each step: 2 u^2 of a part of `size` */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_are_exact),     cmocka_unit_test(sums_of_unlike_numbers),
      cmocka_unit_test(products_are_exact), cmocka_unit_test(operations_on_pairs),
      cmocka_unit_test(long_sums),
  };
  return cmocka_run_group_tests_name("double double", tests, NULL, NULL);
}
