#define _GNU_SOURCE /* syscall */
#include "core/cpu.h"

#if MN_X86_LEVELS
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static int runs_avx2(void)
{
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int runs_avx512(void)
{
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

static int has_tiles;

/* Of <asm/prctl.h>, which older headers lack, and the number of the state in the architecture. */
static void ask_for_tiles(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  has_tiles = !syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA);
#endif
}

static int runs_amx_bf16(void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (!__builtin_cpu_supports("amx-tile") || !__builtin_cpu_supports("amx-bf16")) return 0;
  pthread_once(&once, ask_for_tiles);
  return has_tiles;
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
  if (level == MN_CPU_AMX_BF16) return runs_avx512() && __builtin_cpu_supports("avx512bw") && runs_amx_bf16();
#endif
  return level == MN_CPU_BASE;
}
