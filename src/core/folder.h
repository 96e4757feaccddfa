/* Folders of plain files that appear under their name only when whole: written to a temporary folder beside the target,
 * synced, and exchanged with what stood there before. Saved models are such folders.
 *
 * A folder is of some kind, which a header file in it tells; besides the header it holds .npy arrays and nothing
 * else. A folder of the same kind is replaced as a whole. Anything else in the way (a file, a symbolic link, a folder
 * of another kind or with files of the user's own in it) is kept, and the call refused with MN_ERR_IO. */
#ifndef MN_CORE_FOLDER_H
#define MN_CORE_FOLDER_H

#include "minnorm/status.h"

typedef struct {
  const char *header; /* the file that tells the kind: "model.json" */
  const char *format; /* what the header's first member holds, within its first 255 bytes: "minnorm model" */
  const char *noun;   /* for messages, an article and a word: "a model" */
} mn_folder_kind;

/* MN_OK when such a folder could be written here now: to be asked before the work whose result it is to hold. Leaves
 * nothing behind. */
mn_status mn_folder_check(const mn_folder_kind *kind, const char *path, mn_error *err);

/* Writes the files, the header among them and plain files only, into an existing empty folder. Each file must be synced
 * when it returns (as mn_atomic_file_commit leaves it). Anything but MN_OK ends the writing and is handed on. */
typedef mn_status (*mn_folder_fill)(void *arg, const char *folder, mn_error *err);

/* Makes the temporary folder, has it filled, and gives it its name, with the permissions that mkdir would give. When
 * that fails, what the path named before is unchanged and no temporary folder stays. Two failures that only a broken
 * disk makes are different: when the directory above cannot be synced at the very end, the new folder is in place
 * already; when, on a file system that exchanges in two steps, the earlier folder cannot be brought back, the message
 * says where it is. Trailing slashes of the path are left out. */
mn_status mn_folder_write(const mn_folder_kind *kind, const char *path, mn_folder_fill fill, void *arg, mn_error *err);

/* "folder/file", to be released with mn_free; NULL with `err` filled when memory runs out. */
char *mn_folder_path(const char *folder, const char *file, mn_error *err);

#endif
