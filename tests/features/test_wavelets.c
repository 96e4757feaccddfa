/* The wavelet maps against direct sums with wavelets made in space, and by their properties. */
#define _XOPEN_SOURCE 700
#include <float.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "features/wavelets.h"
#include "support.h"
#include "wavelet_oracle.h"

static const double pi = 3.14159265358979323846;

static mn_features_options options_of(mn_features_name name, int scales, int orientations, int pooling)
{
  mn_features_options o = mn_features_default(name);
  o.scales = scales;
  o.orientations = orientations;
  o.pooling = pooling;
  return o;
}

static mn_features *opened(const mn_features_options *o, const oracle_images *images)
{
  mn_features *f;
  mn_error err = {0};
  if (mn_features_open(o, &images->samples, NULL, &f, &err)) fail_msg("%s", err.text);
  return f;
}

/* All features of all images, n x dim; released with free. */
static float *computed(const mn_features *f, const oracle_images *images)
{
  size_t n = images->samples.n, dim = mn_features_dim(f);
  float *out = malloc(n * dim * sizeof *out);
  mn_error err = {0};
  assert_non_null(out);
  if (mn_features_compute(f, &images->samples, 0, n, 0, mn_features_groups(f), NULL, out, dim, &err))
    fail_msg("%s", err.text);
  return out;
}

static float *features_of(const mn_features_options *o, const oracle_images *images, size_t *dim)
{
  mn_features *f = opened(o, images);
  float *out = computed(f, images);
  *dim = mn_features_dim(f);
  mn_features_close(&f);
  return out;
}

/* ---- the oracle */

static void check(mn_features_options o, size_t channels, size_t height, size_t width)
{
  enum { N = 2 };
  oracle_images images = oracle_images_open(N, channels, height, width, (uint64_t)o.scales);
  size_t dim, expected_dim;
  float *out = features_of(&o, &images, &dim);
  for (size_t i = 0; i < N; i++) {
    const float *image = (const float *)images.data->x + i * images.data->dim;
    double *expected = oracle_features(&o, channels, height, width, image, &expected_dim);
    assert_int_equal(dim, expected_dim);
    for (size_t k = 0; k < dim; k++)
      if (!(fabs(out[i * dim + k] - expected[k]) <= 1e-6))
        fail_msg("%s, J %d, L %d, pooling %d, %zu x %zu x %zu: feature %zu is %.9g, not %.9g",
                 mn_features_string(o.name), o.scales, o.orientations, o.pooling, channels, height, width, k,
                 (double)out[i * dim + k], expected[k]);
    free(expected);
  }
  free(out);
  oracle_images_close(&images);
}

static void features_are_direct_sums(void **state)
{
  (void)state;
  const mn_features_name gabor = MN_FEATURES_GABOR, scattering = MN_FEATURES_SCATTERING;
  check(options_of(gabor, 2, 4, 1), 1, 13, 11);
  check(options_of(scattering, 2, 3, 1), 1, 13, 11);
  check(options_of(scattering, 3, 2, 2), 3, 8, 8);
  check(options_of(gabor, 1, 1, 0), 1, 7, 5);
  check(options_of(gabor, 1, 5, 3), 2, 9, 15);
  check(options_of(gabor, 2, 2, 2), 1, 1, 21);
  check(options_of(gabor, 2, 2, 1), 1, 40, 3);
  check(options_of(scattering, 2, 2, 0), 1, 6, 14);
  check(options_of(gabor, 3, 8, 1), 1, 28, 28);
  check(options_of(gabor, 2, 2, 1), 1, 40, 72); /* the weights of the low-pass are fewer than the pixels of a side */
  mn_features_options o = options_of(gabor, 2, 4, 1);
  o.slant = 2.5;
  check(o, 1, 16, 12);
  o.slant = 0.25;
  check(o, 1, 16, 12);
}

