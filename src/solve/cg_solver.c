/* Preconditioned conjugate gradients as a solver of its own: K in fp32 panels, read once an iteration, or made anew
 * each time where it does not fit; corrections in fp64 around the fp32 iteration where more digits are asked for. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "linalg/panels_multiply.h"
#include "linalg/preconditioner.h"
#include "solve/made_gram.h"
#include "solve/pcg.h"
#include "solve/system.h"

enum {
  ITERATIONS = 1000, /* of one run */
  ROUNDS = 12,       /* corrections in fp64 */
  SHIFTS = 3,        /* of a K that rounding has made indefinite */
  SETTLED = 5,       /* iterations over which the norm has to stand still */
  RANK_INTERPOLATE = 3000,
  RANK_MOST = 8000,
  RANK_LEAST = 64
};
/* A run in single precision is good for that many digits, less where noise is seen to end them earlier. */
static const double settled_change = 1e-3, run_most = 1e-5;

typedef struct {
  mn_panels *k; /* fp32, without the ridge; NULL: made anew in every iteration, in fp64 */
  mn_preconditioner *preconditioner;
} cg;

/* A larger rank takes fewer iterations and more time before the first one. */
static size_t usual_rank(size_t n, int interpolate)
{
  size_t rank = n / (interpolate ? 16 : 7), most = interpolate ? RANK_INTERPOLATE : RANK_MOST;
  return rank < 1 ? 1 : rank < most ? rank : most;
}

/* Neighbours in the sparse inverse: many digits repay more of them (MNIST, n = 20,000, 1e-10: 206 iterations with 4,
 * 179 with 8, 168 with 16 and 150 with 32, whose making takes longer than that saves); interpolation is there as early.
 */
enum { NEIGHBOURS = 4, NEIGHBOURS_DIGITS = 16 };

static double panels_bytes(size_t n)
{
  return (double)mn_panels_bytes(n, mn_panels_width(n), MN_F32);
}

/* Allocated while opening. */
static double open_bytes(const mn_system *s, mn_cg_plan plan)
{
  size_t n = s->samples.n;
  double precondition = mn_preconditioner_bytes(n, plan.rank, plan.degree);
  if (plan.kept == MN_GRAM_NONE) return mn_made_gram_bytes(&s->samples, s->threads) + precondition;
  return panels_bytes(n) + fmax(mn_gram_fill_bytes(&s->samples, mn_panels_width(n), MN_F32, s->threads), precondition);
}

static double kept_bytes(const mn_system *s, mn_cg_plan plan)
{
  size_t n = s->samples.n;
  return mn_preconditioner_held_bytes(n, plan.rank, plan.degree) + (plan.kept == MN_GRAM_NONE ? 0 : panels_bytes(n));
}

/* Twelve vectors, rounded ones included, and the sums of the other threads, in an iteration; eight for a pass. */
static double solve_bytes(const mn_system *s)
{
  double vector = mn_system_vector_bytes(s), iteration = (11 + s->threads) * vector;
  return fmax(iteration, mn_solve_dual_bytes(s) + vector);
}

/* As mn_solver_bytes counts. */
static double plan_bytes(const mn_system *s, mn_cg_plan plan)
{
  return fmax(open_bytes(s, plan) + mn_system_vector_bytes(s), kept_bytes(s, plan) + solve_bytes(s));
}

/* K is kept where it fits beside a preconditioner of at least a quarter of the usual rank; that has as much of it as
 * then fits, and more neighbours than a few only where these cost no rank. */
