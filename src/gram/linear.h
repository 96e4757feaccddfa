/* Products with the sample matrix X itself (n x dim), streamed in blocks of rows: the linear model's passes. */
#ifndef MN_GRAM_LINEAR_H
#define MN_GRAM_LINEAR_H

#include "minnorm/samples.h"

/* out (n x columns, ld n) = X w, w dim x columns. */
mn_status mn_linear_multiply(const mn_samples *samples, int threads, size_t columns, const double *w, double *out,
                             mn_error *err);

/* out (dim x columns) = X' v, v n x columns, ld n. The order of summation depends on the number of threads. */
mn_status mn_linear_transposed(const mn_samples *samples, int threads, size_t columns, const double *v, double *out,
                               mn_error *err);

/* Bytes that the larger of the two allocates while it runs. */
double mn_linear_bytes(const mn_samples *samples, size_t columns, int threads);

#endif
