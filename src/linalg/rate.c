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

/* Until the time is over; returns the flops done. */
static double work_until(void (*work)(const void *arg, void *mine), const void *arg, void *mine, double flops,
                         double end_s)
{
  double done = 0;
  for (; mn_clock_s() < end_s; done += flops) work(arg, mine);
  return done;
}

double mn_rate_of(void (*work)(const void *arg, void *mine), const void *arg, void *space, size_t each, double flops,
                  double seconds, int threads)
{
  double rate = 0;
#pragma omp parallel num_threads(threads) reduction(+ : rate)
  { /* whatever number of threads there really is: each adds its own rate over the same span */
    char *mine = (char *)space + (size_t)omp_get_thread_num() * each;
    work_until(work, arg, mine, flops, mn_clock_s() + 0.2 * seconds);
    double begin_s = mn_clock_s(), done = work_until(work, arg, mine, flops, begin_s + 0.8 * seconds);
    rate += done / (mn_clock_s() - begin_s);
  }
  return rate * 1e-9;
}

typedef struct {
  const mn_blas *blas;
  size_t order;
} square;

/* C <- A B', A, B and C one after the other. */
static void multiply(const void *arg, void *mine)
{
  const square *s = arg;
  const size_t n = s->order, elements = n * n * s->blas->size;
  char *a = mine;
  s->blas->gemm('N', 'T', n, n, n, 1, a, n, a + elements, n, 0, a + 2 * elements, n);
}

mn_status mn_gemm_rate(mn_dtype type, size_t order, double seconds, int threads, double *gflops, mn_error *err)
{
  const square s = {mn_blas_of(type), order};
  size_t each = 3 * order * order, total = each * (size_t)threads;
  void *space = mn_alloc_matrix(total, s.blas->size);
  if (!space) return MN_NO_MEMORY(err, total * s.blas->size);
  fill_elements(type, total, space);
  *gflops = mn_rate_of(multiply, &s, space, each * s.blas->size, 2 * pow((double)order, 3), seconds, threads);
  mn_free(space);
  return MN_OK;
}
