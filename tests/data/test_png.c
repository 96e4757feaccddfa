/* Contact sheets: read back with libpng's simplified interface and compared pixel by pixel. */
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "minnorm/data.h"
#include "support.h"

/* A data set around memory of the test. */
static mn_data images(void *x, mn_dtype type, size_t n, size_t channels, size_t height, size_t width)
{
  return (mn_data){.n = n,
                   .dim = channels * height * width,
                   .channels = channels,
                   .height = height,
                   .width = width,
                   .type = type,
                   .x = x,
                   .name = "made-up"};
}

/* Writes a sheet and reads it back, width x height x channels; release with free. */
static unsigned char *round_trip(const mn_data *data, size_t rows, size_t cols, png_image *image)
{
  char path[300];
  mn_error err = {0};
  snprintf(path, sizeof path, "%s/sheet.png", mn_test_dir);
  if (mn_data_write_png(data, rows, cols, path, &err)) fail_msg("%s", err.text);
  *image = (png_image){.version = PNG_IMAGE_VERSION};
  assert_true(png_image_begin_read_from_file(image, path));
  size_t bytes = PNG_IMAGE_SIZE(*image);
  unsigned char *pixels = malloc(bytes);
  assert_non_null(pixels);
  assert_true(png_image_finish_read(image, NULL, pixels, 0, NULL));
  return pixels;
}

/* Oracle: the whole sheet in memory, image by image. */
static void compare(const unsigned char *sheet, const unsigned char *x, size_t n, size_t rows, size_t cols, size_t c,
                    size_t h, size_t w)
{
  size_t H = rows * (h + 2) - 2, W = cols * (w + 2) - 2;
  unsigned char *expected = malloc(H * W * c);
  assert_non_null(expected);
  memset(expected, 128, H * W * c);
  for (size_t i = 0; i < n && i < rows * cols; i++)
    for (size_t k = 0; k < c * h * w; k++) {
      size_t plane = k / (h * w), y = k / w % h + i / cols * (h + 2), z = k % w + i % cols * (w + 2);
      expected[(y * W + z) * c + plane] = x[i * c * h * w + k];
    }
  assert_memory_equal(sheet, expected, H * W * c);
  free(expected);
}

static void fill(unsigned char *x, size_t count)
{
  for (size_t k = 0; k < count; k++) x[k] = (unsigned char)(k * 37 + k / 11);
}

static void grey_and_colour_come_back(void **state)
{
  (void)state;
  static const size_t shapes[][6] = {/* n, rows, cols, channels, height, width */
                                     {6, 2, 3, 1, 4, 5},   {7, 2, 3, 3, 4, 5}, {2, 2, 3, 3, 5, 4},  {3, 1, 3, 1, 1, 1},
                                     {4, 5, 1, 1, 28, 28}, {5, 3, 2, 1, 3, 2}, {1, 1, 1, 3, 32, 32}};
  unsigned char x[4096];
  fill(x, sizeof x);
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    const size_t *s = shapes[k];
    mn_data data = images(x, MN_U8, s[0], s[3], s[4], s[5]);
    png_image image;
    unsigned char *sheet = round_trip(&data, s[1], s[2], &image);
    assert_int_equal(image.format, s[3] == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY);
    assert_int_equal(image.height, s[1] * (s[4] + 2) - 2);
    assert_int_equal(image.width, s[2] * (s[5] + 2) - 2);
    compare(sheet, x, s[0], s[1], s[2], s[3], s[4], s[5]);
    free(sheet);
  }
}

static void a_square_dim_needs_no_shape(void **state)
{
  (void)state;
  unsigned char x[2 * 784];
  fill(x, sizeof x);
  mn_data data = images(x, MN_U8, 2, 0, 0, 0);
  data.dim = 784;
  png_image image;
  unsigned char *sheet = round_trip(&data, 1, 2, &image);
  compare(sheet, x, 2, 1, 2, 1, 28, 28);
  free(sheet);
}

static void reals_are_mapped_by_their_range(void **state)
{
  (void)state;
  double x[8] = {-1, 0, 1, 0.5, -0.5, NAN, INFINITY, 1000}; /* the second image is not on the sheet of one */
  float f[4] = {7, 7, 7, 7};
  mn_data data = images(x, MN_F64, 2, 1, 2, 2);
  png_image image;
  unsigned char *sheet = round_trip(&data, 1, 1, &image);
  const unsigned char expected[4] = {0, 128, 255, 191};
  assert_memory_equal(sheet, expected, 4);
  free(sheet);
  x[7] = -0.25;
  sheet = round_trip(&data, 2, 1, &image);
  const unsigned char second[4] = {64, 0, 0, 96};
  assert_memory_equal(sheet, expected, 4);
  assert_memory_equal(sheet + 8, second, 4);
  free(sheet);
  data = images(f, MN_F32, 1, 1, 2, 2); /* one value only: black */
  sheet = round_trip(&data, 1, 1, &image);
  assert_memory_equal(sheet, "\0\0\0\0", 4);
  free(sheet);
  double wide[2] = {-1.7e308, 1.7e308}; /* their difference overflows */
  data = images(wide, MN_F64, 1, 1, 1, 2);
  sheet = round_trip(&data, 1, 1, &image);
  assert_memory_equal(sheet, "\0\377", 2);
  free(sheet);
}

