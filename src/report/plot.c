#define _XOPEN_SOURCE 700
#include "minnorm/plot.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/atomic_file.h"
#include "core/status.h"
#include "report/plot_run.h"
#include "report/plot_text.h"

enum { MAX_PANELS = 100, PANEL_WIDTH = 560, PANEL_HEIGHT = 420, SINGLE_WIDTH = 720, SINGLE_HEIGHT = 450, KEY_ROW = 18 };

static const size_t side_max = 32000;                   /* cairo's limit is a little above */
static const double largest = 1e300, smallest = 1e-300; /* gnuplot's own arithmetic overflows beyond */

/* ---- kinds of file */

typedef struct {
  const char *suffix;
  const char *terminal; /* gnuplot's settings; the size follows */
  size_t scale;         /* pixels of the file for a pixel of the layout */
  const char *tail;     /* the last bytes of a whole file */
  size_t tail_bytes;
} format;

static const format formats[] = {
    {".svg", "svg noenhanced font 'sans-serif,14' rounded background '#ffffff'", 1, "</svg>\n\n", 8},
    {".png",
     "pngcairo noenhanced font 'sans-serif,10.5' rounded background '#ffffff' fontscale 2 linewidth 2 pointscale 2", 2,
     "IEND\xae\x42\x60\x82", 8},
};

static const format *find_format(const char *path)
{
  size_t length = strlen(path);
  for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
    size_t suffix = strlen(formats[f].suffix);
    if (length >= suffix && !strcmp(path + length - suffix, formats[f].suffix)) return &formats[f];
  }
  return NULL;
}

static mn_status take_format(const char *path, const format **kind, mn_error *err)
{
  *kind = find_format(path);
  if (!*kind) return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: a name that ends in .svg or .png expected", path);
  return MN_OK;
}

/* ---- which points are drawn, and where */

static int is_drawn(const mn_plot_axes *axes, const mn_plot_series *series, size_t i)
{
  return i < series->count && isfinite(series->x[i]) && isfinite(series->y[i]) && (!axes->log_x || series->x[i] > 0) &&
         (!axes->log_y || series->y[i] > 0);
}

/* 1 when neither neighbour is drawn, so that no line reaches the point. */
static int is_alone(const mn_plot_axes *axes, const mn_plot_series *series, size_t i)
{
  return is_drawn(axes, series, i) && !(i && is_drawn(axes, series, i - 1)) && !is_drawn(axes, series, i + 1);
}

/* How many points are drawn, or stand alone. */
static size_t count_points(const mn_plot_axes *axes, const mn_plot_series *series,
                           int (*which)(const mn_plot_axes *, const mn_plot_series *, size_t))
{
  size_t count = 0;
  for (size_t i = 0; i < series->count; i++) count += (size_t)which(axes, series, i);
  return count;
}

typedef struct {
  double low, high; /* low < high, and 0 < low on a logarithmic axis */
  int logarithmic;
} range;

/* Room on both sides. Values that hardly differ, or not at all, get more, so that tick labels differ. */
static void widen_linear(range *r)
{
  double size = fmax(fabs(r->low), fabs(r->high)), width = r->high / 2 - r->low / 2; /* half of it: no overflow */
  double margin = size < smallest ? 1 : width > 1e-4 * size ? 0.1 * width : 0.1 * size;
  r->low -= margin;
  r->high += margin;
}

/* The same for ratios: a factor of 5 at least, so that two of the labelled ticks 1, 2, 5, 10 ... are there. */
static void widen_logarithmic(range *r)
{
  double low = log10(r->low), high = log10(r->high), margin = 0.05 * (high - low);
  if (high + margin - (low - margin) < log10(5.05)) margin = (log10(5.05) - (high - low)) / 2;
  r->low = pow(10, fmax(low - margin, -302));
  r->high = pow(10, fmin(high + margin, 302));
}

/* The range of the x (or y) of all points drawn. */
static range find_range(const mn_plot_axes *axes, int is_y)
{
  range r = {INFINITY, -INFINITY, is_y ? axes->log_y : axes->log_x};
  double floor_value = r.logarithmic ? smallest : -largest;
  for (size_t s = 0; s < axes->count; s++) {
    const double *values = is_y ? axes->series[s].y : axes->series[s].x;
    for (size_t i = 0; i < axes->series[s].count; i++) {
      if (!is_drawn(axes, &axes->series[s], i)) continue;
      double value = fmin(fmax(values[i], floor_value), largest);
      r.low = fmin(r.low, value);
      r.high = fmax(r.high, value);
    }
  }
  if (r.low > r.high) return (range){r.logarithmic ? 1 : 0, r.logarithmic ? 10 : 1, r.logarithmic};
  r.logarithmic ? widen_logarithmic(&r) : widen_linear(&r);
  return r;
}