static void dimensions(void **state)
{
  (void)state;
  const mn_features_name gabor = MN_FEATURES_GABOR, scattering = MN_FEATURES_SCATTERING;
  const struct {
    mn_features_options options;
    size_t dim;
  } rows[] = {{mn_features_default(gabor), 6400},
              {mn_features_default(scattering), 13888},
              {options_of(gabor, 2, 8, 1), 4352},
              {options_of(gabor, 3, 8, 2), 1600},
              {options_of(scattering, 2, 8, 2), 5184}};
  oracle_images images = oracle_images_open(1, 1, 28, 28, 1), colour = oracle_images_open(1, 3, 32, 32, 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mn_features *f = opened(&rows[i].options, &images), *three = opened(&rows[i].options, &colour);
    assert_int_equal(mn_features_dim(f), rows[i].dim);
    assert_int_equal(mn_features_dim(three), 3 * rows[i].dim);
    assert_int_equal(mn_features_groups(f), 1 + rows[i].options.scales * 8);
    assert_int_equal(mn_features_groups(three), 1 + rows[i].options.scales * 8);
    assert_true(mn_features_flops(three) == 3 * mn_features_flops(f) && mn_features_flops(f) > 1e6);
    assert_string_equal(mn_features_engine(f), "");
    mn_features_close(&f);
    mn_features_close(&three);
  }
  oracle_images_close(&images);
  oracle_images_close(&colour);
}

/* ---- the bank */

enum { SIDE = 32 };

static float *bank_wave(const mn_features_options *o, int j, int l)
{
  float *out = malloc(SIDE * SIDE * sizeof *out);
  assert_non_null(out);
  mn_wavelet_transform(o, j, l, SIDE, SIDE, 1, out);
  return out;
}

/* Half the sum over the wavelets of |psi(w)|^2 + |psi(-w)|^2, for real images, with the square of the low-pass: how
 * much of the energy at w survives. The bounds are those of this bank with some room; a wavelet that is missing, or has
 * another width, direction or height, breaks them. */
static void energy(void **state)
{
  (void)state;
  for (int orientations = 4; orientations <= 8; orientations *= 2) {
    mn_features_options o = options_of(MN_FEATURES_GABOR, 3, orientations, 3);
    mn_envelope phi = {mn_lowpass_sigma(2), 0, 1};
    double least = INFINITY, most = 0, sums[SIDE * SIDE] = {0};
    for (int p = 0; p < 3 * orientations; p++) {
      float *w = bank_wave(&o, p / orientations, p % orientations);
      assert_true(w[0] == 0);
      for (size_t k = 0; k < SIDE * SIDE; k++) {
        size_t minus = (SIDE - k / SIDE) % SIDE * SIDE + (SIDE - k % SIDE) % SIDE;
        sums[k] += 0.5 * w[k] * w[k];
        sums[minus] += 0.5 * w[k] * w[k];
      }
      free(w);
    }
    for (size_t k = 0; k < SIDE * SIDE; k++) {
      double down = 2 * pi * (double)(k / SIDE) / SIDE, right = 2 * pi * (double)(k % SIDE) / SIDE;
      double low = mn_gabor_transform(&phi, 0, down, right), sum = sums[k] + low * low;
      double y = fmin(down, 2 * pi - down), x = fmin(right, 2 * pi - right);
      if (y * y + x * x > pi * pi) continue; /* the corners are covered less */
      least = fmin(least, sum);
      most = fmax(most, sum);
    }
    assert_true(least >= 0.3 && most <= 1.05);
  }
}

/* A quarter turn of the plane maps each wavelet on the one L / 2 further; so does exchanging the axes, on l -> L / 2 -
 * l. psi at the angle pi is psi at 0, conjugate: its transform turned by half. */
static void rotation_of_the_bank(void **state)
{
  (void)state;
  mn_features_options o = options_of(MN_FEATURES_GABOR, 3, 8, 1);
  for (int j = 0; j < 3; j++)
    for (int l = 0; l < 4; l++) {
      float *w = bank_wave(&o, j, l), *turned = bank_wave(&o, j, l + 4), *mirrored = bank_wave(&o, j, 4 - l);
      for (size_t r = 0; r < SIDE; r++)
        for (size_t c = 0; c < SIDE; c++) {
          /* (down, right) -> (-right, down) */
          mn_test_close(turned[(SIDE - c) % SIDE * SIDE + r], w[r * SIDE + c], 1e-6);
          mn_test_close(mirrored[c * SIDE + r], w[r * SIDE + c], 1e-6);
        }
      free(w), free(turned), free(mirrored);
    }
}

