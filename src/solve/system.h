/* Inside of a linear system: what the solvers of the table share. */
#ifndef MN_SOLVE_SYSTEM_H
#define MN_SOLVE_SYSTEM_H

#include "linalg/panels.h"
#include "minnorm/solve.h"

typedef struct mn_solver_row mn_solver_row;

/* inverse[i] = (K + ridge I)^-1_ii, of a singular matrix that of the pseudo-inverse; defect[i] = (I - H)_ii at ridge 0
 * of a singular matrix, else 0: how much of sample i the fitted values cannot follow. n each. */
typedef struct {
  double *inverse, *defect;
} mn_influence;

struct mn_system {
  mn_samples samples;
  mn_kernel kernel;
  mn_solve_options options;
  int threads;
  const mn_solver_row *row;
  void *state;            /* the row's factor; released by its close */
  int solved;             /* once at least: a checkpoint has served */
  mn_influence influence; /* of the factor, once it was asked for; else NULL */
  size_t probes;          /* as in mn_leave_one_out */
  double diagonal_error;
  mn_complexity complexity; /* once it was asked for, else of 0 draws; what is of K alone outlives the factor */
  int fits_known;           /* the rest of it is of the factor at hand */
  mn_system_report report;
};

/* One way of solving (K + ridge I) alpha = y. */
struct mn_solver_row {
  mn_solver solver;
  int primal;  /* the unknowns are the dim weights of a linear model */
  size_t most; /* largest n (or dim, when primal) */
  /* Of a system that need not be open yet: bytes allocated at the peak of opening, held from then on, and taken by a
   * solve besides, the caller's vectors included. */
  double (*peak_bytes)(const mn_system *system);
  double (*held_bytes)(const mn_system *system);
  double (*solve_bytes)(const mn_system *system);
  double (*flops)(const mn_system *system); /* of the factorisation, without the Gram matrix */
  /* Gram matrix and factor; fills in the report's times, rates, rcond and rank. */
  mn_status (*open)(mn_system *system, const mn_context *ctx, mn_error *err);
  /* b (unknowns x columns) <- factor^-1 b; NULL when primal. */
  mn_status (*apply)(const mn_system *system, size_t columns, double *b, mn_error *err);
  /* The public solve. */
  mn_status (*solve)(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                     const mn_context *ctx, mn_solution *solution, mn_error *err);
  void (*close)(mn_system *system);
  /* After another ridge was set in the options; NULL: it takes another factorisation. */
  void (*take_ridge)(mn_system *system);
  /* What leave-one-out errors are made of; NULL: no factor. defect comes as zeros. And the bytes allocated for it, and
   * its flops. */
  mn_status (*influence)(const mn_system *system, const mn_context *ctx, mn_influence *out, mn_error *err);
  double (*influence_bytes)(const mn_system *system);
  double (*influence_flops)(const mn_system *system);
};

extern const mn_solver_row mn_solver_cholesky_row, mn_solver_disk_row, mn_solver_mixed_row, mn_solver_cg_row,
    mn_solver_lu_row, mn_solver_eigen_row, mn_solver_least_squares_row;

/* Solve for the rows with `apply`: apply, then evaluate K anew in fp64 and refine while that helps. */
mn_status mn_solve_dual(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                        const mn_context *ctx, mn_solution *solution, mn_error *err);

/* Bytes of such a solve: seven vectors, three of them the caller's, and a pass over K. */
double mn_solve_dual_bytes(const mn_system *system);

/* Finds the influence, unless it is there. MN_ERR_UNSUPPORTED where the row has none. */
mn_status mn_influence_find(mn_system *system, const mn_context *ctx, mn_error *err);

/* A solve of the row at hand, from which no other takes over: where it is singular, *solved is 0 and the log says that
 * `what` could not be found. */
mn_status mn_system_solve_as_is(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                                const char *what, const mn_context *ctx, int *solved, mn_error *err);

/* Forgets the influence, and the fits to random signs, when the factor goes. */
void mn_influence_release(mn_system *system);

