/* Projections and pushing them apart: z against 113 bits, in any order of summation for bytes; order, least gap and the
 * choice among candidates recomputed naively; the same bits for any number of threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "linalg/threads.h"
#include "network_support.h"

static const double u = DBL_EPSILON / 2;

static mn_projection open(const mn_data *data)
{
  mn_projection p;
  mn_error err = {0};
  if (mn_projection_open(data, data->columns, data->y, &p, &err)) fail_msg("%s", err.text);
  return p;
}

static mn_projection drawn(const mn_data *data, size_t candidates, const double *factor, uint64_t seed, int threads)
{
  mn_projection p = open(data);
  assert_int_equal(mn_projection_draw(&p, candidates, factor, seed, NULL, threads, NULL), MN_OK);
  return p;
}

/* a.x in plain double, the features in the order given. */
static double sum_in_order(const mn_data *data, size_t i, const double *a, const size_t *order)
{
  double sum = 0;
  for (size_t j = 0; j < data->dim; j++) sum += network_feature(data, i, order[j]) * a[order[j]];
  return sum;
}

/* Forwards, backwards and in ten random orders: always the bits of the exact sum. */
static void bytes_are_exact_in_any_order(void **state)
{
  (void)state;
  static const size_t dims[] = {1, 2, 9, 784, 3072};
  for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
    size_t dim = dims[d], *order = malloc(dim * sizeof *order);
    mn_data *data = network_data(40, dim, MN_U8, 1, d);
    for (size_t i = 0; dim < 3 && i < data->n; i++) /* or some would be equal */
      ((unsigned char *)data->x)[i * dim] = (unsigned char)(5 * i);
    for (size_t j = 0; j < dim; j++) ((unsigned char *)data->x)[j] = 255; /* the largest sum there is */
    mn_projection p = drawn(data, 3, NULL, d, 2);
    assert_int_equal(p.exact, 1);
    for (size_t i = 0; i < data->n; i++) {
      assert_true(p.lo[i] == 0);
      assert_true((quad)p.hi[i] == network_dot(data, i, p.a, NULL));
      for (uint64_t shuffle = 0; shuffle < 12; shuffle++) {
        if (shuffle > 1) mn_random_permutation(shuffle, MN_STREAM_TEST, dim, order);
        for (size_t j = 0; shuffle < 2 && j < dim; j++) order[j] = shuffle ? dim - 1 - j : j;
        assert_true(sum_in_order(data, i, p.a, order) == p.hi[i]);
      }
    }
    mn_projection_close(&p);
    mn_data_close(&data);
    free(order);
  }
}

/* Dot2 over eight lanes of m terms each, and the lanes: a sum of m + 8 rests, each at most u (m + 8) of the size. */
static double dot_tolerance(size_t dim, quad size, quad exact)
{
  double steps = (double)(dim / 8 + dim % 8 + 8);
  return 2 * u * u * (steps * steps * (double)size + fabs((double)exact));
}

static void numbers_have_twice_the_precision(void **state)
{
  (void)state;
  static const size_t dims[] = {1, 5, 8, 64, 300};
  for (size_t d = 0; d < 10; d++) {
    size_t dim = dims[d / 2];
    mn_data *data = network_data(300, dim, d % 2 ? MN_F32 : MN_F64, 1, d);
    mn_projection p = drawn(data, 3, NULL, d, 2);
    assert_int_equal(p.exact, 0);
    for (size_t i = 0; i < data->n; i++) {
      quad size, exact = network_dot(data, i, p.a, &size), error = (quad)p.hi[i] + (quad)p.lo[i] - exact;
      assert_true(p.hi[i] + p.lo[i] == p.hi[i]);
      if ((double)quad_abs(error) > dot_tolerance(dim, size, exact))
        fail_msg("dim %zu: off by %g of %g", dim, (double)error, (double)size);
    }
    mn_projection_close(&p);
    mn_data_close(&data);
  }
}

static quad point(const mn_projection *p, size_t k)
{
  return (quad)p->hi[p->order[k].item] + (quad)p->lo[p->order[k].item];
}

