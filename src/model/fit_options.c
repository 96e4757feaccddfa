/* The rows of mn_fit_options: the command line, its help and the header of saved models come from here. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "minnorm/model.h"
#include "minnorm/options.h"

#define AT(name) offsetof(mn_fit_options, name)

static const char *kernel_name(int value)
{
  return value >= 0 && value < MN_KERNEL_COUNT ? mn_kernel_string((mn_kernel_name)value) : NULL;
}

static const char *solver_name(int value)
{
  return value >= 0 && value < MN_SOLVER_COUNT ? mn_solver_string((mn_solver)value) : NULL;
}

static const char *precision_name(int value)
{
  return value >= 0 && value <= MN_PRECISION_SINGLE ? mn_precision_string((mn_precision)value) : NULL;
}

static const char *scale_name(int value)
{
  return value >= 0 ? mn_scale_string((mn_scale)value) : NULL;
}

static const char *task_name(int value)
{
  static const char *const names[] = {
      [MN_TASK_AUTO] = "auto", [MN_TASK_CLASSIFICATION] = "classification", [MN_TASK_REGRESSION] = "regression"};
  return value >= 0 && value <= MN_TASK_REGRESSION ? names[value] : NULL;
}

static const char *targets_name(int value)
{
  static const char *const names[] = {[MN_TARGETS_ONEHOT] = "onehot", [MN_TARGETS_PM1] = "pm1"};
  return value >= 0 && value <= MN_TARGETS_PM1 ? names[value] : NULL;
}

static const char interpolate[] = "interpolate";

static mn_status parse_tolerance(const mn_option *row, const char *text, void *target, mn_error *err)
{
  mn_fit_options *options = target;
  int word = !strcmp(text, interpolate);
  mn_status st = word ? MN_OK : mn_option_real(row, text, &options->solve.tolerance, err);
  if (!st) options->solve.interpolate = word;
  return st;
}

static size_t format_tolerance(const mn_option *row, const void *target, char *text, size_t size)
{
  const mn_fit_options *options = target;
  (void)row;
  if (options->solve.interpolate) return (size_t)snprintf(text, size, "%s", interpolate);
  return mn_option_print_real(options->solve.tolerance, text, size);
}

static const char *gamma_word(mn_gamma_rule rule)
{
  static const char *const words[] = {[MN_GAMMA_AUTO] = "auto", [MN_GAMMA_MEDIAN] = "median", [MN_GAMMA_GIVEN] = NULL};
  return words[rule];
}

static mn_status parse_gamma(const mn_option *row, const char *text, void *target, mn_error *err)
{
  mn_fit_options *options = target;
  for (mn_gamma_rule rule = MN_GAMMA_AUTO; rule < MN_GAMMA_GIVEN; rule++)
    if (!strcmp(text, gamma_word(rule))) {
      options->gamma_rule = rule;
      options->kernel.gamma = 1;
      return MN_OK;
    }
  if (mn_option_real(row, text, &options->kernel.gamma, NULL))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "--gamma %.120s: auto, median or a number above 0 expected", text);
  options->gamma_rule = MN_GAMMA_GIVEN;
  return MN_OK;
}

static size_t format_gamma(const mn_option *row, const void *target, char *text, size_t size)
{
  (void)row;
  const mn_fit_options *options = target;
  const char *word = gamma_word(options->gamma_rule);
  if (word) return (size_t)snprintf(text, size, "%s", word);
  return mn_option_print_real(options->kernel.gamma, text, size);
}

static mn_status parse_sigma(const mn_option *row, const char *text, void *target, mn_error *err)
{
  mn_fit_options *options = target;
  double sigma;
  mn_status st = mn_option_real(row, text, &sigma, err);
  if (st) return st;
  double gamma = 1 / (2 * sigma * sigma);
  if (!(gamma > 0 && isfinite(gamma)))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "--sigma %.120s: 1/(2 sigma^2) is not a finite number above 0", text);
  options->kernel.gamma = gamma;
  options->gamma_rule = MN_GAMMA_GIVEN;
  return MN_OK;
}

static size_t format_sigma(const mn_option *row, const void *target, char *text, size_t size)
{
  (void)row;
  const mn_fit_options *options = target;
  if (options->gamma_rule != MN_GAMMA_GIVEN) return (size_t)snprintf(text, size, "%s", "");
  return mn_option_print_real(sqrt(0.5 / options->kernel.gamma), text, size);
}

static const char kernel_group[] = "Kernel", task_group[] = "Task", solver_group[] = "Solver";

static const mn_option table[] = {
    {.key = "kernel",
     .letter = 'k',
     .type = MN_OPTION_CHOICE,
     .offset = AT(kernel.name),
     .choice = kernel_name,
     .fallback = "gaussian",
     .argument = "KERNEL",
     .group = kernel_group,
     .help = "With r = |x - x'|: linear x.x'; gaussian exp(-gamma r^2); laplacian exp(-gamma r); polynomial "
             "(gamma x.x' + coef0)^degree; matern32 and matern52, the Matern kernels of smoothness 3/2 and 5/2; "
             "arccos1, the arc-cosine kernel of order 1; ntk, the neural tangent kernel of a fully connected ReLU "
             "network."},
    {.key = "gamma",
     .letter = 'g',
     .type = MN_OPTION_REAL,
     .offset = AT(kernel.gamma),
     .least = 0,
     .most = INFINITY,
     .above = 1,
     .fallback = "auto",
     .argument = "G|auto|median",
     .group = kernel_group,
     .parse = parse_gamma,
     .format = format_gamma,
     .help = "Inverse width of the kernel. auto: the least leave-one-out square error on at most 4,000 training "
             "samples, over multiples of 1/median(r^2) (1/median(r) for kernels of r), then refined once. median: "
             "that inverse median itself."},
    {.key = "sigma",
     .type = MN_OPTION_REAL,
     .offset = AT(kernel.gamma),
     .least = 0,
     .most = INFINITY,
     .above = 1,
     .argument = "S",
     .group = kernel_group,
     .excludes = "gamma",
     .alias = 1,
     .parse = parse_sigma,
     .format = format_sigma,
     .help = "Width of the gaussian kernel, instead of --gamma: gamma = 1/(2 S^2)."},
    {.key = "coef0",
     .type = MN_OPTION_REAL,
     .offset = AT(kernel.coef0),
     .fallback = "1",
     .argument = "C",
     .group = kernel_group,
     .help = "Constant of the polynomial kernel."},
    {.key = "degree",
     .type = MN_OPTION_INT,
     .offset = AT(kernel.degree),
     .least = 1,
     .most = 100,
     .fallback = "3",
     .argument = "D",
     .group = kernel_group,
     .help = "Degree of the polynomial kernel."},
    {.key = "depth",
     .type = MN_OPTION_INT,
     .offset = AT(kernel.depth),
     .least = 1,
     .most = 100,
     .fallback = "3",
     .argument = "L",
     .group = kernel_group,
     .help = "Layers of weights of the network of the ntk kernel."},
    {.key = "scale",
     .type = MN_OPTION_CHOICE,
     .offset = AT(scale),
     .choice = scale_name,
     .fallback = "auto",
     .argument = "SCALE",
     .group = task_group,
     .help = "How features are scaled: unit divides by 255; none leaves them; standard gives each feature mean 0 and "
             "deviation 1 over the training samples; auto is unit for bytes (images) and none for the rest."},
    {.key = "task",
     .type = MN_OPTION_CHOICE,
     .offset = AT(task),
     .choice = task_name,
     .fallback = "auto",
     .argument = "TASK",
     .group = task_group,
     .help = "auto takes integers in one column for class labels and everything else for targets of a regression."},
    {.key = "targets",
     .type = MN_OPTION_CHOICE,
     .offset = AT(targets),
     .choice = targets_name,
     .fallback = "onehot",
     .argument = "TARGETS",
     .group = task_group,
     .help = "What is interpolated for a class: 1 and 0 (onehot), or 1 and -1 (pm1)."},
    {.key = "center",
     .type = MN_OPTION_FLAG,
     .offset = AT(center),
     .group = task_group,
     .help = "Subtract the mean target before solving and add it to the predictions."},
    {.key = "corrupt",
     .type = MN_OPTION_REAL,
     .offset = AT(corrupt),
     .least = 0,
     .most = 1,
     .fallback = "0",
     .argument = "P",
     .group = task_group,
     .help = "Replace each training label, with probability P, by a class drawn uniformly."},
    {.key = "seed",
     .type = MN_OPTION_U64,
     .offset = AT(seed),
     .fallback = "0",
     .argument = "S",
     .group = task_group,
     .help = "Seed of all that is drawn: samples to choose the bandwidth by, labels, --variant, --draws, filters and "
             "patches, centres and the order of batches."},
    {.key = "ridge",
     .letter = 'r',
     .type = MN_OPTION_REAL,
     .offset = AT(solve.ridge),
     .least = 0,
     .most = INFINITY,
     .fallback = "0",
     .argument = "L",
     .group = solver_group,
     .help = "Solve (K + L I) alpha = y. At 0 the model interpolates."},
    {.key = "solver",
     .type = MN_OPTION_CHOICE,
     .offset = AT(solve.solver),
     .choice = solver_name,
     .fallback = "auto",
     .argument = "SOLVER",
     .group = solver_group,
     .help =
         "auto takes least squares for a linear kernel with fewer features than samples, cg for --tol interpolate, "
         "else Cholesky, and falls back when a pivot fails. From 16,384 samples on it takes cg where this machine's "
         "rates make that the faster way, and leaves it for the factor where progress says otherwise. The report "
         "says so. cg: preconditioned conjugate gradients."},
    {.key = "rcond",
     .type = MN_OPTION_FLAG,
     .offset = AT(solve.need_factor),
     .group = solver_group,
     .help = "The condition is wanted: auto takes a factor, not cg, which cannot tell it."},
    {.key = "loo",
     .type = MN_OPTION_FLAG,
     .offset = AT(loo),
     .group = solver_group,
     .help =
         "Leave-one-out error and generalised cross-validation on the training set, from the factor in closed form, "
         "for about the cost of another one; auto takes no cg then."},
    {.key = "measures",
     .type = MN_OPTION_FLAG,
     .offset = AT(measures),
     .group = solver_group,
     .help =
         "Complexity measures beside the norm, and leave-one-out with them: Rademacher complexity of the norm ball and "
         "its bound, the fit to random signs, margins, effective dimension, stability; from the factor, at the cost "
         "of --loo, a product and a solve; auto takes no cg then. A sweep shows how each goes with the test error."},
    {.key = "draws",
     .type = MN_OPTION_SIZE,
     .offset = AT(draws),
     .least = 2,
     .most = 65536,
     .fallback = "32",
     .argument = "D",
     .group = solver_group,
     .help = "Random signs that --measures averages over; the report has the standard errors."},
    {.key = "precision",
     .type = MN_OPTION_CHOICE,
     .offset = AT(solve.precision),
     .choice = precision_name,
     .fallback = "auto",
     .argument = "PRECISION",
     .group = solver_group,
     .help =
         "Precision of the factor. mixed: single, and conjugate gradients with it to a residual in double, at half the "
         "time and memory; auto: mixed from 8,192 samples on. The residual is evaluated in double."},
    {.key = "rank-tol",
     .type = MN_OPTION_REAL,
     .offset = AT(solve.rank_tolerance),
     .least = 0,
     .most = 1,
     .fallback = "0",
     .argument = "T",
     .group = solver_group,
     .help = "Eigenvalues or singular values below T times the largest count as zero. 0: 2.2e-16 times the number of "
             "samples, or of features if there are more."},
    {.key = "memory",
     .type = MN_OPTION_BYTES,
     .offset = AT(solve.memory_bytes),
     .fallback = "0",
     .argument = "BYTES[K|M|G]",
     .group = solver_group,
     .help = "Budget of the whole process; what needs more is refused before it starts. 0: what the machine has "
             "available."},
    {.key = "refine",
     .type = MN_OPTION_INT,
     .offset = AT(solve.refinements),
     .least = 0,
     .most = 100,
     .fallback = "2",
     .argument = "STEPS",
     .group = solver_group,
     .help = "At most this many steps of iterative refinement."},
    {.key = "tol",
     .type = MN_OPTION_REAL,
     .offset = AT(solve.tolerance),
     .least = 0,
     .most = 1,
     .fallback = "1e-10",
     .argument = "T",
     .group = solver_group,
     .help = "Refinement and cg stop at this relative residual. interpolate: cg stops when the training error is 0 and "
             "the norm has settled (changes below 0.1 % over 5 iterations).",
     .parse = parse_tolerance,
     .format = format_tolerance},
};

const mn_option *mn_fit_option_table(size_t *count)
{
  *count = sizeof table / sizeof *table;
  return table;
}
