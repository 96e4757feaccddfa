/* How a call is run: number of threads, and the callback that shows progress and can cancel. */
#ifndef MINNORM_CONTEXT_H
#define MINNORM_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* One step of a long computation. `done` runs from 0 to `total`, both in `unit`s ("flop", "sample", "byte", "step"). */
typedef struct {
  const char *phase; /* "gram", "factor", "solve", "residual", "predict", "bandwidth", ... */
  double done;
  double total;
  const char *unit;
} mn_progress;

/* Called from one thread at a time, at least ten times a second in the long phases. Non-zero cancels the computation,
 * which then returns MN_ERR_CANCELLED. */
typedef int (*mn_progress_fn)(void *user, const mn_progress *progress);

/* A remark that is not an error: a fallback, a default that was chosen, an ignored sample. One line, no newline. */
typedef void (*mn_log_fn)(void *user, const char *line);

/* The library's calls may be made from several threads, but not at the same time: they share OpenMP's threads, and set
 * the number of threads inside the system's BLAS, to 1 but for LAPACK routines on whole matrices. Those cannot be
 * cancelled while they run: LU, eigenvalues and singular values.
 *
 * All members may be zero: every core, no progress, no log. */
typedef struct {
  int threads; /* 0: as many as the machine has; in either case no more than OpenBLAS was built for (64 in Debian) */
  mn_progress_fn progress;
  mn_log_fn log;
  void *user;          /* handed to both callbacks */
  size_t memory_bytes; /* budget of the whole process, for data sets to be read; 0: what the machine has available */
} mn_context;

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
