/* Many fits that share what they can: grids over the number of samples, bandwidth and ridge, with a factor each, and
 * label corruption, whose levels and seeds are no more than further right-hand sides of the same factor: all of them
 * are solved and predicted at once, or in as few parts as the memory budget allows (Zhang et al. 2017, section 2.1). */
#ifndef MINNORM_SWEEP_H
#define MINNORM_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/model.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* The lists are the caller's; of count 0 they stand for one value. */
typedef struct {
  mn_fit_options fit; /* of every point, but for what the lists say */
  size_t n_count;     /* 0: all training samples */
  const size_t *n;    /* 1 ... train->n: the first so many training samples */
  size_t gamma_count; /* 0: by fit.gamma_rule, for every factor anew, from the labels as they are and by fit.seed */
  const double *gammas;
  size_t ridge_count; /* 0: fit.solve.ridge */
  const double *ridges;
  size_t corrupt_count; /* 0: fit.corrupt */
  const double *corrupt;
  size_t seed_count; /* of the corruption; 0: fit.seed */
  const uint64_t *seeds;
} mn_sweep_options;

/* A point of the grid. Number of samples by number of samples, bandwidth by bandwidth, ridge by ridge, level by level,
 * seed by seed; at level 0, where seeds make no difference, there is a point for the first one alone. */
typedef struct {
  size_t index;
  size_t n;     /* 0: all */
  double gamma; /* NaN: by fit.gamma_rule */
  double ridge, corrupt;
  uint64_t seed;
} mn_sweep_place;

size_t mn_sweep_count(const mn_sweep_options *options);
mn_sweep_place mn_sweep_place_of(const mn_sweep_options *options, size_t index); /* index < mn_sweep_count */

/* A point that is done. It is what a fit of its own would report, with these differences: seconds are those of all
 * points solved with it; the residual comes from its own fitted values; with others beside it, a misfit or a gradient
 * is not told apart (NaN). */
typedef struct {
  mn_sweep_place place; /* with n and gamma as they were taken; gamma NaN: a kernel without */
  const mn_fit_report *report;
  size_t together; /* points solved at once with it, itself included */
  mn_metrics test; /* NaN without a test set, or where it has no targets */
  double predict_s;
} mn_sweep_point;

/* Is given each point as it is done; what it points to is valid during the call. A negative status ends the sweep and
 * becomes its status. */
typedef mn_status (*mn_sweep_take)(void *user, const mn_sweep_point *point, mn_error *err);

/* What a sweep from its first point on will need, as mn_fit_forecast says it: seconds and flops of all factors, bytes
 * of the one that takes most. together: points solved at once, of the last number of samples. */
mn_status mn_sweep_forecast(const mn_data *train, size_t n_test, const mn_products *products,
                            const mn_sweep_options *options, const mn_context *ctx, mn_forecast *out, size_t *together,
                            mn_error *err);

/* Fits all points whose done[index] is 0 (done NULL: all). test may be NULL; products as in mn_model_fit_products, or
 * NULL. Of points solved at once each has a residual of at most fit.solve.tolerance. Stopping at interpolation goes
 * point by point. Errors: MN_ERR_ARGUMENT for lists out of range, else those of mn_model_fit. */
mn_status mn_sweep_run(const mn_data *train, const mn_data *test, const mn_products *products,
                       const mn_sweep_options *options, const char *done, const mn_context *ctx, mn_sweep_take take,
                       void *user, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
