#include "kernel_oracle.h"

#include <float.h>
#include <math.h>

static const wide pi = 3.14159265358979323846264338327950288L;

static wide clamp(wide x, wide low, wide high)
{
  return x < low ? low : x > high ? high : x;
}

static wide arc0(wide u)
{
  return (pi - acosl(u)) / pi;
}

static wide arc1(wide u)
{
  wide theta = acosl(u);
  return (sinl(theta) + (pi - theta) * cosl(theta)) / pi;
}

/* Jacot et al.: S the covariance of a layer, T the tangent kernel, for norms q = ||x|| ||x'|| that all layers keep. */
static wide tangent(int depth, wide u0, wide nudge)
{
  wide u = clamp(u0 + nudge, -1, 1), t = u0;
  for (int layer = 2; layer <= depth; layer++) {
    wide s = arc1(u);
    t = t * arc0(u) + s;
    u = clamp(s + nudge, -1, 1);
  }
  return t;
}

static wide of_distance(const mn_kernel *kernel, wide r2)
{
  wide gamma = (wide)kernel->gamma, r = sqrtl(r2);
  switch (kernel->name) {
  case MN_KERNEL_GAUSSIAN:
    return expl(-gamma * r2);
  case MN_KERNEL_LAPLACIAN:
    return expl(-gamma * r);
  case MN_KERNEL_MATERN32:
    return (1 + sqrtl(3) * gamma * r) * expl(-sqrtl(3) * gamma * r);
  default:
    return (1 + sqrtl(5) * gamma * r + 5 * gamma * gamma * r2 / 3) * expl(-sqrtl(5) * gamma * r);
  }
}

wide oracle_kernel(const mn_kernel *kernel, wide dot, wide norm2_x, wide norm2_y, wide eps, wide nudge)
{
  wide q = sqrtl(norm2_x) * sqrtl(norm2_y), gamma = (wide)kernel->gamma, coef0 = (wide)kernel->coef0;
  wide u = q > 0 ? clamp(dot / q, -1, 1) : 0;
  switch (kernel->name) {
  case MN_KERNEL_LINEAR:
    return dot;
  case MN_KERNEL_POLYNOMIAL:
    return powl(gamma * dot + coef0 + nudge * eps * (fabsl(gamma * dot) + fabsl(coef0)), kernel->degree);
  case MN_KERNEL_ARCCOS1:
    return q * arc1(clamp(u + nudge * eps, -1, 1));
  case MN_KERNEL_NTK:
    return kernel->depth == 1 ? dot : q * tangent(kernel->depth, u, nudge * eps);
  default: {
    wide r2 = norm2_x + norm2_y - 2 * dot + nudge * eps * (norm2_x + norm2_y + 2 * fabsl(dot));
    return of_distance(kernel, r2 < 0 ? 0 : r2);
  }
  }
}

/* The exponent of exp, whose rounding is its own size times eps. */
static wide argument(const mn_kernel *kernel, wide dot, wide norm2_x, wide norm2_y)
{
  wide r2 = norm2_x + norm2_y - 2 * dot, r = sqrtl(r2 > 0 ? r2 : 0), gamma = (wide)kernel->gamma;
  switch (kernel->name) {
  case MN_KERNEL_GAUSSIAN:
    return gamma * r * r;
  case MN_KERNEL_LAPLACIAN:
    return gamma * r;
  case MN_KERNEL_MATERN32:
    return sqrtl(3) * gamma * r;
  case MN_KERNEL_MATERN52:
    return sqrtl(5) * gamma * r;
  default:
    return 0;
  }
}

/* The sum of three parts:
 *   the input's rounding, as the distance between the nudged oracles: the squared distance takes two roundings of terms
 *   no larger than their sum (2 eps), a cosine three (3 eps with its clamp), gamma in float one more;
 *   the arithmetic after it: a few eps of the value, eps of the value for each unit of exp's argument, for each
 *   multiplication of a power, and for each layer of a network;
 *   what flushing exp to 0 below -708 (-87 in float) loses, and what a power loses among the denormal numbers. */
wide oracle_bound(const mn_kernel *kernel, wide dot, wide norm2_x, wide norm2_y, wide eps)
{
  wide exact = oracle_kernel(kernel, dot, norm2_x, norm2_y, eps, 0);
  wide up = fabsl(oracle_kernel(kernel, dot, norm2_x, norm2_y, eps, 3) - exact);
  wide down = fabsl(oracle_kernel(kernel, dot, norm2_x, norm2_y, eps, -3) - exact);
  wide size = fabsl(exact), a = argument(kernel, dot, norm2_x, norm2_y), flush = 0;
  const int single = eps > 1e-10L;
  const wide least = single ? 86.9L : 707.9L;
  if (kernel->name == MN_KERNEL_LINEAR) return 0;
  if (kernel->name == MN_KERNEL_NTK && kernel->depth == 1) return 0;
  if (kernel->name == MN_KERNEL_POLYNOMIAL) size *= 2 * (wide)kernel->degree, flush = single ? FLT_MIN : DBL_MIN;
  if (kernel->name == MN_KERNEL_NTK) size = sqrtl(norm2_x) * sqrtl(norm2_y) * (wide)kernel->depth * 4;
  if (kernel->name == MN_KERNEL_ARCCOS1) size = sqrtl(norm2_x) * sqrtl(norm2_y) * 2;
  if (a > least) flush = expl(-least) * (1 + a + a * a / 3);
  return (up > down ? up : down) + eps * size * (4 + 2 * a) + flush;
}

int oracle_is_wide(void)
{
  volatile wide one = 1, little = (wide)DBL_EPSILON / 64;
  volatile wide sum = one + little;
  return sum != one;
}
