/* What gnuplot draws, read back by an XML parser and libpng. */
#define _GNU_SOURCE
#include "minnorm/plot.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plot_support.h"
#include "support.h"

static void one_panel(void **state)
{
  (void)state;
  const char *path = mn_test_path("one.svg");
  draw(path, 1, panels, 1);
  const char *found = parse(path);
  assert_has(found, "size 720 ");
  assert_has(found, "marks 5\n");  /* four and the key's; none for the plain line */
  assert_has(found, "starts 2\n"); /* one line and the key's */
  assert_has(found, "fill #ffffff\n");
  const char *const texts[] = {"[First]", "[n]", "[error]", "[test error]", "[training error]", "[1000]", "[50000]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_has(found, texts[i]);
}

static void several_panels(void **state)
{
  (void)state;
  const char *path = mn_test_path("several.svg");
  draw(path, 2, panels, 2);
  const char *found = parse(path);
  assert_has(found, "size 1120 ");
  assert_has(found, "marks 9\n");
  draw(path, 2, panels, 1);
  assert_has(parse(path), "size 560 ");
  draw(path, 4, panels, 2);
  found = parse(path);
  assert_has(found, "size 1120 ");
  assert_has(found, "[First]");
  assert_has(found, "[Second]");
  assert_has(found, "[Third]");
  assert_has(found, "[Fourth]");
  draw(path, 3, panels, 100);
  assert_has(parse(path), "size 1680 ");
}

static void pixels(void **state)
{
  (void)state;
  const char *path = mn_test_path("one.png");
  png_image image = {.version = PNG_IMAGE_VERSION};
  size_t blue = 0, orange = 0;
  draw(path, 1, panels, 1);
  assert_int_not_equal(png_image_begin_read_from_file(&image, path), 0);
  assert_int_equal(image.width, 1440);
  image.format = PNG_FORMAT_RGB;
  unsigned char *rgb = malloc(PNG_IMAGE_SIZE(image));
  assert_non_null(rgb);
  assert_int_not_equal(png_image_finish_read(&image, NULL, rgb, 0, NULL), 0);
  for (size_t i = 0; i < (size_t)image.width * image.height; i++) {
    blue += !memcmp(rgb + 3 * i, (unsigned char[]){0x00, 0x72, 0xb2}, 3);
    orange += !memcmp(rgb + 3 * i, (unsigned char[]){0xd5, 0x5e, 0x00}, 3);
  }
  assert_memory_equal(rgb, "\xff\xff\xff", 3);
  assert_true(blue > 1000);
  assert_true(orange > 1000);
  free(rgb);
}

/* Draws one series, and gives what the parser finds. */
static const char *draw_series(mn_plot_style style, size_t count, const double *x, const double *y, int log_x,
                               int log_y)
{
  const char *path = mn_test_path("series.svg");
  const mn_plot_series series = {"series", style, count, x, y};
  const mn_plot_axes axes = {NULL, NULL, NULL, log_x, log_y, 1, &series};
  draw(path, 1, &axes, 1);
  return parse(path);
}

static void lines_break_where_points_are_left_out(void **state)
{
  (void)state;
  const double x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const double gaps[9] = {1, 2, NAN, INFINITY, 3, 4, -INFINITY, 1, 2};
  const double alone[9] = {1, 2, NAN, 3, NAN, NAN, 4, 2, NAN}, sign[9] = {1, 2, 0, 3, 4, -1, 1, 1, 1};
  assert_has(draw_series(MN_PLOT_LINE, 9, x, gaps, 0, 0), "starts 4\n");
  assert_has(draw_series(MN_PLOT_LINE_POINTS, 9, x, gaps, 0, 0), "marks 7\n"); /* six and the key's */
  assert_has(draw_series(MN_PLOT_LINE, 9, gaps, x, 0, 0), "starts 4\n");
  assert_has(draw_series(MN_PLOT_LINE, 9, x, alone, 0, 0), "marks 1\n");
  assert_has(draw_series(MN_PLOT_LINE, 9, x, sign, 0, 1), "starts 4\n");
  assert_has(draw_series(MN_PLOT_LINE, 9, sign, x, 1, 0), "starts 4\n");
  assert_has(draw_series(MN_PLOT_LINE, 9, x, sign, 1, 0), "starts 2\n"); /* these points are fine on a linear axis */
}

/* One point, none, one that is left out: a panel each, for every style. A line's point is marked, its key is not. */
static void few_points(void **state)
{
  (void)state;
  const char *path = mn_test_path("few.svg");
  const double one = 3, nan = NAN;
  for (int log = 0; log < 2; log++) {
    mn_plot_series series[9];
    mn_plot_axes axes[10] = {{.title = "Nothing", .log_x = log, .log_y = log}};
    for (size_t p = 0; p < 9; p++) {
      const double *x = p % 3 ? &nan : &one;
      series[p] = (mn_plot_series){"a series", (mn_plot_style)(p / 3), p % 3 != 1, x, &one};
      axes[1 + p] = (mn_plot_axes){.log_x = log, .log_y = log, .count = 1, .series = &series[p]};
    }
    draw(path, 10, axes, 4);
    const char *found = parse(path);
    assert_has(found, "marks 9\n"); /* three points, and in the keys two styles of three panels each */
    assert_has(found, "[Nothing]");
    size_t keys = 0;
    for (const char *at = found; (at = strstr(at, "[a series]")); at++) keys++;
    assert_int_equal(keys, 9);
  }
}

/* Both axes' labels of one panel: no two neighbours are equal, and there are enough. */
static void check_labels(const char *found)
{
  size_t labels = 0;
  for (const char *at = strchr(found, '['); at; at = strchr(at + 1, '[')) {
    const char *next = strchr(at + 1, '[');
    size_t length = strcspn(at, "\n");
    labels += length > 2;
    if (length > 2 && next && !strncmp(at, next, length + 1)) fail_msg("equal labels: %s", found);
  }
  if (labels < 11) fail_msg("too few labels: %s", found); /* in two panels three at least of x, two of y, and a title */
}

/* Ranges that could trouble gnuplot, on a linear and a logarithmic axis. */
static void extreme_values(void **state)
{
  (void)state;
  const double pairs[][2] = {
      {1e300, -1e300},       {1.7e308, -1.7e308}, {1.7e308, 1.6e308}, {5e-324, 5e-324}, {5e-324, 1e308}, {0, 0},
      {1, 1 + 2e-16},        {1e-300, 2e-300},    {-3, -3},           {2.1, 2.2},       {0.5, 0.51},     {1e-12, 1e-9},
      {99999999, 100000001}, {1e15, 1e15 + 1},    {1e-20, 0},         {1e-320, 2e-320}};
  const char *path = mn_test_path("extreme.svg");
  const double x[2] = {1e-40, 1e-30}; /* labels of their own kind */
  for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
    const mn_plot_series series = {NULL, MN_PLOT_LINE_POINTS, 2, x, pairs[p]};
    const mn_plot_axes axes[2] = {{"linear", NULL, NULL, 1, 0, 1, &series},
                                  {"logarithmic", NULL, NULL, 1, 1, 1, &series}};
    draw(path, 2, axes, 2);
    check_labels(parse(path));
  }
}

