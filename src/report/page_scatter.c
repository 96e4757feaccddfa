/* Points of a page as inline SVG. */
#include <float.h>
#include <math.h>

#include "report/page.h"

/* The picture in its own units, which the page scales to its width: the frame that points are drawn in. */
enum { WIDTH = 720, HEIGHT = 420, LEFT = 64, RIGHT = 700, TOP = 12, BOTTOM = 368 };

/* Okabe & Ito 2008: told apart by all kinds of colour vision. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c"};
enum { COLOURS = sizeof colours / sizeof *colours, MARKS = 4 };

typedef struct {
  double least, most; /* of the numbers, or of their decimal logarithms */
  int logarithmic;
  double from, to; /* where these are in the picture */
} axis;

static double scaled(const axis *a, double v)
{
  return a->logarithmic ? log10(v) : v;
}

static double place(const axis *a, double v)
{
  return a->from + (scaled(a, v) - a->least) / (a->most - a->least) * (a->to - a->from);
}

static int is_drawn(const mn_page_scatter *s, double x, double y)
{
  return isfinite(x) && isfinite(y) && (!s->log_x || x > 0) && (!s->log_y || y > 0);
}

static void span(axis *a, double v)
{
  a->least = fmin(a->least, scaled(a, v));
  a->most = fmax(a->most, scaled(a, v));
}

/* A little more than the points, so that none is on the frame; of numbers that differ by rounding as of equal ones, for
 * no ticks are to be had between them. */
static void widen(axis *a)
{
  if (a->least > a->most) a->least = 0, a->most = 1;
  double width = a->most - a->least, size = fmax(fabs(a->least), fabs(a->most));
  double more = width > 1e-9 * size ? 0.04 * width : 0.05 * fmax(size, 1);
  a->least -= more, a->most += more;
}

static void find_axes(const mn_page_scatter *s, axis *x, axis *y)
{
  *x = (axis){DBL_MAX, -DBL_MAX, s->log_x, LEFT, RIGHT};
  *y = (axis){DBL_MAX, -DBL_MAX, s->log_y, BOTTOM, TOP};
  for (size_t k = 0; k < s->count; k++)
    for (size_t i = 0; i < s->series[k].count; i++) {
      if (!is_drawn(s, s->series[k].x[i], s->series[k].y[i])) continue;
      span(x, s->series[k].x[i]);
      span(y, s->series[k].y[i]);
    }
  widen(x), widen(y);
}

static void tick(mn_page *page, const axis *a, int across, double v)
{
  double at = place(a, v);
  if (across) {
    mn_plot_text_print(&page->text, "<path class=\"g\" d=\"M%.1f %dV%d\"/>", at, TOP, BOTTOM);
    mn_plot_text_print(&page->text, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>\n", at, BOTTOM + 16,
                       v);
  } else {
    mn_plot_text_print(&page->text, "<path class=\"g\" d=\"M%d %.1fH%d\"/>", LEFT, at, RIGHT);
    mn_plot_text_print(&page->text, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", LEFT - 6, at + 4, v);
  }
}

/* 1, 2 or 5 times a power of ten, about five of them. */
static void ticks_even(mn_page *page, const axis *a, int across)
{
  double rough = (a->most - a->least) / 5, power = pow(10, floor(log10(rough)));
  double step = power * (rough > 5 * power ? 10 : rough > 2 * power ? 5 : rough > power ? 2 : 1);
  for (double k = ceil(a->least / step); k * step <= a->most; k++) tick(page, a, across, k * step);
}

/* Powers of ten; of few of them 2 and 5 times these too; of many every second or third. */
static void ticks_logarithmic(mn_page *page, const axis *a, int across)
{
  double decades = a->most - a->least, every = ceil(decades / 8);
  for (double k = floor(a->least); k <= a->most; k += fmax(every, 1))
    for (int m = 1; m <= 5; m += m == 1 ? 1 : 3) {
      double v = (double)m * pow(10, k);
      if ((m == 1 || decades < 3) && log10(v) >= a->least && log10(v) <= a->most) tick(page, a, across, v);
    }
}

static void ticks(mn_page *page, const axis *a, int across)
{
  (a->logarithmic ? ticks_logarithmic : ticks_even)(page, a, across);
}

/* A disc, square, triangle or diamond of the same area about. */
static void mark(mn_page *page, size_t series, double x, double y)
{
  static const char *const shapes[MARKS] = {"m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", "m-4.5-4.5h9v9h-9z",
                                            "m0-6l5.8 10h-11.6z", "m0-6.3l6.3 6.3l-6.3 6.3l-6.3-6.3z"};
  mn_plot_text_print(&page->text, " fill=\"%s\" d=\"M%.1f %.1f%s\"", colours[series % COLOURS], x, y,
                     shapes[series % MARKS]);
}

static void point(mn_page *page, size_t series, double x, double y, const char *name)
{
  mn_page_raw(page, "<path class=\"p\" tabindex=\"0\"");
  mark(page, series, x, y);
  mn_page_raw(page, "><title>");
  mn_page_escape(page, name);
  mn_page_raw(page, "</title></path>\n");
}

static void labels(mn_page *page, const mn_page_scatter *s)
{
  mn_plot_text_print(&page->text, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2, BOTTOM + 38);
  mn_page_escape(page, s->x_label);
  mn_plot_text_print(&page->text, "</text>\n<text transform=\"translate(14 %d)rotate(-90)\" text-anchor=\"middle\">",
                     (TOP + BOTTOM) / 2);
  mn_page_escape(page, s->y_label);
  mn_page_raw(page, "</text>\n");
}

/* Below the picture, so that it may be as long as it wants. */
static void key(mn_page *page, const mn_page_scatter *s)
{
  mn_page_raw(page, "<p>");
  for (size_t k = 0; k < s->count; k++) {
    if (!s->series[k].title) continue;
    mn_page_raw(page, "<svg viewBox=\"0 0 14 14\" style=\"display:inline;width:.9em\"><path");
    mark(page, k, 7, 7);
    mn_page_raw(page, "/></svg> ");
    mn_page_escape(page, s->series[k].title);
    mn_page_raw(page, " &#160; ");
  }
  mn_page_raw(page, "</p>\n");
}

void mn_page_points(mn_page *page, const mn_page_scatter *s)
{
  axis x, y;
  find_axes(s, &x, &y);
  mn_page_raw(page, "<figure>\n<figcaption>");
  mn_page_escape(page, s->caption);
  mn_plot_text_print(&page->text, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"group\">\n", WIDTH, HEIGHT);
  ticks(page, &x, 1);
  ticks(page, &y, 0);
  labels(page, s);
  for (size_t k = 0; k < s->count; k++)
    for (size_t i = 0; i < s->series[k].count; i++)
      if (is_drawn(s, s->series[k].x[i], s->series[k].y[i]))
        point(page, k, place(&x, s->series[k].x[i]), place(&y, s->series[k].y[i]), s->series[k].names[i]);
  mn_page_raw(page, "</svg>\n");
  key(page, s);
  mn_page_raw(page, "<output></output>\n</figure>\n");
}
