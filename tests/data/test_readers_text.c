/* Readers of text: CSV and LIBSVM. */
#define _XOPEN_SOURCE 700
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/random.h"
#include "data/text.h"
#include "data_support.h"

static void save_text(const char *name, const char *text)
{
  mn_test_write(dir, name, text, strlen(text));
}

/* Reads `text` and asserts n x dim features and n x columns targets. */
static void expect(const char *spec, const char *text, size_t n, size_t dim, const double *x, size_t columns,
                   const double *y)
{
  save_text("t", text);
  mn_data *d = must_open(spec);
  assert_int_equal(d->type, MN_F64);
  assert_int_equal(d->n, n);
  assert_int_equal(d->dim, dim);
  assert_int_equal(d->columns, columns);
  assert_memory_equal(d->x, x, n * dim * sizeof *x);
  if (columns) assert_memory_equal(d->y, y, n * columns * sizeof *y);
  assert_string_equal(d->name, "t");
  mn_data_close(&d);
}

static void expect_error(const char *spec, const char *text, mn_status status, const char *message)
{
  save_text("t", text);
  must_fail(spec, status, message, "");
}

static const double x4[] = {1, 2, 3, 4}, y2[] = {-1, 1};

static void test_csv(void **state)
{
  (void)state;
  expect("csv:@t", "1,2,-1\n3,4,1\n", 2, 2, x4, 1, y2);
  expect("csv:@t", "1;2;-1\r\n3;4;1\r\n", 2, 2, x4, 1, y2);
  expect("csv:@t", "1\t2\t-1\n3\t4\t1", 2, 2, x4, 1, y2);
  expect("csv:@t", "\n 1 , 2.0 , -1e0\n\n3,\t+4,0x1p0 \n\n", 2, 2, x4, 1, y2);
  expect("csv:@t", "\"1\",\"2\",\"-1\"\n3,4,1\n", 2, 2, x4, 1, y2);
  expect("csv:@t,targets=0", "1,2\n3,4\n", 2, 2, x4, 0, NULL);
  expect("csv:@t,targets=2", "1,2,-1,1\n", 1, 2, x4, 2, y2);
  expect("csv:targets=3,@t", "1,2,3,4\n", 1, 1, x4, 3, x4 + 1);
}

static void test_csv_header(void **state)
{
  (void)state;
  expect("csv:@t", "a,b,label\n1,2,-1\n3,4,1\n", 2, 2, x4, 1, y2);
  expect("csv:@t", "\xef\xbb\xbf\"a, with; commas\",b,\"label\"\n1,2,-1\n3,4,1\n", 2, 2, x4, 1, y2);
  expect("csv:@t", "0,1,label\n1,2,-1\n3,4,1\n", 2, 2, x4, 1, y2);
  expect("csv:@t",
         "\xef\xbb\xbf"
         "1,2,-1\n3,4,1\n",
         2, 2, x4, 1, y2);
  expect("csv:@t", "\"a,b\";\"c\";d\n1;2;-1\n3;4;1\n", 2, 2, x4, 1, y2);
}

