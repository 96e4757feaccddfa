#define _GNU_SOURCE
#include "linalg/panel_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/folder.h"
#include "core/memory.h"
#include "core/status.h"
#include "linalg/blas.h"
#include "linalg/panel_store_file.h"

/* ---- the layout */

/* As for panels in memory: whole cache lines, an odd number of them, so that columns do not fall onto the same sets. */
size_t mn_panel_store_ld(size_t rows, mn_dtype type)
{
  size_t line = 64 / mn_dtype_size(type), lines = (rows + line - 1) / line;
  return (lines | 1) * line;
}

size_t mn_panel_store_tile_bytes(size_t rows, size_t columns, mn_dtype type)
{
  size_t bytes = mn_panel_store_ld(rows, type) * columns * mn_dtype_size(type);
  return (bytes + MN_STORE_BLOCK - 1) / MN_STORE_BLOCK * MN_STORE_BLOCK;
}

static mn_panels shape_of(size_t n, size_t width, mn_dtype type)
{
  width = width < n ? width : n;
  return (mn_panels){.n = n, .width = width, .count = (n + width - 1) / width, .type = type};
}

/* Tile (i, j) has this many bytes. */
static size_t tile_bytes(const mn_panels *shape, size_t i, size_t j)
{
  return mn_panel_store_tile_bytes(mn_panels_rows(shape, i), mn_panels_rows(shape, j), shape->type);
}

/* Where panel j begins in the file; for j = count, where the file ends. Every panel before the last is of full width.
 */
static size_t panel_offset(const mn_panels *shape, size_t j)
{
  size_t last = shape->count - 1, before = j < last ? j : last;
  size_t whole = before * last - before * (before - 1) / 2; /* tiles of width x width */
  size_t offset = whole * mn_panel_store_tile_bytes(shape->width, shape->width, shape->type) +
                  before * mn_panel_store_tile_bytes(mn_panels_rows(shape, last), shape->width, shape->type);
  return j > last ? offset + tile_bytes(shape, last, last) : offset;
}

size_t mn_panel_store_file_bytes(size_t n, size_t width, mn_dtype type)
{
  mn_panels shape = shape_of(n, width, type);
  return panel_offset(&shape, shape.count);
}

const mn_panels *mn_panel_store_shape(const mn_panel_store *store)
{
  return &store->shape;
}

size_t mn_panel_store_finished(const mn_panel_store *store)
{
  return store->finished;
}

size_t mn_panel_store_offset(const mn_panel_store *store, size_t panel, size_t first, size_t i)
{
  return (i - first) *
         mn_panel_store_tile_bytes(store->shape.width, mn_panels_rows(&store->shape, panel), store->shape.type);
}

size_t mn_panel_store_bytes(const mn_panel_store *store, size_t panel, size_t first)
{
  size_t last = store->shape.count - 1;
  return mn_panel_store_offset(store, panel, first, last) + tile_bytes(&store->shape, last, panel);
}

/* Where tile (i, j) begins in the file. */
static size_t tile_offset(const mn_panel_store *s, size_t i, size_t j)
{
  return panel_offset(&s->shape, j) + mn_panel_store_offset(s, j, j, i);
}

/* ---- opening */

static mn_status check_id(const mn_panel_store_id *id, mn_error *err)
{
  double width = (double)(id->width < id->n ? id->width : id->n), n = (double)id->n;
  if (!id->n || !id->width || id->n > MN_BLAS_MAX || n * n * (1 + (double)MN_STORE_BLOCK / width / width) > 0x1p58)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "a factor of order %zu in panels of %zu columns cannot be stored", id->n,
                   id->width);
  return MN_OK;
}

