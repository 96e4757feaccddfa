/* Transforms in double for x86-64 processors with AVX-512. */
#include "gram/transforms.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if MN_X86_LEVELS
#pragma GCC target("avx512f,avx512dq,avx512vl,fma,prefer-vector-width=512")
#include "gram/vecmath_f64.h"

#define MN_TRANSFORM mn_transform_f64
#define MN_TRANSFORMS mn_transforms_f64_avx512
#include "gram/transforms_body.h"
#endif
