/* Inside of the 2n + d network: what building, evaluating and storing share. */
#ifndef MN_EXPRESSIVITY_NETWORK_H
#define MN_EXPRESSIVITY_NETWORK_H

#include "expressivity/projection.h"
#include "minnorm/express.h"

struct mn_network {
  mn_network_options options;
  mn_network_report report;
  size_t dim, outputs;
  int64_t *labels; /* ascending; NULL: regression */
  size_t classes;
  mn_projection projection; /* of the training points; its a is the network's first array */
  double *y;                /* n x outputs, row-major: what the network is to say at the training points */

  /* Units in the order of their kinks: one a distinct point, and one more at the end of each hidden layer but the last
   * (closer), which makes the slope 0. */
  size_t units;
  size_t *start;  /* layers + 1: layer l has units start[l] ... start[l + 1] - 1 */
  double *bias;   /* units: b_j in the first layer, b_j - b_1, exactly, in the others */
  double *w;      /* units x outputs, column-major */
  double *offset; /* outputs: c, added to the sums that layers hand on; zero for one hidden layer */
  double *values; /* of mn_network_trace; NULL before */
};

/* Position of a kink, b_j. */
static inline double mn_network_kink(const mn_network *network, size_t unit)
{
  return unit < network->start[1] ? network->bias[unit] : network->bias[unit] + network->bias[0];
}

/* The unit of the k-th distinct point in ascending order of projections. */
size_t mn_network_unit_of(const mn_network *network, size_t k);

/* ---- weights.c: kinks, layers, w and its norm, and counts, from the projection as it is; may be called again. */
mn_status mn_network_weigh(mn_network *network, int threads, mn_error *err);

/* ---- bounds.c: lambda_min, condition, bound on the norm; LAPACK's word on them up to MN_NETWORK_DENSE_CHECK points.
 */
mn_status mn_network_bound(mn_network *network, int threads, mn_error *err);

/* w by the dense triangular system: points x outputs, column-major, for kinks b and projections z of n points, both
 * ascending. y: n x outputs, column-major, overwritten by w. */
mn_status mn_network_solve_dense(size_t n, const double *z, const double *b, size_t outputs, double *y, int threads,
                                 mn_error *err);

/* ---- store.c: the arrays of weights, by number; 0 past the last. */
typedef struct {
  char name[24];
  const double *values;
  size_t rows, columns; /* columns 0: one dimension */
  size_t ld;            /* column-major */
} mn_network_array;
int mn_network_array_at(const mn_network *network, size_t i, mn_network_array *out);
size_t mn_network_count_weights(const mn_network *network);

/* ---- forward_f64.c, forward_f32.c: the layers as written. */
mn_status mn_forward_f64(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out,
                         mn_error *err);
mn_status mn_forward_f32(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out,
                         mn_error *err);

/* ---- pieces.c: sums in twice the precision, and C by pieces. */
mn_status mn_forward_compensated(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out,
                                 mn_error *err);
mn_status mn_forward_pieces(const mn_network *network, const mn_data *data, const mn_context *ctx, double *out,
                            mn_error *err);

#endif
