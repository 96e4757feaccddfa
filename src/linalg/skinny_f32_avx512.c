/* Skinny products in single precision for x86-64 processors with AVX-512. */
#include "linalg/skinny.h"

#if MN_X86_LEVELS
#pragma GCC target("avx512f,avx512dq,avx512vl,fma")
#include <immintrin.h>

enum { LANES = 16, SUMS = 20 };
typedef float real;
typedef __m512 vec;

static inline vec vec_all(real x)
{
  return _mm512_set1_ps(x);
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return _mm512_fmadd_ps(a, b, c);
}

static inline __m256 half(vec x)
{
  return _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
}

static inline void vec_totals(vec a, vec b, vec c, vec d, double *out)
{
  __m256 x = _mm256_hadd_ps(_mm256_hadd_ps(half(a), half(b)), _mm256_hadd_ps(half(c), half(d)));
  __m128 sums = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  _mm256_storeu_pd(out, _mm256_add_pd(_mm256_loadu_pd(out), _mm256_cvtps_pd(sums)));
}

#define MN_SKINNY mn_skinny_f32_avx512
#define MN_SKINNY_TYPE MN_F32
#include "linalg/skinny_body.h"
#endif
