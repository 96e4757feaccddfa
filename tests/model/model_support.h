/* What the tests of models share: small data sets, and a naive twin of everything a model computes, in long double. */
#ifndef MN_TESTS_MODEL_SUPPORT_H
#define MN_TESTS_MODEL_SUPPORT_H

#include "minnorm/model.h"
#include "support.h"

typedef long double wide;

/* n samples of normal features (of bytes: uniform 0 ... 255) from a seed, with y left for the caller. The first samples
 * of a longer set are those of a shorter one. */
mn_data *model_data(size_t n, size_t dim, mn_dtype type, size_t columns, uint64_t seed);

/* The same with labels first, first + step, ... of `classes` classes, all of which occur when n allows. */
mn_data *model_classes(size_t n, size_t dim, mn_dtype type, size_t classes, int64_t first, int64_t step, uint64_t seed);

/* The same with smooth real targets, each column another function. */
mn_data *model_regression(size_t n, size_t dim, mn_dtype type, size_t columns, uint64_t seed);

/* The samples named, in that order. */
mn_data *model_pick(const mn_data *data, const size_t *index, size_t n);

/* Copies sample `from` over sample `to`, targets included. */
void model_repeat(mn_data *data, size_t from, size_t to);

/* A gaussian of gamma 0.1, which is given, for normal features; otherwise the defaults. */
mn_fit_options model_options(void);

/* Options with a kernel of default parameters and this gamma. */
mn_fit_options model_kernel_options(mn_kernel_name name, double gamma);

/* Fits; the test fails when that does. */
mn_model *model_fit(const mn_data *train, const mn_fit_options *options);

/* Scores of a data set, n x outputs, to be released with free. */
double *model_predict(const mn_model *model, const mn_data *data);

/* The samples as the kernel sees them (n x dim), scaled by the statistics of `train`; to be released with free. */
double *oracle_features(const mn_data *data, const mn_data *train, mn_scale scale);

/* k(a, b) from the formula. */
wide oracle_kernel(const mn_kernel *kernel, size_t dim, const double *a, const double *b);

/* rows x cols kernel values, row-major; to be released with free. */
wide *oracle_gram(const mn_kernel *kernel, size_t dim, size_t rows, const double *a, size_t cols, const double *b);

/* Solves a x = b by elimination with row exchanges: a n x n row-major, destroyed; b n x columns row-major, replaced. */
void oracle_solve(size_t n, wide *a, size_t columns, wide *b);

/* Scores of `test` (m x columns, row-major) of the interpolant of `train` to the targets y (n x columns, row-major):
 * the plain dense system, ridge on its diagonal. norms (columns), when not NULL: sqrt(alpha_c' K alpha_c). */
double *oracle_scores(const mn_data *train, const mn_data *test, const mn_kernel *kernel, mn_scale scale, double ridge,
                      size_t columns, const double *y, double *norms);

/* One-hot rows of labels: n x count; off is what the other classes get. */
double *oracle_targets(const mn_data *data, const int64_t *labels, size_t count, double off);

/* Largest |a - b| over the largest |b|. */
double oracle_distance(size_t count, const double *a, const double *b);

#endif
