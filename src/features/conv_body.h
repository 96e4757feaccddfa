/* The convolution of conv.h, written once for every instruction set. The including file has chosen the instruction set
 * and defined
 *   vec, LANES                  floats, and how many of them are in one register
 *   MOST                        positions computed at once: 2 MOST sums stay in registers, beside 3 others
 *   vec_all, vec_madd, vec_max  all lanes x; a b + c; the larger of both
 *   vec_inverse_root            1 / sqrt(x), 0 where x is not above 0
 *   MN_CONV, MN_CONV_NEEDS      the row that ends this file, and its level
 * No include guard by intent: one inclusion a file.
 *
 * Responses are a product of the matrix of patches and the filters; the former is never formed, for neighbours along a
 * row are the same elements of their patches in consecutive pixels of the image. */
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { PANEL = 2 * LANES };

INLINE vec load(const float *p)
{
  vec x;
  memcpy(&x, p, sizeof x);
  return x;
}

INLINE void store(float *p, vec x)
{
  memcpy(p, &x, sizeof x);
}

/* m neighbours; a constant from the caller, so that the sums are registers. */
INLINE void respond_some(size_t m, size_t taps, const size_t *offset, const float *image, const float *w, float *z)
{
  vec low[MOST], high[MOST];
  if (m > MOST) return;
#pragma GCC unroll 14
  for (size_t i = 0; i < m; i++) low[i] = high[i] = vec_all(0);
  for (size_t k = 0; k < taps; k++, w += PANEL) {
    const float *x = image + offset[k];
    const vec w_low = load(w), w_high = load(w + LANES);
#pragma GCC unroll 14
    for (size_t i = 0; i < m; i++) {
      const vec pixel = vec_all(x[i]);
      low[i] = vec_madd(pixel, w_low, low[i]);
      high[i] = vec_madd(pixel, w_high, high[i]);
    }
  }
#pragma GCC unroll 14
  for (size_t i = 0; i < m; i++) {
    store(z + i * PANEL, low[i]);
    store(z + i * PANEL + LANES, high[i]);
  }
}

static void respond_block(size_t m, size_t taps, const size_t *offset, const float *image, const float *w, float *z)
{
  switch (m) {
  case 1:
    respond_some(1, taps, offset, image, w, z);
    return;
  case 2:
    respond_some(2, taps, offset, image, w, z);
    return;
  case 3:
    respond_some(3, taps, offset, image, w, z);
    return;
  case 4:
    respond_some(4, taps, offset, image, w, z);
    return;
  case 5:
    respond_some(5, taps, offset, image, w, z);
    return;
  case 6:
    respond_some(6, taps, offset, image, w, z);
    return;
  case 7:
    respond_some(7, taps, offset, image, w, z);
    return;
  case 8:
    respond_some(8, taps, offset, image, w, z);
    return;
  case 9:
    respond_some(9, taps, offset, image, w, z);
    return;
  case 10:
    respond_some(10, taps, offset, image, w, z);
    return;
  case 11:
    respond_some(11, taps, offset, image, w, z);
    return;
  case 12:
    respond_some(12, taps, offset, image, w, z);
    return;
  case 13:
    respond_some(13, taps, offset, image, w, z);
    return;
  default:
    respond_some(14, taps, offset, image, w, z);
  }
}

/* A row of positions in blocks that differ by at most one. */
static void respond(const mn_conv *c, const float *image, const float *weights, float *z)
{
  size_t blocks = (c->columns + MOST - 1) / MOST;
  for (size_t b = 0; b < blocks; b++) {
    size_t first = c->columns * b / blocks, end = c->columns * (b + 1) / blocks;
    respond_block(end - first, c->taps, c->offset, image + first, weights, z + first * PANEL);
  }
}

/* Rectified values are not negative, so that a maximum starts from 0 as a sum does. */
INLINE vec pooled(int max, vec sum, vec value)
{
  if (max) return vec_max(sum, value);
  return sum + value;
}

/* The segment that begins at x belongs to all of these windows. */
INLINE void put(const mn_conv *c, int max, size_t y, size_t x, vec low, vec high, float *sums)
{
  for (size_t i = c->y.first[y]; i < c->y.last[y]; i++)
    for (size_t j = c->x.first[x]; j < c->x.last[x]; j++) {
      float *to = sums + (i * c->x.windows + j) * PANEL;
      store(to, pooled(max, load(to), low));
      store(to + LANES, pooled(max, load(to + LANES), high));
    }
}

/* The positive and, of a two-sided rectifier, the negative half of a response. */
INLINE vec positive(mn_rectifier rectifier, vec response, vec up)
{
  if (rectifier == MN_RECTIFIER_ABS) return vec_max(response - up, up - response);
  return vec_max(response - up, vec_all(0));
}

INLINE vec negative(vec response, vec down)
{
  return vec_max(down - response, vec_all(0));
}

INLINE void pool_as(mn_rectifier rectifier, int max, const mn_conv *c, size_t y, const float *z, const float *inverse,
                    const float *shift, float *sums)
{
  const vec up[2] = {load(shift), load(shift + LANES)};
  const vec down[2] = {load(shift + PANEL), load(shift + PANEL + LANES)};
  for (size_t s = 0; s < c->x.segments; s++) {
    vec plus[2] = {vec_all(0), vec_all(0)}, minus[2] = {vec_all(0), vec_all(0)};
    size_t first = c->x.cut[s], end = c->x.cut[s + 1];
    for (size_t x = first; x < end; x++) {
      const vec scale = vec_all(inverse[x]);
#pragma GCC unroll 2
      for (size_t h = 0; h < 2; h++) {
        const vec response = load(z + x * PANEL + h * LANES) * scale;
        plus[h] = pooled(max, plus[h], positive(rectifier, response, up[h]));
        if (rectifier == MN_RECTIFIER_TWOSIDED) minus[h] = pooled(max, minus[h], negative(response, down[h]));
      }
    }
    put(c, max, y, first, plus[0], plus[1], sums);
    if (rectifier == MN_RECTIFIER_TWOSIDED) put(c, max, y, first, minus[0], minus[1], sums + c->windows * PANEL);
  }
}