static void refused(const mn_data *data, size_t rows, size_t cols, mn_status status, const char *expected)
{
  char path[300];
  mn_error err = {0};
  snprintf(path, sizeof path, "%s/refused.png", mn_test_dir);
  assert_int_equal(mn_data_write_png(data, rows, cols, path, &err), status);
  if (!strstr(err.text, expected)) fail_msg("'%s' expected in: %s", expected, err.text);
  assert_int_equal(access(path, F_OK), -1);
}

static void what_is_no_image_is_refused(void **state)
{
  (void)state;
  unsigned char x[64] = {0};
  mn_data data = images(x, MN_U8, 1, 0, 0, 0);
  data.dim = 54;
  refused(&data, 1, 1, MN_ERR_ARGUMENT, "made-up: the samples are no images");
  data.dim = 0;
  refused(&data, 1, 1, MN_ERR_ARGUMENT, "no images");
  data = images(x, MN_U8, 1, 2, 4, 4);
  refused(&data, 1, 1, MN_ERR_ARGUMENT, "1 or 3 channels");
  data = images(x, MN_U8, 1, 1, 4, 4);
  refused(&data, 0, 1, MN_ERR_ARGUMENT, "0 x 1 found");
  refused(&data, 1, 0, MN_ERR_ARGUMENT, "1 x 0 found");
  refused(&data, 1, 166668, MN_ERR_ARGUMENT, "too many");
  refused(&data, 166668, 1, MN_ERR_ARGUMENT, "too many");
  refused(&data, SIZE_MAX, 2, MN_ERR_ARGUMENT, "too many");
  data.n = 0;
  refused(&data, 1, 1, MN_ERR_ARGUMENT, "no samples");
}

static void an_unwritable_path_is_an_error(void **state)
{
  (void)state;
  unsigned char x[16] = {0};
  mn_data data = images(x, MN_U8, 1, 1, 4, 4);
  char path[300];
  mn_error err = {0};
  snprintf(path, sizeof path, "%s/none/sheet.png", mn_test_dir);
  assert_int_equal(mn_data_write_png(&data, 1, 1, path, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "none/sheet.png"));
}

/* A write that fails inside libpng: the sheet is too large for stdio's buffer, and /dev/full takes nothing. */
static void a_full_disk_is_an_error(void **state)
{
  (void)state;
  static unsigned char x[300 * 300];
  uint32_t r = 1;
  for (size_t k = 0; k < sizeof x; k++) {
    r = r * 1664525 + 1013904223;
    x[k] = (unsigned char)(r >> 24);
  }
  mn_data data = images(x, MN_U8, 1, 1, 300, 300);
  mn_error err = {0};
  long live = mn_memory_live();
  assert_int_equal(mn_data_write_png(&data, 1, 1, "/dev/full", &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "/dev/full"));
  assert_non_null(strstr(err.text, "No space left"));
  assert_int_equal(mn_memory_live(), live);
}

static mn_status write_small(void *arg, mn_error *err)
{
  char path[300];
  snprintf(path, sizeof path, "%s/allocation.png", mn_test_dir);
  mn_status st = mn_data_write_png(arg, 2, 2, path, err);
  if (st) assert_int_equal(access(path, F_OK), -1);
  return st;
}

static void allocations_may_fail(void **state)
{
  (void)state;
  unsigned char x[3 * 16] = {0};
  mn_data data = images(x, MN_U8, 1, 3, 4, 4);
  mn_test_every_allocation(write_small, &data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grey_and_colour_come_back),
      cmocka_unit_test(a_square_dim_needs_no_shape),
      cmocka_unit_test(reals_are_mapped_by_their_range),
      cmocka_unit_test(what_is_no_image_is_refused),
      cmocka_unit_test(an_unwritable_path_is_an_error),
      cmocka_unit_test(a_full_disk_is_an_error),
      cmocka_unit_test(allocations_may_fail),
  };
  return cmocka_run_group_tests(tests, mn_test_dir_open, mn_test_dir_close);
}
