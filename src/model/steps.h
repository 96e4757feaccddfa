/* The steps of a fit, in their order: begin, encode targets (mn_encode_targets), prepare, open, solve
 * (mn_system_solve), measure. A fit takes each of them once; a sweep encodes, solves and measures many targets against
 * one factor. */
#ifndef MN_MODEL_STEPS_H
#define MN_MODEL_STEPS_H

#include "model/model.h"
#include "solve/system.h"

typedef struct {
  const mn_data *train;
  mn_model *model;   /* its options, samples, kernel and report; no coefficients and no labels yet */
  mn_merge merge;    /* of equal samples, whatever the targets */
  mn_system *system; /* NULL before it is open */
} mn_fitting;

/* Checks the options, and begins a model of the samples, or of kept products of them, with their scaling. Close in any
 * case. */
mn_status mn_fitting_begin(mn_fitting *f, const mn_data *train, const mn_products *products,
                           const mn_fit_options *options, mn_error *err);
void mn_fitting_close(mn_fitting *f);

/* The system to come, for questions about it. */
mn_system mn_fitting_planned(const mn_fitting *f, size_t columns, const mn_context *ctx);

/* Whether there is room for `columns` right-hand sides at once; equal samples, where they have to be merged (what is
 * left out leaves e, too); samples; bandwidth. */
mn_status mn_fitting_prepare(mn_fitting *f, mn_encoded *e, size_t columns, const mn_context *ctx, mn_error *err);

/* Gram matrix and factor, for `columns` right-hand sides at once. */
mn_status mn_fitting_open(mn_fitting *f, size_t columns, const mn_context *ctx, mn_error *err);

/* What the model's coefficients are worth, into its report, which has room for norm_per_output: training error and
 * norms, and what the options ask for besides. fitted: e->n x outputs, without offset, nor have the targets one. */
mn_status mn_fitting_measure(mn_model *model, mn_system *system, const mn_encoded *e, const mn_merge *merge,
                             const double *fitted, const mn_context *ctx, mn_error *err);

#endif
