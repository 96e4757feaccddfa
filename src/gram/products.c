#include "gram/products.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/bfloat16.h"
#include "linalg/blas.h"
#include "linalg/rate.h"
#include "linalg/threads.h"

/* Rows of a panel that one task multiplies, and features that are converted to fp64 or packed at once. */
enum { TASK_ROWS = 1024, CONVERTED = 512, PACKED = 2048 };

static size_t at_most(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* ---- the layout */

size_t mn_products_width(const mn_products *p, size_t j)
{
  return at_most(p->tile, p->n - j * p->tile);
}

size_t mn_products_first(const mn_products *p, size_t i)
{
  return i < p->columns ? i * p->tile : p->n + (i - p->columns) * p->tile;
}

size_t mn_products_height(const mn_products *p, size_t i)
{
  size_t end = i < p->columns ? p->n : p->n + p->m;
  return at_most(p->tile, end - mn_products_first(p, i));
}

size_t mn_products_tile_of_row(const mn_products *p, size_t row)
{
  return row < p->n ? row / p->tile : p->columns + (row - p->n) / p->tile;
}

size_t mn_products_tiles(const mn_products *p)
{
  return p->columns * p->rows - p->columns * (p->columns - 1) / 2;
}

size_t mn_products_ticket(const mn_products *p, size_t i, size_t j)
{
  return j * p->rows - j * (j - 1) / 2 + (i - j);
}

/* The first row of panel j. */
static size_t panel_first(const mn_products *p, size_t j)
{
  return p->across ? p->n : j * p->tile;
}

/* Every panel before the last has the width of a tile. */
size_t mn_products_offset(const mn_products *p, size_t j)
{
  if (p->across) return p->m * at_most(j * p->tile, p->n);
  size_t before = at_most(j, p->columns - 1), t = p->tile, all = p->n + p->m;
  size_t rows = before * all - t * (before * (before - 1) / 2);
  return rows * t + (j < p->columns ? 0 : (all - before * t) * (p->n - before * t));
}

static size_t panel_rows(const mn_products *p, size_t j)
{
  return p->n + p->m - panel_first(p, j);
}

static mn_products layout_of(size_t n, size_t m, size_t tile, mn_dtype type)
{
  mn_products p = {.n = n, .m = m, .train = n, .tile = tile, .type = type, .scale = 1, .fd = -1};
  p.columns = (n + tile - 1) / tile;
  p.rows = p.columns + (m + tile - 1) / tile;
  return p;
}

double mn_products_bytes(size_t n, size_t m, mn_dtype type)
{
  mn_products p = layout_of(n, m, MN_PRODUCTS_TILE, type);
  return n ? (double)mn_products_offset(&p, p.columns) * (double)mn_dtype_size(type) : 0;
}

/* ---- opening and closing */

void mn_products_free_panels(mn_products *p)
{
  for (size_t j = 0; p->panel && j < p->columns; j++) mn_free(p->panel[j]);
  mn_free(p->panel);
  p->panel = NULL;
}

void mn_products_close(mn_products **products)
{
  mn_products *p = *products;
  if (!p) return;
  mn_products_free_panels(p);
  if (p->fd >= 0) close(p->fd);
  mn_free(p->text);
  mn_free(p->samples);
  mn_free(p->norms);
  mn_free(p->shift);
  mn_free(p->factor);
  mn_free(p->inverse);
  mn_free(p->path);
  mn_free(p->checksums);
  mn_free(p->folder);
  mn_free(p);
  *products = NULL;
}

static mn_status allocate(mn_products *p, const char *text, mn_error *err)
{
  size_t all = p->n + p->m;
  p->text = mn_strdup(text);
  p->samples = mn_calloc(all, sizeof *p->samples);
  p->norms = mn_calloc(all, sizeof *p->norms);
  p->shift = mn_calloc(p->dim, sizeof *p->shift);
  p->factor = mn_calloc(p->dim, sizeof *p->factor);
  p->checksums = mn_calloc(mn_products_tiles(p), sizeof *p->checksums);
  int whole = p->text && p->samples && p->norms && p->shift && p->factor && p->checksums;
  return whole ? MN_OK : MN_NO_MEMORY(err, (all + p->dim) * 2 * sizeof(double) + strlen(text));
}

mn_status mn_products_open_empty(size_t n, size_t m, size_t tile, mn_dtype type, size_t dim, const char *text,
                                 mn_products **out, mn_error *err)
{
  *out = NULL;
  double all = (double)n + (double)m;
  if (!n || !dim || !tile || all > (double)MN_BLAS_MAX || all * (double)n > 0x1p58 || tile > MN_BLAS_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "products of %zu and %zu samples of %zu features cannot be kept", n, m, dim);
  mn_products *p = mn_calloc(1, sizeof *p);
  if (!p) return MN_NO_MEMORY(err, sizeof *p);
  *p = layout_of(n, m, tile, type);
  p->dim = dim;
  mn_status st = allocate(p, text, err);
  if (st)
    mn_products_close(&p);
  else
    *out = p;
  return st;
}

mn_status mn_products_allocate_panels(mn_products *p, mn_error *err)
{
  if (!(p->panel = mn_calloc(p->columns, sizeof *p->panel))) return MN_NO_MEMORY(err, p->columns * sizeof *p->panel);
  for (size_t j = 0; j < p->columns; j++) {
    size_t count = panel_rows(p, j) * mn_products_width(p, j), size = mn_dtype_size(p->type);
    if (!(p->panel[j] = mn_alloc_matrix(count, size))) return MN_NO_MEMORY(err, count * size);
  }
  return MN_OK;
}

mn_status mn_products_open(size_t n, size_t m, size_t tile, mn_dtype type, size_t dim, const char *text,
                           mn_products **out, mn_error *err)
{
  mn_status st = mn_products_open_empty(n, m, tile, type, dim, text, out, err);
  if (!st) st = mn_products_allocate_panels(*out, err);
  if (st) mn_products_close(out);
  return st;
}

mn_status mn_products_open_across(size_t n, size_t m, size_t tile, mn_dtype type, size_t dim, const char *text,
                                  mn_products **out, mn_error *err)
{
  mn_status st = mn_products_open_empty(n, m, tile, type, dim, text, out, err);
  if (st) return st;
  (*out)->across = 1;
  if ((st = mn_products_allocate_panels(*out, err))) mn_products_close(out);
  return st;
}

mn_status mn_products_to_come(size_t n, mn_dtype type, mn_products **out, mn_error *err)
{
  enum { MOST = 2048 }; /* as many as a forecast takes */
  return mn_products_open(n < MOST ? n : MOST, 0, MN_PRODUCTS_TILE, type, 1, "", out, err);
}

mn_products_info mn_products_get(const mn_products *p)
{
  return (mn_products_info){.n = p->n,
                            .m = p->m,
                            .type = p->type,
                            .dim = p->dim,
                            .done = p->done,
                            .on_disk = !p->panel,
                            .unit = p->inverse != NULL,
                            .bytes = (double)mn_products_offset(p, p->columns) * (double)mn_dtype_size(p->type),
                            .text = p->text};
}

mn_status mn_products_normalise(mn_products *p, mn_error *err)
{
  size_t all = p->n + p->m;
  if (p->inverse) return MN_OK;
  if (!(p->inverse = mn_alloc(all, sizeof *p->inverse))) return MN_NO_MEMORY(err, all * sizeof *p->inverse);
  for (size_t i = 0; i < all; i++) p->inverse[i] = p->norms[i] > 0 ? 1 / sqrt(p->norms[i]) : 0;
  return MN_OK;
}

/* ---- samples */

/* FNV-1a, eight bytes at a time. */
uint64_t mn_products_hash(const mn_data *data, size_t i)
{
  const uint64_t prime = 0x100000001b3;
  size_t bytes = data->dim * mn_dtype_size(data->type);
  const unsigned char *x = (const unsigned char *)data->x + i * bytes;
  uint64_t hash = 0xcbf29ce484222325, word;
  for (; bytes >= sizeof word; bytes -= sizeof word, x += sizeof word) {
    memcpy(&word, x, sizeof word);
    hash = (hash ^ word) * prime;
    hash ^= hash >> 29; /* the product carries upwards only */
  }
  for (; bytes; bytes--, x++) hash = (hash ^ *x) * prime;
  return hash;
}

static mn_status check_part(const mn_products *p, const mn_data *data, const char *what, size_t first, size_t count,
                            mn_error *err)
{
  if (data->n > count)
    return MN_FAIL(err, MN_ERR_DATA,
                   "%s: %zu %s samples, the kept products are of %zu: give the options (--n, --n-test, --mirror) they "
                   "were made with, or fewer samples",
                   data->name, data->n, what, count);
  for (size_t i = 0; i < data->n; i++)
    if (mn_products_hash(data, i) != p->samples[first + i])
      return MN_FAIL(err, MN_ERR_DATA,
                     "%s: %s sample %zu (from 0) is not the one that the kept products are of: give the data and the "
                     "options (--shuffle, --mirror) they were made with",
                     data->name, what, i);
  return MN_OK;
}

mn_status mn_products_check(const mn_products *p, const mn_data *train, const mn_data *test, mn_error *err)
{
  mn_status st = train ? check_part(p, train, "training", 0, p->n, err) : MN_OK;
  return st || !test ? st : check_part(p, test, "test", p->n, p->m, err);
}

mn_samples mn_products_train(const mn_products *p, size_t n)
{
  return (mn_samples){.n = n, .dim = p->dim, .products = p};
}

mn_samples mn_products_test(const mn_products *p, size_t m)
{
  return (mn_samples){.n = m, .dim = p->dim, .products = p, .first = p->n};
}

void mn_products_sign(const mn_samples *s, mn_md5 *md5)
{
  const mn_products *p = s->products;
  const int unit = p->inverse != NULL;
  mn_md5_add(md5, p->text, strlen(p->text));
  mn_md5_add(md5, &unit, sizeof unit);
  for (size_t k = 0; k < s->n; k++) {
    size_t row = s->rows ? s->rows[k] : s->first + k;
    mn_md5_add(md5, &p->samples[row], sizeof p->samples[row]);
    mn_md5_add(md5, &p->norms[row], sizeof p->norms[row]);
  }
}

/* ---- adding features */

typedef struct {
  mn_products *p;
  const mn_blas *blas;
  const void *x;                  /* all rows, `count` columns, leading dimension ld, in the type of the products */
  const uint32_t *columns, *rows; /* packed: samples of the columns and of the rows; NULL: x is for gemm */
  size_t count, ld;
  int fresh; /* the panels hold nothing yet */
  mn_meter *meter;
} addition;

/* Of packed samples; both are the first of their panels. */
static void add_packed(const addition *a, size_t j, size_t first, size_t rows)
{
  const mn_products *p = a->p;
  size_t width = mn_products_width(p, j), row = p->across ? first : panel_first(p, j) + first;
  mn_bfloat16_multiply(mn_bfloat16_best(), width, rows, a->count, a->columns + mn_bfloat16_cells(j * p->tile, a->count),
                       a->rows + mn_bfloat16_cells(row, a->count), !a->fresh, (float *)p->panel[j] + first * width,
                       width);
}

/* Rows first ... of panel j: the transpose of a panel's rows is X_J' X, column by column. */
static void add_rows(const addition *a, size_t j, size_t first)
{
  const mn_products *p = a->p;
  size_t width = mn_products_width(p, j), rows = at_most(TASK_ROWS, panel_rows(p, j) - first), size = a->blas->size;
  const char *x = a->x;
  if (mn_meter_cancelled(a->meter)) return;
  if (a->rows)
    add_packed(a, j, first, rows);
  else
    a->blas->gemm('T', 'N', width, rows, a->count, 1, x + j * p->tile * a->ld * size, a->ld,
                  x + (panel_first(p, j) + first) * a->ld * size, a->ld, a->fresh ? 0 : 1,
                  (char *)p->panel[j] + first * width * size, width);
  mn_meter_add(a->meter, 2 * (double)width * (double)rows * (double)a->count);
}

static void add_panels(const addition *a, int threads)
{
  const mn_products *p = a->p;
  size_t most = (panel_rows(p, 0) + TASK_ROWS - 1) / TASK_ROWS;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t t = 0; t < p->columns * most; t++) {
    size_t j = t / most, first = t % most * TASK_ROWS;
    if (first < panel_rows(p, j)) add_rows(a, j, first);
  }
}

