/* Ctrl-C: the first signal asks the library to stop at its next report of progress. LAPACK calls on whole matrices
 * report none, so an alarm ends the process when that takes too long. */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli.h"

static const int patience_us = 800000;
static volatile sig_atomic_t interrupted;
static char message[80];
static size_t message_length;

/* Everything called here is safe in a handler. */
static void end_process(void)
{
  static const char erase[] = "\r\033[K";
  mn_report_abandon_files();
  if (isatty(STDERR_FILENO) && write(STDERR_FILENO, erase, sizeof erase - 1) < 0) _exit(1);
  if (write(STDERR_FILENO, message, message_length) < 0) _exit(1);
  _exit(1);
}

static void on_alarm(int signal_number)
{
  (void)signal_number;
  end_process();
}

static void on_signal(int signal_number)
{
  (void)signal_number;
  struct itimerval soon = {.it_value = {.tv_usec = patience_us}};
  if (interrupted) end_process();
  interrupted = 1;
  setitimer(ITIMER_REAL, &soon, NULL);
}

/* A signal that the caller had ignored, as a shell does for its background jobs, stays ignored. */
static void handle(int signal_number, void (*handler)(int))
{
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal_number, NULL, &before) || before.sa_handler == SIG_IGN) return;
  sigaction(signal_number, &action, NULL);
}

void mn_cli_interrupt_install(const char *command)
{
  message_length = (size_t)snprintf(message, sizeof message, "minnorm: %s: interrupted\n", command);
  handle(SIGALRM, on_alarm);
  handle(SIGINT, on_signal);
  handle(SIGTERM, on_signal);
}

int mn_cli_interrupted(void)
{
  return interrupted;
}
