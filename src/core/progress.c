#include "core/progress.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/status.h"

static const double report_interval_s = 0.05;

/* Calls back unless another thread is doing so. */
static void report(mn_meter *meter)
{
  if (!meter->ctx || !meter->ctx->progress || atomic_flag_test_and_set(&meter->busy)) return;
  double now_s = mn_clock_s(), done = atomic_load(&meter->done);
  int finished = done >= meter->total;
  if (finished || now_s - meter->last_s >= report_interval_s) {
    mn_progress p = {meter->phase, done, meter->total, meter->unit};
    meter->last_s = now_s;
    if (meter->ctx->progress(meter->ctx->user, &p)) atomic_store(&meter->cancelled, 1);
  }
  atomic_flag_clear(&meter->busy);
}

void mn_meter_open(mn_meter *meter, const mn_context *ctx, const char *phase, double total, const char *unit)
{
  *meter = (mn_meter){.ctx = ctx, .phase = phase, .unit = unit, .total = total, .busy = ATOMIC_FLAG_INIT};
  report(meter);
}

int mn_meter_add(mn_meter *meter, double amount)
{
  double done = atomic_load(&meter->done);
  while (!atomic_compare_exchange_weak(&meter->done, &done, done + amount)) {}
  report(meter);
  return mn_meter_cancelled(meter);
}

mn_status mn_meter_close(mn_meter *meter, mn_error *err)
{
  if (!mn_meter_cancelled(meter)) {
    atomic_store(&meter->done, meter->total);
    report(meter);
  }
  return mn_meter_cancelled(meter) ? MN_FAIL(err, MN_ERR_CANCELLED, "stopped during %s", meter->phase) : MN_OK;
}

int mn_meter_cancelled(const mn_meter *meter)
{
  return atomic_load(&meter->cancelled);
}

void mn_log(const mn_context *ctx, const char *format, ...)
{
  if (!ctx || !ctx->log) return;
  char line[512];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  ctx->log(ctx->user, line);
}
