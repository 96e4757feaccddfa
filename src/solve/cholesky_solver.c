/* Cholesky on panels: the solver of positive definite systems. */
#include "linalg/cholesky.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "solve/kept_factor.h"
#include "solve/system.h"

static double held_bytes(const mn_system *s)
{
  size_t n = s->samples.n;
  return (double)mn_panels_bytes(n, mn_panels_width(n), mn_precision_type(s->options.precision));
}

static double peak_bytes(const mn_system *s)
{
  mn_dtype type = mn_precision_type(s->options.precision);
  return held_bytes(s) + mn_gram_fill_bytes(&s->samples, mn_panels_width(s->samples.n), type, s->threads);
}

static double cholesky_flops(const mn_system *s)
{
  return mn_cholesky_flops(s->samples.n);
}

typedef struct {
  mn_panels *panels;
  mn_panel_store *store; /* of a checkpoint; NULL: none */
} cholesky;

static mn_status fill(mn_system *s, mn_panels *panels, const mn_context *ctx, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = mn_gram_fill(&s->samples, &s->kernel, s->options.ridge, s->threads, ctx, panels, err);
  mn_system_note_gram(s, begin_s);
  return st;
}

/* From the last finished panel of a checkpoint on, where there is one. */
static mn_status run(mn_system *s, cholesky *m, const mn_context *ctx, mn_error *err)
{
  size_t pivot;
  const double shift = 0;
  if (!s->options.checkpoint) return mn_cholesky_factor(m->panels, s->threads, ctx, &pivot, err);
  mn_status st = mn_kept_factor_resume(s, m->panels->type, 1, &shift, &pivot, &m->store, err);
  return st ? st : mn_kept_factor_run(s, m->panels, m->store, ctx, &pivot, err);
}

static mn_status factor(mn_system *s, cholesky *m, const mn_context *ctx, double *norm1, mn_error *err)
{
  mn_status st = fill(s, m->panels, ctx, err);
  if (!st) st = mn_panels_norm1(m->panels, s->threads, norm1, err);
  if (!st) st = mn_system_check_norm(*norm1, err);
  if (st) return st;
  double begin_s = mn_clock_s();
  st = run(s, m, ctx, err);
  s->report.factor_s = mn_clock_s() - begin_s;
  if (!s->report.resumed_panels) s->report.factor_gflops = cholesky_flops(s) / s->report.factor_s * 1e-9;
  return st;
}

static mn_status cholesky_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  double norm1;
  cholesky *m = mn_calloc(1, sizeof *m);
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  s->state = m;
  mn_status st = mn_panels_open(n, mn_panels_width(n), mn_precision_type(s->options.precision), &m->panels, err);
  if (st) return st;
  double begin_s = mn_clock_s();
  if ((st = mn_panels_populate(m->panels, s->threads, ctx, err))) return st;
  s->report.allocate_s = mn_clock_s() - begin_s;
  if ((st = factor(s, m, ctx, &norm1, err))) return st;
  return mn_cholesky_rcond(m->panels, s->threads, ctx, norm1, &s->report.rcond, err);
}

static mn_status cholesky_apply(const mn_system *s, size_t columns, double *b, mn_error *err)
{
  const cholesky *m = s->state;
  return mn_cholesky_solve(m->panels, s->threads, columns, NULL, b, err);
}

static mn_status cholesky_influence(const mn_system *s, const mn_context *ctx, mn_influence *out, mn_error *err)
{
  const cholesky *m = s->state;
  return mn_influence_of_panels(m->panels, 0, s->threads, ctx, out->inverse, err);
}

static double influence_bytes(const mn_system *s)
{
  return mn_influence_panels_bytes(s->samples.n, mn_precision_type(s->options.precision), s->threads);
}

static void cholesky_close(mn_system *s)
{
  cholesky *m = s->state;
  if (!m) return;
  mn_panels_close(&m->panels);
  mn_kept_factor_close(s, &m->store);
  mn_free(m);
}

const mn_solver_row mn_solver_cholesky_row = {
    .solver = MN_SOLVER_CHOLESKY,
    .most = MN_BLAS_MAX,
    .peak_bytes = peak_bytes,
    .held_bytes = held_bytes,
    .solve_bytes = mn_solve_dual_bytes,
    .flops = cholesky_flops,
    .open = cholesky_open,
    .apply = cholesky_apply,
    .solve = mn_solve_dual,
    .close = cholesky_close,
    .influence = cholesky_influence,
    .influence_bytes = influence_bytes,
    .influence_flops = cholesky_flops,
};
