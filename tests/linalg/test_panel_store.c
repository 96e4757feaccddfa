/* Panels on disk: what is written is read, by panel and from a row block on; a store is resumed, refused, damaged;
 * every system call and allocation fails; a process is killed while it writes; the threads that read ahead and write
 * behind. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/panel_store_threads.h"
#include "store_support.h"
#include "support.h"

static int set_up(void **state)
{
  faults_clear();
  return mn_test_dir_open(state);
}

static mn_panel_store_id id_of(size_t n, size_t width, mn_dtype type)
{
  return (mn_panel_store_id){.n = n, .width = width, .type = type, .key = {11, 22}};
}

static mn_panel_store *open_store(const char *name, mn_panel_store_id id, mn_store_mode mode)
{
  mn_panel_store *store;
  mn_error err = {0};
  if (mn_panel_store_open(mn_test_path(name), &id, mode, &store, &err)) fail_msg("%s", err.text);
  return store;
}

/* The matrix itself: any values serve here. */
static mn_panels *open_panels(mn_panel_store_id id)
{
  mn_panels *p;
  assert_int_equal(mn_panels_open(id.n, id.width, id.type, &p, NULL), MN_OK);
  matrix_fill(NULL, p, 0, p->count, NULL);
  return p;
}

static void write_panels(mn_panel_store *store, const mn_panels *p, size_t end)
{
  mn_error err = {0};
  for (size_t j = mn_panel_store_finished(store); j < end; j++)
    if (mn_panel_store_write(store, j, &p->panel[j], NULL, &err)) fail_msg("%s", err.text);
}

static void *aligned_buffer(const mn_panel_store *store)
{
  void *buffer = NULL;
  assert_int_equal(posix_memalign(&buffer, MN_STORE_BLOCK, mn_panel_store_bytes(store, 0, 0)), 0);
  return buffer;
}

static double stored_element(const mn_panel_store *store, const void *tile, size_t tile_row, size_t r, size_t c)
{
  const mn_panels *shape = mn_panel_store_shape(store);
  size_t at = r + c * mn_panel_store_ld(mn_panels_rows(shape, tile_row), shape->type);
  return shape->type == MN_F64 ? ((const double *)tile)[at] : (double)((const float *)tile)[at];
}

/* Element (r, c) of tile (i, j) as it was filled in; the upper triangle becomes 0. */
static double filled_element(const mn_panel_store *store, size_t i, size_t j, size_t r, size_t c)
{
  const mn_panels *shape = mn_panel_store_shape(store);
  double value = i == j && r < c ? 0 : matrix_element(i * shape->width + r, j * shape->width + c);
  return shape->type == MN_F64 ? value : (double)(float)value;
}

/* The buffer holds the tiles (first, j) ... of the matrix. */
static void expect_tiles(const mn_panel_store *store, size_t j, size_t first, const void *buffer)
{
  const mn_panels *shape = mn_panel_store_shape(store);
  for (size_t i = first; i < shape->count; i++) {
    const char *tile = (const char *)buffer + mn_panel_store_offset(store, j, first, i);
    assert_int_equal((uintptr_t)tile % MN_STORE_BLOCK, 0);
    for (size_t c = 0; c < mn_panels_rows(shape, j); c++)
      for (size_t r = 0; r < mn_panels_rows(shape, i); r++)
        assert_true(stored_element(store, tile, i, r, c) == filled_element(store, i, j, r, c));
  }
}

/* ---- writing and reading */

static const struct {
  size_t n, width;
} sizes[] = {{1, 1}, {1, 8}, {2, 1}, {7, 8}, {8, 8}, {9, 8}, {16, 8}, {17, 8}, {33, 3}, {100, 64}, {129, 128}, {70, 5}};

static void every_tile_is_read_as_written(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int mode = MN_STORE_SCRATCH; mode <= MN_STORE_RESUME; mode++) {
      mn_panel_store_id id = id_of(sizes[s].n, sizes[s].width, s % 2 ? MN_F32 : MN_F64);
      mn_panel_store *store = open_store("store", id, (mn_store_mode)mode);
      mn_panels *p = open_panels(id);
      write_panels(store, p, p->count);
      char *buffer = aligned_buffer(store);
      for (size_t j = 0; j < p->count; j++)
        for (size_t first = j; first < p->count; first++) {
          assert_int_equal(mn_panel_store_read(store, j, first, buffer, NULL, NULL), MN_OK);
          expect_tiles(store, j, first, buffer);
        }
      expect_stored(store, p);
      free(buffer);
      mn_panels_close(&p);
      assert_int_equal(mn_panel_store_remove(&store, NULL), MN_OK);
      expect_listing(mn_test_dir, "");
    }
}

