/* Projections of the training points on one direction: drawn, computed exactly, sorted, and their closest pairs pushed
 * apart. */
#ifndef MN_EXPRESSIVITY_PROJECTION_H
#define MN_EXPRESSIVITY_PROJECTION_H

#include "core/double_double.h"
#include "core/sort.h"
#include "minnorm/context.h"
#include "minnorm/samples.h"

typedef struct {
  const mn_data *data; /* the caller's, while the network is built */
  size_t n, dim;
  size_t count;         /* distinct points */
  size_t *keep;         /* count: their samples, ascending */
  mn_pair *merged;      /* n - count: the others, each with the earliest sample it equals */
  int exact;            /* bytes: a is on a grid and every z is exact in any order of summation */
  double *a;            /* dim */
  double *hi, *lo;      /* n: z = hi + lo; lo is 0 when exact */
  mn_sort_entry *order; /* count; item: sample; ascending z */
  mn_sort_entry *scratch;
  double grid;  /* of the kinks, a power of two: differences of kinks are exact, the next one is above z */
  double gap;   /* least distance of neighbours; infinity for one point */
  double range; /* last z - first z */
} mn_projection;

/* Keeps one of each set of equal points. y (n x columns, row-major) tells whether they agree: MN_ERR_DATA if not. */
mn_status mn_projection_open(const mn_data *data, size_t columns, const double *y, mn_projection *out, mn_error *err);
void mn_projection_close(mn_projection *p);

/* Draws `candidates` directions, a_j normal times factor[j] (dim; NULL: 1), and keeps that of the largest least gap. */
mn_status mn_projection_draw(mn_projection *p, size_t candidates, const double *factor, uint64_t seed,
                             const mn_context *ctx, int threads, mn_error *err);

/* z of any samples of dim features: hi + lo, n each. */
mn_status mn_project(const double *a, const mn_data *data, int exact, int threads, double *hi, double *lo,
                     mn_error *err);

/* Recomputes z, order, gap, range and grid for a. */
mn_status mn_projection_refresh(mn_projection *p, int threads, mn_error *err);

/* The grid of a for bytes, a power of two; and a put on it. */
double mn_projection_grid_of(size_t dim, const double *a);
void mn_projection_round(size_t dim, double *a, double grid);

/* Distance of the k-th point from the next. */
double mn_projection_gap_at(const mn_projection *p, size_t k);

/* ---- improve.c
 * Pushes the closest pairs apart for at most `seconds`: neighbours with a gap below 1.7 delta are constraints, a
 * least-norm correction of a moves those below delta to 1.2 delta and leaves the others alone, and delta grows as long
 * as that succeeds, up to the gap that evenly spaced points would have. Never leaves a smaller least gap than it found.
 * Each round is the same on every machine; only their number depends on the time. */
mn_status mn_projection_improve(mn_projection *p, double seconds, const mn_context *ctx, int threads, int *rounds,
                                int *timed_out, mn_error *err);

#endif
