/* Data sets by name: where they are looked for, and the real ones where MINNORM_DATA says they are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data_support.h"

static void idx_pair(const char *images, const char *labels, size_t n, int gz)
{
  file_bytes x = {0}, y = {0}, packed = {0};
  put_idx(&x, 8, 3, (size_t[]){n, 28, 28});
  for (size_t i = 0; i < n * 784; i++) put_byte(&x, (int)(i % 251));
  put_idx(&y, 8, 1, (size_t[]){n});
  for (size_t i = 0; i < n; i++) put_byte(&y, (int)i);
  if (gz) compress_gz(&x, &packed);
  save(gz ? &packed : &x, images);
  save(&y, labels);
}

static void batch(const char *name, int label)
{
  file_bytes f = {0};
  put_byte(&f, label);
  for (size_t i = 0; i < 3072; i++) put_byte(&f, label);
  save(&f, name);
}

static void make_folder(const char *name)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_int_equal(mkdir(path, 0777), 0);
}

static void expect(const char *name, mn_part part, size_t n)
{
  mn_error err = {0};
  mn_data *d = NULL;
  mn_status st = mn_data_open_named(name, dir, part, NULL, &d, &err);
  if (st) fail_msg("%s: %s", name, err.text);
  assert_int_equal(d->n, n);
  assert_string_equal(d->name, name);
  mn_data_close(&d);
}

static void expect_missing(const char *name, mn_part part, const char *text)
{
  mn_error err = {0};
  mn_data *d = NULL;
  assert_int_equal(mn_data_open_named(name, dir, part, NULL, &d, &err), MN_ERR_IO);
  if (!strstr(err.text, text) || !strstr(err.text, "run `minnorm data download ") || !strstr(err.text, "MINNORM_DATA"))
    fail_msg("%s", err.text);
  assert_null(d);
}

static void test_mnist(void **state)
{
  (void)state;
  expect_missing("mnist", MN_TRAIN, "/mnist/train-images-idx3-ubyte not found");
  idx_pair("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 2, 0); /* in the directory itself */
  expect("mnist", MN_TEST, 2);
  make_folder("mnist");
  idx_pair("mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte", 4, 1);
  expect("mnist", MN_TRAIN, 4);
  idx_pair("mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte", 3, 0); /* the folder comes first */
  expect("mnist", MN_TEST, 3);
}

static void test_cifar(void **state)
{
  (void)state;
  mn_data *d = NULL;
  expect_missing("cifar10", MN_TEST, "/cifar-10-batches-bin/test_batch.bin not found");
  make_folder("cifar-10-batches-bin");
  batch("cifar-10-batches-bin/test_batch.bin", 9);
  expect("cifar10", MN_TEST, 1);
  for (int i = 1; i <= 5; i++) {
    char name[64];
    expect_missing("cifar10", MN_TRAIN, "data_batch_");
    snprintf(name, sizeof name, "data_batch_%d.bin", i);
    batch(name, i);
  }
  assert_int_equal(mn_data_open_named("cifar10", dir, MN_TRAIN, NULL, &d, NULL), MN_OK);
  const double labels[] = {1, 2, 3, 4, 5};
  assert_memory_equal(d->y, labels, sizeof labels);
  mn_data_close(&d);
}

static void test_unknown(void **state)
{
  (void)state;
  mn_error err;
  mn_data *d = NULL;
  assert_int_equal(mn_data_open_named("svhn", dir, MN_TRAIN, NULL, &d, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "data set mnist or cifar10 expected, 'svhn' found");
}

static mn_status open_and_close(void *name, mn_error *err)
{
  mn_data *d = NULL;
  mn_status st = mn_data_open_named(name, dir, MN_TEST, NULL, &d, err);
  mn_data_close(&d);
  return st;
}

static void test_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(open_and_close, "mnist");
  mn_test_every_allocation(open_and_close, "cifar10");
}

/* The real data */

static mn_data *open_real(const char *name, mn_part part)
{
  const char *where = getenv("MINNORM_DATA");
  mn_error err = {0};
  mn_data *d = NULL;
  if (!where) {
    printf("skipped: MINNORM_DATA does not say where %s is\n", name);
    skip();
  }
  if (mn_data_open_named(name, where, part, NULL, &d, &err)) fail_msg("%s", err.text);
  return d;
}

static void assert_classes(const mn_data *d, const size_t counts[10])
{
  size_t found[10] = {0};
  assert_true(mn_data_has_labels(d));
  for (size_t i = 0; i < d->n; i++) {
    assert_true(d->y[i] >= 0 && d->y[i] <= 9);
    found[(size_t)d->y[i]]++;
  }
  assert_memory_equal(found, counts, sizeof found);
}

/* FNV-1a, 64 bits: of the pixel bytes, found by an independent program from files with the official md5 sums. */
static uint64_t fnv(const unsigned char *bytes, size_t count)
{
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

static void test_real_mnist(void **state)
{
  (void)state;
  const size_t train_counts[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
  const size_t test_counts[] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
  mn_data *train = open_real("mnist", MN_TRAIN), *test = open_real("mnist", MN_TEST);
  assert_int_equal(train->n, 60000);
  assert_int_equal(test->n, 10000);
  assert_int_equal(train->dim, 784);
  assert_int_equal(train->height * 100 + train->width, 2828);
  assert_classes(train, train_counts);
  assert_classes(test, test_counts);
  assert_true(fnv(train->x, train->n * train->dim) == 0xb6e6196608671562u);
  assert_true(fnv(test->x, test->n * test->dim) == 0x8614c3e55764d65fu);
  mn_data_close(&train);
  mn_data_close(&test);
}

static void test_real_cifar(void **state)
{
  (void)state;
  const size_t train_counts[] = {5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000};
  const size_t test_counts[] = {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000};
  const double means[] = {0.4914, 0.4822, 0.4465};
  mn_data *train = open_real("cifar10", MN_TRAIN), *test = open_real("cifar10", MN_TEST);
  assert_int_equal(train->n, 50000);
  assert_int_equal(test->n, 10000);
  assert_classes(train, train_counts);
  assert_classes(test, test_counts);
  for (size_t c = 0; c < 3; c++) {
    uint64_t sum = 0;
    for (size_t i = 0; i < train->n; i++)
      for (size_t k = 0; k < 1024; k++) sum += ((unsigned char *)train->x)[(i * 3 + c) * 1024 + k];
    assert_true(fabs((double)sum / 255 / 50000 / 1024 - means[c]) <= 0.00005);
  }
  mn_data_close(&train);
  mn_data_close(&test);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mnist),       cmocka_unit_test(test_cifar),      cmocka_unit_test(test_unknown),
      cmocka_unit_test(test_allocations), cmocka_unit_test(test_real_mnist), cmocka_unit_test(test_real_cifar),
  };
  return cmocka_run_group_tests_name("named", tests, make_dir, remove_dir);
}
