/* The search for the bandwidth: every reported leave-one-out error against as many refits in long double, the points of
 * the grid and the one chosen, the median, the samples drawn. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "model/model.h"
#include "model_support.h"

static mn_fit_options auto_options(mn_kernel_name name)
{
  mn_fit_options options = mn_fit_defaults();
  options.kernel = mn_kernel_default(name);
  return options;
}

/* The choice alone, without the fit after it. */
static mn_status choose(const mn_data *data, const mn_fit_options *options, const mn_context *ctx,
                        mn_fit_report *report, mn_error *err)
{
  mn_encoded e = {0};
  mn_scaling *scaling = NULL;
  *report = (mn_fit_report){.median = NAN};
  mn_status st = mn_encode_targets(data, options, &e, err);
  if (!st) st = mn_scaling_open(options->scale, data, &scaling, err);
  if (!st) {
    mn_samples samples = mn_samples_of(data, scaling);
    st = mn_bandwidth_choose(&samples, &e, options, ctx, report, err);
  }
  mn_scaling_close(&scaling);
  mn_encoded_close(&e);
  return st;
}

static mn_fit_report chosen(const mn_data *data, const mn_fit_options *options)
{
  mn_fit_report report;
  mn_error err = {0};
  if (choose(data, options, NULL, &report, &err)) fail_msg("%s", err.text);
  return report;
}

/* ---- leave-one-out by n refits */

/* Prediction for sample `out` of the fit to all others. y: n x columns. */
static void refit(size_t n, const wide *k, wide ridge, size_t out, size_t columns, const double *y, wide *prediction)
{
  size_t left = n - 1;
  wide *a = malloc(left * left * sizeof *a), *b = malloc(left * columns * sizeof *b);
  for (size_t i = 0; i < left; i++) {
    size_t row = i + (i >= out);
    for (size_t j = 0; j < left; j++) a[i * left + j] = k[row * n + j + (j >= out)] + (i == j ? ridge : 0);
    for (size_t c = 0; c < columns; c++) b[i * columns + c] = y[row * columns + c];
  }
  oracle_solve(left, a, columns, b);
  for (size_t c = 0; c < columns; c++) {
    prediction[c] = 0;
    for (size_t i = 0; i < left; i++) prediction[c] += k[out * n + i + (i >= out)] * b[i * columns + c];
  }
  free(a), free(b);
}

static size_t greatest(size_t count, const wide *row)
{
  size_t best = 0;
  for (size_t c = 1; c < count; c++)
    if (row[c] > row[best]) best = c;
  return best;
}

/* Mean square error and error rate; y has the offset subtracted. */
static void oracle_leave_one_out(const mn_data *data, const mn_kernel *kernel, const mn_fit_options *options,
                                 size_t columns, const double *y, const double *offset, double *mse, double *error)
{
  size_t n = data->n, wrong = 0;
  double *x = oracle_features(data, data, options->scale);
  wide *k = oracle_gram(kernel, data->dim, n, x, n, x), squares = 0, prediction[8], truth[8];
  for (size_t i = 0; i < n; i++) {
    refit(n, k, (wide)options->solve.ridge, i, columns, y, prediction);
    for (size_t c = 0; c < columns; c++) {
      wide difference = (wide)y[i * columns + c] - prediction[c];
      squares += difference * difference;
      prediction[c] += (wide)offset[c];
      truth[c] = (wide)y[i * columns + c] + (wide)offset[c];
    }
    wrong += greatest(columns, prediction) != greatest(columns, truth);
  }
  *mse = (double)(squares / (wide)n);
  *error = (double)wrong / (double)n;
  free(x), free(k);
}

/* Targets as the fit has them, row-major, the offset subtracted. */
static double *targets_of(const mn_data *data, const mn_fit_options *options, size_t *columns, double *offset)
{
  mn_encoded e;
  assert_int_equal(mn_encode_targets(data, options, &e, NULL), MN_OK);
  double *y = malloc(e.n * e.outputs * sizeof *y);
  *columns = e.outputs;
  for (size_t c = 0; c < e.outputs; c++) {
    offset[c] = e.offset[c];
    for (size_t i = 0; i < e.n; i++) y[i * e.outputs + c] = e.y[i + c * e.n];
  }
  mn_encoded_close(&e);
  return y;
}