static void pool(const mn_conv *c, size_t y, const float *z, const float *inverse, const float *shift, float *sums)
{
  int max = c->pool == MN_POOL_MAX;
  if (c->rectifier == MN_RECTIFIER_TWOSIDED && !max)
    pool_as(MN_RECTIFIER_TWOSIDED, 0, c, y, z, inverse, shift, sums);
  else if (c->rectifier == MN_RECTIFIER_TWOSIDED)
    pool_as(MN_RECTIFIER_TWOSIDED, 1, c, y, z, inverse, shift, sums);
  else if (c->rectifier == MN_RECTIFIER_RELU && !max)
    pool_as(MN_RECTIFIER_RELU, 0, c, y, z, inverse, shift, sums);
  else if (c->rectifier == MN_RECTIFIER_RELU)
    pool_as(MN_RECTIFIER_RELU, 1, c, y, z, inverse, shift, sums);
  else if (!max)
    pool_as(MN_RECTIFIER_ABS, 0, c, y, z, inverse, shift, sums);
  else
    pool_as(MN_RECTIFIER_ABS, 1, c, y, z, inverse, shift, sums);
}

/* The sum over channels of the pixels and of their squares, plane and squares (height x width each). */
static void add_channels(const mn_conv *c, const float *restrict image, double *restrict plane,
                         double *restrict squares)
{
  size_t pixels = c->height * c->width;
  memset(plane, 0, pixels * sizeof *plane);
  memset(squares, 0, pixels * sizeof *squares);
  for (size_t channel = 0; channel < c->channels; channel++, image += pixels)
    for (size_t i = 0; i < pixels; i++) {
      double x = (double)image[i];
      plane[i] += x;
      squares[i] += x * x;
    }
}

/* out (columns) = sums over the patches of row y; column: width doubles of scratch. */
static void add_box(const mn_conv *c, const double *restrict plane, size_t y, double *restrict column,
                    double *restrict out)
{
  memset(column, 0, c->width * sizeof *column);
  memset(out, 0, c->columns * sizeof *out);
  for (size_t dy = 0; dy < c->side; dy++)
    for (size_t x = 0; x < c->width; x++) column[x] += plane[(y + dy) * c->width + x];
  for (size_t dx = 0; dx < c->side; dx++)
    for (size_t x = 0; x < c->columns; x++) out[x] += column[x + dx];
}

/* s^2 of a row of patches. What the variance loses to cancellation, at most 1e-13 of the mean square, never counts as a
 * variance. */
static void find_spread(const mn_conv *c, const double *restrict sum, const double *restrict squares,
                        float *restrict out)
{
  double taps = (double)c->taps, spread = c->spread, constant = c->constant;
  for (size_t x = 0; x < c->columns; x++) {
    double mean = sum[x] / taps, square = squares[x] / taps, variance = square - mean * mean;
    out[x] = (float)((variance > 1e-13 * square ? variance : 0) * spread + constant);
  }
}

static float mean_of(size_t count, const float *pixels)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < count; i++) sum += (double)pixels[i];
  return (float)(sum / (double)count);
}

static void subtract(size_t count, const float *restrict pixels, float mean, float *restrict image)
{
  for (size_t i = 0; i < count; i++) image[i] = pixels[i] - mean;
}

/* What is subtracted from an image changes nothing but rounding, which is less around 0. */
static void prepare(const mn_conv *c, const float *pixels, double *scratch, float *image, float *inverse)
{
  size_t plane = c->height * c->width, count = c->channels * plane;
  double *squares = scratch + plane, *column = squares + plane, *sum = column + c->width, *square = sum + c->columns;
  subtract(count, pixels, mean_of(count, pixels), image);
  if (c->norm == MN_PATCHES_CENTER) return;
  add_channels(c, image, scratch, squares);
  for (size_t y = 0; y < c->rows; y++) {
    add_box(c, scratch, y, column, sum);
    add_box(c, squares, y, column, square);
    find_spread(c, sum, square, inverse + y * c->columns);
  }
  for (size_t i = 0; i < c->padded; i += LANES) store(inverse + i, vec_inverse_root(load(inverse + i)));
}

/* Neighbours change places. */
INLINE vec swapped(vec x)
{
  typedef int places __attribute__((vector_size(sizeof(vec))));
  places at;
  for (int l = 0; l < LANES; l++) at[l] = l ^ 1;
  return (vec)__builtin_shuffle(x, at);
}

static void multiply(const mn_conv *c, const float *x, const float *filters, float *out)
{
  for (size_t k = 0; k < c->plane; k += LANES) {
    vec sum = vec_all(0);
    for (size_t channel = 0; channel < c->channels; channel++) {
      const float *real = x + 2 * channel * c->plane + k;
      const vec f = load(filters + channel * c->plane + k);
      sum = vec_madd(load(real), f, vec_madd(load(real + c->plane), swapped(f), sum));
    }
    store(out + k, sum);
  }
}

const mn_conv_level MN_CONV = {
    .needs = MN_CONV_NEEDS, .panel = PANEL, .prepare = prepare, .respond = respond, .pool = pool, .multiply = multiply};
