/* Cholesky factorisation of a matrix whose factor does not fit in memory, and solving with it.
 *
 * Left-looking over parts of several panels: a part is filled in memory, the earlier panels of L stream past it from a
 * store and are subtracted, the part is factored, and each of its panels is written once. The parts are as wide as the
 * budget allows, and become wider towards the end, where panels are shorter. One thread reads ahead into two buffers of
 * one panel each and one writes behind, so that the disk works while others compute. */
#ifndef MN_LINALG_OUT_OF_CORE_H
#define MN_LINALG_OUT_OF_CORE_H

#include "linalg/checkpoint.h"

/* What a factorisation and one solve take. */
typedef struct {
  size_t parts;         /* fills, and passes over the earlier panels */
  size_t columns;       /* of the widest part */
  double peak_bytes;    /* of memory, while factoring; the matrix is filled in them */
  double least_budget;  /* the least that serves at all */
  double written_bytes; /* the store, which is written once */
  double read_bytes;    /* while factoring */
  double solve_bytes;   /* of memory, for solving with `columns` right-hand sides, which are not counted themselves */
  double solve_read_bytes; /* the store twice */
} mn_out_of_core_plan;

/* The plan for an order, width of panels and type within a budget of bytes. What filling takes is the caller's to leave
 * out of the budget. MN_ERR_BUDGET, with least_budget in the plan, when the budget is too small for a panel of the
 * matrix, or for two buffers. */
mn_status mn_out_of_core_forecast(size_t n, size_t width, mn_dtype type, size_t columns, size_t budget,
                                  mn_out_of_core_plan *plan, mn_error *err);

/* Factors the matrix that `fill` writes, part by part, into the store; panels that the store has already are not done
 * again. Same bits as mn_cholesky_factor, whatever the budget, the threads and the stops. A pivot as there. Phase
 * "factor", the flops that are left; between its reports come those of fill. */
mn_status mn_out_of_core_factor(mn_panel_store *store, size_t budget, mn_panels_fill fill, void *arg, int threads,
                                const mn_context *ctx, size_t *pivot, mn_error *err);

/* b (n x columns, column-major, ld n) <- (L L')^-1 b, in the factor's precision, with all panels read twice. The result
 * does not depend on the number of threads. meter (may be NULL) is advanced by 2 n^2 columns flops; MN_ERR_CANCELLED
 * once it is cancelled, and b is of no use then. */
mn_status mn_out_of_core_solve(const mn_panel_store *store, int threads, size_t columns, mn_meter *meter, double *b,
                               mn_error *err);

#endif
