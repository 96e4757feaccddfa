/* What a fit will need, before anything is allocated. */
#include <math.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/rate.h"
#include "linalg/threads.h"
#include "solve/system.h"

/* Fractions of the gemm rate that the passes reach, on the low side of what `minnorm bench` shows. */
static const double gram_share = 0.85, factor_share = 0.92, stream_share = 0.75;

/* dsyevd and dgesdd are bound by memory for about half of their flops. */
static const double spectral_share = 0.4;

static double data_bytes(size_t samples, size_t dim, size_t element_bytes)
{
  return (double)samples * (double)dim * (double)element_bytes;
}

static void count_flops(size_t n, size_t m, size_t dim, const mn_solver_row *row, mn_forecast *out)
{
  double dn = (double)n, d = (double)dim;
  out->factor_flops = row->flops(n, dim);
  out->gram_flops = row->primal ? 0 : dn * dn * d;
  out->residual_flops = row->primal ? 0 : dn * dn * d;
  out->predict_flops = row->primal ? 0 : 2 * dn * (double)m * d;
}

static void expect_seconds(const mn_solver_row *row, double factor_gflops, mn_forecast *out)
{
  double share = row->solver == MN_SOLVER_EIGEN ? spectral_share : factor_share;
  out->gram_s = out->gram_flops / (gram_share * factor_gflops * 1e9);
  out->factor_s = out->factor_flops / (share * factor_gflops * 1e9);
  out->residual_s = out->residual_flops / (stream_share * out->gflops * 1e9);
  out->predict_s = out->predict_flops / (stream_share * out->gflops * 1e9);
  out->total_s = out->gram_s + out->factor_s + out->residual_s + out->predict_s;
}

mn_status mn_solve_forecast(size_t n, size_t m, size_t dim, size_t element_bytes, size_t columns,
                            const mn_kernel *kernel, const mn_solve_options *options, const mn_context *ctx,
                            mn_forecast *out, mn_error *err)
{
  const double measure_s = 0.25;
  int threads = mn_threads_open(ctx);
  const mn_solver_row *row = mn_solver_choose(options, kernel, n, dim, threads);
  mn_dtype type = row->primal ? MN_F64 : mn_precision_type(options->precision);
  *out = (mn_forecast){.solver = row->solver};
  if (!n || !dim || !columns)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu samples, %zu features, %zu columns: at least 1 expected", n, dim,
                   columns);
  mn_status st = mn_gemm_rate(MN_F64, measure_s, threads, &out->gflops, err);
  if (st) return st;
  double factor_gflops = out->gflops;
  if (type == MN_F32 && (st = mn_gemm_rate(type, measure_s, threads, &factor_gflops, err))) return st;
  count_flops(n, m, dim, row, out);
  expect_seconds(row, factor_gflops, out);
  double solve = mn_solver_bytes(row, n, dim, columns, type, threads);
  double predict = 2 * (double)m * (double)columns * sizeof(double) +
                   (row->primal || !m ? 0 : mn_gram_multiply_bytes(m, n, dim, threads));
  out->bytes = (double)mn_memory_current_rss() + data_bytes(n + m, dim, element_bytes) + fmax(solve, predict);
  return MN_OK;
}
