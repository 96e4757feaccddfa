/* Damaged models: every byte of the header changed, arrays truncated, flipped, missing, of other shapes, a header
 * without this or that member. Never a crash, always OK or an error with a message; arrays are never taken wrong. */
#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "store_support.h"

enum { N = 12, DIM = 3, K = 2 };

static char dir[256];
static const char *model_dir; /* in it */
static const char *const arrays[] = {"alpha.npy", "offset.npy", "labels.npy", "shift.npy", "factor.npy", "samples.npy"};
enum { ARRAYS = sizeof arrays / sizeof *arrays };

/* A model of every array there is, and the test set it can be asked about. */
static int set_up(void **state)
{
  static char path[300];
  store_mkdtemp(dir);
  snprintf(path, sizeof path, "%s/model", dir);
  model_dir = path;
  mn_data *train = model_classes(N, DIM, MN_F32, K, -1, 2, 1);
  mn_fit_options options = model_options();
  options.scale = MN_SCALE_STANDARD;
  mn_model *model = model_fit(train, &options);
  assert_int_equal(mn_model_save(model, model_dir, NULL), MN_OK);
  mn_model_close(&model);
  mn_data_close(&train);
  *state = model_data(4, DIM, MN_F32, 0, 2);
  return 0;
}

static int tear_down(void **state)
{
  mn_data_close((mn_data **)state);
  mn_test_rmtree(dir);
  return 0;
}

/* Opens what is there. A model that opens can be used without harm; one that does not says why. */
static mn_status attempt(const mn_data *test, mn_error *err)
{
  mn_context ctx = {.threads = 1};
  mn_model *model;
  long live = mn_memory_live();
  *err = (mn_error){0};
  mn_status st = mn_model_open(model_dir, &model, err);
  if (st) {
    assert_true(st < 0);
    assert_true(err->text[0] && err->code == st);
    assert_null(model);
  } else {
    size_t outputs = mn_model_outputs(model);
    double *scores = malloc(test->n * outputs * sizeof *scores);
    int64_t labels[4];
    mn_status predicted = mn_model_predict(model, test, &ctx, scores, err);
    if (!predicted && mn_model_labels(model)) mn_model_classify(model, test->n, scores, labels, NULL);
    free(scores);
    mn_model_close(&model);
  }
  assert_int_equal(mn_memory_live(), live);
  return st;
}

static void expect(const mn_data *test, mn_status status, const char *text)
{
  mn_error err;
  assert_int_equal(attempt(test, &err), status);
  if (!strstr(err.text, text)) fail_msg("'%s' does not say '%s'", err.text, text);
}

static void write_header(const char *text)
{
  mn_test_write(model_dir, "model.json", text, strlen(text));
}

static char *read_header(void)
{
  return store_read(store_path(model_dir, "model.json"), NULL);
}

/* Writes the header with the first `from` replaced; the test fails when there is none. */
static void replace(const char *header, const char *from, const char *to)
{
  const char *at = strstr(header, from);
  if (!at) fail_msg("no '%s' in the header", from);
  size_t size = strlen(header) + strlen(to) + 1, before = (size_t)(at - header);
  char *text = malloc(size);
  snprintf(text, size, "%.*s%s%s", (int)before, header, to, at + strlen(from));
  write_header(text);
  free(text);
}

static void test_whole(void **state)
{
  mn_error err;
  assert_int_equal(attempt(*state, &err), MN_OK);
}

/* Each byte of the header, replaced by these: part of a number, the ends of strings and objects, nothing at all. */
static void test_every_byte_of_the_header(void **state)
{
  static const char values[] = {'9', '"', '}', '\0'};
  size_t length, refused = 0;
  char *header = store_read(store_path(model_dir, "model.json"), &length);
  const char *path = store_path(dir, "model/model.json");
  for (size_t i = 0; i < length; i++)
    for (size_t v = 0; v < sizeof values; v++) {
      mn_error err;
      char byte = header[i];
      if (byte == values[v]) continue;
      header[i] = values[v];
      FILE *f = fopen(path, "wb");
      fwrite(header, 1, length, f);
      fclose(f);
      refused += attempt(*state, &err) != MN_OK;
      header[i] = byte;
    }
  assert_true(refused > length * 2); /* most changes are noticed */
  free(header);
}

