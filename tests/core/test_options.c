/* Option tables: parsing, bounds, round trips, and the rows of mn_fit_options. */
#include "minnorm/options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "minnorm/model.h"
#include "support.h"

typedef struct {
  int flag, number, colour, unused; /* no padding: structs are compared byte by byte */
  size_t size, bytes;
  uint64_t seed;
  double ridge, share, any;
  char *path, *name;
} target;

static const char *colour_name(int value)
{
  static const char *const names[] = {"red", "green", "blue"};
  return value < 3 ? names[value] : NULL;
}

#define AT(name) .offset = offsetof(target, name)
static const mn_option rows[] = {
    {.key = "flag", .type = MN_OPTION_FLAG, AT(flag)},
    {.key = "number", .type = MN_OPTION_INT, AT(number), .least = -5, .most = 100, .fallback = "7"},
    {.key = "colour", .type = MN_OPTION_CHOICE, AT(colour), .choice = colour_name, .fallback = "blue"},
    {.key = "size", .type = MN_OPTION_SIZE, AT(size), .least = 1, .most = INFINITY},
    {.key = "bytes", .type = MN_OPTION_BYTES, AT(bytes), .fallback = "1K"},
    {.key = "seed", .type = MN_OPTION_U64, AT(seed)},
    {.key = "ridge", .type = MN_OPTION_REAL, AT(ridge), .least = 0, .most = INFINITY},
    {.key = "share", .type = MN_OPTION_REAL, AT(share), .least = 0, .most = 1, .fallback = "0.25"},
    {.key = "any", .type = MN_OPTION_REAL, AT(any)},
    {.key = "path", .type = MN_OPTION_TEXT, AT(path), .fallback = "here"},
    {.key = "name", .type = MN_OPTION_TEXT, AT(name)},
};
enum { row_count = sizeof rows / sizeof *rows };

static void defaults_are_set(void **state)
{
  (void)state;
  target t;
  memset(&t, 0x55, sizeof t);
  assert_int_equal(mn_options_defaults(rows, row_count, &t, NULL), MN_OK);
  assert_int_equal(t.flag, 0);
  assert_int_equal(t.number, 7);
  assert_int_equal(t.colour, 2);
  assert_int_equal(t.size, 0);
  assert_int_equal(t.bytes, 1024);
  assert_true(t.share == 0.25 && t.ridge == 0 && t.seed == 0);
  assert_string_equal(t.path, "here");
  assert_null(t.name);
  mn_options_release(rows, row_count, &t);
  assert_null(t.path);
}

static const struct {
  const char *key, *text, *error; /* NULL: accepted */
} parses[] = {
    {"flag", "true", NULL},
    {"flag", "1", "--flag 1: true or false expected"},
    {"number", "-5", NULL},
    {"number", "100", NULL},
    {"number", "-6", "--number -6: an integer from -5 to 100 expected"},
    {"number", "101", "--number 101: an integer from -5 to 100 expected"},
    {"number", "", "--number '': an integer from -5 to 100 expected"},
    {"number", "-", "--number -: an integer from -5 to 100 expected"},
    {"number", "1.5", "--number 1.5: an integer from -5 to 100 expected"},
    {"number", "9999999999999", "--number 9999999999999: an integer from -5 to 100 expected"},
    {"colour", "green", NULL},
    {"colour", "Green", "--colour Green: one of red, green, blue expected"},
    {"colour", "", "--colour '': one of red, green, blue expected"},
    {"size", "18446744073709551615", NULL},
    {"size", "18446744073709551616", "--size 18446744073709551616: an integer of at least 1 expected"},
    {"size", "0", "--size 0: an integer of at least 1 expected"},
    {"size", "-1", "--size -1: an integer of at least 1 expected"},
    {"size", " 1", "--size  1: an integer of at least 1 expected"},
    {"size", "1e3", "--size 1e3: an integer of at least 1 expected"},
    {"seed", "18446744073709551615", NULL},
    {"seed", "-1", "--seed -1: an integer from 0 to 18446744073709551615 expected"},
    {"ridge", "0", NULL},
    {"ridge", "1e-300", NULL},
    {"ridge", "-1", "--ridge -1: a number of at least 0 expected"},
    {"ridge", "nan", "--ridge nan: a number of at least 0 expected"},
    {"ridge", "inf", "--ridge inf: a number of at least 0 expected"},
    {"ridge", "1e999", "--ridge 1e999: a number of at least 0 expected"},
    {"ridge", "0x10", "--ridge 0x10: a number of at least 0 expected"},
    {"ridge", "1,5", "--ridge 1,5: a number of at least 0 expected"},
    {"ridge", "1 ", "--ridge 1 : a number of at least 0 expected"},
    {"share", "1", NULL},
    {"share", "1.0000001", "--share 1.0000001: a number from 0 to 1 expected"},
    {"any", "-1e10", NULL},
    {"any", "x", "--any x: a number expected"},
    {"bytes", "8G", NULL},
    {"bytes", "8g", "--bytes 8g: a number of bytes, as 6442450944 or 6G, expected"},
    {"bytes", "8GB", "--bytes 8GB: a number of bytes, as 6442450944 or 6G, expected"},
    {"bytes", "-1", "--bytes -1: a number of bytes, as 6442450944 or 6G, expected"},
    {"bytes", "99999999999G", "--bytes 99999999999G: a number of bytes, as 6442450944 or 6G, expected"},
    {"bytes", "K", "--bytes K: a number of bytes, as 6442450944 or 6G, expected"},
    {"path", "a b", NULL},
    {"path", "", "--path '': a value expected"},
};

