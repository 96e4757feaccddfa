#define _POSIX_C_SOURCE 200809L
#include "linalg/out_of_core.h"

#include <sched.h>
#include <stdint.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/panel_store_threads.h"

/* ---- the plan */

static size_t rounded(size_t bytes)
{
  return (bytes + MN_STORE_BLOCK - 1) / MN_STORE_BLOCK * MN_STORE_BLOCK;
}

/* Leading dimension and bytes of panel j in memory. */
static size_t panel_ld(const mn_panels *shape, size_t j)
{
  return mn_panel_store_ld(shape->n - j * shape->width, shape->type);
}

static size_t panel_bytes(const mn_panels *shape, size_t j)
{
  return rounded(panel_ld(shape, j) * mn_panels_rows(shape, j) * mn_dtype_size(shape->type));
}

/* Bytes of the tiles of panel j from row block `first` on. */
static size_t tiles_bytes(const mn_panels *shape, size_t j, size_t first)
{
  size_t last = shape->count - 1, columns = mn_panels_rows(shape, j);
  return (last - first) * mn_panel_store_tile_bytes(shape->width, columns, shape->type) +
         mn_panel_store_tile_bytes(mn_panels_rows(shape, last), columns, shape->type);
}

/* Bytes of the two buffers that earlier panels stream through when the part begins with panel `first`. */
static size_t buffer_bytes(const mn_panels *shape, size_t first)
{
  return first ? 2 * tiles_bytes(shape, 0, first) : 0;
}

/* Bytes that are allocated whatever the part: for writing tiles, and to align what follows. */
static size_t fixed_bytes(const mn_panels *shape)
{
  return mn_panel_store_tile_bytes(shape->width, shape->width, shape->type) + 2 * MN_STORE_BLOCK;
}

/* A part: panels first ... end - 1, and the bytes they and the buffers take. */
typedef struct {
  size_t first, end, bytes;
} part;

/* The part that begins with a panel: as many as fit into the budget, one at least. */
static part part_from(const mn_panels *shape, size_t first, size_t budget)
{
  part p = {first, first + 1, buffer_bytes(shape, first) + panel_bytes(shape, first)};
  size_t room = budget > fixed_bytes(shape) ? budget - fixed_bytes(shape) : 0;
  while (p.end < shape->count && p.bytes + panel_bytes(shape, p.end) <= room) p.bytes += panel_bytes(shape, p.end++);
  return p;
}

/* The greatest bytes of a part from panel `first` on. */
static size_t arena_bytes(const mn_panels *shape, size_t first, size_t budget)
{
  size_t most = 0;
  for (part p = {.end = first}; p.end < shape->count;) {
    p = part_from(shape, p.end, budget);
    most = p.bytes > most ? p.bytes : most;
  }
  return most;
}

static size_t solve_buffers(const mn_panels *shape)
{
  return 2 * tiles_bytes(shape, 0, 0) + MN_STORE_BLOCK;
}

static double solve_bytes(const mn_panels *shape, size_t columns)
{
  double copy = shape->type == MN_F32 ? (double)shape->n * (double)columns * sizeof(float) : 0;
  return (double)solve_buffers(shape) + copy;
}

static double least_budget(const mn_panels *shape)
{
  double factor = (double)(fixed_bytes(shape) + arena_bytes(shape, 0, 0)), solve = (double)solve_buffers(shape);
  return factor > solve ? factor : solve;
}

static void add_part(const mn_panels *shape, part p, mn_out_of_core_plan *plan)
{
  size_t end = p.end < shape->count ? p.end * shape->width : shape->n, columns = end - p.first * shape->width;
  double bytes = (double)p.bytes + (double)fixed_bytes(shape);
  if (columns > plan->columns) plan->columns = columns;
  if (bytes > plan->peak_bytes) plan->peak_bytes = bytes;
  if (p.first) plan->read_bytes += (double)p.first * (double)tiles_bytes(shape, 0, p.first);
  plan->parts++;
}

