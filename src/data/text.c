#include "data/text.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/memory.h"
#include "core/status.h"

enum { EXACT_DIGITS = 15 }; /* integers of 15 digits and powers of ten up to 10^22 are doubles without rounding */

static const double power_of_ten[EXACT_DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* Digits with at most one point, at most 15 of them: a quotient of two exact numbers, so rounded once, as strtod does.
 * Anything longer, or with an exponent, is left to strtod (NULL). */
static const char *short_decimal(const char *p, double *out)
{
  int64_t digits = 0;
  int count = 0, decimals = 0, negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  for (; isdigit((unsigned char)*p) && count <= EXACT_DIGITS; p++, count++) digits = 10 * digits + (*p - '0');
  if (*p == '.')
    for (p++; isdigit((unsigned char)*p) && count <= EXACT_DIGITS; p++, count++, decimals++)
      digits = 10 * digits + (*p - '0');
  if (!count || count > EXACT_DIGITS || isalnum((unsigned char)*p)) return NULL;
  double v = (double)digits / power_of_ten[decimals];
  *out = negative ? -v : v;
  return p;
}

const char *mn_text_number(const char *text, double *out)
{
  const char *end = short_decimal(text, out);
  if (end) return end;
  char *stop;
  if (isspace((unsigned char)*text)) return NULL;
  *out = strtod(text, &stop);
  return stop == text ? NULL : stop;
}

const char *mn_text_skip(const char *text)
{
  while (*text == ' ' || *text == '\t') text++;
  return text;
}

mn_status mn_text_check_finite(const char *path, size_t line, const char *what, size_t column, double value,
                               mn_error *err)
{
  if (isfinite(value)) return MN_OK;
  return MN_FAIL(err, MN_ERR_DATA, "%s: line %zu, %s %zu is %s: finite numbers expected", path, line, what, column,
                 isnan(value) ? "nan"
                 : value > 0  ? "inf"
                              : "-inf");
}

void *mn_growing_add(mn_growing *array, size_t more, size_t size)
{
  const size_t least = 256;
  if (array->room - array->count < more) {
    size_t room = array->room + array->room / 2 + more + least;
    void *larger = mn_realloc(array->items, room, size);
    if (!larger) return NULL;
    array->items = larger;
    array->room = room;
  }
  array->count += more;
  return (char *)array->items + (array->count - more) * size;
}

void *mn_growing_take(mn_growing *array, size_t size)
{
  void *items = array->items;
  void *smaller = array->count < array->room ? mn_realloc(items, array->count, size) : NULL;
  *array = (mn_growing){0};
  return smaller ? smaller : items;
}
