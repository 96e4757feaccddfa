/* What minnorm fit shows to people. */
#include <math.h>

#include "fit.h"

double mn_cli_fit_flops(const mn_forecast *f)
{
  return f->bandwidth_flops + f->gram_flops + f->factor_flops + f->residual_flops + f->predict_flops + f->loo_flops +
         f->complexity_flops;
}

int mn_cli_kernel_has_gamma(const mn_kernel *kernel)
{
  return kernel->name != MN_KERNEL_LINEAR && kernel->name != MN_KERNEL_ARCCOS1 && kernel->name != MN_KERNEL_NTK;
}

void mn_cli_describe_kernel(const mn_kernel *kernel, char *text, size_t size)
{
  int used = snprintf(text, size, "%s", mn_kernel_string(kernel->name));
  if (used < 0 || (size_t)used >= size) return;
  text += used;
  size -= (size_t)used;
  if (kernel->name == MN_KERNEL_POLYNOMIAL)
    snprintf(text, size, ", gamma %.4g, coef0 %.4g, degree %d", kernel->gamma, kernel->coef0, kernel->degree);
  else if (kernel->name == MN_KERNEL_NTK)
    snprintf(text, size, ", depth %d", kernel->depth);
  else if (mn_cli_kernel_has_gamma(kernel))
    snprintf(text, size, ", gamma %.4g", kernel->gamma);
}

void mn_cli_fit_forecast_line(const mn_cli *cli, const mn_cli_fit_run *run, FILE *out)
{
  const mn_forecast *f = &run->forecast;
  fprintf(out, "minnorm: %s: forecast: %s of %s, %.2g flops, about %s at %.1f Gflop/s\n", cli->command->name,
          mn_number_bytes(f->bytes).text, mn_number_bytes(run->budget_bytes).text, mn_cli_fit_flops(f),
          mn_number_seconds(f->total_s).text, f->gflops);
}

void mn_cli_fit_data_line(const mn_cli *cli, const mn_cli_fit_run *run)
{
  char features[96], mirror[64];
  mn_cli_describe_features(run->train, features, sizeof features);
  mn_cli_describe_mirror(cli, run->train->n, mirror, sizeof mirror);
  if (run->test)
    mn_cli_line("data", "%s: %s training%s and %s test samples, %s", run->train->name,
                mn_number_count(run->train->n).text, mirror, mn_number_count(run->test->n).text, features);
  else
    mn_cli_line("data", "%s: %s training samples%s, %s", run->train->name, mn_number_count(run->train->n).text, mirror,
                features);
  mn_cli_variant_line(cli);
}

static void weighed_line(double cg_s, double factor_s)
{
  if (isfinite(cg_s))
    mn_cli_line("weighed", "%s expected of cg, %s of the mixed factor", mn_number_seconds(cg_s).text,
                mn_number_seconds(factor_s).text);
}

static void forecast_row(const char *phase, double flops, double seconds)
{
  mn_cli_line(phase, "%9.2g flops  %12s", flops, mn_number_seconds(seconds).text);
}

