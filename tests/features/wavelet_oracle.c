#include "wavelet_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "support.h"

static const double pi = 3.14159265358979323846;

/* ---- images */

oracle_images oracle_images_of(size_t n, size_t channels, size_t height, size_t width, const float *x)
{
  oracle_images i = {0};
  size_t dim = channels * height * width;
  assert_int_equal(mn_data_create(n, dim, MN_F32, 0, &i.data, NULL), MN_OK);
  i.data->channels = channels;
  i.data->height = height;
  i.data->width = width;
  strcpy(i.data->name, "oracle");
  memcpy(i.data->x, x, n * dim * sizeof *x);
  assert_int_equal(mn_scaling_open(MN_SCALE_NONE, i.data, &i.scaling, NULL), MN_OK);
  i.samples = mn_samples_of(i.data, i.scaling);
  return i;
}

oracle_images oracle_images_open(size_t n, size_t channels, size_t height, size_t width, uint64_t seed)
{
  size_t plane = height * width, count = n * channels * plane;
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, count);
  float *x = malloc(count * sizeof *x);
  assert_non_null(x);
  for (size_t k = 0; k < count; k++) {
    double down = (double)(k % plane / width) - (double)height / 3, right = (double)(k % width) - (double)width / 2;
    x[k] = (float)(0.1 * mn_random_normal(&r) + exp(-0.1 * (down * down + right * right)));
  }
  oracle_images i = oracle_images_of(n, channels, height, width, x);
  free(x);
  return i;
}

void oracle_images_close(oracle_images *images)
{
  mn_scaling_close(&images->scaling);
  mn_data_close(&images->data);
}

/* ---- filters, in space */

size_t oracle_side(const mn_features_options *o, size_t side)
{
  size_t multiple = 8;
  for (int k = 3; k < o->scales || k < o->pooling; k++) multiple *= 2;
  size_t out = multiple;
  while (out < side) out += multiple;
  return out;
}

/* Periodic sum of Gaussians of `sigma`, narrower by `slant` across the direction theta, times exp(i xi u). */
static double complex gabor(double sigma, double slant, double theta, double xi, size_t height, size_t width, size_t r,
                            size_t c)
{
  double reach = 9 * sigma * fmax(1, 1 / slant);
  int copies_down = (int)(reach / (double)height) + 1, copies_right = (int)(reach / (double)width) + 1;
  double complex sum = 0;
  for (int a = -copies_down - 1; a <= copies_down; a++)
    for (int b = -copies_right - 1; b <= copies_right; b++) {
      double y = (double)r + a * (double)height, x = (double)c + b * (double)width;
      double u = y * cos(theta) + x * sin(theta), v = x * cos(theta) - y * sin(theta);
      sum += exp(-(u * u + slant * slant * v * v) / (2 * sigma * sigma)) * cexp(I * xi * u);
    }
  return sum * slant / (2 * pi * sigma * sigma);
}

double complex *oracle_wavelet(const mn_features_options *o, int j, int l, size_t height, size_t width)
{
  double sigma = 0.8 * pow(2, j), xi = 0.75 * pi / pow(2, j), theta = pi * l / o->orientations;
  double slant = o->slant > 0 ? o->slant : 4.0 / o->orientations;
  double complex wave = 0, envelope = 0, *out = malloc(height * width * sizeof *out);
  assert_non_null(out);
  for (size_t k = 0; k < height * width; k++) {
    wave += out[k] = gabor(sigma, slant, theta, xi, height, width, k / width, k % width);
    envelope += gabor(sigma, slant, theta, 0, height, width, k / width, k % width);
  }
  for (size_t k = 0; k < height * width; k++)
    out[k] -= wave / envelope * gabor(sigma, slant, theta, 0, height, width, k / width, k % width);
  return out;
}

/* ---- the transform */

typedef struct {
  const mn_features_options *options;
  size_t height, width, step;
  double complex **waves; /* scales x orientations filters */
  double complex *phi;
  double *out;
} twin;

