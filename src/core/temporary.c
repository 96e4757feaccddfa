#define _GNU_SOURCE
#include "core/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PATHS = 64 };
static _Atomic(const char *) paths[MAX_PATHS];

void mn_temporary_add(const char *path)
{
  for (int i = 0; i < MAX_PATHS; i++) {
    const char *none = NULL;
    if (atomic_compare_exchange_strong(&paths[i], &none, path)) return;
  }
}

void mn_temporary_remove(const char *path)
{
  for (int i = 0; i < MAX_PATHS; i++) {
    const char *mine = path;
    if (atomic_compare_exchange_strong(&paths[i], &mine, NULL)) return;
  }
}

/* readdir allocates, which a signal handler must not: this asks the kernel. What is removed while its folder is read
 * may hide other entries, so it starts again until nothing goes. */
static void remove_folder(const char *path)
{
  _Alignas(struct dirent64) char buffer[4096];
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), removed;
  if (fd < 0) return;
  do {
    long bytes;
    removed = 0;
    lseek(fd, 0, SEEK_SET);
    while ((bytes = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
      for (long at = 0; at < bytes;) {
        const struct dirent64 *entry = (const void *)(buffer + at);
        removed += !unlinkat(fd, entry->d_name, 0); /* . and .. cannot be */
        at += entry->d_reclen;
      }
  } while (removed);
  close(fd);
  rmdir(path);
}

void mn_temporary_unlink_all(void)
{
  for (int i = MAX_PATHS - 1; i >= 0; i--) {
    const char *path = atomic_load(&paths[i]);
    if (path && unlink(path)) remove_folder(path);
  }
}
