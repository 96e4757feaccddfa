/* Rank correlations against values worked out by hand, and against counts of all pairs; ties, NaN, orders reversed. */
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "minnorm/report.h"
#include "support.h"

static mn_rank_correlation correlate(size_t n, const double *x, const double *y)
{
  mn_rank_correlation out;
  assert_int_equal(mn_report_correlate(n, x, y, 0, &out, NULL), MN_OK);
  return out;
}

static void assert_both(size_t n, const double *x, const double *y, double spearman, double kendall)
{
  mn_rank_correlation a = correlate(n, x, y), b = correlate(n, y, x);
  assert_int_equal(a.points, n);
  mn_test_close(a.spearman, spearman, 1e-14);
  mn_test_close(a.kendall, kendall, 1e-14);
  mn_test_close(b.spearman, spearman, 1e-14);
  mn_test_close(b.kendall, kendall, 1e-14);
}

/* By 1 - 6 sum d^2 / (n (n^2 - 1)), and pairs on fingers. */
static void by_hand(void **state)
{
  (void)state;
  assert_both(4, (double[]){1, 2, 3, 4}, (double[]){-5, 0, 2, 1e9}, 1, 1);
  assert_both(4, (double[]){1, 2, 3, 4}, (double[]){4, 3, 2, 1}, -1, -1);
  /* d = 2 1 1 1 1; of ten pairs three are in opposite order, 3 before 1 and 2, and 5 before 4. */
  assert_both(5, (double[]){1, 2, 3, 4, 5}, (double[]){3, 1, 2, 5, 4}, 1 - 6 * 8 / 120.0, (7 - 3) / 10.0);
  /* d = 1 3 2 0 2; five pairs: 2 before 1, 5 before 1, 4 and 3, 4 before 3. */
  assert_both(5, (double[]){10, 20, 30, 40, 50}, (double[]){2, 5, 1, 4, 3}, 1 - 6 * 18 / 120.0, 0);
  assert_both(2, (double[]){INFINITY, 1}, (double[]){3, 2}, 1, 1);
}

/* Ranks 1.5 1.5 3 4 against 1 2 3.5 3.5, each 2.5 in the mean: the products of what is beside it sum to 4, its squares
 * to 4.5 twice. Of six pairs (1,2) is tied in x and (3,4) in y, the other four are in the same order. */
static void ties_by_hand(void **state)
{
  (void)state;
  assert_both(4, (double[]){7, 7, 8, 9}, (double[]){1, 2, 3, 3}, 4 / 4.5, 4 / sqrt(5 * 5));
  /* Ranks 1.5 1.5 3.5 3.5 twice, in the order 1 1 2 2 and 1 2 1 2: of four pairs that differ in x and four that do in
   * y, one is in the same order and one in the other. */
  assert_both(4, (double[]){1, 1, 2, 2}, (double[]){1, 2, 1, 2}, 0, 0);
  /* (1,2) is tied in both. */
  assert_both(3, (double[]){1, 1, 2}, (double[]){5, 5, 6}, 1, 1);
  assert_both(3, (double[]){0.0, -0.0, 2}, (double[]){5, 5, 6}, 1, 1);
}

/* Every pair, and ranks by counting. */
static void all_pairs(size_t n, const double *x, const double *y, double *spearman, double *kendall)
{
  double order = 0, in_x = 0, in_y = 0, sums[3] = {0};
  for (size_t i = 0; i < n; i++) {
    double rank[2] = {0, 0};
    for (size_t j = 0; j < n; j++) {
      int dx = (x[i] > x[j]) - (x[i] < x[j]), dy = (y[i] > y[j]) - (y[i] < y[j]);
      order += dx * dy, in_x += dx != 0, in_y += dy != 0;
      rank[0] += dx / 2.0, rank[1] += dy / 2.0;
    }
    sums[0] += rank[0] * rank[1], sums[1] += rank[0] * rank[0], sums[2] += rank[1] * rank[1];
  }
  *kendall = order / sqrt(in_x * in_y);
  *spearman = sums[0] / sqrt(sums[1] * sums[2]);
}

static void against_all_pairs(void **state)
{
  (void)state;
  for (size_t n = 2; n < 130; n += 7)
    for (uint64_t levels = 2; levels < 2000; levels *= 5) {
      double x[130], y[130], spearman, kendall;
      mn_random r = mn_random_open(levels, MN_STREAM_TEST, n);
      for (size_t i = 0; i < n; i++) {
        x[i] = (double)mn_random_below(&r, levels) - 5;
        y[i] = (double)mn_random_below(&r, levels) * 0.25 + (n % 2 ? x[i] : 0);
      }
      all_pairs(n, x, y, &spearman, &kendall);
      if (isnan(spearman)) continue;
      assert_both(n, x, y, spearman, kendall);
      for (size_t i = 0; i < n; i++) x[i] = -exp(x[i] / 500); /* another scale, the other way round */
      assert_both(n, x, y, -spearman, -kendall);
    }
}

/* 1 but for rounding is 1, whatever its order says; so are zeros of both signs. */
static void digits(void **state)
{
  (void)state;
  const double x[] = {1 + 3e-13, 1 + 1e-14, 1 - 2e-13, 2e-9, 2.000001e-9}, y[] = {1, 2, 3, -0.0, 0.0};
  mn_rank_correlation as_is = correlate(5, x, y), rounded, by_hand;
  assert_int_equal(mn_report_correlate(5, x, y, 6, &rounded, NULL), MN_OK);
  by_hand = correlate(5, (double[]){2, 2, 2, 1, 1}, (double[]){1, 2, 3, 0, 0});
  assert_true(rounded.spearman == by_hand.spearman && rounded.kendall == by_hand.kendall && rounded.points == 5);
  assert_true(as_is.kendall < rounded.kendall);
}

static void what_does_not_count(void **state)
{
  (void)state;
  mn_rank_correlation c = correlate(5, (double[]){1, NAN, 2, 3, 4}, (double[]){1, 7, 2, NAN, 3});
  assert_int_equal(c.points, 3);
  assert_true(c.spearman == 1 && c.kendall == 1);
  c = correlate(3, (double[]){1, 2, 3}, (double[]){4, 4, 4});
  assert_int_equal(c.points, 3);
  assert_true(isnan(c.spearman) && isnan(c.kendall));
  c = correlate(1, (double[]){1}, (double[]){4});
  assert_true(c.points == 1 && isnan(c.spearman) && isnan(c.kendall));
  c = correlate(2, (double[]){NAN, NAN}, (double[]){4, 5});
  assert_true(c.points == 0 && isnan(c.spearman) && isnan(c.kendall));
  c = correlate(0, NULL, NULL);
  assert_true(c.points == 0 && isnan(c.kendall));
}

static mn_status correlate_once(void *arg, mn_error *err)
{
  mn_rank_correlation out;
  (void)arg;
  return mn_report_correlate(3, (double[]){1, 3, 2}, (double[]){1, 2, 3}, 6, &out, err);
}

static void every_allocation(void **state)
{
  (void)state;
  mn_test_every_allocation(correlate_once, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_hand), cmocka_unit_test(ties_by_hand),        cmocka_unit_test(against_all_pairs),
      cmocka_unit_test(digits),  cmocka_unit_test(what_does_not_count), cmocka_unit_test(every_allocation),
  };
  return cmocka_run_group_tests_name("correlation", tests, NULL, NULL);
}
