/* Peer: LAPACK's dposv (Cholesky) or dsposv (Cholesky in fp32, refined in fp64) on a Gram matrix made by dgemm.
 *
 *   peer_lapack dposv|dsposv X.npy y.npy TEST.npy GAMMA RIDGE OUT     -> OUT.alpha.npy, OUT.scores.npy
 *
 * BLAS and LAPACK are what the system has selected, loaded at run time: no development files are needed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10 };

typedef void (*gemm_call)(const char *ta, const char *tb, const int *m, const int *n, const int *k, const double *alpha,
                          const double *a, const int *lda, const double *b, const int *ldb, const double *beta,
                          double *c, const int *ldc, size_t, size_t);
typedef void (*posv_call)(const char *uplo, const int *n, const int *columns, double *a, const int *lda, double *b,
                          const int *ldb, int *info, size_t);
typedef void (*mixed_posv_call)(const char *uplo, const int *n, const int *columns, double *a, const int *lda,
                                const double *b, const int *ldb, double *x, const int *ldx, double *work, float *swork,
                                int *iterations, int *info, size_t);

/* A matrix stored row after row. */
typedef struct {
  size_t rows, columns;
  double *p;
} matrix;

static void fail(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  fputs("peer_lapack: ", stderr);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

static void *allocate(size_t count, size_t size)
{
  void *p = malloc(count * size + 1);
  if (!p) fail("out of memory for %zu elements", count);
  return p;
}

static void *symbol(const char *library, const char *name)
{
  void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL), *found = handle ? dlsym(handle, name) : NULL;
  if (!found) fail("%s has no %s", library, name);
  return found;
}

/* Header of an .npy file: its shape into `m`, its type as "u1". */
static void read_header(FILE *f, const char *path, matrix *m, char type[3])
{
  unsigned char start[10];
  char text[4096] = "";
  if (fread(start, 1, 10, f) != 10 || memcmp(start + 1, "NUMPY", 5) || start[6] != 1) fail("%s: not NPY 1.0", path);
  size_t length = start[8] + 256u * start[9];
  if (length >= sizeof text || fread(text, 1, length, f) != length) fail("%s: header", path);
  const char *descr = strstr(text, "'descr': '"), *shape = strstr(text, "'shape': (");
  size_t plane = 1; /* images have three dimensions */
  m->columns = 1;
  if (!descr || !shape || sscanf(shape, "'shape': (%zu, %zu, %zu", &m->rows, &m->columns, &plane) < 1)
    fail("%s: header", path);
  m->columns *= plane;
  memcpy(type, descr + strlen("'descr': '") + 1, 2);
  type[2] = '\0';
}

static double element(const char *type, const unsigned char *p)
{
  int64_t integer;
  double real;
  if (!strcmp(type, "u1")) return *p;
  memcpy(&integer, p, sizeof integer);
  memcpy(&real, p, sizeof real);
  return strcmp(type, "i8") ? real : (double)integer;
}

/* Every element divided by `divisor`. */
static matrix read_npy(const char *path, double divisor)
{
  FILE *f = fopen(path, "rb");
  matrix m;
  char type[3];
  if (!f) fail("%s cannot be opened", path);
  read_header(f, path, &m, type);
  size_t size = (size_t)(type[1] - '0'), count = m.rows * m.columns;
  unsigned char *bytes = allocate(count, size);
  if (fread(bytes, size, count, f) != count) fail("%s: too short", path);
  m.p = allocate(count, sizeof *m.p);
  for (size_t i = 0; i < count; i++) m.p[i] = element(type, bytes + i * size) / divisor;
  free(bytes);
  fclose(f);
  return m;
}

/* a: column-major. */
static void write_npy(const char *prefix, const char *name, size_t rows, size_t columns, const double *a)
{
  char path[4096], header[118];
  snprintf(path, sizeof path, "%s.%s.npy", prefix, name);
  FILE *f = fopen(path, "wb");
  if (!f) fail("%s cannot be written", path);
  int used =
      snprintf(header, sizeof header, "{'descr': '<f8', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
  memset(header + used, ' ', sizeof header - (size_t)used);
  header[sizeof header - 1] = '\n';
  fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, f); /* 118 bytes follow */
  fwrite(header, 1, sizeof header, f);
  for (size_t i = 0; i < rows; i++)
    for (size_t c = 0; c < columns; c++) fwrite(&a[i + c * rows], sizeof *a, 1, f);
  if (ferror(f) | fclose(f)) fail("%s cannot be written", path);
}

