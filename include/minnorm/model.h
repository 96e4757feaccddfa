/* A fitted interpolant: fit, predict, score, save, load. */
#ifndef MINNORM_MODEL_H
#define MINNORM_MODEL_H

#include <stdint.h>

#include "minnorm/data.h"
#include "minnorm/kernel.h"
#include "minnorm/products.h"
#include "minnorm/samples.h"
#include "minnorm/solve.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum { MN_GAMMA_AUTO, MN_GAMMA_MEDIAN, MN_GAMMA_GIVEN } mn_gamma_rule;
typedef enum { MN_TASK_AUTO, MN_TASK_CLASSIFICATION, MN_TASK_REGRESSION } mn_task;
typedef enum { MN_TARGETS_ONEHOT, MN_TARGETS_PM1 } mn_targets;

typedef struct {
  mn_kernel kernel;         /* gamma is ignored unless gamma_rule is MN_GAMMA_GIVEN */
  mn_gamma_rule gamma_rule; /* auto: least leave-one-out square error on at most 4,000 training samples */
  mn_scale scale;
  mn_task task;       /* auto: integer labels in one column are classes */
  mn_targets targets; /* of a class: 1 and 0, or 1 and -1 */
  int center;         /* subtract the mean target and add it back to the predictions */
  double corrupt;     /* 0 ... 1: each training label is replaced, with this probability, by a uniform class */
  int loo;            /* leave-one-out errors and generalised cross-validation in the report; takes a factor, no CG */
  int measures;       /* complexity measures in the report, leave-one-out with them; takes a factor, no CG */
  size_t draws;       /* of random signs for them, 2 at least */
  uint64_t seed;      /* of the samples drawn for the bandwidth, of the corruption, and of the random signs */
  mn_solve_options solve;
} mn_fit_options;

/* Gaussian kernel, gamma auto, scale auto, task auto, one-hot targets, ridge 0, 32 draws, seed 0. */
mn_fit_options mn_fit_defaults(void);

/* One point of the search for the bandwidth. */
typedef struct {
  double gamma;
  double multiple;  /* of 1 / median */
  double loo_mse;   /* mean over samples of the squared leave-one-out error, summed over outputs; NaN: not factorable */
  double loo_error; /* leave-one-out error rate, NaN for regression */
} mn_gamma_point;

enum { MN_GAMMA_POINTS_MAX = 32 };

/* Of f_y(x) - max of f_c(x) over c != y, y the label fitted, at the training samples. */
typedef struct {
  double least, tenth, mean; /* tenth: a tenth of the samples have this margin or less */
} mn_margins;

/* What may say how a fit generalises, beside its norm. All outputs are taken together: ||w|| is the report's norm, and
 * f the functions w.x without the mean of `center`. NaN unless asked for. */
typedef struct {
  mn_complexity of_factor; /* the same for all targets; n is the samples without those merged, likewise below */
  double rademacher_bound; /* ||w|| sqrt(tr K) / n */
  mn_estimate rademacher;  /* (||w|| / n) E sqrt(sigma' K sigma): the empirical Rademacher complexity of the ball of
                              norm ||w||, E sup (1/n) sum_i sigma_i f(x_i) (Bartlett & Mendelson 2002, def. 2, without
                              their factor 2) */
  mn_margins margins;      /* of all samples, with the mean of `center`; NaN for regression or a single class */
  mn_margins over_norm;    /* the same divided by ||w||: distances in the space of the kernel, but for a factor */
  /* Of the change of the prediction at a sample when this one is left out, |f(x_i) - f_-i(x_i)|, of several outputs the
   * Euclidean norm, over all samples (pointwise hypothesis stability, Bousquet & Elisseeff 2002, def. 4). */
  double stability_mean, stability_most;
} mn_measures;

