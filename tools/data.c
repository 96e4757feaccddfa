/* minnorm data: shows a data set, converts it, draws it. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* What is shown of a data set. */
typedef struct {
  mn_data *data;
  mn_data_summary summary;
  int64_t *labels; /* classes of them, ascending; NULL for real targets or none */
  size_t *counts;  /* samples of each label */
  size_t classes;
  size_t duplicates;  /* samples equal to an earlier one */
  size_t conflicting; /* ... that has other targets */
} view;

static const char *type_name(mn_dtype type)
{
  static const char *const names[] = {[MN_U8] = "bytes", [MN_F32] = "single", [MN_F64] = "double"};
  return names[type];
}

static mn_status check_options(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  if (v->train && v->test) return mn_cli_fail(err, MN_ERR_ARGUMENT, "one data set at a time: --train or --test");
  if (!v->train && !v->test && !mn_cli_given(cli, "dataset"))
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "a data set expected: --dataset NAME, --train SPEC or --test SPEC; see "
                       "minnorm data --help");
  if (mn_cli_given(cli, "part") && !mn_cli_given(cli, "dataset"))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--part belongs to --dataset; a SPEC says it as part=test");
  if (!v->png && (mn_cli_given(cli, "rows") || mn_cli_given(cli, "cols")))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--rows and --cols belong to --png FILE");
  return v->json ? mn_cli_check_outputs(cli, err) : MN_OK;
}

static mn_status read_data(mn_cli *cli, view *w, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_part part = mn_cli_given(cli, "part") ? (mn_part)v->part : v->test ? MN_TEST : MN_TRAIN;
  if (mn_cli_given(cli, "corrupt") && part == MN_TEST)
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "--corrupt is for training samples: labels of a test set stay as they are");
  mn_status st = mn_cli_open_data(cli, v->train ? v->train : v->test, part, v->n, &w->data, err);
  return st || !mn_cli_given(cli, "corrupt") ? st : mn_data_corrupt(w->data, v->fit.corrupt, v->seed, err);
}

