#define _XOPEN_SOURCE 700
#include "data/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"

enum { RAW_BYTES = 1 << 16, TEXT_BYTES = 1 << 16, DIRECT_BYTES = 1 << 20 };

/* Deflate makes at most 1,032 bytes of one (a match of 258 bytes in 2 bits); the slack covers the last block. */
static const size_t deflate_ratio = 1032, deflate_slack = 1 << 12;
static const size_t report_bytes = (size_t)32 << 20; /* files from this size on report progress */

struct mn_input {
  char *path;
  int fd;
  int regular;     /* the size is known */
  size_t size;     /* of the file, in bytes */
  size_t position; /* bytes handed out, after decompression */
  size_t expected; /* what mn_input_expect was told; 0: nothing */

  unsigned char *raw; /* RAW_BYTES from the file, of which raw_at ... raw_end-1 are still to be used */
  size_t raw_at, raw_end;
  int raw_eof;

  int gz;
  int inflating;    /* z is initialised */
  int member_ended; /* between two gzip members, or after the last */
  z_stream z;

  char *text; /* text_room bytes for lines, of which text_at ... text_end-1 are still to be used */
  size_t text_room, text_at, text_end;
  size_t lines;

  int metered;
  mn_meter meter;
};

const char *mn_input_path(const mn_input *in)
{
  return in->path;
}

size_t mn_input_position(const mn_input *in)
{
  return in->position;
}

int mn_input_is_regular(const mn_input *in)
{
  return in->regular;
}

size_t mn_input_plain_size(const mn_input *in)
{
  return in->gz || !in->regular ? 0 : in->size;
}

static mn_status wrong_size(const mn_input *in, size_t expected, size_t found, const char *remark, mn_error *err)
{
  char e[32], f[32];
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: %s bytes expected, %s found%s", in->path, mn_group_digits(expected, e),
                 mn_group_digits(found, f), remark);
}

/* One read of the file: at most `count` bytes, 0 at its end. */
static mn_status read_some(mn_input *in, void *to, size_t count, size_t *got, mn_error *err)
{
  ssize_t n;
  do n = read(in->fd, to, count);
  while (n < 0 && errno == EINTR);
  if (n < 0) return MN_FAIL(err, MN_ERR_IO, "%s: reading failed: %s", in->path, strerror(errno));
  *got = (size_t)n;
  if (n == 0) in->raw_eof = 1;
  if (in->metered && mn_meter_add(&in->meter, (double)n)) return mn_meter_close(&in->meter, err);
  return MN_OK;
}

static mn_status fill_raw(mn_input *in, mn_error *err)
{
  if (in->raw_at < in->raw_end || in->raw_eof) return MN_OK;
  in->raw_at = in->raw_end = 0;
  return read_some(in, in->raw, RAW_BYTES, &in->raw_end, err);
}

/* Up to `count` bytes of a plain file; large requests go past the buffer. */
static mn_status produce_plain(mn_input *in, unsigned char *to, size_t count, size_t *got, mn_error *err)
{
  if (in->raw_at == in->raw_end && count >= RAW_BYTES)
    return read_some(in, to, count < DIRECT_BYTES ? count : DIRECT_BYTES, got, err);
  mn_status st = fill_raw(in, err);
  if (st) return st;
  size_t there = in->raw_end - in->raw_at;
  *got = count < there ? count : there;
  memcpy(to, in->raw + in->raw_at, *got);
  in->raw_at += *got;
  return MN_OK;
}

static mn_status gz_truncated(const mn_input *in, mn_error *err)
{
  char b[32];
  return MN_FAIL(err, MN_ERR_FORMAT,
                 "%s: truncated gzip file: it ends after %s uncompressed bytes, without its end mark", in->path,
                 mn_group_digits(in->position, b));
}

static mn_status gz_damaged(const mn_input *in, int code, mn_error *err)
{
  if (code == Z_MEM_ERROR) return MN_NO_MEMORY(err, RAW_BYTES);
  char b[32];
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: damaged gzip file near uncompressed byte %s: %s", in->path,
                 mn_group_digits(in->position, b), in->z.msg ? in->z.msg : "invalid data");
}

