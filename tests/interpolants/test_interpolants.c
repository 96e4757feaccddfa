/* The interpolants that are not descents: all of them fit the training samples, with norms from the formula in long
 * double, none below that of the direct solution; what has no interpolant is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interpolants_support.h"
#include "model/model.h"
#include "naive.h"

enum { N = 40, DIM = 90, M = 25, K = 3 };

/* c' K(z, z) c of all outputs, from the model's own centres as they are in memory (doubles, not scaled). */
static double naive_expansion_norm(const mn_model *m)
{
  size_t n = m->unknowns;
  const double *z = m->samples.data->x;
  long double total = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      long double k = naive_kernel(&m->report.kernel, m->samples.dim, z + i * m->samples.dim, z + j * m->samples.dim);
      for (size_t c = 0; c < m->outputs; c++) total += k * m->coefficients[i + c * n] * m->coefficients[j + c * n];
    }
  return (double)sqrtl(total);
}

/* An exact fit of norm `least` or more, and what it says of itself is so. */
static void check_interpolant(const mn_model *m, const mn_data *train, double least)
{
  const mn_fit_report *r = mn_model_report(m);
  double *scores = problem_predict(m, train), left = 0, size = 0,
         of_outputs = problem_norm(m->outputs, r->norm_per_output);
  for (size_t i = 0; i < train->n; i++)
    for (size_t c = 0; c < m->outputs; c++) {
      double y = m->labels ? (double)m->labels[c] == train->y[i] : train->y[i * m->outputs + c];
      left += pow(scores[i * m->outputs + c] - y, 2), size += y * y;
    }
  assert_true(sqrt(left / size) < 1e-8);
  assert_true(fabs(r->solution.residual - sqrt(left / size)) < 1e-12);
  assert_true(m->labels ? r->train_error == 0 : isnan(r->train_error) && r->train_rmse < 1e-7);
  assert_true(r->norm >= least * (1 - 1e-9));
  mn_test_close(of_outputs / r->norm, 1, 1e-12);
  free(scores);
}

static void check_kernel(mn_kernel_name name, size_t classes)
{
  mn_data *train = problem_data(N, DIM, MN_F64, classes, 1), *test = problem_data(M, DIM, MN_F64, classes, 2);
  mn_fit_options options = problem_options(name, DIM);
  mn_interpolants *p = problem_open(train, &options);
  const mn_model *direct = mn_interpolants_direct(p);
  double least = mn_model_report(direct)->norm;
  mn_random_centres centres;
  mn_model *model = NULL, *other = NULL;
  check_interpolant(direct, train, least);
  mn_test_close(naive_expansion_norm(direct) / least, 1, 1e-9);

  assert_int_equal(mn_interpolants_random_centres(p, 3, NULL, &model, &centres, NULL), MN_OK);
  check_interpolant(model, train, 1.1 * least);
  mn_test_close(naive_expansion_norm(model) / mn_model_report(model)->norm, 1, 1e-8);
  assert_true(centres.rcond > 0 && centres.rcond < 1 && centres.refinements <= 3);
  assert_int_equal(mn_interpolants_random_centres(p, 4, NULL, &other, &centres, NULL), MN_OK);
  assert_true(fabs(mn_model_report(other)->norm - mn_model_report(model)->norm) > 1e-3 * least);
  mn_model_close(&model), mn_model_close(&other);

  if (classes) {
    assert_int_equal(mn_interpolants_forced(p, test, 3, NULL, &model, NULL), MN_OK);
    check_interpolant(model, train, 1.05 * least);
    mn_test_close(naive_expansion_norm(model) / mn_model_report(model)->norm, 1, 1e-8);
    mn_model_close(&model);
  } else {
    assert_int_equal(mn_interpolants_forced(p, test, 3, NULL, &model, NULL), MN_ERR_DATA);
    assert_null(model);
  }
  mn_interpolants_close(&p);
  mn_data_close(&train), mn_data_close(&test);
}

static void kernels(void **state)
{
  (void)state;
  check_kernel(MN_KERNEL_GAUSSIAN, K);
  check_kernel(MN_KERNEL_LINEAR, K);
  check_kernel(MN_KERNEL_LAPLACIAN, 0);
}

/* The labels at the test samples are those of mn_data_corrupt, whatever labels these had, and the solution is that of
 * an ordinary fit to both. */