mn_cg_plan mn_cg_plan_for(const mn_system *s)
{
  size_t usual = usual_rank(s->samples.n, s->options.interpolate), least = usual < RANK_LEAST ? usual : RANK_LEAST;
  double room = mn_solver_room(&s->options);
  for (int kept = 1; kept >= 0; kept--)
    for (size_t rank = usual; rank >= least && (!kept || 4 * rank >= usual); rank -= rank > 8 ? rank / 8 : 1) {
      mn_cg_plan plan = {rank, s->options.interpolate ? NEIGHBOURS : NEIGHBOURS_DIGITS,
                         kept ? MN_GRAM_SINGLE : MN_GRAM_NONE};
      if (plan_bytes(s, plan) <= room) return plan;
      plan.degree = NEIGHBOURS;
      if (plan_bytes(s, plan) <= room) return plan;
    }
  return (mn_cg_plan){least, NEIGHBOURS, MN_GRAM_NONE};
}

static double peak_bytes(const mn_system *s)
{
  return open_bytes(s, mn_cg_plan_for(s));
}

static double held_bytes(const mn_system *s)
{
  return kept_bytes(s, mn_cg_plan_for(s));
}

/* Of the preconditioner; columns more stand for what pivots and neighbours take at a lower rate. */
static double cg_flops(const mn_system *s)
{
  double rank = (double)mn_cg_plan_for(s).rank;
  return (double)s->samples.n * rank * (rank + (s->options.interpolate ? 2800 : 4000));
}

static mn_status keep_gram(mn_system *s, cg *m, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  double begin_s = mn_clock_s(), norm1;
  mn_status st = mn_panels_open(n, mn_panels_width(n), MN_F32, &m->k, err);
  if (!st) st = mn_panels_populate(m->k, s->threads, ctx, err);
  if (st) return st;
  s->report.allocate_s = mn_clock_s() - begin_s;
  begin_s = mn_clock_s();
  if ((st = mn_gram_fill(&s->samples, &s->kernel, 0, s->threads, ctx, m->k, err))) return st;
  mn_system_note_gram(s, begin_s);
  if ((st = mn_panels_norm1(m->k, s->threads, &norm1, err))) return st;
  return mn_system_check_norm(norm1, err);
}

static mn_status cg_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  mn_cg_plan plan = mn_cg_plan_for(s);
  cg *m = mn_calloc(1, sizeof *m);
  mn_made_gram *made = NULL;
  mn_symmetric_kept kept;
  mn_symmetric k;
  mn_status st;
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  s->state = m;
  if (plan.kept == MN_GRAM_SINGLE) {
    if ((st = keep_gram(s, m, ctx, err))) return st;
    kept = (mn_symmetric_kept){m->k, s->threads};
    k = mn_symmetric_of_panels(&kept);
  } else {
    if ((st = mn_made_gram_open(&s->samples, &s->kernel, s->threads, &made, err))) return st;
    k = mn_symmetric_of_gram(made);
  }
  double begin_s = mn_clock_s();
  st =
      mn_preconditioner_open(&k, plan.rank, plan.degree, s->options.ridge, 0, s->threads, ctx, &m->preconditioner, err);
  mn_made_gram_close(&made);
  mn_memory_trim(); /* what the preconditioner was made with */
  s->report.factor_s = mn_clock_s() - begin_s;
  if (st) return st;
  s->report.preconditioner_rank = m->preconditioner->f->rank;
  s->report.gram_kept = plan.kept;
  return MN_OK;
}

static void cg_close(mn_system *s)
{
  cg *m = s->state;
  if (!m) return;
  mn_panels_close(&m->k);
  mn_preconditioner_close(&m->preconditioner);
  mn_free(m);
}

/* ---- solving */

typedef struct {
  mn_system *s;
  const cg *m;
  size_t columns;
  const mn_context *ctx;
  mn_meter meter; /* in flops of the products with K */
  mn_solution *out;
  const double *y;
  int round;                 /* 0: the first run, later ones correct what it found */
  int ended;                 /* the last run came to what was asked of it */
  int stalled;               /* or to its end before that */
  int shifts;                /* tried so far */
  double shift;              /* of the diagonal of K in the iteration, which the corrections in fp64 make good */
  double begin_s;            /* of the iteration */
  int outrun;                /* 1: the factor that auto weighed this against is expected to be done earlier */
  double noise;              /* error of the residual that single precision makes, over the size of the correction */
  float *single;             /* n x columns: a vector in the precision of K */
  double *scale;             /* columns: of that vector's */
  size_t *class_of;          /* n: column of the largest target; NULL: not wanted */
  double norms[SETTLED + 1]; /* of the latest iterations, the last one at [0] */
} run;

