/* The script goes through a socket, because send() can be told not to raise SIGPIPE, which leaves the signal's
 * disposition and every thread's mask alone. Output and messages are read in the same loop as the script is sent, so
 * that neither side ever waits for the other. */
#define _GNU_SOURCE
#include "report/plot_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"

extern char **environ;

enum { SCRIPT, PICTURE, MESSAGES, CHANNELS }; /* the child's descriptors 0, 1, 2 */

typedef struct {
  int ours[CHANNELS], theirs[CHANNELS]; /* -1: closed */
  pid_t pid;                            /* 0: none to wait for */
  int refused;                          /* it stopped reading before the script's end */
  char messages[4096];                  /* the beginning of its standard error */
  size_t message_bytes;
} child;

static void close_one(int *fd)
{
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* Descriptors below 3, which a caller without standard streams is given, would be in the way of the child's own. */
static int move_up(int *fd)
{
  if (*fd > STDERR_FILENO) return 0;
  int higher = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (higher < 0) return -1;
  close(*fd);
  *fd = higher;
  return 0;
}

static int open_channels(child *c)
{
  int pair[2];
  for (int i = 0; i < CHANNELS; i++) {
    if (i == SCRIPT ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) : pipe2(pair, O_CLOEXEC)) return -1;
    c->ours[i] = pair[0];
    c->theirs[i] = pair[1];
    if (move_up(&c->ours[i]) || move_up(&c->theirs[i])) return -1;
  }
  return 0;
}

/* Variables that change what gnuplot draws, or how numbers and characters are read. */
static int is_dropped(const char *variable)
{
  static const char *const prefixes[] = {"GNUPLOT", "GNUTERM=", "GNUHELP=", "GDFONTPATH=", "FIT_", "LC_", "LANG="};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (!strncmp(variable, prefixes[i], strlen(prefixes[i]))) return 1;
  return 0;
}

/* The environment without those. The texts stay the process's own. */
static char **make_environment(void)
{
  static char locale[] = "LC_ALL=C.UTF-8";
  size_t count = 0, kept = 0;
  while (environ && environ[count]) count++;
  char **copy = mn_alloc(count + 2, sizeof *copy);
  if (!copy) return NULL;
  for (size_t i = 0; i < count; i++)
    if (!is_dropped(environ[i])) copy[kept++] = environ[i];
  copy[kept++] = locale;
  copy[kept] = NULL;
  return copy;
}

/* Returns 0 or an errno. SIGPIPE, which the caller may ignore, is gnuplot's again. */
static int spawn(child *c, char **environment)
{
  char *arguments[] = {(char[]){"gnuplot"}, (char[]){"-d"}, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t defaults;
  int bad = posix_spawn_file_actions_init(&actions);
  if (bad) return bad;
  bad = posix_spawnattr_init(&attributes);
  if (bad) {
    posix_spawn_file_actions_destroy(&actions);
    return bad;
  }
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  bad = posix_spawnattr_setsigdefault(&attributes, &defaults);
  if (!bad) bad = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  for (int i = 0; i < CHANNELS && !bad; i++) bad = posix_spawn_file_actions_adddup2(&actions, c->theirs[i], i);
  if (!bad) bad = posix_spawnp(&c->pid, arguments[0], &actions, &attributes, arguments, environment);
  if (bad) c->pid = 0;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return bad;
}

static mn_status not_found(mn_error *err)
{
  return MN_FAIL(err, MN_ERR_IO, "gnuplot not found in PATH: install gnuplot (Debian: gnuplot-nox)");
}

static mn_status start(child *c, mn_error *err)
{
  if (open_channels(c)) return MN_FAIL(err, MN_ERR_IO, "gnuplot cannot be started: %s", strerror(errno));
  char **environment = make_environment();
  if (!environment) return MN_NO_MEMORY(err, sizeof *environment);
  int bad = spawn(c, environment);
  mn_free(environment);
  for (int i = 0; i < CHANNELS; i++) close_one(&c->theirs[i]);
  if (bad == ENOENT || bad == EACCES) return not_found(err);
  if (bad == ENOMEM) return MN_FAIL(err, MN_ERR_MEMORY, "out of memory: gnuplot could not be started");
  return bad ? MN_FAIL(err, MN_ERR_IO, "gnuplot cannot be started: %s", strerror(bad)) : MN_OK;
}

/* Sends what goes through at once. Returns -1 when the channel is broken. */
static int send_some(child *c, const mn_plot_text *script, size_t *sent)
{
  if (*sent < script->count) {
    ssize_t n = send(c->ours[SCRIPT], script->bytes + *sent, script->count - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR || errno == EAGAIN) return 0;
      if (errno != EPIPE && errno != ECONNRESET) return -1;
      c->refused = 1; /* its status and messages will say why */
      *sent = script->count;
    } else {
      *sent += (size_t)n;
    }
  }
  if (*sent == script->count) close_one(&c->ours[SCRIPT]);
  return 0;
}

