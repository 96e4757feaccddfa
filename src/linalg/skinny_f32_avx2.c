/* Skinny products in single precision for x86-64 processors with AVX2. */
#include "linalg/skinny.h"

#if MN_X86_LEVELS
#pragma GCC target("avx2,fma")
#include <immintrin.h>

enum { LANES = 8, SUMS = 10 };
typedef float real;
typedef __m256 vec;

static inline vec vec_all(real x)
{
  return _mm256_set1_ps(x);
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return _mm256_fmadd_ps(a, b, c);
}

static inline void vec_totals(vec a, vec b, vec c, vec d, double *out)
{
  __m256 x = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
  __m128 sums = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  _mm256_storeu_pd(out, _mm256_add_pd(_mm256_loadu_pd(out), _mm256_cvtps_pd(sums)));
}

#define MN_SKINNY mn_skinny_f32_avx2
#define MN_SKINNY_TYPE MN_F32
#include "linalg/skinny_body.h"
#endif
