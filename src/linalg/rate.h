/* The gemm rate of this machine, the limit that everything else is measured against. */
#ifndef MN_LINALG_RATE_H
#define MN_LINALG_RATE_H

#include <stddef.h>

#include "minnorm/status.h"
#include "minnorm/types.h"

/* The order that whole matrices are as fast as: 24 MiB a thread in fp64. */
enum { MN_RATE_ORDER = 1024 };

/* Gflop/s of all threads together, each doing `work`, of so many flops, again and again for about `seconds` in a part
 * of `space` that is its own, `each` bytes long. */
double mn_rate_of(void (*work)(const void *arg, void *mine), const void *arg, void *space, size_t each, double flops,
                  double seconds, int threads);

/* Gflop/s of all threads together, each multiplying square matrices of its own for about `seconds`. MN_F32 or MN_F64.
 */
mn_status mn_gemm_rate(mn_dtype type, size_t order, double seconds, int threads, double *gflops, mn_error *err);

#endif
