#include "gram/bfloat16.h"

#include <math.h>
#include <string.h>

#include "core/cpu.h"
#include "gram/bfloat16_kernel.h"

enum { PANEL = MN_BFLOAT16_PANEL, COLUMNS = MN_BFLOAT16_COLUMNS };

/* Cells that are multiplied at once: those of 512 samples stay in the second cache, those of one panel and a few
 * columns in the first. */
enum { CELLS = 192 };

static uint32_t bits_of(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

void mn_bfloat16_round(size_t count, float *x)
{
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(x[i]);
    if (!isfinite(x[i])) continue;
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000U;
    memcpy(&x[i], &bits, sizeof bits);
  }
}

int mn_bfloat16_multiplies(void)
{
  return MN_X86_LEVELS && mn_cpu_runs(MN_CPU_AVX512_BF16);
}

static size_t cells_of(size_t count)
{
  return (count + 1) / 2;
}

size_t mn_bfloat16_cells(size_t n, size_t count)
{
  return (n + PANEL - 1) / PANEL * PANEL * cells_of(count);
}

/* Sample `lane` of a panel; the first feature of a pair in the lower half. */
static void pack_sample(size_t count, const float *x, uint32_t *out)
{
  for (size_t k = 0; k + 1 < count; k += 2)
    out[k / 2 * PANEL] = bits_of(x[k]) >> 16 | (bits_of(x[k + 1]) & 0xffff0000U);
  if (count % 2) out[count / 2 * PANEL] = bits_of(x[count - 1]) >> 16;
}

static void clear_sample(size_t count, uint32_t *out)
{
  for (size_t k = 0; k < cells_of(count); k++) out[k * PANEL] = 0;
}

void mn_bfloat16_pack(size_t n, size_t count, const float *x, size_t ld, int threads, uint32_t *out)
{
  const size_t panels = (n + PANEL - 1) / PANEL, each = PANEL * cells_of(count);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t p = 0; p < panels; p++)
    for (size_t lane = 0; lane < PANEL; lane++) {
      size_t i = p * PANEL + lane;
      if (i < n)
        pack_sample(count, x + i * ld, out + p * each + lane);
      else
        clear_sample(count, out + p * each + lane);
    }
}

/* A block of the result that is cut off: by way of a whole one. */
static void multiply_edge(size_t m, size_t n, size_t cells, const uint32_t *a, const uint32_t *b, int add, float *out,
                          size_t ld)
{
  float block[PANEL * COLUMNS];
  mn_bfloat16_kernel(cells, a, b, 0, block, PANEL);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < m; i++) out[i + j * ld] = (add ? out[i + j * ld] : 0) + block[i + j * PANEL];
}

/* A few columns of b with all rows. */
static void multiply_columns(size_t m, size_t n, size_t cells, size_t panel, const uint32_t *a, const uint32_t *b,
                             int add, float *out, size_t ld)
{
  for (size_t i = 0; i < m; i += PANEL, a += panel) {
    if (m - i >= PANEL && n == COLUMNS)
      mn_bfloat16_kernel(cells, a, b, add, out + i, ld);
    else
      multiply_edge(m - i < PANEL ? m - i : PANEL, n, cells, a, b, add, out + i, ld);
  }
}

void mn_bfloat16_multiply(size_t m, size_t n, size_t count, const uint32_t *a, const uint32_t *b, int add, float *out,
                          size_t ld)
{
  const size_t all = cells_of(count), panel = all * PANEL;
  for (size_t k = 0; k < all; k += CELLS) {
    size_t cells = all - k < CELLS ? all - k : CELLS;
    for (size_t j = 0; j < n; j += COLUMNS) {
      size_t columns = n - j < COLUMNS ? n - j : COLUMNS;
      const uint32_t *from = b + j / PANEL * panel + k * PANEL + j % PANEL;
      multiply_columns(m, columns, cells, panel, a + k * PANEL, from, add || k, out + j * ld, ld);
    }
  }
}
