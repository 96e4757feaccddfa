/* The wavelet maps: scattering transforms of order 1 and 2. */
#include "features/wavelets.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"

enum { ORIENTATIONS_MAX = 64, MULTIPLE = 3 /* sides are multiples of 2^MULTIPLE at least */ };
static const double slant_max = 16; /* and 1 / slant_max the least */

static int larger(int a, int b)
{
  return a > b ? a : b;
}

static int order_of(const mn_features *f)
{
  return f->options.name == MN_FEATURES_SCATTERING ? 2 : 1;
}

/* ---- options */

/* The largest scale of images: log2 of the least power of 2 that holds the longer side. */
static int scales_max(const mn_features *f)
{
  int scales = 0;
  while (f->height > (size_t)1 << scales || f->width > (size_t)1 << scales) scales++;
  return scales;
}

static mn_status check(const mn_features *f, mn_error *err)
{
  const mn_features_options *o = &f->options;
  int most = scales_max(f);
  if (most < 1) return MN_FAIL(err, MN_ERR_DATA, "images of one pixel have no wavelet features");
  if (o->scales < 1 || o->scales > most)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%d scales: images of %zu x %zu pixels have 1 ... %d", o->scales, f->height,
                   f->width, most);
  if (o->orientations < 1 || o->orientations > ORIENTATIONS_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%d orientations: 1 ... %d expected", o->orientations, ORIENTATIONS_MAX);
  if (o->pooling < 0 || o->pooling > most)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "pooling at scale %d: 0 ... %d expected for images of %zu x %zu pixels",
                   o->pooling, most, f->height, f->width);
  if (o->slant != 0 && !(o->slant >= 1 / slant_max && o->slant <= slant_max))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "slant %g: 0 (automatic) or %g ... %g expected", o->slant, 1 / slant_max,
                   slant_max);
  return MN_OK;
}

/* ---- opening */

/* Paths of group g: order 0, or one of order 1 and those of order 2 that start from it. */
static size_t paths_of(const mn_features *f, size_t g)
{
  size_t l = (size_t)f->options.orientations, j = g ? (g - 1) / l : 0;
  return g && order_of(f) == 2 ? 1 + ((size_t)f->options.scales - 1 - j) * l : 1;
}

static mn_status set_groups(mn_features *f, mn_error *err)
{
  const mn_wavelets *w = f->state;
  f->groups = 1 + w->paths;
  f->begin = mn_calloc(f->groups + 1, sizeof *f->begin);
  if (!f->begin) return MN_NO_MEMORY(err, (f->groups + 1) * sizeof *f->begin);
  size_t path = f->channels * w->lowpass.out_height * w->lowpass.out_width;
  for (size_t g = 0; g < f->groups; g++) f->begin[g + 1] = f->begin[g] + path * paths_of(f, g);
  f->dim = f->begin[f->groups];
  return MN_OK;
}

static void set_flops(mn_features *f)
{
  const mn_wavelets *w = f->state;
  const mn_lowpass *l = &w->lowpass;
  double n = (double)(w->height * w->width), transforms = 1, paths = 0;
  for (size_t g = 1; g < f->groups; g++) {
    size_t p = paths_of(f, g);
    transforms += (double)(p > 1);
    paths += (double)p;
  }
  double smooth = 2 * (double)l->out_height * (double)(l->taps * w->width + l->block_taps * l->out_width);
  f->flops = (double)f->channels * ((transforms + paths) * 5 * n * log2(n) + paths * 6 * n + (paths + 1) * smooth);
}

static size_t padded(size_t side, size_t multiple)
{
  return (side + multiple - 1) / multiple * multiple;
}

static const mn_wavelet_loops *best_loops(void)
{
#if MN_X86_LEVELS
  if (mn_cpu_runs(MN_CPU_AVX2)) return &mn_wavelet_loops_avx2;
#endif
  return &mn_wavelet_loops_base;
}

