/* The spectrum of the Hessian against singular values of the features themselves, weighted; the same at minima far
 * apart, another one elsewhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interpolants_support.h"
#include "naive.h"

enum { N = 30, DIM = 55, K = 3 };

/* The loss from its formula, to be differentiated twice by differences in long double. */
static long double loss_at(mn_loss loss, long double f, long double y)
{
  if (loss == MN_LOSS_SQUARED) return (f - y) * (f - y) / 2;
  return log1pl(expl(f)) - f / (1 + expl(-y));
}

static double second(mn_loss loss, double f, double y)
{
  const long double h = 1e-4L;
  return (double)((loss_at(loss, f + h, y) - 2 * loss_at(loss, f, y) + loss_at(loss, f - h, y)) / (h * h));
}

static double first(mn_loss loss, double f, double y)
{
  const long double h = 1e-6L;
  return (double)((loss_at(loss, f + h, y) - loss_at(loss, f - h, y)) / (2 * h));
}

/* Values and gradient at a model, from its scores. */
static void check_at(const mn_interpolants *p, const mn_data *train, const mn_model *at, mn_loss loss, double *values,
                     mn_curvature *r)
{
  const size_t output = 1;
  double *scores = problem_predict(at, train), weighted[N * DIM], gradient[DIM] = {0};
  const double *x = train->x;
  assert_int_equal(mn_interpolants_curvature(p, at, loss, output, NULL, values, r, NULL), MN_OK);
  for (size_t i = 0; i < N; i++) {
    double y = train->y[i] == (double)output, f = scores[i * K + output], beta = second(loss, f, y);
    for (size_t j = 0; j < DIM; j++) {
      weighted[i * DIM + j] = sqrt(beta / N) * x[i * DIM + j];
      gradient[j] += first(loss, f, y) * x[i * DIM + j] / N;
    }
  }
  naive_svd svd = naive_svd_open(N, DIM, weighted);
  for (size_t i = 0; i < N; i++) mn_test_close(values[i] / (svd.values[i] * svd.values[i]), 1, 1e-6);
  assert_int_equal(r->rank, N);
  assert_true(r->zeros == DIM - N && r->largest == values[0] && r->least == values[N - 1]);
  mn_test_close(r->gradient, problem_norm(DIM, gradient), 1e-7);
  naive_svd_close(&svd);
  free(scores);
}

static double difference(const double *a, const double *b)
{
  double most = 0;
  for (size_t i = 0; i < N; i++) most = fmax(most, fabs(a[i] - b[i]));
  return most / b[0];
}

static void minima(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM), ridge = options;
  mn_interpolants *p = problem_open(train, &options);
  const mn_model *direct = mn_interpolants_direct(p);
  mn_model *outside = NULL, *no_minimum = NULL;
  mn_descent_options o = mn_descent_defaults();
  mn_descent r;
  o.start = 3, o.tolerance = 1e-9;
  assert_int_equal(mn_interpolants_descend(p, &o, NULL, &outside, &r, NULL), MN_OK);
  assert_true(r.direct_distance > 1);
  ridge.solve.ridge = 50;
  assert_int_equal(mn_model_fit(train, &ridge, NULL, &no_minimum, NULL), MN_OK);
  for (mn_loss loss = 0; loss < MN_LOSSES; loss++) {
    double a[N], b[N], c[N];
    mn_curvature at_a, at_b, at_c;
    check_at(p, train, direct, loss, a, &at_a);
    check_at(p, train, outside, loss, b, &at_b);
    check_at(p, train, no_minimum, loss, c, &at_c);
    assert_true(difference(a, b) < 1e-9);
    assert_true(at_a.gradient < 1e-10 && at_b.gradient < 1e-7 && at_c.gradient > 1e-3);
    assert_true(loss == MN_LOSS_SQUARED ? difference(c, a) == 0 : difference(c, a) > 1e-3);
  }
  mn_model_close(&outside), mn_model_close(&no_minimum);
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

/* Features of mean 0: one direction of the samples is none of the features'. A kernel of unknown dim has no count. */
static void degenerate(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  options.scale = MN_SCALE_STANDARD, options.center = 1;
  mn_interpolants *p = problem_open(train, &options);
  mn_curvature r;
  assert_int_equal(mn_interpolants_curvature(p, mn_interpolants_direct(p), MN_LOSS_SQUARED, 0, NULL, NULL, &r, NULL),
                   MN_OK);
  assert_int_equal(r.rank, N - 1);
  assert_true(r.zeros == DIM - N + 1 && r.least > 1e-3 && r.gradient < 1e-10);
  assert_int_equal(mn_interpolants_curvature(p, mn_interpolants_direct(p), MN_LOSSES, 0, NULL, NULL, &r, NULL),
                   MN_ERR_ARGUMENT);
  assert_int_equal(mn_interpolants_curvature(p, mn_interpolants_direct(p), MN_LOSS_SQUARED, K, NULL, NULL, &r, NULL),
                   MN_ERR_ARGUMENT);
  assert_null(mn_loss_string(MN_LOSSES));
  mn_interpolants_close(&p);
  options = problem_options(MN_KERNEL_GAUSSIAN, DIM);
  p = problem_open(train, &options);
  assert_int_equal(mn_interpolants_curvature(p, mn_interpolants_direct(p), MN_LOSS_LOGISTIC, 0, NULL, NULL, &r, NULL),
                   MN_OK);
  assert_true(r.rank == N && isnan(r.zeros));
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

static mn_status run_call(void *arg, mn_error *err)
{
  const mn_interpolants *p = arg;
  mn_curvature r;
  return mn_interpolants_curvature(p, mn_interpolants_direct(p), MN_LOSS_LOGISTIC, 0, NULL, NULL, &r, err);
}

static void allocations(void **state)
{
  (void)state;
  mn_data *train = problem_data(9, 12, MN_F64, 2, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, 12);
  mn_interpolants *p = problem_open(train, &options);
  mn_test_every_allocation(run_call, p);
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(minima),
      cmocka_unit_test(degenerate),
      cmocka_unit_test(allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
