/* The solve that Cholesky, LU and eigendecomposition share: apply the factor, evaluate K anew in fp64 by a pass that
 * knows nothing of the factor, refine while that lowers the residual. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "solve/system.h"

typedef struct {
  size_t n, columns;
  const double *y;   /* n x columns, like the others */
  double *alpha;     /* the best solution so far */
  double *fitted;    /* K alpha of it */
  double *candidate; /* alpha + correction */
  double *r;         /* y - (K + ridge I) candidate, then the correction */
  double *values;    /* K candidate */
} problem;

mn_status mn_system_evaluate(const mn_system *s, size_t columns, const double *y, const double *x,
                             const mn_context *ctx, double *values, double *r, double *residual, mn_error *err)
{
  size_t count = s->samples.n * columns;
  mn_status st =
      mn_gram_multiply_symmetric(&s->samples, &s->kernel, s->threads, ctx, "residual", columns, x, values, err);
  if (st) return st;
  for (size_t i = 0; i < count; i++) r[i] = y[i] - values[i] - s->options.ridge * x[i];
  *residual = mn_worst_ratio(s->samples.n, columns, s->options.group, r, y);
  if (!isfinite(*residual))
    return MN_FAIL(err, MN_ERR_SINGULAR, "the solution is not finite: the system is singular to working precision");
  return MN_OK;
}

/* The candidate; leaves r and values. */
static mn_status evaluate(const mn_system *s, problem *p, const mn_context *ctx, double *residual, mn_error *err)
{
  return mn_system_evaluate(s, p->columns, p->y, p->candidate, ctx, p->values, p->r, residual, err);
}

static void accept(problem *p)
{
  size_t bytes = p->n * p->columns * sizeof *p->alpha;
  memcpy(p->alpha, p->candidate, bytes);
  memcpy(p->fitted, p->values, bytes);
}

static mn_status refine(const mn_system *s, problem *p, const mn_context *ctx, mn_solution *out, mn_error *err)
{
  mn_status st = evaluate(s, p, ctx, &out->residual, err);
  if (st) return st;
  accept(p);
  for (int step = 0; step < s->options.refinements && out->residual > s->options.tolerance; step++) {
    double residual;
    if ((st = s->row->apply(s, p->columns, p->r, err))) return st;
    for (size_t i = 0; i < p->n * p->columns; i++) p->candidate[i] = p->alpha[i] + p->r[i];
    if ((st = evaluate(s, p, ctx, &residual, err))) return st;
    if (residual >= out->residual) break;
    double gain = out->residual / residual;
    out->residual = residual;
    out->refinements++;
    accept(p);
    if (gain < 2) break;
  }
  return MN_OK;
}

/* alpha = 0 has residual 1: what is hardly better is no solution, and of a matrix that is singular to working precision
 * what is not much better, for its last pivots are noise. Singular systems cut by eigenvalues are least squares, whose
 * residual may be anything. */
static mn_status check_residual(const mn_system *s, const mn_solution *solution, mn_error *err)
{
  const double useless = s->report.rcond < 0x1p-53 ? 1e-2 : 0.5;
  if (solution->residual < useless || s->report.solver == MN_SOLVER_EIGEN) return MN_OK;
  return MN_FAIL(
      err, MN_ERR_SINGULAR,
      "residual %.1e with rcond %.1e: the system is singular to working precision; give a ridge (--ridge 1e-8) "
      "or --solver eigen for least squares",
      solution->residual, s->report.rcond);
}

double mn_solve_dual_bytes(const mn_system *s)
{
  return 7 * mn_system_vector_bytes(s) + mn_gram_symmetric_bytes(&s->samples, mn_system_columns(s), s->threads);
}

mn_status mn_solve_dual(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                        const mn_context *ctx, mn_solution *solution, mn_error *err)
{
  size_t n = system->samples.n, count = n * columns;
  double begin_s = mn_clock_s(), *space = mn_alloc_matrix(4 * count, sizeof *space);
  if (!space) return MN_NO_MEMORY(err, 4 * count * sizeof *space);
  problem p = {.n = n, .columns = columns, .y = y, .alpha = alpha, .fitted = space};
  p.candidate = space + count, p.r = space + 2 * count, p.values = space + 3 * count;
  memcpy(p.candidate, y, count * sizeof *y);
  mn_status st = system->row->apply(system, columns, p.candidate, err);
  solution->solve_s = mn_clock_s() - begin_s;
  if (!st) st = refine(system, &p, ctx, solution, err);
  if (!st) st = check_residual(system, solution, err);
  if (!st && fitted) memcpy(fitted, p.fitted, count * sizeof *fitted);
  solution->refine_s = mn_clock_s() - begin_s - solution->solve_s;
  mn_free(space);
  return st;
}
