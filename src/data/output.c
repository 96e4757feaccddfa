#include "data/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "core/atomic_file.h"
#include "core/memory.h"
#include "core/status.h"

enum { PACKED_BYTES = 1 << 16, STEP_BYTES = 1 << 20 };

struct mn_output {
  mn_atomic_file *file;
  int gz; /* z is initialised */
  int ended;
  z_stream z;
  unsigned char packed[PACKED_BYTES];
};

static void *z_alloc(void *unused, uInt items, uInt size)
{
  (void)unused;
  return mn_alloc(items, size);
}

static void z_free(void *unused, void *p)
{
  (void)unused;
  mn_free(p);
}

static mn_status start_gz(mn_output *out, mn_error *err)
{
  out->z.zalloc = z_alloc;
  out->z.zfree = z_free;
  /* 32 KiB window, gzip wrapper; no time and no name in the header, so that the same data give the same file */
  int code = deflateInit2(&out->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  out->gz = code == Z_OK;
  return out->gz ? MN_OK : MN_NO_MEMORY(err, 1 << 18);
}

mn_status mn_output_open(const char *path, mn_output **out, mn_error *err)
{
  size_t length = strlen(path);
  *out = NULL;
  mn_output *o = mn_calloc(1, sizeof *o);
  if (!o) return MN_NO_MEMORY(err, sizeof *o);
  mn_status st = mn_atomic_file_open(path, &o->file, err);
  if (!st && length > 3 && !strcmp(path + length - 3, ".gz")) st = start_gz(o, err);
  if (st) mn_output_abort(&o);
  *out = o;
  return st;
}

/* Compresses until all input is taken and, at the end, all output is out. Deflate cannot fail with room to write. */
static mn_status deflate_all(mn_output *out, int flush, mn_error *err)
{
  mn_status st = MN_OK;
  do {
    out->z.next_out = out->packed;
    out->z.avail_out = PACKED_BYTES;
    deflate(&out->z, flush);
    st = mn_atomic_file_write(out->file, out->packed, PACKED_BYTES - out->z.avail_out, err);
  } while (!st && out->z.avail_out == 0);
  return st;
}

mn_status mn_output_write(mn_output *out, const void *bytes, size_t count, mn_error *err)
{
  const unsigned char *next = bytes;
  mn_status st = MN_OK;
  if (!out->gz) return mn_atomic_file_write(out->file, bytes, count, err);
  while (count && !st) {
    size_t step = count < STEP_BYTES ? count : STEP_BYTES; /* zlib counts in 32 bits */
    out->z.next_in = (z_const Bytef *)next;
    out->z.avail_in = (uInt)step;
    st = deflate_all(out, Z_NO_FLUSH, err);
    next += step;
    count -= step;
  }
  return st;
}

mn_status mn_output_print(mn_output *out, mn_error *err, const char *format, ...)
{
  char text[512];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return mn_output_write(out, text, (size_t)length, err);
}

mn_status mn_output_sync(mn_output *out, mn_error *err)
{
  mn_status st = MN_OK;
  if (out->gz && !out->ended) {
    out->z.avail_in = 0;
    st = deflate_all(out, Z_FINISH, err);
    out->ended = 1;
  }
  return st ? st : mn_atomic_file_sync(out->file, err);
}

mn_status mn_output_commit(mn_output **out, mn_error *err)
{
  mn_status st = mn_output_sync(*out, err);
  if (!st) st = mn_atomic_file_commit(&(*out)->file, err);
  mn_output_abort(out);
  return st;
}

void mn_output_abort(mn_output **out)
{
  if (!*out) return;
  if ((*out)->gz) deflateEnd(&(*out)->z);
  mn_atomic_file_abort(&(*out)->file);
  mn_free(*out);
  *out = NULL;
}
