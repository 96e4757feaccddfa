/* The passes of a fit, timed at one size, against the limits of this machine. */
#include "bench/bench.h"

#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/cholesky.h"
#include "linalg/threads.h"

static void fill_double(mn_random *r, size_t count, void *x)
{
  for (size_t i = 0; i < count; i++) ((double *)x)[i] = mn_random_uniform(r);
}

static void fill_bytes(mn_random *r, size_t count, void *x)
{
  for (size_t i = 0; i < count; i++) {
    uint32_t word = mn_random_u32(r);
    ((uint8_t *)x)[i] = (word & 0xffff) % 5 ? 0 : (uint8_t)(word >> 24);
  }
}

/* Kinds of samples. distance2: the mean of (x - x')^2 of a feature, by which the bandwidth is chosen. */
static const struct {
  const char *name;
  mn_dtype type;
  double distance2;
  void (*fill)(mn_random *r, size_t count, void *x);
} kinds[] = {[MN_BENCH_DOUBLE] = {"double", MN_F64, 1.0 / 6, fill_double},
             [MN_BENCH_BYTES] = {"bytes", MN_U8, 0.11, fill_bytes}};

const char *mn_bench_samples_string(mn_bench_samples samples)
{
  return samples < sizeof kinds / sizeof *kinds ? kinds[samples].name : NULL;
}

static mn_status make_samples(const mn_bench_point *p, int threads, mn_data **out, mn_error *err)
{
  mn_status st = mn_data_create(p->n, p->dim, kinds[p->samples].type, 1, out, err);
  if (st) return st;
  mn_data *data = *out;
  size_t size = mn_dtype_size(data->type);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < p->n; i++) {
    mn_random r = mn_random_open(0, MN_STREAM_TEST, i);
    kinds[p->samples].fill(&r, p->dim, (char *)data->x + i * p->dim * size);
    data->y[i] = (double)(i % 10);
  }
  return MN_OK;
}

/* What a run has at hand. */
typedef struct {
  const mn_context *ctx;
  mn_data *data;
  mn_scaling *scaling;
  mn_samples samples;
  mn_kernel kernel;
  mn_panels *k;
  double *b, *product; /* n x MN_BENCH_COLUMNS */
} run;

static mn_status open_run(run *r, const mn_bench_point *p, mn_error *err)
{
  mn_status st = make_samples(p, p->threads, &r->data, err);
  if (!st) st = mn_scaling_open(MN_SCALE_AUTO, r->data, &r->scaling, err);
  if (!st) st = mn_panels_open(p->n, p->width, p->type, &r->k, err);
  if (st) return st;
  r->samples = mn_samples_of(r->data, r->scaling);
  r->kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  r->kernel.gamma = 1 / (kinds[p->samples].distance2 * (double)p->dim);
  size_t count = p->n * MN_BENCH_COLUMNS;
  r->b = mn_alloc_matrix(2 * count, sizeof *r->b);
  if (!r->b) return MN_NO_MEMORY(err, 2 * count * sizeof *r->b);
  r->product = r->b + count;
  for (size_t i = 0; i < 2 * count; i++) r->b[i] = (double)(i % 7);
  return MN_OK;
}

static void close_run(run *r)
{
  mn_free(r->b);
  mn_panels_close(&r->k);
  mn_scaling_close(&r->scaling);
  mn_data_close(&r->data);
}

static mn_status allocate(run *r, int threads, mn_error *err)
{
  return mn_panels_populate(r->k, threads, r->ctx, err);
}

static mn_status gram(run *r, int threads, mn_error *err)
{
  return mn_gram_fill(&r->samples, &r->kernel, 1e-3, threads, r->ctx, r->k, err);
}

static mn_status factor(run *r, int threads, mn_error *err)
{
  size_t pivot;
  return mn_cholesky_factor(r->k, threads, r->ctx, &pivot, err);
}

