/* Inside of a sweep. */
#ifndef MN_MODEL_SWEEP_H
#define MN_MODEL_SWEEP_H

#include "minnorm/sweep.h"
#include "model/steps.h"

/* Factors, and points of each. Those of factor f are f * labels ... (f + 1) * labels - 1. */
size_t mn_sweep_factors(const mn_sweep_options *options);
size_t mn_sweep_labels(const mn_sweep_options *options);

/* MN_ERR_ARGUMENT for a list with what cannot be. */
mn_status mn_sweep_check(const mn_sweep_options *options, const mn_data *train, mn_error *err);

/* Of the factor that a place belongs to, with labels as they are. */
mn_fit_options mn_sweep_fit_options(const mn_sweep_options *options, const mn_sweep_place *place);

/* As many of the points left as there is room to solve at once; one where each has to end on its own. The model knows
 * its outputs. */
size_t mn_sweep_together(const mn_fitting *f, size_t n_test, size_t left, const mn_context *ctx);

#endif
