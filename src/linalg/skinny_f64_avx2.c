/* Skinny products in double precision for x86-64 processors with AVX2. */
#include "linalg/skinny.h"

#if MN_X86_LEVELS
#pragma GCC target("avx2,fma")
#include <immintrin.h>

enum { LANES = 4, SUMS = 10 };
typedef double real;
typedef __m256d vec;

static inline vec vec_all(real x)
{
  return _mm256_set1_pd(x);
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return _mm256_fmadd_pd(a, b, c);
}

static inline void vec_totals(vec a, vec b, vec c, vec d, double *out)
{
  __m256d x = _mm256_hadd_pd(a, b), y = _mm256_hadd_pd(c, d);
  __m256d sums = _mm256_add_pd(_mm256_permute2f128_pd(x, y, 0x20), _mm256_permute2f128_pd(x, y, 0x31));
  _mm256_storeu_pd(out, _mm256_add_pd(_mm256_loadu_pd(out), sums));
}

#define MN_SKINNY mn_skinny_f64_avx2
#define MN_SKINNY_TYPE MN_F64
#include "linalg/skinny_body.h"
#endif
