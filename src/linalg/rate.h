/* The gemm rate of this machine, the limit that everything else is measured against. */
#ifndef MN_LINALG_RATE_H
#define MN_LINALG_RATE_H

#include <stddef.h>

#include "minnorm/status.h"
#include "minnorm/types.h"

/* The order that whole matrices are as fast as: 24 MiB a thread in fp64. */
enum { MN_RATE_ORDER = 1024 };

/* Gflop/s of all threads together, each multiplying square matrices of its own for about `seconds`. MN_F32 or MN_F64.
 */
mn_status mn_gemm_rate(mn_dtype type, size_t order, double seconds, int threads, double *gflops, mn_error *err);

#endif