/* Panels and tiles follow one another without a gap, from 0 to the end of the file. */
static void layout_fills_the_file(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    mn_panel_store_id id = id_of(sizes[s].n, sizes[s].width, MN_F64);
    mn_panel_store *store = open_store("store", id, MN_STORE_SCRATCH);
    size_t bytes = 0;
    for (size_t j = 0; j < mn_panel_store_shape(store)->count; j++) bytes += mn_panel_store_bytes(store, j, j);
    assert_int_equal(bytes, mn_panel_store_file_bytes(id.n, id.width, id.type));
    mn_panel_store_close(&store);
  }
}

static void panels_are_written_in_order_and_read_when_finished(void **state)
{
  (void)state;
  mn_panel_store_id id = id_of(30, 8, MN_F64);
  mn_panel_store *store = open_store("store", id, MN_STORE_NEW);
  mn_panels *p = open_panels(id);
  void *buffer = aligned_buffer(store);
  mn_error err = {0};
  assert_int_equal(mn_panel_store_read(store, 0, 0, buffer, NULL, &err), MN_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "panel 0 read where 0 are finished"));
  assert_int_equal(mn_panel_store_write(store, 1, &p->panel[1], NULL, &err), MN_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "panel 1 written where panel 0 comes next"));
  write_panels(store, p, p->count);
  assert_int_equal(mn_panel_store_write(store, 4, &p->panel[3], NULL, NULL), MN_ERR_ARGUMENT);
  free(buffer);
  mn_panels_close(&p);
  mn_panel_store_close(&store);
}

/* ---- resuming */

static void a_kept_store_is_resumed(void **state)
{
  (void)state;
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  mn_panels *p = open_panels(id);
  for (size_t j = 0; j <= p->count; j++) {
    mn_panel_store *store = open_store("store", id, MN_STORE_RESUME);
    assert_int_equal(mn_panel_store_finished(store), j ? j - 1 : 0);
    write_panels(store, p, j);
    mn_panel_store_close(&store);
    assert_null(store);
    expect_listing(mn_test_path("store"), "factor.index factor.tiles");
  }
  mn_panel_store *store = open_store("store", id, MN_STORE_RESUME);
  expect_stored(store, p);
  mn_panel_store_close(&store);
  store = open_store("store", id, MN_STORE_NEW); /* begins anew */
  assert_int_equal(mn_panel_store_finished(store), 0);
  assert_int_equal(mn_panel_store_remove(&store, NULL), MN_OK);
  expect_listing(mn_test_path("store"), ""); /* an earlier run made the folder */
  mn_panels_close(&p);
}

/* Opening fails with exactly "DIR/store/FILE: TEXT", and changes nothing in the folder. */
static void expect_refused(mn_panel_store_id id, mn_status status, const char *file, const char *text)
{
  char expected[1024];
  mn_panel_store *store;
  mn_error err = {0};
  long live = mn_memory_live();
  snprintf(expected, sizeof expected, "%s/%s: %s", mn_test_path("store"), file, text);
  assert_int_equal(mn_panel_store_open(mn_test_path("store"), &id, MN_STORE_RESUME, &store, &err), status);
  assert_null(store);
  assert_string_equal(err.text, expected);
  assert_int_equal(mn_memory_live(), live);
}

/* A store with two finished panels of 50 x 50 in width 8. */
static void make_store(void)
{
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  mn_panel_store *store = open_store("store", id, MN_STORE_NEW);
  mn_panels *p = open_panels(id);
  write_panels(store, p, 2);
  mn_panels_close(&p);
  mn_panel_store_close(&store);
}

