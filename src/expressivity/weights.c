/* Kinks, layers and weights. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "expressivity/network.h"

/* First distinct point of a hidden layer, of `layers`. */
static size_t first_point(size_t points, size_t layers, size_t layer)
{
  return points / layers * layer + points % layers * layer / layers;
}

size_t mn_network_unit_of(const mn_network *network, size_t k)
{
  size_t points = network->projection.count, layers = network->report.layers, layer = k * layers / points;
  while (layer + 1 < layers && k >= first_point(points, layers, layer + 1)) layer++;
  while (k < first_point(points, layers, layer)) layer--;
  return k + layer; /* a closer at the end of each layer before */
}

static mn_dd point(const mn_projection *p, size_t k)
{
  size_t i = p->order[k].item;
  return (mn_dd){p->hi[i], p->lo[i]};
}

/* The first point of the grid above z; the hi part is at most half a unit in the last place away, which is far below
 * the grid. */
static double above(mn_dd z, double grid)
{
  double b = (floor(z.hi / grid) + 1) * grid;
  return b - z.hi - z.lo > 0 ? b : b + grid;
}

/* b_1: a range below z_1, so that the first slope is gentle. */
static double first_kink(const mn_projection *p)
{
  double z = point(p, 0).hi, distance = p->range > 0 ? p->range : fmax(fabs(z), 1);
  return floor((z - distance) / p->grid) * p->grid;
}

/* b_1 ... b_n for the projections as they are. */
static mn_status place_kinks(const mn_projection *p, double *b, mn_error *err)
{
  b[0] = first_kink(p);
  for (size_t k = 1; k < p->count; k++) {
    mn_dd z = point(p, k);
    b[k] = above(point(p, k - 1), p->grid);
    if ((z.hi - b[k]) + z.lo > 0) continue;
    size_t i = p->order[k - 1].item, j = p->order[k].item;
    return MN_FAIL(
        err, MN_ERR_SINGULAR,
        "%s: samples %zu and %zu (from 0) are different but too close for their projections to be told apart "
        "in double precision (%g on a range of %g)",
        p->data->name, i < j ? i : j, i < j ? j : i, mn_projection_gap_at(p, k - 1), p->range);
  }
  return MN_OK;
}

/* Deals the kinks to the layers and puts the closers in. */
static void deal(mn_network *network, const double *b)
{
  size_t layers = network->report.layers, points = network->projection.count, unit = 0;
  for (size_t layer = 0; layer < layers; layer++) {
    size_t end = first_point(points, layers, layer + 1);
    network->start[layer] = unit;
    for (size_t k = first_point(points, layers, layer); k < end; k++) network->bias[unit++] = b[k];
    if (layer + 1 < layers) network->bias[unit++] = b[end];
  }
  network->start[layers] = unit;
  for (size_t u = network->start[1]; u < unit; u++) network->bias[u] -= b[0];
}

/* w of one output: each against the function that the rounded ones before it make. Returns the largest magnitude of
 * the sums that layers hand on: at the kinks, or at the last point, as a closer leaves a slope of rounding errors. */
static double weigh_output(const mn_network *network, const double *y, size_t stride, double *w)
{
  const mn_projection *p = &network->projection;
  double most = 0, end = point(p, p->count - 1).hi;
  mn_dd value = {0, 0}, slope = {0, 0}; /* at the last kink, and to the right of it */
  size_t layer = 0, k = 0;
  double last = mn_network_kink(network, 0);
  for (size_t u = 0; u < network->units; u++) {
    double b = mn_network_kink(network, u);
    value = mn_dd_add(value, mn_dd_mul_double(slope, b - last));
    last = b;
    if (layer + 1 < network->report.layers) most = fmax(most, fabs(value.hi));
    if (u + 1 == network->start[layer + 1] && layer + 1 < network->report.layers) {
      layer++;
      w[u] = -slope.hi;
      most = fmax(most, fabs(value.hi) + fabs(slope.lo) * (end - b));
    } else {
      mn_dd z = point(p, k), step = mn_dd_add_double(z, -b);
      mn_dd here = mn_dd_add(value, mn_dd_mul(slope, step));
      mn_dd missing = mn_dd_add_double((mn_dd){-here.hi, -here.lo}, y[p->order[k].item * stride]);
      w[u] = missing.hi / step.hi;
      k++;
    }
    slope = mn_dd_add_double(slope, w[u]);
  }
  return most;
}

/* What makes every sum that is handed on positive, with half as much again to spare: twice the largest |y| unless
 * points so close that C overshoots between them ask for more. */
static double offset_of(const mn_network *network, size_t output, double handed_on)
{
  double most = 0;
  for (size_t i = 0; i < network->projection.n; i++) most = fmax(most, fabs(network->y[i * network->outputs + output]));
  return network->report.layers > 1 ? fmax(2 * most, 1.5 * handed_on) : 0;
}

