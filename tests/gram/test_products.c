/* Kept inner products against samples that are there: every kernel and pass, in memory and on disk, saved and damaged.
 */
#define _GNU_SOURCE
#include "gram/products.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "gram/gram.h"
#include "gram/kernels.h"
#include "linalg/threads.h"
#include "naive.h"
#include "support.h"

enum { N = 61, M = 23, DIM = 40, TILE = 16 };

/* Samples that floats hold exactly, as features and as doubles; some train samples nearly coincide. */
typedef struct {
  float x[(N + M) * DIM];
  naive_set train, test;
} features;

static features *features_of(uint64_t seed)
{
  features *f = malloc(sizeof *f);
  double *wide = naive_normals((N + M) * DIM, seed);
  for (size_t i = 0; i < (N + M) * DIM; i++) f->x[i] = (float)wide[i];
  for (size_t k = 0; k < DIM; k++) f->x[5 * DIM + k] = f->x[3 * DIM + k];
  for (size_t i = 0; i < (N + M) * DIM; i++) wide[i] = (double)f->x[i];
  f->train = naive_open_rows(N, DIM, wide);
  f->test = naive_open_rows(M, DIM, wide + N * DIM);
  free(wide);
  return f;
}

static void features_close(features *f)
{
  naive_close(&f->train);
  naive_close(&f->test);
  free(f);
}

/* Added in blocks of `block` features. */
static mn_status make(const features *f, mn_dtype type, size_t block, int threads, mn_products **out, mn_error *err)
{
  mn_status st = mn_products_open(N, M, TILE, type, DIM, "features=random", out, err);
  for (size_t k = 0; !st && k < DIM; k += block)
    st = mn_products_add(*out, block < DIM - k ? block : DIM - k, f->x + k, DIM, threads, NULL, err);
  for (size_t i = 0; !st && i < N + M; i++)
    (*out)->samples[i] = mn_products_hash(i < N ? f->train.data : f->test.data, i < N ? i : i - N);
  if (st) mn_products_close(out);
  return st;
}

static mn_products *made(const features *f, mn_dtype type)
{
  mn_products *p;
  assert_int_equal(make(f, type, 16, 2, &p, NULL), MN_OK);
  return p;
}

static mn_kernel kernel_of(int name)
{
  mn_kernel kernel = mn_kernel_default((mn_kernel_name)name);
  kernel.gamma = 0.02;
  return kernel;
}

static double element(const mn_panels *k, size_t i, size_t j)
{
  const void *at = mn_panels_at(k, i, j);
  return k->type == MN_F64 ? *(const double *)at : (double)*(const float *)at;
}

/* Rounding of products of this type, in values of this type, for kernels that do not magnify it. */
static double bound(const mn_kernel *kernel, mn_dtype products, mn_dtype values)
{
  double eps = products == MN_F64 && values == MN_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
  if (kernel->name == MN_KERNEL_POLYNOMIAL) return 64 * eps;
  /* of r, or of angles, which near 0 are known to the root of that; the samples 3 and 5 are equal */
  if (kernel->name == MN_KERNEL_LAPLACIAN || kernel->name == MN_KERNEL_NTK) return 8 * sqrt(eps);
  return 64 * eps;
}

static void check_fill(const features *f, const mn_products *p, int name, mn_dtype values)
{
  mn_kernel kernel = kernel_of(name);
  mn_samples samples = mn_products_train(p, N);
  mn_panels *k;
  double *exact = naive_gram(&kernel, &f->train, &f->train, 0.25), most = 0;
  for (size_t i = 0; i < N * N; i++) most = fmax(most, fabs(exact[i]));
  assert_int_equal(mn_panels_open(N, 24, values, &k, NULL), MN_OK);
  assert_int_equal(mn_gram_fill(&samples, &kernel, 0.25, 2, NULL, k, NULL), MN_OK);
  for (size_t j = 0; j < N; j++)
    for (size_t i = j; i < N; i++)
      if (!(fabs(element(k, i, j) - exact[i + j * N]) <= bound(&kernel, p->type, values) * most))
        fail_msg("%s: K(%zu, %zu) is %.17g, not %.17g", mn_kernel_string(kernel.name), i, j, element(k, i, j),
                 exact[i + j * N]);
  mn_panels_close(&k);
  free(exact);
}

