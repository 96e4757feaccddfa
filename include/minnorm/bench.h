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

/* ---- the limits of this machine: what its passes are held against */

/* Rates of memory count 1e9 bytes a second, every thread on a part of its own; each is the best of a few passes. */
typedef struct {
  int threads;
  size_t array_bytes;                /* of each of the two arrays */
  double dgemm_gflops, sgemm_gflops; /* mn_bench_gemm */
  double touch_gbps;                 /* memory used for the first time, huge pages where the system grants them */
  double read_gbps, write_gbps;      /* sum of an array's words; an array set to a value by ordinary stores */
  double copy_gbps;                  /* memcpy of one array to the other, bytes read and bytes written both counted */
} mn_bench_machine;

/* gemm_s: time for each of both types. array_bytes: at least 1 MiB; 0: 512 MiB or twice the last cache, the
 * larger, but not more than an eighth of the memory there is. Progress phase "bandwidth". */
mn_status mn_bench_measure(double gemm_s, size_t array_bytes, const mn_context *ctx, mn_bench_machine *out,
                           mn_error *err);

/* ---- the passes of a fit at one size */

typedef enum {
  MN_BENCH_ALLOCATE, /* memory of the lower triangle, brought in; small ones may get pages the process had before */
  MN_BENCH_GRAM,     /* the triangle filled; Gaussian kernel */
  MN_BENCH_FACTOR,   /* Cholesky */
  MN_BENCH_SOLVE,    /* 10 right-hand sides */
  MN_BENCH_RESIDUAL, /* K v for 10 columns in fp64, K computed anew and not stored */
  MN_BENCH_PASSES
} mn_bench_pass;

/* "allocate", ...; NULL outside the table. */
const char *mn_bench_pass_string(mn_bench_pass pass);

/* Synthetic samples: reals uniform on 0 ... 1, or bytes of which four in five are 0, as in images of digits. */
typedef enum { MN_BENCH_DOUBLE, MN_BENCH_BYTES } mn_bench_samples;
const char *mn_bench_samples_string(mn_bench_samples samples); /* "double", "bytes"; NULL outside the table */

/* What a pass does, counted, not measured; s is the size of an element of K, w the width of its panels (one tile is w x
 * w), t that of an element of the samples.
 *   allocate  no flops; the bytes of the panels
 *   gram      n^2 d; every tile written, a block of w samples read for each tile and one more for each panel
 *   factor    n^3 / 3; for each tile: itself read and written once, two tiles to the left of it for each panel before
 *             (one tile on the diagonal), the diagonal tile above it: about n^3 s / 3w
 *   solve     2 n^2 columns; the triangle read twice
 *   residual  n^2 d + 2 n^2 columns; samples as for gram with w = 512, v and K v
 * Caches larger than a tile make the traffic less. */
typedef struct {
  double flops, bytes;
} mn_bench_work;
/* width: of the panels; 0: that of a fit. */
mn_bench_work mn_bench_work_of(mn_bench_pass pass, size_t n, size_t dim, size_t width, mn_dtype type,
                               mn_bench_samples samples);

/* A pass measured. NaN: does not apply, or what it is divided by is not known. */
typedef struct {
  double seconds;
  double flops, gflops, gemm_ratio; /* to the gemm rate of its precision in the same run */
  double bytes, gbps, memory_ratio; /* to what the pass does most: touch (allocate), write (gram), else read */
} mn_bench_rate;

typedef struct {
  size_t n, dim;
  size_t width;  /* columns of a panel and rows of a tile, at most n; wanted 0: as a fit takes them */
  mn_dtype type; /* of K and its factor */
  mn_bench_samples samples;
  int threads;
  double gemm_gflops; /* mean of before and after */
  mn_bench_rate pass[MN_BENCH_PASSES];
} mn_bench_point;

/* One measurement of `wanted` n, dim, width, type and samples; what else it holds is not read. In the order done:
 * memory, gemm before, the other passes, gemm after. machine: of the same number of threads, for the ratios; may be
 * NULL. */
mn_status mn_bench_run(const mn_bench_point *wanted, const mn_bench_machine *machine, const mn_context *ctx,
                       mn_bench_point *out, mn_error *err);

/* The exponent p of the power law c n^p that fits best: least squares of log seconds against log n. NaN with fewer than
 * three points, or without two different n, or with a value that is not positive. */
double mn_bench_growth(size_t count, const double *n, const double *seconds);

/* What is linked and what there is, for `minnorm info`. */
typedef struct {
  const char *version; /* of minnorm */
  char blas[192];
  char compiler[64];
  int threads, threads_most;             /* that a call takes unless told, and at most: what OpenBLAS was built for */
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
