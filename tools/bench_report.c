/* Table and JSON of minnorm bench. */
#include <math.h>
#include <string.h>

#include "bench.h"

static void machine_lines(const mn_bench_machine *m, const char *what)
{
  mn_cli_line(what, "dgemm %.1f, sgemm %.1f Gflop/s; memory read %.1f, write %.1f, copy %.1f, first touch %.1f GB/s",
              m->dgemm_gflops, m->sgemm_gflops, m->read_gbps, m->write_gbps, m->copy_gbps, m->touch_gbps);
}

void mn_cli_bench_table_head(const mn_cli *cli, const mn_cli_bench_run *run)
{
  const mn_cli_values *v = &cli->values;
  mn_info info;
  mn_info_get(&info);
  mn_cli_line("blas", "%s", info.blas);
  mn_cli_line("setting", "%zu features, samples of %s, %s precision, %d thread%s, median of %d, arrays of %s", v->dim,
              mn_bench_samples_string((mn_bench_samples)v->bench_samples), v->bench_type ? "single" : "double",
              mn_cli_threads(cli), mn_cli_threads(cli) == 1 ? "" : "s", v->repeat,
              mn_number_bytes((double)run->all.machine.array_bytes).text);
  if (v->width) mn_cli_line("panels", "%zu columns", v->width);
  machine_lines(&run->all.machine, "limits");
  if (v->compare_threads) machine_lines(&run->one.machine, "1 thread");
  printf("\n%9s  %-8s %11s %9s %7s %11s %8s %8s", "n", "pass", "seconds", "Gflop/s", "of gemm", "moved", "GB/s",
         "of limit");
  printf(v->compare_threads ? " %11s %8s\n" : "\n", "1 thread, s", "speed-up");
  fflush(stdout);
}

/* "97 %" and "1.5"; blank when it does not apply. */
static mn_number percent(double ratio)
{
  mn_number out = {""};
  if (isfinite(ratio)) snprintf(out.text, sizeof out.text, "%.0f %%", 100 * ratio);
  return out;
}

static mn_number real(double value, int digits)
{
  mn_number out = {""};
  if (isfinite(value)) snprintf(out.text, sizeof out.text, "%.*f", digits, value);
  return out;
}

static void table_row(const char *n, mn_bench_pass pass, const mn_bench_rate *r)
{
  printf("%9s  %-8s %11.4f %9s %7s %11s %8.2f %8s", n, mn_bench_pass_string(pass), r->seconds, real(r->gflops, 1).text,
         percent(r->gemm_ratio).text, mn_number_bytes(r->bytes).text, r->gbps, percent(r->memory_ratio).text);
}

void mn_cli_bench_table_size(const mn_cli *cli, const mn_cli_bench_run *run, size_t i)
{
  const mn_bench_point *p = &run->all.points[i];
  printf("%9s  %-8s %11s %9.1f\n", mn_number_count(p->n).text, "gemm", "", p->gemm_gflops);
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++) {
    table_row("", pass, &p->pass[pass]);
    if (cli->values.compare_threads)
      printf(" %11.4f %8.2f", run->one.points[i].pass[pass].seconds, mn_cli_bench_speedup(run, i, pass));
    putchar('\n');
  }
  fflush(stdout);
}

void mn_cli_bench_table_growth(const mn_cli_bench_run *run)
{
  const double *growth = run->all.growth;
  if (!isfinite(growth[MN_BENCH_GRAM])) return;
  printf("\n%-11s", "growth");
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++)
    printf("%s %s n^%.2f", pass ? "," : "", mn_bench_pass_string(pass), growth[pass]);
  putchar('\n');
}

static void json_machine(mn_report *j, const char *key, const mn_bench_machine *m)
{
  mn_report_begin_object(j, key);
  mn_report_real(j, "threads", m->threads);
  mn_report_real(j, "dgemm_gflops", m->dgemm_gflops);
  mn_report_real(j, "sgemm_gflops", m->sgemm_gflops);
  mn_report_count(j, "array_bytes", m->array_bytes);
  mn_report_real(j, "read_gbps", m->read_gbps);
  mn_report_real(j, "write_gbps", m->write_gbps);
  mn_report_real(j, "copy_gbps", m->copy_gbps);
  mn_report_real(j, "touch_gbps", m->touch_gbps);
  mn_report_end(j);
}

/* A member PASS_WHAT. */
static void json_pass_real(mn_report *j, mn_bench_pass pass, const char *what, double value)
{
  char key[64];
  snprintf(key, sizeof key, "%s_%s", mn_bench_pass_string(pass), what);
  mn_report_real(j, key, value);
}

static void json_passes(mn_report *j, const mn_bench_point *p)
{
  mn_report_real(j, "gemm_gflops", p->gemm_gflops);
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++) {
    const mn_bench_rate *r = &p->pass[pass];
    json_pass_real(j, pass, "s", r->seconds);
    if (isfinite(r->flops)) {
      json_pass_real(j, pass, "flops", r->flops);
      json_pass_real(j, pass, "gflops", r->gflops);
      json_pass_real(j, pass, "ratio", r->gemm_ratio);
    }
    json_pass_real(j, pass, "bytes", r->bytes);
    json_pass_real(j, pass, "gbps", r->gbps);
    json_pass_real(j, pass, "memory_ratio", r->memory_ratio);
  }
}

static void json_point(mn_report *j, const mn_cli_bench_run *run, size_t i, int compare)
{
  mn_report_begin_object(j, NULL);
  mn_report_count(j, "n", run->n[i]);
  mn_report_count(j, "width", run->all.points[i].width);
  json_passes(j, &run->all.points[i]);
  for (mn_bench_pass pass = 0; compare && pass < MN_BENCH_PASSES; pass++)
    json_pass_real(j, pass, "speedup", mn_cli_bench_speedup(run, i, pass));
  if (compare) {
    mn_report_begin_object(j, "one_thread");
    json_passes(j, &run->one.points[i]);
    mn_report_end(j);
  }
  mn_report_end(j);
}

static void json_growth(mn_report *j, const char *key, const double growth[MN_BENCH_PASSES])
{
  mn_report_begin_object(j, key);
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++)
    mn_report_real(j, mn_bench_pass_string(pass), growth[pass]);
  mn_report_end(j);
}

mn_status mn_cli_bench_json(const mn_cli *cli, const mn_cli_bench_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_report *j = NULL;
  mn_info info;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_info_get(&info);
  mn_report_count(j, "dim", v->dim);
  mn_report_text(j, "data", mn_bench_samples_string((mn_bench_samples)v->bench_samples));
  mn_report_text(j, "precision", v->bench_type ? "single" : "double");
  mn_report_real(j, "repeat", v->repeat);
  mn_report_real(j, "threads", mn_cli_threads(cli));
  mn_report_text(j, "blas", info.blas);
  json_machine(j, "machine", &run->all.machine);
  if (v->compare_threads) json_machine(j, "machine_one_thread", &run->one.machine);
  mn_report_begin_list(j, "points");
  for (size_t i = 0; i < run->count; i++) json_point(j, run, i, v->compare_threads);
  mn_report_end(j);
  json_growth(j, "growth", run->all.growth);
  if (v->compare_threads) json_growth(j, "growth_one_thread", run->one.growth);
  return mn_cli_report_finish(cli, &j, err);
}
