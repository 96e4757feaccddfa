/* Factorisation and solution out of core, against those in memory: the same bits for every size, width, budget and
 * number of threads, and after every kind of stop; the plan against what really happens. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "linalg/out_of_core.h"
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

/* The least budget that serves. */
static size_t least_budget(size_t n, size_t width, mn_dtype type)
{
  mn_out_of_core_plan plan;
  mn_out_of_core_forecast(n, width, type, 1, 0, &plan, NULL);
  return (size_t)plan.least_budget;
}

static const size_t plenty = (size_t)1 << 40;

/* ---- equality with what is done in memory */

static const struct {
  size_t n, width;
} sizes[] = {{1, 8}, {5, 8}, {8, 8}, {9, 8}, {16, 8}, {23, 8}, {24, 8}, {25, 8}, {130, 32}, {129, 16}, {33, 5}, {6, 1}};

static void check_factor(size_t n, size_t width, mn_dtype type, size_t budget, int threads, const mn_panels *expected)
{
  mn_error err = {0};
  mn_out_of_core_plan plan;
  size_t pivot = 0, filled = 0;
  mn_panel_store *store = open_store(n, width, type, MN_STORE_SCRATCH);
  assert_int_equal(mn_out_of_core_forecast(n, width, type, 1, budget, &plan, NULL), MN_OK);
  if (mn_out_of_core_factor(store, budget, matrix_fill, &filled, threads, NULL, &pivot, &err)) fail_msg("%s", err.text);
  assert_true(pivot == SIZE_MAX);
  assert_int_equal(filled, expected->count);
  expect_stored(store, expected);
  mn_panel_store_close(&store);
  expect_listing(mn_test_dir, "");
}

static void the_factor_has_the_same_bits(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int single = 0; single <= 1; single++) {
      size_t n = sizes[s].n, width = sizes[s].width;
      mn_dtype type = single ? MN_F32 : MN_F64;
      mn_panels *expected = matrix_factor(n, width, type);
      size_t least = least_budget(n, width, type);
      const size_t budgets[] = {least, least * 2, plenty};
      for (size_t b = 0; b < 3; b++)
        for (int threads = 1; threads <= 3; threads++) check_factor(n, width, type, budgets[b], threads, expected);
      mn_panels_close(&expected);
    }
}

static double *normals(size_t count, uint64_t seed)
{
  double *x = malloc(count * sizeof *x);
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, count);
  for (size_t i = 0; i < count; i++) x[i] = mn_random_normal(&r);
  return x;
}

/* ||a - b|| / ||b|| */
static double difference(size_t count, const double *a, const double *b)
{
  double sum = 0, norm2 = 0;
  for (size_t i = 0; i < count; i++) {
    sum += (a[i] - b[i]) * (a[i] - b[i]);
    norm2 += b[i] * b[i];
  }
  return sqrt(sum / norm2);
}

/* ||b - A x|| / ||b|| */
static double residual(size_t n, size_t columns, const double *x, const double *b)
{
  double sum = 0, norm2 = 0;
  for (size_t c = 0; c < columns; c++)
    for (size_t i = 0; i < n; i++) {
      double r = b[i + c * n];
      norm2 += r * r;
      for (size_t j = 0; j < n; j++) r -= matrix_element(i, j) * x[j + c * n];
      sum += r * r;
    }
  return sqrt(sum / norm2);
}

