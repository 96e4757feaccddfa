#include "core/whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"

/* Reads on with twice the room until the file is at its end. */
static mn_status read_all(FILE *file, const char *path, size_t most, char **text, mn_error *err)
{
  size_t room = 0, count = 0;
  do {
    room = room ? 2 * room : 4096;
    char *more = mn_realloc(*text, room, 1);
    if (!more) return MN_NO_MEMORY(err, room);
    *text = more;
    count += fread(more + count, 1, room - 1 - count, file);
  } while (count == room - 1 && count <= most);
  if (ferror(file)) return MN_FAIL(err, MN_ERR_IO, "%s: reading failed", path);
  if (count > most) return MN_FAIL(err, MN_ERR_FORMAT, "%s: at most %zu bytes expected", path, most);
  (*text)[count] = '\0';
  return MN_OK;
}

mn_status mn_whole_file_read(const char *path, size_t most, char **text, mn_error *err)
{
  FILE *file = fopen(path, "rb");
  *text = NULL;
  if (!file) return MN_FAIL(err, MN_ERR_IO, "%s: %s", path, strerror(errno));
  mn_status st = read_all(file, path, most, text, err);
  fclose(file);
  if (!st) return MN_OK;
  mn_free(*text);
  *text = NULL;
  return st;
}
