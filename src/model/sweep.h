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

/* Whether the factor of a ridge is an eigendecomposition that serves several: where it is asked for, or auto has so
 * many ridges that it is cheaper than a factor for each, and (mn_sweep_shares) room for it. Not where the bandwidth
 * depends on the ridge; nor, unless asked for, for ridge 0, at which a fit would merge equal samples. */
int mn_sweep_may_share(const mn_sweep_options *options, double ridge);
int mn_sweep_shares(const mn_sweep_options *options, const mn_data *head, double ridge, const mn_context *ctx);

/* As many of the points left as there is room to solve at once; one where each has to end on its own. The model knows
 * its outputs. */
size_t mn_sweep_together(const mn_fitting *f, size_t n_test, size_t left, const mn_context *ctx);

#endif
