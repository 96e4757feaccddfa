/* Leaving one sample out, all samples at once: from the diagonal of the inverse. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/status.h"
#include "linalg/cholesky.h"
#include "linalg/threads.h"
#include "solve/system.h"

/* Samples at which a diagonal from single precision is compared with refined solutions. */
enum { PROBES = 8 };

/* Random vectors for the term of the shift, whose relative error is sqrt(2 / VECTORS); as many at a time as a block. */
enum { VECTORS = 64, BLOCK = 16 };

/* A defect below this is rounding: no digits of a quotient by it are left. */
static const double defect_least = 1e-12;

/* ---- the diagonal from a Cholesky factor */

/* inverse += shift ||M^-1 e_i||^2, M = K + shift I: K^-1 = M^-1 + shift M^-2 + ..., whose terms are all positive. Of
 * independent signs z, (M^-1 z)_i^2 has that squared norm as its mean. Rounding in the factor, which the shift
 * outweighs in norm, has no sign and cancels. */
static mn_status add_shift_term(const mn_panels *factor, double shift, int threads, double *inverse, mn_error *err)
{
  size_t n = factor->n;
  double *z = mn_alloc_matrix(n * BLOCK, sizeof *z);
  if (!z) return MN_NO_MEMORY(err, n * BLOCK * sizeof *z);
  mn_status st = MN_OK;
  for (size_t first = 0; !st && first < VECTORS; first += BLOCK) {
    for (size_t c = 0; c < BLOCK; c++) mn_random_signs(0, MN_STREAM_LEAVE_ONE_OUT, first + c + 1, n, z + c * n);
    st = mn_cholesky_solve(factor, threads, BLOCK, NULL, z, err);
    for (size_t k = 0; !st && k < n * BLOCK; k++) inverse[k % n] += shift / VECTORS * z[k] * z[k];
  }
  mn_free(z);
  return st;
}

mn_status mn_influence_of_panels(const mn_panels *factor, double shift, int threads, const mn_context *ctx,
                                 double *inverse, mn_error *err)
{
  mn_status st = mn_cholesky_inverse_diagonal(factor, threads, ctx, "leave-one-out", inverse, err);
  return st || !(shift > 0) ? st : add_shift_term(factor, shift, threads, inverse, err);
}

double mn_influence_panels_bytes(size_t n, mn_dtype type, int threads)
{
  double vectors = type == MN_F32 ? BLOCK * (double)n * (sizeof(double) + sizeof(float)) : 0;
  return fmax((double)mn_cholesky_inverse_bytes(n, mn_panels_width(n), type, threads), vectors);
}

/* ---- how good a diagonal from single precision is */

typedef struct {
  size_t count;
  size_t sample[PROBES];
} probes;

/* Distinct samples, drawn at random. */
static probes draw_probes(size_t n)
{
  probes p = {0};
  mn_random r = mn_random_open(0, MN_STREAM_LEAVE_ONE_OUT, 0);
  while (p.count < PROBES && p.count < n) {
    size_t sample = (size_t)mn_random_below(&r, n), k = 0;
    while (k < p.count && p.sample[k] != sample) k++;
    if (k == p.count) p.sample[p.count++] = sample;
  }
  return p;
}

mn_status mn_system_solve_as_is(mn_system *s, size_t columns, const double *y, double *alpha, double *fitted,
                                const char *what, const mn_context *ctx, int *solved, mn_error *err)
{
  mn_solution solution = {.residual = NAN, .converged = 1};
  mn_error why = {0};
  mn_status st = s->row->solve(s, columns, y, alpha, fitted, ctx, &solution, &why);
  *solved = !st;
  if (st && st != MN_ERR_SINGULAR && err) *err = why;
  if (st != MN_ERR_SINGULAR) return st;
  mn_log(ctx, "%s could not be found: %s", what, why.text);
  return MN_OK;
}

/* Solves for columns of the identity as for any targets; one whose refinement stalls says nothing. */
static mn_status check_diagonal(mn_system *s, const double *inverse, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  const probes p = draw_probes(n);
  int solved;
  double *e = mn_calloc(n * p.count, sizeof *e), *x = mn_alloc_matrix(n * p.count, sizeof *x);
  mn_status st = e && x ? MN_OK : MN_NO_MEMORY(err, 2 * n * p.count * sizeof *e);
  if (st) goto done;
  for (size_t k = 0; k < p.count; k++) e[p.sample[k] + k * n] = 1;
  st = mn_system_solve_as_is(s, p.count, e, x, NULL, "leave-one-out: how good the diagonal is", ctx, &solved, err);
  if (st || !solved) goto done;
  s->probes = p.count;
  s->diagonal_error = 0;
  for (size_t k = 0; k < p.count; k++) {
    double exact = x[p.sample[k] + k * n];
    s->diagonal_error = fmax(s->diagonal_error, fabs(inverse[p.sample[k]] / exact - 1));
  }
done:
  mn_free(e);
  mn_free(x);
  return st;
}

