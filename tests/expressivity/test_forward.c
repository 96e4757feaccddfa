/* The ways to evaluate the network against a naive evaluation of its arrays in 113 bits, on training points and on
 * others, and the loops in twice the precision, one instruction set against the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "expressivity/compensated.h"
#include "linalg/threads.h"
#include "network_support.h"

static const double u = DBL_EPSILON / 2;

/* Error allowed relative to `size`, the sum of all magnitudes. Plain: u for each of dim + units + 8 roundings on the
 * way to an output, in the precision of the way; in fp32 the arrays are rounded first (3 more). In twice the precision
 * (dim + units)^2 u^2, and the last rounding u |value|. A point close to a kink may fall on its other side, which costs
 * no more than that: the kink is continuous. */
static double tolerance(const mn_network *network, mn_forward how, double size, double value)
{
  double steps = (double)(network->dim + network->units + network->report.layers + 8);
  switch (how) {
  case MN_FORWARD_DOUBLE:
    return 2 * steps * u * size;
  case MN_FORWARD_SINGLE:
    return 2 * (steps + 3) * 0x1p-24 * size;
  default:
    return 2 * steps * steps * u * u * size + 2 * u * fabs(value);
  }
}

static void check(const mn_network *network, const mn_data *data)
{
  double *out = malloc(data->n * network->outputs * sizeof *out);
  const mn_context two = {.threads = 2};
  for (int how = 0; how < MN_FORWARDS; how++) {
    memset(out, 0xff, data->n * network->outputs * sizeof *out);
    assert_int_equal(mn_network_forward(network, data, (mn_forward)how, &two, out, NULL), MN_OK);
    for (size_t i = 0; i < data->n; i++)
      for (size_t c = 0; c < network->outputs; c++) {
        quad size, value = network_value(network, data, i, c, &size);
        double error = (double)quad_abs((quad)out[i * network->outputs + c] - value);
        double allowed = tolerance(network, (mn_forward)how, (double)size, (double)value);
        if (!(error <= allowed))
          fail_msg("way %d, sample %zu, output %zu: off by %g of %g, not %g", how, i, c, error, (double)value, allowed);
      }
  }
  free(out);
}

/* Training points, points between them and beside them, of which some are left of b_1 and some right of z_n. */
static void all_ways(void **state)
{
  (void)state;
  static const size_t sizes[] = {1, 7, 130, 600};
  static const int depths[] = {2, 3, 8, 65};
  static const mn_dtype types[] = {MN_U8, MN_F32, MN_F64};
  for (size_t s = 0; s < 4; s++)
    for (size_t t = 0; t < 3; t++) {
      size_t n = sizes[s], dim = 1 + s * 11;
      int depth = (size_t)depths[(s + t) % 4] > n ? 2 : depths[(s + t) % 4];
      if (dim == 1 && types[t] == MN_U8) dim = 2;
      mn_data *data = network_data(n, dim, types[t], 1 + (s + t) % 3, s),
              *other = network_data(150, dim, types[t], 0, 9);
      for (size_t j = 0; j < 3 * dim && types[t] == MN_F64; j++) ((double *)other->x)[j] *= 100;
      mn_network_options o = network_options(depth);
      mn_network *network = network_open(data, &o);
      check(network, data);
      check(network, other);
      mn_network_close(&network);
      mn_data_close(&data);
      mn_data_close(&other);
    }
}

/* Left of b_1 the function is 0 and right of z_n it is linear, whatever the depth. */
static void beyond_the_points(void **state)
{
  (void)state;
  static const double x[] = {1, 2, 4, 5}, y[] = {3, 1, 2, 7}, outside[] = {-100, -5, 6, 9}, none[4];
  mn_data *data = network_data_of(4, 1, x, y), *other = network_data_of(4, 1, outside, none);
  for (int depth = 2; depth <= 5; depth++)
    for (int how = 0; how < MN_FORWARDS; how++) {
      double out[4], tol = how == MN_FORWARD_SINGLE ? 1e-4 : 1e-12;
      mn_network_options o = network_options(depth);
      mn_network *network = network_open(data, &o);
      assert_int_equal(mn_network_forward(network, other, (mn_forward)how, NULL, out, NULL), MN_OK);
      mn_test_close(out[0], 0, tol);
      mn_test_close(out[1], 0, tol);
      mn_test_close(out[2], 12, tol); /* slope 5 from (5, 7) on */
      mn_test_close(out[3], 27, tol);
      mn_network_close(&network);
    }
  mn_data_close(&data);
  mn_data_close(&other);
}

