/* JSON lines: made, gone on with, cut off anywhere, of another header; objects on a line and back; tables as text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "minnorm/report.h"
#include "support.h"

static const char header[] = "{\"version\":\"1\",\"corrupt\":\"0,1\",\"ridge\":\"0\"}";
static const char first[] = "{\"point\":0}", second[] = "{\"point\":1,\"norm\":2.5}";

/* The file, in a static buffer. */
static const char *read_all(const char *path)
{
  static char text[4096];
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  text[fread(text, 1, sizeof text - 1, f)] = '\0';
  fclose(f);
  return text;
}

static void write_all(const char *path, const char *text, size_t count)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, count, f), count);
  fclose(f);
}

static void append_both(const char *path)
{
  mn_lines *l;
  assert_int_equal(mn_lines_open(path, header, &l, NULL), MN_OK);
  assert_int_equal(mn_lines_count(l), 0);
  assert_int_equal(mn_lines_append(l, first, NULL), MN_OK);
  assert_int_equal(mn_lines_append(l, second, NULL), MN_OK);
  assert_int_equal(mn_lines_count(l), 2);
  assert_string_equal(mn_lines_at(l, 1), second);
  mn_lines_close(&l);
  assert_null(l);
  mn_lines_close(&l);
}

/* Cut off after every byte, what is left are the whole lines, and the rest can be written again to the same file. */
static void test_cut_off(void **state)
{
  (void)state;
  const char *path = mn_test_path("lines");
  char whole[512];
  append_both(path);
  strcpy(whole, read_all(path));
  size_t length = strlen(whole), head = strlen(header) + 1;
  assert_int_equal(length, head + strlen(first) + 1 + strlen(second) + 1);
  for (size_t cut = 0; cut <= length; cut++) {
    mn_lines *l;
    size_t count = cut == length ? 2 : cut >= head + strlen(first) + 1;
    write_all(path, whole, cut);
    assert_int_equal(mn_lines_open(path, header, &l, NULL), MN_OK);
    assert_int_equal(mn_lines_count(l), count);
    if (count > 0) assert_string_equal(mn_lines_at(l, 0), first);
    if (count < 1) assert_int_equal(mn_lines_append(l, first, NULL), MN_OK);
    if (count < 2) assert_int_equal(mn_lines_append(l, second, NULL), MN_OK);
    mn_lines_close(&l);
    assert_string_equal(read_all(path), whole);
  }
}

static void test_other_header(void **state)
{
  (void)state;
  static const char *const others[][2] = {
      {"{\"version\":\"1\",\"corrupt\":\"0,1\",\"ridge\":\"0.5\"}", "another ridge:"},
      {"{\"version\":\"1\",\"corrupt\":\"0,2\",\"ridge\":\"0\"}", "another corrupt:"},
      {"{\"version\":\"2\",\"corrupt\":\"0,1\",\"ridge\":\"0\"}", "another version:"},
      {"{\"version\":\"1\",\"corrupt\":\"0,1\"}", "another corrupt:"},
  };
  const char *path = mn_test_path("lines");
  remove(path);
  append_both(path);
  for (size_t i = 0; i < 4; i++) {
    mn_lines *l;
    mn_error err = {0};
    assert_int_equal(mn_lines_open(path, others[i][0], &l, &err), MN_ERR_DATA);
    assert_null(l);
    if (!strstr(err.text, others[i][1])) fail_msg("%s", err.text);
  }
  mn_lines *l;
  mn_error err = {0};
  write_all(path, "label\n1\n", 8);
  assert_int_equal(mn_lines_open(path, header, &l, &err), MN_ERR_DATA);
  assert_non_null(strstr(err.text, "no log, label found"));
  assert_string_equal(read_all(path), "label\n1\n");
  write_all(path, "label", 5);
  assert_int_equal(mn_lines_open(path, header, &l, NULL), MN_ERR_DATA);
  assert_string_equal(read_all(path), "label");
  assert_int_equal(mn_lines_open(mn_test_dir, header, &l, NULL), MN_ERR_IO);
  assert_int_equal(mn_lines_open(mn_test_path("none/lines"), header, &l, NULL), MN_ERR_IO);
}

