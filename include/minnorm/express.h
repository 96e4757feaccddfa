/* Finite-sample expressivity: a ReLU network with 2n + d weights that has any labels on any n distinct points of R^d
 * (Zhang et al. 2017, section 4 and appendix C).
 *
 * Theorem 1. Draw a in R^d so that the projections z_i = a.x_i are distinct, sort them, and choose biases with
 *     b_1 < z_1 < b_2 < z_2 < ... < b_n < z_n.
 * Then A_ij = max(z_i - b_j, 0) is lower triangular with a positive diagonal, and C(x) = sum_j w_j max(a.x - b_j, 0)
 * takes the values y at the points for w = A^-1 y. As a function of z, C is piecewise linear with a kink at each b_j:
 * w_j is the change of slope there, and all of w costs O(n).
 *
 * Numbers. The kinks b_j stand on the first point of a grid above z_(j-1), as far from z_j as can be, and the grid is
 * such that every difference of kinks is a double. Of bytes, a is drawn on a grid too, and z is exact in any order of
 * summation. Each w_j is rounded against those rounded before it, with value and slope of C carried in twice the
 * precision, so that rounding does not add up.
 *
 * Corollary (depth k). The kinks are dealt to k - 1 hidden layers of about n / (k - 1) units. Each layer hands on
 * u = max(z - b_1, 0), on which C depends alone, and max(P + c, 0), P the partial sum of the layers before; one more
 * unit at the end of a layer makes the slope of its part 0, so that 0 <= P + c for the constant c. The function is that
 * of two layers. */
#ifndef MINNORM_EXPRESS_H
#define MINNORM_EXPRESS_H

#include <stdint.h>

#include "minnorm/context.h"
#include "minnorm/data.h"
#include "minnorm/options.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* What the outputs are at a training point. */
typedef enum {
  MN_NETWORK_LABEL,  /* its label, or its target columns: 2n + d weights for one column */
  MN_NETWORK_ONEHOT, /* an output a class: 1 for its own, 0 for the others; n + d + n c weights */
  MN_NETWORK_PM1     /* the same with -1 for the others */
} mn_network_targets;

/* How w is found. */
typedef enum {
  MN_NETWORK_SLOPES, /* changes of slope, O(n) */
  MN_NETWORK_DENSE   /* the n x n triangular system by LAPACK (dtrtrs); two layers only */
} mn_network_solver;

/* How the projection is drawn: a_j is normal with the inverse of a scale of feature j as its deviation. */
typedef enum {
  MN_NETWORK_SCALE_AUTO,    /* none for bytes, standard for the rest */
  MN_NETWORK_SCALE_NONE,    /* 1 */
  MN_NETWORK_SCALE_STANDARD /* the feature's standard deviation; 0 for a constant feature */
} mn_network_scale;

typedef struct {
  int depth;                  /* 2 ... : layers of weights; depth - 1 hidden layers, at most a layer a point */
  mn_network_targets targets; /* onehot and pm1 need class labels */
  mn_network_solver solver;
  mn_network_scale scale;
  int candidates;   /* 1 ...: projections drawn, of which the one with the largest least gap is kept */
  double improve_s; /* seconds at most for pushing the closest projections apart; 0: none */
  uint64_t seed;    /* of the projections */
} mn_network_options;

mn_network_options mn_network_defaults(void);

/* The rows of mn_network_options. */
const mn_option *mn_network_option_table(size_t *count);

/* One hidden layer. */
typedef struct {
  size_t units;       /* ReLUs, those that hand on included */
  size_t weights;     /* numbers stored for it: biases, and weights into the sum */
  size_t connections; /* weights and biases when it is drawn as an ordinary layer; the projection is not counted */
} mn_network_layer;

/* What was built, and how it is conditioned. NaN or 0: does not apply. */
typedef struct {
  size_t n;        /* training points */
  size_t distinct; /* of them; equal points of equal targets are one */
  size_t dim, outputs, classes;
  size_t layers;      /* hidden layers, depth - 1 */
  size_t width_max;   /* units of the widest */
  size_t weights;     /* elements of the arrays that mn_network_save writes, counted from the arrays */
  size_t connections; /* weights and biases of the network drawn as ordinary layers above one shared projection */
  int exact;          /* z is exact in any order of summation */

  double range;               /* of the projections, z_n - z_1 */
  double gap_drawn, gap;      /* least distance of neighbouring projections: best candidate, after improvement */
  double norm_drawn, norm;    /* ||w||_2 over all outputs, for either */
  int improve_rounds;         /* corrections of a that were tried */
  int improve_timed_out;      /* 1: time ended the improvement */
  double lambda_min;          /* least eigenvalue of A, min(z_i - b_i) by Lemma 1 */
  double lambda_min_lapack;   /* the same from A by dgeev, for n <= MN_NETWORK_DENSE_CHECK */
  double condition;           /* of A in the 1-norm, in O(n) */
  double condition_lapack;    /* LAPACK's estimate of it from A (dtrcon), for n <= MN_NETWORK_DENSE_CHECK */
  double dense_difference;    /* ||w - w'|| / ||w||, w' by the other way, for n <= MN_NETWORK_DENSE_CHECK */
  double norm_bound;          /* 4 ||y|| / (lambda_min (1 - r)) >= ||w||; see below */
  double project_s, solve_s;  /* seconds: a, z, sorting, improvement; kinks and w */
  double improve_s, checks_s; /* of project_s; of the LAPACK checks, which solve_s leaves out */
} mn_network_report;

