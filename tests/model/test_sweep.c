/* Sweeps against separate fits, point by point; that a factor is made once; parts by memory; grids, what is left out,
 * duplicates, errors and every allocation failing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "minnorm/sweep.h"
#include "model_support.h"
#include "solve/system.h"

enum { N = 150, M = 40, DIM = 6, K = 4, POINTS = 64 };

static const double levels[] = {0, 0.25, 0.5, 1};
static const uint64_t seeds[] = {3, 1, 7};

/* What was handed over, with norms of its own. */
typedef struct {
  size_t count;
  mn_sweep_point points[POINTS];
  mn_fit_report reports[POINTS];
  double norms[POINTS][K];
} taken;

static mn_status take(void *user, const mn_sweep_point *point, mn_error *err)
{
  (void)err;
  taken *t = user;
  assert_true(t->count < POINTS);
  size_t i = t->count++;
  t->points[i] = *point;
  t->reports[i] = *point->report;
  for (size_t c = 0; c < point->report->outputs; c++) t->norms[i][c] = point->report->norm_per_output[c];
  return MN_OK;
}

static mn_sweep_options sweep_options(mn_fit_options fit)
{
  return (mn_sweep_options){.fit = fit, .corrupt_count = 4, .corrupt = levels, .seed_count = 3, .seeds = seeds};
}

static taken *run(const mn_data *train, const mn_data *test, const mn_sweep_options *options, const char *done)
{
  taken *t = calloc(1, sizeof *t);
  mn_error err = {0};
  if (mn_sweep_run(train, test, NULL, options, done, NULL, take, t, &err)) fail_msg("%s", err.text);
  return t;
}

static int near(double a, double b, double tolerance)
{
  return (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * fmax(fabs(b), 1e-3);
}

/* The fit of that point alone. */
static void check_point(const mn_data *train, const mn_data *test, const mn_sweep_options *options, const taken *t,
                        size_t i, double tolerance)
{
  const mn_sweep_place *p = &t->points[i].place;
  const mn_fit_report *r = &t->reports[i];
  mn_data head = *train;
  mn_fit_options fit = options->fit;
  mn_metrics metrics;
  head.n = p->n;
  fit.kernel.gamma = p->gamma;
  fit.solve.ridge = p->ridge;
  fit.corrupt = p->corrupt;
  fit.seed = p->seed;
  mn_model *model = model_fit(&head, &fit);
  const mn_fit_report *own = mn_model_report(model);
  double *scores = model_predict(model, test);
  assert_int_equal(mn_model_score(model, test, scores, &metrics, NULL), MN_OK);
  assert_int_equal(r->n_train, own->n_train);
  assert_int_equal(r->merged, own->merged);
  assert_int_equal(r->classes, own->classes);
  assert_int_equal(r->system.solver, own->system.solver);
  assert_true(near(r->norm, own->norm, tolerance));
  for (size_t c = 0; c < own->outputs; c++) assert_true(near(t->norms[i][c], own->norm_per_output[c], tolerance));
  assert_true(r->train_error == own->train_error);
  assert_true(t->points[i].test.error == metrics.error);
  assert_true(near(r->loo_error, own->loo_error, 1e-12) && near(r->loo_mse, own->loo_mse, tolerance));
  if (r->system.primal)
    assert_true(near(r->solution.residual, own->solution.residual, tolerance));
  else if (own->solution.converged)
    assert_true(r->solution.residual <= fmax(options->fit.solve.tolerance, 1e-12));
  free(scores);
  mn_model_close(&model);
}

static void check_sweep(const mn_data *train, const mn_data *test, const mn_sweep_options *options, double tolerance)
{
  taken *t = run(train, test, options, NULL);
  assert_int_equal(t->count, mn_sweep_count(options));
  for (size_t i = 0; i < t->count; i++) {
    mn_sweep_place place = mn_sweep_place_of(options, i);
    assert_int_equal(t->points[i].place.index, i);
    assert_int_equal(t->points[i].place.seed, place.seed);
    assert_true(t->points[i].place.corrupt == place.corrupt);
    check_point(train, test, options, t, i, tolerance);
  }
  free(t);
}

/* The grid in its order, by hand: level 0 has one seed. */
static void test_grid(void **state)
{
  (void)state;
  const size_t n[] = {20, 10};
  const double gammas[] = {0.5, 0.25}, ridges[] = {0, 1};
  mn_sweep_options o = sweep_options(model_options());
  assert_int_equal(mn_sweep_count(&o), 10);
  assert_int_equal(mn_sweep_place_of(&o, 0).seed, 3);
  assert_int_equal(mn_sweep_place_of(&o, 3).seed, 7);
  assert_true(mn_sweep_place_of(&o, 3).corrupt == 0.25 && mn_sweep_place_of(&o, 4).corrupt == 0.5);
  assert_true(isnan(mn_sweep_place_of(&o, 0).gamma) && mn_sweep_place_of(&o, 9).n == 0);
  o.n_count = o.gamma_count = o.ridge_count = 2;
  o.n = n, o.gammas = gammas, o.ridges = ridges;
  assert_int_equal(mn_sweep_count(&o), 80);
  for (size_t i = 0; i < 80; i++) {
    mn_sweep_place p = mn_sweep_place_of(&o, i);
    assert_int_equal(p.n, n[i / 40]);
    assert_true(p.gamma == gammas[i / 20 % 2] && p.ridge == ridges[i / 10 % 2]);
  }
  o.corrupt_count = o.seed_count = 0;
  o.fit.corrupt = 0.125, o.fit.seed = 5;
  assert_int_equal(mn_sweep_count(&o), 8);
  assert_true(mn_sweep_place_of(&o, 7).corrupt == 0.125 && mn_sweep_place_of(&o, 7).seed == 5);
}

static void test_against_fits(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 5, 2, 1), *test = model_classes(M, DIM, MN_F64, K, 5, 2, 2);
  mn_sweep_options o = sweep_options(model_options());
  check_sweep(train, test, &o, 1e-8);
  o.fit.center = 1, o.fit.targets = MN_TARGETS_PM1, o.fit.loo = 1;
  check_sweep(train, test, &o, 1e-8);
  o.fit = model_options();
  o.fit.solve.precision = MN_PRECISION_MIXED;
  check_sweep(train, test, &o, 1e-8);
  o.fit.solve.precision = MN_PRECISION_AUTO;
  o.fit.solve.solver = MN_SOLVER_CG, o.fit.solve.tolerance = 1e-12;
  check_sweep(train, test, &o, 1e-8);
  o.fit = model_kernel_options(MN_KERNEL_LINEAR, 1);
  o.fit.solve.ridge = 0.5;
  check_sweep(train, test, &o, 1e-8);
  mn_data_close(&train), mn_data_close(&test);
}

