/* Bandwidth and ridge by leave-one-out: every point against a fit with --loo of the same numbers, the point chosen, the
 * samples drawn, what is refused. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "model_support.h"

static mn_select_options lists(size_t gammas, size_t ridges)
{
  mn_select_options s = mn_select_defaults();
  s.gamma_count = gammas;
  s.ridge_count = ridges;
  for (size_t i = 0; i < gammas; i++) s.gammas[i] = 0.02 * (double)(1 << i);
  for (size_t i = 0; i < ridges; i++) s.ridges[i] = i ? pow(10, (double)i - 4) : 0;
  return s;
}

/* The point is what a fit with leave-one-out says of these numbers. */
static void assert_point(const mn_data *data, mn_fit_options o, const mn_select_point *p)
{
  o.gamma_rule = MN_GAMMA_GIVEN;
  if (!isnan(p->gamma)) o.kernel.gamma = p->gamma;
  o.solve.ridge = p->ridge;
  o.loo = 1;
  mn_model *model = model_fit(data, &o);
  const mn_fit_report *r = mn_model_report(model);
  mn_test_close(p->loo_mse, r->loo_mse, 1e-8);
  mn_test_close(p->gcv, r->loo.gcv, 1e-8);
  if (r->classes)
    mn_test_close(p->loo_error, r->loo_error, 1e-12);
  else
    assert_true(isnan(p->loo_error));
  mn_model_close(&model);
}

static void assert_least(const mn_selection *s, const mn_fit_options *o)
{
  const mn_select_point *best = &s->points[s->best];
  for (size_t i = 0; i < s->count; i++)
    assert_true(isnan(s->points[i].loo_mse) || s->points[i].loo_mse >= best->loo_mse);
  assert_true(o->gamma_rule == MN_GAMMA_GIVEN && o->solve.ridge == best->ridge);
  assert_true(isnan(best->gamma) || o->kernel.gamma == best->gamma);
}

static mn_selection must_select(const mn_data *data, const mn_select_options *from, mn_fit_options *o)
{
  mn_selection s;
  mn_error err = {0};
  if (mn_fit_select(data, NULL, from, o, NULL, &s, &err)) fail_msg("%s", err.text);
  assert_least(&s, o);
  return s;
}

static void every_point_is_a_fit(void **state)
{
  (void)state;
  mn_data *sets[] = {model_classes(70, 6, MN_F64, 3, 0, 1, 5), model_regression(70, 6, MN_F64, 2, 5)};
  for (size_t d = 0; d < 2; d++) {
    const mn_fit_options before = model_options();
    mn_fit_options o = before;
    mn_select_options from = lists(4, 3);
    mn_selection s = must_select(sets[d], &from, &o);
    assert_int_equal(s.count, 12);
    assert_int_equal(s.samples, 70);
    for (size_t i = 0; i < s.count; i++) {
      assert_true(s.points[i].gamma == from.gammas[i / 3] && s.points[i].ridge == from.ridges[i % 3]);
      assert_point(sets[d], before, &s.points[i]);
    }
    mn_data_close(&sets[d]);
  }
}

/* Noise in the targets asks for a ridge, none for little or none. */
static void noise_takes_a_ridge(void **state)
{
  (void)state;
  for (int noisy = 0; noisy < 2; noisy++) {
    mn_data *data = model_regression(120, 2, MN_F64, 1, 3);
    for (size_t i = 0; i < data->n && noisy; i++) data->y[i] += i * 7919 % 13 < 6 ? 0.5 : -0.5;
    mn_fit_options o = model_options();
    mn_select_options from = lists(1, 5);
    from.gammas[0] = 0.5;
    must_select(data, &from, &o);
    assert_true(noisy ? o.solve.ridge >= 0.01 : o.solve.ridge < 0.01);
    mn_data_close(&data);
  }
}

static void defaults_and_kernels_without_gamma(void **state)
{
  (void)state;
  mn_data *data = model_classes(60, 6, MN_F64, 3, 0, 1, 6);
  mn_select_options from = mn_select_defaults();
  mn_fit_options o = mn_fit_defaults();
  mn_selection s = must_select(data, &from, &o);
  assert_int_equal(s.count, 9 * 7);
  mn_test_close(s.points[0].gamma * s.median, 0.125, 1e-12);
  mn_test_close(s.points[62].gamma * s.median, 8, 1e-12);
  assert_true(s.points[0].ridge == 0 && s.points[6].ridge == 0.1);
  o = model_kernel_options(MN_KERNEL_LINEAR, 1);
  s = must_select(data, &from, &o);
  assert_int_equal(s.count, 7);
  assert_true(isnan(s.points[0].gamma) && isnan(s.points[0].loo_mse)); /* fewer features than samples: singular */
  assert_true(o.solve.ridge > 0);
  mn_data_close(&data);
}