/* influence of a Cholesky factor in memory, and of one of K + shift I as well: the first-order term of the shift is
 * estimated by random vectors and added. */
mn_status mn_influence_of_panels(const mn_panels *factor, double shift, int threads, const mn_context *ctx,
                                 double *inverse, mn_error *err);
double mn_influence_panels_bytes(size_t n, mn_dtype type, int threads);

/* alpha = (X X')^+ y (n x columns) for the weights w of a primal system at ridge 0. */
mn_status mn_least_squares_dual(const mn_system *system, size_t columns, const double *w, double *alpha, mn_error *err);

/* values = K x from a pass that makes K anew in fp64, r = y - values - ridge x, and ||r||_F / ||y||_F, of groups the
 * largest; n x columns each; values and r may be the same, which is r in the end. MN_ERR_SINGULAR when the norm is not
 * finite. */
mn_status mn_system_evaluate(const mn_system *system, size_t columns, const double *y, const double *x,
                             const mn_context *ctx, double *values, double *r, double *residual, mn_error *err);

/* a'b, which is 0 where it is below 0 by rounding. */
double mn_inner(size_t count, const double *a, const double *b);

/* Frobenius norm of count numbers. */
double mn_norm2(size_t count, const double *x);

/* ||r||_F / ||y||_F, or ||r||_F where y is 0: the largest among groups of `group` columns, 0: of all. r, y: n x
 * columns. Not finite where r is not. */
double mn_worst_ratio(size_t n, size_t columns, size_t group, const double *r, const double *y);

/* What follows is asked of systems that need not be open: samples (those to come by their number and kind), kernel,
 * options and threads have to be set. */

/* Right-hand sides to be counted, and the bytes of a vector for each of them. */
size_t mn_system_columns(const mn_system *system);
double mn_system_vector_bytes(const mn_system *system);

/* Bytes that opening and one solve allocate at the peak, the caller's own vectors included. */
double mn_solver_bytes(const mn_solver_row *row, const mn_system *system);

/* MN_ERR_BUDGET when the row does not take such a system, or its memory is more than there is or may be used;
 * MN_ERR_ARGUMENT when there is too little to tell interpolation by. */
mn_status mn_solver_check_room(const mn_solver_row *row, const mn_system *system, mn_error *err);

/* Notes what the Gram pass took. */
void mn_system_note_gram(mn_system *system, double begin_s);

/* Another ridge for an open system whose row can do so without another factorisation. */
int mn_system_takes_ridges(const mn_system *system);
void mn_system_set_ridge(mn_system *system, double ridge);

/* MN_ERR_DATA when the norm of the Gram matrix says that it holds an infinity or NaN. */
mn_status mn_system_check_norm(double norm1, mn_error *err);

/* The row that `auto` begins with, or the one asked for; on disk what memory cannot hold, where a folder is given. */
const mn_solver_row *mn_solver_choose(const mn_system *system);

/* 1: `auto` weighs CG against the row that mn_solver_choose gives, which is the mixed factor. */
int mn_solver_may_iterate(const mn_system *system);

/* What the BLAS and the C library come to take for their own once they are at work, left out of what a budget allows.
 */
#define MN_SOLVER_BUFFERS 0x1p22

/* Bytes this process may still allocate under the options. */
double mn_solver_room(const mn_solve_options *options);

/* How CG will go about it within the budget: rank of the preconditioner, neighbours in its sparse inverse, and what it
 * keeps of K. */
typedef struct {
  size_t rank, degree;
  mn_gram_kept kept; /* MN_GRAM_SINGLE or MN_GRAM_NONE */
} mn_cg_plan;
mn_cg_plan mn_cg_plan_for(const mn_system *system);

/* What of K the mixed solver keeps. */
mn_gram_kept mn_mixed_choose(const mn_system *system);

/* Bytes of the solver on disk, which takes what the budget leaves. */
double mn_disk_bytes(const mn_system *system);

/* The element type a precision means. */
mn_dtype mn_precision_type(mn_precision precision);

#endif
