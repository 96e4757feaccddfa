/* NPY: the reader of data sets, and the arrays that models and features are stored in. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "data/npy.h"
#include "data_support.h"

#define DICT(descr, order, shape) "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

static void save_npy(const char *name, const char *dictionary, const void *values, size_t bytes)
{
  file_bytes f = {0};
  put_npy(&f, dictionary);
  put(&f, values, bytes);
  save(&f, name);
}

static const char *path_of(const char *name)
{
  static char paths[2][512];
  static int next;
  char *path = paths[next++ % 2];
  snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

static const double six[] = {0, 1, 2, 3, 4, 5.5};
static const int64_t two_labels[] = {-1, 9007199254740991};

static void test_types(void **state)
{
  (void)state;
  const unsigned char u1[] = {0, 1, 2, 3, 4, 255};
  const int32_t i4[] = {0, 1, -2, 3, 4, 2000000000};
  const int64_t i8[] = {0, 1, -2, 3, 4, -9007199254740991};
  const float f4[] = {0, 1, -2, 3, 4, 0.1f};
  save_npy("u1", DICT("|u1", "False", "(2, 3)"), u1, sizeof u1);
  save_npy("i4", DICT("<i4", "False", "(2, 3)"), i4, sizeof i4);
  save_npy("i8", DICT("<i8", "False", "(2, 3)"), i8, sizeof i8);
  save_npy("f4", DICT("<f4", "False", "(2, 3)"), f4, sizeof f4);
  save_npy("f8", DICT("<f8", "False", "(2, 3)"), six, sizeof six);
  save_npy("y", DICT("<i8", "False", "(2,)"), two_labels, sizeof two_labels);
  mn_data *d = must_open("npy:@u1,@y");
  assert_int_equal(d->type, MN_U8);
  assert_int_equal(d->n, 2);
  assert_int_equal(d->dim, 3);
  assert_int_equal(d->height, 0);
  assert_memory_equal(d->x, u1, sizeof u1);
  assert_true(d->y[0] == -1 && d->y[1] == 9007199254740991.0);
  assert_true(mn_data_has_labels(d));
  mn_data_close(&d);
  d = must_open("npy:@i4,@i4");
  assert_int_equal(d->type, MN_F64);
  assert_int_equal(d->columns, 3);
  assert_false(mn_data_has_labels(d));
  for (size_t i = 0; i < 6; i++) assert_true(((double *)d->x)[i] == i4[i] && d->y[i] == i4[i]);
  mn_data_close(&d);
  d = must_open("npy:@i8");
  for (size_t i = 0; i < 6; i++) assert_true(((double *)d->x)[i] == (double)i8[i]);
  mn_data_close(&d);
  d = must_open("npy:@f4,@u1");
  assert_int_equal(d->type, MN_F32);
  assert_memory_equal(d->x, f4, sizeof f4);
  for (size_t i = 0; i < 6; i++) assert_true(d->y[i] == u1[i]);
  mn_data_close(&d);
  d = must_open("npy:@f8,@f4");
  assert_memory_equal(d->x, six, sizeof six);
  for (size_t i = 0; i < 6; i++) assert_true(d->y[i] == (double)f4[i]);
  mn_data_close(&d);
}

/* numpy writes the keys in this order, others do not; blanks and quotes vary; versions 2 and 3 have a longer length. */
static void test_headers(void **state)
{
  (void)state;
  save_npy("plain", DICT("<f8", "False", "(2, 3)"), six, sizeof six);
  mn_data *expected = must_open("npy:@plain");
  const char *const same[] = {"{'shape':(2,3),'descr':'<f8','fortran_order':False}",
                              "{\"descr\" : \"<f8\" , \"fortran_order\" : False, \"shape\" : ( 2 , 3 , ) , }   \n",
                              "{'descr': '=f8', 'fortran_order': False, 'shape': (2L, 3L), }"};
  for (size_t i = 0; i < 3; i++) {
    save_npy("other", same[i], six, sizeof six);
    mn_data *d = must_open("npy:@other");
    must_equal(expected, d);
    mn_data_close(&d);
  }
  for (int version = 2; version <= 3; version++) {
    file_bytes f = {0};
    const char dictionary[] = DICT("<f8", "False", "(2, 3)");
    put(&f, "\x93NUMPY", 6);
    put_byte(&f, version);
    put_byte(&f, 0);
    put_byte(&f, (int)strlen(dictionary));
    put(&f, "\0\0", 3);
    put_text(&f, dictionary);
    put(&f, six, sizeof six);
    save(&f, "other");
    mn_data *d = must_open("npy:@other");
    must_equal(expected, d);
    mn_data_close(&d);
  }
  mn_data_close(&expected);
}

