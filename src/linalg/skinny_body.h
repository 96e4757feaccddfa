/* The products of skinny.h, written once for both precisions and every instruction set. The including file has chosen
 * the instruction set and defined
 *   real, vec                   the element, and LANES of them in one register
 *   LANES, SUMS                 SUMS: the registers that hold sums of the columns, 10 of 16 or 20 of 32
 *   vec_all, vec_madd           all lanes x; a b + c
 *   vec_totals                  out[0..3] += the sum of the lanes of a, b, c, d
 *   MN_SKINNY, MN_SKINNY_TYPE   the row that ends this file, and its precision
 * No include guard by intent: one inclusion a file.
 *
 * A tile is taken in blocks of ROWS rows and SPAN columns, and its vectors by up to VECTORS. The vectors of a block's
 * rows, and the sums for them, are packed register by register: the first LANES rows of every vector, then the next
 * ones. They stay in the first-level cache while a kernel runs down a few columns of the block at once: each register
 * of T, loaded once, is multiplied with the vectors of the columns into the sums of the rows (packed, in the cache) and
 * with the vectors of the rows into the sums of the columns (in registers). More vectors find the block in the
 * second-level cache, and meanwhile the next block is brought there: in the first-level one it would drive out what is
 * at work. */
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
  VECTORS = 5,           /* the most vectors of one pass over a block */
  STEPS = 32,            /* registers of rows in a block */
  ROWS = STEPS * LANES,  /* rows of a block */
  SPAN = MN_SKINNY_SPAN, /* columns of a block */
  GROUP = 8,             /* columns of one call of a kernel; divides SPAN */
  MIRROR = 64            /* order of the squares on the diagonal whose upper triangles are filled in */
};

typedef struct {
  vec rows[STEPS * VECTORS];     /* vectors of the rows, packed; zero beyond the last row */
  vec row_sums[STEPS * VECTORS]; /* packed */
  real cols[SPAN * VECTORS];     /* vectors of the columns, row-major; zero up to a multiple of GROUP columns */
  vec col_sums[GROUP * VECTORS]; /* row-major; their lanes are still to be added up */
  real edge[ROWS * GROUP];       /* the last columns of a block, zero columns appended */
  real last[LANES * SPAN];       /* the last rows of a tile, zero rows appended */
} workspace;

typedef enum { BOTH, TIMES, TRANSPOSED } product;

/* What is wanted: the vectors and sums of the side that takes no part are NULL. */
typedef struct {
  product product;
  size_t m, n;
  const real *t; /* m x n */
  size_t ld;
  const real *v_rows, *v_cols; /* m x columns, n x columns */
  size_t ldv;
  double *out_rows, *out_cols; /* m x columns, n x columns */
  size_t ldo;
} task;

/* A block of the task, for some of the vectors; the pointers are to its corner and the first of its vectors. */
typedef struct {
  product product;
  size_t rows, cols, vectors;
  const real *t;
  size_t ld;
  int followed;     /* more columns of the tile come next in memory, a group at least */
  const real *next; /* the block after this one, at least as large; NULL: this one comes again, or there is none */
  double *out_cols;
  size_t ldo;
  workspace *w;
} block;

/* GROUP columns of `steps` registers of rows, the first of which is number `first` of the block. At `ahead` is what
 * comes next, brought into the cache meanwhile. */
typedef struct {
  size_t first, steps;
  const real *t;
  size_t ld;
  const real *ahead;
  size_t column; /* of the block */
} stretch;

INLINE vec load(const real *p)
{
  vec x;
  memcpy(&x, p, sizeof x);
  return x;
}

/* The first `count` lanes from memory, the others 0; what lies beyond them is not touched. */
static vec load_part(const real *p, size_t count)
{
  real x[LANES] = {0};
  for (size_t l = 0; l < count; l++) x[l] = p[l];
  return load(x);
}

/* How many columns a kernel of c vectors runs down at once: a power of two, its sums in registers. */
INLINE size_t at_once(size_t c)
{
  return SUMS / c >= 8 ? 8 : SUMS / c >= 4 ? 4 : 2;
}

/* q columns of T, for c vectors. Constants come in from the callers, so that every loop but that over the rows is
 * unrolled and every array below is registers. */
INLINE void run_down(size_t q, size_t c, int to_rows, int to_cols, size_t steps, const real *t, size_t ld,
                     const real *ahead, const vec *rows, vec *row_sums, const real *restrict cols, vec *col_sums)
{
  vec x[GROUP], sums[SUMS];
#pragma GCC unroll 20
  for (size_t s = 0; s < q * c; s++) sums[s] = vec_all(0);
  for (; steps; steps--, t += LANES, ahead += LANES, rows += c, row_sums += c) {
#pragma GCC unroll 8
    for (size_t j = 0; j < q; j++) {
      x[j] = load(t + j * ld);
      __builtin_prefetch(ahead + j * ld, 0, 2);
    }
#pragma GCC unroll 5
    for (size_t k = 0; k < c; k++) {
      vec row = to_cols ? rows[k] : x[0], row_sum = to_rows ? row_sums[k] : x[0];
#pragma GCC unroll 8
      for (size_t j = 0; j < q; j++) {
        if (to_rows) row_sum = vec_madd(x[j], vec_all(cols[j * c + k]), row_sum);
        if (to_cols) sums[j * c + k] = vec_madd(x[j], row, sums[j * c + k]);
      }
      if (to_rows) row_sums[k] = row_sum;
    }
  }
#pragma GCC unroll 20
  for (size_t s = 0; s < q * c; s++) col_sums[s] = sums[s];
}

