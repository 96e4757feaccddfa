/* What minnorm features has at hand when it reports. */
#ifndef MN_TOOLS_FEATURES_H
#define MN_TOOLS_FEATURES_H

#include "cli.h"

typedef struct {
  mn_data *train, *test; /* test: NULL where it is the training samples whose features are computed */
  mn_scaling *scaling;
  mn_samples images; /* whose features are computed */
  mn_features *map;
  double open_s;
  double forecast_s;          /* of computing, from a few samples; NaN: not measured */
  mn_features_timing seconds; /* NaN: not computed, not written */
  double sgemm_gflops;        /* NaN: not measured */
  double room_bytes;          /* of the disk, for a dry run with --out; NaN: not asked */
} mn_cli_features_run;

double mn_cli_features_bytes(const mn_cli_features_run *run); /* of the file, but for its header */

void mn_cli_features_table(const mn_cli *cli, const mn_cli_features_run *run);
mn_status mn_cli_features_json(const mn_cli *cli, const mn_cli_features_run *run, mn_error *err);

#endif
