/* Damaged files: every reader, with its file cut at every length and with every byte replaced, either reads something
 * whole or says in one line what is wrong, and leaves nothing behind. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "data_support.h"

static const double six[] = {0, 1, 2, 3, 4, 5.5};

static size_t opened, refused;

static double element(const mn_data *d, size_t k)
{
  return d->type == MN_U8    ? ((unsigned char *)d->x)[k]
         : d->type == MN_F32 ? (double)((float *)d->x)[k]
                             : ((double *)d->x)[k];
}

/* Touches everything, so that valgrind and the sanitizers see it. */
static void assert_whole(const mn_data *d)
{
  assert_true(d->n > 0 && d->dim > 0);
  if (d->height) assert_int_equal(d->channels * d->height * d->width, d->dim);
  for (size_t k = 0; k < d->n * d->dim; k++) assert_true(isfinite(element(d, k)));
  for (size_t k = 0; k < d->n * d->columns; k++) assert_true(isfinite(d->y[k]));
}

static void open_damaged(const file_bytes *f, const char *spec)
{
  mn_error err = {0};
  mn_data *d = NULL;
  long live = mn_memory_live();
  save(f, "damaged");
  mn_status st = open_spec(spec, &d, &err);
  if (st == MN_OK) {
    opened++;
    assert_whole(d);
  } else {
    refused++;
    assert_true(st < 0);
    assert_null(d);
    assert_int_equal(err.code, st);
    assert_true(err.text[0]);
    for (const char *p = err.text; *p; p++) assert_true((unsigned char)*p >= ' ');
  }
  mn_data_close(&d);
  assert_int_equal(mn_memory_live(), live);
}

/* Cuts at every length, and replaces each of the first `bytes` bytes. `spec` names the file "damaged". */
static void damage(const file_bytes *whole, size_t bytes, const char *spec)
{
  static const unsigned char values[] = {0, 1, 3, 8, ' ', '\n', '"', '-', ',', ':', '0', '9', 'e', 0x7f, 0x80, 0xff};
  opened = refused = 0;
  open_damaged(whole, spec);
  assert_int_equal(opened, 1);
  for (size_t length = 0; length < whole->count; length++) {
    file_bytes f = *whole;
    f.count = length;
    open_damaged(&f, spec);
  }
  for (size_t i = 0; i < bytes && i < whole->count; i++)
    for (size_t v = 0; v < sizeof values + 8; v++) { /* these values, and each bit flipped */
      file_bytes f = *whole;
      f.bytes[i] = (unsigned char)(v < sizeof values ? values[v] : f.bytes[i] ^ 1u << (v - sizeof values));
      open_damaged(&f, spec);
    }
  assert_true(refused > 0);
}

static void test_idx(void **state)
{
  (void)state;
  file_bytes x = {0}, y = {0}, gz = {0};
  put_idx(&x, 8, 3, (size_t[]){4, 2, 3});
  for (int i = 0; i < 24; i++) put_byte(&x, i * 9);
  put_idx(&y, 8, 1, (size_t[]){4});
  for (int i = 0; i < 4; i++) put_byte(&y, i);
  save(&x, "x");
  save(&y, "y");
  damage(&x, 20, "idx:@damaged,@y");
  damage(&y, 12, "idx:@x,@damaged");
  compress_gz(&x, &gz);
  damage(&gz, gz.count, "idx:@damaged,@y");
  compress_gz(&y, &gz);
  damage(&gz, gz.count, "idx:@x,@damaged");
}

static void test_cifar(void **state)
{
  (void)state;
  file_bytes f = {0};
  for (size_t i = 0; i < 2; i++) {
    put_byte(&f, 7);
    for (size_t j = 0; j < 3072; j++) put_byte(&f, (int)(j % 256));
  }
  damage(&f, 4, "cifar:@damaged");
}

static void test_npy(void **state)
{
  (void)state;
  static const char *const dictionaries[] = {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }  \n",
                                             "{'descr': '<f8', 'fortran_order': True, 'shape': (1, 2, 3), }  \n",
                                             "{'shape':(2,3,),'fortran_order':False,'descr':'<i8'}"};
  for (size_t i = 0; i < 3; i++) {
    file_bytes f = {0};
    put_npy(&f, dictionaries[i]);
    put(&f, six, sizeof six);
    if (i == 2) memset(f.bytes + f.count - sizeof six, 0, sizeof six); /* integers a double can hold */
    damage(&f, f.count, "npy:@damaged");
    save(&f, "x");
    if (f.bytes[0] == 0x93 && i == 0) damage(&f, f.count, "npy:@x,@damaged");
  }
}

static void test_text(void **state)
{
  (void)state;
  file_bytes f = {0}, gz = {0};
  put_text(&f, "a,\"b\",c\n1,2.5,-3\n4,5e1,6\n");
  damage(&f, f.count, "csv:@damaged");
  damage(&f, f.count, "csv:@damaged,targets=2");
  compress_gz(&f, &gz);
  damage(&gz, gz.count, "csv:@damaged");
  f.count = 0;
  put_text(&f, "-1 1:2.5 3:1e2 # x\n+1 2:7\n");
  damage(&f, f.count, "libsvm:@damaged");
  f.count = 0;
  put_text(&f, "1,2.5 1:2\n0,1 2:7\n");
  damage(&f, f.count, "libsvm:@damaged,dim=5");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_idx),
      cmocka_unit_test(test_cifar),
      cmocka_unit_test(test_npy),
      cmocka_unit_test(test_text),
  };
  return cmocka_run_group_tests_name("readers_hostile", tests, make_dir, remove_dir);
}
