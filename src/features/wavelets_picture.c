/* The bank of the wavelet maps as pictures, the origin of each in the middle. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "features/wavelets.h"

/* out (height x width) <- values[stride k], moved by half the sides, times factor plus offset, cut to [0, 1] */
static void put(const mn_wavelets *w, const float *values, size_t stride, float factor, float offset, float *out)
{
  for (size_t r = 0; r < w->height; r++)
    for (size_t c = 0; c < w->width; c++) {
      size_t to = (r + w->height / 2) % w->height * w->width + (c + w->width / 2) % w->width;
      out[to] = fminf(fmaxf(values[stride * (r * w->width + c)] * factor + offset, 0), 1);
    }
}

static float largest(size_t n, const float *values, size_t stride)
{
  float most = 0;
  for (size_t k = 0; k < n; k++) most = fmaxf(most, fabsf(values[stride * k]));
  return most;
}

/* A transform that is real, and the real part of what it is the transform of. spectrum, wave: scratch, pairs. */
static void put_both(const mn_wavelets *w, const float *transform, float *spectrum, float *wave, float *out_wave,
                     float *out_transform)
{
  size_t n = w->height * w->width;
  for (size_t k = 0; k < n; k++) {
    spectrum[2 * k] = transform[k];
    spectrum[2 * k + 1] = 0;
  }
  mn_fft_backward(w->fft, spectrum, wave);
  put(w, wave, 2, 0.5F / largest(n, wave, 2), 0.5F, out_wave);
  put(w, transform, 1, 1 / largest(n, transform, 1), 0, out_transform);
}

static void lowpass_transform(const mn_features *f, const mn_wavelets *w, float *out)
{
  const double turn = 2 * 3.14159265358979323846;
  mn_envelope phi = {mn_lowpass_sigma(f->options.pooling), 0, 1};
  for (size_t r = 0; r < w->height; r++)
    for (size_t c = 0; c < w->width; c++)
      out[r * w->width + c] =
          (float)mn_gabor_transform(&phi, 0, turn * (double)r / (double)w->height, turn * (double)c / (double)w->width);
}

static void put_all(const mn_features *f, const mn_wavelets *w, float *phi, float *spectrum, float *wave, float *out)
{
  size_t n = w->height * w->width, l = (size_t)f->options.orientations;
  for (size_t p = 0; p < w->paths; p++) {
    float *to = out + (p / l * 2 * l + p % l) * n;
    put_both(w, w->bank + p * n, spectrum, wave, to, to + l * n);
  }
  float *last = out + 2 * w->paths * n;
  lowpass_transform(f, w, phi);
  put_both(w, phi, spectrum, wave, last, last + n);
}

mn_status mn_wavelets_picture(const mn_features *f, mn_data **images, size_t *cols, mn_error *err)
{
  const mn_wavelets *w = f->state;
  size_t n = w->height * w->width;
  mn_data *data = NULL;
  float *phi = mn_alloc(n, sizeof *phi), *spectrum = mn_alloc_matrix(n, 2 * sizeof *spectrum);
  float *wave = mn_alloc_matrix(n, 2 * sizeof *wave);
  mn_status st = phi && spectrum && wave ? MN_OK : MN_NO_MEMORY(err, 5 * n * sizeof *phi);
  *images = NULL;
  *cols = (size_t)f->options.orientations;
  if (st || (st = mn_data_create(2 * w->paths + 2, n, MN_F32, 0, &data, err))) goto done;
  snprintf(data->name, sizeof data->name, "%s", f->row->name);
  data->channels = 1;
  data->height = w->height;
  data->width = w->width;
  put_all(f, w, phi, spectrum, wave, data->x);
  *images = data;
done:
  mn_free(phi);
  mn_free(spectrum);
  mn_free(wave);
  return st;
}

size_t mn_wavelets_maps(const mn_features *f)
{
  const mn_wavelets *w = f->state;
  return f->dim / (w->lowpass.out_height * w->lowpass.out_width);
}

size_t mn_wavelets_feature_at(const mn_features *f, size_t map, size_t y, size_t x)
{
  const mn_wavelets *w = f->state;
  const mn_lowpass *l = &w->lowpass;
  return (map * l->out_height + (w->top + y) / l->step) * l->out_width + (w->left + x) / l->step;
}
