/* Mirror images against an oracle that moves one element at a time by its plane, row and column. */
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "data_support.h"

/* Images of random elements, no two alike, with targets that name the sample. */
static mn_data *images(size_t n, const size_t shape[3], mn_dtype type, size_t columns)
{
  mn_data *d = NULL;
  size_t dim = shape[0] * shape[1] * shape[2];
  mn_random r = mn_random_open(11, MN_STREAM_SYNTH, 0);
  assert_int_equal(mn_data_create(n, dim, type, columns, &d, NULL), MN_OK);
  d->channels = shape[0], d->height = shape[1], d->width = shape[2];
  strcpy(d->name, "pictures");
  for (size_t i = 0; i < n * dim; i++) {
    double v = mn_random_uniform(&r);
    if (type == MN_U8) ((unsigned char *)d->x)[i] = (unsigned char)(256 * v);
    if (type == MN_F32) ((float *)d->x)[i] = (float)v;
    if (type == MN_F64) ((double *)d->x)[i] = v;
  }
  for (size_t i = 0; i < n * columns; i++) d->y[i] = (double)i - 0.5 * (double)columns;
  return d;
}

static mn_data *copy(const mn_data *d)
{
  mn_data *out = NULL;
  assert_int_equal(mn_data_create(d->n, d->dim, d->type, d->columns, &out, NULL), MN_OK);
  out->channels = d->channels, out->height = d->height, out->width = d->width;
  memcpy(out->name, d->name, sizeof d->name);
  memcpy(out->x, d->x, d->n * d->dim * mn_dtype_size(d->type));
  if (d->columns) memcpy(out->y, d->y, d->n * d->columns * sizeof *d->y);
  return out;
}

/* Where the element of a channel, row and column of an image is. */
static const char *element(const mn_data *d, size_t image, size_t c, size_t i, size_t j)
{
  return (const char *)d->x + (image * d->dim + (c * d->height + i) * d->width + j) * mn_dtype_size(d->type);
}

static void assert_mirrored(const mn_data *old, const mn_data *new)
{
  size_t size = mn_dtype_size(old->type);
  assert_int_equal(new->n, 2 * old->n);
  assert_int_equal(new->dim, old->dim);
  assert_int_equal(new->type, old->type);
  assert_int_equal(new->columns, old->columns);
  assert_true(new->channels == old->channels &&new->height == old->height &&new->width == old->width);
  assert_string_equal(new->name, "pictures");
  for (size_t k = 0; k < old->n; k++)
    for (size_t c = 0; c < old->channels; c++)
      for (size_t i = 0; i < old->height; i++)
        for (size_t j = 0; j < old->width; j++) {
          assert_memory_equal(element(new, k, c, i, j), element(old, k, c, i, j), size);
          assert_memory_equal(element(new, old->n + k, c, i, old->width - 1 - j), element(old, k, c, i, j), size);
        }
  for (size_t k = 0; k < new->n && old->columns; k++)
    assert_memory_equal(new->y + k * old->columns, old->y + k % old->n * old->columns, old->columns * sizeof(double));
}

static void every_shape_type_and_target(void **state)
{
  (void)state;
  static const size_t shapes[][3] = {{1, 28, 28}, {3, 32, 32}, {3, 5, 7}, {2, 3, 2}, {1, 1, 9}, {4, 6, 1}, {1, 1, 1}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int type = MN_U8; type <= MN_F64; type++)
      for (size_t columns = 0; columns < 3; columns++) {
        mn_data *d = images(5, shapes[s], (mn_dtype)type, columns), *old = copy(d);
        assert_int_equal(mn_data_mirror(&d, NULL, NULL), MN_OK);
        assert_mirrored(old, d);
        assert_true((d->y == NULL) == (columns == 0));
        mn_data_close(&old);
        mn_data_close(&d);
      }
  assert_int_equal(mn_memory_live(), 0);
}

