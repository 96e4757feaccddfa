#include "naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "support.h"

typedef long double wide;

static const wide pi = 3.14159265358979323846264338327950288L;

static void *memory(size_t count, size_t size)
{
  void *p = calloc(count ? count : 1, size);
  assert_non_null(p);
  return p;
}

static double element(const mn_data *data, size_t i)
{
  if (data->type == MN_U8) return ((const uint8_t *)data->x)[i];
  return data->type == MN_F32 ? (double)((const float *)data->x)[i] : ((const double *)data->x)[i];
}

static void standardise(naive_set *s)
{
  for (size_t k = 0; k < s->dim; k++) {
    wide mean = 0, squares = 0;
    for (size_t i = 0; i < s->n; i++) mean += (wide)s->x[i * s->dim + k] / (wide)s->n;
    for (size_t i = 0; i < s->n; i++) squares += powl((wide)s->x[i * s->dim + k] - mean, 2);
    wide deviation = sqrtl(squares / (wide)s->n);
    for (size_t i = 0; i < s->n; i++) s->x[i * s->dim + k] = (double)(((wide)s->x[i * s->dim + k] - mean) / deviation);
  }
}

/* The view, and the same numbers by definition. */
static void finish(naive_set *s, mn_scale scale)
{
  assert_int_equal(mn_scaling_open(scale, s->data, &s->scaling, NULL), MN_OK);
  s->samples = mn_samples_of(s->data, s->scaling);
  s->x = memory(s->n * s->dim, sizeof *s->x);
  for (size_t i = 0; i < s->n * s->dim; i++) s->x[i] = element(s->data, i) / (scale == MN_SCALE_UNIT ? 255 : 1);
  if (scale == MN_SCALE_STANDARD) standardise(s);
}

naive_set naive_open(size_t n, size_t dim, mn_dtype type, mn_scale scale, uint64_t seed)
{
  naive_set s = {.n = n, .dim = dim};
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, n);
  assert_int_equal(mn_data_create(n, dim, type, 0, &s.data, NULL), MN_OK);
  for (size_t i = 0; i < n * dim; i++) {
    double value = 0.5 + mn_random_normal(&r);
    if (type == MN_U8)
      ((uint8_t *)s.data->x)[i] = (uint8_t)mn_random_u32(&r);
    else if (type == MN_F32)
      ((float *)s.data->x)[i] = (float)value;
    else
      ((double *)s.data->x)[i] = value;
  }
  finish(&s, scale);
  return s;
}

naive_set naive_open_rows(size_t n, size_t dim, const double *x)
{
  naive_set s = {.n = n, .dim = dim};
  assert_int_equal(mn_data_create(n, dim, MN_F64, 0, &s.data, NULL), MN_OK);
  memcpy(s.data->x, x, n * dim * sizeof *x);
  finish(&s, MN_SCALE_NONE);
  return s;
}

void naive_close(naive_set *set)
{
  mn_scaling_close(&set->scaling);
  mn_data_close(&set->data);
  free(set->x);
  *set = (naive_set){0};
}

double *naive_normals(size_t count, uint64_t seed)
{
  double *x = memory(count, sizeof *x);
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, count);
  for (size_t i = 0; i < count; i++) x[i] = mn_random_normal(&r);
  return x;
}

/* ---- kernels */

typedef struct {
  wide dot, r, norm_x, norm_y, theta;
} pair;

/* The angle as W. Kahan computes it: right for nearly parallel and nearly opposite samples alike. */
static wide angle(size_t dim, const double *x, const double *y, wide norm_x, wide norm_y)
{
  wide minus = 0, plus = 0;
  for (size_t k = 0; k < dim; k++) {
    wide a = (wide)x[k] * norm_y, b = (wide)y[k] * norm_x;
    minus += (a - b) * (a - b);
    plus += (a + b) * (a + b);
  }
  return 2 * atan2l(sqrtl(minus), sqrtl(plus));
}

static pair measure(size_t dim, const double *x, const double *y)
{
  pair p = {0};
  for (size_t k = 0; k < dim; k++) {
    p.dot += (wide)x[k] * (wide)y[k];
    p.r += ((wide)x[k] - (wide)y[k]) * ((wide)x[k] - (wide)y[k]);
    p.norm_x += (wide)x[k] * (wide)x[k];
    p.norm_y += (wide)y[k] * (wide)y[k];
  }
  p.r = sqrtl(p.r);
  p.norm_x = sqrtl(p.norm_x);
  p.norm_y = sqrtl(p.norm_y);
  if (p.norm_x > 0 && p.norm_y > 0) p.theta = angle(dim, x, y, p.norm_x, p.norm_y);
  return p;
}

