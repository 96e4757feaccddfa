#include "solve_support.h"

#include <stdlib.h>

#include "support.h"

problem problem_open(naive_set set, mn_kernel kernel, double ridge)
{
  problem p = {.set = set, .kernel = kernel, .options = mn_solve_defaults()};
  p.options.ridge = ridge;
  p.k = naive_gram(&p.kernel, &set, &set, 0);
  for (size_t i = 0; i < set.n; i++) p.k[i * (set.n + 1)] += ridge;
  p.y = naive_normals(set.n * COLUMNS, 77);
  return p;
}

void problem_close(problem *p)
{
  naive_close(&p->set);
  free(p->k);
  free(p->y);
  *p = (problem){0};
}

mn_system *problem_system(const problem *p, mn_solver solver)
{
  mn_system *system = NULL;
  mn_error err = {0};
  mn_solve_options options = p->options;
  mn_context ctx = {.threads = 2};
  options.solver = solver;
  if (mn_system_open(&p->set.samples, &p->kernel, &options, &ctx, &system, &err))
    fail_msg("%s: %s", mn_solver_string(solver), err.text);
  return system;
}

answer problem_solve(const problem *p, mn_solver solver)
{
  mn_system *system = problem_system(p, solver);
  mn_error err = {0};
  answer a = {.report = *mn_system_info(system)};
  a.alpha = calloc(a.report.unknowns * COLUMNS, sizeof *a.alpha);
  a.fitted = calloc(p->set.n * COLUMNS, sizeof *a.fitted);
  if (mn_system_solve(system, COLUMNS, p->y, a.alpha, a.fitted, NULL, &a.solution, &err))
    fail_msg("%s: %s", mn_solver_string(solver), err.text);
  a.report = *mn_system_info(system); /* after what a fallback may have changed */
  mn_system_close(&system);
  assert_null(system);
  return a;
}

void answer_close(answer *a)
{
  free(a->alpha);
  free(a->fitted);
  *a = (answer){0};
}

double problem_residual(const problem *p, const double *alpha)
{
  size_t n = p->set.n;
  double *ka = calloc(n * COLUMNS, sizeof *ka);
  naive_multiply(n, n, p->k, COLUMNS, alpha, ka);
  double residual = naive_distance(n * COLUMNS, ka, p->y) / naive_norm(n * COLUMNS, p->y);
  free(ka);
  return residual;
}
