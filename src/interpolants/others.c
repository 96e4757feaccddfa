/* Interpolants that do not generalise: random centres, and labels forced on test samples. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "data/corrupt.h"
#include "gram/gram.h"
#include "interpolants/problem.h"
#include "linalg/dense.h"
#include "linalg/threads.h"
#include "solve/system.h"

/* ---- random centres */

typedef struct {
  const mn_interpolants *p;
  const mn_context *ctx;
  mn_samples train, centres;
  int threads;
  double *lu; /* n x n */
  int *pivots;
} centres_system;

/* K(train, centres) as the products with the unit vectors. */
static mn_status fill(centres_system *s, mn_error *err)
{
  size_t n = s->p->n;
  double *unit = mn_alloc_matrix(n * n, sizeof *unit);
  if (!unit) return MN_NO_MEMORY(err, n * n * sizeof *unit);
  memset(unit, 0, n * n * sizeof *unit);
  for (size_t i = 0; i < n; i++) unit[i + i * n] = 1;
  mn_status st = mn_gram_multiply(&s->train, &s->centres, &s->p->options.kernel, s->threads, s->ctx, "centres", n, unit,
                                  s->lu, err);
  mn_free(unit);
  return st;
}

static double norm1(size_t n, const double *a)
{
  double most = 0;
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs(a[i + j * n]);
    most = fmax(most, sum);
  }
  return most;
}

static mn_status factor(centres_system *s, double *rcond, mn_error *err)
{
  size_t n = s->p->n;
  s->lu = mn_alloc_matrix(n * n, sizeof *s->lu);
  s->pivots = mn_alloc(n, sizeof *s->pivots);
  if (!s->lu || !s->pivots) return MN_NO_MEMORY(err, n * n * sizeof *s->lu);
  mn_status st = fill(s, err);
  if (st) return st;
  double norm = norm1(n, s->lu);
  st = mn_lu_factor(n, s->lu, s->pivots, s->threads, err);
  return st ? st : mn_lu_rcond(n, s->lu, norm, rcond, err);
}

enum { REFINEMENTS = 3 };

/* r = y - K c by a product that makes K anew; refined as long as that makes r smaller. r, step: n x outputs, scratch.
 */
static mn_status refine(const centres_system *s, double *c, double *r, double *step, int *taken, mn_error *err)
{
  const mn_interpolants *p = s->p;
  size_t count = p->n * p->outputs;
  double last = INFINITY;
  mn_status st = MN_OK;
  for (*taken = 0; *taken <= REFINEMENTS; ++*taken) {
    st = mn_gram_multiply(&s->train, &s->centres, &p->options.kernel, s->threads, s->ctx, "residual", p->outputs, c, r,
                          err);
    if (st) return st;
    for (size_t i = 0; i < count; i++) r[i] = p->targets.y[i] - r[i];
    double now = mn_norm2(count, r);
    if (!isfinite(now)) return MN_FAIL(err, MN_ERR_SINGULAR, "random centres: the system is singular to rounding");
    if (!(now < last)) {
      for (size_t i = 0; i < count; i++) c[i] -= step[i];
      --*taken;
      return MN_OK;
    }
    if (*taken == REFINEMENTS) break;
    last = now;
    memcpy(step, r, count * sizeof *step);
    if ((st = mn_lu_solve(p->n, s->lu, s->pivots, p->outputs, step, s->threads, err))) return st;
    for (size_t i = 0; i < count; i++) c[i] += step[i];
  }
  return MN_OK;
}

static mn_status solve(centres_system *s, double *c, mn_random_centres *report, mn_error *err)
{
  size_t count = s->p->n * s->p->outputs;
  double *r = mn_alloc(2 * count, sizeof *r);
  if (!r) return MN_NO_MEMORY(err, 2 * count * sizeof *r);
  mn_status st = factor(s, &report->rcond, err);
  if (!st) {
    memcpy(c, s->p->targets.y, count * sizeof *c);
    st = mn_lu_solve(s->p->n, s->lu, s->pivots, s->p->outputs, c, s->threads, err);
  }
  if (!st) st = refine(s, c, r, r + count, &report->refinements, err);
  mn_free(r);
  return st;
}

