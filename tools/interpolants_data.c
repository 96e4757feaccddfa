/* The features that minnorm norms interpolants fits, kept in memory; and what a comparison will take. */
#include <math.h>

#include "interpolants.h"

static const mn_cli_values *values_of(const mn_cli_interpolants_run *run)
{
  return &run->cli->values;
}

static mn_status compute(mn_cli *cli, const mn_features *features, const mn_data *images, const mn_scaling *scaling,
                         mn_data **out, mn_error *err)
{
  const mn_samples samples = mn_samples_of(images, scaling);
  size_t dim = mn_features_dim(features), n = images->n;
  mn_status st = mn_data_create(n, dim, MN_F32, images->columns, out, err);
  if (st) return st;
  mn_data *data = *out;
  for (size_t i = 0; i < n * images->columns; i++) data->y[i] = images->y[i];
  snprintf(data->name, sizeof data->name, "%s", images->name);
  return mn_features_compute(features, &samples, 0, n, 0, mn_features_groups(features), &cli->context, data->x, dim,
                             err);
}

/* As --feature-scale has them: minus the mean of the training images; over the deviation and the root of dim. */
static void scale(const mn_scaling *standard, int divide, mn_data *data)
{
  float *x = data->x;
  double root = sqrt((double)data->dim);
  for (size_t i = 0; i < data->n; i++)
    for (size_t j = 0; j < data->dim; j++) {
      double value = (double)x[i * data->dim + j] - standard->shift[j];
      x[i * data->dim + j] = (float)(divide ? value * standard->factor[j] / root : value);
    }
}

static mn_status scale_both(mn_cli_interpolants_run *run, mn_error *err)
{
  mn_feature_scale how = (mn_feature_scale)values_of(run)->feature_scale;
  if (how == MN_FEATURE_SCALE_AUTO)
    how = run->fit.features.name == MN_FEATURES_CONV ? MN_FEATURE_SCALE_STANDARD : MN_FEATURE_SCALE_NONE;
  if (how == MN_FEATURE_SCALE_NONE) return MN_OK;
  mn_scaling *standard = NULL;
  mn_status st = mn_scaling_open(MN_SCALE_STANDARD, run->train_features, &standard, err);
  if (!st) scale(standard, how == MN_FEATURE_SCALE_STANDARD, run->train_features);
  if (!st && run->test_features) scale(standard, how == MN_FEATURE_SCALE_STANDARD, run->test_features);
  mn_scaling_close(&standard);
  return st;
}

static mn_status check_room(const mn_cli_interpolants_run *run, size_t dim, mn_error *err)
{
  size_t samples = run->fit.train->n + (run->fit.test ? run->fit.test->n : 0);
  double bytes = (double)samples * (double)dim * sizeof(float);
  if (bytes <= run->fit.budget_bytes) return MN_OK;
  return mn_cli_fail(err, MN_ERR_BUDGET, "%zu features of %zu samples take %s, there are %s; take fewer with --n", dim,
                     samples, mn_number_bytes(bytes).text, mn_number_bytes(run->fit.budget_bytes).text);
}

mn_status mn_cli_interpolants_features(mn_cli_interpolants_run *run, mn_error *err)
{
  mn_scaling *pixels = NULL;
  mn_features *features = NULL;
  const mn_cli_fit_run *fit = &run->fit;
  if (fit->features.name == MN_FEATURES_NONE) return MN_OK;
  mn_status st = mn_scaling_open(values_of(run)->fit.scale, fit->train, &pixels, err);
  if (st) return st;
  const mn_samples train = mn_samples_of(fit->train, pixels);
  st = mn_features_open(&fit->features, &train, &run->cli->context, &features, err);
  if (!st) st = check_room(run, mn_features_dim(features), err);
  if (!st) st = compute(run->cli, features, fit->train, pixels, &run->train_features, err);
  if (!st && fit->test) st = compute(run->cli, features, fit->test, pixels, &run->test_features, err);
  if (!st) st = scale_both(run, err);
  run->train = run->train_features;
  run->test = run->test_features;
  run->options.scale = MN_SCALE_NONE;
  mn_features_close(&features);
  mn_scaling_close(&pixels);
  return st;
}

/* ---- forecast */

static const double gram_bytes_per_s = 5e9; /* at which a pass reads the Gram matrix, about */
static const double values_rate = 0.3;      /* of gemm's, at which eigenvalues are computed, about */

static mn_status forecast_features(mn_cli_interpolants_run *run, double *dim, mn_error *err)
{
  const mn_cli_fit_run *fit = &run->fit;
  mn_stream_options options = mn_stream_defaults(fit->features.name);
  mn_stream_forecast s;
  *dim = (double)fit->train->dim;
  if (fit->features.name == MN_FEATURES_NONE) return MN_OK;
  options.features = fit->features;
  options.scale = values_of(run)->fit.scale;
  mn_status st =
      mn_stream_predict_cost(fit->train, fit->test ? fit->test->n : 0, &options, &run->cli->context, &s, err);
  if (st) return st;
  *dim = (double)s.dim;
  run->features_s = s.features_s;
  return MN_OK;
}

