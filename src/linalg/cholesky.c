#define _POSIX_C_SOURCE 200809L
#include "linalg/cholesky.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"

double mn_cholesky_flops(size_t n)
{
  return mn_cholesky_flops_from(n, 0);
}

double mn_cholesky_flops_from(size_t n, size_t column)
{
  double x = (double)n, c = (double)column;
  return x * x * x / 3 - c * c * (x - 2 * c / 3);
}

void mn_cholesky_update(const mn_blas *blas, int diagonal, size_t rows, size_t columns, size_t width, const void *a,
                        size_t lda, const void *b, size_t ldb, void *c, size_t ldc)
{
  if (diagonal)
    blas->syrk(rows, width, -1, a, lda, 1, c, ldc);
  else
    blas->gemm('N', 'T', rows, columns, width, -1, a, lda, b, ldb, 1, c, ldc);
}

double mn_cholesky_update_flops(int diagonal, size_t rows, size_t columns, size_t width)
{
  return (double)rows * (double)columns * (double)width * (diagonal ? 1 : 2);
}

/* What the threads of one factorisation share. */
typedef struct {
  mn_panels *panels;
  const mn_cholesky_range *range;
  const mn_blas *blas;
  mn_meter *meter;
  atomic_size_t next;   /* next ticket to hand out */
  atomic_size_t pivot;  /* index of the failing pivot, SIZE_MAX while all is well */
  atomic_uchar *done;   /* by ticket */
  atomic_size_t *left;  /* by panel: tiles not yet done */
  pthread_mutex_t lock; /* of what follows */
  size_t told;          /* panels before this one have been told to the caller */
  atomic_int status;    /* what the caller answered, and why */
  mn_error error;
} factorisation;

static int stopped(factorisation *f)
{
  return atomic_load_explicit(&f->pivot, memory_order_relaxed) != SIZE_MAX ||
         atomic_load_explicit(&f->status, memory_order_relaxed) || mn_meter_cancelled(f->meter);
}

/* Waits until tile (i, j) is done; 0 when the factorisation stops instead. */
static int wait_for(factorisation *f, size_t i, size_t j)
{
  atomic_uchar *flag = &f->done[mn_panels_ticket(f->panels, i, j)];
  while (j >= f->range->begin && !atomic_load_explicit(flag, memory_order_acquire)) {
    if (stopped(f)) return 0;
    sched_yield();
  }
  return 1;
}

/* Subtracts what the finished tiles to the left contribute to tile (i, j). */
static int update_tile(factorisation *f, size_t i, size_t j)
{
  const mn_panels *p = f->panels;
  size_t w = p->width, rows = mn_panels_rows(p, i), columns = mn_panels_rows(p, j);
  void *c = mn_panels_at(p, i * w, j * w);
  for (size_t k = f->range->from; k < j; k++) {
    if (!wait_for(f, i, k) || !wait_for(f, j, k)) return 0;
    size_t ld = p->panel[k].ld;
    mn_cholesky_update(f->blas, i == j, rows, columns, w, mn_panels_at(p, i * w, k * w), ld,
                       mn_panels_at(p, j * w, k * w), ld, c, p->panel[j].ld);
    if (mn_meter_add(f->meter, mn_cholesky_update_flops(i == j, rows, columns, w))) return 0;
  }
  return 1;
}

/* Finishes tile (i, j) once updated: its own Cholesky factor on the diagonal, L_ij = C_ij L_jj^-T below. */
static int finish_tile(factorisation *f, size_t i, size_t j)
{
  const mn_panels *p = f->panels;
  size_t w = p->width, rows = mn_panels_rows(p, i), columns = mn_panels_rows(p, j), ld = p->panel[j].ld;
  void *c = mn_panels_at(p, i * w, j * w);
  if (i == j) {
    size_t info = f->blas->potrf(rows, c, ld);
    if (info) atomic_store(&f->pivot, i * w + info - 1);
    if (info) return 0;
  } else {
    if (!wait_for(f, j, j)) return 0;
    f->blas->trsm('R', 'T', rows, columns, mn_panels_at(p, j * w, j * w), ld, c, ld);
  }
  double r = (double)rows, n = (double)columns;
  return !mn_meter_add(f->meter, i == j ? r * r * r / 3 : r * n * n);
}

