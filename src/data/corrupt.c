#include "data/corrupt.h"

#include "core/random.h"
#include "core/status.h"
#include "minnorm/data.h"

size_t mn_class_of_label(const int64_t *labels, size_t count, double label)
{
  size_t low = 0, high = count;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if ((double)labels[middle] <= label)
      low = middle;
    else
      high = middle;
  }
  return low;
}

size_t mn_corrupt_class(size_t class, size_t classes, double p, uint64_t seed, size_t sample)
{
  if (p <= 0) return class;
  mn_random r = mn_random_open(seed, MN_STREAM_CORRUPT, sample);
  return mn_random_uniform(&r) < p ? (size_t)mn_random_below(&r, classes) : class;
}

mn_status mn_data_corrupt(mn_data *data, double p, uint64_t seed, mn_error *err)
{
  int64_t *labels = NULL;
  size_t count;
  if (!(p >= 0 && p <= 1)) return MN_FAIL(err, MN_ERR_ARGUMENT, "corruption %g: 0 ... 1 expected", p);
  mn_status st = mn_data_classes(data, &labels, &count, err);
  if (st) return st;
  for (size_t i = 0; i < data->n; i++) {
    size_t class = mn_class_of_label(labels, count, data->y[i]);
    size_t drawn = mn_corrupt_class(class, count, p, seed, i);
    if (drawn != class) data->y[i] = (double)labels[drawn]; /* what stays keeps its bits: -0.0 is a label too */
  }
  mn_data_free(labels);
  return MN_OK;
}
