/* Measures beside the norm against plain formulas: margins from naive scores, stability from as many separate fits,
 * each of all samples but one, Rademacher complexity from the maximisers over the ball; in a sweep against fits; what
 * is refused before any work. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "minnorm/sweep.h"
#include "model_support.h"

static mn_fit_options asked(mn_fit_options o)
{
  o.measures = 1, o.draws = 6, o.seed = 11;
  return o;
}

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* From what the model predicts at its own samples, whose labels are 0 ... */
static mn_margins margins_of(const mn_model *model, const mn_data *data)
{
  size_t outputs = mn_model_outputs(model), n = data->n;
  double *scores = model_predict(model, data), *margin = malloc(n * sizeof *margin), mean = 0;
  for (size_t i = 0; i < n; i++) {
    double most = -INFINITY;
    size_t label = (size_t)data->y[i];
    for (size_t c = 0; c < outputs; c++)
      if (c != label && scores[i * outputs + c] > most) most = scores[i * outputs + c];
    margin[i] = scores[i * outputs + label] - most;
    mean += margin[i] / (double)n;
  }
  qsort(margin, n, sizeof *margin, compare);
  size_t tenth = (size_t)ceil(0.1 * (double)n);
  mn_margins out = {margin[0], margin[tenth - 1], mean};
  free(scores);
  free(margin);
  return out;
}

static void assert_margins(mn_margins a, mn_margins b, double scale)
{
  mn_test_close(a.least, b.least * scale, 1e-9);
  mn_test_close(a.tenth, b.tenth * scale, 1e-9);
  mn_test_close(a.mean, b.mean * scale, 1e-9);
}

/* ||f(x_i) - f_-i(x_i)|| of separate fits. */
static void stability_of(const mn_model *model, const mn_data *data, const mn_fit_options *options, double *mean,
                         double *most)
{
  size_t outputs = mn_model_outputs(model), n = data->n, *index = malloc(n * sizeof *index);
  double *all = model_predict(model, data);
  mn_fit_options o = *options;
  o.loo = o.measures = 0;
  *mean = *most = 0;
  for (size_t i = 0; i < n; i++) {
    size_t count = 0;
    for (size_t s = 0; s < n; s++)
      if (s != i) index[count++] = s;
    mn_data *rest = model_pick(data, index, count), *one = model_pick(data, &i, 1);
    mn_model *without = model_fit(rest, &o);
    double *scores = model_predict(without, one), squares = 0;
    for (size_t c = 0; c < outputs; c++) squares += pow(all[i * outputs + c] - scores[c], 2);
    *mean += sqrt(squares) / (double)n;
    *most = fmax(*most, sqrt(squares));
    free(scores);
    mn_model_close(&without);
    mn_data_close(&rest);
    mn_data_close(&one);
  }
  free(index);
  free(all);
}

/* n samples of which the last ones may equal earlier ones: those of the system, n - merged, come first. */
static void assert_ball(const mn_data *data, const mn_fit_options *o, const mn_fit_report *r)
{
  size_t n = r->n_train - r->merged, dim = data->dim;
  double *x = oracle_features(data, data, o->scale), *s = malloc(n * sizeof *s), mean = 0;
  wide *k = oracle_gram(&r->kernel, dim, n, x, n, x), trace = 0;
  const mn_measures *m = &r->measures;
  assert_int_equal(m->of_factor.n, n);
  for (size_t i = 0; i < n; i++) trace += k[i * (n + 1)];
  for (size_t d = 0; d < o->draws; d++) {
    wide squares = 0;
    mn_random_signs(o->seed, MN_STREAM_COMPLEXITY, d, n, s);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) squares += (wide)s[i] * k[i * n + j] * (wide)s[j];
    mean += r->norm / (double)n * (double)(sqrtl(squares) / (wide)o->draws); /* the maximiser is B K s / ||.|| */
  }
  mn_test_close(m->rademacher_bound / (r->norm / (double)n * (double)sqrtl(trace)), 1, 1e-11);
  mn_test_close(m->rademacher.mean / mean, 1, 1e-11);
  assert_true(m->rademacher.mean < m->rademacher_bound && m->rademacher.error > 0);
  free(x), free(s), free(k);
}

