/* The gate to FFTW: transforms against their definition in double precision and by their properties, and the file of
 * wisdom, whatever is wrong with it. */
#define _XOPEN_SOURCE 700
#include <complex.h>
#include <fftw3.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/random.h"
#include "linalg/fft.h"
#include "support.h"

static const double pi = 3.14159265358979323846;

/* rows x cols pairs, normal. */
static float *random_pairs(size_t n, uint64_t seed)
{
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, n);
  float *z = mn_alloc_matrix(n, 2 * sizeof *z);
  assert_non_null(z);
  for (size_t k = 0; k < 2 * n; k++) z[k] = (float)mn_random_normal(&r);
  return z;
}

static mn_fft *opened(size_t rows, size_t cols)
{
  mn_fft *fft;
  mn_error err = {0};
  if (mn_fft_open(rows, cols, &fft, &err)) fail_msg("%s", err.text);
  return fft;
}

static double complex naive(size_t rows, size_t cols, const float *in, double sign, size_t k, size_t l)
{
  double complex sum = 0;
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < cols; c++) {
      double turns = (double)(k * r % rows) / (double)rows + (double)(l * c % cols) / (double)cols;
      const float *z = in + 2 * (r * cols + c);
      sum += ((double)z[0] + I * (double)z[1]) * cexp(sign * 2 * pi * I * turns);
    }
  return sum;
}

static void check_size(size_t rows, size_t cols)
{
  size_t n = rows * cols;
  mn_fft *fft = opened(rows, cols);
  float *in = random_pairs(n, rows), *kept = random_pairs(n, rows), *out = random_pairs(n, 0),
        *back = random_pairs(n, 0);
  for (int sign = -1; sign <= 1; sign += 2) {
    (sign < 0 ? mn_fft_forward : mn_fft_backward)(fft, in, out);
    assert_memory_equal(in, kept, 2 * n * sizeof *in);
    for (size_t k = 0; k < rows; k++)
      for (size_t l = 0; l < cols; l++) {
        double complex exact = naive(rows, cols, in, sign, k, l);
        const float *z = out + 2 * (k * cols + l);
        if (!(cabs(z[0] + I * z[1] - exact) <= 1e-6 * sqrt((double)n)))
          fail_msg("%zu x %zu, sign %d: (%zu, %zu) is %g + %gi", rows, cols, sign, k, l, (double)z[0], (double)z[1]);
      }
    (sign < 0 ? mn_fft_backward : mn_fft_forward)(fft, out, back);
    for (size_t k = 0; k < 2 * n; k++) mn_test_close(back[k] / (float)n, in[k], 2e-6);
  }
  mn_free(in), mn_free(kept), mn_free(out), mn_free(back);
  mn_fft_close(&fft);
  assert_null(fft);
}

static void transforms_are_what_they_should_be(void **state)
{
  (void)state;
  static const size_t sizes[][2] = {{1, 1}, {1, 2},  {2, 1},   {2, 3},   {8, 8},
                                    {5, 7}, {13, 1}, {12, 20}, {16, 32}, {40, 40}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) check_size(sizes[i][0], sizes[i][1]);
}

/* A single 1 becomes exact powers of a root of unity, moved from the origin or not; powers of 2 scale exactly. */
static void impulses_and_scaling(void **state)
{
  (void)state;
  enum { N = 32 };
  mn_fft *fft = opened(N, N);
  float *in = random_pairs(N * N, 1), *out = random_pairs(N * N, 2), *twice = random_pairs(N * N, 3);
  mn_fft_forward(fft, in, out);
  for (size_t k = 0; k < 2 * N * N; k++) in[k] *= -2;
  mn_fft_forward(fft, in, twice);
  for (size_t k = 0; k < 2 * N * N; k++) assert_true(twice[k] == -2 * out[k]);
  memset(in, 0, 2 * N * N * sizeof *in);
  in[2 * (3 * N + 5)] = 1;
  mn_fft_forward(fft, in, out);
  for (size_t k = 0; k < N * N; k++) {
    double angle = -2 * pi * (double)(3 * (k / N) + 5 * (k % N)) / N;
    mn_test_close(out[2 * k], cos(angle), 3e-7);
    mn_test_close(out[2 * k + 1], sin(angle), 3e-7);
  }
  mn_free(in), mn_free(out), mn_free(twice);
  mn_fft_close(&fft);
}

static void threads_share_a_plan(void **state)
{
  (void)state;
  enum { N = 24, THREADS = 4 };
  mn_fft *fft = opened(N, N);
  float *in = random_pairs(N * N, 1), *out = random_pairs(N * N, 2), *each[THREADS];
  int different = 0;
  for (size_t t = 0; t < THREADS; t++) each[t] = random_pairs(N * N, 3);
  mn_fft_forward(fft, in, out);
#pragma omp parallel for num_threads(THREADS) reduction(+ : different)
  for (size_t t = 0; t < THREADS; t++)
    for (int i = 0; i < 100; i++) {
      mn_fft_forward(fft, in, each[t]);
      different += memcmp(each[t], out, 2 * N * N * sizeof *out) != 0;
    }
  assert_int_equal(different, 0);
  for (size_t t = 0; t < THREADS; t++) mn_free(each[t]);
  mn_free(in), mn_free(out);
  mn_fft_close(&fft);
}

static void sizes_that_cannot_be(void **state)
{
  (void)state;
  static const size_t sizes[][2] = {
      {0, 1}, {1, 0}, {0, 0}, {SIZE_MAX, 1}, {SIZE_MAX / 4, 8}, {(size_t)1 << 40, (size_t)1 << 40}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    mn_fft *fft = (mn_fft *)&fft;
    mn_error err = {0};
    assert_int_equal(mn_fft_open(sizes[i][0], sizes[i][1], &fft, &err), MN_ERR_ARGUMENT);
    assert_null(fft);
    assert_true(strlen(err.text) > 0);
  }
  mn_fft *none = NULL;
  mn_fft_close(&none);
}

