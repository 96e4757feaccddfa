/* Rates of this machine and of the library's passes on it. */
#ifndef MINNORM_BENCH_H
#define MINNORM_BENCH_H

#include <stddef.h>

#include "minnorm/context.h"
#include "minnorm/status.h"
#include "minnorm/types.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* gemm rate in Gflop/s: every thread multiplies 1,024 x 1,024 matrices of its own for about `seconds`. type: MN_F32 or
 * MN_F64. */
mn_status mn_bench_gemm(mn_dtype type, double seconds, const mn_context *ctx, double *gflops, mn_error *err);

/* One measurement at one size, in the order done: memory, gemm before, Gram (gaussian, synthetic samples), factor,
 * solve of 10 right-hand sides, gemm after. */
typedef struct {
  size_t n, dim;
  mn_dtype type;
  int threads;
  double gemm_gflops; /* mean of before and after */
  double allocate_s, gram_s, gram_gflops, factor_s, factor_gflops, solve_s;
  double gram_ratio, factor_ratio; /* to gemm_gflops */
} mn_bench_point;
mn_status mn_bench_run(size_t n, size_t dim, mn_dtype type, const mn_context *ctx, mn_bench_point *out, mn_error *err);

/* What is linked and what there is, for `minnorm info`. */
typedef struct {
  const char *version; /* of minnorm */
  char blas[192];
  char compiler[64];
  int threads;
  size_t memory_total, memory_available; /* bytes */
  const char *features[8]; /* NULL-terminated: "portable", "avx2", "avx512", the kernels that run here, best last */
} mn_info;
void mn_info_get(mn_info *out);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