static mn_status multiply(void *arg, size_t columns, const double *v, double *out, mn_error *err)
{
  run *r = arg;
  const mn_system *s = r->s;
  mn_status st =
      r->m->k ? mn_panels_multiply_f64(r->m->k, s->threads, columns, v, r->single, r->scale, out, &r->meter, err)
              : mn_gram_multiply_symmetric(&s->samples, &s->kernel, s->threads, r->ctx, "cg", columns, v, out, err);
  if (st) return st;
  for (size_t i = 0; i < s->samples.n * columns; i++) out[i] += (s->options.ridge + r->shift) * v[i];
  return MN_OK;
}

static mn_status precondition(void *arg, size_t columns, const double *v, double *out, mn_error *err)
{
  const run *r = arg;
  return mn_preconditioner_solve(r->m->preconditioner, r->s->threads, columns, v, out, err);
}

static size_t largest(const double *values, size_t n, size_t columns)
{
  size_t best = 0;
  for (size_t c = 1; c < columns; c++)
    if (values[c * n] > values[best * n]) best = c;
  return best;
}

/* K x of one element, by the residual r = y - (K + ridge I) x. */
static double fitted_at(const run *r, const double *x, const double *residual, size_t at)
{
  return r->y[at] - residual[at] - r->s->options.ridge * x[at];
}

/* Fraction of the samples whose largest fitted value is in another column than that of the targets. */
static double misfit_of(const run *r, const double *x, const double *residual)
{
  size_t n = r->s->samples.n, wrong = 0;
  for (size_t i = 0; i < n; i++) {
    double best = -INFINITY;
    size_t at = 0;
    for (size_t c = 0; c < r->columns; c++) {
      double fitted = fitted_at(r, x, residual, i + c * n);
      if (fitted > best) best = fitted, at = c;
    }
    wrong += at != r->class_of[i];
  }
  return (double)wrong / (double)n;
}

/* sqrt(x'K x) */
static double norm_of(const run *r, const double *x, const double *residual)
{
  double total = 0;
  for (size_t i = 0; i < r->s->samples.n * r->columns; i++) total += x[i] * fitted_at(r, x, residual, i);
  return sqrt(fmax(total, 0));
}

static int settled(const run *r)
{
  double low = r->norms[0], high = r->norms[0];
  for (int k = 1; k <= SETTLED; k++) low = fmin(low, r->norms[k]), high = fmax(high, r->norms[k]);
  return low > 0 && high - low <= settled_change * high;
}

/* Residuals fall evenly, more or less: seconds left until the tolerance, against those of the whole factor. Judged when
 * a tenth of these are spent, and with doubt in favour of what is under way. */
static int is_outrun(const run *r, int iteration, double residual)
{
  const double early = 0.1, doubt = 2;
  double factor_s = r->s->report.weighed_factor_s, spent_s = mn_clock_s() - r->begin_s;
  double digits = -log(residual), all = -log(r->s->options.tolerance);
  if (isnan(factor_s) || spent_s < early * factor_s || digits >= all) return 0;
  double left_s = digits > 0 ? spent_s * (all / digits - 1) : INFINITY;
  if (left_s <= doubt * factor_s) return 0;
  mn_log(r->ctx, "cg: %.0f s more expected after %d iterations, %.0f s of the factor", left_s, iteration, factor_s);
  return 1;
}