enum { COLUMNS = 3 };

static void check_across(const features *f, const mn_products *p, int name)
{
  mn_kernel kernel = kernel_of(name);
  mn_samples train = mn_products_train(p, N), test = mn_products_test(p, M);
  double *v = naive_normals(N * COLUMNS, 9), exact[M * COLUMNS], out[M * COLUMNS];
  double *k = naive_gram(&kernel, &f->test, &f->train, 0);
  naive_multiply(M, N, k, COLUMNS, v, exact);
  assert_int_equal(mn_gram_multiply(&test, &train, &kernel, 2, NULL, "k", COLUMNS, v, out, NULL), MN_OK);
  assert_true(naive_relative(M * COLUMNS, out, exact) <= 8 * bound(&kernel, p->type, MN_F64));
  free(k), free(v);
}

static void check_products(const features *f, const mn_products *p, int name)
{
  mn_kernel kernel = kernel_of(name);
  mn_samples train = mn_products_train(p, N);
  double *v = naive_normals(N * COLUMNS, 9), exact[N * COLUMNS], out[N * COLUMNS];
  double tol = 8 * bound(&kernel, p->type, MN_F64);
  double *k = naive_gram(&kernel, &f->train, &f->train, 0);
  naive_multiply(N, N, k, COLUMNS, v, exact);
  assert_int_equal(mn_gram_multiply_symmetric(&train, &kernel, 2, NULL, "k", COLUMNS, v, out, NULL), MN_OK);
  assert_true(naive_relative(N * COLUMNS, out, exact) <= tol);
  assert_int_equal(mn_gram_multiply(&train, &train, &kernel, 3, NULL, "k", COLUMNS, v, out, NULL), MN_OK);
  assert_true(naive_relative(N * COLUMNS, out, exact) <= tol);
  free(k), free(v);
  check_across(f, p, name);
}

static void check_everything(const features *f, const mn_products *p)
{
  for (int name = 0; name < MN_KERNEL_COUNT; name++) {
    check_fill(f, p, name, MN_F64);
    check_fill(f, p, name, MN_F32);
    check_products(f, p, name);
  }
}

static void every_kernel_in_memory_and_on_disk(void **state)
{
  (void)state;
  features *f = features_of(1);
  for (mn_dtype type = MN_F32; type <= MN_F64; type++) {
    mn_products *p = made(f, type);
    check_everything(f, p);
    assert_int_equal(mn_products_to_disk(p, mn_test_dir, NULL, NULL), MN_OK);
    assert_true(mn_products_get(p).on_disk);
    check_everything(f, p);
    mn_products_close(&p);
  }
  features_close(f);
}

/* The same bits whatever the threads. */
static void threads_and_blocks(void **state)
{
  (void)state;
  features *f = features_of(2);
  mn_products *a, *b;
  for (mn_dtype type = MN_F32; type <= MN_F64; type++) {
    assert_int_equal(make(f, type, 7, 1, &a, NULL), MN_OK);
    assert_int_equal(make(f, type, 7, 3, &b, NULL), MN_OK);
    for (size_t j = 0; j < a->columns; j++)
      assert_memory_equal(a->panel[j], b->panel[j], (N + M - j * TILE) * mn_products_width(a, j) * mn_dtype_size(type));
    assert_memory_equal(a->norms, b->norms, (N + M) * sizeof *a->norms);
    mn_products_close(&a);
    mn_products_close(&b);
  }
  features_close(f);
}

