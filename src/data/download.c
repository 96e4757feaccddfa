/* The table of downloads, and the way from a mirror to a verified file. */
#define _XOPEN_SOURCE 700
#include "data/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"

static const char *const mnist_mirrors[] = {"https://ossci-datasets.s3.amazonaws.com/",
                                            "https://storage.googleapis.com/cvdf-datasets/", NULL};
static const char *const cifar_mirrors[] = {"https://www.cs.toronto.edu/~kriz/", NULL};

static const mn_archive_member cifar_members[] = {
    {"data_batch_1.bin", 30730000}, {"data_batch_2.bin", 30730000}, {"data_batch_3.bin", 30730000},
    {"data_batch_4.bin", 30730000}, {"data_batch_5.bin", 30730000}, {"test_batch.bin", 30730000},
    {"batches.meta.txt", 0},
};

static const mn_download_file table[] = {
    {"mnist", "mnist/train-images-idx3-ubyte.gz", "mnist/train-images-idx3-ubyte.gz", 9912422, 47040016,
     "6bbc9ace898e44ae57da46a324031adb", mnist_mirrors, NULL, NULL, 0},
    {"mnist", "mnist/train-labels-idx1-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz", 28881, 60008,
     "a25bea736e30d166cdddb491f175f624", mnist_mirrors, NULL, NULL, 0},
    {"mnist", "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-images-idx3-ubyte.gz", 1648877, 7840016,
     "2646ac647ad5339dbf082846283269ea", mnist_mirrors, NULL, NULL, 0},
    {"mnist", "mnist/t10k-labels-idx1-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz", 4542, 10008,
     "27ae3e4e09519cfbb04c329615203637", mnist_mirrors, NULL, NULL, 0},
    {"cifar10", "cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz", 170052171, 0, "c32a1d4ab5d03f1284b67883e8d87530",
     cifar_mirrors, "cifar-10-batches-bin", cifar_members, sizeof cifar_members / sizeof *cifar_members},
};

const mn_download_file *mn_download_table(size_t *count)
{
  *count = sizeof table / sizeof *table;
  return table;
}

/* The paths of one file's download. */
typedef struct {
  const mn_download_file *file;
  const mn_context *ctx;
  char *path;   /* DIR/LOCAL */
  char *part;   /* DIR/LOCAL.part */
  char *folder; /* the folder everything ends in */
} job;

static mn_status job_open(job *j, const mn_download_file *file, const char *dir, const mn_context *ctx, mn_error *err)
{
  *j = (job){.file = file, .ctx = ctx, .path = mn_join3(dir, "/", file->local)};
  if (!j->path) return MN_NO_MEMORY(err, strlen(dir));
  j->part = mn_join3(j->path, ".part", "");
  j->folder = file->folder ? mn_join3(dir, "/", file->folder) : mn_strdup(j->path);
  if (!j->part || !j->folder) return MN_NO_MEMORY(err, strlen(dir));
  if (!file->folder) *strrchr(j->folder, '/') = '\0';
  return MN_OK;
}

static void job_close(job *j)
{
  mn_free(j->path);
  mn_free(j->part);
  mn_free(j->folder);
}

/* mkdir -p */
static mn_status make_folders(char *path, mn_error *err)
{
  for (char *slash = path;; slash++) {
    slash += strcspn(slash, "/");
    char here = *slash;
    *slash = '\0';
    int bad = *path && mkdir(path, 0777) && errno != EEXIST, reason = errno;
    if (bad) MN_FAIL(err, MN_ERR_IO, "%s: cannot be made: %s", path, strerror(reason));
    *slash = here;
    if (bad) return MN_ERR_IO;
    if (!here) return MN_OK;
  }
}

/* Whether a verified file lies under a name. What is there but damaged is told and counts as absent. */
static mn_status find_file(const job *j, const char *path, int *found, mn_error *err)
{
  mn_error reason = {0};
  *found = 0;
  if (access(path, F_OK)) return MN_OK;
  mn_status st = mn_download_verify(j->file, path, &reason);
  *found = !st;
  if (st == MN_ERR_FORMAT) {
    mn_log(j->ctx, "%s; downloading it again", reason.text);
    return MN_OK;
  }
  return st ? MN_FAIL(err, st, "%s", reason.text) : MN_OK;
}

/* The .gz, or the same without .gz. */
static mn_status find_gz(const job *j, int *found, mn_error *err)
{
  mn_status st = find_file(j, j->path, found, err);
  if (st || *found) return st;
  char *plain = mn_strdup(j->path);
  if (!plain) return MN_NO_MEMORY(err, strlen(j->path));
  plain[strlen(plain) - strlen(".gz")] = '\0';
  st = find_file(j, plain, found, err);
  mn_free(plain);
  return st;
}

/* Members got their names only after the archive was verified: their sizes tell whether they are still whole. */
static mn_status find_members(const job *j, int *found, mn_error *err)
{
  *found = 0;
  for (size_t k = 0; k < j->file->member_count; k++) {
    const mn_archive_member *member = &j->file->members[k];
    struct stat info;
    char *path = mn_join3(j->folder, "/", member->name);
    if (!path) return MN_NO_MEMORY(err, strlen(j->folder));
    int there = !stat(path, &info) && S_ISREG(info.st_mode);
    mn_free(path);
    if (!there || (member->bytes && (uint64_t)info.st_size != member->bytes)) return MN_OK;
  }
  *found = 1;
  return MN_OK;
}

