#include "linalg/skinny.h"

const mn_skinny *mn_skinny_at(mn_dtype type, mn_cpu_level level)
{
  static const struct {
    mn_cpu_level level;
    const mn_skinny *f32, *f64;
  } rows[] = {
    {MN_CPU_BASE, &mn_skinny_f32_base, &mn_skinny_f64_base},
#if MN_X86_LEVELS
    {MN_CPU_AVX2, &mn_skinny_f32_avx2, &mn_skinny_f64_avx2},
    {MN_CPU_AVX512, &mn_skinny_f32_avx512, &mn_skinny_f64_avx512},
#endif
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].level == level && mn_cpu_runs(level)) return type == MN_F64 ? rows[i].f64 : rows[i].f32;
  return NULL;
}

const mn_skinny *mn_skinny_best(mn_dtype type)
{
  static const mn_cpu_level levels[] = {MN_CPU_AVX512, MN_CPU_AVX2, MN_CPU_BASE};
  const mn_skinny *best = NULL;
  for (size_t i = 0; !best; i++) best = mn_skinny_at(type, levels[i]);
  return best;
}

const mn_skinny *mn_skinny_for(mn_dtype type, size_t columns)
{
  if (columns < MN_SKINNY_GEMM_FROM) return mn_skinny_best(type);
  return type == MN_F64 ? &mn_skinny_f64_gemm : &mn_skinny_f32_gemm;
}
