/* The convolution for x86-64 processors with AVX-512. */
#include "features/conv.h"

#if MN_X86_LEVELS
#pragma GCC target("avx512f,avx512dq,avx512vl,fma")
#include <immintrin.h>

enum { LANES = 16, MOST = 14 };
typedef __m512 vec;

static inline vec vec_all(float x)
{
  return _mm512_set1_ps(x);
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return _mm512_fmadd_ps(a, b, c);
}

static inline vec vec_max(vec a, vec b)
{
  return _mm512_max_ps(a, b);
}

static inline vec vec_inverse_root(vec x)
{
  const __mmask16 above = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
  return _mm512_maskz_div_ps(above, _mm512_set1_ps(1), _mm512_sqrt_ps(x));
}

#define MN_CONV mn_conv_avx512
#define MN_CONV_NEEDS MN_CPU_AVX512
#include "features/conv_body.h"
#endif