static void test_image_shapes(void **state)
{
  (void)state;
  save_npy("grey", DICT("<f8", "False", "(1, 2, 3)"), six, sizeof six);
  save_npy("colour", DICT("<f8", "False", "(1, 3, 1, 2)"), six, sizeof six);
  mn_data *d = must_open("npy:@grey");
  assert_int_equal(d->dim, 6);
  assert_int_equal(d->channels * 100 + d->height * 10 + d->width, 123);
  mn_data_close(&d);
  d = must_open("npy:@colour");
  assert_int_equal(d->dim, 6);
  assert_int_equal(d->channels * 100 + d->height * 10 + d->width, 312);
  mn_data_close(&d);
}

/* Element (i, j, k, l) of a Fortran-ordered array stands at i + a (j + b (k + c l)). */
static void test_fortran(void **state)
{
  (void)state;
  enum { A = 3, B = 2, C = 4, D = 5, ALL = A * B * C * D };
  int32_t values[ALL];
  for (int32_t i = 0; i < ALL; i++) values[i] = i * i;
  save_npy("f", DICT("<i4", "True", "(3, 2, 4, 5)"), values, sizeof values);
  mn_npy array;
  mn_error err;
  assert_int_equal(mn_npy_read(path_of("f"), &array, &err), MN_OK);
  assert_int_equal(array.count, ALL);
  for (int i = 0, at = 0; i < A; i++)
    for (int j = 0; j < B; j++)
      for (int k = 0; k < C; k++)
        for (int l = 0; l < D; l++, at++)
          assert_int_equal(((int32_t *)array.values)[at], values[i + A * (j + B * (k + C * l))]);
  mn_data *d = must_open("npy:@f");
  for (int at = 0; at < ALL; at++) assert_true(((double *)d->x)[at] == ((int32_t *)array.values)[at]);
  mn_data_close(&d);
  mn_npy_free(&array);
  save_npy("y", DICT("<f8", "True", "(2, 3)"), six, sizeof six);
  save_npy("x", DICT("<f8", "False", "(2, 1)"), six, 16);
  d = must_open("npy:@x,@y");
  const double rows[] = {0, 2, 4, 1, 3, 5.5};
  assert_memory_equal(d->y, rows, sizeof rows);
  mn_data_close(&d);
}

/* More elements than one chunk of the Fortran reader. */
static void test_fortran_long(void **state)
{
  (void)state;
  enum { N = 300, D = 450 };
  static double values[N * D];
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < N; i++) values[j * N + i] = (double)(i * D + j);
  const char header[] = "\x93NUMPY\x01\0\x40\0{'descr': '<f8', 'fortran_order': True, 'shape': (300, 450)}   \n";
  static char file[sizeof header - 1 + sizeof values];
  memcpy(file, header, sizeof header - 1);
  file[8] = (char)(sizeof header - 1 - 10);
  memcpy(file + sizeof header - 1, values, sizeof values);
  mn_test_write(dir, "long", file, sizeof file);
  mn_data *d = must_open("npy:@long");
  for (size_t i = 0; i < N * D; i++) assert_true(((double *)d->x)[i] == (double)i);
  mn_data_close(&d);
}

