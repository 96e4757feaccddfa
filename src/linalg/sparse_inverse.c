#include "linalg/sparse_inverse.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"

enum {
  LOCAL = MN_SPARSE_MOST + 1, /* most order of a block: the neighbours, then the row itself */
  SPAN = 16,                  /* columns of F at a time: a cache line of each row */
  STRIP = 256,                /* elements of a column that are looked at together */
  ROWS = 4096                 /* whose blocks of K are asked for at a time */
};

/* Diagonal elements of S below this part of those of K + ridge I are rounding. */
static const double rounding = 64 * 0x1p-24;

/* Elements of the lower triangle of a block. */
static size_t pairs_of(size_t degree)
{
  return (degree + 1) * (degree + 2) / 2;
}

typedef struct {
  const mn_symmetric *k;
  const mn_low_rank *f;
  double ridge;
  int threads;
  mn_sparse_inverse *g;
  size_t pairs;
  float *weight;  /* n: of a row as a neighbour, 1 / sqrt(K_jj + ridge); 0 at the pivots */
  double *local;  /* n x pairs: lower triangles of S's blocks, row by row */
  float *strip;   /* n x SPAN, row-major: columns of F */
  float *element; /* ROWS x pairs: of K */
  size_t *i, *j;  /* where */
} builder;

static int is_pivot(const builder *b, size_t i)
{
  return !(b->weight[i] > 0);
}

/* ---- neighbours */

/* Keeps `at` among the count best so far, which descend; at most degree of them. */
static size_t insert(float *best, uint32_t *where, size_t count, size_t degree, float value, uint32_t at)
{
  size_t place = count < degree ? count++ : degree - 1;
  for (; place > 0 && best[place - 1] < value; place--) best[place] = best[place - 1], where[place] = where[place - 1];
  best[place] = value, where[place] = at;
  return count;
}

/* Rows first ... n - 1 of a column of K, from its element at `first` on. */
static void scan_column(const builder *b, size_t i, const float *column)
{
  size_t n = b->k->n, first = i + 1, degree = b->g->degree, count = 0;
  float best[MN_SPARSE_MOST] = {0};
  uint32_t *where = b->g->neighbour + i * degree;
  for (size_t r = first; r < n; r += STRIP) {
    size_t end = n - r < STRIP ? n : r + STRIP;
    float most = 0, least = count < degree ? 0 : best[degree - 1];
#pragma omp simd reduction(max : most)
    for (size_t k = r; k < end; k++) {
      float value = fabsf(column[k - first]) * b->weight[k];
      most = value > most ? value : most;
    }
    if (!(most > least)) continue;
    for (size_t k = r; k < end; k++) {
      float value = fabsf(column[k - first]) * b->weight[k];
      if (value > (count < degree ? 0 : best[degree - 1]))
        count = insert(best, where, count, degree, value, (uint32_t)k);
    }
  }
  b->g->count[i] = (uint8_t)count;
}

static mn_status find_neighbours(builder *b, mn_error *err)
{
  size_t n = b->k->n;
  for (size_t panel = 0; panel < b->k->panels; panel++) {
    const mn_panels *k;
    mn_status st = b->k->panel(b->k->arg, panel, &k, err);
    if (st) return st;
    size_t first = panel * k->width, end = first + mn_panels_rows(k, panel);
#pragma omp parallel for num_threads(b->threads) schedule(dynamic, 16)
    for (size_t i = first; i < end; i++)
      if (!is_pivot(b, i) && i + 1 < n) scan_column(b, i, (const float *)mn_panels_at(k, i, i) + 1);
  }
  return MN_OK;
}

/* ---- blocks of S */

/* Rows of a block; returns how many. */
static size_t members(const builder *b, size_t i, size_t *who)
{
  size_t count = b->g->count[i];
  for (size_t k = 0; k < count; k++) who[k] = b->g->neighbour[i * b->g->degree + k];
  who[count] = i;
  return count + 1;
}

/* local = blocks of K + ridge I. */
static mn_status fetch_blocks(builder *b, size_t first, size_t end, mn_error *err)
{
  size_t total = 0, who[LOCAL];
  for (size_t i = first; i < end; i++) {
    size_t size = is_pivot(b, i) ? 0 : members(b, i, who);
    for (size_t r = 0; r < size; r++)
      for (size_t c = 0; c <= r; c++) b->i[total] = who[r], b->j[total++] = who[c];
  }
  mn_status st = b->k->elements(b->k->arg, total, b->i, b->j, b->element, err);
  if (st) return st;
  total = 0;
  for (size_t i = first; i < end; i++) {
    size_t size = is_pivot(b, i) ? 0 : members(b, i, who), at = i * b->pairs;
    for (size_t r = 0; r < size; r++)
      for (size_t c = 0; c <= r; c++) b->local[at++] = (double)b->element[total++] + (r == c ? b->ridge : 0);
  }
  return MN_OK;
}

