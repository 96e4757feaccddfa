/* Panels: addresses, tickets and norms against the plain definitions; index arithmetic beyond 2^31 elements. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>

#include "core/memory.h"
#include "linalg/panels.h"
#include "support.h"

static void tickets_number_the_tiles_panel_by_panel(void **state)
{
  (void)state;
  for (size_t n = 1; n < 40; n += 3) {
    mn_panels *p;
    assert_int_equal(mn_panels_open(n, 4, MN_F32, &p, NULL), MN_OK);
    size_t ticket = 0, i, j;
    for (size_t panel = 0; panel < p->count; panel++)
      for (size_t row = panel; row < p->count; row++, ticket++) {
        assert_int_equal(mn_panels_ticket(p, row, panel), ticket);
        mn_panels_tile_of(p, ticket, &i, &j);
        assert_int_equal(i, row);
        assert_int_equal(j, panel);
      }
    assert_int_equal(mn_panels_tiles(p), ticket);
    mn_panels_close(&p);
    assert_null(p);
  }
}

/* Every element of the lower triangle has a place of its own, inside what was forecast. */
static void elements_do_not_overlap(void **state)
{
  (void)state;
  const size_t n = 53, w = 8;
  mn_panels *p;
  assert_int_equal(mn_panels_open(n, w, MN_F64, &p, NULL), MN_OK);
  size_t rows = 0;
  for (size_t t = 0; t < p->count; t++) rows += mn_panels_rows(p, t);
  assert_int_equal(rows, n);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j / w * w; i < n; i++) *(double *)mn_panels_at(p, i, j) = (double)(i * 1000 + j);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j / w * w; i < n; i++) assert_true(*(double *)mn_panels_at(p, i, j) == (double)(i * 1000 + j));
  mn_panels_close(&p);
}

static void memory_is_half_the_square(void **state)
{
  (void)state;
  double n = 60000, bytes = (double)mn_panels_bytes(60000, 1024, MN_F64);
  assert_true(bytes >= 4 * n * n && bytes < 4 * n * n * 1.03);
}

/* n = 100,000 in fp64 is 80 GB as a full matrix: reserved, never touched but for the corners of tiles. */
static void addresses_beyond_two_to_the_31(void **state)
{
  (void)state;
  const size_t n = 100000, w = 1024, bytes = n * n * sizeof(double);
  char *a = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (a == MAP_FAILED) {
    printf("skipped: 80 GB of address space cannot be reserved here\n");
    skip();
  }
  mn_panels *p;
  assert_int_equal(mn_panels_wrap(a, n, n, w, MN_F64, &p, NULL), MN_OK);
  for (size_t j = 0; j < n; j += 12345)
    for (size_t i = j; i < n; i += 23456) {
      char *expected = a + (j * n + i) * sizeof(double);
      assert_ptr_equal(mn_panels_at(p, i, j), expected);
      *(double *)mn_panels_at(p, i, j) = (double)i;
      assert_true(*(double *)expected == (double)i);
    }
  assert_ptr_equal(mn_panels_at(p, n - 1, n - 1), a + bytes - sizeof(double));
  mn_panels_close(&p);
  munmap(a, bytes);
  /* Packed: offsets within the first panel, and the total, exceed 32 bits as well. */
  assert_true(mn_panels_bytes(140000, 1024, MN_F64) > (size_t)140000 * 140000 * 4);
  assert_int_equal(mn_panels_ticket(&(mn_panels){.count = 100000}, 99999, 99999), (size_t)100000 * 100001 / 2 - 1);
}

static void norm_is_the_largest_column_sum(void **state)
{
  (void)state;
  for (int type = MN_F32; type <= MN_F64; type++)
    for (size_t n = 1; n < 80; n += 13) {
      mn_panels *p;
      double best = 0, norm;
      assert_int_equal(mn_panels_open(n, 8, (mn_dtype)type, &p, NULL), MN_OK);
      for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
          double value = sin((double)(i * 7 + j * 3 + 1));
          if (type == MN_F64)
            *(double *)mn_panels_at(p, i, j) = value;
          else
            *(float *)mn_panels_at(p, i, j) = (float)value;
        }
      for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
          sum += fabs(i >= j ? sin((double)(i * 7 + j * 3 + 1)) : sin((double)(j * 7 + i * 3 + 1)));
        best = fmax(best, sum);
      }
      for (int threads = 1; threads <= 3; threads++) {
        assert_int_equal(mn_panels_norm1(p, threads, &norm, NULL), MN_OK);
        mn_test_close(norm, best, type == MN_F64 ? 1e-14 : 1e-6);
      }
      mn_panels_close(&p);
    }
}

static mn_status open_and_norm(void *arg, mn_error *err)
{
  (void)arg;
  mn_panels *p = NULL;
  double norm, a[16 * 16] = {0};
  mn_status st = mn_panels_open(10, 4, MN_F64, &p, err);
  if (!st)
    for (size_t j = 0; j < 10; j++)
      for (size_t i = j; i < 10; i++) *(double *)mn_panels_at(p, i, j) = 1;
  if (!st) st = mn_panels_norm1(p, 1, &norm, err);
  mn_panels_close(&p);
  if (!st) st = mn_panels_wrap(a, 16, 16, 4, MN_F64, &p, err);
  mn_panels_close(&p);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(open_and_norm, NULL);
}

static int stop_or_count(void *user, const mn_progress *progress)
{
  double *share = user;
  if (*share < 0) return 1;
  *share = progress->done / progress->total;
  return 0;
}

/* Touching stays inside the panels (the sanitizers watch), counts all their bytes, and can be stopped. */
static void memory_is_brought_in(void **state)
{
  (void)state;
  double share = 0;
  mn_context ctx = {.progress = stop_or_count, .user = &share};
  mn_panels *p;
  assert_int_equal(mn_panels_open(1000, 64, MN_F64, &p, NULL), MN_OK);
  assert_int_equal(mn_panels_populate(p, 3, &ctx, NULL), MN_OK);
  assert_true(share == 1);
  share = -1;
  assert_int_equal(mn_panels_populate(p, 1, &ctx, NULL), MN_ERR_CANCELLED);
  mn_panels_close(&p);
}

static void impossible_orders_are_refused(void **state)
{
  (void)state;
  mn_panels *p;
  mn_error err = {0};
  assert_int_equal(mn_panels_open(0, 4, MN_F64, &p, &err), MN_ERR_ARGUMENT);
  assert_null(p);
  assert_int_equal(mn_panels_open((size_t)1 << 32, 1024, MN_F64, &p, &err), MN_ERR_ARGUMENT);
  assert_true(err.text[0]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tickets_number_the_tiles_panel_by_panel),
      cmocka_unit_test(elements_do_not_overlap),
      cmocka_unit_test(memory_is_half_the_square),
      cmocka_unit_test(addresses_beyond_two_to_the_31),
      cmocka_unit_test(norm_is_the_largest_column_sum),
      cmocka_unit_test(failing_allocations),
      cmocka_unit_test(memory_is_brought_in),
      cmocka_unit_test(impossible_orders_are_refused),
  };
  return cmocka_run_group_tests_name("panels", tests, NULL, NULL);
}
