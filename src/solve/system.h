/* Inside of a linear system: what the solvers of the table share. */
#ifndef MN_SOLVE_SYSTEM_H
#define MN_SOLVE_SYSTEM_H

#include "minnorm/solve.h"

typedef struct mn_solver_row mn_solver_row;

struct mn_system {
  mn_samples samples;
  mn_kernel kernel;
  mn_solve_options options;
  int threads;
  const mn_solver_row *row;
  void *state; /* the row's factor; released by its close */
  int solved;  /* once at least: a checkpoint has served */
  mn_system_report report;
};

/* One way of solving (K + ridge I) alpha = y. */
struct mn_solver_row {
  mn_solver solver;
  int primal;  /* the unknowns are the dim weights of a linear model */
  size_t most; /* largest n (or dim, when primal) */
  /* Bytes allocated at the peak of opening, and held from then on; flops of the factorisation without the Gram matrix.
   */
  double (*peak_bytes)(size_t n, size_t dim, mn_dtype type, int threads);
  double (*held_bytes)(size_t n, size_t dim, mn_dtype type);
  double (*flops)(size_t n, size_t dim);
  /* Gram matrix and factor; fills in the report's times, rates, rcond and rank. */
  mn_status (*open)(mn_system *system, const mn_context *ctx, mn_error *err);
  /* b (unknowns x columns) <- factor^-1 b; NULL when primal. */
  mn_status (*apply)(const mn_system *system, size_t columns, double *b, mn_error *err);
  /* The public solve. */
  mn_status (*solve)(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                     const mn_context *ctx, mn_solution *solution, mn_error *err);
  void (*close)(mn_system *system);
};

extern const mn_solver_row mn_solver_cholesky_row, mn_solver_disk_row, mn_solver_mixed_row, mn_solver_cg_row,
    mn_solver_lu_row, mn_solver_eigen_row, mn_solver_least_squares_row;

/* Solve for the rows with `apply`: apply, then evaluate K anew in fp64 and refine while that helps. */
mn_status mn_solve_dual(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                        const mn_context *ctx, mn_solution *solution, mn_error *err);

/* values = K x from a pass that makes K anew in fp64, r = y - values - ridge x, and ||r||_F / ||y||_F; n x columns
 * each. MN_ERR_SINGULAR when that is not finite. */
mn_status mn_system_evaluate(const mn_system *system, size_t columns, const double *y, const double *x,
                             const mn_context *ctx, double *values, double *r, double *residual, mn_error *err);

/* Frobenius norm of count numbers. */
double mn_norm2(size_t count, const double *x);

/* Bytes that opening and one solve of `columns` right-hand sides allocate at the peak, the caller's own vectors
 * included. */
double mn_solver_bytes(const mn_solver_row *row, size_t n, size_t dim, size_t columns, mn_dtype type, int threads);

/* MN_ERR_BUDGET when the row does not take such a system, or its memory is more than there is or may be used. */
mn_status mn_solver_check_room(const mn_solver_row *row, const mn_solve_options *options, size_t n, size_t dim,
                               int threads, mn_error *err);

/* Notes what the Gram pass took. */
void mn_system_note_gram(mn_system *system, double begin_s);

/* MN_ERR_DATA when the norm of the Gram matrix says that it holds an infinity or NaN. */
mn_status mn_system_check_norm(double norm1, mn_error *err);

/* The row that `auto` begins with, or the one asked for; on disk what memory cannot hold, where a folder is given. */
const mn_solver_row *mn_solver_choose(const mn_solve_options *options, const mn_kernel *kernel, size_t n, size_t dim,
                                      int threads);

/* Bytes this process may still allocate under the options. */
double mn_solver_room(const mn_solve_options *options);

/* How CG will go about it: rank of the preconditioner, what it keeps of K, bytes as mn_solver_bytes counts them. */
typedef struct {
  size_t rank;
  mn_gram_kept kept; /* MN_GRAM_SINGLE or MN_GRAM_NONE */
  double bytes;
} mn_cg_plan;
mn_cg_plan mn_cg_plan_for(const mn_solve_options *options, size_t n, size_t dim, size_t columns, int threads);

/* What of K the mixed solver keeps. */
mn_gram_kept mn_mixed_choose(const mn_solve_options *options, size_t n, size_t dim, size_t columns, int threads);

/* The element type a precision means. */
mn_dtype mn_precision_type(mn_precision precision);

#endif