/* Up to this many points A is made and handed to LAPACK as a check. */
enum { MN_NETWORK_DENSE_CHECK = 5000 };

/* The bound. With the slopes s_j of C, y_j - y_(j-1) = s_(j-1) (b_j - z_(j-1)) + s_j (z_j - b_j) and w_j = s_j -
 * s_(j-1), so ||w|| <= 2 ||s|| and ||s|| <= 2 ||y|| / (lambda_min (1 - r)), r = max_j (b_j - z_(j-1)) / (z_j - b_j)
 * < 1. ||y|| / lambda_min alone bounds nothing, for A is not normal: y = (1, -1), z - b = 1, b_2 = z_1 gives w = (1,
 * -3). */

typedef struct mn_network mn_network;

/* Builds the network for the training points. Equal points with equal targets are merged; with different ones no
 * function exists: MN_ERR_DATA names them. MN_ERR_SINGULAR when points are too close for any projection in double
 * precision. */
mn_status mn_network_build(const mn_data *train, const mn_network_options *options, const mn_context *ctx,
                           mn_network **out, mn_error *err);
void mn_network_close(mn_network **network);

const mn_network_report *mn_network_report_of(const mn_network *network);
mn_network_layer mn_network_layer_at(const mn_network *network, size_t layer); /* 0 ... layers - 1 */

/* Labels of the outputs (classes, ascending), or NULL for a regression. */
const int64_t *mn_network_labels(const mn_network *network);

/* Ways to compute the same function. */
typedef enum {
  MN_FORWARD_DOUBLE,      /* layer by layer: matrix product, ReLU, matrix product; O(m n) */
  MN_FORWARD_SINGLE,      /* the same in fp32 */
  MN_FORWARD_COMPENSATED, /* every product and sum over all units in twice the precision; O(m n) */
  MN_FORWARD_PIECEWISE,   /* slope and value of the piece of C where z lies, found by bisection; O(m log n) */
  MN_FORWARDS
} mn_forward;

/* out: m x outputs, row-major. */
mn_status mn_network_forward(const mn_network *network, const mn_data *data, mn_forward how, const mn_context *ctx,
                             double *out, mn_error *err);

/* The class of each sample from the outputs: the nearest label, or the largest output. Not for a regression. */
mn_status mn_network_classify(const mn_network *network, size_t m, const double *outputs, int64_t *labels,
                              mn_error *err);

/* The network against its training points: largest |C_c(x_i) - y_ic| of each way, on `points` of them (the first ones
 * when sorted at random by the seed; all for points = 0), but on all for piecewise; missed: fraction of their labels
 * missed, NaN for a regression. train_error: that of fp64 where it ran on all points, else that of the pieces. */
typedef struct {
  size_t points;
  double max_error[MN_FORWARDS], missed[MN_FORWARDS];
  double train_error;
  double target_max; /* largest |y| */
  double verify_s;
} mn_network_verification;
mn_status mn_network_verify(const mn_network *network, const mn_data *train, size_t points, const mn_context *ctx,
                            mn_network_verification *out, mn_error *err);

/* The pieces of output 0 for a picture: kinks b_j with the values there, and projections z_i with targets, ascending.
 * After the last kink stands the last projection, where C has its last value. Pointers stay the network's. */
typedef struct {
  size_t units, points;
  const double *kinks, *values; /* units + 1 */
  const double *z, *targets;    /* points */
} mn_network_curve;
mn_status mn_network_trace(mn_network *network, mn_network_curve *out, mn_error *err);

/* Writes the network to a folder: network.json and one .npy an array of weights; complete or not at all. An earlier
 * network of that name is replaced, anything else is MN_ERR_IO. mn_network_check_path says beforehand. */
mn_status mn_network_save(const mn_network *network, const char *path, mn_error *err);
mn_status mn_network_check_path(const char *path, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
