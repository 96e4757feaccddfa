/* Interpolants of one training set that differ in norm (Zhang et al. 2017, section 5).
 *
 * The model is linear in the features phi of a kernel, f(x) = <w, phi(x)> with k(x, x') = <phi(x), phi(x')>; for the
 * linear kernel phi(x) = x. With more features than samples many w interpolate. Each one below is an ordinary model,
 *     w = sum_j c_j phi(z_j),    f(x) = sum_j c_j k(z_j, x),    ||w||^2 = c' K(z, z) c,
 * to be predicted, scored and saved like a fitted one. Its report has norm, training error and the relative residual
 * ||f(X) - Y||_F / ||Y||_F, evaluated anew by the model's own predictions; of the solver it says nothing.
 *
 *   direct           K c = y at the training samples: the least norm of all
 *   descents         what gradient descent arrives at, from zero or from a start outside the span of the data
 *   random centres   c at n random points z instead of the training samples: K(x, z) c = y
 *   forced labels    the least norm among those that have random labels at the test samples, too */
#ifndef MINNORM_INTERPOLANTS_H
#define MINNORM_INTERPOLANTS_H

#include "minnorm/model.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* A training set, its Gram matrix in memory (n x n doubles), and the direct solution. */
typedef struct mn_interpolants mn_interpolants;

/* `train` must outlive it and every model made from it. Ridge, corruption and leave-one-out have to be 0 in the
 * options. MN_ERR_DATA: equal samples, targets that are all 0, or a linear kernel with fewer features than samples;
 * MN_ERR_SINGULAR: no function of this kernel interpolates (features of mean 0 want targets of mean 0: `center`);
 * MN_ERR_BUDGET: three matrices of n x n doubles have no room. */
mn_status mn_interpolants_open(const mn_data *train, const mn_fit_options *options, const mn_context *ctx,
                               mn_interpolants **out, mn_error *err);
void mn_interpolants_close(mn_interpolants **p);

/* The interpolant of least norm; it stays the problem's. */
const mn_model *mn_interpolants_direct(const mn_interpolants *p);

/* ---- descents of the squared loss (1/2n) sum_i |f(x_i) - y_i|^2
 *
 * An iterate is w = w_0 + sum_i a_i phi(x_i), for every gradient is a combination of the phi(x_i). From w_0 = 0 the
 * limit is the direct solution; from elsewhere it is the direct solution plus the part of w_0 that no training sample
 * sees. lambda is the largest eigenvalue of K, by power iteration. */
typedef enum {
  MN_DESCENT_GRADIENT, /* steps of n / lambda, the inverse of the Lipschitz constant of the gradient */
  MN_DESCENT_MOMENTUM, /* the same with Nesterov's momentum, begun anew where it points uphill (O'Donoghue & Candes
                          2015, section 3.2) */
  MN_DESCENT_SGD, /* batches of b samples from a new random order each pass, steps of b / (B + (b - 1) lambda / n), B
                     the largest k(x_i, x_i): constant, and linearly convergent where all samples can be fitted
                     (Ma, Bassily & Belkin 2018, theorem 1) */
  MN_DESCENT_KACZMARZ, /* single samples in such orders, steps of 1 / k(x_i, x_i), which fit each in its turn (Strohmer
                          & Vershynin 2009); sgd in batches of 1 where all k(x_i, x_i) are equal */
  MN_DESCENTS
} mn_descent_method;

/* "gradient", "momentum", "sgd", "kaczmarz"; NULL outside the table. */
const char *mn_descent_string(mn_descent_method method);

/* Random points that a start outside the span is made of, at most: n of fewer samples. */
enum { MN_DESCENT_START_POINTS = 64 };

typedef struct {
  mn_descent_method method;
  size_t batch;      /* 1 ...: of sgd; more than n is n */
  double start;      /* 0: from w_0 = 0. Above: ||w_0|| as a multiple of the direct solution's norm, w_0 a normal random
                        combination of phi at random points, as for random centres */
  double tolerance;  /* above 0: it ends when the distance is at most this */
  size_t passes_max; /* 1 ...: or after so many passes over the data */
  uint64_t seed;     /* of the orders and of the start */
} mn_descent_options;

/* sgd in batches of 1 from zero, 1e-6, 100,000 passes, seed 0. */
mn_descent_options mn_descent_defaults(void);