static void assert_measures(const mn_data *data, mn_fit_options o)
{
  double mean, most;
  o = asked(o);
  mn_model *model = model_fit(data, &o);
  const mn_fit_report *r = mn_model_report(model);
  const mn_measures *m = &r->measures;
  if (r->classes) {
    mn_margins margins = margins_of(model, data);
    assert_margins(m->margins, margins, 1);
    assert_margins(m->over_norm, margins, 1 / r->norm);
  } else {
    assert_true(isnan(m->margins.least) && isnan(m->over_norm.mean));
  }
  stability_of(model, data, &o, &mean, &most);
  mn_test_close(m->stability_mean, mean, 1e-8);
  mn_test_close(m->stability_most, most, 1e-8);
  assert_ball(data, &o, r);
  assert_true(isfinite(r->loo_mse)); /* with measures, unasked */
  mn_model_close(&model);
}

static void classes_and_reals(void **state)
{
  (void)state;
  mn_data *classes = model_classes(43, 6, MN_F64, 3, 0, 1, 5), *real = model_regression(43, 6, MN_F64, 2, 5);
  for (int ridge = 0; ridge < 2; ridge++)
    for (int center = 0; center < 2; center++)
      for (int pm1 = 0; pm1 < 2; pm1++) {
        mn_fit_options o = model_options();
        o.solve.ridge = ridge * 0.05;
        o.center = center;
        o.targets = pm1 ? MN_TARGETS_PM1 : MN_TARGETS_ONEHOT;
        assert_measures(classes, o);
        if (!pm1) assert_measures(real, o);
      }
  mn_data_close(&classes);
  mn_data_close(&real);
}

static void bytes_and_kernels(void **state)
{
  (void)state;
  static const mn_kernel_name names[] = {MN_KERNEL_LAPLACIAN, MN_KERNEL_POLYNOMIAL, MN_KERNEL_ARCCOS1, MN_KERNEL_NTK};
  mn_data *bytes = model_classes(30, 20, MN_U8, 3, 0, 1, 2);
  for (size_t k = 0; k < 4; k++) assert_measures(bytes, model_kernel_options(names[k], 0.5));
  mn_data_close(&bytes);
}

static void a_linear_model(void **state)
{
  (void)state;
  mn_data *classes = model_classes(40, 5, MN_F64, 3, 0, 1, 9), *real = model_regression(40, 5, MN_F64, 2, 9);
  for (int center = 0; center < 2; center++) {
    mn_fit_options o = model_kernel_options(MN_KERNEL_LINEAR, 1);
    o.center = center;
    assert_measures(classes, o);
    o.solve.ridge = 0.3;
    assert_measures(real, o);
  }
  mn_data_close(&classes);
  mn_data_close(&real);
}

/* Those merged count in margins and stability; the ball is of the others. */
static void equal_samples(void **state)
{
  (void)state;
  for (int center = 0; center < 2; center++) {
    mn_data *data = model_classes(45, 6, MN_F64, 3, 0, 1, 7);
    model_repeat(data, 4, 43);
    model_repeat(data, 12, 44);
    mn_fit_options o = model_options();
    o.center = center;
    assert_measures(data, o);
    o.solve.ridge = 0.1;
    assert_measures(data, o);
    mn_data_close(&data);
  }
}

