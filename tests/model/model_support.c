#include "model_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

static void *need(void *p)
{
  assert_non_null(p);
  return p;
}

mn_data *model_data(size_t n, size_t dim, mn_dtype type, size_t columns, uint64_t seed)
{
  mn_data *data;
  assert_int_equal(mn_data_create(n, dim, type, columns, &data, NULL), MN_OK);
  for (size_t i = 0; i < n; i++) {
    mn_random r = mn_random_open(seed, MN_STREAM_TEST, i);
    for (size_t j = 0; j < dim; j++) {
      size_t at = i * dim + j;
      if (type == MN_U8)
        ((unsigned char *)data->x)[at] = (unsigned char)mn_random_below(&r, 256);
      else if (type == MN_F32)
        ((float *)data->x)[at] = (float)mn_random_normal(&r);
      else
        ((double *)data->x)[at] = mn_random_normal(&r);
    }
  }
  snprintf(data->name, sizeof data->name, "test data");
  return data;
}

mn_data *model_classes(size_t n, size_t dim, mn_dtype type, size_t classes, int64_t first, int64_t step, uint64_t seed)
{
  mn_data *data = model_data(n, dim, type, 1, seed);
  for (size_t i = 0; i < n; i++) {
    mn_random r = mn_random_open(seed + 1000003, MN_STREAM_TEST, i);
    size_t class = i < classes ? i : (size_t)mn_random_below(&r, classes);
    data->y[i] = (double)(first + step * (int64_t) class);
  }
  return data;
}

mn_data *model_regression(size_t n, size_t dim, mn_dtype type, size_t columns, uint64_t seed)
{
  mn_data *data = model_data(n, dim, type, columns, seed);
  double *x = oracle_features(data, data, MN_SCALE_AUTO);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < columns; c++) {
      double sum = 0;
      for (size_t j = 0; j < dim; j++) sum += x[i * dim + j] * cos((double)(j + 3 * c));
      data->y[i * columns + c] = sin(sum) + 0.25 * sum + (double)c;
    }
  free(x);
  return data;
}

mn_data *model_pick(const mn_data *data, const size_t *index, size_t n)
{
  mn_data *out;
  size_t row = data->dim * mn_dtype_size(data->type), columns = data->columns;
  assert_int_equal(mn_data_create(n, data->dim, data->type, columns, &out, NULL), MN_OK);
  for (size_t i = 0; i < n; i++) {
    memcpy((char *)out->x + i * row, (const char *)data->x + index[i] * row, row);
    for (size_t c = 0; c < columns; c++) out->y[i * columns + c] = data->y[index[i] * columns + c];
  }
  memcpy(out->name, data->name, sizeof out->name);
  return out;
}

void model_repeat(mn_data *data, size_t from, size_t to)
{
  size_t row = data->dim * mn_dtype_size(data->type);
  memcpy((char *)data->x + to * row, (char *)data->x + from * row, row);
  memcpy(data->y + to * data->columns, data->y + from * data->columns, data->columns * sizeof *data->y);
}

mn_fit_options model_options(void)
{
  return model_kernel_options(MN_KERNEL_GAUSSIAN, 0.1);
}

mn_fit_options model_kernel_options(mn_kernel_name name, double gamma)
{
  mn_fit_options options = mn_fit_defaults();
  options.kernel = mn_kernel_default(name);
  options.kernel.gamma = gamma;
  options.gamma_rule = MN_GAMMA_GIVEN;
  return options;
}

mn_model *model_fit(const mn_data *train, const mn_fit_options *options)
{
  mn_model *model = NULL;
  mn_error err = {0};
  if (mn_model_fit(train, options, NULL, &model, &err)) fail_msg("the fit failed: %s", err.text);
  return need(model);
}

double *model_predict(const mn_model *model, const mn_data *data)
{
  mn_error err = {0};
  double *scores = need(malloc(data->n * mn_model_outputs(model) * sizeof *scores));
  if (mn_model_predict(model, data, NULL, scores, &err)) fail_msg("the prediction failed: %s", err.text);
  return scores;
}

