/* Skinny products of every instruction set this machine runs, against plain loops in long double. The bounds are those
 * of the sums' own lengths: k products summed in any order, each rounded once or twice, are off by at most (k + 1) u
 * times the sum of their magnitudes (and a little for u^2); in single precision k is the span plus what adding
 * lanes takes, in double precision it is the length of the sum. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "linalg/skinny.h"
#include "support.h"

enum { MOST_COLUMNS = 17, GAP = 3 };
static const char *const level_names[] = {"base", "AVX2", "AVX-512"};

/* An array of either precision with values between -1 and 1. */
static void *random_array(mn_dtype type, size_t count, uint64_t seed)
{
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, count);
  void *a = malloc((count ? count : 1) * mn_dtype_size(type));
  assert_non_null(a);
  for (size_t i = 0; i < count; i++) {
    double value = sin(mn_random_normal(&r));
    if (type == MN_F64)
      ((double *)a)[i] = value;
    else
      ((float *)a)[i] = (float)value;
  }
  return a;
}

static double get(mn_dtype type, const void *a, size_t i)
{
  return type == MN_F64 ? ((const double *)a)[i] : (double)((const float *)a)[i];
}

static void set(mn_dtype type, void *a, size_t i, double value)
{
  if (type == MN_F64)
    ((double *)a)[i] = value;
  else
    ((float *)a)[i] = (float)value;
}

/* A tile, with NaN between its columns, vectors with NaN between theirs, and results that already hold something. */
typedef struct {
  mn_dtype type;
  size_t span; /* of sums in single precision */
  size_t m, n, columns, ld, ldv, ldo;
  void *t, *v; /* v: m rows of v_rows, then n of v_cols */
  double *out, *begin;
} problem;

static size_t span_of(const mn_skinny *s)
{
  return s == &mn_skinny_f32_gemm ? MN_SKINNY_GEMM_SPAN : MN_SKINNY_SPAN;
}

static problem open_problem(const mn_skinny *s, size_t m, size_t n, size_t columns)
{
  mn_dtype type = s->type;
  problem p = {.type = type, .span = span_of(s), .m = m, .n = n, .columns = columns, .ld = m + GAP, .ldv = m + n + GAP};
  p.ldo = m + n + 2 * GAP;
  p.t = random_array(type, p.ld * n, m * 1000 + n);
  p.v = random_array(type, p.ldv * columns, columns);
  p.out = random_array(MN_F64, p.ldo * columns, columns + 50);
  p.begin = malloc(p.ldo * columns * sizeof *p.begin);
  assert_non_null(p.begin);
  for (size_t i = 0; i < p.ldo * columns; i++) p.begin[i] = p.out[i];
  for (size_t j = 0; j < n; j++)
    for (size_t i = m; i < p.ld; i++) set(type, p.t, j * p.ld + i, NAN);
  for (size_t c = 0; c < columns; c++)
    for (size_t i = m + n; i < p.ldv; i++) set(type, p.v, c * p.ldv + i, NAN);
  return p;
}

static void close_problem(problem *p)
{
  free(p->t), free(p->v), free(p->out), free(p->begin);
}

static void start_again(problem *p)
{
  for (size_t i = 0; i < p->ldo * p->columns; i++) p->out[i] = p->begin[i];
}

/* The element of T that row i and column j stand for; symmetric: of the lower triangle's mirror image. */
static double element(const problem *p, int symmetric, size_t i, size_t j)
{
  return symmetric && i < j ? get(p->type, p->t, i * p->ld + j) : get(p->type, p->t, j * p->ld + i);
}

/* Checks out row `row` of column c: begin plus the given long sum, whose terms' magnitudes add up to `magnitude`. */
static void check(const problem *p, const char *what, size_t row, size_t c, long double sum, long double magnitude,
                  size_t terms)
{
  double begin = p->begin[c * p->ldo + row], out = p->out[c * p->ldo + row];
  long double blocks = (long double)(terms / MN_SKINNY_SPAN + 2), in_double = (long double)terms + blocks + 8;
  long double u64 = 0x1p-53L, total = magnitude + fabsl((long double)begin), bound = in_double * u64 * total;
  size_t span = terms < p->span ? terms : p->span;
  if (p->type == MN_F32) bound += (long double)(span + 8) * 0x1p-24L * magnitude;
  if (!(fabsl((long double)out - (sum + (long double)begin)) <= bound))
    fail_msg("%s, %zu x %zu, %zu columns, row %zu of column %zu: %.17g instead of %.17Lg, %Lg is allowed", what, p->m,
             p->n, p->columns, row, c, out, sum + (long double)begin, bound);
}

