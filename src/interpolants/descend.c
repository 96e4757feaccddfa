/* A descent: its start and limit, passes until it is near, the model it ends with. */
#include "interpolants/descend.h"

#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/status.h"
#include "linalg/panels_multiply.h"
#include "linalg/threads.h"
#include "solve/system.h"

mn_descent_options mn_descent_defaults(void)
{
  return (mn_descent_options){.method = MN_DESCENT_SGD, .batch = 1, .tolerance = 1e-6, .passes_max = 100000};
}

static mn_status check_options(const mn_descent_options *o, mn_error *err)
{
  if (!mn_descent_row_of(o->method)) return MN_FAIL(err, MN_ERR_ARGUMENT, "no such descent");
  if (o->batch < 1) return MN_FAIL(err, MN_ERR_ARGUMENT, "a batch of at least 1 sample expected");
  if (!(o->start >= 0 && isfinite(o->start)))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "a start's norm of at least 0 expected");
  if (!(o->tolerance > 0)) return MN_FAIL(err, MN_ERR_ARGUMENT, "a tolerance above 0 expected");
  if (o->passes_max < 1) return MN_FAIL(err, MN_ERR_ARGUMENT, "one pass at least expected");
  return MN_OK;
}

static double dot(size_t count, const double *a, const double *b)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* ---- the largest eigenvalue of K */

enum { POWER_STEPS = 1000 };
static const double power_tolerance = 1e-3; /* of the residual that is added */

/* Power iteration; the Rayleigh quotient plus the norm of its residual is no less than the eigenvalue it stands for. */
static mn_status largest(mn_descent_run *run, mn_error *err)
{
  size_t n = run->n;
  double *v = mn_alloc(2 * n, sizeof *v), *kv = v + n;
  if (!v) return MN_NO_MEMORY(err, 2 * n * sizeof *v);
  mn_status st = MN_OK;
  mn_random r = mn_random_open(run->o->seed, MN_STREAM_START, 1);
  for (size_t i = 0; i < n; i++) v[i] = mn_random_normal(&r);
  for (int k = 0; !st && k < POWER_STEPS; k++) {
    double norm = mn_norm2(n, v), left = 0;
    for (size_t i = 0; i < n; i++) v[i] /= norm;
    if ((st = mn_panels_multiply(run->p->panels, run->threads, 1, v, kv, NULL, err))) break;
    double quotient = dot(n, v, kv);
    for (size_t i = 0; i < n; i++) left += (kv[i] - quotient * v[i]) * (kv[i] - quotient * v[i]);
    run->lambda = quotient + sqrt(left);
    if (sqrt(left) <= power_tolerance * quotient) break;
    memcpy(v, kv, n * sizeof *v);
  }
  mn_free(v);
  return st;
}

/* ---- opening */

static void run_close(mn_descent_run *run)
{
  mn_descent_start_close(&run->start);
  mn_free(run->a);
  mn_free(run->values);
  mn_free(run->before);
  mn_free(run->order);
}

static mn_status allocate(mn_descent_run *run, mn_error *err)
{
  const mn_descent_row *row = mn_descent_row_of(run->o->method);
  size_t count = run->count;
  run->a = mn_calloc(count, sizeof *run->a); /* becomes the model's */
  run->values = mn_alloc(3 * count, sizeof *run->values);
  run->before = mn_alloc(row->vectors * count + 1, sizeof *run->before);
  run->order = mn_alloc(run->n, sizeof *run->order);
  if (!run->a || !run->values || !run->before || !run->order)
    return MN_NO_MEMORY(err, (4 + row->vectors) * count * sizeof *run->a);
  run->limit = run->values + count;
  run->limit_values = run->limit + count;
  run->values_before = run->before + count;
  run->residual = row->vectors > 1 ? run->before + 2 * count : run->before;
  return MN_OK;
}

