#include "gram/kernels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "gram/transforms.h"

static const double pi = 0x1.921fb54442d18p+1;

static double diagonal_norm2(const mn_kernel *kernel, double norm2)
{
  (void)kernel;
  return norm2;
}

static double diagonal_one(const mn_kernel *kernel, double norm2)
{
  (void)kernel, (void)norm2;
  return 1;
}

static double diagonal_polynomial(const mn_kernel *kernel, double norm2)
{
  return pow(kernel->gamma * norm2 + kernel->coef0, kernel->degree);
}

static double diagonal_ntk(const mn_kernel *kernel, double norm2)
{
  return kernel->depth * norm2;
}

static double value_linear(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  (void)kernel, (void)r2, (void)norm2_x, (void)norm2_y;
  return dot;
}

static double value_gaussian(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  (void)dot, (void)norm2_x, (void)norm2_y;
  return exp(-kernel->gamma * r2);
}

static double value_laplacian(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  (void)dot, (void)norm2_x, (void)norm2_y;
  return exp(-kernel->gamma * sqrt(r2));
}

static double value_polynomial(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  (void)r2, (void)norm2_x, (void)norm2_y;
  return pow(kernel->gamma * dot + kernel->coef0, kernel->degree);
}

/* Above 1000 both Matern kernels are 0; the cap keeps infinity * 0 away. */
static double scaled_distance(double root, double gamma, double r2)
{
  double a = root * (gamma * sqrt(r2));
  return a > 1000 ? 1000 : a;
}

static double value_matern32(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  (void)dot, (void)norm2_x, (void)norm2_y;
  double a = scaled_distance(sqrt(3), kernel->gamma, r2);
  return (1 + a) * exp(-a);
}

static double value_matern52(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  (void)dot, (void)norm2_x, (void)norm2_y;
  double a = scaled_distance(sqrt(5), kernel->gamma, r2);
  return (1 + a + a * a / 3) * exp(-a);
}

static double clamp(double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}

/* The angle between two samples of norms a, b > 0. Where it is small its cosine has lost it, but the distance has not:
 * r^2 = (a - b)^2 + 4 a b sin^2(theta / 2). That needs r^2 <= a b, norms of a size, to lose nothing itself. */
static double angle_between(double r2, double dot, double a, double b)
{
  if (r2 > a * b) return acos(clamp(dot / a / b, -1, 1));
  double sine2 = clamp((r2 - (a - b) * (a - b)) / (4 * a) / b, 0, 1);
  return 2 * asin(sqrt(sine2));
}

/* (sin theta + (pi - theta) cos theta) / pi. Near theta = pi both terms cancel; the error stays absolute. */
static double order_one(double theta)
{
  return (sin(theta) + (pi - theta) * cos(theta)) / pi;
}

static double value_arccos1(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  double a = sqrt(norm2_x), b = sqrt(norm2_y);
  (void)kernel;
  if (a <= 0 || b <= 0) return 0;
  return a * b * order_one(angle_between(r2, dot, a, b));
}

/* theta - sin theta; by its series where the difference would cancel. */
static double sine_excess(double theta)
{
  double t2 = theta * theta;
  return theta < 0.03 ? theta * t2 / 6 * (1 - t2 / 20 * (1 - t2 / 42)) : theta - sin(theta);
}

/* 1 - order_one(theta) without cancellation for small angles. */
static double order_one_deficit(double theta)
{
  double half = sin(theta / 2);
  return (2 * (pi - theta) * half * half + sine_excess(theta)) / pi;
}

/* The recursion on angles instead of cosines: the angle of the next layer has cosine 1 - deficit, so that
 * sin^2(next / 2) = deficit / 2, and nothing is lost between samples that are close. */
static double value_ntk(const mn_kernel *kernel, double r2, double dot, double norm2_x, double norm2_y)
{
  double a = sqrt(norm2_x), b = sqrt(norm2_y);
  if (kernel->depth == 1) return dot;
  if (a <= 0 || b <= 0) return 0;
  double theta = angle_between(r2, dot, a, b), tangent = cos(theta);
  for (int layer = 1; layer < kernel->depth; layer++) {
    double deficit = order_one_deficit(theta);
    tangent = tangent * (1 - theta / pi) + (1 - deficit);
    theta = 2 * asin(sqrt(clamp(deficit / 2, 0, 1)));
  }
  return a * b * tangent;
}