/* The wavelets in the bank have the transforms of those sampled in space. */
static void wavelets_peak_at_their_frequency(void **state)
{
  (void)state;
  mn_features_options o = options_of(MN_FEATURES_GABOR, 3, 8, 1);
  for (int j = 0; j < 3; j++) {
    float *w = bank_wave(&o, j, 0);
    size_t peak = 0;
    for (size_t k = 0; k < SIDE * SIDE; k++)
      if (w[k] > w[peak]) peak = k;
    assert_int_equal(peak % SIDE, 0); /* orientation 0 points down */
    assert_true(fabs(2 * pi * (double)(peak / SIDE) / SIDE - 0.75 * pi / (1 << j)) <= 0.35 / (1 << j) + pi / SIDE);
    free(w);
  }
}

/* ---- features under changes of the image */

/* Compares features of images 0 and 1, feature k with feature to[k]. */
static void check_pair(const mn_features_options *o, const oracle_images *images, const size_t *to, double tolerance)
{
  size_t dim;
  float *out = features_of(o, images, &dim);
  double most = 0;
  for (size_t k = 0; k < dim; k++) {
    mn_test_close(out[dim + to[k]], out[k], tolerance);
    most = fmax(most, fabs(out[k] - out[dim + k]));
  }
  assert_true(most > 1e-2); /* the images differ */
  free(out);
}

/* Moving an image by whole strides, around the border, moves its features by as many. */
static void translation(void **state)
{
  (void)state;
  for (int name = MN_FEATURES_GABOR; name <= MN_FEATURES_SCATTERING; name++)
    for (int pooling = 0; pooling <= 2; pooling++) {
      mn_features_options o = options_of((mn_features_name)name, 2, 4, pooling);
      oracle_images images = oracle_images_open(2, 1, SIDE, SIDE, 7);
      float *x = images.data->x;
      size_t side = SIDE >> pooling, step = (size_t)1 << pooling,
             dim = side * side * (name == MN_FEATURES_GABOR ? 9 : 25);
      size_t *to = malloc(dim * sizeof *to);
      for (size_t k = 0; k < SIDE * SIDE; k++)
        x[SIDE * SIDE + (k / SIDE + 3 * step) % SIDE * SIDE + (k % SIDE + 5 * step) % SIDE] = x[k];
      for (size_t k = 0; k < dim; k++) {
        size_t within = k % (side * side);
        to[k] = k - within + (within / side + 3) % side * side + (within % side + 5) % side;
      }
      check_pair(&o, &images, to, 1e-6);
      free(to);
      oracle_images_close(&images);
    }
}

/* A quarter turn of an image around its origin turns the features, and adds L / 2 to the orientation. */
static void rotation(void **state)
{
  (void)state;
  enum { L = 4, OUT = SIDE / 2, AREA = OUT * OUT, DIM = (1 + 2 * L) * AREA };
  mn_features_options o = options_of(MN_FEATURES_GABOR, 2, L, 1);
  oracle_images images = oracle_images_open(2, 1, SIDE, SIDE, 9);
  float *x = images.data->x;
  size_t to[DIM];
  for (size_t k = 0; k < SIDE * SIDE; k++) x[SIDE * SIDE + (SIDE - k % SIDE) % SIDE * SIDE + k / SIDE] = x[k];
  for (size_t k = 0; k < DIM; k++) {
    size_t path = k / AREA, r = k % AREA / OUT, c = k % OUT;
    if (path) path = 1 + (path - 1) / L * L + ((path - 1) % L + L / 2) % L;
    to[k] = path * AREA + (OUT - c) % OUT * OUT + r;
  }
  check_pair(&o, &images, to, 1e-6);
  oracle_images_close(&images);
}

