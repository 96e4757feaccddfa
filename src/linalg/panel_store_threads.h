/* One thread that reads ahead from a panel store, and one that writes behind: the disk works while others compute. */
#ifndef MN_LINALG_PANEL_STORE_THREADS_H
#define MN_LINALG_PANEL_STORE_THREADS_H

#include "core/progress.h"
#include "linalg/panel_store.h"

/* ---- reading ahead */

/* The tiles (first, panel) ... (count - 1, panel). */
typedef struct {
  size_t panel, first;
} mn_panel_request;

typedef struct mn_panel_reader mn_panel_reader;

/* Starts to read the requests (count of them; they stay the caller's, until close) in their order into two buffers,
 * aligned to MN_STORE_BLOCK, each with room for the greatest. Request i is in buffer i % 2. */
mn_status mn_panel_reader_open(const mn_panel_store *store, const mn_panel_request *requests, size_t count,
                               void *const buffers[2], mn_panel_reader **out, mn_error *err);

/* The tiles of request i, once they are there; NULL when the reader failed, or meter (may be NULL) was cancelled, which
 * it is asked all the while. Any number of threads; not beyond the second request that is not released. */
const void *mn_panel_reader_get(mn_panel_reader *reader, size_t i, mn_meter *meter);

/* Gives the buffer of request i back. */
void mn_panel_reader_release(mn_panel_reader *reader, size_t i);

/* Stops after the tile it is at, and ends the thread. Returns what the reader failed with, if it did; NULL is fine. */
mn_status mn_panel_reader_close(mn_panel_reader **reader, mn_error *err);

/* ---- writing behind */

typedef struct mn_panel_writer mn_panel_writer;

/* Starts a thread that writes panels of `panels` to the store, from the store's first unfinished one on. */
mn_status mn_panel_writer_open(mn_panel_store *store, const mn_panels *panels, mn_panel_writer **out, mn_error *err);

/* Panels up to this one are to be written. Returns what the writer has failed with, if it has. */
mn_status mn_panel_writer_post(mn_panel_writer *writer, size_t panel, mn_error *err);

/* Waits until all that was posted is written, and reports to the meter meanwhile; MN_ERR_CANCELLED once that is
 * cancelled. */
mn_status mn_panel_writer_drain(mn_panel_writer *writer, mn_meter *meter, mn_error *err);

/* Stops after the tile it is at (that panel is not finished then), and ends the thread; NULL is fine. */
void mn_panel_writer_close(mn_panel_writer **writer);

#endif
