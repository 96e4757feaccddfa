/* What minnorm bench has at hand when it reports. */
#ifndef MN_TOOLS_BENCH_H
#define MN_TOOLS_BENCH_H

#include "cli.h"

enum { MN_CLI_BENCH_SIZES = 32 };

/* Measured with one number of threads. */
typedef struct {
  mn_bench_machine machine;
  mn_bench_point points[MN_CLI_BENCH_SIZES]; /* medians */
  double growth[MN_BENCH_PASSES];            /* NaN: too few sizes */
} mn_cli_bench_series;

typedef struct {
  size_t count;
  size_t n[MN_CLI_BENCH_SIZES];
  mn_cli_bench_series all, one; /* one thread: with --compare-threads */
} mn_cli_bench_run;

/* How many times less a pass takes than with one thread. */
double mn_cli_bench_speedup(const mn_cli_bench_run *run, size_t i, mn_bench_pass pass);

/* The table in the order in which it is known: the machine, the i-th size, the growth. */
void mn_cli_bench_table_head(const mn_cli *cli, const mn_cli_bench_run *run);
void mn_cli_bench_table_size(const mn_cli *cli, const mn_cli_bench_run *run, size_t i);
void mn_cli_bench_table_growth(const mn_cli_bench_run *run);

mn_status mn_cli_bench_json(const mn_cli *cli, const mn_cli_bench_run *run, mn_error *err);

/* Rates and seconds against n. */
mn_status mn_cli_bench_plot(const mn_cli *cli, const mn_cli_bench_run *run, mn_error *err);

#endif
