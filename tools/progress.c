/* Progress and log lines on standard error: a bar on a terminal, a line for each long phase elsewhere. */
#define _POSIX_C_SOURCE 200809L
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const double redraw_s = 0.1;   /* between two drawings of the bar */
static const double long_phase_s = 2; /* phases that are worth a line where there is no terminal */
static const double settled_s = 0.3;  /* a rate of a shorter time says little */

static struct {
  int terminal, quiet, drawn;
  char phase[32];
  double start_s, drawn_s;
} bar;

/* ", 38.2 Gflop/s", ", 12,345 samples/s"; nothing for a phase that is given a time. */
static mn_number rate_of(double per_s, const char *unit)
{
  mn_number out = {""};
  if (!strcmp(unit, "flop"))
    snprintf(out.text, sizeof out.text, ", %.1f Gflop/s", per_s * 1e-9);
  else if (!strcmp(unit, "byte"))
    snprintf(out.text, sizeof out.text, ", %.20s/s", mn_number_bytes(per_s).text);
  else if (strcmp(unit, "second"))
    snprintf(out.text, sizeof out.text, ", %.3g %.12ss/s", per_s, unit);
  return out;
}

static mn_number time_left(double seconds)
{
  mn_number out;
  if (!(seconds < 119.5)) return mn_number_seconds(seconds);
  snprintf(out.text, sizeof out.text, "%.0f s", seconds);
  return out;
}

static void draw(const mn_progress *p, double elapsed_s)
{
  enum { WIDTH = 24 };
  char cells[WIDTH + 1];
  double share = p->total > 0 ? p->done / p->total : 0, rate = elapsed_s > 0 ? p->done / elapsed_s : 0;
  if (share > 1) share = 1;
  int filled = (int)(share * WIDTH);
  memset(cells, '.', WIDTH);
  memset(cells, '#', (size_t)filled);
  cells[WIDTH] = '\0';
  fprintf(stderr, "\r\033[K%-10s [%s] %3.0f %%", p->phase, cells, 100 * share);
  if (elapsed_s > settled_s && rate > 0)
    fprintf(stderr, "  %s left%s", time_left((p->total - p->done) / rate).text, rate_of(rate, p->unit).text);
  fflush(stderr);
  bar.drawn = 1;
}

void mn_cli_progress_clear(void)
{
  if (bar.drawn) fputs("\r\033[K", stderr);
  bar.drawn = 0;
}

static void finish_phase(const mn_progress *p, double elapsed_s)
{
  mn_cli_progress_clear();
  bar.phase[0] = '\0';
  if (bar.terminal || elapsed_s < long_phase_s) return;
  fprintf(stderr, "minnorm: %s: %s%s\n", p->phase, mn_number_seconds(elapsed_s).text,
          rate_of(p->total / elapsed_s, p->unit).text);
}

static int on_progress(void *user, const mn_progress *p)
{
  (void)user;
  double now_s = mn_report_now_s();
  if (bar.quiet) return mn_cli_interrupted();
  if (strncmp(p->phase, bar.phase, sizeof bar.phase - 1) || p->done <= 0) {
    snprintf(bar.phase, sizeof bar.phase, "%s", p->phase);
    bar.start_s = bar.drawn_s = now_s;
  }
  if (p->done >= p->total)
    finish_phase(p, now_s - bar.start_s);
  else if (bar.terminal && now_s - bar.drawn_s >= redraw_s) {
    draw(p, now_s - bar.start_s);
    bar.drawn_s = now_s;
  }
  return mn_cli_interrupted();
}

static void on_log(void *user, const char *line)
{
  const mn_cli *cli = user;
  mn_cli_progress_clear();
  fprintf(stderr, "minnorm: %s: %s\n", cli->command->name, line);
}

void mn_cli_progress_install(mn_cli *cli)
{
  bar.terminal = isatty(STDERR_FILENO);
  bar.quiet = cli->values.quiet;
  cli->context = (mn_context){.threads = cli->values.threads, .progress = on_progress, .user = cli};
  cli->context.memory_bytes = cli->values.fit.solve.memory_bytes;
  if (cli->values.verbose) cli->context.log = on_log;
}

int mn_cli_threads(const mn_cli *cli)
{
  mn_info info;
  mn_info_get(&info);
  if (!cli->values.threads) return info.threads;
  return cli->values.threads < info.threads_most ? cli->values.threads : info.threads_most;
}
