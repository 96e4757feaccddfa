/* Saved networks: the files hold exactly the arrays, an earlier network is replaced as a whole, anything else is kept,
 * and every allocation failing. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/memory.h"
#include "data/npy.h"
#include "linalg/threads.h"
#include "network_support.h"

static mn_network *make(int depth, size_t columns, uint64_t seed)
{
  mn_data *data = network_data(30, 6, MN_F64, columns, seed);
  mn_network_options o = network_options(depth);
  o.seed = seed;
  mn_network *network = network_open(data, &o);
  mn_data_close(&data);
  return network;
}

static void must_save(const mn_network *network, const char *path)
{
  mn_error err = {0};
  if (mn_network_check_path(path, &err) || mn_network_save(network, path, &err)) fail_msg("%s", err.text);
}

static size_t files_in(const char *path)
{
  size_t count = 0;
  DIR *folder = opendir(path);
  assert_non_null(folder);
  for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

/* Reads DIR/net/FILE whole; released with free. */
static char *text_of(const char *file)
{
  char path[600], *text = calloc(1, 1 << 16);
  snprintf(path, sizeof path, "%s/net/%s", mn_test_dir, file);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
  fclose(f);
  return text;
}

/* Every array bit for bit in C order; no other file but the header; as many numbers as the report says. */
static void check_files(const mn_network *network)
{
  size_t arrays = 0, total = 0;
  mn_network_array array;
  for (; mn_network_array_at(network, arrays, &array); arrays++) {
    char path[600];
    mn_npy npy;
    size_t columns = array.columns ? array.columns : 1;
    snprintf(path, sizeof path, "%s/net/%s.npy", mn_test_dir, array.name);
    assert_int_equal(mn_npy_read(path, &npy, NULL), MN_OK);
    assert_true(npy.type == MN_NPY_F8 && npy.ndim == (array.columns ? 2u : 1u));
    assert_int_equal(npy.shape[0], array.rows);
    if (array.columns) assert_int_equal(npy.shape[1], array.columns);
    for (size_t i = 0; i < npy.count; i++) {
      const double *expected = &array.values[i / columns + i % columns * array.ld];
      assert_memory_equal((const double *)npy.values + i, expected, sizeof *expected);
    }
    total += npy.count;
    mn_npy_free(&npy);
  }
  assert_int_equal(total, mn_network_report_of(network)->weights);
  assert_int_equal(files_in(mn_test_path("net")), arrays + 1);
  assert_int_equal(files_in(mn_test_dir), 1);
}

static void expect_name(const mn_network *network, size_t i, const char *name)
{
  mn_network_array array;
  assert_true(mn_network_array_at(network, i, &array));
  assert_string_equal(array.name, name);
}

static void arrays_come_back(void **state)
{
  (void)state;
  static const int depths[] = {2, 3, 9, 2};
  for (size_t d = 0; d < 4; d++) /* each replaces the one before, of other files */
    for (size_t columns = 1; columns <= 2; columns++) {
      mn_network *network = make(depths[d], columns, d);
      must_save(network, mn_test_path("net"));
      check_files(network);
      expect_name(network, 0, "a");
      expect_name(network, 1, depths[d] == 2 ? "b" : "b1");
      expect_name(network, 2, depths[d] == 2 ? "w" : "w1");
      if (depths[d] > 2) expect_name(network, 2 * (size_t)depths[d] - 1, "offset");
      mn_network_close(&network);
    }
}

static void header_says_what_is_there(void **state)
{
  (void)state;
  static const char *const parts[] = {"\"format\":\t\"minnorm network\"",
                                      "\"n_train\":\t30",
                                      "\"dim\":\t6",
                                      "\"depth\":\t4",
                                      "\"layers\":\t[",
                                      "\"b\":\t\"b3\"",
                                      "\"w\":\t\"w1\"",
                                      "\"depth\":\t\"4\"",
                                      "\"candidates\":\t\"5\"",
                                      "\"seed\":\t\"7\"",
                                      "\"targets\":\t\"label\""};
  char weights[40];
  mn_network *network = make(4, 1, 7);
  must_save(network, mn_test_path("net"));
  char *text = text_of("network.json");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (!strstr(text, parts[i])) fail_msg("no %s in %s", parts[i], text);
  snprintf(weights, sizeof weights, "\"weights\":\t%zu,", mn_network_report_of(network)->weights);
  assert_non_null(strstr(text, weights));
  free(text);
  mn_network_close(&network);
}

static void foreign_folders_stay(void **state)
{
  (void)state;
  mn_error err = {0};
  mn_network *network = make(2, 1, 1);
  assert_int_equal(mkdir(mn_test_path("mine"), 0777), 0);
  mn_test_write(mn_test_path("mine"), "network.json", "{\"format\": \"minnorm model\"}", 27);
  const char *path = mn_test_path("mine");
  assert_int_equal(mn_network_check_path(path, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "mine: exists and is not a network, or holds other files too"));
  assert_int_equal(mn_network_save(network, path, NULL), MN_ERR_IO);
  assert_int_equal(files_in(path), 1);
  must_save(network, mn_test_path("net"));
  mn_test_write(mn_test_path("net"), "notes.txt", "mine", 4);
  assert_int_equal(mn_network_save(network, mn_test_path("net"), NULL), MN_ERR_IO);
  free(text_of("notes.txt"));
  assert_int_equal(mn_network_save(network, mn_test_path("none/net"), NULL), MN_ERR_IO);
  assert_int_equal(files_in(mn_test_dir), 2);
  mn_network_close(&network);
}

static mn_status save(void *arg, mn_error *err)
{
  return mn_network_save(arg, mn_test_path("net"), err);
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_network *first = make(3, 2, 1), *second = make(2, 1, 2);
  mn_test_every_allocation(save, first);
  check_files(first);
  mn_memory_fail_at(2);
  assert_int_equal(save(second, NULL), MN_ERR_MEMORY);
  mn_memory_fail_at(-1);
  check_files(first); /* still the earlier one */
  mn_test_every_allocation(save, second);
  check_files(second);
  mn_network_close(&first);
  mn_network_close(&second);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(arrays_come_back, mn_test_dir_open, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(header_says_what_is_there, mn_test_dir_open, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(foreign_folders_stay, mn_test_dir_open, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(failing_allocations, mn_test_dir_open, mn_test_dir_close),
  };
  return cmocka_run_group_tests_name("saved networks", tests, NULL, NULL);
}