/* Every distinct point once, ascending; gap and range as they are. */
static void check_order(const mn_projection *p)
{
  int *seen = calloc(p->n, sizeof *seen);
  quad gap = INFINITY;
  for (size_t k = 0; k < p->count; k++) {
    assert_int_equal(seen[p->order[k].item]++, 0);
    if (!k) continue;
    quad here = point(p, k) - point(p, k - 1);
    assert_true(here >= 0);
    mn_test_close(mn_projection_gap_at(p, k - 1) / (double)here, 1, 8 * u);
    if (here < gap) gap = here;
  }
  for (size_t k = 0; k < p->count; k++) assert_int_equal(seen[p->keep[k]], 1);
  mn_test_close(p->gap / (double)gap, 1, 8 * u);
  mn_test_close(p->range / (double)(point(p, p->count - 1) - point(p, 0)), 1, 8 * u);
  free(seen);
}

static void order_and_gap(void **state)
{
  (void)state;
  static const mn_dtype types[] = {MN_U8, MN_F32, MN_F64};
  for (size_t t = 0; t < 3; t++) {
    mn_data *data = network_data(500, 7, types[t], 1, t);
    size_t row = 7 * mn_dtype_size(types[t]);
    memcpy((char *)data->x + 400 * row, (char *)data->x + 20 * row, row); /* equal, with equal targets: one is left */
    data->y[400] = data->y[20];
    mn_projection p = drawn(data, 4, NULL, 1, 2);
    assert_int_equal(p.count, 499);
    for (size_t k = 0; k < p.count; k++) assert_int_equal(p.keep[k], k < 400 ? k : k + 1);
    check_order(&p);
    mn_projection_close(&p);
    mn_data_close(&data);
  }
}

/* Points that differ by less than hi tells are ordered by lo. */
static void order_by_rests(void **state)
{
  (void)state;
  static const double x[] = {1, 0x1p-60, 1, 0x1p-62, 1, -0x1p-61, 1, 0, 1, 0x1p-61};
  static const double y[] = {0, 1, 2, 3, 4};
  static const size_t expected[] = {2, 3, 1, 4, 0};
  mn_data *data = network_data_of(5, 2, x, y);
  mn_projection p = open(data);
  p.a[0] = p.a[1] = 1;
  assert_int_equal(mn_projection_refresh(&p, 1, NULL), MN_OK);
  for (size_t k = 0; k < 5; k++) assert_int_equal(p.order[k].item, expected[k]);
  assert_true(p.gap == 0x1p-62 && p.range == 0);
  mn_projection_close(&p);
  mn_data_close(&data);
}

static int ascending(const void *a, const void *b)
{
  quad p = *(const quad *)a, q = *(const quad *)b;
  return p < q ? -1 : p > q;
}

static quad naive_gap(const mn_data *data, const double *a)
{
  quad *z = malloc(data->n * sizeof *z), gap = INFINITY;
  for (size_t i = 0; i < data->n; i++) z[i] = network_dot(data, i, a, NULL);
  qsort(z, data->n, sizeof *z, ascending);
  for (size_t i = 1; i < data->n; i++)
    if (z[i] - z[i - 1] < gap) gap = z[i] - z[i - 1];
  free(z);
  return gap;
}

/* The candidates drawn again; the one kept is the one whose least gap is largest. */
static void largest_gap_wins(void **state)
{
  (void)state;
  enum { CANDIDATES = 30, DIM = 6 };
  static const double factor[DIM] = {1, 0.5, 2, 0.25, 1, 3};
  for (size_t t = 0; t < 2; t++) {
    mn_data *data = network_data(120, DIM, t ? MN_F64 : MN_U8, 1, t);
    mn_projection p = drawn(data, CANDIDATES, factor, 7, 2);
    quad most = -1;
    double a[DIM], best[DIM];
    for (uint64_t c = 0; c < CANDIDATES; c++) {
      mn_random r = mn_random_open(7, MN_STREAM_PROJECTION, c);
      for (size_t j = 0; j < DIM; j++) a[j] = mn_random_normal(&r) * factor[j];
      if (!t) mn_projection_round(DIM, a, mn_projection_grid_of(DIM, a));
      quad gap = naive_gap(data, a);
      if (gap <= most) continue;
      most = gap;
      memcpy(best, a, sizeof a);
    }
    assert_memory_equal(p.a, best, sizeof best);
    mn_test_close(p.gap / (double)most, 1, 8 * u);
    mn_projection_close(&p);
    mn_data_close(&data);
  }
}

