#include "expressivity/compensated.h"

#define MN_COMPENSATED mn_compensated_base
#include "expressivity/compensated_body.h"

const mn_compensated *mn_compensated_best(void)
{
#if MN_X86_LEVELS
  if (mn_cpu_runs(MN_CPU_AVX2)) return &mn_compensated_avx2;
#endif
  return &mn_compensated_base;
}
