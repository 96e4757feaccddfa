/* How well functions follow random signs: the mean over a ball, and fits to them, from one product with K and one solve
 * for all draws. */
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/linear.h"
#include "linalg/threads.h"
#include "solve/system.h"

/* What one call works on. */
typedef struct {
  mn_system *system;
  size_t n, unknowns, draws;
  const mn_context *ctx;
  double *signs;  /* n x draws */
  double *values; /* n x draws: K signs, then the fits */
  double *alpha;  /* unknowns x draws */
  double *sample; /* draws: what is averaged */
} task;

static mn_estimate estimate(size_t draws, const double *sample)
{
  mn_estimate e = {0, 0};
  double squares = 0;
  for (size_t k = 0; k < draws; k++) e.mean += sample[k] / (double)draws;
  for (size_t k = 0; k < draws; k++) squares += (sample[k] - e.mean) * (sample[k] - e.mean);
  e.error = sqrt(squares / (double)(draws - 1) / (double)draws);
  return e;
}

/* sqrt(sigma' K sigma), of a linear model ||X' sigma||. */
static mn_status find_width(const task *t, mn_error *err)
{
  mn_system *s = t->system;
  mn_complexity *out = &s->complexity;
  int primal = s->row->primal;
  mn_status st = mn_gram_trace(&s->samples, &s->kernel, s->threads, &out->trace, err);
  if (!st && primal) st = mn_linear_transposed(&s->samples, s->threads, t->draws, t->signs, t->alpha, err);
  if (!st && !primal)
    st = mn_gram_multiply_symmetric(&s->samples, &s->kernel, s->threads, t->ctx, "complexity", t->draws, t->signs,
                                    t->values, err);
  for (size_t k = 0; !st && k < t->draws; k++) {
    const double *w = t->alpha + k * t->unknowns;
    t->sample[k] =
        sqrt(primal ? mn_inner(t->unknowns, w, w) : mn_inner(t->n, t->signs + k * t->n, t->values + k * t->n));
  }
  if (!st) out->width = estimate(t->draws, t->sample);
  return st;
}

/* sigma' f / n of the fits f, and their norms sqrt(alpha' K alpha). */
static mn_status find_fits(const task *t, mn_error *err)
{
  mn_system *s = t->system;
  mn_complexity *out = &s->complexity;
  int solved;
  mn_status st = mn_system_solve_as_is(s, t->draws, t->signs, t->alpha, t->values, "the fits to random signs", t->ctx,
                                       &solved, err);
  if (st || !solved) return st;
  for (size_t k = 0; k < t->draws; k++)
    t->sample[k] = mn_inner(t->n, t->signs + k * t->n, t->values + k * t->n) / (double)t->n;
  out->fit = estimate(t->draws, t->sample);
  for (size_t k = 0; k < t->draws; k++) {
    const double *w = t->alpha + k * t->unknowns;
    t->sample[k] = sqrt(mn_inner(t->unknowns, w, s->row->primal ? w : t->values + k * t->n));
  }
  out->fit_norm = estimate(t->draws, t->sample);
  return MN_OK;
}

/* tr H: of each sample 1 - ridge (K + ridge I)^-1_ii, without what a singular matrix cannot follow. */
static double find_dimension(const mn_system *s)
{
  double dimension = 0, ridge = s->row->primal ? 0 : s->options.ridge;
  for (size_t i = 0; i < s->samples.n; i++)
    dimension += 1 - s->influence.defect[i] - (ridge > 0 ? ridge * s->influence.inverse[i] : 0);
  return dimension;
}

static mn_status find_complexity(const task *t, uint64_t seed, mn_error *err)
{
  mn_system *s = t->system;
  mn_complexity *out = &s->complexity;
  mn_status st = MN_OK;
  if (!t->signs || !t->values || !t->alpha || !t->sample)
    return MN_NO_MEMORY(err, (2 * t->n + t->unknowns + 1) * t->draws * sizeof(double));
  for (size_t k = 0; k < t->draws; k++) mn_random_signs(seed, MN_STREAM_COMPLEXITY, k, t->n, t->signs + k * t->n);
  if (out->draws != t->draws || out->seed != seed) {
    *out = (mn_complexity){.n = t->n, .seed = seed};
    if ((st = find_width(t, err))) return st;
    out->draws = t->draws;
  }
  out->fit = out->fit_norm = (mn_estimate){NAN, NAN};
  st = find_fits(t, err);
  out->dimension = find_dimension(s);
  s->fits_known = !st;
  return st;
}

mn_status mn_system_complexity(mn_system *system, size_t draws, uint64_t seed, const mn_context *ctx,
                               mn_complexity *out, mn_error *err)
{
  const mn_complexity *known = &system->complexity;
  *out = (mn_complexity){0};
  if (draws < 2) return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu draws of random signs: at least 2 expected", draws);
  mn_threads_open(ctx);
  mn_status st = mn_influence_find(system, ctx, err);
  if (st) return st;
  if (system->fits_known && known->draws == draws && known->seed == seed) {
    *out = *known;
    return MN_OK;
  }
  double begin_s = mn_clock_s();
  mn_memory_trim(); /* what the inverse's diagonal took */
  task t = {.system = system, .n = system->samples.n, .unknowns = system->report.unknowns, .draws = draws, .ctx = ctx};
  t.signs = mn_alloc_matrix(t.n * draws, sizeof *t.signs);
  t.values = mn_alloc_matrix(t.n * draws, sizeof *t.values);
  t.alpha = mn_alloc_matrix(t.unknowns * draws, sizeof *t.alpha);
  t.sample = mn_alloc(draws, sizeof *t.sample);
  st = find_complexity(&t, seed, err);
  mn_free(t.signs);
  mn_free(t.values);
  mn_free(t.alpha);
  mn_free(t.sample);
  system->complexity.seconds = mn_clock_s() - begin_s;
  if (!st) *out = system->complexity;
  return st;
}
