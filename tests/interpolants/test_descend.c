/* Descents against the direct solution and against steps taken with the weights themselves, in long double: where they
 * arrive from zero and from outside the span, how each step goes, what is reported on the way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "interpolants_support.h"
#include "naive.h"

enum { N = 40, DIM = 70, M = 25, K = 3 };
typedef long double wide;

static mn_model *descend(const mn_interpolants *p, const mn_descent_options *o, mn_descent *report)
{
  mn_model *model = NULL;
  mn_error err = {0};
  if (mn_interpolants_descend(p, o, NULL, &model, report, &err))
    fail_msg("%s: %s", mn_descent_string(o->method), err.text);
  return model;
}

/* ---- arrival */

/* A path that ends near its limit, as the report says it. */
static void check_path(const mn_descent *r, const mn_descent_options *o)
{
  assert_true(r->converged && r->distance <= o->tolerance && r->count > 1);
  const mn_descent_point *last = &r->points[r->count - 1];
  assert_int_equal(last->passes, r->passes);
  assert_true(last->distance == r->distance);
  assert_true(last->residual < 1e-5 && r->points[0].passes == 1);
  for (size_t i = 1; i < r->count; i++) assert_true(r->points[i].passes > r->points[i - 1].passes);
}

static void from_zero(void **state)
{
  (void)state;
  static const mn_kernel_name kernels[] = {MN_KERNEL_LINEAR, MN_KERNEL_GAUSSIAN};
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1), *test = problem_data(M, DIM, MN_F64, K, 2);
  for (size_t k = 0; k < 2; k++)
    for (mn_descent_method method = 0; method < MN_DESCENTS; method++)
      for (size_t batch = 1; batch <= (method == MN_DESCENT_SGD ? 49 : 1); batch += 12) {
        mn_fit_options options = problem_options(kernels[k], DIM);
        mn_interpolants *p = problem_open(train, &options);
        const mn_model *direct = mn_interpolants_direct(p);
        mn_descent_options o = mn_descent_defaults();
        o.method = method, o.batch = batch;
        mn_descent r;
        mn_model *model = descend(p, &o, &r);
        double *a = problem_predict(model, test), *b = problem_predict(direct, test);
        check_path(&r, &o);
        assert_true(problem_distance(M * K, a, b) < 1e-5);
        assert_int_equal(r.steps / r.passes, method < MN_DESCENT_SGD ? 1 : (N + batch - 1) / batch);
        mn_test_close(mn_model_report(model)->norm / mn_model_report(direct)->norm, 1, 1e-6);
        mn_test_close(r.limit_norm / mn_model_report(direct)->norm, 1, 1e-9);
        mn_test_close(r.direct_distance, r.distance, 1e-8);
        assert_true(r.start_norm == 0 && mn_model_report(model)->train_error == 0);
        free(a), free(b);
        mn_model_close(&model);
        mn_interpolants_close(&p);
      }
  mn_data_close(&train), mn_data_close(&test);
}

