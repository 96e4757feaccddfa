/* Leave-one-out of a fit against as many separate fits, each of all samples but one, judged on that one: classes and
 * real targets, with and without ridge and a mean taken off, with equal samples merged, and by class. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_support.h"

/* What the separate fits come to. */
typedef struct {
  double error, mse, per_class[8];
} judgement;

static mn_data *all_but(const mn_data *data, size_t i)
{
  size_t *index = malloc(data->n * sizeof *index), count = 0;
  for (size_t s = 0; s < data->n; s++)
    if (s != i) index[count++] = s;
  mn_data *rest = model_pick(data, index, count);
  free(index);
  return rest;
}

/* Squared error of a sample's scores, which are the targets' in classes, and whether its label is another one. */
static double judge(const mn_model *model, const mn_data *one, const mn_fit_options *o, int *wrong)
{
  double *scores = model_predict(model, one), squares = 0;
  size_t outputs = mn_model_outputs(model), best = 0;
  const int64_t *labels = mn_model_labels(model);
  for (size_t c = 0; c < outputs; c++) {
    double target = one->y[labels ? 0 : c];
    if (labels) target = (double)labels[c] == target ? 1 : o->targets == MN_TARGETS_PM1 ? -1 : 0;
    squares += (target - scores[c]) * (target - scores[c]);
    if (scores[c] > scores[best]) best = c;
  }
  *wrong = labels && (double)labels[best] != one->y[0];
  free(scores);
  return squares;
}

static judgement separate_fits(const mn_data *data, const mn_fit_options *options, const int64_t *labels,
                               size_t classes)
{
  judgement j = {0};
  size_t counts[8] = {0};
  mn_fit_options o = *options;
  o.loo = 0;
  for (size_t i = 0; i < data->n; i++) {
    mn_data *rest = all_but(data, i), *one = model_pick(data, &i, 1);
    mn_model *model = model_fit(rest, &o);
    int wrong;
    j.mse += judge(model, one, &o, &wrong) / (double)data->n;
    j.error += (double)wrong / (double)data->n;
    for (size_t c = 0; c < classes; c++)
      if ((double)labels[c] == data->y[i]) counts[c]++, j.per_class[c] += wrong;
    mn_model_close(&model);
    mn_data_close(&rest);
    mn_data_close(&one);
  }
  for (size_t c = 0; c < classes; c++) j.per_class[c] /= (double)counts[c];
  return j;
}

static void assert_separate(const mn_data *data, mn_fit_options options)
{
  options.loo = 1;
  mn_model *model = model_fit(data, &options);
  const mn_fit_report *r = mn_model_report(model);
  judgement j = separate_fits(data, &options, mn_model_labels(model), r->classes);
  mn_test_close(r->loo_mse, j.mse, 1e-9);
  if (r->classes) {
    mn_test_close(r->loo_error, j.error, 1e-12);
    for (size_t c = 0; c < r->classes; c++) mn_test_close(r->loo_error_per_class[c], j.per_class[c], 1e-12);
  } else {
    assert_true(isnan(r->loo_error));
    assert_null(r->loo_error_per_class);
  }
  assert_true(r->loo.seconds >= 0 && isfinite(r->loo.gcv));
  mn_model_close(&model);
}

static void three_hundred_fits(void **state)
{
  (void)state;
  mn_data *data = model_classes(300, 8, MN_F64, 4, -1, 3, 3);
  assert_separate(data, model_options());
  mn_data_close(&data);
}

static void ridges_targets_and_means(void **state)
{
  (void)state;
  mn_data *classes = model_classes(50, 6, MN_F64, 3, 0, 1, 5), *real = model_regression(50, 6, MN_F64, 2, 5);
  for (int ridge = 0; ridge < 2; ridge++)
    for (int center = 0; center < 2; center++)
      for (int pm1 = 0; pm1 < 2; pm1++) {
        mn_fit_options o = model_options();
        o.solve.ridge = ridge * 0.05;
        o.center = center;
        o.targets = pm1 ? MN_TARGETS_PM1 : MN_TARGETS_ONEHOT;
        assert_separate(pm1 ? real : classes, o);
        if (pm1) assert_separate(classes, o);
      }
  mn_data_close(&classes);
  mn_data_close(&real);
}

