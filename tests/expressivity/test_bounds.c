/* What is reported of the triangular system: least eigenvalue, condition and the bound on the norm against a naive
 * dense inverse, on random and on nasty points; the dense solver against the slopes. */
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "linalg/threads.h"
#include "network_support.h"

/* A in 113 bits, n x n column-major, and its inverse by substitution. */
typedef struct {
  size_t n;
  quad *a, *inverse;
} dense;

static dense dense_open(const mn_network *network)
{
  size_t n = network->projection.count;
  dense d = {n, calloc(n * n, sizeof *d.a), calloc(n * n, sizeof *d.inverse)};
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j <= i; j++)
      d.a[i + j * n] = network_point(network, i) - (quad)mn_network_kink(network, mn_network_unit_of(network, j));
  for (size_t c = 0; c < n; c++)
    for (size_t i = c; i < n; i++) {
      quad sum = i == c;
      for (size_t j = c; j < i; j++) sum -= d.a[i + j * n] * d.inverse[j + c * n];
      d.inverse[i + c * n] = sum / d.a[i + i * n];
    }
  return d;
}

static void dense_close(dense *d)
{
  free(d->a);
  free(d->inverse);
}

static double norm1(size_t n, const quad *a)
{
  quad most = 0;
  for (size_t j = 0; j < n; j++) {
    quad sum = 0;
    for (size_t i = 0; i < n; i++) sum += quad_abs(a[i + j * n]);
    if (sum > most) most = sum;
  }
  return (double)most;
}

/* ||w|| over all units and outputs, w as stored. */
static double norm_of(const mn_network *network)
{
  quad sum = 0;
  for (size_t i = 0; i < network->units * network->outputs; i++) sum += (quad)network->w[i] * (quad)network->w[i];
  return sqrt((double)sum);
}

static void check(const mn_data *data, const mn_network_options *o, double tolerance)
{
  mn_network *network = network_open(data, o);
  const mn_network_report *r = mn_network_report_of(network);
  dense d = dense_open(network);
  double least = INFINITY;
  for (size_t i = 0; i < d.n; i++) least = fmin(least, (double)d.a[i + i * d.n]);
  mn_test_close(r->lambda_min / least, 1, tolerance);
  mn_test_close(r->lambda_min_lapack / least, 1, tolerance);
  double condition = norm1(d.n, d.a) * norm1(d.n, d.inverse);
  mn_test_close(r->condition / condition, 1, tolerance);
  assert_true(r->condition_lapack <= condition * (1 + tolerance) && r->condition_lapack >= condition / 10);
  mn_test_close(r->norm / norm_of(network), 1, 1e-12);
  if (!isnan(r->norm_bound)) assert_true(r->norm <= r->norm_bound * (1 + 1e-12));
  if (r->layers == 1) assert_true(r->dense_difference < 1e3 * tolerance);
  if (r->layers > 1) assert_true(isnan(r->dense_difference));
  dense_close(&d);
  mn_network_close(&network);
}

/* z_i - b_j in double are right to u |z| / lambda: 1e-16 times range / gap, which is below 1e6 here. */
static void against_the_inverse(void **state)
{
  (void)state;
  static const mn_dtype types[] = {MN_U8, MN_F32, MN_F64};
  for (uint64_t seed = 0; seed < 24; seed++) {
    mn_data *data = network_data(1 + (seed * 17) % 60, 6, types[seed % 3], 1 + seed % 2, seed);
    mn_network_options o = network_options(data->n < 5 ? 2 : 2 + (int)(seed % 4));
    o.targets = seed % 6 == 4 ? MN_NETWORK_ONEHOT : MN_NETWORK_LABEL;
    if (data->columns == 2) o.targets = MN_NETWORK_LABEL;
    check(data, &o, 1e-9);
    mn_data_close(&data);
  }
}