static void another_matrix_is_refused(void **state)
{
  (void)state;
  make_store();
  mn_panel_store_id other = id_of(51, 8, MN_F64);
  expect_refused(other, MN_ERR_DATA, "factor.index", "of a matrix with n = 50, this run has 51; choose another folder");
  other = id_of(50, 7, MN_F64);
  expect_refused(other, MN_ERR_DATA, "factor.index",
                 "of a matrix with panel width = 8, this run has 7; choose another folder");
  other = id_of(50, 8, MN_F32);
  expect_refused(other, MN_ERR_DATA, "factor.index",
                 "of a matrix with bytes an element = 8, this run has 4; choose another folder");
  for (int k = 0; k < 2; k++) {
    other = id_of(50, 8, MN_F64);
    other.key[k]++;
    expect_refused(other, MN_ERR_DATA, "factor.index",
                   "of other data or other options than this run's; choose another folder");
  }
  mn_panel_store *store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  assert_int_equal(mn_panel_store_finished(store), 2);
  mn_panel_store_close(&store);
}

static void impossible_shapes(void **state)
{
  (void)state;
  static const size_t bad[][2] = {{0, 8}, {8, 0}, {(size_t)1 << 40, 1024}, {0x7fffffff, 1}};
  for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
    mn_panel_store_id id = id_of(bad[b][0], bad[b][1], MN_F64);
    mn_panel_store *store;
    assert_int_equal(mn_panel_store_open(mn_test_dir, &id, MN_STORE_NEW, &store, NULL), MN_ERR_ARGUMENT);
  }
  expect_listing(mn_test_dir, "");
}

static void one_process_at_a_time(void **state)
{
  (void)state;
  make_store();
  mn_panel_store *store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  expect_refused(id_of(50, 8, MN_F64), MN_ERR_IO, "factor.tiles", "in use by another process");
  mn_panel_store_close(&store);
  store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  assert_int_equal(mn_panel_store_finished(store), 2);
  mn_panel_store_close(&store);
}

/* ---- damage */

static void a_flipped_bit_in_a_tile_is_found(void **state)
{
  (void)state;
  make_store();
  mn_panel_store *store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  char path[512], expected[600], *buffer = aligned_buffer(store);
  snprintf(path, sizeof path, "%s/factor.tiles", mn_test_path("store"));
  for (size_t i = 1; i < 7; i++) {
    mn_error err = {0};
    size_t at = mn_panel_store_bytes(store, 0, 0) + mn_panel_store_offset(store, 1, 1, i);
    flip_bit(path, at + 17 * i);
    assert_int_equal(mn_panel_store_read(store, 1, 1, buffer, NULL, &err), MN_ERR_FORMAT);
    snprintf(expected, sizeof expected, "%s: panel 1, tile %zu: checksum ", path, i);
    assert_memory_equal(err.text, expected, strlen(expected));
    assert_non_null(strstr(err.text, " found: the file is damaged"));
    assert_int_equal(mn_panel_store_read(store, 0, 0, buffer, NULL, NULL), MN_OK);
    if (i < 6) assert_int_equal(mn_panel_store_read(store, 1, i + 1, buffer, NULL, NULL), MN_OK);
    flip_bit(path, at + 17 * i);
    assert_int_equal(mn_panel_store_read(store, 1, 1, buffer, NULL, NULL), MN_OK);
  }
  free(buffer);
  mn_panel_store_close(&store);
}

/* Whatever bit of the index is flipped: it is refused. */
static void a_flipped_bit_in_the_index_is_found(void **state)
{
  (void)state;
  make_store();
  char path[512];
  struct stat info;
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  snprintf(path, sizeof path, "%s/factor.index", mn_test_path("store"));
  assert_int_equal(stat(path, &info), 0);
  for (size_t byte = 0; byte < (size_t)info.st_size; byte++) {
    mn_panel_store *store;
    flip_bit(path, byte);
    mn_status st = mn_panel_store_open(mn_test_path("store"), &id, MN_STORE_RESUME, &store, NULL);
    assert_true(st == MN_ERR_FORMAT || st == MN_ERR_VERSION);
    flip_bit(path, byte);
  }
  mn_panel_store *store = open_store("store", id, MN_STORE_RESUME);
  assert_int_equal(mn_panel_store_finished(store), 2);
  mn_panel_store_close(&store);
}

