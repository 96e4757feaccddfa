/* Check sums of downloaded files, and the members of a .tar.gz. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/atomic_file.h"
#include "core/md5.h"
#include "core/memory.h"
#include "core/status.h"
#include "data/download.h"
#include "data/input.h"

enum { CHUNK = 1 << 15, BLOCK = 512, MEMBERS = 16, META_BYTES = 1 << 20 };

char *mn_join3(const char *a, const char *b, const char *c)
{
  size_t bytes = strlen(a) + strlen(b) + strlen(c) + 1;
  char *text = mn_alloc(bytes, 1);
  if (text) snprintf(text, bytes, "%s%s%s", a, b, c);
  return text;
}

/* MD5 of the next `count` bytes. */
static mn_status hash_input(mn_input *in, uint64_t count, char hex[33], mn_error *err)
{
  char chunk[CHUNK];
  mn_md5 md5;
  mn_md5_open(&md5);
  while (count) {
    size_t take = count < CHUNK ? (size_t)count : CHUNK;
    mn_status st = mn_input_read(in, chunk, take, err);
    if (st) return st;
    mn_md5_add(&md5, chunk, take);
    count -= take;
  }
  mn_md5_close(&md5, hex);
  return MN_OK;
}

/* Of a gzip file's content, or of a plain file. */
static mn_status hash_content(const char *path, uint64_t bytes, char hex[33], mn_error *err)
{
  mn_input *in = NULL;
  mn_status st = mn_input_open(path, NULL, &in, err);
  if (!st) st = mn_input_expect(in, bytes, err);
  if (!st) st = hash_input(in, bytes, hex, err);
  if (!st) st = mn_input_end(in, err);
  mn_input_close(&in);
  return st;
}

static mn_status hash_file(const char *path, char hex[33], mn_error *err)
{
  char chunk[CHUNK];
  size_t got;
  mn_md5 md5;
  FILE *f = fopen(path, "rb");
  if (!f) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
  mn_md5_open(&md5);
  while ((got = fread(chunk, 1, CHUNK, f))) mn_md5_add(&md5, chunk, got);
  mn_status st = ferror(f) ? MN_FAIL(err, MN_ERR_IO, "%s: reading failed", path) : MN_OK;
  fclose(f);
  mn_md5_close(&md5, hex);
  return st;
}

mn_status mn_download_verify(const mn_download_file *file, const char *path, mn_error *err)
{
  char hex[33];
  mn_status st = file->members ? hash_file(path, hex, err) : hash_content(path, file->content_bytes, hex, err);
  if (st) return st;
  if (!strcmp(hex, file->md5)) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: md5 %s expected%s, %s found", path, file->md5,
                 file->members ? "" : " of the content", hex);
}

/* The parts of a tar header that matter here (POSIX.1-1988 ustar). */
typedef struct {
  char name[101]; /* its last component */
  uint64_t bytes;
  int regular;
} tar_entry;

static int parse_octal(const unsigned char *text, size_t width, uint64_t *out)
{
  size_t i = 0;
  *out = 0;
  while (i < width && text[i] == ' ') i++;
  size_t first = i;
  for (; i < width && text[i] >= '0' && text[i] <= '7'; i++) *out = *out * 8 + (uint64_t)(text[i] - '0');
  return i > first && (i == width || text[i] == ' ' || text[i] == '\0');
}

/* The sum of all bytes, those of the sum's own field counted as spaces. */
static uint64_t tar_sum(const unsigned char block[BLOCK])
{
  uint64_t sum = 8 * ' ';
  for (int i = 0; i < BLOCK; i++)
    if (i < 148 || i >= 156) sum += block[i];
  return sum;
}

static int parse_header(const unsigned char block[BLOCK], tar_entry *entry)
{
  uint64_t sum;
  if (!parse_octal(block + 148, 8, &sum) || sum != tar_sum(block)) return 0;
  if (!parse_octal(block + 124, 12, &entry->bytes)) return 0;
  char path[101] = "";
  memcpy(path, block, 100);
  const char *slash = strrchr(path, '/');
  strcpy(entry->name, slash ? slash + 1 : path);
  entry->regular = block[156] == '0' || block[156] == '\0';
  return 1;
}

