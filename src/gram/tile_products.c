/* Tiles of kept inner products: copied from the store, in double precision for kernels of distances, and transformed.
 *
 * These get r^2 from products and norms as an inner product -r^2/2 of samples without norms, so that single precision
 * comes after the subtraction. */
#include <stdint.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/products.h"
#include "gram/tile.h"

/* Products that are copied at once: rows and columns of a block that is transposed in registers and cache lines. */
enum { STRIP = 8 };

/* The row of the store that sample k of a view is. */
static size_t row_of(const mn_samples *s, size_t k)
{
  return s->rows ? s->rows[k] : s->first + k;
}

/* ||x||^2 and 1 / ||x||, or what they are where samples are scaled to norm 1. */
static double norm_of(const mn_products *p, size_t row)
{
  return p->inverse ? (p->inverse[row] > 0 ? 1 : 0) : p->scale * p->norms[row];
}

static mn_status products_norms(const mn_tiles *t, int threads, mn_tile_side *side, mn_error *err)
{
  const mn_samples *s = side->samples;
  const mn_products *p = s->products;
  (void)threads;
  for (size_t k = 0; k < s->n; k++) {
    size_t row = row_of(s, k);
    if (row >= p->n + p->m)
      return MN_FAIL(err, MN_ERR_ARGUMENT, "sample %zu of %zu whose products are kept is asked for", row, p->n + p->m);
    side->norms[k] = t->of_distance ? 0 : norm_of(p, row);
  }
  return MN_OK;
}

static size_t buffer_elements(const mn_products *p)
{
  size_t all = p->n + p->m, side = p->tile < all ? p->tile : all;
  return p->panel ? 0 : side * side;
}

/* Whether the kernel needs products in double, whatever its values are in. */
static int of_angle(const mn_tiles *t)
{
  return t->row->exact_near && !t->of_distance;
}

static int products_open(const mn_tiles *t, mn_tile_blocks *b)
{
  const mn_products *p = t->rows.samples->products;
  b->stored.space = mn_alloc_matrix(buffer_elements(p), mn_dtype_size(p->type));
  if (of_angle(t)) b->dots = mn_alloc_matrix(t->rows.tile * t->cols.tile, sizeof *b->dots);
  return b->stored.space && (b->dots || !of_angle(t));
}

/* For any kernel. */
double mn_tile_products_blocks(const mn_products *p, size_t row_tile, size_t col_tile)
{
  return (double)buffer_elements(p) * (double)mn_dtype_size(p->type) +
         (double)row_tile * (double)col_tile * sizeof(double);
}

/* What a tile of the output is made of, and a part of it that lies in one tile of the store. */
typedef struct {
  const mn_tiles *t;
  const mn_products *p;
  size_t i0, j0;
  mn_dtype type;
  void *out;
  size_t ld;
} target;

typedef struct {
  size_t i, m, j, n;  /* rows and columns of the output, from i0 and j0 on */
  const void *tile;   /* of the store */
  size_t row, column; /* its first ones */
  size_t width;
} part;

static double element(const target *g, const part *s, size_t a, size_t b)
{
  size_t at = (a - s->row) * s->width + (b - s->column);
  return g->p->type == MN_F64 ? ((const double *)s->tile)[at] : (double)((const float *)s->tile)[at];
}

/* The product of rows a and b of the store, which are in either order, as the transform takes it. */
static double product(const target *g, const part *s, size_t a, size_t b)
{
  const mn_products *p = g->p;
  double dot = a < b ? element(g, s, b, a) : element(g, s, a, b);
  dot *= p->inverse ? p->inverse[a] * p->inverse[b] : p->scale;
  if (!g->t->of_distance) return dot;
  double r2 = norm_of(p, a) + norm_of(p, b) - 2 * dot;
  return r2 > 0 ? -0.5 * r2 : 0;
}

