#define _GNU_SOURCE
#include "core/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/mman.h>
#include <sys/resource.h>

static atomic_long countdown = -1; /* allocations until the injected failure; negative: none */
static atomic_long live, failures;

static int injected_failure(void)
{
  if (atomic_load_explicit(&countdown, memory_order_relaxed) < 0) return 0;
  return atomic_fetch_sub(&countdown, 1) == 0;
}

/* Bytes of a product, or 0 when it overflows; an empty request is one byte. */
static size_t product(size_t count, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX) return 0;
  return bytes ? bytes : 1;
}

static void *counted(void *p)
{
  atomic_fetch_add(p ? &live : &failures, 1);
  return p;
}

void *mn_alloc(size_t count, size_t size)
{
  size_t bytes = product(count, size);
  return counted(!bytes || injected_failure() ? NULL : malloc(bytes));
}

void *mn_calloc(size_t count, size_t size)
{
  size_t bytes = product(count, size);
  return counted(!bytes || injected_failure() ? NULL : calloc(1, bytes));
}

void *mn_realloc(void *p, size_t count, size_t size)
{
  size_t bytes = product(count, size);
  void *q = !bytes || injected_failure() ? NULL : realloc(p, bytes);
  return p && q ? q : counted(q);
}

void *mn_shrink(void *p, size_t count, size_t size)
{
  size_t bytes = product(count, size);
  void *q = bytes ? realloc(p, bytes) : NULL;
  return q ? q : p;
}

char *mn_strdup(const char *text)
{
  size_t bytes = strlen(text) + 1;
  char *copy = mn_alloc(bytes, 1);
  return copy ? memcpy(copy, text, bytes) : NULL;
}

void *mn_alloc_matrix(size_t count, size_t size)
{
  const size_t huge_page = (size_t)2 << 20;
  size_t bytes = product(count, size);
  if (!bytes || bytes > PTRDIFF_MAX - huge_page || injected_failure()) return counted(NULL);
  size_t alignment = bytes >= 2 * huge_page ? huge_page : 64;
  void *p = NULL;
  if (posix_memalign(&p, alignment, bytes)) return counted(NULL);
  if (alignment == huge_page) madvise(p, bytes, MADV_HUGEPAGE); /* advice only: failure costs speed, nothing else */
  return counted(p);
}

void mn_memory_populate(void *p, size_t bytes, int threads)
{
  const size_t chunk = (size_t)2 << 20, page = 4096; /* touching at the smallest page of any kind does for all */
  volatile char *base = p;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t first = 0; first < bytes; first += chunk)
    for (size_t i = first; i < first + chunk && i < bytes; i += page) base[i] = 0;
}

void mn_free(void *p)
{
  if (!p) return;
  atomic_fetch_sub(&live, 1);
  free(p);
}

void mn_memory_trim(void)
{
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void mn_memory_fail_at(long k)
{
  atomic_store(&countdown, k);
}

long mn_memory_failures(void)
{
  return atomic_load(&failures);
}

long mn_memory_live(void)
{
  return atomic_load(&live);
}

/* A field of a /proc file in KiB ("VmRSS:   1234 kB"), as bytes; 0 when it cannot be had. */
static size_t proc_kib(const char *path, const char *field)
{
  FILE *f = fopen(path, "r");
  if (!f) return 0;
  char line[128];
  size_t length = strlen(field), kib = 0;
  while (!kib && fgets(line, sizeof line, f))
    if (!strncmp(line, field, length)) kib = strtoull(line + length, NULL, 10);
  fclose(f);
  return kib * 1024;
}

/* What getrusage says instead counts the program that started this one, too. */
size_t mn_memory_peak_rss(void)
{
  struct rusage usage;
  size_t peak = proc_kib("/proc/self/status", "VmHWM:");
  if (peak || getrusage(RUSAGE_SELF, &usage)) return peak;
  return (size_t)usage.ru_maxrss * 1024;
}

size_t mn_memory_current_rss(void)
{
  return proc_kib("/proc/self/status", "VmRSS:");
}

/* A number in a file of one line; `most` when there is none ("max"). */
static size_t read_number(const char *path, size_t most)
{
  FILE *f = fopen(path, "r");
  size_t value;
  if (!f) return most;
  if (fscanf(f, "%zu", &value) != 1) value = most;
  fclose(f);
  return value;
}

/* What the container's limit leaves (control groups, versions 2 and 1). */
static size_t container_room(void)
{
  size_t limit = read_number("/sys/fs/cgroup/memory.max", SIZE_MAX);
  size_t used = read_number("/sys/fs/cgroup/memory.current", 0);
  if (limit == SIZE_MAX) {
    limit = read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes", SIZE_MAX);
    used = read_number("/sys/fs/cgroup/memory/memory.usage_in_bytes", 0);
  }
  return limit > used ? limit - used : 0;
}

size_t mn_memory_available(void)
{
  size_t machine = proc_kib("/proc/meminfo", "MemAvailable:"), container = container_room();
  return machine < container ? machine : container;
}