/* The grid: a power of two such that sums of bytes have 50 bits at most; a stands on it. */
static void grid_of_bytes(void **state)
{
  (void)state;
  int exponent;
  mn_data *data = network_data(30, 100, MN_U8, 1, 1);
  mn_projection p = drawn(data, 5, NULL, 3, 1);
  double grid = mn_projection_grid_of(100, p.a), sum = 0;
  assert_true(frexp(grid, &exponent) == 0.5 && grid == p.grid);
  for (size_t j = 0; j < 100; j++) sum += fabs(p.a[j]);
  assert_true(255 * sum <= 0x1p50 * grid && 255 * 1.25 * sum >= 0x1p49 * grid);
  for (size_t j = 0; j < 100; j++) assert_true(fmod(p.a[j], grid / 2) == 0); /* halved when rounding moved the sum */
  mn_projection_close(&p);
  mn_data_close(&data);
}

static void threads_and_seeds(void **state)
{
  (void)state;
  static const mn_dtype types[] = {MN_U8, MN_F32, MN_F64};
  for (size_t t = 0; t < 3; t++) {
    mn_data *data = network_data(700, 33, types[t], 1, t);
    mn_projection one = drawn(data, 9, NULL, 5, 1), two = drawn(data, 9, NULL, 5, 2),
                  other = drawn(data, 9, NULL, 6, 2);
    assert_memory_equal(one.a, two.a, 33 * sizeof *one.a);
    assert_memory_equal(one.hi, two.hi, 700 * sizeof *one.hi);
    assert_memory_equal(one.lo, two.lo, 700 * sizeof *one.lo);
    assert_memory_not_equal(one.a, other.a, 33 * sizeof *one.a);
    mn_projection_close(&one);
    mn_projection_close(&two);
    mn_projection_close(&other);
    mn_data_close(&data);
  }
}

/* On one feature z is the feature times a power of two. */
static void one_feature(void **state)
{
  (void)state;
  for (size_t t = 0; t < 2; t++) {
    int exponent;
    mn_data *data = network_data(50, 1, t ? MN_F64 : MN_U8, 1, 3);
    for (size_t i = 0; !t && i < 50; i++) ((unsigned char *)data->x)[i] = (unsigned char)(3 * i + 1);
    mn_projection p = drawn(data, 40, NULL, 1, 2);
    assert_true(frexp(p.a[0], &exponent) == 0.5);
    for (size_t i = 0; i < 50; i++) assert_true(p.lo[i] == 0 && p.hi[i] == network_feature(data, i, 0) * p.a[0]);
    mn_projection_close(&p);
    mn_data_close(&data);
  }
}

/* ---- improving */

static void improved_is_not_worse(void **state)
{
  (void)state;
  static const struct {
    size_t n, dim;
    mn_dtype type;
  } cases[] = {{3, 4, MN_F64},   {200, 4, MN_U8},   {200, 20, MN_F64}, {300, 64, MN_F32},
               {400, 64, MN_U8}, {100, 200, MN_U8}, {100, 3, MN_F64},  {2, 9, MN_F64}};
  size_t better = 0; /* the first: gaps could grow for ever, with the range */
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    int rounds, timed_out;
    mn_data *data = network_data(cases[c].n, cases[c].dim, cases[c].type, 1, c);
    mn_projection p = drawn(data, 2, NULL, c, 2);
    double before = p.gap;
    assert_int_equal(mn_projection_improve(&p, 60, NULL, 2, &rounds, &timed_out, NULL), MN_OK);
    assert_int_equal(timed_out, 0);
    assert_true(p.gap >= before);
    if (cases[c].dim < 4 || cases[c].n < 3) assert_true(rounds == 0 && p.gap == before);
    better += p.gap > 4 * before;
    check_order(&p);
    for (size_t i = 0; p.exact && i < p.n; i++)
      assert_true(p.lo[i] == 0 && (quad)p.hi[i] == network_dot(data, i, p.a, NULL));
    mn_test_close(p.gap / (double)naive_gap(data, p.a), 1, 8 * u);
    mn_projection_close(&p);
    mn_data_close(&data);
  }
  assert_true(better >= 4); /* it is good for something */
}

