#include "solve/pcg.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "solve/system.h"

/* Iterations without a lower residual after which a run counts as stalled. */
enum { PATIENCE = 25 };

typedef struct {
  const mn_pcg *pcg;
  double *x, *r;     /* the caller's */
  double *z, *p, *q; /* M^-1 r, direction, A p */
  double *rz;        /* columns: r'z of the last iteration; 0: the column has come to its end */
  double b_norm;
} state;

static double dot(size_t n, const double *a, const double *b)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* First direction: p = z. */
static void begin(state *s)
{
  size_t n = s->pcg->n;
  memcpy(s->p, s->z, n * s->pcg->columns * sizeof *s->p);
  for (size_t c = 0; c < s->pcg->columns; c++) s->rz[c] = fmax(dot(n, s->r + c * n, s->z + c * n), 0);
}

/* x += a p, r -= a q. Returns 0 when no column can move. */
static int step(state *s, double *alpha)
{
  size_t n = s->pcg->n;
  int moved = 0;
  for (size_t c = 0; c < s->pcg->columns; c++) {
    double *x = s->x + c * n, *r = s->r + c * n, *p = s->p + c * n, *q = s->q + c * n;
    double energy = dot(n, p, q), a = energy > 0 && s->rz[c] > 0 ? s->rz[c] / energy : 0;
    alpha[c] = a;
    if (!(a > 0) || !isfinite(a)) {
      s->rz[c] = alpha[c] = 0;
      continue;
    }
    moved = 1;
    for (size_t i = 0; i < n; i++) x[i] += a * p[i];
    for (size_t i = 0; i < n; i++) r[i] -= a * q[i];
  }
  return moved;
}

/* p = z + beta p; r_old = r + alpha q needs no copy. */
static void turn(state *s, const double *alpha)
{
  size_t n = s->pcg->n;
  for (size_t c = 0; c < s->pcg->columns; c++) {
    double *z = s->z + c * n, *p = s->p + c * n;
    if (!(s->rz[c] > 0)) continue;
    double beta = fmax(-alpha[c] * dot(n, z, s->q + c * n) / s->rz[c], 0);
    s->rz[c] = fmax(dot(n, s->r + c * n, z), 0);
    for (size_t i = 0; i < n; i++) p[i] = z[i] + beta * p[i];
  }
}

static mn_status iterate(state *s, double *alpha, mn_pcg_result *out, mn_error *err)
{
  const mn_pcg *pcg = s->pcg;
  size_t count = pcg->n * pcg->columns;
  double best = INFINITY;
  int since = 0;
  out->residual = 1;
  mn_status st = pcg->precondition(pcg->arg, s->r, s->z, err);
  if (st) return st;
  begin(s);
  for (int k = 1; k <= pcg->most; k++) {
    if ((st = pcg->multiply(pcg->arg, s->p, s->q, err))) return st;
    int moved = step(s, alpha);
    out->iterations = k;
    out->residual = mn_norm2(count, s->r) / s->b_norm;
    out->end = MN_PCG_CONVERGED;
    if (out->residual <= pcg->tolerance) return MN_OK;
    out->end = MN_PCG_WATCHED;
    if (pcg->watch && pcg->watch(pcg->arg, &(mn_pcg_step){k, out->residual, s->x, s->r})) return MN_OK;
    since = out->residual < best ? 0 : since + 1;
    best = fmin(best, out->residual);
    out->end = MN_PCG_STALLED;
    if (!moved || since >= PATIENCE || !isfinite(out->residual)) return MN_OK;
    if ((st = pcg->precondition(pcg->arg, s->r, s->z, err))) return st;
    turn(s, alpha);
  }
  out->end = MN_PCG_EXHAUSTED;
  return MN_OK;
}

mn_status mn_pcg_run(const mn_pcg *pcg, const double *b, double *x, double *r, mn_pcg_result *out, mn_error *err)
{
  size_t count = pcg->n * pcg->columns;
  state s = {.pcg = pcg, .x = x, .r = r, .b_norm = mn_norm2(count, b)};
  double *space = mn_alloc_matrix(3 * count, sizeof *space), *scalars = mn_alloc(2 * pcg->columns, sizeof *scalars);
  mn_status st = MN_OK;
  *out = (mn_pcg_result){.end = MN_PCG_CONVERGED};
  memset(x, 0, count * sizeof *x);
  memcpy(r, b, count * sizeof *r);
  if (!space || !scalars) {
    st = MN_NO_MEMORY(err, (3 * count + 2 * pcg->columns) * sizeof *space);
  } else if (s.b_norm > 0) {
    s.z = space, s.p = space + count, s.q = space + 2 * count, s.rz = scalars;
    st = iterate(&s, scalars + pcg->columns, out, err);
  }
  mn_free(space);
  mn_free(scalars);
  return st;
}