/* Twice the image, exactly twice the features; minus the image, the same moduli. */
static void scaling_is_exact(void **state)
{
  (void)state;
  enum { H = 13, W = 19, N = 3 };
  for (int name = MN_FEATURES_GABOR; name <= MN_FEATURES_SCATTERING; name++) {
    mn_features_options o = options_of((mn_features_name)name, 2, 3, 1);
    oracle_images images = oracle_images_open(N, 1, H, W, 3);
    float *x = images.data->x;
    for (size_t k = 0; k < H * W; k++) x[H * W + k] = 2 * x[k], x[2 * H * W + k] = -x[k];
    mn_features *f = opened(&o, &images);
    size_t dim = mn_features_dim(f), low = mn_features_begin(f, 1);
    float *out = computed(f, &images);
    for (size_t k = 0; k < dim; k++) {
      assert_true(out[dim + k] == 2 * out[k]);
      assert_true(out[2 * dim + k] == (k < low ? -out[k] : out[k]));
      assert_true(k < low || out[k] > 0);
    }
    free(out);
    mn_features_close(&f);
    oracle_images_close(&images);
  }
}

/* Wavelets have mean 0: a constant has features of order 0 only; no border of zeros here. */
static void constant_images(void **state)
{
  (void)state;
  oracle_images images = oracle_images_open(2, 1, SIDE, SIDE, 3);
  float *x = images.data->x;
  for (size_t k = 0; k < SIDE * SIDE; k++) x[k] = 3, x[SIDE * SIDE + k] = 0;
  for (int name = MN_FEATURES_GABOR; name <= MN_FEATURES_SCATTERING; name++) {
    mn_features_options o = mn_features_default((mn_features_name)name);
    mn_features *f = opened(&o, &images);
    float *out = computed(f, &images);
    for (size_t k = 0; k < mn_features_dim(f); k++) {
      mn_test_close(out[k], k < mn_features_begin(f, 1) ? 3 : 0, 1e-5);
      assert_true(out[mn_features_dim(f) + k] == 0);
    }
    free(out);
    mn_features_close(&f);
  }
  oracle_images_close(&images);
}

/* ---- loops */

/* Each instruction set against sums in double precision, for sides that its registers do not divide. */
static void check_loops(const mn_wavelet_loops *loops, size_t height, size_t width, int pooling)
{
  size_t n = height * width;
  mn_random r = mn_random_open(1, MN_STREAM_TEST, n);
  mn_lowpass l;
  assert_int_equal(mn_lowpass_open(height, width, pooling, &l, NULL), MN_OK);
  float *z = malloc(2 * n * sizeof *z), *f = malloc(n * sizeof *f), *product = malloc(2 * n * sizeof *product);
  float *u = calloc(n + MN_LOWPASS_BLOCK, sizeof *u), *scratch = malloc(l.out_height * l.ld * sizeof *scratch);
  float *out = malloc(l.out_height * l.out_width * sizeof *out);
  for (size_t k = 0; k < 2 * n; k++) z[k] = (float)mn_random_normal(&r);
  for (size_t k = 0; k < n; k++) f[k] = (float)mn_random_uniform(&r);
  loops->multiply(n, z, f, product);
  for (size_t k = 0; k < 2 * n; k++) assert_true(product[k] == z[k] * f[k / 2]);
  loops->modulus(n, z, u);
  for (size_t k = 0; k < n; k++) mn_test_close(u[k], hypot(z[2 * k], z[2 * k + 1]), 3e-7);
  loops->lowpass(&l, u, scratch, out);
  for (size_t y = 0; y < l.out_height; y++)
    for (size_t x = 0; x < l.out_width; x++) {
      double sum = 0, sigma = 0.8 * (double)l.step;
      for (size_t k = 0; k < n; k++)
        sum += u[k] * mn_lowpass_weight(sigma, height, (double)(y * l.step) - (double)(k / width)) *
               mn_lowpass_weight(sigma, width, (double)(x * l.step) - (double)(k % width));
      mn_test_close(out[y * l.out_width + x], sum, 1e-6);
    }
  free(z), free(f), free(product), free(u), free(scratch), free(out);
  mn_lowpass_close(&l);
}

static void every_level(void **state)
{
  (void)state;
  const mn_wavelet_loops *levels[] = {
    &mn_wavelet_loops_base,
#if MN_X86_LEVELS
    mn_cpu_runs(MN_CPU_AVX2) ? &mn_wavelet_loops_avx2 : NULL,
#endif
  };
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    if (!levels[i]) continue;
    check_loops(levels[i], 32, 32, 1);
    check_loops(levels[i], 32, 32, 2);
    check_loops(levels[i], 2, 2, 1);
    check_loops(levels[i], 2, 2, 0);
    check_loops(levels[i], 14, 22, 1);
    check_loops(levels[i], 36, 44, 2);
    check_loops(levels[i], 10, 38, 0);
    check_loops(levels[i], 8, 72, 3);
  }
}

