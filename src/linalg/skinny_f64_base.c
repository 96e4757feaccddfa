/* Skinny products in double precision for every processor. */
#include "linalg/skinny.h"

enum { LANES = 2, SUMS = 10 };
typedef double real;
typedef real vec __attribute__((vector_size(16)));

static inline vec vec_all(real x)
{
  return x - (vec){0};
}

static inline vec vec_madd(vec a, vec b, vec c)
{
  return a * b + c;
}

static inline real total(vec x)
{
  return x[0] + x[1];
}

static inline void vec_totals(vec a, vec b, vec c, vec d, double *out)
{
  out[0] += (double)total(a), out[1] += (double)total(b), out[2] += (double)total(c), out[3] += (double)total(d);
}

#define MN_SKINNY mn_skinny_f64_base
#define MN_SKINNY_TYPE MN_F64
#include "linalg/skinny_body.h"