static mn_status check_budget(const mn_panels *shape, size_t budget, mn_error *err)
{
  char least[32], given[32];
  double needed = least_budget(shape);
  if ((double)budget >= needed) return MN_OK;
  return MN_FAIL(err, MN_ERR_BUDGET, "out of core, n = %zu takes %s bytes of memory at least; the budget is %s",
                 shape->n, mn_group_digits((unsigned long long)needed, least), mn_group_digits(budget, given));
}

static mn_panels shape_of(size_t n, size_t width, mn_dtype type)
{
  width = width < n ? width : n;
  return (mn_panels){.n = n, .width = width, .count = (n + width - 1) / width, .type = type};
}

mn_status mn_out_of_core_forecast(size_t n, size_t width, mn_dtype type, size_t columns, size_t budget,
                                  mn_out_of_core_plan *plan, mn_error *err)
{
  *plan = (mn_out_of_core_plan){0};
  if (!n || !width || n > MN_BLAS_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "a matrix of order %zu with panels of %zu columns cannot be had", n, width);
  mn_panels shape = shape_of(n, width, type);
  plan->least_budget = least_budget(&shape);
  plan->written_bytes = (double)mn_panel_store_file_bytes(n, width, type);
  plan->solve_bytes = solve_bytes(&shape, columns);
  plan->solve_read_bytes = 2 * plan->written_bytes;
  mn_status st = check_budget(&shape, budget, err);
  for (part p = {0}; !st && p.end < shape.count;) {
    p = part_from(&shape, p.end, budget);
    add_part(&shape, p, plan);
  }
  return st;
}

/* ---- subtracting the earlier panels */

/* What the threads share while panels 0 ... part.first - 1 stream past the tiles of a part. */
typedef struct {
  const mn_panels *panels;
  const mn_panel_store *store;
  mn_panel_reader *reader;
  mn_meter *meter;
  part part;
  size_t ticket, tiles;   /* the first tile of the part, by its ticket in the matrix, and how many there are */
  atomic_size_t next;     /* next pair (earlier panel, tile) to hand out */
  atomic_size_t *applied; /* by tile: how many earlier panels have been subtracted */
  atomic_size_t left[2];  /* by buffer: tiles that still need it */
  atomic_int failed;
} stream;

static int is_stopped(stream *s)
{
  return atomic_load_explicit(&s->failed, memory_order_relaxed) || mn_meter_cancelled(s->meter);
}

/* Waits until tile t has seen the panels before k, in whose order all are subtracted; 0 when it is stopped. */
static int wait_for_turn(stream *s, size_t t, size_t k)
{
  while (atomic_load_explicit(&s->applied[t], memory_order_acquire) != k) {
    if (is_stopped(s)) return 0;
    sched_yield();
  }
  return 1;
}

/* Subtracts panel k, whose tiles from the part's first row on are at `buffer`, from tile t; returns the flops. */
static double subtract(stream *s, size_t t, size_t k, const char *buffer)
{
  const mn_panels *p = s->panels;
  size_t i, j, w = p->width, first = s->part.first;
  mn_panels_tile_of(p, s->ticket + t, &i, &j);
  size_t rows = mn_panels_rows(p, i), columns = mn_panels_rows(p, j);
  const void *a = buffer + mn_panel_store_offset(s->store, k, first, i);
  const void *b = buffer + mn_panel_store_offset(s->store, k, first, j);
  mn_cholesky_update(mn_blas_of(p->type), i == j, rows, columns, w, a, mn_panel_store_ld(rows, p->type), b,
                     mn_panel_store_ld(columns, p->type), mn_panels_at(p, i * w, j * w), p->panel[j].ld);
  return mn_cholesky_update_flops(i == j, rows, columns, w);
}

static void release_after_last(stream *s, size_t k)
{
  if (atomic_fetch_sub(&s->left[k % 2], 1) != 1) return;
  atomic_store(&s->left[k % 2], s->tiles);
  mn_panel_reader_release(s->reader, k);
}

