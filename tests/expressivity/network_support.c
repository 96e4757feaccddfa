#include "network_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"

static const double u = DBL_EPSILON / 2;

mn_data *network_data(size_t n, size_t dim, mn_dtype type, size_t columns, uint64_t seed)
{
  mn_data *data;
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, n);
  assert_int_equal(mn_data_create(n, dim, type, columns, &data, NULL), MN_OK);
  for (size_t i = 0; i < n * dim; i++) {
    if (type == MN_U8) ((unsigned char *)data->x)[i] = (unsigned char)mn_random_below(&r, 256);
    if (type == MN_F32) ((float *)data->x)[i] = (float)mn_random_normal(&r);
    if (type == MN_F64) ((double *)data->x)[i] = mn_random_normal(&r);
  }
  for (size_t i = 0; i < n * columns; i++)
    data->y[i] = columns == 1 ? (double)mn_random_below(&r, 10) : mn_random_normal(&r);
  strcpy(data->name, "test");
  return data;
}

mn_data *network_data_of(size_t n, size_t dim, const double *x, const double *y)
{
  mn_data *data;
  assert_int_equal(mn_data_create(n, dim, MN_F64, 1, &data, NULL), MN_OK);
  memcpy(data->x, x, n * dim * sizeof *x);
  memcpy(data->y, y, n * sizeof *y);
  strcpy(data->name, "test");
  return data;
}

double network_feature(const mn_data *data, size_t i, size_t j)
{
  size_t at = i * data->dim + j;
  if (data->type == MN_U8) return ((const unsigned char *)data->x)[at];
  return data->type == MN_F32 ? (double)((const float *)data->x)[at] : ((const double *)data->x)[at];
}

mn_network_options network_options(int depth)
{
  mn_network_options o = mn_network_defaults();
  o.depth = depth;
  o.candidates = 5;
  o.improve_s = 0;
  return o;
}

mn_network *network_open(const mn_data *data, const mn_network_options *options)
{
  mn_error err = {0};
  mn_network *network;
  const mn_context two = {.threads = 2};
  if (mn_network_build(data, options, &two, &network, &err)) fail_msg("%s", err.text);
  return network;
}

void network_refused(const mn_data *data, const mn_network_options *options, mn_status status, const char *text)
{
  mn_error err = {0};
  mn_network *network = (mn_network *)&err;
  long live = mn_memory_live();
  assert_int_equal(mn_network_build(data, options, NULL, &network, NULL), status);
  assert_int_equal(mn_network_build(data, options, NULL, &network, &err), status);
  assert_null(network);
  if (!strstr(err.text, text)) fail_msg("'%s' does not say '%s'", err.text, text);
  assert_int_equal(mn_memory_live(), live);
}

quad network_dot(const mn_data *data, size_t i, const double *a, quad *size)
{
  quad sum = 0, magnitude = 0;
  for (size_t j = 0; j < data->dim; j++) {
    quad term = (quad)network_feature(data, i, j) * (quad)a[j];
    sum += term;
    magnitude += quad_abs(term);
  }
  if (size) *size = magnitude;
  return sum;
}

quad network_point(const mn_network *network, size_t k)
{
  size_t i = network->projection.order[k].item;
  return (quad)network->projection.hi[i] + (quad)network->projection.lo[i];
}

static mn_network_array array_at(const mn_network *network, size_t i)
{
  mn_network_array array;
  assert_true(mn_network_array_at(network, i, &array));
  return array;
}

/* What a layer reads, and what it has summed so far, with magnitudes. */
typedef struct {
  quad in, in_size;
  quad sum, sum_size; /* of this layer's units */
  quad carried, carried_size;
} state;

static void sum_layer(const mn_network_array *b, const mn_network_array *w, size_t output, state *s)
{
  s->sum = s->sum_size = 0;
  for (size_t j = 0; j < b->rows; j++) {
    quad h = s->in - (quad)b->values[j], weight = (quad)w->values[j + output * w->ld];
    if (h > 0) s->sum += weight * h;
    s->sum_size += quad_abs(weight) * (s->in_size + quad_abs((quad)b->values[j]));
  }
}

static quad relu(quad x)
{
  return x > 0 ? x : 0;
}

quad network_value(const mn_network *network, const mn_data *data, size_t i, size_t output, quad *size)
{
  size_t arrays = 0;
  state s = {0};
  mn_network_array b, last;
  while (mn_network_array_at(network, arrays, &last)) arrays++;
  int deep = arrays % 2 == 0; /* a, pairs of b and w, and offset */
  size_t layers = (arrays - 1) / 2;
  quad offset = deep ? (quad)array_at(network, arrays - 1).values[output] : 0;
  s.in = network_dot(data, i, array_at(network, 0).values, &s.in_size);
  s.carried_size = quad_abs(offset);
  for (size_t l = 0; l < layers; l++) {
    b = array_at(network, 2 * l + 1);
    last = array_at(network, 2 * l + 2);
    sum_layer(&b, &last, output, &s);
    s.carried_size += s.sum_size;
    if (l + 1 < layers) s.carried = relu((l ? s.carried : offset) + s.sum);
    if (l) continue;
    s.in = relu(s.in - (quad)b.values[0]);
    s.in_size += quad_abs((quad)b.values[0]);
  }
  if (size) *size = s.carried_size;
  return deep ? s.carried + s.sum - offset : s.sum;
}

double network_tolerance(const mn_network *network, size_t k, size_t output)
{
  size_t unit = mn_network_unit_of(network, k);
  double z = (double)network_point(network, k), size = 0, own = 0;
  for (size_t j = 0; j <= unit; j++) {
    double kink = mn_network_kink(network, j);
    own = fabs(network->w[j + output * network->units]) * fabs(z - kink);
    size += own;
  }
  return 3.01 * u * own + 20 * u * u * (double)(unit + 1) * size;
}
