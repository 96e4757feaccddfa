/* What a fit will need: the system's forecast, and the search for the bandwidth before it. */
#include <math.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/threads.h"
#include "model/model.h"

/* The search's factorisations and inverses are small: their fraction of the gemm rate. */
static const double search_share = 0.6;

static mn_status count_outputs(const mn_data *train, mn_task task, size_t *outputs, mn_error *err)
{
  int64_t *labels = NULL;
  *outputs = train->columns ? train->columns : 1;
  if (!mn_targets_are_classes(train, task) || !mn_data_has_labels(train)) return MN_OK;
  mn_status st = mn_data_classes(train, &labels, outputs, err);
  mn_data_free(labels);
  return st;
}

mn_status mn_fit_forecast(const mn_data *train, size_t n_test, const mn_products *products,
                          const mn_fit_options *options, const mn_context *ctx, mn_forecast *out, mn_error *err)
{
  return mn_forecast_targets(train, n_test, products, options, 1, ctx, out, err);
}

mn_status mn_forecast_targets(const mn_data *train, size_t n_test, const mn_products *products,
                              const mn_fit_options *options, size_t together, const mn_context *ctx, mn_forecast *out,
                              mn_error *err)
{
  size_t outputs;
  mn_status st = count_outputs(train, options->task, &outputs, err);
  if (st) return st;
  size_t columns = outputs * together;
  mn_scaling *scaling = NULL;
  mn_kernel kernel = options->kernel;
  if (options->gamma_rule != MN_GAMMA_GIVEN) kernel.gamma = 1 / (double)train->dim; /* any: the passes take as long */
  if ((st = mn_scaling_open(options->scale, train, &scaling, err))) return st;
  mn_samples samples =
      products ? mn_products_train(products, mn_products_get(products).n) : mn_samples_of(train, scaling);
  const mn_solve_options solve = mn_fit_solve_options(options, columns);
  st = mn_solve_forecast(&samples, train->n, n_test, 0, columns, &kernel, &solve, ctx, out, err);
  mn_scaling_close(&scaling);
  if (st) return st;
  out->bandwidth_flops = mn_bandwidth_flops(options, train->n, train->dim);
  out->bandwidth_s = out->bandwidth_flops / (search_share * out->gflops * 1e9);
  out->total_s += out->bandwidth_s;
  double targets =
      (double)train->n * (double)(columns * sizeof(double) + together * sizeof(size_t)); /* encoded, and classes */
  double search = mn_bandwidth_bytes(options, train, outputs, mn_threads_open(ctx));
  if (search > 0) out->bytes = fmax(out->bytes, (double)mn_memory_current_rss() + targets + search);
  return MN_OK;
}
