/* The solvers that hold the full matrix: LU for any matrix, the eigendecomposition for singular ones. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/kernels.h"
#include "linalg/blas.h"
#include "linalg/dense.h"
#include "solve/system.h"

enum { WIDTH = 512 };

typedef struct {
  double *a;      /* n x n: L and U, or the eigenvectors */
  int *pivots;    /* LU */
  double *bare;   /* eigen: n, ascending: of K without the ridge */
  double *values; /* eigen: with it; 0 where a value counts as zero */
} dense;

static double held_bytes(const mn_system *s)
{
  return (double)s->samples.n * (double)s->samples.n * sizeof(double);
}

static double lu_peak_bytes(const mn_system *s)
{
  return held_bytes(s) + mn_gram_fill_bytes(&s->samples, WIDTH, MN_F64, s->threads);
}

static double eigen_peak_bytes(const mn_system *s)
{
  return fmax(lu_peak_bytes(s), held_bytes(s) + (double)mn_eigen_workspace_bytes(s->samples.n));
}

static double lu_flops(const mn_system *s)
{
  return 2 * pow((double)s->samples.n, 3) / 3;
}

/* Tridiagonal reduction 4/3, divide and conquer at most 8/3, back-transformation 2: LAPACK Working Note 41. */
static double eigen_flops(const mn_system *s)
{
  return 6 * pow((double)s->samples.n, 3);
}

/* The full matrix, with a ridge, and its 1-norm. */
static mn_status fill(mn_system *s, dense *d, double ridge, double *norm1, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  mn_panels *window = NULL;
  if (!(d->a = mn_alloc_matrix(n * n, sizeof *d->a))) return MN_NO_MEMORY(err, n * n * sizeof *d->a);
  double begin_s = mn_clock_s();
  mn_memory_populate(d->a, n * n * sizeof *d->a, s->threads);
  s->report.allocate_s = mn_clock_s() - begin_s;
  mn_status st = mn_panels_wrap(d->a, n, n, WIDTH, MN_F64, &window, err);
  if (st) return st;
  begin_s = mn_clock_s();
  st = mn_gram_fill(&s->samples, &s->kernel, ridge, s->threads, ctx, window, err);
  mn_system_note_gram(s, begin_s);
  if (!st) st = mn_panels_norm1(window, s->threads, norm1, err);
  if (!st) st = mn_system_check_norm(*norm1, err);
  mn_panels_close(&window);
  return st;
}

static mn_status open_state(mn_system *s, dense **out, mn_error *err)
{
  *out = s->state = mn_calloc(1, sizeof **out);
  return *out ? MN_OK : MN_NO_MEMORY(err, sizeof **out);
}

static void note_factor(mn_system *s, double begin_s)
{
  s->report.factor_s = mn_clock_s() - begin_s;
  s->report.factor_gflops = s->row->flops(s) / s->report.factor_s * 1e-9;
}

static mn_status lu_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  dense *d;
  double norm1;
  mn_status st = open_state(s, &d, err);
  if (st) return st;
  if (!(d->pivots = mn_alloc(n, sizeof *d->pivots))) return MN_NO_MEMORY(err, n * sizeof *d->pivots);
  if ((st = fill(s, d, s->options.ridge, &norm1, ctx, err))) return st;
  double begin_s = mn_clock_s();
  mn_dense_mirror(n, d->a, s->threads);
  if ((st = mn_lu_factor(n, d->a, d->pivots, s->threads, err))) return st;
  note_factor(s, begin_s);
  return mn_lu_rcond(n, d->a, norm1, &s->report.rcond, err);
}

static mn_status lu_apply(const mn_system *s, size_t columns, double *b, mn_error *err)
{
  const dense *d = s->state;
  return mn_lu_solve(s->samples.n, d->a, d->pivots, columns, b, s->threads, err);
}

/* Sets to zero the eigenvalues that count as such, and reports what is left. A semidefinite matrix has negative ones by
 * rounding only; the largest of them shows how large that rounding is, and what lies below it is noise. */
static void cut_spectrum(mn_system *s, double *values)
{
  size_t n = s->samples.n, rank = 0;
  double tolerance = s->options.rank_tolerance > 0 ? s->options.rank_tolerance : (double)n * 0x1p-52;
  double largest = fmax(fabs(values[0]), fabs(values[n - 1])), least = largest;
  if (mn_kernel_semidefinite(&s->kernel) && -values[0] > tolerance * largest) tolerance = -values[0] / largest;
  for (size_t i = 0; i < n; i++) {
    if (fabs(values[i]) <= tolerance * largest) {
      values[i] = 0;
      continue;
    }
    rank++;
    least = fmin(least, fabs(values[i]));
  }
  s->report.rank = rank;
  s->report.rank_tolerance = tolerance;
  s->report.rcond = rank == n && largest > 0 ? least / largest : 0;
}

/* From the values without a ridge, which a large ridge before would have rounded. */
static void eigen_take_ridge(mn_system *s)
{
  const dense *d = s->state;
  for (size_t i = 0; i < s->samples.n; i++) d->values[i] = d->bare[i] + s->options.ridge;
  cut_spectrum(s, d->values);
}

