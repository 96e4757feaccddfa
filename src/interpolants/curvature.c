/* The spectrum of the Hessian at a model. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "interpolants/problem.h"
#include "linalg/dense.h"
#include "linalg/panels_multiply.h"
#include "linalg/threads.h"

typedef struct {
  const char *name;
  double (*slope)(double f, double y); /* first and second derivative in f */
  double (*curvature)(double f);
} loss_row;

static double squared_slope(double f, double y)
{
  return f - y;
}

static double squared_curvature(double f)
{
  (void)f;
  return 1;
}

static double sigmoid(double f)
{
  return 1 / (1 + exp(-f));
}

static double logistic_slope(double f, double y)
{
  return sigmoid(f) - sigmoid(y);
}

static double logistic_curvature(double f)
{
  return sigmoid(f) * sigmoid(-f);
}

static const loss_row losses[MN_LOSSES] = {
    [MN_LOSS_SQUARED] = {"squared", squared_slope, squared_curvature},
    [MN_LOSS_LOGISTIC] = {"logistic", logistic_slope, logistic_curvature},
};

const char *mn_loss_string(mn_loss loss)
{
  return (unsigned)loss < MN_LOSSES ? losses[loss].name : NULL;
}

/* f (n) = the model's values at the training samples, without offset, as the targets are. */
static mn_status values_at(const mn_interpolants *p, const mn_model *at, size_t output, const mn_context *ctx,
                           double *f, mn_error *err)
{
  double *scores = mn_alloc(p->n * p->outputs, sizeof *scores);
  if (!scores) return MN_NO_MEMORY(err, p->n * p->outputs * sizeof *scores);
  mn_status st = mn_model_predict(at, p->train, ctx, scores, err);
  for (size_t i = 0; !st && i < p->n; i++) f[i] = scores[i * p->outputs + output] - at->offset[output];
  mn_free(scores);
  return st;
}

/* ||X' r||^2 = r' K r. r, kr: n, scratch. */
static mn_status find_gradient(const mn_interpolants *p, const loss_row *loss, size_t output, int threads,
                               const double *f, double *r, double *kr, double *gradient, mn_error *err)
{
  double sum = 0;
  for (size_t i = 0; i < p->n; i++) r[i] = loss->slope(f[i], p->targets.y[i + output * p->n]);
  mn_status st = mn_panels_multiply(p->panels, threads, 1, r, kr, NULL, err);
  for (size_t i = 0; !st && i < p->n; i++) sum += r[i] * kr[i];
  *gradient = sqrt(sum > 0 ? sum : 0) / (double)p->n;
  return st;
}

/* Eigenvalues, ascending, of the scaled Gram matrix; root: n, scratch. */
static mn_status find_values(const mn_interpolants *p, const loss_row *loss, int threads, const double *f, double *root,
                             double *values, mn_error *err)
{
  size_t n = p->n;
  double *a = mn_alloc_matrix(n * n, sizeof *a);
  if (!a) return MN_NO_MEMORY(err, n * n * sizeof *a);
  for (size_t i = 0; i < n; i++) root[i] = sqrt(loss->curvature(f[i]) / (double)n);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j; i < n; i++) a[i + j * n] = root[i] * p->k[i + j * n] * root[j];
  mn_status st = mn_eigen_values(n, a, values, threads, err);
  mn_free(a);
  return st;
}

static void count(const mn_interpolants *p, const double *ascending, mn_curvature *out)
{
  size_t n = p->n;
  double none = (double)n * 0x1p-52 * ascending[n - 1];
  while (out->rank < n && ascending[n - 1 - out->rank] > none) out->rank++;
  out->largest = ascending[n - 1];
  out->least = out->rank ? ascending[n - out->rank] : NAN;
  out->zeros = p->options.kernel.name == MN_KERNEL_LINEAR ? (double)(p->train->dim - out->rank) : NAN;
}

static mn_status check(const mn_interpolants *p, const mn_model *at, mn_loss loss, size_t output, mn_error *err)
{
  if (!mn_loss_string(loss)) return MN_FAIL(err, MN_ERR_ARGUMENT, "no such loss");
  if (output >= p->outputs || at->outputs != p->outputs)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "output %zu of %zu, and a model of as many expected", output, p->outputs);
  return MN_OK;
}

mn_status mn_interpolants_curvature(const mn_interpolants *p, const mn_model *at, mn_loss loss, size_t output,
                                    const mn_context *ctx, double *values, mn_curvature *out, mn_error *err)
{
  double begin_s = mn_clock_s();
  size_t n = p->n;
  int threads = mn_threads_open(ctx);
  *out = (mn_curvature){0};
  mn_status st = check(p, at, loss, output, err);
  if (st) return st;
  double *f = mn_alloc(4 * n, sizeof *f), *ascending = f + 3 * n;
  if (!f) return MN_NO_MEMORY(err, 4 * n * sizeof *f);
  st = values_at(p, at, output, ctx, f, err);
  if (!st) st = find_gradient(p, &losses[loss], output, threads, f, f + n, f + 2 * n, &out->gradient, err);
  if (!st) st = find_values(p, &losses[loss], threads, f, f + n, ascending, err);
  if (!st) count(p, ascending, out);
  for (size_t i = 0; !st && values && i < n; i++) values[i] = ascending[n - 1 - i];
  out->seconds = mn_clock_s() - begin_s;
  mn_free(f);
  return st;
}
