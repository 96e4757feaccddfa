/* The solver auto, where it weighs conjugate gradients against the factor: what it weighs, what it says of it, and how
 * one gives way to the other. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "gram/products.h"
#include "solve/system.h"
#include "solve_support.h"
#include "support.h"

static problem auto_problem(size_t n, double gamma, double ridge)
{
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  kernel.gamma = gamma;
  problem p = problem_open(naive_open(n, 12, MN_U8, MN_SCALE_UNIT, n), kernel, ridge);
  p.options.columns = COLUMNS;
  return p;
}

static mn_forecast forecast_of(const problem *p, size_t n)
{
  mn_forecast f;
  mn_error err = {0};
  size_t columns = p->options.columns;
  if (mn_solve_forecast(&p->set.samples, n, 0, 0, columns, &p->kernel, &p->options, NULL, &f, &err))
    fail_msg("%s", err.text);
  return f;
}

static void the_cheaper_one_is_taken(void **state)
{
  (void)state;
  problem p = auto_problem(600, 0.1, 0);
  p.options.memory_bytes = (size_t)64 << 30; /* that it is time that decides, not the room of this machine */
  for (size_t n = 16384; n <= 65536; n *= 2) {
    mn_forecast f = forecast_of(&p, n), cg;
    assert_true(f.weighed_cg_s > 0 && f.weighed_factor_s > 0);
    assert_int_equal(f.solver, f.weighed_cg_s < f.weighed_factor_s ? MN_SOLVER_CG : MN_SOLVER_CHOLESKY);
    mn_test_close(f.total_s, fmin(f.weighed_cg_s, f.weighed_factor_s), 1e-12);
    p.options.solver = MN_SOLVER_CG;
    cg = forecast_of(&p, n);
    assert_true(isnan(cg.weighed_cg_s) && isnan(cg.weighed_factor_s));
    p.options.solver = MN_SOLVER_AUTO;
  }
  /* a tolerance of one digit in place of ten makes CG the cheaper one on any machine */
  p.options.tolerance = 0.1;
  assert_int_equal(forecast_of(&p, 65536).solver, MN_SOLVER_CG);
  problem_close(&p);
}

static void check_no_weighing(const problem *p, size_t n)
{
  mn_forecast f = forecast_of(p, n);
  assert_true(isnan(f.weighed_cg_s) && isnan(f.weighed_factor_s));
  assert_int_equal(f.solver, MN_SOLVER_CHOLESKY);
}

static void what_needs_the_factor_is_not_weighed(void **state)
{
  (void)state;
  const size_t n = 20000;
  problem p = auto_problem(600, 0.1, 0);
  p.options.tolerance = 0.1;
  const mn_solve_options plain = p.options;
  check_no_weighing(&p, 16383);
  p.options.need_factor = 1;
  check_no_weighing(&p, n);
  p.options = plain, p.options.precision = MN_PRECISION_DOUBLE;
  check_no_weighing(&p, n);
  p.options = plain, p.options.precision = MN_PRECISION_MIXED;
  check_no_weighing(&p, n);
  p.options = plain, p.options.columns = 41;
  check_no_weighing(&p, n);
  p.options = plain, p.options.checkpoint = "/nowhere";
  check_no_weighing(&p, n);
  problem_close(&p);
}

/* Kept products have no samples that passes could be timed on: neither auto nor a forecast may ask for them. */
static void products_are_not_weighed(void **state)
{
  (void)state;
  const size_t n = 20000;
  problem p = auto_problem(600, 0.1, 0);
  mn_products *products; /* without the products: none is read */
  mn_system s = {.samples = p.set.samples, .kernel = p.kernel, .options = p.options, .threads = 1};
  s.options.solver = MN_SOLVER_AUTO, s.options.precision = MN_PRECISION_AUTO;
  s.samples.n = n;
  assert_int_equal(mn_solver_may_iterate(&s), 1);
  assert_int_equal(mn_products_open_empty(n, 0, MN_PRODUCTS_TILE, MN_F32, 12, "features", &products, NULL), MN_OK);
  s.samples = mn_products_train(products, n);
  assert_int_equal(mn_solver_may_iterate(&s), 0);
  assert_ptr_equal(mn_solver_choose(&s), &mn_solver_mixed_row);
  s.kernel = mn_kernel_default(MN_KERNEL_LINEAR); /* nor are there features to solve for */
  assert_int_equal(mn_solver_may_iterate(&s), 0);
  assert_ptr_equal(mn_solver_choose(&s), &mn_solver_mixed_row);
  mn_products_close(&products);
  problem_close(&p);
}

/* A system too small to be weighed is given the expectation that it would have had. */
static mn_system *expecting(const problem *p, double factor_s)
{
  mn_system *s = problem_system(p, MN_SOLVER_CG);
  s->options.solver = MN_SOLVER_AUTO;
  s->report.weighed_cg_s = 0, s->report.weighed_factor_s = factor_s;
  return s;
}