/* Tells the caller of the panels that are finished by now, each once and in order. */
static void tell(factorisation *f)
{
  const mn_cholesky_range *range = f->range;
  pthread_mutex_lock(&f->lock);
  while (f->told < range->end && !atomic_load(&f->left[f->told]) && !atomic_load(&f->status))
    atomic_store(&f->status, range->done(range->arg, f->told++, &f->error));
  pthread_mutex_unlock(&f->lock);
}

static void mark_done(factorisation *f, size_t ticket, size_t panel)
{
  atomic_store_explicit(&f->done[ticket], 1, memory_order_release);
  if (atomic_fetch_sub(&f->left[panel], 1) == 1 && f->range->done) tell(f);
}

static void work(factorisation *f)
{
  size_t end = f->range->end < f->panels->count ? mn_panels_ticket(f->panels, f->range->end, f->range->end)
                                                : mn_panels_tiles(f->panels);
  for (;;) {
    size_t ticket = atomic_fetch_add(&f->next, 1), i, j;
    if (ticket >= end || stopped(f)) return;
    mn_panels_tile_of(f->panels, ticket, &i, &j);
    if (!update_tile(f, i, j) || !finish_tile(f, i, j)) return;
    mark_done(f, ticket, j);
  }
}

static mn_status outcome(factorisation *f, size_t *pivot, mn_error *err)
{
  *pivot = atomic_load(&f->pivot);
  if (*pivot != SIZE_MAX)
    return MN_FAIL(err, MN_ERR_SINGULAR, "Cholesky: pivot %zu of %zu is not positive", *pivot + 1, f->panels->n);
  mn_status st = (mn_status)atomic_load(&f->status);
  if (st && err) *err = f->error;
  return st || !mn_meter_cancelled(f->meter) ? st : mn_meter_close(f->meter, err);
}

mn_status mn_cholesky_factor_range(mn_panels *panels, const mn_cholesky_range *range, int threads, mn_meter *meter,
                                   size_t *pivot, mn_error *err)
{
  *pivot = SIZE_MAX;
  if (range->begin == range->end) return MN_OK;
  size_t tiles = mn_panels_tiles(panels), count = panels->count;
  factorisation f = {.panels = panels, .range = range, .blas = mn_blas_of(panels->type), .meter = meter};
  mn_status st = MN_OK;
  f.pivot = SIZE_MAX;
  f.told = range->begin;
  f.next = mn_panels_ticket(panels, range->begin, range->begin);
  f.done = mn_calloc(tiles, sizeof *f.done);
  f.left = mn_calloc(count, sizeof *f.left);
  if (!f.done || !f.left) {
    st = MN_NO_MEMORY(err, tiles * sizeof *f.done + count * sizeof *f.left);
    goto done;
  }
  for (size_t j = 0; j < count; j++) f.left[j] = count - j;
  pthread_mutex_init(&f.lock, NULL); /* cannot fail on Linux */
#pragma omp parallel num_threads(threads)
  work(&f);
  pthread_mutex_destroy(&f.lock);
  st = outcome(&f, pivot, err);
done:
  mn_free(f.done);
  mn_free(f.left);
  return st;
}

mn_status mn_cholesky_factor(mn_panels *panels, int threads, const mn_context *ctx, size_t *pivot, mn_error *err)
{
  mn_meter meter;
  mn_cholesky_range range = {.end = panels->count};
  mn_meter_open(&meter, ctx, "factor", mn_cholesky_flops(panels->n), "flop");
  mn_status st = mn_cholesky_factor_range(panels, &range, threads, &meter, pivot, err);
  return st ? st : mn_meter_close(&meter, err);
}

/* Address of row `row` of a right-hand side block. */
static void *rhs(const mn_panels *p, void *b, size_t row)
{
  return (char *)b + row * mn_dtype_size(p->type);
}

/* Counts panel j, whose elements each take a multiplication and an addition a column; non-zero once cancelled. */
static int halted(mn_meter *meter, const mn_panels *p, size_t j, size_t columns)
{
  double rows = (double)(p->n - j * p->width), width = (double)mn_panels_rows(p, j);
  return meter && mn_meter_add(meter, 2 * (rows - width / 2) * width * (double)columns);
}

