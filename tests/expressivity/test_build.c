/* Building from all kinds of points and targets, what is refused, classes, the same result everywhere, and every
 * allocation failing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "linalg/threads.h"
#include "network_support.h"

/* Largest error of the double-double ways at the training points, relative to the largest target; errors if not met. */
static mn_network_verification verified(const mn_network *network, const mn_data *data, double tolerance)
{
  mn_network_verification v;
  assert_int_equal(mn_network_verify(network, data, 0, NULL, &v, NULL), MN_OK);
  double scale = v.target_max > 0 ? v.target_max : 1;
  if (!(v.max_error[MN_FORWARD_COMPENSATED] <= tolerance * scale)) fail_msg("%g", v.max_error[MN_FORWARD_COMPENSATED]);
  if (!(v.max_error[MN_FORWARD_PIECEWISE] <= tolerance * scale)) fail_msg("%g", v.max_error[MN_FORWARD_PIECEWISE]);
  return v;
}

static void build_and_verify(const mn_data *data, int depth, double tolerance)
{
  mn_network_options o = network_options(depth);
  mn_network *network = network_open(data, &o);
  verified(network, data, tolerance);
  mn_network_close(&network);
  assert_null(network);
  mn_network_close(&network);
}

/* ---- points */

static void equal_points_merge(void **state)
{
  (void)state;
  static const double x[] = {1, 2, 3, 4, 1, 2, 5, 6, -0.0, 0, 0, 0, 1, 2}, y[] = {7, 1, 7, 2, 3, 3, 7};
  mn_data *data = network_data_of(7, 2, x, y);
  mn_network_options o = network_options(2);
  mn_network *network = network_open(data, &o);
  const mn_network_report *r = mn_network_report_of(network);
  assert_int_equal(r->n, 7);
  assert_int_equal(r->distinct, 4);
  assert_int_equal(r->weights, 2 * 4 + 2);
  assert_true(verified(network, data, 1e-12).train_error == 0);
  mn_network_close(&network);
  o.depth = 5;
  network = network_open(data, &o);
  assert_int_equal(mn_network_report_of(network)->layers, 4);
  mn_network_close(&network);
  o.depth = 6;
  network_refused(data, &o, MN_ERR_ARGUMENT, "depth 6: at most 5 expected, a hidden layer a distinct point");
  o.depth = 2;
  data->y[6] = 8;
  network_refused(data, &o, MN_ERR_DATA, "test: samples 0 and 6 (from 0) are equal but have different targets: no");
  data->y[2] = 9;
  network_refused(data, &o, MN_ERR_DATA, "samples 0 and 2 (from 0) are equal but have different targets, and 1 more");
  mn_data_close(&data);
}

static void one_point(void **state)
{
  (void)state;
  for (size_t t = 0; t < 4; t++) {
    mn_data *data = network_data(1, 1 + t, t % 2 ? MN_U8 : MN_F64, 1, t);
    mn_network_options o = network_options(2);
    o.improve_s = 1;
    mn_network *network = network_open(data, &o);
    const mn_network_report *r = mn_network_report_of(network);
    assert_int_equal(r->weights, 2 + data->dim);
    assert_true(isinf(r->gap) && r->range == 0);
    mn_test_close(r->condition, 1, 1e-12);
    verified(network, data, 1e-15);
    mn_network_close(&network);
    o.depth = 3;
    network_refused(data, &o, MN_ERR_ARGUMENT, "depth 3: 2 to 2 expected for 1 points");
    mn_data_close(&data);
  }
}

/* All features constant: one point, however many samples. Zero everywhere: the same at 0. */
static void all_points_equal(void **state)
{
  (void)state;
  for (int value = 0; value <= 3; value += 3)
    for (size_t t = 0; t < 2; t++) {
      mn_data *data = network_data(9, 4, t ? MN_F64 : MN_U8, 1, 1);
      for (size_t i = 0; i < 9; i++) data->y[i] = 5;
      for (size_t i = 0; i < 36; i++)
        if (t)
          ((double *)data->x)[i] = value;
        else
          ((unsigned char *)data->x)[i] = (unsigned char)value;
      build_and_verify(data, 2, 1e-15);
      data->y[4] = 4;
      mn_network_options o = network_options(2);
      network_refused(data, &o, MN_ERR_DATA, "samples 0 and 4 (from 0) are equal");
      mn_data_close(&data);
    }
}

