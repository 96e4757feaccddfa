/* Rates of this machine, and of the Gram pass and the factorisation against them. */
#include "minnorm/bench.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "linalg/cholesky.h"
#include "linalg/threads.h"

enum { ORDER = 1024, RIGHT_SIDES = 10 };

/* Fills `count` elements so that products neither overflow nor become denormal. */
static void fill_elements(mn_dtype type, size_t count, void *a)
{
  for (size_t i = 0; i < count; i++) {
    double value = 1e-3 * (double)(i % 13 + 1);
    if (type == MN_F64)
      ((double *)a)[i] = value;
    else
      ((float *)a)[i] = (float)value;
  }
}

/* C <- A B' until the time is over; returns flops done. All threads run for the same span. */
static double gemm_until(const mn_blas *blas, double end_s, const char *a)
{
  const size_t square = (size_t)ORDER * ORDER * blas->size;
  double flops = 0;
  while (mn_clock_s() < end_s) {
    blas->gemm('N', 'T', ORDER, ORDER, ORDER, 1, a, ORDER, a + square, ORDER, 0, (void *)(a + 2 * square), ORDER);
    flops += 2.0 * ORDER * ORDER * ORDER;
  }
  return flops;
}

mn_status mn_bench_gemm(mn_dtype type, double seconds, const mn_context *ctx, double *gflops, mn_error *err)
{
  if (type != MN_F32 && type != MN_F64) return MN_FAIL(err, MN_ERR_ARGUMENT, "gemm: fp32 or fp64 expected");
  int threads = mn_threads_open(ctx);
  const mn_blas *blas = mn_blas_of(type);
  size_t each = 3 * (size_t)ORDER * ORDER, total = each * (size_t)threads;
  char *space = mn_alloc_matrix(total, blas->size);
  if (!space) return MN_NO_MEMORY(err, total * blas->size);
  fill_elements(type, total, space);
  double rate = 0;
#pragma omp parallel num_threads(threads) reduction(+ : rate)
  {
#pragma omp for schedule(static, 1)
    for (int t = 0; t < threads; t++) { /* each thread over its own time, from a warm start */
      const char *mine = space + (size_t)t * each * blas->size;
      gemm_until(blas, mn_clock_s() + 0.2 * seconds, mine);
      double begin_s = mn_clock_s(), flops = gemm_until(blas, begin_s + 0.8 * seconds, mine);
      rate += flops / (mn_clock_s() - begin_s);
    }
  }
  mn_free(space);
  *gflops = rate * 1e-9;
  return MN_OK;
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
  fill_elements(MN_F64, out->n * RIGHT_SIDES, b);
  double begin_s = mn_clock_s();
  mn_status st = mn_cholesky_solve(k, out->threads, RIGHT_SIDES, b, err);
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
