#define _XOPEN_SOURCE 700
#include "core/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"
#include "core/temporary.h"

struct mn_atomic_file {
  FILE *stream;      /* NULL once synced */
  char *path;        /* the name to be had, symbolic links resolved */
  char *temporary;   /* NULL when written in place */
  int lock;          /* holds the lock of the temporary file after the stream, too; -1: none */
  size_t folder_end; /* path[0 ... folder_end-1] is the directory with its slash; 0: the current one */
};

/* A copy of the path, or of what it links to. A link that leads nowhere is itself replaced. */
static char *resolve(const char *path)
{
  struct stat info;
  char *target = NULL;
  if (!lstat(path, &info) && S_ISLNK(info.st_mode)) target = realpath(path, NULL);
  char *copy = mn_strdup(target ? target : path);
  free(target); /* realpath's, not counted */
  return copy;
}

/* 1 when the path names something that a rename must not replace: a device, a pipe, a directory. */
static int is_special(const char *path)
{
  struct stat info;
  return !stat(path, &info) && !S_ISREG(info.st_mode);
}

/* ---- temporary files: each is locked as long as its process lives, so that those that nobody locks are left over */

static int open_folder(mn_atomic_file *file)
{
  char first = file->path[file->folder_end];
  file->path[file->folder_end] = '\0'; /* the path becomes its directory for a moment: no allocation can fail here */
  int fd = open(file->folder_end ? file->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  file->path[file->folder_end] = first;
  return fd;
}

/* ".minnorm-PID-NUMBER.tmp" */
static int is_temporary(const char *name)
{
  static const char start[] = ".minnorm-", digits[] = "0123456789";
  if (strncmp(name, start, sizeof start - 1)) return 0;
  const char *pid = name + sizeof start - 1, *serial = pid + strspn(pid, digits) + 1;
  if (serial == pid + 1 || serial[-1] != '-') return 0;
  size_t length = strspn(serial, digits);
  return length && !strcmp(serial + length, ".tmp");
}

static void remove_if_stale(int folder, const char *name)
{
  struct stat info;
  int fd = openat(folder, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  if (!fstat(fd, &info) && S_ISREG(info.st_mode) && !flock(fd, LOCK_EX | LOCK_NB)) unlinkat(folder, name, 0);
  close(fd);
}

/* Removes what killed processes left in the directory. */
static void remove_stale(mn_atomic_file *file)
{
  int fd = open_folder(file);
  DIR *folder = fd < 0 ? NULL : fdopendir(fd);
  if (folder)
    for (struct dirent *entry; (entry = readdir(folder));)
      if (is_temporary(entry->d_name)) remove_if_stale(fd, entry->d_name);
  if (folder)
    closedir(folder);
  else if (fd >= 0)
    close(fd);
}

/* Locks a new temporary file, where the file system has locks; 0 when another process took it for a stale one. */
static int lock_temporary(mn_atomic_file *file, int fd)
{
  struct stat info;
  if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) return 0;
  if (!fstat(fd, &info) && !info.st_nlink) return 0;
  file->lock = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return 1;
}

/* Makes a new file of the directory, with the permissions that creat would give, under a name nobody uses. */
static int open_temporary(mn_atomic_file *file)
{
  static atomic_uint serial;
  size_t bytes = strlen(file->path) + 48;
  file->temporary = mn_alloc(bytes, 1);
  if (!file->temporary) return errno = ENOMEM, -1;
  for (int attempt = 0; attempt < 1000; attempt++) {
    snprintf(file->temporary, bytes, "%.*s.minnorm-%ld-%u.tmp", (int)file->folder_end, file->path, (long)getpid(),
             atomic_fetch_add(&serial, 1));
    int fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EEXIST) return fd;
    if (fd < 0) continue;
    if (lock_temporary(file, fd)) return mn_temporary_add(file->temporary), fd;
    close(fd);
  }
  return -1;
}

static int open_in_place(const mn_atomic_file *file)
{
  return open(file->path, O_WRONLY | O_CLOEXEC);
}

