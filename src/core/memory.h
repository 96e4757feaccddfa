/* Every allocation of the library goes through here, so that tests can count them and make each one fail in turn. */
#ifndef MN_CORE_MEMORY_H
#define MN_CORE_MEMORY_H

#include <stddef.h>

/* All return NULL on failure, when the size overflows, and never for size 0 (one byte is then allocated). */
void *mn_alloc(size_t count, size_t size);
void *mn_calloc(size_t count, size_t size);
void *mn_realloc(void *p, size_t count, size_t size); /* on failure p stays valid */
void *mn_shrink(void *p, size_t count, size_t size);  /* gives the end of p back; never fails: then all of p stays */
char *mn_strdup(const char *text);

/* 64-byte aligned; from 4 MiB on aligned to and advised for huge pages. Contents undefined. */
void *mn_alloc_matrix(size_t count, size_t size);

/* Touches every page by several threads, so that the memory is really there, spread over the threads' nodes, and no
 * later pass pays for it. Contents stay undefined. */
void mn_memory_populate(void *p, size_t bytes, int threads);

/* Releases what any of the above returned; NULL is fine. */
void mn_free(void *p);

/* Gives what was released and is kept for later back to the system, where the C library can. */
void mn_memory_trim(void);

/* Test hooks. fail_at(k): the k-th allocation from now fails (0: the next one), once; negative turns it off. */
void mn_memory_fail_at(long k);
long mn_memory_live(void); /* allocations not yet released */

/* How many allocations have failed so far: tells a third party's failure for want of memory from other causes. */
long mn_memory_failures(void);

/* Resident memory of this process at its highest and now, and physical memory available now, in bytes (0: unknown). */
size_t mn_memory_peak_rss(void);
size_t mn_memory_current_rss(void);
size_t mn_memory_available(void);

#endif
