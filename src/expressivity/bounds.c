/* How well the triangular system is conditioned. All of it is about A of the two-layer network; the matrix of a deeper
 * one has the same kinks, and the closers beside. */
#include <float.h>
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "expressivity/network.h"
#include "linalg/triangular.h"

/* A and what solving with it takes. s = M^-1 D y and w = D s, where D takes differences, M has lambda on its diagonal
 * and eta below it: lambda_j = z_j - b_j, eta_j = b_j - z_(j-1). */
typedef struct {
  size_t n;
  double *z, *b;
  double *lambda, *eta; /* eta[0] is 0 */
} triangle;

static mn_status triangle_open(const mn_network *network, triangle *t, mn_error *err)
{
  const mn_projection *p = &network->projection;
  size_t n = t->n = p->count;
  t->z = mn_alloc(4 * n, sizeof *t->z);
  if (!t->z) return MN_NO_MEMORY(err, 4 * n * sizeof *t->z);
  t->b = t->z + n;
  t->lambda = t->b + n;
  t->eta = t->lambda + n;
  for (size_t k = 0; k < n; k++) {
    size_t i = p->order[k].item;
    t->z[k] = p->hi[i];
    t->b[k] = mn_network_kink(network, mn_network_unit_of(network, k));
    t->lambda[k] = (p->hi[i] - t->b[k]) + p->lo[i];
    t->eta[k] = k ? (t->b[k] - t->z[k - 1]) - p->lo[p->order[k - 1].item] : 0;
  }
  return MN_OK;
}

static void triangle_close(triangle *t)
{
  mn_free(t->z);
}

static void solve(const triangle *t, double *x)
{
  double y = 0, slope = 0;
  for (size_t k = 0; k < t->n; k++) {
    double s = (x[k] - y - slope * t->eta[k]) / t->lambda[k];
    y = x[k];
    x[k] = s - slope;
    slope = s;
  }
}

/* ||A^-1||_1, exactly but for rounding. Column j is w for y = e_j: the slopes are 1 / lambda_j, then the way back, then
 * what eta leaves of it, which soon vanishes. */
static double inverse_norm1(const triangle *t)
{
  double most = 0;
  for (size_t j = 0; j < t->n; j++) {
    double slope = 1 / t->lambda[j], sum = slope, change = 1;
    for (size_t k = j + 1; k < t->n && change > DBL_EPSILON * sum; k++) {
      double next = ((k == j + 1 ? -1 : 0) - slope * t->eta[k]) / t->lambda[k];
      change = fabs(next - slope);
      sum += change;
      slope = next;
    }
    most = fmax(most, sum);
  }
  return most;
}

/* The first column of A has the largest sum: b_1 is the least kink. */
static double norm1(const triangle *t)
{
  double sum = 0;
  for (size_t k = 0; k < t->n; k++) sum += t->z[k] - t->b[0];
  return sum;
}

/* 4 ||y|| / (lambda_min (1 - r)); see express.h. NaN when r reaches 1. */
static double bound_of(const mn_network *network, const triangle *t)
{
  double sum = 0, ratio = 0, least = INFINITY, scale = 0;
  const mn_projection *p = &network->projection;
  for (size_t k = 0; k < t->n; k++) {
    least = fmin(least, t->lambda[k]);
    ratio = fmax(ratio, t->eta[k] / t->lambda[k]);
    for (size_t c = 0; c < network->outputs; c++)
      scale = fmax(scale, fabs(network->y[p->order[k].item * network->outputs + c]));
  }
  for (size_t k = 0; scale > 0 && k < t->n; k++)
    for (size_t c = 0; c < network->outputs; c++) {
      double y = network->y[p->order[k].item * network->outputs + c] / scale;
      sum += y * y;
    }
  return ratio < 1 ? 4 * scale * sqrt(sum) / (least * (1 - ratio)) : (double)NAN;
}

/* ---- LAPACK's word */

/* A, or its transpose: n x n, column-major; what is not written is 0. */
static void fill(const triangle *t, double *a, size_t row_stride, size_t column_stride)
{
  for (size_t j = 0; j < t->n; j++)
    for (size_t i = j; i < t->n; i++) a[i * row_stride + j * column_stride] = t->z[i] - t->b[j];
}

