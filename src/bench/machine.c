/* The limits of this machine: gemm, and memory that is read, written, copied, touched for the first time. */
#define _GNU_SOURCE
#include <omp.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "linalg/rate.h"
#include "linalg/threads.h"

enum { PASSES = 5 };

static const size_t least_bytes = (size_t)1 << 20, usual_bytes = (size_t)512 << 20;

/* The two arrays. */
typedef struct {
  uint64_t *a, *b; /* words each */
  size_t words;
  int threads;
  uint64_t sum; /* what was read: a result that is used cannot be left out */
} arrays;

/* A thread's part of the arrays: words first ... first + count - 1. */
static void part_of(const arrays *s, size_t *first, size_t *count)
{
  size_t threads = (size_t)omp_get_num_threads(), self = (size_t)omp_get_thread_num();
  *first = s->words / threads * self;
  *count = self + 1 == threads ? s->words - *first : s->words / threads;
}

static uint64_t sum_of(const uint64_t *a, size_t count)
{
  uint64_t sum[4] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t k = 0; k < 16; k++) sum[k % 4] += a[i + k];
  for (; i < count; i++) sum[0] += a[i];
  return sum[0] + sum[1] + sum[2] + sum[3];
}

static void read_pass(arrays *s)
{
  uint64_t total = 0;
#pragma omp parallel num_threads(s->threads) reduction(+ : total)
  {
    size_t first, count;
    part_of(s, &first, &count);
    total += sum_of(s->a + first, count);
  }
  s->sum += total;
}

static void write_pass(arrays *s)
{
  uint64_t value = s->sum;
#pragma omp parallel num_threads(s->threads)
  {
    size_t first, count;
    part_of(s, &first, &count);
    for (uint64_t *p = s->a + first, *end = p + count; p < end; p++) *p = value;
  }
}

static void copy_pass(arrays *s)
{
#pragma omp parallel num_threads(s->threads)
  {
    size_t first, count;
    part_of(s, &first, &count);
    memcpy(s->b + first, s->a + first, count * sizeof *s->a);
  }
}

/* Bytes a second of the best of PASSES passes, each of which moves this many bytes; 0 once cancelled. */
static double best_rate(arrays *s, void (*pass)(arrays *), double bytes, mn_meter *meter)
{
  double best_s = 0;
  for (int i = 0; i < PASSES; i++) {
    double begin_s = mn_clock_s();
    pass(s);
    double taken_s = mn_clock_s() - begin_s;
    if (!i || taken_s < best_s) best_s = taken_s;
    if (mn_meter_add(meter, bytes)) return 0;
  }
  return bytes / best_s;
}

static void measure_arrays(arrays *s, mn_meter *meter, mn_bench_machine *out)
{
  double bytes = (double)out->array_bytes, begin_s = mn_clock_s();
  mn_memory_populate(s->a, out->array_bytes, s->threads);
  mn_memory_populate(s->b, out->array_bytes, s->threads);
  out->touch_gbps = 2e-9 * bytes / (mn_clock_s() - begin_s);
  if (mn_meter_add(meter, 2 * bytes)) return;
  out->write_gbps = 1e-9 * best_rate(s, write_pass, bytes, meter);
  out->read_gbps = 1e-9 * best_rate(s, read_pass, bytes, meter);
  out->copy_gbps = 1e-9 * best_rate(s, copy_pass, 2 * bytes, meter);
}

static mn_status measure_memory(const mn_context *ctx, mn_bench_machine *out, mn_error *err)
{
  arrays s = {.words = out->array_bytes / sizeof *s.a, .threads = out->threads};
  mn_meter meter;
  mn_status st = MN_OK;
  s.a = mn_alloc_matrix(s.words, sizeof *s.a);
  s.b = mn_alloc_matrix(s.words, sizeof *s.b);
  if (!s.a || !s.b) {
    st = MN_NO_MEMORY(err, 2 * out->array_bytes);
    goto done;
  }
  mn_meter_open(&meter, ctx, "bandwidth", (2 + 4.0 * PASSES) * (double)out->array_bytes, "byte");
  measure_arrays(&s, &meter, out);
  st = mn_meter_close(&meter, err);
done:
  mn_free(s.a);
  mn_free(s.b);
  return st;
}

static size_t default_bytes(void)
{
  long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  size_t bytes = usual_bytes, most = mn_memory_available() / 8;
  if (cache > 0 && 2 * (size_t)cache > bytes) bytes = 2 * (size_t)cache;
  if (most && bytes > most) bytes = most;
  return bytes < least_bytes ? least_bytes : bytes;
}

mn_status mn_bench_measure(double gemm_s, size_t array_bytes, const mn_context *ctx, mn_bench_machine *out,
                           mn_error *err)
{
  *out = (mn_bench_machine){.threads = mn_threads_open(ctx)};
  if (array_bytes && array_bytes < least_bytes)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "arrays of %zu bytes: at least %zu expected", array_bytes, least_bytes);
  out->array_bytes = (array_bytes ? array_bytes : default_bytes()) / sizeof(uint64_t) * sizeof(uint64_t);
  mn_status st = mn_bench_gemm(MN_F64, gemm_s, ctx, &out->dgemm_gflops, err);
  if (!st) st = mn_bench_gemm(MN_F32, gemm_s, ctx, &out->sgemm_gflops, err);
  return st ? st : measure_memory(ctx, out, err);
}

mn_status mn_bench_gemm(mn_dtype type, double seconds, const mn_context *ctx, double *gflops, mn_error *err)
{
  if (type != MN_F32 && type != MN_F64) return MN_FAIL(err, MN_ERR_ARGUMENT, "gemm: fp32 or fp64 expected");
  if (!(seconds > 0)) return MN_FAIL(err, MN_ERR_ARGUMENT, "gemm for %g s: a time above 0 expected", seconds);
  return mn_gemm_rate(type, MN_RATE_ORDER, seconds, mn_threads_open(ctx), gflops, err);
}