/* ---- the file of wisdom */

/* Transforms the same numbers after this process has forgotten what it knew. Plans are for rows of a size that no other
 * test has. */
static float *afresh(void)
{
  enum { ROWS = 36, COLS = 44 };
  fftwf_forget_wisdom();
  mn_fft *fft;
  mn_error err = {.text = "untouched"};
  assert_int_equal(mn_fft_open(ROWS, COLS, &fft, &err), MN_OK);
  assert_string_equal(err.text, "untouched");
  float *in = random_pairs(ROWS * COLS, 1), *out = random_pairs(ROWS * COLS, 2);
  mn_fft_forward(fft, in, out);
  for (size_t k = 0; k < 5; k++)
    assert_true(cabs(out[2 * k] + I * out[2 * k + 1] - naive(ROWS, COLS, in, -1, 0, k)) <= 1e-4);
  mn_free(in);
  mn_fft_close(&fft);
  return out;
}

/* Two transforms, the second of a process that starts anew, have the same bits. */
static void same_bits_again(void)
{
  float *first = afresh(), *second = afresh();
  assert_memory_equal(first, second, 2 * 36 * 44 * sizeof *first);
  mn_free(first), mn_free(second);
}

static long size_of(const char *path)
{
  struct stat info;
  return stat(path, &info) ? -1 : (long)info.st_size;
}

static void wisdom_is_kept_and_used(void **state)
{
  (void)state;
  setenv("XDG_CACHE_HOME", mn_test_path("deep/er"), 1);
  const char *file = mn_test_path("deep/er/minnorm/fftw-single.wisdom");
  assert_int_equal(size_of(file), -1);
  float *first = afresh();
  long size = size_of(file);
  assert_true(size > 0);
  struct stat before, after;
  assert_int_equal(stat(file, &before), 0);
  float *second = afresh();
  assert_int_equal(stat(file, &after), 0);
  assert_true(before.st_ino == after.st_ino); /* what was known is not written again */
  assert_memory_equal(first, second, 2 * 36 * 44 * sizeof *first);
  mn_free(first), mn_free(second);
  fftwf_forget_wisdom();
  mn_fft *other = opened(18, 22); /* added to what is there */
  assert_true(size_of(file) > size);
  mn_fft_close(&other);
  fftwf_forget_wisdom();
  assert_true(fftwf_import_wisdom_from_filename(file));
}

static void a_damaged_file_is_replaced(void **state)
{
  (void)state;
  static const char *const texts[] = {"", "(", "garbage\n", "(fftw-3.3.10 fftwf_wisdom #x0 #x0 #x0 #x0\n)",
                                      "((((((((("};
  setenv("XDG_CACHE_HOME", mn_test_dir, 1);
  mkdir(mn_test_path("minnorm"), 0700);
  const char *file = mn_test_path("minnorm/fftw-single.wisdom");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    mn_test_write(mn_test_dir, "minnorm/fftw-single.wisdom", texts[i], strlen(texts[i]));
    same_bits_again();
    fftwf_forget_wisdom();
    assert_true(fftwf_import_wisdom_from_filename(file));
  }
  assert_int_equal(unlink(file), 0);
  assert_int_equal(rmdir(mn_test_path("minnorm")), 0); /* nothing else was left in it */
}

static void no_file_is_no_error(void **state)
{
  (void)state;
  mn_test_write(mn_test_dir, "file", "x", 1);
  setenv("XDG_CACHE_HOME", mn_test_path("file"), 1); /* not a folder */
  same_bits_again();
  setenv("XDG_CACHE_HOME", "/dev/null", 1);
  same_bits_again();
  char path[8192];
  memset(path, 'x', sizeof path);
  path[0] = '/', path[sizeof path - 1] = '\0';
  setenv("XDG_CACHE_HOME", path, 1); /* too long */
  same_bits_again();
  unsetenv("XDG_CACHE_HOME");
  unsetenv("HOME");
  same_bits_again();
}

/* A relative XDG_CACHE_HOME is to be ignored; the home folder then has the cache. */
static void the_home_folder(void **state)
{
  (void)state;
  setenv("XDG_CACHE_HOME", "relative", 1);
  setenv("HOME", mn_test_dir, 1);
  same_bits_again();
  assert_true(size_of(mn_test_path(".cache/minnorm/fftw-single.wisdom")) > 0);
  assert_int_equal(size_of("relative"), -1);
}

static mn_status open_and_close(void *arg, mn_error *err)
{
  (void)arg;
  mn_fft *fft;
  mn_status st = mn_fft_open(20, 28, &fft, err);
  mn_fft_close(&fft);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  fftwf_forget_wisdom();
  setenv("XDG_CACHE_HOME", mn_test_path("allocations"), 1);
  mn_test_every_allocation(open_and_close, NULL);
  assert_true(size_of(mn_test_path("allocations/minnorm/fftw-single.wisdom")) > 0);
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
      cmocka_unit_test(transforms_are_what_they_should_be),
      cmocka_unit_test(impulses_and_scaling),
      cmocka_unit_test(threads_share_a_plan),
      cmocka_unit_test(sizes_that_cannot_be),
      cmocka_unit_test(wisdom_is_kept_and_used),
      cmocka_unit_test(a_damaged_file_is_replaced),
      cmocka_unit_test(no_file_is_no_error),
      cmocka_unit_test(the_home_folder),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("fft", tests, set_up, mn_test_dir_close);
}
