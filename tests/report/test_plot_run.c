/* gnuplot as a child process: surroundings that must not matter, and made-up gnuplots that go wrong. */
#define _GNU_SOURCE
#include "minnorm/plot.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot_support.h"
#include "support.h"

/* ---- surroundings that must not matter */

static void settings_do_not_matter(void **state)
{
  (void)state;
  const char *mine = "set title 'mine'\nset output 'x'\nexit\n";
  char first[512], second[512];
  snprintf(first, sizeof first, "%s", mn_test_path("first.svg"));
  snprintf(second, sizeof second, "%s", mn_test_path("second.svg"));
  draw(first, 4, panels, 2);
  mn_test_write(mn_test_dir, ".gnuplot", mine, strlen(mine));
  setenv("HOME", mn_test_dir, 1);
  setenv("GNUTERM", "no-such-terminal", 1);
  setenv("GNUPLOT_LIB", "/no/such", 1);
  setenv("LC_ALL", "de_DE.UTF-8", 1);
  setlocale(LC_ALL, ""); /* where that locale is installed, numbers now have a comma */
  draw(second, 4, panels, 2);
  setlocale(LC_ALL, "C");
  unsetenv("GNUTERM");
  unsetenv("GNUPLOT_LIB");
  unsetenv("LC_ALL");
  assert_int_equal(unlink(mn_test_path(".gnuplot")), 0);
  assert_same_bytes(first, second);
}

