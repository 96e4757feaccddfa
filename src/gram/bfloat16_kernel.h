/* The inmost loop of the products of bfloat16 numbers: a panel of samples with a few of another. */
#ifndef MN_GRAM_BFLOAT16_KERNEL_H
#define MN_GRAM_BFLOAT16_KERNEL_H

#include "gram/bfloat16.h"

enum { MN_BFLOAT16_COLUMNS = 8 }; /* of b, a divisor of a panel's samples */

/* out (a panel x MN_BFLOAT16_COLUMNS, leading dimension ld) = or +=; a: `cells` cells of a panel, b: as many, from the
 * first of its samples on. Where mn_bfloat16_multiplies() says so. */
void mn_bfloat16_kernel(size_t cells, const uint32_t *a, const uint32_t *b, int add, float *out, size_t ld);

#endif
