/* Fitting: targets, duplicates, scaling, bandwidth, system, solution, norms and training error. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/select.h"
#include "gram/kernels.h"
#include "linalg/threads.h"
#include "model/model.h"
#include "solve/system.h"

mn_fit_options mn_fit_defaults(void)
{
  return (mn_fit_options){.kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN), .solve = mn_solve_defaults()};
}

void mn_model_close(mn_model **model)
{
  mn_model *m = *model;
  if (!m) return;
  mn_data_close(&m->owned);
  mn_scaling_close(&m->scaling);
  mn_free(m->keep);
  mn_free(m->labels);
  mn_free(m->offset);
  mn_free(m->coefficients);
  mn_free(m->report.norm_per_output);
  mn_free(m->report.loo_error_per_class);
  mn_free(m);
  *model = NULL;
}

const mn_fit_report *mn_model_report(const mn_model *model)
{
  return &model->report;
}

size_t mn_model_outputs(const mn_model *model)
{
  return model->outputs;
}

const int64_t *mn_model_labels(const mn_model *model)
{
  return model->labels;
}

static mn_status check_options(const mn_data *train, const mn_fit_options *o, mn_error *err)
{
  if (!train->n || !train->dim)
    return MN_FAIL(err, MN_ERR_DATA, "%s: %zu samples of %zu features cannot be fitted", train->name, train->n,
                   train->dim);
  if (!(o->corrupt >= 0 && o->corrupt <= 1))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "corruption %g: 0 ... 1 expected", o->corrupt);
  if (o->scale > MN_SCALE_STANDARD || o->task > MN_TASK_REGRESSION || o->targets > MN_TARGETS_PM1)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "scale %d, task %d, targets %d: no such entries", (int)o->scale, (int)o->task,
                   (int)o->targets);
  mn_kernel kernel = o->kernel;
  if (o->gamma_rule != MN_GAMMA_GIVEN) kernel.gamma = 1;
  return mn_kernel_check(&kernel, err);
}

/* Whether equal samples make the system singular, so that they have to be merged first. */
static int duplicates_matter(const mn_system *system)
{
  return system->options.ridge == 0 && mn_solver_choose(system)->solver != MN_SOLVER_EIGEN;
}

/* The samples the system is made of; the encoded targets shrink with them. */
static mn_status reduce(mn_model *m, const mn_data *train, const mn_merge *merge, mn_encoded *e, mn_error *err)
{
  size_t count = merge->count;
  if (m->products) {
    if (!(m->keep = mn_alloc(count, sizeof *m->keep))) return MN_NO_MEMORY(err, count * sizeof *m->keep);
    memcpy(m->keep, merge->keep, count * sizeof *m->keep);
  } else {
    mn_status st = mn_data_select(train, merge->keep, count, &m->owned, err);
    if (st) return st;
  }
  for (size_t c = 0; c < e->outputs; c++) /* in place: every target moves to an earlier place */
    for (size_t i = 0; i < count; i++) e->y[i + c * count] = e->y[merge->keep[i] + c * e->n];
  for (size_t i = 0; e->class_of && i < count; i++) e->class_of[i] = e->class_of[merge->keep[i]];
  m->report.merged = e->n - count;
  e->n = count;
  return MN_OK;
}

