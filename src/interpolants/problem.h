/* Inside of the comparison of interpolants: what its parts share. */
#ifndef MN_INTERPOLANTS_PROBLEM_H
#define MN_INTERPOLANTS_PROBLEM_H

#include "linalg/panels.h"
#include "minnorm/interpolants.h"
#include "model/model.h"

struct mn_interpolants {
  const mn_data *train;
  mn_fit_options options; /* of the direct solution, gamma given */
  mn_model *direct;       /* an expansion at the training samples */
  mn_encoded targets;     /* n x outputs */
  size_t n, outputs;
  double *k;         /* n x n, both triangles */
  mn_panels *panels; /* its lower triangle */
};

/* The model with these centres (NULL: the training samples) and coefficients (one a centre and output, column-major),
 * both of which it takes over, failure or not; norms, training error and residual are measured. */
mn_status mn_expansion_open(const mn_interpolants *p, mn_data *centres, double *coefficients, const mn_context *ctx,
                            mn_model **out, mn_error *err);

/* c (samples x outputs): K(x, x) c = y for the y of samples in the scaling of the training set. */
mn_status mn_expansion_solve(const mn_interpolants *p, const mn_data *samples, const double *y, const mn_context *ctx,
                             double *c, mn_error *err);

/* `count` random points, for random centres and starts. */
mn_status mn_random_points(const mn_interpolants *p, size_t count, uint64_t seed, mn_data **out, mn_error *err);

/* The samples of a, then those of b, with the targets of both if `targets`, else without any. */
mn_status mn_join(const mn_data *a, const mn_data *b, int targets, mn_data **out, mn_error *err);

/* The system's samples of a data set: in the scaling of the training set. */
mn_samples mn_problem_samples(const mn_interpolants *p, const mn_data *data);

#endif
