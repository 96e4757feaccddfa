/* A factorisation in memory that can be stopped at any moment and goes on later from the last finished panel. */
#ifndef MN_LINALG_CHECKPOINT_H
#define MN_LINALG_CHECKPOINT_H

#include "linalg/cholesky.h"
#include "linalg/panel_store.h"

/* Writes the panels first ... end - 1 of the matrix; the others may not be in memory. What is above the diagonal need
 * not be written. */
typedef mn_status (*mn_panels_fill)(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err);

/* Factors a matrix: panels that the store has are read from it (phase "resume", bytes), the others are filled, factored
 * (phase "factor", the flops that are left) and written to the store as they are finished. Same bits as
 * mn_cholesky_factor. Whatever happens, the store keeps the panels that were finished until then. */
mn_status mn_cholesky_factor_checkpointed(mn_panels *panels, mn_panel_store *store, mn_panels_fill fill, void *arg,
                                          int threads, const mn_context *ctx, size_t *pivot, mn_error *err);

#endif