/* ---- the picture */

static unsigned char *drawn(const mn_features *f, png_image *image)
{
  mn_error err = {0};
  const char *path = mn_test_path("bank.png");
  if (mn_features_draw(f, path, &err)) fail_msg("%s", err.text);
  *image = (png_image){.version = PNG_IMAGE_VERSION};
  assert_true(png_image_begin_read_from_file(image, path));
  assert_true(PNG_IMAGE_PIXEL_CHANNELS(image->format) == 1);
  unsigned char *pixels = malloc(PNG_IMAGE_SIZE(*image));
  assert_true(png_image_finish_read(image, NULL, pixels, 0, NULL));
  return pixels;
}

/* Grey level of pixel (y, x) of a picture of side x side, the origin in the middle. */
static int pixel(const png_image *image, const unsigned char *pixels, size_t side, size_t row, size_t col, size_t y,
                 size_t x)
{
  return pixels[(row * (side + 2) + y) * image->width + col * (side + 2) + x];
}

static void the_bank_can_be_drawn(void **state)
{
  (void)state;
  for (int l = 1; l <= 4; l += 3) {
    mn_features_options o = options_of(MN_FEATURES_SCATTERING, 2, l, 1);
    oracle_images images = oracle_images_open(1, 3, 14, 16, 3);
    png_image image;
    mn_features *f = opened(&o, &images);
    unsigned char *pixels = drawn(f, &image);
    assert_int_equal(image.width, (size_t)l * 18 - 2);
    assert_int_equal(image.height, (l == 1 ? 6 : 5) * 18 - 2);
    for (size_t j = 0; j < 2; j++)
      for (size_t k = 0; k < (size_t)l; k++) {
        assert_int_equal(pixel(&image, pixels, 16, 2 * j, k, 8, 8), 255);   /* Re psi is largest at the origin */
        assert_int_equal(pixel(&image, pixels, 16, 2 * j + 1, k, 8, 8), 0); /* psi has mean 0 */
      }
    /* orientation 0 points down: its transform is bright below the middle (3 pi / 8 is 3 pixels), not beside it */
    assert_int_equal(pixel(&image, pixels, 16, 3, 0, 11, 8), 255);
    assert_true(pixel(&image, pixels, 16, 3, 0, 8, 11) < 128 && pixel(&image, pixels, 16, 3, 0, 5, 8) < 128);
    assert_int_equal(pixel(&image, pixels, 16, 4, 0, 8, 8), 255); /* the low-pass, and its transform */
    assert_int_equal(l == 1 ? pixel(&image, pixels, 16, 5, 0, 8, 8) : pixel(&image, pixels, 16, 4, 1, 8, 8), 255);
    free(pixels);
    mn_error err;
    assert_int_equal(mn_features_draw(f, mn_test_path("no/folder.png"), &err), MN_ERR_IO);
    mn_features_close(&f);
    oracle_images_close(&images);
  }
}

static mn_status draw(void *arg, mn_error *err)
{
  return mn_features_draw(arg, mn_test_path("bank.png"), err);
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_features_options o = options_of(MN_FEATURES_GABOR, 1, 2, 1);
  oracle_images images = oracle_images_open(1, 1, 8, 8, 3);
  mn_features *f = opened(&o, &images);
  mn_test_every_allocation(draw, f);
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
      cmocka_unit_test(features_are_direct_sums),
      cmocka_unit_test(dimensions),
      cmocka_unit_test(energy),
      cmocka_unit_test(rotation_of_the_bank),
      cmocka_unit_test(wavelets_peak_at_their_frequency),
      cmocka_unit_test(translation),
      cmocka_unit_test(rotation),
      cmocka_unit_test(scaling_is_exact),
      cmocka_unit_test(constant_images),
      cmocka_unit_test(every_level),
      cmocka_unit_test(the_bank_can_be_drawn),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("wavelets", tests, set_up, mn_test_dir_close);
}
