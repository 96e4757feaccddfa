/* Opening a system: the choice of a solver, the memory budget, and what is tried when a factorisation fails. */
#include "solve/system.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/kernels.h"
#include "linalg/blas.h"
#include "linalg/threads.h"

static const char *const solver_names[] = {"auto", "cholesky", "lu", "eigen", "cg"};
static const char *const precision_names[] = {"auto", "double", "mixed", "single"};
static const char *const kept_names[] = {"none", "single", "double"};

const char *mn_solver_string(mn_solver solver)
{
  return solver >= 0 && solver < MN_SOLVER_COUNT ? solver_names[solver] : NULL;
}

const char *mn_precision_string(mn_precision precision)
{
  return precision >= 0 && precision <= MN_PRECISION_SINGLE ? precision_names[precision] : NULL;
}

const char *mn_gram_kept_string(mn_gram_kept kept)
{
  return kept >= 0 && kept <= MN_GRAM_DOUBLE ? kept_names[kept] : NULL;
}

/* Samples from which on the mixed factor is worth its refinement. */
enum { MIXED_FROM = 8192 };

/* Samples from which on CG may be worth the second that it takes to weigh it, and the most columns. */
enum { WEIGH_FROM = 16384, WEIGH_COLUMNS = 40 };

/* Right-hand sides that memory is counted for when the caller does not say. */
enum { COLUMNS_USUAL = 10 };

mn_dtype mn_precision_type(mn_precision precision)
{
  return precision == MN_PRECISION_SINGLE ? MN_F32 : MN_F64;
}

mn_solve_options mn_solve_defaults(void)
{
  return (mn_solve_options){.refinements = 2, .tolerance = 1e-10};
}

double mn_norm2(size_t count, const double *x)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < count; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

double mn_inner(size_t count, const double *a, const double *b)
{
  double sum = 0, terms = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i], terms += fabs(a[i] * b[i]);
  return sum < 0 && -sum < (double)count * 0x1p-52 * terms ? 0 : sum;
}

double mn_worst_ratio(size_t n, size_t columns, size_t group, const double *r, const double *y)
{
  size_t total = n * columns, width = n * (group ? group : columns);
  double worst = 0;
  for (size_t at = 0; at < total && isfinite(worst); at += width) {
    size_t count = total - at < width ? total - at : width;
    double right = mn_norm2(count, y + at), ratio = mn_norm2(count, r + at) / (right > 0 ? right : 1);
    if (!(ratio <= worst)) worst = ratio;
  }
  return worst;
}

static int wants_mixed(const mn_solve_options *o, const mn_kernel *kernel, size_t n)
{
  if (o->precision == MN_PRECISION_MIXED) return 1;
  return o->precision == MN_PRECISION_AUTO && n >= MIXED_FROM && mn_kernel_semidefinite(kernel);
}

const mn_solver_row *mn_solver_choose(const mn_system *s)
{
  const mn_solve_options *o = &s->options;
  const mn_kernel *kernel = &s->kernel;
  size_t n = s->samples.n, dim = s->samples.dim;
  int primal =
      kernel->name == MN_KERNEL_LINEAR && !s->samples.products && dim < n && dim <= mn_solver_least_squares_row.most;
  switch (o->solver) {
  case MN_SOLVER_LU:
    return &mn_solver_lu_row;
  case MN_SOLVER_EIGEN:
    return primal ? &mn_solver_least_squares_row : &mn_solver_eigen_row;
  case MN_SOLVER_CG:
    return &mn_solver_cg_row;
  case MN_SOLVER_AUTO:
    if (primal) return &mn_solver_least_squares_row;
    if (o->interpolate) return &mn_solver_cg_row;
    break;
  default:
    break;
  }
  const mn_solver_row *row = wants_mixed(o, kernel, n) ? &mn_solver_mixed_row : &mn_solver_cholesky_row;
  return o->scratch && mn_solver_bytes(row, s) > mn_solver_room(o) ? &mn_solver_disk_row : row;
}

