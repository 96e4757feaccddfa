/* Preconditioned conjugate gradients on several right-hand sides at once, which share their directions. */
#ifndef MN_SOLVE_PCG_H
#define MN_SOLVE_PCG_H

#include <stddef.h>

#include "minnorm/status.h"

/* out = A v, or an approximation of A^-1 v; both n x columns, column-major, fp64. Products with A are asked for with as
 * many columns as there are directions, at most those of the right-hand side. */
typedef mn_status (*mn_product)(void *arg, size_t columns, const double *v, double *out, mn_error *err);

/* What an iteration ended with. Non-zero ends the run. */
typedef struct {
  int iteration;   /* 1 ... */
  double residual; /* ||b - A x||_F / ||y||_F as the recursion carries it, of groups the largest */
  const double *x, *r;
} mn_pcg_step;
typedef int (*mn_pcg_watch)(void *arg, const mn_pcg_step *step);

typedef struct {
  size_t n, columns;
  int threads;
  mn_product multiply;     /* by A, symmetric and positive definite */
  mn_product precondition; /* by M^-1; need not be the same at every call, nor symmetric to the last digit */
  mn_pcg_watch watch;      /* NULL: none */
  void *arg;
  int single;       /* 1: products are in single precision, and directions are rounded to it first */
  const double *y;  /* n x columns: what residuals are relative to; NULL: b */
  size_t group;     /* columns of each residual; 0: all */
  double tolerance; /* of the largest residual */
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

/* x = A^-1 b from x = 0. b, x, r: n x columns; r ends as the recursive residual b - A x.
 *
 * Block conjugate gradients (O'Leary 1980): every column is minimised over the directions of all, which takes fewer
 * iterations than each column alone: 10 columns, half as many. The directions are a basis of what M^-1 r spans, made
 * anew in every iteration (Dubrulle 2001), so that columns that depend on others, or have come to their end, do no
 * harm. New directions are made conjugate to the last ones by a product with them, not by a ratio of residuals: the
 * flexible variant (Notay 2000), which forgives a preconditioner in lower precision. A product in single precision
 * is that of the direction itself where directions are rounded first. */
mn_status mn_pcg_run(const mn_pcg *pcg, const double *b, double *x, double *r, mn_pcg_result *out, mn_error *err);

#endif
