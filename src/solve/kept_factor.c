#include "solve/kept_factor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/md5.h"
#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/kernels.h"

static void add_scaling(mn_md5 *md5, const mn_scaling *scaling)
{
  if (scaling->shift) mn_md5_add(md5, scaling->shift, scaling->dim * sizeof *scaling->shift);
  if (scaling->factor) mn_md5_add(md5, scaling->factor, scaling->dim * sizeof *scaling->factor);
}

/* MD5 of everything that the matrix depends on, as two numbers. */
static void make_key(const mn_system *s, double shift, uint64_t key[2])
{
  const mn_samples *x = &s->samples;
  const mn_kernel *k = &s->kernel;
  mn_md5 md5;
  char text[256], hex[33], half[17] = {0};
  int length =
      snprintf(text, sizeof text, "%zu %zu %d %d %d %a %a %d %d %a %a", x->n, x->dim, (int)x->data->type,
               (int)x->scaling->kind, (int)k->name, k->gamma, k->coef0, k->degree, k->depth, s->options.ridge, shift);
  mn_md5_open(&md5);
  mn_md5_add(&md5, text, (size_t)length);
  mn_md5_add(&md5, x->data->x, x->n * x->dim * mn_dtype_size(x->data->type));
  add_scaling(&md5, x->scaling);
  mn_md5_close(&md5, hex);
  for (size_t h = 0; h < 2; h++) {
    unsigned long long value = 0;
    memcpy(half, hex + 16 * h, 16);
    sscanf(half, "%llx", &value);
    key[h] = value;
  }
}

mn_status mn_kept_factor_open(const mn_system *system, const char *folder, mn_store_mode mode, mn_dtype type,
                              double shift, mn_panel_store **out, mn_error *err)
{
  size_t n = system->samples.n;
  mn_panel_store_id id = {.n = n, .width = mn_panels_width(n), .type = type};
  make_key(system, shift, id.key);
  return mn_panel_store_open(folder, &id, mode, out, err);
}

mn_status mn_kept_factor_fill(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err)
{
  mn_kept_fill *fill = arg;
  mn_system *s = fill->system;
  double begin_s = mn_clock_s(), ridge = s->options.ridge + fill->shift;
  mn_status st = mn_gram_fill_panels(&s->samples, &s->kernel, ridge, s->threads, fill->ctx, panels, first, end, err);
  double before = isnan(s->report.gram_s) ? 0 : s->report.gram_s;
  s->report.gram_s = before + mn_clock_s() - begin_s;
  return st;
}

mn_status mn_kept_factor_norm1(const mn_system *system, const mn_context *ctx, double *norm1, mn_error *err)
{
  size_t n = system->samples.n;
  double *sums = mn_alloc(2 * n, sizeof *sums), *ones = sums ? sums + n : NULL;
  *norm1 = (double)NAN;
  if (!sums) return MN_NO_MEMORY(err, 2 * n * sizeof *sums);
  mn_status st = MN_OK;
  if (mn_kernel_nonnegative(&system->kernel)) {
    for (size_t i = 0; i < n; i++) ones[i] = 1;
    st =
        mn_gram_multiply_symmetric(&system->samples, &system->kernel, system->threads, ctx, "norm", 1, ones, sums, err);
    *norm1 = 0;
    for (size_t i = 0; !st && i < n; i++) *norm1 = fmax(*norm1, sums[i] + system->options.ridge);
  }
  mn_free(sums);
  return st;
}