int mn_solver_may_iterate(const mn_system *s)
{
  const mn_solve_options *o = &s->options;
  if (s->samples.products) return 0; /* whose passes are not timed on a few of the samples */
  return o->solver == MN_SOLVER_AUTO && o->precision == MN_PRECISION_AUTO && !o->need_factor && !o->interpolate &&
         !o->leave_one_out && !o->checkpoint && !o->scratch && s->samples.n >= WEIGH_FROM &&
         mn_system_columns(s) <= WEIGH_COLUMNS && mn_solver_choose(s) == &mn_solver_mixed_row;
}

/* What auto tries after `failed`, or NULL. A semidefinite matrix is singular to working precision when a pivot fails:
 * its eigenvalues say what of it is left. Any other matrix is a case for pivoting. */
static const mn_solver_row *next_row(const mn_system *s, const mn_solver_row *failed)
{
  if (failed == &mn_solver_mixed_row) return &mn_solver_cholesky_row;
  if (failed == &mn_solver_cg_row)
    return s->options.solver == MN_SOLVER_AUTO && !s->options.interpolate ? mn_solver_choose(s) : NULL;
  if (s->options.solver != MN_SOLVER_AUTO || failed == &mn_solver_eigen_row) return NULL;
  if (failed == &mn_solver_cholesky_row && !mn_kernel_semidefinite(&s->kernel)) return &mn_solver_lu_row;
  return &mn_solver_eigen_row;
}

void mn_system_note_gram(mn_system *system, double begin_s)
{
  double n = (double)system->samples.n;
  system->report.gram_s = mn_clock_s() - begin_s;
  if (!system->samples.products) /* nothing is multiplied */
    system->report.gram_gflops = n * n * (double)system->samples.dim / system->report.gram_s * 1e-9;
}

mn_status mn_system_check_norm(double norm1, mn_error *err)
{
  if (isfinite(norm1)) return MN_OK;
  return MN_FAIL(err, MN_ERR_DATA, "the Gram matrix is not finite: scale the features (--scale), or lower the degree");
}

size_t mn_system_columns(const mn_system *s)
{
  return s->options.columns ? s->options.columns : COLUMNS_USUAL;
}

double mn_system_vector_bytes(const mn_system *s)
{
  return (double)s->samples.n * (double)mn_system_columns(s) * sizeof(double);
}

/* What is done with a factor once targets, solution and fitted values are there. */
static double beside_bytes(const mn_solver_row *row, const mn_system *s)
{
  double targets = mn_system_vector_bytes(s), loo = 0, draws = 0;
  mn_system signs = *s;
  signs.options.columns = s->options.draws;
  if (s->options.leave_one_out && row->influence) loo = 4 * targets + row->influence_bytes(s);
  if (s->options.draws) draws = 3 * targets + row->solve_bytes(&signs);
  return fmax(loo, draws);
}

double mn_solver_bytes(const mn_solver_row *row, const mn_system *s)
{
  double solve = fmax(row->solve_bytes(s), beside_bytes(row, s));
  return fmax(row->peak_bytes(s) + mn_system_vector_bytes(s), row->held_bytes(s) + solve);
}

double mn_solver_room(const mn_solve_options *options)
{
  if (!options->memory_bytes) {
    size_t available = mn_memory_available();
    return available ? (double)available : INFINITY;
  }
  return (double)options->memory_bytes - (double)mn_memory_current_rss() - MN_SOLVER_BUFFERS;
}

static int keeps_factor(const mn_solver_row *row)
{
  return row == &mn_solver_cholesky_row || row == &mn_solver_mixed_row || row == &mn_solver_disk_row;
}

/* What else may help when memory does not suffice. */
static const char *way_out(const mn_solver_row *row, const mn_solve_options *options)
{
  if (row == &mn_solver_disk_row) return "give more memory (--memory)";
  int single = options->precision == MN_PRECISION_SINGLE;
  if (!keeps_factor(row)) return single ? "a larger machine" : "--precision single";
  if (options->leave_one_out) return single ? "give more memory (--memory)" : "--precision single";
  return single ? "keep the factor on disk (--scratch DIR)"
                : "--precision single, or keep the factor on disk (--scratch DIR)";
}