/* MNIST's shape in small: bytes, ten classes, eleven levels of three seeds. */
static void test_curve(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped("31 fits of 1,000 samples");
  double curve[11];
  for (int k = 0; k < 11; k++) curve[k] = k / 10.0;
  mn_data *train = model_classes(1000, 50, MN_U8, K, 0, 1, 1), *test = model_classes(200, 50, MN_U8, K, 0, 1, 2);
  mn_sweep_options o = sweep_options(model_kernel_options(MN_KERNEL_GAUSSIAN, 0.1));
  o.corrupt = curve, o.corrupt_count = 11;
  o.fit.solve.precision = MN_PRECISION_MIXED;
  check_sweep(train, test, &o, 1e-8);
  mn_data_close(&train), mn_data_close(&test);
}

/* One point of noise beside many of labels that are clusters, easily fitted: it does not hide behind them. */
static void test_tolerance(void **state)
{
  (void)state;
  enum { COUNT = 41 };
  double uneven[COUNT];
  for (int k = 0; k < COUNT; k++) uneven[k] = k < COUNT - 1 ? k * 1e-9 : 1;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1);
  for (size_t i = 0; i < N; i++) ((double *)train->x)[i * DIM] += 10 * train->y[i];
  mn_sweep_options o = {.fit = model_options(), .corrupt_count = COUNT, .corrupt = uneven};
  o.fit.solve.ridge = 0.01;
  o.fit.solve.solver = MN_SOLVER_CG;
  for (o.fit.solve.tolerance = 1e-2; o.fit.solve.tolerance > 1e-8; o.fit.solve.tolerance /= 4) {
    taken *t = run(train, NULL, &o, NULL);
    for (size_t i = 0; i < COUNT; i++) {
      assert_int_equal(t->points[i].together, COUNT);
      assert_true(t->reports[i].solution.residual <= o.fit.solve.tolerance);
    }
    free(t);
  }
  mn_data_close(&train);
}

static void test_grids_against_fits(void **state)
{
  (void)state;
  const size_t n[] = {60, N, 61};
  const double gammas[] = {0.2, 0.1}, ridges[] = {0.1, 0};
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  mn_sweep_options o = {.fit = model_options(), .n_count = 3, .n = n, .gamma_count = 2, .gammas = gammas};
  o.ridge_count = 2, o.ridges = ridges;
  check_sweep(train, test, &o, 1e-8);
  mn_data_close(&train), mn_data_close(&test);
}

