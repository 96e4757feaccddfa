/* Features written as .npy and drawn as pictures: what mn_features_compute returns, whatever the blocks; and what is
 * left after a failure: nothing. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "data/npy.h"
#include "features/map.h"
#include "support.h"
#include "wavelet_oracle.h"

enum { N = 37 };
static const mn_context two = {.threads = 2};

static mn_features_options options_of(mn_features_name name)
{
  mn_features_options o = mn_features_default(name);
  o.scales = o.orientations = 2;
  if (name != MN_FEATURES_CONV) return o;
  o.filters = 300; /* a group of 256 and a rest */
  o.patch = 3;
  o.whiten_patches = 500;
  o.pool_window = o.pool_stride = 4;
  o.engine = MN_CONV_BLOCKED;
  return o;
}

static mn_features *opened(mn_features_name name, const oracle_images *images)
{
  mn_features *f;
  mn_error err = {0};
  const mn_features_options o = options_of(name);
  if (mn_features_open(&o, &images->samples, &two, &f, &err)) fail_msg("%s", err.text);
  return f;
}

/* n x dim, released with free. */
static float *computed(const mn_features *f, const oracle_images *images)
{
  size_t dim = mn_features_dim(f);
  float *out = malloc(images->samples.n * dim * sizeof *out);
  assert_int_equal(
      mn_features_compute(f, &images->samples, 0, images->samples.n, 0, mn_features_groups(f), &two, out, dim, NULL),
      MN_OK);
  return out;
}

static size_t files(void)
{
  size_t count = 0;
  DIR *dir = opendir(mn_test_dir);
  for (struct dirent *e; (e = readdir(dir));) count += e->d_name[0] != '.' || strlen(e->d_name) > 2;
  closedir(dir);
  return count;
}

/* ---- writing */

static void the_file_holds_what_is_computed(void **state)
{
  (void)state;
  static const size_t steps[] = {1, 5, 16, 36, N, 1000};
  char path[300];
  snprintf(path, sizeof path, "%s/f.npy", mn_test_dir);
  for (mn_features_name name = MN_FEATURES_GABOR; name < MN_FEATURES_COUNT; name++) {
    oracle_images images = oracle_images_open(N, 1, 9, 14, 1);
    mn_features *f = opened(name, &images);
    float *whole = computed(f, &images);
    const size_t shape[] = {N, mn_features_dim(f)};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
      mn_npy array;
      mn_features_timing timing = {-1, -1};
      mn_error err = {0};
      if (mn_features_write_blocks(f, &images.samples, steps[i], path, &two, &timing, &err)) fail_msg("%s", err.text);
      assert_true(timing.compute_s > 0 && timing.write_s > 0);
      assert_int_equal(mn_npy_read_as(path, MN_NPY_F4, 2, shape, &array, NULL), MN_OK);
      assert_memory_equal(array.values, whole, N * shape[1] * sizeof *whole);
      mn_npy_free(&array);
    }
    free(whole);
    mn_features_close(&f);
    oracle_images_close(&images);
    remove(path);
  }
}

static void blocks_are_bounded(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(1, 1, 32, 32, 1);
  mn_features *f = opened(MN_FEATURES_GABOR, &images);
  size_t block = mn_features_block(f, SIZE_MAX, &two), bytes = mn_features_dim(f) * sizeof(float);
  assert_int_equal(mn_features_block(f, 10, &two), 10);
  assert_int_equal(mn_features_block(f, block + 1, &two), block); /* does not grow with n */
  assert_true(block % 32 == 0 && block * bytes <= 1 << 27 && (block + 32) * bytes > 1 << 27);
  mn_features_close(&f);
  oracle_images_close(&images);
}

typedef struct {
  double last, total, stop_at;
} watch;

static int watching(void *user, const mn_progress *p)
{
  watch *w = user;
  assert_string_equal(p->phase, "features");
  assert_true(p->done >= w->last);
  w->last = p->done;
  w->total = p->total;
  return w->stop_at > 0 && p->done >= w->stop_at;
}