static mn_status allocate(mn_panel_store *s, const char *folder, mn_error *err)
{
  size_t tiles = mn_panels_tiles(&s->shape), bytes = tile_bytes(&s->shape, 0, 0) + MN_STORE_BLOCK;
  s->checksums = mn_calloc(tiles, sizeof *s->checksums);
  if (!s->checksums) return MN_NO_MEMORY(err, tiles * sizeof *s->checksums);
  s->tile_base = mn_alloc_matrix(bytes, 1);
  if (!s->tile_base) return MN_NO_MEMORY(err, bytes);
  s->tile = (char *)s->tile_base + (MN_STORE_BLOCK - (uintptr_t)s->tile_base % MN_STORE_BLOCK) % MN_STORE_BLOCK;
  s->folder = mn_strdup(folder);
  if (!s->folder) return MN_NO_MEMORY(err, strlen(folder) + 1);
  s->path = mn_folder_path(folder, s->kept ? "factor.tiles" : "minnorm-XXXXXX", err);
  if (!s->path) return MN_ERR_MEMORY;
  s->index_path = mn_folder_path(folder, "factor.index", err);
  if (!s->index_path) return MN_ERR_MEMORY;
  s->new_path = mn_folder_path(folder, "factor.index.new", err);
  return s->new_path ? MN_OK : MN_ERR_MEMORY;
}

static mn_status cannot_open(const char *path, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
}

static mn_status make_folder(mn_panel_store *s, mn_error *err)
{
  s->made_folder = !mkdir(s->folder, 0777);
  if (!s->made_folder && errno != EEXIST)
    return MN_FAIL(err, MN_ERR_IO, "%s: the folder cannot be made: %s", s->folder, strerror(errno));
  return MN_OK;
}

/* A file without a name, or one that loses it at once where the file system knows no such files: it goes with the last
 * descriptor, however the process ends. */
static mn_status open_scratch(mn_panel_store *s, mn_error *err)
{
  s->fd = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (s->fd < 0) {
    s->fd = mkostemp(s->path, O_CLOEXEC);
    if (s->fd < 0 || unlink(s->path)) return cannot_open(s->path, err);
  }
  return mn_store_reserve(s->fd, s->path, panel_offset(&s->shape, s->shape.count), err);
}

/* The file of tiles, nobody else's as long as it is open. With an index there must be one. */
static mn_status open_file(mn_panel_store *s, int indexed, mn_error *err)
{
  s->fd = open(s->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | (indexed ? 0 : O_CREAT), 0666);
  if (s->fd < 0 && errno == ENOENT && indexed)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: missing where its index is; remove the folder to begin anew", s->path);
  if (s->fd < 0) return cannot_open(s->path, err);
  if (flock(s->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) /* other errors: a file system without locks */
    return MN_FAIL(err, MN_ERR_IO, "%s: in use by another process", s->path);
  return MN_OK;
}

/* What the index promises must be there. */
static mn_status check_size(const mn_panel_store *s, mn_error *err)
{
  struct stat info;
  char expected[32], found[32];
  size_t bytes = panel_offset(&s->shape, s->shape.count);
  if (fstat(s->fd, &info)) return cannot_open(s->path, err);
  if ((size_t)info.st_size != bytes)
    return MN_FAIL(err, MN_ERR_FORMAT,
                   "%s: %s bytes expected, %s found: the file is damaged; remove the folder to begin anew", s->path,
                   mn_group_digits(bytes, expected), mn_group_digits((unsigned long long)info.st_size, found));
  return MN_OK;
}

/* An empty store in place of whatever there is. Without its index, which goes first and comes last, the file of tiles
 * means nothing. */
static mn_status begin(mn_panel_store *s, mn_error *err)
{
  s->made_files = 1;
  if (unlink(s->index_path) && errno != ENOENT) return cannot_open(s->index_path, err);
  if (ftruncate(s->fd, 0)) return cannot_open(s->path, err);
  mn_status st = mn_store_reserve(s->fd, s->path, panel_offset(&s->shape, s->shape.count), err);
  return st ? st : mn_store_index_write(s, err);
}

static mn_status open_kept(mn_panel_store *s, int resume, mn_error *err)
{
  int indexed = resume && !access(s->index_path, F_OK);
  mn_status st = open_file(s, indexed, err);
  if (!st && !indexed) return begin(s, err);
  if (!st) st = mn_store_index_read(s, err);
  return st ? st : check_size(s, err);
}

mn_status mn_panel_store_open(const char *folder, const mn_panel_store_id *id, mn_store_mode mode, mn_panel_store **out,
                              mn_error *err)
{
  *out = NULL;
  mn_status st = check_id(id, err);
  if (st) return st;
  mn_panel_store *s = mn_calloc(1, sizeof *s);
  if (!s) return MN_NO_MEMORY(err, sizeof *s);
  *s = (mn_panel_store){.shape = shape_of(id->n, id->width, id->type), .key = {id->key[0], id->key[1]}, .fd = -1};
  s->kept = mode != MN_STORE_SCRATCH;
  if ((st = allocate(s, folder, err))) goto done;
  if ((st = make_folder(s, err))) goto done;
  if ((st = s->kept ? open_kept(s, mode == MN_STORE_RESUME, err) : open_scratch(s, err))) goto done;
  mn_store_direct(s->fd);
  *out = s;
  return MN_OK;
done:
  if (s->made_files)
    mn_panel_store_remove(&s, NULL);
  else if (s->made_folder)
    rmdir(s->folder);
  mn_panel_store_close(&s);
  return st;
}

void mn_panel_store_close(mn_panel_store **store)
{
  mn_panel_store *s = *store;
  if (!s) return;
  if (s->fd >= 0) close(s->fd);
  if (s->made_folder && !s->kept) rmdir(s->folder);
  mn_free(s->checksums);
  mn_free(s->tile_base);
  mn_free(s->folder);
  mn_free(s->path);
  mn_free(s->index_path);
  mn_free(s->new_path);
  mn_free(s);
  *store = NULL;
}

/* The index first: tiles without an index are nothing, an index without tiles is damage. */
mn_status mn_panel_store_remove(mn_panel_store **store, mn_error *err)
{
  mn_panel_store *s = *store;
  mn_status st = MN_OK;
  if (!s) return st;
  const char *const paths[] = {s->index_path, s->path, s->new_path};
  for (size_t i = 0; s->kept && i < 3; i++)
    if (unlink(paths[i]) && errno != ENOENT && !st)
      st = MN_FAIL(err, MN_ERR_IO, "%s: cannot be removed: %s", paths[i], strerror(errno));
  if (s->made_folder) rmdir(s->folder);
  mn_panel_store_close(store);
  return st;
}

/* ---- tiles */

static int is_stopped(const atomic_int *stop)
{
  return stop && atomic_load(stop);
}

static mn_status stopped(const mn_panel_store *s, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_CANCELLED, "%s: stopped", s->path);
}