static void standard_streams_may_be_closed(void **state)
{
  (void)state;
  char first[512], second[512];
  int status;
  snprintf(first, sizeof first, "%s", mn_test_path("first.svg"));
  snprintf(second, sizeof second, "%s", mn_test_path("second.svg"));
  draw(first, 1, panels, 1);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (!pid) {
    for (int fd = 0; fd < 3; fd++) close(fd);
    _exit(mn_plot_write(second, 1, panels, 1, NULL) ? 1 : 0);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  assert_same_bytes(first, second);
}

static volatile sig_atomic_t alarms;
static void count_alarm(int number)
{
  (void)number;
  alarms++;
}

static void signals_interrupt_nothing(void **state)
{
  (void)state;
  struct sigaction action = {.sa_handler = count_alarm}; /* no SA_RESTART; it stays, for a late one */
  const struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
  assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
  mn_status st = mn_plot_write(mn_test_path("alarm.png"), 4, panels, 2, NULL);
  assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
  assert_int_equal(st, MN_OK);
  assert_true(alarms > 0);
}

/* ---- errors */

static void unusable_arguments(void **state)
{
  (void)state;
  mn_error err = {0};
  size_t before = files_in(mn_test_dir);
  assert_int_equal(mn_plot_check_path(mn_test_path("a.pdf"), &err), MN_ERR_ARGUMENT);
  assert_has(err.text, "a.pdf: a name that ends in .svg or .png expected");
  assert_int_equal(mn_plot_check_path("", &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_plot_check_path("-", &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_plot_write(mn_test_path("a.SVG"), 1, panels, 1, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_plot_write(mn_test_path("a.svg"), 0, panels, 1, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_plot_write(mn_test_path("a.svg"), 1, panels, 0, &err), MN_ERR_ARGUMENT);
  assert_int_equal(mn_plot_write(mn_test_path("a.svg"), 101, panels, 1, &err), MN_ERR_ARGUMENT);
  mn_plot_axes row[60] = {{.title = NULL}};
  assert_int_equal(mn_plot_write(mn_test_path("a.svg"), 60, row, 60, &err), MN_ERR_ARGUMENT);
  assert_has(err.text, "too large");
  assert_int_equal(mn_plot_write(mn_test_path("a.png"), 40, row, 1, &err), MN_ERR_ARGUMENT);
  assert_int_equal(files_in(mn_test_dir), before);
}

static void paths_are_checked_early(void **state)
{
  (void)state;
  mn_error err = {0};
  size_t before = files_in(mn_test_dir);
  assert_int_equal(mn_plot_check_path(mn_test_path("c.svg"), &err), MN_OK);
  assert_int_equal(mn_plot_check_path(mn_test_path("c.png"), &err), MN_OK);
  assert_int_equal(mn_plot_check_path(mn_test_path("no/c.png"), &err), MN_ERR_IO);
  assert_has(err.text, "no/c.png: cannot be written");
  assert_int_equal(mn_plot_write(mn_test_path("no/c.png"), 1, panels, 1, &err), MN_ERR_IO);
  assert_has(err.text, "no/c.png: cannot be written");
  assert_int_equal(files_in(mn_test_dir), before);
}

/* Runs with a program named gnuplot first in PATH, or without any (NULL). Asserts that writing and checking fail with
 * the text, and leave what was there, no file, no descriptor and no child. */
static void assert_fails(const char *gnuplot, mode_t mode, const char *text)
{
  char bin[512], path[1200];
  size_t bytes;
  const char *old = getenv("PATH"), *target = mn_test_write(mn_test_dir, "kept.svg", "old", 3);
  char *saved = strdup(old ? old : "");
  assert_non_null(saved);
  snprintf(bin, sizeof bin, "%s", mn_test_path("bin"));
  assert_int_equal(mkdir(bin, 0777), 0);
  snprintf(path, sizeof path, "%s:%s", bin, saved);
  if (gnuplot) assert_int_equal(chmod(mn_test_write(bin, "gnuplot", gnuplot, strlen(gnuplot)), mode), 0);
  setenv("PATH", gnuplot && mode == 0755 ? path : bin, 1);
  size_t files = files_in(mn_test_dir), fds = files_in("/proc/self/fd");
  for (int check = 0; check < 2; check++) {
    mn_error err = {0};
    mn_status st = check ? mn_plot_check_path(target, &err) : mn_plot_write(target, 4, panels, 2, &err);
    assert_int_equal(st, MN_ERR_IO);
    assert_has(err.text, text);
    for (const char *s = err.text; *s; s++) assert_true((unsigned char)*s >= ' ');
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
  }
  setenv("PATH", saved, 1);
  free(saved);
  assert_int_equal(files_in("/proc/self/fd"), fds);
  assert_int_equal(files_in(mn_test_dir), files);
  char *content = read_all(target, &bytes);
  assert_string_equal(content, "old");
  free(content);
  mn_test_rmtree(bin);
}

static void gnuplot_may_be_missing(void **state)
{
  (void)state;
  const char *not_found = "gnuplot not found in PATH: install gnuplot (Debian: gnuplot-nox)";
  assert_fails(NULL, 0, not_found);
  assert_fails("#!/bin/sh\n", 0644, not_found);
}

static void gnuplot_may_fail(void **state)
{
  (void)state;
  assert_fails("#!/bin/sh\ncat > /dev/null\nprintf '\\n \\n  bo\\001om\\nmore\\n' >&2\nexit 3\n", 0755,
               "gnuplot failed (exit status 3): bo om");
  assert_fails("#!/bin/sh\nprintf 'plot x\\n\\n  line 0: warning: tired\\n  line 7: no such thing\\n' >&2\nexit 1\n",
               0755, "gnuplot failed (exit status 1): no such thing");
  assert_fails("#!/bin/sh\nexit 1\n", 0755, "gnuplot failed (exit status 1): no reason given");
  assert_fails("#!/bin/sh\ndd if=/dev/zero bs=65536 count=20 >&2 2> /dev/null\nexit 1\n", 0755, "(exit status 1): ???");
  assert_fails("#!/bin/sh\nkill -9 $$\n", 0755, "gnuplot was killed by signal 9 (Killed)");
  assert_fails("#!/bin/sh\ncat > /dev/null\nkill -15 $$\n", 0755, "gnuplot was killed by signal 15");
}

static void gnuplot_may_draw_nothing(void **state)
{
  (void)state;
  assert_fails("#!/bin/sh\ncat > /dev/null\n", 0755, "gnuplot did not draw the whole picture: 0 bytes came");
  assert_fails("#!/bin/sh\nexec > /dev/null 2>&1\ncat\n", 0755, "did not draw the whole picture: 0 bytes came");
  assert_fails("#!/bin/sh\ncat > /dev/null\necho '<svg>'\n", 0755, "did not draw the whole picture: 6 bytes came");
  assert_fails("#!/bin/sh\nexec 0<&-\necho\n", 0755, "gnuplot did not");
}

/* A script larger than any buffer, which the child never reads; SIGPIPE has its default action, which would end us. */
static void gnuplot_may_not_read(void **state)
{
  (void)state;
  enum { MANY = 100000 };
  static double x[MANY];
  for (size_t i = 0; i < MANY; i++) x[i] = (double)i;
  const mn_plot_series series = {NULL, MN_PLOT_LINE, MANY, x, x};
  const char *const programs[] = {"#!/bin/sh\nexit 0\n", "#!/bin/sh\nexec > /dev/null 2>&1\nsleep 0.1\n",
                                  "#!/bin/sh\nread x\nexec 0<&- 1>&- 2>&-\n"};
  char bin[512], path[1200], saved[512];
  mn_error err = {0};
  snprintf(saved, sizeof saved, "%s", getenv("PATH"));
  snprintf(bin, sizeof bin, "%s", mn_test_path("bin"));
  snprintf(path, sizeof path, "%s:%s", bin, saved);
  assert_int_equal(mkdir(bin, 0777), 0);
  assert_true(signal(SIGPIPE, SIG_DFL) == SIG_DFL);
  for (size_t p = 0; p < 3; p++) {
    assert_int_equal(chmod(mn_test_write(bin, "gnuplot", programs[p], strlen(programs[p])), 0755), 0);
    setenv("PATH", path, 1);
    mn_status st =
        mn_plot_write(mn_test_path("unread.svg"), 1, &(mn_plot_axes){.count = 1, .series = &series}, 1, &err);
    setenv("PATH", saved, 1);
    assert_int_equal(st, MN_ERR_IO);
    assert_has(err.text, "gnuplot did not read its script to the end");
  }
  assert_int_equal(access(mn_test_path("unread.svg"), F_OK), -1);
  mn_test_rmtree(bin);
}

static void nothing_is_left_open(void **state)
{
  (void)state;
  size_t before = files_in("/proc/self/fd");
  draw(mn_test_path("open.svg"), 1, panels, 1);
  assert_int_equal(files_in("/proc/self/fd"), before);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
}

static mn_status write_and_check(void *arg, mn_error *err)
{
  mn_status st = mn_plot_check_path(arg, err);
  return st ? st : mn_plot_write(arg, 4, panels, 2, err);
}

static void allocations_may_fail(void **state)
{
  (void)state;
  const char *path = mn_test_path("alloc.svg");
  size_t files = files_in(mn_test_dir), fds = files_in("/proc/self/fd");
  mn_test_every_allocation(write_and_check, (void *)path);
  assert_int_equal(files_in(mn_test_dir), files + 1); /* the last, successful write */
  assert_int_equal(files_in("/proc/self/fd"), fds);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(settings_do_not_matter),    cmocka_unit_test(standard_streams_may_be_closed),
      cmocka_unit_test(signals_interrupt_nothing), cmocka_unit_test(unusable_arguments),
      cmocka_unit_test(paths_are_checked_early),   cmocka_unit_test(gnuplot_may_be_missing),
      cmocka_unit_test(gnuplot_may_fail),          cmocka_unit_test(gnuplot_may_draw_nothing),
      cmocka_unit_test(gnuplot_may_not_read),      cmocka_unit_test(nothing_is_left_open),
      cmocka_unit_test(allocations_may_fail),
  };
  return cmocka_run_group_tests_name("plot_run", tests, mn_test_dir_open, mn_test_dir_close);
}