/* What is interpolated has the margins of its targets, and random labels are fitted whatever the rest. */
static void interpolation(void **state)
{
  (void)state;
  mn_data *data = model_classes(120, 6, MN_F64, 4, 0, 1, 3);
  for (int pm1 = 0; pm1 < 2; pm1++) {
    mn_fit_options o = asked(model_options());
    o.targets = pm1 ? MN_TARGETS_PM1 : MN_TARGETS_ONEHOT;
    mn_model *model = model_fit(data, &o);
    const mn_fit_report *r = mn_model_report(model);
    const mn_measures *m = &r->measures;
    double margin = pm1 ? 2 : 1;
    assert_margins(m->margins, (mn_margins){margin, margin, margin}, 1);
    mn_test_close(m->over_norm.least * r->norm, margin, 1e-9);
    mn_test_close(m->of_factor.fit.mean, 1, 1e-10);
    assert_true(m->of_factor.dimension == 120);
    mn_model_close(&model);
  }
  mn_data_close(&data);
}

static int is_none(const mn_measures *m)
{
  return isnan(m->of_factor.trace) && isnan(m->rademacher_bound) && isnan(m->rademacher.mean) &&
         isnan(m->margins.least) && isnan(m->over_norm.tenth) && isnan(m->stability_mean) && isnan(m->stability_most) &&
         isnan(m->of_factor.fit.error) && isnan(m->of_factor.dimension) && !m->of_factor.draws;
}

static void only_when_asked(void **state)
{
  (void)state;
  mn_data *data = model_classes(40, 6, MN_F64, 3, 0, 1, 8);
  mn_fit_options o = model_options();
  for (o.loo = 0; o.loo < 2; o.loo++) {
    mn_model *model = model_fit(data, &o);
    assert_true(is_none(&mn_model_report(model)->measures));
    mn_model_close(&model);
  }
  mn_data_close(&data);
}

static int count_calls(void *user, const mn_progress *progress)
{
  (void)progress;
  ++*(int *)user;
  return 0;
}

static void assert_refused(const mn_data *data, const mn_fit_options *o, mn_status status, const char *text)
{
  int calls = 0;
  mn_context ctx = {.progress = count_calls, .user = &calls};
  mn_model *none = NULL;
  mn_error err = {0};
  assert_int_equal(mn_model_fit(data, o, &ctx, &none, &err), status);
  if (!strstr(err.text, text)) fail_msg("'%s' is not in: %s", text, err.text);
  assert_int_equal(calls, 0);
  assert_null(none);
}

/* Before any work, the search for the bandwidth included. */
static void refused_without_a_factor(void **state)
{
  (void)state;
  mn_data *data = model_classes(1500, 6, MN_F64, 3, 0, 1, 8);
  mn_fit_options o = asked(mn_fit_defaults());
  o.solve.solver = MN_SOLVER_CG;
  assert_refused(data, &o, MN_ERR_ARGUMENT, "which cg and --tol interpolate do without");
  o.solve.solver = MN_SOLVER_AUTO, o.solve.interpolate = 1;
  assert_refused(data, &o, MN_ERR_ARGUMENT, "which cg and --tol interpolate do without");
  o = asked(mn_fit_defaults());
  o.draws = 1;
  assert_refused(data, &o, MN_ERR_ARGUMENT, "at least 2");
  o = asked(mn_fit_defaults());
  o.solve.memory_bytes = mn_memory_current_rss() + (1 << 23);
  assert_refused(data, &o, MN_ERR_BUDGET, "--precision single");
  o.solve.scratch = mn_test_dir;
  assert_refused(data, &o, MN_ERR_ARGUMENT, "which has no room for it");
  mn_data_close(&data);
}

typedef struct {
  size_t count;
  mn_fit_report reports[8];
} taken;

static mn_status take(void *user, const mn_sweep_point *point, mn_error *err)
{
  (void)err;
  taken *t = user;
  t->reports[t->count++] = *point->report;
  return MN_OK;
}