static int watch(void *arg, const mn_pcg_step *step)
{
  run *r = arg;
  int iteration = r->out->iterations + step->iteration;
  if ((r->outrun = is_outrun(r, iteration, step->residual))) return 1;
  if (r->round || !r->class_of) {
    double left = step->residual, size = mn_norm2(r->s->samples.n * r->columns, step->x);
    mn_log(r->ctx, "iteration %d: residual %.1e", iteration, left);
    return left <= r->noise * size;
  }
  r->out->misfit = misfit_of(r, step->x, step->r);
  memmove(r->norms + 1, r->norms, SETTLED * sizeof *r->norms);
  r->norms[0] = norm_of(r, step->x, step->r);
  mn_log(r->ctx, "iteration %d: residual %.1e, training error %.4f %%, norm %.6g", iteration, step->residual,
         100 * r->out->misfit, r->norms[0]);
  return r->s->options.interpolate && r->out->misfit == 0 && settled(r);
}

static mn_status note_classes(run *r, mn_error *err)
{
  size_t n = r->s->samples.n;
  if (r->columns < 2) {
    if (!r->s->options.interpolate) return MN_OK;
    return MN_FAIL(err, MN_ERR_ARGUMENT, "stopping at interpolation needs classes: give a tolerance for real targets");
  }
  r->class_of = mn_alloc(n, sizeof *r->class_of);
  if (!r->class_of) return MN_NO_MEMORY(err, n * sizeof *r->class_of);
  for (size_t i = 0; i < n; i++) r->class_of[i] = largest(r->y + i, n, r->columns);
  return MN_OK;
}

/* One run on the residual left, and the true residual after it; alpha, the residual and its norm stay what they are
 * unless that is lower. */
static mn_status correct(run *r, double *alpha, double *space, mn_error *err)
{
  const mn_solve_options *o = &r->s->options;
  size_t count = r->s->samples.n * r->columns;
  double *residual = space, *d = space + count, *left = space + 2 * count, after;
  mn_pcg_result result;
  mn_pcg pcg = {.n = r->s->samples.n, .columns = r->columns, .multiply = multiply, .precondition = precondition};
  pcg.watch = watch, pcg.arg = r, pcg.most = ITERATIONS, pcg.threads = r->s->threads;
  pcg.single = r->m->k != NULL, pcg.y = r->y, pcg.group = o->group;
  double part = r->m->k ? run_most : 0x1p-50;
  pcg.tolerance = fmax(o->interpolate ? 0 : 0.3 * o->tolerance, part * r->out->residual);
  mn_status st = mn_pcg_run(&pcg, residual, d, left, &result, err);
  if (st) return st;
  r->out->iterations += result.iterations;
  r->stalled = result.end == MN_PCG_STALLED;
  r->ended = result.end == MN_PCG_CONVERGED || result.end == MN_PCG_WATCHED;
  double size = mn_norm2(count, d), expected = result.residual;
  for (size_t i = 0; i < count; i++) d[i] += alpha[i];
  st = mn_system_evaluate(r->s, r->columns, r->y, d, r->ctx, left, left, &after, err);
  if (st) return st;
  if (size > 0) r->noise = sqrt(fmax(after * after - expected * expected, 0)) / size;
  mn_log(r->ctx, "residual %.1e from K made anew, %.1e by the iteration", after, expected);
  if (after >= r->out->residual) return MN_OK;
  memcpy(alpha, d, count * sizeof *alpha);
  memcpy(residual, left, count * sizeof *residual);
  r->out->residual = after;
  return MN_OK;
}

/* Interpolation takes a norm that has settled too, or a run to its full accuracy, which one with a shift has not. */
static int is_done(const run *r)
{
  const mn_solve_options *o = &r->s->options;
  return o->interpolate ? r->out->misfit == 0 && r->ended && !r->shifts : r->out->residual <= o->tolerance;
}

