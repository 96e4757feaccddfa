/* Picture of a sweep: errors and norm against what varies. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

/* What may stand below the picture, the first that varies; the others make lines of their own. */
static const struct {
  int column;
  const char *label;
  int logarithmic;
} axes[] = {{MN_CLI_SWEEP_DIM, "features", 1},
            {MN_CLI_SWEEP_CORRUPT, "label corruption", 0},
            {MN_CLI_SWEEP_RIDGE, "ridge", 1},
            {MN_CLI_SWEEP_GAMMA, "gamma", 1},
            {MN_CLI_SWEEP_N, "training samples", 1}};
enum { AXES = sizeof axes / sizeof *axes, CURVES_MOST = 16, KINDS = 3 };

/* Means over seeds at each place, of training and test error (or rmse) and norm. */
typedef struct {
  char titles[KINDS][96];
  double key[AXES];
  size_t count;
  double *x, *y[KINDS], *seen; /* count; room for all points */
} curve;

typedef struct {
  const mn_cli_sweep_run *run;
  int axis; /* of `axes` */
  int kinds[KINDS];
  double *space;
  size_t count;
  curve curves[CURVES_MOST];
} picture;

static int axis_of(const mn_cli_sweep_run *run)
{
  for (int a = 0; a < AXES; a++)
    if (mn_cli_sweep_varies(run, axes[a].column)) return a;
  return -1;
}

static size_t length(size_t count)
{
  return count ? count : 1;
}

/* Lines that the picture will have. */
static size_t count_curves(const mn_cli_sweep_run *run)
{
  const mn_sweep_options *o = &run->options;
  const size_t counts[] = {run->dim_count, o->corrupt_count, o->ridge_count, o->gamma_count, o->n_count};
  size_t curves = 1;
  for (int a = 0; a < AXES; a++)
    if (a != axis_of(run)) curves *= length(counts[a]);
  return curves;
}

mn_status mn_cli_sweep_check_plot(const mn_cli_sweep_run *run, mn_error *err)
{
  if (axis_of(run) < 0)
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "--plot: several numbers of --dim, --corrupt, --ridge, --gamma or --n expected to draw against");
  if (count_curves(run) > CURVES_MOST)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--plot: %zu lines in one picture, at most %d expected", count_curves(run),
                       CURVES_MOST);
  return mn_plot_check_path(run->cli->values.plot, err);
}

/* "test, ridge 0.01, n 1000". */
static void name_curve(const picture *p, curve *c)
{
  static const char *const kinds[] = {"training", "test", "norm"};
  static const char *const names[] = {"features", "corruption", "ridge", "gamma", "n"};
  for (int k = 0; k < KINDS; k++) {
    size_t used = (size_t)snprintf(c->titles[k], sizeof c->titles[k], "%s", kinds[k]);
    for (int a = 0; a < AXES && used < sizeof c->titles[k]; a++)
      if (a != p->axis && mn_cli_sweep_varies(p->run, axes[a].column))
        used += (size_t)snprintf(c->titles[k] + used, sizeof c->titles[k] - used, ", %s %.4g", names[a], c->key[a]);
  }
}

/* The curve of a point: all that varies but the axis and the seed. */
static curve *curve_of(picture *p, const double *values)
{
  double key[AXES];
  for (int a = 0; a < AXES; a++)
    key[a] = a != p->axis && mn_cli_sweep_varies(p->run, axes[a].column) ? values[axes[a].column] : 0;
  for (size_t i = 0; i < p->count; i++)
    if (!memcmp(p->curves[i].key, key, sizeof key)) return &p->curves[i];
  curve *c = &p->curves[p->count++];
  double *space = p->space + (p->count - 1) * (KINDS + 2) * p->run->count;
  memcpy(c->key, key, sizeof key);
  c->x = space, c->seen = space + p->run->count;
  for (int k = 0; k < KINDS; k++) c->y[k] = space + (size_t)(k + 2) * p->run->count;
  name_curve(p, c);
  return c;
}

static void add_point(picture *p, const double *values)
{
  curve *c = curve_of(p, values);
  double x = values[axes[p->axis].column];
  size_t i = 0;
  while (i < c->count && c->x[i] != x) i++;
  if (i == c->count) c->x[c->count++] = x;
  c->seen[i]++;
  for (int k = 0; k < KINDS; k++) c->y[k][i] += (values[p->kinds[k]] - c->y[k][i]) / c->seen[i];
}

/* A ridge of 0, the interpolant, has no place on a logarithmic axis: it is drawn a decade below the least other one,
 * and the label says so. Returns the label. */
static const char *place_zeros(picture *p)
{
  double least = INFINITY;
  int zeros = 0;
  for (size_t i = 0; i < p->count; i++)
    for (size_t k = 0; k < p->curves[i].count; k++)
      if (p->curves[i].x[k] > 0) least = fmin(least, p->curves[i].x[k]);
  for (size_t i = 0; axes[p->axis].logarithmic && i < p->count; i++)
    for (size_t k = 0; k < p->curves[i].count; k++)
      if (p->curves[i].x[k] == 0) p->curves[i].x[k] = least / 10, zeros = 1;
  return zeros ? "ridge (0 at the left end)" : axes[p->axis].label;
}

static mn_status draw(picture *p, mn_error *err)
{
  const mn_cli_sweep_run *run = p->run;
  int classes = p->kinds[0] == MN_CLI_SWEEP_TRAIN_ERROR, tests = run->fit.test ? 2 : 1;
  mn_plot_series errors[2 * CURVES_MOST], norms[CURVES_MOST];
  size_t count = 0;
  for (size_t i = 0; i < p->count; i++) {
    const curve *c = &p->curves[i];
    norms[i] = (mn_plot_series){c->titles[2], MN_PLOT_LINE_POINTS, c->count, c->x, c->y[2]};
    for (int k = tests - 1; k >= 0; k--)
      errors[count++] = (mn_plot_series){c->titles[k], MN_PLOT_LINE_POINTS, c->count, c->x, c->y[k]};
  }
  const char *label = place_zeros(p);
  int log_x = axes[p->axis].logarithmic;
  const mn_plot_axes panels[] = {
      {run->fit.train->name, label, classes ? "error" : "root mean square error", log_x, 0, count, errors},
      {"", label, "norm", log_x, 0, p->count, norms}};
  return mn_plot_write(run->cli->values.plot, 2, panels, 2, err);
}

mn_status mn_cli_sweep_plot(const mn_cli_sweep_run *run, mn_error *err)
{
  int classes = !isnan(run->points[0].values[MN_CLI_SWEEP_TRAIN_ERROR]);
  picture p = {.run = run, .axis = axis_of(run)};
  p.kinds[0] = classes ? MN_CLI_SWEEP_TRAIN_ERROR : MN_CLI_SWEEP_TRAIN_RMSE;
  p.kinds[1] = classes ? MN_CLI_SWEEP_TEST_ERROR : MN_CLI_SWEEP_TEST_RMSE;
  p.kinds[2] = MN_CLI_SWEEP_NORM;
  p.space = calloc(count_curves(run) * (KINDS + 2) * run->count, sizeof *p.space);
  if (!p.space) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu points", run->count);
  for (size_t i = 0; i < run->count; i++) add_point(&p, run->points[i].values);
  mn_status st = draw(&p, err);
  free(p.space);
  return st;
}