static void a_truncated_file_is_found(void **state)
{
  (void)state;
  char path[512], text[256], bytes[32];
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  make_store();
  snprintf(path, sizeof path, "%s/factor.tiles", mn_test_path("store"));
  assert_int_equal(truncate(path, 5000), 0);
  snprintf(text, sizeof text, "%s bytes expected, 5,000 found: the file is damaged; remove the folder to begin anew",
           mn_group_digits(mn_panel_store_file_bytes(50, 8, MN_F64), bytes));
  expect_refused(id, MN_ERR_FORMAT, "factor.tiles", text);
  assert_int_equal(unlink(path), 0);
  expect_refused(id, MN_ERR_FORMAT, "factor.tiles", "missing where its index is; remove the folder to begin anew");
  expect_listing(mn_test_path("store"), "factor.index");
  snprintf(path, sizeof path, "%s/factor.index", mn_test_path("store"));
  make_store();
  assert_int_equal(truncate(path, 70), 0);
  expect_refused(id, MN_ERR_FORMAT, "factor.index",
                 "176 bytes expected, 70 found: the file is damaged; remove the folder to begin anew");
  assert_int_equal(truncate(path, 20), 0);
  expect_refused(id, MN_ERR_FORMAT, "factor.index",
                 "64 bytes expected, 20 found: the file is damaged; remove the folder to begin anew");
  mn_test_write(mn_test_path("store"), "factor.index",
                "This is a text of the user's own, and not at all what the index of a factor is.", 79);
  expect_refused(id, MN_ERR_FORMAT, "factor.index",
                 "not the index of a factor, or of a machine of another kind; remove the folder to begin anew");
}

/* The file becomes shorter while it is in use. */
static void a_file_truncated_meanwhile_is_found(void **state)
{
  (void)state;
  make_store();
  char path[512];
  mn_panel_store *store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  void *buffer = aligned_buffer(store);
  snprintf(path, sizeof path, "%s/factor.tiles", mn_test_path("store"));
  assert_int_equal(truncate(path, (off_t)MN_STORE_BLOCK * 2 + 100), 0);
  mn_error err = {0};
  assert_int_equal(mn_panel_store_read(store, 0, 0, buffer, NULL, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "panel 0, tile 2: 4096 bytes expected, 100 found: the file is damaged"));
  free(buffer);
  mn_panel_store_close(&store);
}

/* Tiles without an index are what a kill leaves while a store is made: nothing is lost with them. */
static void tiles_without_an_index_are_made_anew(void **state)
{
  (void)state;
  assert_int_equal(mkdir(mn_test_path("store"), 0777), 0);
  mn_test_write(mn_test_path("store"), "factor.tiles", "rest", 4);
  mn_panel_store_id id = id_of(20, 8, MN_F32);
  mn_panel_store *store = open_store("store", id, MN_STORE_RESUME);
  mn_panels *p = open_panels(id);
  assert_int_equal(mn_panel_store_finished(store), 0);
  write_panels(store, p, p->count);
  expect_stored(store, p);
  mn_panels_close(&p);
  mn_panel_store_close(&store);
}

/* ---- system calls that fail */

static void short_and_interrupted_transfers_go_on(void **state)
{
  (void)state;
  static const fault faults[] = {{1, EINTR, 0}, {1, EINVAL, 0}, {1, 0, 4096}, {1, 0, 512}, {1, 0, 100}};
  mn_panel_store_id id = id_of(60, 30, MN_F64);
  mn_panels *p = open_panels(id);
  for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
    for (int at = 1; at <= 6; at++) { /* the three tiles are written, then read */
      mn_panel_store *store = open_store("store", id, MN_STORE_SCRATCH);
      fault *where = at <= 3 ? &fault_pwrite : &fault_pread;
      *where = faults[k];
      where->at = at <= 3 ? at : at - 3;
      write_panels(store, p, p->count);
      expect_stored(store, p);
      assert_int_equal(where->at, 0);
      mn_panel_store_close(&store);
    }
  mn_panels_close(&p);
}