static void check_solve(size_t n, size_t width, mn_dtype type, size_t columns)
{
  double eps = type == MN_F64 ? 1e-13 : 1e-4, *b = normals(n * columns, 4), *first = NULL;
  mn_panels *factor = matrix_factor(n, width, type);
  mn_panel_store *store = open_store(n, width, type, MN_STORE_SCRATCH);
  double *in_core = malloc(n * columns * sizeof *in_core);
  for (size_t j = 0; j < factor->count; j++)
    assert_int_equal(mn_panel_store_write(store, j, &factor->panel[j], NULL, NULL), MN_OK);
  memcpy(in_core, b, n * columns * sizeof *b);
  assert_int_equal(mn_cholesky_solve(factor, 2, columns, NULL, in_core, NULL), MN_OK);
  for (int threads = 1; threads <= 3; threads++) {
    double *x = malloc(n * columns * sizeof *x);
    mn_meter meter;
    mn_meter_open(&meter, NULL, "solve", 1, "flop");
    memcpy(x, b, n * columns * sizeof *b);
    assert_int_equal(mn_out_of_core_solve(store, threads, columns, threads == 2 ? NULL : &meter, x, NULL), MN_OK);
    assert_true(difference(n * columns, x, in_core) < eps);
    assert_true(residual(n, columns, x, b) < eps);
    if (first) assert_memory_equal(first, x, n * columns * sizeof *x); /* whatever the threads */
    if (threads != 2) mn_test_close(meter.done, 2 * (double)n * (double)n * (double)columns, 1e-12);
    if (first)
      free(x);
    else
      first = x;
  }
  free(first);
  free(in_core);
  free(b);
  mn_panels_close(&factor);
  mn_panel_store_close(&store);
}

static void solutions_are_those_of_memory(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int single = 0; single <= 1; single++)
      check_solve(sizes[s].n, sizes[s].width, single ? MN_F32 : MN_F64, s % 2 ? 1 : 10);
  check_solve(300, 150, MN_F64, 3); /* panels of more than one piece */
}

