/* Writers: what is written reads back the same, and nothing half-written stays. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "data_support.h"

static mn_data *make(size_t n, mn_dtype type, size_t channels, size_t height, size_t width, size_t columns)
{
  mn_data *d = NULL;
  mn_random r = mn_random_open(9, MN_STREAM_TEST, 0);
  size_t dim = height ? channels * height * width : width;
  assert_int_equal(mn_data_create(n, dim, type, columns, &d, NULL), MN_OK);
  if (height) d->channels = channels, d->height = height, d->width = width;
  for (size_t k = 0; k < n * dim;
       k++) { /* half of them zero, and the last feature always: sparse text has to keep it */
    double v = k % 2 || k % dim == dim - 1 ? 0 : mn_random_normal(&r) * exp(40 * mn_random_normal(&r));
    if (type == MN_U8) ((unsigned char *)d->x)[k] = v == 0 ? 0 : (unsigned char)mn_random_below(&r, 256);
    if (type == MN_F32) ((float *)d->x)[k] = fabs(v) < FLT_MAX ? (float)v : 1;
    if (type == MN_F64) ((double *)d->x)[k] = v;
  }
  if (type == MN_F64) ((double *)d->x)[0] = -0.0;
  for (size_t i = 0; i < n * columns; i++) d->y[i] = columns == 1 ? (double)(i % 10) : mn_random_normal(&r);
  return d;
}

static void round_trip(const mn_data *d, const char *spec)
{
  mn_error err = {0};
  mn_status st = write_spec(d, spec, &err);
  if (st) fail_msg("%s: %s", spec, err.text);
  mn_data *back = must_open(spec);
  must_equal(d, back);
  mn_data_close(&back);
}

static void test_binary(void **state)
{
  (void)state;
  mn_data *grey = make(12, MN_U8, 1, 4, 5, 1), *colour = make(12, MN_U8, 3, 4, 5, 1),
          *flat = make(12, MN_U8, 0, 0, 7, 1);
  mn_data *cifar = make(3, MN_U8, 3, 32, 32, 1);
  mn_data *const all[] = {grey, colour, flat};
  for (size_t i = 0; i < 3; i++) {
    round_trip(all[i], "idx:@x,@y");
    round_trip(all[i], "idx:@x.gz,@y.gz");
    round_trip(all[i], "npy:@x.npy,@y.npy");
    round_trip(all[i], "npy:@x.npy.gz,@y.npy.gz");
  }
  round_trip(cifar, "cifar:@c.bin");
  grey->y[0] = -1;
  grey->y[1] = 2147483647;
  round_trip(grey, "idx:@x,@y"); /* labels of 32 bits */
  round_trip(grey, "npy:@x.npy,@y.npy");
  mn_data_close(&grey);
  mn_data_close(&colour);
  mn_data_close(&flat);
  mn_data_close(&cifar);
}

static void test_npy_types(void **state)
{
  (void)state;
  for (int type = MN_U8; type <= MN_F64; type++)
    for (size_t columns = 1; columns <= 3; columns++) {
      mn_data *d = make(9, (mn_dtype)type, 3, 2, 2, columns);
      round_trip(d, "npy:@x.npy,@y.npy");
      mn_data_close(&d);
    }
}

/* Text makes doubles of everything, and knows no image shape. */
static void text_round_trip(mn_dtype type, size_t columns, const char *spec)
{
  mn_data *d = make(11, type, 0, 0, 6, columns), *back = NULL;
  assert_int_equal(write_spec(d, spec, NULL), MN_OK);
  back = must_open(spec);
  assert_int_equal(back->type, MN_F64);
  assert_int_equal(back->n, 11);
  assert_int_equal(back->dim, 6);
  assert_int_equal(back->columns, columns);
  for (size_t k = 0; k < 66; k++) {
    double v = type == MN_U8    ? ((unsigned char *)d->x)[k]
               : type == MN_F32 ? (double)((float *)d->x)[k]
                                : ((double *)d->x)[k];
    float narrow = (float)((double *)back->x)[k];
    if (type == MN_F32)
      assert_memory_equal(&narrow, (float *)d->x + k, sizeof narrow); /* 9 digits: as a float */
    else
      assert_memory_equal((double *)back->x + k, &v, sizeof v);
  }
  if (columns) assert_memory_equal(back->y, d->y, 11 * columns * sizeof *d->y);
  mn_data_close(&back);
  mn_data_close(&d);
}

static void test_text(void **state)
{
  (void)state;
  for (int type = MN_U8; type <= MN_F64; type++) {
    text_round_trip((mn_dtype)type, 1, "csv:@t");
    text_round_trip((mn_dtype)type, 1, "csv:@t.gz");
    text_round_trip((mn_dtype)type, 1, "libsvm:@t");
    text_round_trip((mn_dtype)type, 3, "libsvm:@t.gz");
  }
  mn_data *d = make(5, MN_F64, 0, 0, 4, 3), *back = NULL;
  assert_int_equal(write_spec(d, "csv:@t", NULL), MN_OK);
  back = must_open("csv:@t,targets=3");
  must_equal(d, back);
  mn_data_close(&back);
  mn_data_close(&d);
}

