/* What the tests of the preconditioner's parts share: symmetric matrices, dense and as fp32 panels. */
#ifndef MN_TESTS_MATRIX_SUPPORT_H
#define MN_TESTS_MATRIX_SUPPORT_H

#include "linalg/low_rank.h"
#include "linalg/symmetric.h"

/* A symmetric matrix as the panels hold it: rounded to fp32. */
typedef struct {
  size_t n;
  double *a; /* n x n */
  mn_panels *panels;
} matrix;

/* Takes a (n x n) over. What panels have room for above the diagonal is NaN. */
matrix matrix_open(size_t n, size_t width, double *a);
void matrix_close(matrix *m);

/* Gaussian kernel of random samples: eigenvalues that decay. */
matrix matrix_gaussian(size_t n, size_t width, double gamma);

/* Eigenvalues 1 ... 10. */
matrix matrix_well_conditioned(size_t n, size_t width);

/* Diagonal elements f(i). */
matrix matrix_diagonal(size_t n, size_t width, double (*f)(size_t i));

/* The matrix as its readers take it; kept must outlive what is returned. */
mn_symmetric matrix_read(const matrix *m, int threads, mn_symmetric_kept *kept);

/* A partial factor of it; fails the test when that cannot be had. */
mn_low_rank *matrix_low_rank(const matrix *m, size_t rank, double ridge, uint64_t seed, int threads);

/* (K + ridge I - F F')(i, j) */
double matrix_left_at(const matrix *m, const mn_low_rank *f, double ridge, size_t i, size_t j);

#endif