/* Row i of T v_cols (to_rows), or column i of T times v_rows, against what stands in `row` of out. */
static void check_row(const problem *p, const char *what, int symmetric, int to_rows, size_t i, size_t c, size_t row)
{
  long double sum = 0, magnitude = 0;
  size_t terms = to_rows ? p->n : p->m, from = to_rows ? p->m : 0;
  for (size_t k = 0; k < terms; k++) {
    double t = to_rows ? element(p, symmetric, i, k) : element(p, symmetric, k, i);
    long double term = (long double)t * (long double)get(p->type, p->v, c * p->ldv + from + k);
    sum += term;
    magnitude += fabsl(term);
  }
  check(p, what, row, c, sum, magnitude, terms);
}

/* Rows of out from `first` on are as they were. */
static void check_untouched(const problem *p, const char *what, size_t first, size_t end)
{
  for (size_t c = 0; c < p->columns; c++)
    for (size_t i = first; i < end; i++)
      if (p->out[c * p->ldo + i] != p->begin[c * p->ldo + i])
        fail_msg("%s, %zu x %zu, %zu columns: row %zu of column %zu was written to", what, p->m, p->n, p->columns, i,
                 c);
}

static void check_rectangle(const mn_skinny *s, size_t m, size_t n, size_t columns)
{
  problem p = open_problem(s, m, n, columns);
  const char *v_cols = (const char *)p.v + m * mn_dtype_size(s->type);
  s->both(m, n, p.t, p.ld, columns, p.v, v_cols, p.ldv, p.out, p.out + m, p.ldo);
  for (size_t c = 0; c < columns; c++) {
    for (size_t i = 0; i < m; i++) check_row(&p, "both", 0, 1, i, c, i);
    for (size_t j = 0; j < n; j++) check_row(&p, "both", 0, 0, j, c, m + j);
  }
  check_untouched(&p, "both", m + n, p.ldo);
  start_again(&p);
  s->times(m, n, p.t, p.ld, columns, v_cols, p.ldv, p.out, p.ldo);
  for (size_t c = 0; c < columns; c++)
    for (size_t i = 0; i < m; i++) check_row(&p, "times", 0, 1, i, c, i);
  check_untouched(&p, "times", m, p.ldo);
  start_again(&p);
  s->transposed(m, n, p.t, p.ld, columns, p.v, p.ldv, p.out, p.ldo);
  for (size_t c = 0; c < columns; c++)
    for (size_t j = 0; j < n; j++) check_row(&p, "transposed", 0, 0, j, c, j);
  check_untouched(&p, "transposed", n, p.ldo);
  close_problem(&p);
}

static void check_symmetric(const mn_skinny *s, size_t n, size_t columns)
{
  problem p = open_problem(s, n, n, columns);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < j; i++) set(s->type, p.t, j * p.ld + i, NAN);
  s->symmetric(n, p.t, p.ld, columns, (const char *)p.v + n * mn_dtype_size(s->type), p.ldv, p.out, p.ldo);
  for (size_t c = 0; c < columns; c++)
    for (size_t i = 0; i < n; i++) check_row(&p, "symmetric", 1, 1, i, c, i);
  check_untouched(&p, "symmetric", n, p.ldo);
  close_problem(&p);
}

/* Calls `check` for both precisions on every instruction set there is, and for gemm. */
static void on_every_level(void (*check_one)(const mn_skinny *))
{
  for (int level = MN_CPU_BASE; level <= MN_CPU_AVX512; level++)
    for (int type = MN_F32; type <= MN_F64; type++) {
      const mn_skinny *s = mn_skinny_at((mn_dtype)type, (mn_cpu_level)level);
      if (!s) print_message("skipped: %s is not to be had here\n", level_names[level]);
      if (!s) continue;
      assert_int_equal(s->type, type);
      check_one(s);
    }
  check_one(&mn_skinny_f64_gemm);
  check_one(&mn_skinny_f32_gemm);
}

static const size_t sizes[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 129};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void check_sizes(const mn_skinny *s)
{
  for (size_t a = 0; a < SIZES; a++)
    for (size_t b = 0; b < SIZES; b++)
      for (size_t columns = (a + b) % 4 + 1; columns <= MOST_COLUMNS; columns += 4)
        check_rectangle(s, sizes[a], sizes[b], columns);
  for (size_t columns = 1; columns <= MOST_COLUMNS; columns++) {
    check_rectangle(s, 33, 129, columns);
    check_rectangle(s, 129, 31, columns);
    for (size_t a = 0; a < SIZES; a++) check_symmetric(s, sizes[a], columns);
  }
}

