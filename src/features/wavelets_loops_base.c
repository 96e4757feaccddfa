/* The loops of the wavelet maps for every processor. */
#include "features/wavelets.h"

enum { LANES = 4 };
typedef float vec __attribute__((vector_size(16)));

#define MN_LOOPS mn_wavelet_loops_base
#include "features/wavelets_loops_body.h"
