/* Models from centres and coefficients. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "interpolants/problem.h"
#include "linalg/threads.h"
#include "solve/system.h"

/* ||w_c||^2 = c' K(z, z) c of every output. */
static mn_status measure_norms(mn_model *m, const mn_context *ctx, mn_error *err)
{
  size_t count = m->unknowns, outputs = m->outputs;
  double *values = mn_alloc(count * outputs, sizeof *values), total = 0;
  if (!values) return MN_NO_MEMORY(err, count * outputs * sizeof *values);
  mn_status st = mn_gram_multiply_symmetric(&m->samples, &m->report.kernel, mn_threads_open(ctx), ctx, "norm", outputs,
                                            m->coefficients, values, err);
  for (size_t c = 0; !st && c < outputs; c++) {
    double sum = 0;
    for (size_t i = c * count; i < (c + 1) * count; i++) sum += m->coefficients[i] * values[i];
    m->report.norm_per_output[c] = sqrt(sum);
    total += sum;
  }
  m->report.norm = sqrt(total);
  mn_free(values);
  return st;
}

/* Training error and residual, from the model's own predictions. */
static mn_status measure_fit(mn_model *m, const mn_interpolants *p, const mn_context *ctx, mn_error *err)
{
  size_t n = p->n, outputs = p->outputs;
  double *scores = mn_alloc(n * outputs, sizeof *scores), left = 0;
  mn_metrics metrics;
  if (!scores) return MN_NO_MEMORY(err, n * outputs * sizeof *scores);
  mn_status st = mn_model_predict(m, p->train, ctx, scores, err);
  if (!st) st = mn_model_score(m, p->train, scores, &metrics, err);
  if (st) goto done;
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < outputs; c++) {
      double r = scores[i * outputs + c] - m->offset[c] - p->targets.y[i + c * n];
      left += r * r;
    }
  m->report.train_error = metrics.error;
  m->report.train_rmse = metrics.rmse;
  m->report.train_r2 = metrics.r2;
  m->report.solution = (mn_solution){.misfit = NAN, .gradient = NAN, .converged = 1};
  m->report.solution.residual = sqrt(left) / mn_norm2(n * outputs, p->targets.y);
done:
  mn_free(scores);
  return st;
}

/* All but centres and coefficients as in the direct solution. */
static mn_status copy_frame(const mn_model *from, const mn_data *train, mn_model *m, mn_error *err)
{
  size_t outputs = from->outputs;
  m->options = from->options;
  m->report = from->report;
  m->report.norm_per_output = m->report.loo_error_per_class = NULL;
  m->outputs = outputs;
  m->offset = mn_alloc(outputs, sizeof *m->offset);
  m->report.norm_per_output = mn_alloc(outputs, sizeof *m->report.norm_per_output);
  if (from->labels) m->labels = mn_alloc(outputs, sizeof *m->labels);
  if (!m->offset || !m->report.norm_per_output || (from->labels && !m->labels))
    return MN_NO_MEMORY(err, outputs * sizeof *m->offset);
  memcpy(m->offset, from->offset, outputs * sizeof *m->offset);
  if (from->labels) memcpy(m->labels, from->labels, outputs * sizeof *m->labels);
  return mn_scaling_open(from->scaling->kind, train, &m->scaling, err);
}

mn_status mn_expansion_open(const mn_interpolants *p, mn_data *centres, double *coefficients, const mn_context *ctx,
                            mn_model **out, mn_error *err)
{
  mn_model *m = *out = mn_calloc(1, sizeof *m);
  if (!m) {
    mn_data_close(&centres);
    mn_free(coefficients);
    return MN_NO_MEMORY(err, sizeof *m);
  }
  m->owned = centres;
  m->coefficients = coefficients;
  mn_status st = copy_frame(p->direct, p->train, m, err);
  if (!st) {
    m->train = centres ? centres : p->train;
    m->samples = mn_samples_of(m->train, m->scaling);
    m->unknowns = m->samples.n;
    st = measure_norms(m, ctx, err);
  }
  if (!st) st = measure_fit(m, p, ctx, err);
  if (st) mn_model_close(out);
  return st;
}

mn_status mn_expansion_solve(const mn_interpolants *p, const mn_data *data, const double *y, const mn_context *ctx,
                             double *c, mn_error *err)
{
  const mn_samples samples = mn_problem_samples(p, data);
  mn_solve_options options = p->options.solve;
  mn_system *system = NULL;
  mn_solution solution;
  options.columns = p->outputs;
  mn_status st = mn_system_open(&samples, &p->options.kernel, &options, ctx, &system, err);
  if (!st) st = mn_system_solve(system, p->outputs, y, c, NULL, ctx, &solution, err);
  mn_system_close(&system);
  return st;
}
