/* Downloads: a table of files, each with its mirrors and check sum, and the steps that bring one onto the disk.
 *
 * A transfer goes to NAME.part, which an interruption leaves for the next attempt to continue; what is under the final
 * name is whole and verified. */
#ifndef MN_DATA_DOWNLOAD_H
#define MN_DATA_DOWNLOAD_H

#include "minnorm/data.h"

typedef struct {
  const char *name; /* without folders */
  uint64_t bytes;   /* 0: any size up to 1 MiB */
} mn_archive_member;

/* A .gz file that is kept as it is, or a .tar.gz of which some members are kept. */
typedef struct {
  const char *dataset;              /* "mnist" */
  const char *remote;               /* path below a mirror's URL */
  const char *local;                /* path below the data directory, with at most one folder */
  uint64_t bytes;                   /* of the transfer; of a .gz about, since mirrors compress differently */
  uint64_t content_bytes;           /* .gz: after decompression */
  const char *md5;                  /* .gz: of what it holds; .tar.gz: of the file itself */
  const char *const *mirrors;       /* URLs that end in a slash; the last is NULL */
  const char *folder;               /* .tar.gz: where the members go, below the data directory */
  const mn_archive_member *members; /* NULL: a .gz */
  size_t member_count;
} mn_download_file;

/* The files of mn_data_download. */
const mn_download_file *mn_download_table(size_t *count);

/* Brings the files of one data set, or of "all", below `dir`. base_url replaces every mirror unless NULL. */
mn_status mn_download_files(const mn_download_file *table, size_t count, const char *dataset, const char *dir,
                            const char *base_url, const mn_context *ctx, mn_error *err);

/* Starts and ends libcurl with the library's own allocator. */
mn_status mn_fetch_start(mn_error *err);
void mn_fetch_stop(void);

/* Transfers a URL to the file `part`, continuing what is there. `*resumed` tells whether some of the file is from
 * before. MN_ERR_NETWORK keeps the file for another attempt; more than `limit` bytes are MN_ERR_FORMAT. */
typedef struct {
  const char *url, *part;
  uint64_t bytes; /* about what to expect, for the progress */
  uint64_t limit;
  const mn_context *ctx;
} mn_fetch;
mn_status mn_fetch_run(const mn_fetch *fetch, int *resumed, mn_error *err);

/* MN_ERR_FORMAT unless the file at `path` has the check sum of the table, MN_ERR_IO when it cannot be read. */
mn_status mn_download_verify(const mn_download_file *file, const char *path, mn_error *err);

/* Extracts the members of a verified archive into `folder`: all are written and synced before the first gets its name.
 */
mn_status mn_archive_install(const mn_download_file *file, const char *archive, const char *folder,
                             const mn_context *ctx, mn_error *err);

/* "a" "b" "c" in one new string; NULL when there is no memory. */
char *mn_join3(const char *a, const char *b, const char *c);

#endif