static void test_csv_errors(void **state)
{
  (void)state;
  expect_error("csv:@t", "", MN_ERR_DATA, "t: at least one line of numbers expected, none found");
  expect_error("csv:@t", "a,b\n", MN_ERR_DATA, "at least one line of numbers");
  expect_error("csv:@t", "1,2,3\n4,5\n", MN_ERR_FORMAT, "t: line 2: 3 columns expected, 2 found");
  expect_error("csv:@t", "1,2,3\n4,5,6,7,8\n", MN_ERR_FORMAT, "t: line 2: 3 columns expected, 5 found");
  expect_error("csv:@t", "1,2,3\n4,five,6\n", MN_ERR_FORMAT, "line 2, column 2: a number expected, 'five' found");
  expect_error("csv:@t", "1,2,3\n4,5x,6\n", MN_ERR_FORMAT, "line 2, column 2: a number expected, '5x' found");
  expect_error("csv:@t", "1,2,3\n4,,6\n", MN_ERR_FORMAT, "line 2, column 2: a number expected, '' found");
  expect_error("csv:@t", "1,,3\n4,5,6\n", MN_ERR_FORMAT, "line 1, column 2: a number expected, '' found");
  expect_error("csv:@t", "1,2,3\n4,5,nan\n", MN_ERR_DATA, "t: line 2, column 3 is nan: finite numbers expected");
  expect_error("csv:@t", "-inf,2,3\n", MN_ERR_DATA, "t: line 1, column 1 is -inf");
  expect_error("csv:@t", "1,2,1e999\n", MN_ERR_DATA, "t: line 1, column 3 is inf");
  expect_error("csv:@t", "1\n2\n", MN_ERR_ARGUMENT, "more than 1 columns expected");
  expect_error("csv:@t,targets=3", "1,2,3\n", MN_ERR_ARGUMENT, "more than 3 columns expected");
  expect_error("csv:@t,targets=x", "1,2\n", MN_ERR_ARGUMENT, "targets: an integer from 0 to 1000000 expected, 'x'");
  expect_error("csv:@t,targets=-1", "1,2\n", MN_ERR_ARGUMENT, "'-1' found");
  expect_error("csv:@t,target=1", "1,2\n", MN_ERR_ARGUMENT, "csv:FILE[,targets=T] expected");
  expect_error("csv:", "1,2\n", MN_ERR_ARGUMENT, "csv:FILE");
  mn_test_write(dir, "t", "1,2\n3\0,4\n", 9);
  must_fail("csv:@t", MN_ERR_FORMAT, "line 2 holds a zero byte", "");
  must_fail("csv:@", MN_ERR_IO, "a directory found", "");
}

static void test_libsvm(void **state)
{
  (void)state;
  const double sparse[] = {0, 0.5, 0, 0, 0, 0, -3, 0, 7}, labels[] = {-1, 1, 30};
  expect("libsvm:@t", "-1 2:.5\n+1\n30 1:-3 3:7\n", 3, 3, sparse, 1, labels);
  expect("libsvm:@t", "# remark\n-1\t2:0.5 # more\r\n\n1  \n 30 1:-3e0   3:7", 3, 3, sparse, 1, labels);
  const double padded[] = {0, 0.5, 0, 0, 0, 0, 0, 0};
  expect("libsvm:@t,dim=4", "-1 2:.5\n+1\n", 2, 4, padded, 1, y2);
  expect("libsvm:@t", "1,2,3.5 1:1 2:2\n-1,0,1 1:3 2:4\n", 2, 2, x4, 3, (double[]){1, 2, 3.5, -1, 0, 1});
  expect("libsvm:@t", "1 1:1 2:0\n", 1, 2, (double[]){1, 0}, 1, (double[]){1});
}

