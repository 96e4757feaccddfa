/* The convolution for x86-64 processors with AVX2. */
#include "features/conv.h"

#if MN_X86_LEVELS
#pragma GCC target("avx2,fma")
#include <immintrin.h>

enum { LANES = 8, MOST = 6 };
typedef __m256 vec;

static inline vec vec_all(float x)
{
  return _mm256_set1_ps(x);
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return _mm256_fmadd_ps(a, b, c);
}

static inline vec vec_max(vec a, vec b)
{
  return _mm256_max_ps(a, b);
}

static inline vec vec_inverse_root(vec x)
{
  const vec above = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ);
  return _mm256_and_ps(above, _mm256_div_ps(_mm256_set1_ps(1), _mm256_sqrt_ps(x)));
}

#define MN_CONV mn_conv_avx2
#define MN_CONV_NEEDS MN_CPU_AVX2
#include "features/conv_body.h"
#endif
