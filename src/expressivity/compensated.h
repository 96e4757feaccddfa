/* Inner loops in twice the working precision (Ogita, Rump & Oishi 2005, Dot2), one table an instruction set. */
#ifndef MN_EXPRESSIVITY_COMPENSATED_H
#define MN_EXPRESSIVITY_COMPENSATED_H

#include <stddef.h>

#include "core/cpu.h"

enum { MN_COMPENSATED_POINTS = 8 };

typedef struct {
  /* hi + lo = sum_j x_j a_j, n terms */
  void (*dot)(size_t n, const double *x, const double *a, double *hi, double *lo);
  /* hi_i + lo_i += sum_j w_j max(z_i + rest_i - b_j, 0) for MN_COMPENSATED_POINTS points and `units` units */
  void (*units)(size_t units, const double *b, const double *w, const double *z, const double *rest, double *hi,
                double *lo);
} mn_compensated;

extern const mn_compensated mn_compensated_base;
#if MN_X86_LEVELS
extern const mn_compensated mn_compensated_avx2;
#endif

/* The best table this processor can run. */
const mn_compensated *mn_compensated_best(void);

#endif
