/* Transforms in double for every processor. */
#include "gram/transforms.h"

#include "gram/vecmath_f64.h"

#define MN_TRANSFORM mn_transform_f64
#define MN_TRANSFORMS mn_transforms_f64_base
#include "gram/transforms_body.h"
