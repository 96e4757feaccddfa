/* Kernels: functions of the inner product and the norms of two samples.
 *
 * With r = ||x - x'||, t = x . x', u = t / (||x|| ||x'||) = cos(theta):
 *   linear      t
 *   gaussian    exp(-gamma r^2)
 *   laplacian   exp(-gamma r)
 *   polynomial  (gamma t + coef0)^degree
 *   matern32    (1 + sqrt(3) gamma r) exp(-sqrt(3) gamma r)
 *   matern52    (1 + sqrt(5) gamma r + 5 gamma^2 r^2 / 3) exp(-sqrt(5) gamma r)
 *   arccos1     ||x|| ||x'|| (sin theta + (pi - theta) cos theta) / pi; 0 when a norm is 0
 *   ntk         neural tangent kernel of a fully connected ReLU network with `depth` layers of weights, no biases,
 *               He-scaled so that the diagonal is depth ||x||^2; 0 when a norm is 0
 * Sources: Rasmussen & Williams 2006, eq. 4.17 (matern); Cho & Saul 2009, order 1 (arccos1); Jacot et al. 2018 and
 * Arora et al. 2019, eq. 9-10 (ntk).
 */
#ifndef MINNORM_KERNEL_H
#define MINNORM_KERNEL_H

#include <stddef.h>

#include "minnorm/status.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MN_KERNEL_LINEAR,
  MN_KERNEL_GAUSSIAN,
  MN_KERNEL_LAPLACIAN,
  MN_KERNEL_POLYNOMIAL,
  MN_KERNEL_MATERN32,
  MN_KERNEL_MATERN52,
  MN_KERNEL_ARCCOS1,
  MN_KERNEL_NTK,
  MN_KERNEL_COUNT
} mn_kernel_name;

typedef struct {
  mn_kernel_name name;
  double gamma; /* > 0 where the kernel has one */
  double coef0; /* polynomial; default 1 */
  int degree;   /* polynomial, 1 ... 100; default 3 */
  int depth;    /* ntk, 1 ... 100; default 3; depth 1 is the linear kernel */
} mn_kernel;

/* The name on the command line; NULL outside the table. */
const char *mn_kernel_string(mn_kernel_name name);

/* The kernel of a name; MN_ERR_ARGUMENT, with the list of names, when there is none. */
mn_status mn_kernel_by_name(const char *text, mn_kernel_name *out, mn_error *err);

/* The kernel with its default parameters: gamma 1, coef0 1, degree 3, depth 3. */
mn_kernel mn_kernel_default(mn_kernel_name name);

/* MN_ERR_ARGUMENT when the name is outside the table or a parameter the kernel has is out of range: gamma > 0 and
 * finite, coef0 finite, degree and depth 1 ... 100. */
mn_status mn_kernel_check(const mn_kernel *kernel, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
