#include "linalg/blas.h"

#include <assert.h>

#include "linalg/lapack.h"
#include "linalg/threads.h"

static int blas_int(size_t value)
{
  assert(value <= MN_BLAS_MAX);
  return (int)value;
}

static void gemm_f64(char ta, char tb, size_t m, size_t n, size_t k, double alpha, const void *a, size_t lda,
                     const void *b, size_t ldb, double beta, void *c, size_t ldc)
{
  int im = blas_int(m), in = blas_int(n), ik = blas_int(k), ia = blas_int(lda), ib = blas_int(ldb), ic = blas_int(ldc);
  int before = mn_threads_blas_begin(1);
  dgemm_(&ta, &tb, &im, &in, &ik, &alpha, a, &ia, b, &ib, &beta, c, &ic, 1, 1);
  mn_threads_blas_end(before);
}

static void gemm_f32(char ta, char tb, size_t m, size_t n, size_t k, double alpha, const void *a, size_t lda,
                     const void *b, size_t ldb, double beta, void *c, size_t ldc)
{
  int im = blas_int(m), in = blas_int(n), ik = blas_int(k), ia = blas_int(lda), ib = blas_int(ldb), ic = blas_int(ldc);
  float falpha = (float)alpha, fbeta = (float)beta;
  int before = mn_threads_blas_begin(1);
  sgemm_(&ta, &tb, &im, &in, &ik, &falpha, a, &ia, b, &ib, &fbeta, c, &ic, 1, 1);
  mn_threads_blas_end(before);
}

static void syrk_f64(size_t n, size_t k, double alpha, const void *a, size_t lda, double beta, void *c, size_t ldc)
{
  int in = blas_int(n), ik = blas_int(k), ia = blas_int(lda), ic = blas_int(ldc);
  int before = mn_threads_blas_begin(1);
  dsyrk_("L", "N", &in, &ik, &alpha, a, &ia, &beta, c, &ic, 1, 1);
  mn_threads_blas_end(before);
}

static void syrk_f32(size_t n, size_t k, double alpha, const void *a, size_t lda, double beta, void *c, size_t ldc)
{
  int in = blas_int(n), ik = blas_int(k), ia = blas_int(lda), ic = blas_int(ldc);
  float falpha = (float)alpha, fbeta = (float)beta;
  int before = mn_threads_blas_begin(1);
  ssyrk_("L", "N", &in, &ik, &falpha, a, &ia, &fbeta, c, &ic, 1, 1);
  mn_threads_blas_end(before);
}

static void trsm_f64(char side, char trans, size_t m, size_t n, const void *a, size_t lda, void *b, size_t ldb)
{
  int im = blas_int(m), in = blas_int(n), ia = blas_int(lda), ib = blas_int(ldb);
  double one = 1;
  int before = mn_threads_blas_begin(1);
  dtrsm_(&side, "L", &trans, "N", &im, &in, &one, a, &ia, b, &ib, 1, 1, 1, 1);
  mn_threads_blas_end(before);
}

static void trsm_f32(char side, char trans, size_t m, size_t n, const void *a, size_t lda, void *b, size_t ldb)
{
  int im = blas_int(m), in = blas_int(n), ia = blas_int(lda), ib = blas_int(ldb);
  float one = 1;
  int before = mn_threads_blas_begin(1);
  strsm_(&side, "L", &trans, "N", &im, &in, &one, a, &ia, b, &ib, 1, 1, 1, 1);
  mn_threads_blas_end(before);
}

static size_t potrf_f64(size_t n, void *a, size_t lda)
{
  int in = blas_int(n), ia = blas_int(lda), info;
  int before = mn_threads_blas_begin(1);
  dpotrf_("L", &in, a, &ia, &info, 1);
  mn_threads_blas_end(before);
  assert(info >= 0);
  return (size_t)info;
}

static size_t potrf_f32(size_t n, void *a, size_t lda)
{
  int in = blas_int(n), ia = blas_int(lda), info;
  int before = mn_threads_blas_begin(1);
  spotrf_("L", &in, a, &ia, &info, 1);
  mn_threads_blas_end(before);
  assert(info >= 0);
  return (size_t)info;
}

const mn_blas *mn_blas_of(mn_dtype type)
{
  static const mn_blas rows[] = {
      {MN_F32, 4, 0x1p-24, gemm_f32, syrk_f32, trsm_f32, potrf_f32},
      {MN_F64, 8, 0x1p-53, gemm_f64, syrk_f64, trsm_f64, potrf_f64},
  };
  return &rows[type == MN_F64];
}
