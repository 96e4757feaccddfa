/* A Gram matrix that is made when it is read: for the preconditioner of a system too large to keep K. */
#ifndef MN_SOLVE_MADE_GRAM_H
#define MN_SOLVE_MADE_GRAM_H

#include "linalg/symmetric.h"
#include "minnorm/kernel.h"
#include "minnorm/samples.h"

typedef struct {
  const mn_samples *samples;
  const mn_kernel *kernel;
  int threads;
  mn_panels *panels; /* of which one at a time has memory */
  float *buffer;     /* that memory */
} mn_made_gram;

/* Bytes that opening allocates, and at the peak of a call; samples as for mn_gram_fill_bytes. */
double mn_made_gram_bytes(const mn_samples *samples, int threads);

/* samples and kernel must outlive it. */
mn_status mn_made_gram_open(const mn_samples *samples, const mn_kernel *kernel, int threads, mn_made_gram **out,
                            mn_error *err);
void mn_made_gram_close(mn_made_gram **made);

/* Columns are made MN_LOW_RANK_BLOCK at a time at most. */
mn_symmetric mn_symmetric_of_gram(mn_made_gram *made);

#endif
