/* Folders that appear only when whole: what is written, what is in the way, and that every failure, of filling, of
 * memory and of the system calls (which this program replaces by its own), leaves what was there and nothing else. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/folder.h"
#include "core/memory.h"
#include "core/status.h"
#include "core/temporary.h"
#include "support.h"

static const mn_folder_kind kind = {.header = "net.json", .format = "test net", .noun = "a net"};

/* ---- system calls that fail on demand; what the C library has of these names is not used */

static int no_exchange;          /* the errno of every renameat2; 0: it works */
static int fail_rename;          /* 1: the next call of rename fails, 2: the second from now, ...; 0 and below: none */
static int fail_rename_from_now; /* that many calls succeed, all later ones fail; -1: none */
static int interrupt_at;         /* before this call of rename all temporary files are removed; 0: never */
static int fail_fsync;           /* as fail_rename */

static int is_due(int *countdown)
{
  return *countdown > 0 && --*countdown == 0;
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
  if (!no_exchange) return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
  errno = no_exchange;
  return -1;
}

int rename(const char *from, const char *to)
{
  if (is_due(&interrupt_at)) mn_temporary_unlink_all();
  int fails = is_due(&fail_rename) || fail_rename_from_now == 0;
  if (fail_rename_from_now > 0) fail_rename_from_now--;
  if (!fails) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0u);
  errno = EIO;
  return -1;
}

int fsync(int fd)
{
  if (!is_due(&fail_fsync)) return (int)syscall(SYS_fsync, fd);
  errno = EIO;
  return -1;
}

static int set_up(void **state)
{
  no_exchange = fail_rename = interrupt_at = fail_fsync = 0;
  fail_rename_from_now = -1;
  return mn_test_dir_open(state);
}

/* ---- what the tests share */