static mn_status eigen_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  dense *d;
  double norm1;
  mn_status st = open_state(s, &d, err);
  if (st) return st;
  d->values = mn_alloc(n, sizeof *d->values);
  d->bare = mn_alloc(n, sizeof *d->bare);
  if (!d->values || !d->bare) return MN_NO_MEMORY(err, 2 * n * sizeof *d->values);
  if ((st = fill(s, d, 0, &norm1, ctx, err))) return st;
  double begin_s = mn_clock_s();
  if ((st = mn_eigen_factor(n, d->a, d->bare, s->threads, err))) return st;
  s->report.factor_s = mn_clock_s() - begin_s; /* no rate: how many flops it took depends on deflation */
  eigen_take_ridge(s);
  return MN_OK;
}

/* b <- V diag(1 / value, or 0) V' b */
static mn_status eigen_apply(const mn_system *s, size_t columns, double *b, mn_error *err)
{
  const dense *d = s->state;
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t n = s->samples.n;
  double *c = mn_alloc(n * columns, sizeof *c);
  if (!c) return MN_NO_MEMORY(err, n * columns * sizeof *c);
  blas->gemm('T', 'N', n, columns, n, 1, d->a, n, b, n, 0, c, n);
  for (size_t j = 0; j < columns; j++)
    for (size_t i = 0; i < n; i++) c[i + j * n] = d->values[i] != 0 ? c[i + j * n] / d->values[i] : 0;
  blas->gemm('N', 'N', n, columns, n, 1, d->a, n, c, n, 0, b, n);
  mn_free(c);
  return MN_OK;
}

/* Columns of the identity solved for at a time. */
enum { INVERSE_BLOCK = 128 };

static mn_status lu_influence(const mn_system *s, const mn_context *ctx, mn_influence *out, mn_error *err)
{
  const dense *d = s->state;
  size_t n = s->samples.n;
  mn_meter meter;
  mn_status st = MN_OK;
  double *b = mn_alloc_matrix(n * INVERSE_BLOCK, sizeof *b);
  if (!b) return MN_NO_MEMORY(err, n * INVERSE_BLOCK * sizeof *b);
  mn_meter_open(&meter, ctx, "leave-one-out", (double)n, "sample");
  for (size_t first = 0; !st && first < n && !mn_meter_cancelled(&meter); first += INVERSE_BLOCK) {
    size_t columns = n - first < INVERSE_BLOCK ? n - first : INVERSE_BLOCK;
    memset(b, 0, n * columns * sizeof *b);
    for (size_t c = 0; c < columns; c++) b[first + c + c * n] = 1;
    st = mn_lu_solve(n, d->a, d->pivots, columns, b, s->threads, err);
    for (size_t c = 0; c < columns; c++) out->inverse[first + c] = b[first + c + c * n];
    mn_meter_add(&meter, (double)columns);
  }
  mn_free(b);
  return st ? st : mn_meter_close(&meter, err);
}

static double lu_influence_bytes(const mn_system *s)
{
  return (double)s->samples.n * INVERSE_BLOCK * sizeof(double);
}

static double lu_influence_flops(const mn_system *s)
{
  return 2 * pow((double)s->samples.n, 3);
}

/* sum_k v_ik^2 / value_k over the values that count, and sum_k v_ik^2 over the others. */
static mn_status eigen_influence(const mn_system *s, const mn_context *ctx, mn_influence *out, mn_error *err)
{
  const dense *d = s->state;
  size_t n = s->samples.n;
  const size_t block = 256;
  (void)ctx, (void)err; /* one pass over V */
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (size_t first = 0; first < n; first += block) {
    size_t end = first + block < n ? first + block : n;
    for (size_t i = first; i < end; i++) out->inverse[i] = 0;
    for (size_t k = 0; k < n; k++) {
      const double *v = d->a + k * n, value = d->values[k];
      double *sums = value != 0 ? out->inverse : out->defect, factor = value != 0 ? 1 / value : 1;
      for (size_t i = first; i < end; i++) sums[i] += factor * v[i] * v[i];
    }
  }
  return MN_OK;
}

static double eigen_influence_bytes(const mn_system *s)
{
  (void)s;
  return 0;
}

static double eigen_influence_flops(const mn_system *s)
{
  return 3 * (double)s->samples.n * (double)s->samples.n;
}

static void dense_close(mn_system *s)
{
  dense *d = s->state;
  if (!d) return;
  mn_free(d->a);
  mn_free(d->pivots);
  mn_free(d->values);
  mn_free(d->bare);
  mn_free(d);
}

const mn_solver_row mn_solver_lu_row = {
    .solver = MN_SOLVER_LU,
    .most = MN_LU_MAX,
    .peak_bytes = lu_peak_bytes,
    .held_bytes = held_bytes,
    .solve_bytes = mn_solve_dual_bytes,
    .flops = lu_flops,
    .open = lu_open,
    .apply = lu_apply,
    .solve = mn_solve_dual,
    .close = dense_close,
    .influence = lu_influence,
    .influence_bytes = lu_influence_bytes,
    .influence_flops = lu_influence_flops,
};

const mn_solver_row mn_solver_eigen_row = {
    .solver = MN_SOLVER_EIGEN,
    .most = MN_EIGEN_MAX,
    .peak_bytes = eigen_peak_bytes,
    .held_bytes = held_bytes,
    .solve_bytes = mn_solve_dual_bytes,
    .flops = eigen_flops,
    .open = eigen_open,
    .apply = eigen_apply,
    .solve = mn_solve_dual,
    .close = dense_close,
    .take_ridge = eigen_take_ridge,
    .influence = eigen_influence,
    .influence_bytes = eigen_influence_bytes,
    .influence_flops = eigen_influence_flops,
};
