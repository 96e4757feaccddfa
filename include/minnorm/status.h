/* Status codes and the caller-owned error record.
 *
 * Every fallible call returns mn_status: 0 is fine, negative is an error, positive is a usable result with a remark.
 * Its last parameter is a mn_error that may be NULL; it is written only when the status is not MN_OK. */
#ifndef MINNORM_STATUS_H
#define MINNORM_STATUS_H

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MN_OK = 0,
  MN_ERR_ARGUMENT = -1,     /* a parameter or option outside its range */
  MN_ERR_MEMORY = -2,       /* an allocation failed */
  MN_ERR_BUDGET = -3,       /* the forecast exceeds the memory there is */
  MN_ERR_IO = -4,           /* open, read, write, rename failed */
  MN_ERR_FORMAT = -5,       /* a file is not what it claims to be */
  MN_ERR_VERSION = -6,      /* a file of an unsupported version */
  MN_ERR_DATA = -7,         /* values that cannot be used: NaN, mismatched counts, conflicting duplicates */
  MN_ERR_SINGULAR = -8,     /* the system has no solution to the accuracy asked for */
  MN_ERR_LAPACK = -9,       /* a LAPACK routine reported a failure */
  MN_ERR_CANCELLED = -10,   /* the progress callback asked to stop */
  MN_ERR_UNSUPPORTED = -11, /* a valid request this build cannot serve */
  MN_ERR_NETWORK = -12      /* a download failed */
} mn_status;

/* What went wrong, in one line, and where in the library it was noticed. */
typedef struct {
  mn_status code;
  const char *file; /* static string */
  int line;
  char text[512];
} mn_error;

/* A short description of a status; never NULL. */
const char *mn_status_string(mn_status status);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