static void test_libsvm_errors(void **state)
{
  (void)state;
  expect_error("libsvm:@t", "", MN_ERR_DATA, "t: at least one sample expected");
  expect_error("libsvm:@t", "1\n2\n", MN_ERR_DATA, "t: at least one feature expected");
  expect_error("libsvm:@t", "1 1:1\nx 1:1\n", MN_ERR_FORMAT, "line 2: a label or a target expected, 'x' found");
  expect_error("libsvm:@t", "1:1\n", MN_ERR_FORMAT, "line 1: a label or a target expected, '1:1' found");
  expect_error("libsvm:@t", "1,2 1:1\n1 1:1\n", MN_ERR_FORMAT, "line 2: 2 targets expected, 1 found");
  expect_error("libsvm:@t", "1, 1:1\n", MN_ERR_FORMAT, "a label or a target");
  expect_error("libsvm:@t", "1 0:1\n", MN_ERR_FORMAT, "index from 1 to 2147483647 expected, '0:1' found");
  expect_error("libsvm:@t", "1 -1:1\n", MN_ERR_FORMAT, "'-1:1' found");
  expect_error("libsvm:@t", "1 2147483648:1\n", MN_ERR_FORMAT, "'2147483648:1' found");
  expect_error("libsvm:@t", "1 99999999999999999999999999:1\n", MN_ERR_FORMAT, "index from 1");
  expect_error("libsvm:@t", "1 qid:3 1:1\n", MN_ERR_FORMAT, "'qid:3' found");
  expect_error("libsvm:@t", "1 3:\n", MN_ERR_FORMAT, "INDEX:VALUE expected, '3:' found");
  expect_error("libsvm:@t", "1 3: 4\n", MN_ERR_FORMAT, "INDEX:VALUE expected");
  expect_error("libsvm:@t", "1 3:4x\n", MN_ERR_FORMAT, "'3:4x' found");
  expect_error("libsvm:@t", "1 3\n", MN_ERR_FORMAT, "'3' found");
  expect_error("libsvm:@t", "1 2:1 2:1\n", MN_ERR_FORMAT, "line 1: ascending indices expected, 2 after 2 found");
  expect_error("libsvm:@t,dim=2", "1 3:1\n", MN_ERR_DATA, "an index of at most 2 (dim) expected, 3 found");
  expect_error("libsvm:@t", "nan 3:1\n", MN_ERR_DATA, "line 1, target 1 is nan");
  expect_error("libsvm:@t", "1 3:inf\n", MN_ERR_DATA, "line 1, index 3 is inf");
  expect_error("libsvm:@t,dim=0", "1 3:1\n", MN_ERR_ARGUMENT,
               "dim: an integer from 1 to 2147483647 expected, '0' found");
  expect_error("libsvm:@t,x", "1 3:1\n", MN_ERR_ARGUMENT, "libsvm:FILE[,dim=D] expected");
}

/* Thirty bytes whose matrix would take petabytes; 40 more a sample for a target, a pair and an end. */
static void test_libsvm_budget(void **state)
{
  (void)state;
  char text[8192] = "";
  for (int i = 0; i < 200; i++) strcat(text, "1 2147483647:1\n");
  expect_error("libsvm:@t", text, MN_ERR_BUDGET, "200 samples of 2,147,483,647 features need 3,435,973,841,600");
}

/* A table of ROWS x 100 digits with commas between them, as CSV or as LIBSVM text; the last line is not text of
 * numbers. */
enum { ROWS = 20000 };

static size_t digit(size_t i, size_t j)
{
  return (i * 7 + j) % 9 + 1;
}

static void save_table(const char *name, int as_libsvm, const char *last)
{
  FILE *f = fopen(mn_test_write(dir, name, "", 0), "w");
  assert_non_null(f);
  for (size_t i = 0; i < ROWS; i++) {
    if (as_libsvm) fprintf(f, "%zu 3:%zu 1000:%zu\n", digit(i, 0), digit(i, 1), digit(i, 2));
    for (size_t j = 0; !as_libsvm && j < 100; j++) fprintf(f, "%zu%c", digit(i, j), j < 99 ? ',' : '\n');
  }
  fputs(last, f);
  assert_int_equal(fclose(f), 0);
}

/* What does not fit is refused before it is read: before what is wrong in the last line is found. */
static void test_budget(void **state)
{
  (void)state;
  static const struct {
    const char *spec, *text;
    size_t bytes;
  } cases[] = {
      {"csv:@c,targets=3", "c: 20,001 samples of 97 features need 16,000,800 bytes", 20001 * 100 * 8},
      {"libsvm:@l", "l: 20,001 samples of 1,000 features need 160,968,016 bytes", 20001 * (1000 + 6) * 8},
      {"libsvm:@l,dim=1500", "l: 20,001 samples of 1,500 features need 240,972,016 bytes", 20001 * (1500 + 6) * 8},
  };
  save_table("c", 0, "wrong\n");
  save_table("l", 1, "wrong\n");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mn_error err = {0};
    int reports = 0;
    assert_int_equal(open_within(cases[i].spec, cases[i].bytes / 2, &reports, &err), MN_ERR_BUDGET);
    if (!strstr(err.text, cases[i].text)) fail_msg("'%s'", err.text);
    assert_non_null(strstr(err.text, "left of the budget (--memory)"));
    assert_int_equal(open_within(cases[i].spec, cases[i].bytes + (4 << 20), &reports, &err), MN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "line 20001"));
    assert_int_equal(mn_memory_live(), 0);
  }
}

