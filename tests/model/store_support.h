/* What the tests of saved models share. */
#ifndef MN_TESTS_STORE_SUPPORT_H
#define MN_TESTS_STORE_SUPPORT_H

#include "model_support.h"

/* A temporary folder as mn_test_mkdtemp makes it, in memory where there is one: hundreds of saves, each of which syncs
 * its files, would wait for the disk. */
void store_mkdtemp(char *path);

/* DIR/NAME in one of eight rotating buffers. */
const char *store_path(const char *dir, const char *name);

/* Asserts that a folder holds exactly these names, separated by blanks and in ascending order. */
void store_expect_listing(const char *dir, const char *names);

/* The content of a file, NUL-terminated, to be released with free; its length in *size (may be NULL). */
char *store_read(const char *path, size_t *size);

#endif
