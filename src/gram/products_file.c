/* Products to and from files. */
#define _GNU_SOURCE
#include "gram/products_file.h"

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
#include "core/progress.h"
#include "core/status.h"
#include "core/temporary.h"
#include "linalg/panel_store_file.h"
#include "linalg/threads.h"

/* ---- tiles */

static size_t tile_bytes(const mn_products *p, size_t i, size_t j)
{
  return mn_products_height(p, i) * mn_products_width(p, j) * mn_dtype_size(p->type);
}

size_t mn_products_tile_offset(const mn_products *p, size_t i, size_t j)
{
  size_t row = mn_products_first(p, i) - j * p->tile;
  return (mn_products_offset(p, j) + row * mn_products_width(p, j)) * mn_dtype_size(p->type);
}

static size_t file_bytes(const mn_products *p)
{
  return mn_products_offset(p, p->columns) * mn_dtype_size(p->type);
}

mn_status mn_products_read(const mn_products *p, size_t i, size_t j, void *to, mn_error *err)
{
  size_t bytes = tile_bytes(p, i, j), got = mn_store_pread(p->fd, to, bytes, mn_products_tile_offset(p, i, j));
  if (got != bytes && errno)
    return MN_FAIL(err, MN_ERR_IO, "%s: tile (%zu, %zu): reading failed: %s", p->path, i, j, strerror(errno));
  if (got != bytes)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: tile (%zu, %zu): %zu bytes expected, %zu found: the file is damaged",
                   p->path, i, j, bytes, got);
  uint32_t expected = p->checksums[mn_products_ticket(p, i, j)], found = (uint32_t)crc32_z(0, to, bytes);
  if (found != expected)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: tile (%zu, %zu): checksum %08x expected, %08x found: the file is damaged",
                   p->path, i, j, expected, found);
  return MN_OK;
}

/* A loop over all tiles by several threads, each with room for one; the first failure ends it. */
typedef struct {
  const mn_products *p;
  const mn_products *read; /* whose tiles the rooms are for: a part of it may have smaller ones */
  mn_meter meter;
  atomic_int failed; /* 1: error is set, or being set */
  mn_error error;
  /* Tile (i, j); may be called by several threads at once. */
  mn_status (*tile)(void *arg, size_t i, size_t j, mn_products_buffer *buffer, mn_error *err);
  void *arg;
} tile_loop;

static void loop_fail(tile_loop *l, const mn_error *why)
{
  if (!atomic_exchange(&l->failed, 1)) l->error = *why;
  atomic_store(&l->meter.cancelled, 1);
}

static void loop_work(tile_loop *l)
{
  const mn_products *p = l->p, *read = l->read;
  size_t all = read->n + read->m, side = read->tile < all ? read->tile : all;
  size_t bytes = side * side * mn_dtype_size(read->type);
  mn_products_buffer buffer = {mn_alloc_matrix(bytes, 1), SIZE_MAX};
  mn_error why = {0};
  if (!buffer.space) {
    MN_NO_MEMORY(&why, bytes);
    loop_fail(l, &why);
  }
#pragma omp for schedule(dynamic)
  for (size_t t = 0; t < p->columns * p->rows; t++) {
    size_t j = t / p->rows, i = t % p->rows;
    if (i < j || mn_meter_cancelled(&l->meter)) continue;
    if (l->tile(l->arg, i, j, &buffer, &why)) loop_fail(l, &why);
    mn_meter_add(&l->meter, (double)tile_bytes(p, i, j));
  }
  mn_free(buffer.space);
}

static mn_status loop_run(tile_loop *l, const mn_context *ctx, const char *phase, mn_error *err)
{
  int threads = mn_threads_open(ctx);
  mn_meter_open(&l->meter, ctx, phase, (double)file_bytes(l->p), "byte");
#pragma omp parallel num_threads(threads)
  loop_work(l);
  if (!l->error.code) return mn_meter_close(&l->meter, err);
  if (err) *err = l->error;
  return l->error.code;
}

/* ---- writing */

typedef struct {
  mn_products *p;
  int fd;
  const char *path;
} writing;