/* strip = columns first ... of F by rows, with zeros past the last. */
static void load_strip(const builder *b, size_t first)
{
  size_t n = b->k->n, width = b->f->rank - first < SPAN ? b->f->rank - first : SPAN;
#pragma omp parallel for num_threads(b->threads) schedule(static)
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < SPAN; c++) b->strip[i * SPAN + c] = c < width ? b->f->f[i + (first + c) * n] : 0;
}

/* local -= F F' by the columns in the strip. */
static void subtract_strip(const builder *b)
{
#pragma omp parallel for num_threads(b->threads) schedule(dynamic, 256)
  for (size_t i = 0; i < b->k->n; i++) {
    size_t who[LOCAL], size = is_pivot(b, i) ? 0 : members(b, i, who);
    double *at = b->local + i * b->pairs;
    for (size_t r = 0; r < size; r++)
      for (size_t c = 0; c <= r; c++) {
        const float *x = b->strip + who[r] * SPAN, *y = b->strip + who[c] * SPAN;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t k = 0; k < SPAN; k++) sum += x[k] * y[k];
        *at++ -= (double)sum;
      }
  }
}

/* Lower Cholesky factor of a block in place, element (r, c) at r (r + 1) / 2 + c; 0 when a pivot is not positive. */
static int factor(double *a, size_t size)
{
  for (size_t r = 0; r < size; r++) {
    double *row = a + r * (r + 1) / 2;
    for (size_t c = 0; c <= r; c++) {
      const double *other = a + c * (c + 1) / 2;
      double sum = row[c];
      for (size_t k = 0; k < c; k++) sum -= row[k] * other[k];
      if (r == c && !(sum > 0)) return 0;
      row[c] = r == c ? sqrt(sum) : sum / other[c];
    }
  }
  return 1;
}

/* Row i of G: the last row of the inverse of the factor L of its block, L^-T e. What rounding has left of a block that
 * is not positive definite is of no use but for its diagonal. */
static void make_row(const builder *b, size_t i)
{
  mn_sparse_inverse *g = b->g;
  size_t who[LOCAL], size = members(b, i, who), last = size - 1;
  double *a = b->local + i * b->pairs, own = a[last * (last + 1) / 2 + last], x[LOCAL] = {0};
  double floor = rounding / ((double)b->weight[i] * (double)b->weight[i]);
  for (size_t r = 0; r < size; r++) a[r * (r + 1) / 2 + r] = fmax(a[r * (r + 1) / 2 + r], floor);
  if (!factor(a, size)) {
    g->own[i] = 1 / sqrt(fmax(own, floor));
    g->count[i] = 0;
    return;
  }
  for (size_t r = size; r-- > 0;) {
    double sum = r == last;
    for (size_t k = r + 1; k < size; k++) sum -= a[k * (k + 1) / 2 + r] * x[k];
    x[r] = sum / a[r * (r + 1) / 2 + r];
  }
  g->own[i] = x[last];
  for (size_t k = 0; k < last; k++) g->value[i * g->degree + k] = x[k];
}

static mn_status make_rows(builder *b, mn_error *err)
{
  size_t n = b->k->n;
  for (size_t i = 0; i < n; i += ROWS) {
    mn_status st = fetch_blocks(b, i, n - i < ROWS ? n : i + ROWS, err);
    if (st) return st;
  }
  for (size_t c = 0; c < b->f->rank; c += SPAN) {
    load_strip(b, c);
    subtract_strip(b);
  }
#pragma omp parallel for num_threads(b->threads) schedule(static)
  for (size_t i = 0; i < n; i++)
    if (!is_pivot(b, i)) make_row(b, i);
  return MN_OK;
}

/* The transpose, as places in `value`, for products that write each element once. */
static void transpose(mn_sparse_inverse *g)
{
  size_t n = g->n;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < g->count[i]; k++) g->start[g->neighbour[i * g->degree + k] + 1]++;
  for (size_t i = 0; i < n; i++) g->start[i + 1] += g->start[i];
  for (size_t i = n; i-- > 0;) /* filled from the end of each list */
    for (size_t k = 0; k < g->count[i]; k++) {
      size_t j = g->neighbour[i * g->degree + k];
      g->row[--g->start[j + 1]] = (uint32_t)(i * g->degree + k);
    }
  /* start[j + 1] is now where list j begins. */
  memmove(g->start, g->start + 1, n * sizeof *g->start);
  size_t total = 0;
  for (size_t i = 0; i < n; i++) total += g->count[i];
  g->start[n] = total;
}

/* ---- opening */

double mn_sparse_inverse_held_bytes(size_t n, size_t degree)
{
  return (double)n * (sizeof(double) + (double)degree * (sizeof(double) + 2 * sizeof(uint32_t)) + 1 + sizeof(size_t));
}

double mn_sparse_inverse_bytes(size_t n, size_t degree)
{
  double pairs = (double)pairs_of(degree), work = sizeof(float) + pairs * sizeof(double) + SPAN * sizeof(float);
  return mn_sparse_inverse_held_bytes(n, degree) + (double)n * work +
         ROWS * pairs * (sizeof(float) + 2 * sizeof(size_t));
}

