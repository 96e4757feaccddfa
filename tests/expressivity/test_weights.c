/* Kinks, weights and layers: w against forward substitution in 113 bits, the function against its targets from the
 * arrays alone, and the counts against an ordinary network drawn out unit by unit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "linalg/threads.h"
#include "network_support.h"

/* ---- kinks */

static void check_kinks(const mn_network *network)
{
  const mn_projection *p = &network->projection;
  for (size_t k = 0; k < p->count; k++) {
    quad b = (quad)mn_network_kink(network, mn_network_unit_of(network, k));
    assert_true(b < network_point(network, k));
    if (k) assert_true(b > network_point(network, k - 1));
  }
  for (size_t l = 0; l + 1 < network->report.layers; l++) /* a closer stands where the next layer begins */
    assert_true(mn_network_kink(network, network->start[l + 1] - 1) == mn_network_kink(network, network->start[l + 1]));
  for (size_t j = network->start[1]; j < network->units; j++) /* differences are exact */
    assert_true((quad)network->bias[j] + (quad)network->bias[0] == (quad)mn_network_kink(network, j));
}

/* ---- values */

/* The arrays' function at all training points, by the layers; returns the largest error relative to max |y|. */
static double check_values(const mn_network *network, const mn_data *data)
{
  const mn_projection *p = &network->projection;
  double worst = 0, most = 0;
  for (size_t i = 0; i < data->n * network->outputs; i++) most = fmax(most, fabs(network->y[i]));
  for (size_t c = 0; c < network->outputs; c++)
    for (size_t k = 0; k < p->count; k++) {
      size_t i = p->order[k].item;
      quad size, value = network_value(network, data, i, c, &size);
      double error = (double)quad_abs(value - (quad)network->y[i * network->outputs + c]);
      double rest = p->exact ? 0 : 0x1p-100 * (double)size; /* of z, which is hi + lo in the network's eyes */
      double allowed = network_tolerance(network, k, c) + rest + 0x1p-108 * (double)size;
      if (!(error <= allowed))
        fail_msg("point %zu of %zu, output %zu: off by %g, not %g", k, p->count, c, error, allowed);
      worst = fmax(worst, error);
    }
  return most > 0 ? worst / most : worst;
}

static mn_network *build_and_check(const mn_data *data, const mn_network_options *o)
{
  mn_network *network = network_open(data, o);
  check_kinks(network);
  check_values(network, data);
  return network;
}

static void labels_of_any_size(void **state)
{
  (void)state;
  static const double sizes[] = {1, 1e12, 1e-12, 1e300, 1e-250};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int depth = 2; depth <= 5; depth += 3) {
      mn_data *data = network_data(150, 12, s % 2 ? MN_U8 : MN_F64, 1, s);
      for (size_t i = 0; i < data->n; i++) data->y[i] *= sizes[s];
      mn_network_options o = network_options(depth);
      o.candidates = 40;
      o.improve_s = 60;
      mn_network *network = network_open(data, &o);
      check_kinks(network);
      double error = check_values(network, data);
      if (error > 1e-12) fail_msg("labels of size %g, depth %d: off by %g", sizes[s], depth, error);
      mn_network_close(&network);
      mn_data_close(&data);
    }
}

static void every_depth(void **state)
{
  (void)state;
  static const int depths[] = {2, 3, 4, 7, 16, 33, 64, 98, 99, 100, 101};
  for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
    for (size_t columns = 1; columns <= 3; columns += 2) {
      size_t n = 100;
      mn_data *data = network_data(n, 9, d % 2 ? MN_U8 : MN_F64, columns, d);
      mn_network_options o = network_options(depths[d]);
      mn_network *network = build_and_check(data, &o);
      size_t limit = 2 * n / (size_t)depths[d] + 4 + columns;
      const mn_network_report *r = mn_network_report_of(network);
      assert_int_equal(r->layers, (size_t)depths[d] - 1);
      if (r->width_max > limit) fail_msg("depth %d: a layer of %zu units", depths[d], r->width_max);
      mn_network_close(&network);
      mn_data_close(&data);
    }
}

/* Two very close points at the end of a layer, opposite labels: what the layer hands on is far from any target. */
static void close_points_between_layers(void **state)
{
  (void)state;
  static const double y[] = {1, -1, 1, -1, 1, -1, 1, -1};
  double x[8] = {-0.875, -0.625, -0.375, -0.125, 0.125, 0.375, 0.625, 0.875};
  for (int ulps = 2; ulps < 40; ulps++)
    for (size_t at = 0; at < 7; at++) {
      double moved[8];
      memcpy(moved, x, sizeof moved);
      moved[at + 1] = moved[at] + ulps * 0x1p-52;
      mn_data *data = network_data_of(8, 1, moved, y);
      mn_network_options o = network_options(2);
      mn_network *network;
      for (o.depth = 2; o.depth <= 9; o.depth++) {
        mn_status st = mn_network_build(data, &o, NULL, &network, NULL);
        if (st == MN_ERR_SINGULAR && ulps < 9) continue; /* no point of the grid between them */
        assert_int_equal(st, MN_OK);
        check_kinks(network);
        check_values(network, data);
        mn_network_close(&network);
      }
      mn_data_close(&data);
    }
}

/* ---- weights */

/* w by substitution in A_ij = z_i - b_j, relative to the largest: the network's are rounded one after the other, each
 * against the errors of those before; to first order they differ by what substitution amplifies of these. */
