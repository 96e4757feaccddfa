/* In single precision. */
#define MN_REAL float
#define MN_TYPE MN_F32
#define MN_ROWS mn_samples_rows_f32
#define MN_PHASE "run in fp32"
#define MN_FORWARD mn_forward_f32
#include "expressivity/forward_body.h"