/* Distances relative to the range: w rounds to u |y| (distance to the next) / (distance of the pair). */
static void close_points(void **state)
{
  (void)state;
  static const double distances[] = {1e-3, 1e-9, 1e-12, 1e-14};
  for (size_t d = 0; d < 4; d++) {
    double x[] = {0, 1, 1 + distances[d], 2, 3}, y[] = {1, 5, -5, 2, 7};
    mn_data *data = network_data_of(5, 1, x, y);
    for (int depth = 2; depth <= 6; depth++) build_and_verify(data, depth, 8 * DBL_EPSILON / distances[d]);
    mn_data_close(&data);
  }
  double x[] = {0, 1, 1 + 0x1p-52, 2, 3}, y[] = {1, 5, -5, 2, 7};
  mn_data *data = network_data_of(5, 1, x, y);
  mn_network_options o = network_options(2);
  network_refused(data, &o, MN_ERR_SINGULAR, "test: samples 1 and 2 (from 0) are different but too close for their");
  mn_data_close(&data);
}

/* 10^9 and a little: z has an offset of 10^9 ranges, so a distance of 1e-3 has 2^-40 of z. */
static void huge_offsets(void **state)
{
  (void)state;
  mn_data *data = network_data(50, 3, MN_F64, 1, 2);
  for (size_t i = 0; i < 50; i++) ((double *)data->x)[3 * i] = 1e9 + (double)i;
  for (size_t i = 0; i < 100; i++) ((double *)data->x)[i / 2 * 3 + 1 + i % 2] *= 1e3;
  for (int depth = 2; depth <= 20; depth += 9) build_and_verify(data, depth, 1e-9);
  mn_data_close(&data);
}

/* Sizes at the ends of what doubles hold. */
static void tiny_and_large_features(void **state)
{
  (void)state;
  static const double sizes[] = {1e-150, 1e-100, 1e100, 1e150};
  for (size_t s = 0; s < 4; s++) {
    mn_data *data = network_data(40, 4, MN_F64, 1, s);
    for (size_t i = 0; i < 160; i++) ((double *)data->x)[i] *= sizes[s];
    build_and_verify(data, 2, 1e-9);
    build_and_verify(data, 9, 1e-9);
    mn_data_close(&data);
  }
}

/* Every scale makes a network of the features as they are; a constant feature does not harm. */
static void scales(void **state)
{
  (void)state;
  for (int scale = 0; scale <= MN_NETWORK_SCALE_STANDARD; scale++)
    for (size_t t = 0; t < 2; t++) {
      mn_data *data = network_data(60, 5, t ? MN_U8 : MN_F64, 1, 5);
      for (size_t i = 0; i < 60; i++) {
        if (t) ((unsigned char *)data->x)[5 * i + 2] = 77;
        if (!t) ((double *)data->x)[5 * i + 2] = 77;
      }
      mn_network_options o = network_options(3);
      o.scale = (mn_network_scale)scale;
      mn_network *network = network_open(data, &o);
      verified(network, data, 1e-10);
      int zero = scale == MN_NETWORK_SCALE_STANDARD || (scale == MN_NETWORK_SCALE_AUTO && !t);
      assert_int_equal(network->projection.a[2] == 0, zero);
      mn_network_close(&network);
      mn_data_close(&data);
    }
}

static void values_that_are_no_numbers(void **state)
{
  (void)state;
  static const double bad[] = {INFINITY, -INFINITY, NAN};
  for (size_t b = 0; b < 3; b++)
    for (int scale = 0; scale <= MN_NETWORK_SCALE_STANDARD; scale++) {
      mn_network *network;
      mn_network_options o = network_options(2);
      o.scale = (mn_network_scale)scale;
      o.improve_s = 1;
      mn_data *data = network_data(20, 5, MN_F64, 1, 5);
      ((double *)data->x)[7] = bad[b];
      assert_true(mn_network_build(data, &o, NULL, &network, NULL) < 0 && !network);
      ((double *)data->x)[7] = 1;
      data->y[3] = bad[b];
      assert_true(mn_network_build(data, &o, NULL, &network, NULL) < 0 && !network);
      mn_data_close(&data);
    }
}

