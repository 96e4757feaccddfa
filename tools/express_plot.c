/* Pictures of minnorm express: the piecewise-linear function with its kinks, or how error and norm grow with n. */
#include "express.h"

enum { WHOLE = 200, WINDOW = 30 }; /* points shown: all of up to WHOLE, else two windows of WINDOW */

/* First of WINDOW points around point k. */
static size_t window_at(const mn_network_curve *curve, size_t k)
{
  size_t first = k > WINDOW / 2 ? k - WINDOW / 2 : 0;
  return first + WINDOW > curve->points ? curve->points - WINDOW : first;
}

/* First unit whose kink is not below z. */
static size_t unit_at(const mn_network_curve *curve, double z)
{
  size_t low = 0, high = curve->units;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (curve->kinks[middle] < z)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The function, its kinks, and the training points, for `count` points from the first one. */
static void draw_window(const mn_network_curve *curve, size_t first, size_t count, const char *title,
                        mn_plot_series series[3], mn_plot_axes *axes)
{
  size_t from = first ? unit_at(curve, curve->z[first]) : 0, to = unit_at(curve, curve->z[first + count - 1]);
  const double *x = curve->kinks + from, *y = curve->values + from;
  series[0] = (mn_plot_series){"C(z)", MN_PLOT_LINE, to - from + 1, x, y};
  series[1] = (mn_plot_series){"kinks", MN_PLOT_POINTS, to - from, x, y};
  series[2] = (mn_plot_series){"training points", MN_PLOT_POINTS, count, curve->z + first, curve->targets + first};
  *axes = (mn_plot_axes){.title = title, .x_label = "projection z", .y_label = "target", .count = 3, .series = series};
}

static size_t closest_pair(const mn_network_curve *curve)
{
  size_t best = 0;
  for (size_t k = 1; k + 1 < curve->points; k++)
    if (curve->z[k + 1] - curve->z[k] < curve->z[best + 1] - curve->z[best]) best = k;
  return best;
}

static mn_status draw_function(const char *path, mn_network *network, mn_error *err)
{
  mn_network_curve curve;
  mn_plot_series series[6];
  mn_plot_axes axes[2];
  char titles[2][96];
  mn_status st = mn_network_trace(network, &curve, err);
  if (st) return st;
  if (curve.points <= WHOLE) {
    snprintf(titles[0], sizeof titles[0], "%zu points", curve.points);
    draw_window(&curve, 0, curve.points, titles[0], series, axes);
    return mn_plot_write(path, 1, axes, 1, err);
  }
  size_t closest = closest_pair(&curve);
  mn_number total = mn_number_count(curve.points);
  snprintf(titles[0], sizeof titles[0], "%d of %s points, in the middle", WINDOW, total.text);
  snprintf(titles[1], sizeof titles[1], "%d of %s points, around the least gap %.2g", WINDOW, total.text,
           curve.z[closest + 1] - curve.z[closest]);
  draw_window(&curve, window_at(&curve, curve.points / 2), WINDOW, titles[0], series, &axes[0]);
  draw_window(&curve, window_at(&curve, closest), WINDOW, titles[1], series + 3, &axes[1]);
  return mn_plot_write(path, 2, axes, 1, err);
}

static mn_status draw_growth(const char *path, const mn_cli_express_run *run, mn_error *err)
{
  enum { LINES = 6 };
  static const char *const titles[LINES] = {"max error, fp64", "compensated",        "fp32",
                                            "norm of w",       "before improvement", "bound on it, from lambda min"};
  double n[MN_CLI_EXPRESS_SIZES], y[LINES][MN_CLI_EXPRESS_SIZES];
  mn_plot_series series[LINES];
  for (size_t i = 0; i < run->count; i++) {
    const mn_cli_express_point *p = &run->points[i];
    n[i] = (double)p->report.n;
    y[0][i] = p->check.max_error[MN_FORWARD_DOUBLE];
    y[1][i] = p->check.max_error[MN_FORWARD_COMPENSATED];
    y[2][i] = p->check.max_error[MN_FORWARD_SINGLE];
    y[3][i] = p->report.norm;
    y[4][i] = p->report.norm_drawn;
    y[5][i] = p->report.norm_bound;
  }
  for (size_t k = 0; k < LINES; k++) series[k] = (mn_plot_series){titles[k], MN_PLOT_LINE_POINTS, run->count, n, y[k]};
  mn_plot_axes axes[] = {{"error at the training points", "n", NULL, 1, 1, 3, series},
                         {"norm of the weights", "n", NULL, 1, 1, 3, series + 3}};
  return mn_plot_write(path, 2, axes, 2, err);
}

mn_status mn_cli_express_plot(const mn_cli *cli, const mn_cli_express_run *run, mn_error *err)
{
  if (run->count > 1) return draw_growth(cli->values.plot, run, err);
  return draw_function(cli->values.plot, run->network, err);
}
