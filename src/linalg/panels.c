#include "linalg/panels.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "linalg/blas.h"

/* Rows rounded up to a cache line; an odd number of lines keeps columns from falling onto the same cache sets. */
static size_t leading_dimension(size_t rows, mn_dtype type)
{
  size_t line = 64 / mn_dtype_size(type), lines = (rows + line - 1) / line;
  return (lines | 1) * line;
}

static size_t panel_columns(size_t n, size_t width, size_t j)
{
  size_t left = n - j * width;
  return left < width ? left : width;
}

size_t mn_panels_bytes(size_t n, size_t width, mn_dtype type)
{
  size_t bytes = 0;
  for (size_t j = 0; j * width < n; j++)
    bytes += leading_dimension(n - j * width, type) * panel_columns(n, width, j) * mn_dtype_size(type);
  return bytes;
}

size_t mn_panels_width(size_t n)
{
  return n >= 16384 ? 1024 : n >= 6144 ? 512 : n >= 1024 ? 256 : 128;
}

static mn_status allocate(mn_panels *p, mn_error *err)
{
  p->owned = 1;
  for (size_t j = 0; j < p->count; j++) {
    size_t ld = leading_dimension(p->n - j * p->width, p->type), columns = panel_columns(p->n, p->width, j);
    size_t bytes = ld * columns * mn_dtype_size(p->type);
    p->panel[j] = (mn_panel){mn_alloc_matrix(bytes, 1), ld};
    if (!p->panel[j].p) return MN_NO_MEMORY(err, bytes);
  }
  return MN_OK;
}

mn_status mn_panels_open_empty(size_t n, size_t width, mn_dtype type, mn_panels **out, mn_error *err)
{
  *out = NULL;
  if (!n || !width || n > MN_BLAS_MAX)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "a matrix of order %zu with panels of %zu columns cannot be had", n, width);
  mn_panels *p = mn_calloc(1, sizeof *p);
  if (!p) return MN_NO_MEMORY(err, sizeof *p);
  *p = (mn_panels){.n = n, .width = width < n ? width : n, .type = type};
  p->count = (n + p->width - 1) / p->width;
  p->panel = mn_calloc(p->count, sizeof *p->panel);
  *out = p;
  if (!p->panel) {
    mn_panels_close(out);
    return MN_NO_MEMORY(err, 0);
  }
  return MN_OK;
}

mn_status mn_panels_open(size_t n, size_t width, mn_dtype type, mn_panels **out, mn_error *err)
{
  mn_status st = mn_panels_open_empty(n, width, type, out, err);
  if (!st) st = allocate(*out, err);
  if (st) mn_panels_close(out);
  return st;
}

mn_status mn_panels_populate(mn_panels *panels, int threads, const mn_context *ctx, mn_error *err)
{
  mn_meter meter;
  mn_meter_open(&meter, ctx, "memory", (double)mn_panels_bytes(panels->n, panels->width, panels->type), "byte");
  for (size_t j = 0; j < panels->count && !mn_meter_cancelled(&meter); j++) {
    size_t bytes = panels->panel[j].ld * mn_panels_rows(panels, j) * mn_dtype_size(panels->type);
    mn_memory_populate(panels->panel[j].p, bytes, threads);
    mn_meter_add(&meter, (double)bytes);
  }
  return mn_meter_close(&meter, err);
}

mn_status mn_panels_wrap(void *a, size_t n, size_t ld, size_t width, mn_dtype type, mn_panels **out, mn_error *err)
{
  mn_status st = mn_panels_open_empty(n, width, type, out, err);
  if (st) return st;
  mn_panels *p = *out;
  for (size_t j = 0; j < p->count; j++)
    p->panel[j] = (mn_panel){(char *)a + j * p->width * (ld + 1) * mn_dtype_size(type), ld};
  return MN_OK;
}

void mn_panels_close(mn_panels **panels)
{
  mn_panels *p = *panels;
  if (!p) return;
  if (p->panel && p->owned)
    for (size_t j = 0; j < p->count; j++) mn_free(p->panel[j].p);
  mn_free(p->panel);
  mn_free(p);
  *panels = NULL;
}

