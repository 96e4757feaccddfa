#define _GNU_SOURCE
#include "core/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"
#include "core/temporary.h"

char *mn_folder_path(const char *folder, const char *file, mn_error *err)
{
  size_t size = strlen(folder) + strlen(file) + 2;
  char *path = mn_alloc(size, 1);
  if (path)
    snprintf(path, size, "%s/%s", folder, file);
  else
    MN_NO_MEMORY(err, size);
  return path;
}

static mn_status io_error(const char *path, const char *what, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

static mn_status cannot_save(const mn_folder_kind *kind, const char *path, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_IO, "%s: cannot save %s here: %s", path, kind->noun, strerror(errno));
}

static mn_status cannot_replace(const mn_folder_kind *kind, const char *path, mn_error *err)
{
  const char *space = strchr(kind->noun, ' ');
  return MN_FAIL(err, MN_ERR_IO, "%s: cannot replace the %s here: %s", path, space ? space + 1 : kind->noun,
                 strerror(errno));
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

/* ---- what is in the way */

/* Whether the text holds a word in quotation marks. */
static int holds_quoted(const char *text, const char *word)
{
  size_t length = strlen(word);
  for (const char *at = text; (at = strstr(at, word)); at++)
    if (at > text && at[-1] == '"' && at[length] == '"') return 1;
  return 0;
}

/* Whether the header in this folder is one of this kind. Non-blocking, for a pipe may bear its name. */
static int has_header(const mn_folder_kind *kind, int folder)
{
  char text[256];
  int fd = openat(folder, kind->header, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  text[length > 0 ? length : 0] = '\0';
  return holds_quoted(text, kind->format);
}

static int has_suffix(const char *name, const char *suffix)
{
  size_t length = strlen(name), tail = strlen(suffix);
  return length > tail && !strcmp(name + length - tail, suffix);
}

/* Whether an entry of the folder is the header or an array. A folder is neither, whatever its name. */
static int belongs(const mn_folder_kind *kind, int folder, const char *name)
{
  struct stat info;
  if (!strcmp(name, ".") || !strcmp(name, "..")) return 1;
  if (strcmp(name, kind->header) && !has_suffix(name, ".npy")) return 0;
  return !fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) && !S_ISDIR(info.st_mode);
}

/* Whether this is a folder of the kind with nothing of the user's own in it, so that it may be replaced as a whole. */
static int is_of_kind(const mn_folder_kind *kind, const char *path)
{
  DIR *folder = opendir(path);
  int found = folder && has_header(kind, dirfd(folder));
  while (found) {
    errno = 0;
    struct dirent *entry = readdir(folder);
    found = entry ? belongs(kind, dirfd(folder), entry->d_name) : !errno; /* not read to its end: not known */
    if (!entry) break;
  }
  if (folder) closedir(folder);
  return found;
}

/* Only a folder of the kind, or nothing, may be in the way; *there tells which. */
static mn_status check_target(const mn_folder_kind *kind, const char *path, int *there, mn_error *err)
{
  struct stat info;
  *there = !lstat(path, &info);
  if (!*there) return errno == ENOENT ? MN_OK : cannot_save(kind, path, err);
  if (S_ISDIR(info.st_mode) && is_of_kind(kind, path)) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: exists and is not %s, or holds other files too; choose another name", path,
                 kind->noun);
}

/* ---- the temporary folder */

/* Makes an empty folder beside the target. */
static mn_status make_temporary(const mn_folder_kind *kind, const char *path, char **out, mn_error *err)
{
  static const char suffix[] = ".tmp-XXXXXX";
  size_t length = strlen(path);
  char *name = mn_alloc(length + sizeof suffix, 1);
  if (!name) return MN_NO_MEMORY(err, length + sizeof suffix);
  memcpy(name, path, length);
  memcpy(name + length, suffix, sizeof suffix);
  if (!mkdtemp(name)) {
    mn_status st = cannot_save(kind, path, err);
    mn_free(name);
    return st;
  }
  mn_temporary_add(name);
  *out = name;
  return MN_OK;
}

static void release_temporary(char *temporary)
{
  if (temporary) mn_temporary_remove(temporary);
  mn_free(temporary);
}

/* Some file systems cannot sync a folder: EINVAL is no failure. */
static mn_status sync_folder(const char *path, mn_error *err)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int bad = fd < 0 || (fsync(fd) && errno != EINVAL);
  mn_status st = bad ? io_error(path, "cannot sync", err) : MN_OK;
  if (fd >= 0) close(fd);
  return st;
}

