/* The products of skinny.h for many vectors in double precision, of which gemm makes more than our kernels do: each
 * value of a tile is used often enough to be packed. */
#include "linalg/blas.h"
#include "linalg/skinny.h"

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
