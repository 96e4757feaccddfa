/* Factors on disk as the solvers use them: what a checkpoint belongs to, when it goes, and the same bits however a
 * system was interrupted, in memory and out of core. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "linalg/threads.h"
#include "solve/kept_factor.h"
#include "solve_support.h"
#include "support.h"

enum { N = 300, DIM = 6 }; /* three panels of 128 columns */

static problem usual(void)
{
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_LAPLACIAN);
  kernel.gamma = 0.5;
  problem p = problem_open(naive_open(N, DIM, MN_F64, MN_SCALE_STANDARD, 5), kernel, 1e-3);
  p.options.precision = MN_PRECISION_DOUBLE;
  return p;
}

static const char *folder(void)
{
  return mn_test_path("kept");
}

static int is_kept(void)
{
  char path[300];
  snprintf(path, sizeof path, "%s/factor.index", folder());
  return !access(path, F_OK);
}

/* A context that cancels at the first report of a phase beyond a share of it. */
typedef struct {
  const char *phase;
  double share;
} stop;

static int stop_at(void *user, const mn_progress *progress)
{
  const stop *s = user;
  return !strcmp(progress->phase, s->phase) && progress->done > s->share * progress->total;
}

static mn_status open_system(const problem *p, const mn_context *ctx, mn_system **out, mn_error *err)
{
  return mn_system_open(&p->set.samples, &p->kernel, &p->options, ctx, out, err);
}

/* Leaves a checkpoint whose store is full: the system was opened and never solved. */
static void leave_checkpoint(problem *p)
{
  mn_system *system;
  mn_error err = {0};
  p->options.checkpoint = folder();
  if (open_system(p, NULL, &system, &err)) fail_msg("%s", err.text);
  mn_system_close(&system);
  assert_true(is_kept());
}

/* ---- what a checkpoint belongs to */

static void expect_refused(const problem *p, const char *what)
{
  mn_system *system;
  mn_error err = {0};
  mn_status st = open_system(p, NULL, &system, &err);
  if (st != MN_ERR_DATA) fail_msg("%s: status %d, %s", what, (int)st, err.text);
  assert_null(system);
  assert_non_null(strstr(err.text, "choose another folder"));
  assert_null(strchr(err.text, '\n'));
  assert_true(is_kept());
}

static void other_options_are_refused(void **state)
{
  (void)state;
  problem p = usual(), q;
  leave_checkpoint(&p);
  q = p, q.options.ridge = nextafter(p.options.ridge, 1);
  expect_refused(&q, "ridge");
  q = p, q.kernel.gamma = nextafter(p.kernel.gamma, 1);
  expect_refused(&q, "gamma");
  q = p, q.kernel.name = MN_KERNEL_GAUSSIAN;
  expect_refused(&q, "kernel");
  q = p, q.options.precision = MN_PRECISION_SINGLE;
  expect_refused(&q, "precision");
  q = p, q.set.samples.n = N - 1;
  expect_refused(&q, "number of samples");
  static const mn_kernel_name names[] = {MN_KERNEL_POLYNOMIAL, MN_KERNEL_NTK};
  for (size_t k = 0; k < 2; k++) {
    mn_test_rmtree(folder());
    p.kernel = mn_kernel_default(names[k]);
    p.options.ridge = 10;
    leave_checkpoint(&p);
    q = p, q.kernel.coef0 = p.kernel.coef0 + 0.5;
    if (k == 0) expect_refused(&q, "coef0");
    q = p, q.kernel.degree = p.kernel.degree + 1;
    if (k == 0) expect_refused(&q, "degree");
    q = p, q.kernel.depth = p.kernel.depth + 1;
    if (k == 1) expect_refused(&q, "depth");
  }
  problem_close(&p);
}

