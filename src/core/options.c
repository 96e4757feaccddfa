#include "minnorm/options.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"

typedef struct {
  mn_option_parser parse;
  mn_option_formatter format;
  const char *noun; /* for messages */
} type_row;

static const type_row types[MN_OPTION_TYPES];

static void *member(const mn_option *row, void *target)
{
  return (char *)target + row->offset;
}

static const void *const_member(const mn_option *row, const void *target)
{
  return (const char *)target + row->offset;
}

static size_t print(char *text, size_t size, const char *value)
{
  return (size_t)snprintf(text, size, "%s", value);
}

static int bounded(const mn_option *row)
{
  return row->least != 0 || row->most != 0;
}

/* "a number of at least 0", "an integer from 1 to 100", "a number above 0, at most 1". */
static void describe(const mn_option *row, char *out, size_t size)
{
  const char *noun = types[row->type].noun;
  if (!bounded(row))
    snprintf(out, size, "%s", noun);
  else if (isinf(row->most))
    snprintf(out, size, "%s %s %.15g", noun, row->above ? "above" : "of at least", row->least);
  else
    snprintf(out, size, row->above ? "%s above %.15g, at most %.15g" : "%s from %.15g to %.15g", noun, row->least,
             row->most);
}

static mn_status expected(const mn_option *row, const char *text, const char *what, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_ARGUMENT, "--%s %.120s: %s expected", row->key, *text ? text : "''", what);
}

static mn_status out_of_bounds(const mn_option *row, const char *text, mn_error *err)
{
  char what[96];
  describe(row, what, sizeof what);
  return expected(row, text, what, err);
}

static int within(const mn_option *row, double value)
{
  if (!bounded(row)) return 1;
  return (row->above ? value > row->least : value >= row->least) && value <= row->most;
}

/* strtod without what it accepts beyond decimal numbers: white space, hexadecimal, infinity, NaN. */
static int read_decimal(const char *text, double *value, const char **end)
{
  char *stop;
  if (strpbrk(text, "xX") || strchr(" \t\n\v\f\r", *text)) return 0; /* '\0' is found too */
  *value = strtod(text, &stop);
  *end = stop;
  return stop != text && isfinite(*value);
}

mn_status mn_option_real(const mn_option *row, const char *text, double *value, mn_error *err)
{
  const char *end;
  double v;
  if (!read_decimal(text, &v, &end) || *end || !within(row, v)) return out_of_bounds(row, text, err);
  *value = v;
  return MN_OK;
}

size_t mn_option_print_real(double value, char *text, size_t size)
{
  char out[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(out, sizeof out, "%.*g", digits, value);
    if (strtod(out, NULL) == value) break;
  }
  return print(text, size, out);
}

static int read_u64(const char *text, uint64_t *value)
{
  if (!*text || text[strspn(text, "0123456789")]) return 0;
  errno = 0;
  *value = strtoull(text, NULL, 10);
  return !errno;
}

static mn_status parse_flag(const mn_option *row, const char *text, void *target, mn_error *err)
{
  int on = !strcmp(text, "true");
  if (!on && strcmp(text, "false")) return expected(row, text, types[row->type].noun, err);
  *(int *)member(row, target) = on;
  return MN_OK;
}

static size_t format_flag(const mn_option *row, const void *target, char *text, size_t size)
{
  return print(text, size, *(const int *)const_member(row, target) ? "true" : "false");
}

static mn_status parse_int(const mn_option *row, const char *text, void *target, mn_error *err)
{
  uint64_t magnitude;
  int negative = *text == '-';
  if (!read_u64(text + negative, &magnitude) || magnitude > INT_MAX) return out_of_bounds(row, text, err);
  int value = negative ? -(int)magnitude : (int)magnitude;
  if (!within(row, value)) return out_of_bounds(row, text, err);
  *(int *)member(row, target) = value;
  return MN_OK;
}

static size_t format_int(const mn_option *row, const void *target, char *text, size_t size)
{
  return (size_t)snprintf(text, size, "%d", *(const int *)const_member(row, target));
}

static mn_status parse_size(const mn_option *row, const char *text, void *target, mn_error *err)
{
  uint64_t value;
  if (!read_u64(text, &value) || value > SIZE_MAX || !within(row, (double)value)) return out_of_bounds(row, text, err);
  *(size_t *)member(row, target) = (size_t)value;
  return MN_OK;
}

static size_t format_size(const mn_option *row, const void *target, char *text, size_t size)
{
  return (size_t)snprintf(text, size, "%zu", *(const size_t *)const_member(row, target));
}

static mn_status parse_u64(const mn_option *row, const char *text, void *target, mn_error *err)
{
  uint64_t value;
  if (!read_u64(text, &value) || !within(row, (double)value)) return out_of_bounds(row, text, err);
  *(uint64_t *)member(row, target) = value;
  return MN_OK;
}

static size_t format_u64(const mn_option *row, const void *target, char *text, size_t size)
{
  return (size_t)snprintf(text, size, "%llu", (unsigned long long)*(const uint64_t *)const_member(row, target));
}

static mn_status parse_real(const mn_option *row, const char *text, void *target, mn_error *err)
{
  return mn_option_real(row, text, member(row, target), err);
}

static size_t format_real(const mn_option *row, const void *target, char *text, size_t size)
{
  return mn_option_print_real(*(const double *)const_member(row, target), text, size);
}

