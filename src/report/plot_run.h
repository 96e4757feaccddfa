/* gnuplot as a child process. */
#ifndef MN_REPORT_PLOT_RUN_H
#define MN_REPORT_PLOT_RUN_H

#include "minnorm/status.h"
#include "report/plot_text.h"

/* Runs the script and appends what gnuplot writes to its standard output. No shell takes part; gnuplot reads neither
 * system-wide nor the user's own settings, and none from the environment. The child is gone when this returns. */
mn_status mn_plot_run(const mn_plot_text *script, mn_plot_text *output, mn_error *err);

#endif