/* ---- targets */

static void constant_labels(void **state)
{
  (void)state;
  static const double values[] = {0, -3, 1e9};
  for (size_t v = 0; v < 3; v++)
    for (int depth = 2; depth <= 7; depth++) {
      mn_data *data = network_data(30, 4, MN_F64, 1, 5);
      for (size_t i = 0; i < 30; i++) data->y[i] = values[v];
      mn_network_options o = network_options(depth);
      mn_network *network = network_open(data, &o);
      assert_true(verified(network, data, 1e-12).train_error == 0);
      assert_true((mn_network_report_of(network)->norm == 0) == (values[v] == 0));
      mn_network_close(&network);
      mn_data_close(&data);
    }
}

static void targets_that_overflow(void **state)
{
  (void)state;
  mn_data *data = network_data(30, 4, MN_F64, 1, 5);
  for (size_t i = 0; i < 30; i++) data->y[i] = i % 2 ? 1.5e308 : -1.5e308;
  mn_network_options o = network_options(2);
  network_refused(data, &o, MN_ERR_SINGULAR, "test: the slopes overflow: targets too large or points too close");
  o.solver = MN_NETWORK_DENSE;
  network_refused(data, &o, MN_ERR_SINGULAR, "test: the slopes overflow");
  o.solver = MN_NETWORK_SLOPES;
  o.depth = 3;
  for (size_t i = 0; i < 30; i++) data->y[i] = 1.5e308; /* w is finite, the offset would not be */
  network_refused(data, &o, MN_ERR_SINGULAR, "test: the slopes overflow");
  mn_data_close(&data);
}

/* Labels with gaps and signs, as one output or as one a class; all are met and classified by every way. */
static void classes(void **state)
{
  (void)state;
  static const double sets[][4] = {{-1, 1, -1, 1}, {3, -7, 100, 0}, {5, 5, 5, 5}};
  for (size_t s = 0; s < 3; s++)
    for (int targets = 0; targets <= MN_NETWORK_PM1; targets++) {
      enum { N = 60 };
      int64_t labels[N];
      mn_data *data = network_data(N, 8, s % 2 ? MN_U8 : MN_F64, 1, s);
      for (size_t i = 0; i < N; i++) data->y[i] = sets[s][i % 4];
      mn_network_options o = network_options(2 + targets);
      o.targets = (mn_network_targets)targets;
      mn_network *network = network_open(data, &o);
      const mn_network_report *r = mn_network_report_of(network);
      const int64_t *names = mn_network_labels(network);
      assert_int_equal(r->classes, s == 0 ? 2 : s == 1 ? 4 : 1);
      assert_int_equal(r->outputs, targets == MN_NETWORK_LABEL ? 1 : r->classes);
      for (size_t c = 1; c < r->classes; c++) assert_true(names[c - 1] < names[c]);
      double *out = malloc(N * r->outputs * sizeof *out);
      for (int how = MN_FORWARD_COMPENSATED; how <= MN_FORWARD_PIECEWISE; how++) {
        assert_int_equal(mn_network_forward(network, data, (mn_forward)how, NULL, out, NULL), MN_OK);
        assert_int_equal(mn_network_classify(network, N, out, labels, NULL), MN_OK);
        for (size_t i = 0; i < N; i++) assert_true((double)labels[i] == data->y[i]);
        for (size_t i = 0; targets != MN_NETWORK_LABEL && i < N * r->outputs; i++) {
          int own = (double)names[i % r->outputs] == data->y[i / r->outputs];
          mn_test_close(out[i], own ? 1 : targets == MN_NETWORK_PM1 ? -1 : 0, 1e-9);
        }
      }
      assert_true(verified(network, data, 1e-9).train_error == 0);
      free(out);
      mn_network_close(&network);
      mn_data_close(&data);
    }
}

