#define _GNU_SOURCE
#include "linalg/panel_store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/status.h"

void mn_store_direct(int fd)
{
  int flags = fcntl(fd, F_GETFL);
  if (flags >= 0) (void)fcntl(fd, F_SETFL, flags | O_DIRECT); /* refused: the page cache serves as well */
}

/* Whether a transfer that failed can be tried again: interrupted, or refused for the sake of O_DIRECT, which is then
 * given up. */
static int can_retry(int fd)
{
  if (errno == EINTR) return 1;
  int flags = fcntl(fd, F_GETFL);
  if (errno != EINVAL || flags < 0 || !(flags & O_DIRECT)) return 0;
  return !fcntl(fd, F_SETFL, flags & ~O_DIRECT);
}

size_t mn_store_pread(int fd, void *to, size_t bytes, size_t offset)
{
  size_t done = 0;
  while (done < bytes) {
    ssize_t got = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
    if (got > 0) done += (size_t)got;
    if (!got) errno = 0; /* the end of the file */
    if (!got || (got < 0 && !can_retry(fd))) break;
  }
  return done;
}

size_t mn_store_pwrite(int fd, const void *from, size_t bytes, size_t offset)
{
  size_t done = 0;
  while (done < bytes) {
    ssize_t put = pwrite(fd, (const char *)from + done, bytes - done, (off_t)(offset + done));
    if (put > 0) done += (size_t)put;
    if (!put) errno = ENOSPC; /* nothing written and no reason given */
    if (!put || (put < 0 && !can_retry(fd))) break;
  }
  return done;
}

static mn_status no_room(int fd, const char *path, size_t bytes, int reason, mn_error *err)
{
  struct statvfs info;
  char wanted[32], left[32];
  if ((reason != ENOSPC && reason != EDQUOT) || fstatvfs(fd, &info))
    return MN_FAIL(err, MN_ERR_IO, "%s: %s bytes cannot be reserved: %s", path, mn_group_digits(bytes, wanted),
                   strerror(reason));
  return MN_FAIL(err, MN_ERR_IO, "%s: %s bytes needed, %s free on this disk: %s", path, mn_group_digits(bytes, wanted),
                 mn_group_digits((unsigned long long)info.f_bavail * info.f_frsize, left), strerror(reason));
}

mn_status mn_store_reserve(int fd, const char *path, size_t bytes, mn_error *err)
{
  int reason;
  do reason = posix_fallocate(fd, 0, (off_t)bytes);
  while (reason == EINTR);
  if (reason == EOPNOTSUPP || reason == EINVAL || reason == ENOSYS) reason = ftruncate(fd, (off_t)bytes) ? errno : 0;
  return reason ? no_room(fd, path, bytes, reason, err) : MN_OK;
}
