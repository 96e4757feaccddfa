#include "linalg/narrow.h"

#include <math.h>

void mn_narrow(size_t n, size_t columns, const double *v, float *out, double *scale)
{
  for (size_t c = 0; c < columns; c++) {
    const double *from = v + c * n;
    double most = 0;
#pragma omp simd reduction(max : most)
    for (size_t i = 0; i < n; i++) most = fabs(from[i]) > most ? fabs(from[i]) : most;
    scale[c] = most > 0 ? most : 1;
    for (size_t i = 0; i < n; i++) out[i + c * n] = (float)(from[i] / scale[c]);
  }
}
