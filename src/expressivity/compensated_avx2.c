/* For x86-64 processors with AVX2 and FMA. */
#include "expressivity/compensated.h"

#if MN_X86_LEVELS
#pragma GCC target("avx2,fma")
#define MN_COMPENSATED mn_compensated_avx2
#include "expressivity/compensated_body.h"
#endif
