/* Elementary functions and draws whose bits do not depend on the C library. */
#include <math.h>
#include <string.h>

#include "data/synth.h"

/* Taylor series around 0, for |x| <= pi/2: the first term left out is below 1e-17. */
static double sin_series(double x)
{
  double x2 = x * x, sum = 1;
  for (int k = 20; k >= 2; k -= 2) sum = 1 - x2 / (double)(k * (k + 1)) * sum;
  return x * sum;
}

double mn_synth_sin(double x)
{
  const double pi_high = 3.141592653589793, pi_low = 1.2246467991473532e-16;
  double turns = x / pi_high;
  long half_turns = (long)(turns < 0 ? turns - 0.5 : turns + 0.5);
  double y = sin_series((x - (double)half_turns * pi_high) - (double)half_turns * pi_low);
  return half_turns % 2 ? -y : y;
}

double mn_synth_cos(double x)
{
  const double half_pi = 1.5707963267948966;
  return mn_synth_sin(x + half_pi);
}

/* x = m 2^e with m in [1/sqrt 2, sqrt 2); log m = 2 artanh s, s = (m - 1) / (m + 1), |s| < 0.172. */
double mn_synth_log(double x)
{
  const double ln_2 = 0.6931471805599453, root_half = 0.7071067811865476;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 52) - 1022;
  bits = (bits & 0x000fffffffffffff) | (uint64_t)1022 << 52;
  double m;
  memcpy(&m, &bits, sizeof m); /* in [1/2, 1) */
  if (m < root_half) {
    m *= 2;
    exponent--;
  }
  double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
  return (double)exponent * ln_2 + 2 * s * sum;
}

double mn_synth_between(mn_random *r, double low, double high)
{
  return low + (high - low) * mn_random_uniform(r);
}

double mn_synth_normal(mn_random *r)
{
  for (;;) {
    double u = 2 * mn_random_uniform(r) - 1, v = 2 * mn_random_uniform(r) - 1, square = u * u + v * v;
    if (square > 0 && square < 1) return u * sqrt(-2 * mn_synth_log(square) / square);
  }
}

mn_random mn_synth_sample(const mn_synth_options *options, size_t i)
{
  return mn_random_open(options->seed, MN_STREAM_SYNTH, 2 * (uint64_t)i + options->part);
}

mn_random mn_synth_parameter(const mn_synth_options *options, uint64_t k)
{
  return mn_random_open(options->seed, MN_STREAM_SYNTH, UINT64_MAX - k);
}
