/* One place decides about threads: minnorm's own OpenMP threads make single-threaded BLAS calls on tiles, whatever BLAS
 * the system has selected; the few LAPACK routines on whole matrices (LU, eigenvalues) get the BLAS's own threads. */
#ifndef MN_LINALG_THREADS_H
#define MN_LINALG_THREADS_H

#include "minnorm/context.h"

/* Every entry point of the library calls this first: BLAS calls run on one thread from here on. Returns the number of
 * threads to use: what the context asks for (ctx may be NULL), else what OpenMP would take (cores, OMP_NUM_THREADS); no
 * more than OpenBLAS was built for (64 in Debian). */
int mn_threads_open(const mn_context *ctx);

/* Stand around each BLAS or LAPACK call: `threads` inside of it, where the BLAS has such a control; 1 for tiles, more
 * for whole matrices. end gets what begin returned. OpenBLAS on OpenMP obeys the calling thread's own OpenMP setting
 * alone, which is therefore changed for the length of the call. Debian's BLIS has no control: its calls run on one
 * thread from the first mn_threads_open on. */
int mn_threads_blas_begin(int threads);
void mn_threads_blas_end(int before);

/* The library that BLAS calls reach: "OpenBLAS 0.3.21 ... pthreads", "BLIS, OpenMP (PATH)", "reference BLAS (PATH)",
 * "unknown BLAS (PATH)". Static string. */
const char *mn_threads_blas_name(void);

#endif