static mn_status merge_duplicates(mn_model *m, const mn_data *train, mn_encoded *e, const mn_context *ctx,
                                  mn_merge *merge, mn_error *err)
{
  mn_status st = mn_merge_open(train, e, merge, err);
  if (st || !merge->keep) return st;
  mn_log(ctx, "%zu samples equal earlier ones with the same targets and were left out of the system",
         e->n - merge->count);
  return reduce(m, train, merge, e, err);
}

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
static void measure_norms(mn_model *m, const double *fitted)
{
  mn_fit_report *r = &m->report;
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

static mn_status allocate(mn_model *m, size_t n, double **fitted, mn_error *err)
{
  size_t count = m->unknowns * m->outputs;
  m->coefficients = mn_alloc_matrix(count, sizeof *m->coefficients);
  m->report.norm_per_output = mn_alloc(m->outputs, sizeof *m->report.norm_per_output);
  *fitted = mn_alloc_matrix(n * m->outputs, sizeof **fitted);
  if (m->coefficients && m->report.norm_per_output && *fitted) return MN_OK;
  return MN_NO_MEMORY(err, (count + n * m->outputs) * sizeof **fitted);
}

static mn_status solve(mn_model *m, const mn_encoded *e, const mn_merge *merge, const mn_context *ctx, mn_error *err)
{
  mn_system *system = NULL;
  double *fitted = NULL;
  mn_fit_report *r = &m->report;
  mn_solve_options options = m->options.solve;
  options.columns = m->outputs;
  options.leave_one_out = m->options.loo;
  mn_status st = mn_system_open(&m->samples, &r->kernel, &options, ctx, &system, err);
  if (st) return st;
  r->system = *mn_system_info(system);
  m->primal = r->system.primal;
  m->unknowns = r->system.unknowns;
  if ((st = allocate(m, e->n, &fitted, err))) goto done;
  if ((st = mn_system_solve(system, m->outputs, e->y, m->coefficients, fitted, ctx, &r->solution, err))) goto done;
  r->system = *mn_system_info(system); /* another solver may have taken over */
  measure_norms(m, fitted);
  (e->class_of ? measure_classes : measure_regression)(r, e, merge, fitted);
  if (m->options.loo) st = mn_model_leave_one_out(m, system, e, merge, fitted, ctx, err);
done:
  mn_free(fitted);
  mn_system_close(&system);
  return st;
}

/* The encoded labels and offsets become the model's. */
static void take_outputs(mn_model *m, mn_encoded *e)
{
  m->outputs = m->report.outputs = e->outputs;
  m->report.classes = e->labels ? e->outputs : 0;
  m->labels = e->labels;
  m->offset = e->offset;
}

/* The samples of the system. */
static mn_samples samples_of(const mn_model *m, const mn_data *train, size_t n)
{
  if (!m->products) return mn_samples_of(m->owned ? m->owned : train, m->scaling);
  mn_samples samples = mn_products_train(m->products, n);
  samples.rows = m->keep;
  return samples;
}

/* The system to come, for questions about it. */
static mn_system planned(const mn_model *m, const mn_data *train, const mn_context *ctx)
{
  mn_system system = {.samples = samples_of(m, train, train->n), .kernel = m->options.kernel};
  system.options = m->options.solve;
  system.options.columns = m->outputs;
  system.options.leave_one_out = m->options.loo;
  system.threads = mn_threads_open(ctx);
  return system;
}

static mn_status fit(mn_model *m, const mn_data *train, mn_encoded *e, mn_merge *merge, const mn_context *ctx,
                     mn_error *err)
{
  mn_status st = mn_encode_targets(train, &m->options, e, err);
  if (st) return st;
  take_outputs(m, e);
  if ((st = mn_scaling_open(m->options.scale, train, &m->scaling, err))) return st;
  const mn_system system = planned(m, train, ctx);
  /* before any work, for the search for the bandwidth takes a while */
  if ((st = mn_solver_check_room(mn_solver_choose(&system), &system, err))) return st;
  if (duplicates_matter(&system) && (st = merge_duplicates(m, train, e, ctx, merge, err))) return st;
  m->samples = samples_of(m, train, e->n);
  if ((st = mn_bandwidth_choose(&m->samples, e, &m->options, ctx, &m->report, err))) return st;
  return solve(m, e, merge, ctx, err);
}

/* Parameters that the kernel does not have go back to their defaults: a saved model names valid ones only. */
static void settle_kernel(mn_kernel *kernel)
{
  const mn_kernel_row *row = mn_kernel_find(kernel->name);
  mn_kernel defaults = mn_kernel_default(kernel->name);
  if (!row->has_gamma) kernel->gamma = defaults.gamma;
  if (!row->has_coef0) kernel->coef0 = defaults.coef0;
  if (!row->has_degree) kernel->degree = defaults.degree;
  if (!row->has_depth) kernel->depth = defaults.depth;
}

static mn_status fit_model(const mn_data *train, const mn_products *products, const mn_fit_options *options,
                           const mn_context *ctx, mn_model **out, mn_error *err)
{
  *out = NULL;
  double begin_s = mn_clock_s();
  mn_encoded encoded = {0};
  mn_merge merge = {0};
  mn_status st = check_options(train, options, err);
  if (st) return st;
  mn_model *m = mn_calloc(1, sizeof *m);
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  m->options = *options;
  m->products = products;
  settle_kernel(&m->options.kernel);
  size_t dim = products ? mn_products_get(products).dim : train->dim;
  m->report = (mn_fit_report){.n_train = train->n, .dim = dim, .ridge = options->solve.ridge, .median = NAN};
  m->report.loo_error = m->report.loo_mse = m->report.loo.gcv = m->report.loo.diagonal_error = NAN;
  m->report.train_error = m->report.train_rmse = m->report.train_r2 = m->report.norm = NAN;
  st = fit(m, train, &encoded, &merge, ctx, err);
  encoded.labels = NULL, encoded.offset = NULL; /* the model's */
  m->report.fit_s = mn_clock_s() - begin_s;
  mn_encoded_close(&encoded);
  mn_merge_close(&merge);
  if (st)
    mn_model_close(&m);
  else
    *out = m;
  return st;
}

mn_status mn_model_fit(const mn_data *train, const mn_fit_options *options, const mn_context *ctx, mn_model **out,
                       mn_error *err)
{
  return fit_model(train, NULL, options, ctx, out, err);
}

mn_status mn_model_fit_products(const mn_data *train, const mn_products *products, const mn_fit_options *options,
                                const mn_context *ctx, mn_model **out, mn_error *err)
{
  mn_products_info info = mn_products_get(products);
  *out = NULL;
  if (info.done < info.dim)
    return MN_FAIL(err, MN_ERR_DATA, "%zu of %zu features are in the products", info.done, info.dim);
  mn_status st = mn_products_check(products, train, NULL, err);
  return st ? st : fit_model(train, products, options, ctx, out, err);
}
