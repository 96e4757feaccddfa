#define _GNU_SOURCE
#include "data/readers.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"

static const struct {
  mn_data_syntax syntax;
  mn_status (*open)(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err);
} readers[] = {
    {{"idx", "IMAGES[,LABELS]", "IDX files as MNIST uses them, plain or .gz"}, mn_data_open_idx},
    {{"cifar", "FILE[,FILE...]", "CIFAR-10 binary batches"}, mn_data_open_cifar},
    {{"npy", "X.npy[,Y.npy]", "NumPy arrays u1, i4, i8, f4, f8; images (n,h,w) or (n,c,h,w)"}, mn_data_open_npy},
    {{"libsvm", "FILE[,dim=D]", "LIBSVM text: TARGET[,TARGET...] INDEX:VALUE ..., plain or .gz"}, mn_data_open_libsvm},
    {{"csv", "FILE[,targets=T]", "text table, the last T columns (default 1) are the targets"}, mn_data_open_csv},
    {{"synth", "NAME[,key=value...]", "samples made by the program itself"}, mn_data_open_synth},
};

enum { READERS = sizeof readers / sizeof *readers };

const mn_data_syntax *mn_data_syntax_at(size_t i)
{
  return i < READERS ? &readers[i].syntax : NULL;
}

static mn_status unknown_syntax(const char *spec, mn_error *err)
{
  char list[256] = "", quoted[MN_QUOTE_ROOM];
  for (size_t i = 0; i < READERS; i++) {
    strcat(list, i ? ", " : ""); /* six short constants: they fit */
    strcat(strcat(list, readers[i].syntax.prefix), ":");
  }
  return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: a data set that starts with one of %s expected",
                 mn_quote(spec, strlen(spec), quoted), list);
}

mn_status mn_data_open(const char *spec, const mn_context *ctx, mn_data **out, mn_error *err)
{
  *out = NULL;
  size_t length = strcspn(spec, ":");
  for (size_t i = 0; i < READERS; i++) {
    if (spec[length] != ':' || strlen(readers[i].syntax.prefix) != length ||
        strncmp(spec, readers[i].syntax.prefix, length))
      continue;
    /* numbers in files have a decimal point whatever the caller's locale says */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), old = uselocale(c_locale);
    mn_status st = readers[i].open(spec + length + 1, ctx, out, err);
    uselocale(old);
    freelocale(c_locale);
    return st;
  }
  return unknown_syntax(spec, err);
}

mn_status mn_spec_open(const char *arguments, mn_spec *out, mn_error *err)
{
  size_t count = 1;
  *out = (mn_spec){0};
  for (const char *p = arguments; *p; p++) count += *p == ',';
  out->text = mn_strdup(arguments);
  out->parts = mn_alloc(count, sizeof *out->parts);
  if (!out->text || !out->parts) {
    mn_spec_close(out);
    return MN_NO_MEMORY(err, strlen(arguments) + count * sizeof *out->parts);
  }
  char *rest = out->text;
  while (rest) {
    out->parts[out->count++] = rest;
    rest = strchr(rest, ',');
    if (rest) *rest++ = '\0';
  }
  return MN_OK;
}

void mn_spec_close(mn_spec *spec)
{
  mn_free(spec->text);
  mn_free(spec->parts);
  *spec = (mn_spec){0};
}

mn_status mn_spec_take_size(mn_spec *spec, const char *key, size_t least, size_t most, size_t *value, mn_error *err)
{
  size_t length = strlen(key), i = 0;
  while (i < spec->count && (strncmp(spec->parts[i], key, length) || spec->parts[i][length] != '=')) i++;
  if (i == spec->count) return MN_OK;
  const char *text = spec->parts[i] + length + 1;
  char *end, quoted[MN_QUOTE_ROOM];
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || errno || v < least || v > most)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: an integer from %zu to %zu expected, %s found", key, least, most,
                   mn_quote(text, strlen(text), quoted));
  *value = (size_t)v;
  spec->count--;
  memmove(spec->parts + i, spec->parts + i + 1, (spec->count - i) * sizeof *spec->parts);
  return MN_OK;
}