void *mn_panels_at(const mn_panels *panels, size_t i, size_t j)
{
  size_t panel = j / panels->width, first = panel * panels->width;
  const mn_panel *at = &panels->panel[panel];
  return (char *)at->p + ((j - first) * at->ld + (i - first)) * mn_dtype_size(panels->type);
}

size_t mn_panels_rows(const mn_panels *panels, size_t tile)
{
  return panel_columns(panels->n, panels->width, tile);
}

size_t mn_panels_tiles(const mn_panels *panels)
{
  return panels->count * (panels->count + 1) / 2;
}

size_t mn_panels_ticket(const mn_panels *panels, size_t tile_row, size_t panel)
{
  return panel * (2 * panels->count - panel + 1) / 2 + (tile_row - panel);
}

void mn_panels_tile_of(const mn_panels *panels, size_t ticket, size_t *tile_row, size_t *panel)
{
  size_t j = 0, height = panels->count;
  while (ticket >= height) {
    ticket -= height--;
    j++;
  }
  *panel = j;
  *tile_row = j + ticket;
}

static void copy_column(mn_dtype type, const void *from, size_t rows, float *restrict to)
{
  if (type == MN_F64)
    for (size_t i = 0; i < rows; i++) to[i] = (float)((const double *)from)[i];
  else
    memcpy(to, from, rows * sizeof *to);
}

void mn_panels_copy_shifted(const mn_panels *from, double shift, mn_panels *to, int threads)
{
  size_t n = from->n;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
  for (size_t j = 0; j < n; j++) copy_column(from->type, mn_panels_at(from, j, j), n - j, mn_panels_at(to, j, j));
  mn_panels_shift(to, shift);
}

void mn_panels_shift(mn_panels *panels, double shift)
{
  for (size_t i = 0; i < panels->n; i++) {
    void *at = mn_panels_at(panels, i, i);
    if (panels->type == MN_F64)
      *(double *)at += shift;
    else
      *(float *)at = (float)((double)*(float *)at + shift);
  }
}

/* Adds the magnitudes of one column below its diagonal to the sums of the rows; returns their total. */
static double add_column_f64(const double *a, size_t rows, double *sums)
{
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (size_t i = 0; i < rows; i++) {
    double magnitude = fabs(a[i]);
    total += magnitude;
    sums[i] += magnitude;
  }
  return total;
}

static double add_column_f32(const float *a, size_t rows, double *sums)
{
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (size_t i = 0; i < rows; i++) {
    double magnitude = fabs((double)a[i]);
    total += magnitude;
    sums[i] += magnitude;
  }
  return total;
}

/* Adds panel J to the sums of its columns and, off the diagonal, of its rows. */
static void add_panel(const mn_panels *p, size_t j, double *sums)
{
  size_t first = j * p->width, columns = mn_panels_rows(p, j);
  for (size_t c = first; c < first + columns; c++) {
    const void *a = mn_panels_at(p, c, c);
    size_t below = p->n - c - 1;
    sums[c] += p->type == MN_F64
                   ? fabs(*(const double *)a) + add_column_f64((const double *)a + 1, below, sums + c + 1)
                   : fabs((double)*(const float *)a) + add_column_f32((const float *)a + 1, below, sums + c + 1);
  }
}

mn_status mn_panels_norm1(const mn_panels *panels, int threads, double *out, mn_error *err)
{
  size_t n = panels->n;
  double *sums = mn_calloc(n * (size_t)threads, sizeof *sums);
  if (!sums) return MN_NO_MEMORY(err, n * (size_t)threads * sizeof *sums);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; t++)
    for (size_t j = (size_t)t; j < panels->count; j += (size_t)threads) add_panel(panels, j, sums + n * (size_t)t);
  double norm = 0;
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (int t = 0; t < threads; t++) sum += sums[n * (size_t)t + i];
    norm = sum > norm || isnan(sum) ? sum : norm;
  }
  mn_free(sums);
  *out = norm;
  return MN_OK;
}
