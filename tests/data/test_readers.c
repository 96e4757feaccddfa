/* Readers of binary files: IDX, CIFAR, plain and gzip. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "data_support.h"

/* IDX */

static void idx_pair(const char *images, const char *labels, size_t n, size_t extra)
{
  file_bytes x = {0}, y = {0};
  put_idx(&x, 8, 3, (size_t[]){n, 2, 3});
  for (size_t i = 0; i < n * 6 + extra; i++) put_byte(&x, (int)(i * 7 % 256));
  put_idx(&y, 8, 1, (size_t[]){n});
  for (size_t i = 0; i < n; i++) put_byte(&y, (int)(i % 10));
  save(&x, images);
  save(&y, labels);
}

static void test_idx(void **state)
{
  (void)state;
  idx_pair("x", "y", 12, 0);
  mn_data *d = must_open("idx:@x,@y");
  assert_int_equal(d->n, 12);
  assert_int_equal(d->dim, 6);
  assert_int_equal(d->channels, 1);
  assert_int_equal(d->height, 2);
  assert_int_equal(d->width, 3);
  assert_int_equal(d->type, MN_U8);
  assert_int_equal(d->columns, 1);
  assert_string_equal(d->name, "x");
  for (size_t i = 0; i < 72; i++) assert_int_equal(((unsigned char *)d->x)[i], i * 7 % 256);
  for (size_t i = 0; i < 12; i++) assert_true(d->y[i] == (double)(i % 10));
  mn_data_close(&d);
  assert_null(d);
  mn_data_close(&d);
}

static void test_idx_without_labels(void **state)
{
  (void)state;
  idx_pair("x", "y", 5, 0);
  mn_data *d = must_open("idx:@x");
  assert_int_equal(d->n, 5);
  assert_int_equal(d->columns, 0);
  assert_null(d->y);
  assert_false(mn_data_has_labels(d));
  mn_data_close(&d);
}

static void test_idx_types(void **state)
{
  (void)state;
  const float f = -1.5f;
  const double g = 1.0 / 3;
  uint32_t fb;
  uint64_t gb;
  memcpy(&fb, &f, sizeof fb);
  memcpy(&gb, &g, sizeof gb);
  file_bytes x = {0}, y = {0}, z = {0};
  put_idx(&x, 0x0d, 2, (size_t[]){2, 1});
  put_big_endian(&x, fb, 4);
  put_big_endian(&x, 0, 4);
  put_idx(&y, 0x0c, 1, (size_t[]){2});
  put_big_endian(&y, (uint32_t)-7, 4);
  put_big_endian(&y, 100000, 4);
  put_idx(&z, 0x0e, 4, (size_t[]){2, 1, 1, 1});
  put_big_endian(&z, gb, 8);
  put_big_endian(&z, 0, 8);
  save(&x, "f4");
  save(&y, "i4");
  save(&z, "f8");
  mn_data *d = must_open("idx:@f4,@i4");
  assert_int_equal(d->type, MN_F32);
  assert_true(((float *)d->x)[0] == f && ((float *)d->x)[1] == 0);
  assert_true(d->y[0] == -7 && d->y[1] == 100000);
  assert_true(mn_data_has_labels(d));
  mn_data_close(&d);
  d = must_open("idx:@f8,@f4");
  assert_int_equal(d->type, MN_F64);
  assert_int_equal(d->channels, 1);
  assert_true(((double *)d->x)[0] == g);
  must_fail("idx:@f8,@f8", MN_ERR_FORMAT, "labels or targets of 1 or 2 dimensions", "4 found");
  assert_true(d->y[0] == -1.5);
  mn_data_close(&d);
  d = must_open("idx:@i4,@i4"); /* one number a sample */
  assert_int_equal(d->type, MN_F64);
  assert_int_equal(d->dim, 1);
  assert_true(((double *)d->x)[0] == -7 && ((double *)d->x)[1] == 100000);
  mn_data_close(&d);
}

static void save_idx(const char *name, const char *start, size_t start_count, size_t values)
{
  file_bytes f = {0};
  put(&f, start, start_count);
  for (size_t i = 0; i < values; i++) put_byte(&f, 1);
  save(&f, name);
}