/* What the budget leaves, or the machine has; SIZE_MAX when that is not known. */
static size_t room_left(size_t budget)
{
  size_t used = mn_memory_current_rss(), available = mn_memory_available();
  if (budget) return budget > used ? budget - used : 0;
  return available ? available : SIZE_MAX;
}

mn_status mn_data_check_bytes(const char *path, const char *what, size_t bytes, const mn_context *ctx, mn_error *err)
{
  char need[32], have[32];
  size_t budget = ctx ? ctx->memory_bytes : 0, room = room_left(budget);
  if (bytes <= room) return MN_OK;
  return MN_FAIL(err, MN_ERR_BUDGET, "%s: %s %s bytes of memory, %s %s", path, what, mn_group_digits(bytes, need),
                 mn_group_digits(room, have), budget ? "are left of the budget (--memory)" : "are there");
}

mn_status mn_data_check_room(const char *path, const mn_data_shape *shape, const mn_context *ctx, mn_error *err)
{
  char a[32], b[32], what[96];
  size_t row, bytes;
  mn_status st = mn_size_product(path, shape->dim, mn_dtype_size(shape->type), &row, err);
  if (!st) st = mn_size_product(path, shape->n, row + shape->columns * sizeof(double), &bytes, err);
  if (st) return st;
  snprintf(what, sizeof what, "%s samples of %s features need", mn_group_digits(shape->n, a),
           mn_group_digits(shape->dim, b));
  return mn_data_check_bytes(path, what, bytes + shape->beside, ctx, err);
}

void mn_data_set_name(mn_data *data, const char *path)
{
  const char *slash = strrchr(path, '/');
  const char *last = slash ? slash + 1 : path;
  size_t length = strlen(last), most = sizeof data->name - 1;
  if (length > most) length = most;
  memcpy(data->name, last, length);
  data->name[length] = '\0';
}

mn_status mn_size_product(const char *path, size_t a, size_t b, size_t *out, mn_error *err)
{
  if (!__builtin_mul_overflow(a, b, out) && *out <= PTRDIFF_MAX) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: a shape whose product fits into 63 bits expected, %zu x %zu found", path, a,
                 b);
}

char *mn_quote(const char *text, size_t length, char out[MN_QUOTE_ROOM])
{
  const size_t most = 40;
  size_t n = length < most ? length : most, at = 0;
  out[at++] = '\'';
  for (size_t i = 0; i < n; i++) out[at++] = (unsigned char)text[i] < ' ' || text[i] == 127 ? '?' : text[i];
  if (length > most) at = (size_t)((char *)memcpy(out + at, "...", 3) - out) + 3;
  out[at++] = '\'';
  out[at] = '\0';
  return out;
}

static size_t nonfinite_f32(const float *x, size_t count)
{
  size_t bad = 0;
  for (size_t i = 0; i < count; i++) bad += !(fabsf(x[i]) <= FLT_MAX);
  return bad;
}

static size_t nonfinite_f64(const double *x, size_t count)
{
  size_t bad = 0;
  for (size_t i = 0; i < count; i++) bad += !(fabs(x[i]) <= DBL_MAX);
  return bad;
}

static double element(const mn_data *data, size_t i)
{
  return data->type == MN_F32 ? (double)((const float *)data->x)[i] : ((const double *)data->x)[i];
}

static mn_status not_finite(const char *path, size_t row, size_t column, double value, mn_error *err)
{
  const char *what = isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return MN_FAIL(err, MN_ERR_DATA,
                 "%s: row %zu, column %zu is %s: finite numbers expected (rows and columns counted from 0)", path, row,
                 column, what);
}

mn_status mn_data_check_finite(const mn_data *data, const char *x_path, const char *y_path, mn_error *err)
{
  size_t count = data->n * data->dim, i = 0, targets = data->n * data->columns;
  size_t bad = data->type == MN_F32   ? nonfinite_f32(data->x, count)
               : data->type == MN_F64 ? nonfinite_f64(data->x, count)
                                      : 0;
  if (bad) {
    while (isfinite(element(data, i))) i++;
    return not_finite(x_path, i / data->dim, i % data->dim, element(data, i), err);
  }
  if (!targets || !nonfinite_f64(data->y, targets)) return MN_OK;
  while (isfinite(data->y[i])) i++;
  return not_finite(y_path, i / data->columns, i % data->columns, data->y[i], err);
}
