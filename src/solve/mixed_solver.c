/* Mixed precision: the factor in fp32 panels, the solution in fp64 by conjugate gradients with that factor as
 * preconditioner (Higham & Pranesh 2021; Carson & Higham 2018).
 *
 * K itself is wanted in every iteration: kept in fp64, or in fp32 with corrections in fp64 around the iteration, or
 * made again each time, as the budget allows; the residual that is reported always comes from a pass that makes K anew.
 */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/blas.h"
#include "linalg/cholesky.h"
#include "linalg/narrow.h"
#include "linalg/panels_multiply.h"
#include "solve/kept_factor.h"
#include "solve/pcg.h"
#include "solve/system.h"

enum { ATTEMPTS = 3, ITERATIONS = 30, PROMISING = 10, ROUNDS = 6 };

typedef struct {
  mn_panels *factor;     /* fp32: L of K + (ridge + shift) I */
  mn_panels *k;          /* K + ridge I, fp64 or fp32; NULL: made again when wanted */
  mn_panel_store *store; /* of a checkpoint; NULL: none */
  double mean;           /* of K's diagonal, ridge included */
  double noise;          /* error of a product with K in fp32, over the vector's norm */
} mixed;

static double panels_bytes(size_t n, mn_dtype type)
{
  return (double)mn_panels_bytes(n, mn_panels_width(n), type);
}

/* Without K, the least that this solver takes; likewise below. */
static double factor_bytes(const mn_system *s)
{
  return panels_bytes(s->samples.n, MN_F32);
}

static double peak_bytes(const mn_system *s)
{
  return factor_bytes(s) + mn_gram_fill_bytes(&s->samples, mn_panels_width(s->samples.n), MN_F32, s->threads);
}

/* A vector less than the seven of any factor, three of conjugate gradients and one in fp32. */
static double solve_bytes(const mn_system *s)
{
  return mn_solve_dual_bytes(s) + 2.5 * mn_system_vector_bytes(s);
}

static double mixed_flops(const mn_system *s)
{
  return mn_cholesky_flops(s->samples.n);
}

/* What of K is kept: the most precise that fits; nothing where a pass costs no more than the first touch of what it
 * would be kept in (20,000 images of MNIST: 3.3 s of refinement without K, 1.8 s and 4.2 s of memory with it). */
mn_gram_kept mn_mixed_choose(const mn_system *s)
{
  size_t n = s->samples.n;
  if (mn_gram_in_integers(&s->samples)) return MN_GRAM_NONE;
  double left = mn_solver_room(&s->options) - mn_solver_bytes(&mn_solver_mixed_row, s);
  if (left >= panels_bytes(n, MN_F64)) return MN_GRAM_DOUBLE;
  return left >= panels_bytes(n, MN_F32) ? MN_GRAM_SINGLE : MN_GRAM_NONE;
}

/* Rounding in fp32 moves eigenvalues by up to u sqrt(n) of the mean diagonal, and may make them negative. Half of that
 * is enough for most: the elements off the diagonal are smaller. Of what rounding has done to a matrix that needs more
 * the refinement makes nothing good either (MNIST, n = 10,000: pivots fail with gamma = 0.0002, where it stalls with
 * four times the shift; with gamma = 0.002 that takes 13 iterations, 12 with half). */
static double first_shift(size_t n, double mean_diagonal)
{
  return 0.5 * 0x1p-24 * sqrt((double)n) * mean_diagonal;
}

/* The elements of a row are rounded independently: u times the root of the sum of their squares, which is at most
 * ||K||_1 / sqrt(n) where they are of a size. */
static double noise_of(size_t n, double mean_diagonal, double norm1)
{
  return 0x1p-24 * fmax(mean_diagonal, norm1 / sqrt((double)n));
}

static mn_status open_panels(mn_system *s, mn_dtype type, mn_panels **out, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  double begin_s = mn_clock_s();
  mn_status st = mn_panels_open(n, mn_panels_width(n), type, out, err);
  if (!st) st = mn_panels_populate(*out, s->threads, ctx, err);
  s->report.allocate_s = (isnan(s->report.allocate_s) ? 0 : s->report.allocate_s) + mn_clock_s() - begin_s;
  return st;
}

