/* Preconditioned conjugate gradients on several right-hand sides at once. */
#ifndef MN_SOLVE_PCG_H
#define MN_SOLVE_PCG_H

#include <stddef.h>

#include "minnorm/status.h"

/* out = A v, or an approximation of A^-1 v; both n x columns, column-major, fp64. */
typedef mn_status (*mn_product)(void *arg, const double *v, double *out, mn_error *err);

/* What an iteration ended with. Non-zero ends the run. */
typedef struct {
  int iteration;   /* 1 ... */
  double residual; /* ||b - A x||_F / ||b||_F as the recursion carries it */
  const double *x, *r;
} mn_pcg_step;
typedef int (*mn_pcg_watch)(void *arg, const mn_pcg_step *step);

typedef struct {
  size_t n, columns;
  mn_product multiply;     /* by A, symmetric and positive definite */
  mn_product precondition; /* by M^-1; need not be the same at every call, nor symmetric to the last digit */
  mn_pcg_watch watch;      /* NULL: none */
  void *arg;
  double tolerance; /* of the residual */
  int most;         /* iterations */
} mn_pcg;

typedef enum {
  MN_PCG_CONVERGED, /* residual <= tolerance */
  MN_PCG_WATCHED,   /* the watch ended it */
  MN_PCG_STALLED,   /* no lower residual for a while, or a direction of no positive energy */
  MN_PCG_EXHAUSTED  /* `most` iterations */
} mn_pcg_end;

typedef struct {
  mn_pcg_end end;
  int iterations;
  double residual;
} mn_pcg_result;

/* x = A^-1 b from x = 0. b, x, r: n x columns; r ends as the recursive residual b - A x. Every column has its own step
 * lengths; beta is that of the flexible variant (Notay 2000), z_new'(r_new - r_old) / z_old' r_old, which forgives a
 * preconditioner in lower precision. */
mn_status mn_pcg_run(const mn_pcg *pcg, const double *b, double *x, double *r, mn_pcg_result *out, mn_error *err);

#endif
