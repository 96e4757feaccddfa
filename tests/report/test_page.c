/* Pages: what is text stays text, tables have their cells in order, pictures their points in the frame; files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/page.h"
#include "support.h"

static char *written(const mn_page *page)
{
  mn_error err = {0};
  const char *path = mn_test_path("page.html");
  if (mn_page_write(page, path, &err)) fail_msg("%s", err.text);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *text = calloc(1, 1 << 20);
  assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
  fclose(file);
  return text;
}

static size_t count_of(const char *text, const char *what)
{
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) count++;
  return count;
}

static mn_page *opened(const char *title)
{
  mn_page *page;
  assert_int_equal(mn_page_open(title, &page, NULL), MN_OK);
  return page;
}

/* Nothing that is added as text becomes markup, wherever it stands. */
static void text_is_taken_literally(void **state)
{
  (void)state;
  const char *bad = "</script><b title=\"x\" id='y'>&\x01\xff", *good = "&lt;/script&gt;&lt;b title=&quot;x&quot; "
                                                                        "id=&#39;y&#39;&gt;&amp; ?";
  const char *names[] = {bad, bad};
  const mn_page_cell cells[] = {{bad, NAN}, {bad, 1}};
  const double one = 1;
  const mn_page_series series = {bad, 1, &one, &one, &bad};
  mn_page *page = opened(bad);
  mn_page_heading(page, bad);
  mn_page_paragraph(page, bad);
  mn_page_table(page, bad, 2, names, 1, cells);
  mn_page_points(page, &(mn_page_scatter){bad, bad, bad, 0, 0, 1, &series});
  mn_page_paragraph(page, NULL);
  char *text = written(page);
  assert_int_equal(count_of(text, good), 14);
  assert_int_equal(count_of(text, "<b"), count_of(text, "<body") + count_of(text, "<button"));
  assert_int_equal(count_of(text, "</script>"), 1);
  assert_int_equal(count_of(text, "http"), 0); /* nothing is fetched */
  assert_non_null(strstr(text, "<p></p>"));
  free(text);
  mn_page_close(&page);
  mn_page_close(&page); /* NULL is fine */
}

static void tables_have_their_cells(void **state)
{
  (void)state;
  const char *names[] = {"model", "norm"};
  const mn_page_cell cells[] = {{"pixels", NAN}, {"1.5 M", 1.5e6}, {"gabor", NAN}, {"-", NAN}};
  mn_page *page = opened("t");
  mn_page_table(page, "all", 2, names, 2, cells);
  char *text = written(page);
  assert_non_null(strstr(text, "<caption>all</caption>"));
  assert_non_null(strstr(text, "<tr><th scope=\"row\">pixels</th><td data-v=\"1500000\">1.5 M</td></tr>\n"
                               "<tr><th scope=\"row\">gabor</th><td>-</td></tr>\n"));
  assert_int_equal(count_of(text, "<button>"), 2);
  free(text);
  mn_page_close(&page);
}

/* Where the marks of a picture begin; their number. */
static size_t marks(const char *text, size_t most, double *x, double *y)
{
  size_t count = 0;
  for (const char *at = text; count < most && (at = strstr(at, "class=\"p\"")); count++)
    assert_int_equal(sscanf(at = strstr(at, " d=\""), " d=\"M%lf %lf", &x[count], &y[count]), 2);
  return count;
}

