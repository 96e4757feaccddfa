/* Library-internal side of the error record. */
#ifndef MN_CORE_STATUS_H
#define MN_CORE_STATUS_H

#include "minnorm/status.h"

/* Fills `err` (may be NULL) and returns `code`, so that a caller writes: st = MN_FAIL(err, MN_ERR_IO, "%s: ...", path).
 */
mn_status mn_fail(mn_error *err, mn_status code, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#define MN_FAIL(err, code, ...) mn_fail((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* The one message for a failed allocation. */
#define MN_NO_MEMORY(err, bytes)                                                                                       \
  MN_FAIL((err), MN_ERR_MEMORY, "out of memory: %zu bytes could not be had", (size_t)(bytes))

/* "47,040,016": an integer with thousands separators, for messages. `out` has room for 32 characters; returns `out`. */
char *mn_group_digits(unsigned long long value, char out[32]);

#endif
