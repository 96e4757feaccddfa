/* minnorm bench: limits of this machine, and the passes of a fit against them. */
#include "bench.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { REPEAT_MAX = 99 };

static int compare_reals(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Median of the member at an offset over the runs. */
static double median(const mn_bench_point *runs, size_t count, size_t offset)
{
  double v[REPEAT_MAX];
  for (size_t i = 0; i < count; i++) memcpy(&v[i], (const char *)&runs[i] + offset, sizeof v[i]);
  qsort(v, count, sizeof *v, compare_reals);
  return (v[count / 2] + v[(count - 1) / 2]) / 2;
}

/* Of every member that was measured; a rate is a struct of reals and nothing else. */
static mn_bench_point medians(const mn_bench_point *runs, size_t count)
{
  mn_bench_point out = runs[0];
  const size_t first = offsetof(mn_bench_point, pass), end = first + sizeof out.pass;
  out.gemm_gflops = median(runs, count, offsetof(mn_bench_point, gemm_gflops));
  for (size_t at = first; at < end; at += sizeof(double)) {
    double value = median(runs, count, at);
    memcpy((char *)&out + at, &value, sizeof value);
  }
  return out;
}

double mn_cli_bench_speedup(const mn_cli_bench_run *run, size_t i, mn_bench_pass pass)
{
  return run->one.points[i].pass[pass].seconds / run->all.points[i].pass[pass].seconds;
}

/* Where no size takes longer than milliseconds the limits are measured briefly, too. */
static mn_status measure_machine(const mn_cli_bench_run *b, const mn_context *ctx, mn_bench_machine *out, mn_error *err)
{
  const size_t brief_bytes = (size_t)32 << 20;
  size_t largest = 0;
  for (size_t i = 0; i < b->count; i++)
    if (b->n[i] > largest) largest = b->n[i];
  int brief = largest < 1000;
  return mn_bench_measure(brief ? 0.05 : 1, brief ? brief_bytes : 0, ctx, out, err);
}

static mn_status measure_size(const mn_cli *cli, size_t n, const mn_context *ctx, const mn_bench_machine *machine,
                              mn_bench_point *out, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  const mn_bench_point wanted = {.n = n,
                                 .dim = v->dim,
                                 .width = v->width,
                                 .type = v->bench_type ? MN_F32 : MN_F64,
                                 .samples = (mn_bench_samples)v->bench_samples};
  mn_bench_point runs[REPEAT_MAX];
  mn_status st = MN_OK;
  for (int r = 0; !st && r < v->repeat; r++) st = mn_bench_run(&wanted, machine, ctx, &runs[r], err);
  if (!st) *out = medians(runs, (size_t)v->repeat);
  return st;
}

static void fit_growth(size_t count, mn_cli_bench_series *series)
{
  double n[MN_CLI_BENCH_SIZES], seconds[MN_CLI_BENCH_SIZES];
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++) {
    for (size_t i = 0; i < count; i++) {
      n[i] = (double)series->points[i].n;
      seconds[i] = series->points[i].pass[pass].seconds;
    }
    series->growth[pass] = mn_bench_growth(count, n, seconds);
  }
}

static mn_status measure(mn_cli *cli, mn_cli_bench_run *b, mn_error *err)
{
  int compare = cli->values.compare_threads, shown = mn_cli_shows_table(cli);
  mn_context one = cli->context;
  one.threads = 1;
  mn_status st = measure_machine(b, &cli->context, &b->all.machine, err);
  if (!st && compare) st = measure_machine(b, &one, &b->one.machine, err);
  mn_cli_progress_clear();
  if (!st && shown) mn_cli_bench_table_head(cli, b);
  for (size_t i = 0; !st && i < b->count; i++) {
    st = measure_size(cli, b->n[i], &cli->context, &b->all.machine, &b->all.points[i], err);
    if (!st && compare) st = measure_size(cli, b->n[i], &one, &b->one.machine, &b->one.points[i], err);
    mn_cli_progress_clear();
    if (!st && shown) mn_cli_bench_table_size(cli, b, i);
  }
  if (st) return st;
  fit_growth(b->count, &b->all);
  if (compare) fit_growth(b->count, &b->one);
  if (shown) mn_cli_bench_table_growth(b);
  return MN_OK;
}

static mn_status check(const mn_cli *cli, mn_cli_bench_run *b, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = mn_cli_read_sizes("n", v->sizes, 1e6, MN_CLI_BENCH_SIZES, b->n, &b->count, err);
  if (!st && v->compare_threads && mn_cli_threads(cli) < 2)
    st = mn_cli_fail(err, MN_ERR_ARGUMENT, "--compare-threads needs more than one thread");
  if (!st) st = mn_cli_check_outputs(cli, err);
  if (!st && v->plot) st = mn_plot_check_path(v->plot, err);
  return st;
}

mn_status mn_cli_bench(mn_cli *cli, mn_error *err)
{
  mn_cli_bench_run *b = calloc(1, sizeof *b);
  if (!b) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory");
  mn_status st = check(cli, b, err);
  if (!st) st = measure(cli, b, err);
  if (!st && cli->values.plot) st = mn_cli_bench_plot(cli, b, err);
  if (!st && cli->values.json) st = mn_cli_bench_json(cli, b, err);
  free(b);
  return st;
}
