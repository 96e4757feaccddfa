/* The first samples of a set, or of a permutation of it, in place. */
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "data/readers.h"

static const mn_stream shuffle_stream[] = {[MN_TRAIN] = MN_STREAM_SHUFFLE_TRAIN, [MN_TEST] = MN_STREAM_SHUFFLE_TEST};

/* A sample: dim elements and its targets. */
typedef struct {
  char *x;
  double *y;
} sample;

static sample sample_at(const mn_data *data, size_t i)
{
  char *x = data->x;
  return (sample){x + i * data->dim * mn_dtype_size(data->type), data->columns ? data->y + i * data->columns : NULL};
}

static void copy_sample(const mn_data *data, sample to, sample from)
{
  memcpy(to.x, from.x, data->dim * mn_dtype_size(data->type));
  if (data->columns) memcpy(to.y, from.y, data->columns * sizeof *to.y);
}

/* Sample i becomes what sample order[i] was, cycle by cycle; `order` is the identity afterwards. */
static void permute(const mn_data *data, size_t *order, sample held)
{
  for (size_t first = 0; first < data->n; first++) {
    size_t at = first;
    if (order[at] == at) continue;
    copy_sample(data, held, sample_at(data, first));
    while (order[at] != first) {
      size_t next = order[at];
      copy_sample(data, sample_at(data, at), sample_at(data, next));
      order[at] = at;
      at = next;
    }
    copy_sample(data, sample_at(data, at), held);
    order[at] = at;
  }
}

static mn_status shuffle_samples(const mn_data *data, uint64_t seed, mn_part part, const mn_context *ctx, mn_error *err)
{
  char what[64], count[32];
  size_t n = data->n, row_bytes = data->dim * mn_dtype_size(data->type), target_bytes = data->columns * sizeof(double);
  snprintf(what, sizeof what, "the order of %s samples needs", mn_group_digits(n, count));
  mn_status st = mn_data_check_bytes(data->name, what, n * sizeof(size_t), ctx, err);
  if (st) return st;
  size_t *order = mn_alloc(n, sizeof *order);
  double *held = mn_alloc(target_bytes + row_bytes, 1);
  if (order && held) {
    mn_random_permutation(seed, shuffle_stream[part], n, order);
    permute(data, order, (sample){(char *)held + target_bytes, held});
  } else {
    st = MN_NO_MEMORY(err, n * sizeof *order + target_bytes + row_bytes);
  }
  mn_free(order);
  mn_free(held);
  return st;
}

mn_status mn_data_take(mn_data **data, size_t n, int shuffle, uint64_t seed, mn_part part, const mn_context *ctx,
                       mn_error *err)
{
  mn_data *d = *data;
  char a[32], b[32];
  if (n > d->n)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: %s samples wanted, %s there", d->name, mn_group_digits(n, a),
                   mn_group_digits(d->n, b));
  mn_status st = shuffle ? shuffle_samples(d, seed, part, ctx, err) : MN_OK;
  if (st || !n || n == d->n) return st;
  d->n = n;
  d->x = mn_shrink(d->x, n * d->dim, mn_dtype_size(d->type));
  if (d->columns) d->y = mn_shrink(d->y, n * d->columns, sizeof *d->y);
  return MN_OK;
}