static void points_are_where_their_numbers_are(void **state)
{
  (void)state;
  for (int code = 0; code < 4; code++) {
    int log_x = code % 2, log_y = code / 2;
    const double a[] = {1, 10, 100, NAN, 1000}, b[] = {5, 50, 500, 5, INFINITY}, c[] = {-1, 3}, d[] = {2, 0};
    const char *names[] = {"first", "second", "third", "fourth", "fifth"};
    const mn_page_series series[] = {{"one", 5, a, b, names}, {NULL, 2, c, d, names}};
    mn_page *page = opened("t");
    mn_page_points(page, &(mn_page_scatter){"c", "x", "y", log_x, log_y, 2, series});
    char *text = written(page);
    double x[9], y[9];
    size_t count = marks(text, 9, x, y), extra = (size_t)(!log_x) + (size_t)(!log_y);
    assert_int_equal(count, 3 + extra);
    assert_int_equal(count_of(text, "<title>"), 1 + count); /* the page's, and one a point */
    for (size_t i = 0; i < count; i++) assert_true(x[i] > 64 && x[i] < 700 && y[i] > 12 && y[i] < 368);
    assert_true(x[0] < x[1] && x[1] < x[2] && y[0] > y[1] && y[1] > y[2]);
    /* the middle of a geometric progression is in the middle of a logarithmic axis, and near the end of another */
    mn_test_close((x[1] - x[0]) / (x[2] - x[0]), log_x ? 0.5 : 1.0 / 11, 1e-2);
    mn_test_close((y[1] - y[0]) / (y[2] - y[0]), log_y ? 0.5 : 1.0 / 11, 1e-2);
    free(text);
    mn_page_close(&page);
  }
}

/* Ticks are round, some, and not too many, whatever the span; no points and a single one have a picture too. */
static void ticks_for_every_span(void **state)
{
  (void)state;
  const char *names[] = {"a", "b"};
  enum { SPANS = 11 };
  for (int code = 0; code < 2 * SPANS; code++) {
    static const double spans[SPANS][2] = {
        {0, 1},        {0.97, 1},       {-3, 7e5},   {1e-9, 2e-9}, {5, 5}, {5, 5 + 1e-15}, {-0.3 - 1e-16, -0.3},
        {1e-12, 1e12}, {1e-300, 1e300}, {0.1, 0.35}, {-2, -1}};
    const double *v = spans[code % SPANS], y[] = {1, 2};
    const mn_page_series series = {"s", 2, v, y, names};
    mn_page *page = opened("t");
    mn_page_points(page, &(mn_page_scatter){"c", "x", "y", code / SPANS, 0, 1, &series});
    char *text = written(page);
    size_t count = count_of(text, "V368\"/>");
    int none = code / SPANS && (v[1] <= 0 || v[1] - v[0] < 1e-9 * v[0]);
    if (!none) assert_in_range(count, 1, 24);
    assert_int_equal(count_of(text, "nan") + count_of(text, "inf,"), 0);
    free(text);
    mn_page_close(&page);
  }
  mn_page *page = opened("t");
  mn_page_points(page, &(mn_page_scatter){"c", "x", "y", 0, 1, 0, NULL});
  free(written(page));
  mn_page_close(&page);
}

static void files(void **state)
{
  (void)state;
  mn_page *page = opened("t");
  mn_error err;
  mn_page_paragraph(page, "text");
  char *first = written(page), *second = written(page);
  assert_string_equal(first, second);
  free(first), free(second);
  assert_int_equal(mn_page_write(page, mn_test_path("no/folder.html"), &err), MN_ERR_IO);
  mn_page_close(&page);
}

static mn_status make_page(void *arg, mn_error *err)
{
  (void)arg;
  const char *name = "a point";
  const double one = 1;
  const mn_page_series series = {"s", 1, &one, &one, &name};
  mn_page *page;
  mn_status st = mn_page_open("title", &page, err);
  if (st) return st;
  for (int i = 0; i < 40; i++) mn_page_points(page, &(mn_page_scatter){"c", "x", "y", 0, 0, 1, &series});
  st = mn_page_write(page, mn_test_path("page.html"), err);
  mn_page_close(&page);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(make_page, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_is_taken_literally),
      cmocka_unit_test(tables_have_their_cells),
      cmocka_unit_test(points_are_where_their_numbers_are),
      cmocka_unit_test(ticks_for_every_span),
      cmocka_unit_test(files),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