static int open_builder(builder *b)
{
  size_t n = b->k->n, most = ROWS * b->pairs;
  b->weight = mn_alloc(n, sizeof *b->weight);
  b->local = mn_alloc_matrix(n * b->pairs, sizeof *b->local);
  b->strip = mn_alloc_matrix(n * SPAN, sizeof *b->strip);
  b->element = mn_alloc(most, sizeof *b->element);
  b->i = mn_alloc(most, sizeof *b->i);
  b->j = mn_alloc(most, sizeof *b->j);
  return b->weight && b->local && b->strip && b->element && b->i && b->j;
}

static void close_builder(builder *b)
{
  mn_free(b->weight);
  mn_free(b->local);
  mn_free(b->strip);
  mn_free(b->element);
  mn_free(b->i);
  mn_free(b->j);
}

static int open_arrays(mn_sparse_inverse *g)
{
  size_t n = g->n, most = n * g->degree;
  g->own = mn_calloc(n, sizeof *g->own);
  g->value = mn_alloc(most, sizeof *g->value);
  g->neighbour = mn_alloc(most, sizeof *g->neighbour);
  g->count = mn_calloc(n, sizeof *g->count);
  g->start = mn_calloc(n + 1, sizeof *g->start);
  g->row = mn_alloc(most, sizeof *g->row);
  return g->own && g->value && g->neighbour && g->count && g->start && g->row;
}

/* 1 / sqrt(K_jj + ridge), 1 where that is not positive, 0 at the pivots. */
static mn_status weigh(builder *b, mn_error *err)
{
  size_t n = b->k->n;
  for (size_t i = 0; i < n; i += ROWS) {
    size_t count = n - i < ROWS ? n - i : ROWS;
    for (size_t k = 0; k < count; k++) b->i[k] = i + k;
    mn_status st = b->k->elements(b->k->arg, count, b->i, b->i, b->weight + i, err);
    if (st) return st;
  }
  for (size_t i = 0; i < n; i++) {
    double own = (double)b->weight[i] + b->ridge;
    b->weight[i] = own > 0 ? (float)(1 / sqrt(own)) : 1;
  }
  for (size_t c = 0; c < b->f->rank; c++) b->weight[b->f->pivots[c]] = 0;
  return MN_OK;
}

mn_status mn_sparse_inverse_open(const mn_symmetric *k, const mn_low_rank *f, size_t degree, double ridge, int threads,
                                 mn_sparse_inverse **out, mn_error *err)
{
  builder b = {.k = k, .f = f, .pairs = pairs_of(degree), .ridge = ridge, .threads = threads};
  mn_sparse_inverse *g = mn_calloc(1, sizeof *g);
  *out = NULL;
  if (!g) return MN_NO_MEMORY(err, sizeof *g);
  g->n = k->n;
  g->degree = degree;
  b.g = g;
  mn_status st = open_arrays(g) && open_builder(&b)
                     ? MN_OK
                     : MN_NO_MEMORY(err, k->n * (b.pairs * sizeof *b.local + SPAN * sizeof *b.strip));
  if (!st) st = weigh(&b, err);
  if (!st) st = find_neighbours(&b, err);
  if (!st) st = make_rows(&b, err);
  if (!st) transpose(g);
  close_builder(&b);
  if (st)
    mn_sparse_inverse_close(&g);
  else
    *out = g;
  return st;
}

void mn_sparse_inverse_close(mn_sparse_inverse **g)
{
  if (!*g) return;
  mn_free((*g)->own);
  mn_free((*g)->value);
  mn_free((*g)->neighbour);
  mn_free((*g)->count);
  mn_free((*g)->start);
  mn_free((*g)->row);
  mn_free(*g);
  *g = NULL;
}

/* ---- applying it */

void mn_sparse_inverse_apply(const mn_sparse_inverse *g, int threads, size_t columns, double *t, double *work)
{
  size_t n = g->n, degree = g->degree;
#pragma omp parallel for num_threads(threads) schedule(static) collapse(2)
  for (size_t c = 0; c < columns; c++)
    for (size_t i = 0; i < n; i++) {
      double sum = g->own[i] * t[i + c * n];
      for (size_t k = i * degree; k < i * degree + g->count[i]; k++) sum += g->value[k] * t[g->neighbour[k] + c * n];
      work[i + c * n] = sum;
    }
#pragma omp parallel for num_threads(threads) schedule(static) collapse(2)
  for (size_t c = 0; c < columns; c++)
    for (size_t i = 0; i < n; i++) {
      double sum = g->own[i] * work[i + c * n];
      for (size_t k = g->start[i]; k < g->start[i + 1]; k++) {
        size_t at = g->row[k];
        sum += g->value[at] * work[at / degree + c * n];
      }
      t[i + c * n] = sum;
    }
}
