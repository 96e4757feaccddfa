/* What the test programs share: cmocka, and the harness that makes every allocation of a call fail in turn. */
#ifndef MN_TESTS_SUPPORT_H
#define MN_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minnorm/status.h"

/* The call under test: runs it, releases all it made, returns its status. */
typedef mn_status (*mn_test_call)(void *arg, mn_error *err);

/* Runs `call` with its 1st, 2nd, ... allocation failing until it runs through. Asserts that each failure is
 * MN_ERR_MEMORY with a message, that nothing leaks, and that there was something to fail. */
void mn_test_every_allocation(mn_test_call call, void *arg);

/* A temporary directory, made below $TMPDIR or /tmp; `path` has room for 256 characters. Removed by mn_test_rmtree. */
void mn_test_mkdtemp(char *path);
void mn_test_rmtree(const char *path);

/* The temporary directory of a test program: fixtures that make and remove it, and the path of a file in it, in a
 * static buffer of which four rotate. */
extern char mn_test_dir[256];
int mn_test_dir_open(void **state);
int mn_test_dir_close(void **state);
const char *mn_test_path(const char *name);

/* Writes bytes to DIR/NAME, and returns the path in a static buffer of which four rotate. */
const char *mn_test_write(const char *dir, const char *name, const void *bytes, size_t count);

/* 1 where every program runs some fifty times slower, under valgrind or another wrapper (TEST_WRAPPER, tests/run.sh):
 * tests whose size is not their point take a smaller one there. */
int mn_test_is_wrapped(void);

/* Ends the test there as skipped, for that reason: it says nothing at a smaller size, or takes minutes at any. */
void mn_test_skip_if_wrapped(const char *reason);

/* Asserts |a - b| <= tol * max(1, |b|) and says the values when not. */
void mn_test_close(double a, double b, double tol);

#endif
