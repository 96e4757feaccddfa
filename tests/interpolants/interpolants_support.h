/* What the tests of interpolants share: small sets, and weights of linear models in the open. */
#ifndef MN_TESTS_INTERPOLANTS_SUPPORT_H
#define MN_TESTS_INTERPOLANTS_SUPPORT_H

#include "minnorm/interpolants.h"
#include "support.h"

/* Normal features in doubles (bytes: uniform), labels 0 ... classes - 1 that depend on the features; or, for classes 0,
 * two columns of real targets. */
mn_data *problem_data(size_t n, size_t dim, mn_dtype type, size_t classes, uint64_t seed);

/* A kernel that interpolates problem_data: gaussian of gamma 1 / (2 dim), linear. */
mn_fit_options problem_options(mn_kernel_name name, size_t dim);

/* Opens; the test fails when that does. */
mn_interpolants *problem_open(const mn_data *train, const mn_fit_options *options);

/* Scores of a model, n x outputs, and w (dim x outputs, row-major) of a linear one without offset and scaling: its
 * values at the unit vectors. Released with free. */
double *problem_predict(const mn_model *model, const mn_data *data);
double *problem_weights(const mn_model *model, size_t dim);

double problem_norm(size_t count, const double *a);
/* ||a - b|| / ||b|| */
double problem_distance(size_t count, const double *a, const double *b);

#endif