static void test_idx_errors(void **state)
{
  (void)state;
  idx_pair("x", "y", 12, 0);
  idx_pair("x13", "y13", 13, 0);
  idx_pair("long", "y", 12, 1);
  idx_pair("zero", "none", 0, 0);
  must_fail("idx:@x,@y13", MN_ERR_DATA, "y13: 12 labels expected", "13 found");
  must_fail("idx:@long,@y", MN_ERR_FORMAT, "long: 88 bytes expected, 89 found", "");
  must_fail("idx:@zero,@none", MN_ERR_DATA, "zero: at least one sample", "none found");
  must_fail("idx:@gone,@y", MN_ERR_IO, "gone: cannot be opened: No such file", "");
  must_fail("idx:@x,@gone", MN_ERR_IO, "gone: cannot be opened", "");
  must_fail("idx:@,@y", MN_ERR_IO, "a file expected, a directory found", dir);
  must_fail("idx:", MN_ERR_ARGUMENT, "idx:IMAGES", "");
  must_fail("idx:@x,", MN_ERR_ARGUMENT, "idx:IMAGES", "");
  must_fail("idx:@x,@y,@y", MN_ERR_ARGUMENT, "idx:IMAGES", "");
  save_idx("empty", "", 0, 0);
  must_fail("idx:@empty,@y", MN_ERR_FORMAT, "empty: 4 bytes expected, 0 found", "");
  save_idx("magic", "\x89PNG", 4, 20);
  must_fail("idx:@magic,@y", MN_ERR_FORMAT, "wrong magic number", "89 50 4e 47 found");
  save_idx("i1", "\0\0\x09\x01\0\0\0\x02", 8, 2);
  must_fail("idx:@i1,@y", MN_ERR_VERSION, "element type", "09 found");
  save_idx("dims0", "\0\0\x08\0", 4, 4);
  must_fail("idx:@dims0,@y", MN_ERR_FORMAT, "1 to 4 dimensions expected, 0 found", "");
  save_idx("dims5", "\0\0\x08\x05", 4, 44);
  must_fail("idx:@dims5,@y", MN_ERR_FORMAT, "1 to 4 dimensions expected, 5 found", "");
  save_idx("huge", "\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 20, 5);
  must_fail("idx:@huge,@y", MN_ERR_FORMAT, "a shape whose product fits", "huge");
  save_idx("large", "\0\0\x08\x03\0\0\xea\x60\0\0\0\x1c\0\0\0\x1c", 16, 1008);
  must_fail("idx:@large,@y", MN_ERR_FORMAT, "large: 47,040,016 bytes expected, 1,024 found", "");
}

/* gzip */

static void test_gz(void **state)
{
  (void)state;
  idx_pair("x", "y", 12, 0);
  file_bytes x = {0}, gz = {0}, two = {0};
  put_idx(&x, 8, 3, (size_t[]){12, 2, 3});
  for (size_t i = 0; i < 72; i++) put_byte(&x, (int)(i * 7 % 256));
  compress_gz(&x, &gz);
  save(&gz, "x.gz");
  save(&gz, "compressed"); /* the content decides, not the name */
  mn_data *plain = must_open("idx:@x,@y"), *packed = must_open("idx:@x.gz,@y"),
          *other = must_open("idx:@compressed,@y");
  must_equal(plain, packed);
  must_equal(plain, other);
  mn_data_close(&packed);
  mn_data_close(&other);
  file_bytes half = {0};
  for (size_t part = 0; part < 2; part++) { /* members one after another are one file */
    half.count = 0;
    put(&half, x.bytes + part * 44, 44);
    compress_gz(&half, &gz);
    put(&two, gz.bytes, gz.count);
  }
  save(&two, "two.gz");
  packed = must_open("idx:@two.gz,@y");
  must_equal(plain, packed);
  mn_data_close(&packed);
  mn_data_close(&plain);
}

static void test_gz_errors(void **state)
{
  (void)state;
  file_bytes x = {0}, gz = {0}, bad;
  idx_pair("x", "y", 12, 0);
  save(&x, "empty.gz");
  must_fail("idx:@empty.gz,@y", MN_ERR_FORMAT, "a gzip file expected", "");
  put_idx(&x, 8, 3, (size_t[]){12, 2, 3});
  for (size_t i = 0; i < 72; i++) put_byte(&x, (int)(i * i * 7 % 256));
  save(&x, "plain.gz");
  must_fail("idx:@plain.gz,@y", MN_ERR_FORMAT, "plain.gz: a gzip file expected", "");
  compress_gz(&x, &gz);
  bad = gz;
  bad.count -= 20;
  save(&bad, "cut.gz");
  must_fail("idx:@cut.gz,@y", MN_ERR_FORMAT, "cut.gz: truncated gzip file", "");
  bad = gz;
  bad.count -= 1; /* all the data, but not all of the check sum */
  save(&bad, "tail.gz");
  must_fail("idx:@tail.gz,@y", MN_ERR_FORMAT, "tail.gz: truncated gzip file", "88 uncompressed bytes");
  bad = gz;
  bad.bytes[bad.count - 8] ^= 1;
  save(&bad, "crc.gz");
  must_fail("idx:@crc.gz,@y", MN_ERR_FORMAT, "damaged gzip file", "incorrect data check");
  bad = gz;
  bad.bytes[bad.count - 1] ^= 1;
  save(&bad, "length.gz");
  must_fail("idx:@length.gz,@y", MN_ERR_FORMAT, "damaged gzip file", "incorrect length check");
  bad = gz;
  put_text(&bad, "trailing");
  save(&bad, "garbage.gz");
  must_fail("idx:@garbage.gz,@y", MN_ERR_FORMAT, "bytes that are not gzip follow", "");
  file_bytes longer = x;
  put_text(&longer, "xyz");
  compress_gz(&longer, &bad);
  save(&bad, "long.gz");
  must_fail("idx:@long.gz,@y", MN_ERR_FORMAT, "88 bytes expected, 91 found", "");
  file_bytes shorter = x;
  shorter.count = 1;
  compress_gz(&shorter, &bad);
  save(&bad, "short.gz");
  must_fail("idx:@short.gz,@y", MN_ERR_FORMAT, "4 bytes expected, 1 found", "");
  shorter.count = 80;
  compress_gz(&shorter, &bad);
  save(&bad, "short.gz");
  must_fail("idx:@short.gz,@y", MN_ERR_FORMAT, "88 bytes expected, 80 found", "");
}

/* A claim that deflate could not hold is refused before memory is asked for. */
static void test_gz_claims(void **state)
{
  (void)state;
  file_bytes x = {0}, gz = {0};
  idx_pair("x", "y", 12, 0);
  put_idx(&x, 8, 3, (size_t[]){60000, 1000, 1000});
  compress_gz(&x, &gz);
  save(&gz, "claim.gz");
  must_fail("idx:@claim.gz,@y", MN_ERR_FORMAT, "60,000,000,016 bytes expected", "more than gzip can hold");
}

/* CIFAR */

static void cifar_file(const char *name, size_t n, int first_label, size_t extra)
{
  file_bytes f = {0};
  for (size_t i = 0; i < n; i++) {
    put_byte(&f, first_label + (int)i);
    for (size_t j = 0; j < 3072; j++) put_byte(&f, (int)((i * 31 + j * 7 + (size_t)first_label) % 256));
  }
  for (size_t i = 0; i < extra; i++) put_byte(&f, 0);
  save(&f, name);
}

static void test_cifar(void **state)
{
  (void)state;
  cifar_file("a.bin", 3, 0, 0);
  cifar_file("b.bin", 2, 8, 0);
  mn_data *d = must_open("cifar:@a.bin,@b.bin");
  assert_int_equal(d->n, 5);
  assert_int_equal(d->dim, 3072);
  assert_int_equal(d->channels, 3);
  assert_int_equal(d->height, 32);
  assert_int_equal(d->width, 32);
  const double labels[] = {0, 1, 2, 8, 9};
  assert_memory_equal(d->y, labels, sizeof labels);
  for (size_t i = 0; i < 5; i++)
    for (size_t j = 0; j < 3072; j++)
      assert_int_equal(((unsigned char *)d->x)[i * 3072 + j],
                       ((i < 3 ? i : i - 3) * 31 + j * 7 + (i < 3 ? 0u : 8u)) % 256);
  mn_data_close(&d);
}

static void test_cifar_errors(void **state)
{
  (void)state;
  cifar_file("a.bin", 3, 0, 0);
  cifar_file("ten.bin", 2, 9, 0);
  cifar_file("long.bin", 1, 0, 1);
  cifar_file("none.bin", 0, 0, 0);
  must_fail("cifar:@a.bin,@ten.bin", MN_ERR_DATA, "ten.bin: record 1: a label from 0 to 9 expected, 10 found", "");
  must_fail("cifar:@a.bin,@long.bin", MN_ERR_FORMAT, "long.bin: a plain file of a multiple of 3,073", "3,074 found");
  must_fail("cifar:@none.bin", MN_ERR_FORMAT, "none.bin", "0 found");
  must_fail("cifar:@a.bin,@gone", MN_ERR_IO, "gone", "No such file");
  must_fail("cifar:", MN_ERR_ARGUMENT, "cifar:FILE", "");
  must_fail("cifar:@a.bin,", MN_ERR_ARGUMENT, "cifar:FILE", "");
}

static void test_specs(void **state)
{
  (void)state;
  must_fail("mnist", MN_ERR_ARGUMENT, "'mnist'", "idx:, cifar:, npy:, libsvm:, csv:, synth:");
  must_fail("", MN_ERR_ARGUMENT, "''", "idx:");
  must_fail("id:x", MN_ERR_ARGUMENT, "'id:x'", "idx:");
  must_fail("idxx:x", MN_ERR_ARGUMENT, "'idxx:x'", "idx:");
  must_fail("\x01\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", MN_ERR_ARGUMENT, "'\?\?xxx", "x...'");
}

/* Every syntax has its line of help, and a spec of it is taken by its reader. */
static void test_syntaxes(void **state)
{
  (void)state;
  size_t i = 0;
  for (const mn_data_syntax *s; (s = mn_data_syntax_at(i)); i++) {
    char spec[64];
    mn_error err = {0};
    mn_data *d = NULL;
    assert_true(s->prefix[0] && s->arguments[0] && s->help[0]);
    snprintf(spec, sizeof spec, "%s:", s->prefix);
    assert_true(open_spec(spec, &d, &err) < 0);
    assert_null(strstr(err.text, "that starts with one of"));
  }
  assert_int_equal(i, 6);
  assert_null(mn_data_syntax_at((size_t)-1));
}

/* A pipe has no size to hold a header against; lines of text it may bring. */
static void test_pipe(void **state)
{
  (void)state;
  char path[512];
  snprintf(path, sizeof path, "%s/pipe", dir);
  assert_int_equal(mkfifo(path, 0600), 0);
  int fd = open(path, O_RDWR); /* both ends, so that nobody waits */
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "\0\0\x08\x01\0\0\0\x01x", 9), 9);
  must_fail_once("idx:@pipe", MN_ERR_ARGUMENT, "a regular file expected, whose size can be checked", "pipe");
  close(fd);
}