/* A disk that is full when the store is made: an early error, and nothing is left. */
static void no_room(void **state)
{
  (void)state;
  static const int reasons[] = {ENOSPC, EDQUOT, EFBIG, EIO};
  for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++)
    for (int mode = MN_STORE_SCRATCH; mode <= MN_STORE_RESUME; mode++) {
      mn_panel_store_id id = id_of(50, 8, MN_F64);
      mn_panel_store *store;
      mn_error err = {0};
      long live = mn_memory_live();
      fault_fallocate = (fault){.at = 1, .reason = reasons[r]};
      assert_int_equal(mn_panel_store_open(mn_test_path("store"), &id, (mn_store_mode)mode, &store, &err), MN_ERR_IO);
      assert_non_null(strstr(err.text, strerror(reasons[r])));
      if (reasons[r] == ENOSPC) assert_non_null(strstr(err.text, " bytes needed, "));
      assert_int_equal(mn_memory_live(), live);
      expect_listing(mn_test_dir, "");
    }
}

/* File systems that cannot reserve give a file of the size at least; an interrupt is none of the caller's business. */
static void reserving_otherwise(void **state)
{
  (void)state;
  static const int reasons[] = {EOPNOTSUPP, EINVAL, EINTR};
  for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++) {
    mn_panel_store_id id = id_of(20, 8, MN_F64);
    fault_fallocate = (fault){.at = 1, .reason = reasons[r]};
    mn_panel_store *store = open_store("store", id, MN_STORE_NEW);
    mn_panels *p = open_panels(id);
    write_panels(store, p, p->count);
    expect_stored(store, p);
    mn_panels_close(&p);
    assert_int_equal(mn_panel_store_remove(&store, NULL), MN_OK);
    expect_listing(mn_test_dir, "");
  }
}

/* The third panel of a kept store cannot be written: it is not finished, in the index neither, and can be written
 * again. */
static void failing_writes(void **state)
{
  (void)state;
  static const struct {
    fault *where;
    fault fault;
    const char *text;
  } cases[] = {
      {&fault_pwrite, {1, ENOSPC, 0}, "factor.tiles: panel 2, tile 2: writing failed: No space left on device"},
      {&fault_pwrite, {3, EIO, 0}, "factor.tiles: panel 2, tile 4: writing failed: Input/output error"},
      {&fault_pwrite, {3, 0, 0}, "factor.tiles: panel 2, tile 4: writing failed: No space left on device"},
      {&fault_fdatasync, {1, EIO, 0}, "factor.tiles: panel 2: cannot sync: Input/output error"},
      {&fault_fsync, {1, EIO, 0}, "factor.index: writing failed: Input/output error"},
  };
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  mn_panels *p = open_panels(id);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    make_store();
    mn_panel_store *store = open_store("store", id, MN_STORE_RESUME);
    mn_error err = {0};
    *cases[c].where = cases[c].fault;
    assert_int_equal(mn_panel_store_write(store, 2, &p->panel[2], NULL, &err), MN_ERR_IO);
    if (!strstr(err.text, cases[c].text)) fail_msg("'%s' does not say '%s'", err.text, cases[c].text);
    assert_int_equal(mn_panel_store_finished(store), 2);
    mn_panel_store_close(&store);
    faults_clear();
    store = open_store("store", id, MN_STORE_RESUME);
    assert_int_equal(mn_panel_store_finished(store), 2);
    write_panels(store, p, p->count);
    expect_stored(store, p);
    mn_panel_store_close(&store);
  }
  mn_panels_close(&p);
}

static void failing_reads(void **state)
{
  (void)state;
  make_store();
  mn_panel_store *store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  void *buffer = aligned_buffer(store);
  mn_error err = {0};
  fault_pread = (fault){.at = 4, .reason = EIO};
  assert_int_equal(mn_panel_store_read(store, 1, 1, buffer, NULL, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "factor.tiles: panel 1, tile 4: reading failed: Input/output error"));
  fault_pread = (fault){.at = 2};
  assert_int_equal(mn_panel_store_read(store, 0, 3, buffer, NULL, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "panel 0, tile 4: 4096 bytes expected, 0 found"));
  free(buffer);
  mn_panel_store_close(&store);
}

