/* The steps of the descents, in the coefficients a of w = w_0 + sum_i a_i phi(x_i): the gradient of the mean loss of a
 * batch b is (1/|b|) sum_{i in b} (f(x_i) - y_i) phi(x_i). */
#include <math.h>
#include <string.h>

#include "core/random.h"
#include "interpolants/descend.h"

static double gradient_step(const mn_descent_run *run)
{
  return (double)run->n / run->lambda;
}

static void gradient_pass(mn_descent_run *run, double step)
{
  const double *f = run->start.values, *y = run->p->targets.y;
  for (size_t i = 0; i < run->count; i++) run->a[i] -= step / (double)run->n * (run->values[i] + f[i] - y[i]);
}

/* <gradient where the last step began, what that step changed> > 0: it went uphill. */
static int uphill(const mn_descent_run *run)
{
  double sum = 0;
  for (size_t i = 0; i < run->count; i++) sum += run->residual[i] * (run->values[i] - run->values_before[i]);
  return sum > 0;
}

/* From b = a + m (a - before), whose K b is the same combination of values at hand. */
static void momentum_pass(mn_descent_run *run, double step)
{
  const double *f = run->start.values, *y = run->p->targets.y;
  if (run->pass == 0 || uphill(run)) run->t = 1;
  double next = (1 + sqrt(1 + 4 * run->t * run->t)) / 2, m = run->pass == 0 ? 0 : (run->t - 1) / next;
  for (size_t i = 0; i < run->count; i++) {
    double a = run->a[i], v = run->values[i];
    double from = a + (m > 0 ? m * (a - run->before[i]) : 0), at = v + (m > 0 ? m * (v - run->values_before[i]) : 0);
    run->residual[i] = at + f[i] - y[i];
    run->before[i] = a;
    run->values_before[i] = v;
    run->a[i] = from - step / (double)run->n * run->residual[i];
  }
  run->t = next;
}

static double sgd_step(const mn_descent_run *run)
{
  double b = (double)run->batch, mean_lambda = run->lambda / (double)run->n;
  return b / (run->most + (b - 1) * mean_lambda);
}

static double kaczmarz_step(const mn_descent_run *run)
{
  return 1 / run->most;
}

/* The outputs of a thread, on their own: the loss is a sum over outputs. */
typedef struct {
  const double *f, *y; /* values of the start, targets: n x count */
  double *a;           /* n x count */
  double *residual;    /* n x count, scratch */
  size_t count;
} share;

static share share_of(const mn_descent_run *run, size_t part)
{
  size_t parts = (size_t)run->threads, first = run->outputs * part / parts;
  size_t count = run->outputs * (part + 1) / parts - first, at = first * run->n;
  return (share){run->start.values + at, run->p->targets.y + at, run->a + at, run->residual + at, count};
}

/* out[c] = (K a)_i of column c of a share; four at once, for one sum waits for itself. */
static void values_at(const mn_descent_run *run, const share *own, size_t i, double *out, size_t step)
{
  size_t n = run->n, c = 0;
  const double *k = run->p->k + i * n;
  for (; c + 4 <= own->count; c += 4) {
    const double *a = own->a + c * n, *b = a + n, *d = b + n, *e = d + n;
    double p = 0, q = 0, r = 0, s = 0;
#pragma omp simd reduction(+ : p, q, r, s)
    for (size_t j = 0; j < n; j++) p += k[j] * a[j], q += k[j] * b[j], r += k[j] * d[j], s += k[j] * e[j];
    out[c * step] = p, out[(c + 1) * step] = q, out[(c + 2) * step] = r, out[(c + 3) * step] = s;
  }
  for (; c < own->count; c++) {
    const double *a = own->a + c * n;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < n; j++) sum += k[j] * a[j];
    out[c * step] = sum;
  }
}

/* The gradients of a batch are all taken before its step. The samples of a last, smaller batch weigh what the others
 * do; fit_each: with the step that fits it. */
static void batches(const mn_descent_run *run, const share *own, double step, int fit_each)
{
  size_t n = run->n;
  for (size_t first = 0; first < n; first += run->batch) {
    size_t size = n - first < run->batch ? n - first : run->batch;
    const size_t *which = run->order + first;
    for (size_t s = 0; s < size; s++) values_at(run, own, which[s], own->residual + first + s, n);
    for (size_t s = 0; s < size; s++) {
      size_t i = which[s];
      double self = run->p->k[i + i * n], factor = !fit_each ? step / (double)run->batch : self > 0 ? 1 / self : 0;
      for (size_t c = 0; c < own->count; c++)
        own->a[i + c * n] -= factor * (own->residual[first + s + c * n] + own->f[i + c * n] - own->y[i + c * n]);
    }
  }
}

static void in_order(mn_descent_run *run, double step, int fit_each)
{
  mn_random r = mn_random_open(run->o->seed, MN_STREAM_DESCENT, run->pass);
  mn_random_permute(&r, run->n, run->order);
#pragma omp parallel for num_threads(run->threads) schedule(static)
  for (int part = 0; part < run->threads; part++) {
    share own = share_of(run, (size_t)part);
    batches(run, &own, step, fit_each);
  }
}

static void sgd_pass(mn_descent_run *run, double step)
{
  in_order(run, step, 0);
}

static void kaczmarz_pass(mn_descent_run *run, double step)
{
  in_order(run, step, 1);
}

static const mn_descent_row rows[MN_DESCENTS] = {
    [MN_DESCENT_GRADIENT] = {"gradient", 1, 0, gradient_step, gradient_pass},
    [MN_DESCENT_MOMENTUM] = {"momentum", 1, 3, gradient_step, momentum_pass},
    [MN_DESCENT_SGD] = {"sgd", 0, 1, sgd_step, sgd_pass},
    [MN_DESCENT_KACZMARZ] = {"kaczmarz", 0, 1, kaczmarz_step, kaczmarz_pass},
};

const mn_descent_row *mn_descent_row_of(mn_descent_method method)
{
  return (unsigned)method < MN_DESCENTS ? &rows[method] : NULL;
}

const char *mn_descent_string(mn_descent_method method)
{
  const mn_descent_row *row = mn_descent_row_of(method);
  return row ? row->name : NULL;
}
