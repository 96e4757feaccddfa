#include "data/npy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/array.h"
#include "data/readers.h"

enum { MAGIC_BYTES = 6, HEADER_LIMIT = 1 << 16 }; /* numpy itself refuses headers beyond 10,000 bytes */

static const char magic[MAGIC_BYTES + 1] = "\x93NUMPY";

static const struct {
  const char *descr;
  size_t size;
} types[] = {[MN_NPY_U1] = {"|u1", 1},
             [MN_NPY_I4] = {"<i4", 4},
             [MN_NPY_I8] = {"<i8", 8},
             [MN_NPY_F4] = {"<f4", 4},
             [MN_NPY_F8] = {"<f8", 8}};

size_t mn_npy_type_size(mn_npy_type type)
{
  return types[type].size;
}

const char *mn_npy_type_string(mn_npy_type type)
{
  return types[type].descr;
}

/* Reading the header: a Python dictionary with three keys, in any order. */

typedef struct {
  const char *at;    /* 0-terminated text not yet read */
  const char *start; /* of the dictionary */
  const char *path;
  mn_array_file *file;
  mn_error *err;
} header_text;

static mn_status malformed(const header_text *h, const char *expected)
{
  return MN_FAIL(h->err, MN_ERR_FORMAT, "%s: malformed NPY header: %s expected at byte %zu of its dictionary", h->path,
                 expected, (size_t)(h->at - h->start));
}

static void skip_blanks(header_text *h)
{
  while (*h->at == ' ' || *h->at == '\t' || *h->at == '\n') h->at++;
}

/* Skips blanks, and `c` if it follows; 0 if it does not. */
static int take(header_text *h, char c)
{
  skip_blanks(h);
  if (*h->at != c) return 0;
  h->at++;
  return 1;
}

/* 'text' or "text", copied and cut to what fits. */
static int take_string(header_text *h, char *out, size_t room)
{
  char quote = take(h, '\'') ? '\'' : '"';
  if (quote == '"' && !take(h, '"')) return 0;
  const char *end = strchr(h->at, quote);
  if (!end) return 0;
  snprintf(out, room, "%.*s", (int)(end - h->at), h->at);
  h->at = end + 1;
  return 1;
}

static mn_status take_descr(header_text *h)
{
  char text[32], quoted[MN_QUOTE_ROOM];
  if (!take_string(h, text, sizeof text)) return malformed(h, "a plain element type (u1, i4, i8, f4 or f8)");
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    int byte = types[i].size == 1 && strchr("<=|>", text[0]) && text[0]; /* order means nothing to bytes */
    if ((byte || text[0] == '<' || text[0] == '=') && !strcmp(text + 1, types[i].descr + 1)) {
      h->file->type = (mn_npy_type)i;
      return MN_OK;
    }
  }
  return MN_FAIL(h->err, MN_ERR_VERSION, "%s: element type u1, i4, i8, f4 or f8 (little-endian) expected, %s found",
                 h->path, mn_quote(text, strlen(text), quoted));
}

static mn_status take_order(header_text *h)
{
  skip_blanks(h);
  h->file->fortran = !strncmp(h->at, "True", 4);
  if (!h->file->fortran && strncmp(h->at, "False", 5)) return malformed(h, "True or False");
  h->at += h->file->fortran ? 4 : 5;
  return MN_OK;
}

static mn_status take_length(header_text *h, size_t *out)
{
  size_t value = 0;
  if (*h->at < '0' || *h->at > '9') return malformed(h, "a length");
  for (; *h->at >= '0' && *h->at <= '9'; h->at++)
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (size_t)(*h->at - '0'), &value))
      return malformed(h, "a shorter length");
  if (*h->at == 'L') h->at++; /* as Python 2 wrote it */
  *out = value;
  return MN_OK;
}

static mn_status take_shape(header_text *h)
{
  mn_array_file *file = h->file;
  if (!take(h, '(')) return malformed(h, "a shape");
  file->ndim = 0;
  while (!take(h, ')')) {
    if (file->ndim == MN_NPY_MAX_DIMS) return malformed(h, "at most 4 dimensions");
    mn_status st = take_length(h, &file->shape[file->ndim]);
    if (st) return st;
    file->ndim++;
    if (take(h, ',')) {
      skip_blanks(h);
      continue;
    }
    if (!take(h, ')')) return malformed(h, "a comma or )");
    return MN_OK;
  }
  return MN_OK;
}

