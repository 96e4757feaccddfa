/* Features and kept inner products of minnorm fit. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fit.h"

/* ---- options */

static mn_status needs_features(const mn_cli *cli, mn_error *err)
{
  static const char *const keys[] = {"feature-scale", "products", "save-gram"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (mn_cli_given(cli, keys[i]))
      return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s belongs to features: --features MAP", keys[i]);
  if (cli->values.normalise && !cli->values.load_gram)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--normalise belongs to features: --features MAP or --load-gram DIR");
  return MN_OK;
}

/* A checkpoint has a folder of its own in the one that is named: it is removed, and what --save-gram has kept in that
 * one is not. */
static mn_status name_folder(const mn_cli_values *v, mn_cli_fit_run *run, mn_error *err)
{
  const char *named = v->save_gram ? v->save_gram : v->checkpoint, *below = v->save_gram ? "" : "/products";
  if (!named) return MN_OK;
  size_t size = strlen(named) + strlen(below) + 1;
  if (!(run->folder = malloc(size))) return mn_cli_fail(err, MN_ERR_MEMORY, "%zu bytes cannot be allocated", size);
  snprintf(run->folder, size, "%s%s", named, below);
  return MN_OK;
}

mn_status mn_cli_fit_features(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = mn_cli_features_options(cli, &run->features, err);
  if (!st && run->features.name == MN_FEATURES_NONE) st = needs_features(cli, err);
  if (!st && v->load_gram && mn_cli_given(cli, "scale"))
    st = mn_cli_fail(err, MN_ERR_ARGUMENT, "--scale belongs to features, which --load-gram has no need of");
  return st || run->features.name == MN_FEATURES_NONE ? st : name_folder(v, run, err);
}

int mn_cli_fit_of_products(const mn_cli *cli, const mn_cli_fit_run *run)
{
  return run->features.name != MN_FEATURES_NONE || cli->values.load_gram;
}

/* ---- products */

static mn_stream_options stream_options(const mn_cli *cli, const mn_cli_fit_run *run)
{
  static const mn_precision precisions[] = {[MN_CLI_PRODUCTS_AUTO] = MN_PRECISION_AUTO,
                                            [MN_CLI_PRODUCTS_DOUBLE] = MN_PRECISION_DOUBLE,
                                            [MN_CLI_PRODUCTS_SINGLE] = MN_PRECISION_SINGLE,
                                            [MN_CLI_PRODUCTS_BFLOAT16] = MN_PRECISION_SINGLE};
  const mn_cli_values *v = &cli->values;
  return (mn_stream_options){.features = run->features,
                             .scale = v->fit.scale,
                             .feature_scale = (mn_feature_scale)v->feature_scale,
                             .normalise = v->normalise,
                             .precision = precisions[v->products_type],
                             .bfloat16 = v->products_type == MN_CLI_PRODUCTS_BFLOAT16,
                             .memory_bytes = v->fit.solve.memory_bytes,
                             .folder = run->folder};
}

static mn_status load(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = mn_fit_load_products(v->load_gram, run->train, run->test, &v->fit, &cli->context, &run->owned, err);
  if (!st && v->save) st = mn_model_check_features(run->owned, run->train, err);
  return st || !v->normalise ? st : mn_products_normalise(run->owned, err);
}

/* The folder that the products' own is in; of a failure the latter complains. */
static void make_checkpoint(const mn_cli_values *v)
{
  if (v->checkpoint && !v->save_gram) mkdir(v->checkpoint, 0777);
}

static void leave_checkpoint(const mn_cli_values *v)
{
  if (v->checkpoint && !v->save_gram) rmdir(v->checkpoint); /* unless there is anything in it */
}

static mn_status make(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_stream_options options = stream_options(cli, run);
  mn_status st = mn_fit_check_products(run->train, &v->fit, &cli->context, err);
  if (st) return st;
  make_checkpoint(v);
  st = mn_stream_products(run->train, run->test, &options, &cli->context, &run->owned, &run->stream, err);
  if (st) leave_checkpoint(v);
  return st ? st : mn_fit_place_products(run->owned, run->train, &v->fit, &cli->context, err);
}

mn_status mn_cli_fit_products(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  mn_status st = MN_OK;
  if (cli->values.load_gram)
    st = load(cli, run, err);
  else if (run->features.name != MN_FEATURES_NONE)
    st = make(cli, run, err);
  run->products = run->owned;
  return st;
}

typedef struct {
  mn_cli_fit_run *run;
  mn_status (*take)(void *user, size_t k, mn_error *err);
  void *user;
} taker;

static mn_status take_products(void *user, size_t k, const mn_products *products, mn_error *err)
{
  const taker *t = user;
  mn_cli_progress_clear();
  t->run->products = products;
  mn_status st = t->take(t->user, k, err);
  t->run->products = NULL;
  return st;
}

mn_status mn_cli_fit_products_at(mn_cli *cli, mn_cli_fit_run *run, size_t count, const size_t *dims,
                                 mn_status (*take)(void *user, size_t k, mn_error *err), void *user, mn_error *err)
{
  mn_stream_options options = stream_options(cli, run);
  taker t = {run, take, user};
  mn_status st = mn_fit_check_products(run->train, &cli->values.fit, &cli->context, err);
  if (st) return st;
  make_checkpoint(&cli->values);
  st = mn_stream_stops(run->train, run->test, &options, count, dims, &cli->context, take_products, &t, &run->stream,
                       err);
  if (st) leave_checkpoint(&cli->values);
  return st;
}

void mn_cli_fit_release_products(const mn_cli *cli, mn_cli_fit_run *run)
{
  const mn_cli_values *v = &cli->values;
  if (!run->folder || v->save_gram) return;
  mn_products_close(&run->owned);
  mn_products_remove(run->folder);
  leave_checkpoint(v);
}

/* ---- forecasts */

/* Those that a folder keeps, without reading them; they need no time. */
static mn_status expect_kept(const mn_cli *cli, const mn_cli_fit_run *run, mn_stream_forecast *out, mn_error *err)
{
  mn_products *kept = NULL;
  mn_status st = mn_products_load(cli->values.load_gram, 0, 0, 0, 0, &cli->context, &kept, err);
  if (!st) st = mn_products_check(kept, run->train, run->test, err);
  if (!st) {
    mn_products_info info = mn_products_get(kept);
    double n = (double)run->train->n, m = run->test ? (double)run->test->n : (double)info.m;
    out->type = info.type;
    out->products_bytes = n * (n + 2 * m) / ((double)info.n * (double)(info.n + 2 * info.m)) * info.bytes;
  }
  mn_products_close(&kept);
  return st;
}

static mn_status expect_products(mn_cli *cli, mn_cli_fit_run *run, mn_products **to_come, mn_error *err)
{
  mn_stream_options options = stream_options(cli, run);
  mn_stream_forecast *s = &run->stream_forecast;
  *to_come = NULL;
  if (!mn_cli_fit_of_products(cli, run)) return MN_OK;
  mn_status st = cli->values.load_gram ? expect_kept(cli, run, s, err)
                                       : mn_stream_predict_cost(run->train, run->test ? run->test->n : 0, &options,
                                                                &cli->context, s, err);
  return st ? st : mn_products_to_come(run->train->n, s->type, to_come, err);
}

mn_status mn_cli_fit_forecast(mn_cli *cli, mn_cli_fit_run *run, mn_cli_forecast system, void *user, mn_error *err)
{
  const mn_stream_forecast *s = &run->stream_forecast;
  mn_forecast *f = &run->forecast;
  mn_products *to_come;
  run->budget_bytes = mn_cli_fit_budget(cli);
  mn_status st = expect_products(cli, run, &to_come, err);
  double left = run->budget_bytes - s->products_bytes;
  if (!st) st = system(user, to_come, to_come && left > 0 ? (size_t)left : cli->values.fit.solve.memory_bytes, err);
  if (!st && f->bytes <= left)
    f->bytes += s->products_bytes;
  else if (!st && to_come) /* no room for both: products go to disk */
    st = system(user, to_come, cli->values.fit.solve.memory_bytes, err);
  mn_products_close(&to_come);
  if (s->bytes > f->bytes) f->bytes = s->bytes;
  f->total_s += s->features_s + s->products_s;
  return st;
}

/* ---- reports */

void mn_cli_features_line(const mn_products_info *info)
{
  if (!info->text) return;
  mn_cli_line("features", "%s %.*s", mn_number_count(info->done).text, (int)strcspn(info->text, ";"), info->text);
}

void mn_cli_fit_products_line(const mn_cli_fit_run *run)
{
  if (!run->products) return;
  mn_products_info info = mn_products_get(run->products);
  mn_cli_features_line(&info);
  mn_cli_line("products", "%s in %s precision, %s", mn_number_bytes(info.bytes).text,
              info.type == MN_F64 ? "double" : "single", info.on_disk ? "on disk" : "in memory");
}

/* "scales=3" as a member; features=gabor is the name. */
static void report_setting(mn_report *report, const char *word, size_t length)
{
  char key[64], value[64], *end;
  size_t split = strcspn(word, "=");
  if (split >= length || split >= sizeof key || length - split - 1 >= sizeof value) return;
  snprintf(key, sizeof key, "%.*s", (int)split, word);
  snprintf(value, sizeof value, "%.*s", (int)(length - split - 1), word + split + 1);
  for (char *c = key; *c; c++)
    if (*c == '-') *c = '_';
  double number = strtod(value, &end);
  if (!strcmp(key, "features"))
    mn_report_text(report, "name", value);
  else if (*value && !value[strspn(value, "0123456789")])
    mn_report_count(report, key, strtoull(value, NULL, 10)); /* a seed has more digits than a double holds */
  else if (*value && !*end)
    mn_report_real(report, key, number);
  else
    mn_report_text(report, key, value);
}

void mn_cli_report_features(mn_report *report, const mn_products_info *info)
{
  if (!info->text) {
    mn_report_text(report, "name", "none");
    return;
  }
  for (const char *word = info->text; *word; word += strspn(word, " ;")) {
    size_t length = strcspn(word, " ;");
    report_setting(report, word, length);
    word += length;
  }
  mn_report_count(report, "dim", info->done);
  mn_report_flag(report, "normalised", info->unit);
  mn_report_text(report, "products", info->type == MN_F64 ? "double" : "single");
}

void mn_cli_fit_report_features(mn_report *report, const mn_cli_fit_run *run)
{
  mn_products_info info = run->products ? mn_products_get(run->products) : (mn_products_info){0};
  mn_report_begin_object(report, "features");
  mn_cli_report_features(report, &info);
  if (run->products) {
    mn_report_real(report, "products_bytes", info.bytes);
    mn_report_flag(report, "products_on_disk", info.on_disk);
    mn_report_count(report, "resumed", run->stream.resumed);
  }
  mn_report_end(report);
}