static void nearest_label(void **state)
{
  (void)state;
  static const double outputs[] = {-50, -1.9, -0.9, 0.9, 1.1, 5.9, 6.1, 1e6};
  static const int64_t expected[] = {-4, -4, 2, 2, 2, 2, 10, 10};
  static const double x[] = {1, 2, 3}, y[] = {10, -4, 2};
  int64_t labels[8];
  mn_data *data = network_data_of(3, 1, x, y);
  mn_network_options o = network_options(2);
  mn_network *network = network_open(data, &o);
  assert_int_equal(mn_network_classify(network, 8, outputs, labels, NULL), MN_OK);
  for (size_t i = 0; i < 8; i++) assert_int_equal(labels[i], expected[i]);
  mn_network_close(&network);
  mn_data_close(&data);
}

static void regression(void **state)
{
  (void)state;
  mn_error err = {0};
  int64_t label;
  double out = 0;
  for (size_t columns = 1; columns <= 2; columns++) {
    mn_data *data = network_data(80, 8, MN_F32, columns, 3);
    for (size_t i = 0; i < 80; i++) data->y[i] += 0.5;
    mn_network_options o = network_options(4);
    mn_network *network = network_open(data, &o);
    assert_int_equal(mn_network_report_of(network)->outputs, columns);
    assert_int_equal(mn_network_report_of(network)->classes, 0);
    assert_null(mn_network_labels(network));
    mn_network_verification v = verified(network, data, 1e-9);
    assert_true(isnan(v.train_error) && isnan(v.missed[MN_FORWARD_SINGLE]) && isnan(v.missed[MN_FORWARD_PIECEWISE]));
    assert_int_equal(mn_network_classify(network, 1, &out, &label, &err), MN_ERR_ARGUMENT);
    mn_network_close(&network);
    o.targets = MN_NETWORK_ONEHOT;
    network_refused(data, &o, MN_ERR_DATA, "test: an output a class takes one column of integer labels");
    mn_data_close(&data);
  }
}

/* ---- options */

static void options_refused(void **state)
{
  (void)state;
  mn_data *data = network_data(20, 4, MN_F64, 1, 1), *bare = network_data(20, 4, MN_F64, 0, 1);
  mn_network_options good = network_options(2), o = good;
  network_refused(bare, &o, MN_ERR_DATA, "test: no labels or targets to fit");
  o.depth = 1;
  network_refused(data, &o, MN_ERR_ARGUMENT, "depth 1: 2 to 21 expected");
  o.depth = 22;
  network_refused(data, &o, MN_ERR_ARGUMENT, "depth 22: 2 to 21 expected");
  o.depth = -5;
  network_refused(data, &o, MN_ERR_ARGUMENT, "depth -5");
  o.depth = 3;
  o.solver = MN_NETWORK_DENSE;
  network_refused(data, &o, MN_ERR_ARGUMENT, "--solver dense is for two layers: --depth 2 expected, 3 given");
  o = good;
  o.candidates = 0;
  network_refused(data, &o, MN_ERR_ARGUMENT, "at least one candidate");
  o = good;
  o.improve_s = -1;
  network_refused(data, &o, MN_ERR_ARGUMENT, "no negative time");
  o.improve_s = NAN;
  network_refused(data, &o, MN_ERR_ARGUMENT, "no negative time");
  mn_data_close(&data);
  mn_data_close(&bare);
}

static void defaults_are_the_table(void **state)
{
  (void)state;
  size_t count;
  const mn_option *table = mn_network_option_table(&count);
  mn_network_options o = mn_network_defaults();
  char text[64];
  assert_int_equal(count, 7);
  for (size_t i = 0; i < count; i++) {
    mn_option_get(&table[i], &o, text, sizeof text);
    assert_string_equal(text, table[i].fallback);
  }
  assert_true(o.depth == 2 && o.candidates == 40 && o.improve_s == 3 && o.seed == 0);
}

/* ---- the same everywhere; cancelling; memory */

