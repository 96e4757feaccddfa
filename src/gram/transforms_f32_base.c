/* Transforms in float for every processor. */
#include "gram/transforms.h"

#include "gram/vecmath_f32.h"

#define MN_TRANSFORM mn_transform_f32
#define MN_TRANSFORMS mn_transforms_f32_base
#include "gram/transforms_body.h"