static const mn_kernel_row table[MN_KERNEL_COUNT] = {
    [MN_KERNEL_LINEAR] = {.name = "linear", .formula = "x.x'", .diagonal = diagonal_norm2, .value = value_linear},
    [MN_KERNEL_GAUSSIAN] = {.name = "gaussian",
                            .formula = "exp(-gamma r^2)",
                            .has_gamma = 1,
                            .of_distance = 1,
                            .power = 2,
                            .strictly_positive = 1,
                            .diagonal = diagonal_one,
                            .value = value_gaussian},
    [MN_KERNEL_LAPLACIAN] = {.name = "laplacian",
                             .formula = "exp(-gamma r)",
                             .has_gamma = 1,
                             .of_distance = 1,
                             .power = 1,
                             .exact_near = 1,
                             .strictly_positive = 1,
                             .diagonal = diagonal_one,
                             .value = value_laplacian},
    [MN_KERNEL_POLYNOMIAL] = {.name = "polynomial",
                              .formula = "(gamma x.x' + coef0)^degree",
                              .has_gamma = 1,
                              .has_coef0 = 1,
                              .has_degree = 1,
                              .diagonal = diagonal_polynomial,
                              .value = value_polynomial},
    [MN_KERNEL_MATERN32] = {.name = "matern32",
                            .formula = "(1 + sqrt(3) gamma r) exp(-sqrt(3) gamma r)",
                            .has_gamma = 1,
                            .of_distance = 1,
                            .power = 1,
                            .strictly_positive = 1,
                            .diagonal = diagonal_one,
                            .value = value_matern32},
    [MN_KERNEL_MATERN52] = {.name = "matern52",
                            .formula = "(1 + sqrt(5) gamma r + 5 gamma^2 r^2 / 3) exp(-sqrt(5) gamma r)",
                            .has_gamma = 1,
                            .of_distance = 1,
                            .power = 1,
                            .strictly_positive = 1,
                            .diagonal = diagonal_one,
                            .value = value_matern52},
    [MN_KERNEL_ARCCOS1] = {.name = "arccos1",
                           .formula = "|x| |x'| (sin theta + (pi - theta) cos theta) / pi",
                           .diagonal = diagonal_norm2,
                           .value = value_arccos1},
    [MN_KERNEL_NTK] = {.name = "ntk",
                       .formula = "tangent kernel of a ReLU network with `depth` layers of weights",
                       .has_depth = 1,
                       .exact_near = 1,
                       .diagonal = diagonal_ntk,
                       .value = value_ntk},
};

const mn_kernel_row *mn_kernel_find(mn_kernel_name name)
{
  /* Through a wide signed type: the enumeration's own is the compiler's choice. */
  long index = (long)name;
  return index >= 0 && index < MN_KERNEL_COUNT ? &table[index] : NULL;
}

const char *mn_kernel_string(mn_kernel_name name)
{
  const mn_kernel_row *row = mn_kernel_find(name);
  return row ? row->name : NULL;
}

mn_status mn_kernel_by_name(const char *text, mn_kernel_name *out, mn_error *err)
{
  char names[256] = "";
  for (int i = 0; i < MN_KERNEL_COUNT; i++) {
    if (text && !strcmp(text, table[i].name)) {
      *out = (mn_kernel_name)i;
      return MN_OK;
    }
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", table[i].name);
  }
  return MN_FAIL(err, MN_ERR_ARGUMENT, "kernel '%.100s' is unknown: one of %s expected", text ? text : "", names);
}

mn_kernel mn_kernel_default(mn_kernel_name name)
{
  return (mn_kernel){.name = name, .gamma = 1, .coef0 = 1, .degree = 3, .depth = 3};
}

mn_status mn_kernel_check(const mn_kernel *kernel, mn_error *err)
{
  const mn_kernel_row *row = mn_kernel_find(kernel->name);
  if (!row)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "kernel number %ld is unknown: 0 to %d expected", (long)kernel->name,
                   MN_KERNEL_COUNT - 1);
  if (row->has_gamma && !(kernel->gamma > 0 && isfinite(kernel->gamma)))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s kernel: gamma must be positive and finite, %g given", row->name,
                   kernel->gamma);
  if (row->has_coef0 && !isfinite(kernel->coef0))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s kernel: coef0 must be finite, %g given", row->name, kernel->coef0);
  if (row->has_degree && (kernel->degree < 1 || kernel->degree > 100))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s kernel: degree must be 1 to 100, %d given", row->name, kernel->degree);
  if (row->has_depth && (kernel->depth < 1 || kernel->depth > 100))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s kernel: depth must be 1 to 100, %d given", row->name, kernel->depth);
  return MN_OK;
}

int mn_kernel_semidefinite(const mn_kernel *kernel)
{
  return kernel->name != MN_KERNEL_POLYNOMIAL || kernel->coef0 >= 0;
}

/* In the order of mn_cpu_level. */
static const mn_kernel_level levels[MN_KERNEL_LEVELS] = {
    {"portable", mn_transforms_f64_base, mn_transforms_f32_base},
#if MN_X86_LEVELS
    {"avx2", mn_transforms_f64_avx2, mn_transforms_f32_avx2},
    {"avx512", mn_transforms_f64_avx512, mn_transforms_f32_avx512},
#endif
};

const mn_kernel_level *mn_kernel_level_get(int level)
{
  return level >= 0 && level < MN_KERNEL_LEVELS && mn_cpu_runs((mn_cpu_level)level) ? &levels[level] : NULL;
}

static const mn_kernel_level *best_level(void)
{
  for (int level = MN_KERNEL_LEVELS - 1; level > 0; level--)
    if (mn_cpu_runs((mn_cpu_level)level)) return &levels[level];
  return &levels[0];
}

void mn_kernel_transform_f64(const mn_kernel *kernel, size_t m, size_t n, double *tile, size_t ld, const double *rows,
                             const double *cols)
{
  best_level()->f64[kernel->name](kernel, m, n, tile, ld, rows, cols);
}

void mn_kernel_transform_f32(const mn_kernel *kernel, size_t m, size_t n, float *tile, size_t ld, const float *rows,
                             const float *cols)
{
  best_level()->f32[kernel->name](kernel, m, n, tile, ld, rows, cols);
}
