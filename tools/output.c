#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Puts the option in front of the message. */
static mn_status blame(mn_status st, const char *key, mn_error *err)
{
  mn_error copy = *err;
  return st ? mn_cli_fail(err, st, "--%s: %.480s", key, copy.text) : MN_OK;
}

static mn_status check_distinct(const mn_cli_values *v, mn_error *err)
{
  const char *const files[] = {v->json, v->labels, v->scores, v->draw_errors, v->csv, v->plot, v->page, v->log};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    for (size_t k = 0; k < i; k++)
      if (files[i] && files[k] && !strcmp(files[i], files[k]))
        return mn_cli_fail(err, MN_ERR_ARGUMENT, "two results would have the same file, %s", files[i]);
  return MN_OK;
}

mn_status mn_cli_check_outputs(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = check_distinct(v, err);
  if (!st && v->json) st = blame(mn_report_check_path(v->json, err), "json", err);
  if (!st && v->labels) st = blame(mn_report_check_path(v->labels, err), "labels", err);
  if (!st && v->draw_errors) st = blame(mn_report_check_path(v->draw_errors, err), "draw-errors", err);
  if (!st && v->scores) st = blame(mn_report_check_scores_path(v->scores, err), "scores", err);
  return st;
}

int mn_cli_shows_table(const mn_cli *cli)
{
  return !cli->values.quiet && !(cli->values.json && !strcmp(cli->values.json, "-"));
}

void mn_cli_line(const char *label, const char *format, ...)
{
  va_list args;
  printf("%-11s ", label);
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
}

void mn_cli_describe_features(const mn_data *data, char *text, size_t size)
{
  mn_number dim = mn_number_count(data->dim);
  if (!data->height)
    snprintf(text, size, "%s feature%s", dim.text, data->dim == 1 ? "" : "s");
  else if (data->channels == 1)
    snprintf(text, size, "%s features (%zu x %zu)", dim.text, data->height, data->width);
  else
    snprintf(text, size, "%s features (%zu x %zu x %zu)", dim.text, data->channels, data->height, data->width);
}

mn_status mn_cli_report_open(const mn_cli *cli, mn_report **out, mn_error *err)
{
  mn_info info;
  mn_status st = mn_report_open(out, err);
  if (st) return st;
  mn_info_get(&info);
  mn_report_text(*out, "version", info.version);
  mn_report_text(*out, "command", cli->command->name);
  return MN_OK;
}

mn_status mn_cli_report_finish(const mn_cli *cli, mn_report **report, mn_error *err)
{
  mn_report_count(*report, "peak_rss_bytes", mn_report_peak_rss_bytes());
  mn_report_real(*report, "total_s", mn_report_now_s() - cli->start_s);
  mn_status st = mn_report_write(*report, cli->values.json, err);
  mn_report_close(report);
  return st;
}

mn_status mn_cli_predict_data(mn_cli *cli, const mn_model *model, const mn_data *data, mn_cli_predictions *out,
                              mn_error *err)
{
  size_t outputs = mn_model_outputs(model);
  mn_status st;
  *out = (mn_cli_predictions){.metrics = {.error = (double)NAN, .rmse = (double)NAN, .r2 = (double)NAN}};
  out->scores = calloc(data->n, outputs * sizeof *out->scores);
  if (mn_model_labels(model)) out->labels = calloc(data->n, sizeof *out->labels);
  if (!out->scores || (mn_model_labels(model) && !out->labels))
    return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu x %zu scores", data->n, outputs);
  double start_s = mn_report_now_s();
  st = mn_model_predict(model, data, &cli->context, out->scores, err);
  out->predict_s = mn_report_now_s() - start_s;
  if (!st && out->labels) st = mn_model_classify(model, data->n, out->scores, out->labels, err);
  if (!st && data->columns) st = mn_model_score(model, data, out->scores, &out->metrics, err);
  return st;
}

mn_status mn_cli_write_predictions(const mn_cli *cli, const mn_model *model, size_t m, const mn_cli_predictions *p,
                                   mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = MN_OK;
  if (v->labels && !p->labels)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--labels: the model is a regression and has none; use --scores");
  if (v->labels) st = mn_report_write_labels(v->labels, m, p->labels, err);
  if (!st && v->scores) st = mn_report_write_scores(v->scores, m, mn_model_outputs(model), p->scores, err);
  return st;
}

void mn_cli_predictions_close(mn_cli_predictions *p)
{
  free(p->scores);
  free(p->labels);
  *p = (mn_cli_predictions){0};
}