static double raw(const mn_data *data, size_t at)
{
  if (data->type == MN_U8) return ((const unsigned char *)data->x)[at];
  if (data->type == MN_F32) return ((const float *)data->x)[at];
  return ((const double *)data->x)[at];
}

/* Mean and population deviation of a feature. */
static void statistics(const mn_data *train, size_t feature, wide *mean, wide *deviation)
{
  wide sum = 0, squares = 0;
  for (size_t i = 0; i < train->n; i++) sum += raw(train, i * train->dim + feature);
  *mean = sum / (wide)train->n;
  for (size_t i = 0; i < train->n; i++) {
    wide x = raw(train, i * train->dim + feature) - *mean;
    squares += x * x;
  }
  *deviation = sqrtl(squares / (wide)train->n);
}

double *oracle_features(const mn_data *data, const mn_data *train, mn_scale scale)
{
  size_t n = data->n, dim = data->dim;
  double *x = need(malloc(n * dim * sizeof *x));
  if (scale == MN_SCALE_AUTO) scale = train->type == MN_U8 ? MN_SCALE_UNIT : MN_SCALE_NONE;
  for (size_t j = 0; j < dim; j++) {
    wide mean = 0, deviation = scale == MN_SCALE_UNIT ? 255 : 1;
    if (scale == MN_SCALE_STANDARD) statistics(train, j, &mean, &deviation);
    for (size_t i = 0; i < n; i++)
      x[i * dim + j] = deviation > 0 ? (double)((raw(data, i * dim + j) - mean) / deviation) : 0;
  }
  return x;
}

static wide arc0(wide u)
{
  return 1 - acosl(u) / acosl(-1);
}

static wide arc1(wide u)
{
  wide theta = acosl(u), pi = acosl(-1);
  return (sinl(theta) + (pi - theta) * cosl(theta)) / pi;
}

/* Arora et al. 2019, eq. 9-10, for unit norms. */
static wide tangent(int depth, wide u)
{
  wide s = u, t = u;
  for (int layer = 1; layer < depth; layer++) t = t * arc0(s) + arc1(s), s = arc1(s);
  return t;
}

wide oracle_kernel(const mn_kernel *kernel, size_t dim, const double *a, const double *b)
{
  wide dot = 0, r2 = 0, aa = 0, bb = 0, g = kernel->gamma;
  for (size_t j = 0; j < dim; j++) {
    wide x = a[j], y = b[j];
    dot += x * y, aa += x * x, bb += y * y, r2 += (x - y) * (x - y);
  }
  wide r = sqrtl(r2), q = sqrtl(aa) * sqrtl(bb);
  wide u = !(q > 0) ? 0 : r2 > 0 ? fminl(1, fmaxl(-1, dot / q)) : 1; /* acos loses half the digits just below 1 */
  switch (kernel->name) {
  case MN_KERNEL_LINEAR:
    return dot;
  case MN_KERNEL_GAUSSIAN:
    return expl(-g * r2);
  case MN_KERNEL_LAPLACIAN:
    return expl(-g * r);
  case MN_KERNEL_POLYNOMIAL:
    return powl(g * dot + (wide)kernel->coef0, kernel->degree);
  case MN_KERNEL_MATERN32:
    return (1 + sqrtl(3) * g * r) * expl(-sqrtl(3) * g * r);
  case MN_KERNEL_MATERN52:
    return (1 + sqrtl(5) * g * r + 5 * g * g * r2 / 3) * expl(-sqrtl(5) * g * r);
  case MN_KERNEL_ARCCOS1:
    return q * arc1(u);
  default:
    return q * tangent(kernel->depth, u);
  }
}

wide *oracle_gram(const mn_kernel *kernel, size_t dim, size_t rows, const double *a, size_t cols, const double *b)
{
  wide *k = need(malloc(rows * cols * sizeof *k));
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < cols; j++) k[i * cols + j] = oracle_kernel(kernel, dim, a + i * dim, b + j * dim);
  return k;
}

static void exchange(wide *a, wide *b, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    wide t = a[i];
    a[i] = b[i];
    b[i] = t;
  }
}

