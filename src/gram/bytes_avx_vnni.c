/* Integer products for x86-64 processors with AVX-VNNI: vpdpbusd, unsigned times signed bytes. */
#include "gram/bytes_levels.h"

#if MN_X86_LEVELS
#include <immintrin.h>
#pragma GCC target("avx2,avxvnni")

enum { panel_columns = 6, group = 4, bias = 128 };
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
  return _mm256_dpbusd_avx_epi32(sum, x, y);
}

#define MN_BYTES mn_bytes_avx_vnni
#define MN_BYTES_NAME "avx-vnni"
#define MN_BYTES_NEEDS MN_CPU_AVX_VNNI
#include "gram/bytes_body.h"
#endif
