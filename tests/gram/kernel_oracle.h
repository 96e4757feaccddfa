/* The kernels of minnorm/kernel.h in long double, straight from their formulas, with the interval a rounded evaluation
 * may fall in. */
#ifndef MN_TESTS_KERNEL_ORACLE_H
#define MN_TESTS_KERNEL_ORACLE_H

#include "minnorm/kernel.h"

typedef long double wide;

/* The value from an inner product and two squared norms. `nudge` moves the intermediate that rounding hurts, the
 * squared distance or the inner product, in units of `eps` of its largest term: +-nudge gives the ends of the interval.
 */
wide oracle_kernel(const mn_kernel *kernel, wide dot, wide norm2_x, wide norm2_y, wide eps, wide nudge);

/* How far a result in precision eps may be from oracle_kernel(..., 0). */
wide oracle_bound(const mn_kernel *kernel, wide dot, wide norm2_x, wide norm2_y, wide eps);

/* 1 when long double computes with more digits than double; valgrind, for one, does not. */
int oracle_is_wide(void);

#endif