static mn_status write_tile(void *arg, size_t i, size_t j, mn_products_buffer *buffer, mn_error *err)
{
  writing *w = arg;
  size_t bytes = tile_bytes(w->p, i, j);
  const void *tile = mn_products_tile(w->p, i, j, buffer, err);
  if (!tile) return err->code;
  w->p->checksums[mn_products_ticket(w->p, i, j)] = (uint32_t)crc32_z(0, tile, bytes);
  if (mn_store_pwrite(w->fd, tile, bytes, mn_products_tile_offset(w->p, i, j)) == bytes) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: writing failed: %s", w->path, strerror(errno));
}

static mn_status write_tiles(mn_products *p, int fd, const char *path, const mn_context *ctx, mn_error *err)
{
  writing w = {p, fd, path};
  tile_loop l = {.p = p, .read = p, .tile = write_tile, .arg = &w};
  mn_status st = mn_store_reserve(fd, path, file_bytes(p), err);
  return st ? st : loop_run(&l, ctx, "save", err);
}

/* The folder, nobody else's until the index is exchanged and the earlier data are gone: locked any shorter, the name
 * that is free could become that of another's data before it is written to. */
static mn_status lock_folder(const char *folder, int *fd, mn_error *err)
{
  *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*fd < 0) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", folder, strerror(errno));
  if (flock(*fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) /* other errors: a file system without locks */
    return MN_FAIL(err, MN_ERR_IO, "%s: in use by another process", folder);
  return MN_OK;
}

/* Which of the two names is free: the other than that of the index, where there is one. */
static mn_status free_generation(const char *folder, uint32_t *generation, mn_error *err)
{
  mn_products *there = NULL;
  *generation = 1;
  if (!mn_products_exist(folder)) return *generation = 0, MN_OK;
  mn_status st = mn_products_index_read(folder, &there, generation, err);
  mn_products_close(&there);
  *generation = !*generation;
  return st;
}

static mn_status write_data(mn_products *p, const char *path, const mn_context *ctx, mn_error *err)
{
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
  mn_temporary_add(path);
  mn_status st = write_tiles(p, fd, path, ctx, err);
  if (!st && fsync(fd)) st = MN_FAIL(err, MN_ERR_IO, "%s: cannot sync: %s", path, strerror(errno));
  if (st) unlink(path);
  mn_temporary_remove(path);
  close(fd);
  return st;
}

/* The index may have been exchanged and only not synced: then the data are those that it tells. */
static mn_status write_index(const mn_products *p, const char *folder, uint32_t generation, const char *path,
                             mn_error *err)
{
  uint32_t unused;
  mn_status st = mn_products_index_write(p, folder, generation, err);
  if (st && !free_generation(folder, &unused, NULL) && unused == generation) unlink(path);
  return st;
}

static mn_status remember(mn_products *p, const char *folder, mn_error *err)
{
  char *copy = mn_strdup(folder);
  if (!copy) return MN_NO_MEMORY(err, strlen(folder) + 1);
  mn_free(p->folder);
  p->folder = copy;
  return MN_OK;
}

static mn_status save_locked(mn_products *p, const char *folder, const mn_context *ctx, mn_error *err)
{
  uint32_t generation;
  char *path = NULL, *earlier = NULL;
  mn_status st = free_generation(folder, &generation, err);
  if (st) return st;
  path = mn_products_data_path(folder, generation, err);
  if (path) earlier = mn_products_data_path(folder, !generation, err);
  if (!path || !earlier) {
    st = MN_ERR_MEMORY;
    goto done;
  }
  if ((st = remember(p, folder, err))) goto done;
  if (!(st = write_data(p, path, ctx, err))) st = write_index(p, folder, generation, path, err);
  if (!st) {
    unlink(earlier);
  } else {
    mn_free(p->folder);
    p->folder = NULL;
  }
done:
  mn_free(path);
  mn_free(earlier);
  return st;
}

static mn_status make_folder(const char *folder, int *made, mn_error *err)
{
  *made = !mkdir(folder, 0777);
  if (*made || errno == EEXIST) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: the folder cannot be made: %s", folder, strerror(errno));
}

