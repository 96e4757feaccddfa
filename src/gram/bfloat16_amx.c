#include "gram/bfloat16_kernel.h"

#if MN_X86_LEVELS
#include <immintrin.h>
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,amx-tile,amx-bf16,prefer-vector-width=512")

/* The compiler is not told either what the loads of tiles read: what is stored before them is stored in other
 * functions, which are called by pointers. */
enum { SIDE = MN_BFLOAT16_STEP, PANEL = MN_BFLOAT16_PANEL, BLOCK = SIDE * SIDE, AHEAD = 4 };

/* Tiles 0 to 3 are the result's, 4 and 5 the samples' of b, 6 and 7 those of a: all 16 rows of 64 bytes. A constant,
 * because the compiler is not told that the instruction reads all of it. */
static const struct {
  uint8_t palette, start_row, zero[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} shapes = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

static void configure(void)
{
  _tile_loadconfig(&shapes);
}

static void release(void)
{
  _tile_release();
}

/* Of 16 x 16 cells; four rounds of exchanges between rows. */
static void transpose(const uint32_t *from, size_t ld, uint32_t *to)
{
  __m512i r[SIDE], s[SIDE];
#pragma GCC unroll 16
  for (size_t i = 0; i < SIDE; i++) r[i] = _mm512_loadu_si512(from + i * ld);
#pragma GCC unroll 8
  for (size_t i = 0; i < SIDE; i += 2) {
    s[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < SIDE; i += 4) {
    r[i] = _mm512_unpacklo_epi64(s[i], s[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(s[i], s[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(s[i + 1], s[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(s[i + 1], s[i + 3]);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) {
    s[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    s[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    s[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    s[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; i++) {
    _mm512_storeu_si512(to + i * SIDE, _mm512_shuffle_i32x4(s[i], s[i + 8], 0x88));
    _mm512_storeu_si512(to + (i + 8) * SIDE, _mm512_shuffle_i32x4(s[i], s[i + 8], 0xdd));
  }
}

static void arrange(size_t cells, const uint32_t *b, uint32_t *rows)
{
  for (size_t k = 0; k < cells; k += SIDE, b += SIDE * PANEL, rows += 2 * BLOCK) {
    transpose(b, PANEL, rows);
    transpose(b + SIDE, PANEL, rows + BLOCK);
  }
}

static void multiply(size_t cells, const uint32_t *a, const uint32_t *rows, int add, float *out, size_t ld)
{
  const size_t stride = ld * sizeof *out;
  if (add) {
    _tile_loadd(0, out, stride);
    _tile_loadd(1, out + SIDE, stride);
    _tile_loadd(2, out + SIDE * ld, stride);
    _tile_loadd(3, out + SIDE * ld + SIDE, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (size_t k = 0; k < cells; k += SIDE, a += SIDE * PANEL, rows += 2 * BLOCK) {
    /* What the next panel adds to. */
    for (size_t j = k / SIDE * AHEAD; j < (k / SIDE + 1) * AHEAD && j < PANEL; j++) {
      _mm_prefetch((const char *)(out + PANEL + j * ld), _MM_HINT_T0);
      _mm_prefetch((const char *)(out + PANEL + SIDE + j * ld), _MM_HINT_T0);
    }
    _tile_loadd(4, rows, SIDE * sizeof *rows);
    _tile_loadd(6, a, PANEL * sizeof *a);
    _tile_loadd(7, a + SIDE, PANEL * sizeof *a);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, rows + BLOCK, SIDE * sizeof *rows);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, out, stride);
  _tile_stored(1, out + SIDE, stride);
  _tile_stored(2, out + SIDE * ld, stride);
  _tile_stored(3, out + SIDE * ld + SIDE, stride);
}

const mn_bfloat16_level mn_bfloat16_amx = {MN_CPU_AMX_BF16, "amx-bf16", PANEL,   256,
                                           configure,       release,    arrange, multiply};
#else
const mn_bfloat16_level mn_bfloat16_amx = {.needs = MN_CPU_AMX_BF16};
#endif
