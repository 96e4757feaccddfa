/* Solving (K + ridge I) alpha = y: open (Gram matrix and factorisation), solve many right-hand sides, close.
 *
 * At ridge 0 the solution is the kernel interpolant of least norm, ||w||^2 = alpha' K alpha (Zhang et al. 2017, section
 * 5). A linear kernel with fewer features than samples is solved on the d x d side instead: least squares of minimum
 * norm from a QR factorisation of X streamed by blocks and the singular values of R; its unknowns are the weights w
 * themselves. */
#ifndef MINNORM_SOLVE_H
#define MINNORM_SOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/context.h"
#include "minnorm/kernel.h"
#include "minnorm/samples.h"
#include "minnorm/status.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MN_SOLVER_AUTO,
  MN_SOLVER_CHOLESKY,
  MN_SOLVER_LU,
  MN_SOLVER_EIGEN,
  MN_SOLVER_CG,
  MN_SOLVER_COUNT
} mn_solver;
typedef enum { MN_PRECISION_AUTO, MN_PRECISION_DOUBLE, MN_PRECISION_MIXED, MN_PRECISION_SINGLE } mn_precision;

/* What of K is kept beside a factor in lower precision, or for an iteration. */
typedef enum { MN_GRAM_NONE, MN_GRAM_SINGLE, MN_GRAM_DOUBLE } mn_gram_kept;

/* Names on the command line. */
const char *mn_solver_string(mn_solver solver);
const char *mn_precision_string(mn_precision precision);
const char *mn_gram_kept_string(mn_gram_kept kept); /* "none", "single", "double" */

typedef struct {
  /* auto: least squares for a linear kernel with dim < n, CG to interpolate, else Cholesky, with fallbacks. From 16,384
   * samples on CG takes the place of mixed Cholesky where it is expected to be done earlier by the rates measured on
   * this machine, and gives way to it when its progress says otherwise; not with a precision, a checkpoint or a scratch
   * folder asked for, more than 40 columns, a kernel that is not semidefinite, or need_factor. */
  mn_solver solver;
  mn_precision precision; /* of the factor. mixed: fp32, and conjugate gradients with it to a residual in fp64, or fp64
                             where that stalls above rounding, 4 u sqrt(n) mean(K_ii) ||alpha|| / ||y||, below which no
                             fp64 factor gets either; auto: mixed from 8,192 samples on, double below. The residual is
                             always evaluated in double */
  double ridge;           /* >= 0, added to the diagonal of K */
  double
      rank_tolerance;  /* eigen: values below this fraction of the largest count as zero; 0: n (or max(n, d)) epsilon */
  size_t memory_bytes; /* budget of the whole process; 0: what the machine has available */
  int refinements;     /* at most this many steps of iterative refinement */
  double tolerance;    /* refinement and CG stop at this relative residual */
  int interpolate;     /* 1: CG stops when the largest of the fitted values is where that of the targets is, for every
                          sample, and the norm changes by less than 1e-3 over 5 iterations; two columns at least */
  int need_factor;     /* 1: rcond or leave-one-out is wanted, or many solves are to come: auto takes no CG */
  int leave_one_out;   /* 1: mn_system_leave_one_out will be called: its memory is counted, and auto takes no CG */
  size_t draws;   /* of mn_system_complexity, if that will be called as well: its memory is counted; 0: it will not */
  size_t columns; /* right-hand sides to be solved at once, for their memory to be counted; 0: 10 */
  double corrupt; /* part of the labels that is random: CG then takes more iterations to interpolate, which a
                     forecast counts; it changes no result */
  size_t group;   /* columns of one target: tolerance is asked of the residual of each; 0: of all columns as one */
  /* Folders, which stay the caller's; NULL: none. With a checkpoint, a Cholesky factor is kept there panel by panel:
   * the same call goes on from the last finished one after a stop at any moment, and removes it once a system was
   * solved; one of other samples or options is MN_ERR_DATA. With scratch, a factor beyond the budget is kept there on
   * disk. */
  const char *checkpoint, *scratch;
} mn_solve_options;

/* auto, auto, ridge 0, no rank tolerance, no budget, 2 refinements, 1e-10. */
mn_solve_options mn_solve_defaults(void);

