#include "gram/bytes.h"

#include "gram/bytes_levels.h"

static const mn_bytes_level *const levels[MN_BYTES_LEVELS] = {
#if MN_X86_LEVELS
    &mn_bytes_avx2,
    &mn_bytes_avx_vnni,
    &mn_bytes_avx512_vnni,
#else
    NULL,
#endif
};

const mn_bytes_level *mn_bytes_level_get(int level)
{
  if (level < 0 || level >= MN_BYTES_LEVELS || !levels[level]) return NULL;
  return mn_cpu_runs(levels[level]->needs) ? levels[level] : NULL;
}

const mn_bytes_level *mn_bytes_best(void)
{
  const mn_bytes_level *best = NULL;
  for (int level = MN_BYTES_LEVELS - 1; level >= 0 && !best; level--) best = mn_bytes_level_get(level);
  return best;
}

int mn_bytes_fit(size_t dim)
{
  return dim <= INT32_MAX / (255 * 255);
}

size_t mn_bytes_cells(const mn_bytes_level *level, size_t dim)
{
  return (dim + level->group - 1) / level->group;
}

size_t mn_bytes_panel_cells(const mn_bytes_level *level, size_t panel, size_t n, size_t dim)
{
  return (n + panel - 1) / panel * panel * mn_bytes_cells(level, dim);
}

uint32_t mn_bytes_square(size_t dim, const unsigned char *x)
{
  uint32_t sum = 0;
  for (size_t k = 0; k < dim; k++) sum += (uint32_t)(x[k] * x[k]);
  return sum;
}