/* Points of one factor, and of ridges that share an eigendecomposition. */
static void a_sweep(void **state)
{
  (void)state;
  static const double levels[] = {0, 0.5}, ridges[] = {0.1, 0};
  mn_data *data = model_classes(60, 6, MN_F64, 3, 0, 1, 8);
  for (int eigen = 0; eigen < 2; eigen++) {
    mn_sweep_options o = {.fit = asked(model_options()), .corrupt_count = 2, .corrupt = levels};
    o.ridge_count = 2, o.ridges = ridges;
    if (eigen) o.fit.solve.solver = MN_SOLVER_EIGEN;
    taken t = {0};
    assert_int_equal(mn_sweep_run(data, NULL, NULL, &o, NULL, NULL, take, &t, NULL), MN_OK);
    assert_int_equal(t.count, 4);
    for (size_t p = 0; p < 4; p++) {
      mn_fit_options fit = o.fit;
      fit.solve.ridge = ridges[p / 2], fit.corrupt = levels[p % 2];
      mn_model *model = model_fit(data, &fit);
      const mn_measures *a = &t.reports[p].measures, *b = &mn_model_report(model)->measures;
      mn_test_close(a->rademacher.mean / b->rademacher.mean, 1, 1e-9);
      mn_test_close(a->rademacher_bound / b->rademacher_bound, 1, 1e-9);
      mn_test_close(a->of_factor.fit.mean, b->of_factor.fit.mean, 1e-9);
      mn_test_close(a->of_factor.fit_norm.mean / b->of_factor.fit_norm.mean, 1, 1e-8);
      mn_test_close(a->of_factor.dimension, b->of_factor.dimension, 1e-9);
      mn_test_close(a->stability_mean, b->stability_mean, 1e-8);
      assert_margins(a->margins, b->margins, 1);
      assert_margins(a->over_norm, b->over_norm, 1);
      mn_model_close(&model);
    }
  }
  mn_data_close(&data);
}

/* Seconds are summed; memory grows with the draws. */
static void a_forecast(void **state)
{
  (void)state;
  mn_data *data = model_classes(500, 6, MN_F64, 3, 0, 1, 8);
  mn_fit_options o = model_options();
  mn_forecast plain, few, many;
  assert_int_equal(mn_fit_forecast(data, 0, NULL, &o, NULL, &plain, NULL), MN_OK);
  assert_true(plain.loo_flops == 0 && plain.loo_s == 0 && plain.complexity_flops == 0 && plain.complexity_s == 0);
  o = asked(o);
  assert_int_equal(mn_fit_forecast(data, 0, NULL, &o, NULL, &few, NULL), MN_OK);
  mn_test_close(few.loo_flops, few.factor_flops, 1e-12);
  mn_test_close(few.complexity_flops, 2 * few.gram_flops, 1e-12);
  double sum = few.bandwidth_s + few.allocate_s + few.gram_s + few.factor_s + few.residual_s + few.loo_s;
  mn_test_close(few.total_s / (sum + few.complexity_s), 1, 1e-12);
  assert_true(few.loo_s > 0 && few.complexity_s > 0);
  o.draws = 5000;
  assert_int_equal(mn_fit_forecast(data, 0, NULL, &o, NULL, &many, NULL), MN_OK);
  assert_true(many.bytes > few.bytes + 7 * 4000.0 * 500 * sizeof(double) && many.complexity_s > few.complexity_s);
  mn_data_close(&data);
}

static mn_status fit_once(void *arg, mn_error *err)
{
  mn_fit_options o = asked(model_options());
  mn_model *model = NULL;
  o.center = 1;
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
      cmocka_unit_test(classes_and_reals), cmocka_unit_test(bytes_and_kernels),
      cmocka_unit_test(a_linear_model),    cmocka_unit_test(equal_samples),
      cmocka_unit_test(interpolation),     cmocka_unit_test(only_when_asked),
      cmocka_unit_test(a_sweep),           cmocka_unit_test(refused_without_a_factor),
      cmocka_unit_test(a_forecast),        cmocka_unit_test(every_allocation),
  };
  return cmocka_run_group_tests_name("measures", tests, mn_test_dir_open, mn_test_dir_close);
}
