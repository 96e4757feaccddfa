/* The loops of the wavelet maps for x86-64 processors with AVX2 and FMA. */
#include "features/wavelets.h"

#include <math.h>
#include <string.h>

#if MN_X86_LEVELS
#pragma GCC target("avx2,fma")
enum { LANES = 8 };
typedef float vec __attribute__((vector_size(32)));

#define MN_LOOPS mn_wavelet_loops_avx2
#include "features/wavelets_loops_body.h"
#endif