INLINE void run_group(size_t c, int to_rows, int to_cols, workspace *w, const stretch *s)
{
  const size_t q = at_once(c);
  for (size_t j = 0; j < GROUP; j += q)
    run_down(q, c, to_rows, to_cols, s->steps, s->t + j * s->ld, s->ld, s->ahead + j * s->ld, w->rows + s->first * c,
             w->row_sums + s->first * c, w->cols + (s->column + j) * c, w->col_sums + j * c);
}

/* The kernels: c is 1, 2, 4 or 5. */
INLINE void run_vectors(size_t c, int to_rows, int to_cols, workspace *w, const stretch *s)
{
  if (c == 5)
    run_group(5, to_rows, to_cols, w, s);
  else if (c == 4)
    run_group(4, to_rows, to_cols, w, s);
  else if (c == 2)
    run_group(2, to_rows, to_cols, w, s);
  else
    run_group(1, to_rows, to_cols, w, s);
}

static void run_both(size_t c, workspace *w, const stretch *s)
{
  run_vectors(c, 1, 1, w, s);
}

static void run_times(size_t c, workspace *w, const stretch *s)
{
  run_vectors(c, 1, 0, w, s);
}

static void run_transposed(size_t c, workspace *w, const stretch *s)
{
  run_vectors(c, 0, 1, w, s);
}