static void progress_is_of_all_blocks(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(N, 1, 8, 8, 1);
  mn_features *f = opened(MN_FEATURES_GABOR, &images);
  char path[300];
  snprintf(path, sizeof path, "%s/f.npy", mn_test_dir);
  size_t before = files();
  for (int stop = 0; stop <= 1; stop++) {
    watch w = {.stop_at = stop ? 20 : 0};
    const mn_context ctx = {.threads = 1, .progress = watching, .user = &w};
    mn_error err = {0};
    assert_int_equal(mn_features_write_blocks(f, &images.samples, 10, path, &ctx, NULL, &err),
                     stop ? MN_ERR_CANCELLED : MN_OK);
    assert_true(w.total == N && (stop ? w.last >= 20 && w.last < N : w.last == N));
    assert_int_equal(files(), before + !stop);
    remove(path);
  }
  mn_features_close(&f);
  oracle_images_close(&images);
}

static void without_a_path_nothing_is_written(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(N, 1, 8, 8, 1);
  mn_features *f = opened(MN_FEATURES_GABOR, &images);
  mn_features_timing timing = {-1, -1};
  size_t before = files();
  assert_int_equal(mn_features_write(f, &images.samples, NULL, &two, &timing, NULL), MN_OK);
  assert_true(timing.compute_s > 0 && timing.write_s >= 0 && timing.write_s < timing.compute_s);
  assert_int_equal(files(), before);
  mn_features_close(&f);
  oracle_images_close(&images);
}

static void no_room_is_said_before_anything_is_computed(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(1, 1, 8, 8, 1);
  mn_features *f = opened(MN_FEATURES_GABOR, &images);
  mn_samples many = images.samples; /* far more than there are: reading one of them would be noticed */
  char path[300], nowhere[300];
  double room = -1;
  snprintf(path, sizeof path, "%s/f.npy", mn_test_dir);
  snprintf(nowhere, sizeof nowhere, "%s/no/f.npy", mn_test_dir);
  size_t before = files();
  static const size_t counts[] = {(size_t)1 << 52, SIZE_MAX / 8, SIZE_MAX};
  for (size_t i = 0; i < 3; i++) {
    mn_error err = {0};
    watch w = {0};
    const mn_context ctx = {.progress = watching, .user = &w};
    many.n = counts[i];
    mn_status st = mn_features_write(f, &many, path, &ctx, NULL, &err);
    assert_int_equal(st, i ? MN_ERR_ARGUMENT : MN_ERR_IO);
    assert_non_null(strstr(err.text, i ? "more than a file" : "f.npy"));
    assert_true(w.total == 0);
  }
  assert_int_equal(mn_features_write(f, &images.samples, nowhere, &two, NULL, NULL), MN_ERR_IO);
  assert_int_equal(mn_features_room(nowhere, &room, NULL), MN_ERR_IO);
  assert_true(room == -1);
  assert_int_equal(mn_features_room(path, &room, NULL), MN_OK);
  assert_true(room > 0);
  assert_int_equal(files(), before);
  mn_features_close(&f);
  oracle_images_close(&images);
}

/* ---- drawing */

/* The sheet as grey levels or RGB triples, released with free. */
static unsigned char *sheet_of(const char *path, int colours, size_t height, size_t width)
{
  png_image image = {.version = PNG_IMAGE_VERSION};
  assert_true(png_image_begin_read_from_file(&image, path));
  assert_int_equal(image.format, colours ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY);
  assert_int_equal(image.height, height);
  assert_int_equal(image.width, width);
  unsigned char *pixels = malloc(PNG_IMAGE_SIZE(image));
  assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
  return pixels;
}