/* Threads draw pairs panel by panel, so that what a pair waits for was handed out before: this cannot stall. */
static void work(stream *s)
{
  for (;;) {
    size_t pair = atomic_fetch_add(&s->next, 1), k = pair / s->tiles, t = pair % s->tiles;
    if (k >= s->part.first || is_stopped(s)) return;
    const void *buffer = mn_panel_reader_get(s->reader, k, s->meter);
    if (!buffer) atomic_store(&s->failed, 1);
    if (!buffer || !wait_for_turn(s, t, k)) return;
    double flops = subtract(s, t, k, buffer);
    atomic_store_explicit(&s->applied[t], k + 1, memory_order_release);
    release_after_last(s, k);
    mn_meter_add(s->meter, flops);
  }
}

/* ---- the parts */

/* One factorisation. */
typedef struct {
  mn_panel_store *store;
  const mn_panels *shape;
  int threads;
  mn_meter meter;
  char *arena;                /* aligned to MN_STORE_BLOCK: the panels of a part, then its buffers */
  mn_panels panels;           /* those of the part at hand are in the arena, the others nowhere */
  mn_panel_request *requests; /* count */
  mn_panels_fill fill;
  void *arg;
} factorisation;

/* Lays the panels of the part out in the arena, then the buffers. */
static void lay_out(factorisation *f, part p, void *buffers[2])
{
  char *at = f->arena;
  for (size_t j = 0; j < f->shape->count; j++) f->panels.panel[j] = (mn_panel){0};
  for (size_t j = p.first; j < p.end; j++) {
    f->panels.panel[j] = (mn_panel){at, panel_ld(f->shape, j)};
    at += panel_bytes(f->shape, j);
  }
  buffers[0] = at;
  buffers[1] = at + buffer_bytes(f->shape, p.first) / 2;
  for (size_t k = 0; k < p.first; k++) f->requests[k] = (mn_panel_request){k, p.first};
}

static mn_status subtract_all(factorisation *f, part p, mn_panel_reader *reader, mn_error *err)
{
  stream s = {.panels = &f->panels, .store = f->store, .reader = reader, .meter = &f->meter, .part = p};
  size_t end = p.end < f->shape->count ? mn_panels_ticket(f->shape, p.end, p.end) : mn_panels_tiles(f->shape);
  s.ticket = mn_panels_ticket(f->shape, p.first, p.first);
  s.tiles = end - s.ticket;
  s.left[0] = s.left[1] = s.tiles;
  s.applied = mn_calloc(s.tiles, sizeof *s.applied);
  if (!s.applied) return MN_NO_MEMORY(err, s.tiles * sizeof *s.applied);
#pragma omp parallel num_threads(f->threads)
  work(&s);
  mn_free(s.applied);
  return mn_meter_cancelled(&f->meter) ? mn_meter_close(&f->meter, err) : MN_OK;
}

/* Fills the part, while the first two panels are read already, and subtracts what is earlier. */
static mn_status fill_and_subtract(factorisation *f, part p, mn_error *err)
{
  void *buffers[2];
  mn_panel_reader *reader = NULL;
  lay_out(f, p, buffers);
  mn_status st = p.first ? mn_panel_reader_open(f->store, f->requests, p.first, buffers, &reader, err) : MN_OK;
  if (st) return st;
  st = f->fill(f->arg, &f->panels, p.first, p.end, err);
  if (!st && p.first) st = subtract_all(f, p, reader, err);
  mn_status read = mn_panel_reader_close(&reader, st ? NULL : err);
  return st ? st : read;
}

static mn_status post(void *writer, size_t panel, mn_error *err)
{
  return mn_panel_writer_post(writer, panel, err);
}

static mn_status factor_and_write(factorisation *f, part p, size_t *pivot, mn_error *err)
{
  mn_panel_writer *writer;
  mn_status st = mn_panel_writer_open(f->store, &f->panels, &writer, err);
  if (st) return st;
  mn_cholesky_range range = {.from = p.first, .begin = p.first, .end = p.end, .done = post, .arg = writer};
  st = mn_cholesky_factor_range(&f->panels, &range, f->threads, &f->meter, pivot, err);
  if (!st) st = mn_panel_writer_drain(writer, &f->meter, err);
  mn_panel_writer_close(&writer);
  return st;
}

