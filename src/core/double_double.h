/* Numbers as unevaluated sums of two doubles, about 106 bits (Dekker 1971; Ogita, Rump & Oishi 2005). Needs IEEE
 * arithmetic as written: no -ffast-math, and fma() where it is asked for. */
#ifndef MN_CORE_DOUBLE_DOUBLE_H
#define MN_CORE_DOUBLE_DOUBLE_H

#include <math.h>

typedef struct {
  double hi, lo; /* |lo| <= ulp(hi) / 2 */
} mn_dd;

/* a + b, exactly. */
static inline mn_dd mn_two_sum(double a, double b)
{
  double s = a + b, t = s - a;
  return (mn_dd){s, (a - (s - t)) + (b - t)};
}

/* a + b, exactly, for |a| >= |b|. */
static inline mn_dd mn_quick_two_sum(double a, double b)
{
  double s = a + b;
  return (mn_dd){s, b - (s - a)};
}

/* a b, exactly. */
static inline mn_dd mn_two_product(double a, double b)
{
  double p = a * b;
  return (mn_dd){p, fma(a, b, -p)};
}

static inline mn_dd mn_dd_add(mn_dd a, mn_dd b)
{
  mn_dd s = mn_two_sum(a.hi, b.hi), t = mn_two_sum(a.lo, b.lo);
  s = mn_quick_two_sum(s.hi, s.lo + t.hi);
  return mn_quick_two_sum(s.hi, s.lo + t.lo);
}

static inline mn_dd mn_dd_sub(mn_dd a, mn_dd b)
{
  return mn_dd_add(a, (mn_dd){-b.hi, -b.lo});
}

static inline mn_dd mn_dd_add_double(mn_dd a, double b)
{
  mn_dd s = mn_two_sum(a.hi, b);
  return mn_quick_two_sum(s.hi, s.lo + a.lo);
}

static inline mn_dd mn_dd_mul(mn_dd a, mn_dd b)
{
  mn_dd p = mn_two_product(a.hi, b.hi);
  return mn_quick_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline mn_dd mn_dd_mul_double(mn_dd a, double b)
{
  mn_dd p = mn_two_product(a.hi, b);
  return mn_quick_two_sum(p.hi, p.lo + a.lo * b);
}

#endif