static mn_status fill(mn_system *s, mn_panels *panels, double shift, const mn_context *ctx, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_status st = mn_gram_fill(&s->samples, &s->kernel, s->options.ridge + shift, s->threads, ctx, panels, err);
  mn_system_note_gram(s, begin_s);
  return st;
}

/* The matrix to be factored: from K where it is kept, else made anew. */
static mn_status fill_factor(mn_system *s, mixed *m, double shift, const mn_context *ctx, mn_error *err)
{
  if (!m->k) return fill(s, m->factor, shift, ctx, err);
  mn_panels_copy_shifted(m->k, shift, m->factor, s->threads);
  return MN_OK;
}

/* One attempt; with a checkpoint from its last finished panel on. What of K is kept is no part of the checkpoint's key:
 * it changes the fp32 matrix by rounding only, less than the shift allows for. */
static mn_status factor_once(mn_system *s, mixed *m, double shift, const mn_context *ctx, size_t *pivot, mn_error *err)
{
  mn_status st = MN_OK;
  if (!s->options.checkpoint) return mn_cholesky_factor(m->factor, s->threads, ctx, pivot, err);
  if (!m->store) {
    size_t width = mn_panels_width(s->samples.n);
    st = mn_kept_factor_open(s, s->options.checkpoint, MN_STORE_RESUME, width, MN_F32, shift, &m->store, err);
  }
  if (!st) st = mn_kept_factor_run(s, m->factor, m->store, ctx, pivot, err);
  if (st == MN_ERR_SINGULAR) mn_panel_store_remove(&m->store, NULL); /* the next shift begins anew */
  return st;
}

/* The attempt that a checkpoint has come to; the first without one. */
static mn_status resume(mn_system *s, mixed *m, const double *shifts, size_t *attempt, mn_error *err)
{
  *attempt = 0;
  if (!s->options.checkpoint) return MN_OK;
  return mn_kept_factor_resume(s, MN_F32, ATTEMPTS, shifts, attempt, &m->store, err);
}

/* Factors with a shift that grows until every pivot is positive. */
static mn_status factor(mn_system *s, mixed *m, double shift, const mn_context *ctx, mn_error *err)
{
  const double shifts[ATTEMPTS] = {shift, 10 * shift, 100 * shift};
  double begin_s = mn_clock_s();
  size_t pivot, attempt;
  mn_status st = resume(s, m, shifts, &attempt, err);
  if (st) return st;
  for (st = MN_ERR_SINGULAR; attempt < ATTEMPTS && st == MN_ERR_SINGULAR; attempt++) {
    shift = shifts[attempt];
    if (attempt && (st = fill_factor(s, m, shift, ctx, err))) return st;
    begin_s = mn_clock_s();
    st = factor_once(s, m, shift, ctx, &pivot, err);
    s->report.shift = shift;
    if (st == MN_ERR_SINGULAR) mn_log(ctx, "fp32: pivot %zu is not positive with a shift of %.1e", pivot + 1, shift);
  }
  s->report.factor_s = mn_clock_s() - begin_s;
  if (!s->report.resumed_panels) s->report.factor_gflops = mn_cholesky_flops(s->samples.n) / s->report.factor_s * 1e-9;
  return st;
}

static double mean_diagonal(const mn_panels *p)
{
  double sum = 0;
  for (size_t i = 0; i < p->n; i++) {
    const void *at = mn_panels_at(p, i, i);
    sum += p->type == MN_F64 ? *(const double *)at : (double)*(const float *)at;
  }
  return sum / (double)p->n;
}