/* The bandwidth of true labels, from the samples that fit.seed draws, is that of all points. */
static void test_bandwidth(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  mn_sweep_options o = sweep_options(mn_fit_defaults());
  taken *t = run(train, test, &o, NULL);
  mn_model *model = model_fit(train, &o.fit);
  for (size_t i = 0; i < t->count; i++) {
    assert_true(t->points[i].place.gamma == mn_model_report(model)->kernel.gamma);
    assert_int_equal(t->reports[i].gamma_count, mn_model_report(model)->gamma_count);
  }
  mn_model_close(&model);
  free(t);
  mn_data_close(&train), mn_data_close(&test);
}

/* Phases that begin. */
typedef struct {
  int factors, grams, predictions;
  char last[32];
} phases;

static int watch(void *user, const mn_progress *p)
{
  phases *seen = user;
  int begins = strcmp(seen->last, p->phase) != 0;
  seen->factors += begins && !strcmp(p->phase, "factor");
  seen->grams += begins && !strcmp(p->phase, "gram");
  seen->predictions += begins && !strcmp(p->phase, "predict");
  strncpy(seen->last, p->phase, sizeof seen->last - 1);
  return 0;
}

static void test_one_factor(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  mn_sweep_options o = sweep_options(model_options());
  phases seen = {0};
  mn_context ctx = {.progress = watch, .user = &seen};
  taken t = {0};
  assert_int_equal(mn_sweep_run(train, test, NULL, &o, NULL, &ctx, take, &t, NULL), MN_OK);
  assert_int_equal(t.count, 10);
  assert_int_equal(seen.factors, 1);
  assert_int_equal(seen.predictions, 1);
  for (size_t i = 0; i < t.count; i++) assert_int_equal(t.points[i].together, 10);
  mn_data_close(&train), mn_data_close(&test);
}

/* One eigendecomposition for all ridges where it is asked for, after a large one as well; where auto has many of them,
 * for all but 0, and the points are those of Cholesky. */
static void test_shared_ridges(void **state)
{
  (void)state;
  const double few[] = {1e8, 0, 0.01}, gammas[] = {0.3, 0.6};
  double many[30];
  for (int k = 0; k < 30; k++) many[k] = k * 0.05;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  mn_sweep_options o = {.fit = model_options(), .gamma_count = 2, .gammas = gammas, .ridge_count = 3, .ridges = few};
  o.fit.solve.solver = MN_SOLVER_EIGEN;
  o.fit.loo = 1;
  check_sweep(train, test, &o, 1e-8);
  phases seen = {0};
  mn_context ctx = {.progress = watch, .user = &seen};
  taken t = {0};
  assert_int_equal(mn_sweep_run(train, test, NULL, &o, NULL, &ctx, take, &t, NULL), MN_OK);
  assert_int_equal(seen.grams, 2);
  o.fit.solve.solver = MN_SOLVER_AUTO;
  o.gamma_count = 1, o.ridge_count = 30, o.ridges = many;
  seen = (phases){0}, t.count = 0;
  assert_int_equal(mn_sweep_run(train, test, NULL, &o, NULL, &ctx, take, &t, NULL), MN_OK);
  assert_int_equal(t.count, 30);
  assert_int_equal(seen.grams, 2);
  for (size_t i = 0; i < t.count; i++) {
    assert_int_equal(t.reports[i].system.solver, i ? MN_SOLVER_EIGEN : MN_SOLVER_CHOLESKY);
    t.reports[i].system.solver = MN_SOLVER_CHOLESKY;
    check_point(train, test, &o, &t, i, 1e-8);
  }
  mn_data_close(&train), mn_data_close(&test);
}

/* Whatever the order of the ridges: one eigendecomposition for those above 0, and a factor for 0. */
static void test_forecast_of_shared_ridges(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1);
  double up[30], down[30];
  for (int k = 0; k < 30; k++) up[k] = down[29 - k] = k * 0.05;
  mn_sweep_options o = {.fit = model_options(), .ridge_count = 30, .ridges = up};
  mn_fit_options eigen = model_options();
  eigen.solve.solver = MN_SOLVER_EIGEN;
  mn_forecast one, other, sums[2];
  size_t together;
  assert_int_equal(mn_fit_forecast(train, M, NULL, &o.fit, NULL, &one, NULL), MN_OK);
  assert_int_equal(mn_fit_forecast(train, M, NULL, &eigen, NULL, &other, NULL), MN_OK);
  for (int k = 0; k < 2; k++, o.ridges = down) {
    assert_int_equal(mn_sweep_forecast(train, M, NULL, &o, NULL, &sums[k], &together, NULL), MN_OK);
    mn_test_close(sums[k].factor_flops, one.factor_flops + other.factor_flops, 1e-12);
    mn_test_close(sums[k].predict_flops, 30 * one.predict_flops, 1e-12);
    assert_int_equal(together, 1);
  }
  mn_data_close(&train);
}

