/* The gemm rate of this machine, the limit that everything else is measured against. */
#ifndef MN_LINALG_RATE_H
#define MN_LINALG_RATE_H

#include "minnorm/status.h"
#include "minnorm/types.h"

/* Gflop/s of all threads together, each multiplying 1,024 x 1,024 matrices of its own for about `seconds`. MN_F32 or
 * MN_F64; 24 MiB a thread in fp64. */
mn_status mn_gemm_rate(mn_dtype type, double seconds, int threads, double *gflops, mn_error *err);

#endif
