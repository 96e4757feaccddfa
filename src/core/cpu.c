#include "core/cpu.h"

int mn_cpu_runs(mn_cpu_level level)
{
#if MN_X86_LEVELS
  if (level == MN_CPU_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (level == MN_CPU_AVX512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#endif
  return level == MN_CPU_BASE;
}
