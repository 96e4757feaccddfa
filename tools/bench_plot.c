/* Pictures of minnorm bench: rates and seconds against n. */
#include "bench.h"

/* Lines of a picture: the four passes that compute and, last, what each picture has besides. */
enum { COMPUTING = MN_BENCH_PASSES - 1, LINES = COMPUTING + 1 };

typedef struct {
  double n[MN_CLI_BENCH_SIZES];
  double rates[LINES][MN_CLI_BENCH_SIZES], seconds[LINES][MN_CLI_BENCH_SIZES];
} curves;

static void fill_curves(const mn_cli_bench_run *run, curves *c)
{
  for (size_t i = 0; i < run->count; i++) {
    const mn_bench_point *p = &run->all.points[i];
    c->n[i] = (double)p->n;
    for (size_t k = 0; k < COMPUTING; k++) {
      c->rates[k][i] = p->pass[k + MN_BENCH_GRAM].gflops;
      c->seconds[k][i] = p->pass[k + MN_BENCH_GRAM].seconds;
    }
    c->rates[COMPUTING][i] = p->gemm_gflops;
    c->seconds[COMPUTING][i] = p->pass[MN_BENCH_ALLOCATE].seconds;
  }
}

mn_status mn_cli_bench_plot(const mn_cli *cli, const mn_cli_bench_run *run, mn_error *err)
{
  curves c;
  mn_plot_series rates[LINES], seconds[LINES];
  fill_curves(run, &c);
  for (size_t k = 0; k < LINES; k++) {
    const char *pass = mn_bench_pass_string((mn_bench_pass)(k + MN_BENCH_GRAM)); /* NULL for the last line */
    rates[k] = (mn_plot_series){pass ? pass : "gemm", MN_PLOT_LINE_POINTS, run->count, c.n, c.rates[k]};
    seconds[k] = (mn_plot_series){pass ? pass : "allocate", MN_PLOT_LINE_POINTS, run->count, c.n, c.seconds[k]};
  }
  mn_plot_axes axes[] = {{"rate", "n", "Gflop/s", 1, 0, LINES, rates}, {"time", "n", "seconds", 1, 1, LINES, seconds}};
  mn_status st = mn_plot_write(cli->values.plot, 2, axes, 2, err);
  if (!st && mn_cli_shows_table(cli)) mn_cli_line("drawn", "%s", cli->values.plot);
  return st;
}
