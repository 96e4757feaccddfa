/* The bandwidth: least leave-one-out square error over multiples of the inverse median.
 *
 * With K = L L' the error at sample i of the fit without it is alpha_i / (K^-1)_ii, so that one factorisation and the
 * diagonal of the inverse judge a candidate. The square error is smooth in gamma where the error rate is not. */
#include <math.h>

#include "core/clock.h"
#include "core/progress.h"
#include "gram/kernels.h"
#include "linalg/cholesky.h"
#include "linalg/threads.h"
#include "model/model.h"
#include "model/search.h"

enum { SAMPLES_MAX = 4000 };

/* Exponents of two: the grid begins here, grows while the least error is at its end, and stays inside the limits. */
enum { GRID_LOW = -2, GRID_HIGH = 3, GRID_LEAST = -10, GRID_MOST = 10 };

typedef struct {
  mn_search base;
  mn_fit_report *report;
  const mn_context *ctx; /* the caller's own; the passes' progress is shown as steps of this search */
} search;

static int forward_progress(void *user, const mn_progress *inner)
{
  (void)inner;
  const search *s = user;
  const double expected = GRID_HIGH - GRID_LOW + 3; /* the usual number of points */
  double done = fmin((double)s->report->gamma_count, expected - 1);
  mn_progress p = {"bandwidth", done, expected, "step"};
  return s->ctx && s->ctx->progress ? s->ctx->progress(s->ctx->user, &p) : 0;
}

/* Tries gamma = multiple / median; a matrix that cannot be factored leaves NaN. */
static mn_status try_multiple(search *s, double multiple, int classes, mn_error *err)
{
  const mn_fit_options *o = s->base.options;
  mn_kernel kernel = o->kernel;
  mn_search_score score;
  kernel.gamma = multiple / s->report->median;
  mn_status st = mn_search_try(&s->base, &kernel, o->solve.ridge, classes, &score, err);
  if (st) return st;
  s->report->gamma_points[s->report->gamma_count++] =
      (mn_gamma_point){kernel.gamma, multiple, score.loo_mse, score.loo_error};
  return MN_OK;
}

/* The point of least square error among those tried; NULL when none could be factored. */
static const mn_gamma_point *best_point(const mn_fit_report *r)
{
  const mn_gamma_point *best = NULL;
  for (size_t i = 0; i < r->gamma_count; i++) {
    const mn_gamma_point *p = &r->gamma_points[i];
    if (!isnan(p->loo_mse) && (!best || p->loo_mse < best->loo_mse)) best = p;
  }
  return best;
}

static mn_status try_grid(search *s, int classes, mn_error *err)
{
  int low = GRID_LOW, high = GRID_HIGH;
  mn_status st = MN_OK;
  for (int e = low; !st && e <= high; e++) st = try_multiple(s, ldexp(1, e), classes, err);
  while (!st) {
    const mn_gamma_point *best = best_point(s->report);
    double multiple = best ? best->multiple : ldexp(1, high); /* singular everywhere: K gets better with gamma */
    if (multiple == ldexp(1, high) && high < GRID_MOST)
      st = try_multiple(s, ldexp(1, ++high), classes, err);
    else if (multiple == ldexp(1, low) && low > GRID_LEAST)
      st = try_multiple(s, ldexp(1, --low), classes, err);
    else
      break;
  }
  return st;
}

static mn_status search_gamma(search *s, int classes, mn_error *err)
{
  mn_status st = try_grid(s, classes, err);
  const mn_gamma_point *best = st ? NULL : best_point(s->report);
  if (!best) return st; /* nothing could be factored: the caller falls back to the median */
  double multiple = best->multiple;
  if ((st = try_multiple(s, multiple * sqrt(0.5), classes, err))) return st;
  return try_multiple(s, multiple * sqrt(2), classes, err);
}

static int searches(const mn_fit_options *options)
{
  return mn_kernel_find(options->kernel.name)->has_gamma && options->gamma_rule != MN_GAMMA_GIVEN;
}

double mn_bandwidth_bytes(const mn_fit_options *options, const mn_data *train, size_t outputs, int threads)
{
  if (!searches(options)) return 0;
  size_t drawn = train->n < SAMPLES_MAX ? train->n : SAMPLES_MAX, width = mn_panels_width(drawn);
  double samples = (double)(train->dim * mn_dtype_size(train->type) + train->columns * sizeof(double));
  double vectors = (2 * (double)outputs + 2) * sizeof(double);
  double inverse = (double)mn_cholesky_inverse_bytes(drawn, width, MN_F64, threads);
  return 2 * (double)mn_panels_bytes(drawn, width, MN_F64) + (double)drawn * (samples + vectors) + inverse;
}

double mn_bandwidth_flops(const mn_fit_options *options, size_t n, size_t dim)
{
  if (!searches(options)) return 0;
  double drawn = n < SAMPLES_MAX ? (double)n : SAMPLES_MAX;
  double points = options->gamma_rule == MN_GAMMA_AUTO ? GRID_HIGH - GRID_LOW + 3 : 0;
  return drawn * drawn * (double)dim + points * (2.0 / 3) * drawn * drawn * drawn;
}

mn_status mn_bandwidth_choose(const mn_samples *samples, const mn_encoded *encoded, const mn_fit_options *options,
                              const mn_context *ctx, mn_fit_report *report, mn_error *err)
{
  const mn_kernel_row *row = mn_kernel_find(options->kernel.name);
  report->kernel = options->kernel;
  report->gamma_rule = options->gamma_rule;
  if (!searches(options)) return MN_OK;
  double begin_s = mn_clock_s();
  search s = {.report = report, .ctx = ctx};
  s.base = (mn_search){.options = options, .row = row, .threads = mn_threads_open(ctx)};
  s.base.inner = (mn_context){.threads = s.base.threads, .progress = forward_progress, .user = &s};
  mn_status st = mn_search_open(&s.base, samples, encoded, SAMPLES_MAX, err);
  if (!st) st = mn_search_median(&s.base, &report->median, err);
  if (!st && options->gamma_rule == MN_GAMMA_AUTO) st = search_gamma(&s, encoded->labels != NULL, err);
  const mn_gamma_point *best = st ? NULL : best_point(report);
  report->kernel.gamma = best ? best->gamma : 1 / report->median;
  if (!st && !best) report->gamma_rule = MN_GAMMA_MEDIAN;
  if (report->gamma_count && !best && !st)
    mn_log(ctx, "bandwidth: none of %zu candidates gives a regular system; the inverse median is taken",
           report->gamma_count);
  report->gamma_samples = s.base.samples.n;
  report->bandwidth_s = mn_clock_s() - begin_s;
  mn_search_close(&s.base);
  return st;
}
