#include "solve/kept_factor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/md5.h"
#include "core/progress.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/products.h"

static void add_data(mn_md5 *md5, const mn_samples *x)
{
  mn_md5_add(md5, x->data->x, x->n * x->dim * mn_dtype_size(x->data->type));
  if (x->scaling->shift) mn_md5_add(md5, x->scaling->shift, x->scaling->dim * sizeof *x->scaling->shift);
  if (x->scaling->factor) mn_md5_add(md5, x->scaling->factor, x->scaling->dim * sizeof *x->scaling->factor);
}

/* MD5 of everything that the matrix depends on, as two numbers. */
static void make_key(const mn_system *s, double shift, uint64_t key[2])
{
  const mn_samples *x = &s->samples;
  const mn_kernel *k = &s->kernel;
  mn_md5 md5;
  char text[256], hex[33], half[17] = {0};
  int length = snprintf(text, sizeof text, "%zu %zu %d %d %d %a %a %d %d %a %a", x->n, x->dim,
                        x->products ? -1 : (int)x->data->type, x->products ? -1 : (int)x->scaling->kind, (int)k->name,
                        k->gamma, k->coef0, k->degree, k->depth, s->options.ridge, shift);
  mn_md5_open(&md5);
  mn_md5_add(&md5, text, (size_t)length);
  if (x->products)
    mn_products_sign(x, &md5);
  else
    add_data(&md5, x);
  mn_md5_close(&md5, hex);
  for (size_t h = 0; h < 2; h++) {
    unsigned long long value = 0;
    memcpy(half, hex + 16 * h, 16);
    sscanf(half, "%llx", &value);
    key[h] = value;
  }
}

mn_status mn_kept_factor_open(const mn_system *system, const char *folder, mn_store_mode mode, size_t width,
                              mn_dtype type, double shift, mn_panel_store **out, mn_error *err)
{
  mn_panel_store_id id = {.n = system->samples.n, .width = width, .type = type};
  make_key(system, shift, id.key);
  return mn_panel_store_open(folder, &id, mode, out, err);
}

int mn_kept_factor_exists(const mn_system *system, mn_dtype type, double shift)
{
  size_t n = system->samples.n;
  mn_panel_store_id id = {.n = n, .width = mn_panels_width(n), .type = type};
  make_key(system, shift, id.key);
  return mn_panel_store_exists(system->options.checkpoint, &id);
}

mn_status mn_kept_factor_resume(const mn_system *system, mn_dtype type, size_t count, const double *shifts,
                                size_t *which, mn_panel_store **out, mn_error *err)
{
  *which = 0;
  for (size_t i = 1; i < count; i++)
    if (mn_kept_factor_exists(system, type, shifts[i])) *which = i;
  return mn_kept_factor_open(system, system->options.checkpoint, MN_STORE_RESUME, mn_panels_width(system->samples.n),
                             type, shifts[*which], out, err);
}

/* The panels are filled already: with the whole matrix at hand its norm is to be had, and it is made in a fraction of
 * the time of the factor. */
static mn_status nothing_to_fill(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err)
{
  (void)arg, (void)panels, (void)first, (void)end, (void)err;
  return MN_OK;
}

mn_status mn_kept_factor_run(mn_system *system, mn_panels *panels, mn_panel_store *store, const mn_context *ctx,
                             size_t *pivot, mn_error *err)
{
  size_t finished = mn_panel_store_finished(store);
  system->report.resumed_panels = finished;
  if (finished) mn_log(ctx, "checkpoint: %zu of %zu panels are there already", finished, panels->count);
  return mn_cholesky_factor_checkpointed(panels, store, nothing_to_fill, NULL, system->threads, ctx, pivot, err);
}

/* Where a kernel overflows, the diagonal does: |K_ij|^2 <= K_ii K_jj. */
static mn_status check_diagonal(const mn_panels *p, size_t first, size_t end, mn_error *err)
{
  size_t last = end < p->count ? end * p->width : p->n;
  mn_status st = MN_OK;
  for (size_t i = first * p->width; !st && i < last; i++) {
    const void *at = mn_panels_at(p, i, i);
    st = mn_system_check_norm(p->type == MN_F64 ? *(const double *)at : (double)*(const float *)at, err);
  }
  return st;
}

mn_status mn_kept_factor_fill(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err)
{
  mn_kept_fill *fill = arg;
  mn_system *s = fill->system;
  double begin_s = mn_clock_s(), before_s = isnan(s->report.gram_s) ? 0 : s->report.gram_s;
  mn_status st =
      mn_gram_fill_panels(&s->samples, &s->kernel, s->options.ridge, s->threads, fill->ctx, panels, first, end, err);
  s->report.gram_s = before_s + mn_clock_s() - begin_s;
  return st ? st : check_diagonal(panels, first, end, err);
}

void mn_kept_factor_close(const mn_system *system, mn_panel_store **store)
{
  if (system->solved)
    mn_panel_store_remove(store, NULL); /* what cannot be removed is found, and removed, by the next run */
  else
    mn_panel_store_close(store);
}