/* What a fit did. Numbers that do not apply are NaN. The model owns it. */
typedef struct {
  size_t n_train, dim, outputs, classes; /* classes 0: regression */
  mn_kernel kernel;
  mn_gamma_rule gamma_rule;
  double median; /* of r^2 (of r for kernels of r) over pairs of at most 1,000 of the samples drawn; of ||x||^2 over
                    these samples for polynomials; 1 where that is 0 */
  size_t gamma_samples;
  size_t gamma_count; /* points tried, in the order tried */
  mn_gamma_point gamma_points[MN_GAMMA_POINTS_MAX];
  double ridge;
  size_t merged; /* duplicate samples of equal targets that were left out of the system */
  mn_system_report system;
  mn_solution solution;
  double bandwidth_s, fit_s;
  double train_error;          /* fraction of training samples misclassified, against the labels fitted */
  double train_rmse, train_r2; /* regression, over all columns */
  /* Leave-one-out, where asked for, else NaN; of all samples, those merged included, which their equals predict
   * exactly. With `center` the mean target, too, is that of the others. */
  double loo_error; /* fraction misclassified, against the labels fitted; NaN for regression */
  double
      *loo_error_per_class; /* outputs; NaN where a class has no samples; NULL unless asked for, and for regression */
  double loo_mse;           /* mean over samples of the squared error, summed over outputs */
  mn_leave_one_out loo;     /* of the system solved: gcv, seconds, how good the diagonal is */
  mn_measures measures;
  double norm;             /* ||w|| = sqrt(sum over outputs of alpha' K alpha) */
  double *norm_per_output; /* outputs */
} mn_fit_report;

/* Bandwidth and ridge to choose from, by leave-one-out on the training set alone. */
enum { MN_SELECT_MAX = 16, MN_SELECT_POINTS = MN_SELECT_MAX * MN_SELECT_MAX };
/* By the least square error, or the fewest samples misclassified and of equals the least square error. With many
 * features of images the two differ: narrow kernels have the smaller square error, wide ones fewer errors. */
typedef enum { MN_SELECT_BY_MSE, MN_SELECT_BY_ERROR } mn_select_by;
typedef struct {
  mn_select_by by;
  size_t gamma_count, ridge_count;
  double gammas[MN_SELECT_MAX]; /* gamma_count 0: 1/8, 1/4, 1/2, 1, 2, 3, 4, 6 and 8 times 1 / median */
  double ridges[MN_SELECT_MAX];
  size_t samples; /* at most so many training samples, drawn by the seed; 0: all */
} mn_select_options;

/* By square error, the bandwidths above, the ridges 0 and 1e-6 ... 1e-1, 4,000 samples. */
mn_select_options mn_select_defaults(void);

typedef struct {
  double gamma, ridge;       /* gamma NaN: a kernel without */
  double loo_mse, loo_error; /* as in mn_gamma_point */
  double gcv;                /* as in mn_leave_one_out */
} mn_select_point;

typedef struct {
  mn_select_by by;
  size_t samples; /* that were drawn */
  double median;  /* as in mn_fit_report; NaN for a kernel without gamma */
  size_t count, best;
  mn_select_point points[MN_SELECT_POINTS]; /* count, bandwidth by bandwidth */
  double seconds;
} mn_selection;

/* Tries every pair and sets gamma and ridge of the options to those of least leave-one-out error. The inner
 * products are made once, or are kept ones whose first samples `train` are (products; NULL: none); a pair costs
 * 2 n^3 / 3 flops, in fp64. Equal samples are not merged: ridge 0 is singular then and not chosen. MN_ERR_SINGULAR when
 * every pair is; MN_ERR_ARGUMENT for the error rate of a regression. */
mn_status mn_fit_select(const mn_data *train, const mn_products *products, const mn_select_options *select,
                        mn_fit_options *options, const mn_context *ctx, mn_selection *out, mn_error *err);

/* What fitting these options to a training set and predicting n_test samples will need, both sets being loaded already:
 * mn_solve_forecast and the search for gamma. products: of the type that the fit will have (mn_products_to_come),
 * beside whose memory this is; NULL: of the samples themselves. The same errors as there, and those of mn_data_classes.
 */
mn_status mn_fit_forecast(const mn_data *train, size_t n_test, const mn_products *products,
                          const mn_fit_options *options, const mn_context *ctx, mn_forecast *out, mn_error *err);

typedef struct mn_model mn_model;