static void one_picture_by_hand(void **state)
{
  (void)state;
  static const unsigned char before[] = {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
  static const unsigned char after[] = {3, 2, 1, 6, 5, 4, 30, 20, 10, 60, 50, 40};
  mn_data *d = images(1, (const size_t[]){2, 2, 3}, MN_U8, 1);
  memcpy(d->x, before, sizeof before);
  d->y[0] = 7;
  assert_int_equal(mn_data_mirror(&d, NULL, NULL), MN_OK);
  assert_int_equal(d->n, 2);
  assert_memory_equal(d->x, before, sizeof before);
  assert_memory_equal((char *)d->x + sizeof before, after, sizeof after);
  assert_true(d->y[0] == 7 && d->y[1] == 7);
  mn_data_close(&d);
}

/* Mirroring the n images and their mirror images gives both again, the two halves exchanged. */
static void twice_is_the_original(void **state)
{
  (void)state;
  for (int type = MN_U8; type <= MN_F64; type++) {
    mn_data *d = images(6, (const size_t[]){3, 4, 5}, (mn_dtype)type, 1), *old = copy(d);
    size_t bytes = old->n * old->dim * mn_dtype_size(old->type);
    assert_int_equal(mn_data_mirror(&d, NULL, NULL), MN_OK);
    assert_memory_not_equal((char *)d->x + bytes, old->x, bytes);
    assert_int_equal(mn_data_mirror(&d, NULL, NULL), MN_OK);
    assert_int_equal(d->n, 24);
    assert_memory_equal(d->x, old->x, bytes);
    assert_memory_equal((char *)d->x + 3 * bytes, old->x, bytes);
    assert_memory_equal((char *)d->x + 2 * bytes, (char *)d->x + bytes, bytes);
    mn_data_close(&old);
    mn_data_close(&d);
  }
}

static void an_image_that_is_its_own_mirror(void **state)
{
  (void)state;
  mn_pair *pairs = NULL;
  size_t count = 0;
  mn_data *d = images(3, (const size_t[]){2, 2, 3}, MN_F64, 1);
  double *x = d->x;
  for (size_t r = 0; r < 4; r++) x[12 + 3 * r] = x[12 + 3 * r + 2]; /* of the second image */
  assert_int_equal(mn_data_mirror(&d, NULL, NULL), MN_OK);
  assert_int_equal(mn_data_duplicates(d, &pairs, &count, NULL), MN_OK);
  assert_int_equal(count, 1);
  assert_true(pairs[0].first == 1 && pairs[0].second == 4);
  assert_true(d->y[1] == d->y[4]);
  mn_data_free(pairs);
  mn_data_close(&d);
}

static void samples_without_a_shape(void **state)
{
  (void)state;
  static const size_t shapes[][3] = {{0, 0, 0}, {0, 2, 3}, {1, 0, 6}, {1, 6, 0}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    mn_error err = {0};
    mn_data *d = images(4, (const size_t[]){1, 2, 3}, MN_F32, 1), *old = copy(d), *before = d;
    d->channels = shapes[s][0], d->height = shapes[s][1], d->width = shapes[s][2];
    assert_int_equal(mn_data_mirror(&d, NULL, &err), MN_ERR_DATA);
    assert_string_equal(err.text, "pictures: images expected to mirror, samples of 6 features without a shape found");
    assert_int_equal(mn_data_mirror(&d, NULL, NULL), MN_ERR_DATA);
    assert_ptr_equal(d, before);
    assert_int_equal(d->n, 4);
    assert_memory_equal(d->x, old->x, 4 * 6 * sizeof(float));
    mn_data_close(&old);
    mn_data_close(&d);
  }
}

/* As much again has to fit; a set that is refused is as it was. */
static void a_budget(void **state)
{
  (void)state;
  mn_error err = {0};
  mn_data *d = images(4, (const size_t[]){4, 1000, 1000}, MN_U8, 1), *old = copy(d);
  mn_context ctx = {.memory_bytes = mn_memory_current_rss() + (12 << 20)};
  assert_int_equal(mn_data_mirror(&d, &ctx, &err), MN_ERR_BUDGET);
  assert_non_null(strstr(err.text, "pictures: mirror images of 4 samples need 16,000,032 bytes of memory"));
  must_equal(old, d);
  ctx.memory_bytes = mn_memory_current_rss() + (20 << 20);
  assert_int_equal(mn_data_mirror(&d, &ctx, &err), MN_OK);
  assert_int_equal(d->n, 8);
  mn_data_close(&old);
  mn_data_close(&d);
}

/* A set for which the call fails is as it was. */
static mn_status mirror_once(void *arg, mn_error *err)
{
  const mn_data *old = arg;
  long failures = mn_memory_failures();
  mn_data *d = NULL;
  mn_status st = mn_data_create(old->n, old->dim, old->type, old->columns, &d, err);
  if (st) return st;
  d->channels = old->channels, d->height = old->height, d->width = old->width;
  memcpy(d->name, old->name, sizeof d->name);
  memcpy(d->x, old->x, old->n * old->dim * mn_dtype_size(old->type));
  memcpy(d->y, old->y, old->n * old->columns * sizeof *old->y);
  st = mn_data_mirror(&d, NULL, err);
  assert_true((st != MN_OK) == (mn_memory_failures() > failures));
  if (st)
    must_equal(old, d);
  else
    assert_mirrored(old, d);
  mn_data_close(&d);
  return st;
}

static void every_allocation(void **state)
{
  (void)state;
  mn_data *old = images(3, (const size_t[]){1, 2, 5}, MN_U8, 1);
  mn_test_every_allocation(mirror_once, old);
  mn_data_close(&old);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_shape_type_and_target),
      cmocka_unit_test(one_picture_by_hand),
      cmocka_unit_test(twice_is_the_original),
      cmocka_unit_test(an_image_that_is_its_own_mirror),
      cmocka_unit_test(samples_without_a_shape),
      cmocka_unit_test(every_allocation),
      cmocka_unit_test(a_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
