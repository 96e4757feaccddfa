#include "gram/bfloat16_kernel.h"

#if MN_X86_LEVELS
#include <immintrin.h>
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx512bf16,prefer-vector-width=512")

enum { LANES = MN_BFLOAT16_PANEL / 2, COLUMNS = 8 };

static inline __m512bh pairs(__m512i cells)
{
  return (__m512bh)cells;
}

static void multiply(size_t cells, const uint32_t *a, const uint32_t *b, int add, float *out, size_t ld)
{
  __m512 low[COLUMNS], high[COLUMNS];
#pragma GCC unroll 8
  for (size_t j = 0; j < COLUMNS; j++) low[j] = high[j] = _mm512_setzero_ps();
  for (size_t k = 0; k < cells; k++, a += MN_BFLOAT16_PANEL, b += MN_BFLOAT16_PANEL) {
    const __m512bh a_low = pairs(_mm512_loadu_si512(a)), a_high = pairs(_mm512_loadu_si512(a + LANES));
#pragma GCC unroll 8
    for (size_t j = 0; j < COLUMNS; j++) {
      const __m512bh cell = pairs(_mm512_set1_epi32((int)b[j]));
      low[j] = _mm512_dpbf16_ps(low[j], a_low, cell);
      high[j] = _mm512_dpbf16_ps(high[j], a_high, cell);
    }
  }
#pragma GCC unroll 8
  for (size_t j = 0; j < COLUMNS; j++) {
    float *to = out + j * ld;
    if (add) {
      low[j] = _mm512_add_ps(low[j], _mm512_loadu_ps(to));
      high[j] = _mm512_add_ps(high[j], _mm512_loadu_ps(to + LANES));
    }
    _mm512_storeu_ps(to, low[j]);
    _mm512_storeu_ps(to + LANES, high[j]);
  }
}

/* The cells of a panel and of 8 columns stay in the first cache. */
const mn_bfloat16_level mn_bfloat16_avx512 = {
    MN_CPU_AVX512_BF16, "avx512-bf16", COLUMNS, 192, NULL, NULL, NULL, multiply};
#else
const mn_bfloat16_level mn_bfloat16_avx512 = {.needs = MN_CPU_AVX512_BF16};
#endif