mn_status mn_solver_check_room(const mn_solver_row *row, const mn_system *s, mn_error *err)
{
  const mn_solve_options *options = &s->options;
  size_t n = s->samples.n, size = row->primal ? s->samples.dim : n;
  const char *name = mn_solver_string(row->solver);
  if (row == &mn_solver_cg_row && options->interpolate && options->columns == 1)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "stopping at interpolation needs classes: give a tolerance for real targets");
  if (options->leave_one_out && !row->influence)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "leave-one-out and measures take a factor in memory, %s",
                   row == &mn_solver_disk_row ? "which has no room for it: give more (--memory)"
                                              : "which cg and --tol interpolate do without");
  if (size > row->most)
    return MN_FAIL(err, MN_ERR_BUDGET, "%s: at most %zu %s, %zu given", name, row->most,
                   row->primal ? "features" : "samples", size);
  double need = mn_solver_bytes(row, s);
  double have = mn_solver_room(options);
  if (need <= have) return MN_OK;
  return MN_FAIL(err, MN_ERR_BUDGET, "%s of %zu samples needs %.2f GiB, %.2f GiB %s: take fewer samples (--n) or %s",
                 name, n, need / 0x1p30, fmax(have, 0) / 0x1p30,
                 options->memory_bytes ? "are left of the budget" : "are available", way_out(row, options));
}

static mn_precision precision_of(const mn_system *s, const mn_solver_row *row)
{
  if (row == &mn_solver_mixed_row || row == &mn_solver_cg_row) return MN_PRECISION_MIXED;
  int takes_single = row == &mn_solver_cholesky_row || row == &mn_solver_disk_row;
  int single = takes_single && s->options.precision == MN_PRECISION_SINGLE;
  return single ? MN_PRECISION_SINGLE : MN_PRECISION_DOUBLE;
}

static void reset_report(mn_system *s, const mn_solver_row *row)
{
  mn_system_report *r = &s->report;
  mn_influence_release(s);
  s->row = row;
  s->state = NULL;
  r->solver = row->solver;
  r->precision = precision_of(s, row);
  r->primal = row->primal;
  r->unknowns = row->primal ? s->samples.dim : s->samples.n;
  r->allocate_s = r->gram_s = r->factor_s = r->gram_gflops = r->factor_gflops = r->rcond = r->rank_tolerance = NAN;
  r->shift = NAN;
  r->rank = r->preconditioner_rank = r->resumed_panels = r->disk_bytes = 0;
  r->disk_read_bytes = 0;
  r->gram_kept = MN_GRAM_NONE;
}

/* After a failure: a checkpoint of a singular matrix is of no use, any other is kept for the next run. */
static void close_row(mn_system *s, mn_status failure)
{
  mn_influence_release(s);
  s->solved = failure == MN_ERR_SINGULAR;
  s->row->close(s);
  s->state = NULL;
  s->solved = 0;
}

static mn_status open_row(mn_system *s, const mn_solver_row *row, const mn_context *ctx, mn_error *err)
{
  reset_report(s, row);
  mn_status st = mn_solver_check_room(row, s, err);
  if (st) return st;
  if (s->options.checkpoint && !keeps_factor(row))
    mn_log(ctx, "checkpoint: %s keeps none; after a stop it begins anew", mn_solver_string(row->solver));
  if (!(st = row->open(s, ctx, err))) return MN_OK;
  close_row(s, st);
  return st;
}

static void note_fallback(mn_system *s, const mn_solver_row *next, const char *why, const mn_context *ctx)
{
  mn_system_report *r = &s->report;
  char *text = r->fallbacks[r->fallback_count++];
  snprintf(text, sizeof r->fallbacks[0], "%.150s; %s instead", why, mn_solver_string(next->solver));
  mn_log(ctx, "%s", text);
}

