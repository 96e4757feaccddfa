/* Fit, predict and score against the naive dense solution in long double: every kernel, type and scaling, classes and
 * regression, norms, the linear model; what does not fit together is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "model_support.h"

enum { N = 80, M = 33, DIM = 5, K = 4 };

/* What a model of classes must be: interpolating, equal to the oracle in scores, norms, labels and errors. */
static void check_classes(const mn_data *train, const mn_data *test, const mn_fit_options *options, double tolerance)
{
  mn_model *model = model_fit(train, options);
  const mn_fit_report *report = mn_model_report(model);
  const int64_t *labels = mn_model_labels(model);
  size_t outputs = mn_model_outputs(model), wrong = 0;
  double off = options->targets == MN_TARGETS_PM1 ? -1 : 0, norms[16], total = 0;
  double *y = oracle_targets(train, labels, outputs, off), *scores = model_predict(model, test);
  double *exact = oracle_scores(train, test, &report->kernel, options->scale, 0, outputs, y, norms);
  double distance = oracle_distance(test->n * outputs, scores, exact);
  if (!(distance < tolerance)) fail_msg("%s: scores differ by %g", mn_kernel_string(report->kernel.name), distance);
  assert_true(report->train_error == 0);
  assert_true(report->solution.residual < 1e-10);
  assert_true(isnan(report->train_rmse) && isnan(report->train_r2));
  for (size_t c = 0; c < outputs; c++) {
    mn_test_close(report->norm_per_output[c] / norms[c], 1, tolerance);
    total += norms[c] * norms[c];
  }
  mn_test_close(report->norm / sqrt(total), 1, tolerance);
  int64_t *found = malloc(test->n * sizeof *found);
  assert_int_equal(mn_model_classify(model, test->n, scores, found, NULL), MN_OK);
  for (size_t i = 0; i < test->n; i++) {
    size_t best = 0;
    for (size_t c = 1; c < outputs; c++)
      if (exact[i * outputs + c] > exact[i * outputs + best]) best = c;
    assert_int_equal(found[i], labels[best]);
    wrong += test->y[i] != (double)labels[best];
  }
  mn_metrics metrics;
  assert_int_equal(mn_model_score(model, test, scores, &metrics, NULL), MN_OK);
  assert_true(metrics.error == (double)wrong / (double)test->n);
  assert_true(wrong > 0 && isnan(metrics.rmse) && isnan(metrics.r2));
  free(y), free(scores), free(exact), free(found);
  mn_model_close(&model);
}

/* Gammas that keep the matrices regular enough for the tolerance. */
static const struct {
  mn_kernel_name name;
  double gamma;
} kernels[] = {
    {MN_KERNEL_GAUSSIAN, 0.3}, {MN_KERNEL_LAPLACIAN, 0.3}, {MN_KERNEL_MATERN32, 0.3},   {MN_KERNEL_MATERN52, 0.5},
    {MN_KERNEL_ARCCOS1, 1},    {MN_KERNEL_NTK, 1},         {MN_KERNEL_POLYNOMIAL, 0.5},
};

static void test_kernels(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, -1, 2, 1), *test = model_classes(M, DIM, MN_F64, K, -1, 2, 2);
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    mn_fit_options options = model_kernel_options(kernels[i].name, kernels[i].gamma);
    if (kernels[i].name == MN_KERNEL_POLYNOMIAL) options.kernel.degree = 4; /* 126 monomials for 80 samples */
    check_classes(train, test, &options, 1e-9);
  }
  mn_data_close(&train), mn_data_close(&test);
}

/* The training set decides how a test set is scaled. */
static void test_types_and_scales(void **state)
{
  (void)state;
  static const mn_scale scales[] = {MN_SCALE_AUTO, MN_SCALE_UNIT, MN_SCALE_NONE, MN_SCALE_STANDARD};
  for (mn_dtype type = MN_U8; type <= MN_F64; type++)
    for (size_t s = 0; s < 4; s++) {
      mn_data *train = model_classes(N, DIM, type, K, 3, 1, 11), *test = model_classes(M, DIM, type, K, 3, 1, 12);
      int raw = scales[s] == MN_SCALE_NONE || (scales[s] == MN_SCALE_AUTO && type != MN_U8);
      double wide_range = scales[s] == MN_SCALE_STANDARD ? 0.3 : type == MN_U8 ? raw ? 1e-4 : 5 : raw ? 0.3 : 20000;
      mn_fit_options options = model_kernel_options(MN_KERNEL_LAPLACIAN, sqrt(wide_range));
      options.scale = scales[s];
      options.targets = s % 2 ? MN_TARGETS_PM1 : MN_TARGETS_ONEHOT;
      check_classes(train, test, &options, 1e-10);
      mn_data_close(&train), mn_data_close(&test);
    }
}

