/* In double. */
#define MN_REAL double
#define MN_TYPE MN_F64
#define MN_ROWS mn_samples_rows_f64
#define MN_PHASE "run in fp64"
#define MN_FORWARD mn_forward_f64
#include "expressivity/forward_body.h"