static void *aligned(void *base)
{
  return (char *)base + (MN_STORE_BLOCK - (uintptr_t)base % MN_STORE_BLOCK) % MN_STORE_BLOCK;
}

mn_status mn_out_of_core_factor(mn_panel_store *store, size_t budget, mn_panels_fill fill, void *arg, int threads,
                                const mn_context *ctx, size_t *pivot, mn_error *err)
{
  const mn_panels *shape = mn_panel_store_shape(store);
  factorisation f = {.store = store, .shape = shape, .threads = threads, .panels = *shape, .fill = fill, .arg = arg};
  size_t first = mn_panel_store_finished(store), bytes = arena_bytes(shape, first, budget) + MN_STORE_BLOCK;
  *pivot = SIZE_MAX;
  mn_status st = check_budget(shape, budget, err);
  if (st || first == shape->count) return st;
  void *base = mn_alloc_matrix(bytes, 1);
  f.panels.panel = mn_calloc(shape->count, sizeof *f.panels.panel);
  f.requests = mn_calloc(shape->count, sizeof *f.requests);
  if (!base || !f.panels.panel || !f.requests) {
    st = MN_NO_MEMORY(err, bytes);
    goto done;
  }
  f.arena = aligned(base);
  mn_meter_open(&f.meter, ctx, "factor", mn_cholesky_flops_from(shape->n, first * shape->width), "flop");
  for (part p = {.end = first}; !st && p.end < shape->count;) {
    p = part_from(shape, p.end, budget);
    st = fill_and_subtract(&f, p, err);
    if (!st) st = factor_and_write(&f, p, pivot, err);
  }
  if (!st) st = mn_meter_close(&f.meter, err);
done:
  mn_free(base);
  mn_free(f.panels.panel);
  mn_free(f.requests);
  return st;
}

/* ---- solving */

/* Right-hand sides and the tiles of the panel at hand. */
typedef struct {
  const mn_panel_store *store;
  const mn_panels *shape;
  const mn_blas *blas;
  int threads;
  size_t columns;
  void *b; /* n x columns, in the factor's type */
} solution;

static void *rhs(const solution *s, size_t row)
{
  return (char *)s->b + row * s->blas->size;
}

static const void *tile(const solution *s, const void *panel, size_t j, size_t i)
{
  return (const char *)panel + mn_panel_store_offset(s->store, j, j, i);
}

static size_t tile_ld(const solution *s, size_t i)
{
  return mn_panel_store_ld(mn_panels_rows(s->shape, i), s->shape->type);
}

/* x_j = L_jj^-1 b_j, then b_i -= L_ij x_j below. */
static void forward(const solution *s, size_t j, const void *panel)
{
  size_t n = s->shape->n, w = s->shape->width, width = mn_panels_rows(s->shape, j);
  void *x = rhs(s, j * w);
  s->blas->trsm('L', 'N', width, s->columns, panel, tile_ld(s, j), x, n);
#pragma omp parallel for num_threads(s->threads) schedule(dynamic)
  for (size_t i = j + 1; i < s->shape->count; i++)
    s->blas->gemm('N', 'N', mn_panels_rows(s->shape, i), s->columns, width, -1, tile(s, panel, j, i), tile_ld(s, i), x,
                  n, 1, rhs(s, i * w), n);
}

/* x_j = L_jj^-T (b_j - sum of L_ij' x_i below). Threads share out the columns of the panel, in pieces that do not
 * depend on how many threads there are. */
