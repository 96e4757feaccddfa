/* The twin of vecmath_f64.h in float. */
#ifndef MN_GRAM_VECMATH_H
#define MN_GRAM_VECMATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float real;

static const real vec_pi = 0x1.921fb6p+1F;
static const real vec_max = FLT_MAX;

static inline real vec_madd(real a, real b, real c)
{
#ifdef __FMA__
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

static inline real vec_sqrt(real x)
{
  return __builtin_sqrtf(x);
}

static inline real vec_abs(real x)
{
  return __builtin_fabsf(x);
}

/* (e^r - 1 - r) / r^2 for |r| <= log(2) / 2; error in e^r below 8e-9. */
static inline real vec_exp_tail(real r)
{
  real p = 0.0013925744F;
  p = vec_madd(p, r, 0.00836324133F);
  p = vec_madd(p, r, 0.0416665599F);
  p = vec_madd(p, r, 0.166665763F);
  return vec_madd(p, r, 0.5F);
}

/* e^x for x <= 88; 0 below -87, where the result would soon be denormal; NaN for NaN. */
static inline real vec_exp(real x)
{
  const real least = -87, shift = 0x1.8p23F + 127;
  real y = x < least ? least : x;
  real shifted = vec_madd(y, 0x1.715476p+0F, shift);
  real k = shifted - shift;
  real r = vec_madd(k, -0.693359375F, y); /* log(2) to 10 bits: k times it is exact */
  r = vec_madd(k, 2.12194440e-4F, r);
  real p = 1 + vec_madd(r * r, vec_exp_tail(r), r);
  uint32_t bits;
  real power;
  memcpy(&bits, &shifted, sizeof bits);
  bits <<= 23;
  memcpy(&power, &bits, sizeof power);
  return x < least ? 0 : p * power;
}

/* (asin(s) - s) / s^3 for z = s^2 <= 1/4; error in asin(s) / s below 1.1e-9. */
static inline real vec_asin_tail(real z)
{
  real p = 0.0336908475F;
  p = vec_madd(p, z, 0.0171492379F);
  p = vec_madd(p, z, 0.0311006624F);
  p = vec_madd(p, z, 0.0445994027F);
  p = vec_madd(p, z, 0.0750009418F);
  return vec_madd(p, z, 0.166666657F);
}

/* acos(u) for |u| <= 1. */
static inline real vec_acos(real u)
{
  const real pi_low = -8.74227766e-08F;
  real a = vec_abs(u);
  int outer = a > 0.5F;
  real z = outer ? (1 - a) / 2 : u * u;
  real s = outer ? vec_sqrt(z) : a;
  real w = vec_madd(s * z, vec_asin_tail(z), s);
  real angle = __builtin_copysignf(outer ? 2 * w : w, outer ? u : -u);
  real high = outer ? (u < 0 ? vec_pi : 0) : vec_pi / 2;
  real low = outer ? (u < 0 ? pi_low : 0) : pi_low / 2;
  return high + (angle + low);
}

#endif