/* Between members: starts the next one, or finds the end of the file (*more = 0), or something that is not gzip. */
static mn_status next_member(mn_input *in, int *more, mn_error *err)
{
  mn_status st = fill_raw(in, err);
  if (st) return st;
  *more = in->raw_at < in->raw_end;
  if (!*more) return MN_OK;
  if (in->raw[in->raw_at] != 0x1f)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: bytes that are not gzip follow the end of the compressed data", in->path);
  in->member_ended = 0;
  int code = inflateReset(&in->z);
  return code == Z_OK ? MN_OK : gz_damaged(in, code, err);
}

/* Up to `count` bytes after decompression; 0 only at the end of the last member, its check sum then verified. */
static mn_status produce_gz(mn_input *in, unsigned char *to, size_t count, size_t *got, mn_error *err)
{
  mn_status st = MN_OK;
  int more = 1;
  *got = 0;
  while (!*got && more) {
    if (in->member_ended) {
      if ((st = next_member(in, &more, err))) return st;
      continue;
    }
    if ((st = fill_raw(in, err))) return st;
    if (in->raw_at == in->raw_end) return gz_truncated(in, err);
    in->z.next_in = in->raw + in->raw_at;
    in->z.avail_in = (uInt)(in->raw_end - in->raw_at);
    in->z.next_out = to;
    in->z.avail_out = (uInt)(count < DIRECT_BYTES ? count : DIRECT_BYTES);
    uInt room = in->z.avail_out;
    int code = inflate(&in->z, Z_NO_FLUSH);
    in->raw_at = in->raw_end - in->z.avail_in;
    *got = room - in->z.avail_out;
    if (code == Z_STREAM_END)
      in->member_ended = 1;
    else if (code != Z_OK && code != Z_BUF_ERROR)
      return gz_damaged(in, code, err);
  }
  return MN_OK;
}

static mn_status produce(mn_input *in, void *to, size_t count, size_t *got, mn_error *err)
{
  *got = 0;
  mn_status st = in->gz ? produce_gz(in, to, count, got, err) : produce_plain(in, to, count, got, err);
  if (!st) in->position += *got;
  return st;
}

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

/* Looks at the first bytes, and starts zlib when they are gzip's. */
static mn_status detect_gz(mn_input *in, mn_error *err)
{
  mn_status st = fill_raw(in, err);
  if (st) return st;
  in->gz = in->raw_end >= 2 && in->raw[0] == 0x1f && in->raw[1] == 0x8b;
  size_t length = strlen(in->path);
  if (!in->gz && length > 3 && !strcmp(in->path + length - 3, ".gz"))
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: a gzip file expected, its first bytes 1f 8b not found", in->path);
  if (!in->gz) return MN_OK;
  in->z.zalloc = z_alloc;
  in->z.zfree = z_free;
  int code = inflateInit2(&in->z, 15 + 16); /* 32 KiB window, gzip wrapper */
  if (code != Z_OK) return gz_damaged(in, code, err);
  in->inflating = 1;
  return MN_OK;
}

/* Opens the descriptor and learns the size. */
static mn_status open_descriptor(mn_input *in, mn_error *err)
{
  struct stat info;
  in->fd = open(in->path, O_RDONLY | O_CLOEXEC);
  if (in->fd < 0 || fstat(in->fd, &info))
    return MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", in->path, strerror(errno));
  if (S_ISDIR(info.st_mode)) return MN_FAIL(err, MN_ERR_IO, "%s: a file expected, a directory found", in->path);
  in->regular = S_ISREG(info.st_mode);
  in->size = in->regular ? (size_t)info.st_size : 0;
  return MN_OK;
}

mn_status mn_input_open(const char *path, const mn_context *ctx, mn_input **out, mn_error *err)
{
  mn_status st = MN_OK;
  *out = NULL;
  mn_input *in = mn_calloc(1, sizeof *in);
  if (!in) return MN_NO_MEMORY(err, sizeof *in);
  in->fd = -1;
  in->path = mn_strdup(path);
  in->raw = mn_alloc(RAW_BYTES, 1);
  if (!in->path || !in->raw) {
    st = MN_NO_MEMORY(err, RAW_BYTES);
    goto done;
  }
  if ((st = open_descriptor(in, err))) goto done;
  if (in->size >= report_bytes && ctx) {
    in->metered = 1;
    mn_meter_open(&in->meter, ctx, "read", (double)in->size, "byte");
  }
  if ((st = detect_gz(in, err))) goto done;
  *out = in;
  in = NULL;
done:
  mn_input_close(&in);
  return st;
}

