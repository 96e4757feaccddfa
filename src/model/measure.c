/* What a fit is worth on its own samples: training error, norms, and measures of complexity beside them. */
#include <math.h>

#include "core/memory.h"
#include "core/sort.h"
#include "core/status.h"
#include "model/steps.h"

/* Training error over all samples given: those merged have the value of the one they equal. `fitted` has no offset, nor
 * have the targets. */
static void measure_classes(mn_fit_report *r, const mn_encoded *e, const mn_merge *merge, const double *fitted)
{
  size_t wrong = 0;
  for (size_t s = 0; s < r->n_train; s++) {
    size_t i = merge->position ? merge->position[s] : s, best = 0;
    for (size_t c = 1; c < e->outputs; c++)
      if (fitted[i + c * e->n] + e->offset[c] > fitted[i + best * e->n] + e->offset[best]) best = c;
    wrong += best != e->class_of[i];
  }
  r->train_error = (double)wrong / (double)r->n_train;
}

static void measure_regression(mn_fit_report *r, const mn_encoded *e, const mn_merge *merge, const double *fitted)
{
  double left = 0, around = 0, n = (double)r->n_train;
  for (size_t c = 0; c < e->outputs; c++) {
    const double *y = e->y + c * e->n, *f = fitted + c * e->n;
    double mean = 0;
    for (size_t s = 0; s < r->n_train; s++) /* of equal targets exactly their value */
      mean += (y[merge->position ? merge->position[s] : s] - mean) / (double)(s + 1);
    for (size_t s = 0; s < r->n_train; s++) {
      size_t i = merge->position ? merge->position[s] : s;
      left += (y[i] - f[i]) * (y[i] - f[i]);
      around += (y[i] - mean) * (y[i] - mean);
    }
  }
  r->train_rmse = sqrt(left / (n * (double)e->outputs));
  r->train_r2 = around > 0 ? 1 - left / around : NAN;
}

/* ||w_c||^2 = alpha_c' K alpha_c, or w_c' w_c. */
static void measure_norms(const mn_model *m, const double *fitted, mn_fit_report *r)
{
  double total = 0;
  for (size_t c = 0; c < m->outputs; c++) {
    const double *a = m->coefficients + c * m->unknowns, *b = m->primal ? a : fitted + c * m->unknowns;
    double sum = mn_inner(m->unknowns, a, b); /* of an indefinite kernel it may be negative: the root says NaN */
    r->norm_per_output[c] = sqrt(sum);
    total += sum;
  }
  r->norm = sqrt(total);
}

const mn_measures mn_no_measures = {.of_factor = {.trace = NAN,
                                                  .width = {NAN, NAN},
                                                  .fit = {NAN, NAN},
                                                  .fit_norm = {NAN, NAN},
                                                  .dimension = NAN,
                                                  .seconds = NAN},
                                    .rademacher_bound = NAN,
                                    .rademacher = {NAN, NAN},
                                    .margins = {NAN, NAN, NAN},
                                    .over_norm = {NAN, NAN, NAN},
                                    .stability_mean = NAN,
                                    .stability_most = NAN};

static double margin_of(const mn_encoded *e, const double *fitted, size_t i, size_t label)
{
  double most = -INFINITY;
  for (size_t c = 0; c < e->outputs; c++)
    if (c != label) most = fmax(most, fitted[i + c * e->n] + e->offset[c]);
  return fitted[i + label * e->n] + e->offset[label] - most;
}

/* Of all samples given. */
static mn_status find_margins(const mn_encoded *e, const mn_merge *merge, size_t n, const double *fitted,
                              mn_margins *out, mn_error *err)
{
  double sum = 0;
  mn_sort_entry *space = mn_alloc(2 * n, sizeof *space);
  if (!space) return MN_NO_MEMORY(err, 2 * n * sizeof *space);
  for (size_t s = 0; s < n; s++) {
    size_t i = merge->position ? merge->position[s] : s;
    double margin = margin_of(e, fitted, i, e->class_of[i]);
    space[s] = (mn_sort_entry){.key = mn_sort_key(margin)};
    sum += margin;
  }
  mn_sort_entries(n, space, space + n);
  *out = (mn_margins){mn_sort_value(space[0].key), mn_sort_value(space[(n + 9) / 10 - 1].key), sum / (double)n};
  mn_free(space);
  return MN_OK;
}

static mn_status find_measures(mn_fit_report *r, mn_system *system, const mn_fit_options *o, const mn_encoded *e,
                               const mn_merge *merge, const double *fitted, const mn_context *ctx, mn_error *err)
{
  mn_measures *m = &r->measures;
  mn_complexity *f = &m->of_factor;
  mn_status st = mn_system_complexity(system, o->draws, o->seed, ctx, f, err);
  if (!st && e->class_of && e->outputs > 1) st = find_margins(e, merge, r->n_train, fitted, &m->margins, err);
  if (st) return st;
  double scale = r->norm / (double)f->n;
  m->rademacher_bound = scale * sqrt(f->trace);
  m->rademacher = (mn_estimate){scale * f->width.mean, scale * f->width.error};
  m->over_norm = (mn_margins){m->margins.least / r->norm, m->margins.tenth / r->norm, m->margins.mean / r->norm};
  return MN_OK;
}

mn_status mn_fitting_measure(mn_model *model, mn_system *system, const mn_encoded *e, const mn_merge *merge,
                             const double *fitted, const mn_context *ctx, mn_error *err)
{
  mn_fit_report *r = &model->report;
  const mn_fit_options *o = &model->options;
  mn_status st = MN_OK;
  measure_norms(model, fitted, r);
  (e->class_of ? measure_classes : measure_regression)(r, e, merge, fitted);
  if (o->loo || o->measures) st = mn_model_leave_one_out(model, system, e, merge, fitted, ctx, err);
  if (!st && o->measures) st = find_measures(r, system, o, e, merge, fitted, ctx, err);
  return st;
}