static int is_visible(const struct dirent *entry)
{
  return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* The names in a folder, ascending and separated by blanks. */
static void expect_listing(const char *folder, const char *names)
{
  char found[1024] = "";
  struct dirent **entries;
  int count = scandir(folder, &entries, is_visible, alphasort);
  assert_true(count >= 0);
  for (int i = 0; i < count; i++) {
    size_t length = strlen(found);
    snprintf(found + length, sizeof found - length, "%s%s", i ? " " : "", entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  assert_string_equal(found, names);
}

/* What a fill is to write: the array's name, one byte in it, the header; and how it ends. */
typedef struct {
  const char *array;
  char byte;
  mn_status status;
  const char *block; /* a folder to make, with a file in it, while filling; NULL: none */
} content;

static mn_status fill(void *arg, const char *folder, mn_error *err)
{
  static const char header[] = "{\n  \"format\": \"test net\"\n}\n";
  const content *c = arg;
  char *path = mn_folder_path(folder, c->array, err); /* an allocation that may fail */
  if (!path) return MN_ERR_MEMORY;
  mn_free(path);
  expect_listing(folder, "");
  mn_test_write(folder, c->array, &c->byte, 1);
  if (c->block) {
    assert_int_equal(mkdir(c->block, 0777), 0);
    mn_test_write(c->block, "notes.txt", "text", 4);
  }
  if (c->status) return MN_FAIL(err, c->status, "filling failed");
  mn_test_write(folder, kind.header, header, sizeof header - 1);
  return MN_OK;
}

static mn_status write_net(const char *path, const char *array, char byte, mn_error *err)
{
  content c = {.array = array, .byte = byte};
  return mn_folder_write(&kind, path, fill, &c, err);
}

static void must_write(const char *path, const char *array, char byte)
{
  mn_error err = {0};
  if (write_net(path, array, byte, &err)) fail_msg("%s", err.text);
}

/* DIR/net is a whole folder whose array holds this byte, and DIR holds nothing else. */
static void expect_net(const char *array, char byte)
{
  char names[64], path[512], found = 0;
  snprintf(names, sizeof names, "net.json %s", array);
  expect_listing(mn_test_dir, "net");
  expect_listing(mn_test_path("net"), names);
  snprintf(path, sizeof path, "%s/net/%s", mn_test_dir, array);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fread(&found, 1, 1, f), 1);
  fclose(f);
  assert_int_equal(found, byte);
}

/* Both calls refuse with exactly this: PATH: TEXT. */
static void expect_refused(const char *name, const char *text)
{
  char path[512], expected[1024];
  snprintf(path, sizeof path, "%s", mn_test_path(name));
  snprintf(expected, sizeof expected, "%s: %s", path, text);
  long live = mn_memory_live();
  mn_error err = {0};
  assert_int_equal(mn_folder_check(&kind, path, NULL), MN_ERR_IO);
  assert_int_equal(mn_folder_check(&kind, path, &err), MN_ERR_IO);
  assert_string_equal(err.text, expected);
  err.text[0] = '\0';
  assert_int_equal(write_net(path, "w.npy", 'x', &err), MN_ERR_IO);
  assert_string_equal(err.text, expected);
  assert_int_equal(mn_memory_live(), live);
}

/* ---- writing */

static void test_new(void **state)
{
  (void)state;
  struct stat info;
  mode_t before = umask(027);
  assert_int_equal(mn_folder_check(&kind, mn_test_path("net"), NULL), MN_OK);
  expect_listing(mn_test_dir, "");
  must_write(mn_test_path("net"), "w.npy", '1');
  assert_int_equal(umask(before), 027);
  expect_net("w.npy", '1');
  assert_int_equal(stat(mn_test_path("net"), &info), 0);
  assert_int_equal(info.st_mode & 0777, 0750); /* as mkdir would */
}

/* As a whole: no file of the earlier one stays. Both ways of exchanging, with either errno that says there is but one.
 */
static void test_replaced(void **state)
{
  (void)state;
  static const int errors[] = {0, EINVAL, ENOSYS};
  must_write(mn_test_path("net"), "old.npy", '0');
  for (size_t i = 0; i < 3; i++) {
    char name[16];
    snprintf(name, sizeof name, "w%zu.npy", i);
    no_exchange = errors[i];
    assert_int_equal(mn_folder_check(&kind, mn_test_path("net"), NULL), MN_OK);
    must_write(mn_test_path("net"), name, (char)('1' + i));
    expect_net(name, (char)('1' + i));
  }
}

static void test_trailing_slashes(void **state)
{
  (void)state;
  must_write(mn_test_path("net//"), "w.npy", '1');
  expect_net("w.npy", '1');
  assert_int_equal(mn_folder_check(&kind, mn_test_path("net/"), NULL), MN_OK);
  must_write(mn_test_path("net/"), "v.npy", '2');
  expect_net("v.npy", '2');
}

/* A path without a slash; one whose folder is named by dots. */
static void test_relative(void **state)
{
  (void)state;
  char before[1024];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(mn_test_dir), 0);
  must_write("net", "w.npy", '1');
  must_write("./net", "v.npy", '2');
  assert_int_equal(chdir(before), 0);
  expect_net("v.npy", '2');
}

static void test_path(void **state)
{
  (void)state;
  char *path = mn_folder_path("a/b", "c.npy", NULL);
  assert_string_equal(path, "a/b/c.npy");
  mn_free(path);
}

/* ---- what is in the way */

static void make_folder(const char *name, const char *file, const char *text)
{
  assert_int_equal(mkdir(mn_test_path(name), 0777), 0);
  mn_test_write(mn_test_path(name), file, text, strlen(text));
}

/* Headers that are not the kind's: another format, the format without quotation marks or as a part of a longer one, or
 * beyond the part of the file that is looked at. */
static void test_other_headers(void **state)
{
  (void)state;
  static const char in_the_way[] = "exists and is not a net, or holds other files too; choose another name";
  static const char *const texts[] = {"", "{\"format\": \"minnorm model\"}", "test net", "{\"format\": \"test nets\"}",
                                      "{\"format\": \"a test net\"}"};
  char name[16], late[512];
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    snprintf(name, sizeof name, "%zu", i);
    make_folder(name, "net.json", texts[i]);
    expect_refused(name, in_the_way);
  }
  snprintf(late, sizeof late, "{%*s\"format\": \"test net\"}", 300, "");
  make_folder("late", "net.json", late);
  expect_refused("late", in_the_way);
  expect_listing(mn_test_dir, "0 1 2 3 4 late");
  make_folder("later", "net.json", "{\"title\": \"a test net\", \"format\": \"test net\"}"); /* the second of two */
  assert_int_equal(mn_folder_check(&kind, mn_test_path("later"), NULL), MN_OK);
}

