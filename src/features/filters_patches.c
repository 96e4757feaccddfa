#include "features/filters_patches.h"

#include <math.h>

#include "core/random.h"

mn_patches mn_patches_of(const mn_samples *train, size_t side, uint64_t seed)
{
  const mn_data *data = train->data;
  mn_scale scale = train->scaling->kind;
  mn_patches p = {.train = train, .side = side, .taps = data->channels * side * side, .seed = seed, .unit = 1};
  p.channels = data->channels;
  p.height = data->height;
  p.width = data->width;
  p.bytes = data->type == MN_U8 && scale != MN_SCALE_STANDARD;
  if (p.bytes && scale == MN_SCALE_UNIT) p.unit = 1.0 / 255;
  return p;
}

static size_t columns_of(const mn_patches *p)
{
  return p->width - p->side + 1;
}

static size_t rows_of(const mn_patches *p)
{
  return p->height - p->side + 1;
}

uint64_t mn_patches_places(const mn_patches *p)
{
  return (uint64_t)p->train->n * rows_of(p) * columns_of(p);
}

/* A number that depends on the round and half a position alone. */
static uint64_t scramble(uint64_t seed, uint64_t round, uint64_t half)
{
  mn_random r = mn_random_open(seed, MN_STREAM_PATCH, round << 32 | half);
  return mn_random_u32(&r);
}

/* A permutation of the numbers of 2 bits: four rounds of a Feistel network (Luby & Rackoff 1988). */
static uint64_t permute(uint64_t seed, unsigned bits, uint64_t x)
{
  uint64_t mask = ((uint64_t)1 << bits) - 1, left = x >> bits, right = x & mask;
  for (uint64_t round = 0; round < 4; round++) {
    uint64_t next = left ^ (scramble(seed, round, right) & mask);
    left = right;
    right = next;
  }
  return left << bits | right;
}

/* The permutation above, followed until it leads back to a place: a permutation of the places, which takes less than
 * four steps on average. */
uint64_t mn_patches_place(const mn_patches *p, size_t i)
{
  uint64_t places = mn_patches_places(p), x = i % places;
  unsigned bits = 1;
  while (bits < 31 && (uint64_t)1 << 2 * bits < places) bits++;
  do x = permute(p->seed, bits, x);
  while (x >= places);
  return x;
}

/* The corner of patch i: its image, and the offset in there. */
static size_t corner(const mn_patches *p, size_t i, size_t *image)
{
  uint64_t place = mn_patches_place(p, i);
  size_t columns = columns_of(p), each = rows_of(p) * columns, at = (size_t)(place % each);
  *image = (size_t)(place / each);
  return at / columns * p->width + at % columns;
}

static void cut_bytes(const mn_patches *p, const unsigned char *from, float *out)
{
  for (size_t c = 0; c < p->channels; c++)
    for (size_t y = 0; y < p->side; y++)
      for (size_t x = 0; x < p->side; x++) *out++ = (float)from[(c * p->height + y) * p->width + x];
}

static void cut_floats(const mn_patches *p, const float *from, float *out)
{
  for (size_t c = 0; c < p->channels; c++)
    for (size_t y = 0; y < p->side; y++)
      for (size_t x = 0; x < p->side; x++) *out++ = from[(c * p->height + y) * p->width + x];
}

void mn_patches_read(const mn_patches *p, size_t i, float *image, float *out)
{
  size_t sample, at = corner(p, i, &sample);
  if (p->bytes) {
    cut_bytes(p, (const unsigned char *)p->train->data->x + sample * p->train->dim + at, out);
  } else {
    mn_samples_rows_f32(p->train, sample, 1, image);
    cut_floats(p, image + at, out);
  }
}

/* The deviations' mean square comes from the deviations themselves: of a constant patch it is 0, or rounding, which
 * does not count. */
void mn_patches_normalise(mn_patch_norm norm, double constant, size_t taps, double *patch)
{
  double mean = 0, variance = 0, square = 0;
  if (norm == MN_PATCHES_RAW) return;
  for (size_t k = 0; k < taps; k++) mean += patch[k] / (double)taps;
  for (size_t k = 0; k < taps; k++) {
    square += patch[k] * patch[k] / (double)taps;
    patch[k] -= mean;
    variance += patch[k] * patch[k] / (double)taps;
  }
  if (norm == MN_PATCHES_CENTER) return;
  if (variance < 1e-20 * square) variance = 0;
  double under = norm == MN_PATCHES_UNIT ? variance * (double)taps : variance + constant;
  for (size_t k = 0; k < taps; k++) patch[k] = under > 0 ? patch[k] / sqrt(under) : 0;
}
