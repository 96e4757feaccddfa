/* What a fit will need, before anything is allocated. */
#include <math.h>

#include "core/memory.h"
#include "gram/gram.h"
#include "linalg/threads.h"
#include "minnorm/bench.h"
#include "solve/system.h"

/* Fractions of the gemm rate that the passes reach on one machine after another (results/scaling). */
static const double gram_share = 0.85, factor_share = 0.92, stream_share = 0.75;

/* Vectors that solving and evaluating hold at once, in units of n x columns doubles. */
enum { SOLVE_VECTORS = 7 };

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

mn_status mn_solve_forecast(size_t n, size_t m, size_t dim, size_t element_bytes, size_t columns,
                            const mn_kernel *kernel, const mn_solve_options *options, const mn_context *ctx,
                            mn_forecast *out, mn_error *err)
{
  const double measure_s = 0.25;
  int threads = mn_threads_open(ctx);
  mn_dtype type = mn_precision_type(options->precision);
  const mn_solver_row *row = mn_solver_choose(options->solver, kernel, n, dim);
  double factor_gflops;
  *out = (mn_forecast){.solver = row->solver};
  mn_status st = mn_bench_gemm(MN_F64, measure_s, ctx, &out->gflops, err);
  if (st) return st;
  factor_gflops = out->gflops;
  if (type == MN_F32 && (st = mn_bench_gemm(type, measure_s, ctx, &factor_gflops, err))) return st;
  count_flops(n, m, dim, row, out);
  out->gram_s = out->gram_flops / (gram_share * factor_gflops * 1e9);
  out->factor_s = out->factor_flops / (factor_share * factor_gflops * 1e9);
  out->residual_s = out->residual_flops / (stream_share * out->gflops * 1e9);
  out->predict_s = out->predict_flops / (stream_share * out->gflops * 1e9);
  out->total_s = out->gram_s + out->factor_s + out->residual_s + out->predict_s;
  double vectors = (double)n * (double)columns * sizeof(double) * (SOLVE_VECTORS + threads);
  double buffers = (double)threads * (double)mn_gram_buffer_bytes(0, dim, 0, columns);
  out->bytes = (double)mn_memory_current_rss() + data_bytes(n + m, dim, element_bytes) +
               row->bytes(n, dim, type, threads) + vectors + buffers;
  return MN_OK;
}
