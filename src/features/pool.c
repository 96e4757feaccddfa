#include "features/pool.h"

#include "core/memory.h"
#include "core/status.h"

size_t mn_pool_windows(size_t size, size_t window, size_t stride, int ceil)
{
  if (!size || !window || !stride) return 0;
  if (window >= size) return window == size || ceil;
  size_t whole = (size - window) / stride + 1, next = whole * stride;
  return whole + (ceil && (size - window) % stride && next < size);
}

static void find_windows(mn_pool_axis *a, size_t window, size_t stride)
{
  for (size_t w = 0; w < a->windows; w++) {
    a->begin[w] = w * stride;
    a->end[w] = a->size - a->begin[w] < window ? a->size : a->begin[w] + window;
  }
}

/* Both ends of the windows ascend, hence so do first and last. */
static void find_positions(mn_pool_axis *a)
{
  size_t first = 0, last = 0;
  for (size_t x = 0; x < a->size; x++) {
    while (first < a->windows && a->end[first] <= x) first++;
    while (last < a->windows && a->begin[last] <= x) last++;
    a->first[x] = first;
    a->last[x] = last;
    if (!x || first != a->first[x - 1] || last != a->last[x - 1]) a->cut[a->segments++] = x;
  }
  a->cut[a->segments] = a->size;
}

mn_status mn_pool_axis_open(size_t size, size_t window, size_t stride, int ceil, mn_pool_axis *axis, mn_error *err)
{
  *axis = (mn_pool_axis){.size = size, .windows = mn_pool_windows(size, window, stride, ceil)};
  size_t count = 2 * axis->windows + 3 * size + 1;
  if (!axis->windows) return MN_FAIL(err, MN_ERR_ARGUMENT, "no pooling window of %zu fits %zu positions", window, size);
  if (!(axis->memory = mn_alloc(count, sizeof *axis->memory))) return MN_NO_MEMORY(err, count * sizeof *axis->memory);
  axis->begin = axis->memory;
  axis->end = axis->begin + axis->windows;
  axis->first = axis->end + axis->windows;
  axis->last = axis->first + size;
  axis->cut = axis->last + size;
  find_windows(axis, window, stride);
  find_positions(axis);
  return MN_OK;
}

void mn_pool_axis_close(mn_pool_axis *axis)
{
  mn_free(axis->memory);
  *axis = (mn_pool_axis){0};
}