static void test_foreign_files(void **state)
{
  (void)state;
  static const char in_the_way[] = "exists and is not a net, or holds other files too; choose another name";
  mn_test_write(mn_test_dir, "file", "text", 4);
  assert_int_equal(mkdir(mn_test_path("empty"), 0777), 0);
  make_folder("notes", "notes.txt", "text");
  must_write(mn_test_path("mixed"), "w.npy", '1');
  mn_test_write(mn_test_path("mixed"), ".npy", "mine", 4); /* a name without a stem is nobody's array */
  must_write(mn_test_path("nested"), "w.npy", '1');
  assert_int_equal(mkdir(mn_test_path("nested/sub.npy"), 0777), 0);
  must_write(mn_test_path("net"), "w.npy", '1');
  assert_int_equal(symlink("net", mn_test_path("link")), 0);
  assert_int_equal(mkdir(mn_test_path("pipe"), 0777) | mkfifo(mn_test_path("pipe/net.json"), 0666), 0);
  static const char *const names[] = {"file", "empty", "notes", "mixed", "nested", "link", "pipe"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) expect_refused(names[i], in_the_way);
  mn_error err = {0};
  assert_int_equal(mn_folder_check(&kind, mn_test_path("link/"), &err), MN_ERR_IO); /* not what it leads to either */
  assert_non_null(strstr(err.text, "exists and is not a net"));
  expect_listing(mn_test_dir, "empty file link mixed nested net notes pipe");
  expect_listing(mn_test_path("mixed"), ".npy net.json w.npy");
  expect_listing(mn_test_path("nested"), "net.json sub.npy w.npy");
  expect_listing(mn_test_path("net"), "net.json w.npy");
  expect_listing(mn_test_path("notes"), "notes.txt");
}

static void test_nowhere(void **state)
{
  (void)state;
  mn_error err = {0};
  mn_test_write(mn_test_dir, "file", "text", 4);
  expect_refused("none/net", "cannot save a net here: No such file or directory");
  expect_refused("file/net", "cannot save a net here: Not a directory");
  assert_int_equal(mn_folder_check(&kind, "", &err), MN_ERR_IO);
  assert_string_equal(err.text, "the name of a net to save is empty");
  assert_int_equal(write_net("", "w.npy", 'x', &err), MN_ERR_IO);
  assert_int_equal(mn_folder_check(&kind, "/", &err), MN_ERR_IO);
  assert_string_equal(err.text, "/: exists and is not a net, or holds other files too; choose another name");
  if (geteuid()) { /* root writes everywhere */
    assert_int_equal(mkdir(mn_test_path("closed"), 0555), 0);
    expect_refused("closed/net", "cannot save a net here: Permission denied");
    assert_int_equal(rmdir(mn_test_path("closed")), 0);
  }
  expect_listing(mn_test_dir, "file");
}

/* ---- failures */

static void test_fill_fails(void **state)
{
  (void)state;
  content c = {.array = "w.npy", .byte = 'x', .status = MN_ERR_DATA};
  for (int there = 0; there <= 1; there++) {
    mn_error err = {0};
    long live = mn_memory_live();
    assert_int_equal(mn_folder_write(&kind, mn_test_path("net"), fill, &c, &err), MN_ERR_DATA);
    assert_string_equal(err.text, "filling failed");
    assert_int_equal(mn_memory_live(), live);
    if (there)
      expect_net("old.npy", '0');
    else
      expect_listing(mn_test_dir, "");
    must_write(mn_test_path("net"), "old.npy", '0');
  }
}

/* A folder of the user's own that comes while the temporary one is filled is not removed. */
static void test_blocked_meanwhile(void **state)
{
  (void)state;
  mn_error err = {0};
  content c = {.array = "w.npy", .byte = 'x', .block = mn_test_path("net")};
  assert_int_equal(mn_folder_write(&kind, c.block, fill, &c, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "net: exists and is not a net"));
  expect_listing(mn_test_dir, "net");
  expect_listing(mn_test_path("net"), "notes.txt");
}

static void expect_failure(const char *text)
{
  mn_error err = {0};
  long live = mn_memory_live();
  assert_int_equal(write_net(mn_test_path("net"), "w.npy", 'x', &err), MN_ERR_IO);
  if (!strstr(err.text, text)) fail_msg("'%s' does not say '%s'", err.text, text);
  assert_int_equal(mn_memory_live(), live);
}