static void add_norms(mn_products *p, size_t count, const float *x, size_t ld, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < p->n + p->m; i++) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t k = 0; k < count; k++) sum += (double)x[i * ld + k] * (double)x[i * ld + k];
    p->norms[i] += sum;
  }
}

static void convert(size_t rows, size_t count, const float *x, size_t ld, double *out, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < rows; i++)
    for (size_t k = 0; k < count; k++) out[i * count + k] = (double)x[i * ld + k];
}

static mn_status add_in_double(addition *a, size_t count, const float *x, size_t ld, int threads, mn_error *err)
{
  size_t all = a->p->n + a->p->m, most = at_most(CONVERTED, count);
  double *wide = mn_alloc_matrix(all * most, sizeof *wide);
  if (!wide) return MN_NO_MEMORY(err, all * most * sizeof *wide);
  a->x = wide;
  for (size_t k = 0; k < count && !mn_meter_cancelled(a->meter); k += most, a->fresh = 0) {
    a->count = a->ld = at_most(most, count - k);
    convert(all, a->count, x + k, ld, wide, threads);
    add_panels(a, threads);
  }
  mn_free(wide);
  return MN_OK;
}

static mn_status add_in_bfloat16(addition *a, size_t count, const float *x, size_t ld, int threads, mn_error *err)
{
  const mn_products *p = a->p;
  size_t most = at_most(PACKED, count), n = mn_bfloat16_cells(p->n, most), m = mn_bfloat16_cells(p->m, most);
  uint32_t *packed = mn_alloc_matrix(n + m, sizeof *packed), *others = p->across ? packed + n : packed;
  if (!packed) return MN_NO_MEMORY(err, (n + m) * sizeof *packed);
  a->columns = packed, a->rows = others;
  for (size_t k = 0; k < count && !mn_meter_cancelled(a->meter); k += most, a->fresh = 0) {
    a->count = at_most(most, count - k);
    mn_bfloat16_pack(p->across ? p->n : p->n + p->m, a->count, x + k, ld, threads, packed);
    if (p->across) mn_bfloat16_pack(p->m, a->count, x + p->n * ld + k, ld, threads, others);
    add_panels(a, threads);
  }
  mn_free(packed);
  return MN_OK;
}