/* Test samples with training samples alone, in half the memory and less. */
static void across(void **state)
{
  (void)state;
  features *f = features_of(11);
  mn_kernel kernel = kernel_of(MN_KERNEL_GAUSSIAN);
  double v[N] = {0}, out[N];
  for (mn_dtype type = MN_F32; type <= MN_F64; type++) {
    mn_products *p, *whole = made(f, type);
    mn_error err;
    assert_int_equal(mn_products_open_across(N, M, TILE, type, DIM, "", &p, NULL), MN_OK);
    for (size_t k = 0; k < DIM; k += 8) assert_int_equal(mn_products_add(p, 8, f->x + k, DIM, 2, NULL, NULL), MN_OK);
    assert_true(mn_products_get(p).bytes == (double)(N * M * mn_dtype_size(type)));
    for (int name = 0; name < MN_KERNEL_COUNT; name++) check_across(f, p, name);
    for (size_t i = 0; i < N + M; i++) mn_test_close(p->norms[i], whole->norms[i], 1e-14);
    mn_samples train = mn_products_train(p, N);
    assert_int_equal(mn_gram_multiply(&train, &train, &kernel, 1, NULL, "k", 1, v, out, &err), MN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "two training samples"));
    mn_products_close(&p);
    mn_products_close(&whole);
  }
  features_close(f);
}

/* A view of listed rows, of the first ones, and single elements. */
static void views(void **state)
{
  (void)state;
  enum { FEW = 9 };
  static const size_t list[FEW] = {0, 2, 15, 16, 17, 33, 47, 48, 60}, back[FEW] = {60, 3, 3, 17, 0, 31, 32, 16, 15};
  features *f = features_of(3);
  mn_products *p = made(f, MN_F64);
  for (int disk = 0; disk < 2; disk++) {
    for (int k = 0; k < 2; k++) {
      mn_kernel kernel = kernel_of(MN_KERNEL_GAUSSIAN);
      mn_samples view = mn_products_train(p, FEW);
      mn_panels *got;
      float one[FEW];
      size_t i[FEW], j[FEW];
      view.rows = k ? back : list;
      assert_int_equal(mn_panels_open(FEW, 4, MN_F64, &got, NULL), MN_OK);
      assert_int_equal(mn_gram_fill(&view, &kernel, 0, 2, NULL, got, NULL), MN_OK);
      for (size_t c = 0; c < FEW; c++) {
        i[c] = c, j[c] = (c * 5) % FEW;
        for (size_t r = c; r < FEW; r++) {
          const double *x = f->train.x + view.rows[r] * DIM, *y = f->train.x + view.rows[c] * DIM;
          mn_test_close(element(got, r, c), naive_kernel(&kernel, DIM, x, y), 1e-13);
        }
      }
      assert_int_equal(mn_gram_elements(&view, &kernel, 2, FEW, i, j, one, NULL), MN_OK);
      for (size_t c = 0; c < FEW; c++)
        mn_test_close(
            (double)one[c],
            naive_kernel(&kernel, DIM, f->train.x + view.rows[i[c]] * DIM, f->train.x + view.rows[j[c]] * DIM), 1e-7);
      mn_panels_close(&got);
    }
    assert_int_equal(mn_products_to_disk(p, mn_test_dir, NULL, NULL), MN_OK);
  }
  mn_products_close(&p);
  features_close(f);
}

static void samples_of_norm_one(void **state)
{
  (void)state;
  features *f = features_of(4);
  mn_products *p = made(f, MN_F64);
  for (size_t part = 0; part < 2; part++) {
    naive_set *s = part ? &f->test : &f->train;
    double *x = s->data->x;
    for (size_t i = 0; i < s->n; i++) {
      double norm = naive_norm(DIM, s->x + i * DIM);
      for (size_t k = 0; k < DIM; k++) x[i * DIM + k] = s->x[i * DIM + k] /= norm;
    }
  }
  assert_int_equal(mn_products_normalise(p, NULL), MN_OK);
  assert_true(mn_products_get(p).unit);
  for (int name = 0; name < MN_KERNEL_COUNT; name++) check_products(f, p, name);
  mn_products_close(&p);
  features_close(f);
}

