/* Saving and opening: a model comes back bit for bit whatever it was made of; what is in the way stays; nothing is left
 * behind by a failure; every allocation failing. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "store_support.h"

enum { N = 50, M = 20, DIM = 5 };

static char dir[256];

static int set_up(void **state)
{
  (void)state;
  store_mkdtemp(dir);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  mn_test_rmtree(dir);
  return 0;
}

static mn_model *save_and_open(const mn_model *model, const char *path)
{
  mn_model *loaded = NULL;
  mn_error err = {0};
  if (mn_model_save(model, path, &err)) fail_msg("saving: %s", err.text);
  if (mn_model_open(path, &loaded, &err)) fail_msg("opening: %s", err.text);
  return loaded;
}

static void expect_same_real(double a, double b)
{
  if (memcmp(&a, &b, sizeof a) && !(isnan(a) && isnan(b))) fail_msg("%.17g is not %.17g", a, b);
}

static void expect_same_report(const mn_model *a, const mn_model *b)
{
  const mn_fit_report *x = mn_model_report(a), *y = mn_model_report(b);
  assert_int_equal(x->n_train, y->n_train);
  assert_int_equal(x->dim, y->dim);
  assert_int_equal(x->outputs, y->outputs);
  assert_int_equal(x->classes, y->classes);
  assert_int_equal(x->gamma_rule, y->gamma_rule);
  assert_int_equal(x->kernel.name, y->kernel.name);
  assert_int_equal(x->kernel.degree, y->kernel.degree);
  assert_int_equal(x->kernel.depth, y->kernel.depth);
  expect_same_real(x->kernel.gamma, y->kernel.gamma);
  expect_same_real(x->kernel.coef0, y->kernel.coef0);
  expect_same_real(x->ridge, y->ridge);
  expect_same_real(x->norm, y->norm);
  expect_same_real(x->solution.residual, y->solution.residual);
  expect_same_real(x->train_error, y->train_error);
  expect_same_real(x->train_rmse, y->train_rmse);
  assert_int_equal(x->system.primal, y->system.primal);
}

/* Fits, saves, opens; the scores, labels and what the report keeps are the same. */
static void check_round_trip(const mn_data *train, const mn_data *test, const mn_fit_options *options)
{
  const char *path = store_path(dir, "model");
  mn_model *model = model_fit(train, options), *loaded = save_and_open(model, path);
  size_t outputs = mn_model_outputs(model);
  double *a = model_predict(model, test), *b = model_predict(loaded, test);
  assert_int_equal(mn_model_outputs(loaded), outputs);
  assert_memory_equal(a, b, test->n * outputs * sizeof *a);
  assert_int_equal(!mn_model_labels(model), !mn_model_labels(loaded));
  if (mn_model_labels(model))
    assert_memory_equal(mn_model_labels(model), mn_model_labels(loaded), outputs * sizeof(int64_t));
  expect_same_report(model, loaded);
  /* Once more, of what was loaded: the same files. */
  const char *again = store_path(dir, "again");
  assert_int_equal(mn_model_save(loaded, again, NULL), MN_OK);
  char *x = store_read(store_path(path, "model.json"), NULL), *y = store_read(store_path(again, "model.json"), NULL);
  assert_string_equal(x, y);
  store_expect_listing(dir, "again model");
  free(a), free(b), free(x), free(y);
  mn_model_close(&model), mn_model_close(&loaded);
}

static void test_classes(void **state)
{
  (void)state;
  static const mn_scale scales[] = {MN_SCALE_AUTO, MN_SCALE_UNIT, MN_SCALE_NONE, MN_SCALE_STANDARD};
  for (mn_dtype type = MN_U8; type <= MN_F64; type++)
    for (size_t s = 0; s < 4; s++) {
      mn_data *train = model_classes(N, DIM, type, 4, -5, 3, 1), *test = model_data(M, DIM, type, 0, 2);
      mn_fit_options options = model_kernel_options(MN_KERNEL_LAPLACIAN, 1. / 3);
      options.scale = scales[s];
      options.center = s % 2 == 1;
      check_round_trip(train, test, &options);
      mn_data_close(&train), mn_data_close(&test);
    }
}

static void test_kernels(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F64, 2, -1, 2, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  for (mn_kernel_name name = 0; name < MN_KERNEL_COUNT; name++) { /* linear is primal here */
    mn_fit_options options = model_kernel_options(name, 0.1);
    options.kernel.degree = 5, options.kernel.coef0 = 0.7, options.kernel.depth = 2;
    options.solve.ridge = 1e-3;
    check_round_trip(train, test, &options);
  }
  mn_data_close(&train), mn_data_close(&test);
}

