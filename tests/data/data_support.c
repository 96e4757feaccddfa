#include "data_support.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "core/memory.h"

char dir[256];

int make_dir(void **state)
{
  (void)state;
  mn_test_mkdtemp(dir);
  return 0;
}

int remove_dir(void **state)
{
  (void)state;
  mn_test_rmtree(dir);
  return 0;
}

void put(file_bytes *f, const void *bytes, size_t count)
{
  assert_true(f->count + count <= sizeof f->bytes);
  if (count) memcpy(f->bytes + f->count, bytes, count);
  f->count += count;
}

void put_text(file_bytes *f, const char *text)
{
  put(f, text, strlen(text));
}

void put_byte(file_bytes *f, int byte)
{
  unsigned char b = (unsigned char)byte;
  put(f, &b, 1);
}

void put_big_endian(file_bytes *f, uint64_t value, size_t size)
{
  for (size_t i = size; i-- > 0;) put_byte(f, (int)(value >> (8 * i) & 0xff));
}

void put_idx(file_bytes *f, int type, size_t ndim, const size_t *shape)
{
  put_big_endian(f, (uint64_t)type << 8 | ndim, 4);
  for (size_t i = 0; i < ndim; i++) put_big_endian(f, shape[i], 4);
}

void put_npy(file_bytes *f, const char *dictionary)
{
  put(f, "\x93NUMPY\x01\x00", 8);
  put_byte(f, (int)(strlen(dictionary) & 0xff));
  put_byte(f, (int)(strlen(dictionary) >> 8));
  put_text(f, dictionary);
}

void compress_gz(const file_bytes *from, file_bytes *to)
{
  z_stream z = {0};
  to->count = 0;
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (z_const Bytef *)from->bytes;
  z.avail_in = (uInt)from->count;
  z.next_out = to->bytes;
  z.avail_out = sizeof to->bytes;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  to->count = z.total_out;
  deflateEnd(&z);
}

/* A new file rather than the old one truncated, which file systems write to disk at once: that would be slow. */
void save(const file_bytes *f, const char *name)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  remove(path);
  mn_test_write(dir, name, f->bytes, f->count);
}

static void expand(const char *spec, char out[2048])
{
  size_t at = 0;
  for (; *spec; spec++)
    if (*spec == '@')
      at += (size_t)snprintf(out + at, 2048 - at, "%s/", dir);
    else
      out[at++] = *spec;
  out[at] = '\0';
}

mn_status open_spec(const char *spec, mn_data **out, mn_error *err)
{
  char text[2048];
  expand(spec, text);
  return mn_data_open(text, NULL, out, err);
}

static int count_any(void *user, const mn_progress *progress)
{
  (void)progress;
  ++*(int *)user;
  return 0;
}

mn_status open_within(const char *spec, size_t more, int *reports, mn_error *err)
{
  char text[2048];
  mn_data *d = NULL;
  const mn_context ctx = {.progress = count_any, .user = reports, .memory_bytes = mn_memory_current_rss() + more};
  expand(spec, text);
  mn_status st = mn_data_open(text, &ctx, &d, err);
  assert_true(!st == (d != NULL));
  mn_data_close(&d);
  return st;
}

mn_status write_spec(const mn_data *data, const char *spec, mn_error *err)
{
  char text[2048];
  expand(spec, text);
  return mn_data_write(data, text, err);
}

mn_data *must_open(const char *spec)
{
  mn_error err = {0};
  mn_data *data = NULL;
  mn_status st = open_spec(spec, &data, &err);
  if (st) fail_msg("%s: status %d: %s", spec, st, err.text);
  assert_non_null(data);
  return data;
}

void must_fail_once(const char *spec, mn_status status, const char *text, const char *more)
{
  mn_error err = {0};
  long live = mn_memory_live();
  mn_data *data = (mn_data *)dir; /* anything but NULL */
  mn_status st = open_spec(spec, &data, &err);
  if (st != status || !strstr(err.text, text) || !strstr(err.text, more))
    fail_msg("%s: status %d, '%s'; expected %d, '%s', '%s'", spec, st, err.text, status, text, more);
  assert_int_equal(err.code, status);
  assert_null(strchr(err.text, '\n'));
  assert_null(data);
  assert_int_equal(mn_memory_live(), live);
}

void must_fail(const char *spec, mn_status status, const char *text, const char *more)
{
  mn_data *data = NULL;
  must_fail_once(spec, status, text, more);
  assert_int_equal(open_spec(spec, &data, NULL), status); /* an error record is not needed */
}

void must_equal(const mn_data *a, const mn_data *b)
{
  assert_int_equal(a->n, b->n);
  assert_int_equal(a->dim, b->dim);
  assert_int_equal(a->channels, b->channels);
  assert_int_equal(a->height, b->height);
  assert_int_equal(a->width, b->width);
  assert_int_equal(a->type, b->type);
  assert_int_equal(a->columns, b->columns);
  assert_memory_equal(a->x, b->x, a->n * a->dim * mn_dtype_size(a->type));
  if (a->columns) assert_memory_equal(a->y, b->y, a->n * a->columns * sizeof *a->y);
}

size_t files_there(void)
{
  size_t count = 0;
  DIR *d = opendir(dir);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) count += e->d_name[0] != '.' || strstr(e->d_name, ".tmp") != NULL;
  closedir(d);
  return count;
}