mn_status mn_products_check_folder(const char *folder, mn_error *err)
{
  int made, lock = -1;
  mn_status st = make_folder(folder, &made, err);
  if (!st) st = lock_folder(folder, &lock, err);
  if (!st && access(folder, W_OK | X_OK))
    st = MN_FAIL(err, MN_ERR_IO, "%s: cannot be written to: %s", folder, strerror(errno));
  if (lock >= 0) close(lock);
  if (made) rmdir(folder);
  return st;
}

mn_status mn_products_save(mn_products *p, const char *folder, const mn_context *ctx, mn_error *err)
{
  int made, lock = -1;
  if (p->folder && !strcmp(p->folder, folder)) return MN_OK;
  mn_status st = make_folder(folder, &made, err);
  if (!st) st = lock_folder(folder, &lock, err);
  if (!st) st = save_locked(p, folder, ctx, err);
  if (lock >= 0) close(lock);
  return st;
}

void mn_products_tidy(const char *folder)
{
  uint32_t generation;
  int lock;
  char *path = NULL;
  mn_status st = lock_folder(folder, &lock, NULL);
  if (!st) st = free_generation(folder, &generation, NULL);
  if (!st && (path = mn_products_data_path(folder, generation, NULL))) unlink(path);
  if (lock >= 0) close(lock);
  mn_free(path);
}

void mn_products_remove(const char *folder)
{
  static const char *const names[] = {MN_PRODUCTS_INDEX, "products.0", "products.1"};
  char path[4096];
  for (size_t i = 0; i < 3; i++)
    if (snprintf(path, sizeof path, "%s/%s", folder, names[i]) < (int)sizeof path) unlink(path);
  rmdir(folder);
}

/* ---- on disk */

/* A file without a name, or one that loses it at once where the file system knows no such files. */
static mn_status open_unnamed(const char *folder, int *fd, char **path, mn_error *err)
{
  if (!(*path = mn_folder_path(folder, "minnorm-products-XXXXXX", err))) return MN_ERR_MEMORY;
  if ((*fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) >= 0) return MN_OK;
  *fd = mkostemp(*path, O_CLOEXEC);
  if (*fd >= 0 && !unlink(*path)) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: cannot be made: %s", *path, strerror(errno));
}

static mn_status open_saved(const char *folder, uint32_t generation, int *fd, char **path, mn_error *err)
{
  if (!(*path = mn_products_data_path(folder, generation, err))) return MN_ERR_MEMORY;
  *fd = open(*path, O_RDONLY | O_CLOEXEC);
  return *fd < 0 ? MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", *path, strerror(errno)) : MN_OK;
}

/* Opens the data that the index in p->folder names. */
static mn_status open_own(const mn_products *p, int *fd, char **path, mn_error *err)
{
  uint32_t generation;
  mn_products *there = NULL;
  mn_status st = mn_products_index_read(p->folder, &there, &generation, err);
  mn_products_close(&there);
  return st ? st : open_saved(p->folder, generation, fd, path, err);
}

static const char *scratch_folder(const char *given)
{
  const char *usual = getenv("TMPDIR");
  return given ? given : usual && *usual ? usual : "/tmp";
}

mn_status mn_products_to_disk(mn_products *p, const char *scratch, const mn_context *ctx, mn_error *err)
{
  int fd = -1;
  char *path = NULL;
  if (!p->panel) return MN_OK;
  mn_status st = p->folder ? open_own(p, &fd, &path, err) : open_unnamed(scratch_folder(scratch), &fd, &path, err);
  if (!st && !p->folder) st = write_tiles(p, fd, path, ctx, err);
  if (st) {
    if (fd >= 0) close(fd);
    mn_free(path);
    return st;
  }
  mn_products_free_panels(p);
  mn_memory_trim();
  p->fd = fd;
  p->path = path;
  return MN_OK;
}

/* ---- loading */

