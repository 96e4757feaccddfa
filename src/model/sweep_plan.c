/* What a sweep will take: how many points at once, and the forecast of all factors. */
#include <math.h>

#include "core/status.h"
#include "gram/kernels.h"
#include "linalg/threads.h"
#include "model/sweep.h"

mn_fit_options mn_sweep_fit_options(const mn_sweep_options *options, const mn_sweep_place *place)
{
  mn_fit_options fit = options->fit;
  fit.corrupt = 0;
  fit.solve.ridge = place->ridge;
  if (isnan(place->gamma)) return fit;
  fit.gamma_rule = MN_GAMMA_GIVEN;
  fit.kernel.gamma = place->gamma;
  return fit;
}

/* Ridges from which on an eigendecomposition is cheaper than a Cholesky factor for each. */
enum { EIGEN_FROM = 27 };

static size_t count_positive(const mn_sweep_options *o)
{
  size_t count = 0;
  for (size_t i = 0; i < o->ridge_count; i++) count += o->ridges[i] > 0;
  return count;
}

int mn_sweep_may_share(const mn_sweep_options *o, double ridge)
{
  const mn_solve_options *solve = &o->fit.solve;
  int searches = o->fit.gamma_rule == MN_GAMMA_AUTO && mn_kernel_find(o->fit.kernel.name)->has_gamma;
  if (o->ridge_count < 2 || (searches && !o->gamma_count)) return 0;
  if (solve->solver == MN_SOLVER_EIGEN) return 1;
  if (solve->solver != MN_SOLVER_AUTO || solve->precision != MN_PRECISION_AUTO || solve->interpolate) return 0;
  if (solve->checkpoint || solve->scratch || !mn_kernel_semidefinite(&o->fit.kernel)) return 0;
  return ridge > 0 && count_positive(o) >= EIGEN_FROM;
}

int mn_sweep_shares(const mn_sweep_options *o, const mn_data *head, double ridge, const mn_context *ctx)
{
  if (!mn_sweep_may_share(o, ridge)) return 0;
  const mn_scaling scaling = {.kind = MN_SCALE_NONE, .dim = head->dim}; /* which takes no memory of its own */
  mn_system planned = {.samples = mn_samples_of(head, &scaling), .kernel = o->fit.kernel};
  planned.options = mn_fit_solve_options(&o->fit, 0);
  planned.options.solver = MN_SOLVER_EIGEN;
  planned.threads = mn_threads_open(ctx);
  return o->fit.solve.solver == MN_SOLVER_EIGEN ||
         mn_solver_check_room(mn_solver_choose(&planned), &planned, NULL) == MN_OK;
}

/* With the values of predictions, and their scores. */
static int fits(mn_system *planned, size_t n_test, size_t outputs, size_t points)
{
  planned->options.columns = points * outputs;
  double predictions = (double)n_test * (double)((points + 1) * outputs) * sizeof(double);
  double need = mn_solver_bytes(mn_solver_choose(planned), planned) + predictions;
  return need <= mn_solver_room(&planned->options);
}

size_t mn_sweep_together(const mn_fitting *f, size_t n_test, size_t left, const mn_context *ctx)
{
  mn_system planned = mn_fitting_planned(f, 0, ctx);
  size_t most = left;
  if (f->model->options.solve.interpolate) return 1;
  for (size_t parts = 2; most > 1 && !fits(&planned, n_test, f->model->outputs, most); parts++)
    most = (left + parts - 1) / parts;
  return most;
}

static mn_status plan(const mn_data *head, size_t n_test, const mn_products *products, const mn_fit_options *fit,
                      size_t labels, const mn_context *ctx, size_t *together, mn_error *err)
{
  mn_fitting f;
  mn_encoded e = {0};
  mn_status st = mn_fitting_begin(&f, head, products, fit, err);
  if (!st) st = mn_encode_targets(head, fit, &e, err);
  if (!st) {
    f.model->outputs = e.outputs;
    *together = mn_sweep_together(&f, n_test, labels, ctx);
  }
  mn_encoded_close(&e);
  mn_fitting_close(&f);
  return st;
}