enum { MN_FALLBACKS_MAX = 8 };

/* What opening did. Numbers that do not apply are NaN. */
typedef struct {
  mn_solver solver;       /* that factored in the end; never auto */
  mn_precision precision; /* never auto */
  size_t unknowns;        /* rows of alpha: n, or dim where the unknowns are the weights of a linear model */
  int primal;             /* 1: the unknowns are those weights */
  double weighed_cg_s, weighed_factor_s; /* where auto weighed them: what it expected of each, without predictions */
  double allocate_s; /* bringing the memory of the matrix in; NaN for least squares, which has none */
  double gram_s, factor_s;
  double gram_gflops, factor_gflops; /* counting n^2 d and the factorisation's own flops, 1e9 a second;
                                        NaN for eigenvalues, whose flops depend on the matrix */
  double rcond;               /* reciprocal condition estimate, 1-norm (Cholesky, LU) or 2-norm (eigen); of a mixed
                                 factor that of K with its shift; NaN for CG and out of core */
  size_t rank;                /* of K + ridge I, or of X; n or dim unless found smaller; 0: not determined */
  double rank_tolerance;      /* NaN unless a rank was determined */
  mn_gram_kept gram_kept;     /* by mixed precision and CG */
  double shift;               /* of the fp32 factor's diagonal, beyond the ridge; NaN unless mixed */
  size_t preconditioner_rank; /* of CG; 0: none */
  size_t resumed_panels;      /* panels that a checkpoint had already */
  size_t disk_bytes;          /* of a factor out of core; 0: in memory */
  double disk_read_bytes;     /* while factoring out of core */
  int fallback_count;
  char fallbacks[MN_FALLBACKS_MAX][200]; /* each: what failed, why, and what was done instead */
} mn_system_report;

typedef struct mn_system mn_system;

/* Fills and factors. The samples must outlive the system. Errors: MN_ERR_BUDGET before anything large is allocated,
 * MN_ERR_SINGULAR with the failing pivot when no fallback is left. */
mn_status mn_system_open(const mn_samples *samples, const mn_kernel *kernel, const mn_solve_options *options,
                         const mn_context *ctx, mn_system **out, mn_error *err);
void mn_system_close(mn_system **system);

const mn_system_report *mn_system_info(const mn_system *system);

/* What one solve reached. */
typedef struct {
  double solve_s, refine_s;
  int refinements;
  int iterations;  /* CG; 0: another solver */
  int converged;   /* 0: CG ended before its tolerance was reached */
  double misfit;   /* CG with two columns or more: fraction of samples whose largest fitted value is in another column
                      than  that of the targets; else NaN */
  double residual; /* ||(K + ridge I) alpha - y||_F / ||y||_F, K evaluated anew in fp64; primal:
                      ||X w - y||_F / ||y||_F. The largest of those of groups of columns */
  double gradient; /* primal: ||X'(y - X w) - ridge w||_F / ||X' y||_F, else NaN */
} mn_solution;

/* Solves for `columns` right-hand sides at once. y: n x columns; alpha: unknowns x columns; fitted (may be NULL): K
 * alpha without the ridge, n x columns, the model's values at its training samples. All fp64, column-major. */
mn_status mn_system_solve(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                          const mn_context *ctx, mn_solution *solution, mn_error *err);

/* What leaving one sample out says of a solution. Numbers that do not apply are NaN. */
typedef struct {
  double seconds;
  double mse; /* mean over samples of the squared error, summed over columns */
  double gcv; /* generalised cross-validation (Golub, Heath, Wahba 1979): ||(I - H) y||^2 / n / (tr(I - H) / n)^2 with H
                 y the fitted values, at ridge 0 its limit ||alpha||^2 / n / (tr(K^-1) / n)^2 */
  size_t probes;         /* samples at which a diagonal from single precision was compared with refined solutions */
  double diagonal_error; /* greatest relative difference found there; NaN with a factor in double */
} mn_leave_one_out;

