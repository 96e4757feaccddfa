/* The network as it is written, layer by layer, in the precision of MN_REAL; the file that includes this names it
 * (MN_FORWARD), its element type (MN_TYPE), the conversion of samples (MN_ROWS) and the phase (MN_PHASE). */
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "expressivity/network.h"
#include "linalg/blas.h"
#include "linalg/threads.h"
#include "minnorm/samples.h"

enum { ROWS = 128, UNITS = 512 }; /* of one tile of hidden units, which stays in cache */

/* The network's arrays in this precision. */
typedef struct {
  MN_REAL *a;      /* dim */
  MN_REAL *bias;   /* units */
  MN_REAL *w;      /* units x outputs, column-major */
  MN_REAL *offset; /* outputs */
} weights;

/* What a thread works in. */
typedef struct {
  MN_REAL *x;       /* dim x ROWS: a block of samples, one a column */
  MN_REAL *u;       /* ROWS: a.x in the first layer, max(a.x - b_1, 0) in the others */
  MN_REAL *tile;    /* ROWS x UNITS */
  MN_REAL *sum;     /* ROWS x outputs: output of one layer's units */
  MN_REAL *carried; /* ROWS x outputs: sums handed on, offset added */
} workspace;

static MN_REAL *converted(const double *from, size_t count)
{
  MN_REAL *out = mn_alloc(count, sizeof *out);
  for (size_t i = 0; out && i < count; i++) out[i] = (MN_REAL)from[i];
  return out;
}

static void weights_close(weights *v)
{
  mn_free(v->a);
  mn_free(v->bias);
  mn_free(v->w);
  mn_free(v->offset);
}

/* What there is of them is left to weights_close, a failure included. */
static mn_status weights_open(const mn_network *network, weights *v, mn_error *err)
{
  *v =
      (weights){converted(network->projection.a, network->dim), converted(network->bias, network->units),
                converted(network->w, network->units * network->outputs), converted(network->offset, network->outputs)};
  if (v->a && v->bias && v->w && v->offset) return MN_OK;
  return MN_NO_MEMORY(err, (network->dim + network->units * (network->outputs + 1)) * sizeof(MN_REAL));
}

static size_t workspace_size(const mn_network *network)
{
  return ROWS * (network->dim + 1 + UNITS + 2 * network->outputs);
}

static workspace workspace_at(const mn_network *network, MN_REAL *memory)
{
  workspace s = {.x = memory};
  s.tile = s.x + ROWS * network->dim;
  s.sum = s.tile + ROWS * UNITS;
  s.carried = s.sum + ROWS * network->outputs;
  s.u = s.carried + ROWS * network->outputs;
  return s;
}

static MN_REAL relu(MN_REAL v)
{
  return v > 0 ? v : 0;
}

/* sum = ReLU(u - b) w over the units of a layer. */
static void layer_sum(const mn_network *network, const weights *v, size_t layer, size_t rows, workspace *s)
{
  const mn_blas *blas = mn_blas_of(MN_TYPE);
  size_t end = network->start[layer + 1];
  for (size_t first = network->start[layer]; first < end; first += UNITS) {
    size_t count = end - first < UNITS ? end - first : UNITS;
    for (size_t j = 0; j < count; j++)
      for (size_t i = 0; i < ROWS; i++) s->tile[i + j * ROWS] = relu(s->u[i] - v->bias[first + j]);
    blas->gemm('N', 'N', rows, network->outputs, count, 1, s->tile, ROWS, v->w + first, network->units,
               first > network->start[layer], s->sum, ROWS);
  }
}

/* What the next layer is handed: u, and the sum so far. */
static void hand_on(const mn_network *network, const weights *v, size_t layer, workspace *s)
{
  if (!layer)
    for (size_t i = 0; i < ROWS; i++) s->u[i] = relu(s->u[i] - v->bias[0]);
  for (size_t c = 0; c < network->outputs; c++)
    for (size_t i = c * ROWS; i < (c + 1) * ROWS; i++)
      s->carried[i] = relu((layer ? s->carried[i] : v->offset[c]) + s->sum[i]);
}

static void forward_block(const mn_network *network, const weights *v, size_t rows, workspace *s)
{
  size_t layers = network->report.layers;
  mn_blas_of(MN_TYPE)->gemm('T', 'N', rows, 1, network->dim, 1, s->x, network->dim, v->a, network->dim, 0, s->u, ROWS);
  for (size_t layer = 0; layer < layers; layer++) {
    layer_sum(network, v, layer, rows, s);
    if (layer + 1 < layers) hand_on(network, v, layer, s);
  }
}

static void write_block(const mn_network *network, const weights *v, size_t rows, const workspace *s, double *out)
{
  int deep = network->report.layers > 1;
  for (size_t i = 0; i < rows; i++)
    for (size_t c = 0; c < network->outputs; c++) {
      MN_REAL sum = s->sum[i + c * ROWS];
      out[i * network->outputs + c] = (double)(deep ? s->carried[i + c * ROWS] + sum - v->offset[c] : sum);
    }
}

mn_status MN_FORWARD(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out, mn_error *err)
{
  int threads = mn_threads_open(ctx);
  size_t size = workspace_size(network);
  mn_scaling *scaling = NULL;
  weights v = {0};
  mn_meter meter;
  MN_REAL *memory = mn_alloc_matrix(size * (size_t)threads, sizeof *memory);
  mn_status st = memory ? MN_OK : MN_NO_MEMORY(err, size * (size_t)threads * sizeof *memory);
  if (!st) st = weights_open(network, &v, err);
  if (!st) st = mn_scaling_open(MN_SCALE_NONE, data, &scaling, err);
  if (st) goto done;
  memset(memory, 0, size * (size_t)threads * sizeof *memory);
  mn_samples samples = mn_samples_of(data, scaling);
  mn_meter_open(&meter, ctx, MN_PHASE, (double)data->n, "sample");
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t first = 0; first < data->n; first += ROWS) {
    if (mn_meter_cancelled(&meter)) continue;
    size_t rows = data->n - first < ROWS ? data->n - first : ROWS;
    workspace s = workspace_at(network, memory + size * (size_t)omp_get_thread_num());
    MN_ROWS(&samples, first, rows, s.x);
    forward_block(network, &v, rows, &s);
    write_block(network, &v, rows, &s, out + first * network->outputs);
    mn_meter_add(&meter, (double)rows);
  }
  st = mn_meter_close(&meter, err);
done:
  weights_close(&v);
  mn_scaling_close(&scaling);
  mn_free(memory);
  return st;
}
