/* Bandwidth and ridge by leave-one-out: every pair of two lists, on the training set alone. */
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "linalg/threads.h"
#include "model/model.h"
#include "model/search.h"

mn_select_options mn_select_defaults(void)
{
  return (mn_select_options){.ridge_count = 7, .ridges = {0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1}, .samples = 4000};
}

/* Multiples of the inverse median that are tried when no bandwidths are given. */
static const double multiples[] = {0.125, 0.25, 0.5, 1, 2, 3, 4, 6, 8};
enum { MULTIPLES = sizeof multiples / sizeof *multiples };

typedef struct {
  mn_search base;
  const mn_context *ctx; /* the caller's own; the passes' progress is shown as steps of this one */
  const mn_selection *selection;
  size_t total;
} selecting;

static int forward_progress(void *user, const mn_progress *inner)
{
  (void)inner;
  const selecting *s = user;
  mn_progress p = {"select", (double)s->selection->count, (double)s->total, "step"};
  return s->ctx && s->ctx->progress ? s->ctx->progress(s->ctx->user, &p) : 0;
}

static mn_status check_list(const char *name, size_t count, const double *values, double least, mn_error *err)
{
  if (count > MN_SELECT_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu values of %s: at most %d expected", count, name, (int)MN_SELECT_MAX);
  for (size_t i = 0; i < count; i++)
    if (!(values[i] >= least) || !isfinite(values[i]))
      return MN_FAIL(err, MN_ERR_ARGUMENT, "%s %g: a finite number of at least %g expected", name, values[i], least);
  return MN_OK;
}

static mn_status check(const mn_select_options *select, const mn_fit_options *options, mn_error *err)
{
  if (!select->ridge_count) return MN_FAIL(err, MN_ERR_ARGUMENT, "at least one ridge expected to select from");
  mn_status st = check_list("ridge", select->ridge_count, select->ridges, 0, err);
  if (!st) st = check_list("gamma", select->gamma_count, select->gammas, 0x1p-1022, err);
  mn_kernel kernel = options->kernel;
  if (options->gamma_rule != MN_GAMMA_GIVEN) kernel.gamma = 1;
  return st ? st : mn_kernel_check(&kernel, err);
}

/* The bandwidths to try; one, of no effect, for a kernel without. Returns how many. */
static size_t list_gammas(const selecting *s, const mn_select_options *select, double median, double *gammas)
{
  if (!s->base.row->has_gamma) {
    gammas[0] = s->base.options->kernel.gamma;
    return 1;
  }
  for (size_t g = 0; g < select->gamma_count; g++) gammas[g] = select->gammas[g];
  for (size_t g = 0; g < MULTIPLES && !select->gamma_count; g++) gammas[g] = multiples[g] / median;
  return select->gamma_count ? select->gamma_count : MULTIPLES;
}

static mn_status try_all(selecting *s, const mn_select_options *select, int classes, mn_selection *out, mn_error *err)
{
  double gammas[MN_SELECT_MAX];
  mn_status st = s->base.row->has_gamma ? mn_search_median(&s->base, &out->median, err) : MN_OK;
  size_t count = st ? 0 : list_gammas(s, select, out->median, gammas);
  s->total = count * select->ridge_count;
  for (size_t g = 0; g < count; g++)
    for (size_t r = 0; r < select->ridge_count; r++) {
      mn_select_point *point = &out->points[out->count];
      mn_kernel kernel = s->base.options->kernel;
      mn_search_score score;
      kernel.gamma = gammas[g];
      if ((st = mn_search_try(&s->base, &kernel, select->ridges[r], classes, &score, err))) return st;
      *point = (mn_select_point){s->base.row->has_gamma ? kernel.gamma : NAN, select->ridges[r], score.loo_mse,
                                 score.loo_error, score.gcv};
      out->count++;
    }
  return st;
}

static int is_better(mn_select_by by, const mn_select_point *a, const mn_select_point *b)
{
  if (by == MN_SELECT_BY_ERROR && a->loo_error != b->loo_error) return a->loo_error < b->loo_error;
  return a->loo_mse < b->loo_mse;
}

/* The best regular one, and of equals the first. */
static mn_status choose(mn_select_by by, mn_selection *out, mn_fit_options *options, mn_error *err)
{
  const mn_select_point *best = NULL;
  for (size_t i = 0; i < out->count; i++)
    if (!isnan(out->points[i].loo_mse) && (!best || is_better(by, &out->points[i], best))) best = &out->points[i];
  if (!best)
    return MN_FAIL(err, MN_ERR_SINGULAR,
                   "none of %zu pairs of bandwidth and ridge gives a regular system: offer a larger ridge", out->count);
  out->best = (size_t)(best - out->points);
  if (!isnan(best->gamma)) options->kernel.gamma = best->gamma;
  options->gamma_rule = MN_GAMMA_GIVEN;
  options->solve.ridge = best->ridge;
  return MN_OK;
}

mn_status mn_fit_select(const mn_data *train, const mn_products *products, const mn_select_options *select,
                        mn_fit_options *options, const mn_context *ctx, mn_selection *out, mn_error *err)
{
  double begin_s = mn_clock_s();
  mn_encoded encoded = {0};
  mn_scaling *scaling = NULL;
  *out = (mn_selection){.by = select->by, .median = NAN};
  mn_status st = check(select, options, err);
  if (!st && products) st = mn_products_check(products, train, NULL, err);
  if (st) return st;
  selecting s = {.ctx = ctx, .selection = out, .total = 1};
  s.base = (mn_search){.options = options, .row = mn_kernel_find(options->kernel.name)};
  s.base.threads = mn_threads_open(ctx);
  s.base.inner = (mn_context){.threads = s.base.threads, .progress = forward_progress, .user = &s};
  size_t most = select->samples ? select->samples : train->n;
  st = mn_encode_targets(train, options, &encoded, err);
  if (!st && select->by == MN_SELECT_BY_ERROR && !encoded.labels)
    st = MN_FAIL(err, MN_ERR_ARGUMENT, "%s: a regression has no error rate to select by", train->name);
  if (!st && !products) st = mn_scaling_open(options->scale, train, &scaling, err);
  if (!st) {
    const mn_samples samples = products ? mn_products_train(products, train->n) : mn_samples_of(train, scaling);
    st = mn_search_open(&s.base, &samples, &encoded, most, err);
  }
  out->samples = s.base.samples.n;
  if (!st) st = try_all(&s, select, encoded.labels != NULL, out, err);
  if (!st) st = choose(select->by, out, options, err);
  mn_search_close(&s.base);
  mn_scaling_close(&scaling);
  mn_encoded_close(&encoded);
  out->seconds = mn_clock_s() - begin_s;
  return st;
}