static uint32_t checksum(const void *tile, size_t bytes)
{
  return (uint32_t)crc32_z(0, tile, bytes);
}

/* Rows above the diagonal in column c of a tile. */
static size_t rows_above(int diagonal, size_t c)
{
  return diagonal ? c : 0;
}

/* Copies tile (i, j) of a panel into store->tile; all that is not part of the matrix becomes 0. */
static void pack(mn_panel_store *s, size_t i, size_t j, const mn_panel *from)
{
  const mn_panels *shape = &s->shape;
  size_t size = mn_dtype_size(shape->type), rows = mn_panels_rows(shape, i), ld = mn_panel_store_ld(rows, shape->type);
  size_t columns = mn_panels_rows(shape, j), bytes = tile_bytes(shape, i, j);
  const char *source = (const char *)from->p + (i - j) * shape->width * size;
  char *tile = s->tile;
  for (size_t c = 0; c < columns; c++) {
    char *column = tile + c * ld * size;
    size_t above = rows_above(i == j, c);
    memset(column, 0, above * size);
    memcpy(column + above * size, source + (c * from->ld + above) * size, (rows - above) * size);
    memset(column + rows * size, 0, (ld - rows) * size);
  }
  memset(tile + columns * ld * size, 0, bytes - columns * ld * size);
}

static void unpack(const mn_panel_store *s, size_t i, size_t j, const mn_panel *to)
{
  const mn_panels *shape = &s->shape;
  size_t size = mn_dtype_size(shape->type), rows = mn_panels_rows(shape, i), ld = mn_panel_store_ld(rows, shape->type);
  char *target = (char *)to->p + (i - j) * shape->width * size;
  for (size_t c = 0; c < mn_panels_rows(shape, j); c++)
    memcpy(target + c * to->ld * size, (const char *)s->tile + c * ld * size, rows * size);
}

