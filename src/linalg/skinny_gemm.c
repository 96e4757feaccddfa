/* The products of skinny.h for many vectors, of which gemm makes more than our kernels do: each value of a tile is used
 * often enough to be packed. */
#include "linalg/blas.h"
#include "linalg/skinny.h"

/* ---- double precision */

static void add(char trans, size_t m, size_t n, size_t k, const void *t, size_t ld, const void *v, size_t ldv,
                double *out, size_t ldo)
{
  if (m && n && k) mn_blas_of(MN_F64)->gemm(trans, 'N', m, n, k, 1, t, ld, v, ldv, 1, out, ldo);
}

static void times(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv, double *out,
                  size_t ldo)
{
  add('N', m, columns, n, t, ld, v, ldv, out, ldo);
}

static void transposed(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv,
                       double *out, size_t ldo)
{
  add('T', n, columns, m, t, ld, v, ldv, out, ldo);
}

static void both(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v_rows, const void *v_cols,
                 size_t ldv, double *out_rows, double *out_cols, size_t ldo)
{
  times(m, n, t, ld, columns, v_cols, ldv, out_rows, ldo);
  transposed(m, n, t, ld, columns, v_rows, ldv, out_cols, ldo);
}

/* Tiles on the diagonal are few. */
static void symmetric(size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv, double *out,
                      size_t ldo)
{
  mn_skinny_best(MN_F64)->symmetric(n, t, ld, columns, v, ldv, out, ldo);
}

const mn_skinny mn_skinny_f64_gemm = {MN_F64, both, times, transposed, symmetric};

/* ---- single precision, in blocks whose sums are added up in double */

enum { BLOCK = MN_SKINNY_GEMM_SPAN, SLAB = 160 }; /* rows and terms, columns of a block: 320 KiB of the stack */

static void widen(size_t m, size_t columns, const float *part, double *out, size_t ldo)
{
  for (size_t c = 0; c < columns; c++)
    for (size_t i = 0; i < m; i++) out[i + c * ldo] += (double)part[i + c * m];
}

static size_t at_most(size_t most, size_t n)
{
  return n < most ? n : most;
}

/* out (m x columns) += T v or T' v, of k terms each. */
static void add32(char trans, size_t m, size_t columns, size_t k, const float *t, size_t ld, const float *v, size_t ldv,
                  double *out, size_t ldo)
{
  float part[BLOCK * SLAB];
  size_t slabs = (columns + SLAB - 1) / SLAB, even = slabs ? (columns + slabs - 1) / slabs : 1;
  for (size_t i = 0; i < m; i += BLOCK)
    for (size_t l = 0; l < k; l += BLOCK)
      for (size_t c = 0; c < columns; c += even) {
        const float *block = trans == 'N' ? t + i + l * ld : t + l + i * ld;
        size_t rows = at_most(BLOCK, m - i), slab = at_most(even, columns - c);
        mn_blas_of(MN_F32)->gemm(trans, 'N', rows, slab, at_most(BLOCK, k - l), 1, block, ld, v + l + c * ldv, ldv, 0,
                                 part, rows);
        widen(rows, slab, part, out + i + c * ldo, ldo);
      }
}

static void times32(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv,
                    double *out, size_t ldo)
{
  add32('N', m, columns, n, t, ld, v, ldv, out, ldo);
}

static void transposed32(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv,
                         double *out, size_t ldo)
{
  add32('T', n, columns, m, t, ld, v, ldv, out, ldo);
}

static void both32(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v_rows, const void *v_cols,
                   size_t ldv, double *out_rows, double *out_cols, size_t ldo)
{
  times32(m, n, t, ld, columns, v_cols, ldv, out_rows, ldo);
  transposed32(m, n, t, ld, columns, v_rows, ldv, out_cols, ldo);
}

static void symmetric32(size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv, double *out,
                        size_t ldo)
{
  mn_skinny_best(MN_F32)->symmetric(n, t, ld, columns, v, ldv, out, ldo);
}

const mn_skinny mn_skinny_f32_gemm = {MN_F32, both32, times32, transposed32, symmetric32};
