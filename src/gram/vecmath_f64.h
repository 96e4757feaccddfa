/* exp and acos in double, written so that a `#pragma omp simd` loop around them becomes vector instructions: no branch,
 * no table, no call. Included by the transforms, whose instruction set they take on; vecmath_f32.h is the twin.
 *
 * Our own rather than libmvec's, which is glibc's alone and no faster: the Gaussian transform with its exp takes 1.0
 * (AVX2, double) to 1.4 times as long (float, AVX2 and AVX-512).
 *
 * Polynomials: interpolation at Chebyshev nodes, within a factor two of the best of their degree; the bounds are those
 * of the polynomial alone. */
#ifndef MN_GRAM_VECMATH_H
#define MN_GRAM_VECMATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef double real;

static const real vec_pi = 0x1.921fb54442d18p+1;
static const real vec_max = DBL_MAX;

/* a b + c, in one rounding where the processor has it in one instruction. Explicit, so that the vector loop and its
 * remainder round alike. */
static inline real vec_madd(real a, real b, real c)
{
#ifdef __FMA__
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

static inline real vec_sqrt(real x)
{
  return __builtin_sqrt(x);
}

static inline real vec_abs(real x)
{
  return __builtin_fabs(x);
}

/* (e^r - 1 - r) / r^2 for |r| <= log(2) / 2; error in e^r below 1.3e-17. */
static inline real vec_exp_tail(real r)
{
  real p = 2.5100472505694996e-08;
  p = vec_madd(p, r, 2.7620201591031547e-07);
  p = vec_madd(p, r, 2.7557268276905696e-06);
  p = vec_madd(p, r, 2.4801521057868204e-05);
  p = vec_madd(p, r, 0.00019841269863171557);
  p = vec_madd(p, r, 0.0013888888917367081);
  p = vec_madd(p, r, 0.008333333333330039);
  p = vec_madd(p, r, 0.041666666666623824);
  p = vec_madd(p, r, 0.16666666666666669);
  return vec_madd(p, r, 0.5000000000000001);
}

/* e^x for x <= 709; 0 below -708, where the result would soon be denormal; NaN for NaN. x = k log(2) + r with k rounded
 * by adding 1.5 * 2^52, which leaves the exponent of 2^k in the lowest bits of the sum. */
static inline real vec_exp(real x)
{
  const real least = -708, shift = 0x1.8p52 + 1023;
  real y = x < least ? least : x;
  real shifted = vec_madd(y, 0x1.71547652b82fep+0, shift);
  real k = shifted - shift;
  real r = vec_madd(k, -0x1.62e42feep-1, y); /* log(2) to 32 bits: k times it is exact */
  r = vec_madd(k, -1.90821492927058770002e-10, r);
  real p = 1 + vec_madd(r * r, vec_exp_tail(r), r);
  uint64_t bits;
  real power;
  memcpy(&bits, &shifted, sizeof bits);
  bits <<= 52;
  memcpy(&power, &bits, sizeof power);
  return x < least ? 0 : p * power;
}

/* (asin(s) - s) / s^3 for z = s^2 <= 1/4; error in asin(s) / s below 4e-18. */
static inline real vec_asin_tail(real z)
{
  real p = 0.028757851367421566;
  p = vec_madd(p, z, -0.014851887071247204);
  p = vec_madd(p, z, 0.01740087944269402);
  p = vec_madd(p, z, 0.005457506718640358);
  p = vec_madd(p, z, 0.01032281435018578);
  p = vec_madd(p, z, 0.011479177415184906);
  p = vec_madd(p, z, 0.013971212973552933);
  p = vec_madd(p, z, 0.017352392720869973);
  p = vec_madd(p, z, 0.02237217294214989);
  p = vec_madd(p, z, 0.030381944138531247);
  p = vec_madd(p, z, 0.04464285714635543);
  p = vec_madd(p, z, 0.07499999999998433);
  return vec_madd(p, z, 0.16666666666666669);
}

/* acos(u) for |u| <= 1. Below 1/2 in magnitude pi/2 - asin(u); above, 2 asin(sqrt((1 - |u|) / 2)) or pi minus that. */
static inline real vec_acos(real u)
{
  const real pi_low = 1.2246467991473532e-16;
  real a = vec_abs(u);
  int outer = a > 0.5;
  real z = outer ? (1 - a) / 2 : u * u;
  real s = outer ? vec_sqrt(z) : a;
  real w = vec_madd(s * z, vec_asin_tail(z), s);
  real angle = __builtin_copysign(outer ? 2 * w : w, outer ? u : -u);
  real high = outer ? (u < 0 ? vec_pi : 0) : vec_pi / 2;
  real low = outer ? (u < 0 ? pi_low : 0) : pi_low / 2;
  return high + (angle + low);
}

#endif
