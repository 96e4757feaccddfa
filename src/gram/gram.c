#include "gram/gram.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/tile.h"
#include "linalg/skinny.h"

/* Tiles of the passes that do not store K have at most this many rows and columns, and blocks of at most this many
 * elements: small enough to stay in the second-level cache while they are used. Many vectors go by gemm, which packs
 * less of larger tiles; in single precision it sees blocks of 512 all the same. */
enum { STREAM_TILE = 512, STREAM_TILE_MANY = 1024, STREAM_ELEMENTS = 1 << 24 };

/* One thread's buffers. */
typedef struct {
  mn_tile_blocks blocks;
  void *tile;  /* tile x tile, passes that do not store K */
  double *sum; /* n x columns, the thread's share of a symmetric product; NULL: the first adds to the product itself */
} buffers;

/* What the threads of one pass share. */
typedef struct {
  mn_tiles tiles;
  const mn_skinny *skinny; /* products of a tile with the vectors */
  int threads;
  size_t columns; /* of the vectors multiplied; 0: K is stored */
  const char *v;  /* of the tiles' precision */
  double *out;
  buffers *all; /* threads */
  mn_meter meter;
  atomic_size_t next; /* next tile to hand out */
} pass;

static size_t at_most(size_t a, size_t b)
{
  return a < b ? a : b;
}

static void close_buffers(buffers *b)
{
  mn_tile_blocks_close(&b->blocks);
  mn_free(b->tile);
  mn_free(b->sum);
}

static int open_buffers(const pass *p, int sums, buffers *b)
{
  const mn_tiles *t = &p->tiles;
  size_t sum = sums ? t->rows.samples->n * p->columns : 0;
  if (!mn_tile_blocks_open(t, &b->blocks)) return 0;
  if (p->columns && !(b->tile = mn_alloc_matrix(t->rows.tile * t->cols.tile, t->blas->size))) return 0;
  return !sum || (b->sum = mn_alloc_matrix(sum, sizeof *b->sum)) != NULL;
}

static void close_pass(pass *p)
{
  for (int t = 0; p->all && t < p->threads; t++) close_buffers(&p->all[t]);
  mn_free(p->all);
  mn_tiles_close(&p->tiles);
}

/* Opens what the threads share, then their buffers. cols NULL: the matrix is symmetric. */
static mn_status open_pass(pass *p, const mn_samples *rows, const mn_samples *cols, const mn_kernel *kernel,
                           int of_distance, mn_dtype type, mn_error *err)
{
  int ok = 1;
  p->skinny = mn_skinny_for(type, p->columns);
  mn_status st = mn_tiles_open(&p->tiles, rows, cols, kernel, of_distance, type, p->threads, err);
  if (st) return st;
  if (!(p->all = mn_calloc((size_t)p->threads, sizeof *p->all))) return MN_NO_MEMORY(err, sizeof *p->all);
  for (int t = 0; t < p->threads; t++) ok = ok && open_buffers(p, !cols && t, &p->all[t]);
  return ok ? MN_OK : MN_NO_MEMORY(err, 2 * p->tiles.rows.tile * rows->dim * p->tiles.blas->size);
}

static double pass_flops(size_t m, size_t n, size_t dim)
{
  return (double)m * (double)n * (double)dim;
}

static size_t tile_of_at_most(const mn_samples *s, size_t limit)
{
  size_t tile = at_most(limit, s->n), most = s->products ? limit : STREAM_ELEMENTS / s->dim;
  return tile <= most ? tile : most ? most : 1;
}

static size_t stream_tile(const mn_samples *s)
{
  return tile_of_at_most(s, STREAM_TILE);
}

/* Kept products are read from disk by tiles of their own. */
static size_t symmetric_tile_of(const mn_samples *s, size_t columns)
{
  return tile_of_at_most(s, columns < MN_SKINNY_GEMM_FROM || s->products ? STREAM_TILE : STREAM_TILE_MANY);
}