static void test_without_targets(void **state)
{
  (void)state;
  mn_error err;
  mn_data *d = make(5, MN_U8, 1, 2, 2, 0), *back = NULL;
  round_trip(d, "idx:@x");
  round_trip(d, "npy:@x.npy");
  assert_int_equal(write_spec(d, "csv:@t", &err), MN_OK);
  back = must_open("csv:@t,targets=0");
  assert_int_equal(back->dim, 4);
  mn_data_close(&back);
  assert_int_equal(write_spec(d, "libsvm:@t", &err), MN_ERR_DATA);
  assert_int_equal(write_spec(d, "cifar:@t", &err), MN_ERR_DATA);
  mn_data_close(&d);
}

/* The same bytes whenever the same data are written: no time in the gzip header. */
static void test_gz_is_deterministic(void **state)
{
  (void)state;
  mn_data *d = make(12, MN_U8, 1, 4, 5, 1);
  unsigned char a[4096], header[10];
  assert_int_equal(write_spec(d, "csv:@a.gz", NULL), MN_OK);
  char path[512];
  snprintf(path, sizeof path, "%s/a.gz", dir);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_true(fread(a, 1, sizeof a, f) > 20);
  fclose(f);
  memcpy(header, a, 10);
  assert_memory_equal(header, "\x1f\x8b\x08\0\0\0\0\0\0", 9);
  mn_data_close(&d);
}

static void refuse(const mn_data *d, const char *spec, mn_status status, const char *text)
{
  mn_error err = {0};
  size_t before = files_there();
  long live = mn_memory_live();
  mn_status st = write_spec(d, spec, &err);
  if (st != status || !strstr(err.text, text)) fail_msg("%s: status %d, '%s'", spec, st, err.text);
  assert_null(strchr(err.text, '\n'));
  assert_int_equal(files_there(), before);
  assert_int_equal(mn_memory_live(), live);
}

static void test_errors(void **state)
{
  (void)state;
  mn_data *d = make(5, MN_F64, 0, 0, 4, 1), *bytes = make(5, MN_U8, 1, 2, 2, 1), *cifar = make(3, MN_U8, 3, 32, 32, 1);
  refuse(d, "idx:@new,@new2", MN_ERR_DATA, "samples of bytes only");
  refuse(d, "cifar:@new", MN_ERR_DATA, "3 x 32 x 32 bytes only");
  refuse(cifar, "cifar:@new.gz", MN_ERR_DATA, "uncompressed only");
  refuse(bytes, "idx:@new", MN_ERR_ARGUMENT, "idx:IMAGES,LABELS with 2 files expected, 1 found");
  refuse(bytes, "idx:@new,", MN_ERR_ARGUMENT, "idx:IMAGES,LABELS with 2 files expected");
  refuse(bytes, "csv:@new,@new2", MN_ERR_ARGUMENT, "csv:FILE with 1 file expected, 2 found");
  refuse(bytes, "png:@new", MN_ERR_ARGUMENT, "idx:, cifar:, npy:, libsvm:, csv: expected");
  refuse(bytes, "idx:@new,@gone/new2", MN_ERR_IO, "gone/new2: cannot be written: No such file or directory");
  refuse(bytes, "csv:@", MN_ERR_IO, "cannot be written");
  bytes->y[0] = 0.5;
  refuse(bytes, "idx:@new,@new2", MN_ERR_DATA, "labels of 32 bits only");
  bytes->y[0] = 2147483648.0;
  refuse(bytes, "idx:@new,@new2", MN_ERR_DATA, "labels of 32 bits only");
  cifar->y[0] = 10;
  refuse(cifar, "cifar:@new", MN_ERR_DATA, "labels from 0 to 9 only");
  mn_data_close(&d);
  mn_data_close(&bytes);
  mn_data_close(&cifar);
}

/* A device that is always full: written in place, the error is seen, and the device stays what it is. */
static void test_full_device(void **state)
{
  (void)state;
  mn_data *d = make(500, MN_U8, 1, 4, 5, 1);
  refuse(d, "csv:/dev/full", MN_ERR_IO, "/dev/full: writing failed: No space left on device");
  refuse(d, "npy:@new,/dev/full", MN_ERR_IO, "/dev/full: writing failed");
  assert_int_equal(write_spec(d, "csv:/dev/null", NULL), MN_OK);
  mn_data_close(&d);
}

typedef struct {
  const mn_data *data;
  const char *spec;
} writing;

static mn_status write_all(void *arg, mn_error *err)
{
  const writing *w = arg;
  return write_spec(w->data, w->spec, err);
}

static void test_allocations(void **state)
{
  (void)state;
  mn_data *d = make(5, MN_U8, 1, 2, 2, 1);
  const char *const specs[] = {"idx:@u,@v", "idx:@u.gz,@v.gz", "npy:@u,@v", "libsvm:@u", "csv:@u.gz"};
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
    mn_test_every_allocation(write_all, &(writing){d, specs[i]});
  mn_data_close(&d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_binary),          cmocka_unit_test(test_npy_types),           cmocka_unit_test(test_text),
      cmocka_unit_test(test_without_targets), cmocka_unit_test(test_gz_is_deterministic), cmocka_unit_test(test_errors),
      cmocka_unit_test(test_full_device),     cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("writers", tests, make_dir, remove_dir);
}
