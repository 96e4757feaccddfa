/* Where the windows of a pooling lie along one axis. */
#ifndef MN_FEATURES_POOL_H
#define MN_FEATURES_POOL_H

#include <stddef.h>

#include "minnorm/status.h"

/* Windows of one axis, over positions 0 ... size - 1. Window w is begin[w] ... end[w] - 1; the windows that contain
 * position x are first[x] ... last[x] - 1 (none where first[x] >= last[x]). A segment is a run of positions that are in
 * the same windows: summed once, whatever the number of windows that overlap there. */
typedef struct {
  size_t size, windows, segments;
  size_t *begin, *end;  /* windows */
  size_t *first, *last; /* size */
  size_t *cut;          /* segments + 1: segment s is cut[s] ... cut[s + 1] - 1 */
  size_t *memory;       /* what the above point into */
} mn_pool_axis;

/* Windows 0 ... window - 1, stride ... stride + window - 1, ... that fit; with ceil also the next one, cut at the end,
 * if it begins within. 0 when there is none. */
size_t mn_pool_windows(size_t size, size_t window, size_t stride, int ceil);

/* At least one window. Closed after a failure, too. */
mn_status mn_pool_axis_open(size_t size, size_t window, size_t stride, int ceil, mn_pool_axis *axis, mn_error *err);
void mn_pool_axis_close(mn_pool_axis *axis);

#endif