/* ---- axes */

/* 10 to a power, or a small multiple of it: 0.001 to 10000 in digits, the rest as 2×10⁻⁷. */
static void put_power(mn_plot_text *script, int multiple, int power)
{
  static const char *const superscripts[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  char digits[16];
  if (power >= -3 && power <= 4) {
    mn_plot_text_print(script, "%.*f", power < 0 ? -power : 0, multiple * pow(10, power));
    return;
  }
  if (multiple > 1) mn_plot_text_print(script, "%d×", multiple);
  mn_plot_text_print(script, "10%s", power < 0 ? "⁻" : "");
  snprintf(digits, sizeof digits, "%d", power < 0 ? -power : power);
  for (const char *d = digits; *d; d++) mn_plot_text_print(script, "%s", superscripts[*d - '0']);
}

static void put_tick(mn_plot_text *script, int multiple, int power, int labelled)
{
  mn_plot_text_add(script, ",'", 2);
  if (labelled) put_power(script, multiple, power);
  mn_plot_text_print(script, "' %d.0e%d %d", multiple, power, !labelled);
}

/* Labels at 1, 2, 5 over up to two decades, at every decade over up to nine, then at every second, third ... one. */
static void put_logarithmic_ticks(mn_plot_text *script, char axis, const range *r)
{
  double decades = log10(r->high / r->low);
  if (!isfinite(decades)) decades = 600;
  int first = (int)floor(log10(r->low)), last = (int)ceil(log10(r->high)), stride = 1 + (int)(decades / 9);
  mn_plot_text_print(script, "set logscale %c\nset %ctics scale 0.8,0.4 nomirror out (", axis, axis);
  size_t start = script->count;
  for (int power = first; power <= last; power++) {
    if (power < -300 || power > 300) continue;
    put_tick(script, 1, power, power % stride == 0);
    for (int m = 2; m < 10 && stride == 1; m++) put_tick(script, m, power, decades <= 2 && (m == 2 || m == 5));
  }
  if (!script->missing && script->count > start) script->bytes[start] = ' '; /* the comma before the first */
  mn_plot_text_print(script, ")\n");
}

static void put_axis(mn_plot_text *script, char axis, const char *label, const range *r)
{
  mn_plot_text_print(script, "set %crange [%.17g:%.17g]\n", axis, r->low, r->high);
  if (r->logarithmic)
    put_logarithmic_ticks(script, axis, r);
  else
    mn_plot_text_print(script, "set %ctics scale 0.8 nomirror out\nset format %c '%%g'\n", axis, axis);
  mn_plot_text_print(script, "set %clabel ", axis);
  mn_plot_text_quote(script, label);
  mn_plot_text_print(script, " textcolor rgb '#222222'\n");
}

/* ---- series */

/* Colours of Okabe and Ito, told apart with every common colour blindness; each has a mark of its own too. After seven
 * they begin again, the lines dashed. */
static const struct {
  const char *colour;
  int mark;
} looks[] = {{"#0072b2", 7},  {"#d55e00", 5}, {"#009e73", 9}, {"#cc79a7", 13},
             {"#e69f00", 11}, {"#56b4e9", 6}, {"#000000", 4}};
static const char *const dashes[] = {"solid", "(6,5)", "(2,4)", "(10,4,2,4)"};
enum { LOOKS = sizeof looks / sizeof *looks, DASHES = sizeof dashes / sizeof *dashes };

static const struct {
  const char *with;
  int has_line;
  double mark_size;
} styles[] = {
    [MN_PLOT_LINE] = {"lines", 1, 0.6},
    [MN_PLOT_POINTS] = {"points", 0, 0.5},
    [MN_PLOT_LINE_POINTS] = {"linespoints", 1, 0.8},
};

static void put_look(mn_plot_text *script, size_t index, const char *with, int has_line, double mark_size)
{
  size_t k = index % LOOKS;
  mn_plot_text_print(script, " with %s linecolor rgb '%s'", with, looks[k].colour);
  if (has_line) mn_plot_text_print(script, " linewidth 2 dashtype %s", dashes[index / LOOKS % DASHES]);
  if (mark_size > 0) mn_plot_text_print(script, " pointtype %d pointsize %.1f", looks[k].mark, mark_size);
}

/* One element of the plot command, two when a line has points that stand alone. Without points, NaN, a function with no
 * value anywhere, stands in for the sake of the key. */
static void put_series(mn_plot_text *script, const mn_plot_axes *axes, size_t index)
{
  const mn_plot_series *series = &axes->series[index];
  const char *with = styles[series->style].with;
  int has_line = styles[series->style].has_line, is_line = series->style == MN_PLOT_LINE;
  double size = styles[series->style].mark_size;
  mn_plot_text_print(script, "%s %s", index ? "," : "plot", count_points(axes, series, is_drawn) ? "'-'" : "NaN");
  mn_plot_text_print(script, " title ");
  mn_plot_text_quote(script, series->title);
  put_look(script, index, with, has_line, is_line ? 0 : size);
  if (!is_line || !count_points(axes, series, is_alone)) return;
  mn_plot_text_print(script, ", '-' notitle");
  put_look(script, index, "points", 0, size);
}

/* The points as inline data, a blank line where the line breaks: one only, for two would begin another data set. */
static void put_points(mn_plot_text *script, const mn_plot_axes *axes, const mn_plot_series *series, int alone_only)
{
  int some = 0, broken = 0;
  for (size_t i = 0; i < series->count; i++) {
    int drawn = alone_only ? is_alone(axes, series, i) : is_drawn(axes, series, i);
    broken |= !drawn;
    if (!drawn) continue;
    mn_plot_text_print(script, "%s%.17g %.17g\n", some && broken ? "\n" : "", series->x[i], series->y[i]);
    some = 1;
    broken = 0;
  }
  if (some) mn_plot_text_print(script, "e\n");
}

/* ---- the key, below the panel */

/* Characters of UTF-8, near enough: the bytes that begin one. */
static size_t width_of(const char *text)
{
  size_t width = 0;
  for (; text && *text; text++) width += (*text & 0xc0) != 0x80;
  return width;
}

typedef struct {
  size_t columns, rows;
} key_shape;

/* The columns that are sure to fit below a panel, by its longest title; gnuplot alone would take more and, in panels
 * side by side, leave them of unequal heights. */
static key_shape find_key(const mn_plot_axes *axes, size_t panel_width)
{
  const size_t character = 9, sample = 60; /* pixels */
  size_t titles = 0, longest = 0;
  for (size_t s = 0; s < axes->count; s++) {
    size_t width = width_of(axes->series[s].title);
    titles += width > 0;
    if (width > longest) longest = width;
  }
  size_t columns = (panel_width - 100) / (character * (longest < 1000 ? longest : 1000) + sample);
  if (columns > 4) columns = 4;
  if (!columns) columns = 1;
  return (key_shape){columns, (titles + columns - 1) / columns};
}

/* ---- the whole script */

/* Of the whole picture, in pixels of the layout. */
typedef struct {
  size_t across, down; /* panels */
  size_t panel_width, width, height;
  size_t key_rows;
} layout;

/* count, columns: at most MAX_PANELS. Panels are as high as the longest key wants, so that all are alike. */
static layout find_layout(size_t count, const mn_plot_axes *axes, size_t columns)
{
  layout l = {.across = columns < count ? columns : count, .panel_width = count == 1 ? SINGLE_WIDTH : PANEL_WIDTH};
  for (size_t p = 0; p < count; p++) {
    size_t rows = find_key(&axes[p], l.panel_width).rows;
    if (rows > l.key_rows) l.key_rows = rows;
  }
  l.down = (count + l.across - 1) / l.across;
  l.width = l.across * l.panel_width;
  l.height = l.down * ((count == 1 ? SINGLE_HEIGHT : PANEL_HEIGHT) + l.key_rows * KEY_ROW);
  return l;
}

/* `reset` first, so that no panel has anything of the one before. */
static void put_panel(mn_plot_text *script, const mn_plot_axes *axes, const layout *l)
{
  range x = find_range(axes, 0), y = find_range(axes, 1);
  mn_plot_text_print(script, "reset\nset border 3 linecolor rgb '#444444'\n");
  mn_plot_text_print(script, "set grid linetype 1 linecolor rgb '#e0e0e0' linewidth 1 dashtype solid\n");
  mn_plot_text_print(script,
                     "set bmargin %zu.3\nset key bmargin center horizontal Left reverse samplen 2 width 2 maxcols %zu",
                     4 + l->key_rows, find_key(axes, l->panel_width).columns);
  mn_plot_text_print(script, " noenhanced textcolor rgb '#222222'\nset title ");
  mn_plot_text_quote(script, axes->title);
  mn_plot_text_print(script, " noenhanced textcolor rgb '#222222'\n");
  put_axis(script, 'x', axes->x_label, &x);
  put_axis(script, 'y', axes->y_label, &y);
  for (size_t s = 0; s < axes->count; s++) put_series(script, axes, s);
  mn_plot_text_print(script, axes->count ? "\n" : "plot NaN notitle\n");
  for (size_t s = 0; s < axes->count; s++) {
    put_points(script, axes, &axes->series[s], 0);
    if (axes->series[s].style == MN_PLOT_LINE) put_points(script, axes, &axes->series[s], 1);
  }
}

static void put_script(mn_plot_text *script, const format *kind, size_t count, const mn_plot_axes *axes,
                       const layout *l)
{
  mn_plot_text_print(script, "set encoding utf8\nset terminal %s size %zu,%zu\n", kind->terminal,
                     l->width * kind->scale, l->height * kind->scale);
  if (count > 1) mn_plot_text_print(script, "set multiplot layout %zu,%zu\n", l->down, l->across);
  for (size_t p = 0; p < count; p++) put_panel(script, &axes[p], l);
  mn_plot_text_print(script, "%sset output\n", count > 1 ? "unset multiplot\n" : "");
}

static mn_status check_size(const char *path, const format *kind, const layout *l, mn_error *err)
{
  if (l->width <= side_max / kind->scale && l->height <= side_max / kind->scale) return MN_OK;
  return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: a picture of %zu x %zu pixels is too large: a side may have %zu", path,
                 l->width * kind->scale, l->height * kind->scale, side_max);
}

