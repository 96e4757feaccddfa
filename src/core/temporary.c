#define _POSIX_C_SOURCE 200809L
#include "core/temporary.h"

#include <stdatomic.h>
#include <stddef.h>
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

void mn_temporary_unlink_all(void)
{
  for (int i = MAX_PATHS - 1; i >= 0; i--) {
    const char *path = atomic_load(&paths[i]);
    if (path && unlink(path)) rmdir(path);
  }
}