static void folders_that_do_not_serve(void **state)
{
  (void)state;
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  mn_error err = {0};
  mn_test_write(mn_test_dir, "file", "text", 4);
  assert_int_equal(mkdir(mn_test_path("closed"), 0555), 0);
  for (int mode = MN_STORE_SCRATCH; mode <= MN_STORE_RESUME; mode++) {
    mn_panel_store *store;
    assert_int_equal(mn_panel_store_open(mn_test_path("no/store"), &id, (mn_store_mode)mode, &store, &err), MN_ERR_IO);
    assert_non_null(strstr(err.text, "no/store: the folder cannot be made: No such file or directory"));
    assert_int_equal(mn_panel_store_open(mn_test_path("file"), &id, (mn_store_mode)mode, &store, &err), MN_ERR_IO);
    assert_non_null(strstr(err.text, "cannot be opened: Not a directory"));
    if (!geteuid()) continue; /* root writes everywhere */
    assert_int_equal(mn_panel_store_open(mn_test_path("closed"), &id, (mn_store_mode)mode, &store, &err), MN_ERR_IO);
    assert_non_null(strstr(err.text, "cannot be opened: Permission denied"));
  }
  expect_listing(mn_test_dir, "closed file");
}

typedef struct {
  mn_panels *panels;
  mn_store_mode mode;
} whole;

static mn_status write_and_read(void *arg, mn_error *err)
{
  whole *w = arg;
  mn_panel_store_id id = id_of(20, 8, MN_F64);
  mn_panel_store *store;
  mn_panel_reader *reader = NULL;
  mn_panel_writer *writer = NULL;
  void *buffers[2] = {NULL, NULL};
  mn_meter meter;
  mn_meter_open(&meter, NULL, "test", 1, "byte");
  static const mn_panel_request requests[] = {{0, 0}, {2, 2}, {1, 2}};
  mn_status st = mn_panel_store_open(mn_test_path("store"), &id, w->mode, &store, err);
  if (st) return st;
  if ((st = mn_panel_writer_open(store, w->panels, &writer, err))) goto done;
  for (size_t j = 0; !st && j < 3; j++) st = mn_panel_writer_post(writer, j, err);
  if (!st) st = mn_panel_writer_drain(writer, &meter, err);
  mn_panel_writer_close(&writer);
  if (st) goto done;
  for (int i = 0; i < 2; i++) buffers[i] = aligned_buffer(store);
  if ((st = mn_panel_reader_open(store, requests, 3, buffers, &reader, err))) goto done;
  for (size_t r = 0; r < 3 && mn_panel_reader_get(reader, r, NULL); r++) mn_panel_reader_release(reader, r);
done:
  for (int i = 0; i < 2; i++) free(buffers[i]);
  if (!st) st = mn_panel_reader_close(&reader, err);
  mn_panel_store_remove(&store, NULL);
  expect_listing(mn_test_dir, "");
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  whole w = {.panels = open_panels(id_of(20, 8, MN_F64))};
  for (int mode = MN_STORE_SCRATCH; mode <= MN_STORE_RESUME; mode++) {
    w.mode = (mn_store_mode)mode;
    mn_test_every_allocation(write_and_read, &w);
  }
  mn_panels_close(&w.panels);
}

/* ---- a kill at any moment */

enum { KILL_N = 160, KILL_WIDTH = 8 };

/* The child: writes all panels, a finished one after the other. */
static int write_all(const char *folder)
{
  mn_panel_store_id id = id_of(KILL_N, KILL_WIDTH, MN_F64);
  mn_panel_store *store;
  mn_error err = {0};
  if (mn_panel_store_open(folder, &id, MN_STORE_RESUME, &store, &err)) return fprintf(stderr, "%s\n", err.text), 1;
  mn_panels *p = open_panels(id);
  for (size_t j = mn_panel_store_finished(store); j < p->count; j++)
    if (mn_panel_store_write(store, j, &p->panel[j], NULL, &err)) return fprintf(stderr, "%s\n", err.text), 1;
  mn_panels_close(&p);
  mn_panel_store_close(&store);
  return 0;
}

