#include "matrix_support.h"

#include <math.h>
#include <stdlib.h>

#include "naive.h"
#include "support.h"

matrix matrix_open(size_t n, size_t width, double *a)
{
  matrix m = {.n = n, .a = a};
  assert_int_equal(mn_panels_open(n, width, MN_F32, &m.panels, NULL), MN_OK);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j / m.panels->width * m.panels->width; i < n; i++) {
      float *at = mn_panels_at(m.panels, i, j);
      *at = i < j ? (float)NAN : (float)a[i + j * n];
      if (i >= j) a[i + j * n] = a[j + i * n] = (double)*at;
    }
  return m;
}

void matrix_close(matrix *m)
{
  mn_panels_close(&m->panels);
  free(m->a);
}

matrix matrix_gaussian(size_t n, size_t width, double gamma)
{
  naive_set set = naive_open(n, 5, MN_F64, MN_SCALE_NONE, n);
  mn_kernel kernel = mn_kernel_default(MN_KERNEL_GAUSSIAN);
  kernel.gamma = gamma;
  matrix m = matrix_open(n, width, naive_gram(&kernel, &set, &set, 0));
  naive_close(&set);
  return m;
}

matrix matrix_well_conditioned(size_t n, size_t width)
{
  double *values = malloc(n * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < n; i++) values[i] = 1 + 9 * (double)i / (double)n;
  matrix m = matrix_open(n, width, naive_spectrum(n, values, 3, 3));
  free(values);
  return m;
}

matrix matrix_diagonal(size_t n, size_t width, double (*f)(size_t i))
{
  double *a = calloc(n * n, sizeof *a);
  assert_non_null(a);
  for (size_t i = 0; i < n; i++) a[i * (n + 1)] = f(i);
  return matrix_open(n, width, a);
}

mn_symmetric matrix_read(const matrix *m, int threads, mn_symmetric_kept *kept)
{
  *kept = (mn_symmetric_kept){m->panels, threads};
  return mn_symmetric_of_panels(kept);
}

mn_low_rank *matrix_low_rank(const matrix *m, size_t rank, double ridge, uint64_t seed, int threads)
{
  mn_low_rank *p = NULL;
  mn_error err = {0};
  mn_context ctx = {.threads = threads};
  mn_symmetric_kept kept;
  mn_symmetric k = matrix_read(m, threads, &kept);
  if (mn_low_rank_open(&k, rank, ridge, seed, threads, &ctx, &p, &err)) fail_msg("%s", err.text);
  assert_true(p->n == m->n && p->rank <= rank && p->rank <= m->n);
  return p;
}

double matrix_left_at(const matrix *m, const mn_low_rank *f, double ridge, size_t i, size_t j)
{
  long double sum = (long double)(m->a[i + j * m->n] + (i == j ? ridge : 0));
  for (size_t c = 0; c < f->rank; c++) sum -= (long double)f->f[i + c * f->n] * (long double)f->f[j + c * f->n];
  return (double)sum;
}
