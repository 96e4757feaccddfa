/* Leave-one-out errors of a fit, over all samples it was given. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "model/model.h"

/* With `center` the others of sample i have the mean m - d_i, d_i = (y_i - m) / (n - 1): their targets are those of the
 * fit plus d_i for all. The error is linear in the targets, so that it takes one more solution, for targets of 1. */
static mn_status find_error_of_ones(mn_model *m, mn_system *system, size_t n, const mn_context *ctx, double *error,
                                    mn_error *err)
{
  size_t unknowns = m->unknowns;
  mn_solution solution;
  mn_leave_one_out unused;
  double *space = mn_alloc_matrix(2 * n + unknowns, sizeof *space), *ones = space, *fitted = space + n;
  if (!space) return MN_NO_MEMORY(err, (2 * n + unknowns) * sizeof *space);
  for (size_t i = 0; i < n; i++) ones[i] = 1;
  double *alpha = space + 2 * n;
  mn_status st = mn_system_solve(system, 1, ones, alpha, fitted, ctx, &solution, err);
  if (!st) st = mn_system_leave_one_out(system, 1, ones, alpha, fitted, ctx, error, &unused, err);
  mn_free(space);
  return st;
}

/* Samples of the system that others equal, and were merged into. */
static mn_status find_shared(const mn_encoded *e, const mn_merge *merge, size_t n_train, char **shared, mn_error *err)
{
  if (!(*shared = mn_calloc(e->n, 1))) return MN_NO_MEMORY(err, e->n);
  for (size_t s = 0; merge->position && s < n_train; s++)
    if (merge->keep[merge->position[s]] != s) (*shared)[merge->position[s]] = 1;
  return MN_OK;
}

/* error (e->n x outputs): what is left of the mean, and nothing of a sample that others equal. */
static void settle_errors(const mn_encoded *e, size_t n_train, const double *of_ones, const char *shared, double *error)
{
  for (size_t k = 0; k < e->n * e->outputs; k++) {
    size_t i = k % e->n;
    if (of_ones) error[k] += e->y[k] / (double)(n_train - 1) * of_ones[i];
    if (shared[i]) error[k] = 0;
  }
}

/* ||f(x_i) - f_-i(x_i)|| over the outputs, from y - f_-i and y - f. */
static void find_stability(const mn_encoded *e, size_t n_train, const char *shared, const double *error,
                           const double *fitted, mn_measures *out)
{
  out->stability_mean = out->stability_most = 0;
  for (size_t i = 0; i < e->n; i++) {
    double squares = 0;
    for (size_t k = i; !shared[i] && k < e->n * e->outputs; k += e->n) {
      double change = error[k] - (e->y[k] - fitted[k]);
      squares += change * change;
    }
    out->stability_mean += sqrt(squares) / (double)n_train;
    out->stability_most = fmax(out->stability_most, sqrt(squares));
  }
}

static int misclassified(const mn_encoded *e, const double *error, size_t i)
{
  size_t best = 0;
  double best_score = -INFINITY;
  for (size_t c = 0; c < e->outputs; c++) {
    double score = e->y[i + c * e->n] - error[i + c * e->n] + e->offset[c];
    if (score > best_score) best_score = score, best = c;
  }
  return best != e->class_of[i];
}

static mn_status count_classes(mn_fit_report *r, const mn_encoded *e, const mn_merge *merge, const double *error,
                               mn_error *err)
{
  size_t wrong = 0, *counts = mn_calloc(2 * e->outputs, sizeof *counts);
  r->loo_error_per_class = mn_alloc(e->outputs, sizeof *r->loo_error_per_class);
  if (!counts || !r->loo_error_per_class) {
    mn_free(counts);
    return MN_NO_MEMORY(err, 2 * e->outputs * sizeof *counts);
  }
  for (size_t s = 0; s < r->n_train; s++) {
    size_t i = merge->position ? merge->position[s] : s;
    counts[2 * e->class_of[i]]++;
    if (misclassified(e, error, i)) wrong++, counts[2 * e->class_of[i] + 1]++;
  }
  r->loo_error = (double)wrong / (double)r->n_train;
  for (size_t c = 0; c < e->outputs; c++)
    r->loo_error_per_class[c] = counts[2 * c] ? (double)counts[2 * c + 1] / (double)counts[2 * c] : NAN;
  mn_free(counts);
  return MN_OK;
}

/* Of a single sample nothing is left to be fitted: the value of no samples is 0, or the mean of none. */
mn_status mn_model_leave_one_out(mn_model *model, mn_system *system, const mn_encoded *encoded, const mn_merge *merge,
                                 const double *fitted, const mn_context *ctx, mn_error *err)
{
  mn_fit_report *r = &model->report;
  const mn_encoded *e = encoded;
  size_t count = e->n * e->outputs;
  int center = model->options.center && r->n_train > 1;
  char *shared = NULL;
  double *error = mn_alloc_matrix(count, sizeof *error), *of_ones = NULL, squares = 0;
  if (center) of_ones = mn_alloc(e->n, sizeof *of_ones);
  mn_status st = error && (of_ones || !center) ? MN_OK : MN_NO_MEMORY(err, count * sizeof *error);
  if (!st) st = find_shared(e, merge, r->n_train, &shared, err);
  if (!st)
    st = mn_system_leave_one_out(system, e->outputs, e->y, model->coefficients, fitted, ctx, error, &r->loo, err);
  if (!st && center) st = find_error_of_ones(model, system, e->n, ctx, of_ones, err);
  if (st) goto done;
  settle_errors(e, r->n_train, of_ones, shared, error);
  for (size_t k = 0; k < count; k++) squares += error[k] * error[k]; /* those merged have none */
  r->loo_mse = squares / (double)r->n_train;
  if (model->options.measures) find_stability(e, r->n_train, shared, error, fitted, &r->measures);
  if (e->class_of) st = count_classes(r, e, merge, error, err);
done:
  mn_free(error);
  mn_free(of_ones);
  mn_free(shared);
  return st;
}