static mn_status sync_folder(const char *folder, mn_error *err)
{
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int bad = fd < 0 || (fsync(fd) && errno != EINVAL), reason = errno; /* EINVAL: the file system cannot */
  if (fd >= 0) close(fd);
  return bad ? MN_FAIL(err, MN_ERR_IO, "%s: cannot be synced: %s", folder, strerror(reason)) : MN_OK;
}

/* Verified bytes get their name. */
static mn_status install(job *j, mn_error *err)
{
  mn_status st;
  if (j->file->members) {
    if ((st = mn_archive_install(j->file, j->part, j->folder, j->ctx, err))) return st;
    unlink(j->part); /* of no more use; if it cannot go, the members are there all the same */
    return MN_OK;
  }
  if (rename(j->part, j->path))
    return MN_FAIL(err, MN_ERR_IO, "%s: cannot be renamed to its final name: %s", j->part, strerror(errno));
  return sync_folder(j->folder, err);
}

/* A file from a mirror has to be gzip; mn_download_verify takes plain files too. */
static mn_status verify_part(const job *j, mn_error *err)
{
  unsigned char magic[2] = {0};
  FILE *f = fopen(j->part, "rb");
  if (!f) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", j->part, strerror(errno));
  int gz = fread(magic, 1, 2, f) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  fclose(f);
  return gz ? mn_download_verify(j->file, j->part, err)
            : MN_FAIL(err, MN_ERR_FORMAT, "%s: a gzip file expected, its first bytes 1f 8b not found", j->part);
}

/* From one URL. When what was continued turns out wrong, the beginning may have been: one more attempt from zero. */
static mn_status try_url(job *j, const char *url, mn_error *err)
{
  const uint64_t slack = 1 << 16; /* gzip never makes a file much longer */
  mn_fetch fetch = {url, j->part, j->file->bytes, j->file->members ? j->file->bytes : j->file->content_bytes + slack,
                    j->ctx};
  mn_error reason = {0};
  mn_status st;
  int resumed;
  do {
    st = mn_fetch_run(&fetch, &resumed, &reason);
    if (!st) st = verify_part(j, &reason);
    if (!st) st = install(j, &reason);
    if (st == MN_ERR_FORMAT) unlink(j->part);
  } while (st == MN_ERR_FORMAT && resumed);
  if (st == MN_ERR_FORMAT) return MN_FAIL(err, st, "%s: %.300s; nothing was kept", url, reason.text);
  return st ? MN_FAIL(err, st, "%s", reason.text) : MN_OK;
}

static mn_status try_mirror(job *j, const char *base, mn_error *err)
{
  size_t length = strlen(base);
  char *url = mn_join3(base, length && base[length - 1] == '/' ? "" : "/", j->file->remote);
  if (!url) return MN_NO_MEMORY(err, length);
  mn_status st = try_url(j, url, err);
  mn_free(url);
  return st;
}

/* Another mirror may help against these. */
static int mirrors_fault(mn_status st)
{
  return st == MN_ERR_NETWORK || st == MN_ERR_FORMAT;
}

static mn_status bring(job *j, const char *base_url, mn_error *err)
{
  const char *given[] = {base_url, NULL};
  const char *const *mirrors = base_url ? given : j->file->mirrors;
  mn_error reason = {0};
  mn_status st = make_folders(j->folder, err);
  if (st) return st;
  for (; *mirrors; mirrors++) {
    st = try_mirror(j, *mirrors, &reason);
    if (!mirrors_fault(st)) break;
    if (mirrors[1]) mn_log(j->ctx, "%s; trying the next mirror", reason.text);
  }
  if (st) return MN_FAIL(err, st, "%s", reason.text);
  mn_log(j->ctx, "%s: downloaded and verified", j->file->members ? j->folder : j->path);
  return MN_OK;
}

static mn_status download_one(const mn_download_file *file, const char *dir, const char *base_url,
                              const mn_context *ctx, mn_error *err)
{
  job j;
  int found = 0;
  mn_status st = job_open(&j, file, dir, ctx, err);
  if (!st) st = file->members ? find_members(&j, &found, err) : find_gz(&j, &found, err);
  if (!st && found)
    mn_log(ctx, "%s: already there, %s verified", file->members ? j.folder : j.path, file->members ? "sizes" : "md5");
  if (!st && !found) st = bring(&j, base_url, err);
  job_close(&j);
  return st;
}

mn_status mn_download_files(const mn_download_file *files, size_t count, const char *dataset, const char *dir,
                            const char *base_url, const mn_context *ctx, mn_error *err)
{
  int all = !strcmp(dataset, "all"), matched = 0;
  for (size_t i = 0; i < count; i++) matched |= all || !strcmp(files[i].dataset, dataset);
  if (!matched)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "download: unknown data set '%.80s'; there are mnist, cifar10, all", dataset);
  if (!*dir) return MN_FAIL(err, MN_ERR_ARGUMENT, "download: a directory expected, an empty name found");
  mn_status st = mn_fetch_start(err);
  if (st) return st;
  for (size_t i = 0; !st && i < count; i++)
    if (all || !strcmp(files[i].dataset, dataset)) st = download_one(&files[i], dir, base_url, ctx, err);
  mn_fetch_stop();
  return st;
}

mn_status mn_data_download(const char *dataset, const char *dir, const char *base_url, const mn_context *ctx,
                           mn_error *err)
{
  return mn_download_files(table, sizeof table / sizeof *table, dataset, dir, base_url, ctx, err);
}
