/* Option tables: one row a setting, with its type, bounds, default and help. The same rows drive the command line,
 * --help, the man page and the header of saved models. */
#ifndef MINNORM_OPTIONS_H
#define MINNORM_OPTIONS_H

#include <stddef.h>

#include "minnorm/status.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* What the member at a row's offset is, and how its text reads. */
typedef enum {
  MN_OPTION_FLAG,   /* int, 0 or 1: "false" or "true" */
  MN_OPTION_INT,    /* int */
  MN_OPTION_SIZE,   /* size_t */
  MN_OPTION_U64,    /* uint64_t */
  MN_OPTION_REAL,   /* double; finite */
  MN_OPTION_BYTES,  /* size_t; a number with an optional suffix K, M, G or T, in powers of 1,024 */
  MN_OPTION_TEXT,   /* char *, owned by the struct; NULL: not set */
  MN_OPTION_CHOICE, /* int or enum: one of the row's names */
  MN_OPTION_TYPES
} mn_option_type;

typedef struct mn_option mn_option;

/* Rows that are more than one member take these; `target` is the whole struct. */
typedef mn_status (*mn_option_parser)(const mn_option *row, const char *text, void *target, mn_error *err);
typedef size_t (*mn_option_formatter)(const mn_option *row, const void *target, char *text, size_t size);

struct mn_option {
  const char *key; /* "rank-tol": --rank-tol on the command line */
  char letter;     /* -r; 0: none */
  mn_option_type type;
  size_t offset;                    /* of the member, in bytes */
  double least, most;               /* bounds of numbers, inclusive; both 0: none */
  int above;                        /* 1: `least` itself is out of bounds */
  const char *(*choice)(int value); /* name of value 0, 1, ...; NULL past the last */
  const char *fallback;             /* text of the default; NULL: 0, off, not set */
  const char *argument;             /* its name in help, "FILE" */
  const char *help;                 /* one or more sentences */
  const char *group;                /* heading in help */
  const char *excludes;             /* key of the row that cannot be given together with this one */
  int alias;                        /* 1: another way of setting what another row sets; not to be saved */
  mn_option_parser parse;           /* NULL: by type */
  mn_option_formatter format;       /* NULL: by type */
};

/* The row of a key, or NULL. */
const mn_option *mn_option_find(const mn_option *table, size_t count, const char *key);

/* Sets the member of a row from text. MN_ERR_ARGUMENT says "--ridge -1: a number of at least 0 expected" and leaves the
 * member as it was. A text that is replaced is released. */
mn_status mn_option_set(const mn_option *row, const char *text, void *target, mn_error *err);

/* Writes the member as text that mn_option_set turns into the same value, bit by bit. Returns its length, as snprintf
 * does: a result of `size` or more was cut. 64 characters hold every type but text. */
size_t mn_option_get(const mn_option *row, const void *target, char *text, size_t size);

/* Sets every member that has a row to its default; texts are taken to be unset before. Aliases are left out. */
mn_status mn_options_defaults(const mn_option *table, size_t count, void *target, mn_error *err);

/* Releases the texts and sets them to NULL. */
void mn_options_release(const mn_option *table, size_t count, void *target);

/* For parsers of rows: a number within the row's bounds, or the same error that mn_option_set gives. */
mn_status mn_option_real(const mn_option *row, const char *text, double *value, mn_error *err);

/* Writes the shortest of 15 to 17 digits that reads back as the same double. */
size_t mn_option_print_real(double value, char *text, size_t size);

/* The rows of mn_fit_options (model.h). */
const mn_option *mn_fit_option_table(size_t *count);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