/* Reads what there is; the end closes the channel. Of the messages, only the beginning is kept. */
static int receive_some(child *c, int channel, mn_plot_text *output)
{
  char block[65536];
  ssize_t n = read(c->ours[channel], block, sizeof block);
  if (n < 0) return errno == EINTR ? 0 : -1;
  if (!n) close_one(&c->ours[channel]);
  if (channel == PICTURE) {
    mn_plot_text_add(output, block, (size_t)n);
    return 0;
  }
  size_t room = sizeof c->messages - 1 - c->message_bytes, kept = (size_t)n < room ? (size_t)n : room;
  memcpy(c->messages + c->message_bytes, block, kept);
  c->message_bytes += kept;
  return 0;
}

/* Sends and receives until both of the child's outputs are closed. poll() passes over a descriptor of -1. */
static mn_status converse(child *c, const mn_plot_text *script, mn_plot_text *output, mn_error *err)
{
  size_t sent = 0;
  while (c->ours[PICTURE] >= 0 || c->ours[MESSAGES] >= 0) {
    struct pollfd fds[CHANNELS];
    int bad = 0;
    for (int i = 0; i < CHANNELS; i++)
      fds[i] = (struct pollfd){.fd = c->ours[i], .events = i == SCRIPT ? POLLOUT : POLLIN};
    if (poll(fds, CHANNELS, -1) < 0) {
      if (errno == EINTR) continue;
      bad = 1;
    }
    if (!bad && fds[SCRIPT].revents) bad = send_some(c, script, &sent);
    for (int i = PICTURE; i < CHANNELS && !bad; i++)
      if (fds[i].revents) bad = receive_some(c, i, output);
    if (bad) return MN_FAIL(err, MN_ERR_IO, "gnuplot cannot be talked to: %s", strerror(errno));
    if (output->missing) return MN_NO_MEMORY(err, output->missing);
  }
  return MN_OK;
}

/* The line that explains a failure: what follows "line N:" in the first message of that form which is no warning, else
 * the first line that is not blank. Cut at the line's end; control characters are not passed on to terminals. */
static const char *explanation(child *c)
{
  char *first = NULL, *rest = NULL;
  for (size_t i = 0; i < c->message_bytes; i++)
    if (!c->messages[i]) c->messages[i] = '?';
  c->messages[c->message_bytes] = '\0';
  for (char *line = strtok_r(c->messages, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
    int text = 0;
    for (char *s = line; *s; s++)
      if ((unsigned char)*s < ' ' || *s == 0x7f) *s = ' ';
    line += strspn(line, " ");
    sscanf(line, "line %*d: %n", &text);
    if (text && strncmp(line + text, "warning", strlen("warning"))) return line + text;
    if (!first && *line) first = line;
  }
  return first ? first : "no reason given";
}

/* Waits for the child's end and judges it. */
static mn_status finish(child *c, mn_error *err)
{
  int status;
  pid_t pid;
  if (c->ours[SCRIPT] >= 0) c->refused = 1;
  close_one(&c->ours[SCRIPT]); /* it may still wait for more */
  do pid = waitpid(c->pid, &status, 0);
  while (pid < 0 && errno == EINTR);
  c->pid = 0;
  if (pid < 0) return MN_FAIL(err, MN_ERR_IO, "how gnuplot ended cannot be known: %s", strerror(errno));
  if (WIFSIGNALED(status))
    return MN_FAIL(err, MN_ERR_IO, "gnuplot was killed by signal %d (%s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) == 127 && !c->message_bytes) return not_found(err); /* how some systems report the above */
  if (WEXITSTATUS(status))
    return MN_FAIL(err, MN_ERR_IO, "gnuplot failed (exit status %d): %.300s", WEXITSTATUS(status), explanation(c));
  if (c->refused) return MN_FAIL(err, MN_ERR_IO, "gnuplot did not read its script to the end");
  return MN_OK;
}

mn_status mn_plot_run(const mn_plot_text *script, mn_plot_text *output, mn_error *err)
{
  child c = {.ours = {-1, -1, -1}, .theirs = {-1, -1, -1}};
  mn_status st = start(&c, err);
  if (st) goto done;
  if ((st = converse(&c, script, output, err))) goto done;
  st = finish(&c, err);
done:
  for (int i = 0; i < CHANNELS; i++) {
    close_one(&c.ours[i]);
    close_one(&c.theirs[i]);
  }
  if (c.pid) { /* left in the middle: its end is waited for, how it came to it is of no interest */
    kill(c.pid, SIGKILL);
    finish(&c, NULL);
  }
  return st;
}