static mn_status make_bank(const mn_features *f, int threads, mn_wavelets *w, mn_error *err)
{
  size_t each = w->height * w->width, l = (size_t)f->options.orientations;
  w->bank = mn_alloc_matrix(w->paths * each, sizeof *w->bank);
  if (!w->bank) return MN_NO_MEMORY(err, w->paths * each * sizeof *w->bank);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t p = 0; p < w->paths; p++)
    mn_wavelet_transform(&f->options, (int)(p / l), (int)(p % l), w->height, w->width, 1 / (double)each,
                         w->bank + p * each);
  return MN_OK;
}

static mn_status open_map(mn_features *f, const mn_samples *train, const mn_features_kept *kept, int threads,
                          const mn_context *ctx, mn_error *err)
{
  const mn_features_options *o = &f->options;
  size_t multiple = (size_t)1 << larger(MULTIPLE, larger(o->scales, o->pooling));
  mn_status st;
  (void)train, (void)kept, (void)ctx; /* the bank depends on the shape of the images alone */
  mn_wavelets *w = f->state = mn_calloc(1, sizeof *w);
  if (!w) return MN_NO_MEMORY(err, sizeof *w);
  w->height = padded(f->height, multiple);
  w->width = padded(f->width, multiple);
  w->top = (w->height - f->height) / 2;
  w->left = (w->width - f->width) / 2;
  w->paths = (size_t)o->scales * (size_t)o->orientations;
  w->loops = best_loops();
  if ((st = mn_fft_open(w->height, w->width, &w->fft, err))) return st;
  if ((st = mn_lowpass_open(w->height, w->width, o->pooling, &w->lowpass, err))) return st;
  if ((st = make_bank(f, threads, w, err))) return st;
  if ((st = set_groups(f, err))) return st;
  set_flops(f);
  return MN_OK;
}

static void close_map(mn_features *f)
{
  mn_wavelets *w = f->state;
  mn_free(f->begin);
  if (!w) return;
  mn_fft_close(&w->fft);
  mn_lowpass_close(&w->lowpass);
  mn_free(w->bank);
  mn_free(w);
}

/* ---- workers */

/* Arrays of height x width: real numbers u, and pairs. */
typedef struct {
  float *u;        /* what is smoothed: the image or a modulus; MN_LOWPASS_BLOCK numbers more, for the low-pass */
  float *image;    /* transform of the image */
  float *first;    /* transform of a modulus of order 1 */
  float *spectrum; /* transform of what u is the modulus of */
  float *wave;     /* that itself */
  float *scratch;  /* the low-pass's */
} worker;

static void worker_close(void **out)
{
  worker *w = *out;
  if (!w) return;
  mn_free(w->u);
  mn_free(w->image);
  mn_free(w->first);
  mn_free(w->spectrum);
  mn_free(w->wave);
  mn_free(w->scratch);
  mn_free(w);
  *out = NULL;
}

static mn_status worker_open(const mn_features *f, void **out, mn_error *err)
{
  const mn_wavelets *s = f->state;
  size_t n = s->height * s->width, pair = 2 * sizeof(float), smooth = s->lowpass.out_height * s->lowpass.ld;
  worker *w = *out = mn_calloc(1, sizeof *w);
  if (!w) return MN_NO_MEMORY(err, sizeof *w);
  w->u = mn_alloc_matrix(n + MN_LOWPASS_BLOCK, sizeof *w->u);
  w->image = mn_alloc_matrix(n, pair);
  w->first = mn_alloc_matrix(n, pair);
  w->spectrum = mn_alloc_matrix(n, pair);
  w->wave = mn_alloc_matrix(n, pair);
  w->scratch = mn_alloc_matrix(smooth, sizeof *w->scratch);
  if (w->u && w->image && w->first && w->spectrum && w->wave && w->scratch) {
    memset(w->u + n, 0, MN_LOWPASS_BLOCK * sizeof *w->u);
    return MN_OK;
  }
  worker_close(out);
  return MN_NO_MEMORY(err, 4 * n * pair + smooth * sizeof *w->scratch);
}