/* Clusters at all scales, labels that alternate: large norms. */
static void nasty_points(void **state)
{
  (void)state;
  enum { N = 40 };
  for (int shape = 0; shape < 4; shape++)
    for (int depth = 2; depth <= 4; depth++) {
      double x[N], y[N];
      for (int i = 0; i < N; i++) {
        if (shape == 0) x[i] = i;
        if (shape == 1) x[i] = ldexp(1, -i / 2) * (i % 2 ? 1 : -1);
        if (shape == 2) x[i] = i / 4 + 1e-5 * (i % 4);
        if (shape == 3) x[i] = i * i * i;
        y[i] = i % 2 ? 1 : -1;
      }
      mn_data *data = network_data_of(N, 1, x, y);
      mn_network_options o = network_options(depth);
      check(data, &o, 1e-8);
      mn_data_close(&data);
    }
}

/* On many random instances the bound holds, and it is no idle one: within a factor of 10^3 here. */
static void bound_on_the_norm(void **state)
{
  (void)state;
  size_t finite = 0;
  for (uint64_t seed = 0; seed < 300; seed++) {
    mn_data *data = network_data(2 + seed % 80, 1 + seed % 7, MN_F64, 1, seed);
    mn_random r = mn_random_open(seed, MN_STREAM_TEST, 1);
    for (size_t i = 0; i < data->n; i++) data->y[i] = seed % 2 ? (double)(2 * (i % 2)) - 1 : mn_random_normal(&r);
    mn_network_options o = network_options(2 + (int)(seed % 3 && data->n > 3 ? seed % 3 : 0));
    mn_network *network = network_open(data, &o);
    const mn_network_report *report = mn_network_report_of(network);
    if (report->norm > report->norm_bound * (1 + 1e-12)) fail_msg("seed %zu", (size_t)seed);
    finite += report->norm_bound < 1e3 * report->norm;
    mn_network_close(&network);
    mn_data_close(&data);
  }
  assert_true(finite > 250);
}

/* y = (1, -1) on points a distance apart: ||w|| is above ||y|| / lambda_min, which is therefore no bound. */
static void eigenvalues_bound_nothing(void **state)
{
  (void)state;
  static const double x[] = {0, 1}, y[] = {1, -1};
  mn_data *data = network_data_of(2, 1, x, y);
  mn_network_options o = network_options(2);
  mn_network *network = network_open(data, &o);
  const mn_network_report *r = mn_network_report_of(network);
  assert_true(r->norm > 1.5 * sqrt(2) / r->lambda_min);
  assert_true(r->norm <= r->norm_bound);
  mn_network_close(&network);
  mn_data_close(&data);
}

static void dense_solver(void **state)
{
  (void)state;
  for (size_t columns = 1; columns <= 3; columns++) {
    mn_data *data = network_data(120, 9, columns == 2 ? MN_U8 : MN_F64, columns, columns);
    mn_network_options o = network_options(2), by_slopes = o;
    o.solver = MN_NETWORK_DENSE;
    mn_network *network = network_open(data, &o), *other = network_open(data, &by_slopes);
    double most = 0, worst = 0;
    for (size_t i = 0; i < 120 * columns; i++) {
      worst = fmax(worst, fabs(network->w[i] - other->w[i]));
      most = fmax(most, fabs(other->w[i]));
    }
    assert_true(worst <= 1e-8 * most); /* LAPACK's substitution adds rounding up, u range / gap for each of 120 */
    assert_true(mn_network_report_of(network)->dense_difference < 1e-8);
    assert_int_equal(mn_network_report_of(network)->weights, mn_network_report_of(other)->weights);
    mn_network_close(&network);
    mn_network_close(&other);
    mn_data_close(&data);
  }
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(against_the_inverse),       cmocka_unit_test(nasty_points), cmocka_unit_test(bound_on_the_norm),
      cmocka_unit_test(eigenvalues_bound_nothing), cmocka_unit_test(dense_solver),
  };
  return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