/* When all fail, what the first said, and why what came after it did not help either. */
static mn_status singular(const mn_error *first, const mn_error *last, const mn_error *blocked, mn_error *err)
{
  const mn_error *more = blocked->text[0] ? blocked : strcmp(first->text, last->text) ? last : NULL;
  return MN_FAIL(err, MN_ERR_SINGULAR,
                 "%.160s: the system is singular to working precision; give a ridge (--ridge 1e-8)%s%.200s",
                 first->text,
                 more == blocked ? "; no fallback: "
                 : more          ? "; then "
                                 : "",
                 more ? more->text : "");
}

/* The row to begin with. */
static mn_status begin_with(mn_system *s, const mn_context *ctx, const mn_solver_row **row, mn_error *err)
{
  mn_forecast f;
  *row = mn_solver_choose(s);
  s->report.weighed_cg_s = s->report.weighed_factor_s = NAN;
  if (!mn_solver_may_iterate(s)) return MN_OK;
  mn_status st =
      mn_solve_forecast(&s->samples, s->samples.n, 0, 0, mn_system_columns(s), &s->kernel, &s->options, ctx, &f, err);
  if (st) return st;
  if (f.solver == MN_SOLVER_CG) *row = &mn_solver_cg_row;
  s->report.weighed_cg_s = f.weighed_cg_s, s->report.weighed_factor_s = f.weighed_factor_s;
  mn_log(ctx, "auto: %.0f s expected of cg, %.0f s of the mixed factor", f.weighed_cg_s, f.weighed_factor_s);
  return MN_OK;
}

/* Tries the rows one after the other. */
static mn_status open_any(mn_system *s, const mn_context *ctx, mn_error *err)
{
  const mn_solver_row *row;
  mn_error last = {0}, blocked = {0};
  mn_status st = begin_with(s, ctx, &row, err);
  if (st) return st;
  st = open_row(s, row, ctx, &last);
  const mn_error first = last;
  while (st == MN_ERR_SINGULAR && (row = next_row(s, row)) && s->report.fallback_count < MN_FALLBACKS_MAX) {
    if (mn_solver_check_room(row, s, &blocked)) break;
    note_fallback(s, row, last.text, ctx);
    st = open_row(s, row, ctx, &last);
  }
  if (st == MN_ERR_SINGULAR) return singular(&first, &last, &blocked, err);
  if (st && err) *err = last;
  if (!st && s->report.rcond < (double)s->samples.n * 0x1p-52 && !s->report.rank)
    mn_log(ctx, "rcond %.1e: the system is nearly singular, digits of the solution are lost", s->report.rcond);
  return st;
}

/* Only a Cholesky factor is kept on disk; `auto` may come to another solver, and says so then. */
static mn_status check_folders(const mn_solve_options *o, mn_error *err)
{
  if (!o->checkpoint && !o->scratch) return MN_OK;
  const char *option = o->checkpoint ? "a checkpoint (--checkpoint)" : "a factor on disk (--scratch)";
  if (o->interpolate)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s goes with a Cholesky factor; stopping at interpolation has none", option);
  if (o->solver != MN_SOLVER_AUTO && o->solver != MN_SOLVER_CHOLESKY)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s goes with the solvers auto and cholesky only", option);
  return MN_OK;
}

static mn_status check_options(const mn_solve_options *o, const mn_kernel *kernel, mn_error *err)
{
  if (!mn_solver_string(o->solver) || !mn_precision_string(o->precision))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "solver %d, precision %d: not in the table", (int)o->solver,
                   (int)o->precision);
  if (!(o->ridge >= 0) || !isfinite(o->ridge))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "ridge %g: a finite number of at least 0 expected", o->ridge);
  if (!(o->rank_tolerance >= 0 && o->rank_tolerance < 1))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "rank tolerance %g: 0 ... 1 expected", o->rank_tolerance);
  if (o->refinements < 0 || !(o->tolerance >= 0))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%d refinements to a tolerance of %g: at least 0 expected", o->refinements,
                   o->tolerance);
  if (o->interpolate && o->solver != MN_SOLVER_AUTO && o->solver != MN_SOLVER_CG)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "stopping at interpolation (--tol interpolate) goes with the solver cg");
  if (o->precision == MN_PRECISION_MIXED && o->solver != MN_SOLVER_AUTO && o->solver != MN_SOLVER_CHOLESKY &&
      o->solver != MN_SOLVER_CG)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "mixed precision goes with the solvers auto, cholesky and cg only");
  if (o->precision == MN_PRECISION_SINGLE && o->solver != MN_SOLVER_AUTO && o->solver != MN_SOLVER_CHOLESKY)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "single precision goes with the solvers auto and cholesky only");
  mn_status st = check_folders(o, err);
  return st ? st : mn_kernel_check(kernel, err);
}