static int packs(mn_dtype type, size_t tile, int bfloat16)
{
  return bfloat16 && type == MN_F32 && tile % MN_BFLOAT16_PANEL == 0 && mn_bfloat16_best();
}

double mn_products_add_bytes(size_t n, size_t m, mn_dtype type, int bfloat16)
{
  double all = (double)n + (double)m;
  if (type == MN_F64) return all * CONVERTED * sizeof(double);
  return packs(type, MN_PRODUCTS_TILE, bfloat16) ? all * PACKED / 2 * sizeof(uint32_t) : 0;
}

double mn_products_add_flops(size_t n, size_t m, size_t count)
{
  return ((double)n + 2 * (double)m) * (double)n * (double)count;
}

double mn_products_flops(const mn_products *p, size_t count)
{
  return p->across ? 2 * (double)p->m * (double)p->n * (double)count : mn_products_add_flops(p->n, p->m, count);
}

mn_status mn_products_add(mn_products *p, size_t count, const float *x, size_t ld, int threads, const mn_context *ctx,
                          mn_error *err)
{
  mn_meter meter;
  addition a = {p, mn_blas_of(p->type), x, NULL, NULL, count, ld, !p->done, &meter};
  mn_status st = MN_OK;
  if (!p->panel || !count || count > p->dim - p->done || ld < count || ld > MN_BLAS_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu features cannot be added to %zu of %zu", count, p->done, p->dim);
  mn_free(p->folder);
  p->folder = NULL;
  mn_meter_open(&meter, ctx, "products", mn_products_flops(p, count), "flop");
  if (p->type == MN_F64)
    st = add_in_double(&a, count, x, ld, threads, err);
  else if (packs(p->type, p->tile, p->bfloat16))
    st = add_in_bfloat16(&a, count, x, ld, threads, err);
  else
    add_panels(&a, threads);
  if (!st) st = mn_meter_close(&meter, err);
  if (st) return st;
  add_norms(p, count, x, ld, threads);
  p->done += count;
  return MN_OK;
}

/* A tile of products of packed samples, behind these. */
static void multiply_tile(const void *arg, void *mine)
{
  uint32_t *cells = mine;
  (void)arg;
  mn_bfloat16_multiply(mn_bfloat16_best(), MN_PRODUCTS_TILE, MN_PRODUCTS_TILE, PACKED, cells, cells, 1,
                       (float *)(cells + mn_bfloat16_cells(MN_PRODUCTS_TILE, PACKED)), MN_PRODUCTS_TILE);
}

mn_status mn_products_rate(mn_dtype type, int bfloat16, int threads, double *gflops, mn_error *err)
{
  const double seconds = 0.25, tile = MN_PRODUCTS_TILE;
  if (!packs(type, MN_PRODUCTS_TILE, bfloat16))
    return mn_gemm_rate(type, MN_PRODUCTS_TILE, seconds, threads, gflops, err);
  size_t each = mn_bfloat16_cells(MN_PRODUCTS_TILE, PACKED) + MN_PRODUCTS_TILE * MN_PRODUCTS_TILE;
  uint32_t *space = mn_alloc_matrix(each * (size_t)threads, sizeof *space);
  if (!space) return MN_NO_MEMORY(err, each * (size_t)threads * sizeof *space);
  for (size_t i = 0; i < each * (size_t)threads; i++) space[i] = 0x3c003c00U; /* pairs of 2^-7 */
  *gflops = mn_rate_of(multiply_tile, NULL, space, each * sizeof *space, 2 * tile * tile * PACKED, seconds, threads);
  mn_free(space);
  return MN_OK;
}

/* ---- tiles */

const void *mn_products_tile(const mn_products *p, size_t i, size_t j, mn_products_buffer *b, mn_error *err)
{
  if (p->panel) {
    size_t row = mn_products_first(p, i) - panel_first(p, j);
    return (const char *)p->panel[j] + row * mn_products_width(p, j) * mn_dtype_size(p->type);
  }
  size_t ticket = mn_products_ticket(p, i, j);
  if (b->ticket == ticket) return b->space;
  b->ticket = SIZE_MAX;
  if (mn_products_read(p, i, j, b->space, err)) return NULL;
  b->ticket = ticket;
  return b->space;
}