mn_status mn_atomic_file_open(const char *path, mn_atomic_file **out, mn_error *err)
{
  mn_status st = MN_OK;
  int fd = -1;
  *out = NULL;
  mn_atomic_file *file = mn_calloc(1, sizeof *file);
  if (!file) return MN_NO_MEMORY(err, sizeof *file);
  file->lock = -1;
  file->path = resolve(path);
  if (!file->path) {
    st = MN_NO_MEMORY(err, strlen(path) + 1);
    goto done;
  }
  const char *slash = strrchr(file->path, '/');
  file->folder_end = slash ? (size_t)(slash - file->path) + 1 : 0;
  if (!is_special(file->path)) remove_stale(file);
  errno = 0;
  fd = is_special(file->path) ? open_in_place(file) : open_temporary(file);
  if (fd >= 0) file->stream = fdopen(fd, "wb");
  if (!file->stream) {
    st = MN_FAIL(err, errno == ENOMEM ? MN_ERR_MEMORY : MN_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (fd < 0) { /* nothing was made, so there is nothing to unlink */
      mn_free(file->temporary);
      file->temporary = NULL;
    } else {
      close(fd);
    }
    goto done;
  }
  *out = file;
  file = NULL;
done:
  mn_atomic_file_abort(&file);
  return st;
}

FILE *mn_atomic_file_stream(mn_atomic_file *file)
{
  return file->stream;
}

static mn_status write_failed(const mn_atomic_file *file, int reason, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_IO, "%s: writing failed: %s", file->path, reason ? strerror(reason) : "unknown reason");
}

mn_status mn_atomic_file_write(mn_atomic_file *file, const void *bytes, size_t count, mn_error *err)
{
  if (!count) return MN_OK;
  errno = 0;
  if (fwrite(bytes, 1, count, file->stream) != count) return write_failed(file, errno, err);
  return MN_OK;
}

mn_status mn_atomic_file_sync(mn_atomic_file *file, mn_error *err)
{
  if (!file->stream) return MN_OK;
  errno = 0;
  int bad = ferror(file->stream), reason = 0;
  if (fflush(file->stream)) bad = 1, reason = errno;
  if (!bad && file->temporary && fsync(fileno(file->stream))) bad = 1, reason = errno;
  if (fclose(file->stream) && !bad) bad = 1, reason = errno;
  file->stream = NULL;
  return bad ? write_failed(file, reason, err) : MN_OK;
}

/* Makes the new name itself durable. Some file systems cannot sync a directory: EINVAL is no failure. */
static mn_status sync_directory(mn_atomic_file *file, mn_error *err)
{
  int fd = open_folder(file);
  int bad = fd < 0 || (fsync(fd) && errno != EINVAL), reason = errno;
  if (fd >= 0) close(fd);
  return bad ? write_failed(file, reason, err) : MN_OK;
}

mn_status mn_atomic_file_commit(mn_atomic_file **file, mn_error *err)
{
  mn_atomic_file *f = *file;
  mn_status st = mn_atomic_file_sync(f, err);
  if (st || !f->temporary) goto done;
  if (rename(f->temporary, f->path)) {
    st = MN_FAIL(err, MN_ERR_IO, "%s: cannot be renamed to its final name: %s", f->path, strerror(errno));
    goto done;
  }
  mn_temporary_remove(f->temporary);
  mn_free(f->temporary);
  f->temporary = NULL;
  st = sync_directory(f, err);
done:
  mn_atomic_file_abort(file);
  return st;
}

void mn_atomic_file_abort(mn_atomic_file **file)
{
  mn_atomic_file *f = *file;
  if (!f) return;
  if (f->stream) fclose(f->stream);
  if (f->temporary) {
    unlink(f->temporary);
    mn_temporary_remove(f->temporary);
  }
  if (f->lock >= 0) close(f->lock);
  mn_free(f->temporary);
  mn_free(f->path);
  mn_free(f);
  *file = NULL;
}
