/* What Cholesky solvers share about factors on disk: the key that ties one to its samples and options, and filling. */
#ifndef MN_SOLVE_KEPT_FACTOR_H
#define MN_SOLVE_KEPT_FACTOR_H

#include "linalg/checkpoint.h"
#include "solve/system.h"

/* Opens the store of the factor of K + (ridge + shift) I in a folder; the same samples, kernel and numbers find their
 * panels there again. */
mn_status mn_kept_factor_open(const mn_system *system, const char *folder, mn_store_mode mode, mn_dtype type,
                              double shift, mn_panel_store **out, mn_error *err);

/* For mn_panels_fill: Gram panels made anew, with their share of the report. */
typedef struct {
  mn_system *system;
  double shift;
  const mn_context *ctx;
} mn_kept_fill;
mn_status mn_kept_factor_fill(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err);

/* ||K + ridge I||_1 where no whole matrix is at hand: a pass that makes K, for kernels whose values are nowhere
 * negative; NaN for the others. */
mn_status mn_kept_factor_norm1(const mn_system *system, const mn_context *ctx, double *norm1, mn_error *err);

#endif
