#include "solve/made_gram.h"

#include <stdint.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "linalg/low_rank.h"

enum { WIDTH = 512 }; /* of a panel */

static size_t width_of(size_t n)
{
  return n < WIDTH ? n : WIDTH;
}

static double later_of(double a, double b)
{
  return a > b ? a : b;
}

double mn_made_gram_bytes(const mn_samples *samples, int threads)
{
  mn_samples few = *samples;
  size_t n = samples->n, block = few.n = n < MN_LOW_RANK_BLOCK ? n : MN_LOW_RANK_BLOCK;
  double panel = (double)n * (double)width_of(n) * sizeof(float);
  size_t row = samples->products ? 1 : samples->dim;
  double columns =
      (double)block * (double)(n + row + block) * sizeof(double) + mn_gram_multiply_bytes(samples, &few, threads);
  return panel + later_of(mn_gram_fill_bytes(samples, width_of(n), MN_F32, threads), columns);
}

/* The samples of these rows: their data copied to `rows`, or a list of kept ones. */
static mn_status take_rows(const mn_samples *samples, size_t count, const size_t *which, mn_data *rows, mn_samples *few,
                           mn_error *err)
{
  *few = *samples;
  few->n = count;
  if (samples->products) {
    size_t *list = mn_alloc(count, sizeof *list);
    few->rows = list;
    if (!list) return MN_NO_MEMORY(err, count * sizeof *list);
    for (size_t k = 0; k < count; k++) list[k] = samples->rows ? samples->rows[which[k]] : samples->first + which[k];
    return MN_OK;
  }
  size_t bytes = samples->dim * mn_dtype_size(samples->data->type);
  *rows = *samples->data;
  rows->n = count, rows->columns = 0, rows->y = NULL;
  few->data = rows;
  if (!(rows->x = mn_alloc(count, bytes))) return MN_NO_MEMORY(err, count * bytes);
  for (size_t k = 0; k < count; k++)
    memcpy((char *)rows->x + k * bytes, (const char *)samples->data->x + which[k] * bytes, bytes);
  return MN_OK;
}

static void release_rows(mn_data *rows, const mn_samples *few)
{
  if (few->products)
    mn_free((void *)(uintptr_t)few->rows); /* our own list */
  else
    mn_free(rows->x);
}

/* K of all samples and these, as a product with the identity. */
static mn_status columns(void *arg, size_t count, const size_t *which, float *out, mn_error *err)
{
  mn_made_gram *m = arg;
  size_t n = m->samples->n;
  mn_data rows = {0};
  mn_samples few;
  double *one = mn_calloc(count * count, sizeof *one), *k = mn_alloc_matrix(n * count, sizeof *k);
  mn_status st = take_rows(m->samples, count, which, &rows, &few, err);
  if (!st && (!one || !k)) st = MN_NO_MEMORY(err, n * count * sizeof *k);
  if (!st) {
    for (size_t i = 0; i < count; i++) one[i * (count + 1)] = 1;
    st = mn_gram_multiply(m->samples, &few, m->kernel, m->threads, NULL, "precondition", count, one, k, err);
  }
  for (size_t e = 0; !st && e < n * count; e++) out[e] = (float)k[e];
  release_rows(&rows, &few);
  mn_free(one);
  mn_free(k);
  return st;
}

static mn_status elements(void *arg, size_t count, const size_t *i, const size_t *j, float *out, mn_error *err)
{
  mn_made_gram *m = arg;
  return mn_gram_elements(m->samples, m->kernel, m->threads, count, i, j, out, err);
}

static mn_status panel(void *arg, size_t j, const mn_panels **out, mn_error *err)
{
  mn_made_gram *m = arg;
  mn_panels *p = m->panels;
  for (size_t k = 0; k < p->count; k++) p->panel[k] = (mn_panel){0};
  p->panel[j] = (mn_panel){m->buffer, p->n - j * p->width};
  *out = p;
  return mn_gram_fill_panels(m->samples, m->kernel, 0, m->threads, NULL, p, j, j + 1, err);
}

mn_status mn_made_gram_open(const mn_samples *samples, const mn_kernel *kernel, int threads, mn_made_gram **out,
                            mn_error *err)
{
  size_t n = samples->n, width = width_of(n);
  mn_made_gram *m = mn_calloc(1, sizeof *m);
  *out = NULL;
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  *m = (mn_made_gram){.samples = samples, .kernel = kernel, .threads = threads};
  m->buffer = mn_alloc_matrix(n * width, sizeof *m->buffer);
  mn_status st = m->buffer ? mn_panels_open_empty(n, width, MN_F32, &m->panels, err)
                           : MN_NO_MEMORY(err, n * width * sizeof *m->buffer);
  if (st)
    mn_made_gram_close(&m);
  else
    *out = m;
  return st;
}

void mn_made_gram_close(mn_made_gram **made)
{
  if (!*made) return;
  mn_panels_close(&(*made)->panels);
  mn_free((*made)->buffer);
  mn_free(*made);
  *made = NULL;
}

mn_symmetric mn_symmetric_of_gram(mn_made_gram *made)
{
  return (mn_symmetric){.n = made->samples->n,
                        .arg = made,
                        .columns = columns,
                        .elements = elements,
                        .panel = panel,
                        .panels = made->panels->count};
}