/* Syncs the folder that the name is in. The path is cut to that folder for a moment: no allocation can fail here, where
 * the new folder has its name already. */
static mn_status sync_parent(char *path, mn_error *err)
{
  char *slash = strrchr(path, '/');
  if (!slash) return sync_folder(".", err);
  if (slash == path) return sync_folder("/", err);
  *slash = '\0';
  mn_status st = sync_folder(path, err);
  *slash = '/';
  return st;
}

/* ---- the exchange */

/* Gives `temporary` the name `path` and moves what has it now to `aside`; back again when that fails. */
static mn_status rename_both(const mn_folder_kind *kind, const char *temporary, const char *path, const char *aside,
                             mn_error *err)
{
  mn_status st = MN_OK;
  if (rename(path, aside)) {
    st = cannot_replace(kind, path, err);
    rmdir(aside);
  } else if (rename(temporary, path)) {
    st = cannot_replace(kind, path, err);
    if (rename(aside, path)) st = MN_FAIL(err, MN_ERR_IO, "%s: cannot be replaced; it is now %s", path, aside);
  }
  return st;
}

/* The exchange where the file system has none in one step: between two renames the name is free, and the earlier folder
 * stands beside it, where an interrupt must not take it for a temporary one. */
static mn_status swap_in_two_steps(const mn_folder_kind *kind, const char *temporary, const char *path, mn_error *err)
{
  char *aside = NULL;
  mn_status st = make_temporary(kind, path, &aside, err);
  if (st) return st;
  mn_temporary_remove(aside);
  st = rename_both(kind, temporary, path, aside, err);
  if (!st) {
    mn_temporary_add(aside);
    remove_folder(aside);
  }
  release_temporary(aside);
  return st;
}

/* Swaps the new folder with the earlier one, which then has the temporary name or is gone. */
static mn_status swap_folders(const mn_folder_kind *kind, const char *temporary, const char *path, mn_error *err)
{
  if (!renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE)) return MN_OK;
  if (errno != EINVAL && errno != ENOSYS) return cannot_replace(kind, path, err);
  return swap_in_two_steps(kind, temporary, path, err);
}

/* Gives the temporary folder its name. What is in the way is looked at anew: filling may have taken long. */
static mn_status install(const mn_folder_kind *kind, const char *temporary, char *path, mn_error *err)
{
  int there;
  mode_t mask = umask(0);
  umask(mask);
  if (chmod(temporary, 0777 & ~mask)) return io_error(path, "cannot set its mode", err);
  mn_status st = check_target(kind, path, &there, err);
  if (st) return st;
  if (there)
    st = swap_folders(kind, temporary, path, err);
  else if (rename(temporary, path))
    st = io_error(path, "cannot rename", err);
  return st ? st : sync_parent(path, err);
}

/* ---- the calls */

/* A copy of the path without trailing slashes, once what is in the way allows to go on; and the temporary folder. */
static mn_status start(const mn_folder_kind *kind, const char *path, char **name, char **temporary, mn_error *err)
{
  int there;
  size_t length = strlen(path);
  if (!length) return MN_FAIL(err, MN_ERR_IO, "the name of %s to save is empty", kind->noun);
  if (!(*name = mn_strdup(path))) return MN_NO_MEMORY(err, length + 1);
  while (length > 1 && path[length - 1] == '/') length--;
  (*name)[length] = '\0';
  mn_status st = check_target(kind, *name, &there, err);
  return st ? st : make_temporary(kind, *name, temporary, err);
}

mn_status mn_folder_check(const mn_folder_kind *kind, const char *path, mn_error *err)
{
  char *name = NULL, *temporary = NULL;
  mn_status st = start(kind, path, &name, &temporary, err);
  if (temporary) rmdir(temporary);
  release_temporary(temporary);
  mn_free(name);
  return st;
}

mn_status mn_folder_write(const mn_folder_kind *kind, const char *path, mn_folder_fill fill, void *arg, mn_error *err)
{
  char *name = NULL, *temporary = NULL;
  mn_status st = start(kind, path, &name, &temporary, err);
  if (st) goto done;
  st = fill(arg, temporary, err);
  if (!st) st = sync_folder(temporary, err);
  if (!st) st = install(kind, temporary, name, err);
  remove_folder(temporary); /* half-written, or the earlier one; gone already where there was none */
done:
  release_temporary(temporary);
  mn_free(name);
  return st;
}
