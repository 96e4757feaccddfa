/* What the files of this folder share. */
#ifndef MN_BENCH_BENCH_H
#define MN_BENCH_BENCH_H

#include "minnorm/bench.h"

enum { MN_BENCH_COLUMNS = 10 }; /* right-hand sides, as many as digits */

#endif
