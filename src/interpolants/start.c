/* A start outside the span of the data. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "gram/gram.h"
#include "interpolants/descend.h"
#include "linalg/threads.h"

void mn_descent_start_close(mn_descent_start *s)
{
  mn_data_close(&s->points);
  mn_free(s->b);
  mn_free(s->values);
  *s = (mn_descent_start){0};
}

static double dot(size_t count, const double *a, const double *b)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* Scales b to ||w_0|| = norm; values: points x outputs, scratch. */
static mn_status scale(const mn_interpolants *p, const mn_samples *points, double norm, const mn_context *ctx,
                       double *values, mn_descent_start *s, mn_error *err)
{
  size_t count = points->n * p->outputs;
  mn_status st = mn_gram_multiply_symmetric(points, &p->options.kernel, mn_threads_open(ctx), ctx, "start", p->outputs,
                                            s->b, values, err);
  if (st) return st;
  double factor = norm / sqrt(dot(count, s->b, values));
  if (!isfinite(factor)) return MN_FAIL(err, MN_ERR_SINGULAR, "the random start has norm 0");
  for (size_t i = 0; i < count; i++) s->b[i] *= factor;
  s->norm = norm;
  return MN_OK;
}

static mn_status draw(const mn_interpolants *p, const mn_descent_options *o, const mn_context *ctx, mn_descent_start *s,
                      mn_error *err)
{
  size_t points = p->n < MN_DESCENT_START_POINTS ? p->n : MN_DESCENT_START_POINTS, count = points * p->outputs;
  mn_random r = mn_random_open(o->seed, MN_STREAM_START, 0);
  mn_status st = mn_random_points(p, points, o->seed, &s->points, err);
  if (st) return st;
  s->b = mn_alloc(count, sizeof *s->b);
  double *values = mn_alloc(count, sizeof *values);
  if (!s->b || !values) {
    st = MN_NO_MEMORY(err, count * sizeof *values);
    goto done;
  }
  for (size_t i = 0; i < count; i++) s->b[i] = mn_random_normal(&r);
  const mn_samples at = mn_problem_samples(p, s->points), train = mn_problem_samples(p, p->train);
  st = scale(p, &at, o->start * mn_model_report(p->direct)->norm, ctx, values, s, err);
  if (!st)
    st = mn_gram_multiply(&train, &at, &p->options.kernel, mn_threads_open(ctx), ctx, "start", p->outputs, s->b,
                          s->values, err);
done:
  mn_free(values);
  return st;
}

mn_status mn_descent_start_open(const mn_interpolants *p, const mn_descent_options *o, const mn_context *ctx,
                                mn_descent_start *out, mn_error *err)
{
  *out = (mn_descent_start){.values = mn_calloc(p->n * p->outputs, sizeof *out->values)};
  if (!out->values) return MN_NO_MEMORY(err, p->n * p->outputs * sizeof *out->values);
  return o->start > 0 ? draw(p, o, ctx, out, err) : MN_OK;
}
