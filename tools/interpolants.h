/* What minnorm norms interpolants has at hand when it reports. */
#ifndef MN_TOOLS_INTERPOLANTS_H
#define MN_TOOLS_INTERPOLANTS_H

#include "fit.h"

/* The interpolants that are compared, in the order of the table. */
typedef enum {
  MN_CLI_LEAST_NORM,
  MN_CLI_RANDOM_CENTRES,
  MN_CLI_FORCED_LABELS,
  MN_CLI_GRADIENT,
  MN_CLI_MOMENTUM,
  MN_CLI_SGD,
  MN_CLI_KACZMARZ,
  MN_CLI_MOMENTUM_OUTSIDE,
  MN_CLI_SGD_OUTSIDE,
  MN_CLI_INTERPOLANTS_COUNT
} mn_cli_interpolant_name;

/* One of them. Numbers that do not apply are NaN. */
typedef struct {
  int made; /* 0: not with these samples */
  double norm, residual, train_error, train_rmse;
  mn_metrics test;
  double seconds;
  int descends; /* 1: descent is filled in */
  mn_descent_method method;
  double start; /* of a descent, a multiple of the least norm */
  mn_descent descent;
  double rcond; /* of the system of random centres */
} mn_cli_interpolant;

/* The least norm, and the one that momentum reaches from outside the span. */
enum { MN_CLI_MINIMA = 2 };

typedef struct {
  mn_cli *cli;
  mn_cli_fit_run fit;                      /* samples, and features that are to be made of them */
  mn_data *train, *test;                   /* what is fitted: the samples, or their features; test: NULL without */
  mn_data *train_features, *test_features; /* the latter, else NULL */
  mn_fit_options options;
  mn_interpolants *problem;
  mn_cli_interpolant rows[MN_CLI_INTERPOLANTS_COUNT];
  mn_curvature curvature[MN_LOSSES][MN_CLI_MINIMA];
  double spectrum_difference[MN_LOSSES];                    /* largest of any eigenvalue, over the largest eigenvalue */
  double *spectrum;                                         /* 2 x n, scratch */
  double bytes, flops, pass_s, seconds, features_s, gflops; /* forecast */
} mn_cli_interpolants_run;

const char *mn_cli_interpolant_string(mn_cli_interpolant_name name);

/* Features of training and test images in memory, in their scale; nothing without --features (interpolants_data.c). And
 * what all of it will take. */
mn_status mn_cli_interpolants_features(mn_cli_interpolants_run *run, mn_error *err);
mn_status mn_cli_interpolants_forecast(mn_cli_interpolants_run *run, mn_error *err);
void mn_cli_interpolants_forecast_line(const mn_cli_interpolants_run *run, FILE *out);
mn_status mn_cli_interpolants_forecast_json(const mn_cli_interpolants_run *run, mn_error *err);

void mn_cli_interpolants_table(const mn_cli_interpolants_run *run);
mn_status mn_cli_interpolants_json(const mn_cli_interpolants_run *run, mn_error *err);
mn_status mn_cli_interpolants_plot(const mn_cli_interpolants_run *run, mn_error *err);

#endif