/* One bit of one sample, one number of the scaling, and the kind of scaling with the same numbers. */
static void other_samples_are_refused(void **state)
{
  (void)state;
  problem p = usual();
  leave_checkpoint(&p);
  double *x = p.set.samples.data->x, before = x[N * DIM - 1];
  x[N * DIM - 1] = nextafter(before, INFINITY);
  expect_refused(&p, "the last number");
  x[N * DIM - 1] = before;
  double *const numbers[] = {p.set.samples.scaling->shift + DIM - 1, p.set.samples.scaling->factor};
  for (size_t i = 0; i < 2; i++) {
    before = *numbers[i];
    *numbers[i] = nextafter(before, INFINITY);
    expect_refused(&p, i ? "factor" : "shift");
    *numbers[i] = before;
  }
  mn_scaling plain = {.kind = MN_SCALE_NONE, .dim = DIM};
  problem q = p;
  q.set.samples.scaling = &plain;
  expect_refused(&q, "scaling");
  answer a = problem_solve(&p, MN_SOLVER_CHOLESKY); /* and as it was it serves */
  assert_int_equal(a.report.resumed_panels, 3);
  assert_false(is_kept());
  answer_close(&a);
  problem_close(&p);
}

/* The shift of a factor in lower precision is part of what it is. */
static void shifts_are_told_apart(void **state)
{
  (void)state;
  problem p = usual();
  const double shifts[] = {1e-6, 1e-5, 1e-4};
  mn_system s = {.samples = p.set.samples, .kernel = p.kernel, .options = p.options, .threads = 1};
  mn_panel_store *store;
  size_t which;
  s.options.checkpoint = folder();
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(mn_kept_factor_open(&s, folder(), MN_STORE_NEW, 128, MN_F32, shifts[i], &store, NULL), MN_OK);
    mn_panel_store_close(&store);
    for (size_t j = 0; j < 3; j++) assert_int_equal(mn_kept_factor_exists(&s, MN_F32, shifts[j]), i == j);
    assert_false(mn_kept_factor_exists(&s, MN_F64, shifts[i]));
    assert_int_equal(mn_kept_factor_resume(&s, MN_F32, 3, shifts, &which, &store, NULL), MN_OK);
    assert_int_equal(which, i);
    mn_panel_store_close(&store);
  }
  assert_int_equal(mn_kept_factor_resume(&s, MN_F32, 2, shifts, &which, &store, NULL), MN_ERR_DATA);
  mn_test_rmtree(folder());
  assert_false(mn_kept_factor_exists(&s, MN_F32, shifts[0]));
  assert_int_equal(mn_kept_factor_resume(&s, MN_F32, 3, shifts, &which, &store, NULL), MN_OK);
  assert_int_equal(which, 0);
  s.solved = 1;
  mn_kept_factor_close(&s, &store);
  assert_true(access(folder(), F_OK) && errno == ENOENT);
  problem_close(&p);
}

/* ---- the same bits */

static void expect_same(const answer *a, const answer *b)
{
  assert_memory_equal(a->alpha, b->alpha, N * COLUMNS * sizeof *a->alpha);
  assert_memory_equal(a->fitted, b->fitted, N * COLUMNS * sizeof *a->fitted);
}

/* Stopped during every phase, early and late. */
static void a_resumed_system_has_the_same_bits(void **state)
{
  (void)state;
  static const stop stops[] = {{"gram", -1}, {"factor", -1}, {"factor", 0.3}, {"factor", 0.9}, {"memory", -1}};
  problem p = usual();
  for (int single = 0; single <= 1; single++) {
    p.options.precision = single ? MN_PRECISION_SINGLE : MN_PRECISION_DOUBLE;
    p.options.checkpoint = NULL;
    answer whole = problem_solve(&p, MN_SOLVER_CHOLESKY);
    assert_int_equal(whole.report.resumed_panels, 0);
    p.options.checkpoint = folder();
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
      stop at = stops[i];
      mn_context ctx = {.threads = 2, .progress = stop_at, .user = &at};
      mn_system *system;
      mn_error err = {0};
      mn_status st = open_system(&p, &ctx, &system, &err);
      assert_true(st == MN_ERR_CANCELLED || (!st && at.share > 0)); /* reports are 50 ms apart */
      if (!st) mn_system_close(&system);
      if (!strcmp(at.phase, "factor")) assert_true(is_kept());
      answer a = problem_solve(&p, MN_SOLVER_CHOLESKY);
      expect_same(&a, &whole);
      assert_true(a.report.rcond > 0 && a.report.precision == p.options.precision);
      mn_test_close(a.report.rcond / whole.report.rcond, 1, 1e-9); /* BLAS sums vectors as their addresses are */
      assert_false(is_kept());
      answer_close(&a);
    }
    answer_close(&whole);
  }
  problem_close(&p);
}

