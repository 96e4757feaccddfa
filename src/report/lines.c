/* JSON lines: a header that says what the lines are of, and a line for all that is done. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"
#include "minnorm/report.h"

struct mn_lines {
  char *path;
  int file;
  size_t count, room;
  char **line; /* count */
};

static mn_status fail(const mn_lines *l, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_IO, "%s: %s", l->path, strerror(errno));
}

void mn_lines_close(mn_lines **lines)
{
  mn_lines *l = *lines;
  if (!l) return;
  if (l->file >= 0) close(l->file);
  for (size_t i = 0; i < l->count; i++) mn_free(l->line[i]);
  mn_free(l->line);
  mn_free(l->path);
  mn_free(l);
  *lines = NULL;
}

size_t mn_lines_count(const mn_lines *lines)
{
  return lines->count;
}

const char *mn_lines_at(const mn_lines *lines, size_t i)
{
  return lines->line[i];
}

static mn_status keep(mn_lines *l, const char *text, size_t length, mn_error *err)
{
  if (l->count == l->room) {
    size_t room = l->room ? 2 * l->room : 64;
    char **more = mn_alloc(room, sizeof *more);
    if (!more) return MN_NO_MEMORY(err, room * sizeof *more);
    if (l->count) memcpy(more, l->line, l->count * sizeof *more);
    mn_free(l->line);
    l->line = more;
    l->room = room;
  }
  char *copy = mn_alloc(length + 1, 1);
  if (!copy) return MN_NO_MEMORY(err, length + 1);
  memcpy(copy, text, length);
  copy[length] = '\0';
  l->line[l->count++] = copy;
  return MN_OK;
}

static mn_status write_line(const mn_lines *l, const char *line, mn_error *err)
{
  size_t length = strlen(line), done = 0;
  char *text = mn_alloc(length + 1, 1); /* in one call, so that it is there or not */
  if (!text) return MN_NO_MEMORY(err, length + 1);
  memcpy(text, line, length);
  text[length] = '\n';
  while (done <= length) {
    ssize_t wrote = write(l->file, text + done, length + 1 - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) break;
    done += (size_t)wrote;
  }
  mn_free(text);
  return done <= length || fsync(l->file) ? fail(l, err) : MN_OK;
}

mn_status mn_lines_append(mn_lines *lines, const char *line, mn_error *err)
{
  mn_status st = keep(lines, line, strlen(line), err);
  if (st) return st;
  if ((st = write_line(lines, line, err))) mn_free(lines->line[--lines->count]);
  return st;
}

/* All of the file, with a 0 at its end. */
static mn_status read_file(const mn_lines *l, char **text, size_t *size, mn_error *err)
{
  struct stat info;
  if (fstat(l->file, &info)) return fail(l, err);
  if (!S_ISREG(info.st_mode)) return MN_FAIL(err, MN_ERR_IO, "%s: not a file that can be gone on with", l->path);
  *size = (size_t)info.st_size;
  if (!(*text = mn_alloc(*size + 1, 1))) return MN_NO_MEMORY(err, *size + 1);
  for (size_t done = 0; done < *size;) {
    ssize_t got = pread(l->file, *text + done, *size - done, (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(l, err);
    if (!got) *size = done; /* it has become shorter */
    done += (size_t)got;
  }
  (*text)[*size] = '\0';
  return MN_OK;
}

/* Names the member in which the headers differ. */
static mn_status other(const mn_lines *l, const char *there, const char *here, mn_error *err)
{
  size_t member = 0;
  for (size_t i = 0; here[i] && there[i] == here[i]; i++)
    if ((here[i] == ',' || here[i] == '{') && here[i + 1] == '"') member = i + 2;
  if (!member)
    return MN_FAIL(err, MN_ERR_DATA, "%s: what is there is no log, %.40s found: choose another file", l->path, there);
  return MN_FAIL(err, MN_ERR_DATA,
                 "%s: what is there is of another run, with another %.*s: give the same data and options, or another "
                 "file",
                 l->path, (int)strcspn(here + member, "\""), here + member);
}

/* Takes over the lines there are; *size becomes the bytes of whole ones, 0 without a header. */
static mn_status take_over(mn_lines *l, const char *header, char *text, size_t *size, mn_error *err)
{
  char *at = text, *end;
  mn_status st = MN_OK;
  int first = 1;
  for (; !st && (end = memchr(at, '\n', *size - (size_t)(at - text))); at = end + 1, first = 0) {
    *end = '\0';
    if (!first)
      st = keep(l, at, (size_t)(end - at), err);
    else if (strcmp(at, header))
      st = other(l, at, header, err);
  }
  if (!st && first && strncmp(text, header, *size)) st = other(l, text, header, err); /* cut off in its header */
  *size = (size_t)(at - text);
  return st;
}

static mn_status open_file(mn_lines *l, const char *header, mn_error *err)
{
  char *text = NULL;
  size_t size = 0;
  l->file = open(l->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (l->file < 0) return fail(l, err);
  if (flock(l->file, LOCK_EX | LOCK_NB))
    return errno == EWOULDBLOCK ? MN_FAIL(err, MN_ERR_IO, "%s: another run writes it", l->path) : fail(l, err);
  mn_status st = read_file(l, &text, &size, err);
  if (!st) st = take_over(l, header, text, &size, err);
  mn_free(text);
  if (st) return st;
  if (ftruncate(l->file, (off_t)size)) return fail(l, err);
  return size ? MN_OK : write_line(l, header, err);
}

mn_status mn_lines_open(const char *path, const char *header, mn_lines **out, mn_error *err)
{
  *out = NULL;
  mn_lines *l = mn_calloc(1, sizeof *l);
  if (!l) return MN_NO_MEMORY(err, sizeof *l);
  l->file = -1;
  size_t length = strlen(path) + 1;
  mn_status st = MN_OK;
  if ((l->path = mn_alloc(length, 1)))
    memcpy(l->path, path, length);
  else
    st = MN_NO_MEMORY(err, length);
  if (!st) st = open_file(l, header, err);
  if (st)
    mn_lines_close(&l);
  else
    *out = l;
  return st;
}
