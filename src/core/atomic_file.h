/* Files that appear under their name only when whole: written to a temporary name in the same directory, synced,
 * renamed, and the directory synced. What is no regular file (/dev/stdout, a pipe) is written in place. Temporary names
 * are .minnorm-PID-NUMBER.tmp; those of processes that were killed go when the next file of the directory is opened. */
#ifndef MN_CORE_ATOMIC_FILE_H
#define MN_CORE_ATOMIC_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "minnorm/status.h"

typedef struct mn_atomic_file mn_atomic_file;

/* Creates the temporary file. A symbolic link is followed, so that the file it names is the one replaced. */
mn_status mn_atomic_file_open(const char *path, mn_atomic_file **out, mn_error *err);

/* The stream to write to: fprintf and fwrite may go unchecked, since commit reports a stream that had an error. */
FILE *mn_atomic_file_stream(mn_atomic_file *file);

/* Writes bytes; an error names the final path. */
mn_status mn_atomic_file_write(mn_atomic_file *file, const void *bytes, size_t count, mn_error *err);

/* Flushes, syncs and closes the temporary file, without giving it its name: several files that belong together are all
 * synced first and committed then. Optional; nothing may be written afterwards. */
mn_status mn_atomic_file_sync(mn_atomic_file *file, mn_error *err);

/* Syncs if that is still to do, renames, syncs the directory, and releases the object whatever the outcome. When
 * writing or renaming fails, the temporary file is gone and what the path named before is unchanged. */
mn_status mn_atomic_file_commit(mn_atomic_file **file, mn_error *err);

/* Removes the temporary file and releases the object; NULL is fine, also after a commit. */
void mn_atomic_file_abort(mn_atomic_file **file);

#endif