/* Numbers have a decimal point whatever the caller's locale says. */
static mn_status make_script(mn_plot_text *script, const format *kind, size_t count, const mn_plot_axes *axes,
                             const layout *l, mn_error *err)
{
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c_locale) return MN_FAIL(err, MN_ERR_MEMORY, "out of memory: the C locale could not be had");
  locale_t old = uselocale(c_locale);
  put_script(script, kind, count, axes, l);
  uselocale(old);
  freelocale(c_locale);
  return script->missing ? MN_NO_MEMORY(err, script->missing) : MN_OK;
}

/* gnuplot does not notice when what it writes gets lost, nor does its exit status tell a picture from none. */
static mn_status check_whole(const mn_plot_text *picture, const format *kind, mn_error *err)
{
  if (picture->count > kind->tail_bytes &&
      !memcmp(picture->bytes + picture->count - kind->tail_bytes, kind->tail, kind->tail_bytes))
    return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "gnuplot did not draw the whole picture: %zu bytes came", picture->count);
}

/* Draws in memory. */
static mn_status draw(const char *path, const format *kind, size_t count, const mn_plot_axes *axes, size_t columns,
                      mn_plot_text *picture, mn_error *err)
{
  mn_plot_text script = {0};
  layout l = find_layout(count, axes, columns);
  mn_status st = check_size(path, kind, &l, err);
  if (st) goto done;
  if ((st = make_script(&script, kind, count, axes, &l, err))) goto done;
  if ((st = mn_plot_run(&script, picture, err))) goto done;
  st = check_whole(picture, kind, err);
done:
  mn_plot_text_free(&script);
  return st;
}