static void test_regression(void **state)
{
  (void)state;
  mn_data *train = model_regression(N, DIM, MN_F64, 3, 1), *test = model_data(M, DIM, MN_F64, 0, 2);
  mn_fit_options options = mn_fit_defaults(); /* with a bandwidth that was looked for */
  options.scale = MN_SCALE_STANDARD;
  options.center = 1;
  options.seed = UINT64_MAX;
  check_round_trip(train, test, &options);
  options.kernel = mn_kernel_default(MN_KERNEL_LINEAR);
  check_round_trip(train, test, &options);
  mn_data_close(&train), mn_data_close(&test);
}

/* Extreme labels; duplicates, which the loaded model does not have. */
static void test_labels_and_duplicates(void **state)
{
  (void)state;
  mn_data *train = model_classes(N, DIM, MN_F32, 3, -9007199254740991, 9007199254740991, 1);
  mn_data *test = model_data(M, DIM, MN_F32, 0, 2);
  model_repeat(train, 4, 40);
  mn_fit_options options = model_options();
  check_round_trip(train, test, &options);
  mn_data_close(&train), mn_data_close(&test);
}

static mn_model *some_model(mn_data **train, int64_t first)
{
  *train = model_classes(N, DIM, MN_F64, 3, first, 1, 1);
  mn_fit_options options = model_options();
  return model_fit(*train, &options);
}

static void test_files(void **state)
{
  (void)state;
  mn_data *train;
  mn_model *model = some_model(&train, 0);
  const char *path = store_path(dir, "model");
  struct stat info;
  assert_int_equal(mn_model_check_path(path, NULL), MN_OK);
  store_expect_listing(dir, "");
  assert_int_equal(mn_model_save(model, path, NULL), MN_OK);
  store_expect_listing(dir, "model");
  store_expect_listing(path, "alpha.npy labels.npy model.json offset.npy samples.npy");
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0755);
  mn_model_close(&model);
  mn_data_close(&train);
}

/* Replaced as a whole: no file of the earlier model is left. A trailing slash changes nothing. */
static void test_replacing(void **state)
{
  (void)state;
  mn_data *train;
  mn_model *model = some_model(&train, 10);
  const char *path = store_path(dir, "model");
  mn_fit_options options = model_options();
  options.scale = MN_SCALE_STANDARD;
  mn_model *standard = model_fit(train, &options);
  assert_int_equal(mn_model_save(standard, path, NULL), MN_OK);
  store_expect_listing(path, "alpha.npy factor.npy labels.npy model.json offset.npy samples.npy shift.npy");
  assert_int_equal(mn_model_check_path(path, NULL), MN_OK);
  mn_model *loaded = save_and_open(model, path);
  store_expect_listing(path, "alpha.npy labels.npy model.json offset.npy samples.npy");
  mn_model_close(&loaded);
  loaded = save_and_open(standard, store_path(dir, "model/"));
  store_expect_listing(path, "alpha.npy factor.npy labels.npy model.json offset.npy samples.npy shift.npy");
  mn_model_close(&loaded);
  loaded = save_and_open(model, store_path(dir, "new//"));
  mn_model_close(&loaded);
  store_expect_listing(dir, "model new");
  mn_model_close(&model), mn_model_close(&standard);
  mn_data_close(&train);
}

static void expect_refused(const mn_model *model, const char *path, const char *text)
{
  for (int save = 0; save <= 1; save++) {
    mn_error err = {0};
    mn_status st = save ? mn_model_save(model, path, &err) : mn_model_check_path(path, &err);
    assert_int_equal(st, MN_ERR_IO);
    if (!strstr(err.text, text) || !strstr(err.text, path)) fail_msg("'%s' does not say '%s'", err.text, text);
  }
}

static void test_in_the_way(void **state)
{
  (void)state;
  mn_data *train;
  mn_model *model = some_model(&train, 0);
  const char *folder = store_path(dir, "folder"), *other = store_path(dir, "other"), *mine = store_path(dir, "mine");
  assert_int_equal(mkdir(folder, 0777) | mkdir(other, 0777), 0);
  mn_test_write(dir, "file", "text", 4);
  mn_test_write(folder, "notes.txt", "text", 4);
  mn_test_write(other, "model.json", "{\"weights\": 1}", 14); /* somebody else's model */
  assert_int_equal(mn_model_save(model, mine, NULL), MN_OK);
  mn_test_write(mine, "notes.txt", "text", 4);
  assert_int_equal(symlink(mine, store_path(dir, "link")), 0);
  expect_refused(model, store_path(dir, "file"), "exists and is not a model");
  expect_refused(model, folder, "exists and is not a model");
  expect_refused(model, other, "exists and is not a model");
  expect_refused(model, mine, "holds other files too");
  expect_refused(model, store_path(dir, "link"), "exists and is not a model");
  store_expect_listing(dir, "file folder link mine other");
  store_expect_listing(folder, "notes.txt");
  store_expect_listing(other, "model.json");
  store_expect_listing(mine, "alpha.npy labels.npy model.json notes.txt offset.npy samples.npy");
  mn_model_close(&model);
  mn_data_close(&train);
}

