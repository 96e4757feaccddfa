#include "linalg/rate.h"

#include <math.h>
#include <omp.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "linalg/blas.h"

/* Values whose products neither overflow nor become denormal. */
static void fill_elements(mn_dtype type, size_t count, void *a)
{
  for (size_t i = 0; i < count; i++) {
    double value = 1e-3 * (double)(i % 13 + 1);
    if (type == MN_F64)
      ((double *)a)[i] = value;
    else
      ((float *)a)[i] = (float)value;
  }
}

/* C <- A B' until the time is over, A, B and C one after the other at `a`; returns the flops done. */
static double gemm_until(const mn_blas *blas, size_t order, double end_s, char *a)
{
  const size_t square = order * order * blas->size;
  double flops = 0, each = 2 * pow((double)order, 3);
  while (mn_clock_s() < end_s) {
    blas->gemm('N', 'T', order, order, order, 1, a, order, a + square, order, 0, a + 2 * square, order);
    flops += each;
  }
  return flops;
}

mn_status mn_gemm_rate(mn_dtype type, size_t order, double seconds, int threads, double *gflops, mn_error *err)
{
  const mn_blas *blas = mn_blas_of(type);
  size_t each = 3 * order * order, total = each * (size_t)threads;
  char *space = mn_alloc_matrix(total, blas->size);
  if (!space) return MN_NO_MEMORY(err, total * blas->size);
  fill_elements(type, total, space);
  double rate = 0;
#pragma omp parallel num_threads(threads) reduction(+ : rate)
  { /* whatever number of threads there really is: each adds its own rate over the same span */
    char *mine = space + (size_t)omp_get_thread_num() * each * blas->size;
    gemm_until(blas, order, mn_clock_s() + 0.2 * seconds, mine);
    double begin_s = mn_clock_s(), flops = gemm_until(blas, order, begin_s + 0.8 * seconds, mine);
    rate += flops / (mn_clock_s() - begin_s);
  }
  mn_free(space);
  *gflops = rate * 1e-9;
  return MN_OK;
}
