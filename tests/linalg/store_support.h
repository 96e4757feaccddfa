/* What the tests of factors on disk share: system calls that fail on demand, a matrix, and its factor in memory. */
#ifndef MN_TESTS_STORE_SUPPORT_H
#define MN_TESTS_STORE_SUPPORT_H

#include "linalg/panel_store.h"

/* ---- the system calls that this program replaces by its own */

/* One call of a kind goes wrong: at = 1 means the next one, 2 the second from now; 0: none. With reason 0 it succeeds,
 * but transfers only `bytes` (0: the end of the file). */
typedef struct {
  int at, reason;
  size_t bytes;
} fault;

extern fault fault_pread, fault_pwrite, fault_fallocate, fault_fdatasync, fault_fsync;

/* Makes every call fail the way the fault says, not one; for disks that stay full. */
extern int faults_stay;

void faults_clear(void);

/* ---- a matrix, positive definite and different in every row */

double matrix_element(size_t i, size_t j);

/* Writes panels of the matrix, NaN above the diagonal; arg counts the panels that were asked for (size_t, may be
 * NULL). A mn_panels_fill. */
mn_status matrix_fill(void *arg, mn_panels *panels, size_t first, size_t end, mn_error *err);

/* The matrix factored in memory. */
mn_panels *matrix_factor(size_t n, size_t width, mn_dtype type);

/* Fails when panels first ... end - 1 of the lower triangles are not equal, bit for bit. */
void expect_same_bits(const mn_panels *a, const mn_panels *b, size_t first, size_t end);

/* The whole store holds this factor. */
void expect_stored(mn_panel_store *store, const mn_panels *factor);

/* ---- folders and threads */

/* The names in a folder, ascending and separated by blanks. */
void expect_listing(const char *folder, const char *names);

/* Waits until there are no more than this many threads in the process, for ten seconds at most. */
int threads_now(void);
void expect_threads(int count);

/* Flips one bit of a file. */
void flip_bit(const char *path, size_t byte);

/* Starts this program anew with these arguments, ends it with SIGKILL after so many microseconds (unless it has ended),
 * and returns its exit status, or -1 when it was killed. */
int run_and_kill(const char *mode, const char *folder, unsigned delay_us);

#endif