/* Rounding in fp32 moves eigenvalues by about u sqrt(n) of the mean diagonal. */
static double first_shift(const mn_panels *k)
{
  double sum = 0;
  for (size_t i = 0; i < k->n; i++) sum += (double)*(const float *)mn_panels_at(k, i, i);
  return 2 * 0x1p-24 * sum / sqrt((double)k->n);
}

/* After a run in single precision that gained little. In an ill-conditioned system it may have found K indefinite, as
 * rounding has made it: with a shift of its diagonal it is not. Or it gathered noise, more of it than it gained, which
 * is not known before the first run has shown it: the next one stops where the noise is as large as what is left. */
static int helps_to_go_on(run *r, double noise_known)
{
  if (!r->m->k) return 0;
  if (!r->stalled || r->shifts >= SHIFTS) return r->noise > 2 * noise_known;
  r->shift = r->shifts++ ? 10 * r->shift : first_shift(r->m->k);
  mn_log(r->ctx, "K in single precision is not positive definite: a shift of %.1e", r->shift);
  return 1;
}

/* Leaves the residual at the begin of space (3 n x columns). */
static mn_status solve(run *r, double *alpha, double *space, mn_error *err)
{
  size_t count = r->s->samples.n * r->columns;
  mn_status st = note_classes(r, err);
  if (st) return st;
  memset(alpha, 0, count * sizeof *alpha);
  memcpy(space, r->y, count * sizeof *space);
  r->out->residual = mn_norm2(count, r->y) > 0 ? 1 : 0;
  r->out->converged = r->out->residual == 0;
  if (r->class_of) r->out->misfit = misfit_of(r, alpha, space);
  for (r->round = 0; r->round < ROUNDS && !r->out->converged; r->round++) {
    double before = r->out->residual, known = r->noise;
    if ((st = correct(r, alpha, space, err))) return st;
    if (r->class_of) r->out->misfit = misfit_of(r, alpha, space);
    r->out->converged = is_done(r);
    if (r->outrun || (r->out->residual > 0.5 * before && !helps_to_go_on(r, known))) break;
  }
  st = mn_meter_close(&r->meter, err);
  if (st || r->out->converged || isnan(r->s->report.weighed_factor_s)) return st;
  return MN_FAIL(err, MN_ERR_SINGULAR, "cg: residual %.1e after %d iterations%s", r->out->residual, r->out->iterations,
                 r->outrun ? ", the factor is expected to be faster" : "");
}

static mn_status cg_solve(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                          const mn_context *ctx, mn_solution *solution, mn_error *err)
{
  size_t n = system->samples.n, count = n * columns;
  double begin_s = mn_clock_s(), *space = mn_alloc_matrix(3 * count, sizeof *space);
  run r = {.s = system, .m = system->state, .columns = columns, .ctx = ctx, .out = solution, .y = y};
  r.begin_s = begin_s;
  r.single = mn_alloc_matrix(count, sizeof *r.single);
  r.scale = mn_alloc(columns, sizeof *r.scale);
  mn_status st = space && r.single && r.scale ? MN_OK : MN_NO_MEMORY(err, 3 * count * sizeof *space);
  if (!st) {
    mn_meter_open(&r.meter, r.m->k ? ctx : NULL, "cg", ITERATIONS * 2 * (double)n * (double)count, "flop");
    st = solve(&r, alpha, space, err);
  }
  for (size_t i = 0; !st && fitted && i < count; i++) fitted[i] = fitted_at(&r, alpha, space, i);
  solution->solve_s = mn_clock_s() - begin_s;
  mn_free(r.class_of);
  mn_free(r.scale);
  mn_free(r.single);
  mn_free(space);
  return st;
}

const mn_solver_row mn_solver_cg_row = {
    .solver = MN_SOLVER_CG,
    .most = MN_BLAS_MAX,
    .peak_bytes = peak_bytes,
    .held_bytes = held_bytes,
    .solve_bytes = solve_bytes,
    .flops = cg_flops,
    .open = cg_open,
    .solve = cg_solve,
    .close = cg_close,
};