/* All panels that count as finished after a kill are what was written. */
static void killed_while_writing(void **state)
{
  (void)state;
  srand(1);
  mn_panel_store_id id = id_of(KILL_N, KILL_WIDTH, MN_F64);
  for (int trial = 0; trial < 20; trial++) {
    int status = run_and_kill("write", mn_test_path("store"), (unsigned)rand() % 60000);
    assert_true(status == -1 || status == 0);
    mn_panel_store *store = open_store("store", id, MN_STORE_RESUME);
    size_t finished = mn_panel_store_finished(store);
    void *buffer = aligned_buffer(store);
    for (size_t j = 0; j < finished; j++) {
      assert_int_equal(mn_panel_store_read(store, j, j, buffer, NULL, NULL), MN_OK);
      expect_tiles(store, j, j, buffer);
    }
    free(buffer);
    if (finished == KILL_N / KILL_WIDTH)
      assert_int_equal(mn_panel_store_remove(&store, NULL), MN_OK);
    else
      mn_panel_store_close(&store);
  }
}

/* ---- the threads */

static void reading_ahead(void **state)
{
  (void)state;
  enum { REQUESTS = 60 };
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  mn_panel_store *store = open_store("store", id, MN_STORE_SCRATCH);
  mn_panels *p = open_panels(id);
  write_panels(store, p, p->count);
  mn_panel_request requests[REQUESTS];
  for (size_t r = 0; r < REQUESTS; r++) {
    requests[r].panel = r * 5 % 7;
    requests[r].first = requests[r].panel + r % (7 - requests[r].panel);
  }
  void *buffers[2] = {aligned_buffer(store), aligned_buffer(store)};
  for (size_t stop = 0; stop <= REQUESTS; stop += 12) { /* the last one reads all */
    mn_panel_reader *reader;
    int threads = threads_now();
    assert_int_equal(mn_panel_reader_open(store, requests, REQUESTS, buffers, &reader, NULL), MN_OK);
    for (size_t r = 0; r < stop; r++) {
      const void *tiles = mn_panel_reader_get(reader, r, NULL);
      assert_ptr_equal(tiles, buffers[r % 2]);
      expect_tiles(store, requests[r].panel, requests[r].first, tiles);
      mn_panel_reader_release(reader, r);
    }
    assert_int_equal(mn_panel_reader_close(&reader, NULL), MN_OK);
    assert_null(reader);
    expect_threads(threads);
  }
  free(buffers[0]);
  free(buffers[1]);
  mn_panels_close(&p);
  mn_panel_store_close(&store);
}

/* The error of the thread comes with the request it belongs to, not before. */
static void reading_ahead_fails(void **state)
{
  (void)state;
  make_store();
  mn_panel_store *store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  static const mn_panel_request requests[] = {{0, 6}, {1, 6}, {2, 2}, {0, 0}};
  void *buffers[2] = {aligned_buffer(store), aligned_buffer(store)};
  mn_panel_reader *reader;
  mn_error err = {0};
  assert_int_equal(mn_panel_reader_open(store, requests, 4, buffers, &reader, NULL), MN_OK);
  for (size_t r = 0; r < 2; r++) {
    assert_non_null(mn_panel_reader_get(reader, r, NULL));
    mn_panel_reader_release(reader, r);
  }
  assert_null(mn_panel_reader_get(reader, 2, NULL));
  assert_null(mn_panel_reader_get(reader, 3, NULL));
  assert_int_equal(mn_panel_reader_close(&reader, &err), MN_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "panel 2 read where 2 are finished"));
  free(buffers[0]);
  free(buffers[1]);
  mn_panel_store_close(&store);
}

static int cancel(void *user, const mn_progress *progress)
{
  (void)progress;
  return ++*(int *)user > 1;
}

/* A consumer that waits for a request that never comes is told when the run is cancelled. */
static void waiting_is_cancelled(void **state)
{
  (void)state;
  make_store();
  int calls = 0;
  mn_context ctx = {.progress = cancel, .user = &calls};
  mn_meter meter;
  mn_panel_store *store = open_store("store", id_of(50, 8, MN_F64), MN_STORE_RESUME);
  static const mn_panel_request requests[] = {{0, 6}, {1, 6}, {0, 0}};
  void *buffers[2] = {aligned_buffer(store), aligned_buffer(store)};
  mn_panel_reader *reader;
  mn_meter_open(&meter, &ctx, "test", 1, "byte");
  assert_int_equal(mn_panel_reader_open(store, requests, 3, buffers, &reader, NULL), MN_OK);
  assert_null(mn_panel_reader_get(reader, 2, &meter)); /* nothing was released */
  assert_int_equal(mn_meter_cancelled(&meter), 1);
  assert_null(mn_panel_reader_get(reader, 0, &meter));
  assert_int_equal(mn_panel_reader_close(&reader, NULL), MN_OK);
  free(buffers[0]);
  free(buffers[1]);
  mn_panel_store_close(&store);
}