/* The search as documented, with the errors reported: 2^-2 ... 2^3, on while the least is at an end, then refined. */
static void check_points(const mn_fit_report *r)
{
  const mn_gamma_point *points = r->gamma_points, *best = NULL;
  int low = -2, high = 3;
  size_t next = 0;
  for (int e = low; e <= high; e++) assert_true(points[next++].multiple == ldexp(1, e));
  for (;;) {
    best = NULL;
    for (size_t i = 0; i < next; i++)
      if (!isnan(points[i].loo_mse) && (!best || points[i].loo_mse < best->loo_mse)) best = points + i;
    if ((!best || best->multiple == ldexp(1, high)) && high < 10)
      assert_true(points[next++].multiple == ldexp(1, ++high));
    else if (best && best->multiple == ldexp(1, low) && low > -10)
      assert_true(points[next++].multiple == ldexp(1, --low));
    else
      break;
  }
  if (best) {
    mn_test_close(points[next++].multiple, best->multiple * sqrt(0.5), 1e-15);
    mn_test_close(points[next++].multiple, best->multiple * sqrt(2), 1e-15);
  }
  assert_int_equal(r->gamma_count, next);
  assert_true(r->gamma_count <= MN_GAMMA_POINTS_MAX);
  for (size_t i = 0; i < next; i++) {
    assert_true(points[i].gamma == points[i].multiple / r->median);
    if (best && points[i].loo_mse < best->loo_mse) best = points + i;
  }
  assert_true(r->kernel.gamma == (best ? best->gamma : 1 / r->median));
}

/* Returns how many points could be factored. */
static size_t check_search(const mn_data *data, const mn_fit_options *options)
{
  size_t columns, count = 0;
  double offset[8], *y = targets_of(data, options, &columns, offset);
  mn_fit_report r = chosen(data, options);
  assert_int_equal(r.gamma_samples, data->n);
  check_points(&r);
  for (size_t i = 0; i < r.gamma_count; i++) {
    mn_kernel kernel = options->kernel;
    double mse, error;
    kernel.gamma = r.gamma_points[i].gamma;
    if (isnan(r.gamma_points[i].loo_mse)) continue;
    oracle_leave_one_out(data, &kernel, options, columns, y, offset, &mse, &error);
    mn_test_close(r.gamma_points[i].loo_mse / mse, 1, 1e-9);
    if (mn_data_has_labels(data))
      assert_true(r.gamma_points[i].loo_error == error);
    else
      assert_true(isnan(r.gamma_points[i].loo_error));
    count++;
  }
  free(y);
  return count;
}

static void test_leave_one_out_gaussian(void **state)
{
  (void)state;
  mn_data *data = model_classes(60, 8, MN_F64, 3, 0, 1, 1);
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  assert_true(check_search(data, &options) > 7);
  options.center = 1;
  options.targets = MN_TARGETS_PM1;
  assert_true(check_search(data, &options) > 7);
  mn_data_close(&data);
}

static void test_leave_one_out_regression(void **state)
{
  (void)state;
  mn_data *data = model_regression(50, 8, MN_F32, 3, 2);
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  options.solve.ridge = 0.05;
  assert_true(check_search(data, &options) > 7);
  options.scale = MN_SCALE_STANDARD;
  options.center = 1;
  assert_true(check_search(data, &options) > 7);
  mn_data_close(&data);
}

static void test_leave_one_out_kernels(void **state)
{
  (void)state;
  static const mn_kernel_name names[] = {MN_KERNEL_LAPLACIAN, MN_KERNEL_MATERN32, MN_KERNEL_MATERN52,
                                         MN_KERNEL_POLYNOMIAL};
  mn_data *data = model_classes(40, 8, MN_U8, 3, 0, 1, 3);
  for (size_t i = 0; i < 4; i++) {
    mn_fit_options options = auto_options(names[i]);
    if (names[i] == MN_KERNEL_POLYNOMIAL) options.solve.ridge = 1e-3;
    assert_true(check_search(data, &options) > 4);
  }
  mn_data_close(&data);
}