static mn_solution solve(const problem *p, mn_system *s, double *alpha)
{
  mn_solution solution;
  mn_error err = {0};
  if (mn_system_solve(s, COLUMNS, p->y, alpha, NULL, NULL, &solution, &err)) fail_msg("%s", err.text);
  return solution;
}

static void progress_decides(void **state)
{
  (void)state;
  problem p = auto_problem(500, 1, 0);
  double *alpha = mn_calloc(500 * COLUMNS, sizeof *alpha);
  mn_system *s = expecting(&p, 1e-9); /* nothing is as fast */
  mn_solution solution = solve(&p, s, alpha);
  const mn_system_report *r = mn_system_info(s);
  assert_int_equal(r->solver, MN_SOLVER_CHOLESKY);
  assert_int_equal(r->fallback_count, 1);
  assert_non_null(strstr(r->fallbacks[0], "the factor is expected to be faster; cholesky instead"));
  assert_true(solution.converged && solution.iterations == 0 && r->rcond > 0);
  assert_true(solution.residual < 1e-10 && problem_residual(&p, alpha) < 1e-10);
  mn_system_close(&s);

  s = expecting(&p, 1e9); /* anything is */
  solution = solve(&p, s, alpha);
  r = mn_system_info(s);
  assert_int_equal(r->solver, MN_SOLVER_CG);
  assert_true(r->fallback_count == 0 && solution.converged && solution.iterations > 0);
  assert_true(problem_residual(&p, alpha) < 1e-10);
  mn_system_close(&s);
  mn_free(alpha);
  problem_close(&p);
}

/* What CG cannot reach is left to the factor, however late that is expected: nothing lowers the tolerance in silence.
 * No fp64 residual is that small. */
static void stalled_iterations_give_way(void **state)
{
  (void)state;
  problem p = auto_problem(400, 1, 0);
  p.options.tolerance = 1e-18;
  double *alpha = mn_calloc(400 * COLUMNS, sizeof *alpha);
  mn_system *s = expecting(&p, 1e9);
  mn_solution solution = solve(&p, s, alpha);
  const mn_system_report *r = mn_system_info(s);
  assert_int_equal(r->solver, MN_SOLVER_CHOLESKY);
  assert_int_equal(r->fallback_count, 1);
  assert_non_null(strstr(r->fallbacks[0], "cg: residual"));
  assert_non_null(strstr(r->fallbacks[0], "iterations; cholesky instead"));
  assert_true(solution.iterations == 0 && r->rcond > 0 && r->preconditioner_rank == 0);
  assert_true(solution.residual < 1e-12 && problem_residual(&p, alpha) < 1e-12);
  mn_system_close(&s);
  mn_free(alpha);
  problem_close(&p);
}

/* At the least size that is weighed, in earnest. */
static void a_large_system_says_what_was_weighed(void **state)
{
  (void)state;
  const size_t n = 16384;
  mn_data *data = NULL;
  mn_scaling *scaling = NULL;
  mn_error err = {0};
  assert_int_equal(mn_data_open("synth:gaussian,n=16384,d=4", NULL, &data, &err), MN_OK);
  assert_int_equal(mn_scaling_open(MN_SCALE_NONE, data, &scaling, &err), MN_OK);
  mn_samples samples = mn_samples_of(data, scaling);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  mn_solve_options o = mn_solve_defaults();
  mn_system *s = NULL;
  mn_solution solution;
  double *y = mn_calloc(2 * n, sizeof *y);
  kernel.gamma = 0.1, o.ridge = 1000, o.tolerance = 0.1, o.columns = 1;
  for (size_t i = 0; i < n; i++) y[i] = (double)(i % 3);
  if (mn_system_open(&samples, &kernel, &o, NULL, &s, &err)) fail_msg("%s", err.text);
  const mn_system_report *r = mn_system_info(s);
  assert_int_equal(r->solver, MN_SOLVER_CG);
  assert_true(r->weighed_cg_s < r->weighed_factor_s);
  assert_int_equal(mn_system_solve(s, 1, y, y + n, NULL, NULL, &solution, &err), MN_OK);
  assert_true(solution.converged && solution.residual <= 0.1);
  mn_system_close(&s);
  mn_free(y);
  mn_scaling_close(&scaling);
  mn_data_close(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cheaper_one_is_taken),    cmocka_unit_test(what_needs_the_factor_is_not_weighed),
      cmocka_unit_test(products_are_not_weighed),    cmocka_unit_test(progress_decides),
      cmocka_unit_test(stalled_iterations_give_way), cmocka_unit_test(a_large_system_says_what_was_weighed),
  };
  return cmocka_run_group_tests_name("auto", tests, NULL, NULL);
}
