#include "data/text.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/readers.h"

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

mn_status mn_text_open(const char *path, void (*look)(void *arg, char *line), void *arg, const mn_context *ctx,
                       mn_input **out, mn_error *err)
{
  char *line;
  size_t number;
  mn_status st = mn_input_open(path, ctx, out, err);
  if (st || !mn_input_is_regular(*out)) return st;
  while (!(st = mn_input_line(*out, &line, &number, err)) && line) look(arg, line);
  mn_input_close(out);
  return st ? st : mn_input_open(path, ctx, out, err);
}

mn_status mn_growing_room(mn_growing *array, size_t more, size_t size, mn_error *err)
{
  const size_t least = 256, checked_bytes = (size_t)1 << 20; /* asking takes longer than less of it is worth */
  if (array->room - array->count >= more) return MN_OK;
  size_t added = array->room / 2 + more + least, bytes;
  mn_status st = mn_size_product(array->path, added, size, &bytes, err);
  if (!st && bytes >= checked_bytes)
    st = mn_data_check_bytes(array->path, "more of its lines need", bytes, array->ctx, err);
  if (st) return st;
  void *larger = mn_realloc(array->items, array->room + added, size);
  if (!larger) return MN_NO_MEMORY(err, (array->room + added) * size);
  array->items = larger;
  array->room += added;
  return MN_OK;
}

void *mn_growing_add(mn_growing *array, size_t more, size_t size)
{
  array->count += more;
  return (char *)array->items + (array->count - more) * size;
}

void *mn_growing_take(mn_growing *array, size_t size)
{
  void *items = mn_shrink(array->items, array->count, size);
  array->items = NULL;
  array->count = array->room = 0;
  return items;
}