static mn_status mixed_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  static const mn_dtype types[] = {[MN_GRAM_DOUBLE] = MN_F64, [MN_GRAM_SINGLE] = MN_F32};
  size_t n = s->samples.n;
  mixed *m = mn_calloc(1, sizeof *m);
  double norm1;
  mn_status st;
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  s->state = m;
  if (s->options.checkpoint && mn_kept_factor_exists(s, MN_F64, 0))
    return MN_FAIL(err, MN_ERR_SINGULAR, "mixed precision: the checkpoint has come to the factor in fp64");
  s->report.gram_kept = mn_mixed_choose(s);
  if ((st = open_panels(s, MN_F32, &m->factor, ctx, err))) return st;
  mn_panels *first = m->factor;
  if (s->report.gram_kept != MN_GRAM_NONE) {
    if ((st = open_panels(s, types[s->report.gram_kept], &m->k, ctx, err))) return st;
    first = m->k;
  }
  if ((st = fill(s, first, 0, ctx, err))) return st;
  if ((st = mn_panels_norm1(first, s->threads, &norm1, err))) return st;
  if (first->type == MN_F32 && !isfinite(norm1))
    return MN_FAIL(err, MN_ERR_SINGULAR, "mixed precision: the Gram matrix has elements beyond single precision");
  if ((st = mn_system_check_norm(norm1, err))) return st;
  m->mean = mean_diagonal(first);
  m->noise = noise_of(n, m->mean, norm1);
  double shift = first_shift(n, m->mean);
  if (m->k)
    mn_panels_copy_shifted(m->k, shift, m->factor, s->threads);
  else
    mn_panels_shift(m->factor, shift);
  if ((st = factor(s, m, shift, ctx, err))) return st;
  return mn_cholesky_rcond(m->factor, s->threads, ctx, norm1, &s->report.rcond, err);
}

static void mixed_close(mn_system *s)
{
  mixed *m = s->state;
  if (!m) return;
  mn_panels_close(&m->factor);
  mn_panels_close(&m->k);
  mn_kept_factor_close(s, &m->store);
  mn_free(m);
}

/* ---- solving */

typedef struct {
  const mn_system *s;
  const mixed *m;
  size_t columns;
  const mn_context *ctx;
  const double *y;
  size_t group;      /* columns of which the last is implied by the others and the first group; 0: none is */
  double begin;      /* the residual before this round */
  double correction; /* about the norm of what the iteration adds to alpha next, over that of y */
  mn_meter meter;    /* in flops; silent where K is made again, which has a meter of its own */
  float *single;     /* n x columns: vectors in fp32 */
  double *scale;     /* columns: of what is in fp32 */
} run;

/* Of one iteration with K in memory: the product with it, and the two triangular solves. */
static double iteration_flops(const mn_system *s, size_t columns)
{
  return 4 * (double)s->samples.n * (double)s->samples.n * (double)columns;
}

/* K made anew, in fp32 as soon as what that adds to the residual is well below the tolerance: corrections shrink, and
 * with them what their products need (van den Eshof & Sleijpen 2004). Directions are rounded to fp32 beforehand. */
static mn_status multiply_made(const run *r, size_t columns, const double *v, double *out, mn_error *err)
{
  const mn_system *s = r->s;
  size_t count = s->samples.n * columns;
  if (r->m->noise * r->correction > 0.1 * s->options.tolerance)
    return mn_gram_multiply_symmetric(&s->samples, &s->kernel, s->threads, r->ctx, "refine", columns, v, out, err);
  for (size_t i = 0; i < count; i++) r->single[i] = (float)v[i];
  return mn_gram_multiply_symmetric_f32(&s->samples, &s->kernel, s->threads, r->ctx, "refine", columns, r->single, out,
                                        err);
}

static mn_status multiply(void *arg, size_t columns, const double *v, double *out, mn_error *err)
{
  run *r = arg;
  if (r->m->k)
    return mn_panels_multiply_f64(r->m->k, r->s->threads, columns, v, r->single, r->scale, out, &r->meter, err);
  size_t count = r->s->samples.n * columns;
  mn_status st = multiply_made(r, columns, v, out, err);
  if (st) return st;
  for (size_t i = 0; i < count; i++) out[i] += r->s->options.ridge * v[i];
  return MN_OK;
}

static int products_in_single(const mixed *m)
{
  return !m->k || m->k->type == MN_F32;
}

/* One-hot columns add up to 1, whatever the labels: where the columns of every group have the sum that those of the
 * first have, the last of a group lies in the span of the others and the first group. It adds no direction then. */