void mn_cli_fit_forecast_table(const mn_cli *cli, const mn_cli_fit_run *run)
{
  const mn_forecast *f = &run->forecast;
  mn_cli_fit_data_line(cli, run);
  mn_cli_line("solver", "%s, %d threads, %.1f Gflop/s measured", mn_solver_string(f->solver), mn_cli_threads(cli),
              f->gflops);
  weighed_line(f->weighed_cg_s, f->weighed_factor_s);
  mn_cli_line("reading", "%15s  %12s", "", mn_number_seconds(run->before_s).text);
  const mn_stream_forecast *s = &run->stream_forecast;
  if (s->dim) {
    mn_cli_line("features", "%9s of them    %12s", mn_number_count(s->dim).text, mn_number_seconds(s->features_s).text);
    mn_cli_line("products", "%15s  %12s", mn_number_bytes(s->products_bytes).text,
                mn_number_seconds(s->products_s).text);
  }
  if (f->bandwidth_flops > 0) forecast_row("bandwidth", f->bandwidth_flops, f->bandwidth_s);
  if (f->allocate_s > 0) mn_cli_line("memory", "%15s  %12s", "", mn_number_seconds(f->allocate_s).text);
  forecast_row("gram", f->gram_flops, f->gram_s);
  forecast_row("factor", f->factor_flops, f->factor_s);
  forecast_row("residual", f->residual_flops, f->residual_s);
  if (f->loo_s > 0) forecast_row("left out", f->loo_flops, f->loo_s);
  if (f->complexity_s > 0) forecast_row("measures", f->complexity_flops, f->complexity_s);
  if (run->test) forecast_row("predict", f->predict_flops, f->predict_s);
  forecast_row("total", mn_cli_fit_flops(f), f->total_s);
  mn_cli_line("memory", "%s of %s%s", mn_number_bytes(f->bytes).text, mn_number_bytes(run->budget_bytes).text,
              f->bytes > run->budget_bytes ? ": does not fit" : "");
}

static void kernel_line(const mn_fit_report *r)
{
  char text[128];
  mn_cli_describe_kernel(&r->kernel, text, sizeof text);
  if (r->gamma_rule == MN_GAMMA_AUTO && r->gamma_count)
    mn_cli_line("kernel", "%s (best of %zu on %s samples)", text, r->gamma_count,
                mn_number_count(r->gamma_samples).text);
  else
    mn_cli_line("kernel", "%s%s", text,
                r->gamma_rule == MN_GAMMA_MEDIAN && mn_cli_kernel_has_gamma(&r->kernel) ? " (median)" : "");
}

static void solver_lines(const mn_cli *cli, const mn_fit_report *r)
{
  const mn_system_report *s = &r->system;
  mn_cli_line("solver", "%s, %s, ridge %s, %d threads", mn_solver_string(s->solver), mn_precision_string(s->precision),
              mn_number_real(r->ridge, 6).text, mn_cli_threads(cli));
  weighed_line(s->weighed_cg_s, s->weighed_factor_s);
  if (s->gram_kept != MN_GRAM_NONE)
    mn_cli_line("kept", "the Gram matrix in %s precision", mn_gram_kept_string(s->gram_kept));
  if (s->preconditioner_rank)
    mn_cli_line("cg", "%d iterations, preconditioner of rank %s", r->solution.iterations,
                mn_number_count(s->preconditioner_rank).text);
  if (s->disk_bytes) mn_cli_line("disk", "%s of factor out of core", mn_number_bytes((double)s->disk_bytes).text);
  if (s->resumed_panels) mn_cli_line("resumed", "after %s panels", mn_number_count(s->resumed_panels).text);
  if (r->merged) mn_cli_line("merged", "%s equal samples of equal targets", mn_number_count(r->merged).text);
  for (int i = 0; i < s->fallback_count; i++) mn_cli_line("fallback", "%s", s->fallbacks[i]);
  if (s->rank && s->rank < s->unknowns)
    mn_cli_line("rank", "%s of %s (tolerance %s)", mn_number_count(s->rank).text, mn_number_count(s->unknowns).text,
                mn_number_real(s->rank_tolerance, 3).text);
}

static void pair_line(const char *label, mn_number train, mn_number test, int has_test)
{
  if (has_test)
    mn_cli_line(label, "%12s %12s", train.text, test.text);
  else
    mn_cli_line(label, "%12s", train.text);
}