static const struct {
  const char *key;
  mn_status (*take)(header_text *);
} fields[] = {{"descr", take_descr}, {"fortran_order", take_order}, {"shape", take_shape}};

enum { FIELDS = sizeof fields / sizeof *fields };

/* One "key: value". */
static mn_status take_field(header_text *h, unsigned *seen)
{
  char key[32];
  size_t i = 0;
  if (!take_string(h, key, sizeof key)) return malformed(h, "a key");
  while (i < FIELDS && strcmp(key, fields[i].key)) i++;
  if (i == FIELDS || (*seen & 1u << i)) return malformed(h, "descr, fortran_order and shape, each once,");
  if (!take(h, ':')) return malformed(h, "a colon");
  *seen |= 1u << i;
  return fields[i].take(h);
}

static mn_status take_dictionary(header_text *h)
{
  unsigned seen = 0;
  if (!take(h, '{')) return malformed(h, "{");
  while (!take(h, '}')) {
    mn_status st = take_field(h, &seen);
    if (st) return st;
    if (!take(h, ',') && *h->at != '}') return malformed(h, "a comma or }");
  }
  skip_blanks(h);
  if (*h->at) return malformed(h, "the end");
  return seen == (1u << FIELDS) - 1 ? MN_OK : malformed(h, "descr, fortran_order and shape");
}

/* Magic, version, length of the dictionary. */
static mn_status read_preamble(mn_input *in, size_t *length, mn_error *err)
{
  unsigned char start[MAGIC_BYTES + 2], width[4] = {0};
  const char *path = mn_input_path(in);
  mn_status st = mn_input_read(in, start, sizeof start, err);
  if (st) return st;
  if (memcmp(start, magic, MAGIC_BYTES))
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: an NPY file expected, its first bytes \\x93NUMPY not found", path);
  unsigned major = start[MAGIC_BYTES];
  if (major < 1 || major > 3)
    return MN_FAIL(err, MN_ERR_VERSION, "%s: NPY version 1, 2 or 3 expected, %u found", path, major);
  if ((st = mn_input_read(in, width, major == 1 ? 2 : 4, err))) return st;
  *length = width[0] | (size_t)width[1] << 8 | (size_t)width[2] << 16 | (size_t)width[3] << 24;
  if (*length <= HEADER_LIMIT) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: an NPY header of at most %d bytes expected, %zu found", path, HEADER_LIMIT,
                 *length);
}

mn_status mn_array_header_npy(mn_input *in, mn_array_file *out, mn_error *err)
{
  size_t length = 0;
  mn_status st = read_preamble(in, &length, err);
  if (st) return st;
  char *text = mn_calloc(length + 1, 1);
  if (!text) return MN_NO_MEMORY(err, length + 1);
  header_text h = {text, text, mn_input_path(in), out, err};
  st = mn_input_read(in, text, length, err);
  if (!st && strlen(text) != length) st = malformed(&h, "text without zero bytes");
  if (!st) st = take_dictionary(&h);
  mn_free(text);
  return st;
}

/* "<f8 (60000, any)": a type and a shape in words; 0 is any length when `wild`. */
static char *describe(mn_npy_type type, size_t ndim, const size_t *shape, int wild, char out[128])
{
  int at = snprintf(out, 128, "%s (", types[type].descr);
  for (size_t i = 0; i < ndim; i++)
    at += wild && !shape[i] ? snprintf(out + at, 128 - (size_t)at, "any%s", i + 1 < ndim ? ", " : "")
                            : snprintf(out + at, 128 - (size_t)at, "%zu%s", shape[i], i + 1 < ndim ? ", " : "");
  snprintf(out + at, 128 - (size_t)at, ")");
  return out;
}

static int matches(const mn_array_file *file, mn_npy_type type, size_t ndim, const size_t *shape)
{
  if (file->type != type || file->ndim != ndim) return 0;
  for (size_t i = 0; i < ndim; i++)
    if (shape[i] && shape[i] != file->shape[i]) return 0;
  return 1;
}

