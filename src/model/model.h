/* Inside of a model: what fitting, predicting and storing share. */
#ifndef MN_MODEL_MODEL_H
#define MN_MODEL_MODEL_H

#include "minnorm/model.h"
#include "model/map.h"

struct mn_model {
  mn_fit_options options;
  mn_fit_report report;
  mn_data *owned; /* samples of the model's own: loaded, or the training set without duplicates; else NULL */
  mn_scaling *scaling;
  const mn_data *train;        /* of a fit: the caller's; NULL when loaded */
  mn_map *map;                 /* loaded: the samples are images, of whose features the kernel is; else NULL */
  const mn_products *products; /* of the samples, the caller's; NULL: the samples themselves are there */
  size_t *keep;                /* the products' training samples that are the model's; NULL: the first ones */
  mn_samples samples;          /* the centres of the expansion; n = 0 for a loaded primal model */
  size_t outputs;
  int64_t *labels;      /* outputs, ascending; NULL: regression */
  double *offset;       /* outputs: the mean target with `center`, else 0 */
  int primal;           /* coefficients are the weights of a linear model */
  size_t unknowns;      /* rows of the coefficients: samples.n, or dim when primal */
  double *coefficients; /* unknowns x outputs, column-major */
};

/* Training targets as the solver wants them. */
typedef struct {
  size_t n, outputs;
  int64_t *labels;  /* outputs, ascending; NULL: regression */
  size_t *class_of; /* n, index into labels, after corruption; NULL: regression */
  double *y;        /* n x outputs, column-major, offset subtracted */
  double *offset;   /* outputs */
} mn_encoded;

mn_status mn_encode_targets(const mn_data *train, const mn_fit_options *options, mn_encoded *out, mn_error *err);
void mn_encoded_close(mn_encoded *encoded);

/* Which samples the system is made of when equal ones are merged: keep names `count` samples, position[i] is where
 * sample i or the earliest one equal to it stands among them. */
typedef struct {
  size_t count;
  size_t *keep;     /* count */
  size_t *position; /* n */
} mn_merge;

/* Finds duplicates; equal samples with different targets are MN_ERR_DATA. keep and position are NULL without any. */
mn_status mn_merge_open(const mn_data *train, const mn_encoded *encoded, mn_merge *out, mn_error *err);
void mn_merge_close(mn_merge *merge);

/* The same conflict for other targets of the same samples (e->n = train->n), and what is left of targets then. */
mn_status mn_merge_check(const mn_data *train, const mn_encoded *encoded, const mn_merge *merge, mn_error *err);
void mn_encoded_reduce(mn_encoded *encoded, const mn_merge *merge);

/* Chooses gamma by options->gamma_rule and fills in the report's part on it. y: samples.n x outputs, column-major. */
mn_status mn_bandwidth_choose(const mn_samples *samples, const mn_encoded *encoded, const mn_fit_options *options,
                              const mn_context *ctx, mn_fit_report *report, mn_error *err);

/* Bytes and flops of a search for gamma among the samples of a training set; 0 where the options ask for none. */
double mn_bandwidth_bytes(const mn_fit_options *options, const mn_data *train, size_t outputs, int threads);
double mn_bandwidth_flops(const mn_fit_options *options, size_t n, size_t dim);

/* Of a report without. */
extern const mn_measures mn_no_measures;

/* Fills in the report's part on leave-one-out, and on stability, from a system solved for e->y. fitted: e->n x outputs,
 * without offset. */
mn_status mn_model_leave_one_out(mn_model *model, mn_system *system, const mn_encoded *encoded, const mn_merge *merge,
                                 const double *fitted, const mn_context *ctx, mn_error *err);

/* What mn_model_predict is made of: values (data->n x columns, column-major) of any coefficients (unknowns x columns)
 * of the model's samples, without offset; and those of its outputs with offset, a row a sample. */
mn_status mn_model_values(const mn_model *model, const mn_data *data, size_t columns, const double *coefficients,
                          const mn_context *ctx, double *values, mn_error *err);
void mn_model_add_offset(const mn_model *model, size_t m, const double *values, double *scores);

/* What options ask of the system, for so many right-hand sides at once. */
mn_solve_options mn_fit_solve_options(const mn_fit_options *options, size_t columns);

/* mn_fit_forecast of so many targets solved at once. */
mn_status mn_forecast_targets(const mn_data *train, size_t n_test, const mn_products *products,
                              const mn_fit_options *options, size_t together, const mn_context *ctx, mn_forecast *out,
                              mn_error *err);

/* Whether targets are taken for class labels. */
int mn_targets_are_classes(const mn_data *train, mn_task task);

#endif
