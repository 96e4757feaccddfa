/* Minimum-norm least squares for a linear kernel with fewer features than samples: the d x d side.
 *
 * X = Q R by blocks of rows, R = U S V'. Singular values below the rank tolerance count as zero, as in
 * numpy.linalg.lstsq. w = V S^-2 V' X'y (semi-normal equations), corrected with the residual until it settles: each
 * correction gains the digits that squaring the condition lost (Bjorck 1987). Ridge enters as rows sqrt(ridge) I under
 * X. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/linear.h"
#include "linalg/blas.h"
#include "linalg/dense.h"
#include "solve/system.h"

typedef struct {
  double *values; /* d singular values of [X; sqrt(ridge) I], descending */
  double *vt;     /* d x d, ld d: V' */
} spectrum;

static size_t block_rows(size_t n, size_t dim)
{
  size_t rows = 2 * dim > 1024 ? 2 * dim : 1024;
  return rows < n ? rows : n;
}

/* Rows of U made at a time. */
static size_t influence_rows(size_t n)
{
  const size_t most = 1024;
  return n < most ? n : most;
}

static double held_bytes(const mn_system *s)
{
  double dim = (double)s->samples.dim;
  return dim * dim * sizeof(double);
}

static double peak_bytes(const mn_system *s)
{
  size_t dim = s->samples.dim, rows = block_rows(s->samples.n, dim), d2 = dim * dim;
  double qr = (double)(rows * dim + mn_qr_work_size(dim, rows)), svd = 5.0 * (double)d2;
  return held_bytes(s) + ((double)d2 + fmax(qr, svd)) * sizeof(double);
}

/* Targets, fitted values, those of the solution at hand, residuals; three vectors of weights. */
static double solve_bytes(const mn_system *s)
{
  size_t columns = mn_system_columns(s);
  double weights = 3 * (double)s->samples.dim * (double)columns * sizeof(double);
  return 4 * mn_system_vector_bytes(s) + weights + mn_linear_bytes(&s->samples, columns, s->threads);
}

static double least_squares_flops(const mn_system *s)
{
  double d = (double)s->samples.dim;
  return 3 * (double)s->samples.n * d * d + 22 * d * d * d;
}

/* R of X, block by block on top of what r holds. */
static mn_status stream_qr(const mn_system *s, double *r, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n, d = s->samples.dim, block = block_rows(n, d);
  double *x = mn_alloc_matrix(block * d, sizeof *x), *work = mn_alloc_matrix(mn_qr_work_size(d, block), sizeof *work);
  mn_status st = MN_OK;
  mn_meter meter;
  mn_meter_open(&meter, ctx, "factor", (double)n, "sample");
  if (!x || !work) st = MN_NO_MEMORY(err, (block * d + mn_qr_work_size(d, block)) * sizeof *x);
  for (size_t first = 0; !st && first < n; first += block) {
    size_t rows = n - first < block ? n - first : block;
    mn_samples_rows_f64(&s->samples, first, rows, x);
    st = mn_qr_append(d, r, rows, x, work, s->threads, err);
    if (mn_meter_add(&meter, (double)rows)) break;
  }
  mn_free(x);
  mn_free(work);
  return st ? st : mn_meter_close(&meter, err);
}

static void find_rank(mn_system *s, const double *values)
{
  size_t n = s->samples.n, d = s->samples.dim, rank = 0;
  double tolerance = s->options.rank_tolerance > 0 ? s->options.rank_tolerance : (double)(n > d ? n : d) * 0x1p-52;
  while (rank < d && values[rank] > tolerance * values[0]) rank++;
  s->report.rank = rank;
  s->report.rank_tolerance = tolerance;
  s->report.rcond = rank == d && d ? values[d - 1] / values[0] : 0;
}