static void logarithmic_labels(void **state)
{
  (void)state;
  const double x[2] = {1e-12, 100}, y[2] = {2e5, 3e6};
  const char *found = draw_series(MN_PLOT_LINE, 2, x, y, 1, 1);
  const char *const texts[] = {"[10⁻¹²]", "[10⁻¹⁰]", "[0.01]", "[1]", "[100]", "[5×10⁵]", "[10⁶]", "[2×10⁶]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_has(found, texts[i]);
}

static void many_points(void **state)
{
  (void)state;
  enum { MANY = 100000 };
  double *x = malloc(MANY * sizeof *x), *y = malloc(MANY * sizeof *y);
  assert_non_null(x);
  assert_non_null(y);
  for (size_t i = 0; i < MANY; i++) {
    x[i] = (double)i;
    y[i] = sin(1e-3 * (double)i);
  }
  assert_has(draw_series(MN_PLOT_POINTS, MANY, x, y, 0, 0), "marks 100001\n");
  assert_has(draw_series(MN_PLOT_LINE, MANY, x, y, 0, 0), "marks 0\n");
  free(x);
  free(y);
}

/* 30 series: each is in the key, and all of the key is inside the picture. */
static void many_series(void **state)
{
  (void)state;
  mn_plot_series series[30];
  char titles[30][40], text[40];
  const char *path = mn_test_path("many.svg");
  for (int s = 0; s < 30; s++) {
    snprintf(titles[s], sizeof titles[s], "number %d of the series", s);
    series[s] = (mn_plot_series){titles[s], MN_PLOT_LINE_POINTS, 4, n_train, errors};
  }
  draw(path, 1, &(mn_plot_axes){.count = 30, .series = series}, 1);
  const char *found = parse(path);
  assert_has(found, "marks 150\n");
  for (int s = 0; s < 30; s++) {
    snprintf(text, sizeof text, "[number %d of the series]", s);
    assert_has(found, text);
  }
}

/* ---- text is data */

static void text_is_taken_literally(void **state)
{
  (void)state;
  static const struct {
    const char *given, *found;
  } texts[] = {
      {"it's 'quoted' \"twice\"", "[it's 'quoted' \"twice\"]"},
      {"'; set output 'pwned'; print 'x", "['; set output 'pwned'; print 'x]"},
      {"`touch pwned` $(touch pwned) @x", "[`touch pwned` $(touch pwned) @x]"},
      {"a_1^2 {/Bold b} \\n %s %d &{x}", "[a_1^2 {/Bold b} \\n %s %d &{x}]"},
      {"<b> & &amp; &#1; </text> ]]>", "[<b> & &amp; &#1; </text> ]] >]"},
      {"ends in \\", "[ends in \\]"},
      {"'", "[']"},
      {"# no comment", "[# no comment]"},
      {"line\nsystem('touch pwned')\r\tx\x01\x7f", "[line system('touch pwned')  x]"},
      {"\xc3\xa9\xe2\x80\x96\xf0\x9d\x91\xa4", "[\xc3\xa9\xe2\x80\x96\xf0\x9d\x91\xa4]"},
      {"caf\xe9 \xe0\x80\x80 \xed\xa0\x80 \xc0\xaf \xf5 \xf4\x90\x80\x80 \xe2\x80", "[caf? ??? ??? ?? ? ???? ??]"},
      {"\xc2\x85x\xe2\x80\xa8x\xef\xbf\xbf.", "[x x .]"},
  };
  enum { TEXTS = sizeof texts / sizeof *texts };
  const char *path = mn_test_path("text.svg");
  mn_plot_series series[TEXTS];
  mn_plot_axes axes[TEXTS];
  char folder[512];
  for (size_t t = 0; t < TEXTS; t++) {
    const char *text = texts[t].given;
    series[t] = (mn_plot_series){text, MN_PLOT_LINE, 4, n_train, errors};
    axes[t] = (mn_plot_axes){text, text, text, 0, 0, 1, &series[t]};
  }
  assert_non_null(getcwd(folder, sizeof folder));
  assert_int_equal(chdir(mn_test_dir), 0); /* where a command that got through would leave its file */
  draw(path, TEXTS, axes, 3);
  assert_int_equal(access("pwned", F_OK), -1);
  assert_int_equal(chdir(folder), 0);
  const char *found = parse(path);
  for (size_t t = 0; t < TEXTS; t++) {
    int times = 0;
    for (const char *at = found; (at = strstr(at, texts[t].found)); at++) times++;
    if (times != 4) fail_msg("%s found %d times, not 4, in %s", texts[t].found, times, found);
  }
}

static void long_titles(void **state)
{
  (void)state;
  static char title[20001];
  memset(title, '\'', sizeof title - 1);
  const mn_plot_series series = {title, MN_PLOT_LINE, 4, n_train, errors};
  const char *path = mn_test_path("long.svg");
  draw(path, 1, &(mn_plot_axes){title, title, title, 0, 0, 1, &series}, 1);
  size_t bytes, quotes = 0;
  char *text = read_all(path, &bytes);
  for (size_t i = 0; i < bytes; i++) quotes += text[i] == '\'';
  assert_true(quotes >= 4 * (sizeof title - 1));
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_panel),
      cmocka_unit_test(several_panels),
      cmocka_unit_test(pixels),
      cmocka_unit_test(lines_break_where_points_are_left_out),
      cmocka_unit_test(few_points),
      cmocka_unit_test(extreme_values),
      cmocka_unit_test(logarithmic_labels),
      cmocka_unit_test(many_points),
      cmocka_unit_test(many_series),
      cmocka_unit_test(text_is_taken_literally),
      cmocka_unit_test(long_titles),
  };
  return cmocka_run_group_tests_name("plot", tests, mn_test_dir_open, mn_test_dir_close);
}
