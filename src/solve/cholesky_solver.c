/* Cholesky on panels: the solver of positive definite systems. */
#include "linalg/cholesky.h"

#include <math.h>

#include "core/clock.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "solve/system.h"

static double held_bytes(size_t n, size_t dim, mn_dtype type)
{
  (void)dim;
  return (double)mn_panels_bytes(n, mn_panels_width(n), type);
}

static double peak_bytes(size_t n, size_t dim, mn_dtype type, int threads)
{
  return held_bytes(n, dim, type) + mn_gram_fill_bytes(n, dim, mn_panels_width(n), threads);
}

static double cholesky_flops(size_t n, size_t dim)
{
  (void)dim;
  return mn_cholesky_flops(n);
}

static mn_status fill(mn_system *s, mn_panels *panels, const mn_context *ctx, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = mn_gram_fill(&s->samples, &s->kernel, s->options.ridge, s->threads, ctx, panels, err);
  mn_system_note_gram(s, begin_s);
  return st;
}

static mn_status factor(mn_system *s, mn_panels *panels, const mn_context *ctx, mn_error *err)
{
  double begin_s = mn_clock_s();
  size_t pivot;
  mn_status st = mn_cholesky_factor(panels, s->threads, ctx, &pivot, err);
  s->report.factor_s = mn_clock_s() - begin_s;
  s->report.factor_gflops = mn_cholesky_flops(panels->n) / s->report.factor_s * 1e-9;
  return st;
}

static mn_status cholesky_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  mn_panels *panels = NULL;
  double norm1;
  mn_status st = mn_panels_open(n, mn_panels_width(n), mn_precision_type(s->options.precision), &panels, err);
  if (st) return st;
  s->state = panels;
  double begin_s = mn_clock_s();
  if ((st = mn_panels_populate(panels, s->threads, ctx, err))) return st;
  s->report.allocate_s = mn_clock_s() - begin_s;
  if ((st = fill(s, panels, ctx, err))) return st;
  if ((st = mn_panels_norm1(panels, s->threads, &norm1, err))) return st;
  if ((st = mn_system_check_norm(norm1, err))) return st;
  if ((st = factor(s, panels, ctx, err))) return st;
  return mn_cholesky_rcond(panels, s->threads, ctx, norm1, &s->report.rcond, err);
}

static mn_status cholesky_apply(const mn_system *s, size_t columns, double *b, mn_error *err)
{
  return mn_cholesky_solve(s->state, s->threads, columns, NULL, b, err);
}

static void cholesky_close(mn_system *s)
{
  mn_panels *panels = s->state;
  mn_panels_close(&panels);
}

const mn_solver_row mn_solver_cholesky_row = {
    .solver = MN_SOLVER_CHOLESKY,
    .most = MN_BLAS_MAX,
    .peak_bytes = peak_bytes,
    .held_bytes = held_bytes,
    .flops = cholesky_flops,
    .open = cholesky_open,
    .apply = cholesky_apply,
    .solve = mn_solve_dual,
    .close = cholesky_close,
};