/* Adds `factors` like this one, which serve so many ridges each, whose points are solved in so many parts. */
static void add(mn_forecast *sum, const mn_forecast *one, double factors, double ridges, double parts)
{
  parts *= ridges;
  sum->bandwidth_flops += factors * one->bandwidth_flops, sum->bandwidth_s += factors * one->bandwidth_s;
  sum->allocate_s += factors * one->allocate_s;
  sum->gram_flops += factors * one->gram_flops, sum->gram_s += factors * one->gram_s;
  sum->factor_flops += factors * one->factor_flops, sum->factor_s += factors * one->factor_s;
  sum->residual_flops += factors * parts * one->residual_flops, sum->residual_s += factors * parts * one->residual_s;
  sum->predict_flops += factors * parts * one->predict_flops, sum->predict_s += factors * parts * one->predict_s;
  sum->loo_flops += factors * ridges * one->loo_flops, sum->loo_s += factors * ridges * one->loo_s;
  sum->complexity_flops += factors * ridges * one->complexity_flops;
  sum->complexity_s += factors * ridges * one->complexity_s;
  sum->bytes = fmax(sum->bytes, one->bytes);
  sum->gflops = one->gflops;
  sum->solver = one->solver;
}

/* The factors of so many ridges of one number of samples: one for all of them, or one each. */
static mn_status add_ridges(const mn_data *head, size_t n_test, const mn_products *products, const mn_sweep_options *o,
                            size_t ridges, int shared, const mn_context *ctx, mn_forecast *sum, size_t *together,
                            mn_error *err)
{
  mn_forecast one;
  size_t labels = mn_sweep_labels(o), gammas = o->gamma_count ? o->gamma_count : 1;
  const mn_sweep_place place = mn_sweep_place_of(o, 0);
  mn_fit_options fit = mn_sweep_fit_options(o, &place);
  if (!ridges) return MN_OK;
  if (shared) fit.solve.solver = MN_SOLVER_EIGEN;
  mn_status st = plan(head, n_test, products, &fit, labels, ctx, together, err);
  if (st) return st;
  fit.solve.need_factor |= *together < labels;
  if ((st = mn_forecast_targets(head, n_test, products, &fit, *together, ctx, &one, err))) return st;
  double parts = ceil((double)labels / (double)*together);
  add(sum, &one, (double)(gammas * (shared ? 1 : ridges)), (double)(shared ? ridges : 1), parts);
  sum->weighed_cg_s = one.weighed_cg_s, sum->weighed_factor_s = one.weighed_factor_s;
  return MN_OK;
}

static mn_status add_size(const mn_data *head, size_t n_test, const mn_products *products, const mn_sweep_options *o,
                          const mn_context *ctx, mn_forecast *sum, size_t *together, mn_error *err)
{
  size_t all = o->ridge_count ? o->ridge_count : 1, shared = 0;
  double ridge = 0;
  for (size_t i = 0; i < o->ridge_count; i++)
    if (mn_sweep_may_share(o, o->ridges[i])) ridge = o->ridges[i], shared++;
  if (shared && !mn_sweep_shares(o, head, ridge, ctx)) shared = 0;
  mn_status st = add_ridges(head, n_test, products, o, all - shared, 0, ctx, sum, together, err);
  return st ? st : add_ridges(head, n_test, products, o, shared, 1, ctx, sum, together, err);
}

mn_status mn_sweep_forecast(const mn_data *train, size_t n_test, const mn_products *products,
                            const mn_sweep_options *options, const mn_context *ctx, mn_forecast *out, size_t *together,
                            mn_error *err)
{
  *out = (mn_forecast){0};
  *together = 0;
  mn_status st = mn_sweep_check(options, train, err);
  for (size_t i = 0; !st && i < (options->n_count ? options->n_count : 1); i++) {
    mn_data head = *train;
    if (options->n_count) head.n = options->n[i];
    st = add_size(&head, n_test, products, options, ctx, out, together, err);
  }
  out->total_s = out->bandwidth_s + out->allocate_s + out->gram_s + out->factor_s + out->residual_s + out->predict_s;
  out->total_s += out->loo_s + out->complexity_s;
  return st;
}