/* Fits; `train` must outlive the model. Duplicate samples with different targets at ridge 0 are an error that names
 * them. */
mn_status mn_model_fit(const mn_data *train, const mn_fit_options *options, const mn_context *ctx, mn_model **out,
                       mn_error *err);
/* The same from kept products of the training samples; `train` are the first of those that they are of
 * (mn_products_check), and their targets are fitted. The products must outlive the model, too. Such a model predicts
 * the first of the test samples that they are of, and no others; once saved and opened, any images of their shape. */
mn_status mn_model_fit_products(const mn_data *train, const mn_products *products, const mn_fit_options *options,
                                const mn_context *ctx, mn_model **out, mn_error *err);

/* Products that a folder keeps, for a fit of the first of their samples; those that they are of are checked. They are
 * brought into memory where the budget has room for them and for the system, else read from disk. test may be NULL. */
mn_status mn_fit_load_products(const char *folder, const mn_data *train, const mn_data *test,
                               const mn_fit_options *options, const mn_context *ctx, mn_products **out, mn_error *err);

/* What mn_model_fit_products would refuse of any products of these samples, were they on disk: options, targets, and
 * memory that has no room for the system. To be asked before features are made. */
mn_status mn_fit_check_products(const mn_data *train, const mn_fit_options *options, const mn_context *ctx,
                                mn_error *err);

/* Moves products in memory to disk (mn_products_to_disk) unless the system has room beside them. */
mn_status mn_fit_place_products(mn_products *products, const mn_data *train, const mn_fit_options *options,
                                const mn_context *ctx, mn_error *err);

/* Whether a model of these products can be saved: MN_ERR_UNSUPPORTED when `train` are fewer images than the products
 * are of and the map depends on all (filters from patches, pixels in standard scale). To be asked before a fit. */
mn_status mn_model_check_features(const mn_products *products, const mn_data *train, mn_error *err);

void mn_model_close(mn_model **model);

const mn_fit_report *mn_model_report(const mn_model *model);
size_t mn_model_outputs(const mn_model *model); /* columns of the scores: classes or target columns */
const int64_t *
mn_model_labels(const mn_model *model); /* the caller's own labels in ascending order; NULL: regression */

/* The features that a model is of; text NULL: it is one of the samples themselves. Of a model that was opened bytes and
 * m are 0. */
mn_products_info mn_model_features(const mn_model *model);

/* scores: m x outputs, row-major, one sample a row; for classes, column c belongs to label c. A model of features that
 * was opened makes those of its training images and of the samples, a block at a time (phase "features"); where the
 * budget of the context has no room for the products of all samples, as many at once as it has, and those of the
 * training images again each time. MN_ERR_BUDGET: not even for those of one. */
mn_status mn_model_predict(const mn_model *model, const mn_data *data, const mn_context *ctx, double *scores,
                           mn_error *err);

/* Label of the greatest score of each of m rows. */
mn_status mn_model_classify(const mn_model *model, size_t m, const double *scores, int64_t *labels, mn_error *err);

/* Scores against the targets of a data set. */
typedef struct {
  double error; /* fraction misclassified; NaN for regression */
  double rmse,
      r2; /* regression; NaN for classes. R^2 pools the columns: 1 - sum of squares left / around the column means */
} mn_metrics;
mn_status mn_model_score(const mn_model *model, const mn_data *data, const double *scores, mn_metrics *out,
                         mn_error *err);

/* A folder with model.json and .npy arrays, written to a temporary name, synced and renamed. An existing model is
 * replaced; anything else in the way is an error. mn_model_check_path finds out before a fit whether saving can work.
 * A model of features keeps the images, how features are made and scaled, and the patches that filters come from. */
mn_status mn_model_check_path(const char *path, mn_error *err);
mn_status mn_model_save(const mn_model *model, const char *path, mn_error *err);

/* The loaded model owns its training samples. Its report has sizes, kernel, norm and errors; times, solver, the search
 * and norm_per_output are not saved. Damaged or other-version models give a clear error. */
mn_status mn_model_open(const char *path, mn_model **out, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
