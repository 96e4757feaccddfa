/* Vectors into single precision. */
#ifndef MN_LINALG_NARROW_H
#define MN_LINALG_NARROW_H

#include <stddef.h>

/* v (n x columns, column-major) = out times the scales of its columns, to fp32 rounding: each column's largest
 * magnitude becomes 1, so that products in fp32 neither over- nor underflow. A column of zeros has the scale 1. */
void mn_narrow(size_t n, size_t columns, const double *v, float *out, double *scale);

#endif
