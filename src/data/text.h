/* What the readers of text share. */
#ifndef MN_DATA_TEXT_H
#define MN_DATA_TEXT_H

#include <stddef.h>

#include "minnorm/status.h"

/* Reads a number at `text`, correctly rounded, into *out; returns where it ends, NULL if there is none. A decimal point
 * is a point if the thread's locale is C, as mn_data_open sees to. */
const char *mn_text_number(const char *text, double *out);

/* Skips blanks and tabs. */
const char *mn_text_skip(const char *text);

/* MN_ERR_DATA for a number that is not finite. `what` is "column" or "index"; both count from 1. */
mn_status mn_text_check_finite(const char *path, size_t line, const char *what, size_t column, double value,
                               mn_error *err);

/* An array that grows. All zero is empty. */
typedef struct {
  void *items;
  size_t count, room; /* in items */
} mn_growing;

/* Room for `more` further items of `size` bytes; returns where they go and counts them, NULL without memory. */
void *mn_growing_add(mn_growing *array, size_t more, size_t size);

/* Gives unused room back (best effort) and hands the items over; the array is empty then. */
void *mn_growing_take(mn_growing *array, size_t size);

#endif
