/* Integer products for x86-64 processors with AVX-512 VNNI: vpdpbusd, unsigned times signed bytes. */
#include "gram/bytes_levels.h"

#if MN_X86_LEVELS
#include <immintrin.h>
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,prefer-vector-width=512")

enum { panel_columns = 12, group = 4, bias = 128 };
typedef __m512i vec;

static inline vec vec_load(const void *x)
{
  return _mm512_loadu_si512(x);
}

static inline void vec_store(void *x, vec a)
{
  _mm512_storeu_si512(x, a);
}

static inline vec vec_broadcast(uint32_t cell)
{
  return _mm512_set1_epi32((int)cell);
}

static inline vec vec_dot(vec sum, vec x, vec y)
{
  return _mm512_dpbusd_epi32(sum, x, y);
}

#define MN_BYTES mn_bytes_avx512_vnni
#define MN_BYTES_NAME "avx512-vnni"
#define MN_BYTES_NEEDS MN_CPU_AVX512_VNNI
#include "gram/bytes_body.h"
#endif