/* A point of the way: after the first ten passes, then about every tenth of those done. */
typedef struct {
  size_t passes;
  double distance; /* ||w - limit|| / ||direct|| */
  double residual; /* ||f(X) - Y||_F / ||Y||_F */
} mn_descent_point;

enum { MN_DESCENT_POINTS_MAX = 256 };

typedef struct {
  int converged; /* 0: passes_max came first */
  size_t passes, steps;
  double lipschitz;       /* lambda / n */
  double step;            /* of the mean loss of a batch; of kaczmarz the least */
  double start_norm;      /* ||w_0|| */
  double limit_norm;      /* of the limit: the direct solution's when the start was zero */
  double distance;        /* ||w - limit|| / ||direct|| */
  double direct_distance; /* ||w - direct|| / ||direct|| */
  double seconds;
  size_t count;
  mn_descent_point points[MN_DESCENT_POINTS_MAX];
} mn_descent;

/* Phase: the name of the method, in decimal digits of the distance. MN_ERR_ARGUMENT: an option out of range. */
mn_status mn_interpolants_descend(const mn_interpolants *p, const mn_descent_options *options, const mn_context *ctx,
                                  mn_model **out, mn_descent *report, mn_error *err);

/* ---- interpolants that do not generalise */

/* What the system of random centres was like. */
typedef struct {
  double rcond;    /* reciprocal condition number of K(x, z) in the 1-norm, estimated */
  int refinements; /* steps of iterative refinement taken */
  double seconds;
} mn_random_centres;

/* An expansion at n random points z, drawn by the seed: feature by feature normal with mean and deviation of the
 * training samples, rounded and cut for bytes. K(x, z) is not symmetric: LU with row exchanges. MN_ERR_SINGULAR: it has
 * no inverse. */
mn_status mn_interpolants_random_centres(const mn_interpolants *p, uint64_t seed, const mn_context *ctx, mn_model **out,
                                         mn_random_centres *report, mn_error *err);

/* The interpolant of least norm of the training samples and of all test samples, each of these with a class drawn
 * uniformly, by the seed, from those of the training samples. MN_ERR_DATA: targets that are no classes, test samples of
 * another type or dim, equal ones among both sets, or a linear kernel with fewer than n + m features. */
mn_status mn_interpolants_forced(const mn_interpolants *p, const mn_data *test, uint64_t seed, const mn_context *ctx,
                                 mn_model **out, mn_error *err);

/* ---- curvature at a minimum
 *
 * The mean loss (1/n) sum_i l(f(x_i), y_i) of one output has the Hessian H = (1/n) X' diag(beta) X in w, X the features
 * of the training samples and beta_i the second derivative of l in f at f(x_i). Its eigenvalues that are not 0 are
 * those of the n x n matrix (1/n) diag(sqrt(beta)) K diag(sqrt(beta)). All interpolants have the same f(x_i), hence the
 * same beta and H: curvature cannot tell them apart. */
typedef enum {
  MN_LOSS_SQUARED,  /* (f - y)^2 / 2, beta 1 */
  MN_LOSS_LOGISTIC, /* log(1 + exp f) - s f for a class of probability s = 1 / (1 + exp -y), so that the minimum is at f
                       = y and finite; beta = p (1 - p), p = 1 / (1 + exp -f) */
  MN_LOSSES
} mn_loss;

/* "squared", "logistic"; NULL outside the table. */
const char *mn_loss_string(mn_loss loss);

typedef struct {
  size_t rank;           /* eigenvalues above n epsilon times the largest */
  double zeros;          /* the others, dim - rank; NaN unless the kernel is linear */
  double largest, least; /* of those that are not zero */
  double gradient;       /* ||X' r|| / n with r_i = l'(f(x_i), y_i): 0 at a minimum */
  double seconds;
} mn_curvature;

/* At a model of the same training set and kernel, made here or loaded. values: n, descending; may be NULL.
 * MN_ERR_ARGUMENT: no such loss or output; MN_ERR_UNSUPPORTED: more than 32,766 samples. */
mn_status mn_interpolants_curvature(const mn_interpolants *p, const mn_model *at, mn_loss loss, size_t output,
                                    const mn_context *ctx, double *values, mn_curvature *out, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