static mn_status solve(run *r, int threads, mn_error *err)
{
  return mn_cholesky_solve(r->k, threads, MN_BENCH_COLUMNS, NULL, r->b, err);
}

static mn_status residual(run *r, int threads, mn_error *err)
{
  return mn_gram_multiply_symmetric(&r->samples, &r->kernel, threads, r->ctx, "residual", MN_BENCH_COLUMNS, r->b,
                                    r->product, err);
}

/* In the order of mn_bench_pass. */
static mn_status (*const passes[MN_BENCH_PASSES])(run *r, int threads, mn_error *err) = {allocate, gram, factor, solve,
                                                                                         residual};

static mn_status time_pass(run *r, mn_bench_pass pass, mn_bench_point *out, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = passes[pass](r, out->threads, err);
  out->pass[pass].seconds = mn_clock_s() - begin_s;
  return st;
}

/* The gemm rate in the precision of a pass: K is multiplied in fp64 whatever it was factored in. */
static double gemm_limit(const mn_bench_point *p, mn_bench_pass pass, const mn_bench_machine *machine)
{
  if (pass != MN_BENCH_RESIDUAL || p->type == MN_F64) return p->gemm_gflops;
  return machine ? machine->dgemm_gflops : (double)NAN;
}

static double memory_limit(mn_bench_pass pass, const mn_bench_machine *machine)
{
  if (!machine) return (double)NAN;
  return pass == MN_BENCH_ALLOCATE ? machine->touch_gbps
         : pass == MN_BENCH_GRAM   ? machine->write_gbps
                                   : machine->read_gbps;
}

static void set_rates(mn_bench_point *p, const mn_bench_machine *machine)
{
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++) {
    mn_bench_work work = mn_bench_work_of(pass, p->n, p->dim, p->width, p->type, p->samples);
    mn_bench_rate *r = &p->pass[pass];
    r->flops = work.flops > 0 ? work.flops : (double)NAN;
    r->gflops = 1e-9 * r->flops / r->seconds;
    r->gemm_ratio = r->gflops / gemm_limit(p, pass, machine);
    r->bytes = work.bytes;
    r->gbps = 1e-9 * r->bytes / r->seconds;
    r->memory_ratio = r->gbps / memory_limit(pass, machine);
  }
}

static mn_status measure(run *r, mn_bench_point *out, mn_error *err)
{
  const double gemm_s = out->n < 1000 ? 0.05 : 1; /* small passes take milliseconds: longer would tell nothing more */
  double before, after;
  mn_status st = time_pass(r, MN_BENCH_ALLOCATE, out, err);
  if (!st) st = mn_bench_gemm(out->type, gemm_s, r->ctx, &before, err);
  for (mn_bench_pass pass = MN_BENCH_GRAM; !st && pass < MN_BENCH_PASSES; pass++) st = time_pass(r, pass, out, err);
  if (!st) st = mn_bench_gemm(out->type, gemm_s, r->ctx, &after, err);
  if (!st) out->gemm_gflops = (before + after) / 2;
  return st;
}

mn_status mn_bench_run(const mn_bench_point *wanted, const mn_bench_machine *machine, const mn_context *ctx,
                       mn_bench_point *out, mn_error *err)
{
  mn_bench_point p = {.n = wanted->n, .dim = wanted->dim, .type = wanted->type, .samples = wanted->samples};
  p.width = mn_bench_width(p.n, wanted->width);
  run r = {.ctx = ctx};
  if (p.type != MN_F32 && p.type != MN_F64) return MN_FAIL(err, MN_ERR_ARGUMENT, "bench: fp32 or fp64 expected");
  if (!mn_bench_samples_string(p.samples)) return MN_FAIL(err, MN_ERR_ARGUMENT, "bench: no such kind of samples");
  p.threads = mn_threads_open(ctx);
  mn_status st = open_run(&r, &p, err);
  if (!st) st = measure(&r, &p, err);
  close_run(&r);
  if (st) return st;
  set_rates(&p, machine);
  *out = p;
  return MN_OK;
}