static void products_equal_plain_loops(void **state)
{
  (void)state;
  on_every_level(check_sizes);
}

/* Several blocks each way, with and without remainders: blocks have up to 512 rows and 128 columns. */
static void check_blocks(const mn_skinny *s)
{
  check_rectangle(s, 512, 128, 1);
  check_rectangle(s, 1024, 256, 2);
  check_rectangle(s, 1041, 263, 11);
  check_rectangle(s, 513, 395, 4);
  check_rectangle(s, 17, 530, 163);
  check_symmetric(s, 128, 5);
  check_symmetric(s, 579, 6);
}

static void blocks_join(void **state)
{
  (void)state;
  on_every_level(check_blocks);
}

/* Nothing to multiply, nothing written. */
static void check_empty(const mn_skinny *s)
{
  problem p = open_problem(s, 5, 4, 2);
  s->both(0, 4, p.t, p.ld, 2, p.v, p.v, p.ldv, p.out, p.out + 5, p.ldo);
  s->both(5, 0, p.t, p.ld, 2, p.v, p.v, p.ldv, p.out, p.out + 5, p.ldo);
  s->times(5, 4, p.t, p.ld, 0, p.v, p.ldv, p.out, p.ldo);
  s->transposed(0, 4, p.t, p.ld, 2, p.v, p.ldv, p.out, p.ldo);
  s->symmetric(0, p.t, p.ld, 2, p.v, p.ldv, p.out, p.ldo);
  check_untouched(&p, "empty", 0, p.ldo);
  close_problem(&p);
}

static void empty_products_write_nothing(void **state)
{
  (void)state;
  on_every_level(check_empty);
}

/* Sums of many equal terms, where rounding has a direction: 0.1 in single precision, added up 2^20 times. Within the
 * bound of the header, which single precision throughout exceeds, as is shown. */
static void check_long_sum(const mn_skinny *s)
{
  enum { N = 1 << 20 };
  const float tenth = 0.1f, one = 1;
  if (s->type != MN_F32) return;
  float *t = malloc(N * sizeof *t), *v = malloc(N * sizeof *v), naive = 0;
  assert_true(t && v);
  for (size_t i = 0; i < N; i++) t[i] = tenth, v[i] = one, naive += tenth;
  double row = 0, column = 0, exact = (double)tenth * N, bound = 0x1p-24 * exact * (double)(span_of(s) + 8);
  s->times(1, N, t, 1, 1, v, N, &row, 1);
  s->transposed(N, 1, t, N, 1, v, N, &column, 1);
  assert_true(fabs((double)naive - exact) > bound);
  assert_true(fabs(row - exact) <= bound);
  assert_true(fabs(column - exact) <= bound);
  free(t), free(v);
}

static void long_sums_in_single_precision_keep_their_digits(void **state)
{
  (void)state;
  on_every_level(check_long_sum);
}

/* The highest level that runs, of AVX-512, AVX2 and none. */
static void the_best_row_is_the_highest_that_runs(void **state)
{
  (void)state;
  int level = mn_cpu_runs(MN_CPU_AVX512) ? MN_CPU_AVX512 : mn_cpu_runs(MN_CPU_AVX2) ? MN_CPU_AVX2 : MN_CPU_BASE;
  for (int type = MN_F32; type <= MN_F64; type++) {
    assert_non_null(mn_skinny_at((mn_dtype)type, MN_CPU_BASE));
    assert_non_null(mn_skinny_best((mn_dtype)type));
    assert_ptr_equal(mn_skinny_best((mn_dtype)type), mn_skinny_at((mn_dtype)type, (mn_cpu_level)level));
    assert_ptr_equal(mn_skinny_for((mn_dtype)type, MN_SKINNY_GEMM_FROM - 1), mn_skinny_best((mn_dtype)type));
  }
  assert_ptr_equal(mn_skinny_for(MN_F64, MN_SKINNY_GEMM_FROM), &mn_skinny_f64_gemm);
  assert_ptr_equal(mn_skinny_for(MN_F32, MN_SKINNY_GEMM_FROM), &mn_skinny_f32_gemm);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_equal_plain_loops),
      cmocka_unit_test(blocks_join),
      cmocka_unit_test(empty_products_write_nothing),
      cmocka_unit_test(long_sums_in_single_precision_keep_their_digits),
      cmocka_unit_test(the_best_row_is_the_highest_that_runs),
  };
  return cmocka_run_group_tests_name("skinny", tests, NULL, NULL);
}
