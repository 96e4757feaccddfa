/* From training points to the network. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/corrupt.h"
#include "expressivity/network.h"
#include "linalg/threads.h"
#include "linalg/triangular.h"
#include "minnorm/samples.h"

static mn_status check(const mn_data *train, const mn_network_options *o, mn_error *err)
{
  if (!train->columns) return MN_FAIL(err, MN_ERR_DATA, "%s: no labels or targets to fit", train->name);
  if (o->targets != MN_NETWORK_LABEL && !mn_data_has_labels(train))
    return MN_FAIL(err, MN_ERR_DATA, "%s: an output a class takes one column of integer labels", train->name);
  if (o->depth < 2 || (size_t)o->depth - 1 > train->n)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "--depth %d: 2 to %zu expected for %zu points, a hidden layer a point at most",
                   o->depth, train->n + 1, train->n);
  if (o->solver == MN_NETWORK_DENSE && o->depth > 2)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "--solver dense is for two layers: --depth 2 expected, %d given", o->depth);
  if (o->solver == MN_NETWORK_DENSE && train->n > MN_TRIANGULAR_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "--solver dense takes at most %d points, %zu given; use slopes",
                   MN_TRIANGULAR_MAX, train->n);
  if (o->candidates < 1 || !(o->improve_s >= 0))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "at least one candidate and no negative time expected");
  return MN_OK;
}

/* ---- targets */

static mn_status encode(mn_network *network, const mn_data *train, mn_error *err)
{
  int coded = network->options.targets != MN_NETWORK_LABEL;
  mn_status st = MN_OK;
  if (mn_data_has_labels(train)) st = mn_data_classes(train, &network->labels, &network->classes, err);
  if (st) return st;
  size_t n = train->n, outputs = network->outputs = coded ? network->classes : train->columns;
  network->y = mn_alloc(n * outputs, sizeof *network->y);
  if (!network->y) return MN_NO_MEMORY(err, n * outputs * sizeof *network->y);
  if (!coded) {
    memcpy(network->y, train->y, n * outputs * sizeof *network->y);
    return MN_OK;
  }
  double off = network->options.targets == MN_NETWORK_PM1 ? -1 : 0;
  for (size_t i = 0; i < n * outputs; i++) network->y[i] = off;
  for (size_t i = 0; i < n; i++) network->y[i * outputs + mn_class_of_label(network->labels, outputs, train->y[i])] = 1;
  return MN_OK;
}

/* ---- direction */

/* The inverse standard deviations, or NULL in *scaling where they do not apply. */
static mn_status open_scale(const mn_network_options *o, const mn_data *train, mn_scaling **scaling, mn_error *err)
{
  int standard = o->scale == MN_NETWORK_SCALE_STANDARD || (o->scale == MN_NETWORK_SCALE_AUTO && train->type != MN_U8);
  return standard ? mn_scaling_open(MN_SCALE_STANDARD, train, scaling, err) : MN_OK;
}

static void log_merged(const mn_projection *p, const mn_context *ctx)
{
  const size_t shown = 20, merged = p->n - p->count;
  for (size_t k = 0; k < merged && k < shown; k++)
    mn_log(ctx, "samples %zu and %zu (from 0) are equal, have the same targets, and are one point", p->merged[k].first,
           p->merged[k].second);
  if (merged > shown) mn_log(ctx, "and %zu more such pairs", merged - shown);
}

static mn_status find_direction(mn_network *network, const mn_data *train, const mn_context *ctx, int threads,
                                mn_error *err)
{
  const mn_network_options *o = &network->options;
  mn_network_report *r = &network->report;
  mn_projection *p = &network->projection;
  mn_scaling *scaling = NULL;
  mn_status st = open_scale(o, train, &scaling, err);
  if (!st) st = mn_projection_open(train, network->outputs, network->y, p, err);
  if (!st) log_merged(p, ctx);
  if (!st)
    st = mn_projection_draw(p, (size_t)o->candidates, scaling ? scaling->factor : NULL, o->seed, ctx, threads, err);
  mn_scaling_close(&scaling);
  r->gap_drawn = p->gap;
  return st;
}

/* Improves the direction and keeps what the norm was before; a least gap of zero is left to place_kinks to report. */
static mn_status improve(mn_network *network, const mn_context *ctx, int threads, mn_error *err)
{
  mn_network_report *r = &network->report;
  double start = mn_clock_s();
  mn_status st = mn_network_weigh(network, threads, err);
  r->norm_drawn = r->norm;
  if (!st)
    st = mn_projection_improve(&network->projection, network->options.improve_s, ctx, threads, &r->improve_rounds,
                               &r->improve_timed_out, err);
  r->improve_s = mn_clock_s() - start;
  return st;
}

static mn_status build(mn_network *network, const mn_data *train, const mn_context *ctx, int threads, mn_error *err)
{
  mn_network_report *r = &network->report;
  double start = mn_clock_s();
  mn_status st = encode(network, train, err);
  if (!st) st = find_direction(network, train, ctx, threads, err);
  r->distinct = network->projection.count;
  if (!st && r->layers > r->distinct)
    st = MN_FAIL(err, MN_ERR_ARGUMENT, "--depth %zu: at most %zu expected, a hidden layer a distinct point",
                 r->layers + 1, r->distinct + 1);
  if (!st) st = improve(network, ctx, threads, err);
  if (st) return st;
  r->project_s = mn_clock_s() - start;
  st = mn_network_weigh(network, threads, err);
  r->solve_s = mn_clock_s() - start - r->project_s;
  if (!st) st = mn_network_bound(network, threads, err);
  r->exact = network->projection.exact;
  r->range = network->projection.range;
  r->gap = network->projection.gap;
  r->outputs = network->outputs;
  r->classes = network->classes;
  network->projection.data = NULL; /* the caller's */
  return st;
}

mn_status mn_network_build(const mn_data *train, const mn_network_options *options, const mn_context *ctx,
                           mn_network **out, mn_error *err)
{
  int threads = mn_threads_open(ctx);
  *out = NULL;
  mn_status st = check(train, options, err);
  if (st) return st;
  mn_network *network = mn_calloc(1, sizeof *network);
  if (!network) return MN_NO_MEMORY(err, sizeof *network);
  network->options = *options;
  network->dim = train->dim;
  network->report = (mn_network_report){.n = train->n, .dim = train->dim, .layers = (size_t)options->depth - 1};
  st = build(network, train, ctx, threads, err);
  if (st)
    mn_network_close(&network);
  else
    *out = network;
  return st;
}

void mn_network_close(mn_network **network)
{
  mn_network *v = *network;
  if (!v) return;
  mn_projection_close(&v->projection);
  mn_data_free(v->labels);
  mn_free(v->y);
  mn_free(v->start);
  mn_free(v->bias);
  mn_free(v->w);
  mn_free(v->offset);
  mn_free(v->values);
  mn_free(v);
  *network = NULL;
}

const mn_network_report *mn_network_report_of(const mn_network *network)
{
  return &network->report;
}

const int64_t *mn_network_labels(const mn_network *network)
{
  return network->labels;
}