static int reports, cancel_at;
static double last_done, total;

static int count_reports(void *user, const mn_progress *p)
{
  (void)user;
  assert_string_equal(p->phase, "read");
  assert_string_equal(p->unit, "byte");
  assert_true(p->done >= last_done && p->done <= p->total);
  last_done = p->done;
  total = p->total;
  return ++reports == cancel_at;
}

/* A long file reports how far it is, and can be cancelled; its pixels are a hole in the file. */
static void test_progress(void **state)
{
  (void)state;
  const size_t bytes = 40000000;
  file_bytes x = {0};
  char spec[512];
  mn_error err;
  mn_data *d = NULL;
  const mn_context ctx = {.progress = count_reports};
  put_idx(&x, 8, 2, (size_t[]){bytes / 1000, 1000});
  save(&x, "hole");
  snprintf(spec, sizeof spec, "%s/hole", dir);
  assert_int_equal(truncate(spec, (off_t)(bytes + 12)), 0);
  snprintf(spec, sizeof spec, "idx:%s/hole", dir);
  assert_int_equal(mn_data_open(spec, &ctx, &d, &err), MN_OK);
  assert_true(reports >= 2);
  assert_true(last_done == total && total == (double)(bytes + 12));
  mn_data_close(&d);
  last_done = 0;
  reports = 0;
  cancel_at = 1;
  assert_int_equal(mn_data_open(spec, &ctx, &d, &err), MN_ERR_CANCELLED);
  assert_null(d);
}

