/* What minnorm fit has at hand when it reports. */
#ifndef MN_TOOLS_FIT_H
#define MN_TOOLS_FIT_H

#include "cli.h"

typedef struct {
  mn_data *train, *test;        /* test: NULL without one */
  mn_features_options features; /* name none: of the samples themselves, or of kept products */
  char *folder;                 /* where products of features are kept; NULL: nowhere */
  const mn_products *products;  /* NULL: of the samples themselves */
  mn_products *owned;           /* the same, or NULL where they are another's */
  mn_stream_report stream;
  mn_stream_forecast stream_forecast;
  mn_model *model;
  mn_cli_predictions predictions; /* of the test samples */
  mn_selection selection;         /* no points without --select */
  mn_forecast forecast;
  double before_s;     /* that reading and the forecast itself took; part of its total_s */
  double budget_bytes; /* of --memory, or what the machine has available */
} mn_cli_fit_run;

/* Whether there are samples to train on, and test samples where options need them; reads both. */
mn_status mn_cli_fit_check_data(const mn_cli *cli, mn_error *err);
mn_status mn_cli_fit_read(mn_cli *cli, mn_cli_fit_run *run, mn_error *err);
double mn_cli_fit_budget(const mn_cli *cli);
void mn_cli_fit_close(mn_cli_fit_run *run);

/* --select: its options; the choice, which becomes the options of the fit; a line of the table, a member of the report.
 */
mn_status mn_cli_fit_check_select(const mn_cli *cli, mn_error *err);
mn_status mn_cli_fit_select(mn_cli *cli, mn_cli_fit_run *run, mn_error *err);
void mn_cli_fit_select_line(const mn_cli_fit_run *run);
void mn_cli_fit_select_json(mn_report *report, const mn_cli_fit_run *run);

/* Operations of all phases. */
double mn_cli_fit_flops(const mn_forecast *f);

/* ---- features and kept products (fit_products.c)
 *
 * Checks their options and completes run->features; makes, or loads, run->products; a line of the table, members of the
 * report. Nothing of it without features. */
mn_status mn_cli_fit_features(mn_cli *cli, mn_cli_fit_run *run, mn_error *err);
int mn_cli_fit_of_products(const mn_cli *cli, const mn_cli_fit_run *run);
mn_status mn_cli_fit_products(mn_cli *cli, mn_cli_fit_run *run, mn_error *err);
/* The forecast of `system`, which fills in run->forecast, within the memory that products leave, of products to come
 * (NULL without any), and theirs. */
typedef mn_status (*mn_cli_forecast)(void *user, const mn_products *to_come, size_t memory_bytes, mn_error *err);
mn_status mn_cli_fit_forecast(mn_cli *cli, mn_cli_fit_run *run, mn_cli_forecast system, void *user, mn_error *err);
/* run->products of the first dims[k] features only, which are run->products while `take` is called with k. */
mn_status mn_cli_fit_products_at(mn_cli *cli, mn_cli_fit_run *run, size_t count, const size_t *dims,
                                 mn_status (*take)(void *user, size_t k, mn_error *err), void *user, mn_error *err);
void mn_cli_fit_release_products(const mn_cli *cli, mn_cli_fit_run *run); /* a checkpoint has served */
void mn_cli_fit_products_line(const mn_cli_fit_run *run);
void mn_cli_fit_report_features(mn_report *report, const mn_cli_fit_run *run);

/* What features a model is of, none where the text is NULL: a line of the table, members of the report. */
void mn_cli_features_line(const mn_products_info *info);
void mn_cli_report_features(mn_report *report, const mn_products_info *info);

/* ---- measures beside the norm (measures.c)
 *
 * Lines of the table, and the member "measures" of the report, null unless asked for; the names of its real members,
 * and whether a sweep holds them against its test errors. */
enum { MN_CLI_MEASURES = 18 };
void mn_cli_measures_lines(const mn_fit_report *r);
void mn_cli_measures_json(mn_report *report, const mn_fit_report *r);
const char *mn_cli_measure(size_t i);
int mn_cli_measure_compared(size_t i);
double mn_cli_measure_get(const mn_report *report, size_t i); /* NaN where the report has none */

void mn_cli_fit_data_line(const mn_cli *cli, const mn_cli_fit_run *run);
void mn_cli_fit_forecast_line(const mn_cli *cli, const mn_cli_fit_run *run, FILE *out);
void mn_cli_fit_forecast_table(const mn_cli *cli, const mn_cli_fit_run *run);
mn_status mn_cli_fit_forecast_json(const mn_cli *cli, const mn_cli_fit_run *run, mn_error *err);
void mn_cli_fit_table(const mn_cli *cli, const mn_cli_fit_run *run);
/* All that a fit says, without what begins and ends a report. */
void mn_cli_fit_report_members(mn_report *report, const mn_cli *cli, const mn_cli_fit_run *run, const mn_fit_report *r);
mn_status mn_cli_fit_json(const mn_cli *cli, const mn_cli_fit_run *run, mn_error *err);

/* Members of one kernel: name, and its parameters or null. */
void mn_cli_report_kernel(mn_report *report, const mn_kernel *kernel);

/* Members scale, task and targets, the last null where there are no classes. */
void mn_cli_report_task(mn_report *report, size_t classes, const mn_fit_options *options);

int mn_cli_kernel_has_gamma(const mn_kernel *kernel);

/* "gaussian, gamma 0.02". */
void mn_cli_describe_kernel(const mn_kernel *kernel, char *text, size_t size);

#endif