/* The values of an opened file. */
static mn_status read_array(mn_array_file *file, mn_npy *out, mn_error *err)
{
  size_t size = types[file->type].size;
  mn_npy array = {.type = file->type, .ndim = file->ndim, .count = file->count};
  memcpy(array.shape, file->shape, sizeof array.shape);
  array.values = mn_alloc_matrix(array.count, size);
  if (!array.values) return MN_NO_MEMORY(err, array.count * size);
  mn_status st = mn_array_read(file, array.values, err);
  if (st) mn_npy_free(&array);
  *out = array;
  return st;
}

mn_status mn_npy_read(const char *path, mn_npy *out, mn_error *err)
{
  mn_array_file file;
  *out = (mn_npy){0};
  mn_status st = mn_array_open(path, NULL, mn_array_header_npy, &file, err);
  if (!st) st = read_array(&file, out, err);
  mn_array_close(&file);
  return st;
}

mn_status mn_npy_read_as(const char *path, mn_npy_type type, size_t ndim, const size_t *shape, mn_npy *out,
                         mn_error *err)
{
  mn_array_file file;
  char expected[128], found[128];
  *out = (mn_npy){0};
  mn_status st = mn_array_open(path, NULL, mn_array_header_npy, &file, err);
  if (!st && !matches(&file, type, ndim, shape))
    st = MN_FAIL(err, MN_ERR_FORMAT, "%s: array %s expected, %s found", path, describe(type, ndim, shape, 1, expected),
                 describe(file.type, file.ndim, file.shape, 0, found));
  if (!st) st = read_array(&file, out, err);
  mn_array_close(&file);
  return st;
}

void mn_npy_free(mn_npy *array)
{
  mn_free(array->values);
  *array = (mn_npy){0};
}

/* The dictionary, padded so that the values begin at a multiple of 64 bytes. */
size_t mn_npy_format_header(mn_npy_type type, size_t ndim, const size_t *shape, char out[MN_NPY_HEADER_ROOM])
{
  const size_t preamble = MAGIC_BYTES + 4;
  char *text = out + preamble;
  size_t room = MN_NPY_HEADER_ROOM - preamble;
  size_t at = (size_t)snprintf(text, room, "{'descr': '%s', 'fortran_order': False, 'shape': (", types[type].descr);
  for (size_t i = 0; i < ndim; i++)
    at += (size_t)snprintf(text + at, room - at, "%zu%s", shape[i], ndim == 1 ? "," : i + 1 < ndim ? ", " : "");
  at += (size_t)snprintf(text + at, room - at, "), }");
  while ((preamble + at + 1) % 64) text[at++] = ' ';
  text[at++] = '\n';
  memcpy(out, magic, MAGIC_BYTES);
  out[MAGIC_BYTES] = 1;
  out[MAGIC_BYTES + 1] = 0;
  out[MAGIC_BYTES + 2] = (char)(at & 0xff);
  out[MAGIC_BYTES + 3] = (char)(at >> 8);
  return preamble + at;
}

mn_status mn_npy_write_header(mn_atomic_file *file, mn_npy_type type, size_t ndim, const size_t *shape, mn_error *err)
{
  char header[MN_NPY_HEADER_ROOM];
  size_t bytes = mn_npy_format_header(type, ndim, shape, header);
  return mn_atomic_file_write(file, header, bytes, err);
}

mn_status mn_npy_write(const char *path, mn_npy_type type, size_t ndim, const size_t *shape, const void *values,
                       mn_error *err)
{
  size_t count = types[type].size;
  mn_atomic_file *file = NULL;
  if (ndim > MN_NPY_MAX_DIMS) return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: at most 4 dimensions expected", path);
  for (size_t i = 0; i < ndim; i++) count *= shape[i]; /* bytes; the array is in memory, so they fit */
  mn_status st = mn_atomic_file_open(path, &file, err);
  if (!st) st = mn_npy_write_header(file, type, ndim, shape, err);
  if (!st) st = mn_atomic_file_write(file, values, count, err);
  if (!st) return mn_atomic_file_commit(&file, err);
  mn_atomic_file_abort(&file);
  return st;
}