mn_status mn_system_open(const mn_samples *samples, const mn_kernel *kernel, const mn_solve_options *options,
                         const mn_context *ctx, mn_system **out, mn_error *err)
{
  *out = NULL;
  mn_status st = check_options(options, kernel, err);
  if (st) return st;
  if (!samples->n || !samples->dim || samples->n > MN_BLAS_MAX || samples->dim > MN_BLAS_MAX)
    return MN_FAIL(err, MN_ERR_UNSUPPORTED, "%zu samples of %zu features: 1 ... %zu of each expected", samples->n,
                   samples->dim, MN_BLAS_MAX);
  mn_system *s = mn_calloc(1, sizeof *s);
  if (!s) return MN_NO_MEMORY(err, sizeof *s);
  *s = (mn_system){.samples = *samples, .kernel = *kernel, .options = *options, .threads = mn_threads_open(ctx)};
  if ((st = open_any(s, ctx, err)))
    mn_free(s);
  else
    *out = s;
  return st;
}

void mn_system_close(mn_system **system)
{
  if (!*system) return;
  (*system)->row->close(*system);
  mn_influence_release(*system);
  mn_free(*system);
  *system = NULL;
}

int mn_system_takes_ridges(const mn_system *system)
{
  return system->row->take_ridge != NULL;
}

void mn_system_set_ridge(mn_system *system, double ridge)
{
  mn_influence_release(system);
  system->options.ridge = ridge;
  system->row->take_ridge(system);
}

const mn_system_report *mn_system_info(const mn_system *system)
{
  return &system->report;
}

static const mn_solution no_solution = {.residual = NAN, .gradient = NAN, .misfit = NAN, .converged = 1};

/* The next row takes over from one whose iteration stalls, or whose solution is none though every pivot was positive,
 * where there is room for it. Afterwards the system is that row's. */
static mn_status solve_by(mn_system *s, const mn_solver_row *row, size_t columns, const double *y, double *alpha,
                          double *fitted, const mn_context *ctx, mn_solution *solution, mn_error *why)
{
  const mn_error stalled = *why;
  mn_error blocked = {0};
  if (s->state) close_row(s, MN_ERR_SINGULAR);
  if (mn_solver_check_room(row, s, &blocked))
    return MN_FAIL(why, MN_ERR_BUDGET, "%.200s; no fallback: %.250s", stalled.text, blocked.text);
  note_fallback(s, row, why->text, ctx);
  *solution = no_solution;
  mn_status st = open_row(s, row, ctx, why);
  return st ? st : row->solve(s, columns, y, alpha, fitted, ctx, solution, why);
}

mn_status mn_system_solve(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                          const mn_context *ctx, mn_solution *solution, mn_error *err)
{
  *solution = no_solution;
  if (!columns || columns > MN_BLAS_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu right-hand sides: 1 ... %zu expected", columns, MN_BLAS_MAX);
  if (!system->state) return MN_FAIL(err, MN_ERR_SINGULAR, "the system has no factor: an earlier solve failed");
  mn_error why = {0};
  const mn_solver_row *row;
  mn_status st = system->row->solve(system, columns, y, alpha, fitted, ctx, solution, &why);
  while (st == MN_ERR_SINGULAR && (row = next_row(system, system->row)))
    st = solve_by(system, row, columns, y, alpha, fitted, ctx, solution, &why);
  if (st && err) *err = why;
  if (!st || st == MN_ERR_SINGULAR) system->solved = 1;
  return st;
}