static void check_substitution(const mn_network *network, double tolerance)
{
  size_t n = network->projection.count;
  quad *w = malloc(n * sizeof *w), most, worst;
  for (size_t c = 0; c < network->outputs; c++) {
    most = worst = 0;
    for (size_t k = 0; k < n; k++) {
      size_t i = network->projection.order[k].item;
      quad sum = (quad)network->y[i * network->outputs + c], z = network_point(network, k);
      for (size_t j = 0; j < k; j++) sum -= w[j] * (z - (quad)network->bias[j]);
      w[k] = sum / (z - (quad)network->bias[k]);
      quad error = quad_abs(w[k] - (quad)network->w[k + c * network->units]);
      if (quad_abs(w[k]) > most) most = quad_abs(w[k]);
      if (error > worst) worst = error;
    }
    if (worst > (quad)tolerance * most) fail_msg("w is off by %g of %g", (double)worst, (double)most);
  }
  free(w);
}

/* An error e of w_k is an error e (z_k - b_k) of a value; the slope to the next point makes up for it, e times the
 * ratio of distances, in w_(k+1). Ratios of more than 10^4 do not occur here: 10^4 times 3 u. */
static void substitution(void **state)
{
  (void)state;
  for (uint64_t seed = 0; seed < 6; seed++) {
    mn_data *data = network_data(60, 8, seed % 2 ? MN_U8 : MN_F64, 1 + seed / 2, seed);
    mn_network_options o = network_options(2);
    o.candidates = 40;
    mn_network *network = build_and_check(data, &o);
    check_substitution(network, 1e4 * 3 * DBL_EPSILON / 2);
    mn_network_close(&network);
    mn_data_close(&data);
  }
}

/* y = (1, -1), z - b = 1, b_2 = z_1 gives w = (1, -3): by the dense system, whose norm then exceeds ||y|| / lambda. */
static void dense_of_two(void **state)
{
  (void)state;
  static const double z[] = {1, 2}, b[] = {0, 1};
  double w[] = {1, -1};
  assert_int_equal(mn_network_solve_dense(2, z, b, 1, w, 1, NULL), MN_OK);
  assert_true(w[0] == 1 && w[1] == -3);
}

/* ---- counts */

/* Weights and biases of the network as ordinary layers, unit by unit: what each unit reads, and whether it has a bias.
 */
static void naive_counts(const mn_network *network, size_t layer, size_t *units, size_t *connections)
{
  size_t layers = network->report.layers, outputs = network->outputs, bias = 1, read = 1;
  *units = *connections = 0;
  for (size_t j = network->start[layer]; j < network->start[layer + 1]; j++) {
    *units += 1;
    *connections += bias + (layer ? read : 0); /* u from the layer before; the projection is counted by itself */
  }
  if (layer + 1 < layers) { /* hands u on: ReLU(z - b_1), then ReLU(u) */
    *units += 1;
    *connections += layer ? read : bias;
  }
  for (size_t c = 0; layer > 0 && c < outputs; c++) { /* hands the sum of the layers before on */
    size_t before = network->start[layer] - network->start[layer - 1];
    *units += 1;
    *connections += before * read + (layer == 1 ? bias : read); /* the sum before that, or the offset */
  }
}

static void counts(void **state)
{
  (void)state;
  for (int depth = 2; depth <= 14; depth++)
    for (size_t columns = 1; columns <= 4; columns++) {
      mn_data *data = network_data(13, 5, MN_F64, columns, 1);
      mn_network_options o = network_options(depth);
      mn_network *network = build_and_check(data, &o);
      const mn_network_report *r = mn_network_report_of(network);
      size_t weights = 0, total = r->dim, stored = r->dim, widest = 0;
      for (size_t l = 0; l < r->layers; l++) {
        size_t units, connections;
        mn_network_layer layer = mn_network_layer_at(network, l);
        naive_counts(network, l, &units, &connections);
        assert_int_equal(layer.units, units);
        total += connections;
        stored += layer.weights;
        if (units > widest) widest = units;
      }
      size_t last = network->start[r->layers] - network->start[r->layers - 1];
      total += columns * (last + (r->layers > 1 ? 2 : 0)); /* outputs: the last units, the sum, a bias */
      assert_int_equal(r->connections, total);
      assert_int_equal(r->width_max, widest);
      mn_network_array array;
      for (size_t i = 0; mn_network_array_at(network, i, &array); i++)
        weights += array.rows * (array.columns ? array.columns : 1);
      assert_int_equal(r->weights, weights);
      assert_int_equal(weights, stored + (r->layers > 1 ? columns : 0));
      assert_int_equal(weights, 5 + (13 + r->layers - 1) * (1 + columns) + (r->layers > 1 ? columns : 0));
      mn_network_close(&network);
      mn_data_close(&data);
    }
}

static void two_n_plus_d(void **state)
{
  (void)state;
  for (size_t n = 1; n < 300; n += 37) {
    mn_data *data = network_data(n, 30, MN_U8, 1, n);
    mn_network_options o = network_options(2);
    mn_network *network = build_and_check(data, &o);
    assert_int_equal(mn_network_report_of(network)->weights, 2 * n + 30);
    mn_network_close(&network);
    mn_data_close(&data);
  }
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(labels_of_any_size),
      cmocka_unit_test(every_depth),
      cmocka_unit_test(close_points_between_layers),
      cmocka_unit_test(substitution),
      cmocka_unit_test(dense_of_two),
      cmocka_unit_test(counts),
      cmocka_unit_test(two_n_plus_d),
  };
  return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
