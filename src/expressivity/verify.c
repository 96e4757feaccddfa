/* What the network says, and how far that is from what it was told. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "expressivity/network.h"

typedef mn_status (*forward_call)(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out,
                                  mn_error *err);

static const forward_call forwards[MN_FORWARDS] = {[MN_FORWARD_DOUBLE] = mn_forward_f64,
                                                   [MN_FORWARD_SINGLE] = mn_forward_f32,
                                                   [MN_FORWARD_COMPENSATED] = mn_forward_compensated,
                                                   [MN_FORWARD_PIECEWISE] = mn_forward_pieces};

mn_status mn_network_forward(const mn_network *network, const mn_data *data, mn_forward how, const mn_context *ctx,
                             double *out, mn_error *err)
{
  if (data->dim != network->dim)
    return MN_FAIL(err, MN_ERR_DATA, "%s: samples of %zu features expected, %zu found", data->name, network->dim,
                   data->dim);
  return forwards[how](network, data, ctx, out, err);
}

static size_t largest(const double *values, size_t count)
{
  size_t best = 0;
  for (size_t c = 1; c < count; c++)
    if (values[c] > values[best]) best = c;
  return best;
}

static size_t nearest(const int64_t *labels, size_t count, double value)
{
  size_t best = 0;
  for (size_t c = 1; c < count; c++)
    if (fabs((double)labels[c] - value) < fabs((double)labels[best] - value)) best = c;
  return best;
}

mn_status mn_network_classify(const mn_network *network, size_t m, const double *outputs, int64_t *labels,
                              mn_error *err)
{
  if (!network->labels) return MN_FAIL(err, MN_ERR_ARGUMENT, "the network fits real targets and knows no classes");
  int coded = network->options.targets != MN_NETWORK_LABEL;
  for (size_t i = 0; i < m; i++) {
    const double *o = outputs + i * network->outputs;
    labels[i] = network->labels[coded ? largest(o, network->outputs) : nearest(network->labels, network->classes, *o)];
  }
  return MN_OK;
}

/* ---- verification */

typedef struct {
  mn_data *subset; /* NULL: all points */
  size_t *items;   /* of the subset */
  double *out;     /* points x outputs */
  int64_t *labels;
} check;

static mn_status take_subset(const mn_network *network, const mn_data *train, size_t points, check *k, mn_error *err)
{
  size_t row = train->dim * mn_dtype_size(train->type);
  k->items = mn_alloc(train->n, sizeof *k->items);
  if (!k->items) return MN_NO_MEMORY(err, train->n * sizeof *k->items);
  mn_random_permutation(network->options.seed, MN_STREAM_VERIFY, train->n, k->items);
  mn_status st = mn_data_create(points, train->dim, train->type, 0, &k->subset, err);
  for (size_t i = 0; !st && i < points; i++)
    memcpy((char *)k->subset->x + i * row, (const char *)train->x + k->items[i] * row, row);
  return st;
}

static mn_status check_open(const mn_network *network, const mn_data *train, size_t points, check *k, mn_error *err)
{
  mn_status st = points < train->n ? take_subset(network, train, points, k, err) : MN_OK;
  if (st) return st;
  k->out = mn_alloc(train->n * network->outputs, sizeof *k->out);
  k->labels = mn_alloc(train->n, sizeof *k->labels);
  if (k->out && k->labels) return MN_OK;
  return MN_NO_MEMORY(err, train->n * (network->outputs * sizeof *k->out + sizeof *k->labels));
}

static void check_close(check *k)
{
  mn_data_close(&k->subset);
  mn_free(k->items);
  mn_free(k->out);
  mn_free(k->labels);
}

/* Largest difference from the targets; infinity for outputs that are no numbers. */
static double max_error(const mn_network *network, const check *k, const size_t *items, size_t points)
{
  double most = 0;
  for (size_t i = 0; i < points; i++)
    for (size_t c = 0; c < network->outputs; c++) {
      double e = fabs(k->out[i * network->outputs + c] - network->y[(items ? items[i] : i) * network->outputs + c]);
      if (!(e <= most)) most = isnan(e) ? (double)INFINITY : e;
    }
  return most;
}

