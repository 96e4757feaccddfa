/* What Cholesky solvers share about factors on disk: the key that ties one to its samples and options, factoring with
 * it, and its end. */
#ifndef MN_SOLVE_KEPT_FACTOR_H
#define MN_SOLVE_KEPT_FACTOR_H

#include "linalg/checkpoint.h"
#include "solve/system.h"

/* Opens the store of the factor of K + (ridge + shift) I in a folder, in panels of this width; the same samples, kernel
 * and numbers find their panels there again. */
mn_status mn_kept_factor_open(const mn_system *system, const char *folder, mn_store_mode mode, size_t width,
                              mn_dtype type, double shift, mn_panel_store **out, mn_error *err);

/* Whether the folder of the checkpoint holds that factor, or panels of it, with the usual width. */
int mn_kept_factor_exists(const mn_system *system, mn_dtype type, double shift);

/* Goes on with the checkpoint where one of `count` shifts has led to it, else begins with the first; *which is that
 * shift. MN_ERR_DATA when the folder holds something else. */
mn_status mn_kept_factor_resume(const mn_system *system, mn_dtype type, size_t count, const double *shifts,
                                size_t *which, mn_panel_store **out, mn_error *err);

/* Factors the matrix that the panels hold; those which the store has are read over it, the others are written to the
 * store as they are finished. Notes in the report how many there were. */
mn_status mn_kept_factor_run(mn_system *system, mn_panels *panels, mn_panel_store *store, const mn_context *ctx,
                             size_t *pivot, mn_error *err);

/* For mn_panels_fill: Gram panels made anew, with their share of the report. MN_ERR_DATA when one is not finite. */
typedef struct {
  mn_system *system;
  const mn_context *ctx;
} mn_kept_fill;
mn_status mn_kept_factor_fill(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err);

/* Removes the store when the system says that it has served, else leaves it for the next run. */
void mn_kept_factor_close(const mn_system *system, mn_panel_store **store);

#endif
