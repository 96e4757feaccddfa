/* A symmetric matrix that is read by parts, in fp32: kept as panels, or made when it is asked for. */
#ifndef MN_LINALG_SYMMETRIC_H
#define MN_LINALG_SYMMETRIC_H

#include "linalg/panels.h"

typedef struct {
  size_t n;
  void *arg;
  /* out (n x count, column-major) = K(:, which) */
  mn_status (*columns)(void *arg, size_t count, const size_t *which, float *out, mn_error *err);
  /* out[k] = K(i[k], j[k]), k = 0 ... count - 1 */
  mn_status (*elements)(void *arg, size_t count, const size_t *i, const size_t *j, float *out, mn_error *err);
  /* Panels of order n that hold K's lower triangle in panel j, until the next call; the others may have no memory. */
  mn_status (*panel)(void *arg, size_t j, const mn_panels **out, mn_error *err);
  size_t panels; /* that there are */
} mn_symmetric;

/* K's lower triangle as fp32 panels; `kept` must outlive what is returned. */
typedef struct {
  const mn_panels *k;
  int threads;
} mn_symmetric_kept;
mn_symmetric mn_symmetric_of_panels(mn_symmetric_kept *kept);

#endif
