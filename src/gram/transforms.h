/* The transform tables, one a precision and instruction set, each its own file: the same source, transforms_body.h. */
#ifndef MN_GRAM_TRANSFORMS_H
#define MN_GRAM_TRANSFORMS_H

#include "gram/kernels.h"

/* The levels above the portable one need gcc's target pragma, and processors that have more than the baseline. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MN_X86_LEVELS 1
#else
#define MN_X86_LEVELS 0
#endif

extern const mn_transform_f64 mn_transforms_f64_base[MN_KERNEL_COUNT];
extern const mn_transform_f32 mn_transforms_f32_base[MN_KERNEL_COUNT];
#if MN_X86_LEVELS
extern const mn_transform_f64 mn_transforms_f64_avx2[MN_KERNEL_COUNT];
extern const mn_transform_f32 mn_transforms_f32_avx2[MN_KERNEL_COUNT];
extern const mn_transform_f64 mn_transforms_f64_avx512[MN_KERNEL_COUNT];
extern const mn_transform_f32 mn_transforms_f32_avx512[MN_KERNEL_COUNT];
#endif

#endif
