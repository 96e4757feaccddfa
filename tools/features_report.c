/* Table and JSON of minnorm features. */
#include <math.h>

#include "features.h"

double mn_cli_features_bytes(const mn_cli_features_run *run)
{
  return (double)run->images.n * (double)mn_features_dim(run->map) * sizeof(float);
}

static double flops_of(const mn_cli_features_run *run)
{
  return (double)run->images.n * mn_features_flops(run->map);
}

/* Of all samples, measured or expected; NaN: neither. */
static double compute_s_of(const mn_cli_features_run *run)
{
  return isfinite(run->forecast_s) ? run->forecast_s : run->seconds.compute_s;
}

/* "1.25 Gflop", three digits. */
static mn_number flop_text(double flops)
{
  static const char *const units[] = {"flop", "Kflop", "Mflop", "Gflop", "Tflop", "Pflop"};
  mn_number out;
  size_t i = 0;
  for (; flops >= 999.5 && i < 5; i++) flops /= 1000;
  snprintf(out.text, sizeof out.text, "%.3g %s", flops, units[i]);
  return out;
}

static void rate_line(const mn_cli_features_run *run)
{
  double seconds = compute_s_of(run), gflops = flops_of(run) / seconds * 1e-9;
  char gemm[80] = "";
  if (!isfinite(seconds)) return;
  if (isfinite(run->sgemm_gflops))
    snprintf(gemm, sizeof gemm, ", %.0f %% of sgemm's %.1f", 100 * gflops / run->sgemm_gflops, run->sgemm_gflops);
  mn_cli_line(isfinite(run->forecast_s) ? "expected" : "features", "%s, %.4g samples/s, %.1f Gflop/s%s",
              mn_number_seconds(seconds).text, (double)run->images.n / seconds, gflops, gemm);
}

static void file_lines(const mn_cli_values *v, const mn_cli_features_run *run)
{
  double bytes = mn_cli_features_bytes(run);
  if (isfinite(run->seconds.write_s))
    mn_cli_line("write", "%s, %s/s", mn_number_seconds(run->seconds.write_s).text,
                mn_number_bytes(bytes / run->seconds.write_s).text);
  if (!isnan(run->room_bytes))
    mn_cli_line("disk", "%s of %s free%s", mn_number_bytes(bytes).text, mn_number_bytes(run->room_bytes).text,
                bytes <= run->room_bytes ? "" : ": does not fit");
  if (v->dry_run) return;
  if (v->out) mn_cli_line("written", "%s", v->out);
  if (v->draw) mn_cli_line("drawn", "%s", v->draw);
  if (v->draw_images) mn_cli_line("drawn", "%s", v->draw_images);
}

void mn_cli_features_table(const mn_cli *cli, const mn_cli_features_run *run)
{
  char pixels[96], mirror[64], map[160];
  const mn_data *data = run->images.data;
  const char *engine = mn_features_engine(run->map);
  size_t dim = mn_features_dim(run->map), block = mn_features_block(run->map, run->images.n, &cli->context);
  mn_cli_describe_features(data, pixels, sizeof pixels);
  mn_cli_describe_mirror(cli, run->test ? 0 : data->n, mirror, sizeof mirror);
  mn_cli_describe_map(cli, mn_features_info(run->map), map, sizeof map);
  mn_cli_line("data", "%s: %s %s samples%s, %s", data->name, mn_number_count(data->n).text,
              run->test ? "test" : "training", run->test ? "" : mirror, pixels);
  mn_cli_variant_line(cli);
  mn_cli_line("map", "%s%s%s", map, *engine ? ", engine " : "", engine);
  mn_cli_line("size", "%s features in %s groups, %s; %s in memory at once", mn_number_count(dim).text,
              mn_number_count(mn_features_groups(run->map)).text, mn_number_bytes(mn_cli_features_bytes(run)).text,
              mn_number_bytes((double)block * (double)dim * sizeof(float)).text);
  mn_cli_line("cost", "%s a sample, %s in all", flop_text(mn_features_flops(run->map)).text,
              flop_text(flops_of(run)).text);
  mn_cli_line("opened", "%s", mn_number_seconds(run->open_s).text);
  rate_line(run);
  file_lines(&cli->values, run);
}

static void json_sizes(mn_report *j, const mn_cli *cli, const mn_cli_features_run *run)
{
  const char *engine = mn_features_engine(run->map);
  size_t dim = mn_features_dim(run->map), block = mn_features_block(run->map, run->images.n, &cli->context);
  mn_report_text(j, "dataset", run->images.data->name);
  mn_report_text(j, "part", mn_cli_part_name(run->test ? MN_TEST : MN_TRAIN));
  mn_report_count(j, "n_train", run->train->n);
  mn_report_count(j, "n", run->images.n);
  mn_report_flag(j, "mirror", cli->values.mirror);
  mn_cli_report_variant(cli, j);
  mn_report_count(j, "dim", run->train->dim);
  mn_report_text(j, "scale", mn_scale_string(run->scaling->kind));
  mn_report_begin_object(j, "features");
  mn_cli_report_map(j, cli, mn_features_info(run->map));
  mn_report_count(j, "dim", dim);
  mn_report_count(j, "groups", mn_features_groups(run->map));
  mn_report_text(j, "engine_used", *engine ? engine : NULL);
  mn_report_real(j, "flops", mn_features_flops(run->map));
  mn_report_end(j);
  mn_report_real(j, "bytes", mn_cli_features_bytes(run));
  mn_report_count(j, "block", block);
  mn_report_real(j, "block_bytes", (double)block * (double)dim * sizeof(float));
}

mn_status mn_cli_features_json(const mn_cli *cli, const mn_cli_features_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  double seconds = compute_s_of(run), gflops = flops_of(run) / seconds * 1e-9;
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_report_flag(j, "dry_run", v->dry_run);
  json_sizes(j, cli, run);
  mn_report_real(j, "threads", mn_cli_threads(cli));
  mn_report_real(j, "flops", flops_of(run));
  mn_report_real(j, "open_s", run->open_s);
  mn_report_real(j, "features_s", seconds); /* of a dry run: expected */
  mn_report_real(j, "write_s", run->seconds.write_s);
  mn_report_real(j, "samples_per_s", (double)run->images.n / seconds);
  mn_report_real(j, "gflops", gflops);
  mn_report_real(j, "sgemm_gflops", run->sgemm_gflops);
  mn_report_real(j, "sgemm_ratio", gflops / run->sgemm_gflops);
  mn_report_real(j, "room_bytes", run->room_bytes);
  mn_report_text(j, "out", v->dry_run ? NULL : v->out);
  mn_report_text(j, "draw", v->dry_run ? NULL : v->draw);
  mn_report_text(j, "draw_images", v->dry_run ? NULL : v->draw_images);
  return mn_cli_report_finish(cli, &j, err);
}
