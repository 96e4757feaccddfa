/* The table of kernels and their tile transforms: inner products in, kernel values out. Public names: minnorm/kernel.h.
 */
#ifndef MN_GRAM_KERNELS_H
#define MN_GRAM_KERNELS_H

#include <stddef.h>

#include "minnorm/kernel.h"

/* Replaces the inner products of m x n samples by kernel values, in place. `tile` is column-major with leading
 * dimension ld >= m, rows m ... ld - 1 of a column are left alone; rows[i] = ||x_i||^2 (m), cols[j] = ||x'_j||^2 (n).
 * The kernel has passed mn_kernel_check. NaN stays NaN. Thread-safe, no allocation. */
typedef void (*mn_transform_f64)(const mn_kernel *kernel, size_t m, size_t n, double *tile, size_t ld,
                                 const double *rows, const double *cols);
typedef void (*mn_transform_f32)(const mn_kernel *kernel, size_t m, size_t n, float *tile, size_t ld, const float *rows,
                                 const float *cols);

/* The same value for the same inner product and norms in either order, bit for bit: k(x, x') = k(x', x). */
void mn_kernel_transform_f64(const mn_kernel *kernel, size_t m, size_t n, double *tile, size_t ld, const double *rows,
                             const double *cols);
void mn_kernel_transform_f32(const mn_kernel *kernel, size_t m, size_t n, float *tile, size_t ld, const float *rows,
                             const float *cols);

typedef struct {
  const char *name;    /* on the command line */
  const char *formula; /* for --help and the report */
  int has_gamma, has_coef0, has_degree, has_depth;
  int of_distance; /* a function of r = ||x - x'|| alone */
  int power;       /* what gamma multiplies: 2 r^2, 1 r, 0 the inner product or nothing (bandwidth heuristic) */
  int exact_near;  /* not smooth in r^2 at 0: where r^2 is lost to cancellation, take r^2 from the difference x - x'
                      and call `value` */
  int strictly_positive; /* K of distinct samples is positive definite whatever the parameters */

  /* k(x, x) for ||x||^2. */
  double (*diagonal)(const mn_kernel *kernel, double norm2);

  /* One kernel value in double through libm. r2 = ||x - x'||^2, dot = x . x', norms squared; with an exact r2 it is
   * accurate for samples however close. */
  double (*value)(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y);
} mn_kernel_row;

/* The row of a kernel; NULL outside the table. */
const mn_kernel_row *mn_kernel_find(mn_kernel_name name);

/* 1 when every Gram matrix of this kernel is positive semidefinite: all but the polynomial with coef0 < 0. */
int mn_kernel_semidefinite(const mn_kernel *kernel);

/* The transforms of one instruction set, indexed by mn_kernel_name. Levels are numbered from 0, the portable one, to
 * the best; NULL: unknown to this build or to this processor. For the tests; everybody else calls the two above. */
typedef struct {
  const char *name;
  const mn_transform_f64 *f64; /* MN_KERNEL_COUNT */
  const mn_transform_f32 *f32; /* MN_KERNEL_COUNT */
} mn_kernel_level;
enum { MN_KERNEL_LEVELS = 3 };
const mn_kernel_level *mn_kernel_level_get(int level);

#endif