/* ---- what the system keeps */

void mn_influence_release(mn_system *s)
{
  mn_free(s->influence.inverse);
  mn_free(s->influence.defect);
  s->influence = (mn_influence){0};
  s->fits_known = 0;
  s->probes = 0;
  s->diagonal_error = NAN;
}

/* Once for a factor, however many targets are to come. */
mn_status mn_influence_find(mn_system *s, const mn_context *ctx, mn_error *err)
{
  size_t n = s->samples.n;
  mn_influence *f = &s->influence;
  if (!s->state) return MN_FAIL(err, MN_ERR_SINGULAR, "the system has no factor: an earlier solve failed");
  if (!s->row->influence)
    return MN_FAIL(err, MN_ERR_UNSUPPORTED, "leave-one-out takes a factor in memory, which %s has not",
                   mn_solver_string(s->row->solver));
  if (f->inverse) return MN_OK;
  f->inverse = mn_alloc(n, sizeof *f->inverse);
  f->defect = mn_calloc(n, sizeof *f->defect);
  s->probes = 0;
  s->diagonal_error = NAN;
  mn_status st = f->inverse && f->defect ? MN_OK : MN_NO_MEMORY(err, 2 * n * sizeof *f->inverse);
  if (!st) st = s->row->influence(s, ctx, f, err);
  if (!st && s->report.precision != MN_PRECISION_DOUBLE) st = check_diagonal(s, f->inverse, ctx, err);
  if (st) mn_influence_release(s);
  return st;
}

/* ---- errors */

/* What one call works on. */
typedef struct {
  const mn_system *system;
  size_t n, columns;
  const double *y, *fitted;
  const double *alpha; /* n x columns, also of a primal system; NULL where it is not wanted */
  double *error;
} task;

/* (I - H) y, what the fitted values leave over beyond what the ridge does. */
static double left_over(const task *t, size_t k)
{
  double ridge = t->system->row->primal ? 0 : t->system->options.ridge;
  return t->y[k] - t->fitted[k] - (ridge > 0 ? ridge * t->alpha[k] : 0);
}

static void divide(const task *t, mn_leave_one_out *out)
{
  double squares = 0, numerators = 0, traces[2] = {0};
  for (size_t i = 0; i < t->n; i++)
    traces[0] += t->system->influence.inverse[i], traces[1] += t->system->influence.defect[i];
  int singular = traces[1] > defect_least * (double)t->n;
  for (size_t k = 0; k < t->n * t->columns; k++) {
    size_t i = k % t->n;
    int left = t->system->influence.defect[i] > defect_least || !t->alpha;
    t->error[k] =
        left ? left_over(t, k) / t->system->influence.defect[i] : t->alpha[k] / t->system->influence.inverse[i];
    squares += t->error[k] * t->error[k];
    double numerator = singular ? left_over(t, k) : t->alpha[k];
    numerators += numerator * numerator;
  }
  double n = (double)t->n, trace = traces[singular] / n;
  out->mse = squares / n;
  out->gcv = numerators / n / (trace * trace);
}

/* The dual coefficients of a primal system, where some sample is interpolated whatever its target: it alone has some
 * feature. With a ridge none is. */
static mn_status find_dual(task *t, const double *w, double **space, mn_error *err)
{
  const mn_system *s = t->system;
  int wanted = 0;
  for (size_t i = 0; i < t->n; i++) wanted |= t->system->influence.defect[i] <= defect_least;
  t->alpha = NULL;
  if (!wanted || s->options.ridge > 0) return MN_OK;
  if (!(*space = mn_alloc_matrix(t->n * t->columns, sizeof **space)))
    return MN_NO_MEMORY(err, t->n * t->columns * sizeof **space);
  t->alpha = *space;
  return mn_least_squares_dual(s, t->columns, w, *space, err);
}

mn_status mn_system_leave_one_out(mn_system *system, size_t columns, const double *y, const double *alpha,
                                  const double *fitted, const mn_context *ctx, double *error, mn_leave_one_out *out,
                                  mn_error *err)
{
  double begin_s = mn_clock_s(), *dual = NULL;
  task t = {.system = system, .n = system->samples.n, .columns = columns, .y = y, .fitted = fitted, .alpha = alpha};
  t.error = error;
  *out = (mn_leave_one_out){.mse = NAN, .gcv = NAN, .diagonal_error = NAN};
  mn_threads_open(ctx);
  mn_status st = mn_influence_find(system, ctx, err);
  if (!st && system->row->primal) st = find_dual(&t, alpha, &dual, err);
  if (!st) divide(&t, out);
  out->probes = system->probes;
  out->diagonal_error = system->diagonal_error;
  mn_free(dual);
  out->seconds = mn_clock_s() - begin_s;
  return st;
}