/* row(i) -= factor row(p), from column `first` on. */
static void subtract(wide *row, const wide *from, wide factor, size_t first, size_t count)
{
  for (size_t j = first; j < count; j++) row[j] -= factor * from[j];
}

void oracle_solve(size_t n, wide *a, size_t columns, wide *b)
{
  for (size_t p = 0; p < n; p++) {
    size_t best = p;
    for (size_t i = p + 1; i < n; i++)
      if (fabsl(a[i * n + p]) > fabsl(a[best * n + p])) best = i;
    if (best != p) exchange(a + p * n, a + best * n, n), exchange(b + p * columns, b + best * columns, columns);
    for (size_t i = p + 1; i < n; i++) {
      wide factor = a[i * n + p] / a[p * n + p];
      subtract(a + i * n, a + p * n, factor, p, n);
      subtract(b + i * columns, b + p * columns, factor, 0, columns);
    }
  }
  for (size_t p = n; p-- > 0;) {
    for (size_t c = 0; c < columns; c++) b[p * columns + c] /= a[p * n + p];
    for (size_t i = 0; i < p; i++) subtract(b + i * columns, b + p * columns, a[i * n + p], 0, columns);
  }
}

/* out (rows x columns) = k (rows x n) b (n x columns). */
static void multiply(size_t rows, size_t n, const wide *k, size_t columns, const wide *b, wide *out)
{
  for (size_t i = 0; i < rows; i++)
    for (size_t c = 0; c < columns; c++) {
      out[i * columns + c] = 0;
      for (size_t j = 0; j < n; j++) out[i * columns + c] += k[i * n + j] * b[j * columns + c];
    }
}

static void measure(size_t n, const wide *k, size_t columns, const wide *alpha, double *norms)
{
  wide *values = need(malloc(n * columns * sizeof *values));
  multiply(n, n, k, columns, alpha, values);
  for (size_t c = 0; c < columns; c++) {
    wide sum = 0;
    for (size_t i = 0; i < n; i++) sum += alpha[i * columns + c] * values[i * columns + c];
    norms[c] = (double)sqrtl(sum);
  }
  free(values);
}

double *oracle_scores(const mn_data *train, const mn_data *test, const mn_kernel *kernel, mn_scale scale, double ridge,
                      size_t columns, const double *y, double *norms)
{
  size_t n = train->n, m = test->n, dim = train->dim;
  double *x = oracle_features(train, train, scale), *z = oracle_features(test, train, scale);
  wide *k = oracle_gram(kernel, dim, n, x, n, x), *a = need(malloc(n * n * sizeof *a));
  wide *cross = oracle_gram(kernel, dim, m, z, n, x);
  wide *b = need(malloc(n * columns * sizeof *b)), *values = need(malloc(m * columns * sizeof *values));
  double *scores = need(malloc(m * columns * sizeof *scores));
  memcpy(a, k, n * n * sizeof *a);
  for (size_t i = 0; i < n; i++) a[i * (n + 1)] += (wide)ridge;
  for (size_t i = 0; i < n * columns; i++) b[i] = y[i];
  oracle_solve(n, a, columns, b);
  if (norms) measure(n, k, columns, b, norms);
  multiply(m, n, cross, columns, b, values);
  for (size_t i = 0; i < m * columns; i++) scores[i] = (double)values[i];
  free(x), free(z), free(k), free(a), free(cross), free(b), free(values);
  return scores;
}

double *oracle_targets(const mn_data *data, const int64_t *labels, size_t count, double off)
{
  double *y = need(malloc(data->n * count * sizeof *y));
  for (size_t i = 0; i < data->n; i++)
    for (size_t c = 0; c < count; c++) y[i * count + c] = data->y[i] == (double)labels[c] ? 1 : off;
  return y;
}

double oracle_distance(size_t count, const double *a, const double *b)
{
  double largest = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    double distance = fabs(a[i] - b[i]);
    if (!(distance <= largest)) largest = distance; /* NaN stays */
    size = fmax(size, fabs(b[i]));
  }
  return largest / (size > 0 ? size : 1);
}