/* How many of the vectors that are left the next pass takes: 8 are 4 + 4, 10 are 5 + 5. */
static size_t vectors_of_pass(size_t left)
{
  return left > 8 || left == 5 ? 5 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void pack_rows(size_t c, size_t rows, const real *v, size_t ldv, vec *packed)
{
  size_t steps = rows / LANES, rest = rows % LANES;
  for (size_t k = 0; k < c; k++, v += ldv) {
    for (size_t r = 0; r < steps; r++) packed[r * c + k] = load(v + r * LANES);
    if (rest) packed[steps * c + k] = load_part(v + steps * LANES, rest);
  }
}

static void pack_cols(size_t c, size_t cols, const real *v, size_t ldv, real *packed)
{
  size_t padded = (cols + GROUP - 1) / GROUP * GROUP;
  for (size_t k = 0; k < c; k++)
    for (size_t j = 0; j < cols; j++) packed[j * c + k] = v[k * ldv + j];
  memset(packed + cols * c, 0, (padded - cols) * c * sizeof *packed);
}

/* out (rows x c) += what is packed. A copy of a register, or an unrolled loop, would be added lane by lane. */
static void add_rows(size_t c, size_t rows, const vec *packed, double *out, size_t ldo)
{
  for (size_t k = 0; k < c; k++, out += ldo)
    for (size_t first = 0; first < rows; first += LANES) {
      const real *sum = (const real *)&packed[first / LANES * c + k];
      double *to = out + first;
      size_t lanes = rows - first < LANES ? rows - first : LANES;
#pragma GCC unroll 1
      for (size_t l = 0; l < lanes; l++) to[l] += (double)sum[l];
    }
}

/* out (count x c) += the sums of the first columns of a group */
static void add_cols(size_t c, size_t count, const vec *sums, double *out, size_t ldo)
{
  for (size_t k = 0; k < c; k++, sums++, out += ldo)
    for (size_t j = 0; j < count; j += 4) {
      double some[4] = {0};
      const vec *at = sums + j * c;
      vec_totals(at[0], at[c], at[2 * c], at[3 * c], j + 4 <= count ? out + j : some);
      for (size_t l = j; l < count && j + 4 > count; l++) out[l] += some[l - j];
    }
}

/* rows x cols elements in the corner of ldt x count ones, the others 0 */
static void pad(size_t rows, size_t cols, const real *t, size_t ld, real *to, size_t ldt, size_t count)
{
  memset(to, 0, ldt * count * sizeof *to);
  for (size_t j = 0; j < cols; j++) memcpy(to + j * ldt, t + j * ld, rows * sizeof *to);
}

static void run_stretch(const block *b, const stretch *s)
{
  static void (*const kernels[])(size_t, workspace *, const stretch *) = {run_both, run_times, run_transposed};
  size_t left = b->cols - s->column;
  kernels[b->product](b->vectors, b->w, s);
  if (b->out_cols) add_cols(b->vectors, left < GROUP ? left : GROUP, b->w->col_sums, b->out_cols + s->column, b->ldo);
}

/* All columns of `steps` registers of rows, which are at t. */
static void run_columns(const block *b, size_t first, size_t steps, const real *t, size_t ld)
{
  stretch s = {.first = first, .steps = steps, .t = t, .ld = ld};
  for (; s.column + GROUP <= b->cols; s.column += GROUP, s.t += GROUP * ld) {
    int more = b->followed || s.column + 2 * GROUP <= b->cols;
    if (t != b->t)
      s.ahead = s.t;
    else if (b->next)
      s.ahead = b->next + s.column * ld;
    else
      s.ahead = more ? s.t + GROUP * ld : s.t;
    run_stretch(b, &s);
  }
  if (s.column == b->cols) return;
  pad(steps * LANES, b->cols - s.column, s.t, ld, b->w->edge, steps * LANES, GROUP);
  s.t = s.ahead = b->w->edge;
  s.ld = steps * LANES;
  run_stretch(b, &s);
}

static void run_block(const block *b)
{
  size_t steps = b->rows / LANES, rest = b->rows % LANES;
  if (steps) run_columns(b, 0, steps, b->t, b->ld);
  if (!rest) return;
  pad(rest, b->cols, b->t + steps * LANES, b->ld, b->w->last, LANES, b->cols);
  run_columns(b, steps, 1, b->w->last, LANES);
}

/* The block after the one with its corner at (i, j), when it is whole; else NULL. */
static const real *next_block(const task *a, size_t i, size_t j)
{
  if (a->n - j >= 2 * SPAN) return a->t + (j + SPAN) * a->ld + i;
  return a->n - j <= SPAN && a->n >= SPAN && a->m - i >= 2 * ROWS ? a->t + i + ROWS : NULL;
}

/* The block of the task with its corner at (i, j), for c vectors from the k-th on. */
static void pass(const task *a, size_t i, size_t j, size_t k, size_t c, size_t columns, workspace *w)
{
  block b = {.product = a->product, .vectors = c, .t = a->t + j * a->ld + i, .ld = a->ld, .ldo = a->ldo, .w = w};
  b.rows = a->m - i < ROWS ? a->m - i : ROWS;
  b.cols = a->n - j < SPAN ? a->n - j : SPAN;
  b.followed = a->n - j >= SPAN + GROUP;
  if (k && k + c == columns) b.next = next_block(a, i, j);
  if (a->v_rows) pack_rows(c, b.rows, a->v_rows + k * a->ldv + i, a->ldv, w->rows);
  if (a->v_cols) pack_cols(c, b.cols, a->v_cols + k * a->ldv + j, a->ldv, w->cols);
  if (a->out_rows) memset(w->row_sums, 0, (b.rows + LANES - 1) / LANES * c * sizeof *w->row_sums);
  if (a->out_cols) b.out_cols = a->out_cols + k * a->ldo + j;
  run_block(&b);
  if (a->out_rows) add_rows(c, b.rows, w->row_sums, a->out_rows + k * a->ldo + i, a->ldo);
}

static void run_task(const task *a, size_t columns)
{
  workspace w;
  for (size_t i = 0; i < a->m; i += ROWS)
    for (size_t j = 0; j < a->n; j += SPAN)
      for (size_t k = 0, c; k < columns; k += c) {
        c = vectors_of_pass(columns - k);
        pass(a, i, j, k, c, columns, &w);
      }
}

static void both(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v_rows, const void *v_cols,
                 size_t ldv, double *out_rows, double *out_cols, size_t ldo)
{
  run_task(&(task){BOTH, m, n, t, ld, v_rows, v_cols, ldv, out_rows, out_cols, ldo}, columns);
}

static void times(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv, double *out,
                  size_t ldo)
{
  run_task(&(task){TIMES, m, n, t, ld, NULL, v, ldv, out, NULL, ldo}, columns);
}

static void transposed(size_t m, size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv,
                       double *out, size_t ldo)
{
  run_task(&(task){TRANSPOSED, m, n, t, ld, v, NULL, ldv, NULL, out, ldo}, columns);
}

/* Squares on the diagonal, filled in; below each, a rectangle of T itself. */
static void symmetric(size_t n, const void *t, size_t ld, size_t columns, const void *v, size_t ldv, double *out,
                      size_t ldo)
{
  real square[MIRROR * MIRROR];
  for (size_t first = 0; first < n; first += MIRROR) {
    size_t order = n - first < MIRROR ? n - first : MIRROR, next = first + order;
    const real *corner = (const real *)t + first * (ld + 1), *at = (const real *)v + first;
    for (size_t j = 0; j < order; j++)
      for (size_t i = j; i < order; i++) square[i * MIRROR + j] = square[j * MIRROR + i] = corner[j * ld + i];
    times(order, order, square, MIRROR, columns, at, ldv, out + first, ldo);
    if (next < n) both(n - next, order, corner + order, ld, columns, at + order, at, ldv, out + next, out + first, ldo);
  }
}

const mn_skinny MN_SKINNY = {MN_SKINNY_TYPE, both, times, transposed, symmetric};