/* K a = y - f_0: the direct solution, from a start that is not zero minus what the data see of that. */
static mn_status find_limit(mn_descent_run *run, const mn_context *ctx, mn_error *err)
{
  const mn_interpolants *p = run->p;
  mn_status st = MN_OK;
  if (run->start.points) st = mn_expansion_solve(p, p->train, run->start.values, ctx, run->limit_values, err);
  for (size_t i = 0; !st && i < run->count; i++)
    run->limit[i] = p->direct->coefficients[i] - (run->start.points ? run->limit_values[i] : 0);
  if (st) return st;
  return mn_panels_multiply(p->panels, run->threads, run->outputs, run->limit, run->limit_values, NULL, err);
}

/* Samples of a step. */
static size_t batch_of(const mn_descent_run *run)
{
  if (run->o->method == MN_DESCENT_KACZMARZ) return 1;
  return run->o->method == MN_DESCENT_SGD && run->o->batch < run->n ? run->o->batch : run->n;
}

static mn_status run_open(mn_descent_run *run, const mn_context *ctx, mn_error *err)
{
  const mn_interpolants *p = run->p;
  for (size_t i = 0; i < run->n; i++) run->most = fmax(run->most, p->k[i + i * run->n]);
  run->batch = batch_of(run);
  mn_status st = allocate(run, err);
  if (!st) st = mn_descent_start_open(p, run->o, ctx, &run->start, err);
  if (!st) st = largest(run, err);
  return st ? st : find_limit(run, ctx, err);
}

/* ---- distances; direct = ||w*|| of the direct solution w* */

static double root(double square)
{
  return sqrt(square > 0 ? square : 0); /* below: rounding */
}

/* ||w - limit||, from values that are those of a. */
static double distance_to_limit(const mn_descent_run *run)
{
  double sum = 0;
  for (size_t i = 0; i < run->count; i++) sum += (run->a[i] - run->limit[i]) * (run->values[i] - run->limit_values[i]);
  return root(sum);
}

/* w - w* = w_0 + sum_i (a - c*)_i phi(x_i), for limit and limit_values that are those of the direct solution c*. */
static double distance_to_direct(const mn_descent_run *run)
{
  double sum = run->start.norm * run->start.norm;
  for (size_t i = 0; i < run->count; i++)
    sum += (run->a[i] - run->limit[i]) * (2 * run->start.values[i] + run->values[i] - run->limit_values[i]);
  return root(sum);
}

static double limit_norm(const mn_descent_run *run)
{
  double sum = run->start.norm * run->start.norm;
  for (size_t i = 0; i < run->count; i++) sum += run->limit[i] * (2 * run->start.values[i] + run->limit_values[i]);
  return root(sum);
}

static double relative_residual(const mn_descent_run *run)
{
  const double *f = run->start.values, *y = run->p->targets.y;
  double left = 0;
  for (size_t i = 0; i < run->count; i++) {
    double r = run->values[i] + f[i] - y[i];
    left += r * r;
  }
  return sqrt(left) / mn_norm2(run->count, y);
}

/* ---- passes */

static void record(const mn_descent_run *run, double distance, mn_descent *report)
{
  size_t at = report->count < MN_DESCENT_POINTS_MAX ? report->count++ : MN_DESCENT_POINTS_MAX - 1;
  report->points[at] = (mn_descent_point){run->pass, distance, relative_residual(run)};
}

static double digits(double distance)
{
  return distance > 0 ? -log10(distance) : 16;
}

/* Values of the iterate, its distance, a point of the way where one is due; *near: it has arrived. */
static mn_status look(mn_descent_run *run, size_t *due, mn_meter *meter, mn_descent *report, int *near, mn_error *err)
{
  const mn_descent_options *o = run->o;
  mn_status st = mn_panels_multiply(run->p->panels, run->threads, run->outputs, run->a, run->values, NULL, err);
  if (st) return st;
  double distance = distance_to_limit(run) / mn_model_report(run->p->direct)->norm;
  if (!isfinite(distance))
    return MN_FAIL(err, MN_ERR_SINGULAR, "%s diverged after %zu passes", meter->phase, run->pass);
  *near = distance <= o->tolerance;
  report->converged = *near;
  report->distance = distance;
  if (run->pass >= *due || *near || run->pass == o->passes_max) {
    record(run, distance, report);
    *due = run->pass + 1 + run->pass / 10;
  }
  double gained = digits(distance) - atomic_load(&meter->done);
  return mn_meter_add(meter, gained > 0 && !*near ? gained : 0) ? mn_meter_close(meter, err) : MN_OK;
}