/* Which feature stands at a pixel, from what features.h says of the order of features. */
static size_t wavelet_feature(const mn_features_options *o, size_t side, size_t map, size_t y, size_t x)
{
  size_t padded = oracle_side(o, side), top = (padded - side) / 2, cells = padded >> o->pooling;
  return map * cells * cells + ((top + y) >> o->pooling) * cells + ((top + x) >> o->pooling);
}

static size_t conv_feature(const mn_features_options *o, size_t side, size_t map, size_t y, size_t x)
{
  size_t windows = (side - o->patch + 1 - o->pool_window) / o->pool_stride + 1, half = map / o->filters;
  size_t filter = map % o->filters, group = filter / 256, filters = group ? o->filters - 256 : 256;
  size_t window = y * windows / side * windows + x * windows / side;
  return group * 256 * 2 * windows * windows + (half * windows * windows + window) * filters + filter % 256;
}

/* One column of pictures of features against its oracle. */
static void check_column(const mn_features *f, const unsigned char *sheet, size_t colours, size_t rows, size_t cols,
                         size_t side, size_t col, size_t map, const float *whole)
{
  const mn_features_options *o = mn_features_info(f);
  size_t dim = mn_features_dim(f), line = (1 + cols) * (side + 2) - 2;
  double low = INFINITY, high = -INFINITY;
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < rows; i++)
      for (size_t k = 0; k < side * side; k++) {
        size_t y = k / side, x = k % side,
               at =
                   o->name == MN_FEATURES_CONV ? conv_feature(o, side, map, y, x) : wavelet_feature(o, side, map, y, x);
        double value = (double)whole[i * dim + at];
        low = fmin(low, value);
        high = fmax(high, value);
        const unsigned char *pixel = sheet + ((i * (side + 2) + y) * line + (1 + col) * (side + 2) + x) * colours;
        for (size_t c = 0; pass && c < colours; c++)
          assert_true(fabs(pixel[c] - 255 * (value - low) / (high - low)) <= 0.5 + 1e-9);
      }
}

static void pictures_show_the_features(void **state)
{
  (void)state;
  enum { SIDE = 14, ROWS = 3, COLS = 4 };
  char path[300];
  snprintf(path, sizeof path, "%s/p.png", mn_test_dir);
  for (mn_features_name name = MN_FEATURES_GABOR; name < MN_FEATURES_COUNT; name++)
    for (size_t channels = 1; channels <= 3; channels += 2) {
      oracle_images images = oracle_images_open(ROWS, channels, SIDE, SIDE, 1);
      mn_features *f = opened(name, &images);
      mn_error err = {0};
      float *whole = computed(f, &images);
      size_t maps = f->row->maps(f);
      if (mn_features_draw_images(f, &images.samples, ROWS + 5, COLS, path, &two, &err)) fail_msg("%s", err.text);
      unsigned char *sheet = sheet_of(path, channels == 3, ROWS * (SIDE + 2) - 2, (1 + COLS) * (SIDE + 2) - 2);
      for (size_t c = 0; c < COLS; c++) check_column(f, sheet, channels, ROWS, COLS, SIDE, c, c * maps / COLS, whole);
      free(sheet);
      free(whole);
      mn_features_close(&f);
      oracle_images_close(&images);
    }
}

