/* Files that appear only when whole. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "core/memory.h"
#include "support.h"

static void assert_content(const char *name, const char *text)
{
  char found[256] = "";
  FILE *f = fopen(mn_test_path(name), "rb");
  assert_non_null(f);
  found[fread(found, 1, sizeof found - 1, f)] = '\0';
  fclose(f);
  assert_string_equal(found, text);
}

/* Files of the directory, temporary ones included. */
static size_t files_there(void)
{
  size_t count = 0;
  DIR *d = opendir(mn_test_dir);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
  closedir(d);
  return count;
}

static mn_atomic_file *start(const char *name, const char *text)
{
  mn_atomic_file *f = NULL;
  assert_int_equal(mn_atomic_file_open(mn_test_path(name), &f, NULL), MN_OK);
  assert_int_equal(mn_atomic_file_write(f, text, strlen(text), NULL), MN_OK);
  return f;
}

static void test_commit(void **state)
{
  (void)state;
  mn_test_write(mn_test_dir, "a", "old", 3);
  mn_atomic_file *f = start("a", "ne");
  fprintf(mn_atomic_file_stream(f), "%s", "w");
  assert_content("a", "old");
  assert_int_equal(mn_atomic_file_sync(f, NULL), MN_OK);
  assert_content("a", "old");
  assert_int_equal(mn_atomic_file_commit(&f, NULL), MN_OK);
  assert_null(f);
  assert_content("a", "new");
  assert_int_equal(files_there(), 1);
  mn_atomic_file_abort(&f);
}

static void test_abort(void **state)
{
  (void)state;
  mn_test_write(mn_test_dir, "a", "old", 3);
  mn_atomic_file *f = start("a", "new"), *g = start("b", "new"), *h = start("b", "newer");
  assert_int_equal(files_there(), 4); /* two at once for one name do not meet */
  mn_atomic_file_abort(&f);
  assert_int_equal(mn_atomic_file_sync(g, NULL), MN_OK);
  mn_atomic_file_abort(&g);
  mn_atomic_file_abort(&h);
  assert_null(f);
  assert_int_equal(files_there(), 1);
  assert_content("a", "old");
}

