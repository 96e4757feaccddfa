/* minnorm bench: rates of this machine. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { SIZES_MAX = 32, REPEAT_MAX = 99 };

typedef struct {
  size_t count;
  size_t n[SIZES_MAX];
  mn_bench_point points[SIZES_MAX]; /* medians */
} bench;

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

static mn_bench_point medians(const mn_bench_point *runs, size_t count)
{
  static const size_t members[] = {offsetof(mn_bench_point, allocate_s),  offsetof(mn_bench_point, gemm_gflops),
                                   offsetof(mn_bench_point, gram_s),      offsetof(mn_bench_point, gram_gflops),
                                   offsetof(mn_bench_point, factor_s),    offsetof(mn_bench_point, factor_gflops),
                                   offsetof(mn_bench_point, solve_s),     offsetof(mn_bench_point, gram_ratio),
                                   offsetof(mn_bench_point, factor_ratio)};
  mn_bench_point out = runs[0];
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    double value = median(runs, count, members[i]);
    memcpy((char *)&out + members[i], &value, sizeof value);
  }
  return out;
}

static void table_head(const mn_cli *cli)
{
  mn_info info;
  mn_info_get(&info);
  mn_cli_line("blas", "%s", info.blas);
  mn_cli_line("setting", "%zu features, %s, %d threads, median of %d", cli->values.dim,
              cli->values.bench_type ? "single" : "double", mn_cli_threads(cli), cli->values.repeat);
  printf("\n%9s %9s %9s %9s %9s %6s %9s %9s %6s %9s\n", "n", "gemm", "memory", "gram", "", "", "factor", "", "",
         "solve");
  printf("%9s %9s %9s %9s %9s %6s %9s %9s %6s %9s\n", "", "Gflop/s", "s", "s", "Gflop/s", "gemm", "s", "Gflop/s",
         "gemm", "s");
}

static void table_row(const mn_bench_point *p)
{
  printf("%9s %9.1f %9.3f %9.3f %9.1f %4.0f %% %9.3f %9.1f %4.0f %% %9.3f\n", mn_number_count(p->n).text,
         p->gemm_gflops, p->allocate_s, p->gram_s, p->gram_gflops, 100 * p->gram_ratio, p->factor_s, p->factor_gflops,
         100 * p->factor_ratio, p->solve_s);
  fflush(stdout);
}

static mn_status measure(mn_cli *cli, bench *b, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_bench_point runs[REPEAT_MAX];
  mn_status st = MN_OK;
  for (size_t i = 0; !st && i < b->count; i++) {
    for (int r = 0; !st && r < v->repeat; r++)
      st = mn_bench_run(b->n[i], v->dim, v->bench_type ? MN_F32 : MN_F64, &cli->context, &runs[r], err);
    mn_cli_progress_clear();
    if (st) break;
    b->points[i] = medians(runs, (size_t)v->repeat);
    if (mn_cli_shows_table(cli)) table_row(&b->points[i]);
  }
  return st;
}

static void json_point(mn_report *j, const mn_bench_point *p)
{
  mn_report_begin_object(j, NULL);
  mn_report_count(j, "n", p->n);
  mn_report_real(j, "gemm_gflops", p->gemm_gflops);
  mn_report_real(j, "allocate_s", p->allocate_s);
  mn_report_real(j, "gram_s", p->gram_s);
  mn_report_real(j, "gram_gflops", p->gram_gflops);
  mn_report_real(j, "gram_ratio", p->gram_ratio);
  mn_report_real(j, "factor_s", p->factor_s);
  mn_report_real(j, "factor_gflops", p->factor_gflops);
  mn_report_real(j, "factor_ratio", p->factor_ratio);
  mn_report_real(j, "solve_s", p->solve_s);
  mn_report_end(j);
}

static mn_status json(const mn_cli *cli, const bench *b, mn_error *err)
{
  mn_report *j = NULL;
  mn_info info;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_info_get(&info);
  mn_report_count(j, "dim", cli->values.dim);
  mn_report_text(j, "precision", cli->values.bench_type ? "single" : "double");
  mn_report_real(j, "repeat", cli->values.repeat);
  mn_report_real(j, "threads", mn_cli_threads(cli));
  mn_report_text(j, "blas", info.blas);
  mn_report_begin_list(j, "points");
  for (size_t i = 0; i < b->count; i++) json_point(j, &b->points[i]);
  mn_report_end(j);
  return mn_cli_report_finish(cli, &j, err);
}

mn_status mn_cli_bench(mn_cli *cli, mn_error *err)
{
  bench b = {0};
  mn_status st = mn_cli_read_sizes(cli->values.sizes, 1e6, SIZES_MAX, b.n, &b.count, err);
  if (!st) st = mn_cli_check_outputs(cli, err);
  if (!st && mn_cli_shows_table(cli)) table_head(cli);
  if (!st) st = measure(cli, &b, err);
  if (!st && cli->values.json) st = json(cli, &b, err);
  return st;
}