mn_status mn_network_solve_dense(size_t n, const double *z, const double *b, size_t outputs, double *y, int threads,
                                 mn_error *err)
{
  triangle t = {.n = n, .z = (double *)z, .b = (double *)b};
  if (n > MN_TRIANGULAR_MAX)
    return MN_FAIL(err, MN_ERR_UNSUPPORTED,
                   "the dense triangular system takes at most %d points, %zu given; use slopes", MN_TRIANGULAR_MAX, n);
  double *a = mn_alloc_matrix(n * n, sizeof *a);
  if (!a) return MN_NO_MEMORY(err, n * n * sizeof *a);
  fill(&t, a, 1, n);
  mn_status st = mn_triangular_solve(n, a, outputs, y, threads, err);
  mn_free(a);
  return st;
}

/* Eigenvalues of A' rather than A: an upper triangle is one that LAPACK sees at once. */
static mn_status check_eigenvalues(const triangle *t, double *a, double *values, mn_network_report *r, mn_error *err)
{
  for (size_t i = 0; i < t->n * t->n; i++) a[i] = 0;
  fill(t, a, t->n, 1);
  mn_status st = mn_general_eigenvalues(t->n, a, values, err);
  if (st) return st;
  r->lambda_min_lapack = INFINITY;
  for (size_t k = 0; k < t->n; k++) r->lambda_min_lapack = fmin(r->lambda_min_lapack, values[k]);
  return MN_OK;
}

/* w by the other way than the network's, and the distance between the two. */
static mn_status check_weights(const mn_network *network, const triangle *t, const double *a, double *w, int threads,
                               mn_network_report *r, mn_error *err)
{
  const mn_projection *p = &network->projection;
  double difference = 0, total = 0;
  size_t n = t->n, outputs = network->outputs;
  int dense = network->options.solver == MN_NETWORK_DENSE;
  mn_status st = MN_OK;
  for (size_t k = 0; k < n; k++)
    for (size_t c = 0; c < outputs; c++) w[k + c * n] = network->y[p->order[k].item * outputs + c];
  if (dense)
    for (size_t c = 0; c < outputs; c++) solve(t, w + c * n);
  else
    st = mn_triangular_solve(n, a, outputs, w, threads, err);
  if (st || r->layers > 1) return st; /* the layers' w has the closers' part in it */
  double scale = r->norm > 0 ? r->norm : 1;
  for (size_t i = 0; i < n * outputs; i++) {
    difference += (w[i] - network->w[i]) / scale * ((w[i] - network->w[i]) / scale);
    total += network->w[i] / scale * (network->w[i] / scale);
  }
  r->dense_difference = total > 0 ? sqrt(difference / total) : sqrt(difference);
  return MN_OK;
}

static mn_status check(const mn_network *network, const triangle *t, int threads, mn_network_report *r, mn_error *err)
{
  size_t n = t->n, columns = network->outputs;
  double rcond, *a = mn_alloc_matrix(n * n, sizeof *a), *w = mn_alloc(n * (columns + 1), sizeof *w);
  mn_status st = MN_OK;
  if (!a || !w) {
    st = MN_NO_MEMORY(err, n * (n + columns + 1) * sizeof *a);
    goto done;
  }
  if ((st = check_eigenvalues(t, a, w, r, err))) goto done;
  fill(t, a, 1, n);
  if ((st = mn_triangular_rcond(n, a, &rcond, err))) goto done;
  r->condition_lapack = 1 / rcond;
  st = check_weights(network, t, a, w, threads, r, err);
done:
  mn_free(a);
  mn_free(w);
  return st;
}

mn_status mn_network_bound(mn_network *network, int threads, mn_error *err)
{
  mn_network_report *r = &network->report;
  triangle t = {0};
  double start = mn_clock_s();
  mn_status st = triangle_open(network, &t, err);
  if (st) return st;
  r->lambda_min = INFINITY;
  for (size_t k = 0; k < t.n; k++) r->lambda_min = fmin(r->lambda_min, t.lambda[k]);
  r->norm_bound = bound_of(network, &t);
  r->lambda_min_lapack = r->condition_lapack = r->dense_difference = (double)NAN;
  r->condition = norm1(&t) * inverse_norm1(&t);
  if (t.n <= MN_NETWORK_DENSE_CHECK) st = check(network, &t, threads, r, err);
  triangle_close(&t);
  r->checks_s = mn_clock_s() - start;
  return st;
}