static void test_rename_fails(void **state)
{
  (void)state;
  fail_rename = 1;
  expect_failure("net: cannot rename: Input/output error");
  expect_listing(mn_test_dir, "");
  must_write(mn_test_path("net"), "old.npy", '0');
  no_exchange = EIO;
  expect_failure("net: cannot replace the net here: Input/output error");
  expect_net("old.npy", '0');
  no_exchange = EINVAL;
  for (int k = 1; k <= 2; k++) { /* out of the way; to its name */
    fail_rename = k;
    expect_failure("net: cannot replace the net here: Input/output error");
    assert_int_equal(fail_rename, 0);
    expect_net("old.npy", '0');
  }
}

/* The earlier folder is out of the way and cannot be brought back either: it stays, and the message says where. */
static void test_no_way_back(void **state)
{
  (void)state;
  mn_error err = {0};
  must_write(mn_test_path("net"), "old.npy", '0');
  no_exchange = ENOSYS;
  fail_rename_from_now = 1;
  assert_int_equal(write_net(mn_test_path("net"), "w.npy", 'x', &err), MN_ERR_IO);
  fail_rename_from_now = -1;
  const char *before = "net: cannot be replaced; it is now ", *found = strstr(err.text, before);
  assert_non_null(found);
  assert_int_equal(rename(found + strlen(before), mn_test_path("net")), 0);
  expect_net("old.npy", '0');
}

/* Ctrl-C removes what is temporary. While the net is filled or renamed that is the new folder; between the two steps of
 * an exchange the earlier one is in no danger. */
static void test_interrupt(void **state)
{
  (void)state;
  interrupt_at = 1;
  expect_failure("net: cannot rename: No such file or directory");
  expect_listing(mn_test_dir, "");
  must_write(mn_test_path("net"), "old.npy", '0');
  no_exchange = EINVAL;
  for (int k = 1; k <= 2; k++) {
    interrupt_at = k;
    expect_failure("net: cannot replace the net here: No such file or directory");
    expect_net("old.npy", '0');
  }
}

/* Of the new folder: all as before. Of the one above it: the new folder has its name and is whole. */
static void test_sync_fails(void **state)
{
  (void)state;
  must_write(mn_test_path("net"), "old.npy", '0');
  fail_fsync = 1;
  expect_failure("cannot sync: Input/output error");
  expect_net("old.npy", '0');
  fail_fsync = 2;
  expect_failure("cannot sync: Input/output error");
  expect_net("w.npy", 'x');
  fail_fsync = 2; /* the folder above is the one that is synced, whatever slashes end the path */
  mn_error err = {0};
  char expected[512];
  snprintf(expected, sizeof expected, "%s: cannot sync: Input/output error", mn_test_dir);
  assert_int_equal(write_net(mn_test_path("net//"), "w.npy", 'x', &err), MN_ERR_IO);
  assert_string_equal(err.text, expected);
}

/* ---- allocations */

/* Over nothing, or over a folder of byte '0', which a failure leaves. */
static mn_status write_one(void *arg, mn_error *err)
{
  int there = !access(arg, F_OK);
  mn_status st = write_net(arg, "w.npy", '1', err);
  if (!st)
    expect_net("w.npy", '1');
  else if (there)
    expect_net("old.npy", '0');
  else
    expect_listing(mn_test_dir, "");
  return st;
}

static mn_status check_one(void *arg, mn_error *err)
{
  return mn_folder_check(&kind, arg, err);
}

static void test_allocations(void **state)
{
  (void)state;
  char path[512];
  snprintf(path, sizeof path, "%s", mn_test_path("net"));
  mn_test_every_allocation(check_one, path);
  expect_listing(mn_test_dir, "");
  mn_test_every_allocation(write_one, path);
  for (int i = 0; i < 2; i++) { /* both ways of exchanging */
    no_exchange = i ? EINVAL : 0;
    must_write(path, "old.npy", '0');
    mn_test_every_allocation(write_one, path);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_new, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_replaced, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_trailing_slashes, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_relative, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_path, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_other_headers, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_foreign_files, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_nowhere, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_fill_fails, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_blocked_meanwhile, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_rename_fails, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_no_way_back, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_interrupt, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_sync_fails, set_up, mn_test_dir_close),
      cmocka_unit_test_setup_teardown(test_allocations, set_up, mn_test_dir_close),
  };
  return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