/* w = w* + what the data do not see of w_0, whichever way; the weights themselves are compared. */
static void from_outside(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  mn_interpolants *p = problem_open(train, &options);
  double norm = mn_model_report(mn_interpolants_direct(p))->norm, *w0 = problem_weights(mn_interpolants_direct(p), DIM);
  naive_svd svd = naive_svd_open(N, DIM, train->x);
  for (mn_descent_method method = 0; method < MN_DESCENTS; method++) {
    mn_descent_options o = mn_descent_defaults();
    o.method = method, o.start = 2, o.tolerance = 1e-8, o.seed = 5;
    mn_descent r;
    mn_model *model = descend(p, &o, &r);
    double *w = problem_weights(model, DIM), *inside = calloc(DIM * K, sizeof *inside);
    check_path(&r, &o);
    mn_test_close(r.start_norm, 2 * norm, 1e-12);
    for (size_t c = 0; c < K; c++)
      for (size_t v = 0; v < N; v++) { /* right singular vectors of the N values that are not 0 */
        wide dot = 0;
        for (size_t j = 0; j < DIM; j++) dot += svd.v[j + v * DIM] * w[j * K + c];
        for (size_t j = 0; j < DIM; j++) inside[j * K + c] += (double)(dot * svd.v[j + v * DIM]);
      }
    assert_true(problem_distance(DIM * K, inside, w0) < 1e-7);
    double all = problem_norm(DIM * K, w);
    assert_true(all > 1.1 * norm && all < sqrt(5) * norm);
    mn_test_close(all / r.limit_norm, 1, 1e-7);
    mn_test_close(all / mn_model_report(model)->norm, 1, 1e-10);
    mn_test_close(r.direct_distance, problem_distance(DIM * K, w, w0), 1e-7);
    assert_true(mn_model_report(model)->train_error == 0);
    assert_true(mn_model_report(model)->solution.residual < 1e-6);
    free(w), free(inside);
    mn_model_close(&model);
  }
  naive_svd_close(&svd);
  free(w0);
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

/* ---- steps, with w itself: dim numbers of one output */

typedef struct {
  const double *x; /* N x DIM */
  wide y[N], w[DIM], before[DIM], t;
} naive_descent;

static void gradient_at(const naive_descent *d, const wide *w, size_t count, const size_t *which, wide *g)
{
  for (size_t j = 0; j < DIM; j++) g[j] = 0;
  for (size_t s = 0; s < count; s++) {
    const double *x = d->x + which[s] * DIM;
    wide r = -d->y[which[s]];
    for (size_t j = 0; j < DIM; j++) r += x[j] * w[j];
    for (size_t j = 0; j < DIM; j++) g[j] += r * x[j] / (wide)count;
  }
}

static void naive_pass(naive_descent *d, mn_descent_method method, size_t batch, size_t pass, wide step)
{
  size_t order[N];
  wide g[DIM], from[DIM];
  for (size_t i = 0; i < N; i++) order[i] = i;
  if (method >= MN_DESCENT_SGD) {
    mn_random r = mn_random_open(7, MN_STREAM_DESCENT, pass);
    mn_random_permute(&r, N, order);
  }
  size_t size = method >= MN_DESCENT_SGD ? batch : N;
  for (size_t first = 0; first < N; first += size) {
    size_t count = N - first < size ? N - first : size;
    wide next = (1 + sqrtl(1 + 4 * d->t * d->t)) / 2, m = pass && method == MN_DESCENT_MOMENTUM ? (d->t - 1) / next : 0;
    for (size_t j = 0; j < DIM; j++) from[j] = d->w[j] + m * (d->w[j] - d->before[j]);
    gradient_at(d, from, count, order + first, g);
    if (method == MN_DESCENT_KACZMARZ) step = 1 / powl(problem_norm(DIM, d->x + order[first] * DIM), 2);
    wide turn = 0;
    for (size_t j = 0; j < DIM; j++) {
      d->before[j] = d->w[j];
      d->w[j] = from[j] - step * (wide)count / (wide)size * g[j];
      turn += g[j] * (d->w[j] - d->before[j]);
    }
    d->t = turn > 0 ? 1 : next;
  }
}

/* The report of so many passes, none of which arrives, against the same steps in the open; two outputs, of which the
 * second has targets 0 and stays 0, so that one is all there is for the momentum's turn. */
static void check_steps(mn_descent_method method, size_t batch, size_t passes)
{
  mn_data *train = problem_data(N, DIM, MN_F64, 0, 3);
  for (size_t i = 0; i < N; i++) train->y[2 * i + 1] = 0;
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  mn_interpolants *p = problem_open(train, &options);
  mn_descent_options o = {method, batch, 0, 1e-12, passes, 7};
  mn_descent r;
  mn_model *model = descend(p, &o, &r);
  double *w = problem_weights(model, DIM), first[DIM], expected[DIM];
  naive_descent d = {.x = train->x, .t = 1};
  for (size_t i = 0; i < N; i++) d.y[i] = train->y[2 * i];
  for (size_t pass = 0; pass < passes; pass++) naive_pass(&d, method, batch, pass, r.step);
  for (size_t j = 0; j < DIM; j++) first[j] = w[2 * j], expected[j] = (double)d.w[j];
  assert_false(r.converged);
  assert_int_equal(r.passes, passes);
  double far = problem_distance(DIM, first, expected);
  if (!(far < 1e-10)) fail_msg("%s, %zu: %g after %zu passes", mn_descent_string(method), batch, far, passes);
  double *direct = problem_weights(mn_interpolants_direct(p), DIM);
  mn_test_close(r.distance / problem_distance(DIM * 2, w, direct), 1, 1e-6);
  free(w), free(direct);
  mn_model_close(&model);
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

static void steps(void **state)
{
  (void)state;
  check_steps(MN_DESCENT_GRADIENT, 1, 25);
  check_steps(MN_DESCENT_MOMENTUM, 1, 3);
  check_steps(MN_DESCENT_MOMENTUM, 1, 120); /* with turns */
  check_steps(MN_DESCENT_SGD, 1, 4);
  check_steps(MN_DESCENT_SGD, 7, 4);
  check_steps(MN_DESCENT_KACZMARZ, 1, 4);
}

/* The Lipschitz constant is the largest eigenvalue of X'X / n or little more, and the steps are what the header says.
 */
static void constants(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  mn_interpolants *p = problem_open(train, &options);
  naive_svd svd = naive_svd_open(N, DIM, train->x);
  double lipschitz = svd.values[0] * svd.values[0] / N, most = 0;
  for (size_t i = 0; i < N; i++) most = fmax(most, pow(problem_norm(DIM, (double *)train->x + i * DIM), 2));
  for (mn_descent_method method = 0; method < MN_DESCENTS; method++) {
    mn_descent_options o = {method, 7, 0, 1e-6, 1, 0};
    mn_descent r;
    mn_model *model = descend(p, &o, &r);
    assert_true(r.lipschitz >= lipschitz * (1 - 1e-12) && r.lipschitz < lipschitz * 1.02);
    const double steps[] = {1 / r.lipschitz, 1 / r.lipschitz, 7 / (most + 6 * r.lipschitz), 1 / most};
    mn_test_close(r.step, steps[method], 1e-12);
    mn_model_close(&model);
  }
  naive_svd_close(&svd);
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

/* ---- what does not work */

static void refused(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  mn_interpolants *p = problem_open(train, &options);
  const mn_descent_options bad[] = {{MN_DESCENTS, 1, 0, 1e-6, 1, 0},           {MN_DESCENT_SGD, 0, 0, 1e-6, 1, 0},
                                    {MN_DESCENT_SGD, 1, -1, 1e-6, 1, 0},       {MN_DESCENT_SGD, 1, 0, 0, 1, 0},
                                    {MN_DESCENT_SGD, 1, INFINITY, 1e-6, 1, 0}, {MN_DESCENT_SGD, 1, 0, 1e-6, 0, 0}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    mn_model *model = NULL;
    mn_descent r;
    assert_int_equal(mn_interpolants_descend(p, &bad[i], NULL, &model, &r, NULL), MN_ERR_ARGUMENT);
    assert_null(model);
  }
  assert_null(mn_descent_string(MN_DESCENTS));
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

static int stop(void *user, const mn_progress *progress)
{
  int *calls = user;
  if (!strcmp(progress->phase, "sgd")) ++*calls;
  return *calls > 3;
}

static void cancelled(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  mn_interpolants *p = problem_open(train, &options);
  mn_descent_options o = mn_descent_defaults();
  o.tolerance = 1e-300, o.passes_max = SIZE_MAX; /* never arrives */
  int calls = 0;
  mn_context ctx = {.progress = stop, .user = &calls};
  mn_model *model = NULL;
  mn_descent r;
  assert_int_equal(mn_interpolants_descend(p, &o, &ctx, &model, &r, NULL), MN_ERR_CANCELLED);
  assert_null(model);
  assert_true(r.count > 0 && r.count <= MN_DESCENT_POINTS_MAX);
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

typedef struct {
  const mn_interpolants *p;
  mn_descent_options o;
} call;

static mn_status run_call(void *arg, mn_error *err)
{
  call *c = arg;
  mn_model *model = NULL;
  mn_descent r;
  mn_status st = mn_interpolants_descend(c->p, &c->o, NULL, &model, &r, err);
  mn_model_close(&model);
  return st;
}

static void allocations(void **state)
{
  (void)state;
  mn_data *train = problem_data(12, 20, MN_F64, K, 1);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, 20);
  mn_interpolants *p = problem_open(train, &options);
  for (mn_descent_method method = 0; method < MN_DESCENTS; method++) {
    call c = {p, {method, 1, method == MN_DESCENT_SGD ? 1 : 0, 1e-6, 3, 0}};
    mn_test_every_allocation(run_call, &c);
  }
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(from_zero),   cmocka_unit_test(from_outside), cmocka_unit_test(steps),
      cmocka_unit_test(constants),   cmocka_unit_test(refused),      cmocka_unit_test(cancelled),
      cmocka_unit_test(allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