/* 1 - (sin t + (pi - t) cos t) / pi, arranged so that a small angle keeps its digits. */
static wide deficit(wide t)
{
  return (2 * (pi - t) * sinl(t / 2) * sinl(t / 2) + t - sinl(t)) / pi;
}

static wide tangent(int depth, const pair *p)
{
  wide theta = p->theta, t = cosl(theta);
  for (int layer = 2; layer <= depth; layer++) {
    wide d = deficit(theta);
    t = t * (pi - theta) / pi + 1 - d;
    theta = 2 * asinl(sqrtl(d / 2));
  }
  return p->norm_x * p->norm_y * t;
}

static wide kernel_of(const mn_kernel *kernel, const pair *p)
{
  wide gamma = (wide)kernel->gamma, a3 = sqrtl(3) * gamma * p->r, a5 = sqrtl(5) * gamma * p->r;
  int zero = !(p->norm_x > 0 && p->norm_y > 0);
  switch (kernel->name) {
  case MN_KERNEL_LINEAR:
    return p->dot;
  case MN_KERNEL_GAUSSIAN:
    return expl(-gamma * p->r * p->r);
  case MN_KERNEL_LAPLACIAN:
    return expl(-gamma * p->r);
  case MN_KERNEL_POLYNOMIAL:
    return powl(gamma * p->dot + (wide)kernel->coef0, kernel->degree);
  case MN_KERNEL_MATERN32:
    return (1 + a3) * expl(-a3);
  case MN_KERNEL_MATERN52:
    return (1 + a5 + a5 * a5 / 3) * expl(-a5);
  case MN_KERNEL_ARCCOS1:
    return zero ? 0 : p->norm_x * p->norm_y * (sinl(p->theta) + (pi - p->theta) * cosl(p->theta)) / pi;
  default:
    return zero ? 0 : tangent(kernel->depth, p);
  }
}

double naive_kernel(const mn_kernel *kernel, size_t dim, const double *x, const double *y)
{
  pair p = measure(dim, x, y);
  return (double)kernel_of(kernel, &p);
}

double *naive_gram(const mn_kernel *kernel, const naive_set *rows, const naive_set *cols, double ridge)
{
  double *k = memory(rows->n * cols->n, sizeof *k);
  for (size_t j = 0; j < cols->n; j++)
    for (size_t i = 0; i < rows->n; i++)
      k[i + j * rows->n] = naive_kernel(kernel, rows->dim, rows->x + i * rows->dim, cols->x + j * cols->dim) +
                           (rows == cols && i == j ? ridge : 0);
  return k;
}

/* ---- linear algebra */

void naive_multiply(size_t m, size_t n, const double *a, size_t columns, const double *v, double *out)
{
  for (size_t c = 0; c < columns; c++)
    for (size_t i = 0; i < m; i++) {
      wide sum = 0;
      for (size_t j = 0; j < n; j++) sum += (wide)a[i + j * m] * (wide)v[j + c * n];
      out[i + c * m] = (double)sum;
    }
}

/* Rows of [A b], row-major; the pivot's row is moved to place k, those below lose their column k. */
static void eliminate(size_t n, size_t width, wide *rows, size_t k)
{
  size_t best = k;
  for (size_t i = k + 1; i < n; i++)
    if (fabsl(rows[i * width + k]) > fabsl(rows[best * width + k])) best = i;
  for (size_t j = 0; j < width; j++) {
    wide swap = rows[k * width + j];
    rows[k * width + j] = rows[best * width + j];
    rows[best * width + j] = swap;
  }
  for (size_t i = k + 1; i < n; i++) {
    wide factor = rows[i * width + k] / rows[k * width + k];
    for (size_t j = k; j < width; j++) rows[i * width + j] -= factor * rows[k * width + j];
  }
}

void naive_solve(size_t n, const double *a, size_t columns, const double *b, double *x)
{
  size_t width = n + columns;
  wide *rows = memory(n * width, sizeof *rows);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < width; j++) rows[i * width + j] = (wide)(j < n ? a[i + j * n] : b[i + (j - n) * n]);
  for (size_t k = 0; k < n; k++) eliminate(n, width, rows, k);
  for (size_t c = n; c < width; c++)
    for (size_t k = n; k-- > 0;) {
      for (size_t j = k + 1; j < n; j++) rows[k * width + c] -= rows[k * width + j] * rows[j * width + c];
      rows[k * width + c] /= rows[k * width + k];
      x[k + (c - n) * n] = (double)rows[k * width + c];
    }
  free(rows);
}

