/* A factorisation in parts, and one that is stopped and goes on: by cancelling, by failures of the disk and of memory,
 * by SIGKILL. Every way of getting there gives the bits of the uninterrupted one. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/checkpoint.h"
#include "linalg/threads.h"
#include "store_support.h"
#include "support.h"

static int set_up(void **state)
{
  faults_clear();
  return mn_test_dir_open(state);
}

static mn_panel_store *open_store(size_t n, size_t width, mn_dtype type, mn_store_mode mode)
{
  mn_panel_store_id id = {.n = n, .width = width, .type = type, .key = {1, 2}};
  mn_panel_store *store;
  mn_error err = {0};
  if (mn_panel_store_open(mn_test_path("store"), &id, mode, &store, &err)) fail_msg("%s", err.text);
  return store;
}

/* ---- factorisations in parts */

/* What the callback is told, and at which panel it says no. */
typedef struct {
  const mn_panels *panels, *expected;
  size_t next, refused;
} told;

static mn_status panel_done(void *arg, size_t panel, mn_error *err)
{
  told *t = arg;
  assert_int_equal(panel, t->next);
  t->next++;
  expect_same_bits(t->panels, t->expected, panel, panel + 1); /* the panel is what it will stay */
  return panel == t->refused ? MN_FAIL(err, MN_ERR_IO, "no more") : MN_OK;
}

static const struct {
  size_t n, width;
} sizes[] = {{1, 8}, {8, 8}, {9, 8}, {40, 8}, {65, 16}, {200, 32}, {50, 7}};

/* Panels before `begin` are finished already. */
static void each_panel_is_told_once_in_order(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int threads = 1; threads <= 4; threads++) {
      mn_panels *expected = matrix_factor(sizes[s].n, sizes[s].width, MN_F64), *p;
      size_t count = expected->count, pivot;
      for (size_t begin = 0; begin <= count; begin++) {
        mn_meter meter;
        mn_meter_open(&meter, NULL, "factor", 1, "flop");
        assert_int_equal(mn_panels_open(sizes[s].n, sizes[s].width, MN_F64, &p, NULL), MN_OK);
        matrix_fill(NULL, p, 0, count, NULL);
        told t = {.panels = p, .expected = expected, .refused = SIZE_MAX};
        mn_cholesky_range range = {.end = begin, .done = panel_done, .arg = &t};
        assert_int_equal(mn_cholesky_factor_range(p, &range, threads, &meter, &pivot, NULL), MN_OK);
        assert_int_equal(t.next, begin);
        range.begin = begin;
        range.end = count;
        assert_int_equal(mn_cholesky_factor_range(p, &range, threads, &meter, &pivot, NULL), MN_OK);
        assert_int_equal(t.next, count);
        mn_test_close(meter.done, mn_cholesky_flops(sizes[s].n), 1e-12);
        mn_panels_close(&p);
      }
      mn_panels_close(&expected);
    }
}

static void a_callback_that_fails_ends_it(void **state)
{
  (void)state;
  mn_panels *expected = matrix_factor(100, 8, MN_F64), *p;
  for (size_t refused = 0; refused < expected->count; refused++) {
    mn_meter meter;
    mn_error err = {0};
    size_t pivot;
    mn_meter_open(&meter, NULL, "factor", 1, "flop");
    assert_int_equal(mn_panels_open(100, 8, MN_F64, &p, NULL), MN_OK);
    matrix_fill(NULL, p, 0, p->count, NULL);
    told t = {.panels = p, .expected = expected, .refused = refused};
    mn_cholesky_range range = {.end = p->count, .done = panel_done, .arg = &t};
    assert_int_equal(mn_cholesky_factor_range(p, &range, 2, &meter, &pivot, &err), MN_ERR_IO);
    assert_string_equal(err.text, "no more");
    assert_int_equal(t.next, refused + 1);
    mn_panels_close(&p);
  }
  mn_panels_close(&expected);
}

/* The flops of the columns from c on, by one column after the other: a square root, divisions, and updates. */
static void flops_of_what_is_left(void **state)
{
  (void)state;
  const size_t n = 2000;
  double sum = 0;
  for (size_t c = n; c-- > 0;) {
    sum += (double)(n - c) * (2 * (double)c + 1);
    mn_test_close(mn_cholesky_flops_from(n, c) / sum, 1, 1.0 / (double)(n - c) + 2e-3);
  }
  assert_true(mn_cholesky_flops_from(n, 0) == mn_cholesky_flops(n));
  mn_test_close(mn_cholesky_flops_from(n, n), 0, 1e-6);
}