static void bad_header(const char *dictionary, mn_status status, const char *text)
{
  save_npy("bad", dictionary, six, sizeof six);
  must_fail("npy:@bad", status, text, "bad: ");
}

static void test_header_errors(void **state)
{
  (void)state;
  bad_header("", MN_ERR_FORMAT, "{ expected at byte 0");
  bad_header("{}", MN_ERR_FORMAT, "descr, fortran_order and shape expected");
  bad_header("{'descr': '<f8', 'shape': (2, 3)}", MN_ERR_FORMAT, "descr, fortran_order and shape expected");
  bad_header("{'descr': '<f8', 'descr': '<f8'}", MN_ERR_FORMAT, "each once");
  bad_header("{'color': '<f8'}", MN_ERR_FORMAT, "each once");
  bad_header("{descr: '<f8'}", MN_ERR_FORMAT, "a key expected at byte 1");
  bad_header("{'descr' '<f8'}", MN_ERR_FORMAT, "a colon expected");
  bad_header("{'descr': '<f8' 'shape': (2, 3)}", MN_ERR_FORMAT, "a comma or }");
  bad_header("{'descr': '<f8", MN_ERR_FORMAT, "a plain element type");
  bad_header("{'descr': [('a', '<f8')]", MN_ERR_FORMAT, "a plain element type");
  bad_header("{'fortran_order': 1}", MN_ERR_FORMAT, "True or False");
  bad_header("{'shape': 6}", MN_ERR_FORMAT, "a shape expected");
  bad_header("{'shape': (2 3)}", MN_ERR_FORMAT, "a comma or )");
  bad_header("{'shape': (2, -3)}", MN_ERR_FORMAT, "a length expected");
  bad_header("{'shape': (2, 3", MN_ERR_FORMAT, "a comma or )");
  bad_header("{'shape': (1,1,1,1,6)}", MN_ERR_FORMAT, "at most 4 dimensions");
  bad_header("{'shape': (99999999999999999999, 1)}", MN_ERR_FORMAT, "a shorter length");
  bad_header(DICT("<f8", "False", "(2, 3)") "x", MN_ERR_FORMAT, "the end expected");
  bad_header(DICT(">f8", "False", "(2, 3)"), MN_ERR_VERSION, "little-endian) expected, '>f8' found");
  bad_header(DICT("<f2", "False", "(2, 3)"), MN_ERR_VERSION, "'<f2' found");
  bad_header(DICT("|O", "False", "(2, 3)"), MN_ERR_VERSION, "'|O' found");
  bad_header(DICT("<c16", "False", "(2, 3)"), MN_ERR_VERSION, "'<c16' found");
  bad_header(DICT("<f8", "False", "(4294967296, 4294967296)"), MN_ERR_FORMAT, "a shape whose product fits");
  bad_header(DICT("<f8", "False", "(2305843009213693952, 1)"), MN_ERR_FORMAT, "a shape whose product fits");
  bad_header(DICT("<f8", "False", "(1152921504606846975, 1)"), MN_ERR_FORMAT, "bytes expected");
  bad_header(DICT("<f8", "False", "(6000000, 784)"), MN_ERR_FORMAT, "bytes expected");
  bad_header(DICT("<f8", "False", "(5, 1)"), MN_ERR_FORMAT, "bytes expected");
  bad_header(DICT("<f8", "False", "(6,)"), MN_ERR_FORMAT, "samples of 2 to 4 dimensions expected, 1 found");
}

