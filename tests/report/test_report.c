/* JSON, files of predictions, numbers for people. */
#include "minnorm/report.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/atomic_file.h"
#include "core/status.h"
#include "core/temporary.h"
#include "data/npy.h"
#include "support.h"

/* The whole file, in a static buffer. */
static const char *read_all(const char *path)
{
  static char text[8192];
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  return text;
}

static size_t files_in(const char *path)
{
  size_t count = 0;
  DIR *d = opendir(path);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) count += e->d_name[0] != '.' || strlen(e->d_name) > 2;
  closedir(d);
  return count;
}

static void fill(mn_report *r)
{
  mn_report_text(r, "text", "a \"quoted\"\nline \xc3\xa9");
  mn_report_text(r, "latin", "caf\xe9 \xe0\x80\x80!");
  mn_report_text(r, "none", NULL);
  mn_report_count(r, "seed", UINT64_MAX);
  mn_report_real(r, "third", 1.0 / 3);
  mn_report_real(r, "nan", NAN);
  mn_report_real(r, "infinite", -INFINITY);
  mn_report_flag(r, "yes", 1);
  mn_report_begin_object(r, "kernel");
  mn_report_begin_list(r, "points");
  mn_report_begin_object(r, NULL);
  mn_report_real(r, "gamma", 0.1);
  mn_report_end(r);
  mn_report_text(r, NULL, "last");
  mn_report_end(r);
  mn_report_end(r);
  mn_report_reals(r, "norms", 3, (double[]){1, 2.5, NAN});
  mn_report_null(r, "nothing");
}

static mn_status write_report(void *path, mn_error *err)
{
  mn_report *r = NULL;
  mn_status st = mn_report_open(&r, err);
  if (st) return st;
  fill(r);
  st = mn_report_write(r, path, err);
  mn_report_close(&r);
  assert_null(r);
  return st;
}

static void json_is_what_was_put(void **state)
{
  (void)state;
  const char *path = mn_test_path("r.json");
  assert_int_equal(write_report((void *)path, NULL), MN_OK);
  const char *text = read_all(path);
  assert_non_null(strstr(text, "18446744073709551615")); /* more than a double holds */
  cJSON *root = cJSON_Parse(text);
  assert_non_null(root);
  assert_string_equal(cJSON_GetObjectItem(root, "text")->valuestring, "a \"quoted\"\nline \xc3\xa9");
  assert_string_equal(cJSON_GetObjectItem(root, "latin")->valuestring, "caf? ??"
                                                                       "?!");
  assert_true(cJSON_IsNull(cJSON_GetObjectItem(root, "none")));
  assert_true(cJSON_IsNull(cJSON_GetObjectItem(root, "nan")));
  assert_true(cJSON_IsNull(cJSON_GetObjectItem(root, "infinite")));
  assert_true(cJSON_IsNull(cJSON_GetObjectItem(root, "nothing")));
  assert_true(cJSON_IsTrue(cJSON_GetObjectItem(root, "yes")));
  assert_true(cJSON_GetObjectItem(root, "third")->valuedouble == 1.0 / 3);
  const cJSON *points = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "kernel"), "points");
  assert_int_equal(cJSON_GetArraySize(points), 2);
  assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(points, 0), "gamma")->valuedouble == 0.1);
  assert_string_equal(cJSON_GetArrayItem(points, 1)->valuestring, "last");
  assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "norms")), 3);
  cJSON_Delete(root);
}

static void report_allocations_may_fail(void **state)
{
  (void)state;
  const char *path = mn_test_path("f.json");
  size_t before = files_in(mn_test_dir);
  mn_test_every_allocation(write_report, (void *)path);
  assert_int_equal(files_in(mn_test_dir), before + 1); /* the last, successful write */
}

