#include "gram/bfloat16.h"

#include <math.h>
#include <string.h>

#include "gram/bfloat16_kernel.h"

enum { PANEL = MN_BFLOAT16_PANEL, STEP = MN_BFLOAT16_STEP };

static const mn_bfloat16_level *const levels[MN_BFLOAT16_LEVELS] = {&mn_bfloat16_avx512, &mn_bfloat16_amx};

const mn_bfloat16_level *mn_bfloat16_level_at(int level)
{
  return mn_cpu_runs(levels[level]->needs) ? levels[level] : NULL;
}

const mn_bfloat16_level *mn_bfloat16_best(void)
{
  for (int level = MN_BFLOAT16_LEVELS - 1; level >= 0; level--)
    if (mn_bfloat16_level_at(level)) return levels[level];
  return NULL;
}

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

static size_t cells_of(size_t count)
{
  return (count + 2 * STEP - 1) / (2 * STEP) * STEP;
}

size_t mn_bfloat16_cells(size_t n, size_t count)
{
  return (n + PANEL - 1) / PANEL * PANEL * cells_of(count);
}

/* Sample `lane` of a panel; the first feature of a pair in the lower half. */
static void pack_sample(size_t count, size_t cells, const float *x, uint32_t *out)
{
  for (size_t k = 0; k + 1 < count; k += 2)
    out[k / 2 * PANEL] = bits_of(x[k]) >> 16 | (bits_of(x[k + 1]) & 0xffff0000U);
  if (count % 2) out[count / 2 * PANEL] = bits_of(x[count - 1]) >> 16;
  for (size_t k = (count + 1) / 2; k < cells; k++) out[k * PANEL] = 0;
}

void mn_bfloat16_pack(size_t n, size_t count, const float *x, size_t ld, int threads, uint32_t *out)
{
  const size_t panels = (n + PANEL - 1) / PANEL, each = PANEL * cells_of(count);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t p = 0; p < panels; p++)
    for (size_t lane = 0; lane < PANEL; lane++) {
      size_t i = p * PANEL + lane;
      pack_sample(i < n ? count : 0, cells_of(count), i < n ? x + i * ld : NULL, out + p * each + lane);
    }
}

/* A block of the result that is cut off: by way of a whole one. */
static void multiply_edge(const mn_bfloat16_level *level, size_t m, size_t n, size_t cells, const uint32_t *a,
                          const uint32_t *b, int add, float *out, size_t ld)
{
  float block[PANEL * MN_BFLOAT16_COLUMNS];
  level->multiply(cells, a, b, 0, block, PANEL);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < m; i++) out[i + j * ld] = (add ? out[i + j * ld] : 0) + block[i + j * PANEL];
}

/* A few columns of b with all rows. */
static void multiply_columns(const mn_bfloat16_level *level, size_t m, size_t n, size_t cells, size_t panel,
                             const uint32_t *a, const uint32_t *b, int add, float *out, size_t ld)
{
  _Alignas(64) uint32_t arranged[PANEL * MN_BFLOAT16_DEPTH];
  if (level->arrange) {
    level->arrange(cells, b, arranged);
    b = arranged;
  }
  for (size_t i = 0; i < m; i += PANEL, a += panel) {
    if (m - i >= PANEL && n == level->columns)
      level->multiply(cells, a, b, add, out + i, ld);
    else
      multiply_edge(level, m - i < PANEL ? m - i : PANEL, n, cells, a, b, add, out + i, ld);
  }
}

void mn_bfloat16_multiply(const mn_bfloat16_level *level, size_t m, size_t n, size_t count, const uint32_t *a,
                          const uint32_t *b, int add, float *out, size_t ld)
{
  const size_t all = cells_of(count), panel = all * PANEL;
  if (level->open) level->open();
  for (size_t k = 0; k < all; k += level->depth) {
    size_t cells = all - k < level->depth ? all - k : level->depth;
    for (size_t j = 0; j < n; j += level->columns) {
      size_t columns = n - j < level->columns ? n - j : level->columns;
      const uint32_t *from = b + j / PANEL * panel + k * PANEL + j % PANEL;
      multiply_columns(level, m, columns, cells, panel, a + k * PANEL, from, add || k, out + j * ld, ld);
    }
  }
  if (level->close) level->close();
}
