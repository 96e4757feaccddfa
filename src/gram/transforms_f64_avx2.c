/* Transforms in double for x86-64 processors with AVX2 and FMA. */
#include "gram/transforms.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if MN_X86_LEVELS
#pragma GCC target("avx2,fma")
#include "gram/vecmath_f64.h"

#define MN_TRANSFORM mn_transform_f64
#define MN_TRANSFORMS mn_transforms_f64_avx2
#include "gram/transforms_body.h"
#endif