/* Flops of a model of c centres: its norm, and its values at so many samples. */
static double measuring(double c, double samples, double dim)
{
  return c * dim * (c + 2 * samples);
}

/* Of every interpolant once it is there; of the direct one the values at the test samples alone. */
static double measuring_all(double n, double m, double dim)
{
  enum {
    FROM_ZERO = MN_CLI_MOMENTUM_OUTSIDE - MN_CLI_GRADIENT,
    OUTSIDE = MN_CLI_INTERPOLANTS_COUNT - MN_CLI_MOMENTUM_OUTSIDE
  };
  double forced = m > 0 ? measuring(n + m, n + m, dim) : 0;
  return 2 * n * m * dim + (1 + FROM_ZERO) * measuring(n, n + m, dim) +
         OUTSIDE * measuring(n + MN_DESCENT_START_POINTS, n + m, dim) + forced;
}

/* What features take: both sets of them, a copy of both with their forced labels, and the blocks of a pass. */
static double features_bytes(const mn_cli_interpolants_run *run, double n, double m, double dim)
{
  enum { ROWS = 1024, ELEMENTS = 1 << 25 };
  if (run->fit.features.name == MN_FEATURES_NONE) return 0;
  double blocks = mn_cli_threads(run->cli) * fmin(fmin(ROWS, n + m) * dim, ELEMENTS) * sizeof(double);
  return 2 * (n + m) * dim * sizeof(float) + blocks;
}

mn_status mn_cli_interpolants_forecast(mn_cli_interpolants_run *run, mn_error *err)
{
  const mn_cli_fit_run *fit = &run->fit;
  double n = (double)fit->train->n, m = fit->test ? (double)fit->test->n : 0, all = n + m, dim;
  mn_fit_options options = values_of(run)->fit;
  mn_forecast f;
  options.solve.need_factor = 1;
  mn_status st = forecast_features(run, &dim, err);
  if (!st) st = mn_fit_forecast(fit->train, fit->test ? fit->test->n : 0, NULL, &options, &run->cli->context, &f, err);
  if (st) return st;
  double measured = measuring_all(n, m, dim), direct = n * n * (dim + n / 3), centres = n * n * (4 * dim + 8 * n / 3),
         forced = m > 0 ? all * all * (dim + all / 3) : 0;
  double values = values_of(run)->curvature ? MN_LOSSES * MN_CLI_MINIMA * 4 * n * n * n / 3 : 0;
  run->gflops = f.gflops;
  run->flops = f.bandwidth_flops + direct + centres + forced + measured + values;
  run->seconds = run->features_s + f.bandwidth_s +
                 (direct + centres + forced + measured + values / values_rate) / (f.gflops * 1e9);
  run->pass_s = n * n * sizeof(double) / gram_bytes_per_s;
  run->bytes = f.bytes + features_bytes(run, n, m, dim);
  run->bytes += sizeof(double) * fmax(2 * n * n, m > 0 ? all * all / 2 : 0);
  return MN_OK;
}

void mn_cli_interpolants_forecast_line(const mn_cli_interpolants_run *run, FILE *out)
{
  fprintf(out,
          "minnorm: %s: forecast: %s of %s, %.2g flops, about %s at %.1f Gflop/s; then descents, about %s a pass and "
          "at most %s passes each\n",
          run->cli->command->name, mn_number_bytes(run->bytes).text, mn_number_bytes(run->fit.budget_bytes).text,
          run->flops, mn_number_seconds(run->seconds).text, run->gflops, mn_number_seconds(run->pass_s).text,
          mn_number_count(values_of(run)->descent.passes_max).text);
}

mn_status mn_cli_interpolants_forecast_json(const mn_cli_interpolants_run *run, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(run->cli, &j, err);
  if (st) return st;
  mn_report_flag(j, "dry_run", 1);
  mn_report_text(j, "dataset", run->fit.train->name);
  mn_report_count(j, "n_train", run->fit.train->n);
  mn_report_real(j, "threads", mn_cli_threads(run->cli));
  mn_report_real(j, "bytes", run->bytes);
  mn_report_real(j, "budget_bytes", run->fit.budget_bytes);
  mn_report_flag(j, "fits", run->bytes <= run->fit.budget_bytes);
  mn_report_real(j, "flops", run->flops);
  mn_report_real(j, "gemm_gflops", run->gflops);
  mn_report_real(j, "features_s", run->features_s);
  mn_report_real(j, "pass_s", run->pass_s);
  mn_report_real(j, "forecast_s", run->seconds);
  return mn_cli_report_finish(run->cli, &j, err);
}