/* Bytes in, doubles out of the same values: the same function, in twice the precision the same bits. */
static void bytes_as_doubles(void **state)
{
  (void)state;
  enum { N = 90, DIM = 20 };
  double x[N * DIM], out[2][N];
  mn_data *data = network_data(N, DIM, MN_U8, 1, 4), *same;
  for (size_t i = 0; i < N * DIM; i++) x[i] = network_feature(data, i / DIM, i % DIM);
  same = network_data_of(N, DIM, x, data->y);
  mn_network_options o = network_options(4);
  mn_network *network = network_open(data, &o);
  for (int how = MN_FORWARD_COMPENSATED; how <= MN_FORWARD_PIECEWISE; how++) {
    assert_int_equal(mn_network_forward(network, data, (mn_forward)how, NULL, out[0], NULL), MN_OK);
    assert_int_equal(mn_network_forward(network, same, (mn_forward)how, NULL, out[1], NULL), MN_OK);
    assert_memory_equal(out[0], out[1], sizeof out[0]);
  }
  check(network, same);
  mn_network_close(&network);
  mn_data_close(&data);
  mn_data_close(&same);
}

static void threads_do_not_matter(void **state)
{
  (void)state;
  enum { N = 400 };
  double one[N], two[N];
  const mn_context contexts[] = {{.threads = 1}, {.threads = 2}};
  mn_data *data = network_data(N, 10, MN_F64, 1, 3);
  mn_network_options o = network_options(3);
  mn_network *network = network_open(data, &o);
  for (int how = 0; how < MN_FORWARDS; how++) {
    assert_int_equal(mn_network_forward(network, data, (mn_forward)how, &contexts[0], one, NULL), MN_OK);
    assert_int_equal(mn_network_forward(network, data, (mn_forward)how, &contexts[1], two, NULL), MN_OK);
    assert_memory_equal(one, two, sizeof one);
  }
  mn_network_close(&network);
  mn_data_close(&data);
}

static int cancel(void *user, const mn_progress *progress)
{
  (void)user, (void)progress;
  return 1;
}

static void refused(void **state)
{
  (void)state;
  double out[30];
  mn_error err = {0};
  const mn_context cancelled = {.progress = cancel};
  mn_data *data = network_data(30, 4, MN_F64, 1, 3), *other = network_data(30, 5, MN_F64, 1, 3);
  mn_network_options o = network_options(2);
  mn_network *network = network_open(data, &o);
  for (int how = 0; how < MN_FORWARDS; how++) {
    assert_int_equal(mn_network_forward(network, other, (mn_forward)how, NULL, out, &err), MN_ERR_DATA);
    assert_string_equal(err.text, "test: samples of 4 features expected, 5 found");
  }
  for (int how = 0; how <= MN_FORWARD_COMPENSATED; how++) /* the pieces take no time */
    assert_int_equal(mn_network_forward(network, data, (mn_forward)how, &cancelled, out, NULL), MN_ERR_CANCELLED);
  mn_network_close(&network);
  mn_data_close(&data);
  mn_data_close(&other);
}

/* ---- loops in twice the precision */

static void check_dot(const mn_compensated *loops)
{
  enum { MOST = 203 };
  double x[MOST], a[MOST];
  mn_random r = mn_random_open(1, MN_STREAM_TEST, 0);
  for (size_t n = 0; n <= MOST; n++) {
    quad exact = 0, size = 0;
    double hi, lo, steps = (double)(n / 8 + n % 8 + 8);
    for (size_t j = 0; j < n; j++) {
      x[j] = mn_random_normal(&r) * ldexp(1, (int)mn_random_below(&r, 60));
      a[j] = j % 2 ? -x[j - 1] * a[j - 1] / x[j] : mn_random_normal(&r); /* pairs cancel to their rounding errors */
      quad term = (quad)x[j] * (quad)a[j];
      exact += term;
      size += quad_abs(term);
    }
    loops->dot(n, x, a, &hi, &lo);
    quad error = quad_abs((quad)hi + (quad)lo - exact);
    assert_true((double)error <= 2 * u * u * (steps * steps * (double)size + fabs((double)exact)));
    assert_true(hi + lo == hi);
  }
}

