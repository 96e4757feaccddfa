/* Rates of this machine, and of the Gram pass and the factorisation against them. */
#include "minnorm/bench.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "linalg/cholesky.h"
#include "linalg/rate.h"
#include "linalg/threads.h"

enum { RIGHT_SIDES = 10 };

mn_status mn_bench_gemm(mn_dtype type, double seconds, const mn_context *ctx, double *gflops, mn_error *err)
{
  if (type != MN_F32 && type != MN_F64) return MN_FAIL(err, MN_ERR_ARGUMENT, "gemm: fp32 or fp64 expected");
  if (!(seconds > 0)) return MN_FAIL(err, MN_ERR_ARGUMENT, "gemm for %g s: a time above 0 expected", seconds);
  return mn_gemm_rate(type, seconds, mn_threads_open(ctx), gflops, err);
}

/* Byte samples like an image set's. */
static mn_status make_samples(size_t n, size_t dim, mn_data **out, mn_error *err)
{
  mn_status st = mn_data_create(n, dim, MN_U8, 1, out, err);
  if (st) return st;
  uint8_t *x = (*out)->x;
  mn_random r = mn_random_open(0, MN_STREAM_TEST, n);
  for (size_t i = 0; i < n * dim; i++) x[i] = (uint8_t)mn_random_u32(&r);
  for (size_t i = 0; i < n; i++) (*out)->y[i] = (double)(i % 10);
  return MN_OK;
}

static mn_status time_solve(const mn_panels *k, mn_bench_point *out, mn_error *err)
{
  double *b = mn_alloc_matrix(out->n * RIGHT_SIDES, sizeof *b);
  if (!b) return MN_NO_MEMORY(err, out->n * RIGHT_SIDES * sizeof *b);
  for (size_t i = 0; i < out->n * RIGHT_SIDES; i++) b[i] = (double)(i % 7);
  double begin_s = mn_clock_s();
  mn_status st = mn_cholesky_solve(k, out->threads, RIGHT_SIDES, NULL, b, err);
  out->solve_s = mn_clock_s() - begin_s;
  mn_free(b);
  return st;
}

static mn_status time_passes(const mn_samples *samples, mn_panels *k, const mn_context *ctx, mn_bench_point *out,
                             mn_error *err)
{
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  double n = (double)out->n, dim = (double)out->dim, begin_s = mn_clock_s();
  kernel.gamma = 6 / dim; /* the mean squared distance of such samples is dim / 6 */
  size_t pivot;
  mn_status st = mn_gram_fill(samples, &kernel, 1e-3, out->threads, ctx, k, err);
  if (st) return st;
  out->gram_s = mn_clock_s() - begin_s;
  out->gram_gflops = n * n * dim / out->gram_s * 1e-9;
  begin_s = mn_clock_s();
  if ((st = mn_cholesky_factor(k, out->threads, ctx, &pivot, err))) return st;
  out->factor_s = mn_clock_s() - begin_s;
  out->factor_gflops = mn_cholesky_flops(out->n) / out->factor_s * 1e-9;
  return time_solve(k, out, err);
}

mn_status mn_bench_run(size_t n, size_t dim, mn_dtype type, const mn_context *ctx, mn_bench_point *out, mn_error *err)
{
  const double gemm_s = n < 1000 ? 0.05 : 1; /* small passes take milliseconds: longer would tell nothing more */
  mn_data *data = NULL;
  mn_scaling *scaling = NULL;
  mn_panels *k = NULL;
  double before, after;
  *out = (mn_bench_point){.n = n, .dim = dim, .type = type, .threads = mn_threads_open(ctx)};
  mn_status st = make_samples(n, dim, &data, err);
  if (!st) st = mn_scaling_open(MN_SCALE_UNIT, data, &scaling, err);
  if (!st) st = mn_panels_open(n, mn_panels_width(n), type, &k, err);
  if (st) goto done;
  mn_samples samples = mn_samples_of(data, scaling);
  double begin_s = mn_clock_s();
  if ((st = mn_panels_populate(k, out->threads, ctx, err))) goto done;
  out->allocate_s = mn_clock_s() - begin_s;
  if ((st = mn_bench_gemm(type, gemm_s, ctx, &before, err))) goto done;
  if ((st = time_passes(&samples, k, ctx, out, err))) goto done;
  if ((st = mn_bench_gemm(type, gemm_s, ctx, &after, err))) goto done;
  out->gemm_gflops = (before + after) / 2;
  out->gram_ratio = out->gram_gflops / out->gemm_gflops;
  out->factor_ratio = out->factor_gflops / out->gemm_gflops;
done:
  mn_panels_close(&k);
  mn_scaling_close(&scaling);
  mn_data_close(&data);
  return st;
}
