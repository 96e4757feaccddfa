/* What the readers of text share. */
#ifndef MN_DATA_TEXT_H
#define MN_DATA_TEXT_H

#include <stddef.h>

#include "data/input.h"
#include "minnorm/context.h"
#include "minnorm/status.h"

/* Reads a number at `text`, correctly rounded, into *out; returns where it ends, NULL if there is none. A decimal point
 * is a point if the thread's locale is C, as mn_data_open sees to. */
const char *mn_text_number(const char *text, double *out);

/* Skips blanks and tabs. */
const char *mn_text_skip(const char *text);

/* MN_ERR_DATA for a number that is not finite. `what` is "column" or "index"; both count from 1. */
mn_status mn_text_check_finite(const char *path, size_t line, const char *what, size_t column, double value,
                               mn_error *err);

/* Opens a text file for mn_input_line. Where it can be read twice, `look` is shown every line of it before. */
mn_status mn_text_open(const char *path, void (*look)(void *arg, char *line), void *arg, const mn_context *ctx,
                       mn_input **out, mn_error *err);

/* An array that grows. All zero but for path and ctx is empty. */
typedef struct {
  const char *path; /* what its contents come from, for messages */
  const mn_context *ctx;
  void *items;
  size_t count, room; /* in items */
} mn_growing;

/* Sees to room for `more` further items of `size` bytes. MN_ERR_BUDGET when ctx has none for them. */
mn_status mn_growing_room(mn_growing *array, size_t more, size_t size, mn_error *err);

/* Counts `more` further items, for which there is room, and returns where they go. */
void *mn_growing_add(mn_growing *array, size_t more, size_t size);

/* Gives unused room back and hands the items over; the array is empty then. */
void *mn_growing_take(mn_growing *array, size_t size);

#endif
