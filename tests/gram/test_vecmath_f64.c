/* exp and acos in double against expl and acosl. The code paths with fused multiply-add are reached through the
 * transforms, in test_kernels.c. */
#include "support.h"

#include "gram/vecmath_f64.h"

#define LEAST (-708.0)
#define EPS DBL_EPSILON
#define LEAST_NORMAL DBL_MIN
#define EXP_ULPS 1.5
#define ACOS_ULPS 1.5
#include "vecmath_sweep.h"

int main(void)
{
  return run_sweep();
}
