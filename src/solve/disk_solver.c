/* Cholesky out of core: the factor on disk, made and used within the memory budget. */
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "linalg/out_of_core.h"
#include "solve/kept_factor.h"
#include "solve/system.h"

typedef struct {
  mn_panel_store *store;
} disk;

/* Panels are as wide as in memory, so that the bits are the same, unless the budget is too small for that. */
enum { NARROWEST = 128 };

static size_t least_width(size_t n)
{
  size_t width = mn_panels_width(n);
  return width < NARROWEST ? width : NARROWEST;
}

/* Least memory for the factorisation, and memory of a solve. */
static mn_out_of_core_plan least_plan(size_t n, mn_dtype type, size_t columns)
{
  mn_out_of_core_plan plan = {0};
  mn_out_of_core_forecast(n, least_width(n), type, columns, SIZE_MAX / 4, &plan, NULL);
  return plan;
}

static double fill_bytes(const mn_system *s)
{
  mn_dtype type = mn_precision_type(s->options.precision);
  return mn_gram_fill_bytes(&s->samples, mn_panels_width(s->samples.n), type, s->threads);
}

static double peak_bytes(const mn_system *s)
{
  return least_plan(s->samples.n, mn_precision_type(s->options.precision), 1).least_budget + fill_bytes(s);
}

static double held_bytes(const mn_system *s)
{
  return least_plan(s->samples.n, mn_precision_type(s->options.precision), mn_system_columns(s)).solve_bytes;
}

static double disk_flops(const mn_system *s)
{
  return mn_cholesky_flops(s->samples.n);
}

/* What the factorisation, whose vectors are the targets alone, may take beside the buffers of the Gram pass; and a
 * solve beside its seven vectors and its pass over K. They come one after the other. */
typedef struct {
  size_t factor;
  double solve;
} budgets;

static budgets budgets_of(const mn_system *s)
{
  double room = mn_solver_room(&s->options), factor = room - fill_bytes(s), solve = room - mn_solve_dual_bytes(s);
  return (budgets){factor > 0 ? (size_t)fmin(factor, 0x1p62) : 0, solve};
}

/* Panels of this width in the checkpoint, or in the scratch folder. */
static mn_status open_width(mn_system *s, size_t width, mn_dtype type, mn_panel_store **out, mn_error *err)
{
  const mn_solve_options *o = &s->options;
  if (o->checkpoint) return mn_kept_factor_open(s, o->checkpoint, MN_STORE_RESUME, width, type, 0, out, err);
  return mn_kept_factor_open(s, o->scratch, MN_STORE_SCRATCH, width, type, 0, out, err);
}

/* The plan for the widest panels that the budgets allow. */
static mn_status widest(const mn_system *s, budgets b, mn_dtype type, size_t *width, mn_out_of_core_plan *plan,
                        mn_error *err)
{
  size_t n = s->samples.n, columns = mn_system_columns(s);
  *width = mn_panels_width(n);
  mn_status st = mn_out_of_core_forecast(n, *width, type, columns, b.factor, plan, err);
  while ((st || plan->solve_bytes > b.solve) && *width > least_width(n))
    st = mn_out_of_core_forecast(n, *width /= 2, type, columns, b.factor, plan, err);
  return st;
}

double mn_disk_bytes(const mn_system *s)
{
  size_t width;
  mn_out_of_core_plan plan;
  if (widest(s, budgets_of(s), mn_precision_type(s->options.precision), &width, &plan, NULL))
    return mn_solver_bytes(&mn_solver_disk_row, s);
  double open = plan.peak_bytes + fill_bytes(s) + mn_system_vector_bytes(s);
  return fmax(open, plan.solve_bytes + mn_solve_dual_bytes(s));
}

/* Opens the store with those panels; a checkpoint made under smaller budgets has narrower ones, which serve as well. */
static mn_status open_store(mn_system *s, budgets b, mn_dtype type, disk *m, mn_out_of_core_plan *plan, mn_error *err)
{
  size_t n = s->samples.n, columns = mn_system_columns(s), width;
  mn_status st = widest(s, b, type, &width, plan, err);
  if (st || !(st = open_width(s, width, type, &m->store, err)) || st != MN_ERR_DATA) return st;
  while (st == MN_ERR_DATA && width > least_width(n))
    if (!mn_out_of_core_forecast(n, width /= 2, type, columns, b.factor, plan, NULL))
      st = open_width(s, width, type, &m->store, NULL);
  return st ? open_width(s, mn_panels_width(n), type, &m->store, err) : MN_OK;
}

static mn_status disk_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n, pivot;
  mn_dtype type = mn_precision_type(s->options.precision);
  mn_system_report *r = &s->report;
  mn_out_of_core_plan plan;
  disk *m = mn_calloc(1, sizeof *m);
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  s->state = m;
  budgets b = budgets_of(s);
  mn_status st = open_store(s, b, type, m, &plan, err);
  if (st) return st;
  r->resumed_panels = mn_panel_store_finished(m->store);
  r->disk_bytes = (size_t)plan.written_bytes;
  r->disk_read_bytes = plan.read_bytes;
  mn_log(ctx, "out of core: %zu parts of up to %zu columns, %.1f GB written, %.1f GB read", plan.parts, plan.columns,
         plan.written_bytes * 1e-9, plan.read_bytes * 1e-9);
  double begin_s = mn_clock_s();
  mn_kept_fill fill = {s, ctx};
  st = mn_out_of_core_factor(m->store, b.factor, mn_kept_factor_fill, &fill, s->threads, ctx, &pivot, err);
  r->factor_s = mn_clock_s() - begin_s - (isnan(r->gram_s) ? 0 : r->gram_s);
  if (!r->resumed_panels) r->factor_gflops = mn_cholesky_flops(n) / r->factor_s * 1e-9;
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
  mn_kept_factor_close(s, &m->store);
  mn_free(m);
}

const mn_solver_row mn_solver_disk_row = {
    .solver = MN_SOLVER_CHOLESKY,
    .most = MN_BLAS_MAX,
    .peak_bytes = peak_bytes,
    .held_bytes = held_bytes,
    .solve_bytes = mn_solve_dual_bytes,
    .flops = disk_flops,
    .open = disk_open,
    .apply = disk_apply,
    .solve = mn_solve_dual,
    .close = disk_close,
};
