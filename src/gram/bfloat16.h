/* Inner products of bfloat16 numbers, floats whose lower 16 bits are zero, by the instructions for them, summed in
 * single precision: AVX-512's, two products a lane (on an AMD Zen 5, of tiles in the cache, 2.4 times the rate of
 * sgemm), or AMX's, of whole tiles (on an Intel Xeon with AMX, 7 times).
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

typedef struct mn_bfloat16_level mn_bfloat16_level; /* an instruction set */

/* Level 0, 1, ...: NULL when the processor, the system or this program do not have it. */
enum { MN_BFLOAT16_LEVELS = 2 };
const mn_bfloat16_level *mn_bfloat16_level_at(int level);

/* The fastest; NULL: none, gemm is for the same numbers. */
const mn_bfloat16_level *mn_bfloat16_best(void);

/* Cells that n samples of `count` features take, whole panels. */
size_t mn_bfloat16_cells(size_t n, size_t count);

/* Packs n samples (x: n x count, row-major, leading dimension ld) of bfloat16 numbers. */
void mn_bfloat16_pack(size_t n, size_t count, const float *x, size_t ld, int threads, uint32_t *out);

/* out[i + j ld] = or += the product of samples i < m of a and j < n of b, both packed with `count` features, from their
 * first panels on. Of the calling thread alone. */
void mn_bfloat16_multiply(const mn_bfloat16_level *level, size_t m, size_t n, size_t count, const uint32_t *a,
                          const uint32_t *b, int add, float *out, size_t ld);

#endif
