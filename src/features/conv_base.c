/* The convolution for every processor. */
#include <math.h>

#include "features/conv.h"

enum { LANES = 4, MOST = 6 };
typedef float vec __attribute__((vector_size(16)));

static inline vec vec_all(float x)
{
  return x - (vec){0};
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return a * b + c;
}

static inline vec vec_max(vec a, vec b)
{
  typedef int mask __attribute__((vector_size(16)));
  const mask first = a > b;
  return (vec)(((mask)a & first) | ((mask)b & ~first));
}

static inline vec vec_inverse_root(vec x)
{
  vec out;
  for (int i = 0; i < LANES; i++) out[i] = x[i] > 0 ? 1 / sqrtf(x[i]) : 0;
  return out;
}

#define MN_CONV mn_conv_base
#define MN_CONV_NEEDS MN_CPU_BASE
#include "features/conv_body.h"