static void test_truncated_header(void **state)
{
  size_t length;
  char *header = store_read(store_path(model_dir, "model.json"), &length);
  for (size_t keep = 0; keep + 3 < length; keep += 1 + keep / 40) { /* short of the closing brace */
    mn_test_write(model_dir, "model.json", header, keep);
    expect(*state, MN_ERR_FORMAT, "model.json: a JSON object expected");
  }
  free(header);
}

/* Every member, renamed one at a time. Those for information alone may be missing. */
static void test_missing_members(void **state)
{
  static const char *const needed[] = {"format",  "version", "n_train", "dim",    "outputs", "classes",
                                       "scale",   "kernel",  "gamma",   "coef0",  "degree",  "depth",
                                       "options", "arrays",  "alpha",   "offset", "labels",  "shift",
                                       "factor",  "samples", "file",    "dtype",  "rows",    "crc32"};
  char *header = read_header(), key[64];
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    snprintf(key, sizeof key, "\"%s\":", needed[i]);
    if (!strcmp(needed[i], "dtype")) {
      char *samples = strstr(header, "\"samples\":"), *at = samples ? strstr(samples, key) : NULL;
      assert_non_null(at); /* only the samples' type is not known beforehand */
      at[1] = 'x';
      write_header(header);
      at[1] = 'd';
    } else
      replace(header, key, "\"x\":");
    expect(*state, MN_ERR_FORMAT, "is missing or not what it should be: the model is damaged");
  }
  replace(header, "\"norm\":", "\"x\":");
  expect(*state, MN_OK, "");
  free(header);
}

static void test_not_an_object(void **state)
{
  static const char *const texts[] = {"", "[]", "null", "3", "\"minnorm model\"", "{}", "{\"format\": 1}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    write_header(texts[i]);
    expect(*state, MN_ERR_FORMAT, "model.json");
  }
  enum { DEEP = 100000 };
  char *text = malloc(DEEP + 1);
  memset(text, '[', DEEP);
  text[DEEP] = '\0';
  write_header(text);
  expect(*state, MN_ERR_FORMAT, "a JSON object expected");
  free(text);
  text = malloc(2 << 20);
  memset(text, ' ', 2 << 20);
  mn_test_write(model_dir, "model.json", text, 2 << 20);
  expect(*state, MN_ERR_FORMAT, "at most 1048576 bytes expected");
  free(text);
}

static void test_other_versions(void **state)
{
  static const char *const versions[] = {"0", "3", "1000000"};
  char *header = read_header(), text[64], says[128];
  for (size_t i = 0; i < 3; i++) {
    snprintf(text, sizeof text, "\"version\":\t%s", versions[i]);
    replace(header, "\"version\":\t1", text);
    snprintf(says, sizeof says, "a model of format version %s; this program reads versions 1 and 2", versions[i]);
    expect(*state, MN_ERR_VERSION, says);
  }
  replace(header, "\"version\":\t1", "\"version\":\t2"); /* has features, which are not here */
  expect(*state, MN_ERR_FORMAT, "\"features\" is missing or not what it should be");
  replace(header, "\"version\":\t1", "\"version\":\t1.5");
  expect(*state, MN_ERR_FORMAT, "\"version\" is missing or not what it should be");
  replace(header, "\"minnorm model\"", "\"minnorm network\"");
  expect(*state, MN_ERR_FORMAT, "\"format\": \"minnorm model\" is missing");
  free(header);
}