static mn_status least_squares_open(mn_system *s, const mn_context *ctx, mn_error *err)
{
  size_t d = s->samples.dim;
  double begin_s = mn_clock_s(), *r = mn_calloc(d * d, sizeof *r);
  spectrum *f = s->state = mn_calloc(1, sizeof *f);
  mn_status st = MN_OK;
  if (f) f->values = mn_alloc(d, sizeof *f->values), f->vt = mn_alloc_matrix(d * d, sizeof *f->vt);
  if (!r || !f || !f->values || !f->vt) {
    st = MN_NO_MEMORY(err, 2 * d * d * sizeof *r);
    goto done;
  }
  for (size_t i = 0; i < d; i++) r[i * (d + 1)] = sqrt(s->options.ridge);
  if ((st = stream_qr(s, r, ctx, err))) goto done;
  if ((st = mn_svd_right(d, r, f->values, f->vt, s->threads, err))) goto done;
  find_rank(s, f->values);
  s->report.factor_s = mn_clock_s() - begin_s;
  s->report.factor_gflops = least_squares_flops(s) / s->report.factor_s * 1e-9;
done:
  mn_free(r);
  return st;
}

/* g (d x columns) <- V S^-2 V' g over the values that count; scratch d x columns. */
static void apply_normal(const mn_system *s, size_t columns, double *g, double *scratch)
{
  const spectrum *f = s->state;
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t d = s->samples.dim, rank = s->report.rank;
  blas->gemm('N', 'N', rank, columns, d, 1, f->vt, d, g, d, 0, scratch, d);
  for (size_t j = 0; j < columns; j++)
    for (size_t i = 0; i < rank; i++) scratch[i + j * d] = scratch[i + j * d] / f->values[i] / f->values[i];
  blas->gemm('T', 'N', d, columns, rank, 1, f->vt, d, scratch, d, 0, g, d);
}

/* What one solve works on. */
typedef struct {
  size_t columns;
  const double *y;   /* n x columns */
  double *w;         /* d x columns, the solution */
  double *g, *space; /* d x columns */
  double *fit, *r;   /* n x columns: X w, y - X w */
} problem;

/* r = y - X w and g = X'r - ridge w. */
static mn_status evaluate(const mn_system *s, problem *p, mn_error *err)
{
  size_t n = s->samples.n, d = s->samples.dim;
  mn_status st = mn_linear_multiply(&s->samples, s->threads, p->columns, p->w, p->fit, err);
  if (st) return st;
  for (size_t i = 0; i < n * p->columns; i++) p->r[i] = p->y[i] - p->fit[i];
  if ((st = mn_linear_transposed(&s->samples, s->threads, p->columns, p->r, p->g, err))) return st;
  for (size_t i = 0; i < d * p->columns; i++) p->g[i] -= s->options.ridge * p->w[i];
  return MN_OK;
}

/* Corrections shrink by the lost digits each time; stops when they no longer do. */
static mn_status correct(const mn_system *s, problem *p, mn_solution *out, mn_error *err)
{
  enum { STEPS_MAX = 10 };
  size_t count = s->samples.dim * p->columns;
  double previous = INFINITY, start = 0;
  for (int step = 0; step <= STEPS_MAX; step++) {
    mn_status st = evaluate(s, p, err);
    if (st) return st;
    double gradient = mn_norm2(count, p->g);
    if (!step) start = gradient;
    out->gradient = gradient / (start > 0 ? start : 1);
    apply_normal(s, p->columns, p->g, p->space);
    double change = mn_norm2(count, p->g);
    if (change > 0.5 * previous || change <= 1e-15 * mn_norm2(count, p->w)) break;
    for (size_t i = 0; i < count; i++) p->w[i] += p->g[i];
    out->refinements = step;
    previous = change;
  }
  out->residual = mn_worst_ratio(s->samples.n, p->columns, s->options.group, p->r, p->y);
  if (isfinite(out->residual)) return MN_OK;
  return MN_FAIL(err, MN_ERR_DATA, "the solution is not finite: features or targets are too large, or not finite");
}

