/* A Gram matrix made when it is read: columns, elements and panels against the formulas, around the width of a panel
 * and for every type of sample; a preconditioner of it and of the matrix kept; failing allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "gram/gram.h"
#include "linalg/preconditioner.h"
#include "linalg/threads.h"
#include "naive.h"
#include "solve/made_gram.h"
#include "support.h"

enum { DIM = 5, BLOCK = MN_LOW_RANK_BLOCK };

typedef struct {
  naive_set set;
  mn_kernel kernel;
  double *k; /* n x n */
  mn_made_gram *made;
  mn_symmetric read;
} source;

static source open_source(size_t n, mn_dtype type, mn_scale scale, mn_kernel_name name)
{
  source s = {.set = naive_open(n, DIM, type, scale, n), .kernel = mn_kernel_default(name)};
  s.kernel.gamma = type == MN_U8 && scale == MN_SCALE_NONE ? 1e-5 : 0.3;
  s.k = naive_gram(&s.kernel, &s.set, &s.set, 0);
  return s;
}

/* Once s has its place: what is opened points into it. */
static void open_made(source *s, int threads)
{
  mn_error err = {0};
  if (mn_made_gram_open(&s->set.samples, &s->kernel, threads, &s->made, &err)) fail_msg("%s", err.text);
  s->read = mn_symmetric_of_gram(s->made);
  assert_int_equal(s->read.n, s->set.n);
}

static void close_source(source *s)
{
  mn_made_gram_close(&s->made);
  assert_null(s->made);
  naive_close(&s->set);
  free(s->k);
}

/* fp32 rounding of what a pass in fp64 gives, or, in panels, of a pass in fp32. */
static void check_element(const source *s, size_t i, size_t j, double had, double tolerance)
{
  double wanted = s->k[i + j * s->set.n];
  if (!(fabs(had - wanted) <= tolerance)) fail_msg("(%zu, %zu): %.9g, not %.9g", i, j, had, wanted);
}

static void check_columns(const source *s, size_t count, const size_t *which)
{
  size_t n = s->set.n;
  float *out = malloc((n * count + 1) * sizeof *out);
  out[n * count] = 42;
  assert_int_equal(s->read.columns(s->read.arg, count, which, out, NULL), MN_OK);
  for (size_t c = 0; c < count; c++)
    for (size_t i = 0; i < n; i++) check_element(s, i, which[c], (double)out[i + c * n], 1e-7);
  assert_true(out[n * count] == 42);
  free(out);
}

static void check_elements(const source *s)
{
  enum { COUNT = 100 };
  size_t i[COUNT], j[COUNT];
  float out[COUNT];
  for (size_t e = 0; e < COUNT; e++) i[e] = e * 37 % s->set.n, j[e] = e * 91 % s->set.n;
  assert_int_equal(s->read.elements(s->read.arg, COUNT, i, j, out, NULL), MN_OK);
  for (size_t e = 0; e < COUNT; e++) check_element(s, i[e], j[e], (double)out[e], 1e-7);
}

/* In any order, and each one twice: one at a time has memory. */
static void check_panels(const source *s)
{
  size_t columns = 0;
  for (size_t turn = 0; turn < 2 * s->read.panels; turn++) {
    size_t p = turn < s->read.panels ? s->read.panels - 1 - turn : turn - s->read.panels;
    const mn_panels *out = NULL;
    assert_int_equal(s->read.panel(s->read.arg, p, &out, NULL), MN_OK);
    assert_true(out->n == s->set.n && out->type == MN_F32 && out->count == s->read.panels);
    for (size_t q = 0; q < out->count; q++) assert_true((out->panel[q].p != NULL) == (q == p));
    for (size_t j = p * out->width; j < p * out->width + mn_panels_rows(out, p); j++, columns++)
      for (size_t i = j; i < out->n; i++) check_element(s, i, j, (double)*(const float *)mn_panels_at(out, i, j), 2e-6);
  }
  assert_int_equal(columns, 2 * s->set.n);
}

static void every_part_is_the_matrix(void **state)
{
  (void)state;
  const size_t orders[] = {1, 2, 40, 512, 513, 600};
  for (size_t o = 0; o < sizeof orders / sizeof *orders; o++)
    for (int threads = 1; threads <= 3; threads += 2) {
      size_t n = orders[o], which[BLOCK];
      source s = open_source(n, MN_F64, MN_SCALE_NONE, MN_KERNEL_GAUSSIAN);
      open_made(&s, threads);
      for (size_t k = 0; k < BLOCK; k++) which[k] = (k * 7 + 3) % n; /* in any order, the same one again as well */
      check_columns(&s, 1, which);
      check_columns(&s, n < BLOCK ? n : BLOCK, which);
      check_elements(&s);
      check_panels(&s);
      close_source(&s);
    }
}