static void writing_behind(void **state)
{
  (void)state;
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  mn_panels *p = open_panels(id);
  mn_panel_store *store = open_store("store", id, MN_STORE_NEW);
  mn_panel_writer *writer;
  mn_meter meter;
  mn_error err = {0};
  int threads = threads_now();
  mn_meter_open(&meter, NULL, "test", 1, "byte");
  assert_int_equal(mn_panel_writer_open(store, p, &writer, NULL), MN_OK);
  assert_int_equal(mn_panel_writer_post(writer, 0, NULL), MN_OK);
  assert_int_equal(mn_panel_writer_post(writer, 3, NULL), MN_OK); /* with those before it */
  assert_int_equal(mn_panel_writer_drain(writer, &meter, NULL), MN_OK);
  assert_int_equal(mn_panel_store_finished(store), 4);
  mn_panel_writer_close(&writer);
  fault_pwrite = (fault){.at = 3, .reason = EIO};
  assert_int_equal(mn_panel_writer_open(store, p, &writer, NULL), MN_OK);
  assert_int_equal(mn_panel_writer_post(writer, 4, NULL), MN_OK);
  assert_int_equal(mn_panel_writer_drain(writer, &meter, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "panel 4, tile 6: writing failed: Input/output error"));
  assert_int_equal(mn_panel_writer_post(writer, 5, NULL), MN_ERR_IO);
  mn_panel_writer_close(&writer);
  assert_null(writer);
  expect_threads(threads);
  assert_int_equal(mn_panel_store_finished(store), 4);
  mn_panels_close(&p);
  mn_panel_store_close(&store);
}

static void a_transfer_is_stopped(void **state)
{
  (void)state;
  mn_panel_store_id id = id_of(50, 8, MN_F64);
  mn_panels *p = open_panels(id);
  mn_panel_store *store = open_store("store", id, MN_STORE_SCRATCH);
  void *buffer = aligned_buffer(store);
  atomic_int stop = 1;
  write_panels(store, p, 1);
  assert_int_equal(mn_panel_store_write(store, 1, &p->panel[1], &stop, NULL), MN_ERR_CANCELLED);
  assert_int_equal(mn_panel_store_read(store, 0, 0, buffer, &stop, NULL), MN_ERR_CANCELLED);
  assert_int_equal(mn_panel_store_finished(store), 1);
  free(buffer);
  mn_panels_close(&p);
  mn_panel_store_close(&store);
}

int main(int argc, char **argv)
{
  if (argc == 3 && !strcmp(argv[1], "write")) return write_all(argv[2]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, mn_test_dir_close)
  const struct CMUnitTest tests[] = {
      TEST(every_tile_is_read_as_written),
      TEST(layout_fills_the_file),
      TEST(panels_are_written_in_order_and_read_when_finished),
      TEST(a_kept_store_is_resumed),
      TEST(another_matrix_is_refused),
      TEST(impossible_shapes),
      TEST(one_process_at_a_time),
      TEST(a_flipped_bit_in_a_tile_is_found),
      TEST(a_flipped_bit_in_the_index_is_found),
      TEST(a_truncated_file_is_found),
      TEST(a_file_truncated_meanwhile_is_found),
      TEST(tiles_without_an_index_are_made_anew),
      TEST(short_and_interrupted_transfers_go_on),
      TEST(no_room),
      TEST(reserving_otherwise),
      TEST(failing_writes),
      TEST(failing_reads),
      TEST(folders_that_do_not_serve),
      TEST(failing_allocations),
      TEST(killed_while_writing),
      TEST(reading_ahead),
      TEST(reading_ahead_fails),
      TEST(waiting_is_cancelled),
      TEST(writing_behind),
      TEST(a_transfer_is_stopped),
  };
  return cmocka_run_group_tests_name("panel_store", tests, NULL, NULL);
}