/* What a killed process leaves goes with the next file of the directory, what living ones write stays. */
static void test_left_over(void **state)
{
  (void)state;
  static const char *const foreign[] = {".minnorm-1-.tmp", ".minnorm-1-2.tmp.txt", ".minnorm--3.tmp",
                                        "minnorm-1-2.tmp"};
  size_t before = files_there();
  mn_atomic_file *mine = start("mine", "x"), *synced = start("synced", "x");
  assert_int_equal(mn_atomic_file_sync(synced, NULL), MN_OK);
  pid_t child = fork();
  if (!child) {
    mn_atomic_file *f = NULL;
    if (!mn_atomic_file_open(mn_test_path("theirs"), &f, NULL)) raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  mn_test_write(mn_test_dir, ".minnorm-1-0.tmp", "", 0); /* process 1 lives, but it is not one of its own */
  for (size_t i = 0; i < 4; i++) mn_test_write(mn_test_dir, foreign[i], "", 0);
  assert_int_equal(symlink("a", mn_test_path(".minnorm-7-7.tmp")), 0);
  assert_int_equal(files_there(), before + 2 + 1 + 1 + 4 + 1);
  mn_atomic_file *f = start("theirs", "new");
  assert_int_equal(files_there(), before + 2 + 1 + 4 + 1);
  assert_int_equal(mn_atomic_file_commit(&f, NULL), MN_OK);
  assert_int_equal(mn_atomic_file_commit(&mine, NULL), MN_OK);
  assert_int_equal(mn_atomic_file_commit(&synced, NULL), MN_OK);
  assert_content("theirs", "new");
  for (size_t i = 0; i < 4; i++) assert_int_equal(unlink(mn_test_path(foreign[i])), 0);
  unlink(mn_test_path(".minnorm-7-7.tmp"));
  unlink(mn_test_path("theirs"));
  unlink(mn_test_path("mine"));
  unlink(mn_test_path("synced"));
  assert_int_equal(files_there(), before);
}

static void test_permissions(void **state)
{
  (void)state;
  struct stat info;
  mode_t before = umask(027);
  mn_atomic_file *f = start("p", "x");
  assert_int_equal(mn_atomic_file_commit(&f, NULL), MN_OK);
  umask(before);
  assert_int_equal(stat(mn_test_path("p"), &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640); /* as any other program's new file */
  unlink(mn_test_path("p"));
}

/* The link stays, what it names is replaced. */
static void test_symbolic_link(void **state)
{
  (void)state;
  struct stat info;
  mn_test_write(mn_test_dir, "target", "old", 3);
  assert_int_equal(symlink("target", mn_test_path("link")), 0);
  mn_atomic_file *f = start("link", "new");
  assert_int_equal(mn_atomic_file_commit(&f, NULL), MN_OK);
  assert_int_equal(lstat(mn_test_path("link"), &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  assert_content("target", "new");
  unlink(mn_test_path("link"));
  unlink(mn_test_path("target"));
}

static void test_current_directory(void **state)
{
  (void)state;
  char before[1024];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(mn_test_dir), 0);
  mn_atomic_file *f = NULL;
  assert_int_equal(mn_atomic_file_open("here", &f, NULL), MN_OK);
  assert_int_equal(mn_atomic_file_commit(&f, NULL), MN_OK);
  assert_int_equal(chdir(before), 0);
  assert_content("here", "");
  unlink(mn_test_path("here"));
}

static void test_cannot_open(void **state)
{
  (void)state;
  mn_error err;
  mn_atomic_file *f = NULL;
  long live = mn_memory_live();
  assert_int_equal(mn_atomic_file_open(mn_test_path("gone/x"), &f, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "gone/x: cannot be written: No such file or directory"));
  assert_null(f);
  assert_int_equal(mn_atomic_file_open(mn_test_dir, &f, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "Is a directory"));
  assert_int_equal(mn_memory_live(), live);
}

static void test_rename_fails(void **state)
{
  (void)state;
  mn_error err;
  size_t before = files_there();
  mn_atomic_file *f = start("late", "x");
  assert_int_equal(mkdir(mn_test_path("late"), 0777), 0); /* a directory took the name meanwhile */
  assert_int_equal(mn_atomic_file_commit(&f, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "late: cannot be renamed"));
  assert_null(f);
  assert_int_equal(rmdir(mn_test_path("late")), 0);
  assert_int_equal(files_there(), before);
}

/* A limit on the size of files stands in for a full disk. */
static void test_disk_full(void **state)
{
  (void)state;
  static char block[65536];
  struct rlimit before, small;
  mn_error err = {0};
  mn_test_write(mn_test_dir, "a", "old", 3);
  size_t files = files_there();
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 100000;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  mn_atomic_file *f = NULL;
  mn_status opened = mn_atomic_file_open(mn_test_path("a"), &f, &err), written = MN_OK;
  for (int i = 0; i < 4 && !written; i++) written = mn_atomic_file_write(f, block, sizeof block, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  assert_int_equal(opened, MN_OK);
  assert_int_equal(written, MN_ERR_IO);
  assert_non_null(strstr(err.text, "a: writing failed: File too large"));
  assert_int_equal(mn_atomic_file_commit(&f, &err), MN_ERR_IO); /* an error that went unnoticed is not lost */
  assert_null(f);
  assert_int_equal(files_there(), files);
  assert_content("a", "old");
}

static void test_device(void **state)
{
  (void)state;
  struct stat info;
  mn_error err;
  mn_atomic_file *f = NULL;
  assert_int_equal(mn_atomic_file_open("/dev/full", &f, &err), MN_OK);
  fputs("some text", mn_atomic_file_stream(f));
  assert_int_equal(mn_atomic_file_commit(&f, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "/dev/full: writing failed: No space left on device"));
  assert_int_equal(stat("/dev/full", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
}

static mn_status write_one(void *arg, mn_error *err)
{
  (void)arg;
  mn_atomic_file *f = NULL;
  mn_status st = mn_atomic_file_open(mn_test_path("a"), &f, err);
  if (!st) st = mn_atomic_file_write(f, "x", 1, err);
  return st ? st : mn_atomic_file_commit(&f, err);
}

static void test_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(write_one, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_commit),        cmocka_unit_test(test_abort),
      cmocka_unit_test(test_left_over),     cmocka_unit_test(test_permissions),
      cmocka_unit_test(test_symbolic_link), cmocka_unit_test(test_current_directory),
      cmocka_unit_test(test_cannot_open),   cmocka_unit_test(test_rename_fails),
      cmocka_unit_test(test_disk_full),     cmocka_unit_test(test_device),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests_name("atomic_file", tests, mn_test_dir_open, mn_test_dir_close);
}