/* Few rows are spread over the threads. */
static size_t row_tile(const mn_samples *rows, int threads)
{
  mn_samples share = *rows;
  share.n = (rows->n + (size_t)threads - 1) / (size_t)threads;
  return stream_tile(&share);
}

double mn_gram_fill_bytes(const mn_samples *samples, size_t width, mn_dtype type, int threads)
{
  size_t w = at_most(width, samples->n);
  return mn_tiles_bytes(samples, NULL, w, w, type, threads);
}

double mn_gram_multiply_bytes(const mn_samples *rows, const mn_samples *cols, int threads)
{
  size_t r = row_tile(rows, threads), c = stream_tile(cols);
  double tiles = (double)threads * (double)r * (double)c * sizeof(double);
  return tiles + mn_tiles_bytes(rows, cols, r, c, MN_F64, threads);
}

double mn_gram_symmetric_bytes(const mn_samples *samples, size_t columns, int threads)
{
  size_t n = samples->n, c = symmetric_tile_of(samples, columns);
  double tile = (double)c * (double)c, sum = (double)n * (double)columns;
  return (threads * tile + (threads - 1) * sum) * sizeof(double) + mn_tiles_bytes(samples, NULL, c, c, MN_F64, threads);
}

/* The end of a pass, of which a thread may have met with a failure. */
static mn_status finish_pass(pass *p, mn_error *err)
{
  for (int t = 0; t < p->threads; t++) {
    mn_status st = mn_tile_blocks_status(&p->all[t].blocks, err);
    if (st) return st;
  }
  return mn_meter_close(&p->meter, err);
}

static double tile_flops(const pass *p, size_t m, size_t n)
{
  return 2 * (double)m * (double)n * (double)p->tiles.rows.samples->dim;
}

static void fill_work(pass *p, mn_panels *out, size_t end, double ridge, buffers *b)
{
  size_t tiles = mn_panels_ticket(out, end, end), w = out->width, ticket, i, j;
  while ((ticket = atomic_fetch_add(&p->next, 1)) < tiles && !mn_meter_cancelled(&p->meter)) {
    mn_panels_tile_of(out, ticket, &i, &j);
    size_t m = mn_panels_rows(out, i), n = mn_panels_rows(out, j), ld = out->panel[j].ld;
    void *tile = mn_panels_at(out, i * w, j * w);
    mn_tile_compute(&p->tiles, &b->blocks, i * w, m, j * w, n, tile, ld);
    if (i == j) mn_tile_diagonal(&p->tiles, i * w, m, ridge, tile, ld);
    mn_meter_add(&p->meter, tile_flops(p, m, n) * (i == j ? 0.5 : 1));
    if (b->blocks.error.code) atomic_store(&p->meter.cancelled, 1);
  }
}

/* The panels first ... end - 1. */
typedef struct {
  mn_panels *panels;
  size_t first, end;
} range;

/* Rows from a panel on, which is as many as columns. */
static size_t order_from(const range *r, size_t panel)
{
  size_t start = panel * r->panels->width;
  return start < r->panels->n ? r->panels->n - start : 0;
}

static mn_status fill(const mn_samples *samples, const mn_kernel *kernel, int of_distance, double ridge, int threads,
                      const mn_context *ctx, const range *out, double *norms, mn_error *err)
{
  size_t w = out->panels->width, dim = samples->dim, whole = order_from(out, out->first),
         rest = order_from(out, out->end);
  pass p = {.threads = threads, .tiles = {.rows.tile = w, .cols.tile = w}};
  p.next = mn_panels_ticket(out->panels, out->first, out->first);
  mn_status st = open_pass(&p, samples, NULL, kernel, of_distance, out->panels->type, err);
  if (st) goto done;
  mn_meter_open(&p.meter, ctx, "gram", pass_flops(whole, whole, dim) - pass_flops(rest, rest, dim), "flop");
#pragma omp parallel num_threads(threads)
  fill_work(&p, out->panels, out->end, ridge, &p.all[omp_get_thread_num()]);
  st = finish_pass(&p, err);
  if (!st && norms) memcpy(norms, p.tiles.rows.norms, samples->n * sizeof *norms);
done:
  close_pass(&p);
  return st;
}

