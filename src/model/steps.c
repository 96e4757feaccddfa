#include "model/steps.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/select.h"
#include "gram/kernels.h"
#include "linalg/threads.h"

static mn_status check_options(const mn_data *train, const mn_fit_options *o, mn_error *err)
{
  if (!train->n || !train->dim)
    return MN_FAIL(err, MN_ERR_DATA, "%s: %zu samples of %zu features cannot be fitted", train->name, train->n,
                   train->dim);
  if (!(o->corrupt >= 0 && o->corrupt <= 1))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "corruption %g: 0 ... 1 expected", o->corrupt);
  if (o->measures && o->draws < 2)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu draws of random signs: at least 2 expected", o->draws);
  if (o->scale > MN_SCALE_STANDARD || o->task > MN_TASK_REGRESSION || o->targets > MN_TARGETS_PM1)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "scale %d, task %d, targets %d: no such entries", (int)o->scale, (int)o->task,
                   (int)o->targets);
  mn_kernel kernel = o->kernel;
  if (o->gamma_rule != MN_GAMMA_GIVEN) kernel.gamma = 1;
  return mn_kernel_check(&kernel, err);
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

mn_status mn_fitting_begin(mn_fitting *f, const mn_data *train, const mn_products *products,
                           const mn_fit_options *options, mn_error *err)
{
  *f = (mn_fitting){.train = train};
  mn_status st = check_options(train, options, err);
  if (st) return st;
  mn_model *m = f->model = mn_calloc(1, sizeof *m);
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  m->options = *options;
  m->products = products;
  m->train = train;
  settle_kernel(&m->options.kernel);
  size_t dim = products ? mn_products_get(products).done : train->dim;
  m->report = (mn_fit_report){.n_train = train->n, .dim = dim, .ridge = options->solve.ridge, .median = NAN};
  m->report.loo_error = m->report.loo_mse = m->report.loo.gcv = m->report.loo.diagonal_error = NAN;
  m->report.measures = mn_no_measures;
  m->report.train_error = m->report.train_rmse = m->report.train_r2 = m->report.norm = NAN;
  return mn_scaling_open(m->options.scale, train, &m->scaling, err);
}

void mn_fitting_close(mn_fitting *f)
{
  mn_system_close(&f->system);
  mn_merge_close(&f->merge);
  mn_model_close(&f->model);
}

/* The samples of the system. */
static mn_samples samples_of(const mn_model *m, const mn_data *train, size_t n)
{
  if (!m->products) return mn_samples_of(m->owned ? m->owned : train, m->scaling);
  mn_samples samples = mn_products_train(m->products, n);
  samples.rows = m->keep;
  return samples;
}

mn_solve_options mn_fit_solve_options(const mn_fit_options *options, size_t columns)
{
  mn_solve_options solve = options->solve;
  solve.columns = columns;
  solve.corrupt = options->corrupt;
  solve.leave_one_out = options->loo || options->measures;
  solve.draws = options->measures ? options->draws : 0;
  return solve;
}

/* Whether equal samples make the system singular, so that they have to be merged first. */
static int duplicates_matter(const mn_system *system)
{
  return system->options.ridge == 0 && mn_solver_choose(system)->solver != MN_SOLVER_EIGEN;
}

/* The samples the system is made of. */
static mn_status keep_samples(mn_model *m, const mn_data *train, const mn_merge *merge, mn_error *err)
{
  size_t count = merge->count;
  m->report.merged = train->n - count;
  if (!m->products) return mn_data_select(train, merge->keep, count, &m->owned, err);
  if (!(m->keep = mn_alloc(count, sizeof *m->keep))) return MN_NO_MEMORY(err, count * sizeof *m->keep);
  memcpy(m->keep, merge->keep, count * sizeof *m->keep);
  return MN_OK;
}

static mn_status merge_duplicates(mn_fitting *f, mn_encoded *e, const mn_context *ctx, mn_error *err)
{
  mn_status st = mn_merge_open(f->train, e, &f->merge, err);
  if (st || !f->merge.keep) return st;
  mn_log(ctx, "%zu samples equal earlier ones with the same targets and were left out of the system",
         e->n - f->merge.count);
  mn_encoded_reduce(e, &f->merge);
  return keep_samples(f->model, f->train, &f->merge, err);
}

mn_system mn_fitting_planned(const mn_fitting *f, size_t columns, const mn_context *ctx)
{
  mn_system system = {.samples = samples_of(f->model, f->train, f->train->n), .kernel = f->model->options.kernel};
  system.options = mn_fit_solve_options(&f->model->options, columns);
  system.threads = mn_threads_open(ctx);
  return system;
}

mn_status mn_fitting_prepare(mn_fitting *f, mn_encoded *e, size_t columns, const mn_context *ctx, mn_error *err)
{
  mn_model *m = f->model;
  const mn_system planned = mn_fitting_planned(f, columns, ctx);
  /* before any work, for the search for the bandwidth takes a while */
  mn_status st = mn_solver_check_room(mn_solver_choose(&planned), &planned, err);
  if (!st && duplicates_matter(&planned)) st = merge_duplicates(f, e, ctx, err);
  if (st) return st;
  m->samples = samples_of(m, f->train, e->n);
  return mn_bandwidth_choose(&m->samples, e, &m->options, ctx, &m->report, err);
}

mn_status mn_fitting_open(mn_fitting *f, size_t columns, const mn_context *ctx, mn_error *err)
{
  mn_model *m = f->model;
  const mn_solve_options options = mn_fit_solve_options(&m->options, columns);
  mn_status st = mn_system_open(&m->samples, &m->report.kernel, &options, ctx, &f->system, err);
  if (st) return st;
  m->report.system = *mn_system_info(f->system);
  m->primal = m->report.system.primal;
  m->unknowns = m->report.system.unknowns;
  return MN_OK;
}
