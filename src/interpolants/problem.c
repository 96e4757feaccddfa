/* The training set, its Gram matrix and the direct solution. */
#include "interpolants/problem.h"

#include <stdio.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/dense.h"
#include "linalg/threads.h"
#include "solve/system.h"

static const double interpolates = 1e-8; /* relative residual */

void mn_interpolants_close(mn_interpolants **problem)
{
  mn_interpolants *p = *problem;
  if (!p) return;
  mn_model_close(&p->direct);
  mn_encoded_close(&p->targets);
  mn_panels_close(&p->panels);
  mn_free(p->k);
  mn_free(p);
  *problem = NULL;
}

const mn_model *mn_interpolants_direct(const mn_interpolants *p)
{
  return p->direct;
}

mn_samples mn_problem_samples(const mn_interpolants *p, const mn_data *data)
{
  return mn_samples_of(data, p->direct->scaling);
}

static mn_status check_options(const mn_fit_options *o, mn_error *err)
{
  if (o->solve.ridge != 0) return MN_FAIL(err, MN_ERR_ARGUMENT, "a ridge does not interpolate");
  if (o->corrupt != 0 || o->loo)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "corruption and leave-one-out are no part of this");
  return MN_OK;
}

static mn_status check_distinct(const mn_data *train, mn_error *err)
{
  mn_pair *pairs = NULL;
  size_t count;
  mn_status st = mn_data_duplicates(train, &pairs, &count, err);
  if (!st && count)
    st = MN_FAIL(err, MN_ERR_DATA, "%s: samples %zu and %zu (from 0) are equal; distinct ones are compared",
                 train->name, pairs[0].first, pairs[0].second);
  mn_data_free(pairs);
  return st;
}

static mn_status check_data(const mn_data *train, const mn_fit_options *o, mn_error *err)
{
  double bytes = 3 * (double)train->n * (double)train->n * sizeof(double), room = mn_solver_room(&o->solve);
  if (o->kernel.name == MN_KERNEL_LINEAR && train->dim < train->n)
    return MN_FAIL(err, MN_ERR_DATA, "%s: a linear model of %zu features does not interpolate %zu samples", train->name,
                   train->dim, train->n);
  if (bytes > room)
    return MN_FAIL(err, MN_ERR_BUDGET, "three matrices of order %zu take %.1f GiB, there is room for %.1f GiB",
                   train->n, bytes / 0x1p30, room / 0x1p30);
  return check_distinct(train, err);
}

/* Why there is no interpolant, and what may be the matter. */
static mn_status not_interpolated(const mn_interpolants *p, const char *why, mn_error *err)
{
  const char *hint = p->options.center ? "" : "; features of mean 0 want targets of mean 0: --center";
  return MN_FAIL(err, MN_ERR_SINGULAR, "%s: no function of this kernel interpolates the targets: %.300s%s",
                 p->train->name, why, hint);
}

static mn_status fit_direct(mn_interpolants *p, const mn_context *ctx, mn_error *err)
{
  mn_error why = {0};
  p->options.solve.need_factor = 1;
  mn_status st = mn_model_fit(p->train, &p->options, ctx, &p->direct, &why);
  if (st == MN_ERR_SINGULAR) return not_interpolated(p, why.text, err);
  if (st && err) *err = why;
  if (st) return st;
  const mn_fit_report *r = mn_model_report(p->direct);
  if (!(r->norm > 0))
    return MN_FAIL(err, MN_ERR_DATA, "%s: of targets that are all 0 the least norm is 0: nothing is compared with it",
                   p->train->name);
  p->options.kernel = r->kernel;
  p->options.gamma_rule = MN_GAMMA_GIVEN;
  p->outputs = r->outputs;
  if (r->solution.residual <= interpolates) return MN_OK;
  int used =
      snprintf(why.text, sizeof why.text, "relative residual %.2g, more than %.0e", r->solution.residual, interpolates);
  if (r->system.rank)
    snprintf(why.text + used, sizeof why.text - (size_t)used, ", rank %zu of %zu", r->system.rank, p->n);
  return not_interpolated(p, why.text, err);
}

static mn_status fill_gram(mn_interpolants *p, const mn_context *ctx, mn_error *err)
{
  size_t n = p->n;
  int threads = mn_threads_open(ctx);
  const mn_samples samples = mn_problem_samples(p, p->train);
  if (!(p->k = mn_alloc_matrix(n * n, sizeof *p->k))) return MN_NO_MEMORY(err, n * n * sizeof *p->k);
  mn_status st = mn_panels_wrap(p->k, n, n, mn_panels_width(n), MN_F64, &p->panels, err);
  if (!st) st = mn_gram_fill(&samples, &p->options.kernel, 0, threads, ctx, p->panels, err);
  if (!st) mn_dense_mirror(n, p->k, threads);
  return st;
}

static mn_status open(mn_interpolants *p, const mn_context *ctx, mn_error *err)
{
  mn_status st = check_options(&p->options, err);
  if (!st) st = check_data(p->train, &p->options, err);
  if (!st) st = fit_direct(p, ctx, err);
  if (!st) st = mn_encode_targets(p->train, &p->options, &p->targets, err);
  return st ? st : fill_gram(p, ctx, err);
}

mn_status mn_interpolants_open(const mn_data *train, const mn_fit_options *options, const mn_context *ctx,
                               mn_interpolants **out, mn_error *err)
{
  mn_interpolants *p = *out = mn_calloc(1, sizeof *p);
  if (!p) return MN_NO_MEMORY(err, sizeof *p);
  p->train = train;
  p->options = *options;
  p->n = train->n;
  mn_status st = open(p, ctx, err);
  if (st) mn_interpolants_close(out);
  return st;
}
