#define _GNU_SOURCE
#include "linalg/threads.h"

#include <dlfcn.h>
#include <omp.h>
#include <stdio.h>

typedef void (*set_int)(int);
typedef void (*set_long)(long);
typedef int (*get_int)(void);
typedef char *(*get_text)(void);

/* Looks a function up in what is loaded. ISO C has no cast from object to function pointer; POSIX guarantees this one.
 */
static void *symbol(const char *name)
{
  return dlsym(RTLD_DEFAULT, name);
}

#define CAST(type, pointer) (*(type *)&(pointer))

/* OpenBLAS's OpenMP build shares the caller's OpenMP setting: openblas_set_num_threads(1) would leave our own regions
 * with one thread, and is not needed, since it runs on one thread inside a parallel region. */
static int openblas_is_openmp(void)
{
  void *parallel = symbol("openblas_get_parallel");
  return parallel && CAST(get_int, parallel)() == 2;
}

void mn_threads_blas(int threads)
{
  void *openblas = symbol("openblas_set_num_threads"), *blis = symbol("bli_thread_set_num_threads");
  if (openblas && !openblas_is_openmp()) CAST(set_int, openblas)(threads);
  if (!openblas && blis) CAST(set_long, blis)((long)threads);
}

int mn_threads_open(const mn_context *ctx)
{
  mn_threads_blas(1);
  return ctx && ctx->threads > 0 ? ctx->threads : omp_get_max_threads();
}

const char *mn_threads_blas_name(void)
{
  static char name[192];
  void *config = symbol("openblas_get_config"), *core = symbol("openblas_get_corename");
  if (config && core) {
    static const char *const kinds[] = {"serial", "pthreads", "OpenMP"};
    void *parallel = symbol("openblas_get_parallel");
    int kind = parallel ? CAST(get_int, parallel)() : 0;
    snprintf(name, sizeof name, "%.100s (%.32s kernels, %s)", CAST(get_text, config)(), CAST(get_text, core)(),
             kind >= 0 && kind < 3 ? kinds[kind] : "unknown threads");
    return name;
  }
  void *version = symbol("bli_info_get_version_str");
  if (version) {
    snprintf(name, sizeof name, "BLIS %.100s", CAST(get_text, version)());
    return name;
  }
  return "reference or unknown";
}