static void solve_forward(const mn_panels *p, int threads, size_t columns, mn_meter *meter, void *b)
{
  const mn_blas *blas = mn_blas_of(p->type);
  size_t w = p->width;
  for (size_t j = 0; j < p->count && !halted(meter, p, j, columns); j++) {
    size_t width = mn_panels_rows(p, j), ld = p->panel[j].ld;
    void *x = rhs(p, b, j * w);
    blas->trsm('L', 'N', width, columns, p->panel[j].p, ld, x, p->n);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t i = j + 1; i < p->count; i++)
      blas->gemm('N', 'N', mn_panels_rows(p, i), columns, width, -1, mn_panels_at(p, i * w, j * w), ld, x, p->n, 1,
                 rhs(p, b, i * w), p->n);
  }
}

static void solve_backward(const mn_panels *p, int threads, size_t columns, mn_meter *meter, void *b)
{
  const mn_blas *blas = mn_blas_of(p->type);
  size_t w = p->width;
  for (size_t j = p->count; j-- > 0 && !halted(meter, p, j, columns);) {
    size_t width = mn_panels_rows(p, j);
    void *x = rhs(p, b, j * w);
    blas->trsm('L', 'T', width, columns, p->panel[j].p, p->panel[j].ld, x, p->n);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t i = 0; i < j; i++)
      blas->gemm('T', 'N', w, columns, width, -1, mn_panels_at(p, j * w, i * w), p->panel[i].ld, x, p->n, 1,
                 rhs(p, b, i * w), p->n);
  }
}

void mn_cholesky_forward(const mn_panels *factor, int threads, size_t columns, void *b)
{
  solve_forward(factor, threads, columns, NULL, b);
}

void mn_cholesky_backward(const mn_panels *factor, int threads, size_t columns, void *b)
{
  solve_backward(factor, threads, columns, NULL, b);
}

void mn_cholesky_apply(const mn_panels *factor, int threads, size_t columns, mn_meter *meter, void *b)
{
  solve_forward(factor, threads, columns, meter, b);
  solve_backward(factor, threads, columns, meter, b);
}

mn_status mn_cholesky_solve(const mn_panels *factor, int threads, size_t columns, mn_meter *meter, double *b,
                            mn_error *err)
{
  size_t count = factor->n * columns;
  float *copy = NULL;
  if (factor->type == MN_F32 && !(copy = mn_alloc_matrix(count, sizeof *copy)))
    return MN_NO_MEMORY(err, count * sizeof *copy);
  for (size_t i = 0; copy && i < count; i++) copy[i] = (float)b[i];
  mn_cholesky_apply(factor, threads, columns, meter, copy ? (void *)copy : b);
  for (size_t i = 0; copy && i < count; i++) b[i] = (double)copy[i];
  mn_free(copy);
  return MN_OK;
}

mn_status mn_cholesky_rcond(const mn_panels *factor, int threads, const mn_context *ctx, double norm1, double *rcond,
                            mn_error *err)
{
  size_t n = factor->n;
  double *v = mn_alloc(2 * n, sizeof *v);
  int *sign = mn_alloc(n, sizeof *sign);
  mn_status st = MN_OK;
  mn_meter meter;
  if (!v || !sign) {
    st = MN_NO_MEMORY(err, n * (2 * sizeof *v + sizeof *sign));
    goto done;
  }
  int order = (int)n, kase = 0, save[3] = {0};
  double inverse_norm1 = 0, usual_solves = 5;
  mn_meter_open(&meter, ctx, "condition", usual_solves * 2 * (double)n * (double)n, "flop");
  for (;;) { /* reverse communication: K is symmetric, so both kinds of step are the same solve */
    dlacn2_(&order, v, v + n, sign, &inverse_norm1, &kase, save);
    if (!kase || mn_meter_cancelled(&meter)) break;
    if ((st = mn_cholesky_solve(factor, threads, 1, &meter, v + n, err))) goto done;
  }
  *rcond = norm1 > 0 && inverse_norm1 > 0 ? 1 / norm1 / inverse_norm1 : 0;
  st = mn_meter_close(&meter, err);
done:
  mn_free(v);
  mn_free(sign);
  return st;
}