static void values_are_checked(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof parses / sizeof *parses; i++) {
    target t = {0}, before = {0};
    mn_error err = {0};
    const mn_option *row = mn_option_find(rows, row_count, parses[i].key);
    assert_non_null(row);
    mn_status st = mn_option_set(row, parses[i].text, &t, &err);
    assert_string_equal(err.text, parses[i].error ? parses[i].error : "");
    assert_int_equal(st, parses[i].error ? MN_ERR_ARGUMENT : MN_OK);
    if (parses[i].error) assert_memory_equal(&t, &before, sizeof t);
    mn_options_release(rows, row_count, &t);
  }
  assert_null(mn_option_find(rows, row_count, "fla"));
}

static void sizes_have_suffixes(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    size_t bytes;
  } cases[] = {{"0", 0},
               {"1", 1},
               {"512K", 524288},
               {"1.5M", 1572864},
               {"24G", 25769803776},
               {"2T", 2199023255552},
               {"9007199254740993", 9007199254740993}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    target t = {0};
    assert_int_equal(mn_option_set(mn_option_find(rows, row_count, "bytes"), cases[i].text, &t, NULL), MN_OK);
    assert_true(t.bytes == cases[i].bytes);
  }
}

static void reals_round_trip(void **state)
{
  (void)state;
  const mn_option *row = mn_option_find(rows, row_count, "any");
  mn_random r = mn_random_open(5, MN_STREAM_TEST, 0);
  for (int i = 0; i < 10000; i++) {
    target a = {0}, b = {0};
    char text[64];
    uint64_t bits = (uint64_t)mn_random_u32(&r) << 32 | mn_random_u32(&r);
    memcpy(&a.any, &bits, sizeof bits);
    if (!isfinite(a.any)) continue;
    assert_true(mn_option_get(row, &a, text, sizeof text) < sizeof text);
    assert_int_equal(mn_option_set(row, text, &b, NULL), MN_OK);
    assert_memory_equal(&a.any, &b.any, sizeof a.any);
  }
  target t = {.any = 0.1};
  char text[64];
  mn_option_get(row, &t, text, sizeof text);
  assert_string_equal(text, "0.1");
}

static void every_type_round_trips(void **state)
{
  (void)state;
  target a = {1, -3, 1, 0, 12, 9007199254740993, UINT64_MAX, 0.1, 1.0 / 3, -2e-308, NULL, NULL}, b = {0};
  assert_int_equal(mn_options_defaults(rows, row_count, &b, NULL), MN_OK);
  for (size_t i = 0; i < row_count; i++) {
    char text[64];
    if (rows[i].type == MN_OPTION_TEXT) continue;
    assert_true(mn_option_get(&rows[i], &a, text, sizeof text) < sizeof text);
    assert_int_equal(mn_option_set(&rows[i], text, &b, NULL), MN_OK);
  }
  mn_options_release(rows, row_count, &b);
  assert_memory_equal(&a, &b, sizeof a);
}

static void long_texts_are_cut(void **state)
{
  (void)state;
  target t = {0};
  char text[4];
  const mn_option *row = mn_option_find(rows, row_count, "path");
  assert_int_equal(mn_option_set(row, "abcdef", &t, NULL), MN_OK);
  assert_int_equal(mn_option_get(row, &t, text, sizeof text), 6);
  assert_string_equal(text, "abc");
  assert_int_equal(mn_option_set(row, "again", &t, NULL), MN_OK); /* the first is released */
  mn_options_release(rows, row_count, &t);
  mn_option_get(row, &t, text, sizeof text);
  assert_string_equal(text, "");
}

static mn_status set_and_replace(void *arg, mn_error *err)
{
  (void)arg;
  target t;
  mn_status st = mn_options_defaults(rows, row_count, &t, err);
  if (!st) st = mn_option_set(mn_option_find(rows, row_count, "path"), "there", &t, err);
  if (!st) st = mn_option_set(mn_option_find(rows, row_count, "name"), "it", &t, err);
  mn_options_release(rows, row_count, &t);
  return st;
}

static void allocations_may_fail(void **state)
{
  (void)state;
  mn_test_every_allocation(set_and_replace, NULL);
}

/* ---- mn_fit_options */

static const mn_option *fit_row(const char *key)
{
  size_t count;
  const mn_option *table = mn_fit_option_table(&count);
  return mn_option_find(table, count, key);
}

