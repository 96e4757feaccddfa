#include "model/search.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "data/select.h"
#include "gram/gram.h"
#include "linalg/cholesky.h"

enum { MEDIAN_SAMPLES = 1000 };

static mn_status take_data(mn_search *s, const mn_samples *samples, size_t n, size_t *order, mn_error *err)
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
static mn_status take_kept(mn_search *s, const mn_samples *samples, size_t n, size_t *order, mn_error *err)
{
  if (!(s->kept = mn_alloc(n, sizeof *s->kept))) return MN_NO_MEMORY(err, n * sizeof *s->kept);
  qsort(order, n, sizeof *order, compare_sizes);
  for (size_t i = 0; i < n; i++) s->kept[i] = samples->rows ? samples->rows[order[i]] : samples->first + order[i];
  s->samples = *samples;
  s->samples.n = n;
  s->samples.rows = s->kept;
  return MN_OK;
}

/* At most `most` samples, drawn without replacement, with their targets. */
static mn_status draw(mn_search *s, const mn_samples *samples, const mn_encoded *e, size_t most, mn_error *err)
{
  size_t n = samples->n < most ? samples->n : most;
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
static size_t place_of(const mn_search *s, size_t i, size_t n)
{
  return s->kept ? i * s->samples.n / n : i;
}

/* What gamma multiplies: of every pair a function of the distance, of every sample its squared norm. Returns how many.
 */
static size_t collect(const mn_search *s, size_t n, double *values)
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

mn_status mn_search_median(const mn_search *s, double *median, mn_error *err)
{
  size_t n = s->samples.n < MEDIAN_SAMPLES ? s->samples.n : MEDIAN_SAMPLES;
  double *values = mn_alloc(n * n, sizeof *values);
  if (!values) return MN_NO_MEMORY(err, n * n * sizeof *values);
  size_t count = collect(s, n, values);
  qsort(values, count, sizeof *values, compare_doubles);
  double middle = count ? values[count / 2] : 0;
  mn_free(values);
  *median = middle > 0 ? middle : 1; /* one sample, or most of them equal: any scale is as good */
  return MN_OK;
}

/* The candidate's K + ridge I from the inner products. */
static void fill_candidate(const mn_search *s, const mn_kernel *kernel, double ridge)
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
    for (size_t d = 0; i == j && d < m; d++) tile[d * (ld + 1)] = s->row->diagonal(kernel, s->norms[i * w + d]) + ridge;
  }
}

/* Mean square error and error rate of y - alpha_i / (K^-1)_ii. */
static void judge(const mn_search *s, mn_search_score *score, int classes)
{
  size_t n = s->samples.n, wrong = 0;
  double squares = 0, coefficients = 0, trace = 0;
  for (size_t i = 0; i < n; i++) {
    size_t best = 0, truth = 0;
    double best_value = -INFINITY;
    for (size_t c = 0; c < s->outputs; c++) {
      double error = s->alpha[i + c * n] / s->inverse[i];
      double value = s->y[i + c * n] - error + s->offset[c];
      squares += error * error;
      coefficients += s->alpha[i + c * n] * s->alpha[i + c * n];
      if (s->y[i + c * n] + s->offset[c] > s->y[i + truth * n] + s->offset[truth]) truth = c;
      if (value > best_value) best_value = value, best = c;
    }
    wrong += best != truth;
    trace += s->inverse[i];
  }
  score->loo_mse = squares / (double)n;
  score->gcv = coefficients * (double)n / (trace * trace);
  score->loo_error = classes ? (double)wrong / (double)n : NAN;
}

/* Of a factor in double precision rounding leaves about sqrt(n) u in norm (errors add up at random: Higham, Accuracy
 * and Stability of Numerical Algorithms, 2nd ed., 2.8): at this rcond 3 % of what the least eigenvalue is. */
static double least_rcond(size_t n)
{
  return 32 * sqrt((double)n) * DBL_EPSILON;
}

/* Factors the candidate; 0 when it is singular to working precision, where leave-one-out errors mean nothing. */
static mn_status factor_candidate(mn_search *s, int *regular, mn_error *err)
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
  *regular = !st && rcond > least_rcond(s->samples.n);
  return st;
}

mn_status mn_search_try(mn_search *s, const mn_kernel *kernel, double ridge, int classes, mn_search_score *score,
                        mn_error *err)
{
  int regular;
  *score = (mn_search_score){NAN, NAN, NAN};
  fill_candidate(s, kernel, ridge);
  mn_status st = factor_candidate(s, &regular, err);
  if (st || !regular) return st;
  memcpy(s->alpha, s->y, s->samples.n * s->outputs * sizeof *s->alpha);
  if ((st = mn_cholesky_solve(s->k, s->threads, s->outputs, NULL, s->alpha, err))) return st;
  if ((st = mn_cholesky_inverse_diagonal(s->k, s->threads, &s->inner, "bandwidth", s->inverse, err))) return st;
  judge(s, score, classes);
  return MN_OK;
}

mn_status mn_search_open(mn_search *s, const mn_samples *samples, const mn_encoded *e, size_t most, mn_error *err)
{
  mn_status st = draw(s, samples, e, most, err);
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

void mn_search_close(mn_search *s)
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