/* Less memory, more parts, the same numbers; still one factor. */
static void test_parts(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped("the memory of a process is not its own there");
  mn_data *train = model_classes(2000, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  mn_sweep_options o = sweep_options(model_kernel_options(MN_KERNEL_LAPLACIAN, 0.3));
  taken *whole = run(train, test, &o, NULL), *t = NULL;
  for (o.fit.solve.memory_bytes = mn_memory_current_rss();; o.fit.solve.memory_bytes += 1 << 20) {
    mn_error err = {0};
    phases seen = {0};
    mn_context ctx = {.progress = watch, .user = &seen};
    t = calloc(1, sizeof *t);
    mn_status st = mn_sweep_run(train, test, NULL, &o, NULL, &ctx, take, t, &err);
    if (!st && seen.factors == 1 && t->points[0].together < 10) break;
    if (!st) fail_msg("%zu at once", t->points[0].together);
    assert_int_equal(st, MN_ERR_BUDGET);
    free(t);
  }
  assert_int_equal(t->count, 10);
  for (size_t i = 0; i < 10; i++) {
    assert_int_equal(t->points[i].place.index, i);
    assert_true(near(t->reports[i].norm, whole->reports[i].norm, 1e-10));
    assert_true(t->points[i].test.error == whole->points[i].test.error);
  }
  free(t), free(whole);
  mn_data_close(&train), mn_data_close(&test);
}

static void test_done(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  mn_sweep_options o = sweep_options(model_options());
  char done[10] = {1, 1, 0, 1, 1, 1, 0, 1, 1, 1};
  taken *t = run(train, test, &o, done);
  assert_int_equal(t->count, 2);
  assert_int_equal(t->points[0].place.index, 2);
  assert_int_equal(t->points[1].place.index, 6);
  for (size_t i = 0; i < 2; i++) check_point(train, test, &o, t, i, 1e-8);
  free(t);
  memset(done, 1, sizeof done);
  t = run(train, test, &o, done);
  assert_int_equal(t->count, 0);
  free(t);
  mn_data_close(&train), mn_data_close(&test);
}

/* Without a test set, or with one of no targets: the rest is there. */
static void test_without_test(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  mn_sweep_options o = sweep_options(model_options());
  taken *t = run(train, NULL, &o, NULL), *unlabelled = run(train, test, &o, NULL);
  assert_int_equal(t->count, 10);
  for (size_t i = 0; i < 10; i++) {
    assert_true(t->reports[i].train_error == 0 && isnan(t->points[i].test.error) && isnan(t->points[i].predict_s));
    assert_true(isnan(unlabelled->points[i].test.error) && unlabelled->points[i].predict_s >= 0);
  }
  free(t), free(unlabelled);
  mn_data_close(&train), mn_data_close(&test);
}

/* Each ends where a fit of its own ends. */
static void test_interpolation(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  mn_sweep_options o = sweep_options(model_options());
  o.fit.solve.interpolate = 1;
  taken *t = run(train, test, &o, NULL);
  assert_int_equal(t->count, 10);
  for (size_t i = 0; i < 10; i++) {
    mn_fit_options fit = o.fit;
    fit.corrupt = t->points[i].place.corrupt, fit.seed = t->points[i].place.seed;
    mn_model *model = model_fit(train, &fit);
    assert_int_equal(t->points[i].together, 1);
    assert_int_equal(t->reports[i].solution.iterations, mn_model_report(model)->solution.iterations);
    assert_true(near(t->reports[i].norm, mn_model_report(model)->norm, 1e-12));
    mn_model_close(&model);
  }
  free(t);
  mn_data_close(&train), mn_data_close(&test);
}

/* Equal samples of equal labels are merged for all levels; corruption that parts them is an error at ridge 0 only. */
static void test_duplicates(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *test = model_classes(M, DIM, MN_F64, K, 0, 1, 2);
  for (size_t i = 0; i < 20; i++) model_repeat(train, i, 100 + i);
  mn_sweep_options o = sweep_options(model_options());
  o.corrupt_count = 1; /* none */
  check_sweep(train, test, &o, 1e-8);
  o.corrupt_count = 4;
  mn_error err = {0};
  taken t = {0};
  assert_int_equal(mn_sweep_run(train, test, NULL, &o, NULL, NULL, take, &t, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "are equal but have labels"));
  o.fit.solve.ridge = 0.01;
  check_sweep(train, test, &o, 1e-8);
  mn_data_close(&train), mn_data_close(&test);
}

static mn_status refuse(void *user, const mn_sweep_point *point, mn_error *err)
{
  (void)point, (void)err;
  return --*(int *)user < 0 ? MN_ERR_IO : MN_OK;
}

static void test_errors(void **state)
{
  (void)state;
  static const size_t none[] = {0}, many[] = {N + 1};
  static const double negative[] = {-1}, above[] = {1.5}, zero[] = {0};
  mn_data *train = model_classes(N, DIM, MN_F64, K, 0, 1, 1), *real = model_regression(N, DIM, MN_F64, 1, 1);
  const mn_sweep_options plain = {.fit = model_options()};
  mn_sweep_options wrong[6];
  for (size_t i = 0; i < 6; i++) wrong[i] = plain;
  wrong[0].n_count = 1, wrong[0].n = none;
  wrong[1].n_count = 1, wrong[1].n = many;
  wrong[2].ridge_count = 1, wrong[2].ridges = negative;
  wrong[3].corrupt_count = 1, wrong[3].corrupt = above;
  wrong[4].gamma_count = 1, wrong[4].gammas = zero;
  wrong[5].gamma_count = 1, wrong[5].gammas = above, wrong[5].fit.kernel.name = MN_KERNEL_LINEAR;
  taken t = {0};
  long live = mn_memory_live();
  for (size_t i = 0; i < 6; i++) {
    mn_error err = {0};
    assert_int_equal(mn_sweep_run(train, NULL, NULL, &wrong[i], NULL, NULL, take, &t, &err), MN_ERR_ARGUMENT);
    assert_true(err.text[0]);
  }
  mn_sweep_options o = sweep_options(model_options());
  assert_int_equal(mn_sweep_run(real, NULL, NULL, &o, NULL, NULL, take, &t, NULL), MN_ERR_ARGUMENT);
  int left = 4;
  assert_int_equal(mn_sweep_run(train, NULL, NULL, &o, NULL, NULL, refuse, &left, NULL), MN_ERR_IO);
  assert_int_equal(left, -1);
  assert_int_equal(mn_memory_live(), live);
  mn_data_close(&train), mn_data_close(&real);
}

typedef struct {
  const mn_data *train, *test;
  mn_sweep_options options;
} job;

static mn_status sweep(void *arg, mn_error *err)
{
  const job *j = arg;
  mn_context ctx = {.threads = 1};
  taken t = {0};
  return mn_sweep_run(j->train, j->test, NULL, &j->options, NULL, &ctx, take, &t, err);
}

static void test_allocations(void **state)
{
  (void)state;
  const double ridges[] = {0, 0.1};
  mn_data *train = model_classes(40, DIM, MN_F32, K, 0, 1, 1), *test = model_data(M, DIM, MN_F32, 0, 2);
  model_repeat(train, 3, 20);
  job j = {train, test, {.fit = model_options(), .ridge_count = 2, .ridges = ridges}};
  j.options.fit.loo = j.options.fit.measures = j.options.fit.center = 1;
  mn_test_every_allocation(sweep, &j);
  j.options.fit.solve.solver = MN_SOLVER_EIGEN;
  mn_test_every_allocation(sweep, &j);
  j.options = sweep_options(model_options());
  j.options.fit.solve.ridge = 0.1;
  mn_test_every_allocation(sweep, &j);
  mn_data_close(&train), mn_data_close(&test);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grid),          cmocka_unit_test(test_against_fits),
      cmocka_unit_test(test_curve),         cmocka_unit_test(test_grids_against_fits),
      cmocka_unit_test(test_bandwidth),     cmocka_unit_test(test_one_factor),
      cmocka_unit_test(test_shared_ridges), cmocka_unit_test(test_parts),
      cmocka_unit_test(test_done),          cmocka_unit_test(test_without_test),
      cmocka_unit_test(test_interpolation), cmocka_unit_test(test_duplicates),
      cmocka_unit_test(test_errors),        cmocka_unit_test(test_tolerance),
      cmocka_unit_test(test_allocations),   cmocka_unit_test(test_forecast_of_shared_ridges),
  };
  return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
