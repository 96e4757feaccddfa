/* Tiles of samples that are bytes: integer products a strip of columns at a time, converted and transformed while they
 * are in the first-level cache. */
#include <stdint.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/tile.h"

/* The rows of a strip, whose panels stay in the second-level cache while all columns pass: at most this many, and
 * about this many bytes. */
enum { STRIP_ROWS = 256, STRIP_BYTES = 1 << 18 };

static int are_bytes(const mn_samples *samples)
{
  if (samples->products) return 0;
  mn_scale kind = samples->scaling->kind;
  return samples->data->type == MN_U8 && (kind == MN_SCALE_UNIT || kind == MN_SCALE_NONE);
}

const mn_bytes_level *mn_tile_bytes_level(const mn_samples *rows, const mn_samples *cols)
{
  if (!are_bytes(rows) || !mn_bytes_fit(rows->dim)) return NULL;
  if (cols && (!are_bytes(cols) || cols->scaling->kind != rows->scaling->kind)) return NULL;
  return mn_bytes_best();
}

static const unsigned char *sample(const mn_samples *samples, size_t i)
{
  return (const unsigned char *)samples->data->x + i * samples->dim;
}

/* Kernels of distances get r^2 from the integers, as an inner product -r^2/2 of samples without norms. */
static mn_status bytes_norms(const mn_tiles *t, int threads, mn_tile_side *side, mn_error *err)
{
  const mn_samples *samples = side->samples;
  size_t n = samples->n;
  if (!(side->squares = mn_alloc(n, sizeof *side->squares))) return MN_NO_MEMORY(err, n * sizeof *side->squares);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i++) {
    side->squares[i] = mn_bytes_square(samples->dim, sample(samples, i));
    side->norms[i] = t->of_distance ? 0 : t->scale2 * side->squares[i];
  }
  return MN_OK;
}

static int bytes_open(const mn_tiles *t, mn_tile_blocks *b)
{
  const mn_bytes_level *level = t->bytes;
  size_t dim = t->rows.samples->dim;
  b->xi = mn_alloc_matrix(mn_bytes_panel_cells(level, level->rows, t->rows.tile, dim), sizeof(uint32_t));
  b->xj = mn_alloc_matrix(mn_bytes_panel_cells(level, level->columns, t->cols.tile, dim), sizeof(uint32_t));
  b->start = mn_alloc(t->rows.tile + level->rows, sizeof *b->start);
  return b->xi && b->xj && b->start;
}

double mn_tile_bytes_blocks(const mn_bytes_level *level, size_t row_tile, size_t col_tile, size_t dim)
{
  size_t rows = mn_bytes_panel_cells(level, level->rows, row_tile, dim);
  size_t cols = mn_bytes_panel_cells(level, level->columns, col_tile, dim);
  return (double)(rows + cols) * sizeof(uint32_t) + (double)(row_tile + level->rows) * sizeof(int32_t);
}

static size_t at_most(size_t a, size_t b)
{
  return a < b ? a : b;
}

static void load(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n)
{
  const mn_bytes_level *level = t->bytes;
  const mn_samples *rows = t->rows.samples, *cols = mn_tile_cols(t)->samples;
  size_t dim = rows->dim, cells = mn_bytes_cells(level, dim), r = level->rows, c = level->columns;
  uint32_t *xi = b->xi, *xj = b->xj;
  for (size_t i = 0; b->first_i != i0 && i < m; i += r)
    level->pack_rows(dim, at_most(r, m - i), sample(rows, i0 + i), xi + i * cells, b->start + i);
  for (size_t j = 0; b->first_j != j0 && j < n; j += c)
    level->pack_columns(dim, at_most(c, n - j), sample(cols, j0 + j), xj + j * cells);
}

/* A strip: rows i ... i + m - 1 and columns j ... j + n - 1 of a tile that begins at (i0, j0). */
typedef struct {
  size_t i0, i, m, j0, j, n;
} strip;

/* The angle of samples that nearly coincide comes from their distance, which the integers still have. */
static void near_angles(const mn_tiles *t, const strip *s, size_t c, const int32_t *dots, void *column)
{
  const uint32_t *squares = t->rows.squares + s->i0 + s->i;
  const double limit = mn_tile_near(t->blas->type), scale2 = t->scale2;
  double nj = mn_tile_cols(t)->squares[s->j0 + s->j + c];
  for (size_t i = 0; i < s->m; i++) {
    double ni = squares[i], dot = dots[i], r2 = ni + nj - 2 * dot;
    if (r2 >= limit * (ni + nj)) continue;
    double value = t->row->value(t->kernel, scale2 * r2, scale2 * dot, scale2 * ni, scale2 * nj);
    mn_tile_put(t->blas->type, column, i, value);
  }
}

/* Integers into what the transform takes, a column at a time. */
static void convert(const mn_tiles *t, const strip *s, size_t c, int32_t *dots, void *column)
{
  const mn_bytes_level *level = t->bytes;
  double scale = t->scale2;
  if (t->of_distance) {
    level->distances(s->m, t->rows.squares + s->i0 + s->i, mn_tile_cols(t)->squares[s->j0 + s->j + c], dots);
    scale /= -2;
  }
  if (t->blas->type == MN_F64)
    level->to_f64(s->m, dots, scale, column);
  else
    level->to_f32(s->m, dots, scale, column);
}

static void compute_strip(const mn_tiles *t, const mn_tile_blocks *b, const strip *s, char *out, size_t ld)
{
  const mn_bytes_level *level = t->bytes;
  _Alignas(64) int32_t dots[STRIP_ROWS * MN_BYTES_COLUMNS]; /* leading dimension STRIP_ROWS */
  size_t cells = mn_bytes_cells(level, t->rows.samples->dim), size = t->blas->size;
  const uint32_t *xi = b->xi, *xj = b->xj;
  for (size_t i = 0; i < s->m; i += level->rows)
    level->products(cells, xi + (s->i + i) * cells, b->start + s->i + i, xj + s->j * cells, dots + i, STRIP_ROWS);
  for (size_t c = 0; c < s->n; c++) convert(t, s, c, dots + c * STRIP_ROWS, out + c * ld * size);
  mn_tile_transform(t, s->i0 + s->i, s->m, s->j0 + s->j, s->n, out, ld);
  if (!t->row->exact_near || t->of_distance) return;
  for (size_t c = 0; c < s->n; c++) near_angles(t, s, c, dots + c * STRIP_ROWS, out + c * ld * size);
}

/* A multiple of the rows of every panel. */
static size_t strip_rows(size_t dim)
{
  size_t rows = STRIP_BYTES / dim / MN_BYTES_ROWS * MN_BYTES_ROWS;
  return rows < MN_BYTES_ROWS ? MN_BYTES_ROWS : at_most(rows, STRIP_ROWS);
}

static void bytes_compute(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n, void *tile,
                          size_t ld)
{
  size_t rows = strip_rows(t->rows.samples->dim), columns = t->bytes->columns;
  load(t, b, i0, m, j0, n);
  for (size_t i = 0; i < m; i += rows)
    for (size_t j = 0; j < n; j += columns) {
      strip s = {i0, i, at_most(rows, m - i), j0, j, at_most(columns, n - j)};
      compute_strip(t, b, &s, (char *)tile + (i + j * ld) * t->blas->size, ld);
    }
}

const mn_tile_engine mn_tile_bytes_engine = {bytes_norms, bytes_open, bytes_compute};
