/* The data sets that have a name: where their files are below a directory. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/readers.h"

enum { MOST_FILES = 5 };

static mn_status read_idx_pair(const char *const *paths, size_t count, const mn_context *ctx, mn_data **out,
                               mn_error *err)
{
  (void)count; /* always two */
  return mn_data_read_idx(paths[0], paths[1], ctx, out, err);
}

static const struct {
  const char *name;
  const char *folder;                   /* below the directory; the files may also be in the directory itself */
  const char *files[2][MOST_FILES + 1]; /* by part, up to a NULL */
  mn_status (*read)(const char *const *paths, size_t count, const mn_context *ctx, mn_data **out, mn_error *err);
} datasets[] = {
    {"mnist",
     "mnist",
     {[MN_TRAIN] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
      [MN_TEST] = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}},
     read_idx_pair},
    {"cifar10",
     "cifar-10-batches-bin",
     {[MN_TRAIN] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      [MN_TEST] = {"test_batch.bin"}},
     mn_data_read_cifar},
};

enum { DATASETS = sizeof datasets / sizeof *datasets };

static mn_status unknown_name(const char *name, mn_error *err)
{
  char list[128] = "", quoted[MN_QUOTE_ROOM];
  for (size_t i = 0; i < DATASETS; i++) strcat(strcat(list, i ? " or " : ""), datasets[i].name);
  return MN_FAIL(err, MN_ERR_ARGUMENT, "data set %s expected, %s found", list, mn_quote(name, strlen(name), quoted));
}

/* Looks for DIR/FOLDER/FILE, DIR/FOLDER/FILE.gz, DIR/FILE, DIR/FILE.gz; *path is to be freed. */
static mn_status find_file(size_t k, const char *dir, const char *file, char **path, mn_error *err)
{
  size_t room = strlen(dir) + strlen(datasets[k].folder) + strlen(file) + 8;
  *path = mn_alloc(room, 1);
  if (!*path) return MN_NO_MEMORY(err, room);
  for (int inside = 1; inside >= 0; inside--)
    for (int gz = 0; gz <= 1; gz++) {
      snprintf(*path, room, "%s/%s%s%s%s", dir, inside ? datasets[k].folder : "", inside ? "/" : "", file,
               gz ? ".gz" : "");
      if (!access(*path, F_OK)) return MN_OK;
    }
  return MN_FAIL(err, MN_ERR_IO,
                 "%s/%s/%s not found, plain or .gz: run `minnorm data download %s --data-dir %s`, or set MINNORM_DATA "
                 "to the directory that has it",
                 dir, datasets[k].folder, file, datasets[k].name, dir);
}

mn_status mn_data_open_named(const char *dataset, const char *dir, mn_part part, const mn_context *ctx, mn_data **out,
                             mn_error *err)
{
  mn_status st = MN_OK;
  char *paths[MOST_FILES] = {NULL};
  size_t k = 0, count = 0;
  *out = NULL;
  while (k < DATASETS && strcmp(dataset, datasets[k].name)) k++;
  if (k == DATASETS) return unknown_name(dataset, err);
  for (const char *const *file = datasets[k].files[part]; *file && !st; file++)
    st = find_file(k, dir, *file, &paths[count++], err);
  if (!st) st = datasets[k].read((const char *const *)paths, count, ctx, out, err);
  if (!st) snprintf((*out)->name, sizeof(*out)->name, "%s", dataset);
  for (size_t i = 0; i < count; i++) mn_free(paths[i]);
  return st;
}