/* The budget */

/* An IDX file of n x 1,000 bytes, a hole. */
static void save_hole(const char *name, size_t n)
{
  file_bytes x = {0};
  char path[512];
  put_idx(&x, 8, 2, (size_t[]){n, 1000});
  save(&x, name);
  snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_int_equal(truncate(path, (off_t)(n * 1000 + 12)), 0);
}

static void test_budget(void **state)
{
  (void)state;
  const char *const specs[] = {"idx:@hole", "cifar:@a.bin", "synth:gaussian,n=40000,d=100", "libsvm:@wide"};
  const size_t needs[] = {40000000, 3 * 3080, 40000 * 101 * 8, 5000000 * 8};
  file_bytes wide = {0};
  put_text(&wide, "1 5000000:1\n");
  save(&wide, "wide");
  save_hole("hole", 40000);
  cifar_file("a.bin", 3, 0, 0);
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    mn_error err = {0};
    int calls = 0;
    assert_int_equal(open_within(specs[i], needs[i] > 1000000 ? needs[i] / 2 : 0, &calls, &err), MN_ERR_BUDGET);
    assert_non_null(strstr(err.text, "left of the budget"));
    assert_null(strchr(err.text, '\n'));
    assert_true(calls <= 1 && mn_memory_live() == 0); /* one report as a long file is opened, none of reading it */
    assert_int_equal(open_within(specs[i], 2 * needs[i] + (8 << 20), &calls, &err), MN_OK);
  }
  save_hole("hole", 4000000000u); /* 4 TB: without a budget, what the machine has */
  must_fail("idx:@hole", MN_ERR_BUDGET, "4,000,000,000 samples of 1,000 features need 4,000,000,000,000", "are there");
}