/* ---- factorisations that go on */

/* Factors with whatever the store has, and closes it again. Phases may be cancelled. */
static mn_status run(size_t n, size_t width, mn_dtype type, int threads, const mn_context *ctx, mn_panels **out,
                     size_t *filled, mn_error *err)
{
  mn_panel_store *store = open_store(n, width, type, MN_STORE_RESUME);
  size_t pivot;
  *filled = 0;
  assert_int_equal(mn_panels_open(n, width, type, out, NULL), MN_OK);
  mn_status st = mn_cholesky_factor_checkpointed(*out, store, matrix_fill, filled, threads, ctx, &pivot, err);
  mn_panel_store_close(&store);
  return st;
}

/* Cancels once `phase` has got so far. */
typedef struct {
  const char *phase;
  double fraction;
} limit;

static int cancel_beyond(void *user, const mn_progress *progress)
{
  const limit *l = user;
  return !strcmp(progress->phase, l->phase) && progress->done >= l->fraction * progress->total;
}

static size_t finished_panels(size_t n, size_t width, mn_dtype type)
{
  mn_panel_store *store = open_store(n, width, type, MN_STORE_RESUME);
  size_t finished = mn_panel_store_finished(store);
  mn_panel_store_close(&store);
  return finished;
}

static void remove_store(size_t n, size_t width, mn_dtype type)
{
  mn_panel_store *store = open_store(n, width, type, MN_STORE_RESUME);
  assert_int_equal(mn_panel_store_remove(&store, NULL), MN_OK);
  expect_listing(mn_test_path("store"), "");
}

/* A store that ends after each number of panels; only the others are filled and factored. */
static void it_goes_on_after_every_panel(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int single = 0; single <= 1; single++) {
      size_t n = sizes[s].n, width = sizes[s].width;
      mn_dtype type = single ? MN_F32 : MN_F64;
      mn_panels *expected = matrix_factor(n, width, type), *p;
      for (size_t first = 0; first <= expected->count; first++) {
        size_t filled;
        mn_error err = {0};
        mn_panel_store *store = open_store(n, width, type, MN_STORE_NEW);
        for (size_t j = 0; j < first; j++)
          assert_int_equal(mn_panel_store_write(store, j, &expected->panel[j], NULL, NULL), MN_OK);
        mn_panel_store_close(&store);
        if (run(n, width, type, 1 + (int)(first % 3), NULL, &p, &filled, &err)) fail_msg("%s", err.text);
        assert_int_equal(filled, expected->count - first);
        expect_same_bits(p, expected, 0, p->count);
        mn_panels_close(&p);
        store = open_store(n, width, type, MN_STORE_RESUME);
        expect_stored(store, expected);
        mn_panel_store_close(&store);
      }
      mn_panels_close(&expected);
    }
}

/* Cancelled again and again, it comes to its end; no thread stays. */
static void cancelled_in_factor(void **state)
{
  (void)state;
  const size_t n = mn_test_is_wrapped() ? 300 : 700, width = 16;
  mn_panels *expected = matrix_factor(n, width, MN_F64), *p;
  limit l = {"factor", 0};
  mn_context ctx = {.progress = cancel_beyond, .user = &l};
  int threads = threads_now(), cancelled = 0;
  mn_status st;
  do {
    mn_error err = {0};
    size_t filled, before = finished_panels(n, width, MN_F64);
    l.fraction = cancelled % 3 ? 0.3 : 0;
    st = run(n, width, MN_F64, 2, &ctx, &p, &filled, &err);
    assert_true(st == MN_OK || st == MN_ERR_CANCELLED);
    if (st) assert_string_equal(err.text, "stopped during factor");
    assert_true(finished_panels(n, width, MN_F64) >= before);
    if (!st) expect_same_bits(p, expected, 0, p->count);
    mn_panels_close(&p);
    expect_threads(threads);
    if (++cancelled == 12) l.phase = "none"; /* enough */
  } while (st);
  assert_true(cancelled > 1);
  mn_panels_close(&expected);
}

