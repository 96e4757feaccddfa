#include "core/random.h"

#include <Random123/philox.h>
#include <math.h>

mn_random mn_random_open(uint64_t seed, mn_stream stream, uint64_t item)
{
  return (mn_random){.seed = seed, .stream = (uint32_t)stream, .item = item, .used = 4};
}

uint32_t mn_random_u32(mn_random *r)
{
  if (r->used == 4) {
    philox4x32_ctr_t counter = {{r->counter++, (uint32_t)r->item, (uint32_t)(r->item >> 32), r->stream}};
    philox4x32_key_t key = {{(uint32_t)r->seed, (uint32_t)(r->seed >> 32)}};
    philox4x32_ctr_t block = philox4x32(counter, key);
    for (int i = 0; i < 4; i++) r->block[i] = block.v[i];
    r->used = 0;
  }
  return r->block[r->used++];
}

static uint64_t random_u64(mn_random *r)
{
  uint64_t high = mn_random_u32(r);
  return high << 32 | mn_random_u32(r);
}

uint64_t mn_random_below(mn_random *r, uint64_t bound)
{
  uint64_t reject = -bound % bound; /* 2^64 mod bound: below it the remainder would be biased */
  uint64_t x = random_u64(r);
  while (x < reject) x = random_u64(r);
  return x % bound;
}

double mn_random_uniform(mn_random *r)
{
  return ((double)(random_u64(r) >> 12) + 0.5) * 0x1p-52; /* exact, so neither end is reached */
}

double mn_random_normal(mn_random *r)
{
  const double two_pi = 6.283185307179586;
  double radius = sqrt(-2.0 * log(mn_random_uniform(r)));
  return radius * cos(two_pi * mn_random_uniform(r));
}

void mn_random_signs(uint64_t seed, mn_stream stream, uint64_t item, size_t n, double *out)
{
  mn_random r = mn_random_open(seed, stream, item);
  uint32_t bits = 0;
  for (size_t i = 0; i < n; i++, bits >>= 1) {
    if (i % 32 == 0) bits = mn_random_u32(&r);
    out[i] = bits & 1 ? 1 : -1;
  }
}

void mn_random_permute(mn_random *r, size_t n, size_t *out)
{
  for (size_t i = 0; i < n; i++) {
    size_t j = (size_t)mn_random_below(r, i + 1);
    out[i] = out[j]; /* j == i reads what the next line overwrites */
    out[j] = i;
  }
}

void mn_random_permutation(uint64_t seed, mn_stream stream, size_t n, size_t *out)
{
  mn_random r = mn_random_open(seed, stream, 0);
  mn_random_permute(&r, n, out);
}