static mn_status descend(mn_descent_run *run, const mn_context *ctx, mn_descent *report, mn_error *err)
{
  const mn_descent_row *row = mn_descent_row_of(run->o->method);
  mn_meter meter;
  size_t due = 1;
  int near = 0;
  mn_status st = MN_OK;
  mn_meter_open(&meter, ctx, row->name, fmax(digits(run->o->tolerance), 1), "digit");
  report->step = row->step(run);
  while (!st && !near) {
    if (row->every || run->pass >= due || run->pass == run->o->passes_max)
      st = look(run, &due, &meter, report, &near, err);
    else if (mn_meter_add(&meter, 0))
      st = mn_meter_close(&meter, err);
    if (st || near || run->pass == run->o->passes_max) break;
    row->pass(run, report->step);
    run->pass++;
  }
  return st ? st : mn_meter_close(&meter, err);
}

/* ---- the model */

/* Centres are the training samples and, from a start that is not zero, the points of that. */
static mn_status make_model(mn_descent_run *run, const mn_context *ctx, mn_model **out, mn_error *err)
{
  const mn_descent_start *s = &run->start;
  mn_data *centres = NULL;
  double *c = run->a;
  if (s->points) {
    size_t n = run->n, more = s->points->n, all = n + more;
    mn_status st = mn_join(run->p->train, s->points, 0, &centres, err);
    if (st) return st;
    if (!(c = mn_alloc(all * run->outputs, sizeof *c))) {
      mn_data_close(&centres);
      return MN_NO_MEMORY(err, all * run->outputs * sizeof *c);
    }
    for (size_t k = 0; k < run->outputs; k++) {
      memcpy(c + k * all, run->a + k * n, n * sizeof *c);
      memcpy(c + k * all + n, s->b + k * more, more * sizeof *c);
    }
  } else {
    run->a = NULL;
  }
  return mn_expansion_open(run->p, centres, c, ctx, out, err);
}

static mn_status finish_report(mn_descent_run *run, mn_descent *report, mn_error *err)
{
  const mn_interpolants *p = run->p;
  size_t batches = (run->n + run->batch - 1) / run->batch;
  report->passes = run->pass;
  report->steps = run->pass * batches;
  report->lipschitz = run->lambda / (double)run->n;
  report->start_norm = run->start.norm;
  report->limit_norm = limit_norm(run);
  memcpy(run->limit, p->direct->coefficients, run->count * sizeof *run->limit);
  mn_status st = mn_panels_multiply(p->panels, run->threads, run->outputs, run->limit, run->limit_values, NULL, err);
  if (!st) report->direct_distance = distance_to_direct(run) / mn_model_report(p->direct)->norm;
  return st;
}

mn_status mn_interpolants_descend(const mn_interpolants *p, const mn_descent_options *options, const mn_context *ctx,
                                  mn_model **out, mn_descent *report, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_descent_run run = {.p = p, .o = options, .n = p->n, .outputs = p->outputs, .count = p->n * p->outputs};
  *out = NULL;
  *report = (mn_descent){0};
  mn_status st = check_options(options, err);
  if (st) return st;
  run.threads = mn_threads_open(ctx);
  st = run_open(&run, ctx, err);
  if (!st) st = descend(&run, ctx, report, err);
  if (!st) st = finish_report(&run, report, err);
  report->seconds = mn_clock_s() - begin_s;
  if (!st) st = make_model(&run, ctx, out, err);
  run_close(&run);
  return st;
}