/* A pipe with what a file holds, written by another process. */
static void feed(const char *name, const char *from)
{
  char path[512], source[512], bytes[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  snprintf(source, sizeof source, "%s/%s", dir, from);
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child) return;
  FILE *in = fopen(source, "rb"), *out = fopen(path, "wb");
  signal(SIGPIPE, SIG_DFL);
  for (size_t got; in && out && (got = fread(bytes, 1, sizeof bytes, in));) fwrite(bytes, 1, got, out);
  if (out) fclose(out);
  _exit(0);
}

/* A pipe is read once, and held against the budget as it grows. */
static void test_pipes(void **state)
{
  (void)state;
  static const char *const names[] = {"c", "l"}, *const specs[] = {"csv:@pipe", "libsvm:@pipe"};
  save_table("c", 0, "");
  save_table("l", 1, "");
  for (size_t i = 0; i < 2; i++) {
    mn_error err = {0};
    int reports = 0;
    char spec[16];
    snprintf(spec, sizeof spec, i ? "libsvm:@%s" : "csv:@%s", names[i]);
    mn_data *file = must_open(spec);
    feed("pipe", names[i]);
    mn_data *pipe = must_open(specs[i]);
    assert_int_equal(wait(NULL) > 0, 1);
    strcpy(pipe->name, file->name);
    must_equal(pipe, file);
    mn_data_close(&pipe);
    mn_data_close(&file);
    feed("pipe", names[i]);
    assert_int_equal(open_within(specs[i], 1 << 20, &reports, &err), MN_ERR_BUDGET);
    assert_int_equal(wait(NULL) > 0, 1);
    if (!strstr(err.text, "pipe: more of its lines need") && i == 0) fail_msg("'%s'", err.text);
  }
}

/* Numbers come out as strtod has them, bit for bit. */
static void test_numbers(void **state)
{
  (void)state;
  mn_random r = mn_random_open(1, MN_STREAM_TEST, 0);
  const char *const fixed[] = {
      "0",    "-0",     "-0.0", "1.",     ".5",    "-.5e-3", "123456789012345",  "1234567890123456",
      "1e22", "1e-310", "0.1",  "+7",     "0x1.8", "00012",  "999999999999999.", "0.000000000000001",
      "1e5x", "3.14,2", "7:8",  "-0x1p-3"};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
    double v;
    char *stop;
    const char *end = mn_text_number(fixed[i], &v);
    double expected = strtod(fixed[i], &stop);
    assert_ptr_equal(end, stop);
    assert_memory_equal(&v, &expected, sizeof v);
  }
  for (int i = 0; i < 20000; i++) {
    char text[64];
    double v, expected;
    int decimals = (int)mn_random_below(&r, 16);
    snprintf(text, sizeof text, "%.*f", decimals, mn_random_normal(&r) * (double)(1ull << mn_random_below(&r, 40)));
    expected = strtod(text, NULL);
    assert_non_null(mn_text_number(text, &v));
    assert_memory_equal(&v, &expected, sizeof v);
  }
  double unused;
  const char *const none[] = {"", " 1", "-", "+", ".", "e5", "x", ",", "-.e", "\n1"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(mn_text_number(none[i], &unused));
}

