/* exp and acos in float against expl and acosl. */
#include "support.h"

#include "gram/vecmath_f32.h"

#define LEAST (-87.0)
#define EPS FLT_EPSILON
#define LEAST_NORMAL FLT_MIN
#define EXP_ULPS 1.5
#define ACOS_ULPS 1.5
#include "vecmath_sweep.h"

int main(void)
{
  return run_sweep();
}