/* Random targets want the narrowest kernel there is, a linear function the widest: the grid grows at either end. */
static void test_grid_grows(void **state)
{
  (void)state;
  mn_data *noise = model_data(50, 6, MN_F64, 1, 5), *plane = model_data(50, 6, MN_F64, 1, 6);
  mn_random r = mn_random_open(9, MN_STREAM_TEST, 0);
  for (size_t i = 0; i < 50; i++) {
    noise->y[i] = mn_random_normal(&r);
    plane->y[i] = 0.5 + ((double *)plane->x)[6 * i] - 2 * ((double *)plane->x)[6 * i + 3];
  }
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  mn_fit_report report = chosen(noise, &options);
  check_points(&report);
  assert_true(report.kernel.gamma * report.median > 8);
  options.solve.ridge = 1e-6;
  report = chosen(plane, &options);
  check_points(&report);
  assert_true(report.kernel.gamma * report.median < 0.25);
  mn_data_close(&noise), mn_data_close(&plane);
}

/* ---- the median */

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of r^power over all pairs of the samples named, power 0: of ||x||^2. NULL: all. */
static double oracle_median(const mn_data *data, const size_t *index, size_t n, int power)
{
  double *x = oracle_features(data, data, MN_SCALE_AUTO), *values = malloc(n * n * sizeof *values);
  size_t count = 0, dim = data->dim;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < (power ? i : 1); j++) {
      const double *a = x + (index ? index[i] : i) * dim, *b = x + (index ? index[j] : j) * dim;
      wide sum = 0;
      for (size_t k = 0; k < dim; k++) sum += power ? ((wide)a[k] - b[k]) * ((wide)a[k] - b[k]) : (wide)a[k] * a[k];
      values[count++] = (double)(power == 1 ? sqrtl(sum) : sum);
    }
  qsort(values, count, sizeof *values, ascending);
  double median = values[count / 2];
  free(x), free(values);
  return median;
}