static void improving_does_not_depend_on_threads(void **state)
{
  (void)state;
  for (size_t t = 0; t < 2; t++) {
    int rounds[2], timed_out;
    mn_data *data = network_data(600, 320, t ? MN_F64 : MN_U8, 1, t);
    mn_projection one = drawn(data, 2, NULL, 5, 1), two = drawn(data, 2, NULL, 5, 2);
    assert_int_equal(mn_projection_improve(&one, 300, NULL, 1, &rounds[0], &timed_out, NULL) | timed_out, MN_OK);
    assert_int_equal(mn_projection_improve(&two, 300, NULL, 2, &rounds[1], &timed_out, NULL) | timed_out, MN_OK);
    assert_int_equal(rounds[0], rounds[1]);
    assert_true(rounds[0] > 0);
    assert_memory_equal(one.a, two.a, data->dim * sizeof *one.a);
    assert_memory_equal(one.hi, two.hi, data->n * sizeof *one.hi);
    mn_projection_close(&one);
    mn_projection_close(&two);
    mn_data_close(&data);
  }
}

static void no_time_is_nothing(void **state)
{
  (void)state;
  int rounds = 5, timed_out = 5;
  double a[16];
  mn_data *data = network_data(100, 16, MN_F64, 1, 1);
  mn_projection p = drawn(data, 2, NULL, 1, 1);
  memcpy(a, p.a, sizeof a);
  assert_int_equal(mn_projection_improve(&p, 0, NULL, 2, &rounds, &timed_out, NULL), MN_OK);
  assert_true(rounds == 0 && timed_out == 0);
  assert_memory_equal(p.a, a, sizeof a);
  assert_int_equal(mn_projection_improve(&p, 1e-9, NULL, 2, &rounds, &timed_out, NULL), MN_OK);
  assert_true(rounds == 1 && timed_out == 1);
  mn_projection_close(&p);
  mn_data_close(&data);
}

static int cancel_phase(void *user, const mn_progress *progress)
{
  return strcmp(progress->phase, user) == 0;
}

static void cancelling(void **state)
{
  (void)state;
  int rounds, timed_out;
  mn_context in_draw = {.progress = cancel_phase, .user = "project"};
  mn_context in_improve = {.progress = cancel_phase, .user = "improve"};
  mn_data *data = network_data(100, 16, MN_F64, 1, 1);
  mn_projection p = open(data);
  assert_int_equal(mn_projection_draw(&p, 5, NULL, 1, &in_draw, 2, NULL), MN_ERR_CANCELLED);
  assert_int_equal(mn_projection_draw(&p, 5, NULL, 1, &in_improve, 2, NULL), MN_OK);
  assert_int_equal(mn_projection_improve(&p, 60, &in_improve, 2, &rounds, &timed_out, NULL), MN_ERR_CANCELLED);
  mn_projection_close(&p);
  mn_data_close(&data);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_are_exact_in_any_order),
      cmocka_unit_test(numbers_have_twice_the_precision),
      cmocka_unit_test(order_and_gap),
      cmocka_unit_test(order_by_rests),
      cmocka_unit_test(largest_gap_wins),
      cmocka_unit_test(grid_of_bytes),
      cmocka_unit_test(threads_and_seeds),
      cmocka_unit_test(one_feature),
      cmocka_unit_test(improved_is_not_worse),
      cmocka_unit_test(improving_does_not_depend_on_threads),
      cmocka_unit_test(no_time_is_nothing),
      cmocka_unit_test(cancelling),
  };
  return cmocka_run_group_tests_name("projection", tests, NULL, NULL);
}