static mn_fit_options fit_defaults_of_table(void)
{
  size_t count;
  const mn_option *table = mn_fit_option_table(&count);
  mn_fit_options options = mn_fit_defaults();
  assert_int_equal(mn_options_defaults(table, count, &options, NULL), MN_OK);
  return options;
}

/* Every row formats the same for both, so the table and the library have the same defaults. */
static void fit_defaults_agree(void **state)
{
  (void)state;
  size_t count;
  const mn_option *table = mn_fit_option_table(&count);
  mn_fit_options a = mn_fit_defaults(), b = fit_defaults_of_table();
  for (size_t i = 0; i < count; i++) {
    char x[64], y[64];
    mn_option_get(&table[i], &a, x, sizeof x);
    mn_option_get(&table[i], &b, y, sizeof y);
    assert_string_equal(x, y);
    if (table[i].fallback && table[i].type == MN_OPTION_CHOICE) assert_string_equal(x, table[i].fallback);
  }
}

static void fit_rows_are_documented(void **state)
{
  (void)state;
  size_t count;
  const mn_option *table = mn_fit_option_table(&count);
  for (size_t i = 0; i < count; i++) {
    assert_ptr_equal(mn_option_find(table, count, table[i].key), &table[i]); /* no key twice */
    assert_non_null(table[i].help);
    assert_non_null(table[i].group);
    if (table[i].type != MN_OPTION_FLAG) assert_non_null(table[i].argument);
    if (table[i].excludes) assert_non_null(mn_option_find(table, count, table[i].excludes));
  }
}

static void fit_options_round_trip(void **state)
{
  (void)state;
  static const char *const sets[][2] = {{"kernel", "matern52"},  {"gamma", "0.1"},        {"coef0", "-0.3"},
                                        {"degree", "5"},         {"depth", "7"},          {"scale", "standard"},
                                        {"task", "regression"},  {"targets", "pm1"},      {"center", "true"},
                                        {"corrupt", "0.3"},      {"seed", "12345678901"}, {"ridge", "1e-07"},
                                        {"solver", "eigen"},     {"rcond", "true"},       {"loo", "true"},
                                        {"precision", "single"}, {"rank-tol", "1e-09"},   {"memory", "25769803776"},
                                        {"refine", "0"},         {"tol", "1e-10"},        {"measures", "true"},
                                        {"draws", "7"}};
  mn_fit_options options = mn_fit_defaults();
  size_t count, saved = 0;
  const mn_option *table = mn_fit_option_table(&count);
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    assert_int_equal(mn_option_set(fit_row(sets[i][0]), sets[i][1], &options, NULL), MN_OK);
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    char text[64];
    mn_option_get(fit_row(sets[i][0]), &options, text, sizeof text);
    assert_string_equal(text, sets[i][1]);
  }
  for (size_t i = 0; i < count; i++) saved += !table[i].alias;
  assert_int_equal(saved, sizeof sets / sizeof *sets); /* no row without its line above */
  assert_true(options.kernel.name == MN_KERNEL_MATERN52 && options.solve.memory_bytes == 25769803776);
}

static void gamma_has_words(void **state)
{
  (void)state;
  mn_fit_options options = mn_fit_defaults();
  mn_error err = {0};
  char text[64];
  assert_int_equal(mn_option_set(fit_row("gamma"), "median", &options, &err), MN_OK);
  assert_int_equal(options.gamma_rule, MN_GAMMA_MEDIAN);
  mn_option_get(fit_row("gamma"), &options, text, sizeof text);
  assert_string_equal(text, "median");
  assert_int_equal(mn_option_set(fit_row("sigma"), "5", &options, &err), MN_OK);
  assert_int_equal(options.gamma_rule, MN_GAMMA_GIVEN);
  mn_test_close(options.kernel.gamma, 0.02, 1e-15);
  mn_option_get(fit_row("sigma"), &options, text, sizeof text);
  assert_string_equal(text, "5");
  assert_int_equal(mn_option_set(fit_row("gamma"), "0", &options, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "--gamma 0: auto, median or a number above 0 expected");
  assert_int_equal(mn_option_set(fit_row("sigma"), "-1", &options, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "--sigma -1: a number above 0 expected");
  assert_int_equal(mn_option_set(fit_row("sigma"), "1e300", &options, &err), MN_ERR_ARGUMENT);
  mn_test_close(options.kernel.gamma, 0.02, 1e-15);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_set),        cmocka_unit_test(values_are_checked),
      cmocka_unit_test(sizes_have_suffixes),     cmocka_unit_test(reals_round_trip),
      cmocka_unit_test(every_type_round_trips),  cmocka_unit_test(long_texts_are_cut),
      cmocka_unit_test(allocations_may_fail),    cmocka_unit_test(fit_defaults_agree),
      cmocka_unit_test(fit_rows_are_documented), cmocka_unit_test(fit_options_round_trip),
      cmocka_unit_test(gamma_has_words),
  };
  return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