static void test_two_runs(void **state)
{
  (void)state;
  const char *path = mn_test_path("shared");
  mn_lines *a, *b;
  mn_error err = {0};
  assert_int_equal(mn_lines_open(path, header, &a, NULL), MN_OK);
  assert_int_equal(mn_lines_open(path, header, &b, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "another run"));
  mn_lines_close(&a);
  assert_int_equal(mn_lines_open(path, header, &b, NULL), MN_OK);
  mn_lines_close(&b);
}

static void test_objects(void **state)
{
  (void)state;
  mn_report *r, *read;
  char *line, *again;
  assert_int_equal(mn_report_open(&r, NULL), MN_OK);
  mn_report_real(r, "norm", 0.1);
  mn_report_begin_object(r, "kernel");
  mn_report_real(r, "gamma", 0.02);
  mn_report_text(r, "name", "two\nlines");
  mn_report_end(r);
  mn_report_null(r, "rcond");
  mn_report_flag(r, "converged", 0), mn_report_flag(r, "primal", 1);
  mn_report_json(r, "point", "{\"a\":[1,2]}");
  assert_int_equal(mn_report_line(r, &line, NULL), MN_OK);
  assert_string_equal(line, "{\"norm\":0.1,\"kernel\":{\"gamma\":0.02,\"name\":\"two\\nlines\"},\"rcond\":null,"
                            "\"converged\":false,\"primal\":true,\"point\":{\"a\":[1,2]}}");
  assert_int_equal(mn_report_read(line, &read, NULL), MN_OK);
  assert_true(mn_report_get(read, "norm") == 0.1);
  assert_true(mn_report_get(read, "kernel.gamma") == 0.02);
  assert_true(isnan(mn_report_get(read, "kernel")) && isnan(mn_report_get(read, "rcond")));
  assert_true(mn_report_get(read, "converged") == 0 && mn_report_get(read, "primal") == 1);
  assert_true(isnan(mn_report_get(read, "gamma")) && isnan(mn_report_get(read, "norm.gamma")));
  assert_int_equal(mn_report_line(read, &again, NULL), MN_OK);
  assert_string_equal(again, line);
  mn_report_free(line), mn_report_free(again);
  mn_report_close(&r), mn_report_close(&read);
  static const char *const none[] = {"", "[1]", "{\"a\":", "1", "letter"};
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(mn_report_read(none[i], &read, NULL), MN_ERR_FORMAT);
    assert_null(read);
  }
}

static void test_csv(void **state)
{
  (void)state;
  const char *path = mn_test_path("table.csv");
  const char *const names[] = {"n", "norm"};
  const double values[] = {1, 0.1, 2, NAN};
  assert_int_equal(mn_report_write_csv(path, 2, names, 2, values, NULL), MN_OK);
  assert_string_equal(read_all(path), "n,norm\n1,0.1\n2,\n");
  assert_int_equal(mn_report_write_csv(mn_test_path("none/t"), 2, names, 2, values, NULL), MN_ERR_IO);
}

static mn_status use(void *arg, mn_error *err)
{
  const char *path = arg;
  mn_lines *l = NULL;
  mn_report *r = NULL;
  char *line = NULL;
  mn_status st = mn_lines_open(path, header, &l, err);
  if (!st) st = mn_report_open(&r, err);
  if (!st) mn_report_real(r, "point", 7);
  if (!st) st = mn_report_line(r, &line, err);
  if (!st) st = mn_lines_append(l, line, err);
  mn_report_close(&r);
  mn_report_free(line);
  mn_lines_close(&l);
  return st;
}

static void test_allocations(void **state)
{
  (void)state;
  const char *path = mn_test_path("allocations");
  append_both(path);
  mn_test_every_allocation(use, (void *)path);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cut_off), cmocka_unit_test(test_other_header), cmocka_unit_test(test_two_runs),
      cmocka_unit_test(test_objects), cmocka_unit_test(test_csv),          cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("lines", tests, mn_test_dir_open, mn_test_dir_close);
}
