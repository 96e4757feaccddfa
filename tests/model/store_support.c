#define _XOPEN_SOURCE 700
#include "store_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void store_mkdtemp(char *path)
{
  static const char memory[] = "/dev/shm";
  if (!access(memory, W_OK)) setenv("TMPDIR", memory, 1);
  mn_test_mkdtemp(path);
}

const char *store_path(const char *dir, const char *name)
{
  static char paths[8][512];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

static int is_visible(const struct dirent *entry)
{
  return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

void store_expect_listing(const char *dir, const char *names)
{
  char found[1024] = "";
  struct dirent **entries;
  int count = scandir(dir, &entries, is_visible, alphasort);
  assert_true(count >= 0);
  for (int i = 0; i < count; i++) {
    size_t length = strlen(found);
    snprintf(found + length, sizeof found - length, "%s%s", i ? " " : "", entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  assert_string_equal(found, names);
}

char *store_read(const char *path, size_t *size)
{
  enum { MOST = 1 << 20 };
  char *bytes = malloc(MOST);
  FILE *f = fopen(path, "rb");
  assert_non_null(bytes);
  assert_non_null(f);
  size_t length = fread(bytes, 1, MOST - 1, f);
  fclose(f);
  bytes[length] = '\0';
  if (size) *size = length;
  return bytes;
}
