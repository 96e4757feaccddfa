/* Skinny products in double precision for x86-64 processors with AVX-512. */
#include "linalg/skinny.h"

#if MN_X86_LEVELS
#pragma GCC target("avx512f,avx512dq,avx512vl,fma")
#include <immintrin.h>

enum { LANES = 8, SUMS = 20 };
typedef double real;
typedef __m512d vec;

static inline vec vec_all(real x)
{
  return _mm512_set1_pd(x);
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return _mm512_fmadd_pd(a, b, c);
}

static inline __m256d half(vec x)
{
  return _mm256_add_pd(_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd(x, 1));
}

static inline void vec_totals(vec a, vec b, vec c, vec d, double *out)
{
  __m256d x = _mm256_hadd_pd(half(a), half(b)), y = _mm256_hadd_pd(half(c), half(d));
  __m256d sums = _mm256_add_pd(_mm256_permute2f128_pd(x, y, 0x20), _mm256_permute2f128_pd(x, y, 0x31));
  _mm256_storeu_pd(out, _mm256_add_pd(_mm256_loadu_pd(out), sums));
}

#define MN_SKINNY mn_skinny_f64_avx512
#define MN_SKINNY_TYPE MN_F64
#include "linalg/skinny_body.h"
#endif