typedef struct {
  const mn_download_file *file;
  const char *archive, *folder;
  mn_input *in;
  mn_atomic_file *out[MEMBERS]; /* one a member, NULL until found */
} extraction;

static mn_status damaged(const extraction *x, const char *what, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: damaged tar archive: %s", x->archive, what);
}

/* Reads the data of an entry with its padding, and keeps it when there is a file to write it to. */
static mn_status copy_data(extraction *x, uint64_t bytes, mn_atomic_file *out, mn_error *err)
{
  char chunk[CHUNK];
  uint64_t left = bytes;
  mn_status st = MN_OK;
  while (left && !st) {
    size_t take = left < CHUNK ? (size_t)left : CHUNK;
    st = mn_input_read(x->in, chunk, take, err);
    if (!st && out) st = mn_atomic_file_write(out, chunk, take, err);
    left -= take;
  }
  size_t padding = (size_t)(-bytes % BLOCK);
  return st ? st : mn_input_read(x->in, chunk, padding, err);
}

static mn_status extract_member(extraction *x, size_t k, const tar_entry *entry, mn_error *err)
{
  const mn_archive_member *member = &x->file->members[k];
  char expected[32], found[32];
  if (x->out[k]) return MN_FAIL(err, MN_ERR_FORMAT, "%s: %s is there twice", x->archive, member->name);
  if (member->bytes ? entry->bytes != member->bytes : entry->bytes > META_BYTES)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: %s: %s%s bytes expected, %s found", x->archive, member->name,
                   member->bytes ? "" : "at most ",
                   mn_group_digits(member->bytes ? member->bytes : META_BYTES, expected),
                   mn_group_digits(entry->bytes, found));
  char *path = mn_join3(x->folder, "/", member->name);
  if (!path) return MN_NO_MEMORY(err, strlen(x->folder));
  mn_status st = mn_atomic_file_open(path, &x->out[k], err);
  if (!st) st = copy_data(x, entry->bytes, x->out[k], err);
  mn_free(path);
  return st;
}

/* The next entry; *more = 0 at the block of zeros that ends the archive. */
static mn_status extract_entry(extraction *x, int *more, mn_error *err)
{
  static const unsigned char zeros[BLOCK];
  unsigned char block[BLOCK];
  tar_entry entry;
  mn_status st = mn_input_read(x->in, block, BLOCK, err);
  if (st) return st;
  *more = memcmp(block, zeros, BLOCK) != 0;
  if (!*more) return MN_OK;
  if (!parse_header(block, &entry)) return damaged(x, "a header's check sum or size is wrong", err);
  for (size_t k = 0; entry.regular && k < x->file->member_count; k++)
    if (!strcmp(entry.name, x->file->members[k].name)) return extract_member(x, k, &entry, err);
  return copy_data(x, entry.bytes, NULL, err);
}

mn_status mn_archive_install(const mn_download_file *file, const char *archive, const char *folder,
                             const mn_context *ctx, mn_error *err)
{
  extraction x = {.file = file, .archive = archive, .folder = folder};
  int more = 1;
  if (file->member_count > MEMBERS) return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: at most %d members", archive, MEMBERS);
  mn_status st = mn_input_open(archive, ctx, &x.in, err);
  while (!st && more) st = extract_entry(&x, &more, err);
  for (size_t k = 0; !st && k < file->member_count; k++) {
    if (!x.out[k]) st = MN_FAIL(err, MN_ERR_FORMAT, "%s: %s is missing in it", archive, file->members[k].name);
    if (!st) st = mn_atomic_file_sync(x.out[k], err);
  }
  for (size_t k = 0; !st && k < file->member_count; k++) st = mn_atomic_file_commit(&x.out[k], err);
  for (size_t k = 0; k < file->member_count; k++) mn_atomic_file_abort(&x.out[k]);
  mn_input_close(&x.in);
  return st;
}
