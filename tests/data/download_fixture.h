/* What the tests of downloads share: a directory, a file of noise, and range_server.py serving it on 127.0.0.1. */
#ifndef MN_TESTS_DOWNLOAD_FIXTURE_H
#define MN_TESTS_DOWNLOAD_FIXTURE_H

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "core/md5.h"
#include "core/memory.h"
#include "data/download.h"
#include "support.h"

extern char **environ;

enum { CONTENT = 60000 };

static char top[256], root[300], dir[300], requests[300], base[64];
static pid_t server_pid;
static int server_stdin = -1;
static unsigned char content[CONTENT]; /* of set/file.gz */
static size_t gz_bytes;
static char content_md5[33];
static char log_text[4096]; /* what the library logged */

static inline const char *below(const char *folder, const char *name)
{
  static char paths[8][400];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static inline void write_file(const char *path, const void *bytes, size_t count)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, count, f), count);
  assert_int_equal(fclose(f), 0);
}

/* Bytes of a file, or -1 when there is none. */
static inline long size_of(const char *path)
{
  struct stat info;
  return stat(path, &info) ? -1 : (long)info.st_size;
}

static inline size_t read_file(const char *path, void *to, size_t room)
{
  FILE *f = fopen(path, "rb");
  if (!f) return 0;
  size_t got = fread(to, 1, room, f);
  fclose(f);
  return got;
}

static inline void write_gz(const char *path, const void *bytes, size_t count)
{
  gzFile f = gzopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(gzwrite(f, bytes, (unsigned)count), count);
  assert_int_equal(gzclose(f), Z_OK);
}

static inline void md5_of(const void *bytes, size_t count, char hex[33])
{
  mn_md5 md5;
  mn_md5_open(&md5);
  mn_md5_add(&md5, bytes, count);
  mn_md5_close(&md5, hex);
}

static inline void md5_of_file(const char *path, char hex[33])
{
  static unsigned char bytes[1 << 20];
  size_t count = read_file(path, bytes, sizeof bytes);
  md5_of(bytes, count, hex);
}

static inline void fill_content(void)
{
  uint32_t r = 7;
  for (size_t k = 0; k < CONTENT; k++) {
    r = r * 1664525 + 1013904223;
    content[k] = (unsigned char)(r >> 24);
  }
}

/* Starts range_server.py, which lies beside this file, and waits for its port. Leaves `base` empty without python3. */
static inline void start_server(void)
{
  char script[512] = __FILE__, port[16] = "";
  char *slash = strrchr(script, '/');
  strcpy(slash ? slash + 1 : script, "range_server.py");
  int in[2], out[2];
  assert_int_equal(pipe2(in, O_CLOEXEC), 0);
  assert_int_equal(pipe2(out, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  char python[] = "python3";
  char *argv[] = {python, script, root, requests, NULL};
  int failed = posix_spawnp(&server_pid, python, &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  server_stdin = in[1];
  FILE *answer = fdopen(out[0], "r");
  assert_non_null(answer);
  if (!failed && fgets(port, sizeof port, answer)) snprintf(base, sizeof base, "http://127.0.0.1:%d", atoi(port));
  fclose(answer);
  if (failed) server_pid = 0;
  if (!failed && !base[0]) fail_msg("%s does not run: these tests are run from the project's top level", script);
}

static inline int set_up(void **state)
{
  (void)state;
  setenv("no_proxy", "127.0.0.1", 1);
  mn_test_mkdtemp(top);
  snprintf(root, sizeof root, "%s/root", top);
  snprintf(dir, sizeof dir, "%s/data", top);
  snprintf(requests, sizeof requests, "%s/requests", top);
  mkdir(root, 0777);
  mkdir(below(root, "set"), 0777);
  fill_content();
  md5_of(content, CONTENT, content_md5);
  write_gz(below(root, "set/file.gz"), content, CONTENT);
  gz_bytes = (size_t)size_of(below(root, "set/file.gz"));
  write_file(below(root, "set/plain.gz"), content, CONTENT);
  start_server();
  if (!base[0]) printf("python3 is missing: the tests that need the local web server are skipped\n");
  return 0;
}

static inline int tear_down(void **state)
{
  (void)state;
  close(server_stdin); /* which ends the server */
  if (server_pid) waitpid(server_pid, NULL, 0);
  mn_test_rmtree(top);
  return 0;
}

/* Each test starts with no data, no requests, no log. */
static inline int fresh(void **state)
{
  (void)state;
  mn_test_rmtree(dir);
  unlink(requests);
  log_text[0] = '\0';
  return 0;
}

static inline void need_server(void)
{
  if (base[0]) return;
  printf("skipped: python3 is missing\n");
  skip();
}

static inline void keep_log(void *user, const char *line)
{
  (void)user;
  size_t used = strlen(log_text);
  snprintf(log_text + used, sizeof log_text - used, "%s\n", line);
}

static const mn_context logging = {.log = keep_log};

static inline mn_status get(const mn_download_file *row, const char *mode, mn_error *err)
{
  char url[128];
  snprintf(url, sizeof url, "%s/%s", base, mode);
  return mn_download_files(row, 1, row->dataset, dir, url, &logging, err);
}

static inline void get_fine(const mn_download_file *row, const char *mode)
{
  mn_error err = {0};
  if (get(row, mode, &err)) fail_msg("%s: %s", mode, err.text);
}

static inline __attribute__((format(printf, 1, 2))) void assert_requests(const char *format, ...)
{
  char text[4096], expected[4096];
  va_list args;
  va_start(args, format);
  vsnprintf(expected, sizeof expected, format, args);
  va_end(args);
  text[read_file(requests, text, sizeof text - 1)] = '\0';
  assert_string_equal(text, expected);
}

static inline void assert_logged(const char *expected)
{
  if (!strstr(log_text, expected)) fail_msg("'%s' expected in the log: %s", expected, log_text);
}

#endif
