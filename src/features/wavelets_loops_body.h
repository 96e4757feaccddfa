/* The loops of wavelets.h, written once for every instruction set. The including file has chosen that, and defined
 *   vec, LANES    floats in one register, a divisor of MN_LOWPASS_BLOCK
 *   MN_LOOPS      the row that ends this file
 * No include guard by intent: one inclusion a file. */
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { BLOCK = MN_LOWPASS_BLOCK, PARTS = BLOCK / LANES, ROWS = 4, STRIPS = 4 };

static void multiply(size_t n, const float *restrict z, const float *restrict f, float *restrict out)
{
  for (size_t k = 0; k < n; k++) {
    out[2 * k] = z[2 * k] * f[k];
    out[2 * k + 1] = z[2 * k + 1] * f[k];
  }
}

static void modulus(size_t n, const float *restrict z, float *restrict u)
{
  for (size_t k = 0; k < n; k++) u[k] = sqrtf(z[2 * k] * z[2 * k] + z[2 * k + 1] * z[2 * k + 1]);
}

/* A row of `strips` blocks of columns: out = sum of weights[t] times row (first + t) mod height of u. */
INLINE void down(const mn_lowpass *l, size_t strips, size_t first, const float *u, float *out)
{
  vec sums[STRIPS * PARTS] = {{0}};
  const float *row = u + first * l->width, *end = u + l->height * l->width;
  for (size_t t = 0; t < l->taps; t++) {
    for (size_t i = 0; i < strips * PARTS; i++) {
      vec x;
      memcpy(&x, row + i * LANES, sizeof x);
      sums[i] += l->weights[t] * x;
    }
    row += l->width;
    if (row >= end) row -= l->height * l->width;
  }
  memcpy(out, sums, strips * PARTS * sizeof *sums);
}

/* Row y after the sums down, its first columns once more behind the last. */
static void down_row(const mn_lowpass *l, size_t y, const float *u, float *out)
{
  size_t first = (l->step * y + l->height - l->taps / 2) % l->height, c = 0;
  for (; c + STRIPS * BLOCK <= l->width; c += STRIPS * BLOCK) down(l, STRIPS, first, u + c, out + c);
  for (; c < l->width; c += BLOCK) down(l, 1, first, u + c, out + c);
  memcpy(out + l->width, out, l->block_taps * sizeof *out);
}

/* ROWS rows of a block of outputs. x: the first column read, in each of the rows. */
INLINE void across(const mn_lowpass *l, const float *const x[ROWS], float out[ROWS][BLOCK])
{
  vec sums[ROWS][PARTS] = {{{0}}};
  for (size_t t = 0; t < l->block_taps; t++)
    for (size_t i = 0; i < PARTS; i++) {
      vec w;
      memcpy(&w, l->block + t * BLOCK + i * LANES, sizeof w);
      for (size_t r = 0; r < ROWS; r++) sums[r][i] += x[r][t] * w;
    }
  memcpy(out, sums, sizeof sums);
}

static void across_rows(const mn_lowpass *l, size_t y, const float *scratch, float *out)
{
  size_t rows = l->out_height - y < ROWS ? l->out_height - y : ROWS;
  for (size_t c = 0; c < l->out_width; c += BLOCK) {
    size_t first = (l->step * c + l->width - l->reach) % l->width;
    size_t cols = l->out_width - c < BLOCK ? l->out_width - c : BLOCK;
    const float *x[ROWS];
    float sums[ROWS][BLOCK];
    for (size_t r = 0; r < ROWS; r++) x[r] = scratch + (y + (r < rows ? r : 0)) * l->ld + first;
    across(l, x, sums);
    for (size_t r = 0; r < rows; r++)
      if (cols == BLOCK)
        memcpy(out + (y + r) * l->out_width + c, sums[r], sizeof sums[r]);
      else
        memcpy(out + (y + r) * l->out_width + c, sums[r], cols * sizeof **sums);
  }
}

static void lowpass(const mn_lowpass *l, const float *u, float *scratch, float *out)
{
  for (size_t y = 0; y < l->out_height; y++) down_row(l, y, u, scratch + y * l->ld);
  for (size_t y = 0; y < l->out_height; y += ROWS) across_rows(l, y, scratch, out);
}

const mn_wavelet_loops MN_LOOPS = {multiply, modulus, lowpass};