/* error[i, c] = y_ic - f(x_i), f fitted without sample i, for all samples at once: alpha_i / (K + ridge I)^-1_ii
 * (Rasmussen & Williams 2006, eq. 5.12), for about the cost of another factorisation, n^3 / 3 flops, and at once for
 * further targets. y, alpha and fitted are those of a solve; error is n x columns, column-major, as the others.
 *
 * A singular system has the limit of a ridge that goes to 0: where sample i is not interpolated whatever its target,
 * (y - fitted)_i / (I - H)_ii, as for least squares, elsewhere alpha_i over the pseudo-inverse's diagonal. A mixed
 * factor is that of K + shift I: its diagonal is corrected to first order by shift ||(K + shift I)^-1 e_i||^2, which 64
 * random vectors estimate, and what is left is measured at a few samples. MN_ERR_UNSUPPORTED by CG, which has no
 * factor. */
mn_status mn_system_leave_one_out(mn_system *system, size_t columns, const double *y, const double *alpha,
                                  const double *fitted, const mn_context *ctx, double *error, mn_leave_one_out *out,
                                  mn_error *err);

/* A mean over random draws, and its standard error. */
typedef struct {
  double mean, error;
} mn_estimate;

/* How well functions of the kernel's space follow random signs sigma_i = 1 or -1 at the n samples of a system: the
 * functions of a ball, and fits. Numbers that do not apply are NaN. */
typedef struct {
  size_t n, draws;
  uint64_t seed;
  double seconds;
  double trace;         /* tr K = sum of k(x_i, x_i) */
  mn_estimate width;    /* sqrt(sigma' K sigma): B / n times it is the largest (1/n) sum_i sigma_i f(x_i) of a function
                           of norm B, and B sqrt(tr K) / n a bound of the mean (Bartlett & Mendelson 2002, lemma 22,
                           without their factor 2) */
  mn_estimate fit;      /* (1/n) sum_i sigma_i f(x_i), f the fit to the signs by this factor and ridge: 1 where they are
                           interpolated (Zhang et al. 2017, section 2.2); its mean is dimension / n */
  mn_estimate fit_norm; /* ||f|| = sqrt(alpha' K alpha) of these fits */
  double dimension;     /* effective: tr H = tr K (K + ridge I)^-1; at ridge 0 the rank */
} mn_complexity;

/* For all draws (2 at least) there is one product with K, made anew in fp64, and one solve; the dimension is of the
 * diagonal that leave-one-out takes. Draws depend on the seed alone. What was found is kept for further calls. Where
 * the solve stalls, fit and fit_norm are NaN. MN_ERR_UNSUPPORTED by CG. */
mn_status mn_system_complexity(mn_system *system, size_t draws, uint64_t seed, const mn_context *ctx,
                               mn_complexity *out, mn_error *err);

/* What a solve will need, before anything is allocated. */
typedef struct {
  double bytes;                    /* peak resident memory of the process, data set included */
  double bandwidth_flops;          /* of the search for gamma, about; 0 without one */
  double gram_flops, factor_flops; /* of the Gram pass and of the factorisation */
  double residual_flops, predict_flops;
  double loo_flops, complexity_flops; /* of mn_system_leave_one_out and mn_system_complexity; 0: not asked for */
  double gflops;                      /* gemm rate measured on this machine just now, at the threads asked for */
  /* Expected seconds: of the search for gamma, of bringing the matrix's memory in, of the passes, and their total. */
  double bandwidth_s, allocate_s, gram_s, factor_s, residual_s, predict_s, loo_s, complexity_s, total_s;
  double weighed_cg_s, weighed_factor_s; /* where auto weighs them, the seconds it expects of each; else NaN */
  mn_solver solver;
} mn_forecast;

/* n training and m test samples like `like`, of which the first few (at most 2,048) are used to time the passes;
 * samples that are not in memory yet will take element_bytes a feature, those that are 0. Takes about a second; the
 * iterations of mixed precision and CG are those of usual matrices. Of kept products nothing is multiplied: gram_flops
 * and the like are 0, and `like` may be of other products of the same type (mn_products_to_come). */
mn_status mn_solve_forecast(const mn_samples *like, size_t n, size_t m, size_t element_bytes, size_t columns,
                            const mn_kernel *kernel, const mn_solve_options *options, const mn_context *ctx,
                            mn_forecast *out, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
