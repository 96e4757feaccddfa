#define _GNU_SOURCE
#include "linalg/threads.h"

#include <dlfcn.h>
#include <limits.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/lapack.h"

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

/* What is loaded, found once. BLAS and LAPACK may come from two libraries with controls of their own: Debian lets BLIS
 * be the BLAS beside the LAPACK of OpenBLAS. */
static struct {
  int openmp;          /* OpenBLAS runs on the caller's OpenMP threads */
  int most;            /* threads that OpenBLAS was built for; more at once than twice as many crash it; 0: unknown */
  int alone;           /* one caller at a time only: OpenBLAS built without threads shares buffers without a lock */
  void *openblas;      /* openblas_set_num_threads; NULL without, or when threads are OpenMP's */
  void *blis;          /* bli_thread_set_num_threads; NULL without */
  char path[PATH_MAX]; /* the library that has dgemm_, links resolved; "" if unknown */
  const char *tail;    /* last two parts of it: "blis-pthread/libblas.so.3" */
  char name[192];
} blas;

static void find_path(void)
{
  Dl_info info;
  void *gemm = symbol("dgemm_");
  if (!gemm || !dladdr(gemm, &info) || !info.dli_fname || !realpath(info.dli_fname, blas.path)) *blas.path = '\0';
  blas.tail = blas.path;
  for (const char *p = blas.path, *last = blas.path; (p = strchr(p, '/')); p++) {
    blas.tail = last;
    last = p + 1;
  }
}

static int is_blis(void)
{
  return strstr(blas.tail, "blis") != NULL;
}

/* Debian's libblas.so.3 of BLIS hides the functions that control it, and each of its calls would start as many threads
 * as BLIS_NUM_THREADS or else OMP_NUM_THREADS says. It reads them once, at its first call: that one is made here, with
 * one thread in the environment, which is then put back. */
static void settle_hidden_blis(void)
{
  static const char variable[] = "BLIS_NUM_THREADS";
  const char *value = getenv(variable);
  char before[32] = "";
  if (!value && !getenv("OMP_NUM_THREADS")) return; /* then it starts none */
  if (value && snprintf(before, sizeof before, "%s", value) >= (int)sizeof before) return;
  if (setenv(variable, "1", 1)) return;
  const int one = 1;
  const double a = 1, zero = 0;
  double c;
  dgemm_("N", "N", &one, &one, &one, &a, &a, &one, &a, &one, &zero, &c, &one, 1, 1);
  if (value)
    setenv(variable, before, 1);
  else
    unsetenv(variable);
}

/* ", pthreads", from the folder that Debian puts the build in. */
static const char *threading(void)
{
  static const struct {
    const char *word, *text;
  } rows[] = {{"openmp", ", OpenMP"}, {"pthread", ", pthreads"}, {"serial", ", serial"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strstr(blas.tail, rows[i].word)) return rows[i].text;
  return "";
}

/* 1 when the library that has dgemm_ is the reference BLAS: it alone shows the variables of its C interface. */
static int is_reference(void)
{
  Dl_info gemm, interface;
  void *function = symbol("dgemm_"), *variable = symbol("CBLAS_CallFromC");
  return function && variable && dladdr(function, &gemm) && dladdr(variable, &interface) &&
         gemm.dli_fbase == interface.dli_fbase;
}

static void find_name(void)
{
  static const char *const kinds[] = {"serial", "pthreads", "OpenMP"};
  void *config = symbol("openblas_get_config"), *core = symbol("openblas_get_corename");
  void *parallel = symbol("openblas_get_parallel"), *version = symbol("bli_info_get_version_str");
  int kind = parallel ? CAST(get_int, parallel)() : 0;
  if (is_blis())
    snprintf(blas.name, sizeof blas.name, "BLIS%s%.40s%s (%.110s)", version ? " " : "",
             version ? CAST(get_text, version)() : "", threading(), blas.path);
  else if (config && core)
    snprintf(blas.name, sizeof blas.name, "%.100s (%.32s kernels, %s)", CAST(get_text, config)(),
             CAST(get_text, core)(), kind >= 0 && kind < 3 ? kinds[kind] : "unknown threads");
  else
    snprintf(blas.name, sizeof blas.name, "%s BLAS%s%.150s%s", is_reference() ? "reference" : "unknown",
             *blas.path ? " (" : "", blas.path, *blas.path ? ")" : "");
}

static int threads_built_for(void)
{
  void *config = symbol("openblas_get_config");
  const char *text = config ? strstr(CAST(get_text, config)(), "MAX_THREADS=") : NULL;
  return text ? atoi(strchr(text, '=') + 1) : 0;
}

static void find(void)
{
  find_path();
  blas.blis = symbol("bli_thread_set_num_threads");
  void *parallel = symbol("openblas_get_parallel");
  blas.openmp = parallel && CAST(get_int, parallel)() == 2;
  blas.alone = parallel && CAST(get_int, parallel)() == 0 && !is_blis();
  blas.most = threads_built_for();
  blas.openblas = blas.openmp ? NULL : symbol("openblas_set_num_threads");
  if (is_blis() && !blas.blis) settle_hidden_blis();
  find_name();
}

static void find_once(void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find);
}

static void set_threads(int threads)
{
  if (blas.openblas) CAST(set_int, blas.openblas)(threads);
  if (blas.blis) CAST(set_long, blas.blis)((long)threads);
}

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/* Inside a parallel region of several threads OpenBLAS on OpenMP stays on the calling one by itself; a region of one
 * thread is none to it. */
int mn_threads_blas_begin(int threads)
{
  find_once();
  if (blas.alone) pthread_mutex_lock(&one_at_a_time);
  if (blas.openmp) {
    int before = omp_get_max_threads();
    if (before != threads) omp_set_num_threads(threads);
    return before;
  }
  if (threads > 1) set_threads(threads);
  return threads;
}

void mn_threads_blas_end(int before)
{
  if (blas.openmp)
    omp_set_num_threads(before);
  else if (before > 1)
    set_threads(1);
  if (blas.alone) pthread_mutex_unlock(&one_at_a_time);
}

int mn_threads_open(const mn_context *ctx)
{
  find_once();
  set_threads(1);
  int threads = ctx && ctx->threads > 0 ? ctx->threads : omp_get_max_threads();
  return blas.most > 0 && threads > blas.most ? blas.most : threads;
}

const char *mn_threads_blas_name(void)
{
  find_once();
  return blas.name;
}
