/* What minnorm fit writes with --json. */
#include <math.h>

#include "fit.h"

void mn_cli_report_kernel(mn_report *report, const mn_kernel *kernel)
{
  const double none = (double)NAN;
  int polynomial = kernel->name == MN_KERNEL_POLYNOMIAL, ntk = kernel->name == MN_KERNEL_NTK;
  mn_report_text(report, "name", mn_kernel_string(kernel->name));
  mn_report_real(report, "gamma", mn_cli_kernel_has_gamma(kernel) ? kernel->gamma : none);
  mn_report_real(report, "coef0", polynomial ? kernel->coef0 : none);
  mn_report_real(report, "degree", polynomial ? kernel->degree : none);
  mn_report_real(report, "depth", ntk ? kernel->depth : none);
}

/* The text of an option of the fit, as the table of options writes it. */
static void option_text(mn_report *report, const char *key, const mn_fit_options *options)
{
  size_t count;
  char text[64];
  const mn_option *table = mn_fit_option_table(&count);
  mn_option_get(mn_option_find(table, count, key), options, text, sizeof text);
  mn_report_text(report, key, text);
}

void mn_cli_report_task(mn_report *report, size_t classes, const mn_fit_options *options)
{
  option_text(report, "scale", options);
  mn_report_text(report, "task", classes ? "classification" : "regression");
  if (classes)
    option_text(report, "targets", options);
  else
    mn_report_null(report, "targets");
}

static void sizes(mn_report *j, const mn_cli *cli, const mn_cli_fit_run *run, size_t n_train)
{
  mn_report_text(j, "dataset", run->train->name);
  mn_report_count(j, "n_train", n_train);
  if (run->test)
    mn_report_count(j, "n_test", run->test->n);
  else
    mn_report_null(j, "n_test");
  mn_report_count(j, "dim", run->train->dim);
  mn_report_flag(j, "mirror", cli->values.mirror);
  mn_cli_report_variant(cli, j);
}

static void gamma_search(mn_report *j, const mn_fit_report *r)
{
  if (!r->gamma_samples) {
    mn_report_null(j, "search");
    return;
  }
  mn_report_begin_object(j, "search");
  mn_report_count(j, "samples", r->gamma_samples);
  mn_report_real(j, "median", r->median);
  mn_report_begin_list(j, "points");
  for (size_t i = 0; i < r->gamma_count; i++) {
    const mn_gamma_point *p = &r->gamma_points[i];
    mn_report_begin_object(j, NULL);
    mn_report_real(j, "gamma", p->gamma);
    mn_report_real(j, "multiple", p->multiple);
    mn_report_real(j, "loo_mse", p->loo_mse);
    mn_report_real(j, "loo_error", p->loo_error);
    mn_report_end(j);
  }
  mn_report_end(j);
  mn_report_end(j);
}

static const char *rule_name(const mn_fit_report *r)
{
  static const char *const names[] = {
      [MN_GAMMA_AUTO] = "auto", [MN_GAMMA_MEDIAN] = "median", [MN_GAMMA_GIVEN] = "given"};
  return mn_cli_kernel_has_gamma(&r->kernel) ? names[r->gamma_rule] : NULL;
}

static void setting(mn_report *j, const mn_cli *cli, const mn_cli_fit_run *run, const mn_fit_report *r)
{
  const mn_fit_options *o = &cli->values.fit;
  mn_cli_fit_report_features(j, run);
  mn_report_begin_object(j, "kernel");
  mn_cli_report_kernel(j, &r->kernel);
  mn_report_text(j, "gamma_rule", rule_name(r));
  gamma_search(j, r);
  mn_report_end(j);
  mn_cli_report_task(j, r->classes, o);
  mn_report_flag(j, "center", o->center);
  mn_report_real(j, "ridge", r->ridge);
  mn_report_real(j, "corrupt", o->corrupt);
  mn_report_count(j, "seed", o->seed);
}

