/* Inside of a panel store: the file of tiles and the index beside it. */
#ifndef MN_LINALG_PANEL_STORE_FILE_H
#define MN_LINALG_PANEL_STORE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "linalg/panel_store.h"

struct mn_panel_store {
  mn_panels shape; /* no panels of its own */
  uint64_t key[2];
  int kept;
  int made_folder, made_files; /* by this object */
  int fd;
  char *folder, *path, *index_path, *new_path; /* new_path: what is to become the index */
  size_t finished;
  uint32_t *checksums; /* a tile's CRC-32, by ticket: panel by panel */
  void *tile;          /* room for one tile, for what goes to and from panels */
  void *tile_base;     /* what was allocated for it */
};

/* Reads or writes exactly so many bytes at an offset, all multiples of MN_STORE_BLOCK and the address too. Goes on
 * after short transfers and interrupts; gives up O_DIRECT where the file system turns out to refuse it. Returns the
 * bytes transferred: fewer when the file ends, or when errno says why. */
size_t mn_store_pread(int fd, void *to, size_t bytes, size_t offset);
size_t mn_store_pwrite(int fd, const void *from, size_t bytes, size_t offset);

/* Gives the file its size, with all its blocks reserved. MN_ERR_IO when the disk has no room. */
mn_status mn_store_reserve(int fd, const char *path, size_t bytes, mn_error *err);

/* Turns O_DIRECT on, if that can be had. */
void mn_store_direct(int fd);

/* Writes the index anew: what is finished now is what a later run finds. */
mn_status mn_store_index_write(const mn_panel_store *store, mn_error *err);

/* Reads the index into store->finished and store->checksums, and compares it with the store. */
mn_status mn_store_index_read(mn_panel_store *store, mn_error *err);

#endif
