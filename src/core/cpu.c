#include "core/cpu.h"

#if MN_X86_LEVELS
static int runs_avx2(void)
{
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int runs_avx512(void)
{
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
#endif

int mn_cpu_runs(mn_cpu_level level)
{
#if MN_X86_LEVELS
  if (level == MN_CPU_AVX2) return runs_avx2();
  if (level == MN_CPU_AVX512) return runs_avx512();
  if (level == MN_CPU_AVX_VNNI) return runs_avx2() && __builtin_cpu_supports("avxvnni");
  if (level == MN_CPU_AVX512_VNNI)
    return runs_avx512() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
  if (level == MN_CPU_AVX512_BF16)
    return runs_avx512() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512bf16");
#endif
  return level == MN_CPU_BASE;
}
