/* Products of a tile with a few vectors, which read the tile once: what conjugate gradients spend their time on.
 *
 * A tile T is m x n, column-major. The vectors are the columns of matrices of few columns, column-major, in the tile's
 * precision; the results are doubles in either precision. In single precision, sums of at most MN_SKINNY_SPAN products
 * one after the other are in single precision, and everything above them is in double: the error of a sum is at most
 * (MN_SKINNY_SPAN + 8) 2^-24 times the sum of the magnitudes of its terms, however large the matrix. In single
 * precision throughout the factor would be (order of the matrix) 2^-24, 6e-3 for 100,000; the doubles cost one
 * conversion and addition to MN_SKINNY_SPAN products.
 *
 * Own kernels rather than two gemm calls a tile, T v and T' v: with 10 vectors those take 2.7 (single precision) to
 * 3.5 times as long (OpenBLAS 0.3.21 with its kernels for AVX2, against ours for AVX-512; 1.5 to 2 times against ours
 * for AVX2). */
#ifndef MN_LINALG_SKINNY_H
#define MN_LINALG_SKINNY_H

#include <stddef.h>

#include "core/cpu.h"
#include "minnorm/types.h"

enum { MN_SKINNY_SPAN = 128 };

/* One row a precision and instruction set. v and out have leading dimensions ldv and ldo; results are added to. */
typedef struct {
  mn_dtype type; /* of the tile and of v */
  /* out_rows (m x columns) += T v_cols and out_cols (n x columns) += T' v_rows; the two results do not overlap */
  void (*both)(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v_rows, const void *v_cols,
               size_t ldv, double *out_rows, double *out_cols, size_t ldo);
  /* out (m x columns) += T v, v n x columns */
  void (*times)(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv, double *out,
                size_t ldo);
  /* out (n x columns) += T' v, v m x columns */
  void (*transposed)(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv,
                     double *out, size_t ldo);
  /* out (n x columns) += S v for the symmetric S (n x n) with the lower triangle of T; the upper one is never read */
  void (*symmetric)(size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv, double *out,
                    size_t ldo);
} mn_skinny;

extern const mn_skinny mn_skinny_f32_base, mn_skinny_f64_base;
#if MN_X86_LEVELS
extern const mn_skinny mn_skinny_f32_avx2, mn_skinny_f64_avx2;
extern const mn_skinny mn_skinny_f32_avx512, mn_skinny_f64_avx512;
#endif

/* By gemm, as fast with 50 vectors (tiles of 512 x 512, 310 of them: 44 Gflop/s a thread against 29 of AVX-512). In
 * single precision its sums are of at most MN_SKINNY_GEMM_SPAN products before they are added to doubles. */
extern const mn_skinny mn_skinny_f32_gemm, mn_skinny_f64_gemm;
enum { MN_SKINNY_GEMM_FROM = 64, MN_SKINNY_GEMM_SPAN = 512 };

/* The row of MN_F32 or MN_F64 for a level, NULL when this program or processor cannot run it; the best one for a few
 * vectors; and for so many. */
const mn_skinny *mn_skinny_at(mn_dtype type, mn_cpu_level level);
const mn_skinny *mn_skinny_best(mn_dtype type);
const mn_skinny *mn_skinny_for(mn_dtype type, size_t columns);

#endif
