/* Verification, of all points and of a sample, of networks that are right and of one that is wrong; the curve for
 * pictures. */
#include <math.h>

#include "linalg/threads.h"
#include "network_support.h"

static void verifying(void **state)
{
  (void)state;
  enum { N = 90 };
  mn_error err = {0};
  mn_network_verification all, some;
  mn_data *data = network_data(N, 6, MN_F64, 1, 1), *other = network_data(N - 1, 6, MN_F64, 1, 1);
  mn_network_options o = network_options(2);
  mn_network *network = network_open(data, &o);
  assert_int_equal(mn_network_verify(network, other, 0, NULL, &all, &err), MN_ERR_DATA);
  assert_string_equal(err.text, "test: the 90 training points of the network expected, 89 found");
  assert_int_equal(mn_network_verify(network, data, 0, NULL, &all, NULL), MN_OK);
  assert_true(all.max_error[MN_FORWARD_COMPENSATED] < 1e-9 && all.max_error[MN_FORWARD_PIECEWISE] < 1e-9);
  assert_int_equal(all.points, N);
  assert_true(all.target_max == 9 && all.train_error == 0);
  double out[N];
  for (int how = 0; how < MN_FORWARDS; how++) {
    double most = 0;
    assert_int_equal(mn_network_forward(network, data, (mn_forward)how, NULL, out, NULL), MN_OK);
    size_t missed = 0;
    for (size_t i = 0; i < N; i++) most = fmax(most, fabs(out[i] - data->y[i])), missed += rint(out[i]) != data->y[i];
    assert_true(all.max_error[how] == most && all.missed[how] == (double)missed / N);
  }
  assert_int_equal(mn_network_verify(network, data, 10, NULL, &some, NULL), MN_OK);
  assert_int_equal(some.points, 10);
  assert_true(some.train_error == 0 && some.target_max == 9);
  for (int how = 0; how < MN_FORWARD_PIECEWISE; how++) assert_true(some.max_error[how] <= all.max_error[how]);
  assert_true(some.max_error[MN_FORWARD_PIECEWISE] == all.max_error[MN_FORWARD_PIECEWISE]);
  assert_int_equal(mn_network_verify(network, data, 1000, NULL, &some, NULL), MN_OK);
  assert_int_equal(some.points, N);
  for (size_t u = 0; u < network->units; u++) network->w[u] = -network->w[u]; /* a network that is wrong is told */
  assert_int_equal(mn_network_verify(network, data, 0, NULL, &some, NULL), MN_OK);
  for (int how = 0; how < MN_FORWARDS; how++) assert_true(some.missed[how] > 0.5);
  assert_true(some.train_error > 0.5 && some.max_error[MN_FORWARD_COMPENSATED] > 5);
  network->w[0] = NAN;
  assert_int_equal(mn_network_verify(network, data, 0, NULL, &some, NULL), MN_OK);
  for (int how = 0; how < MN_FORWARDS; how++) assert_true(isinf(some.max_error[how]));
  mn_network_close(&network);
  mn_data_close(&data);
  mn_data_close(&other);
}

/* Kinks ascend, z lie between, and the values are those of the sum over the units. */
static void tracing(void **state)
{
  (void)state;
  for (int depth = 2; depth <= 6; depth += 2) {
    mn_network_curve curve;
    mn_data *data = network_data(50, 6, MN_F64, 2, 1);
    mn_network_options o = network_options(depth);
    mn_network *network = network_open(data, &o);
    for (int again = 0; again < 2; again++) assert_int_equal(mn_network_trace(network, &curve, NULL), MN_OK);
    assert_int_equal(curve.units, 50 + depth - 2);
    assert_int_equal(curve.points, 50);
    for (size_t j = 0; j < curve.units; j++) {
      quad value = 0, size = 0;
      assert_true(curve.kinks[j] == mn_network_kink(network, j));
      if (j) assert_true(curve.kinks[j - 1] <= curve.kinks[j]);
      for (size_t i = 0; i < j; i++) {
        quad term = (quad)network->w[i] * ((quad)curve.kinks[j] - (quad)curve.kinks[i]);
        value += term;
        size += quad_abs(term);
      }
      double error = (double)quad_abs(value - (quad)curve.values[j]);
      assert_true(error <= DBL_EPSILON * fabs(curve.values[j]) + 0x1p-90 * (double)size);
    }
    for (size_t k = 0; k < 50; k++) {
      size_t i = network->projection.order[k].item;
      assert_true(curve.z[k] == (double)network_point(network, k) && curve.targets[k] == data->y[2 * i]);
      if (k) assert_true(curve.z[k - 1] < curve.z[k]);
    }
    mn_network_close(&network);
    mn_data_close(&data);
  }
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(verifying),
      cmocka_unit_test(tracing),
  };
  return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
