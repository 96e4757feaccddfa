/* The index of a panel store: a header of fixed size, then the checksum of every tile, of all panels (0 where a panel
 * is not finished). Numbers are in the byte order of the machine, as the tiles are; the magic number tells it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/status.h"
#include "linalg/panel_store_file.h"

static const uint64_t magic = 0x0a53454c49544e4d; /* "MNTILES\n" on a little-endian machine */
static const uint32_t version = 1;

typedef struct {
  uint64_t magic;
  uint32_t version;
  uint32_t type; /* bytes of an element */
  uint64_t n, width, key[2], finished;
  uint32_t table;  /* CRC-32 of the checksums */
  uint32_t header; /* CRC-32 of all of the header before it */
} index_header;

enum { HEADER_BYTES = offsetof(index_header, header) }; /* what its checksum is of */

_Static_assert(sizeof(index_header) == 64, "the header has no padding");

static uint32_t crc(const void *bytes, size_t count)
{
  return (uint32_t)crc32_z(0, bytes, count);
}

static size_t table_bytes(const mn_panel_store *s)
{
  return mn_panels_tiles(&s->shape) * sizeof *s->checksums;
}

static index_header header_of(const mn_panel_store *s)
{
  index_header h = {.magic = magic,
                    .version = version,
                    .type = (uint32_t)mn_dtype_size(s->shape.type),
                    .n = s->shape.n,
                    .width = s->shape.width,
                    .key = {s->key[0], s->key[1]},
                    .finished = s->finished,
                    .table = crc(s->checksums, table_bytes(s))};
  h.header = crc(&h, HEADER_BYTES);
  return h;
}

/* Writes all bytes; 0, or -1 with errno. */
static int write_all(int fd, const void *from, size_t count)
{
  for (size_t done = 0; done < count;) {
    ssize_t put = write(fd, (const char *)from + done, count - done);
    if (put < 0 && errno != EINTR) return -1;
    if (put > 0) done += (size_t)put;
  }
  return 0;
}

/* The new index under its temporary name, on the disk. */
static int write_new(const mn_panel_store *s)
{
  index_header h = header_of(s);
  int fd = open(s->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return -1;
  int bad = write_all(fd, &h, sizeof h) || write_all(fd, s->checksums, table_bytes(s)) || fsync(fd), reason = errno;
  if (close(fd) && !bad) return -1;
  errno = reason;
  return bad ? -1 : 0;
}

/* Makes the name durable. Some file systems cannot sync a folder: EINVAL is no failure. */
static int sync_folder(const char *path)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  int bad = fsync(fd) && errno != EINVAL, reason = errno;
  close(fd);
  errno = reason;
  return bad ? -1 : 0;
}

/* As core/atomic_file does it, but for the temporary name, which is always the same: the store is locked, so nobody
 * else uses it, and what a kill leaves of it is written over by the next run instead of staying for good. */
mn_status mn_store_index_write(const mn_panel_store *s, mn_error *err)
{
  if (!write_new(s) && !rename(s->new_path, s->index_path) && !sync_folder(s->folder)) return MN_OK;
  mn_status st = MN_FAIL(err, MN_ERR_IO, "%s: writing failed: %s", s->index_path, strerror(errno));
  unlink(s->new_path);
  return st;
}

static mn_status damaged(const mn_panel_store *s, const char *what, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: %s; remove the folder to begin anew", s->index_path, what);
}

static mn_status check_header(const mn_panel_store *s, const index_header *h, mn_error *err)
{
  if (h->magic != magic) return damaged(s, "not the index of a factor, or of a machine of another kind", err);
  if (h->version != version)
    return MN_FAIL(err, MN_ERR_VERSION, "%s: version %u, this program reads version %u", s->index_path, h->version,
                   version);
  uint32_t found = crc(h, HEADER_BYTES);
  if (h->header != found)
    return MN_FAIL(err, MN_ERR_FORMAT,
                   "%s: checksum %08x expected, %08x found: the file is damaged; remove the folder to begin anew",
                   s->index_path, h->header, found);
  return MN_OK;
}

static mn_status other(const mn_panel_store *s, const char *what, uint64_t there, uint64_t here, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_DATA, "%s: of a matrix with %s = %llu, this run has %llu; choose another folder",
                 s->index_path, what, (unsigned long long)there, (unsigned long long)here);
}

static mn_status check_identity(const mn_panel_store *s, const index_header *h, mn_error *err)
{
  uint32_t size = (uint32_t)mn_dtype_size(s->shape.type);
  if (h->n != s->shape.n) return other(s, "n", h->n, s->shape.n, err);
  if (h->type != size) return other(s, "bytes an element", h->type, size, err);
  if (h->width != s->shape.width) return other(s, "panel width", h->width, s->shape.width, err);
  if (h->key[0] != s->key[0] || h->key[1] != s->key[1])
    return MN_FAIL(err, MN_ERR_DATA, "%s: of other data or other options than this run's; choose another folder",
                   s->index_path);
  return MN_OK;
}

/* Reads up to `count` bytes, as far as the file goes; -1 with errno. */
static ssize_t read_all(int fd, void *to, size_t count)
{
  size_t done = 0;
  while (done < count) {
    ssize_t got = read(fd, (char *)to + done, count - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (!got) break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

static mn_status read_exactly(const mn_panel_store *s, int fd, void *to, size_t count, size_t before, mn_error *err)
{
  char expected[32], got[32];
  ssize_t found = read_all(fd, to, count);
  if (found < 0) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be read: %s", s->index_path, strerror(errno));
  if ((size_t)found < count)
    return MN_FAIL(
        err, MN_ERR_FORMAT, "%s: %s bytes expected, %s found: the file is damaged; remove the folder to begin anew",
        s->index_path, mn_group_digits(before + count, expected), mn_group_digits(before + (size_t)found, got));
  return MN_OK;
}

/* Without memory of its own, so that "no" means no. */
int mn_panel_store_exists(const char *folder, const mn_panel_store_id *id)
{
  char path[4096];
  index_header h;
  int length = snprintf(path, sizeof path, "%s/factor.index", folder);
  int fd = length < (int)sizeof path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  ssize_t found = read_all(fd, &h, sizeof h);
  close(fd);
  return found == sizeof h && h.magic == magic && h.version == version && h.header == crc(&h, HEADER_BYTES) &&
         h.n == id->n && h.type == mn_dtype_size(id->type) && h.width == (id->width < id->n ? id->width : id->n) &&
         h.key[0] == id->key[0] && h.key[1] == id->key[1];
}

mn_status mn_store_index_read(mn_panel_store *s, mn_error *err)
{
  index_header h;
  int fd = open(s->index_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", s->index_path, strerror(errno));
  mn_status st = read_exactly(s, fd, &h, sizeof h, 0, err);
  if (!st) st = check_header(s, &h, err);
  if (!st) st = check_identity(s, &h, err);
  if (!st) st = read_exactly(s, fd, s->checksums, table_bytes(s), sizeof h, err);
  if (!st && (crc(s->checksums, table_bytes(s)) != h.table || h.finished > s->shape.count))
    st = damaged(s, "the checksums of its tiles are damaged", err);
  if (!st) s->finished = h.finished;
  close(fd);
  return st;
}
