#include "solve/pcg.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/blas.h"
#include "linalg/tall.h"
#include "solve/system.h"

/* Iterations without a lower residual after which a run counts as stalled. */
enum { PATIENCE = 25 };

typedef struct {
  const mn_pcg *pcg;
  double *x, *r;     /* n x columns, the caller's */
  double *z, *p, *q; /* n x columns: M^-1 r; n x rank: directions, A p */
  size_t rank;       /* directions, at most columns */
  double *energy;    /* rank x rank: lower Cholesky factor of p'A p */
  double *small;     /* rank x columns: coefficients of the directions */
  const double *y;   /* n x columns: of relative residuals */
} state;

/* p = a basis of what z spans; z is destroyed. */
static mn_status turn(state *s, mn_error *err)
{
  const mn_pcg *pcg = s->pcg;
  mn_status st = mn_tall_basis(pcg->n, pcg->columns, s->z, pcg->threads, s->p, &s->rank, err);
  for (size_t i = 0; !st && pcg->single && i < pcg->n * s->rank; i++) s->p[i] = (double)(float)s->p[i];
  return st;
}

/* small = (p'A p)^-1 a'b, a of as many columns as p. */
static mn_status coefficients(state *s, const double *a, const double *b, mn_error *err)
{
  const mn_pcg *pcg = s->pcg;
  const mn_blas *blas = mn_blas_of(MN_F64);
  mn_status st = mn_tall_inner(pcg->n, s->rank, a, pcg->columns, b, pcg->threads, s->small, err);
  if (st) return st;
  blas->trsm('L', 'N', s->rank, pcg->columns, s->energy, s->rank, s->small, s->rank);
  blas->trsm('L', 'T', s->rank, pcg->columns, s->energy, s->rank, s->small, s->rank);
  return MN_OK;
}

/* The factor of p'A p; 0 when that is not positive definite. */
static mn_status factor_energy(state *s, int *positive, mn_error *err)
{
  const mn_pcg *pcg = s->pcg;
  mn_status st = mn_tall_inner(pcg->n, s->rank, s->p, s->rank, s->q, pcg->threads, s->energy, err);
  *positive = !st && s->rank && !mn_blas_of(MN_F64)->potrf(s->rank, s->energy, s->rank);
  for (size_t k = 0; k < s->rank && *positive; k++) *positive = isfinite(s->energy[k * (s->rank + 1)]);
  return st;
}

/* x += p a, r -= q a with the a of least error; 0 in *moved when no direction is left. */
static mn_status step(state *s, int *moved, mn_error *err)
{
  const mn_pcg *pcg = s->pcg;
  *moved = 0;
  if (!s->rank) return MN_OK;
  mn_status st = pcg->multiply(pcg->arg, s->rank, s->p, s->q, err);
  if (!st) st = factor_energy(s, moved, err);
  if (st || !*moved) return st;
  if ((st = coefficients(s, s->p, s->r, err))) return st;
  mn_tall_add(pcg->n, s->rank, 1, s->p, pcg->columns, s->small, pcg->threads, s->x);
  mn_tall_add(pcg->n, s->rank, -1, s->q, pcg->columns, s->small, pcg->threads, s->r);
  return MN_OK;
}

/* z = M^-1 r, made conjugate to the directions so far. */
static mn_status prepare(state *s, mn_error *err)
{
  const mn_pcg *pcg = s->pcg;
  mn_status st = pcg->precondition(pcg->arg, pcg->columns, s->r, s->z, err);
  if (st || !s->rank) return st;
  if ((st = coefficients(s, s->q, s->z, err))) return st;
  mn_tall_add(pcg->n, s->rank, -1, s->p, pcg->columns, s->small, pcg->threads, s->z);
  return MN_OK;
}

static mn_status iterate(state *s, mn_pcg_result *out, mn_error *err)
{
  const mn_pcg *pcg = s->pcg;
  double best = INFINITY;
  int since = 0, moved;
  mn_status st;
  out->residual = 1;
  for (int k = 1; k <= pcg->most; k++) {
    if ((st = prepare(s, err)) || (st = turn(s, err)) || (st = step(s, &moved, err))) return st;
    out->iterations = k;
    out->residual = mn_worst_ratio(pcg->n, pcg->columns, pcg->group, s->r, s->y);
    out->end = MN_PCG_CONVERGED;
    if (out->residual <= pcg->tolerance) return MN_OK;
    out->end = MN_PCG_WATCHED;
    if (pcg->watch && pcg->watch(pcg->arg, &(mn_pcg_step){k, out->residual, s->x, s->r})) return MN_OK;
    since = out->residual < best ? 0 : since + 1;
    best = fmin(best, out->residual);
    out->end = MN_PCG_STALLED;
    if (!moved || since >= PATIENCE || !isfinite(out->residual)) return MN_OK;
  }
  out->end = MN_PCG_EXHAUSTED;
  return MN_OK;
}

mn_status mn_pcg_run(const mn_pcg *pcg, const double *b, double *x, double *r, mn_pcg_result *out, mn_error *err)
{
  size_t count = pcg->n * pcg->columns, small = pcg->columns * pcg->columns;
  state s = {.pcg = pcg, .x = x, .r = r, .y = pcg->y ? pcg->y : b};
  double *space = mn_alloc_matrix(3 * count, sizeof *space), *scalars = mn_alloc(2 * small, sizeof *scalars);
  mn_status st = MN_OK;
  *out = (mn_pcg_result){.end = MN_PCG_CONVERGED};
  memset(x, 0, count * sizeof *x);
  memcpy(r, b, count * sizeof *r);
  if (!space || !scalars) {
    st = MN_NO_MEMORY(err, (3 * count + 2 * small) * sizeof *space);
  } else if (mn_norm2(count, b) > 0) {
    s.z = space, s.p = space + count, s.q = space + 2 * count;
    s.energy = scalars, s.small = scalars + small;
    st = iterate(&s, out, err);
  }
  mn_free(space);
  mn_free(scalars);
  return st;
}