static void solving_with_half_a_factor(void **state)
{
  (void)state;
  double b[40] = {0};
  mn_error err = {0};
  mn_panel_store *store = open_store(40, 8, MN_F64, MN_STORE_SCRATCH);
  assert_int_equal(mn_out_of_core_solve(store, 1, 1, NULL, b, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "solving with a factor of which 0 of 5 panels are finished");
  mn_panel_store_close(&store);
}

/* ---- the plan */

/* Bytes that read and write calls have moved, as the system counts them. */
static void bytes_moved(double *read_bytes, double *written_bytes)
{
  char line[64];
  FILE *f = fopen("/proc/self/io", "r");
  *read_bytes = *written_bytes = 0;
  while (f && fgets(line, sizeof line, f)) {
    sscanf(line, "rchar: %lf", read_bytes);
    sscanf(line, "wchar: %lf", written_bytes);
  }
  if (f) fclose(f);
}

static mn_status count_parts(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err)
{
  size_t *parts = arg, columns = 0;
  for (size_t j = first; j < end; j++) columns += mn_panels_rows(panels, j);
  parts[0]++;
  parts[1] = columns > parts[1] ? columns : parts[1];
  return matrix_fill(NULL, panels, first, end, err);
}

/* Parts and bytes are as they were forecast; the budget is kept and used. */
static void the_plan_is_what_happens(void **state)
{
  (void)state;
  const size_t n = 600, width = 32, step = 300000;
  size_t least = least_budget(n, width, MN_F64);
  double read_before = plenty, last_peak = 0;
  for (size_t budget = least; budget < least + 12 * step; budget += step) {
    mn_out_of_core_plan plan;
    double r0, w0, r1, w1;
    size_t parts[2] = {0, 0}, pivot;
    mn_panel_store *store = open_store(n, width, MN_F64, MN_STORE_SCRATCH);
    assert_int_equal(mn_out_of_core_forecast(n, width, MN_F64, 3, budget, &plan, NULL), MN_OK);
    bytes_moved(&r0, &w0);
    assert_int_equal(mn_out_of_core_factor(store, budget, count_parts, parts, 2, NULL, &pivot, NULL), MN_OK);
    bytes_moved(&r1, &w1);
    mn_panel_store_close(&store);
    assert_int_equal(parts[0], plan.parts);
    assert_int_equal(parts[1], plan.columns);
    if (r1 > 0) mn_test_close(r1 - r0, plan.read_bytes, 1e-3 + 4096 / (plan.read_bytes + 1)); /* and /proc itself */
    if (w1 > 0) mn_test_close(w1 - w0, plan.written_bytes, 1e-3);
    assert_true(plan.peak_bytes <= (double)budget);
    assert_true(plan.read_bytes <= read_before);
    assert_true(plan.peak_bytes >= last_peak || plan.parts == 1);
    assert_true(plan.solve_read_bytes == 2 * plan.written_bytes);
    read_before = plan.read_bytes;
    last_peak = plan.peak_bytes;
  }
  assert_true(read_before == 0); /* the last budget took it all at once */
}

/* By hand: 4 panels of 1024 columns, whose tiles take 1032 x 1024 x 8 bytes; in memory 4104, 3080, 2056, 1032 rows. */
static void a_plan_by_hand(void **state)
{
  (void)state;
  const double tile = 1032 * 1024 * 8.0, column = 1024 * 8.0, fixed = tile + 2 * 4096;
  mn_out_of_core_plan plan;
  assert_int_equal(mn_out_of_core_forecast(4096, 1024, MN_F64, 10, plenty, &plan, NULL), MN_OK);
  assert_true(plan.parts == 1 && plan.columns == 4096 && plan.read_bytes == 0 && plan.written_bytes == 10 * tile);
  assert_true(plan.peak_bytes == fixed + (4104 + 3080 + 2056 + 1032) * column);
  assert_true(plan.least_budget == fixed + 6 * tile + 3080 * column); /* the second panel, and two buffers of 3 tiles */
  assert_true(plan.solve_bytes == 8 * tile + 4096);
  assert_int_equal(mn_out_of_core_forecast(4096, 1024, MN_F64, 10, (size_t)plan.least_budget, &plan, NULL), MN_OK);
  assert_int_equal(plan.parts,
                   2); /* three panels fit where no buffers are needed: 4104 + 3080 + 2056 < 6 1032 + 3080 */
  assert_true(plan.read_bytes == 3 * tile);
}

static void budgets_that_are_too_small(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    size_t n = sizes[s].n, width = sizes[s].width, least = least_budget(n, width, MN_F64), pivot;
    mn_panel_store *store = open_store(n, width, MN_F64, MN_STORE_SCRATCH);
    const size_t budgets[] = {0, 1, least / 2, least - 1};
    for (size_t b = 0; b < 4; b++) {
      mn_out_of_core_plan plan;
      mn_error err = {0};
      assert_int_equal(mn_out_of_core_forecast(n, width, MN_F64, 1, budgets[b], &plan, &err), MN_ERR_BUDGET);
      assert_non_null(strstr(err.text, "bytes of memory at least; the budget is "));
      assert_int_equal(plan.least_budget, least);
      err.text[0] = '\0';
      assert_int_equal(mn_out_of_core_factor(store, budgets[b], matrix_fill, NULL, 1, NULL, &pivot, &err),
                       MN_ERR_BUDGET);
      assert_non_null(strstr(err.text, "bytes of memory at least; the budget is "));
    }
    mn_panel_store_close(&store);
  }
  mn_out_of_core_plan plan;
  assert_int_equal(mn_out_of_core_forecast(0, 8, MN_F64, 1, plenty, &plan, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_out_of_core_forecast(8, 0, MN_F64, 1, plenty, &plan, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_out_of_core_forecast((size_t)1 << 40, 8, MN_F64, 1, plenty, &plan, NULL), MN_ERR_ARGUMENT);
}

/* ---- stops */

/* A stop after every number of panels; only the others are filled. */
static void it_goes_on_after_every_panel(void **state)
{
  (void)state;
  const size_t n = 200, width = 16;
  mn_panels *expected = matrix_factor(n, width, MN_F64);
  size_t least = least_budget(n, width, MN_F64);
  for (size_t first = 0; first <= expected->count; first++)
    for (size_t budget = least; budget <= 3 * least; budget += least) {
      size_t filled = 0, pivot;
      mn_panel_store *store = open_store(n, width, MN_F64, MN_STORE_SCRATCH);
      for (size_t j = 0; j < first; j++)
        assert_int_equal(mn_panel_store_write(store, j, &expected->panel[j], NULL, NULL), MN_OK);
      assert_int_equal(mn_out_of_core_factor(store, budget, matrix_fill, &filled, 2, NULL, &pivot, NULL), MN_OK);
      assert_int_equal(filled, expected->count - first);
      expect_stored(store, expected);
      mn_panel_store_close(&store);
    }
  mn_panels_close(&expected);
}

/* Cancels once a phase has got so far, and sees to it that there is no more than its total. */
typedef struct {
  const char *phase;
  double fraction;
} limit;

static int cancel_beyond(void *user, const mn_progress *progress)
{
  const limit *l = user;
  assert_true(progress->done <= progress->total * (1 + 1e-9) + 1);
  return !strcmp(progress->phase, l->phase) && progress->done >= l->fraction * progress->total;
}

static void cancelled_while_factoring(void **state)
{
  (void)state;
  const size_t n = 900, width = 32;
  mn_panels *expected = matrix_factor(n, width, MN_F64);
  size_t least = least_budget(n, width, MN_F64), pivot;
  limit l = {"factor", 0};
  mn_context ctx = {.progress = cancel_beyond, .user = &l};
  int threads = threads_now(), runs = 0;
  mn_status st;
  do {
    mn_error err = {0};
    long live = mn_memory_live();
    mn_panel_store *store = open_store(n, width, MN_F64, MN_STORE_RESUME);
    size_t before = mn_panel_store_finished(store);
    l.fraction = 0.1 * (runs % 5);
    st = mn_out_of_core_factor(store, least, matrix_fill, NULL, 2, &ctx, &pivot, &err);
    assert_true(st == MN_OK || st == MN_ERR_CANCELLED);
    if (st) assert_string_equal(err.text, "stopped during factor");
    assert_true(mn_panel_store_finished(store) >= before);
    if (!st) expect_stored(store, expected);
    mn_panel_store_close(&store);
    assert_int_equal(mn_memory_live(), live);
    expect_threads(threads);
    if (++runs == 15) l.phase = "none"; /* enough */
  } while (st);
  assert_true(runs > 1);
  mn_panels_close(&expected);
}

static void cancelled_while_solving(void **state)
{
  (void)state;
  const size_t n = 200;
  mn_panels *factor = matrix_factor(n, 16, MN_F64);
  mn_panel_store *store = open_store(n, 16, MN_F64, MN_STORE_SCRATCH);
  int threads = threads_now();
  for (size_t j = 0; j < factor->count; j++)
    assert_int_equal(mn_panel_store_write(store, j, &factor->panel[j], NULL, NULL), MN_OK);
  limit l = {"solve", 0};
  mn_context ctx = {.progress = cancel_beyond, .user = &l};
  mn_meter meter;
  mn_error err = {0};
  double b[200] = {1};
  mn_meter_open(&meter, &ctx, "solve", 1e6, "flop");
  assert_int_equal(mn_out_of_core_solve(store, 2, 1, &meter, b, &err), MN_ERR_CANCELLED);
  assert_string_equal(err.text, "stopped during solve");
  expect_threads(threads);
  mn_panels_close(&factor);
  mn_panel_store_close(&store);
}

/* Fails when it is called for this time (from 0). */
static mn_status fill_fails_later(void *arg, mn_panels *p, size_t first, size_t end, mn_error *err)
{
  size_t *left = arg;
  if (!(*left)--) return MN_FAIL(err, MN_ERR_DATA, "not to be filled");
  return matrix_fill(NULL, p, first, end, err);
}

static void filling_fails(void **state)
{
  (void)state;
  const size_t n = 200, width = 16;
  size_t least = least_budget(n, width, MN_F64), pivot;
  int threads = threads_now();
  mn_out_of_core_plan plan;
  assert_int_equal(mn_out_of_core_forecast(n, width, MN_F64, 1, least, &plan, NULL), MN_OK);
  assert_true(plan.parts > 2);
  for (size_t part = 0; part < plan.parts; part++) {
    mn_error err = {0};
    size_t left = part;
    mn_panel_store *store = open_store(n, width, MN_F64, MN_STORE_SCRATCH);
    assert_int_equal(mn_out_of_core_factor(store, least, fill_fails_later, &left, 2, NULL, &pivot, &err), MN_ERR_DATA);
    assert_string_equal(err.text, "not to be filled");
    assert_true(mn_panel_store_finished(store) >= part);
    mn_panel_store_close(&store);
    expect_threads(threads);
  }
}

static mn_status fill_indefinite(void *arg, mn_panels *p, size_t first, size_t end, mn_error *err)
{
  size_t bad = *(size_t *)arg;
  mn_status st = matrix_fill(NULL, p, first, end, err);
  if (bad / p->width >= first && bad / p->width < end) *(double *)mn_panels_at(p, bad, bad) = -1;
  return st;
}

static void a_failing_pivot_is_named(void **state)
{
  (void)state;
  size_t least = least_budget(200, 16, MN_F64);
  for (size_t bad = 0; bad < 200; bad += 37) {
    mn_error err = {0};
    size_t pivot = 0;
    mn_panel_store *store = open_store(200, 16, MN_F64, MN_STORE_SCRATCH);
    assert_int_equal(mn_out_of_core_factor(store, least, fill_indefinite, &bad, 2, NULL, &pivot, &err),
                     MN_ERR_SINGULAR);
    assert_int_equal(pivot, bad);
    assert_non_null(strstr(err.text, "pivot"));
    assert_true(mn_panel_store_finished(store) <= bad / 16);
    mn_panel_store_close(&store);
  }
}

/* Every read and write fails once; the run after it finishes the work. */
static void a_failing_disk(void **state)
{
  (void)state;
  const size_t n = 100, width = 16; /* 7 panels, 28 tiles */
  mn_panels *expected = matrix_factor(n, width, MN_F64);
  size_t least = least_budget(n, width, MN_F64), pivot;
  int threads = threads_now(), failures[2] = {0, 0};
  for (int reading = 0; reading <= 1; reading++)
    for (int at = 1; at <= 200; at++) {
      mn_error err = {0};
      mn_panel_store *store = open_store(n, width, MN_F64, MN_STORE_SCRATCH);
      fault *where = reading ? &fault_pread : &fault_pwrite;
      *where = (fault){.at = at, .reason = EIO};
      mn_status st = mn_out_of_core_factor(store, least, matrix_fill, NULL, 2, NULL, &pivot, &err);
      if (st) {
        assert_int_equal(st, MN_ERR_IO);
        assert_non_null(strstr(err.text, reading ? "reading failed: Input/output" : "writing failed: Input/output"));
        failures[reading]++;
        assert_int_equal(mn_out_of_core_factor(store, least, matrix_fill, NULL, 2, NULL, &pivot, NULL), MN_OK);
      }
      faults_clear();
      expect_stored(store, expected);
      mn_panel_store_close(&store);
      expect_threads(threads);
      if (!st) break;
    }
  mn_out_of_core_plan plan;
  assert_int_equal(mn_out_of_core_forecast(n, width, MN_F64, 1, least, &plan, NULL), MN_OK);
  assert_int_equal(failures[0], 28);
  assert_true(plan.read_bytes > 0 && failures[1] == (int)(plan.read_bytes / (double)MN_STORE_BLOCK)); /* a tile each */
  mn_panels_close(&expected);
}

static void damage_is_not_taken_for_a_factor(void **state)
{
  (void)state;
  char path[512];
  double b[100] = {1};
  mn_error err = {0};
  size_t pivot, least = least_budget(100, 16, MN_F64);
  mn_panels *factor = matrix_factor(100, 16, MN_F64);
  mn_panel_store *store = open_store(100, 16, MN_F64, MN_STORE_NEW);
  for (size_t j = 0; j < 3; j++) assert_int_equal(mn_panel_store_write(store, j, &factor->panel[j], NULL, NULL), MN_OK);
  snprintf(path, sizeof path, "%s/factor.tiles", mn_test_path("store"));
  flip_bit(path, 5 * MN_STORE_BLOCK + 77); /* a tile is one block */
  assert_int_equal(mn_out_of_core_factor(store, least, matrix_fill, NULL, 2, NULL, &pivot, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "factor.tiles: panel 0, tile 5: checksum "));
  flip_bit(path, 5 * MN_STORE_BLOCK + 77);
  assert_int_equal(mn_out_of_core_factor(store, least, matrix_fill, NULL, 2, NULL, &pivot, NULL), MN_OK);
  flip_bit(path, 5 * MN_STORE_BLOCK + 77);
  assert_int_equal(mn_out_of_core_solve(store, 2, 1, NULL, b, &err), MN_ERR_FORMAT);
  assert_int_equal(mn_panel_store_remove(&store, NULL), MN_OK);
  expect_listing(mn_test_dir, "");
  mn_panels_close(&factor);
}

static mn_status factor_and_solve(void *arg, mn_error *err)
{
  mn_dtype type = *(mn_dtype *)arg;
  mn_panel_store_id id = {.n = 40, .width = 8, .type = type};
  mn_panel_store *store;
  double b[80] = {1};
  size_t pivot;
  mn_status st = mn_panel_store_open(mn_test_path("store"), &id, MN_STORE_SCRATCH, &store, err);
  if (st) return st;
  st = mn_out_of_core_factor(store, least_budget(40, 8, type), matrix_fill, NULL, 1, NULL, &pivot, err);
  if (!st) st = mn_out_of_core_solve(store, 1, 2, NULL, b, err);
  mn_panel_store_close(&store);
  expect_listing(mn_test_dir, "");
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_dtype types[] = {MN_F32, MN_F64};
  for (int t = 0; t < 2; t++) mn_test_every_allocation(factor_and_solve, &types[t]);
}

/* ---- SIGKILL */

enum { KILL_N = 400, KILL_WIDTH = 16 };

static int factor_in_child(const char *folder)
{
  mn_panel_store_id id = {.n = KILL_N, .width = KILL_WIDTH, .type = MN_F64, .key = {1, 2}};
  mn_panel_store *store;
  mn_error err = {0};
  size_t pivot, budget = 2 * least_budget(KILL_N, KILL_WIDTH, MN_F64);
  if (mn_panel_store_open(folder, &id, MN_STORE_RESUME, &store, &err)) return fprintf(stderr, "%s\n", err.text), 1;
  if (mn_out_of_core_factor(store, budget, matrix_fill, NULL, 2, NULL, &pivot, &err))
    return fprintf(stderr, "%s\n", err.text), 1;
  mn_panel_store_close(&store);
  return 0;
}

static void killed_at_any_moment(void **state)
{
  (void)state;
  mn_panels *expected = matrix_factor(KILL_N, KILL_WIDTH, MN_F64);
  srand(3);
  assert_int_equal(mkdir(mn_test_path("store"), 0777), 0); /* so that no run is the one that makes and removes it */
  for (int trial = 0; trial < 20; trial++) {
    size_t pivot, budget = least_budget(KILL_N, KILL_WIDTH, MN_F64);
    int status = run_and_kill("factor", mn_test_path("store"), (unsigned)rand() % 50000);
    assert_true(status == -1 || status == 0);
    if (trial % 4 < 3) continue; /* the next child goes on */
    mn_panel_store *store = open_store(KILL_N, KILL_WIDTH, MN_F64, MN_STORE_RESUME);
    assert_int_equal(mn_out_of_core_factor(store, budget, matrix_fill, NULL, 2, NULL, &pivot, NULL), MN_OK);
    expect_stored(store, expected);
    assert_int_equal(mn_panel_store_remove(&store, NULL), MN_OK);
    expect_listing(mn_test_path("store"), "");
  }
  mn_panels_close(&expected);
}

int main(int argc, char **argv)
{
  mn_threads_open(NULL);
  if (argc == 3 && !strcmp(argv[1], "factor")) return factor_in_child(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_factor_has_the_same_bits, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(solutions_are_those_of_memory, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(solving_with_half_a_factor, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(the_plan_is_what_happens, set_up, mn_test_dir_close),
      cmocka_unit_test(a_plan_by_hand),
      cmocka_unit_test_setup_teardown(budgets_that_are_too_small, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(it_goes_on_after_every_panel, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(cancelled_while_factoring, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(cancelled_while_solving, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(filling_fails, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(a_failing_pivot_is_named, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(a_failing_disk, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(damage_is_not_taken_for_a_factor, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(failing_allocations, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(killed_at_any_moment, set_up, mn_test_dir_close),
  };
  return cmocka_run_group_tests_name("out_of_core", tests, NULL, NULL);
}