static void a_linear_model(void **state)
{
  (void)state;
  mn_data *data = model_regression(40, 5, MN_F64, 2, 9);
  for (int center = 0; center < 2; center++) {
    mn_fit_options o = model_kernel_options(MN_KERNEL_LINEAR, 1);
    o.center = center;
    assert_separate(data, o);
  }
  mn_data_close(&data);
}

/* Two that are equal, and three: each of them is predicted by the others. With a ridge nothing is merged. */
static void equal_samples(void **state)
{
  (void)state;
  for (int ridge = 0; ridge < 2; ridge++)
    for (int center = 0; center < 2; center++) {
      mn_data *data = model_classes(45, 6, MN_F64, 3, 0, 1, 7);
      model_repeat(data, 4, 30);
      model_repeat(data, 12, 13);
      model_repeat(data, 12, 44);
      mn_fit_options o = model_options();
      o.solve.ridge = ridge * 0.1;
      o.center = center;
      assert_separate(data, o);
      mn_data_close(&data);
    }
}

/* Labels are the corrupted ones, as in training: those of a set corrupted before. */
static void corrupted_labels(void **state)
{
  (void)state;
  mn_data *data = model_classes(60, 6, MN_F64, 3, 0, 1, 8);
  mn_fit_options o = model_options();
  o.loo = 1, o.corrupt = 0.4, o.seed = 3;
  mn_model *direct = model_fit(data, &o);
  assert_int_equal(mn_data_corrupt(data, 0.4, 3, NULL), MN_OK);
  o.corrupt = 0;
  mn_model *before = model_fit(data, &o);
  const mn_fit_report *a = mn_model_report(direct), *b = mn_model_report(before);
  assert_true(a->loo_error == b->loo_error && a->loo_mse == b->loo_mse && a->loo.gcv == b->loo.gcv);
  assert_memory_equal(a->loo_error_per_class, b->loo_error_per_class, 3 * sizeof(double));
  mn_model_close(&direct);
  mn_model_close(&before);
  mn_data_close(&data);
}

static void only_when_asked(void **state)
{
  (void)state;
  mn_data *data = model_classes(40, 6, MN_F64, 3, 0, 1, 8);
  mn_fit_options o = model_options();
  mn_model *model = model_fit(data, &o), *none = NULL;
  mn_error err = {0};
  const mn_fit_report *r = mn_model_report(model);
  assert_true(isnan(r->loo_error) && isnan(r->loo_mse) && isnan(r->loo.gcv) && !r->loo_error_per_class);
  mn_model_close(&model);
  o.loo = 1;
  o.solve.solver = MN_SOLVER_CG;
  assert_int_equal(mn_model_fit(data, &o, NULL, &none, &err), MN_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "leave-one-out"));
  assert_null(none);
  mn_data_close(&data);
}

static mn_status fit_once(void *arg, mn_error *err)
{
  mn_fit_options o = model_options();
  mn_model *model = NULL;
  o.loo = o.center = 1;
  mn_status st = mn_model_fit(arg, &o, &(mn_context){.threads = 1}, &model, err);
  mn_model_close(&model);
  return st;
}

static void every_allocation(void **state)
{
  (void)state;
  mn_data *data = model_classes(20, 4, MN_F64, 2, 0, 1, 8);
  model_repeat(data, 4, 9);
  mn_test_every_allocation(fit_once, data);
  mn_data_close(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(three_hundred_fits), cmocka_unit_test(ridges_targets_and_means),
      cmocka_unit_test(a_linear_model),     cmocka_unit_test(equal_samples),
      cmocka_unit_test(corrupted_labels),   cmocka_unit_test(only_when_asked),
      cmocka_unit_test(every_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