static void test_median(void **state)
{
  (void)state;
  static const struct {
    mn_kernel_name name;
    int power;
  } rows[] = {{MN_KERNEL_GAUSSIAN, 2},
              {MN_KERNEL_LAPLACIAN, 1},
              {MN_KERNEL_MATERN32, 1},
              {MN_KERNEL_MATERN52, 1},
              {MN_KERNEL_POLYNOMIAL, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t n = 200; n <= 201; n++) {
      mn_data *data = model_classes(n, 7, i % 2 ? MN_U8 : MN_F64, 3, 0, 1, n);
      mn_fit_options options = auto_options(rows[i].name);
      options.gamma_rule = MN_GAMMA_MEDIAN;
      if (!rows[i].power) options.solve.ridge = 1e-3;
      double median = oracle_median(data, NULL, n, rows[i].power);
      mn_model *model = model_fit(data, &options);
      const mn_fit_report *report = mn_model_report(model);
      mn_test_close(report->median / median, 1, 1e-13);
      assert_true(report->kernel.gamma == 1 / report->median);
      assert_int_equal(report->gamma_count, 0);
      assert_int_equal(report->gamma_samples, n);
      assert_int_equal(report->gamma_rule, MN_GAMMA_MEDIAN);
      mn_model_close(&model);
      mn_data_close(&data);
    }
}

/* Above 4,000 samples, 4,000 are drawn, and the median is that of the first thousand of them. */
static void test_samples_drawn(void **state)
{
  (void)state;
  enum { N = 4200 };
  mn_data *data = model_regression(N, 5, MN_F64, 1, 1);
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  static size_t order[N];
  double medians[2];
  options.gamma_rule = MN_GAMMA_MEDIAN;
  for (uint64_t seed = 0; seed < 2; seed++) {
    options.seed = seed;
    mn_fit_report report = chosen(data, &options);
    mn_random_permutation(seed, MN_STREAM_SUBSAMPLE, N, order);
    assert_int_equal(report.gamma_samples, 4000);
    mn_test_close(report.median / oracle_median(data, order, 1000, 2), 1, 1e-13);
    medians[seed] = report.median;
  }
  assert_true(medians[0] != medians[1]);
  mn_data_close(&data);
}

/* ---- kernels without gamma, degenerate sets, determinism, cancelling */

static void test_untouched(void **state)
{
  (void)state;
  static const mn_kernel_name names[] = {MN_KERNEL_LINEAR, MN_KERNEL_ARCCOS1, MN_KERNEL_NTK, MN_KERNEL_GAUSSIAN};
  mn_data *data = model_classes(30, 8, MN_F64, 3, 0, 1, 1);
  for (size_t i = 0; i < 4; i++) {
    mn_fit_options options = auto_options(names[i]);
    options.kernel.gamma = 0.375;
    if (names[i] == MN_KERNEL_GAUSSIAN) options.gamma_rule = MN_GAMMA_GIVEN;
    mn_fit_report report = chosen(data, &options);
    assert_int_equal(report.kernel.name, names[i]);
    assert_true(report.kernel.gamma == 0.375 && report.kernel.coef0 == options.kernel.coef0);
    assert_int_equal(report.kernel.depth, options.kernel.depth);
    assert_int_equal(report.gamma_count, 0);
    assert_int_equal(report.gamma_samples, 0);
    assert_true(isnan(report.median));
  }
  mn_data_close(&data);
}

static void test_single_sample(void **state)
{
  (void)state;
  mn_data *data = model_regression(1, 4, MN_F64, 1, 1);
  for (mn_kernel_name name = 0; name < MN_KERNEL_COUNT; name++) {
    mn_fit_options options = auto_options(name);
    mn_model *model = model_fit(data, &options);
    assert_true(mn_model_report(model)->kernel.gamma > 0);
    double *scores = model_predict(model, data);
    mn_test_close(scores[0], data->y[0], 1e-14);
    free(scores);
    mn_model_close(&model);
  }
  mn_data_close(&data);
}

/* n equal samples, of two classes. */
static mn_data *equal_samples(mn_dtype type)
{
  mn_data *data = model_classes(30, 50, type, 2, 0, 1, 1);
  size_t row = 50 * mn_dtype_size(type);
  for (size_t i = 1; i < 30; i++) memcpy((char *)data->x + i * row, data->x, row);
  return data;
}

/* Distances that are 0 but for rounding say nothing about a scale. */
static void test_equal_samples(void **state)
{
  (void)state;
  mn_data *data = equal_samples(MN_F64);
  static const mn_kernel_name names[] = {MN_KERNEL_GAUSSIAN, MN_KERNEL_LAPLACIAN, MN_KERNEL_MATERN52};
  for (size_t i = 0; i < 3; i++) {
    mn_fit_options options = auto_options(names[i]);
    options.solve.ridge = 0.1;
    mn_model *model = model_fit(data, &options);
    assert_true(mn_model_report(model)->median == 1);
    assert_true(mn_model_report(model)->kernel.gamma > 0);
    mn_model_close(&model);
  }
  mn_data_close(&data);
}

/* Where no matrix can be factored, which least squares can do without, gamma is 1 / median. Sums of bytes are exact. */
static void test_never_factorable(void **state)
{
  (void)state;
  mn_data *data = equal_samples(MN_U8);
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  options.scale = MN_SCALE_NONE;
  options.solve.solver = MN_SOLVER_EIGEN;
  mn_model *model = model_fit(data, &options);
  const mn_fit_report *report = mn_model_report(model);
  check_points(report);
  assert_true(report->kernel.gamma == 1);
  for (size_t i = 0; i < report->gamma_count; i++) assert_true(isnan(report->gamma_points[i].loo_mse));
  assert_int_equal(report->system.rank, 1);
  mn_model_close(&model);
  mn_data_close(&data);
}

/* The same points, bit for bit, once more and with another number of threads. */
static void test_deterministic(void **state)
{
  (void)state;
  mn_data *data = model_classes(500, 8, MN_U8, 3, 0, 1, 1);
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  mn_fit_report reports[3];
  for (int i = 0; i < 3; i++) {
    mn_context ctx = {.threads = 1 + i % 2};
    assert_int_equal(choose(data, &options, &ctx, &reports[i], NULL), MN_OK);
    assert_true(reports[i].median == reports[0].median);
    assert_true(reports[i].kernel.gamma == reports[0].kernel.gamma);
    assert_int_equal(reports[i].gamma_count, reports[0].gamma_count);
    for (size_t p = 0; p < reports[0].gamma_count; p++) {
      const mn_gamma_point *a = &reports[i].gamma_points[p], *b = &reports[0].gamma_points[p];
      assert_true(a->multiple == b->multiple);
      assert_true(a->loo_mse == b->loo_mse || (isnan(a->loo_mse) && isnan(b->loo_mse)));
    }
  }
  mn_data_close(&data);
}

typedef struct {
  int left;
  int in_order; /* steps never go back, never past the total */
  double last;
} watcher;

static int watch(void *user, const mn_progress *progress)
{
  watcher *w = user;
  w->in_order &=
      !strcmp(progress->phase, "bandwidth") && progress->done >= w->last && progress->done <= progress->total;
  w->last = progress->done;
  return --w->left < 0;
}

static void test_cancel(void **state)
{
  (void)state;
  mn_data *data = model_classes(100, 8, MN_F64, 3, 0, 1, 1);
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  long live = mn_memory_live();
  mn_status st = MN_ERR_CANCELLED;
  int k;
  for (k = 0; st && k < 10000; k += 7) {
    watcher w = {k, 1, 0};
    mn_context ctx = {.threads = 1, .progress = watch, .user = &w};
    mn_fit_report report;
    mn_error err = {0};
    st = choose(data, &options, &ctx, &report, &err);
    assert_true(w.in_order);
    assert_int_equal(mn_memory_live(), live);
    if (st) assert_int_equal(st, MN_ERR_CANCELLED);
  }
  assert_int_equal(st, MN_OK);
  assert_true(k > 7); /* there was something to cancel */
  mn_data_close(&data);
}

static mn_status choose_once(void *arg, mn_error *err)
{
  mn_fit_options options = auto_options(MN_KERNEL_LAPLACIAN);
  mn_context ctx = {.threads = 1};
  mn_fit_report report;
  return choose(arg, &options, &ctx, &report, err);
}

static void test_allocations(void **state)
{
  (void)state;
  mn_data *data = model_classes(30, 4, MN_F64, 3, 0, 1, 1);
  mn_test_every_allocation(choose_once, data);
  mn_data_close(&data);
}

/* RECIPES.md: the least error is between 2 and 3 over the median. */
static void test_mnist(void **state)
{
  (void)state;
  const char *dir = getenv("MINNORM_DATA");
  if (!dir) {
    printf("MINNORM_DATA is not set: the bandwidth of MNIST is not looked for\n");
    skip();
  }
  mn_data *data;
  mn_error err = {0};
  if (mn_data_open_named("mnist", dir, MN_TRAIN, NULL, &data, &err)) fail_msg("%s", err.text);
  assert_int_equal(mn_data_take(&data, 2000, 0, 0, MN_TRAIN, NULL, NULL), MN_OK);
  mn_fit_options options = auto_options(MN_KERNEL_GAUSSIAN);
  mn_fit_report report = chosen(data, &options);
  double multiple = report.kernel.gamma * report.median;
  if (!(multiple >= 1.4 && multiple <= 2.9)) fail_msg("the best multiple is %g", multiple);
  check_points(&report);
  mn_data_close(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_leave_one_out_gaussian),
      cmocka_unit_test(test_leave_one_out_regression),
      cmocka_unit_test(test_leave_one_out_kernels),
      cmocka_unit_test(test_grid_grows),
      cmocka_unit_test(test_median),
      cmocka_unit_test(test_samples_drawn),
      cmocka_unit_test(test_untouched),
      cmocka_unit_test(test_single_sample),
      cmocka_unit_test(test_equal_samples),
      cmocka_unit_test(test_never_factorable),
      cmocka_unit_test(test_deterministic),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_allocations),
      cmocka_unit_test(test_mnist),
  };
  return cmocka_run_group_tests_name("bandwidth", tests, NULL, NULL);
}