static int compare_labels(const void *a, const void *b)
{
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static mn_status count_classes(view *w, mn_error *err)
{
  if (!w->data->columns || !mn_data_has_labels(w->data)) return MN_OK;
  mn_status st = mn_data_classes(w->data, &w->labels, &w->classes, err);
  if (st) return st;
  w->counts = calloc(w->classes, sizeof *w->counts);
  if (!w->counts) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for the counts of %zu classes", w->classes);
  for (size_t i = 0; i < w->data->n; i++) {
    int64_t label = (int64_t)w->data->y[i];
    const int64_t *at = bsearch(&label, w->labels, w->classes, sizeof label, compare_labels);
    if (at) w->counts[at - w->labels]++;
  }
  return MN_OK;
}

static mn_status count_duplicates(view *w, mn_error *err)
{
  const mn_data *d = w->data;
  mn_pair *pairs = NULL;
  mn_status st = mn_data_duplicates(d, &pairs, &w->duplicates, err);
  for (size_t i = 0; !st && i < w->duplicates && d->columns; i++)
    w->conflicting +=
        memcmp(d->y + pairs[i].first * d->columns, d->y + pairs[i].second * d->columns, d->columns * sizeof *d->y) != 0;
  mn_data_free(pairs);
  return st;
}

static void targets_lines(const view *w)
{
  enum { SHOWN = 20 };
  if (!w->data->columns) {
    mn_cli_line("targets", "none");
    return;
  }
  if (!w->classes) {
    mn_cli_line("targets", "%zu real column%s", w->data->columns, w->data->columns == 1 ? "" : "s");
    return;
  }
  mn_cli_line("classes", "%zu", w->classes);
  for (size_t c = 0; c < w->classes && c < SHOWN; c++)
    mn_cli_line("", "%8lld %12s  %7s", (long long)w->labels[c], mn_number_count(w->counts[c]).text,
                mn_number_percent((double)w->counts[c] / (double)w->data->n).text);
  if (w->classes > SHOWN) mn_cli_line("", "and %zu more", w->classes - SHOWN);
}

static void table(const mn_cli *cli, const view *w)
{
  const mn_data_summary *s = &w->summary;
  char features[96], mirror[64];
  mn_cli_describe_features(w->data, features, sizeof features);
  mn_cli_describe_mirror(cli, w->data->n, mirror, sizeof mirror);
  mn_cli_line("data", "%s: %s samples%s, %s, %s", w->data->name, mn_number_count(w->data->n).text, mirror, features,
              type_name(w->data->type));
  mn_cli_variant_line(cli);
  if (cli->values.fit.corrupt > 0) mn_cli_line("corrupt", "%g", cli->values.fit.corrupt);
  mn_cli_line("values", "%s to %s, mean %s, deviation %s", mn_number_real(s->min, 6).text,
              mn_number_real(s->max, 6).text, mn_number_real(s->mean, 6).text, mn_number_real(s->deviation, 6).text);
  mn_cli_line("constant", "%s features", mn_number_count(s->constant_features).text);
  mn_cli_line("duplicates", "%s samples, %s of them with other targets", mn_number_count(w->duplicates).text,
              mn_number_count(w->conflicting).text);
  targets_lines(w);
  if (cli->values.convert) mn_cli_line("written", "%s", cli->values.convert);
  if (cli->values.png) mn_cli_line("picture", "%s", cli->values.png);
}

static void json_balance(mn_report *j, const view *w)
{
  if (!w->classes) {
    mn_report_null(j, "classes");
    mn_report_null(j, "balance");
    return;
  }
  mn_report_count(j, "classes", w->classes);
  mn_report_begin_list(j, "balance");
  for (size_t c = 0; c < w->classes; c++) {
    mn_report_begin_object(j, NULL);
    mn_report_real(j, "label", (double)w->labels[c]);
    mn_report_count(j, "count", w->counts[c]);
    mn_report_end(j);
  }
  mn_report_end(j);
}

static void json_shape(mn_report *j, const mn_data *data)
{
  const size_t shape[] = {data->channels, data->height, data->width};
  if (!data->height) {
    mn_report_null(j, "shape");
    return;
  }
  mn_report_begin_list(j, "shape");
  for (int i = 0; i < 3; i++) mn_report_count(j, NULL, shape[i]);
  mn_report_end(j);
}

static mn_status json(const mn_cli *cli, const view *w, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_report_text(j, "dataset", w->data->name);
  mn_report_count(j, "n", w->data->n);
  mn_report_flag(j, "mirror", cli->values.mirror);
  mn_cli_report_variant(cli, j);
  mn_report_real(j, "corrupt", cli->values.fit.corrupt);
  mn_report_count(j, "dim", w->data->dim);
  json_shape(j, w->data);
  mn_report_text(j, "type", type_name(w->data->type));
  mn_report_count(j, "columns", w->data->columns);
  mn_report_real(j, "min", w->summary.min);
  mn_report_real(j, "max", w->summary.max);
  mn_report_real(j, "mean", w->summary.mean);
  mn_report_real(j, "deviation", w->summary.deviation);
  mn_report_count(j, "constant_features", w->summary.constant_features);
  mn_report_count(j, "duplicates", w->duplicates);
  mn_report_count(j, "conflicting_duplicates", w->conflicting);
  json_balance(j, w);
  return mn_cli_report_finish(cli, &j, err);
}

static mn_status write_files(const mn_cli *cli, const view *w, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = MN_OK;
  if (v->convert) st = mn_data_write(w->data, v->convert, err);
  if (!st && v->png) st = mn_data_write_png(w->data, v->rows, v->cols, v->png, err);
  return st;
}

mn_status mn_cli_data(mn_cli *cli, mn_error *err)
{
  view w = {0};
  int shown = mn_cli_shows_table(cli) || cli->values.json;
  mn_status st = check_options(cli, err);
  if (!st) st = read_data(cli, &w, err);
  if (!st) st = write_files(cli, &w, err);
  if (!st && shown) st = mn_data_summarise(w.data, &w.summary, err);
  if (!st && shown) st = count_classes(&w, err);
  if (!st && shown) st = count_duplicates(&w, err);
  mn_cli_progress_clear();
  if (!st && mn_cli_shows_table(cli)) table(cli, &w);
  if (!st && cli->values.json) st = json(cli, &w, err);
  free(w.counts);
  mn_data_free(w.labels);
  mn_data_close(&w.data);
  return st;
}