static void too_deep_is_an_error(void **state)
{
  (void)state;
  mn_report *r = NULL;
  mn_error err = {0};
  assert_int_equal(mn_report_open(&r, &err), MN_OK);
  for (int i = 0; i < 12; i++) mn_report_begin_list(r, "a");
  for (int i = 0; i < 12; i++) mn_report_end(r);
  mn_report_end(r); /* one too many is harmless */
  mn_report_count(r, "b", 1);
  assert_int_equal(mn_report_write(r, mn_test_path("deep.json"), &err), MN_ERR_MEMORY);
  mn_report_close(&r);
  mn_report_close(&r);
}

static void unwritable_paths_are_found_early(void **state)
{
  (void)state;
  mn_error err = {0};
  size_t before = files_in(mn_test_dir);
  assert_int_equal(mn_report_check_path(mn_test_path("fine.json"), &err), MN_OK);
  assert_int_equal(mn_report_check_path("-", &err), MN_OK);
  assert_int_equal(mn_report_check_path(mn_test_path("no/such.json"), &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "no/such.json: cannot be written"));
  assert_int_equal(mn_report_check_path(mn_test_dir, &err), MN_ERR_IO);
  assert_int_equal(mn_report_check_scores_path(mn_test_path("s.npy"), &err), MN_OK);
  assert_int_equal(mn_report_check_scores_path(mn_test_path("s.txt"), &err), MN_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, ".npy or .csv expected"));
  assert_int_equal(files_in(mn_test_dir), before);
}

static const double scores[6] = {0.1, -1, 1e300, 1.0 / 3, 0, 5e-324};
static const int64_t labels[3] = {-1, 7, INT64_MAX};

static void scores_read_back(void **state)
{
  (void)state;
  const char *npy = mn_test_path("s.npy"), *csv = mn_test_path("s.csv");
  mn_npy array;
  assert_int_equal(mn_report_write_scores(npy, 3, 2, scores, NULL), MN_OK);
  assert_int_equal(mn_npy_read_as(npy, MN_NPY_F8, 2, (size_t[]){3, 2}, &array, NULL), MN_OK);
  assert_memory_equal(array.values, scores, sizeof scores);
  mn_npy_free(&array);
  assert_int_equal(mn_report_write_scores(csv, 3, 2, scores, NULL), MN_OK);
  const char *at = read_all(csv);
  for (size_t i = 0; i < 6; i++) {
    int used;
    double value;
    assert_int_equal(sscanf(at, "%lf%n", &value, &used), 1);
    assert_true(value == scores[i]);
    assert_int_equal(at[used], i % 2 ? '\n' : ',');
    at += used + 1;
  }
  assert_int_equal(*at, 0);
}

static void labels_read_back(void **state)
{
  (void)state;
  const char *npy = mn_test_path("l.npy"), *text = mn_test_path("l.txt");
  mn_npy array;
  assert_int_equal(mn_report_write_labels(npy, 3, labels, NULL), MN_OK);
  assert_int_equal(mn_npy_read_as(npy, MN_NPY_I8, 1, (size_t[]){3}, &array, NULL), MN_OK);
  assert_memory_equal(array.values, labels, sizeof labels);
  mn_npy_free(&array);
  assert_int_equal(mn_report_write_labels(text, 3, labels, NULL), MN_OK);
  assert_string_equal(read_all(text), "-1\n7\n9223372036854775807\n");
  assert_int_equal(mn_report_write_labels(mn_test_path("no/l.txt"), 3, labels, NULL), MN_ERR_IO);
}

static mn_status write_predictions(void *arg, mn_error *err)
{
  (void)arg;
  mn_status st = mn_report_write_scores(mn_test_path("a.npy"), 3, 2, scores, err);
  if (!st) st = mn_report_write_scores(mn_test_path("a.csv"), 3, 2, scores, err);
  if (!st) st = mn_report_write_labels(mn_test_path("a.txt"), 3, labels, err);
  return st ? st : mn_report_check_path(mn_test_path("b.txt"), err);
}

static void prediction_allocations_may_fail(void **state)
{
  (void)state;
  mn_test_every_allocation(write_predictions, NULL);
}

