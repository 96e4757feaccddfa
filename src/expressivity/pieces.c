/* The network's function with twice the precision: as a sum over all units, and piece by piece. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "expressivity/compensated.h"
#include "expressivity/network.h"
#include "linalg/threads.h"

/* z of the samples, hi then lo; to be released with mn_free. */
static mn_status project(const mn_network *network, const mn_data *data, int threads, double **z, mn_error *err)
{
  *z = mn_alloc(2 * data->n, sizeof **z);
  if (!*z) return MN_NO_MEMORY(err, 2 * data->n * sizeof **z);
  return mn_project(network->projection.a, data, network->projection.exact, threads, *z, *z + data->n, err);
}

/* Kinks of all units; to be released with mn_free. */
static mn_status kinks_of(const mn_network *network, double **kinks, mn_error *err)
{
  *kinks = mn_alloc(network->units, sizeof **kinks);
  if (!*kinks) return MN_NO_MEMORY(err, network->units * sizeof **kinks);
  for (size_t u = 0; u < network->units; u++) (*kinks)[u] = mn_network_kink(network, u);
  return MN_OK;
}

/* ---- the sum over all units */

static void sum_points(const mn_network *network, const double *kinks, size_t n, const double *z, size_t first,
                       double *out)
{
  const mn_compensated *loops = mn_compensated_best();
  double hi[MN_COMPENSATED_POINTS], rest[MN_COMPENSATED_POINTS], sum[MN_COMPENSATED_POINTS];
  double low[MN_COMPENSATED_POINTS];
  size_t count = n - first < MN_COMPENSATED_POINTS ? n - first : MN_COMPENSATED_POINTS;
  for (size_t l = 0; l < MN_COMPENSATED_POINTS; l++) {
    size_t i = first + (l < count ? l : 0);
    hi[l] = z[i];
    rest[l] = z[n + i];
  }
  for (size_t c = 0; c < network->outputs; c++) {
    const double *w = network->w + c * network->units;
    memset(sum, 0, sizeof sum);
    memset(low, 0, sizeof low);
    loops->units(network->units, kinks, w, hi, rest, sum, low);
    for (size_t l = 0; l < count; l++) out[(first + l) * network->outputs + c] = sum[l] + low[l];
  }
}

mn_status mn_forward_compensated(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out,
                                 mn_error *err)
{
  int threads = mn_threads_open(ctx);
  double *z = NULL, *kinks = NULL;
  mn_meter meter;
  mn_status st = project(network, data, threads, &z, err);
  if (!st) st = kinks_of(network, &kinks, err);
  if (st) goto done;
  mn_meter_open(&meter, ctx, "run compensated", (double)data->n, "sample");
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t first = 0; first < data->n; first += MN_COMPENSATED_POINTS) {
    if (mn_meter_cancelled(&meter)) continue;
    sum_points(network, kinks, data->n, z, first, out);
    mn_meter_add(&meter, MN_COMPENSATED_POINTS);
  }
  st = mn_meter_close(&meter, err);
done:
  mn_free(z);
  mn_free(kinks);
  return st;
}

/* ---- pieces: C(z) = (sum of w_j) z - sum of w_j b_j over the kinks below z */

typedef struct {
  double *kinks;              /* units */
  mn_dd *slopes, *intercepts; /* units + 1, of the pieces between; piece 0 is zero */
} pieces;

static void pieces_close(pieces *p)
{
  mn_free(p->kinks);
  mn_free(p->slopes);
  mn_free(p->intercepts);
}

static mn_status pieces_open(const mn_network *network, pieces *p, mn_error *err)
{
  size_t count = network->units + 1;
  *p = (pieces){0};
  mn_status st = kinks_of(network, &p->kinks, err);
  p->slopes = mn_alloc(count, sizeof *p->slopes);
  p->intercepts = mn_alloc(count, sizeof *p->intercepts);
  if (!st && (!p->slopes || !p->intercepts)) st = MN_NO_MEMORY(err, 2 * count * sizeof *p->slopes);
  return st;
}

static void pieces_of(const mn_network *network, size_t output, pieces *p)
{
  const double *w = network->w + output * network->units;
  p->slopes[0] = p->intercepts[0] = (mn_dd){0, 0};
  for (size_t u = 0; u < network->units; u++) {
    mn_dd shift = mn_two_product(w[u], p->kinks[u]);
    p->slopes[u + 1] = mn_dd_add_double(p->slopes[u], w[u]);
    p->intercepts[u + 1] = mn_dd_sub(p->intercepts[u], shift);
  }
}

/* How many kinks are below z. */
static size_t piece_at(const double *kinks, size_t count, double hi, double lo)
{
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if ((hi - kinks[middle]) + lo > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

mn_status mn_forward_pieces(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out,
                            mn_error *err)
{
  int threads = mn_threads_open(ctx);
  double *z = NULL;
  pieces p = {0};
  size_t n = data->n;
  mn_status st = project(network, data, threads, &z, err);
  if (!st) st = pieces_open(network, &p, err);
  for (size_t c = 0; !st && c < network->outputs; c++) {
    pieces_of(network, c, &p);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < n; i++) {
      size_t k = piece_at(p.kinks, network->units, z[i], z[n + i]);
      mn_dd value = mn_dd_add(mn_dd_mul(p.slopes[k], (mn_dd){z[i], z[n + i]}), p.intercepts[k]);
      out[i * network->outputs + c] = value.hi;
    }
  }
  mn_free(z);
  pieces_close(&p);
  return st;
}