static void test_preamble_errors(void **state)
{
  (void)state;
  file_bytes f = {0};
  put_text(&f, "NUMPY, or so it says");
  save(&f, "bad");
  must_fail("npy:@bad", MN_ERR_FORMAT, "an NPY file expected", "");
  f.count = 0;
  put(&f, "\x93NUMPY\x04\0\0\0\0\0", 12);
  save(&f, "bad");
  must_fail("npy:@bad", MN_ERR_VERSION, "NPY version 1, 2 or 3 expected, 4 found", "");
  f.count = 0;
  put(&f, "\x93NUMPY\x02\0\xff\xff\xff\xff", 12); /* twelve bytes that made another reader allocate 4 GB */
  save(&f, "bad");
  must_fail("npy:@bad", MN_ERR_FORMAT, "an NPY header of at most 65536 bytes expected, 4294967295 found", "");
  f.count = 0;
  put_npy(&f, DICT("<f8", "False", "(0, 3)"));
  save(&f, "bad");
  must_fail("npy:@bad", MN_ERR_DATA, "at least one sample", "");
  f.count = 0;
  put(&f, "\x93NUMPY\x01\0\x04\0{\0\0}", 14);
  save(&f, "bad");
  must_fail("npy:@bad", MN_ERR_FORMAT, "text without zero bytes", "");
}

static void test_values(void **state)
{
  (void)state;
  double x[4 * 20] = {0};
  float xf[4 * 20] = {0};
  const int64_t large[] = {0, 9007199254740993};
  x[3 * 20 + 17] = NAN;
  xf[20] = -INFINITY;
  save_npy("X.npy", DICT("<f8", "False", "(4, 20)"), x, sizeof x);
  save_npy("Xf.npy", DICT("<f4", "False", "(4, 20)"), xf, sizeof xf);
  must_fail("npy:@X.npy", MN_ERR_DATA, "X.npy: row 3, column 17 is nan: finite numbers expected", "");
  must_fail("npy:@Xf.npy", MN_ERR_DATA, "Xf.npy: row 1, column 0 is -inf", "");
  save_npy("ok", DICT("<f8", "False", "(2, 3)"), six, sizeof six);
  x[1] = INFINITY;
  save_npy("Y.npy", DICT("<f8", "False", "(2,)"), x, 16);
  must_fail("npy:@ok,@Y.npy", MN_ERR_DATA, "Y.npy: row 1, column 0 is inf", "");
  save_npy("Y.npy", DICT("<i8", "False", "(2,)"), large, 16);
  must_fail("npy:@ok,@Y.npy", MN_ERR_DATA, "Y.npy: element 1 is 900719925474099", "2^53");
  save_npy("Y.npy", DICT("<f8", "False", "(3,)"), six, 24);
  must_fail("npy:@ok,@Y.npy", MN_ERR_DATA, "Y.npy: 2 labels expected", "3 found");
  save_npy("Y.npy", DICT("<f8", "False", "(2, 0)"), six, 0);
  must_fail("npy:@ok,@Y.npy", MN_ERR_DATA, "Y.npy: at least one target column", "");
}

/* The arrays of models. */