/* Labels whose error rate falls where their square error rises, as a wide kernel on few classes has it: the choice by
 * either has the least of its own kind among all points, and of equals the least of the other. */
static void least_error_or_least_square(void **state)
{
  (void)state;
  mn_data *data = model_classes(90, 4, MN_F64, 3, 0, 1, 9);
  mn_select_options from = lists(8, 4);
  for (size_t i = 0; i < data->n; i += 11) data->y[i] = (double)((int)data->y[i] % 3 + 1); /* noise tells them apart */
  mn_fit_options by_mse = model_options(), by_error = by_mse;
  mn_selection a = must_select(data, &from, &by_mse), b;
  from.by = MN_SELECT_BY_ERROR;
  assert_int_equal(mn_fit_select(data, NULL, &from, &by_error, NULL, &b, NULL), MN_OK);
  assert_int_equal(a.count, b.count);
  const mn_select_point *best = &b.points[b.best];
  for (size_t i = 0; i < b.count; i++) {
    const mn_select_point *p = &b.points[i];
    if (isnan(p->loo_mse)) continue;
    assert_true(p->loo_error >= best->loo_error);
    if (p->loo_error == best->loo_error) assert_true(p->loo_mse >= best->loo_mse);
  }
  assert_true(a.best != b.best && by_error.kernel.gamma == best->gamma && by_error.solve.ridge == best->ridge);
  mn_data_close(&data);
}

/* As many as asked for, by the seed. */
static void samples_drawn(void **state)
{
  (void)state;
  mn_data *data = model_classes(90, 6, MN_F64, 3, 0, 1, 6);
  mn_select_options from = lists(2, 2);
  double mse[3];
  for (uint64_t t = 0; t < 3; t++) {
    mn_fit_options o = model_options();
    o.seed = t % 2;
    from.samples = 40;
    mn_selection s = must_select(data, &from, &o);
    assert_int_equal(s.samples, 40);
    mse[t] = s.points[0].loo_mse;
  }
  assert_true(mse[0] == mse[2] && mse[0] != mse[1]);
  mn_data_close(&data);
}

static void refuses(const mn_data *data, const mn_select_options *from, mn_fit_options o, mn_status status,
                    const char *text)
{
  mn_selection s;
  mn_error err = {0};
  const mn_fit_options before = o;
  assert_int_equal(mn_fit_select(data, NULL, from, &o, NULL, &s, &err), status);
  if (!strstr(err.text, text)) fail_msg("%s", err.text);
  assert_true(o.kernel.gamma == before.kernel.gamma && o.solve.ridge == before.solve.ridge);
  assert_int_equal(mn_memory_live(), 3); /* of the set: itself, samples, targets */
}

static void refusals(void **state)
{
  (void)state;
  mn_data *data = model_classes(30, 6, MN_F64, 3, 0, 1, 6);
  mn_fit_options o = model_options();
  mn_select_options from = lists(2, 0);
  refuses(data, &from, o, MN_ERR_ARGUMENT, "at least one ridge");
  from = lists(2, 2);
  from.ridges[1] = -1;
  refuses(data, &from, o, MN_ERR_ARGUMENT, "ridge -1");
  from = lists(2, 2);
  from.gammas[0] = 0;
  refuses(data, &from, o, MN_ERR_ARGUMENT, "gamma 0");
  from.gammas[0] = NAN;
  refuses(data, &from, o, MN_ERR_ARGUMENT, "gamma nan");
  from = lists(2, 2);
  from.gamma_count = MN_SELECT_MAX + 1;
  refuses(data, &from, o, MN_ERR_ARGUMENT, "at most 16");
  from = lists(2, 1);
  model_repeat(data, 3, 9);
  refuses(data, &from, o, MN_ERR_SINGULAR, "larger ridge");
  mn_data_close(&data);
  data = model_regression(30, 6, MN_F64, 1, 6);
  from.by = MN_SELECT_BY_ERROR;
  refuses(data, &from, o, MN_ERR_ARGUMENT, "no error rate");
  mn_data_close(&data);
}

static mn_status select_once(void *arg, mn_error *err)
{
  mn_fit_options o = model_options();
  mn_select_options from = lists(2, 2);
  mn_selection s;
  return mn_fit_select(arg, NULL, &from, &o, &(mn_context){.threads = 1}, &s, err);
}

static void every_allocation(void **state)
{
  (void)state;
  mn_data *data = model_classes(20, 4, MN_F64, 2, 0, 1, 8);
  mn_test_every_allocation(select_once, data);
  mn_data_close(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_point_is_a_fit),
      cmocka_unit_test(noise_takes_a_ridge),
      cmocka_unit_test(defaults_and_kernels_without_gamma),
      cmocka_unit_test(least_error_or_least_square),
      cmocka_unit_test(samples_drawn),
      cmocka_unit_test(refusals),
      cmocka_unit_test(every_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
