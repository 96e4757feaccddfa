/* The transform tables, one a precision and instruction set, each its own file: the same source, transforms_body.h. */
#ifndef MN_GRAM_TRANSFORMS_H
#define MN_GRAM_TRANSFORMS_H

#include "core/cpu.h"
#include "gram/kernels.h"

extern const mn_transform_f64 mn_transforms_f64_base[MN_KERNEL_COUNT];
extern const mn_transform_f32 mn_transforms_f32_base[MN_KERNEL_COUNT];
#if MN_X86_LEVELS
extern const mn_transform_f64 mn_transforms_f64_avx2[MN_KERNEL_COUNT];
extern const mn_transform_f32 mn_transforms_f32_avx2[MN_KERNEL_COUNT];
extern const mn_transform_f64 mn_transforms_f64_avx512[MN_KERNEL_COUNT];
extern const mn_transform_f32 mn_transforms_f32_avx512[MN_KERNEL_COUNT];
#endif

#endif
