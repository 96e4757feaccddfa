#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "core/memory.h"
#include "gram/kernels.h"
#include "linalg/threads.h"
#include "minnorm/bench.h"

#ifndef MINNORM_VERSION
#define MINNORM_VERSION "unknown"
#endif

/* The instruction sets whose transforms this processor runs, best last. */
static void list_features(mn_info *out)
{
  size_t count = 0;
  for (int level = 0; level < MN_KERNEL_LEVELS; level++) {
    const mn_kernel_level *row = mn_kernel_level_get(level);
    if (row) out->features[count++] = row->name;
  }
  out->features[count] = NULL;
}

void mn_info_get(mn_info *out)
{
  *out = (mn_info){.version = MINNORM_VERSION, .threads = mn_threads_open(NULL)};
  out->threads_most = mn_threads_open(&(mn_context){.threads = INT_MAX});
  snprintf(out->blas, sizeof out->blas, "%s", mn_threads_blas_name());
  snprintf(out->compiler, sizeof out->compiler, "%.60s", __VERSION__);
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  out->memory_total = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
  out->memory_available = mn_memory_available();
  list_features(out);
}
