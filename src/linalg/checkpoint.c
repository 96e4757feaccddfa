#include "linalg/checkpoint.h"

#include "core/status.h"
#include "linalg/panel_store_threads.h"

static mn_status read_finished(mn_panels *panels, mn_panel_store *store, size_t count, const mn_context *ctx,
                               mn_error *err)
{
  mn_meter meter;
  double total = 0;
  for (size_t j = 0; j < count; j++) total += (double)mn_panel_store_bytes(store, j, j);
  mn_meter_open(&meter, ctx, "resume", total, "byte");
  for (size_t j = 0; j < count; j++) {
    mn_status st = mn_panel_store_read_panel(store, j, &panels->panel[j], &meter, err);
    if (st) return st;
  }
  return mn_meter_close(&meter, err);
}

static mn_status post(void *writer, size_t panel, mn_error *err)
{
  return mn_panel_writer_post(writer, panel, err);
}

static mn_status factor_from(mn_panels *panels, mn_panel_store *store, size_t first, int threads, const mn_context *ctx,
                             size_t *pivot, mn_error *err)
{
  mn_panel_writer *writer;
  mn_status st = mn_panel_writer_open(store, panels, &writer, err);
  if (st) return st;
  mn_meter meter;
  mn_cholesky_range range = {.begin = first, .end = panels->count, .done = post, .arg = writer};
  mn_meter_open(&meter, ctx, "factor", mn_cholesky_flops_from(panels->n, first * panels->width), "flop");
  st = mn_cholesky_factor_range(panels, &range, threads, &meter, pivot, err);
  if (!st) st = mn_panel_writer_drain(writer, &meter, err);
  mn_panel_writer_close(&writer);
  return st ? st : mn_meter_close(&meter, err);
}

mn_status mn_cholesky_factor_checkpointed(mn_panels *panels, mn_panel_store *store, mn_panels_fill fill, void *arg,
                                          int threads, const mn_context *ctx, size_t *pivot, mn_error *err)
{
  const mn_panels *shape = mn_panel_store_shape(store);
  size_t first = mn_panel_store_finished(store), count = panels->count;
  *pivot = SIZE_MAX;
  if (shape->n != panels->n || shape->width != panels->width || shape->type != panels->type)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "panels and the store that is to keep them differ in shape");
  mn_status st = first ? read_finished(panels, store, first, ctx, err) : MN_OK;
  if (st || first == count) return st;
  st = fill(arg, panels, first, count, err);
  return st ? st : factor_from(panels, store, first, threads, ctx, pivot, err);
}
