/* Candidates for kernel parameters and ridge, judged by leave-one-out on some of the training samples: the inner
 * products are made once, a candidate is one factorisation and the diagonal of its inverse, in fp64. */
#ifndef MN_MODEL_SEARCH_H
#define MN_MODEL_SEARCH_H

#include "gram/kernels.h"
#include "linalg/panels.h"
#include "model/model.h"

typedef struct {
  const mn_fit_options *options; /* of which kernel and seed count */
  const mn_kernel_row *row;
  int threads;
  mn_context inner; /* of the passes */
  mn_data *drawn;
  size_t *kept; /* n: rows of kept products that were drawn instead */
  mn_samples samples;
  size_t outputs;
  const double *offset; /* outputs, what was subtracted from y */
  double *y;            /* n x outputs */
  double *alpha;        /* n x outputs */
  double *inverse;      /* n: diagonal of (K + ridge I)^-1 */
  double *norms;        /* n */
  mn_panels *dots;      /* inner products, kept for all candidates */
  mn_panels *k;
} mn_search;

/* Draws at most `most` samples without replacement and makes their inner products; options, row, threads and inner are
 * the caller's to set before. Release in any case. */
mn_status mn_search_open(mn_search *search, const mn_samples *samples, const mn_encoded *encoded, size_t most,
                         mn_error *err);
void mn_search_close(mn_search *search);

/* The median of what gamma multiplies, over at most 1,000 samples; 1 where that is 0. */
mn_status mn_search_median(const mn_search *search, double *median, mn_error *err);

/* Leave-one-out of a candidate: all NaN when it is singular to working precision. */
typedef struct {
  double loo_mse, loo_error; /* as in mn_gamma_point */
  double gcv;                /* as in mn_leave_one_out */
} mn_search_score;
mn_status mn_search_try(mn_search *search, const mn_kernel *kernel, double ridge, int classes, mn_search_score *score,
                        mn_error *err);

#endif