static void check_forced(int labels)
{
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1), *test = problem_data(M, DIM, MN_F64, K, 2), *joint = NULL;
  mn_fit_options options = problem_options(MN_KERNEL_GAUSSIAN, DIM);
  options.targets = MN_TARGETS_PM1;
  mn_interpolants *p = problem_open(train, &options);
  mn_model *model = NULL, *fitted = NULL;
  mn_metrics metrics;
  mn_data *given = problem_data(M, DIM, MN_F64, K, 2);
  for (size_t i = 0; i < M && labels; i++) given->y[i] = labels == 1 ? K - 1 : K + 5;
  assert_int_equal(mn_interpolants_forced(p, given, 3, NULL, &model, NULL), MN_OK);
  assert_int_equal(mn_data_corrupt(test, 1, 3, NULL), MN_OK);
  double *scores = problem_predict(model, test);
  assert_int_equal(mn_model_score(model, test, scores, &metrics, NULL), MN_OK);
  assert_true(metrics.error == 0);
  for (size_t i = 0; i < M * K; i++) mn_test_close(fabs(scores[i]), 1, 1e-8);
  assert_int_equal(mn_data_create(N + M, DIM, MN_F64, 1, &joint, NULL), MN_OK);
  memcpy(joint->x, train->x, N * DIM * sizeof(double)), memcpy(joint->y, train->y, N * sizeof(double));
  memcpy((double *)joint->x + N * DIM, test->x, M * DIM * sizeof(double));
  memcpy(joint->y + N, test->y, M * sizeof(double));
  assert_int_equal(mn_model_fit(joint, &options, NULL, &fitted, NULL), MN_OK);
  mn_test_close(mn_model_report(model)->norm / mn_model_report(fitted)->norm, 1, 1e-9);
  free(scores);
  mn_model_close(&model), mn_model_close(&fitted);
  mn_interpolants_close(&p);
  mn_data_close(&train), mn_data_close(&test), mn_data_close(&joint), mn_data_close(&given);
}

static void forced_labels(void **state)
{
  (void)state;
  for (int labels = 0; labels < 3; labels++) check_forced(labels); /* all classes; one of them; none of them */
}

/* Random points have mean and deviation of every feature; a constant feature is constant. */
static void random_points(void **state)
{
  (void)state;
  enum { MANY = 400, FEW = 401 };
  mn_data *train = problem_data(MANY, FEW, MN_U8, K, 1);
  unsigned char *x = train->x;
  for (size_t i = 0; i < MANY; i++) x[i * FEW] = 9, x[i * FEW + 1] = (unsigned char)(100 + i % 5);
  mn_fit_options options = problem_options(MN_KERNEL_GAUSSIAN, FEW);
  mn_interpolants *p = problem_open(train, &options);
  mn_random_centres report;
  mn_model *model = NULL;
  assert_int_equal(mn_interpolants_random_centres(p, 3, NULL, &model, &report, NULL), MN_OK);
  const unsigned char *z = model->samples.data->x;
  double mean = 0, square = 0;
  for (size_t i = 0; i < MANY; i++) {
    assert_int_equal(z[i * FEW], 9);
    mean += z[i * FEW + 1] / (double)MANY, square += pow(z[i * FEW + 1] - 102, 2) / MANY;
  }
  mn_test_close(mean, 102, 0.3 / 102);
  mn_test_close(square, 2 + 1. / 12, 0.2); /* of 0 ... 4, and of rounding */
  mn_model_close(&model);
  mn_interpolants_close(&p);
  mn_data_close(&train);
}

/* A model with centres of its own is saved and opened like any other; bytes, standard scale, mean taken off. */
static void saved(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_U8, K, 1), *test = problem_data(M, DIM, MN_U8, K, 2);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  options.scale = MN_SCALE_STANDARD, options.center = 1;
  mn_interpolants *p = problem_open(train, &options);
  mn_descent_options o = mn_descent_defaults();
  mn_descent r;
  mn_model *model = NULL, *opened = NULL;
  o.start = 1, o.method = MN_DESCENT_MOMENTUM;
  assert_int_equal(mn_interpolants_descend(p, &o, NULL, &model, &r, NULL), MN_OK);
  assert_true(r.converged && r.direct_distance > 0.1);
  assert_int_equal(mn_model_save(model, mn_test_path("outside.model"), NULL), MN_OK);
  assert_int_equal(mn_model_open(mn_test_path("outside.model"), &opened, NULL), MN_OK);
  double *a = problem_predict(model, test), *b = problem_predict(opened, test);
  assert_true(problem_distance(M * K, a, b) < 1e-12);
  free(a), free(b);
  mn_model_close(&model), mn_model_close(&opened);
  mn_interpolants_close(&p);
  mn_data_close(&train), mn_data_close(&test);
}

