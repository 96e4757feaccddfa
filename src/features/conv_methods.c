/* Two ways to the responses of a row of positions. */
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "features/conv.h"

/* ---- blocked: products of patches and a panel of filters */

static size_t blocked_weights(const mn_conv *c)
{
  return c->taps * c->level->panel;
}

static size_t blocked_space(const mn_conv *c)
{
  (void)c;
  return 0;
}

static void blocked_pack(const mn_conv *c, const double *w, float *weights, float *space)
{
  (void)space;
  for (size_t k = 0; k < c->taps; k++)
    for (size_t l = 0; l < c->level->panel; l++) *weights++ = (float)w[l * c->taps + k];
}

static void blocked_row(const mn_conv *c, const float *image, size_t y, const float *weights, const float *space,
                        float *z)
{
  (void)space;
  c->level->respond(c, image + y * c->width, weights, z);
}

const mn_conv_method mn_conv_blocked = {
    .name = "blocked", .weights = blocked_weights, .space = blocked_space, .pack = blocked_pack, .row = blocked_row};

/* ---- fft: products of spectra; two filters are the real and imaginary part of one, for images are real. Neither is
 * padded: the positions that would wrap around are those where a patch does not fit. */

/* One thread's space: spectra of images as the level multiplies them (MN_MAP_IMAGES x channels x 2 x plane), responses
 * of a panel (panel / 2 x plane), an array in the making and its transform (plane each). */
static float *responses_of(const mn_conv *c, float *space)
{
  return space + MN_MAP_IMAGES * c->channels * 2 * c->plane;
}

static float *making_of(const mn_conv *c, float *space)
{
  return responses_of(c, space) + c->level->panel / 2 * c->plane;
}

static size_t fft_weights(const mn_conv *c)
{
  return c->level->panel / 2 * c->channels * c->plane;
}

static size_t fft_space(const mn_conv *c)
{
  return (MN_MAP_IMAGES * c->channels * 2 + c->level->panel / 2 + 2) * c->plane;
}

/* A filter at the place from which a convolution is a correlation: element (y, x) at (-y, -x). */
static void put_filter(const mn_conv *c, const double *w, float *out)
{
  double scale = 1 / ((double)c->height * (double)c->width);
  for (size_t y = 0; y < c->side; y++)
    for (size_t x = 0; x < c->side; x++) {
      size_t row = y ? c->height - y : 0, column = x ? c->width - x : 0;
      out[2 * (row * c->width + column)] = (float)(scale * w[y * c->side + x]);
    }
}

static void fft_pack(const mn_conv *c, const double *w, float *weights, float *space)
{
  float *making = making_of(c, space);
  size_t square = c->side * c->side;
  for (size_t pair = 0; pair < c->level->panel / 2; pair++, w += 2 * c->taps)
    for (size_t channel = 0; channel < c->channels; channel++, weights += c->plane) {
      memset(making, 0, c->plane * sizeof *making);
      memset(weights, 0, c->plane * sizeof *weights);
      put_filter(c, w + channel * square, making);
      put_filter(c, w + c->taps + channel * square, making + 1);
      mn_fft_forward(c->fft, making, weights);
    }
}

static void fft_image(const mn_conv *c, const float *image, size_t i, float *space)
{
  float *making = making_of(c, space), *spectrum = making + c->plane;
  size_t pixels = c->height * c->width;
  for (size_t channel = 0; channel < c->channels; channel++, image += pixels) {
    float *real = space + (i * c->channels + channel) * 2 * c->plane, *imaginary = real + c->plane;
    memset(making, 0, c->plane * sizeof *making);
    memset(real, 0, 2 * c->plane * sizeof *real);
    for (size_t k = 0; k < pixels; k++) making[2 * k] = image[k];
    mn_fft_forward(c->fft, making, spectrum);
    for (size_t k = 0; k < pixels; k++) {
      real[2 * k] = real[2 * k + 1] = spectrum[2 * k];
      imaginary[2 * k] = -spectrum[2 * k + 1];
      imaginary[2 * k + 1] = spectrum[2 * k + 1];
    }
  }
}