static void every_type_scaling_and_kernel(void **state)
{
  (void)state;
  const mn_scale scales[] = {MN_SCALE_NONE, MN_SCALE_UNIT, MN_SCALE_STANDARD};
  const mn_kernel_name names[] = {MN_KERNEL_GAUSSIAN, MN_KERNEL_LAPLACIAN, MN_KERNEL_MATERN52};
  const size_t which[] = {3, 0, 39, 20};
  for (int type = MN_U8; type <= MN_F64; type++)
    for (size_t scale = 0; scale < 3; scale++)
      for (size_t k = 0; k < 3; k++) {
        source s = open_source(40, (mn_dtype)type, scales[scale], names[k]);
        open_made(&s, 2);
        check_columns(&s, 4, which);
        check_elements(&s);
        check_panels(&s);
        close_source(&s);
      }
}

/* The same pivots, and the same inverse but for rounding, as of the matrix kept in panels. */
static void a_preconditioner_is_that_of_the_matrix_kept(void **state)
{
  (void)state;
  enum { N = 600, RANK = 80 };
  source s = open_source(N, MN_F64, MN_SCALE_NONE, MN_KERNEL_GAUSSIAN);
  mn_preconditioner *made, *kept;
  mn_panels *panels;
  open_made(&s, 2);
  assert_int_equal(mn_panels_open(N, 128, MN_F32, &panels, NULL), MN_OK);
  assert_int_equal(mn_gram_fill(&s.set.samples, &s.kernel, 0, 2, NULL, panels, NULL), MN_OK);
  mn_symmetric_kept held = {panels, 2};
  mn_symmetric k = mn_symmetric_of_panels(&held);
  assert_int_equal(mn_preconditioner_open(&k, RANK, 4, 0.1, 1, 2, NULL, &kept, NULL), MN_OK);
  assert_int_equal(mn_preconditioner_open(&s.read, RANK, 4, 0.1, 1, 2, NULL, &made, NULL), MN_OK);
  assert_memory_equal(made->f->pivots, kept->f->pivots, RANK * sizeof *made->f->pivots);
  double *v = naive_normals(2 * N, 5), *x = malloc(2 * N * sizeof *x), *y = malloc(2 * N * sizeof *y);
  assert_int_equal(mn_preconditioner_solve(made, 2, 2, v, x, NULL), MN_OK);
  assert_int_equal(mn_preconditioner_solve(kept, 2, 2, v, y, NULL), MN_OK);
  assert_true(naive_relative(2 * N, x, y) <= 1e-3);
  free(v), free(x), free(y);
  mn_preconditioner_close(&made), mn_preconditioner_close(&kept);
  mn_panels_close(&panels);
  close_source(&s);
}

/* A copy of the samples for a block of columns, the panel, and what the passes take: no less than the matrix's column.
 */
static void bytes_grow_with_the_samples(void **state)
{
  (void)state;
  double last = 0;
  for (size_t n = 1; n <= 100000; n *= 10) {
    naive_set set = naive_open(1, DIM, MN_F64, MN_SCALE_NONE, 1);
    mn_samples samples = set.samples;
    samples.n = n;
    double bytes = mn_made_gram_bytes(&samples, 2);
    assert_true(bytes > last && bytes >= (double)n * (double)(n < 512 ? n : 512) * sizeof(float));
    last = bytes;
    naive_close(&set);
  }
}

/* ---- failing */

static mn_status read_all(void *arg, mn_error *err)
{
  const source *s = arg;
  const size_t which[] = {0, 3};
  float out[80];
  const mn_panels *panels;
  mn_made_gram *made;
  mn_status st = mn_made_gram_open(&s->set.samples, &s->kernel, 2, &made, err);
  if (st) return st;
  mn_symmetric k = mn_symmetric_of_gram(made);
  if (!st) st = k.columns(k.arg, 2, which, out, err);
  if (!st) st = k.elements(k.arg, 2, which, which, out, err);
  if (!st) st = k.panel(k.arg, 0, &panels, err);
  mn_made_gram_close(&made);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  source s = open_source(40, MN_U8, MN_SCALE_UNIT, MN_KERNEL_GAUSSIAN);
  mn_test_every_allocation(read_all, &s);
  mn_made_gram_close(&s.made); /* NULL is fine */
  close_source(&s);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_part_is_the_matrix),
      cmocka_unit_test(every_type_scaling_and_kernel),
      cmocka_unit_test(a_preconditioner_is_that_of_the_matrix_kept),
      cmocka_unit_test(bytes_grow_with_the_samples),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("made gram", tests, NULL, NULL);
}