static void test_solvers(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F32, K, -1, 2, 1), *test = model_classes(M, DIM, MN_F32, K, -1, 2, 2);
  for (mn_solver solver = MN_SOLVER_AUTO; solver < MN_SOLVER_COUNT; solver++) {
    mn_fit_options options = model_kernel_options(MN_KERNEL_GAUSSIAN, 0.3);
    options.solve.solver = solver;
    if (solver == MN_SOLVER_CG) options.solve.tolerance = 1e-12; /* it stops at its tolerance, the others at rounding */
    check_classes(train, test, &options, 1e-10);
  }
  mn_data_close(&train), mn_data_close(&test);
}

static void metrics_of(size_t n, size_t columns, const double *y, const double *f, double *rmse, double *r2)
{
  wide left = 0, around = 0;
  for (size_t c = 0; c < columns; c++) {
    wide mean = 0;
    for (size_t i = 0; i < n; i++) mean += (wide)y[i * columns + c] / (wide)n;
    for (size_t i = 0; i < n; i++) {
      wide a = (wide)y[i * columns + c] - (wide)f[i * columns + c], b = (wide)y[i * columns + c] - mean;
      left += a * a, around += b * b;
    }
  }
  *rmse = (double)sqrtl(left / (wide)(n * columns));
  *r2 = (double)(1 - left / around);
}

/* Three columns, with and without a ridge, centred or not: scores, RMSE and R^2 of both sets. */
static void check_regression(double ridge, int center)
{
  mn_data *train = model_regression(N, DIM, MN_F64, 3, 21), *test = model_regression(M, DIM, MN_F64, 3, 22);
  mn_fit_options options = model_options();
  options.solve.ridge = ridge;
  options.center = center;
  double means[3] = {0}, y[N * 3], rmse, r2;
  for (size_t i = 0; center && i < N * 3; i++) means[i % 3] += train->y[i] / N;
  for (size_t i = 0; i < N * 3; i++) y[i] = train->y[i] - means[i % 3];
  mn_model *model = model_fit(train, &options);
  const mn_fit_report *report = mn_model_report(model);
  double *scores = model_predict(model, test);
  double *exact = oracle_scores(train, test, &options.kernel, options.scale, ridge, 3, y, NULL);
  double *fitted = oracle_scores(train, train, &options.kernel, options.scale, ridge, 3, y, NULL);
  for (size_t i = 0; i < M * 3; i++) exact[i] += means[i % 3];
  for (size_t i = 0; i < N * 3; i++) fitted[i] += means[i % 3];
  assert_true(oracle_distance(M * 3, scores, exact) < 1e-9);
  mn_metrics metrics;
  assert_int_equal(mn_model_score(model, test, scores, &metrics, NULL), MN_OK);
  metrics_of(M, 3, test->y, exact, &rmse, &r2);
  mn_test_close(metrics.rmse, rmse, 1e-9);
  mn_test_close(metrics.r2, r2, 1e-9);
  assert_true(isnan(metrics.error) && isnan(report->train_error));
  metrics_of(N, 3, train->y, fitted, &rmse, &r2);
  mn_test_close(report->train_rmse, rmse, 1e-10);
  mn_test_close(report->train_r2, r2, 1e-10);
  assert_true(ridge > 0 ? report->train_rmse > 1e-4 : report->train_rmse < 1e-9);
  assert_null(mn_model_labels(model));
  assert_int_equal(report->classes, 0);
  assert_int_equal(report->outputs, 3);
  free(scores), free(exact), free(fitted);
  mn_model_close(&model);
  mn_data_close(&train), mn_data_close(&test);
}

static void test_regression(void **state)
{
  (void)state;
  for (int center = 0; center <= 1; center++) check_regression(0, center), check_regression(0.1, center);
}

/* R^2 needs targets that vary. */
static void test_constant_targets(void **state)
{
  (void)state;
  mn_data *train = model_regression(20, 2, MN_F64, 1, 3);
  for (size_t i = 0; i < 20; i++) train->y[i] = 0.1;
  mn_fit_options options = model_kernel_options(MN_KERNEL_LAPLACIAN, 1);
  mn_model *model = model_fit(train, &options);
  double *scores = model_predict(model, train);
  mn_metrics metrics;
  assert_true(isnan(mn_model_report(model)->train_r2));
  assert_int_equal(mn_model_score(model, train, scores, &metrics, NULL), MN_OK);
  assert_true(isnan(metrics.r2) && metrics.rmse < 1e-12);
  free(scores);
  mn_model_close(&model);
  mn_data_close(&train);
}

