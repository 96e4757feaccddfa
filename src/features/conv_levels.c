#include "features/conv.h"

const mn_conv_level *mn_conv_level_at(mn_cpu_level level)
{
  static const mn_conv_level *const rows[] = {
    &mn_conv_base,
#if MN_X86_LEVELS
    &mn_conv_avx2,
    &mn_conv_avx512,
#endif
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i]->needs == level && mn_cpu_runs(level)) return rows[i];
  return NULL;
}

const mn_conv_level *mn_conv_level_best(void)
{
  static const mn_cpu_level levels[] = {MN_CPU_AVX512, MN_CPU_AVX2, MN_CPU_BASE};
  const mn_conv_level *best = NULL;
  for (size_t i = 0; !best; i++) best = mn_conv_level_at(levels[i]);
  return best;
}