/* Sizes that do not belong together, or to the arrays, and values outside their range. */
static void test_inconsistent(void **state)
{
  static const char *const changes[][2] = {
      {"\"dim\":\t3", "\"dim\":\t4"},
      {"\"dim\":\t3", "\"dim\":\t0"},
      {"\"dim\":\t3", "\"dim\":\t9007199254740991"},
      {"\"dim\":\t3", "\"dim\":\t1e300"},
      {"\"outputs\":\t2", "\"outputs\":\t3"},
      {"\"outputs\":\t2", "\"outputs\":\t-2"},
      {"\"classes\":\t2", "\"classes\":\t1"},
      {"\"rows\":\t12", "\"rows\":\t11"},
      {"\"rows\":\t12", "\"rows\":\t6148914691236517206"},
      {"\"rows\":\t12", "\"rows\":\t0"},
      {"\"primal\":\tfalse", "\"primal\":\ttrue"},
      {"\"scale\":\t\"standard\"", "\"scale\":\t\"auto\""},
      {"\"scale\":\t\"standard\"", "\"scale\":\t7"},
      {"\"name\":\t\"gaussian\"", "\"name\":\t\"gauss\""},
      {"\"gamma\":\t0.1", "\"gamma\":\t-0.1"},
      {"\"gamma\":\t0.1", "\"gamma\":\tnull"},
      {"\"degree\":\t3", "\"degree\":\t4294967299"},
      {"\"ridge\":\t\"0\"", "\"ridge\":\t\"-1\""},
      {"\"ridge\":\t\"0\"", "\"ridge\":\t0"},
      {"\"<f4\"", "\"<f8\""},
      {"\"<f4\"", "\"<f2\""},
      {"\"alpha.npy\"", "\"samples.npy\""},
      {"\"alpha.npy\"", "\"../model/alpha.npy\""},
      {"\"crc32\":\t\"", "\"crc32\":\t\"0"},
  };
  char *header = read_header();
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    mn_error err;
    replace(header, changes[i][0], changes[i][1]);
    mn_status st = attempt(*state, &err);
    if (i + 1 == sizeof changes / sizeof *changes) /* a leading zero is no other number */
      assert_int_equal(st, MN_OK);
    else if (st != MN_ERR_FORMAT)
      fail_msg("%s: status %d, '%s'", changes[i][1], st, err.text);
  }
  free(header);
}

/* Each file removed. */
static void test_missing_arrays(void **state)
{
  for (size_t i = 0; i < ARRAYS; i++) {
    const char *path = store_path(model_dir, arrays[i]);
    size_t size;
    char *bytes = store_read(path, &size);
    assert_int_equal(unlink(path), 0);
    expect(*state, MN_ERR_IO, arrays[i]);
    mn_test_write(model_dir, arrays[i], bytes, size);
    free(bytes);
  }
  assert_int_equal(unlink(store_path(model_dir, "model.json")), 0);
  expect(*state, MN_ERR_IO, "model.json");
}

static void test_truncated_arrays(void **state)
{
  for (size_t i = 0; i < ARRAYS; i++) {
    size_t size;
    char *bytes = store_read(store_path(model_dir, arrays[i]), &size);
    for (size_t keep = 0; keep < size; keep += keep < 16 ? 1 : keep < 128 ? 7 : 1) {
      mn_test_write(model_dir, arrays[i], bytes, keep);
      expect(*state, MN_ERR_FORMAT, arrays[i]);
    }
    char *longer = calloc(size + 8, 1);
    memcpy(longer, bytes, size);
    mn_test_write(model_dir, arrays[i], longer, size + 8);
    expect(*state, MN_ERR_FORMAT, arrays[i]);
    mn_test_write(model_dir, arrays[i], bytes, size);
    free(bytes), free(longer);
  }
}

/* One bit anywhere: in the values it is always noticed, in the header of the file unless it is in its padding or an
 * equivalent spelling. */
static void test_flipped_arrays(void **state)
{
  enum { NPY_HEADER = 128 };
  for (size_t i = 0; i < ARRAYS; i++) {
    size_t size;
    char *bytes = store_read(store_path(model_dir, arrays[i]), &size);
    assert_true(size > NPY_HEADER);
    for (size_t at = 0; at < size; at++) {
      mn_error err;
      char bit = (char)(1 << at % 8);
      bytes[at] ^= bit;
      mn_test_write(model_dir, arrays[i], bytes, size);
      mn_status st = attempt(*state, &err);
      if (at >= NPY_HEADER && st != MN_ERR_FORMAT) fail_msg("%s: byte %zu: %d '%s'", arrays[i], at, st, err.text);
      if (at >= NPY_HEADER) assert_non_null(strstr(err.text, "the model is damaged"));
      if (st) assert_non_null(strstr(err.text, arrays[i]));
      bytes[at] ^= bit;
    }
    mn_test_write(model_dir, arrays[i], bytes, size);
    free(bytes);
  }
  mn_error err;
  assert_int_equal(attempt(*state, &err), MN_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_every_byte_of_the_header, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_truncated_header, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_missing_members, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_not_an_object, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_other_versions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_inconsistent, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_missing_arrays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_truncated_arrays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_flipped_arrays, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("damaged models", tests, NULL, NULL);
}