static void cancelled_in_resume(void **state)
{
  (void)state;
  mn_panels *p;
  mn_error err = {0};
  size_t filled;
  assert_int_equal(run(100, 8, MN_F64, 1, NULL, &p, &filled, NULL), MN_OK);
  mn_panels_close(&p);
  limit l = {"resume", 0};
  mn_context ctx = {.progress = cancel_beyond, .user = &l};
  assert_int_equal(run(100, 8, MN_F64, 1, &ctx, &p, &filled, &err), MN_ERR_CANCELLED);
  assert_string_equal(err.text, "stopped during resume");
  assert_int_equal(filled, 0);
  mn_panels_close(&p);
  remove_store(100, 8, MN_F64);
}

static mn_status fill_fails(void *arg, mn_panels *p, size_t first, size_t end, mn_error *err)
{
  (void)arg, (void)p, (void)first, (void)end;
  return MN_FAIL(err, MN_ERR_DATA, "not to be filled");
}

static void failures_of_others_are_handed_on(void **state)
{
  (void)state;
  mn_panel_store *store = open_store(40, 8, MN_F64, MN_STORE_NEW);
  mn_panels *p;
  mn_error err = {0};
  size_t pivot;
  assert_int_equal(mn_panels_open(40, 8, MN_F64, &p, NULL), MN_OK);
  assert_int_equal(mn_cholesky_factor_checkpointed(p, store, fill_fails, NULL, 2, NULL, &pivot, &err), MN_ERR_DATA);
  assert_string_equal(err.text, "not to be filled");
  mn_panels_close(&p);
  assert_int_equal(mn_panels_open(40, 7, MN_F64, &p, NULL), MN_OK);
  assert_int_equal(mn_cholesky_factor_checkpointed(p, store, matrix_fill, NULL, 2, NULL, &pivot, &err),
                   MN_ERR_ARGUMENT);
  mn_panels_close(&p);
  mn_panel_store_close(&store);
}

/* The matrix with one pivot that fails. */
static mn_status fill_indefinite(void *arg, mn_panels *p, size_t first, size_t end, mn_error *err)
{
  size_t bad = *(size_t *)arg;
  mn_status st = matrix_fill(NULL, p, first, end, err);
  if (bad / p->width >= first && bad / p->width < end) *(double *)mn_panels_at(p, bad, bad) = -1;
  return st;
}

/* Panels before the failing pivot are kept, and it is named again, by the same number, when the run is repeated. */
static void a_failing_pivot_is_named(void **state)
{
  (void)state;
  for (size_t bad = 0; bad < 100; bad += 33) {
    mn_panel_store *store = open_store(100, 8, MN_F64, MN_STORE_NEW);
    for (int again = 0; again <= 1; again++) {
      mn_panels *p;
      size_t pivot = 0;
      assert_int_equal(mn_panels_open(100, 8, MN_F64, &p, NULL), MN_OK);
      assert_int_equal(mn_cholesky_factor_checkpointed(p, store, fill_indefinite, &bad, 2, NULL, &pivot, NULL),
                       MN_ERR_SINGULAR);
      assert_int_equal(pivot, bad);
      assert_true(mn_panel_store_finished(store) <= bad / 8);
      mn_panels_close(&p);
    }
    mn_panel_store_close(&store);
  }
}

/* A write that fails ends the run; what was finished before stays, and the next run has the rest to do. */
static void a_failing_disk_ends_it(void **state)
{
  (void)state;
  const size_t n = 120, width = 8; /* 120 tiles */
  mn_panels *expected = matrix_factor(n, width, MN_F64), *p;
  size_t filled;
  int threads = threads_now();
  for (int at = 1; at <= 120; at += 7) {
    mn_error err = {0};
    fault_pwrite = (fault){.at = at, .reason = EIO};
    assert_int_equal(run(n, width, MN_F64, 2, NULL, &p, &filled, &err), MN_ERR_IO);
    assert_non_null(strstr(err.text, "writing failed: Input/output error"));
    mn_panels_close(&p);
    expect_threads(threads);
    faults_clear();
    assert_int_equal(run(n, width, MN_F64, 2, NULL, &p, &filled, &err), MN_OK);
    assert_true(filled >= 1);
    expect_same_bits(p, expected, 0, p->count);
    mn_panels_close(&p);
    remove_store(n, width, MN_F64);
  }
  mn_panels_close(&expected);
}

