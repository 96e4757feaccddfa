/* What the files of this folder share. */
#ifndef MN_BENCH_BENCH_H
#define MN_BENCH_BENCH_H

#include "minnorm/bench.h"

/* The width of panels that was asked for, or that of a fit for 0; at most n. */
size_t mn_bench_width(size_t n, size_t wanted);

enum { MN_BENCH_COLUMNS = 10 }; /* right-hand sides, as many as digits */

#endif