static void abandoned_files_are_removed(void **state)
{
  (void)state;
  mn_atomic_file *a = NULL, *b = NULL;
  size_t before = files_in(mn_test_dir);
  assert_int_equal(mn_atomic_file_open(mn_test_path("x"), &a, NULL), MN_OK);
  assert_int_equal(mn_atomic_file_open(mn_test_path("y"), &b, NULL), MN_OK);
  assert_int_equal(files_in(mn_test_dir), before + 2);
  assert_int_equal(mn_atomic_file_commit(&b, NULL), MN_OK);
  mn_report_abandon_files();
  assert_int_equal(files_in(mn_test_dir), before + 1); /* y is whole and stays */
  mn_atomic_file_abort(&a);
}

static void temporary_folders_go_with_their_files(void **state)
{
  (void)state;
  enum { FILES = 300 }; /* more than the kernel lists at once */
  char folder[512];
  snprintf(folder, sizeof folder, "%s", mn_test_path("folder"));
  size_t before = files_in(mn_test_dir);
  assert_int_equal(mkdir(folder, 0777), 0);
  for (int i = 0; i < FILES; i++) {
    char name[32];
    snprintf(name, sizeof name, "array-number-%d.npy", i);
    mn_test_write(folder, name, "x", 1);
  }
  mn_temporary_add(folder);
  mn_temporary_unlink_all();
  assert_int_equal(files_in(mn_test_dir), before);
  mn_temporary_remove(folder);
  mn_temporary_remove(folder); /* unknown: nothing happens */
}

/* ---- files of results */

typedef struct {
  size_t count, end_at;
  double norms[8];
  char names[8][16];
} taken;

static mn_status take_result(void *user, const mn_report *report, mn_error *err)
{
  taken *t = user;
  const char *name = mn_report_get_text(report, "kernel.name");
  t->norms[t->count] = mn_report_get(report, "norm");
  snprintf(t->names[t->count], sizeof t->names[0], "%s", name ? name : "-");
  if (++t->count == t->end_at) return MN_FAIL(err, MN_ERR_DATA, "enough");
  return MN_OK;
}

static const char *file_of(const char *text)
{
  const char *path = mn_test_path("results.json");
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
  return path;
}

static taken results_of(const char *text, mn_status expected)
{
  taken t = {0};
  mn_error err = {0};
  assert_int_equal(mn_report_each(file_of(text), "norm", take_result, &t, &err), expected);
  assert_int_equal(err.code, expected);
  return t;
}

/* A report, the points of a report, lines below a header, many kilobytes of them. */
static void results_are_found(void **state)
{
  (void)state;
  taken t = results_of("{\n\t\"norm\":\t2.5,\n\t\"kernel\": {\"name\": \"linear\"}}\n", MN_OK);
  assert_int_equal(t.count, 1);
  assert_true(t.norms[0] == 2.5);
  assert_string_equal(t.names[0], "linear");
  t = results_of("{\"points\": [{\"norm\": 1}, {\"norm\": null}, {\"norm\": 3, \"kernel\": 5}]}", MN_OK);
  assert_true(t.count == 2 && t.norms[1] == 3);
  assert_string_equal(t.names[1], "-");
  t = results_of("{\"command\": \"sweep\"}\n{\"norm\":1}\r\n\n{\"norm\":2}", MN_OK);
  assert_true(t.count == 2 && t.norms[0] == 1 && t.norms[1] == 2);
  t = results_of("{\"norm\":1}\n{\"norm\":2}\n{\"norm\":", MN_OK); /* a line that is being written */
  assert_true(t.count == 2 && t.norms[1] == 2);
  char *large = malloc(1 << 20);
  size_t used = 0;
  for (int i = 0; i < 3; i++) used += (size_t)sprintf(large + used, "{\"text\":\"%0200000d\",\"norm\":%d}\n", 0, i);
  t = results_of(large, MN_OK);
  assert_true(t.count == 3 && t.norms[2] == 2);
  free(large);
}