/* Centred class targets: the scores are those of y - mean, plus the mean. */
static void test_centered_classes(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 3, 0, 1, 31), *test = model_classes(M, DIM, MN_F64, 3, 0, 1, 32);
  mn_fit_options options = model_options();
  options.center = 1;
  options.targets = MN_TARGETS_PM1;
  mn_model *model = model_fit(train, &options);
  double means[3] = {0}, *y = oracle_targets(train, mn_model_labels(model), 3, -1);
  for (size_t i = 0; i < N * 3; i++) means[i % 3] += y[i] / N;
  for (size_t i = 0; i < N * 3; i++) y[i] -= means[i % 3];
  double *scores = model_predict(model, test), norms[3];
  double *exact = oracle_scores(train, test, &options.kernel, options.scale, 0, 3, y, norms);
  for (size_t i = 0; i < M * 3; i++) exact[i] += means[i % 3];
  assert_true(oracle_distance(M * 3, scores, exact) < 1e-9);
  assert_true(mn_model_report(model)->train_error == 0);
  for (size_t c = 0; c < 3; c++) mn_test_close(mn_model_report(model)->norm_per_output[c], norms[c], 1e-9);
  free(y), free(scores), free(exact);
  mn_model_close(&model);
  mn_data_close(&train), mn_data_close(&test);
}

/* The linear kernel with fewer features than samples: w solves the normal equations, K alpha = X w. */
static void test_primal(void **state)
{
  (void)state;
  mn_data *train = model_regression(N, DIM, MN_F64, 2, 41), *test = model_regression(M, DIM, MN_F64, 2, 42);
  mn_fit_options options = model_kernel_options(MN_KERNEL_LINEAR, 1);
  mn_model *model = model_fit(train, &options);
  const mn_fit_report *report = mn_model_report(model);
  const double *x = train->x, *z = test->x;
  wide a[DIM * DIM] = {0}, w[DIM * 2] = {0};
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < DIM; j++) {
      for (size_t k = 0; k < DIM; k++) a[j * DIM + k] += (wide)x[i * DIM + j] * (wide)x[i * DIM + k];
      for (size_t c = 0; c < 2; c++) w[j * 2 + c] += (wide)x[i * DIM + j] * (wide)train->y[i * 2 + c];
    }
  oracle_solve(DIM, a, 2, w);
  double exact[M * 2], *scores = model_predict(model, test);
  wide total = 0;
  for (size_t i = 0; i < M * 2; i++) {
    wide sum = 0;
    for (size_t j = 0; j < DIM; j++) sum += (wide)z[i / 2 * DIM + j] * w[j * 2 + i % 2];
    exact[i] = (double)sum;
  }
  for (size_t c = 0; c < 2; c++) {
    wide sum = 0;
    for (size_t j = 0; j < DIM; j++) sum += w[j * 2 + c] * w[j * 2 + c];
    mn_test_close(report->norm_per_output[c], (double)sqrtl(sum), 1e-13);
    total += sum;
  }
  mn_test_close(report->norm, (double)sqrtl(total), 1e-13);
  assert_true(oracle_distance(M * 2, scores, exact) < 1e-13);
  assert_true(report->system.primal);
  assert_int_equal(report->system.unknowns, DIM);
  assert_int_equal(report->system.rank, DIM);
  free(scores);
  mn_model_close(&model);
  mn_data_close(&train), mn_data_close(&test);
}

/* A feature that is constant in training counts for nothing, whatever the test set has there. */
static void test_constant_feature(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 3, 0, 1, 51), *test = model_classes(M, DIM, MN_F64, 3, 0, 1, 52);
  for (size_t i = 0; i < N; i++) ((double *)train->x)[i * DIM + 2] = 0.1;
  mn_fit_options options = model_options();
  options.scale = MN_SCALE_STANDARD;
  mn_model *model = model_fit(train, &options);
  double *a = model_predict(model, test);
  for (size_t i = 0; i < M; i++) ((double *)test->x)[i * DIM + 2] = 1e3 * (double)i;
  double *b = model_predict(model, test);
  assert_memory_equal(a, b, M * 3 * sizeof *a);
  free(a), free(b);
  mn_model_close(&model);
  mn_data_close(&train), mn_data_close(&test);
}

static void test_single_sample(void **state)
{
  (void)state;
  mn_data *train = model_classes(1, DIM, MN_F64, 1, -7, 1, 1), *test = model_classes(M, DIM, MN_F64, 2, -7, 7, 2);
  mn_fit_options options = model_options();
  mn_model *model = model_fit(train, &options);
  double *scores = model_predict(model, test);
  int64_t labels[M];
  mn_metrics metrics;
  assert_int_equal(mn_model_outputs(model), 1);
  mn_test_close(mn_model_report(model)->norm, 1, 1e-15);
  for (size_t i = 0; i < M; i++)
    mn_test_close(scores[i], (double)oracle_kernel(&options.kernel, DIM, (double *)test->x + i * DIM, train->x), 1e-14);
  assert_int_equal(mn_model_classify(model, M, scores, labels, NULL), MN_OK);
  for (size_t i = 0; i < M; i++) assert_int_equal(labels[i], -7);
  assert_int_equal(mn_model_score(model, test, scores, &metrics, NULL), MN_OK);
  size_t zeros = 0;
  for (size_t i = 0; i < M; i++) zeros += test->y[i] == 0;
  assert_true(metrics.error == (double)zeros / M && zeros > 0);
  free(scores);
  mn_model_close(&model);
  mn_data_close(&train), mn_data_close(&test);
}

