/* Pictures of curves, drawn by the program gnuplot into an SVG or PNG file. */
#ifndef MINNORM_PLOT_H
#define MINNORM_PLOT_H

#include <stddef.h>

#include "minnorm/status.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum { MN_PLOT_LINE, MN_PLOT_POINTS, MN_PLOT_LINE_POINTS } mn_plot_style;

/* Text below is UTF-8 and taken literally, whatever it holds, but for what no SVG can hold: a control character becomes
 * a space, a byte of no valid sequence '?', and ]]> becomes ]] >. NULL and "" are no text. */

/* The k-th series of every panel has the same colour and the same mark. */
typedef struct {
  const char *title; /* no text: not in the key */
  mn_plot_style style;
  size_t count;
  const double *x, *y; /* count each, in any order. A point that is not finite, or <= 0 on a logarithmic axis, is left
                          out and breaks the line. Of a line, a point that so stands alone is drawn as a small mark */
} mn_plot_series;

/* One panel. The axes span the points drawn and a little more; what is beyond 1e300 in magnitude, or below 1e-300 on a
 * logarithmic axis, lies outside the panel. */
typedef struct {
  const char *title, *x_label, *y_label;
  int log_x, log_y;
  size_t count;
  const mn_plot_series *series; /* count; later ones are drawn over earlier ones */
} mn_plot_axes;

/* To be called before the work: MN_ERR_ARGUMENT unless the name ends in .svg or .png; MN_ERR_IO when no file of that
 * name could be written now, or gnuplot does not run or cannot draw such pictures. */
mn_status mn_plot_check_path(const char *path, mn_error *err);

/* Draws `count` panels (1 to 100) in rows of `columns`. The file appears when whole; on any error nothing is left
 * behind and what the path named before is unchanged. The same input gives the same bytes with the same version of
 * gnuplot, whatever the user's locale and settings of gnuplot. An SVG has a white background of its own.
 *
 * MN_ERR_ARGUMENT: count or columns out of bounds, or the name as above. MN_ERR_IO: gnuplot is not found in PATH, fails
 * or is killed (the text says why), or the file cannot be written. The caller must not ignore SIGCHLD, nor reap
 * children that are not its own; SIGPIPE is never raised. */
mn_status mn_plot_write(const char *path, size_t count, const mn_plot_axes *axes, size_t columns, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
