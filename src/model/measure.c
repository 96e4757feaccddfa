/* What a fit is worth on its own samples: training error and norms. */
#include <math.h>

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
    double sum = 0, terms = 0;
    for (size_t i = 0; i < m->unknowns; i++) sum += a[i] * b[i], terms += fabs(a[i] * b[i]);
    if (sum < 0 && -sum < (double)m->unknowns * 0x1p-52 * terms) sum = 0; /* rounding; beyond it the root says NaN */
    r->norm_per_output[c] = sqrt(sum);
    total += sum;
  }
  r->norm = sqrt(total);
}

void mn_fitting_measure(const mn_model *model, const mn_encoded *e, const mn_merge *merge, const double *fitted,
                        mn_fit_report *report)
{
  measure_norms(model, fitted, report);
  (e->class_of ? measure_classes : measure_regression)(report, e, merge, fitted);
}