static wide inner(size_t n, const wide *x, const wide *y)
{
  wide sum = 0;
  for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

static void rotate(size_t n, wide *x, wide *y, wide c, wide s)
{
  for (size_t i = 0; i < n; i++) {
    wide xi = x[i], yi = y[i];
    x[i] = c * xi - s * yi;
    y[i] = s * xi + c * yi;
  }
}

/* Makes columns p < q orthogonal, the longer one first; 0 when they were already. */
static int orthogonalise(naive_svd *f, size_t p, size_t q)
{
  wide *x = f->us + p * f->n, *y = f->us + q * f->n;
  wide a = inner(f->n, x, x), b = inner(f->n, y, y), d = inner(f->n, x, y);
  if (a >= b && (fabsl(d) <= 1e-16L * sqrtl(a * b) || b <= 1e-38L * a)) return 0;
  wide half = atan2l(2 * d, a - b) / 2; /* the larger of the two comes first */
  rotate(f->n, x, y, cosl(half), -sinl(half));
  rotate(f->dim, f->v + p * f->dim, f->v + q * f->dim, cosl(half), -sinl(half));
  return 1;
}

naive_svd naive_svd_open(size_t n, size_t dim, const double *x)
{
  naive_svd f = {.n = n, .dim = dim};
  f.values = memory(dim, sizeof *f.values);
  f.us = memory(n * dim, sizeof *f.us);
  f.v = memory(dim * dim, sizeof *f.v);
  for (size_t k = 0; k < dim; k++) f.v[k * (dim + 1)] = 1;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < dim; k++) f.us[i + k * n] = (wide)x[i * dim + k];
  for (int sweep = 0, rotated = 1; rotated && sweep < 60; sweep++) {
    rotated = 0;
    for (size_t p = 0; p < dim; p++)
      for (size_t q = p + 1; q < dim; q++) rotated |= orthogonalise(&f, p, q);
  }
  for (size_t k = 0; k < dim; k++) f.values[k] = (double)sqrtl(inner(n, f.us + k * n, f.us + k * n));
  return f;
}

void naive_svd_close(naive_svd *svd)
{
  free(svd->values);
  free(svd->us);
  free(svd->v);
  *svd = (naive_svd){0};
}

void naive_least_squares(const naive_svd *svd, double tolerance, size_t columns, const double *y, double *w)
{
  size_t n = svd->n, dim = svd->dim;
  memset(w, 0, dim * columns * sizeof *w);
  for (size_t c = 0; c < columns; c++)
    for (size_t k = 0; k < dim && svd->values[k] > tolerance * svd->values[0]; k++) {
      wide sum = 0;
      for (size_t i = 0; i < n; i++) sum += svd->us[i + k * n] * (wide)y[i + c * n];
      sum /= (wide)svd->values[k] * (wide)svd->values[k];
      for (size_t i = 0; i < dim; i++) w[i + c * dim] += (double)(sum * svd->v[i + k * dim]);
    }
}

/* A <- H A with H = I - 2 v v' / v'v. */
static void reflect(size_t n, double *a, const double *v)
{
  double norm2 = 0;
  for (size_t i = 0; i < n; i++) norm2 += v[i] * v[i];
  for (size_t j = 0; j < n; j++) {
    double dot = 0;
    for (size_t i = 0; i < n; i++) dot += v[i] * a[i + j * n];
    for (size_t i = 0; i < n; i++) a[i + j * n] -= 2 / norm2 * dot * v[i];
  }
}

static void transpose(size_t n, double *a)
{
  for (size_t j = 0; j < n; j++)
    for (size_t i = j + 1; i < n; i++) {
      double swap = a[i + j * n];
      a[i + j * n] = a[j + i * n];
      a[j + i * n] = swap;
    }
}

double *naive_spectrum(size_t n, const double *values, uint64_t seed1, uint64_t seed2)
{
  enum { REFLECTIONS = 3 };
  double *a = memory(n * n, sizeof *a);
  for (size_t i = 0; i < n; i++) a[i * (n + 1)] = values[i];
  for (int side = 0; side < 2; side++) {
    double *v = naive_normals(n * REFLECTIONS, side ? seed2 : seed1);
    for (size_t k = 0; k < REFLECTIONS; k++) reflect(n, a, v + k * n);
    transpose(n, a);
    free(v);
  }
  if (seed1 == seed2)
    for (size_t j = 0; j < n; j++)
      for (size_t i = j; i < n; i++) a[j + i * n] = a[i + j * n] = (a[i + j * n] + a[j + i * n]) / 2;
  return a;
}

double naive_norm(size_t count, const double *x)
{
  wide sum = 0;
  for (size_t i = 0; i < count; i++) sum += (wide)x[i] * (wide)x[i];
  return (double)sqrtl(sum);
}

double naive_distance(size_t count, const double *x, const double *y)
{
  wide sum = 0;
  for (size_t i = 0; i < count; i++) sum += ((wide)x[i] - (wide)y[i]) * ((wide)x[i] - (wide)y[i]);
  return (double)sqrtl(sum);
}

double naive_relative(size_t count, const double *x, const double *y)
{
  return naive_distance(count, x, y) / naive_norm(count, y);
}
