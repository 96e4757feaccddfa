/* Predicting and scoring. */
#include <math.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/linear.h"
#include "linalg/threads.h"
#include "model/model.h"

/* The samples to be predicted; with kept products they are the first of the test samples. */
static mn_status take_samples(const mn_model *model, const mn_data *data, mn_samples *out, mn_error *err)
{
  if (model->products) {
    *out = mn_products_test(model->products, data->n);
    return mn_products_check(model->products, NULL, data, err);
  }
  if (data->dim != model->report.dim)
    return MN_FAIL(err, MN_ERR_DATA, "%s: samples of %zu features, the model was fitted to %zu", data->name, data->dim,
                   model->report.dim);
  *out = mn_samples_of(data, model->scaling);
  return MN_OK;
}

mn_status mn_model_values(const mn_model *model, const mn_data *data, size_t columns, const double *coefficients,
                          const mn_context *ctx, double *values, mn_error *err)
{
  mn_samples samples;
  int threads = mn_threads_open(ctx);
  mn_status st = take_samples(model, data, &samples, err);
  if (st) return st;
  if (model->primal) return mn_linear_multiply(&samples, threads, columns, coefficients, values, err);
  return mn_gram_multiply(&samples, &model->samples, &model->report.kernel, threads, ctx, "predict", columns,
                          coefficients, values, err);
}

void mn_model_add_offset(const mn_model *model, size_t m, const double *values, double *scores)
{
  size_t outputs = model->outputs;
  for (size_t i = 0; i < m; i++)
    for (size_t c = 0; c < outputs; c++) scores[i * outputs + c] = values[i + c * m] + model->offset[c];
}

/* `count` images from `first` on; values: count x outputs, scratch. */
static mn_status predict_images(const mn_model *model, const mn_samples *images, size_t first, size_t count,
                                size_t most, const mn_context *ctx, double *values, double *scores, mn_error *err)
{
  mn_products *products = NULL;
  size_t passes = (images->n + most - 1) / most;
  mn_status st =
      mn_map_products(model->map, &model->samples, images, first, count, first / most, passes, ctx, &products, err);
  if (st) return st;
  const mn_samples rows = mn_products_test(products, count), columns = mn_products_train(products, model->samples.n);
  st = mn_gram_multiply(&rows, &columns, &model->report.kernel, mn_threads_open(ctx), ctx, "predict", model->outputs,
                        model->coefficients, values, err);
  if (!st) mn_model_add_offset(model, count, values, scores + first * model->outputs);
  mn_products_close(&products);
  return st;
}

/* From features of images, as many at once as memory has room for. */
static mn_status predict_features(const mn_model *model, const mn_data *data, const mn_context *ctx, double *scores,
                                  mn_error *err)
{
  size_t m = data->n, outputs = model->outputs, most;
  const mn_samples images = mn_samples_of(data, model->scaling);
  mn_status st =
      mn_map_most(model->map, model->samples.n, m, outputs * sizeof(double), ctx ? ctx->memory_bytes : 0, &most, err);
  if (st) return st;
  double *values = mn_alloc_matrix(most * outputs, sizeof *values);
  if (!values) return MN_NO_MEMORY(err, most * outputs * sizeof *values);
  for (size_t first = 0; !st && first < m; first += most)
    st = predict_images(model, &images, first, m - first < most ? m - first : most, most, ctx, values, scores, err);
  mn_free(values);
  return st;
}

mn_status mn_model_predict(const mn_model *model, const mn_data *data, const mn_context *ctx, double *scores,
                           mn_error *err)
{
  if (model->map) return predict_features(model, data, ctx, scores, err);
  size_t m = data->n, outputs = model->outputs;
  double *values = mn_alloc_matrix(m * outputs, sizeof *values);
  if (!values) return MN_NO_MEMORY(err, m * outputs * sizeof *values);
  mn_status st = mn_model_values(model, data, outputs, model->coefficients, ctx, values, err);
  if (!st) mn_model_add_offset(model, m, values, scores);
  mn_free(values);
  return st;
}

static size_t greatest(const double *row, size_t count)
{
  size_t best = 0;
  for (size_t c = 1; c < count; c++)
    if (row[c] > row[best]) best = c;
  return best;
}

mn_status mn_model_classify(const mn_model *model, size_t m, const double *scores, int64_t *labels, mn_error *err)
{
  if (!model->labels) return MN_FAIL(err, MN_ERR_ARGUMENT, "a regression has no labels");
  for (size_t i = 0; i < m; i++) labels[i] = model->labels[greatest(scores + i * model->outputs, model->outputs)];
  return MN_OK;
}

static mn_status score_classes(const mn_model *model, const mn_data *data, const double *scores, mn_metrics *out,
                               mn_error *err)
{
  size_t wrong = 0, outputs = model->outputs;
  if (!mn_data_has_labels(data))
    return MN_FAIL(err, MN_ERR_DATA, "%s: one column of integer labels expected, as the model was fitted to",
                   data->name);
  for (size_t i = 0; i < data->n; i++)
    wrong += data->y[i] != (double)model->labels[greatest(scores + i * outputs, outputs)];
  out->error = (double)wrong / (double)data->n;
  return MN_OK;
}

static mn_status score_regression(const mn_model *model, const mn_data *data, const double *scores, mn_metrics *out,
                                  mn_error *err)
{
  size_t n = data->n, columns = data->columns;
  double left = 0, around = 0;
  if (columns != model->outputs)
    return MN_FAIL(err, MN_ERR_DATA, "%s: %zu target columns, the model has %zu", data->name, columns, model->outputs);
  for (size_t c = 0; c < columns; c++) {
    double mean = 0;
    for (size_t i = 0; i < n; i++) /* of equal targets exactly their value */
      mean += (data->y[i * columns + c] - mean) / (double)(i + 1);
    for (size_t i = 0; i < n; i++) {
      double y = data->y[i * columns + c], error = y - scores[i * columns + c];
      left += error * error;
      around += (y - mean) * (y - mean);
    }
  }
  out->rmse = sqrt(left / (double)(n * columns));
  out->r2 = around > 0 ? 1 - left / around : NAN;
  return MN_OK;
}

mn_status mn_model_score(const mn_model *model, const mn_data *data, const double *scores, mn_metrics *out,
                         mn_error *err)
{
  *out = (mn_metrics){NAN, NAN, NAN};
  return (model->labels ? score_classes : score_regression)(model, data, scores, out, err);
}
