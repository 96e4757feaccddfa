/* What the tests of the solvers share: a problem with its naive matrix, and checks of what a solver says of it. */
#ifndef MN_TESTS_SOLVE_SUPPORT_H
#define MN_TESTS_SOLVE_SUPPORT_H

#include "minnorm/solve.h"
#include "naive.h"

enum { COLUMNS = 3 };

typedef struct {
  naive_set set;
  mn_kernel kernel;
  mn_solve_options options;
  double *k; /* n x n: K + ridge I by plain loops */
  double *y; /* n x COLUMNS, random */
} problem;

/* The problem of a set, which it takes over. */
problem problem_open(naive_set set, mn_kernel kernel, double ridge);
void problem_close(problem *p);

/* A system of the problem; fails the test when it cannot be opened. */
mn_system *problem_system(const problem *p, mn_solver solver);

/* What a solve returns; released by answer_close. */
typedef struct {
  double *alpha;  /* unknowns x COLUMNS */
  double *fitted; /* n x COLUMNS */
  mn_solution solution;
  mn_system_report report;
} answer;

/* Opens, solves for p->y, closes; fails the test unless all is well. */
answer problem_solve(const problem *p, mn_solver solver);
void answer_close(answer *a);

/* ||k alpha - y|| / ||y|| by plain loops. */
double problem_residual(const problem *p, const double *alpha);

#endif