static void seeds_and_threads(void **state)
{
  (void)state;
  const mn_context contexts[] = {{.threads = 1}, {.threads = 2}};
  mn_network *one, *two, *other;
  mn_data *data = network_data(200, 40, MN_U8, 1, 1);
  mn_network_options o = network_options(3);
  o.improve_s = 300;
  assert_int_equal(mn_network_build(data, &o, &contexts[0], &one, NULL), MN_OK);
  assert_int_equal(mn_network_build(data, &o, &contexts[1], &two, NULL), MN_OK);
  o.seed = 1;
  assert_int_equal(mn_network_build(data, &o, &contexts[1], &other, NULL), MN_OK);
  assert_memory_equal(one->bias, two->bias, one->units * sizeof *one->bias);
  assert_memory_equal(one->w, two->w, one->units * sizeof *one->w);
  assert_memory_not_equal(one->projection.a, other->projection.a, 40 * sizeof(double));
  assert_int_equal(one->report.improve_timed_out, 0);
  assert_true(one->report.gap > one->report.gap_drawn && one->report.norm_drawn > 0);
  mn_network_close(&one);
  mn_network_close(&two);
  mn_network_close(&other);
  mn_data_close(&data);
}

static int cancel(void *user, const mn_progress *progress)
{
  return strcmp(progress->phase, user) == 0;
}

static void cancelling(void **state)
{
  (void)state;
  static char *const phases[] = {"project", "improve", "run in fp32", "run compensated"};
  for (size_t p = 0; p < 4; p++) {
    const mn_context ctx = {.progress = cancel, .user = phases[p]};
    mn_network_verification v;
    mn_network *network;
    mn_data *data = network_data(100, 20, MN_F64, 1, 1);
    mn_network_options o = network_options(2);
    o.improve_s = 60;
    long live = mn_memory_live();
    mn_status st = mn_network_build(data, &o, &ctx, &network, NULL);
    assert_int_equal(st, p < 2 ? MN_ERR_CANCELLED : MN_OK);
    if (!st) assert_int_equal(mn_network_verify(network, data, 0, &ctx, &v, NULL), MN_ERR_CANCELLED);
    mn_network_close(&network);
    assert_int_equal(mn_memory_live(), live);
    mn_data_close(&data);
  }
}

typedef struct {
  mn_data *data;
  mn_network_options options;
  mn_network *network; /* NULL: to be built */
  size_t points;
} work;

static mn_status do_work(void *arg, mn_error *err)
{
  const work *v = arg;
  const mn_context one = {.threads = 1};
  mn_network_verification out;
  mn_network_curve curve;
  mn_network *network = v->network;
  if (network) return mn_network_verify(network, v->data, v->points, &one, &out, err);
  mn_status st = mn_network_build(v->data, &v->options, &one, &network, err);
  if (!st) st = mn_network_trace(network, &curve, err);
  mn_network_close(&network);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  for (size_t t = 0; t < 4; t++) {
    work v = {network_data(25, 10, t % 2 ? MN_U8 : MN_F64, 1, t), network_options(t < 2 ? 3 : 2), NULL, 0};
    if (t == 2) v.options.solver = MN_NETWORK_DENSE;
    if (t == 3) v.options.targets = MN_NETWORK_ONEHOT;
    v.options.improve_s = 60;
    mn_test_every_allocation(do_work, &v);
    v.network = network_open(v.data, &v.options);
    mn_test_every_allocation(do_work, &v);
    v.points = 5;
    mn_test_every_allocation(do_work, &v);
    mn_network_close(&v.network);
    mn_data_close(&v.data);
  }
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_points_merge),
      cmocka_unit_test(one_point),
      cmocka_unit_test(all_points_equal),
      cmocka_unit_test(close_points),
      cmocka_unit_test(huge_offsets),
      cmocka_unit_test(tiny_and_large_features),
      cmocka_unit_test(scales),
      cmocka_unit_test(values_that_are_no_numbers),
      cmocka_unit_test(constant_labels),
      cmocka_unit_test(targets_that_overflow),
      cmocka_unit_test(classes),
      cmocka_unit_test(nearest_label),
      cmocka_unit_test(regression),
      cmocka_unit_test(options_refused),
      cmocka_unit_test(defaults_are_the_table),
      cmocka_unit_test(seeds_and_threads),
      cmocka_unit_test(cancelling),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