/* Whole numbers of bytes are read as integers, so that none is rounded; 1.5G is a product. */
static mn_status parse_bytes(const mn_option *row, const char *text, void *target, mn_error *err)
{
  static const char suffixes[] = "KMGT";
  uint64_t bytes;
  if (!read_u64(text, &bytes)) {
    const char *end, *suffix;
    double value;
    if (!read_decimal(text, &value, &end)) return out_of_bounds(row, text, err);
    suffix = *end ? strchr(suffixes, *end) : NULL;
    if (*end && (!suffix || end[1])) return out_of_bounds(row, text, err);
    value = ldexp(value, suffix ? (int)(10 * (suffix - suffixes + 1)) : 0);
    if (!(value >= 0 && value < 0x1p63)) return out_of_bounds(row, text, err);
    bytes = (uint64_t)value;
  }
  if (bytes > SIZE_MAX || !within(row, (double)bytes)) return out_of_bounds(row, text, err);
  *(size_t *)member(row, target) = (size_t)bytes;
  return MN_OK;
}

static mn_status parse_text(const mn_option *row, const char *text, void *target, mn_error *err)
{
  char **value = member(row, target);
  if (!*text) return expected(row, text, types[row->type].noun, err);
  char *copy = mn_strdup(text);
  if (!copy) return MN_NO_MEMORY(err, strlen(text) + 1);
  mn_free(*value);
  *value = copy;
  return MN_OK;
}

static size_t format_text(const mn_option *row, const void *target, char *text, size_t size)
{
  const char *value = *(char *const *)const_member(row, target);
  return print(text, size, value ? value : "");
}

static mn_status parse_choice(const mn_option *row, const char *text, void *target, mn_error *err)
{
  char what[256];
  size_t used = print(what, sizeof what, types[row->type].noun);
  for (int value = 0; row->choice(value); value++) {
    if (!strcmp(row->choice(value), text)) {
      *(int *)member(row, target) = value;
      return MN_OK;
    }
    if (used < sizeof what)
      used += (size_t)snprintf(what + used, sizeof what - used, "%s%s", value ? ", " : " ", row->choice(value));
  }
  return expected(row, text, what, err);
}

static size_t format_choice(const mn_option *row, const void *target, char *text, size_t size)
{
  const char *name = row->choice(*(const int *)const_member(row, target));
  return print(text, size, name ? name : "");
}

static const type_row types[MN_OPTION_TYPES] = {
    [MN_OPTION_FLAG] = {parse_flag, format_flag, "true or false"},
    [MN_OPTION_INT] = {parse_int, format_int, "an integer"},
    [MN_OPTION_SIZE] = {parse_size, format_size, "an integer"},
    [MN_OPTION_U64] = {parse_u64, format_u64, "an integer from 0 to 18446744073709551615"},
    [MN_OPTION_REAL] = {parse_real, format_real, "a number"},
    [MN_OPTION_BYTES] = {parse_bytes, format_size, "a number of bytes, as 6442450944 or 6G,"},
    [MN_OPTION_TEXT] = {parse_text, format_text, "a value"},
    [MN_OPTION_CHOICE] = {parse_choice, format_choice, "one of"},
};

const mn_option *mn_option_find(const mn_option *table, size_t count, const char *key)
{
  for (size_t i = 0; i < count; i++)
    if (!strcmp(table[i].key, key)) return &table[i];
  return NULL;
}

mn_status mn_option_set(const mn_option *row, const char *text, void *target, mn_error *err)
{
  return (row->parse ? row->parse : types[row->type].parse)(row, text, target, err);
}

size_t mn_option_get(const mn_option *row, const void *target, char *text, size_t size)
{
  return (row->format ? row->format : types[row->type].format)(row, target, text, size);
}

/* The member of a row without default text: 0 in its own type. */
static void clear(const mn_option *row, void *target)
{
  static const size_t bytes[MN_OPTION_TYPES] = {
      [MN_OPTION_FLAG] = sizeof(int),     [MN_OPTION_INT] = sizeof(int),     [MN_OPTION_SIZE] = sizeof(size_t),
      [MN_OPTION_U64] = sizeof(uint64_t), [MN_OPTION_REAL] = sizeof(double), [MN_OPTION_BYTES] = sizeof(size_t),
      [MN_OPTION_TEXT] = sizeof(char *),  [MN_OPTION_CHOICE] = sizeof(int),
  };
  memset(member(row, target), 0, bytes[row->type]);
}

mn_status mn_options_defaults(const mn_option *table, size_t count, void *target, mn_error *err)
{
  for (size_t i = 0; i < count; i++) /* first, so that releasing is safe after a failure */
    if (!table[i].alias) clear(&table[i], target);
  for (size_t i = 0; i < count; i++) {
    mn_status st = MN_OK;
    if (!table[i].alias && table[i].fallback) st = mn_option_set(&table[i], table[i].fallback, target, err);
    if (st) return st;
  }
  return MN_OK;
}

void mn_options_release(const mn_option *table, size_t count, void *target)
{
  for (size_t i = 0; i < count; i++) {
    if (table[i].type != MN_OPTION_TEXT) continue;
    char **value = member(&table[i], target);
    mn_free(*value);
    *value = NULL;
  }
}