/* No more columns than there are pictures; bytes are shown as they are. */
static void first_column_is_the_image(void **state)
{
  (void)state;
  enum { SIDE = 8 };
  oracle_images images = oracle_images_open(2, 1, SIDE, SIDE, 1);
  mn_features *f = opened(MN_FEATURES_GABOR, &images);
  mn_data *bytes = NULL;
  char path[300];
  snprintf(path, sizeof path, "%s/p.png", mn_test_dir);
  assert_int_equal(mn_data_create(2, SIDE * SIDE, MN_U8, 0, &bytes, NULL), MN_OK);
  bytes->channels = 1;
  bytes->height = bytes->width = SIDE;
  unsigned char *x = bytes->x;
  for (size_t k = 0; k < 2 * SIDE * SIDE; k++) x[k] = (unsigned char)(37 * k);
  mn_samples samples = mn_samples_of(bytes, images.scaling);
  assert_int_equal(mn_features_draw_images(f, &samples, 2, 100, path, &two, NULL), MN_OK);
  size_t line = (1 + 5) * (SIDE + 2) - 2; /* order 0 and 2 x 2 wavelets */
  unsigned char *sheet = sheet_of(path, 0, 2 * (SIDE + 2) - 2, line);
  for (size_t k = 0; k < 2 * SIDE * SIDE; k++)
    assert_int_equal(sheet[(k / 64 * (SIDE + 2) + k / SIDE % SIDE) * line + k % SIDE], x[k]);
  free(sheet);
  mn_data_close(&bytes);
  mn_features_close(&f);
  oracle_images_close(&images);
}

static void wrong_pictures(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(2, 1, 8, 8, 1), other = oracle_images_open(2, 1, 8, 16, 1);
  oracle_images pairs = oracle_images_open(2, 2, 8, 8, 1);
  mn_features *f = opened(MN_FEATURES_GABOR, &images), *two_planes = opened(MN_FEATURES_GABOR, &pairs);
  char path[300], nowhere[300];
  snprintf(path, sizeof path, "%s/wrong.png", mn_test_dir);
  snprintf(nowhere, sizeof nowhere, "%s/no/p.png", mn_test_dir);
  size_t before = files();
  assert_int_equal(mn_features_draw_images(f, &images.samples, 0, 1, path, &two, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_features_draw_images(f, &images.samples, 1, 0, path, &two, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_features_draw_images(f, &images.samples, 101, 1, path, &two, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_features_draw_images(f, &images.samples, 1, SIZE_MAX, path, &two, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_features_draw_images(f, &other.samples, 1, 1, path, &two, NULL), MN_ERR_DATA);
  assert_int_equal(mn_features_draw_images(two_planes, &pairs.samples, 1, 1, path, &two, NULL), MN_ERR_UNSUPPORTED);
  assert_int_equal(mn_features_draw_images(f, &images.samples, 1, 1, nowhere, &two, NULL), MN_ERR_IO);
  assert_int_equal(files(), before);
  mn_features_close(&f);
  mn_features_close(&two_planes);
  oracle_images_close(&images);
  oracle_images_close(&other);
  oracle_images_close(&pairs);
}

/* ---- memory */

typedef struct {
  const mn_features *features;
  const oracle_images *images;
} both;

static mn_status write_and_draw(void *arg, mn_error *err)
{
  const both *b = arg;
  char path[300];
  snprintf(path, sizeof path, "%s/m", mn_test_dir);
  mn_status st = mn_features_write_blocks(b->features, &b->images->samples, 10, path, &two, NULL, err);
  if (!st) st = mn_features_draw_images(b->features, &b->images->samples, 2, 2, path, &two, err);
  remove(path);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(12, 1, 8, 8, 1);
  mn_features *f = opened(MN_FEATURES_GABOR, &images);
  size_t before = files();
  mn_test_every_allocation(write_and_draw, &(both){f, &images});
  assert_int_equal(files(), before);
  mn_features_close(&f);
  oracle_images_close(&images);
}

static int set_up(void **state)
{
  int bad = mn_test_dir_open(state);
  setenv("XDG_CACHE_HOME", mn_test_dir, 1);
  return bad;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_file_holds_what_is_computed),
      cmocka_unit_test(blocks_are_bounded),
      cmocka_unit_test(progress_is_of_all_blocks),
      cmocka_unit_test(without_a_path_nothing_is_written),
      cmocka_unit_test(no_room_is_said_before_anything_is_computed),
      cmocka_unit_test(pictures_show_the_features),
      cmocka_unit_test(first_column_is_the_image),
      cmocka_unit_test(wrong_pictures),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("written features", tests, set_up, mn_test_dir_close);
}