static int sums_agree(size_t n, size_t columns, size_t group, const double *y)
{
  for (size_t first = group; first < columns; first += group)
    for (size_t i = 0; i < n; i++) {
      double difference = 0, size = 0;
      for (size_t c = 0; c < group; c++) {
        difference += y[i + (first + c) * n] - y[i + c * n];
        size += fabs(y[i + (first + c) * n]) + fabs(y[i + c * n]);
      }
      if (!(fabs(difference) <= 0x1p-50 * size)) return 0;
    }
  return 1;
}

/* Columns that are not implied by others, and the place of one of them. */
static size_t count_independent(const run *r)
{
  return r->group ? r->columns - (r->columns / r->group - 1) : r->columns;
}

static size_t place_of(const run *r, size_t k)
{
  size_t g = r->group;
  return !g || k < g ? k : g + (k - g) / (g - 1) * g + (k - g) % (g - 1);
}

static void widen_column(const run *r, size_t k, double *v)
{
  size_t n = r->s->samples.n;
  for (size_t i = 0; i < n; i++) v[i] = (double)r->single[i + k * n] * r->scale[k];
}

/* Implied columns are given 0, which is no direction. */
static mn_status precondition(void *arg, size_t columns, const double *v, double *out, mn_error *err)
{
  run *r = arg;
  size_t n = r->s->samples.n, independent = count_independent(r), group = r->group;
  int threads = r->s->threads;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t k = 0; k < independent; k++) mn_narrow(n, 1, v + place_of(r, k) * n, r->single + k * n, r->scale + k);
  mn_cholesky_apply(r->m->factor, threads, independent, &r->meter, r->single);
  if (mn_meter_cancelled(&r->meter)) return mn_meter_close(&r->meter, err);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t k = 0; k < independent; k++) widen_column(r, k, out + place_of(r, k) * n);
  for (size_t last = 2 * group - 1; group && last < columns; last += group) memset(out + last * n, 0, n * sizeof *out);
  r->correction = mn_worst_ratio(n, columns, r->s->options.group, out, r->y);
  return MN_OK;
}

/* Ends the run when it promises nothing: what has not gained a digit by then takes as long as a factor in fp64. */
static int watch(void *arg, const mn_pcg_step *step)
{
  const run *r = arg;
  const double digit = 0.1;
  mn_log(r->ctx, "refinement %d: residual %.1e", step->iteration, step->residual);
  return step->iteration == PROMISING && step->residual > digit * r->begin;
}

/* One run of conjugate gradients on the residual left, then the residual from K made anew; alpha, the residual and its
 * norm stay what they are unless that is lower. fp32 K is good for a few digits a run, fp64 for all it has. */
static mn_status correct(run *r, const double *y, double *alpha, double *space, mn_solution *out, mn_error *err)
{
  const mn_solve_options *o = &r->s->options;
  size_t count = r->s->samples.n * r->columns;
  double *residual = space, *d = space + count, *left = space + 2 * count, after;
  mn_pcg_result result;
  r->begin = out->residual;
  double part = r->s->report.gram_kept == MN_GRAM_SINGLE ? 1e-4 : 0x1p-50;
  mn_pcg pcg = {.n = r->s->samples.n, .columns = r->columns, .multiply = multiply, .precondition = precondition};
  pcg.watch = watch, pcg.arg = r, pcg.most = ITERATIONS, pcg.threads = r->s->threads;
  pcg.single = products_in_single(r->m), pcg.y = y, pcg.group = o->group;
  pcg.tolerance = fmax(0.3 * o->tolerance, part * out->residual);
  mn_status st = mn_pcg_run(&pcg, residual, d, left, &result, err);
  if (st) return st;
  out->refinements += result.iterations;
  for (size_t i = 0; i < count; i++) d[i] += alpha[i];
  st = mn_system_evaluate(r->s, r->columns, y, d, r->ctx, left, left, &after, err);
  if (st || after >= out->residual) return st;
  memcpy(alpha, d, count * sizeof *alpha);
  memcpy(residual, left, count * sizeof *residual);
  out->residual = after;
  return MN_OK;
}