mn_status mn_interpolants_random_centres(const mn_interpolants *p, uint64_t seed, const mn_context *ctx, mn_model **out,
                                         mn_random_centres *report, mn_error *err)
{
  double begin_s = mn_clock_s(), *c = NULL;
  centres_system s = {.p = p, .ctx = ctx, .threads = mn_threads_open(ctx)};
  mn_data *points = NULL;
  *out = NULL;
  *report = (mn_random_centres){0};
  mn_status st = mn_random_points(p, p->n, seed, &points, err);
  if (st) return st;
  s.train = mn_problem_samples(p, p->train);
  s.centres = mn_problem_samples(p, points);
  if ((c = mn_alloc(p->n * p->outputs, sizeof *c)))
    st = solve(&s, c, report, err);
  else
    st = MN_NO_MEMORY(err, p->n * p->outputs * sizeof *c);
  mn_free(s.lu);
  mn_free(s.pivots);
  report->seconds = mn_clock_s() - begin_s;
  if (!st) return mn_expansion_open(p, points, c, ctx, out, err);
  mn_data_close(&points);
  mn_free(c);
  return st;
}

/* ---- labels forced on test samples */

static mn_status check_distinct(const mn_data *joint, const mn_interpolants *p, mn_error *err)
{
  mn_pair *pairs = NULL;
  size_t count;
  mn_status st = mn_data_duplicates(joint, &pairs, &count, err);
  if (!st && count)
    st = MN_FAIL(err, MN_ERR_DATA, "%s: test sample %zu (from 0) equals %s sample %zu: no label can be forced on it",
                 p->train->name, pairs[0].second - p->n, pairs[0].first < p->n ? "training" : "test",
                 pairs[0].first < p->n ? pairs[0].first : pairs[0].first - p->n);
  mn_data_free(pairs);
  return st;
}

/* Training and test samples, a random class of the training samples' for each of the latter. */
static mn_status join_random(const mn_interpolants *p, const mn_data *test, uint64_t seed, mn_data **out, mn_error *err)
{
  *out = NULL;
  if (!p->direct->labels || !mn_data_has_labels(test))
    return MN_FAIL(err, MN_ERR_DATA, "%s: labels are forced on samples with class labels", test->name);
  mn_status st = mn_join(p->train, test, 1, out, err);
  if (st) return st;
  mn_data *joint = *out;
  for (size_t i = 0; i < test->n; i++)
    joint->y[p->n + i] = (double)p->direct->labels[mn_corrupt_class(0, p->outputs, 1, seed, i)];
  if (p->options.kernel.name == MN_KERNEL_LINEAR && joint->dim < joint->n)
    return MN_FAIL(err, MN_ERR_DATA, "%s: a linear model of %zu features does not interpolate %zu samples",
                   p->train->name, joint->dim, joint->n);
  return check_distinct(joint, p, err);
}

/* One-hot or +-1 as in the direct solution, and the same offset. */
static void encode(const mn_interpolants *p, const mn_data *joint, double *y)
{
  const mn_model *m = p->direct;
  double off = p->options.targets == MN_TARGETS_PM1 ? -1 : 0;
  for (size_t c = 0; c < m->outputs; c++)
    for (size_t i = 0; i < joint->n; i++)
      y[i + c * joint->n] = (joint->y[i] == (double)m->labels[c] ? 1 : off) - m->offset[c];
}

mn_status mn_interpolants_forced(const mn_interpolants *p, const mn_data *test, uint64_t seed, const mn_context *ctx,
                                 mn_model **out, mn_error *err)
{
  mn_data *joint = NULL;
  double *y = NULL, *c = NULL;
  *out = NULL;
  mn_status st = join_random(p, test, seed, &joint, err);
  if (st) goto done;
  size_t count = joint->n * p->outputs;
  y = mn_alloc(count, sizeof *y);
  c = mn_alloc(count, sizeof *c);
  if (!y || !c) {
    st = MN_NO_MEMORY(err, 2 * count * sizeof *y);
    goto done;
  }
  encode(p, joint, y);
  if ((st = mn_expansion_solve(p, joint, y, ctx, c, err))) goto done;
  mn_free(y);
  return mn_expansion_open(p, joint, c, ctx, out, err);
done:
  mn_data_close(&joint);
  mn_free(y);
  mn_free(c);
  return st;
}