static void loo_lines(const mn_fit_report *r)
{
  if (isnan(r->loo_mse)) return;
  if (r->classes)
    mn_cli_line("left out", "%12s error, %s square error, gcv %s", mn_number_percent(r->loo_error).text,
                mn_number_real(r->loo_mse, 4).text, mn_number_real(r->loo.gcv, 4).text);
  else
    mn_cli_line("left out", "%12s rmse, gcv %s", mn_number_real(sqrt(r->loo_mse / (double)r->outputs), 4).text,
                mn_number_real(r->loo.gcv, 4).text);
  if (r->loo.probes)
    mn_cli_line("", "the inverse's diagonal is good to %s, as %zu samples show",
                mn_number_real(r->loo.diagonal_error, 2).text, r->loo.probes);
}

static void quality_lines(const mn_cli_fit_run *run, const mn_fit_report *r)
{
  int has_test = run->test != NULL;
  const mn_metrics *m = &run->predictions.metrics;
  putchar('\n');
  pair_line("", (mn_number){"training"}, (mn_number){"test"}, has_test);
  if (r->classes) {
    pair_line("error", mn_number_percent(r->train_error), mn_number_percent(m->error), has_test);
  } else {
    pair_line("rmse", mn_number_real(r->train_rmse, 4), mn_number_real(m->rmse, 4), has_test);
    pair_line("R2", mn_number_real(r->train_r2, 4), mn_number_real(m->r2, 4), has_test);
  }
  loo_lines(r);
  mn_cli_line("norm", "%12s", mn_number_real(r->norm, 6).text);
  mn_cli_measures_lines(r);
  mn_cli_line("residual", "%12s%s", mn_number_real(r->solution.residual, 2).text,
              r->solution.converged ? "" : ": not what was asked for");
  mn_cli_line("rcond", "%12s", mn_number_real(r->system.rcond, 2).text);
}

static void time_line(const char *phase, double seconds, double gflops)
{
  if (isfinite(gflops))
    mn_cli_line(phase, "%12s %12.1f Gflop/s", mn_number_seconds(seconds).text, gflops);
  else
    mn_cli_line(phase, "%12s", mn_number_seconds(seconds).text);
}

static void time_lines(const mn_cli *cli, const mn_cli_fit_run *run, const mn_fit_report *r)
{
  const double none = (double)NAN;
  putchar('\n');
  if (run->features.name != MN_FEATURES_NONE) {
    time_line("features", run->stream.open_s + run->stream.features_s, none);
    time_line("products", run->stream.products_s, run->stream.products_gflops);
  }
  if (r->gamma_count) time_line("bandwidth", r->bandwidth_s, none);
  if (isfinite(r->system.allocate_s)) time_line("memory", r->system.allocate_s, none);
  if (isfinite(r->system.gram_s)) time_line("gram", r->system.gram_s, r->system.gram_gflops);
  time_line("factor", r->system.factor_s, r->system.factor_gflops);
  time_line("solve", r->solution.solve_s, none);
  if (!r->system.primal) time_line("residual", r->solution.refine_s, none);
  if (!isnan(r->loo_mse)) time_line("left out", r->loo.seconds, none);
  if (r->measures.of_factor.draws) time_line("measures", r->measures.of_factor.seconds, none);
  if (run->test) time_line("predict", run->predictions.predict_s, none);
  mn_cli_line("total", "%12s %12s memory", mn_number_seconds(mn_report_now_s() - cli->start_s).text,
              mn_number_bytes((double)mn_report_peak_rss_bytes()).text);
}

void mn_cli_fit_table(const mn_cli *cli, const mn_cli_fit_run *run)
{
  const mn_fit_report *r = mn_model_report(run->model);
  mn_cli_fit_data_line(cli, run);
  mn_cli_fit_products_line(run);
  if (r->classes)
    mn_cli_line("task", "classification, %zu classes", r->classes);
  else
    mn_cli_line("task", "regression, %zu target%s", r->outputs, r->outputs == 1 ? "" : "s");
  kernel_line(r);
  mn_cli_fit_select_line(run);
  solver_lines(cli, r);
  quality_lines(run, r);
  time_lines(cli, run, r);
}
