/* What minnorm express has at hand when it reports. */
#ifndef MN_TOOLS_EXPRESS_H
#define MN_TOOLS_EXPRESS_H

#include "cli.h"

enum { MN_CLI_EXPRESS_SIZES = 32 };

/* One network. */
typedef struct {
  mn_network_report report;
  mn_network_verification check;
  double test_error, test_rmse; /* NaN: does not apply */
} mn_cli_express_point;

typedef struct {
  mn_data *train, *test; /* of the last network; test: NULL without one */
  mn_network *network;   /* the last one */
  size_t count;
  mn_cli_express_point points[MN_CLI_EXPRESS_SIZES];
} mn_cli_express_run;

/* The last network of `total`: all about it when there is one, a row of a table when there are several. */
void mn_cli_express_table(const mn_cli *cli, const mn_cli_express_run *run, size_t total);
mn_status mn_cli_express_json(const mn_cli *cli, const mn_cli_express_run *run, mn_error *err);
mn_status mn_cli_express_plot(const mn_cli *cli, const mn_cli_express_run *run, mn_error *err);

#endif
