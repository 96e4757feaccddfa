/* What the tests of the 2n + d network share: data, networks, and naive twins in 113 bits, written from the arrays that
 * are saved, as somebody who reads the files would. */
#ifndef MN_TESTS_NETWORK_SUPPORT_H
#define MN_TESTS_NETWORK_SUPPORT_H

#include <float.h>

#include "expressivity/network.h"
#include "support.h"

#if LDBL_MANT_DIG >= 113
typedef long double quad;
#else
typedef __float128 quad;
#endif

static inline quad quad_abs(quad x)
{
  return x < 0 ? -x : x;
}

/* Bytes are uniform, floats normal; one column: labels 0 ... 9 at random, more: normal targets. */
mn_data *network_data(size_t n, size_t dim, mn_dtype type, size_t columns, uint64_t seed);

/* Doubles as they are, one column of targets. */
mn_data *network_data_of(size_t n, size_t dim, const double *x, const double *y);

/* Element j of sample i. */
double network_feature(const mn_data *data, size_t i, size_t j);

/* Defaults but for a depth, 5 candidates and no improvement. */
mn_network_options network_options(int depth);

/* Builds with two threads; a failure fails the test. */
mn_network *network_open(const mn_data *data, const mn_network_options *options);

/* The call fails with this status and a text that has `text` in it; nothing stays in memory. */
void network_refused(const mn_data *data, const mn_network_options *options, mn_status status, const char *text);

/* a.x, and sum |a_j x_j|. */
quad network_dot(const mn_data *data, size_t i, const double *a, quad *size);

/* The k-th smallest projection of the distinct points, hi + lo. */
quad network_point(const mn_network *network, size_t k);

/* C of an output at sample i, layer by layer from the arrays. `size` (may be NULL): sum of the magnitudes of all that
 * was added on the way, with sum |a_j x_j| in the place of z: what rounding errors of a plain evaluation scale with. */
quad network_value(const mn_network *network, const mn_data *data, size_t i, size_t output, quad *size);

/* Allowed error at the k-th point: w there is rounded from a quotient of rounded numbers, 3 u of w times its distance
 * from the kink; the double-double sums before it add 20 u^2 a step of the terms
 * that they carried. */
double network_tolerance(const mn_network *network, size_t k, size_t output);

#endif