static void test_write_and_read(void **state)
{
  (void)state;
  mn_error err;
  mn_npy array;
  const char *path = path_of("a.npy");
  assert_int_equal(mn_npy_write(path, MN_NPY_F8, 2, (size_t[]){2, 3}, six, &err), MN_OK);
  FILE *f = fopen(path, "rb");
  char header[128] = {0};
  assert_non_null(f);
  assert_int_equal(fread(header, 1, 128, f), 128);
  fclose(f);
  assert_memory_equal(header, "\x93NUMPY\x01\0\x76\0{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }  ", 71);
  assert_int_equal(header[127], '\n');
  assert_int_equal(mn_npy_read(path, &array, &err), MN_OK);
  assert_int_equal(array.type, MN_NPY_F8);
  assert_int_equal(array.ndim, 2);
  assert_int_equal(array.shape[0] * 10 + array.shape[1], 23);
  assert_memory_equal(array.values, six, sizeof six);
  assert_int_equal((uintptr_t)array.values % 64, 0);
  mn_npy_free(&array);
  assert_null(array.values);
  mn_npy_free(&array);
  for (size_t ndim = 0; ndim <= 4; ndim++) { /* every number of dimensions, a scalar included, and an empty array */
    const size_t shape[] = {2, 1, 1, 3};
    assert_int_equal(mn_npy_write(path, MN_NPY_I8, ndim, shape, six, &err), MN_OK);
    assert_int_equal(mn_npy_read_as(path, MN_NPY_I8, ndim, shape, &array, &err), MN_OK);
    assert_int_equal(array.count, ndim == 0 ? 1 : ndim == 4 ? 6 : 2);
    assert_memory_equal(array.values, six, array.count * 8);
    mn_npy_free(&array);
  }
  assert_int_equal(mn_npy_write(path, MN_NPY_F4, 2, (size_t[]){0, 3}, NULL, &err), MN_OK);
  assert_int_equal(mn_npy_read(path, &array, &err), MN_OK);
  assert_int_equal(array.count, 0);
  mn_npy_free(&array);
  assert_int_equal(mn_npy_write(path, MN_NPY_F4, 5, (size_t[]){1, 1, 1, 1, 1}, six, &err), MN_ERR_ARGUMENT);
}

static void test_read_as(void **state)
{
  (void)state;
  mn_error err;
  mn_npy array;
  const char *path = path_of("a.npy");
  assert_int_equal(mn_npy_write(path, MN_NPY_F8, 2, (size_t[]){2, 3}, six, &err), MN_OK);
  assert_int_equal(mn_npy_read_as(path, MN_NPY_F8, 2, (size_t[]){0, 3}, &array, &err), MN_OK);
  assert_int_equal(array.shape[0], 2);
  mn_npy_free(&array);
  assert_int_equal(mn_npy_read_as(path, MN_NPY_F8, 2, (size_t[]){0, 4}, &array, &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "a.npy: array <f8 (any, 4) expected, <f8 (2, 3) found"));
  assert_null(array.values);
  assert_int_equal(mn_npy_read_as(path, MN_NPY_F4, 2, (size_t[]){2, 3}, &array, &err), MN_ERR_FORMAT);
  assert_int_equal(mn_npy_read_as(path, MN_NPY_F8, 1, (size_t[]){2}, &array, &err), MN_ERR_FORMAT);
  assert_int_equal(mn_npy_read_as(path_of("gone"), MN_NPY_F8, 1, (size_t[]){2}, &array, &err), MN_ERR_IO);
}

static mn_status all_calls(void *arg, mn_error *err)
{
  mn_npy array = {0};
  mn_data *d = NULL;
  (void)arg;
  mn_status st = mn_npy_write(path_of("a.npy"), MN_NPY_F8, 2, (size_t[]){2, 3}, six, err);
  if (!st) st = mn_npy_read(path_of("a.npy"), &array, err);
  mn_npy_free(&array);
  if (!st) st = mn_npy_read_as(path_of("a.npy"), MN_NPY_F8, 2, (size_t[]){0, 0}, &array, err);
  mn_npy_free(&array);
  if (!st) st = open_spec("npy:@f", &d, err);
  mn_data_close(&d);
  if (!st) st = open_spec("npy:@f,@a.npy", &d, err);
  mn_data_close(&d);
  return st;
}

static void test_allocations(void **state)
{
  (void)state;
  save_npy("f", DICT("<f8", "True", "(2, 3)"), six, sizeof six);
  mn_test_every_allocation(all_calls, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_types),           cmocka_unit_test(test_headers),
      cmocka_unit_test(test_image_shapes),    cmocka_unit_test(test_fortran),
      cmocka_unit_test(test_fortran_long),    cmocka_unit_test(test_header_errors),
      cmocka_unit_test(test_preamble_errors), cmocka_unit_test(test_values),
      cmocka_unit_test(test_write_and_read),  cmocka_unit_test(test_read_as),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("npy", tests, make_dir, remove_dir);
}
