/* Cholesky out of core: the factor on disk, made and used within the memory budget. */
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "linalg/out_of_core.h"
#include "solve/kept_factor.h"
#include "solve/system.h"

typedef struct {
  mn_panel_store *store;
  int kept; /* by a checkpoint */
} disk;

/* Least memory for the factorisation, and memory of a solve. */
static mn_out_of_core_plan least_plan(size_t n, mn_dtype type, size_t columns)
{
  mn_out_of_core_plan plan = {0};
  mn_out_of_core_forecast(n, mn_panels_width(n), type, columns, SIZE_MAX / 4, &plan, NULL);
  return plan;
}

static double peak_bytes(size_t n, size_t dim, mn_dtype type, int threads)
{
  return least_plan(n, type, 1).least_budget + mn_gram_fill_bytes(n, dim, mn_panels_width(n), threads);
}

static double held_bytes(size_t n, size_t dim, mn_dtype type)
{
  (void)dim;
  return least_plan(n, type, 10).solve_bytes;
}

static double disk_flops(size_t n, size_t dim)
{
  (void)dim;
  return mn_cholesky_flops(n);
}

/* What the parts may take: the budget without vectors and the buffers of the Gram pass. */
static size_t budget_of(const mn_system *s)
{
  size_t n = s->samples.n, columns = s->options.columns ? s->options.columns : 10;
  double vectors = 2 * (double)n * (double)columns * sizeof(double);
  double fill = mn_gram_fill_bytes(n, s->samples.dim, mn_panels_width(n), s->threads);
  double left = mn_solver_room(&s->options) - vectors - fill;
  return left > 0 ? (size_t)fmin(left, 0x1p62) : 0;
}

static mn_status disk_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  const mn_solve_options *o = &s->options;
  size_t n = s->samples.n, pivot, columns = o->columns ? o->columns : 10, budget = budget_of(s);
  mn_dtype type = mn_precision_type(o->precision);
  mn_out_of_core_plan plan;
  disk *m = mn_calloc(1, sizeof *m);
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  s->state = m;
  m->kept = o->checkpoint != NULL;
  mn_status st = mn_out_of_core_forecast(n, mn_panels_width(n), type, columns, budget, &plan, err);
  if (st) return st;
  mn_log(ctx, "out of core: %zu parts of up to %zu columns, %.1f GB written, %.1f GB read", plan.parts, plan.columns,
         plan.written_bytes * 1e-9, plan.read_bytes * 1e-9);
  st = mn_kept_factor_open(s, m->kept ? o->checkpoint : o->scratch, m->kept ? MN_STORE_RESUME : MN_STORE_SCRATCH, type,
                           0, &m->store, err);
  if (st) return st;
  s->report.resumed_panels = mn_panel_store_finished(m->store);
  s->report.disk_bytes = mn_panel_store_file_bytes(n, mn_panels_width(n), type);
  s->report.disk_read_bytes = plan.read_bytes;
  double begin_s = mn_clock_s();
  mn_kept_fill fill = {s, 0, ctx};
  st = mn_out_of_core_factor(m->store, budget, mn_kept_factor_fill, &fill, s->threads, ctx, &pivot, err);
  double gram_s = isnan(s->report.gram_s) ? 0 : s->report.gram_s;
  s->report.factor_s = mn_clock_s() - begin_s - gram_s;
  s->report.factor_gflops = mn_cholesky_flops(n) / s->report.factor_s * 1e-9;
  return st;
}

static mn_status disk_apply(const mn_system *s, size_t columns, double *b, mn_error *err)
{
  const disk *m = s->state;
  return mn_out_of_core_solve(m->store, s->threads, columns, NULL, b, err);
}

static void disk_close(mn_system *s)
{
  disk *m = s->state;
  if (!m) return;
  if (s->solved && m->kept)
    mn_panel_store_remove(&m->store, NULL);
  else
    mn_panel_store_close(&m->store);
  mn_free(m);
}

const mn_solver_row mn_solver_disk_row = {
    .solver = MN_SOLVER_CHOLESKY,
    .most = MN_BLAS_MAX,
    .peak_bytes = peak_bytes,
    .held_bytes = held_bytes,
    .flops = disk_flops,
    .open = disk_open,
    .apply = disk_apply,
    .solve = mn_solve_dual,
    .close = disk_close,
};