static void test_single_class(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 1, 5, 1, 1);
  mn_fit_options options = model_options();
  for (options.center = 0; options.center <= 1; options.center++) {
    mn_model *model = model_fit(train, &options);
    double *scores = model_predict(model, train);
    assert_true(mn_model_report(model)->train_error == 0);
    assert_int_equal(mn_model_labels(model)[0], 5);
    for (size_t i = 0; i < N; i++) mn_test_close(scores[i], 1, 1e-9);
    if (options.center) assert_true(mn_model_report(model)->norm == 0);
    free(scores);
    mn_model_close(&model);
  }
  mn_data_close(&train);
}

/* A label that training never saw cannot be predicted: every such sample is an error, and nothing worse. */
static void test_unseen_labels(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 3, 0, 1, 61);
  mn_fit_options options = model_options();
  mn_model *model = model_fit(train, &options);
  double *scores = model_predict(model, train);
  mn_metrics metrics;
  for (size_t i = 0; i < 20; i++) train->y[i] = i % 2 ? -1 : 99;
  assert_int_equal(mn_model_score(model, train, scores, &metrics, NULL), MN_OK);
  assert_true(metrics.error == 20. / N);
  free(scores);
  mn_model_close(&model);
  mn_data_close(&train);
}

/* Training error counts against the labels fitted: with corrupted ones it is 0 still, against the true ones it is not.
 */
static void test_corrupted_fit(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 71);
  mn_fit_options options = model_kernel_options(MN_KERNEL_LAPLACIAN, 0.3);
  options.corrupt = 0.5;
  options.seed = 4;
  mn_model *model = model_fit(train, &options);
  double *scores = model_predict(model, train);
  mn_metrics metrics;
  assert_true(mn_model_report(model)->train_error == 0);
  assert_int_equal(mn_model_score(model, train, scores, &metrics, NULL), MN_OK);
  assert_true(metrics.error > 0.2 && metrics.error < 0.55);
  free(scores);
  mn_model_close(&model);
  mn_data_close(&train);
}

static void test_mismatches(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 3, 0, 1, 61), *narrow = model_data(4, DIM - 1, MN_F64, 0, 1);
  mn_data *real = model_regression(N, DIM, MN_F64, 3, 1), *two = model_regression(M, DIM, MN_F64, 2, 1);
  mn_fit_options options = model_options();
  mn_model *classes = model_fit(train, &options), *regression = model_fit(real, &options);
  double *scores = model_predict(classes, real);
  int64_t labels[N];
  mn_metrics metrics;
  mn_error err = {0};
  assert_int_equal(mn_model_predict(classes, narrow, NULL, scores, &err), MN_ERR_DATA);
  assert_string_equal(err.text, "test data: samples of 4 features, the model was fitted to 5");
  assert_int_equal(mn_model_score(classes, real, scores, &metrics, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "one column of integer labels expected"));
  assert_int_equal(mn_model_score(regression, two, scores, &metrics, &err), MN_ERR_DATA);
  assert_string_equal(err.text, "test data: 2 target columns, the model has 3");
  assert_int_equal(mn_model_score(regression, narrow, scores, &metrics, &err), MN_ERR_DATA);
  assert_int_equal(mn_model_score(classes, narrow, scores, &metrics, &err), MN_ERR_DATA);
  assert_int_equal(mn_model_classify(regression, N, scores, labels, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "a regression has no labels");
  free(scores);
  mn_model_close(&classes), mn_model_close(&regression);
  mn_data_close(&train), mn_data_close(&narrow), mn_data_close(&real), mn_data_close(&two);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kernels),          cmocka_unit_test(test_types_and_scales),
      cmocka_unit_test(test_solvers),          cmocka_unit_test(test_regression),
      cmocka_unit_test(test_constant_targets), cmocka_unit_test(test_centered_classes),
      cmocka_unit_test(test_primal),           cmocka_unit_test(test_constant_feature),
      cmocka_unit_test(test_single_sample),    cmocka_unit_test(test_single_class),
      cmocka_unit_test(test_unseen_labels),    cmocka_unit_test(test_corrupted_fit),
      cmocka_unit_test(test_mismatches),
  };
  return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