/* ---- transforming */

/* w->u <- |z * psi_p| for the z with this transform */
static void wavelet_modulus(const mn_wavelets *s, worker *w, const float *transform, size_t p)
{
  size_t n = s->height * s->width;
  s->loops->multiply(n, transform, s->bank + p * n, w->spectrum);
  mn_fft_backward(s->fft, w->spectrum, w->wave);
  s->loops->modulus(n, w->wave, w->u);
}

/* transform <- that of w->u */
static void transform_real(const mn_wavelets *s, worker *w, float *transform)
{
  for (size_t k = 0; k < s->height * s->width; k++) {
    w->wave[2 * k] = w->u[k];
    w->wave[2 * k + 1] = 0;
  }
  mn_fft_forward(s->fft, w->wave, transform);
}

/* w->u <- the image among zeros; pixels: f->height x f->width */
static void place(const mn_features *f, worker *w, const float *pixels)
{
  const mn_wavelets *s = f->state;
  memset(w->u, 0, s->height * s->width * sizeof *w->u);
  for (size_t r = 0; r < f->height; r++)
    memcpy(w->u + (s->top + r) * s->width + s->left, pixels + r * f->width, f->width * sizeof *pixels);
}

/* Features of one channel in group g, w->image being its transform. out: the group's, next path `stride` further. */
static void transform_group(const mn_features *f, worker *w, size_t g, float *out, size_t stride)
{
  const mn_wavelets *s = f->state;
  size_t l = (size_t)f->options.orientations, children = paths_of(f, g) - 1, p = g - 1;
  wavelet_modulus(s, w, w->image, p);
  s->loops->lowpass(&s->lowpass, w->u, w->scratch, out);
  if (!children) return;
  transform_real(s, w, w->first);
  for (size_t c = 0; c < children; c++) {
    wavelet_modulus(s, w, w->first, (p / l + 1) * l + c); /* the next scale's first wavelet, and all after it */
    s->loops->lowpass(&s->lowpass, w->u, w->scratch, out + (c + 1) * stride);
  }
}

static void transform(const mn_features *f, void *worker_, const float *pixels, size_t count, size_t g, size_t end,
                      float *out, size_t ld)
{
  const mn_wavelets *s = f->state;
  worker *w = worker_;
  size_t area = s->lowpass.out_height * s->lowpass.out_width;
  for (size_t i = 0; i < count * f->channels; i++) {
    float *row = out + i / f->channels * ld + i % f->channels * area;
    place(f, w, pixels + i * f->height * f->width);
    transform_real(s, w, w->image);
    if (!g) s->loops->lowpass(&s->lowpass, w->u, w->scratch, row);
    for (size_t k = g ? g : 1; k < end; k++)
      transform_group(f, w, k, row + (f->begin[k] - f->begin[g]), f->channels * area);
  }
}

const mn_map_row mn_map_gabor_row = {.name = "gabor",
                                     .help = "moduli of Gabor wavelets, smoothed: scattering of order 1",
                                     .check = check,
                                     .open = open_map,
                                     .close = close_map,
                                     .worker_open = worker_open,
                                     .worker_close = worker_close,
                                     .transform = transform,
                                     .picture = mn_wavelets_picture,
                                     .maps = mn_wavelets_maps,
                                     .feature_at = mn_wavelets_feature_at};
const mn_map_row mn_map_scattering_row = {.name = "scattering",
                                          .help = "moduli of wavelets of moduli of wavelets, smoothed: order 2",
                                          .check = check,
                                          .open = open_map,
                                          .close = close_map,
                                          .worker_open = worker_open,
                                          .worker_close = worker_close,
                                          .transform = transform,
                                          .picture = mn_wavelets_picture,
                                          .maps = mn_wavelets_maps,
                                          .feature_at = mn_wavelets_feature_at};