static mn_status least_squares_solve(mn_system *s, size_t columns, const double *y, double *w, double *fitted,
                                     const mn_context *ctx, mn_solution *out, mn_error *err)
{
  (void)ctx; /* a few streamed products: nothing to report */
  size_t n = s->samples.n, d = s->samples.dim, total = 2 * (n + d) * columns;
  double begin_s = mn_clock_s(), *space = mn_alloc_matrix(total, sizeof *space);
  if (!space) return MN_NO_MEMORY(err, total * sizeof *space);
  problem p = {.columns = columns, .y = y, .w = w, .r = space, .fit = space + n * columns};
  p.g = p.fit + n * columns;
  p.space = p.g + d * columns;
  memset(w, 0, d * columns * sizeof *w);
  mn_status st = correct(s, &p, out, err);
  if (!st && fitted) memcpy(fitted, p.fit, n * columns * sizeof *fitted);
  mn_free(space);
  out->solve_s = mn_clock_s() - begin_s;
  return st;
}

/* U = X V S^-1 a block of rows at a time: inverse = sum_k u_ik^2 / s_k^2 is the diagonal of (X X')^+, defect what the
 * leverage sum_k u_ik^2 leaves of 1. */
static mn_status least_squares_influence(const mn_system *s, const mn_context *ctx, mn_influence *out, mn_error *err)
{
  const spectrum *f = s->state;
  const mn_blas *blas = mn_blas_of(MN_F64);
  size_t n = s->samples.n, d = s->samples.dim, rank = s->report.rank, block = influence_rows(n);
  mn_meter meter;
  double *x = mn_alloc_matrix(block * d, 2 * sizeof *x), *u = x + block * d;
  if (!x) return MN_NO_MEMORY(err, block * d * 2 * sizeof *x);
  mn_meter_open(&meter, ctx, "leave-one-out", (double)n, "sample");
  for (size_t first = 0; first < n && !mn_meter_cancelled(&meter); first += block) {
    size_t rows = n - first < block ? n - first : block;
    mn_samples_rows_f64(&s->samples, first, rows, x);
    blas->gemm('N', 'N', rank, rows, d, 1, f->vt, d, x, d, 0, u, d); /* V' x_i in column i */
    for (size_t i = 0; i < rows; i++) {
      double leverage = 0, inverse = 0;
      for (size_t k = 0; k < rank; k++) {
        double element = u[k + i * d] / f->values[k];
        leverage += element * element;
        inverse += element * element / f->values[k] / f->values[k];
      }
      out->inverse[first + i] = inverse;
      out->defect[first + i] = 1 - leverage;
    }
    mn_meter_add(&meter, (double)rows);
  }
  mn_free(x);
  return mn_meter_close(&meter, err);
}

static double influence_bytes(const mn_system *s)
{
  return 2 * (double)influence_rows(s->samples.n) * (double)s->samples.dim * sizeof(double);
}

static double influence_flops(const mn_system *s)
{
  double d = (double)s->samples.dim;
  return 2 * (double)s->samples.n * d * d;
}

/* alpha = (X X')^+ y = X V S^-4 V' X'y = X (V S^-2 V') w. */
mn_status mn_least_squares_dual(const mn_system *s, size_t columns, const double *w, double *alpha, mn_error *err)
{
  size_t count = s->samples.dim * columns;
  double *g = mn_alloc(2 * count, sizeof *g);
  if (!g) return MN_NO_MEMORY(err, 2 * count * sizeof *g);
  memcpy(g, w, count * sizeof *g);
  apply_normal(s, columns, g, g + count);
  mn_status st = mn_linear_multiply(&s->samples, s->threads, columns, g, alpha, err);
  mn_free(g);
  return st;
}

static void least_squares_close(mn_system *s)
{
  spectrum *f = s->state;
  if (!f) return;
  mn_free(f->values);
  mn_free(f->vt);
  mn_free(f);
}

const mn_solver_row mn_solver_least_squares_row = {
    .solver = MN_SOLVER_EIGEN,
    .primal = 1,
    .most = MN_SVD_MAX,
    .peak_bytes = peak_bytes,
    .held_bytes = held_bytes,
    .solve_bytes = solve_bytes,
    .flops = least_squares_flops,
    .open = least_squares_open,
    .solve = least_squares_solve,
    .close = least_squares_close,
    .influence = least_squares_influence,
    .influence_bytes = influence_bytes,
    .influence_flops = influence_flops,
};