void mn_input_close(mn_input **input)
{
  mn_input *in = *input;
  if (!in) return;
  if (in->inflating) inflateEnd(&in->z);
  if (in->fd >= 0) close(in->fd);
  mn_free(in->text);
  mn_free(in->raw);
  mn_free(in->path);
  mn_free(in);
  *input = NULL;
}

mn_status mn_input_expect(mn_input *in, size_t bytes, mn_error *err)
{
  if (!in->regular)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: a regular file expected, whose size can be checked", in->path);
  in->expected = bytes;
  if (!in->gz) return in->size == bytes ? MN_OK : wrong_size(in, bytes, in->size, "", err);
  if (bytes <= deflate_slack || (bytes - deflate_slack) / deflate_ratio <= in->size) return MN_OK;
  return wrong_size(in, bytes, in->size, " even before decompression: the header claims more than gzip can hold", err);
}

static mn_status read_short(const mn_input *in, size_t missing, mn_error *err)
{
  size_t whole = in->expected ? in->expected : in->position + missing;
  return wrong_size(in, whole, in->position, "", err);
}

mn_status mn_input_read(mn_input *in, void *to, size_t count, mn_error *err)
{
  unsigned char *next = to;
  while (count) {
    size_t got;
    mn_status st = produce(in, next, count, &got, err);
    if (st) return st;
    if (!got) return read_short(in, count, err);
    next += got;
    count -= got;
  }
  return MN_OK;
}

mn_status mn_input_end(mn_input *in, mn_error *err)
{
  char extra[256];
  size_t got, expected = in->position;
  mn_status st = produce(in, extra, sizeof extra, &got, err);
  while (!st && got && in->position - expected < DIRECT_BYTES) st = produce(in, extra, sizeof extra, &got, err);
  if (st) return st;
  if (in->position != expected) return wrong_size(in, expected, in->position, got ? " or more" : "", err);
  return in->metered ? mn_meter_close(&in->meter, err) : MN_OK;
}

/* Brings more text behind what is left of it; *got = 0 at the end of the file. */
static mn_status fill_text(mn_input *in, size_t *got, mn_error *err)
{
  if (in->text_at) {
    memmove(in->text, in->text + in->text_at, in->text_end - in->text_at);
    in->text_end -= in->text_at;
    in->text_at = 0;
  }
  if (in->text_room - in->text_end < TEXT_BYTES / 2) { /* a line longer than the buffer */
    size_t room = in->text_room ? 2 * in->text_room : TEXT_BYTES;
    char *larger = mn_realloc(in->text, room, 1);
    if (!larger) return MN_NO_MEMORY(err, room);
    in->text = larger;
    in->text_room = room;
  }
  size_t room = in->text_room - in->text_end - 1; /* one byte stays for the final 0 */
  mn_status st = produce(in, in->text + in->text_end, room, got, err);
  if (!st) in->text_end += *got;
  return st;
}

/* Cuts the line at text_at, whose newline (or the end of the file) is `length` bytes further. */
static mn_status cut_line(mn_input *in, size_t length, size_t used, char **line, mn_error *err)
{
  char *start = in->text + in->text_at;
  in->text_at += used;
  if (memchr(start, '\0', length))
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: line %zu holds a zero byte: text expected", in->path, in->lines);
  start[length] = '\0';
  if (length && start[length - 1] == '\r') start[length - 1] = '\0';
  *line = start;
  return MN_OK;
}

mn_status mn_input_line(mn_input *in, char **line, size_t *number, mn_error *err)
{
  size_t searched = 0; /* bytes of the line known to hold no newline */
  *line = NULL;
  for (;;) {
    size_t there = in->text_end - in->text_at, got = 0;
    char *newline = there > searched ? memchr(in->text + in->text_at + searched, '\n', there - searched) : NULL;
    if (newline) {
      size_t length = (size_t)(newline - (in->text + in->text_at));
      *number = ++in->lines;
      return cut_line(in, length, length + 1, line, err);
    }
    searched = there;
    mn_status st = fill_text(in, &got, err);
    if (st) return st;
    if (got) continue;
    if (!there) return in->metered ? mn_meter_close(&in->meter, err) : MN_OK;
    *number = ++in->lines;
    return cut_line(in, there, there, line, err);
  }
}