static void check_refused(const mn_data *train, mn_fit_options options, mn_status wanted, const char *text)
{
  mn_interpolants *p = NULL;
  mn_error err = {0};
  assert_int_equal(mn_interpolants_open(train, &options, NULL, &p, &err), wanted);
  assert_null(p);
  if (!strstr(err.text, text)) fail_msg("'%s' is not in '%s'", text, err.text);
}

static void refused(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1), *narrow = problem_data(N, 20, MN_F64, K, 1);
  mn_fit_options linear = problem_options(MN_KERNEL_LINEAR, DIM), options = linear;
  options.solve.ridge = 1;
  check_refused(train, options, MN_ERR_ARGUMENT, "ridge");
  options = linear, options.corrupt = 0.5;
  check_refused(train, options, MN_ERR_ARGUMENT, "corruption");
  options = linear, options.solve.memory_bytes = 1 << 20;
  check_refused(train, options, MN_ERR_BUDGET, "room");
  options = linear, options.scale = MN_SCALE_STANDARD; /* rows add up to 0, targets do not */
  check_refused(train, options, MN_ERR_SINGULAR, "--center");
  options.solve.solver = MN_SOLVER_EIGEN; /* least squares */
  check_refused(train, options, MN_ERR_SINGULAR, "rank 39 of 40");
  check_refused(narrow, linear, MN_ERR_DATA, "20 features");
  mn_data *zero = problem_data(N, DIM, MN_F64, 0, 1);
  for (size_t i = 0; i < N * zero->columns; i++) zero->y[i] = 0;
  check_refused(zero, linear, MN_ERR_DATA, "all 0");
  double *x = train->x;
  memcpy(x + 7 * DIM, x + 2 * DIM, DIM * sizeof *x);
  check_refused(train, linear, MN_ERR_DATA, "samples 2 and 7");
  mn_data_close(&train), mn_data_close(&narrow), mn_data_close(&zero);
}

static void check_forced_refused(const mn_interpolants *p, const mn_data *test, const char *text)
{
  mn_model *model = NULL;
  mn_error err = {0};
  assert_int_equal(mn_interpolants_forced(p, test, 1, NULL, &model, &err), MN_ERR_DATA);
  assert_null(model);
  if (!strstr(err.text, text)) fail_msg("'%s' is not in '%s'", text, err.text);
}

static void forced_refused(void **state)
{
  (void)state;
  mn_data *train = problem_data(N, DIM, MN_F64, K, 1), *test = problem_data(M, DIM, MN_F64, K, 2);
  mn_data *bytes = problem_data(M, DIM, MN_U8, K, 2), *many = problem_data(DIM, DIM, MN_F64, K, 2);
  mn_fit_options options = problem_options(MN_KERNEL_LINEAR, DIM);
  mn_interpolants *p = problem_open(train, &options);
  check_forced_refused(p, bytes, "of the type");
  check_forced_refused(p, many, "90 features");
  memcpy((double *)test->x + 3 * DIM, (double *)train->x + 8 * DIM, DIM * sizeof(double));
  check_forced_refused(p, test, "test sample 3 (from 0) equals training sample 8");
  mn_interpolants_close(&p);
  mn_data_close(&train), mn_data_close(&test), mn_data_close(&bytes), mn_data_close(&many);
}

static mn_status open_all(void *arg, mn_error *err)
{
  const mn_data *const *sets = arg;
  mn_fit_options options = problem_options(MN_KERNEL_GAUSSIAN, 5);
  mn_interpolants *p = NULL;
  mn_model *model = NULL;
  mn_random_centres report;
  mn_status st = mn_interpolants_open(sets[0], &options, NULL, &p, err);
  if (!st) st = mn_interpolants_random_centres(p, 1, NULL, &model, &report, err);
  mn_model_close(&model);
  if (!st) st = mn_interpolants_forced(p, sets[1], 1, NULL, &model, err);
  mn_model_close(&model);
  mn_interpolants_close(&p);
  return st;
}

static void allocations(void **state)
{
  (void)state;
  mn_data *train = problem_data(9, 5, MN_F64, 2, 1), *test = problem_data(4, 5, MN_F64, 2, 2);
  const mn_data *sets[] = {train, test};
  mn_test_every_allocation(open_all, (void *)sets);
  mn_data_close(&train), mn_data_close(&test);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kernels),     cmocka_unit_test(forced_labels), cmocka_unit_test(random_points),
      cmocka_unit_test(saved),       cmocka_unit_test(refused),       cmocka_unit_test(forced_refused),
      cmocka_unit_test(allocations),
  };
  return cmocka_run_group_tests(tests, mn_test_dir_open, mn_test_dir_close);
}