static void backward(const solution *s, size_t j, const void *panel)
{
  enum { PIECE = 64 };
  size_t n = s->shape->n, w = s->shape->width, width = mn_panels_rows(s->shape, j);
#pragma omp parallel for num_threads(s->threads) schedule(dynamic)
  for (size_t c = 0; c < width; c += PIECE)
    for (size_t i = s->shape->count; i-- > j + 1;) {
      size_t ld = tile_ld(s, i), piece = width - c < PIECE ? width - c : PIECE;
      const void *a = (const char *)tile(s, panel, j, i) + c * ld * s->blas->size;
      s->blas->gemm('T', 'N', piece, s->columns, mn_panels_rows(s->shape, i), -1, a, ld, rhs(s, i * w), n, 1,
                    rhs(s, j * w + c), n);
    }
  s->blas->trsm('L', 'T', width, s->columns, panel, tile_ld(s, j), rhs(s, j * w), n);
}

/* Counts panel j, whose elements each take a multiplication and an addition a column; non-zero once cancelled. */
static int halted(mn_meter *meter, const solution *s, size_t j)
{
  double rows = (double)(s->shape->n - j * s->shape->width), width = (double)mn_panels_rows(s->shape, j);
  return meter && mn_meter_add(meter, 2 * (rows - width / 2) * width * (double)s->columns);
}

/* The panels in their order, then in the opposite one. */
static mn_status solve_both(const solution *s, const mn_panel_request *requests, void *const buffers[2],
                            mn_meter *meter, mn_error *err)
{
  size_t count = s->shape->count;
  mn_panel_reader *reader;
  mn_status st = mn_panel_reader_open(s->store, requests, 2 * count, buffers, &reader, err);
  if (st) return st;
  for (size_t r = 0; r < 2 * count && !(meter && mn_meter_cancelled(meter)); r++) {
    const void *panel = mn_panel_reader_get(reader, r, meter);
    if (!panel) break;
    (r < count ? forward : backward)(s, requests[r].panel, panel);
    mn_panel_reader_release(reader, r);
    if (halted(meter, s, requests[r].panel)) break;
  }
  st = mn_panel_reader_close(&reader, err);
  return !st && meter && mn_meter_cancelled(meter) ? mn_meter_close(meter, err) : st;
}

/* Buffers and requests, and then both substitutions. */
static mn_status solve_in_type(const solution *s, mn_meter *meter, mn_error *err)
{
  size_t count = s->shape->count, bytes = solve_buffers(s->shape);
  mn_status st = MN_OK;
  mn_panel_request *requests = mn_alloc(2 * count, sizeof *requests);
  void *base = mn_alloc_matrix(bytes, 1);
  if (!requests || !base) {
    st = MN_NO_MEMORY(err, bytes);
    goto done;
  }
  for (size_t j = 0; j < count; j++) requests[j] = requests[2 * count - 1 - j] = (mn_panel_request){j, j};
  char *start = aligned(base);
  void *const buffers[2] = {start, start + tiles_bytes(s->shape, 0, 0)};
  st = solve_both(s, requests, buffers, meter, err);
done:
  mn_free(requests);
  mn_free(base);
  return st;
}

mn_status mn_out_of_core_solve(const mn_panel_store *store, int threads, size_t columns, mn_meter *meter, double *b,
                               mn_error *err)
{
  const mn_panels *shape = mn_panel_store_shape(store);
  solution s = {.store = store, .shape = shape, .threads = threads, .columns = columns, .b = b};
  s.blas = mn_blas_of(shape->type);
  if (mn_panel_store_finished(store) < shape->count)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "solving with a factor of which %zu of %zu panels are finished",
                   mn_panel_store_finished(store), shape->count);
  if (!columns) return MN_OK;
  if (shape->type == MN_F64) return solve_in_type(&s, meter, err);
  size_t elements = shape->n * columns;
  float *copy = mn_alloc(elements, sizeof *copy);
  if (!copy) return MN_NO_MEMORY(err, elements * sizeof *copy);
  for (size_t i = 0; i < elements; i++) copy[i] = (float)b[i];
  s.b = copy;
  mn_status st = solve_in_type(&s, meter, err);
  for (size_t i = 0; i < elements; i++) b[i] = (double)copy[i];
  mn_free(copy);
  return st;
}