static void weigh_slopes(mn_network *network)
{
  for (size_t c = 0; c < network->outputs; c++) {
    double handed_on = weigh_output(network, network->y + c, network->outputs, network->w + c * network->units);
    network->offset[c] = offset_of(network, c, handed_on);
  }
}

/* The dense way wants z, b and y ascending. */
static mn_status weigh_dense(mn_network *network, int threads, mn_error *err)
{
  const mn_projection *p = &network->projection;
  double *z = mn_alloc(p->count, sizeof *z);
  if (!z) return MN_NO_MEMORY(err, p->count * sizeof *z);
  for (size_t k = 0; k < p->count; k++) {
    z[k] = point(p, k).hi;
    for (size_t c = 0; c < network->outputs; c++)
      network->w[k + c * p->count] = network->y[p->order[k].item * network->outputs + c];
  }
  mn_status st = mn_network_solve_dense(p->count, z, network->bias, network->outputs, network->w, threads, err);
  mn_free(z);
  return st;
}

static mn_status check_weights(const mn_network *network, mn_error *err)
{
  int finite = 1;
  for (size_t i = 0; i < network->units * network->outputs; i++) finite = finite && isfinite(network->w[i]);
  for (size_t c = 0; c < network->outputs; c++) finite = finite && isfinite(network->offset[c]);
  if (!finite)
    return MN_FAIL(err, MN_ERR_SINGULAR, "%s: the slopes overflow: targets too large or points too close",
                   network->projection.data->name);
  return MN_OK;
}

static double norm_of(const double *w, size_t count)
{
  double scale = 0, sum = 0;
  for (size_t i = 0; i < count; i++) scale = fmax(scale, fabs(w[i]));
  if (!(scale > 0)) return 0;
  for (size_t i = 0; i < count; i++) sum += w[i] / scale * (w[i] / scale);
  return scale * sqrt(sum);
}

static void count_weights(mn_network *network)
{
  mn_network_report *r = &network->report;
  r->width_max = r->connections = 0;
  r->weights = mn_network_count_weights(network);
  for (size_t l = 0; l < r->layers; l++) {
    mn_network_layer layer = mn_network_layer_at(network, l);
    r->connections += layer.connections;
    if (layer.units > r->width_max) r->width_max = layer.units;
  }
  r->connections += network->dim;
}

/* Connections of a layer: the first one's units read the projection (not counted again) with a bias each, later ones'
 * read u, with a bias each; u is a copy (1 weight, in the first layer a bias); a carried sum reads the units of the
 * layer before, the sum before it, and has a bias where that is the first. The output reads the last layer. */
mn_network_layer mn_network_layer_at(const mn_network *network, size_t layer)
{
  size_t kinks = network->start[layer + 1] - network->start[layer], layers = network->report.layers;
  size_t carries_u = layer + 1 < layers, sums = layer > 0 ? network->outputs : 0;
  mn_network_layer out = {.units = kinks + carries_u + sums, .weights = kinks * (1 + network->outputs)};
  out.connections = kinks * (layer > 0 ? 2 : 1) + carries_u + kinks * network->outputs + sums;
  if (layer == 1) out.connections += network->outputs;                        /* biases of the first sums */
  if (layers > 1 && layer + 1 == layers) out.connections += network->outputs; /* output biases */
  return out;
}

static mn_status allocate(mn_network *network, mn_error *err)
{
  size_t layers = network->report.layers, outputs = network->outputs;
  network->units = network->projection.count + layers - 1;
  network->start = mn_alloc(layers + 1, sizeof *network->start);
  network->bias = mn_alloc(network->units, sizeof *network->bias);
  network->w = mn_alloc(network->units * outputs, sizeof *network->w);
  network->offset = mn_calloc(outputs, sizeof *network->offset);
  if (network->start && network->bias && network->w && network->offset) return MN_OK;
  return MN_NO_MEMORY(err, network->units * (outputs + 1) * sizeof *network->w);
}

static mn_status make_weights(mn_network *network, int threads, mn_error *err)
{
  const mn_projection *p = &network->projection;
  double *b = mn_alloc(p->count, sizeof *b);
  if (!b) return MN_NO_MEMORY(err, p->count * sizeof *b);
  mn_status st = place_kinks(p, b, err);
  if (st) goto done;
  deal(network, b);
  if (network->options.solver == MN_NETWORK_DENSE)
    st = weigh_dense(network, threads, err);
  else
    weigh_slopes(network);
  if (!st) st = check_weights(network, err);
  if (!st) network->report.norm = norm_of(network->w, network->units * network->outputs);
done:
  mn_free(b);
  return st;
}

mn_status mn_network_weigh(mn_network *network, int threads, mn_error *err)
{
  mn_status st = network->w ? MN_OK : allocate(network, err);
  if (!st) st = make_weights(network, threads, err);
  if (st) return st;
  count_weights(network);
  return MN_OK;
}
