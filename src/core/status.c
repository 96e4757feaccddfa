#include "core/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const struct {
  mn_status status;
  const char *text;
} table[] = {
    {MN_OK, "no error"},
    {MN_ERR_ARGUMENT, "invalid argument"},
    {MN_ERR_MEMORY, "out of memory"},
    {MN_ERR_BUDGET, "memory budget too small"},
    {MN_ERR_IO, "input or output failed"},
    {MN_ERR_FORMAT, "malformed file"},
    {MN_ERR_VERSION, "unsupported version"},
    {MN_ERR_DATA, "unusable data"},
    {MN_ERR_SINGULAR, "singular system"},
    {MN_ERR_LAPACK, "LAPACK failure"},
    {MN_ERR_CANCELLED, "cancelled"},
    {MN_ERR_UNSUPPORTED, "not supported by this build"},
    {MN_ERR_NETWORK, "download failed"},
};

const char *mn_status_string(mn_status status)
{
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].status == status) return table[i].text;
  return "unknown status";
}

mn_status mn_fail(mn_error *err, mn_status code, const char *file, int line, const char *format, ...)
{
  if (!err) return code;
  err->code = code;
  err->file = file;
  err->line = line;
  va_list args;
  va_start(args, format);
  vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  return code;
}

char *mn_group_digits(unsigned long long value, char out[32])
{
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%llu", value), o = 0;
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0) out[o++] = ',';
    out[o++] = digits[i];
  }
  out[o] = '\0';
  return out;
}