static mn_status open_and_close(void *spec, mn_error *err)
{
  mn_data *d = NULL;
  mn_status st = open_spec(spec, &d, err);
  mn_data_close(&d);
  return st;
}

static void test_allocations(void **state)
{
  (void)state;
  idx_pair("x", "y", 12, 0);
  cifar_file("a.bin", 3, 0, 0);
  file_bytes x = {0}, gz = {0};
  put_idx(&x, 8, 1, (size_t[]){12});
  for (size_t i = 0; i < 12; i++) put_byte(&x, 1);
  compress_gz(&x, &gz);
  save(&gz, "y.gz");
  mn_test_every_allocation(open_and_close, "idx:@x,@y");
  mn_test_every_allocation(open_and_close, "idx:@x,@y.gz");
  mn_test_every_allocation(open_and_close, "cifar:@a.bin,@a.bin");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_idx),          cmocka_unit_test(test_idx_without_labels),
      cmocka_unit_test(test_idx_types),    cmocka_unit_test(test_idx_errors),
      cmocka_unit_test(test_gz),           cmocka_unit_test(test_gz_errors),
      cmocka_unit_test(test_gz_claims),    cmocka_unit_test(test_cifar),
      cmocka_unit_test(test_cifar_errors), cmocka_unit_test(test_specs),
      cmocka_unit_test(test_syntaxes),     cmocka_unit_test(test_pipe),
      cmocka_unit_test(test_progress),     cmocka_unit_test(test_budget),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("readers", tests, make_dir, remove_dir);
}