/* Every number of finished panels, as a kill leaves them: the store of a whole factor, written up to there. */
static void every_number_of_panels_serves(void **state)
{
  (void)state;
  problem p = usual();
  answer whole = problem_solve(&p, MN_SOLVER_CHOLESKY);
  mn_system s = {.samples = p.set.samples, .kernel = p.kernel, .options = p.options, .threads = 2};
  mn_panels *factor;
  size_t pivot;
  assert_int_equal(mn_panels_open(N, mn_panels_width(N), MN_F64, &factor, NULL), MN_OK);
  mn_kept_fill fill = {&s, NULL};
  assert_int_equal(mn_kept_factor_fill(&fill, factor, 0, factor->count, NULL), MN_OK);
  assert_int_equal(mn_cholesky_factor(factor, 2, NULL, &pivot, NULL), MN_OK);
  p.options.checkpoint = folder();
  for (size_t count = 0; count <= factor->count; count++) {
    mn_panel_store *store;
    assert_int_equal(mn_kept_factor_open(&s, folder(), MN_STORE_NEW, factor->width, MN_F64, 0, &store, NULL), MN_OK);
    for (size_t j = 0; j < count; j++)
      assert_int_equal(mn_panel_store_write(store, j, &factor->panel[j], NULL, NULL), MN_OK);
    mn_panel_store_close(&store);
    answer a = problem_solve(&p, MN_SOLVER_CHOLESKY);
    assert_int_equal(a.report.resumed_panels, count);
    expect_same(&a, &whole);
    answer_close(&a);
  }
  mn_panels_close(&factor);
  answer_close(&whole);
  problem_close(&p);
}

/* The row is asked for by itself: no budget of a test process is small enough for a matrix of this size. */
static answer solve_on_disk(const problem *p)
{
  mn_system s = {.samples = p->set.samples, .kernel = p->kernel, .options = p->options, .threads = 2};
  mn_error err = {0};
  answer a = {0};
  s.row = &mn_solver_disk_row;
  s.report.gram_s = s.report.rcond = (double)NAN;
  a.alpha = calloc(N * COLUMNS, sizeof *a.alpha);
  a.fitted = calloc(N * COLUMNS, sizeof *a.fitted);
  if (s.row->open(&s, NULL, &err)) fail_msg("%s", err.text);
  if (s.row->solve(&s, COLUMNS, p->y, a.alpha, a.fitted, NULL, &a.solution, &err)) fail_msg("%s", err.text);
  s.solved = 1;
  s.row->close(&s);
  a.report = s.report;
  return a;
}

static void out_of_core_has_the_same_bits(void **state)
{
  (void)state;
  problem p = usual();
  for (int single = 0; single <= 1; single++) {
    p.options.precision = single ? MN_PRECISION_SINGLE : MN_PRECISION_DOUBLE;
    p.options.checkpoint = NULL;
    answer whole = problem_solve(&p, MN_SOLVER_CHOLESKY);
    p.options.scratch = folder();
    answer a = solve_on_disk(&p);
    assert_true(naive_relative(N * COLUMNS, a.alpha, whole.alpha) <= (single ? 1e-6 : 1e-13));
    assert_true(a.report.disk_bytes > 0 && isnan(a.report.rcond) && !a.report.resumed_panels);
    assert_true(access(folder(), F_OK) && errno == ENOENT);
    leave_checkpoint(&p); /* in memory */
    answer b = solve_on_disk(&p);
    expect_same(&a, &b);
    assert_int_equal(b.report.resumed_panels, 3);
    assert_false(is_kept());
    mn_test_rmtree(folder()); /* empty, but made by the process before */
    answer_close(&whole);
    answer_close(&a);
    answer_close(&b);
  }
  problem_close(&p);
}

/* ---- when it goes */