/* A few rows and columns at a time: the store is row-major, the output column-major. */
static void copy_part(const target *g, const part *s)
{
  const mn_samples *rows = g->t->rows.samples, *cols = mn_tile_cols(g->t)->samples;
  for (size_t i = s->i; i < s->i + s->m; i += STRIP)
    for (size_t j = s->j; j < s->j + s->n; j++) {
      size_t end = i + STRIP < s->i + s->m ? i + STRIP : s->i + s->m, column = row_of(cols, g->j0 + j);
      for (size_t r = i; r < end; r++)
        mn_tile_put(g->type, g->out, r + j * g->ld, product(g, s, row_of(rows, g->i0 + r), column));
    }
}

/* How many samples of a view, from the k-th on, are in the same tile of the store. */
static size_t run_of(const mn_products *p, const mn_samples *s, size_t k, size_t most)
{
  size_t tile = mn_products_tile_of_row(p, row_of(s, k)), count = 1;
  while (count < most && mn_products_tile_of_row(p, row_of(s, k + count)) == tile) count++;
  return count;
}

static mn_status fill_part(const target *g, mn_tile_blocks *b, part *s, mn_error *err)
{
  const mn_products *p = g->p;
  size_t i = mn_products_tile_of_row(p, row_of(g->t->rows.samples, g->i0 + s->i));
  size_t j = mn_products_tile_of_row(p, row_of(mn_tile_cols(g->t)->samples, g->j0 + s->j));
  size_t high = i < j ? j : i, low = i < j ? i : j;
  if (low >= p->columns || (p->across && high < p->columns))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "the product of two %s samples is not kept", p->across ? "training" : "test");
  if (!(s->tile = mn_products_tile(p, high, low, &b->stored, err))) return err->code;
  s->row = mn_products_first(p, high);
  s->column = mn_products_first(p, low);
  s->width = mn_products_width(p, low);
  copy_part(g, s);
  return MN_OK;
}

static mn_status fill(const target *g, mn_tile_blocks *b, size_t m, size_t n, mn_error *err)
{
  const mn_samples *rows = g->t->rows.samples, *cols = mn_tile_cols(g->t)->samples;
  part s;
  for (size_t j = 0; j < n; j += s.n) {
    s.j = j;
    s.n = run_of(g->p, cols, g->j0 + j, n - j);
    for (size_t i = 0; i < m; i += s.m) {
      s.i = i;
      s.m = run_of(g->p, rows, g->i0 + i, m - i);
      mn_status st = fill_part(g, b, &s, err);
      if (st) return st;
    }
  }
  return MN_OK;
}

/* Where a kernel of angles has lost them, its values from r^2 in double; dots: of a column, as before the transform. */
static void near_angles(const mn_tiles *t, size_t i0, size_t m, size_t j, const double *dots, void *column)
{
  const double *norms = t->rows.norms + i0, nj = mn_tile_cols(t)->norms[j], limit = mn_tile_near(t->blas->type);
  for (size_t i = 0; i < m; i++) {
    double total = norms[i] + nj, r2 = total - 2 * dots[i];
    if (r2 >= limit * total) continue;
    mn_tile_put(t->blas->type, column, i, t->row->value(t->kernel, r2 > 0 ? r2 : 0, dots[i], norms[i], nj));
  }
}

static void transform_angles(const mn_tiles *t, const double *dots, size_t i0, size_t m, size_t j0, size_t n,
                             void *tile, size_t ld)
{
  for (size_t j = 0; j < n; j++) {
    void *column = (char *)tile + j * ld * t->blas->size;
    for (size_t i = 0; i < m; i++) mn_tile_put(t->blas->type, column, i, dots[i + j * m]);
    mn_tile_transform(t, i0, m, j0 + j, 1, column, m);
    near_angles(t, i0, m, j0 + j, dots + j * m, column);
  }
}

static void products_compute(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n, void *tile,
                             size_t ld)
{
  target g = {t, t->rows.samples->products, i0, j0, t->blas->type, tile, ld};
  if (b->dots) g.type = MN_F64, g.out = b->dots, g.ld = m;
  if (b->error.code || fill(&g, b, m, n, &b->error)) return;
  if (b->dots)
    transform_angles(t, b->dots, i0, m, j0, n, tile, ld);
  else
    mn_tile_transform(t, i0, m, j0, n, tile, ld);
}

const mn_tile_engine mn_tile_products_engine = {products_norms, products_open, products_compute};
