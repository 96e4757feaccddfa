#include "linalg/preconditioner.h"

#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/cholesky.h"
#include "linalg/narrow.h"
#include "linalg/skinny.h"

enum { ROWS = 2048 }; /* of a tile of F */

static size_t at_most(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* ---- opening */

static double corner_bytes(size_t rank)
{
  return rank ? (double)mn_panels_bytes(rank, mn_panels_width(rank), MN_F32) : 0;
}

double mn_preconditioner_bytes(size_t n, size_t rank, size_t degree)
{
  return mn_low_rank_bytes(n, rank) + mn_sparse_inverse_bytes(n, degree) + corner_bytes(rank);
}

double mn_preconditioner_held_bytes(size_t n, size_t rank, size_t degree)
{
  return mn_low_rank_bytes(n, rank) + mn_sparse_inverse_held_bytes(n, degree) + corner_bytes(rank);
}

/* L11 as panels, for solves by several threads. */
static mn_status take_corner(mn_preconditioner *p, mn_error *err)
{
  size_t n = p->f->n, rank = p->f->rank;
  if (!rank) return MN_OK;
  mn_status st = mn_panels_open(rank, mn_panels_width(rank), MN_F32, &p->corner, err);
  if (st) return st;
  for (size_t c = 0; c < rank; c++) {
    float *column = mn_panels_at(p->corner, c, c);
    for (size_t r = c; r < rank; r++) column[r - c] = p->f->f[p->f->pivots[r] + c * n];
  }
  return MN_OK;
}

mn_status mn_preconditioner_open(const mn_symmetric *k, size_t rank, size_t degree, double ridge, uint64_t seed,
                                 int threads, const mn_context *ctx, mn_preconditioner **out, mn_error *err)
{
  mn_preconditioner *p = mn_calloc(1, sizeof *p);
  *out = NULL;
  if (!p) return MN_NO_MEMORY(err, sizeof *p);
  mn_status st = mn_low_rank_open(k, rank, ridge, seed, threads, ctx, &p->f, err);
  if (!st) st = mn_sparse_inverse_open(k, p->f, degree, ridge, threads, &p->g, err);
  if (!st) st = take_corner(p, err);
  if (st)
    mn_preconditioner_close(&p);
  else
    *out = p;
  return st;
}

void mn_preconditioner_close(mn_preconditioner **p)
{
  if (!*p) return;
  mn_low_rank_close(&(*p)->f);
  mn_sparse_inverse_close(&(*p)->g);
  mn_panels_close(&(*p)->corner);
  mn_free(*p);
  *p = NULL;
}

/* ---- applying it */

/* What a solve works with. What is in single precision has columns of its own scale: the factor's inverse is as large
 * as K is small, so a right-hand side of size 1 is not enough to keep it in range. */
typedef struct {
  const mn_preconditioner *p;
  int threads;
  size_t columns;
  float *single; /* n x columns */
  float *t;      /* rank x columns */
  double *parts; /* rank x columns a thread; the first one is the sum */
  double *work;  /* n x columns */
  double *scale; /* columns: of t */
  double *wide;  /* columns: of `single` */
} solve;

/* t = v at the pivots, or back. */
static void take_pivots(const solve *s, const float *v)
{
  const mn_low_rank *f = s->p->f;
  for (size_t c = 0; c < s->columns; c++)
    for (size_t k = 0; k < f->rank; k++) s->t[k + c * f->rank] = v[f->pivots[k] + c * f->n];
}

static void put_pivots(const solve *s, double *out)
{
  const mn_low_rank *f = s->p->f;
  for (size_t c = 0; c < s->columns; c++)
    for (size_t k = 0; k < f->rank; k++) out[f->pivots[k] + c * f->n] = (double)s->t[k + c * f->rank] * s->scale[c];
}

/* out = v - F t */
static void subtract(const solve *s, const double *v, double *out)
{
  const mn_skinny *skinny = mn_skinny_best(MN_F32);
  const mn_low_rank *f = s->p->f;
  size_t n = f->n;
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (size_t i = 0; i < n; i += ROWS) {
    size_t rows = at_most(ROWS, n - i);
    for (size_t c = 0; c < s->columns; c++) memset(out + i + c * n, 0, rows * sizeof *out);
    skinny->times(rows, f->rank, f->f + i, n, s->columns, s->t, f->rank, out + i, n);
    for (size_t c = 0; c < s->columns; c++)
      for (size_t r = i + c * n; r < i + rows + c * n; r++) out[r] = v[r] - out[r] * s->scale[c];
  }
}

/* parts (rank x columns) = F'v, the rows of F dealt in a fixed way. */
static void project(const solve *s, const float *v)
{
  const mn_skinny *skinny = mn_skinny_best(MN_F32);
  const mn_low_rank *f = s->p->f;
  size_t size = f->rank * s->columns, n = f->n;
  memset(s->parts, 0, size * (size_t)s->threads * sizeof *s->parts);
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (size_t i = 0; i < n; i += ROWS)
    skinny->transposed(at_most(ROWS, n - i), f->rank, f->f + i, n, s->columns, v + i, n,
                       s->parts + size * (size_t)omp_get_thread_num(), f->rank);
  for (int thread = 1; thread < s->threads; thread++)
    for (size_t e = 0; e < size; e++) s->parts[e] += s->parts[(size_t)thread * size + e];
}

/* out = [L11 0; L21 I]^-1 v at the rows that are no pivots; t and scale keep the part of the pivots. */
static void go_down(const solve *s, const double *v, double *out)
{
  const mn_low_rank *f = s->p->f;
  mn_narrow(f->n, s->columns, v, s->single, s->scale);
  take_pivots(s, s->single);
  mn_cholesky_forward(s->p->corner, s->threads, s->columns, s->t);
  subtract(s, v, out);
}

/* out at the pivots = L11^-T (t - L21' out), with out zero there before. */
static void go_up(const solve *s, double *out)
{
  size_t rank = s->p->f->rank;
  mn_narrow(s->p->f->n, s->columns, out, s->single, s->wide);
  project(s, s->single);
  for (size_t c = 0; c < s->columns; c++)
    for (size_t e = c * rank; e < (c + 1) * rank; e++)
      s->parts[e] = (double)s->t[e] * s->scale[c] - s->parts[e] * s->wide[c];
  mn_narrow(rank, s->columns, s->parts, s->t, s->scale);
  mn_cholesky_backward(s->p->corner, s->threads, s->columns, s->t);
  put_pivots(s, out);
}

mn_status mn_preconditioner_solve(const mn_preconditioner *p, int threads, size_t columns, const double *v, double *out,
                                  mn_error *err)
{
  size_t n = p->f->n, small = p->f->rank * columns, parts = (size_t)threads;
  solve s = {.p = p, .threads = threads, .columns = columns};
  float *single = mn_alloc_matrix(n * columns + small, sizeof *single);
  double *space = mn_alloc_matrix(n * columns + small * parts + 2 * columns, sizeof *space);
  mn_status st = single && space ? MN_OK : MN_NO_MEMORY(err, n * columns * sizeof *space);
  if (!st) {
    s.single = single, s.t = single + n * columns;
    s.work = space, s.scale = space + n * columns, s.wide = s.scale + columns, s.parts = s.wide + columns;
    if (p->corner)
      go_down(&s, v, out);
    else
      memcpy(out, v, n * columns * sizeof *out);
    mn_sparse_inverse_apply(p->g, threads, columns, out, s.work);
    if (p->corner) go_up(&s, out);
  }
  mn_free(single);
  mn_free(space);
  return st;
}
