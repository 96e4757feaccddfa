/* Radix sort: against qsort on random and on special keys, that equal keys keep their order, and that keys order as
 * their numbers do. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "core/sort.h"
#include "support.h"

/* By key, then by place: what a stable sort does. */
static int by_key_and_item(const void *a, const void *b)
{
  const mn_sort_entry *p = a, *q = b;
  if (p->key != q->key) return p->key < q->key ? -1 : 1;
  return p->item < q->item ? -1 : p->item > q->item;
}

/* Sorts both ways; items are the places before. Releases entries. */
static void check(size_t n, mn_sort_entry *entries)
{
  mn_sort_entry *expected = malloc((n + 1) * sizeof *expected), *scratch = malloc((n + 1) * sizeof *scratch);
  for (size_t i = 0; i < n; i++) entries[i].item = i;
  memcpy(expected, entries, n * sizeof *entries);
  scratch[n] = entries[n] = (mn_sort_entry){77, 99}; /* past the end: nobody's */
  qsort(expected, n, sizeof *expected, by_key_and_item);
  mn_sort_entries(n, entries, scratch);
  for (size_t i = 0; i < n; i++) {
    assert_true(entries[i].key == expected[i].key);
    assert_int_equal(entries[i].item, expected[i].item);
  }
  assert_true(entries[n].key == 77 && entries[n].item == 99 && scratch[n].key == 77 && scratch[n].item == 99);
  free(expected);
  free(scratch);
  free(entries);
}

static mn_sort_entry *entries_of(size_t n)
{
  mn_sort_entry *entries = calloc(n + 1, sizeof *entries);
  assert_non_null(entries);
  return entries;
}

static const size_t sizes[] = {0, 1, 2, 3, 7, 255, 256, 257, 1000, 70000};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Masks leave some of the eight bytes alike: an odd and an even number of passes, and ties. */
static void random_keys(void **state)
{
  (void)state;
  static const uint64_t masks[] = {UINT64_MAX, 0xff, 0xff00, 0x3, 0xff000000000000ff, 0x8000000000000000, 0xf0f0f0, 0};
  for (size_t s = 0; s < SIZES; s++)
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
      mn_random r = mn_random_open(m, MN_STREAM_TEST, s);
      mn_sort_entry *entries = entries_of(sizes[s]);
      for (size_t i = 0; i < sizes[s]; i++)
        entries[i].key = ((uint64_t)mn_random_u32(&r) << 32 | mn_random_u32(&r)) & masks[m];
      check(sizes[s], entries);
    }
}

static void ordered_keys(void **state)
{
  (void)state;
  for (size_t s = 0; s < SIZES; s++) {
    mn_sort_entry *up = entries_of(sizes[s]), *down = entries_of(sizes[s]), *same = entries_of(sizes[s]);
    for (size_t i = 0; i < sizes[s]; i++) {
      up[i].key = i * 0x123456789;
      down[i].key = UINT64_MAX - i * 0x123456789;
      same[i].key = 0xfedcba9876543210;
    }
    check(sizes[s], up);
    check(sizes[s], down);
    check(sizes[s], same);
  }
}

/* Keys of numbers order as they do and give them back, bit for bit. */
static void keys_of_numbers(void **state)
{
  (void)state;
  static const double ascending[] = {-INFINITY,   -1.7976931348623157e308,
                                     -2,          -1 - 0x1p-52,
                                     -1,          -0x1p-1022,
                                     -0x1p-1074,  -0.0,
                                     0.0,         0x1p-1074,
                                     0.5,         1,
                                     1 + 0x1p-52, 3e5,
                                     1e308,       INFINITY};
  const size_t count = sizeof ascending / sizeof *ascending;
  for (size_t i = 0; i < count; i++) {
    double back = mn_sort_value(mn_sort_key(ascending[i]));
    assert_memory_equal(&back, &ascending[i], sizeof back);
    for (size_t j = 0; j < count; j++) assert_int_equal(mn_sort_key(ascending[i]) < mn_sort_key(ascending[j]), i < j);
  }
}

static int by_number(const void *a, const void *b)
{
  double p = *(const double *)a, q = *(const double *)b;
  return p < q ? -1 : p > q;
}

static void numbers(void **state)
{
  (void)state;
  enum { N = 20000 };
  double *values = malloc(N * sizeof *values);
  mn_sort_entry *entries = entries_of(2 * N);
  mn_random r = mn_random_open(1, MN_STREAM_TEST, 0);
  for (size_t i = 0; i < N; i++) {
    values[i] = i % 1000 ? mn_random_normal(&r) * pow(10, (double)mn_random_below(&r, 600) - 300) : -INFINITY;
    entries[i] = (mn_sort_entry){mn_sort_key(values[i]), i};
  }
  mn_sort_entries(N, entries, entries + N);
  for (size_t i = 0; i < N; i++) assert_true(mn_sort_value(entries[i].key) == values[entries[i].item]);
  qsort(values, N, sizeof *values, by_number);
  for (size_t i = 0; i < N; i++) assert_true(mn_sort_value(entries[i].key) == values[i]);
  free(values);
  free(entries);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_keys),
      cmocka_unit_test(ordered_keys),
      cmocka_unit_test(keys_of_numbers),
      cmocka_unit_test(numbers),
  };
  return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
