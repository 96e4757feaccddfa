/* minnorm features: computes a feature map, writes it, draws it, says what it costs. */
#include "features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double gemm_s = 0.5; /* of each measurement of the gemm rate */

/* ---- options */

static int wanted_part(const mn_cli *cli)
{
  if (mn_cli_given(cli, "part")) return cli->values.part;
  return cli->values.test ? MN_TEST : MN_TRAIN;
}

static mn_status check_data(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  if (!v->train && !mn_cli_given(cli, "dataset"))
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "training samples expected: --dataset NAME or --train SPEC; see minnorm features --help");
  if (wanted_part(cli) == MN_TEST && v->train && !v->test)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--part test needs test samples: --test SPEC");
  if (wanted_part(cli) == MN_TRAIN && (v->test || v->n_test))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s belongs to --part test", v->test ? "test" : "n-test");
  return MN_OK;
}

/* The option whose work the run is, or NULL. */
static const char *task_of(const mn_cli *cli)
{
  static const char *const tasks[] = {"out", "draw", "draw-images", "compare-gemm", "dry-run"};
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
    if (mn_cli_given(cli, tasks[i])) return tasks[i];
  return NULL;
}

static mn_status check_options(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = check_data(cli, err);
  if (st) return st;
  if (v->features.name == MN_FEATURES_NONE)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "a map expected: --features gabor, scattering or conv");
  if (!task_of(cli))
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "an output expected: --out FILE.npy, --draw FILE, --draw-images FILE, or --dry-run");
  if (!v->draw_images && (mn_cli_given(cli, "rows") || mn_cli_given(cli, "cols")))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--rows and --cols belong to --draw-images FILE");
  return MN_OK;
}

static mn_status check_path(const char *key, const char *path, mn_error *err)
{
  mn_error why;
  mn_status st = path ? mn_report_check_path(path, &why) : MN_OK;
  return st ? mn_cli_fail(err, st, "--%s: %.480s", key, why.text) : MN_OK;
}

static mn_status check_outputs(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  size_t length = v->out ? strlen(v->out) : 0;
  if (v->out && (length < 4 || strcmp(v->out + length - 4, ".npy")))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--out: %.400s: a name that ends in .npy expected", v->out);
  mn_status st = mn_cli_check_outputs(cli, err);
  if (!st) st = check_path("out", v->out, err);
  if (!st) st = check_path("draw", v->draw, err);
  if (!st) st = check_path("draw-images", v->draw_images, err);
  return st;
}

/* ---- the work */

static mn_status read_data(mn_cli *cli, mn_cli_features_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = mn_cli_open_data(cli, v->train, MN_TRAIN, v->n, &run->train, err);
  if (!st && wanted_part(cli) == MN_TEST) st = mn_cli_open_data(cli, v->test, MN_TEST, v->n_test, &run->test, err);
  if (!st && run->test && run->test->dim != run->train->dim)
    st = mn_cli_fail(err, MN_ERR_DATA, "%s: samples of %zu features expected as in %s, %zu found", run->test->name,
                     run->train->dim, run->train->name, run->test->dim);
  if (!st) st = mn_scaling_open(v->fit.scale, run->train, &run->scaling, err);
  return st;
}

static mn_status open_map(mn_cli *cli, const mn_features_options *options, mn_cli_features_run *run, mn_error *err)
{
  const mn_samples train = mn_samples_of(run->train, run->scaling);
  double start_s = mn_report_now_s();
  run->images = run->test ? mn_samples_of(run->test, run->scaling) : train;
  mn_status st = mn_features_open(options, &train, &cli->context, &run->map, err);
  run->open_s = mn_report_now_s() - start_s;
  return st;
}

/* Seconds of all, from two blocks of images a thread and, of a layer's filters, the first groups: these cost alike. The
 * second of two runs counts. */
static mn_status forecast(mn_cli *cli, mn_cli_features_run *run, mn_error *err)
{
  enum { IMAGES = 32, GROUPS = 8 };
  size_t groups = mn_features_groups(run->map), count = IMAGES * (size_t)mn_cli_threads(cli);
  mn_context quiet = cli->context;
  double start_s = 0;
  mn_status st = MN_OK;
  quiet.progress = NULL;
  if (count > run->images.n) count = run->images.n;
  if (cli->values.features.name == MN_FEATURES_CONV && groups > GROUPS) groups = GROUPS;
  size_t width = mn_features_begin(run->map, groups);
  float *out = calloc(count, width * sizeof *out);
  if (!out) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu x %zu features", count, width);
  for (int i = 0; !st && i < 2 && !mn_cli_interrupted(); i++) {
    start_s = mn_report_now_s();
    st = mn_features_compute(run->map, &run->images, 0, count, 0, groups, &quiet, out, width, err);
  }
  run->forecast_s = (mn_report_now_s() - start_s) * (double)run->images.n / (double)count *
                    (double)mn_features_dim(run->map) / (double)width;
  free(out);
  return !st && mn_cli_interrupted() ? mn_cli_fail(err, MN_ERR_CANCELLED, "interrupted") : st;
}

static mn_status compute(mn_cli *cli, mn_cli_features_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = MN_OK;
  if (v->dry_run && v->out && (st = mn_features_room(v->out, &run->room_bytes, err))) return st;
  if (v->dry_run) return forecast(cli, run, err);
  if (v->draw) st = mn_features_draw(run->map, v->draw, err);
  if (!st && v->draw_images)
    st = mn_features_draw_images(run->map, &run->images, v->rows, v->cols, v->draw_images, &cli->context, err);
  if (st || (!v->out && !v->compare_gemm)) return st;
  st = mn_features_write(run->map, &run->images, v->out, &cli->context, &run->seconds, err);
  if (!v->out) run->seconds.write_s = (double)NAN;
  return st;
}

/* With --compare-gemm the rate is measured before and after, for a machine's speed may change. */
static mn_status measure_gemm(mn_cli *cli, double *gflops, mn_error *err)
{
  *gflops = (double)NAN;
  return cli->values.compare_gemm ? mn_bench_gemm(MN_F32, gemm_s, &cli->context, gflops, err) : MN_OK;
}

static mn_status run_map(mn_cli *cli, mn_cli_features_run *run, mn_error *err)
{
  double before = (double)NAN, after = (double)NAN;
  mn_status st = measure_gemm(cli, &before, err);
  if (!st) st = compute(cli, run, err);
  if (!st) st = measure_gemm(cli, &after, err);
  run->sgemm_gflops = (before + after) / 2;
  mn_cli_progress_clear();
  return st;
}

mn_status mn_cli_features(mn_cli *cli, mn_error *err)
{
  mn_cli_features_run run = {
      .forecast_s = (double)NAN, .seconds = {(double)NAN, (double)NAN}, .room_bytes = (double)NAN};
  mn_features_options options;
  mn_status st = check_options(cli, err);
  if (!st) st = mn_cli_features_options(cli, &options, err);
  if (!st) st = check_outputs(cli, err);
  if (!st) st = read_data(cli, &run, err);
  if (!st) st = open_map(cli, &options, &run, err);
  if (!st) st = run_map(cli, &run, err);
  if (!st && mn_cli_shows_table(cli)) mn_cli_features_table(cli, &run);
  if (!st && cli->values.json) st = mn_cli_features_json(cli, &run, err);
  mn_features_close(&run.map);
  mn_scaling_close(&run.scaling);
  mn_data_close(&run.train);
  mn_data_close(&run.test);
  return st;
}