static void test_no_folder(void **state)
{
  (void)state;
  mn_data *train;
  mn_model *model = some_model(&train, 0);
  mn_test_write(dir, "file", "text", 4);
  expect_refused(model, store_path(dir, "none/model"), "No such file or directory");
  expect_refused(model, store_path(dir, "file/model"), "Not a directory");
  expect_refused(model, "/proc/model", "cannot save a model here");
  mn_error err = {0};
  assert_int_equal(mn_model_check_path("", &err), MN_ERR_IO);
  assert_int_equal(mn_model_save(model, "", &err), MN_ERR_IO);
  assert_string_equal(err.text, "the name of a model to save is empty");
  store_expect_listing(dir, "file");
  if (geteuid()) { /* root writes everywhere */
    const char *closed = store_path(dir, "closed");
    assert_int_equal(mkdir(closed, 0555), 0);
    expect_refused(model, store_path(closed, "model"), "Permission denied");
  }
  mn_model_close(&model);
  mn_data_close(&train);
}

/* A path in the working directory has no slash at all. */
static void test_relative_path(void **state)
{
  (void)state;
  char before[512];
  mn_data *train;
  mn_model *model = some_model(&train, 0);
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(dir), 0);
  mn_model *loaded = save_and_open(model, "model");
  assert_int_equal(chdir(before), 0);
  store_expect_listing(dir, "model");
  mn_model_close(&model), mn_model_close(&loaded);
  mn_data_close(&train);
}

static void test_nothing_to_open(void **state)
{
  (void)state;
  mn_model *model;
  mn_error err = {0};
  mn_test_write(dir, "file", "text", 4);
  assert_int_equal(mn_model_open(store_path(dir, "none"), &model, &err), MN_ERR_IO);
  assert_null(model);
  assert_non_null(strstr(err.text, "none/model.json: No such file or directory"));
  assert_int_equal(mn_model_open(store_path(dir, "file"), &model, &err), MN_ERR_IO);
  assert_int_equal(mn_model_open(dir, &model, &err), MN_ERR_IO);
  assert_null(model);
}

/* ---- allocations */

static mn_status save(void *arg, mn_error *err)
{
  return mn_model_save(arg, store_path(dir, "model"), err);
}

static mn_status check(void *arg, mn_error *err)
{
  (void)arg;
  return mn_model_check_path(store_path(dir, "model"), err);
}

static mn_status open_and_close(void *arg, mn_error *err)
{
  (void)arg;
  mn_model *model;
  mn_status st = mn_model_open(store_path(dir, "model"), &model, err);
  if (st) assert_null(model);
  mn_model_close(&model);
  return st;
}

static void check_allocations(mn_kernel_name name)
{
  mn_data *train = model_classes(N, DIM, MN_F32, 3, 0, 1, 1);
  mn_fit_options options = model_kernel_options(name, 1);
  options.scale = MN_SCALE_STANDARD;
  mn_model *model = model_fit(train, &options);
  mn_test_every_allocation(save, model); /* into nothing at first, then over what is there */
  store_expect_listing(dir, "model");
  mn_test_every_allocation(save, model);
  mn_test_every_allocation(check, NULL);
  mn_test_every_allocation(open_and_close, NULL);
  store_expect_listing(dir, "model");
  mn_model_close(&model);
  mn_data_close(&train);
}

static void test_allocations(void **state)
{
  (void)state;
  check_allocations(MN_KERNEL_LAPLACIAN);
}

static void test_allocations_primal(void **state)
{
  (void)state;
  check_allocations(MN_KERNEL_LINEAR);
}

/* A save that fails leaves the model that was there as it was. */
static void test_earlier_model_survives(void **state)
{
  (void)state;
  mn_data *train, *other_train;
  mn_model *model = some_model(&train, 0), *other = some_model(&other_train, 100), *loaded;
  const char *path = store_path(dir, "model");
  mn_error err = {0};
  assert_int_equal(mn_model_save(model, path, NULL), MN_OK);
  for (long k = 0; k < 100; k += 3) {
    mn_memory_fail_at(k);
    mn_status st = mn_model_save(other, path, &err);
    mn_memory_fail_at(-1);
    if (!st) break;
    store_expect_listing(dir, "model");
    assert_int_equal(mn_model_open(path, &loaded, NULL), MN_OK);
    assert_int_equal(mn_model_labels(loaded)[0], 0);
    mn_model_close(&loaded);
  }
  mn_model_close(&model), mn_model_close(&other);
  mn_data_close(&train), mn_data_close(&other_train);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_classes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_kernels, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_regression, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_labels_and_duplicates, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_replacing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_in_the_way, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_no_folder, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_relative_path, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_nothing_to_open, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_allocations, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_allocations_primal, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_earlier_model_survives, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
