/* Counter-based random numbers (Random123 Philox4x32-10): a value depends on seed, stream and index alone, never on the
 * number of threads or the order of the calls. */
#ifndef MN_CORE_RANDOM_H
#define MN_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* One stream a purpose, so that no two share numbers. New purposes are appended. */
typedef enum {
  MN_STREAM_SHUFFLE_TRAIN = 1,
  MN_STREAM_SHUFFLE_TEST,
  MN_STREAM_SYNTH,
  MN_STREAM_SUBSAMPLE,
  MN_STREAM_CORRUPT,
  MN_STREAM_TEST,
  MN_STREAM_PROJECTION,
  MN_STREAM_VERIFY,
  MN_STREAM_PIVOT,
  MN_STREAM_PATCH,
  MN_STREAM_FILTER,
  MN_STREAM_VARIANT, /* one for training and test set */
  MN_STREAM_VARIANT_TRAIN,
  MN_STREAM_VARIANT_TEST,
  MN_STREAM_LEAVE_ONE_OUT,
  MN_STREAM_COMPLEXITY,
  MN_STREAM_CENTRES,
  MN_STREAM_START,
  MN_STREAM_DESCENT
} mn_stream;

/* A generator is a position in a stream; copy it to fork, start one per sample for parallel work. */
typedef struct {
  uint64_t seed;
  uint32_t stream;
  uint32_t used;    /* words of `block` handed out, 0 ... 4 */
  uint64_t item;    /* which sub-sequence, e.g. the sample's index */
  uint32_t counter; /* blocks drawn of this sub-sequence */
  uint32_t block[4];
} mn_random;

mn_random mn_random_open(uint64_t seed, mn_stream stream, uint64_t item);
uint32_t mn_random_u32(mn_random *r);
uint64_t mn_random_below(mn_random *r, uint64_t bound); /* uniform on 0 ... bound-1, bound > 0, without bias */
double mn_random_uniform(mn_random *r);                 /* in (0, 1), 52 bits */
double mn_random_normal(mn_random *r);                  /* mean 0, variance 1 (Box-Muller) */

/* Writes n random signs, 1 or -1, of an item. */
void mn_random_signs(uint64_t seed, mn_stream stream, uint64_t item, size_t n, double *out);

/* Writes a random permutation of 0 ... n-1 (Fisher-Yates): the next of a generator, the first of item 0. */
void mn_random_permute(mn_random *r, size_t n, size_t *out);
void mn_random_permutation(uint64_t seed, mn_stream stream, size_t n, size_t *out);

#endif
