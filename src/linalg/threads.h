/* One place decides about threads: minnorm's own OpenMP threads make single-threaded BLAS calls on tiles, whatever BLAS
 * the system has selected; the few LAPACK routines on whole matrices (LU, eigenvalues) get the BLAS's own threads. */
#ifndef MN_LINALG_THREADS_H
#define MN_LINALG_THREADS_H

#include "minnorm/context.h"

/* Every entry point of the library calls this first: BLAS calls run on one thread from here on. Returns the number of
 * threads to use: what the context asks for (ctx may be NULL), else what OpenMP would take (cores, OMP_NUM_THREADS). */
int mn_threads_open(const mn_context *ctx);

/* Sets the number of threads inside BLAS calls, where the BLAS has such a control. For whole-matrix LAPACK calls,
 * undone with 1. Debian's BLIS has none: its calls run on one thread from the first mn_threads_open on. */
void mn_threads_blas(int threads);

/* The library that BLAS calls reach: "OpenBLAS 0.3.21 ... pthreads", "BLIS, OpenMP (PATH)", "reference BLAS (PATH)",
 * "unknown BLAS (PATH)". Static string. */
const char *mn_threads_blas_name(void);

#endif