static void invalid_requests(void **state)
{
  (void)state;
  features *f = features_of(5);
  mn_products *p = made(f, MN_F64), *other = made(f, MN_F64), *none;
  mn_kernel kernel = kernel_of(MN_KERNEL_GAUSSIAN);
  mn_samples train = mn_products_train(p, N), test = mn_products_test(p, M), beyond = mn_products_test(p, M + 1);
  mn_samples foreign = mn_products_train(other, N);
  double v[N + M] = {0}, out[N + M];
  mn_error err;
  assert_int_equal(mn_gram_multiply(&test, &test, &kernel, 1, NULL, "k", 1, v, out, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_gram_multiply(&beyond, &train, &kernel, 1, NULL, "k", 1, v, out, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_gram_multiply(&foreign, &train, &kernel, 1, NULL, "k", 1, v, out, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_gram_multiply(&f->train.samples, &train, &kernel, 1, NULL, "k", 1, v, out, &err),
                   MN_ERR_ARGUMENT);
  assert_int_equal(mn_products_add(p, 1, f->x, DIM, 1, NULL, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_products_open(0, 1, TILE, MN_F32, DIM, "", &none, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_products_open(SIZE_MAX, SIZE_MAX, TILE, MN_F32, DIM, "", &none, &err), MN_ERR_ARGUMENT);
  assert_null(none);
  assert_int_equal(mn_products_check(p, f->train.data, f->test.data, NULL), MN_OK);
  assert_int_equal(mn_products_check(p, f->test.data, NULL, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "sample 0"));
  assert_int_equal(mn_products_check(p, NULL, f->train.data, &err), MN_ERR_DATA);
  mn_products_close(&p);
  mn_products_close(&other);
  features_close(f);
}

/* ---- files */

static void check_same(const mn_products *a, const mn_products *b, size_t n, size_t m)
{
  mn_products_buffer x = {malloc(TILE * TILE * 8), SIZE_MAX}, y = {malloc(TILE * TILE * 8), SIZE_MAX};
  size_t size = mn_dtype_size(a->type);
  for (size_t r = 0; r < n + m; r++)
    for (size_t c = 0; c < n && (r >= n || c <= r); c++) {
      size_t ra = r < n ? r : a->n + r - n, rb = r < n ? r : b->n + r - n, j = c / TILE;
      size_t ia = mn_products_tile_of_row(a, ra), ib = mn_products_tile_of_row(b, rb);
      const char *p = mn_products_tile(a, ia, j, &x, NULL), *q = mn_products_tile(b, ib, j, &y, NULL);
      assert_true(p && q);
      p += ((ra - mn_products_first(a, ia)) * mn_products_width(a, j) + c % TILE) * size;
      q += ((rb - mn_products_first(b, ib)) * mn_products_width(b, j) + c % TILE) * size;
      assert_memory_equal(p, q, size);
    }
  free(x.space), free(y.space);
}

static void saved_and_loaded(void **state)
{
  (void)state;
  features *f = features_of(6);
  for (mn_dtype type = MN_F32; type <= MN_F64; type++) {
    const char *folder = mn_test_path(type == MN_F32 ? "single" : "double");
    mn_products *p = made(f, type), *q;
    assert_false(mn_products_exist(folder));
    assert_int_equal(mn_products_save(p, folder, NULL, NULL), MN_OK);
    assert_true(mn_products_exist(folder));
    for (int memory = 0; memory < 2; memory++) {
      assert_int_equal(mn_products_load(folder, 0, 0, memory, 0, NULL, &q, NULL), MN_OK);
      assert_int_equal(mn_products_get(q).on_disk, !memory);
      assert_string_equal(mn_products_get(q).text, "features=random");
      check_same(p, q, N, M);
      check_fill(f, q, MN_KERNEL_GAUSSIAN, MN_F64);
      assert_int_equal(mn_products_check(q, f->train.data, f->test.data, NULL), MN_OK);
      mn_products_close(&q);
    }
    assert_int_equal(mn_products_load(folder, 37, 20, 1, 0, NULL, &q, NULL), MN_OK);
    assert_int_equal(mn_products_get(q).n, 37);
    assert_memory_equal(q->norms + 37, p->norms + N, 20 * sizeof *p->norms);
    check_same(p, q, 37, 20);
    mn_products_close(&q);
    assert_int_equal(mn_products_load(folder, 3, 2, 1, 0, NULL, &q, NULL), MN_OK); /* less than a tile */
    check_same(p, q, 3, 2);
    mn_products_close(&q);
    assert_int_equal(mn_products_load(folder, N + 1, 0, 0, 0, NULL, &q, NULL), MN_ERR_DATA);
    assert_null(q);
    mn_products_close(&p);
    mn_products_remove(folder);
    assert_true(access(folder, F_OK));
  }
  features_close(f);
}

/* Half of the features saved, loaded, and gone on with: the same bits as in one go; each save leaves one set of files.
 */
static void resumed(void **state)
{
  (void)state;
  features *f = features_of(7);
  const char *folder = mn_test_path("resumed");
  mn_products *p, *q, *whole;
  assert_int_equal(make(f, MN_F32, 20, 2, &whole, NULL), MN_OK);
  assert_int_equal(mn_products_open(N, M, TILE, MN_F32, DIM, "", &p, NULL), MN_OK);
  assert_int_equal(mn_products_add(p, 20, f->x, DIM, 2, NULL, NULL), MN_OK);
  assert_int_equal(mn_products_save(p, folder, NULL, NULL), MN_OK);
  mn_products_close(&p);
  mn_error err;
  assert_int_equal(mn_products_load(folder, 0, 0, 1, 0, NULL, &q, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "20 of 40 features"));
  assert_int_equal(mn_products_load(folder, 0, 0, 1, 1, NULL, &q, NULL), MN_OK);
  assert_int_equal(mn_products_add(q, 20, f->x + 20, DIM, 2, NULL, NULL), MN_OK);
  check_same(whole, q, N, M);
  assert_memory_equal(whole->norms, q->norms, (N + M) * sizeof *q->norms);
  assert_int_equal(mn_products_save(q, folder, NULL, NULL), MN_OK);
  assert_int_equal(mn_products_to_disk(q, NULL, NULL, NULL), MN_OK);
  check_same(whole, q, N, M);
  char path[512];
  snprintf(path, sizeof path, "%s/products.0", folder);
  assert_true(access(path, F_OK));
  mn_products_close(&q);
  mn_products_close(&whole);
  mn_products_remove(folder);
  features_close(f);
}

static void change_byte(const char *folder, const char *name, long at)
{
  char path[512];
  unsigned char byte;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  assert_int_equal(pread(fd, &byte, 1, at), 1);
  byte ^= 4;
  assert_int_equal(pwrite(fd, &byte, 1, at), 1);
  close(fd);
}

static void cut(const char *folder, const char *name, long bytes)
{
  char path[512];
  struct stat info;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(truncate(path, info.st_size - bytes), 0);
}

static mn_status pass_over(mn_products *p, mn_error *err)
{
  mn_kernel kernel = kernel_of(MN_KERNEL_GAUSSIAN);
  mn_samples train = mn_products_train(p, N), test = mn_products_test(p, M);
  double v[N] = {0}, out[N];
  mn_panels *k;
  mn_status st = mn_gram_multiply_symmetric(&train, &kernel, 2, NULL, "k", 1, v, out, err);
  assert_int_equal(mn_gram_multiply(&test, &train, &kernel, 2, NULL, "k", 1, v, out, NULL) != MN_OK, st != MN_OK);
  assert_int_equal(mn_panels_open(N, 16, MN_F64, &k, NULL), MN_OK);
  assert_int_equal(mn_gram_fill(&train, &kernel, 0, 2, NULL, k, NULL) != MN_OK, st != MN_OK);
  mn_panels_close(&k);
  return st;
}

static void damage_is_found(void **state)
{
  (void)state;
  features *f = features_of(8);
  const char *folder = mn_test_path("damaged");
  mn_products *p = made(f, MN_F64), *q;
  mn_error err;
  /* every byte of the index */
  assert_int_equal(mn_products_save(p, folder, NULL, NULL), MN_OK);
  char path[512];
  struct stat info;
  snprintf(path, sizeof path, "%s/products.index", folder);
  assert_int_equal(stat(path, &info), 0);
  for (long at = 0; at < info.st_size; at += at < 96 ? 1 : 37) {
    change_byte(folder, "products.index", at);
    mn_status st = mn_products_load(folder, 0, 0, 1, 1, NULL, &q, &err);
    assert_true(st == MN_ERR_FORMAT || st == MN_ERR_VERSION);
    assert_null(q);
    change_byte(folder, "products.index", at);
  }
  /* a flipped bit of the data, in a tile (row tile, 0) that every pass reads */
  change_byte(folder, "products.0", 16 * 16 * 8 + 100);
  assert_int_equal(mn_products_load(folder, 0, 0, 1, 0, NULL, &q, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "tile (1, 0)"));
  assert_int_equal(mn_products_load(folder, 0, 0, 0, 0, NULL, &q, &err), MN_OK);
  mn_kernel kernel = kernel_of(MN_KERNEL_GAUSSIAN);
  mn_samples train = mn_products_train(q, N);
  double v[N] = {0}, out[N];
  assert_int_equal(mn_gram_multiply_symmetric(&train, &kernel, 2, NULL, "k", 1, v, out, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "tile (1, 0)"));
  mn_products_close(&q);
  change_byte(folder, "products.0", 16 * 16 * 8 + 100);
  /* a file cut while it is open, before it is opened, and gone */
  assert_int_equal(mn_products_load(folder, 0, 0, 0, 0, NULL, &q, &err), MN_OK);
  assert_int_equal(pass_over(q, &err), MN_OK);
  cut(folder, "products.0", (N + M) * 8 * 40);
  assert_int_equal(pass_over(q, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "bytes expected"));
  mn_products_close(&q);
  assert_int_equal(mn_products_load(folder, 0, 0, 0, 0, NULL, &q, &err), MN_ERR_FORMAT);
  snprintf(path, sizeof path, "%s/products.0", folder);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mn_products_load(folder, 0, 0, 0, 0, NULL, &q, &err), MN_ERR_IO);
  cut(folder, "products.index", 1);
  assert_int_equal(mn_products_load(folder, 0, 0, 0, 0, NULL, &q, &err), MN_ERR_FORMAT);
  mn_products_remove(folder);
  assert_int_equal(mn_products_load(folder, 0, 0, 0, 0, NULL, &q, &err), MN_ERR_IO);
  mn_products_close(&p);
  features_close(f);
}

static int refuse(void *user, const mn_progress *p)
{
  int *left = user;
  (void)p;
  return (*left)-- <= 0;
}

/* What was kept before is whole after a save that was stopped. */
static void a_stopped_save_leaves_the_earlier_one(void **state)
{
  (void)state;
  features *f = features_of(9);
  const char *folder = mn_test_path("stopped");
  mn_products *p, *q, *whole = made(f, MN_F64);
  assert_int_equal(mn_products_open(N, M, TILE, MN_F64, DIM, "", &p, NULL), MN_OK);
  assert_int_equal(mn_products_add(p, 8, f->x, DIM, 2, NULL, NULL), MN_OK);
  assert_int_equal(mn_products_save(p, folder, NULL, NULL), MN_OK);
  int left = 0;
  mn_context ctx = {.threads = 2, .progress = refuse, .user = &left};
  assert_int_equal(mn_products_save(whole, folder, &ctx, NULL), MN_ERR_CANCELLED);
  assert_int_equal(mn_products_load(folder, 0, 0, 1, 1, NULL, &q, NULL), MN_OK);
  assert_int_equal(mn_products_get(q).done, 8);
  check_same(p, q, N, M);
  mn_products_close(&q);
  assert_int_equal(mn_products_save(whole, "/nonexistent/folder", NULL, NULL), MN_ERR_IO);
  mn_products_close(&p);
  mn_products_close(&whole);
  mn_products_remove(folder);
  features_close(f);
}

/* Neither data without an index, nor a temporary index. */
static void a_save_that_fails_leaves_nothing(void **state)
{
  (void)state;
  features *f = features_of(11);
  const char *folder = mn_test_path("fails");
  mn_products *p = made(f, MN_F32);
  mn_status st = MN_ERR_MEMORY;
  int failures = 0;
  for (long k = 0; st; k++) {
    mn_memory_fail_at(k);
    st = mn_products_save(p, folder, &(mn_context){.threads = 1}, NULL);
    mn_memory_fail_at(-1);
    if (st && rmdir(folder)) fail_msg("files are left when allocation %ld fails", k);
    failures += st != MN_OK;
  }
  assert_true(failures > 6);
  mn_products_close(&p);
  mn_products_remove(folder);
  features_close(f);
}

static void a_folder_in_use(void **state)
{
  (void)state;
  features *f = features_of(12);
  const char *folder = mn_test_path("used");
  mn_products *p = made(f, MN_F32), *other = made(f, MN_F64), *q;
  mn_error err;
  assert_int_equal(mn_products_save(p, folder, NULL, NULL), MN_OK);
  int fd = open(folder, O_RDONLY | O_DIRECTORY);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  assert_int_equal(mn_products_save(other, folder, NULL, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "in use by another process"));
  close(fd);
  assert_int_equal(mn_products_load(folder, 0, 0, 1, 0, NULL, &q, NULL), MN_OK);
  check_same(p, q, N, M);
  mn_products_close(&q);
  assert_int_equal(mn_products_save(other, folder, NULL, NULL), MN_OK);
  mn_products_close(&p);
  mn_products_close(&other);
  mn_products_remove(folder);
  features_close(f);
}

/* ---- allocations */

static mn_status everything(void *arg, mn_error *err)
{
  const features *f = arg;
  const char *folder = mn_test_path("allocations");
  mn_products *p, *q = NULL;
  mn_kernel kernel = kernel_of(MN_KERNEL_NTK);
  double v[N] = {0}, out[N];
  float one;
  const size_t at = 3;
  mn_status st = make(f, MN_F64, 25, 2, &p, err);
  if (!st) st = mn_products_normalise(p, err);
  if (!st) st = mn_products_save(p, folder, NULL, err);
  if (!st) st = mn_products_to_disk(p, NULL, NULL, err);
  if (!st) st = mn_products_load(folder, 20, 5, 1, 0, NULL, &q, err);
  if (!st) {
    mn_samples train = mn_products_train(p, N);
    st = mn_gram_multiply_symmetric(&train, &kernel, 2, NULL, "k", 1, v, out, err);
    if (!st) st = mn_gram_elements(&train, &kernel, 1, 1, &at, &at, &one, err);
  }
  mn_products_close(&p);
  mn_products_close(&q);
  mn_products_remove(folder);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  features *f = features_of(10);
  mn_test_every_allocation(everything, f);
  features_close(f);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kernel_in_memory_and_on_disk),
      cmocka_unit_test(threads_and_blocks),
      cmocka_unit_test(across),
      cmocka_unit_test(views),
      cmocka_unit_test(samples_of_norm_one),
      cmocka_unit_test(invalid_requests),
      cmocka_unit_test(saved_and_loaded),
      cmocka_unit_test(resumed),
      cmocka_unit_test(damage_is_found),
      cmocka_unit_test(a_stopped_save_leaves_the_earlier_one),
      cmocka_unit_test(a_save_that_fails_leaves_nothing),
      cmocka_unit_test(a_folder_in_use),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("products", tests, mn_test_dir_open, mn_test_dir_close);
}
