/* A symmetric or lower triangular matrix as block columns of its lower triangle.
 *
 * Panel J holds rows J w ... n-1 of columns J w ... min(n, (J+1) w) - 1, column-major with a leading dimension of its
 * own: half the memory of the full matrix, and no BLAS call ever sees more than 2^31 elements. Tile (I, J), I >= J, is
 * rows I w ... of panel J. A full matrix can be wrapped as panels too; then each panel is a window on it. */
#ifndef MN_LINALG_PANELS_H
#define MN_LINALG_PANELS_H

#include <stddef.h>

#include "minnorm/context.h"
#include "minnorm/status.h"
#include "minnorm/types.h"

typedef struct {
  void *p;   /* element (J w, J w) of the matrix */
  size_t ld; /* leading dimension, in elements */
} mn_panel;

typedef struct {
  size_t n;
  size_t width; /* columns of a panel and rows of a tile; the last ones may have fewer */
  size_t count; /* panels, and tiles in the first panel */
  mn_dtype type;
  int owned;       /* panels are released by close */
  mn_panel *panel; /* count */
} mn_panels;

/* Bytes that mn_panels_open allocates for the elements. */
size_t mn_panels_bytes(size_t n, size_t width, mn_dtype type);

/* The width that suits n: a few hundred for small systems, so that there are tiles for every thread. */
size_t mn_panels_width(size_t n);

/* Allocates, elements undefined. */
mn_status mn_panels_open(size_t n, size_t width, mn_dtype type, mn_panels **out, mn_error *err);

/* Brings the memory of the panels in, by several threads (mn_memory_populate). Phase "memory". */
mn_status mn_panels_populate(mn_panels *panels, int threads, const mn_context *ctx, mn_error *err);

/* Wraps the lower triangle of a full column-major n x n matrix; `a` stays the caller's. */
mn_status mn_panels_wrap(void *a, size_t n, size_t ld, size_t width, mn_dtype type, mn_panels **out, mn_error *err);

/* Panels that have no memory (NULL, leading dimension 0) until the caller lends them some, which stays the caller's. */
mn_status mn_panels_open_empty(size_t n, size_t width, mn_dtype type, mn_panels **out, mn_error *err);

void mn_panels_close(mn_panels **panels);

/* Address of element (i, j); i must not be above panel j / width. */
void *mn_panels_at(const mn_panels *panels, size_t i, size_t j);

/* Rows of tile row I: width, but for the last. */
size_t mn_panels_rows(const mn_panels *panels, size_t tile);

/* Position of tile (I, J), I >= J, in the order panel by panel, and back; there are count (count + 1) / 2 tiles. */
size_t mn_panels_tiles(const mn_panels *panels);
size_t mn_panels_ticket(const mn_panels *panels, size_t tile_row, size_t panel);
void mn_panels_tile_of(const mn_panels *panels, size_t ticket, size_t *tile_row, size_t *panel);

/* to (fp32, of the same shape) = from + shift I, from of either type; and panels += shift I. */
void mn_panels_copy_shifted(const mn_panels *from, double shift, mn_panels *to, int threads);
void mn_panels_shift(mn_panels *panels, double shift);

/* 1-norm of the symmetric matrix whose lower triangle the panels hold. */
mn_status mn_panels_norm1(const mn_panels *panels, int threads, double *out, mn_error *err);

#endif
