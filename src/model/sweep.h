/* Inside of a sweep. */
#ifndef MN_MODEL_SWEEP_H
#define MN_MODEL_SWEEP_H

#include "minnorm/sweep.h"

/* Factors, and points of each. Those of factor f are f * labels ... (f + 1) * labels - 1. */
size_t mn_sweep_factors(const mn_sweep_options *options);
size_t mn_sweep_labels(const mn_sweep_options *options);

/* MN_ERR_ARGUMENT for a list with what cannot be. */
mn_status mn_sweep_check(const mn_sweep_options *options, const mn_data *train, mn_error *err);

#endif