int mn_gram_in_integers(const mn_samples *samples)
{
  return mn_tile_bytes_level(samples, NULL) != NULL;
}

mn_status mn_gram_fill(const mn_samples *samples, const mn_kernel *kernel, double ridge, int threads,
                       const mn_context *ctx, mn_panels *out, mn_error *err)
{
  return mn_gram_fill_panels(samples, kernel, ridge, threads, ctx, out, 0, out->count, err);
}

mn_status mn_gram_fill_panels(const mn_samples *samples, const mn_kernel *kernel, double ridge, int threads,
                              const mn_context *ctx, mn_panels *out, size_t first, size_t end, mn_error *err)
{
  int of_distance = mn_kernel_find(kernel->name)->of_distance;
  return fill(samples, kernel, of_distance, ridge, threads, ctx, &(range){out, first, end}, NULL, err);
}

mn_status mn_gram_inner(const mn_samples *samples, const mn_kernel *kernel, int threads, const mn_context *ctx,
                        mn_panels *out, double *norms, mn_error *err)
{
  mn_kernel linear = mn_kernel_default(MN_KERNEL_LINEAR);
  return fill(samples, &linear, mn_kernel_find(kernel->name)->of_distance, 0, threads, ctx,
              &(range){out, 0, out->count}, norms, err);
}

/* Whole block rows of the product, so that no two threads write the same element. */
static void multiply_work(pass *p, buffers *b)
{
  size_t m_all = p->tiles.rows.samples->n, n_all = p->tiles.cols.samples->n, w = p->tiles.cols.tile, i;
  while ((i = p->tiles.rows.tile * atomic_fetch_add(&p->next, 1)) < m_all && !mn_meter_cancelled(&p->meter)) {
    size_t m = at_most(p->tiles.rows.tile, m_all - i);
    for (size_t c = 0; c < p->columns; c++) memset(p->out + i + c * m_all, 0, m * sizeof *p->out);
    for (size_t j = 0; j < n_all && !mn_meter_cancelled(&p->meter); j += w) {
      size_t n = at_most(w, n_all - j);
      mn_tile_compute(&p->tiles, &b->blocks, i, m, j, n, b->tile, m);
      p->skinny->times(m, n, b->tile, m, p->columns, p->v + j * p->tiles.blas->size, n_all, p->out + i, m_all);
      mn_meter_add(&p->meter, tile_flops(p, m, n));
      if (b->blocks.error.code) atomic_store(&p->meter.cancelled, 1);
    }
  }
}

mn_status mn_gram_multiply(const mn_samples *rows, const mn_samples *cols, const mn_kernel *kernel, int threads,
                           const mn_context *ctx, const char *phase, size_t columns, const double *v, double *out,
                           mn_error *err)
{
  if (rows->dim != cols->dim)
    return MN_FAIL(err, MN_ERR_DATA, "samples have %zu features, %zu expected", rows->dim, cols->dim);
  if (!columns) return MN_FAIL(err, MN_ERR_ARGUMENT, "at least one vector to multiply expected");
  pass p = {.threads = threads, .columns = columns, .v = (const char *)v, .out = out};
  p.tiles.rows.tile = row_tile(rows, threads);
  p.tiles.cols.tile = stream_tile(cols);
  int of_distance = mn_kernel_find(kernel->name)->of_distance;
  mn_status st = open_pass(&p, rows, cols, kernel, of_distance, MN_F64, err);
  if (st) goto done;
  mn_meter_open(&p.meter, ctx, phase, 2 * pass_flops(rows->n, cols->n, rows->dim), "flop");
#pragma omp parallel num_threads(threads)
  multiply_work(&p, &p.all[omp_get_thread_num()]);
  st = finish_pass(&p, err);
done:
  close_pass(&p);
  return st;
}