/* Fraction of the points whose label the outputs miss; NaN for a regression. */
static mn_status count_misses(const mn_network *network, const mn_data *train, check *k, const size_t *items,
                              size_t points, double *fraction, mn_error *err)
{
  size_t missed = 0;
  *fraction = (double)NAN;
  if (!network->labels) return MN_OK;
  mn_status st = mn_network_classify(network, points, k->out, k->labels, err);
  for (size_t i = 0; i < points; i++) missed += (double)k->labels[i] != train->y[items ? items[i] : i];
  *fraction = (double)missed / (double)points;
  return st;
}

static mn_status verify(const mn_network *network, const mn_data *train, check *k, const mn_context *ctx,
                        mn_network_verification *out, mn_error *err)
{
  mn_status st = MN_OK;
  for (int how = 0; !st && how < MN_FORWARDS; how++) {
    const mn_data *data = k->subset && how != MN_FORWARD_PIECEWISE ? k->subset : train;
    const size_t *items = data == train ? NULL : k->items;
    st = mn_network_forward(network, data, (mn_forward)how, ctx, k->out, err);
    if (st) break;
    out->max_error[how] = max_error(network, k, items, data->n);
    st = count_misses(network, train, k, items, data->n, &out->missed[how], err);
  }
  out->train_error = out->missed[k->subset ? MN_FORWARD_PIECEWISE : MN_FORWARD_DOUBLE];
  return st;
}

mn_status mn_network_verify(const mn_network *network, const mn_data *train, size_t points, const mn_context *ctx,
                            mn_network_verification *out, mn_error *err)
{
  check k = {0};
  double start = mn_clock_s();
  if (train->n != network->report.n)
    return MN_FAIL(err, MN_ERR_DATA, "%s: the %zu training points of the network expected, %zu found", train->name,
                   network->report.n, train->n);
  *out = (mn_network_verification){.points = points && points < train->n ? points : train->n};
  for (size_t i = 0; i < train->n * network->outputs; i++) out->target_max = fmax(out->target_max, fabs(network->y[i]));
  mn_status st = check_open(network, train, out->points, &k, err);
  if (!st) st = verify(network, train, &k, ctx, out, err);
  check_close(&k);
  out->verify_s = mn_clock_s() - start;
  return st;
}

/* ---- for pictures */

/* Values of output 0 at the kinks and at the last projection, in twice the precision. */
static void trace(const mn_network *network, double last, double *b, double *values)
{
  mn_dd value = {0, 0}, slope = {0, 0};
  for (size_t u = 0; u <= network->units; u++) {
    b[u] = u < network->units ? mn_network_kink(network, u) : last;
    if (u) value = mn_dd_add(value, mn_dd_mul_double(slope, b[u] - b[u - 1]));
    if (u < network->units) slope = mn_dd_add_double(slope, network->w[u]);
    values[u] = value.hi;
  }
}

mn_status mn_network_trace(mn_network *network, mn_network_curve *out, mn_error *err)
{
  size_t nodes = network->units + 1, points = network->projection.count;
  if (!network->values) network->values = mn_alloc(2 * (nodes + points), sizeof *network->values);
  if (!network->values) return MN_NO_MEMORY(err, 2 * (nodes + points) * sizeof *network->values);
  double *b = network->values, *values = b + nodes, *z = values + nodes, *targets = z + points;
  for (size_t k = 0; k < points; k++) {
    size_t i = network->projection.order[k].item;
    z[k] = network->projection.hi[i];
    targets[k] = network->y[i * network->outputs];
  }
  trace(network, z[points - 1], b, values);
  *out = (mn_network_curve){network->units, points, b, values, z, targets};
  return MN_OK;
}