static mn_status check_length(const mn_products *p, mn_error *err)
{
  struct stat info;
  char expected[32], found[32];
  if (fstat(p->fd, &info)) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be read: %s", p->path, strerror(errno));
  if ((size_t)info.st_size == file_bytes(p)) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: %s bytes expected, %s found: the file is damaged", p->path,
                 mn_group_digits(file_bytes(p), expected), mn_group_digits((unsigned long long)info.st_size, found));
}

static mn_status open_on_disk(const char *folder, int unfinished, mn_products **out, mn_error *err)
{
  uint32_t generation;
  mn_status st = mn_products_index_read(folder, out, &generation, err);
  if (st) return st;
  mn_products *p = *out;
  st = open_saved(folder, generation, &p->fd, &p->path, err);
  if (!st) st = check_length(p, err);
  if (!st) st = remember(p, folder, err);
  if (!st && p->done < p->dim && !unfinished)
    st = MN_FAIL(err, MN_ERR_DATA,
                 "%s: %zu of %zu features are in the products kept here: run the command that makes them again, and it "
                 "goes on from there",
                 folder, p->done, p->dim);
  if (st) mn_products_close(out);
  return st;
}

typedef struct {
  const mn_products *from; /* on disk */
  mn_products *to;
} copying;

/* Tile (i, j) of the copy, whose samples are the first ones, is in one tile of the original. */
static mn_status copy_tile(void *arg, size_t i, size_t j, mn_products_buffer *buffer, mn_error *err)
{
  const copying *c = arg;
  size_t row = i < c->to->columns ? i : c->from->columns + (i - c->to->columns), size = mn_dtype_size(c->to->type);
  size_t width = mn_products_width(c->to, j) * size, pitch = mn_products_width(c->from, j) * size;
  char *to = (char *)c->to->panel[j] + (mn_products_first(c->to, i) - j * c->to->tile) * width;
  const char *tile = mn_products_tile(c->from, row, j, buffer, err);
  if (!tile) return err->code;
  for (size_t r = 0; r < mn_products_height(c->to, i); r++) memcpy(to + r * width, tile + r * pitch, width);
  return MN_OK;
}

static void copy_rest(const mn_products *from, mn_products *to)
{
  size_t n = to->n, m = to->m;
  to->done = from->done;
  to->train = from->train;
  memcpy(to->samples, from->samples, n * sizeof *to->samples);
  memcpy(to->samples + n, from->samples + from->n, m * sizeof *to->samples);
  memcpy(to->norms, from->norms, n * sizeof *to->norms);
  memcpy(to->norms + n, from->norms + from->n, m * sizeof *to->norms);
  memcpy(to->shift, from->shift, to->dim * sizeof *to->shift);
  memcpy(to->factor, from->factor, to->dim * sizeof *to->factor);
}

static mn_status into_memory(mn_products **products, size_t n, size_t m, const mn_context *ctx, mn_error *err)
{
  mn_products *from = *products, *to = NULL;
  mn_status st = mn_products_open(n, m, from->tile, from->type, from->dim, from->text, &to, err);
  if (st) return st;
  copying c = {from, to};
  tile_loop l = {.p = to, .read = from, .tile = copy_tile, .arg = &c};
  st = loop_run(&l, ctx, "load", err);
  copy_rest(from, to);
  if (!st && n == from->n && m == from->m) {
    memcpy(to->checksums, from->checksums, mn_products_tiles(to) * sizeof *to->checksums);
    to->folder = from->folder;
    from->folder = NULL;
  }
  mn_products_close(st ? &to : &from);
  *products = st ? from : to;
  return st;
}

mn_status mn_products_load(const char *folder, size_t n, size_t m, int in_memory, int unfinished, const mn_context *ctx,
                           mn_products **out, mn_error *err)
{
  mn_status st = open_on_disk(folder, unfinished, out, err);
  if (st) return st;
  const mn_products *p = *out;
  if (n > p->n || m > p->m)
    st = MN_FAIL(err, MN_ERR_DATA,
                 "%s: products of %zu training and %zu test samples are kept here; %zu and %zu asked "
                 "for",
                 folder, p->n, p->m, n, m);
  if (!st && in_memory) st = into_memory(out, n ? n : p->n, m ? m : p->m, ctx, err);
  if (st) mn_products_close(out);
  return st;
}
