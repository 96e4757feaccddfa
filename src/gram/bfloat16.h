/* Inner products of bfloat16 numbers, floats whose lower 16 bits are zero, by the instruction for them: two products a
 * lane, summed in single precision: on an AMD Zen 5, of tiles in the cache, 2.4 times the rate of sgemm.
 *
 * Samples are packed into panels of MN_BFLOAT16_PANEL: for every pair of features one 32-bit cell a sample, the cells
 * of a panel's samples next to each other, features and samples padded with zeros. */
#ifndef MN_GRAM_BFLOAT16_H
#define MN_GRAM_BFLOAT16_H

#include <stddef.h>
#include <stdint.h>

enum { MN_BFLOAT16_PANEL = 32 };

/* Rounds to the nearest bfloat16, ties to even; not-a-numbers and infinities stay what they are. */
void mn_bfloat16_round(size_t count, float *x);

/* Whether this program and processor have the instruction. If not, gemm is for the same numbers. */
int mn_bfloat16_multiplies(void);

/* Cells that n samples of `count` features take, whole panels. */
size_t mn_bfloat16_cells(size_t n, size_t count);

/* Packs n samples (x: n x count, row-major, leading dimension ld) of bfloat16 numbers. */
void mn_bfloat16_pack(size_t n, size_t count, const float *x, size_t ld, int threads, uint32_t *out);

/* out[i + j ld] = or += the product of samples i < m of a and j < n of b, both packed with `count` features, from their
 * first panels on. Of the calling thread alone. */
void mn_bfloat16_multiply(size_t m, size_t n, size_t count, const uint32_t *a, const uint32_t *b, int add, float *out,
                          size_t ld);

#endif