/* Tile (i, j) of the symmetric product serves rows i and, off the diagonal, rows j. */
static void symmetric_tile(pass *p, buffers *b, size_t i, size_t j, double *sum)
{
  size_t n_all = p->tiles.rows.samples->n, w = p->tiles.rows.tile, columns = p->columns;
  size_t m = at_most(w, n_all - i * w), n = at_most(w, n_all - j * w), size = p->tiles.blas->size;
  const char *v_rows = p->v + i * w * size, *v_cols = p->v + j * w * size;
  mn_tile_compute(&p->tiles, &b->blocks, i * w, m, j * w, n, b->tile, m);
  if (i == j) {
    mn_tile_diagonal(&p->tiles, i * w, m, 0, b->tile, m);
    p->skinny->symmetric(m, b->tile, m, columns, v_rows, n_all, sum + i * w, n_all);
  } else {
    p->skinny->both(m, n, b->tile, m, columns, v_rows, v_cols, n_all, sum + i * w, sum + j * w, n_all);
  }
  mn_meter_add(&p->meter, tile_flops(p, m, n) * (i == j ? 0.5 : 1));
  if (b->blocks.error.code) atomic_store(&p->meter.cancelled, 1);
}

/* Block columns are dealt to the threads back and forth, a long one with a short one, and not by demand: each thread
 * adds the same terms in the same order in every run. */
static void symmetric_work(pass *p, size_t thread, buffers *b)
{
  size_t blocks = (p->tiles.rows.samples->n + p->tiles.rows.tile - 1) / p->tiles.rows.tile;
  size_t round = 2 * (size_t)p->threads;
  double *sum = thread ? b->sum : p->out;
  memset(sum, 0, p->tiles.rows.samples->n * p->columns * sizeof *sum);
  for (size_t j = 0; j < blocks; j++) {
    size_t place = j % round;
    if (place != thread && place != round - 1 - thread) continue;
    for (size_t i = j; i < blocks && !mn_meter_cancelled(&p->meter); i++) symmetric_tile(p, b, i, j, sum);
  }
}

static mn_status multiply_symmetric(const mn_samples *samples, const mn_kernel *kernel, mn_dtype type, int threads,
                                    const mn_context *ctx, const char *phase, size_t columns, const void *v,
                                    double *out, mn_error *err)
{
  if (!columns) return MN_FAIL(err, MN_ERR_ARGUMENT, "at least one vector to multiply expected");
  pass p = {.threads = threads, .columns = columns, .v = v, .out = out};
  p.tiles.rows.tile = p.tiles.cols.tile = symmetric_tile_of(samples, columns);
  size_t elements = samples->n * columns;
  int of_distance = mn_kernel_find(kernel->name)->of_distance;
  mn_status st = open_pass(&p, samples, NULL, kernel, of_distance, type, err);
  if (st) goto done;
  mn_meter_open(&p.meter, ctx, phase, pass_flops(samples->n, samples->n, samples->dim), "flop");
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; t++) symmetric_work(&p, (size_t)t, &p.all[t]);
  if ((st = finish_pass(&p, err))) goto done;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t e = 0; e < elements; e++)
    for (int t = 1; t < threads; t++) out[e] += p.all[t].sum[e];
done:
  close_pass(&p);
  return st;
}

mn_status mn_gram_multiply_symmetric(const mn_samples *samples, const mn_kernel *kernel, int threads,
                                     const mn_context *ctx, const char *phase, size_t columns, const double *v,
                                     double *out, mn_error *err)
{
  return multiply_symmetric(samples, kernel, MN_F64, threads, ctx, phase, columns, v, out, err);
}

mn_status mn_gram_multiply_symmetric_f32(const mn_samples *samples, const mn_kernel *kernel, int threads,
                                         const mn_context *ctx, const char *phase, size_t columns, const float *v,
                                         double *out, mn_error *err)
{
  return multiply_symmetric(samples, kernel, MN_F32, threads, ctx, phase, columns, v, out, err);
}