static double *squared_norms(const matrix *x)
{
  double *norms = allocate(x->rows, sizeof *norms);
  for (size_t i = 0; i < x->rows; i++) {
    norms[i] = 0;
    for (size_t j = 0; j < x->columns; j++) norms[i] += x->p[i * x->columns + j] * x->p[i * x->columns + j];
  }
  return norms;
}

/* k (a->rows x b->rows, column-major) = exp(-gamma r^2). */
static void gram(const matrix *a, const matrix *b, double gamma, double *k)
{
  gemm_call gemm;
  *(void **)&gemm = symbol("libblas.so.3", "dgemm_");
  int m = (int)a->rows, n = (int)b->rows, dim = (int)a->columns;
  const double one = 1, zero = 0;
  double *na = squared_norms(a), *nb = squared_norms(b);
  gemm("T", "N", &m, &n, &dim, &one, a->p, &dim, b->p, &dim, &zero, k, &m, 1, 1);
#pragma omp parallel for schedule(static)
  for (size_t j = 0; j < b->rows; j++) {
    double *column = k + j * a->rows;
    for (size_t i = 0; i < a->rows; i++) column[i] = exp(-gamma * fmax(na[i] + nb[j] - 2 * column[i], 0));
  }
  free(na);
  free(nb);
}

static double *one_hot(const matrix *labels)
{
  double *y = allocate(labels->rows * CLASSES, sizeof *y);
  for (size_t c = 0; c < CLASSES; c++)
    for (size_t i = 0; i < labels->rows; i++) y[i + c * labels->rows] = labels->p[i] == (double)c;
  return y;
}

static void solve_double(int n, double *k, double *y)
{
  posv_call posv;
  *(void **)&posv = symbol("liblapack.so.3", "dposv_");
  int columns = CLASSES, info;
  posv("L", &n, &columns, k, &n, y, &n, &info, 1);
  if (info) fail("dposv: info %d", info);
}

static void solve_mixed(int n, double *k, double *y)
{
  mixed_posv_call posv;
  *(void **)&posv = symbol("liblapack.so.3", "dsposv_");
  int columns = CLASSES, info, iterations;
  size_t order = (size_t)n, count = order * CLASSES;
  double *work = allocate(2 * count, sizeof *work), *x = work + count;
  float *swork = allocate(order * (order + CLASSES), sizeof *swork);
  posv("L", &n, &columns, k, &n, y, &n, x, &n, work, swork, &iterations, &info, 1);
  if (info) fail("dsposv: info %d", info);
  printf("dsposv: %d iterations%s\n", iterations, iterations < 0 ? ": fell back to double precision" : "");
  memcpy(y, x, count * sizeof *y);
  free(work);
  free(swork);
}

/* scores (m x CLASSES) = k (m x n) alpha. */
static double *multiply(size_t m, size_t n, const double *k, const double *alpha)
{
  gemm_call gemm;
  *(void **)&gemm = symbol("libblas.so.3", "dgemm_");
  int rows = (int)m, columns = CLASSES, inner = (int)n;
  const double one = 1, zero = 0;
  double *scores = allocate(m * CLASSES, sizeof *scores);
  gemm("N", "N", &rows, &columns, &inner, &one, k, &rows, alpha, &inner, &zero, scores, &rows, 1, 1);
  return scores;
}

int main(int argc, char **argv)
{
  if (argc != 8) fail("peer_lapack dposv|dsposv X.npy y.npy TEST.npy GAMMA RIDGE OUT");
  double gamma = strtod(argv[5], NULL), ridge = strtod(argv[6], NULL);
  matrix x = read_npy(argv[2], 255), labels = read_npy(argv[3], 1), test = read_npy(argv[4], 255);
  size_t n = x.rows, m = test.rows;
  if (labels.rows != n || test.columns != x.columns || n > INT32_MAX || m > INT32_MAX) fail("shapes do not fit");
  double *k = allocate(n * (n > m ? n : m), sizeof *k), *alpha = one_hot(&labels);
  gram(&x, &x, gamma, k);
  for (size_t i = 0; i < n; i++) k[i * (n + 1)] += ridge;
  (strcmp(argv[1], "dsposv") ? solve_double : solve_mixed)((int)n, k, alpha);
  write_npy(argv[7], "alpha", n, CLASSES, alpha);
  gram(&test, &x, gamma, k);
  double *scores = multiply(m, n, k, alpha);
  write_npy(argv[7], "scores", m, CLASSES, scores);
  free(scores);
  free(alpha);
  free(k);
  free(x.p);
  free(labels.p);
  free(test.p);
  return 0;
}
