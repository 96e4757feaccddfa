/* The filters of the wavelet maps, from their formulas in double precision. */
#include <math.h>

#include "core/memory.h"
#include "core/status.h"
#include "features/wavelets.h"

static const double pi = 3.14159265358979323846;
static const double exponent_max = 40; /* exp(-40) = 4e-18 beside 1 */
static const double spread = 0.8;      /* deviation of an envelope of scale 0, in pixels */

/* Relative to the largest value of a wavelet's transform, which is close to 1; rounding in fp32 is 6e-8. */
const double mn_wavelet_floor = 1e-9;

/* Beyond so many deviations (2e-8 of the peak) weights of the low-pass are left out. */
static const double lowpass_reach = 6;

static double squared(double x)
{
  return x * x;
}

/* The exponent of one Gaussian of the sum. */
static double exponent(const mn_envelope *e, double xi, double down, double right)
{
  double u = down * cos(e->theta) + right * sin(e->theta) - xi, v = right * cos(e->theta) - down * sin(e->theta);
  return 0.5 * squared(e->sigma) * (squared(u) + squared(v / e->slant));
}

double mn_gabor_transform(const mn_envelope *e, double xi, double down, double right)
{
  double reach = xi + sqrt(2 * exponent_max) * fmax(1, e->slant) / e->sigma, sum = 0;
  double first_a = ceil((-reach - down) / (2 * pi)), first_b = ceil((-reach - right) / (2 * pi));
  for (double a = first_a; down + 2 * pi * a <= reach; a++)
    for (double b = first_b; right + 2 * pi * b <= reach; b++) {
      double x = exponent(e, xi, down + 2 * pi * a, right + 2 * pi * b);
      if (x < exponent_max) sum += exp(-x);
    }
  return sum;
}

mn_envelope mn_wavelet_envelope(const mn_features_options *options, int j, int l)
{
  double orientations = options->orientations;
  return (mn_envelope){ldexp(spread, j), pi * l / orientations, options->slant > 0 ? options->slant : 4 / orientations};
}

double mn_wavelet_frequency(int j)
{
  return ldexp(0.75 * pi, -j);
}

void mn_wavelet_transform(const mn_features_options *options, int j, int l, size_t height, size_t width, double factor,
                          float *out)
{
  mn_envelope e = mn_wavelet_envelope(options, j, l);
  double xi = mn_wavelet_frequency(j);
  double mean = mn_gabor_transform(&e, xi, 0, 0) / mn_gabor_transform(&e, 0, 0, 0);
  for (size_t r = 0; r < height; r++)
    for (size_t c = 0; c < width; c++) {
      double down = 2 * pi * (double)r / (double)height, right = 2 * pi * (double)c / (double)width;
      double value = mn_gabor_transform(&e, xi, down, right) - mean * mn_gabor_transform(&e, 0, down, right);
      out[r * width + c] = fabs(value) < mn_wavelet_floor ? 0 : (float)(value * factor);
    }
}

/* ---- low-pass */

double mn_lowpass_sigma(int pooling)
{
  return ldexp(spread, pooling);
}

double mn_lowpass_weight(double sigma, size_t n, double t)
{
  double reach = sqrt(2 * exponent_max) * sigma, sum = 0;
  for (double x = t - (double)n * floor((t + reach) / (double)n); x <= reach; x += (double)n)
    sum += exp(-0.5 * squared(x / sigma));
  return sum / (sqrt(2 * pi) * sigma);
}

/* Weights that are not left out, of an axis of n pixels. */
static size_t taps_of(double sigma, size_t n)
{
  size_t taps = 2 * (size_t)ceil(lowpass_reach * sigma) + 1;
  return taps < n ? taps : n;
}

/* Column `t` of a block, t from the first one it reads, belongs to 8 outputs. */
static void fill_block(mn_lowpass *l, double sigma, size_t taps)
{
  for (size_t i = 0; i < MN_LOWPASS_BLOCK; i++)
    for (size_t t = 0; t < taps; t++) {
      size_t column = (l->step * i + t) % l->width;
      l->block[column * MN_LOWPASS_BLOCK + i] = (float)mn_lowpass_weight(sigma, l->width, (double)t - (double)l->reach);
    }
}

mn_status mn_lowpass_open(size_t height, size_t width, int pooling, mn_lowpass *out, mn_error *err)
{
  double sigma = mn_lowpass_sigma(pooling);
  size_t step = (size_t)1 << pooling, across = taps_of(sigma, width);
  size_t block_taps = step * (MN_LOWPASS_BLOCK - 1) + across;
  mn_lowpass l = {.height = height, .width = width, .step = step, .taps = taps_of(sigma, height), .reach = across / 2};
  l.out_height = height / step;
  l.out_width = width / step;
  l.block_taps = block_taps < width ? block_taps : width;
  l.ld = width + l.block_taps + MN_LOWPASS_BLOCK;
  l.weights = mn_alloc(l.taps, sizeof *l.weights);
  l.block = mn_calloc(l.block_taps * MN_LOWPASS_BLOCK, sizeof *l.block);
  *out = l;
  if (!l.weights || !l.block) return MN_NO_MEMORY(err, (l.taps + l.block_taps * MN_LOWPASS_BLOCK) * sizeof *l.block);
  for (size_t t = 0; t < l.taps; t++)
    l.weights[t] = (float)mn_lowpass_weight(sigma, height, (double)t - (double)(l.taps / 2));
  fill_block(&l, sigma, across);
  return MN_OK;
}

void mn_lowpass_close(mn_lowpass *lowpass)
{
  mn_free(lowpass->weights);
  mn_free(lowpass->block);
}