/* Lines around the size of the buffer, and one of 300,000 columns; text in gzip. */
static void test_long_lines(void **state)
{
  (void)state;
  enum { COLUMNS = 300000 };
  static char text[2 * COLUMNS + 2];
  for (size_t i = 0; i < COLUMNS; i++) {
    text[2 * i] = (char)('0' + i % 10);
    text[2 * i + 1] = ',';
  }
  text[2 * COLUMNS - 1] = '\n';
  mn_test_write(dir, "long", text, 2 * COLUMNS);
  mn_data *d = must_open("csv:@long");
  assert_int_equal(d->n, 1);
  assert_int_equal(d->dim, COLUMNS - 1);
  for (size_t i = 0; i + 1 < COLUMNS; i++) assert_true(((double *)d->x)[i] == (double)(i % 10));
  mn_data_close(&d);
  for (size_t i = 3; i < 2 * COLUMNS; i += 4) text[i] = '\n';
  mn_test_write(dir, "many", text, 2 * COLUMNS);
  d = must_open("csv:@many");
  assert_int_equal(d->n, COLUMNS / 2);
  for (size_t i = 0; i < d->n; i++) assert_true(((double *)d->x)[i] == (double)(2 * i % 10));
  mn_data_close(&d);
  file_bytes plain = {0}, gz = {0};
  put_text(&plain, "1,2,-1\n3,4,1\n");
  compress_gz(&plain, &gz);
  save(&gz, "t.gz");
  save(&plain, "t");
  d = must_open("csv:@t.gz");
  mn_data *same = must_open("csv:@t");
  must_equal(d, same);
  mn_data_close(&d);
  mn_data_close(&same);
}

/* A locale with a decimal comma changes nothing. Skipped where the machine has none. */
static void test_locale(void **state)
{
  (void)state;
  const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  size_t i = 0;
  while (i < 4 && !setlocale(LC_ALL, names[i])) i++;
  if (i == 4) {
    printf("skipped: no locale with a decimal comma is installed\n");
    skip();
  }
  save_text("t", "0.1234567890123456789,2.5e0,1\n");
  mn_data *d = must_open("csv:@t");
  assert_true(((double *)d->x)[0] == 0.1234567890123456789 && ((double *)d->x)[1] == 2.5);
  mn_data_close(&d);
  setlocale(LC_ALL, "C");
}

static int heard;

static void hear(void *user, const char *line)
{
  (void)user;
  if (strstr(line, "line 1 is taken as names of columns")) heard++;
}

static void test_header_is_logged(void **state)
{
  (void)state;
  char spec[512];
  mn_data *d = NULL;
  const mn_context ctx = {.log = hear};
  save_text("t", "a,b\n1,2\n");
  snprintf(spec, sizeof spec, "csv:%s/t", dir);
  assert_int_equal(mn_data_open(spec, &ctx, &d, NULL), MN_OK);
  assert_int_equal(heard, 1);
  mn_data_close(&d);
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
  save_text("c", "a,b,c\n1,2,3\n4,5,6\n");
  save_text("l", "1 1:2 5:1\n2 3:7\n");
  mn_test_every_allocation(open_and_close, "csv:@c");
  mn_test_every_allocation(open_and_close, "csv:@c,targets=0");
  mn_test_every_allocation(open_and_close, "libsvm:@l");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_csv),           cmocka_unit_test(test_csv_header),
      cmocka_unit_test(test_csv_errors),    cmocka_unit_test(test_libsvm),
      cmocka_unit_test(test_libsvm_errors), cmocka_unit_test(test_libsvm_budget),
      cmocka_unit_test(test_numbers),       cmocka_unit_test(test_long_lines),
      cmocka_unit_test(test_locale),        cmocka_unit_test(test_header_is_logged),
      cmocka_unit_test(test_allocations),   cmocka_unit_test(test_budget),
      cmocka_unit_test(test_pipes),
  };
  return cmocka_run_group_tests_name("readers_text", tests, make_dir, remove_dir);
}
