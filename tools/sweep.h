/* What minnorm sweep has at hand when it reports. */
#ifndef MN_TOOLS_SWEEP_H
#define MN_TOOLS_SWEEP_H

#include "fit.h"

enum { MN_CLI_SWEEP_LIST = 256 }; /* numbers of a list at most */

/* The numbers of a point, which its line of JSON has by the names in mn_cli_sweep_columns. */
enum {
  MN_CLI_SWEEP_N,
  MN_CLI_SWEEP_GAMMA,
  MN_CLI_SWEEP_RIDGE,
  MN_CLI_SWEEP_CORRUPT,
  MN_CLI_SWEEP_SEED,
  MN_CLI_SWEEP_DIM,
  MN_CLI_SWEEP_TRAIN_ERROR,
  MN_CLI_SWEEP_TEST_ERROR,
  MN_CLI_SWEEP_TRAIN_RMSE,
  MN_CLI_SWEEP_TEST_RMSE,
  MN_CLI_SWEEP_R2,
  MN_CLI_SWEEP_LOO_ERROR,
  MN_CLI_SWEEP_NORM,
  MN_CLI_SWEEP_RESIDUAL,
  MN_CLI_SWEEP_LOO_MSE,
  MN_CLI_SWEEP_GCV,
  MN_CLI_SWEEP_COLUMNS
};

typedef struct {
  char *line; /* of JSON, owned; NULL: still to be fitted */
  double values[MN_CLI_SWEEP_COLUMNS];
  double measures[MN_CLI_MEASURES]; /* by mn_cli_measure */
} mn_cli_sweep_point;

typedef struct {
  mn_cli *cli;
  mn_cli_fit_run fit;       /* data, products, forecast */
  mn_sweep_options options; /* whose lists are these: */
  size_t n[MN_CLI_SWEEP_LIST];
  double gammas[MN_CLI_SWEEP_LIST], ridges[MN_CLI_SWEEP_LIST], corrupt[MN_CLI_SWEEP_LIST];
  uint64_t seeds[MN_CLI_SWEEP_LIST];
  size_t dim_count, dims[MN_CLI_SWEEP_LIST]; /* numbers of features; 0: all of them */
  size_t each;                               /* points of one number of features, in the order of mn_sweep_place_of */
  size_t first_dim;                          /* that still has points to be fitted */
  size_t at;                                 /* points before those of the number of features at hand */
  size_t count;                              /* points */
  mn_cli_sweep_point *points;
  size_t resumed;  /* that were in the log */
  size_t together; /* points solved at once, as forecast */
  mn_lines *log;   /* NULL: none */
  int unfinished;  /* points at which cg did not get to its end */
} mn_cli_sweep_run;

/* The lists, which become options of the sweep and, with their first numbers, of the fit (sweep_lists.c). */
mn_status mn_cli_sweep_read_lists(mn_cli_sweep_run *run, mn_error *err);

/* Whether more than one number of this column is asked for. */
int mn_cli_sweep_varies(const mn_cli_sweep_run *run, int column);

/* The log (sweep_log.c): opens it and takes over the points it has; adds one. Without --log, or a point: nothing. */
mn_status mn_cli_sweep_open_log(mn_cli_sweep_run *run, mn_error *err);
mn_status mn_cli_sweep_keep(mn_cli_sweep_run *run, size_t index, const char *line, mn_error *err);

/* Reports (sweep_report.c). */
void mn_cli_sweep_head(const mn_cli_sweep_run *run);
void mn_cli_sweep_row(const mn_cli_sweep_run *run, const mn_cli_sweep_point *point);
mn_status mn_cli_sweep_csv(const mn_cli_sweep_run *run, mn_error *err);
mn_status mn_cli_sweep_json(const mn_cli_sweep_run *run, mn_error *err);

/* --plot (sweep_plot.c): MN_ERR_ARGUMENT when nothing varies; the picture. */
mn_status mn_cli_sweep_check_plot(const mn_cli_sweep_run *run, mn_error *err);
mn_status mn_cli_sweep_plot(const mn_cli_sweep_run *run, mn_error *err);

#endif
