/* A fit, from the steps that a sweep takes too. */
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "model/steps.h"

mn_fit_options mn_fit_defaults(void)
{
  return (mn_fit_options){.kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN), .draws = 32, .solve = mn_solve_defaults()};
}

void mn_model_close(mn_model **model)
{
  mn_model *m = *model;
  if (!m) return;
  mn_data_close(&m->owned);
  mn_scaling_close(&m->scaling);
  mn_map_close(&m->map);
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

mn_products_info mn_model_features(const mn_model *m)
{
  const mn_map *map = m->map;
  if (m->products) return mn_products_get(m->products);
  if (!map) return (mn_products_info){0};
  size_t n = m->samples.n, dim = map->dim;
  return (mn_products_info){.n = n, .type = map->type, .dim = dim, .done = dim, .unit = map->unit, .text = map->text};
}

const int64_t *mn_model_labels(const mn_model *model)
{
  return model->labels;
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

static mn_status solve(mn_fitting *f, const mn_encoded *e, const mn_context *ctx, mn_error *err)
{
  mn_model *m = f->model;
  mn_fit_report *r = &m->report;
  double *fitted = NULL;
  mn_status st = mn_fitting_open(f, m->outputs, ctx, err);
  if (st) return st;
  if ((st = allocate(m, e->n, &fitted, err))) goto done;
  if ((st = mn_system_solve(f->system, m->outputs, e->y, m->coefficients, fitted, ctx, &r->solution, err))) goto done;
  r->system = *mn_system_info(f->system); /* another solver may have taken over */
  st = mn_fitting_measure(m, f->system, e, &f->merge, fitted, ctx, err);
done:
  mn_free(fitted);
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

static mn_status fit(mn_fitting *f, const mn_context *ctx, mn_error *err)
{
  mn_encoded e = {0};
  mn_status st = mn_encode_targets(f->train, &f->model->options, &e, err);
  if (st) return st;
  take_outputs(f->model, &e);
  st = mn_fitting_prepare(f, &e, e.outputs, ctx, err);
  if (!st) st = solve(f, &e, ctx, err);
  e.labels = NULL, e.offset = NULL; /* the model's */
  mn_encoded_close(&e);
  return st;
}

static mn_status fit_model(const mn_data *train, const mn_products *products, const mn_fit_options *options,
                           const mn_context *ctx, mn_model **out, mn_error *err)
{
  mn_fitting f;
  double begin_s = mn_clock_s();
  *out = NULL;
  mn_status st = mn_fitting_begin(&f, train, products, options, err);
  if (!st) st = fit(&f, ctx, err);
  if (!st) {
    f.model->report.fit_s = mn_clock_s() - begin_s;
    *out = f.model;
    f.model = NULL;
  }
  mn_fitting_close(&f);
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