mn_status mn_plot_check_path(const char *path, mn_error *err)
{
  const format *kind;
  mn_atomic_file *file = NULL;
  mn_plot_text picture = {0};
  mn_status st = take_format(path, &kind, err);
  if (st) goto done;
  if ((st = mn_atomic_file_open(path, &file, err))) goto done;
  st = draw(path, kind, 1, &(mn_plot_axes){0}, 1, &picture, err);
done:
  mn_plot_text_free(&picture);
  mn_atomic_file_abort(&file);
  return st;
}

mn_status mn_plot_write(const char *path, size_t count, const mn_plot_axes *axes, size_t columns, mn_error *err)
{
  const format *kind;
  mn_atomic_file *file = NULL;
  mn_plot_text picture = {0};
  mn_status st = take_format(path, &kind, err);
  if (st) goto done;
  if (!count || count > MAX_PANELS || !columns) {
    st = MN_FAIL(err, MN_ERR_ARGUMENT, "%s: 1 to %d panels in rows of 1 or more expected, %zu in rows of %zu found",
                 path, MAX_PANELS, count, columns);
    goto done;
  }
  if ((st = draw(path, kind, count, axes, columns, &picture, err))) goto done;
  if ((st = mn_atomic_file_open(path, &file, err))) goto done;
  if ((st = mn_atomic_file_write(file, picture.bytes, picture.count, err))) goto done;
  st = mn_atomic_file_commit(&file, err);
done:
  mn_plot_text_free(&picture);
  mn_atomic_file_abort(&file);
  return st;
}
