/* The bandwidth: least leave-one-out square error over multiples of the inverse median.
 *
 * With K = L L' the error at sample i of the fit without it is alpha_i / (K^-1)_ii, so that one factorisation and the
 * diagonal of the inverse judge a candidate. The square error is smooth in gamma where the error rate is not. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/status.h"
#include "data/select.h"
#include "gram/gram.h"
#include "gram/kernels.h"
#include "linalg/cholesky.h"
#include "linalg/threads.h"
#include "model/model.h"

enum { SAMPLES_MAX = 4000, MEDIAN_SAMPLES = 1000 };

/* Exponents of two: the grid begins here, grows while the least error is at its end, and stays inside the limits. */
enum { GRID_LOW = -2, GRID_HIGH = 3, GRID_LEAST = -10, GRID_MOST = 10 };

typedef struct {
  const mn_fit_options *options;
  const mn_kernel_row *row;
  mn_fit_report *report;
  int threads;
  mn_context inner;      /* the caller's, its progress shown as steps of this search */
  const mn_context *ctx; /* the caller's own */
  mn_data *drawn;
  size_t *kept; /* n: rows of kept products that were drawn instead */
  mn_samples samples;
  size_t outputs;
  const double *offset; /* outputs, what was subtracted from y */
  double *y;            /* n x outputs */
  double *alpha;        /* n x outputs */
  double *inverse;      /* n: diagonal of K^-1 */
  double *norms;        /* n */
  mn_panels *dots;      /* inner products, kept for all candidates */
  mn_panels *k;
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

static mn_status take_data(search *s, const mn_samples *samples, size_t n, size_t *order, mn_error *err)
{
  mn_status st = mn_data_select(samples->data, order, n, &s->drawn, err);
  if (!st) s->samples = mn_samples_of(s->drawn, samples->scaling);
  return st;
}

static int compare_sizes(const void *a, const void *b)
{
  size_t x = *(const size_t *)a, y = *(const size_t *)b;
  return (x > y) - (x < y);
}

/* In ascending order, so that each tile on disk is read a few times only. */
static mn_status take_kept(search *s, const mn_samples *samples, size_t n, size_t *order, mn_error *err)
{
  if (!(s->kept = mn_alloc(n, sizeof *s->kept))) return MN_NO_MEMORY(err, n * sizeof *s->kept);
  qsort(order, n, sizeof *order, compare_sizes);
  for (size_t i = 0; i < n; i++) s->kept[i] = samples->rows ? samples->rows[order[i]] : samples->first + order[i];
  s->samples = *samples;
  s->samples.n = n;
  s->samples.rows = s->kept;
  return MN_OK;
}

/* At most SAMPLES_MAX samples, drawn without replacement, with their targets. */
static mn_status draw(search *s, const mn_samples *samples, const mn_encoded *e, mn_error *err)
{
  size_t n = samples->n < SAMPLES_MAX ? samples->n : SAMPLES_MAX;
  size_t *order = mn_alloc(samples->n, sizeof *order);
  mn_status st = MN_OK;
  s->y = mn_alloc(n * e->outputs, sizeof *s->y);
  if (!order || !s->y) {
    st = MN_NO_MEMORY(err, samples->n * sizeof *order);
    goto done;
  }
  mn_random_permutation(s->options->seed, MN_STREAM_SUBSAMPLE, samples->n, order);
  if ((st = (samples->products ? take_kept : take_data)(s, samples, n, order, err))) goto done;
  s->outputs = e->outputs;
  s->offset = e->offset;
  for (size_t c = 0; c < e->outputs; c++)
    for (size_t i = 0; i < n; i++) s->y[i + c * n] = e->y[order[i] + c * e->n];
done:
  mn_free(order);
  return st;
}

static int compare_doubles(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The i-th of n samples: the first ones, or where they are in order, spread over all. */
static size_t place_of(const search *s, size_t i, size_t n)
{
  return s->kept ? i * s->samples.n / n : i;
}

/* What gamma multiplies: of every pair a function of the distance, of every sample its squared norm. Returns how many.
 */
static size_t collect(const search *s, size_t n, double *values)
{
  size_t count = 0;
  const double lost = 4 * DBL_EPSILON * sqrt((double)s->samples.dim); /* of the norms: what cancellation leaves of 0 */
  if (!s->row->power) {
    for (size_t i = 0; i < n; i++) values[i] = s->norms[place_of(s, i, n)];
    return n;
  }
  for (size_t j = 0; j < n; j++)
    for (size_t i = j + 1; i < n; i++) {
      size_t a = place_of(s, i, n), b = place_of(s, j, n);
      double dot = *(const double *)mn_panels_at(s->dots, a, b);
      double norms = s->norms[a] + s->norms[b], r2 = norms - 2 * dot;
      if (r2 < lost * norms) r2 = 0;
      values[count++] = s->row->power == 2 ? r2 : sqrt(r2);
    }
  return count;
}

static mn_status find_median(search *s, mn_error *err)
{
  size_t n = s->samples.n < MEDIAN_SAMPLES ? s->samples.n : MEDIAN_SAMPLES;
  double *values = mn_alloc(n * n, sizeof *values);
  if (!values) return MN_NO_MEMORY(err, n * n * sizeof *values);
  size_t count = collect(s, n, values);
  qsort(values, count, sizeof *values, compare_doubles);
  double median = count ? values[count / 2] : 0;
  mn_free(values);
  s->report->median = median > 0 ? median : 1; /* one sample, or most of them equal: any scale is as good */
  return MN_OK;
}

/* The candidate's K + ridge I from the inner products. */
static void fill_candidate(const search *s, const mn_kernel *kernel)
{
  const mn_panels *from = s->dots;
  size_t w = from->width, tiles = mn_panels_tiles(from);
#pragma omp parallel for num_threads(s->threads) schedule(dynamic)
  for (size_t t = 0; t < tiles; t++) {
    size_t i, j;
    mn_panels_tile_of(from, t, &i, &j);
    size_t m = mn_panels_rows(from, i), n = mn_panels_rows(from, j), ld = from->panel[j].ld;
    const double *source = mn_panels_at(from, i * w, j * w);
    double *tile = mn_panels_at(s->k, i * w, j * w);
    for (size_t c = 0; c < n; c++) memcpy(tile + c * ld, source + c * ld, m * sizeof *tile);
    mn_kernel_transform_f64(kernel, m, n, tile, ld, s->norms + i * w, s->norms + j * w);
    for (size_t d = 0; i == j && d < m; d++)
      tile[d * (ld + 1)] = s->row->diagonal(kernel, s->norms[i * w + d]) + s->options->solve.ridge;
  }
}

/* Mean square error and error rate of y - alpha_i / (K^-1)_ii. */
static void judge(const search *s, mn_gamma_point *point, int classes)
{
  size_t n = s->samples.n, wrong = 0;
  double squares = 0;
  for (size_t i = 0; i < n; i++) {
    size_t best = 0, truth = 0;
    double best_score = -INFINITY;
    for (size_t c = 0; c < s->outputs; c++) {
      double error = s->alpha[i + c * n] / s->inverse[i];
      double score = s->y[i + c * n] - error + s->offset[c];
      squares += error * error;
      if (s->y[i + c * n] + s->offset[c] > s->y[i + truth * n] + s->offset[truth]) truth = c;
      if (score > best_score) best_score = score, best = c;
    }
    wrong += best != truth;
  }
  point->loo_mse = squares / (double)n;
  point->loo_error = classes ? (double)wrong / (double)n : NAN;
}

/* Factors the candidate; 0 when it is singular to working precision, where leave-one-out errors mean nothing. */
static mn_status factor_candidate(search *s, int *regular, mn_error *err)
{
  size_t pivot;
  double norm1, rcond;
  mn_error why = {0};
  *regular = 0;
  mn_status st = mn_panels_norm1(s->k, s->threads, &norm1, err);
  if (st || !isfinite(norm1)) return st;
  st = mn_cholesky_factor(s->k, s->threads, &s->inner, &pivot, &why);
  if (st == MN_ERR_SINGULAR) return MN_OK;
  if (st && err) *err = why;
  if (!st) st = mn_cholesky_rcond(s->k, s->threads, NULL, norm1, &rcond, err);
  *regular = !st && rcond > (double)s->samples.n * DBL_EPSILON;
  return st;
}

/* Tries gamma = multiple / median; a matrix that cannot be factored leaves NaN. */
static mn_status try_multiple(search *s, double multiple, int classes, mn_error *err)
{
  mn_gamma_point *point = &s->report->gamma_points[s->report->gamma_count];
  size_t n = s->samples.n;
  int regular;
  mn_kernel kernel = s->options->kernel;
  kernel.gamma = multiple / s->report->median;
  *point = (mn_gamma_point){kernel.gamma, multiple, NAN, NAN};
  fill_candidate(s, &kernel);
  mn_status st = factor_candidate(s, &regular, err);
  if (!st && regular) {
    memcpy(s->alpha, s->y, n * s->outputs * sizeof *s->alpha);
    if ((st = mn_cholesky_solve(s->k, s->threads, s->outputs, NULL, s->alpha, err))) return st;
    if ((st = mn_cholesky_inverse_diagonal(s->k, s->threads, &s->inner, "bandwidth", s->inverse, err))) return st;
    judge(s, point, classes);
  }
  if (!st) s->report->gamma_count++;
  return st;
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

static mn_status prepare(search *s, const mn_samples *samples, const mn_encoded *e, mn_error *err)
{
  mn_status st = draw(s, samples, e, err);
  if (st) return st;
  size_t n = s->samples.n, width = mn_panels_width(n);
  s->norms = mn_alloc(n, sizeof *s->norms);
  s->inverse = mn_alloc(n, sizeof *s->inverse);
  s->alpha = mn_alloc(n * s->outputs, sizeof *s->alpha);
  if (!s->norms || !s->inverse || !s->alpha) return MN_NO_MEMORY(err, n * s->outputs * sizeof *s->alpha);
  if ((st = mn_panels_open(n, width, MN_F64, &s->dots, err))) return st;
  if ((st = mn_panels_open(n, width, MN_F64, &s->k, err))) return st;
  return mn_gram_inner(&s->samples, &s->options->kernel, s->threads, &s->inner, s->dots, s->norms, err);
}

static void release(search *s)
{
  mn_data_close(&s->drawn);
  mn_free(s->kept);
  mn_panels_close(&s->dots);
  mn_panels_close(&s->k);
  mn_free(s->y);
  mn_free(s->alpha);
  mn_free(s->inverse);
  mn_free(s->norms);
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
  double vectors = (2 * (double)outputs + 2 + (double)width * (double)threads) * sizeof(double);
  return 2 * (double)mn_panels_bytes(drawn, width, MN_F64) + (double)drawn * (samples + vectors);
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
  search s = {.options = options, .row = row, .report = report, .ctx = ctx, .threads = mn_threads_open(ctx)};
  s.inner = (mn_context){.threads = s.threads, .progress = forward_progress, .user = &s};
  mn_status st = prepare(&s, samples, encoded, err);
  if (!st) st = find_median(&s, err);
  if (!st && options->gamma_rule == MN_GAMMA_AUTO) st = search_gamma(&s, encoded->labels != NULL, err);
  const mn_gamma_point *best = st ? NULL : best_point(report);
  report->kernel.gamma = best ? best->gamma : 1 / report->median;
  if (!st && !best) report->gamma_rule = MN_GAMMA_MEDIAN;
  if (report->gamma_count && !best && !st)
    mn_log(ctx, "bandwidth: none of %zu candidates gives a regular system; the inverse median is taken",
           report->gamma_count);
  report->gamma_samples = s.samples.n;
  report->bandwidth_s = mn_clock_s() - begin_s;
  release(&s);
  return st;
}
