/* Panels of a lower triangle on disk: the finished part of a factor, kept for a restart, or because it does not fit in
 * memory.
 *
 * A store is one file of fixed size, reserved when it is made, so that a full disk is an early error. Panel J is its
 * tiles (I, J), I = J ... count - 1, one after the other, so that all tiles from a row block on are one contiguous
 * read. A tile is column-major with a padded leading dimension and begins at a multiple of MN_STORE_BLOCK bytes, in the
 * file as in the buffers it is read to: the file is read and written past the page cache (O_DIRECT) where the file
 * system can. Each tile has a checksum.
 *
 * Panels are written in order. A kept store has a second file, the index, which says what the panels belong to, how
 * many are finished, and their checksums; it is replaced as a whole once a panel's data are on the disk, so that
 * neither a kill nor a power cut leaves a panel marked as finished that is not. A store is of one process at a time. */
#ifndef MN_LINALG_PANEL_STORE_H
#define MN_LINALG_PANEL_STORE_H

#include <stdatomic.h>

#include "core/progress.h"
#include "linalg/panels.h"

/* Alignment of tiles, in the file and in memory. */
#define MN_STORE_BLOCK ((size_t)4096)

typedef struct mn_panel_store mn_panel_store;

/* What a kept store belongs to. */
typedef struct {
  size_t n;
  size_t width;    /* as in mn_panels_open */
  mn_dtype type;   /* MN_F32 or MN_F64 */
  uint64_t key[2]; /* of the data and of the options that the matrix depends on */
} mn_panel_store_id;

typedef enum {
  MN_STORE_SCRATCH, /* without an index and a name: gone when closed, and when the process ends in whatever way */
  MN_STORE_NEW,     /* kept; replaces a store in the folder */
  MN_STORE_RESUME   /* kept; goes on with the store in the folder, if there is one */
} mn_store_mode;

/* Bytes of the file; bytes of one tile of so many rows and columns; its leading dimension. */
size_t mn_panel_store_file_bytes(size_t n, size_t width, mn_dtype type);
size_t mn_panel_store_tile_bytes(size_t rows, size_t columns, mn_dtype type);
size_t mn_panel_store_ld(size_t rows, mn_dtype type);

/* Opens or makes the store in a folder, which is made when there is none (but not those above it). A store of other
 * data, or of another shape, is refused with MN_ERR_DATA, one that is damaged with MN_ERR_FORMAT, and both are left as
 * they are. When it fails, what it made is gone. */
mn_status mn_panel_store_open(const char *folder, const mn_panel_store_id *id, mn_store_mode mode, mn_panel_store **out,
                              mn_error *err);

/* Whether the folder has an index of a kept store of this identity; changes nothing. */
int mn_panel_store_exists(const char *folder, const mn_panel_store_id *id);

/* Closes; a scratch store is gone then, another one stays. */
void mn_panel_store_close(mn_panel_store **store);

/* Closes and removes the files, and the folder if it was made by mn_panel_store_open and is empty. */
mn_status mn_panel_store_remove(mn_panel_store **store, mn_error *err);

/* Order, width, number of panels and type; without memory of its own (panel is NULL). */
const mn_panels *mn_panel_store_shape(const mn_panel_store *store);

/* Panels 0 ... finished - 1 can be read. */
size_t mn_panel_store_finished(const mn_panel_store *store);

/* Bytes of the tiles (first, panel) ... (count - 1, panel), and where tile (i, panel) begins in them. */
size_t mn_panel_store_bytes(const mn_panel_store *store, size_t panel, size_t first);
size_t mn_panel_store_offset(const mn_panel_store *store, size_t panel, size_t first, size_t i);

/* Writes the next panel, number mn_panel_store_finished. What is above the diagonal is not read. Once *stop (may be
 * NULL) is set it returns MN_ERR_CANCELLED after the tile it is at. */
mn_status mn_panel_store_write(mn_panel_store *store, size_t panel, const mn_panel *from, const atomic_int *stop,
                               mn_error *err);

/* Reads the tiles (first, panel) ... (count - 1, panel) into a buffer aligned to MN_STORE_BLOCK, and checks them: one
 * that is not as it was written gives MN_ERR_FORMAT and is named. stop as above. Any number of threads. */
mn_status mn_panel_store_read(const mn_panel_store *store, size_t panel, size_t first, void *buffer,
                              const atomic_int *stop, mn_error *err);

/* Reads a finished panel into memory of the layout of mn_panels; above the diagonal it becomes 0. The meter is advanced
 * by the bytes read; MN_ERR_CANCELLED once it is cancelled. Not while another thread writes. */
mn_status mn_panel_store_read_panel(mn_panel_store *store, size_t panel, const mn_panel *to, mn_meter *meter,
                                    mn_error *err);

#endif