static void system_members(mn_report *j, const mn_fit_report *r)
{
  const mn_system_report *s = &r->system;
  mn_report_text(j, "solver", mn_solver_string(s->solver));
  mn_report_text(j, "precision", mn_precision_string(s->precision));
  mn_report_text(j, "gram_kept", mn_gram_kept_string(s->gram_kept));
  mn_report_real(j, "shift", s->shift);
  if (s->preconditioner_rank)
    mn_report_count(j, "preconditioner_rank", s->preconditioner_rank);
  else
    mn_report_null(j, "preconditioner_rank");
  mn_report_count(j, "resumed_panels", s->resumed_panels);
  mn_report_count(j, "disk_bytes", s->disk_bytes);
  mn_report_real(j, "disk_read_bytes", s->disk_read_bytes);
  mn_report_real(j, "weighed_cg_s", s->weighed_cg_s);
  mn_report_real(j, "weighed_factor_s", s->weighed_factor_s);
  mn_report_begin_list(j, "fallbacks");
  for (int i = 0; i < s->fallback_count; i++) mn_report_text(j, NULL, s->fallbacks[i]);
  mn_report_end(j);
  mn_report_count(j, "unknowns", s->unknowns);
  mn_report_flag(j, "primal", s->primal);
  mn_report_count(j, "merged", r->merged);
  mn_report_real(j, "rcond", s->rcond);
  if (s->rank)
    mn_report_count(j, "rank", s->rank);
  else
    mn_report_null(j, "rank");
  mn_report_real(j, "rank_tolerance", s->rank_tolerance);
}

static void times(mn_report *j, const mn_cli_fit_run *run, const mn_fit_report *r)
{
  const double none = (double)NAN;
  int streamed = run->features.name != MN_FEATURES_NONE;
  mn_report_real(j, "features_s", streamed ? run->stream.open_s + run->stream.features_s : none);
  mn_report_real(j, "products_s", streamed ? run->stream.products_s : none);
  mn_report_real(j, "products_save_s", streamed ? run->stream.save_s : none);
  mn_report_real(j, "products_gflops", streamed ? run->stream.products_gflops : none);
  mn_report_real(j, "bandwidth_s", r->bandwidth_s);
  mn_report_real(j, "allocate_s", r->system.allocate_s);
  mn_report_real(j, "gram_s", r->system.gram_s);
  mn_report_real(j, "factor_s", r->system.factor_s);
  mn_report_real(j, "refine_s", r->solution.refine_s);
  mn_report_real(j, "solve_s", r->solution.solve_s);
  mn_report_real(j, "fit_s", r->fit_s);
  mn_report_real(j, "predict_s", run->test ? run->predictions.predict_s : (double)NAN);
  mn_report_real(j, "gram_gflops", r->system.gram_gflops);
  mn_report_real(j, "factor_gflops", r->system.factor_gflops);
}

static void loo(mn_report *j, const mn_fit_report *r)
{
  const mn_leave_one_out *l = &r->loo;
  mn_report_real(j, "loo_error", r->loo_error);
  mn_report_real(j, "loo_mse", r->loo_mse);
  if (r->loo_error_per_class)
    mn_report_reals(j, "loo_error_per_class", r->outputs, r->loo_error_per_class);
  else
    mn_report_null(j, "loo_error_per_class");
  mn_report_real(j, "gcv", l->gcv);
  mn_report_real(j, "loo_diagonal_error", l->diagonal_error);
  mn_report_count(j, "loo_probes", l->probes);
  mn_report_real(j, "loo_s", isnan(r->loo_mse) ? (double)NAN : l->seconds);
}