/* Every step-th value of the circular convolution, rows height / step. */
static double complex *convolve(const twin *t, const double complex *x, const double complex *f, size_t step)
{
  size_t h = t->height, w = t->width;
  double complex *out = calloc(h / step * (w / step), sizeof *out);
  assert_non_null(out);
  for (size_t r = 0; r < h; r += step)
    for (size_t c = 0; c < w; c += step)
      for (size_t y = 0; y < h; y++)
        for (size_t z = 0; z < w; z++)
          if (x[y * w + z] != 0)
            out[r / step * (w / step) + c / step] += x[y * w + z] * f[(r + h - y) % h * w + (c + w - z) % w];
  return out;
}

/* Features of the path that ends with u, `at` features from the start. */
static void smooth(const twin *t, const double complex *u, size_t at)
{
  double complex *s = convolve(t, u, t->phi, t->step);
  for (size_t k = 0; k < t->height / t->step * (t->width / t->step); k++) t->out[at + k] = creal(s[k]);
  free(s);
}

static double complex *modulus(const twin *t, const double complex *x, size_t p)
{
  double complex *u = convolve(t, x, t->waves[p], 1);
  for (size_t k = 0; k < t->height * t->width; k++) u[k] = cabs(u[k]);
  return u;
}

/* All paths of one channel; `path` features a path, this channel's start `at` in it. */
static void scatter(const twin *t, const double complex *x, size_t path, size_t at)
{
  size_t scales = (size_t)t->options->scales, l = (size_t)t->options->orientations;
  smooth(t, x, at);
  for (size_t p = 0; p < scales * l; p++) {
    double complex *u = modulus(t, x, p);
    smooth(t, u, at += path);
    for (size_t q = (p / l + 1) * l; t->options->name == MN_FEATURES_SCATTERING && q < scales * l; q++) {
      double complex *v = modulus(t, u, q);
      smooth(t, v, at += path);
      free(v);
    }
    free(u);
  }
}

static size_t paths_of(const mn_features_options *o)
{
  size_t j = (size_t)o->scales, l = (size_t)o->orientations;
  return 1 + j * l + (o->name == MN_FEATURES_SCATTERING ? l * l * (j * (j - 1) / 2) : 0);
}

double *oracle_features(const mn_features_options *o, size_t channels, size_t height, size_t width, const float *image,
                        size_t *dim)
{
  twin t = {o, oracle_side(o, height), oracle_side(o, width), (size_t)1 << o->pooling, NULL, NULL, NULL};
  size_t n = t.height * t.width, area = n / t.step / t.step, waves = (size_t)(o->scales * o->orientations);
  double complex *x = malloc(n * sizeof *x);
  t.waves = malloc(waves * sizeof *t.waves);
  t.phi = malloc(n * sizeof *t.phi);
  t.out = malloc(area * channels * paths_of(o) * sizeof *t.out);
  assert_true(x && t.waves && t.phi && t.out);
  for (size_t p = 0; p < waves; p++)
    t.waves[p] = oracle_wavelet(o, (int)p / o->orientations, (int)p % o->orientations, t.height, t.width);
  for (size_t k = 0; k < n; k++)
    t.phi[k] = gabor(0.8 * (double)t.step, 1, 0, 0, t.height, t.width, k / t.width, k % t.width);
  for (size_t c = 0; c < channels; c++) {
    memset(x, 0, n * sizeof *x);
    for (size_t k = 0; k < height * width; k++) {
      size_t row = (t.height - height) / 2 + k / width, column = (t.width - width) / 2 + k % width;
      x[row * t.width + column] = image[c * height * width + k];
    }
    scatter(&t, x, channels * area, c * area);
  }
  for (size_t p = 0; p < waves; p++) free(t.waves[p]);
  free(t.waves), free(t.phi), free(x);
  *dim = area * channels * paths_of(o);
  return t.out;
}
