/* Which instruction sets the code of vectorised files may use, chosen when the program runs. */
#ifndef MN_CORE_CPU_H
#define MN_CORE_CPU_H

/* The levels above the portable one need gcc's target pragma, and processors that have more than the baseline. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MN_X86_LEVELS 1
#else
#define MN_X86_LEVELS 0
#endif

typedef enum {
  MN_CPU_BASE,
  MN_CPU_AVX2,
  MN_CPU_AVX512,
  MN_CPU_AVX_VNNI,
  MN_CPU_AVX512_VNNI,
  MN_CPU_AVX512_BF16,
  MN_CPU_AMX_BF16
} mn_cpu_level;

/* 1 when the processor (and the operating system, which saves the registers) can run a level: AVX2 with FMA; AVX-512 F,
 * DQ and VL with FMA; AVX2 with the byte products of AVX-VNNI; AVX-512 with BW and VNNI; AVX-512 with BW and BF16;
 * AVX-512 with BW and the bfloat16 tiles of AMX, whose registers Linux gives to a process that asks: the first call
 * asks. */
int mn_cpu_runs(mn_cpu_level level);

#endif
