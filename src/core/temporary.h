/* Temporary files and folders that exist now, so that a process which ends at once can remove them. */
#ifndef MN_CORE_TEMPORARY_H
#define MN_CORE_TEMPORARY_H

/* Remembers a path; the text must stay until it is forgotten. Beyond 64 paths at a time nothing is remembered. */
void mn_temporary_add(const char *path);

/* Forgets a path, given by the same pointer. */
void mn_temporary_remove(const char *path);

/* Unlinks every file, and every folder with the files in it. Async-signal-safe; forgets nothing. */
void mn_temporary_unlink_all(void);

#endif