/* The residual that a factor in fp64 leaves as well, for K's elements are rounded: 4 u sqrt(n) times the mean of the
 * diagonal times ||alpha|| / ||y||, about twice what is observed. LAPACK's dsposv takes ||K|| instead, which is more.
 */
static double attainable(const run *r, const double *y, const double *alpha)
{
  size_t n = r->s->samples.n;
  double ratio = mn_worst_ratio(n, r->columns, r->s->options.group, alpha, y);
  return 4 * 0x1p-53 * sqrt((double)n) * r->m->mean * ratio;
}

/* Leaves the residual at the begin of space (3 n x columns). */
static mn_status refine(run *r, const double *y, double *alpha, double *space, mn_solution *out, mn_error *err)
{
  size_t count = r->s->samples.n * r->columns;
  double tolerance = r->s->options.tolerance;
  mn_status st = MN_OK;
  memset(alpha, 0, count * sizeof *alpha);
  memcpy(space, y, count * sizeof *space);
  out->residual = mn_norm2(count, y) > 0 ? 1 : 0;
  for (int round = 0; round < ROUNDS && out->residual > tolerance; round++) {
    double before = out->residual;
    if ((st = correct(r, y, alpha, space, out, err))) return st;
    if (out->residual > 0.5 * before) break;
  }
  if (out->residual <= tolerance || out->residual <= attainable(r, y, alpha)) return mn_meter_close(&r->meter, err);
  return MN_FAIL(err, MN_ERR_SINGULAR, "mixed precision: the residual stalls at %.1e, %.1e asked for", out->residual,
                 tolerance);
}

static mn_status mixed_solve(mn_system *system, size_t columns, const double *y, double *alpha, double *fitted,
                             const mn_context *ctx, mn_solution *solution, mn_error *err)
{
  size_t count = system->samples.n * columns;
  double begin_s = mn_clock_s(), *space = mn_alloc_matrix(3 * count, sizeof *space);
  run r = {.s = system, .m = system->state, .columns = columns, .ctx = ctx, .y = y};
  size_t group = system->options.group;
  if (group > 1 && columns % group == 0 && sums_agree(system->samples.n, columns, group, y)) r.group = group;
  r.single = mn_alloc_matrix(count, sizeof *r.single);
  r.scale = mn_alloc(columns, sizeof *r.scale);
  mn_status st = space && r.single && r.scale ? MN_OK : MN_NO_MEMORY(err, 3 * count * sizeof *space);
  if (!st) {
    mn_meter_open(&r.meter, r.m->k ? ctx : NULL, "refine", ITERATIONS * iteration_flops(system, columns), "flop");
    st = refine(&r, y, alpha, space, solution, err);
  }
  for (size_t i = 0; !st && fitted && i < count; i++) fitted[i] = y[i] - space[i] - system->options.ridge * alpha[i];
  if (st) solution->refinements = 0; /* for fp64 to count its own */
  solution->solve_s = 0;
  solution->refine_s = mn_clock_s() - begin_s;
  mn_free(space);
  mn_free(r.single);
  mn_free(r.scale);
  return st;
}

static mn_status mixed_influence(const mn_system *s, const mn_context *ctx, mn_influence *out, mn_error *err)
{
  const mixed *m = s->state;
  return mn_influence_of_panels(m->factor, s->report.shift, s->threads, ctx, out->inverse, err);
}

static double influence_bytes(const mn_system *s)
{
  return mn_influence_panels_bytes(s->samples.n, MN_F32, s->threads);
}

const mn_solver_row mn_solver_mixed_row = {
    .solver = MN_SOLVER_CHOLESKY,
    .most = MN_BLAS_MAX,
    .peak_bytes = peak_bytes,
    .held_bytes = factor_bytes,
    .solve_bytes = solve_bytes,
    .flops = mixed_flops,
    .open = mixed_open,
    .solve = mixed_solve,
    .close = mixed_close,
    .influence = mixed_influence,
    .influence_bytes = influence_bytes,
    .influence_flops = mixed_flops,
};