static void singular_systems_leave_no_checkpoint(void **state)
{
  (void)state;
  double x[4] = {1, 2, 0, 3}; /* a sample of zeros: its row and column of K are zero, whatever rounding does */
  problem p = problem_open(naive_open_rows(4, 1, x), mn_kernel_default(MN_KERNEL_POLYNOMIAL), 0);
  mn_system *system;
  mn_error err = {0};
  p.options.solver = MN_SOLVER_CHOLESKY;
  p.options.precision = MN_PRECISION_DOUBLE;
  p.options.checkpoint = folder();
  p.kernel.coef0 = 0;
  assert_int_equal(open_system(&p, NULL, &system, &err), MN_ERR_SINGULAR);
  assert_non_null(strstr(err.text, "pivot"));
  assert_true(access(folder(), F_OK) && errno == ENOENT);
  problem_close(&p);
}

static void infinite_matrices_are_refused(void **state)
{
  (void)state;
  problem p = usual();
  mn_error err = {0};
  mn_system *system;
  p.kernel = mn_kernel_default(MN_KERNEL_POLYNOMIAL);
  p.kernel.degree = 3;
  p.kernel.gamma = 1e150;
  p.options.checkpoint = folder();
  assert_int_equal(open_system(&p, NULL, &system, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "not finite"));
  mn_system s = {.samples = p.set.samples, .kernel = p.kernel, .options = p.options, .threads = 2};
  assert_int_equal(mn_solver_disk_row.open(&s, NULL, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "not finite"));
  mn_solver_disk_row.close(&s);
  problem_close(&p);
}

static void only_cholesky_takes_folders(void **state)
{
  (void)state;
  static const mn_solver solvers[] = {MN_SOLVER_LU, MN_SOLVER_EIGEN, MN_SOLVER_CG};
  problem p = usual();
  mn_system *system;
  mn_error err;
  p.options.precision = MN_PRECISION_AUTO;
  for (size_t i = 0; i < 6; i++) {
    p.options.solver = solvers[i / 2];
    p.options.checkpoint = i % 2 ? NULL : folder();
    p.options.scratch = i % 2 ? folder() : NULL;
    assert_int_equal(open_system(&p, NULL, &system, &err), MN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, i % 2 ? "--scratch" : "--checkpoint"));
  }
  assert_true(access(folder(), F_OK) && errno == ENOENT);
  problem_close(&p);
}

/* ---- memory */

static mn_status open_and_solve(void *arg, mn_error *err)
{
  const problem *p = arg;
  mn_context ctx = {.threads = 1};
  mn_system *system;
  mn_solution solution;
  double alpha[N * COLUMNS];
  mn_status st = open_system(p, &ctx, &system, err);
  if (!st) st = mn_system_solve(system, COLUMNS, p->y, alpha, NULL, &ctx, &solution, err);
  mn_system_close(&system);
  return st;
}

static mn_status open_on_disk(void *arg, mn_error *err)
{
  const problem *p = arg;
  mn_system s = {.samples = p->set.samples, .kernel = p->kernel, .options = p->options, .threads = 1};
  mn_solution solution;
  double alpha[N * COLUMNS];
  mn_status st = mn_solver_disk_row.open(&s, NULL, err);
  s.row = &mn_solver_disk_row;
  if (!st) st = s.row->solve(&s, COLUMNS, p->y, alpha, NULL, NULL, &solution, err);
  s.solved = !st;
  s.row->close(&s);
  return st;
}

static void every_allocation_may_fail(void **state)
{
  (void)state;
  problem p = usual();
  p.options.solver = MN_SOLVER_CHOLESKY;
  p.options.checkpoint = folder();
  mn_test_every_allocation(open_and_solve, &p);
  assert_false(is_kept());
  mn_test_every_allocation(open_on_disk, &p);
  assert_false(is_kept());
  p.options.checkpoint = NULL;
  p.options.scratch = folder();
  mn_test_every_allocation(open_on_disk, &p);
  mn_test_rmtree(folder());
  problem_close(&p);
}

#define test(name) cmocka_unit_test_setup_teardown(name, mn_test_dir_open, mn_test_dir_close)

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      test(other_options_are_refused),
      test(other_samples_are_refused),
      test(shifts_are_told_apart),
      test(a_resumed_system_has_the_same_bits),
      test(every_number_of_panels_serves),
      test(out_of_core_has_the_same_bits),
      test(singular_systems_leave_no_checkpoint),
      test(infinite_matrices_are_refused),
      test(only_cholesky_takes_folders),
      test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("kept factor", tests, NULL, NULL);
}