static mn_status write_tile(mn_panel_store *s, size_t i, size_t j, const mn_panel *from, mn_error *err)
{
  size_t bytes = tile_bytes(&s->shape, i, j);
  pack(s, i, j, from);
  s->checksums[mn_panels_ticket(&s->shape, i, j)] = checksum(s->tile, bytes);
  if (mn_store_pwrite(s->fd, s->tile, bytes, tile_offset(s, i, j)) == bytes) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: panel %zu, tile %zu: writing failed: %s", s->path, j, i, strerror(errno));
}

/* Forgets the checksums of a panel that did not come to be finished. */
static void forget(mn_panel_store *s, size_t j)
{
  for (size_t i = j; i < s->shape.count; i++) s->checksums[mn_panels_ticket(&s->shape, i, j)] = 0;
}

/* Marks the panel that was written as finished, once it is on the disk. */
static mn_status finish(mn_panel_store *s, mn_error *err)
{
  s->finished++;
  if (!s->kept) return MN_OK;
  mn_status st = MN_OK;
  if (fdatasync(s->fd))
    st = MN_FAIL(err, MN_ERR_IO, "%s: panel %zu: cannot sync: %s", s->path, s->finished - 1, strerror(errno));
  if (!st) st = mn_store_index_write(s, err);
  if (st) s->finished--;
  return st;
}

mn_status mn_panel_store_write(mn_panel_store *s, size_t panel, const mn_panel *from, const atomic_int *stop,
                               mn_error *err)
{
  mn_status st = MN_OK;
  if (panel != s->finished || panel >= s->shape.count)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: panel %zu written where panel %zu comes next", s->path, panel,
                   s->finished);
  for (size_t i = panel; !st && i < s->shape.count; i++)
    st = is_stopped(stop) ? stopped(s, err) : write_tile(s, i, panel, from, err);
  if (!st) st = finish(s, err);
  if (st) forget(s, panel);
  return st;
}

static const char *advice(const mn_panel_store *s)
{
  return s->kept ? "; remove the folder to begin anew" : "";
}

static mn_status read_tile(const mn_panel_store *s, size_t i, size_t j, void *to, mn_error *err)
{
  size_t bytes = tile_bytes(&s->shape, i, j), got = mn_store_pread(s->fd, to, bytes, tile_offset(s, i, j));
  if (got != bytes && errno)
    return MN_FAIL(err, MN_ERR_IO, "%s: panel %zu, tile %zu: reading failed: %s", s->path, j, i, strerror(errno));
  if (got != bytes)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: panel %zu, tile %zu: %zu bytes expected, %zu found: the file is damaged%s",
                   s->path, j, i, bytes, got, advice(s));
  uint32_t expected = s->checksums[mn_panels_ticket(&s->shape, i, j)], found = checksum(to, bytes);
  if (found != expected)
    return MN_FAIL(err, MN_ERR_FORMAT,
                   "%s: panel %zu, tile %zu: checksum %08x expected, %08x found: the file is damaged%s", s->path, j, i,
                   expected, found, advice(s));
  return MN_OK;
}

static mn_status check_finished(const mn_panel_store *s, size_t panel, mn_error *err)
{
  if (panel < s->finished) return MN_OK;
  return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: panel %zu read where %zu are finished", s->path, panel, s->finished);
}

mn_status mn_panel_store_read(const mn_panel_store *s, size_t panel, size_t first, void *buffer, const atomic_int *stop,
                              mn_error *err)
{
  mn_status st = check_finished(s, panel, err);
  for (size_t i = first; !st && i < s->shape.count; i++) {
    void *to = (char *)buffer + mn_panel_store_offset(s, panel, first, i);
    st = is_stopped(stop) ? stopped(s, err) : read_tile(s, i, panel, to, err);
  }
  return st;
}

mn_status mn_panel_store_read_panel(mn_panel_store *s, size_t panel, const mn_panel *to, mn_meter *meter, mn_error *err)
{
  mn_status st = check_finished(s, panel, err);
  for (size_t i = panel; !st && i < s->shape.count; i++) {
    if ((st = read_tile(s, i, panel, s->tile, err))) return st;
    unpack(s, i, panel, to);
    if (mn_meter_add(meter, (double)tile_bytes(&s->shape, i, panel))) st = mn_meter_close(meter, err);
  }
  return st;
}