static void quality(mn_report *j, const mn_cli_fit_run *run, const mn_fit_report *r)
{
  const double none = (double)NAN;
  const mn_metrics *m = &run->predictions.metrics;
  mn_report_real(j, "train_error", r->train_error);
  mn_report_real(j, "test_error", run->test ? m->error : none);
  mn_report_real(j, "train_rmse", r->train_rmse);
  mn_report_real(j, "test_rmse", run->test ? m->rmse : none);
  mn_report_real(j, "train_r2", r->train_r2);
  mn_report_real(j, "r2", run->test ? m->r2 : none);
  if (r->system.solver == MN_SOLVER_CG)
    mn_report_count(j, "iterations", (uint64_t)r->solution.iterations);
  else
    mn_report_null(j, "iterations");
  mn_report_flag(j, "converged", r->solution.converged);
  mn_report_real(j, "refinements", r->solution.refinements);
  mn_report_real(j, "norm", r->norm);
  mn_report_reals(j, "norm_per_class", r->outputs, r->norm_per_output);
  mn_report_real(j, "residual", r->solution.residual);
  mn_report_real(j, "gradient", r->solution.gradient);
  loo(j, r);
  mn_cli_measures_json(j, r);
}

void mn_cli_fit_report_members(mn_report *j, const mn_cli *cli, const mn_cli_fit_run *run, const mn_fit_report *r)
{
  mn_info info;
  mn_info_get(&info);
  sizes(j, cli, run, r->n_train);
  if (r->classes)
    mn_report_count(j, "classes", r->classes);
  else
    mn_report_null(j, "classes");
  mn_report_count(j, "outputs", r->outputs);
  setting(j, cli, run, r);
  mn_report_real(j, "threads", mn_cli_threads(cli));
  mn_report_text(j, "blas", info.blas);
  mn_cli_fit_select_json(j, run);
  system_members(j, r);
  times(j, run, r);
  quality(j, run, r);
}

mn_status mn_cli_fit_json(const mn_cli *cli, const mn_cli_fit_run *run, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_cli_fit_report_members(j, cli, run, mn_model_report(run->model));
  return mn_cli_report_finish(cli, &j, err);
}

mn_status mn_cli_fit_forecast_json(const mn_cli *cli, const mn_cli_fit_run *run, mn_error *err)
{
  const mn_forecast *f = &run->forecast;
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_report_flag(j, "dry_run", 1);
  sizes(j, cli, run, run->train->n);
  mn_report_text(j, "solver", mn_solver_string(f->solver));
  mn_report_real(j, "threads", mn_cli_threads(cli));
  mn_report_real(j, "bytes", f->bytes);
  mn_report_real(j, "budget_bytes", run->budget_bytes);
  mn_report_flag(j, "fits", f->bytes <= run->budget_bytes);
  mn_report_real(j, "flops", mn_cli_fit_flops(f));
  mn_report_real(j, "bandwidth_flops", f->bandwidth_flops);
  mn_report_real(j, "gram_flops", f->gram_flops);
  mn_report_real(j, "factor_flops", f->factor_flops);
  mn_report_real(j, "residual_flops", f->residual_flops);
  mn_report_real(j, "predict_flops", f->predict_flops);
  mn_report_real(j, "loo_flops", f->loo_flops);
  mn_report_real(j, "measures_flops", f->complexity_flops);
  mn_report_real(j, "gemm_gflops", f->gflops);
  mn_report_real(j, "reading_s", run->before_s);
  mn_report_real(j, "features_s", run->stream_forecast.features_s);
  mn_report_real(j, "products_s", run->stream_forecast.products_s);
  mn_report_real(j, "products_bytes", run->stream_forecast.products_bytes);
  mn_report_real(j, "bandwidth_s", f->bandwidth_s);
  mn_report_real(j, "allocate_s", f->allocate_s);
  mn_report_real(j, "gram_s", f->gram_s);
  mn_report_real(j, "factor_s", f->factor_s);
  mn_report_real(j, "residual_s", f->residual_s);
  mn_report_real(j, "predict_s", f->predict_s);
  mn_report_real(j, "loo_s", f->loo_s);
  mn_report_real(j, "measures_s", f->complexity_s);
  mn_report_real(j, "total_s", f->total_s); /* expected, as the rest */
  mn_report_real(j, "weighed_cg_s", f->weighed_cg_s);
  mn_report_real(j, "weighed_factor_s", f->weighed_factor_s);
  st = mn_report_write(j, cli->values.json, err);
  mn_report_close(&j);
  return st;
}