static void damage_is_not_taken_for_a_factor(void **state)
{
  (void)state;
  mn_panels *p;
  mn_error err = {0};
  size_t filled;
  char path[512];
  assert_int_equal(run(100, 8, MN_F64, 1, NULL, &p, &filled, NULL), MN_OK);
  mn_panels_close(&p);
  snprintf(path, sizeof path, "%s/factor.tiles", mn_test_path("store"));
  flip_bit(path, 5 * MN_STORE_BLOCK + 77);
  assert_int_equal(run(100, 8, MN_F64, 1, NULL, &p, &filled, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "factor.tiles: panel 0, tile 5: checksum "));
  mn_panels_close(&p);
}

static mn_status factor_anew(void *arg, mn_error *err)
{
  mn_panel_store_id id = {.n = 40, .width = 8, .type = MN_F64};
  mn_panel_store *store;
  size_t pivot, filled = 0;
  mn_status st = mn_panel_store_open(mn_test_path("store"), &id, MN_STORE_NEW, &store, err);
  if (st) return st;
  st = mn_cholesky_factor_checkpointed(arg, store, matrix_fill, &filled, 1, NULL, &pivot, err);
  mn_panel_store_remove(&store, NULL);
  expect_listing(mn_test_dir, "");
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_panels *p;
  assert_int_equal(mn_panels_open(40, 8, MN_F64, &p, NULL), MN_OK);
  mn_test_every_allocation(factor_anew, p);
  mn_panels_close(&p);
}

/* ---- SIGKILL */

enum { KILL_N = 300, KILL_WIDTH = 16 };

static int factor_in_child(const char *folder)
{
  mn_panel_store_id id = {.n = KILL_N, .width = KILL_WIDTH, .type = MN_F64, .key = {1, 2}};
  mn_panel_store *store;
  mn_panels *p;
  mn_error err = {0};
  size_t pivot;
  if (mn_panel_store_open(folder, &id, MN_STORE_RESUME, &store, &err)) return fprintf(stderr, "%s\n", err.text), 1;
  if (mn_panels_open(KILL_N, KILL_WIDTH, MN_F64, &p, &err)) return 1;
  if (mn_cholesky_factor_checkpointed(p, store, matrix_fill, NULL, 2, NULL, &pivot, &err))
    return fprintf(stderr, "%s\n", err.text), 1;
  mn_panels_close(&p);
  mn_panel_store_close(&store);
  return 0;
}

static void killed_at_any_moment(void **state)
{
  (void)state;
  mn_panels *expected = matrix_factor(KILL_N, KILL_WIDTH, MN_F64), *p;
  size_t filled;
  srand(2);
  for (int trial = 0; trial < 20; trial++) {
    int status = run_and_kill("factor", mn_test_path("store"), (unsigned)rand() % 50000);
    assert_true(status == -1 || status == 0);
    if (trial % 4 < 3) continue; /* the next child goes on */
    mn_error err = {0};
    if (run(KILL_N, KILL_WIDTH, MN_F64, 2, NULL, &p, &filled, &err)) fail_msg("%s", err.text);
    expect_same_bits(p, expected, 0, p->count);
    mn_panels_close(&p);
    remove_store(KILL_N, KILL_WIDTH, MN_F64);
  }
  mn_panels_close(&expected);
}

int main(int argc, char **argv)
{
  mn_threads_open(NULL);
  if (argc == 3 && !strcmp(argv[1], "factor")) return factor_in_child(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_panel_is_told_once_in_order),
      cmocka_unit_test(a_callback_that_fails_ends_it),
      cmocka_unit_test(flops_of_what_is_left),
      cmocka_unit_test_setup_teardown(it_goes_on_after_every_panel, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(cancelled_in_factor, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(cancelled_in_resume, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(failures_of_others_are_handed_on, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(a_failing_pivot_is_named, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(a_failing_disk_ends_it, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(damage_is_not_taken_for_a_factor, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(failing_allocations, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(killed_at_any_moment, set_up, mn_test_dir_close),
  };
  return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
