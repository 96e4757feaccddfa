/* Inside of a descent: the state that the methods step. Vectors are n x outputs, column-major. */
#ifndef MN_INTERPOLANTS_DESCEND_H
#define MN_INTERPOLANTS_DESCEND_H

#include "interpolants/problem.h"

/* Where w_0 is not zero: w_0 = sum_j b_j phi(z_j). */
typedef struct {
  mn_data *points; /* z; NULL: w_0 = 0 */
  double *b;       /* points->n x outputs */
  double *values;  /* f_0(X), n x outputs; zeros for w_0 = 0 */
  double norm;
} mn_descent_start;

typedef struct {
  const mn_interpolants *p;
  const mn_descent_options *o;
  mn_descent_start start;
  int threads;
  size_t n, outputs, count;     /* count = n outputs */
  double *a;                    /* the iterate: w = w_0 + sum_i a_i phi(x_i) */
  double *values;               /* K a, once evaluated */
  double *limit, *limit_values; /* a and K a of the limit */
  double lambda;                /* largest eigenvalue of K */
  double most;                  /* largest k(x_i, x_i) */
  size_t batch;
  /* momentum: iterate and values before, residual where the last step began, and its t; NULL: other methods */
  double *before, *values_before, *residual;
  double t;
  size_t *order; /* sgd: n; NULL: other methods */
  size_t pass;   /* passes done */
} mn_descent_run;

/* One way to descend. */
typedef struct {
  const char *name;
  int every;                                 /* 1: a pass wants `values` of the iterate it begins with */
  size_t vectors;                            /* that `before` ... take */
  double (*step)(const mn_descent_run *run); /* of the mean loss of a batch */
  void (*pass)(mn_descent_run *run, double step);
} mn_descent_row;
const mn_descent_row *mn_descent_row_of(mn_descent_method method);

/* w_0 by the options. Closed after a failure, too. */
mn_status mn_descent_start_open(const mn_interpolants *p, const mn_descent_options *o, const mn_context *ctx,
                                mn_descent_start *out, mn_error *err);
void mn_descent_start_close(mn_descent_start *start);

#endif
