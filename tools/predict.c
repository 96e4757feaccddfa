/* minnorm predict: load, read, predict, report. */
#include "fit.h"

static mn_status check_options(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  if (!v->model)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "a model expected: --model MODEL; see minnorm predict --help");
  if (!v->test && !mn_cli_given(cli, "dataset"))
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "samples expected: --dataset NAME or --test SPEC; see minnorm predict "
                       "--help");
  if (v->test && mn_cli_given(cli, "part"))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--part belongs to --dataset; a SPEC says it as part=test");
  return mn_cli_check_outputs(cli, err);
}

static void table(const mn_cli *cli, const mn_model *model, const mn_data *data, const mn_cli_predictions *p)
{
  const mn_fit_report *r = mn_model_report(model);
  char kernel[128];
  mn_cli_describe_kernel(&r->kernel, kernel, sizeof kernel);
  mn_cli_line("model", "%s: %s, fitted to %s samples", cli->values.model, kernel, mn_number_count(r->n_train).text);
  const mn_products_info features = mn_model_features(model);
  mn_cli_features_line(&features);
  mn_cli_line("data", "%s: %s samples", data->name, mn_number_count(data->n).text);
  mn_cli_variant_line(cli);
  if (data->columns && p->labels) mn_cli_line("error", "%s", mn_number_percent(p->metrics.error).text);
  if (data->columns && !p->labels) {
    mn_cli_line("rmse", "%s", mn_number_real(p->metrics.rmse, 4).text);
    mn_cli_line("R2", "%s", mn_number_real(p->metrics.r2, 4).text);
  }
  mn_cli_line("predict", "%s", mn_number_seconds(p->predict_s).text);
  if (cli->values.labels) mn_cli_line("labels", "%s", cli->values.labels);
  if (cli->values.scores) mn_cli_line("scores", "%s", cli->values.scores);
}

static mn_status json(const mn_cli *cli, const mn_model *model, const mn_data *data, const mn_cli_predictions *p,
                      mn_error *err)
{
  const mn_fit_report *r = mn_model_report(model);
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_report_text(j, "model", cli->values.model);
  mn_report_text(j, "dataset", data->name);
  mn_report_count(j, "n_train", r->n_train);
  mn_report_count(j, "n_test", data->n);
  mn_cli_report_variant(cli, j);
  mn_report_count(j, "dim", data->dim);
  if (p->labels)
    mn_report_count(j, "classes", mn_model_outputs(model));
  else
    mn_report_null(j, "classes");
  mn_report_count(j, "outputs", mn_model_outputs(model));
  const mn_products_info features = mn_model_features(model);
  mn_report_begin_object(j, "features");
  mn_cli_report_features(j, &features);
  mn_report_end(j);
  mn_report_begin_object(j, "kernel");
  mn_cli_report_kernel(j, &r->kernel);
  mn_report_end(j);
  mn_report_real(j, "test_error", p->metrics.error);
  mn_report_real(j, "test_rmse", p->metrics.rmse);
  mn_report_real(j, "r2", p->metrics.r2);
  mn_report_real(j, "predict_s", p->predict_s);
  mn_report_real(j, "threads", mn_cli_threads(cli));
  return mn_cli_report_finish(cli, &j, err);
}

mn_status mn_cli_predict(mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_part part = mn_cli_given(cli, "part") ? (mn_part)v->part : MN_TEST;
  mn_model *model = NULL;
  mn_data *data = NULL;
  mn_cli_predictions p = {0};
  mn_status st = check_options(cli, err);
  if (!st) st = mn_model_open(v->model, &model, err);
  if (!st && v->labels && !mn_model_labels(model))
    st = mn_cli_fail(err, MN_ERR_ARGUMENT, "--labels: the model is a regression and has none; use --scores");
  if (!st) st = mn_cli_open_data(cli, v->test, part, v->n_test, &data, err);
  if (!st) st = mn_cli_check_errors_picture(cli, data, err);
  if (!st) st = mn_cli_predict_data(cli, model, data, &p, err);
  if (!st) st = mn_cli_write_predictions(cli, model, data->n, &p, err);
  if (!st && mn_cli_shows_table(cli)) table(cli, model, data, &p);
  if (!st) st = mn_cli_draw_errors(cli, data, p.labels, err);
  if (!st && v->json) st = json(cli, model, data, &p, err);
  mn_cli_predictions_close(&p);
  mn_data_close(&data);
  mn_model_close(&model);
  return st;
}
