#include "features/whiten.h"

#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/dense.h"

enum { CHUNK = 256 };

/* Patches are normalised a chunk at a time; then each thread adds whole rows of the matrix. */
typedef struct {
  const mn_patches *patches;
  size_t taps, count;
  mn_patch_norm norm;
  double constant;
  int threads;
  double *chunk;  /* CHUNK x taps */
  float *scratch; /* threads x (dim + taps) */
  double *sum;    /* taps */
  double *outer;  /* taps x taps, lower triangle in rows */
} pass;

static mn_status open_pass(pass *p, mn_error *err)
{
  size_t taps = p->taps, scratch = (p->patches->train->dim + taps) * (size_t)p->threads;
  p->chunk = mn_alloc_matrix(CHUNK * taps, sizeof *p->chunk);
  p->scratch = mn_alloc_matrix(scratch, sizeof *p->scratch);
  p->outer = mn_alloc_matrix(taps * taps, sizeof *p->outer);
  if (!p->chunk || !p->scratch || !p->outer)
    return MN_NO_MEMORY(err, (CHUNK + taps) * taps * sizeof(double) + scratch * sizeof(float));
  memset(p->outer, 0, taps * taps * sizeof *p->outer);
  return MN_OK;
}

static void close_pass(pass *p)
{
  mn_free(p->chunk);
  mn_free(p->scratch);
  mn_free(p->outer);
}

static void read_patch(const pass *p, size_t i, float *image, double *out)
{
  float *elements = image + p->patches->train->dim;
  mn_patches_read(p->patches, i, image, elements);
  for (size_t k = 0; k < p->taps; k++) out[k] = p->patches->unit * (double)elements[k];
  mn_patches_normalise(p->norm, p->constant, p->taps, out);
}

static void add_row(const pass *p, size_t rows, size_t k)
{
  double *restrict out = p->outer + k * p->taps;
  for (size_t i = 0; i < rows; i++) {
    const double *restrict x = p->chunk + i * p->taps, xk = x[k];
    p->sum[k] += xk;
    for (size_t j = 0; j <= k; j++) out[j] += xk * x[j];
  }
}

static void add_chunk(const pass *p, size_t first)
{
  size_t rows = p->count - first < CHUNK ? p->count - first : CHUNK, each = p->patches->train->dim + p->taps;
#pragma omp parallel num_threads(p->threads)
  {
    float *mine = p->scratch + each * (size_t)omp_get_thread_num();
#pragma omp for schedule(static)
    for (size_t i = 0; i < rows; i++) read_patch(p, first + i, mine, p->chunk + i * p->taps);
#pragma omp for schedule(dynamic, 4)
    for (size_t k = 0; k < p->taps; k++) add_row(p, rows, k);
  }
}

/* Sums become the mean and the second moment about it, or about 0. */
static void finish(const pass *p, int center)
{
  size_t taps = p->taps;
  double n = (double)p->count;
  for (size_t k = 0; k < taps; k++) p->sum[k] = center ? p->sum[k] / n : 0;
  for (size_t k = 0; k < taps; k++)
    for (size_t j = 0; j <= k; j++)
      p->outer[k * taps + j] = p->outer[j * taps + k] = p->outer[k * taps + j] / n - p->sum[k] * p->sum[j];
}

/* square = V (E + epsilon)^-1 V', v column-major with ascending values. */
static void invert(size_t taps, const double *v, const double *values, double epsilon, double *square)
{
  double least = (double)taps * 0x1p-52 * values[taps - 1];
  memset(square, 0, taps * taps * sizeof *square);
  for (size_t e = 0; e < taps; e++) {
    double value = values[e] > least ? values[e] : 0;
    if (!(value + epsilon > 0)) continue;
    for (size_t k = 0; k < taps; k++)
      for (size_t j = 0; j < taps; j++) square[k * taps + j] += v[e * taps + k] * v[e * taps + j] / (value + epsilon);
  }
}

mn_status mn_whitening_open(const mn_patches *patches, size_t count, mn_patch_norm norm, double constant, int center,
                            double epsilon, int threads, mn_whitening *out, mn_error *err)
{
  size_t taps = patches->taps;
  pass p = {.patches = patches, .taps = taps, .count = count, .norm = norm, .constant = constant, .threads = threads};
  double *values = NULL;
  *out = (mn_whitening){mn_calloc(taps, sizeof *out->mean), mn_alloc_matrix(taps * taps, sizeof *out->square)};
  p.sum = out->mean;
  mn_status st = open_pass(&p, err);
  if (st) goto done;
  if (!out->mean || !out->square || !(values = mn_alloc(taps, sizeof *values))) {
    st = MN_NO_MEMORY(err, (taps + 2) * taps * sizeof *values);
    goto done;
  }
  for (size_t first = 0; first < count; first += CHUNK) add_chunk(&p, first);
  finish(&p, center);
  if ((st = mn_eigen_factor(taps, p.outer, values, 1, err))) goto done; /* more threads would round otherwise */
  invert(taps, p.outer, values, epsilon, out->square);
done:
  mn_free(values);
  close_pass(&p);
  if (st) mn_whitening_close(out);
  return st;
}

void mn_whitening_close(mn_whitening *w)
{
  mn_free(w->mean);
  mn_free(w->square);
  *w = (mn_whitening){0};
}