static void check_units(const mn_compensated *loops)
{
  enum { UNITS = 300, POINTS = MN_COMPENSATED_POINTS };
  double b[UNITS], w[UNITS], z[POINTS], rest[POINTS], hi[POINTS], lo[POINTS], low[POINTS];
  mn_random r = mn_random_open(2, MN_STREAM_TEST, 0);
  for (size_t j = 0; j < UNITS; j++) b[j] = (double)j / 32, w[j] = mn_random_normal(&r) * ldexp(1, (int)(j % 40));
  for (size_t l = 0; l < POINTS; l++) {
    z[l] = l < 4 ? b[50 * l] : 10 * mn_random_uniform(&r); /* on a kink, where lo decides; anywhere */
    rest[l] = (l % 2 ? 1 : -1) * z[l] * u / 3;
    hi[l] = mn_random_normal(&r);
    lo[l] = low[l] = hi[l] * u / 4;
  }
  double start[POINTS];
  memcpy(start, hi, sizeof start);
  loops->units(UNITS, b, w, z, rest, hi, lo);
  for (size_t l = 0; l < POINTS; l++) {
    quad exact = (quad)start[l] + (quad)low[l], size = quad_abs(exact);
    for (size_t j = 0; j < UNITS; j++) {
      quad t = (quad)z[l] + (quad)rest[l] - (quad)b[j];
      if (t <= 0) continue;
      exact += (quad)w[j] * t;
      size += quad_abs((quad)w[j] * t);
    }
    double steps = UNITS + 4;
    assert_true((double)quad_abs((quad)hi[l] + (quad)lo[l] - exact) <= 2 * steps * steps * u * u * (double)size);
  }
}

static void loops_of_every_processor(void **state)
{
  (void)state;
  check_dot(&mn_compensated_base);
  check_units(&mn_compensated_base);
#if MN_X86_LEVELS
  if (!mn_cpu_runs(MN_CPU_AVX2)) return;
  check_dot(&mn_compensated_avx2);
  check_units(&mn_compensated_avx2);
#endif
}

/* Both do the same operations in the same order. */
static void tables_agree_bit_for_bit(void **state)
{
  (void)state;
#if MN_X86_LEVELS
  enum { N = 100, POINTS = MN_COMPENSATED_POINTS };
  double x[N], a[N], z[POINTS], rest[POINTS] = {0}, hi[2][POINTS] = {{0}}, lo[2][POINTS] = {{0}};
  mn_random r = mn_random_open(3, MN_STREAM_TEST, 0);
  if (!mn_cpu_runs(MN_CPU_AVX2)) return;
  for (size_t j = 0; j < N; j++) x[j] = mn_random_normal(&r), a[j] = mn_random_normal(&r);
  for (size_t l = 0; l < POINTS; l++) z[l] = mn_random_normal(&r);
  for (size_t n = 0; n <= N; n++) {
    mn_compensated_base.dot(n, x, a, &hi[0][0], &lo[0][0]);
    mn_compensated_avx2.dot(n, x, a, &hi[1][0], &lo[1][0]);
    assert_true(hi[0][0] == hi[1][0] && lo[0][0] == lo[1][0]);
    mn_compensated_base.units(n, x, a, z, rest, hi[0], lo[0]);
    mn_compensated_avx2.units(n, x, a, z, rest, hi[1], lo[1]);
    assert_memory_equal(hi[0], hi[1], sizeof hi[0]);
    assert_memory_equal(lo[0], lo[1], sizeof lo[0]);
  }
#endif
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_ways),
      cmocka_unit_test(beyond_the_points),
      cmocka_unit_test(bytes_as_doubles),
      cmocka_unit_test(threads_do_not_matter),
      cmocka_unit_test(refused),
      cmocka_unit_test(loops_of_every_processor),
      cmocka_unit_test(tables_agree_bit_for_bit),
  };
  return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
