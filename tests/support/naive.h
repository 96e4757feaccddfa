/* Naive twins shared by the tests of the Gram passes and the solvers: kernels straight from their formulas, Gaussian
 * elimination, one-sided Jacobi; all in long double and written without regard to speed. What they return is released
 * with free. */
#ifndef MN_TESTS_NAIVE_H
#define MN_TESTS_NAIVE_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/kernel.h"
#include "minnorm/samples.h"

/* Random samples, and what they are as doubles. */
typedef struct {
  mn_data *data;
  mn_scaling *scaling;
  mn_samples samples; /* of the two above */
  size_t n, dim;
  double *x; /* n x dim, row-major, scaled */
} naive_set;

/* Bytes are uniform, floats normal with mean 0.5. */
naive_set naive_open(size_t n, size_t dim, mn_dtype type, mn_scale scale, uint64_t seed);

/* Doubles as they are; x is copied. */
naive_set naive_open_rows(size_t n, size_t dim, const double *x);
void naive_close(naive_set *set);

double *naive_normals(size_t count, uint64_t seed);

/* k(x, y), everything from differences and angles, so that nothing is lost between samples that are close. */
double naive_kernel(const mn_kernel *kernel, size_t dim, const double *x, const double *y);

/* K (rows->n x cols->n, column-major) with ridge on the diagonal when both are the same set. */
double *naive_gram(const mn_kernel *kernel, const naive_set *rows, const naive_set *cols, double ridge);

/* out (m x columns) = A v, A m x n column-major, v n x columns. */
void naive_multiply(size_t m, size_t n, const double *a, size_t columns, const double *v, double *out);

/* Solves A x = b for columns right-hand sides by Gaussian elimination with partial pivoting; a n x n, column-major. */
void naive_solve(size_t n, const double *a, size_t columns, const double *b, double *x);

/* X (n x dim, row-major) = sum_k u_k values_k v_k': one-sided Jacobi. Values descend. */
typedef struct {
  size_t n, dim;
  double *values;  /* dim */
  long double *us; /* n x dim, column-major: u_k values_k */
  long double *v;  /* dim x dim, column-major */
} naive_svd;
naive_svd naive_svd_open(size_t n, size_t dim, const double *x);
void naive_svd_close(naive_svd *svd);

/* w (dim x columns): least squares of least norm, values up to tolerance times the largest counting as zero. */
void naive_least_squares(const naive_svd *svd, double tolerance, size_t columns, const double *y, double *w);

/* Q1 diag(values) Q2' with products of reflections drawn from the seeds; symmetric when these are equal. n x n. */
double *naive_spectrum(size_t n, const double *values, uint64_t seed1, uint64_t seed2);

double naive_norm(size_t count, const double *x);
double naive_distance(size_t count, const double *x, const double *y);

/* ||x - y|| / ||y|| */
double naive_relative(size_t count, const double *x, const double *y);

#endif
