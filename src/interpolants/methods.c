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

/* (K a)_i of one output. */
static double value_at(const mn_descent_run *run, size_t i, const double *a)
{
  const double *k = run->p->k + i * run->n;
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < run->n; j++) sum += k[j] * a[j];
  return sum;
}

/* One output on its own: the loss is a sum over outputs. Gradients of a batch are all taken before its step. */
static void sgd_column(const mn_descent_run *run, size_t column, double step, double *residual)
{
  size_t n = run->n;
  const double *f = run->start.values + column * n, *y = run->p->targets.y + column * n;
  double *a = run->a + column * n;
  for (size_t first = 0; first < n; first += run->batch) {
    size_t size = n - first < run->batch ? n - first : run->batch;
    const size_t *which = run->order + first;
    for (size_t s = 0; s < size; s++) {
      residual[first + s] = value_at(run, which[s], a) + f[which[s]] - y[which[s]];
    }
    for (size_t s = 0; s < size; s++) a[which[s]] -= step / (double)run->batch * residual[first + s];
  }
}

static void kaczmarz_column(const mn_descent_run *run, size_t column)
{
  size_t n = run->n;
  const double *f = run->start.values + column * n, *y = run->p->targets.y + column * n;
  double *a = run->a + column * n;
  for (size_t s = 0; s < n; s++) {
    size_t i = run->order[s];
    double self = run->p->k[i + i * n];
    if (self > 0) a[i] -= (value_at(run, i, a) + f[i] - y[i]) / self;
  }
}

static void draw_order(mn_descent_run *run)
{
  mn_random r = mn_random_open(run->o->seed, MN_STREAM_DESCENT, run->pass);
  mn_random_permute(&r, run->n, run->order);
}

/* run->residual: n x outputs, scratch. The samples of a last, smaller batch weigh what the others do. */
static void sgd_pass(mn_descent_run *run, double step)
{
  draw_order(run);
#pragma omp parallel for num_threads(run->threads) schedule(static)
  for (size_t c = 0; c < run->outputs; c++) sgd_column(run, c, step, run->residual + c * run->n);
}

static void kaczmarz_pass(mn_descent_run *run, double step)
{
  (void)step;
  draw_order(run);
#pragma omp parallel for num_threads(run->threads) schedule(static)
  for (size_t c = 0; c < run->outputs; c++) kaczmarz_column(run, c);
}

static const mn_descent_row rows[MN_DESCENTS] = {
    [MN_DESCENT_GRADIENT] = {"gradient", 1, 0, gradient_step, gradient_pass},
    [MN_DESCENT_MOMENTUM] = {"momentum", 1, 3, gradient_step, momentum_pass},
    [MN_DESCENT_SGD] = {"sgd", 0, 1, sgd_step, sgd_pass},
    [MN_DESCENT_KACZMARZ] = {"kaczmarz", 0, 0, kaczmarz_step, kaczmarz_pass},
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
