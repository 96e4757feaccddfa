/* Reporting progress from code that several threads run. */
#ifndef MN_CORE_PROGRESS_H
#define MN_CORE_PROGRESS_H

#include <stdatomic.h>

#include "minnorm/context.h"
#include "minnorm/status.h"

/* Lives on the stack of the call that reports. */
typedef struct {
  const mn_context *ctx; /* may be NULL */
  const char *phase;
  const char *unit;
  double total;
  double last_s; /* time of the last report */
  _Atomic double done;
  atomic_flag busy; /* one thread at a time calls back */
  atomic_int cancelled;
} mn_meter;

/* Starts at 0 and reports that. */
void mn_meter_open(mn_meter *meter, const mn_context *ctx, const char *phase, double total, const char *unit);

/* Adds `amount`, reports at most every 50 ms. Any thread; returns non-zero once the computation is cancelled. */
int mn_meter_add(mn_meter *meter, double amount);

/* Reports the end and returns MN_OK, or MN_ERR_CANCELLED with `err` filled. */
mn_status mn_meter_close(mn_meter *meter, mn_error *err);

/* Non-zero once cancelled. */
int mn_meter_cancelled(const mn_meter *meter);

/* Sends one formatted line to the log callback, if there is one. */
void mn_log(const mn_context *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