static void what_are_no_results(void **state)
{
  (void)state;
  taken t = {0};
  mn_error err;
  results_of("", MN_ERR_FORMAT);
  results_of("{\"norm\": null}", MN_ERR_FORMAT);
  results_of("a letter", MN_ERR_FORMAT);
  results_of("[1]", MN_ERR_FORMAT);
  assert_int_equal(results_of("{\"norm\":1}\n{\"norm\":\n", MN_ERR_FORMAT).count, 1);
  assert_int_equal(mn_report_each(mn_test_path("none.json"), "norm", take_result, &t, &err), MN_ERR_IO);
  t.end_at = 2;
  const char *path = file_of("{\"norm\":1}{\"norm\":2}{\"norm\":3}");
  assert_int_equal(mn_report_each(path, "norm", take_result, &t, &err), MN_ERR_DATA);
  assert_int_equal(t.count, 2);
}

/* Of a file that is cut the message does not say that a brace was found where one is expected. */
static void damage_is_named(void **state)
{
  (void)state;
  const char *const texts[][2] = {
      {"{\n\t\"norm\":\t2.5,\n\t\"kernel\":\t{", "a JSON object expected, a damaged one found"},
      {"{\"norm\": 1, oops}\n", "a damaged one found"},
      {"[1]\n", "[1] found"}};
  taken t = {0};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    mn_error err = {0};
    assert_int_equal(mn_report_each(file_of(texts[i][0]), "norm", take_result, &t, &err), MN_ERR_FORMAT);
    assert_non_null(strstr(err.text, texts[i][1]));
  }
}

static mn_status read_results(void *path, mn_error *err)
{
  taken t = {0};
  return mn_report_each(path, "norm", take_result, &t, err);
}

static void result_allocations_may_fail(void **state)
{
  (void)state;
  char path[256];
  snprintf(path, sizeof path, "%s",
           file_of("{\"norm\":1,\"kernel\":{\"name\":\"linear\"}}\n{\"points\":[{\"norm\":2}]}\n"));
  mn_test_every_allocation(read_results, path);
}

static void numbers_read_well(void **state)
{
  (void)state;
  assert_string_equal(mn_number_count(47040016).text, "47,040,016");
  assert_string_equal(mn_number_bytes(0).text, "0 B");
  assert_string_equal(mn_number_bytes(999).text, "999 B");
  assert_string_equal(mn_number_bytes(14388000000.0).text, "13.4 GiB");
  assert_string_equal(mn_number_bytes(320.0 * 1048576).text, "320 MiB");
  assert_string_equal(mn_number_seconds(0.0312).text, "0.031 s");
  assert_string_equal(mn_number_seconds(0.9999).text, "1.0 s");
  assert_string_equal(mn_number_seconds(119.96).text, "2 min 00 s");
  assert_string_equal(mn_number_seconds(244.6).text, "4 min 05 s");
  assert_string_equal(mn_number_seconds(7199.6).text, "2 h 00 min");
  assert_string_equal(mn_number_seconds(NAN).text, "-");
  assert_string_equal(mn_number_percent(0.0125).text, "1.25 %");
  assert_string_equal(mn_number_percent(NAN).text, "-");
  assert_string_equal(mn_number_real(0.02, 3).text, "0.02");
  assert_string_equal(mn_number_real(INFINITY, 3).text, "-");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(json_is_what_was_put),
      cmocka_unit_test(report_allocations_may_fail),
      cmocka_unit_test(too_deep_is_an_error),
      cmocka_unit_test(unwritable_paths_are_found_early),
      cmocka_unit_test(scores_read_back),
      cmocka_unit_test(labels_read_back),
      cmocka_unit_test(prediction_allocations_may_fail),
      cmocka_unit_test(abandoned_files_are_removed),
      cmocka_unit_test(temporary_folders_go_with_their_files),
      cmocka_unit_test(results_are_found),
      cmocka_unit_test(what_are_no_results),
      cmocka_unit_test(damage_is_named),
      cmocka_unit_test(result_allocations_may_fail),
      cmocka_unit_test(numbers_read_well),
  };
  return cmocka_run_group_tests_name("report", tests, mn_test_dir_open, mn_test_dir_close);
}