static void fft_start(const mn_conv *c, size_t i, const float *weights, float *space)
{
  float *responses = responses_of(c, space), *product = making_of(c, space);
  const float *image = space + i * c->channels * 2 * c->plane;
  for (size_t pair = 0; pair < c->level->panel / 2; pair++) {
    c->level->multiply(c, image, weights + pair * c->channels * c->plane, product);
    mn_fft_backward(c->fft, product, responses + pair * c->plane);
  }
}

/* A filter's response is a plane; a row of all of them is turned so that filters run fastest. */
static void fft_row(const mn_conv *c, const float *image, size_t y, const float *weights, const float *space, float *z)
{
  (void)image;
  (void)weights;
  const float *responses = space + MN_MAP_IMAGES * c->channels * 2 * c->plane;
  size_t panel = c->level->panel;
  for (size_t pair = 0; pair < panel / 2; pair++) {
    const float *from = responses + pair * c->plane + 2 * y * c->width;
    for (size_t x = 0; x < c->columns; x++) memcpy(z + x * panel + 2 * pair, from + 2 * x, 2 * sizeof *z);
  }
}

const mn_conv_method mn_conv_fft = {.name = "fft",
                                    .weights = fft_weights,
                                    .space = fft_space,
                                    .pack = fft_pack,
                                    .image = fft_image,
                                    .start = fft_start,
                                    .row = fft_row};

/* ---- the choice */

/* Seconds of a few images and the first group with a method, the least of some repetitions; the first is not counted.
 */
static mn_status measure(mn_conv *c, const mn_conv_method *method, double *seconds, mn_error *err)
{
  enum { IMAGES = 2, REPEAT = 5 };
  size_t dim = c->channels * c->height * c->width;
  size_t filters = c->filters < MN_CONV_GROUP ? c->filters : MN_CONV_GROUP, ld = filters * c->halves * c->windows;
  float *pixels = mn_calloc(IMAGES * dim, sizeof *pixels), *out = mn_alloc(IMAGES * ld, sizeof *out);
  mn_conv_worker *w = NULL;
  mn_status st = pixels && out ? MN_OK : MN_NO_MEMORY(err, IMAGES * (dim + ld) * sizeof *out);
  c->method = method;
  if (st || (st = mn_conv_worker_open(c, &w, err))) goto done;
  for (size_t k = 0; k < IMAGES * dim; k++) pixels[k] = (float)(k * 7919 % 256); /* anything but equal pixels */
  for (int r = 0; r <= REPEAT; r++) {
    double begin_s = mn_clock_s();
    mn_conv_worker_run(c, w, pixels, IMAGES, 0, 1, out, ld);
    double taken_s = mn_clock_s() - begin_s;
    if (r && (r == 1 || taken_s < *seconds)) *seconds = taken_s;
  }
done:
  mn_conv_worker_close(&w);
  mn_free(pixels);
  mn_free(out);
  return st;
}

mn_status mn_conv_choose(mn_conv *c, mn_conv_engine engine, mn_error *err)
{
  double blocked_s = 0, fft_s = 0;
  mn_status st = MN_OK;
  c->method = &mn_conv_blocked;
  if (engine == MN_CONV_BLOCKED) return MN_OK;
  if ((st = mn_fft_open(c->height, c->width, &c->fft, err))) return st;
  if (engine == MN_CONV_AUTO) {
    if ((st = measure(c, &mn_conv_blocked, &blocked_s, err))) return st;
    if ((st = measure(c, &mn_conv_fft, &fft_s, err))) return st;
  }
  c->method = fft_s <= 0.8 * blocked_s ? &mn_conv_fft : &mn_conv_blocked;
  if (c->method == &mn_conv_blocked) mn_fft_close(&c->fft);
  return MN_OK;
}
