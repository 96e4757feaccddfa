/* Models on disk: a folder with model.json and .npy arrays, each with a CRC-32 in the header, so that a damaged file is
 * told from a good one. Written to a temporary folder beside the target, synced, and exchanged with it. */
#define _GNU_SOURCE
#include "model/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/memory.h"
#include "core/status.h"
#include "core/temporary.h"

char *mn_store_path(const char *folder, const char *file, mn_error *err)
{
  size_t size = strlen(folder) + strlen(file) + 2;
  char *path = mn_alloc(size, 1);
  if (path)
    snprintf(path, size, "%s/%s", folder, file);
  else
    MN_NO_MEMORY(err, size);
  return path;
}

uint32_t mn_store_checksum(const void *bytes, size_t count)
{
  const size_t most = (size_t)1 << 30; /* zlib counts in 32 bits */
  const unsigned char *p = bytes;
  uLong crc = crc32(0, NULL, 0);
  for (; count; p += count < most ? count : most, count -= count < most ? count : most)
    crc = crc32(crc, p, (uInt)(count < most ? count : most));
  return (uint32_t)crc;
}

uint32_t mn_store_settings_checksum(const mn_model *m)
{
  const mn_kernel *k = &m->report.kernel;
  char text[512];
  int length = snprintf(text, sizeof text, "%zu %zu %zu %zu %zu %d %d %d %a %a %d %d", m->report.n_train, m->report.dim,
                        m->outputs, m->report.classes, m->unknowns, m->primal, (int)m->scaling->kind, (int)k->name,
                        k->gamma, k->coef0, k->degree, k->depth);
  return mn_store_checksum(text, (size_t)length);
}

static mn_status io_error(const char *path, const char *what, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* Removes a folder of plain files; what cannot be removed stays. */
static void remove_folder(const char *path)
{
  DIR *folder = opendir(path);
  if (!folder) return;
  for (struct dirent *entry; (entry = readdir(folder));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  rmdir(path);
}

/* Whether the header in this folder is one that mn_store_write wrote: its first member says so. */
static int has_header(int folder)
{
  char text[256];
  int fd = openat(folder, MN_STORE_HEADER, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  text[length > 0 ? length : 0] = '\0';
  return strstr(text, "\"" MN_STORE_FORMAT "\"") != NULL;
}

static int belongs(const char *name)
{
  size_t length = strlen(name);
  return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, MN_STORE_HEADER) ||
         (length > 4 && !strcmp(name + length - 4, ".npy"));
}

/* A model is replaced as a whole: nothing of the user's own may be in its folder. */
static int is_model(const char *path)
{
  DIR *folder = opendir(path);
  int found = folder && has_header(dirfd(folder));
  for (struct dirent *entry; found && (entry = readdir(folder));) found = belongs(entry->d_name);
  if (folder) closedir(folder);
  return found;
}

/* Only a model, or nothing, may be in the way. */
static mn_status check_target(const char *path, mn_error *err)
{
  struct stat info;
  if (!*path) return MN_FAIL(err, MN_ERR_IO, "the name of a model to save is empty");
  if (lstat(path, &info)) {
    if (errno == ENOENT) return MN_OK;
    return io_error(path, "cannot save a model here", err);
  }
  if (S_ISDIR(info.st_mode) && is_model(path)) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: exists and is not a model, or holds other files too; choose another name", path);
}

/* The temporary folder beside the target; a trailing slash of the target is left out. */
static mn_status make_temporary(const char *path, char **out, mn_error *err)
{
  static const char suffix[] = ".tmp-XXXXXX";
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  char *name = mn_alloc(length + sizeof suffix, 1);
  if (!name) return MN_NO_MEMORY(err, length + sizeof suffix);
  memcpy(name, path, length);
  memcpy(name + length, suffix, sizeof suffix);
  if (!mkdtemp(name)) {
    mn_free(name);
    return io_error(path, "cannot save a model here", err);
  }
  mn_temporary_add(name);
  *out = name;
  return MN_OK;
}

static void release_temporary(char *temporary)
{
  mn_temporary_remove(temporary);
  mn_free(temporary);
}

static mn_status sync_folder(const char *path, mn_error *err)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY);
  int bad = fd < 0 || (fsync(fd) && errno != EINVAL);
  mn_status st = bad ? io_error(path, "cannot sync", err) : MN_OK;
  if (fd >= 0) close(fd);
  return st;
}

/* Swaps the new folder with the model under its name: in one step where the file system can, else in two, between which
 * the name is free and the earlier model stands beside it. */
static int swap_folders(const char *temporary, const char *path, mn_error *err)
{
  if (!renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE)) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  char *aside = NULL;
  if (make_temporary(path, &aside, err)) return -1;
  int bad = rename(path, aside) || rename(temporary, path) || rename(aside, temporary);
  release_temporary(aside);
  return bad;
}

/* Syncs the folder that the model's name is in. */
static mn_status sync_parent(const char *path, mn_error *err)
{
  const char *slash = strrchr(path, '/');
  char *parent = slash ? mn_strdup(path) : NULL;
  if (slash && !parent) return MN_NO_MEMORY(err, strlen(path));
  if (parent) parent[slash == path ? 1 : slash - path] = '\0';
  mn_status st = sync_folder(parent ? parent : ".", err);
  mn_free(parent);
  return st;
}

/* Gives the temporary folder its name; an earlier model moves to the temporary name and is removed. */
static mn_status install(const char *temporary, const char *path, mn_error *err)
{
  struct stat info;
  mode_t mask = umask(0);
  umask(mask);
  if (chmod(temporary, 0777 & ~mask)) return io_error(path, "cannot set its mode", err);
  if (lstat(path, &info)) {
    if (rename(temporary, path)) return io_error(path, "cannot rename", err);
  } else {
    if (swap_folders(temporary, path, err)) return io_error(path, "cannot replace the model here", err);
    remove_folder(temporary);
  }
  return sync_parent(path, err);
}

mn_status mn_model_check_path(const char *path, mn_error *err)
{
  char *temporary = NULL;
  mn_status st = check_target(path, err);
  if (st || (st = make_temporary(path, &temporary, err))) return st;
  rmdir(temporary);
  release_temporary(temporary);
  return MN_OK;
}

mn_status mn_model_save(const mn_model *model, const char *path, mn_error *err)
{
  char *temporary = NULL;
  mn_status st = check_target(path, err);
  if (st || (st = make_temporary(path, &temporary, err))) return st;
  st = mn_store_write(model, temporary, err);
  if (!st) st = sync_folder(temporary, err);
  if (!st) st = install(temporary, path, err);
  if (st) remove_folder(temporary);
  release_temporary(temporary);
  return st;
}
