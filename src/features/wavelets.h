/* What the files of the wavelet maps share: the bank, the low-pass, and the loops that are made for each instruction
 * set. Frequencies are angles a pixel, grids row-major. */
#ifndef MN_FEATURES_WAVELETS_H
#define MN_FEATURES_WAVELETS_H

#include <stddef.h>

#include "core/cpu.h"
#include "features/map.h"
#include "linalg/fft.h"

/* A Gaussian envelope exp(-(u^2 + slant^2 v^2) / (2 sigma^2)) slant / (2 pi sigma^2), u along the direction (cos theta,
 * sin theta) of (down, right), v across. */
typedef struct {
  double sigma, theta, slant;
} mn_envelope;

/* The Fourier transform at (down, right) of the envelope times exp(i xi u), sampled at the pixels: the sum over all
 * multiples of 2 pi of a Gaussian around xi (cos theta, sin theta). */
double mn_gabor_transform(const mn_envelope *e, double xi, double down, double right);

/* Morlet wavelet of scale j and orientation l: the Gabor function minus the multiple of its envelope that leaves mean
 * 0. out: height x width, its transform, which is real, times `factor`; values below mn_wavelet_floor are 0. */
extern const double mn_wavelet_floor;
mn_envelope mn_wavelet_envelope(const mn_features_options *options, int j, int l);
double mn_wavelet_frequency(int j);
void mn_wavelet_transform(const mn_features_options *options, int j, int l, size_t height, size_t width, double factor,
                          float *out);

/* Deviation of the low-pass Gaussian phi. */
double mn_lowpass_sigma(int pooling);
/* phi along one axis of n pixels, circular, at pixel t. */
double mn_lowpass_weight(double sigma, size_t n, double t);

enum { MN_LOWPASS_BLOCK = 8 }; /* neighbouring outputs that are computed together */

/* Circular convolution with phi, which is the product of a function down and one to the right, and then every step-th
 * pixel: direct sums of the weights that matter beside fp32's rounding cost less than Fourier transforms do. */
typedef struct {
  size_t height, width, step, out_height, out_width;
  /* Down: out row y is the sum of weights[t] times row (step y - taps / 2 + t) mod height, t < taps. */
  size_t taps;
  float *weights;
  /* Right: output 8 b + i is the sum of block[8 t + i] times column (8 step b - reach + t) mod width, t < block_taps.
   */
  size_t reach, block_taps;
  float *block;
  size_t ld; /* of the scratch array: out_height x ld */
} mn_lowpass;

mn_status mn_lowpass_open(size_t height, size_t width, int pooling, mn_lowpass *out, mn_error *err);
void mn_lowpass_close(mn_lowpass *lowpass);

/* The loops, one row an instruction set. z: n pairs (real part, imaginary part). */
typedef struct {
  /* out_k = z_k f_k, f real */
  void (*multiply)(size_t n, const float *z, const float *f, float *out);
  /* u_k = |z_k| */
  void (*modulus)(size_t n, const float *z, float *u);
  /* u: height x width and MN_LOWPASS_BLOCK numbers more; scratch: out_height x ld; out: out_height x out_width */
  void (*lowpass)(const mn_lowpass *l, const float *u, float *scratch, float *out);
} mn_wavelet_loops;

extern const mn_wavelet_loops mn_wavelet_loops_base;
#if MN_X86_LEVELS
extern const mn_wavelet_loops mn_wavelet_loops_avx2;
#endif

/* An open map. */
typedef struct {
  size_t height, width; /* of the image among zeros */
  size_t top, left;     /* where the image starts */
  size_t paths;         /* J L, path j L + l */
  mn_fft *fft;          /* height x width */
  float *bank;          /* paths x height x width: transforms of the wavelets, over height width */
  mn_lowpass lowpass;
  const mn_wavelet_loops *loops;
} mn_wavelets;

mn_status mn_wavelets_picture(const mn_features *features, mn_data **images, size_t *cols, mn_error *err);

/* A picture of features is a path of one channel; see mn_map_row. */
size_t mn_wavelets_maps(const mn_features *features);
size_t mn_wavelets_feature_at(const mn_features *features, size_t map, size_t y, size_t x);

#endif
