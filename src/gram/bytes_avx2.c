/* Integer products for x86-64 processors with AVX2: pairs of 16-bit numbers, vpmaddwd and vpaddd. */
#include "gram/bytes_levels.h"

#if MN_X86_LEVELS
#include <immintrin.h>
#pragma GCC target("avx2")

enum { panel_columns = 6, group = 2, bias = 0 };
typedef __m256i vec;

static inline vec vec_load(const void *x)
{
  return _mm256_loadu_si256(x);
}

static inline void vec_store(void *x, vec a)
{
  _mm256_storeu_si256(x, a);
}

static inline vec vec_broadcast(uint32_t cell)
{
  return _mm256_set1_epi32((int)cell);
}

static inline vec vec_dot(vec sum, vec x, vec y)
{
  return _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
}

#define MN_BYTES mn_bytes_avx2
#define MN_BYTES_NAME "avx2"
#define MN_BYTES_NEEDS MN_CPU_AVX2
#include "gram/bytes_body.h"
#endif
