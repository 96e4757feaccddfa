#define _GNU_SOURCE
#include "store_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linalg/cholesky.h"
#include "support.h"

/* ---- system calls */

fault fault_pread, fault_pwrite, fault_fallocate, fault_fdatasync, fault_fsync;
int faults_stay;

void faults_clear(void)
{
  fault_pread = fault_pwrite = fault_fallocate = fault_fdatasync = fault_fsync = (fault){0};
  faults_stay = 0;
}

/* Calls come from one thread of a kind at a time. */
static int is_due(fault *f)
{
  if (f->at <= 0) return 0;
  if (f->at == 1 && faults_stay) return 1;
  return --f->at == 0;
}

ssize_t pread(int fd, void *to, size_t bytes, off_t offset)
{
  int due = is_due(&fault_pread);
  if (due && fault_pread.reason) return errno = fault_pread.reason, -1;
  return syscall(SYS_pread64, fd, to, due && fault_pread.bytes < bytes ? fault_pread.bytes : bytes, offset);
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t offset)
{
  int due = is_due(&fault_pwrite);
  if (due && fault_pwrite.reason) return errno = fault_pwrite.reason, -1;
  return syscall(SYS_pwrite64, fd, from, due && fault_pwrite.bytes < bytes ? fault_pwrite.bytes : bytes, offset);
}

int posix_fallocate(int fd, off_t offset, off_t bytes)
{
  if (is_due(&fault_fallocate)) return fault_fallocate.reason;
  return syscall(SYS_fallocate, fd, 0, offset, bytes) ? errno : 0;
}

int fdatasync(int fd)
{
  if (is_due(&fault_fdatasync)) return errno = fault_fdatasync.reason, -1;
  return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
  if (is_due(&fault_fsync)) return errno = fault_fsync.reason, -1;
  return (int)syscall(SYS_fsync, fd);
}

/* ---- the matrix */

/* s_i s_j (exp(-|i - j| / 100) + 0.1 delta_ij): positive definite for any scales s. */
double matrix_element(size_t i, size_t j)
{
  double distance = i > j ? (double)(i - j) : (double)(j - i);
  double si = 1 + (double)(i * 37 % 101) / 100, sj = 1 + (double)(j * 37 % 101) / 100;
  return si * sj * (exp(-distance / 100) + (i == j ? 0.1 : 0));
}

static void put(const mn_panels *p, size_t i, size_t j, double value)
{
  if (p->type == MN_F64)
    *(double *)mn_panels_at(p, i, j) = value;
  else
    *(float *)mn_panels_at(p, i, j) = (float)value;
}

mn_status matrix_fill(void *arg, mn_panels *p, size_t first, size_t end, mn_error *err)
{
  (void)err;
  assert_true(first < end && end <= p->count);
  if (arg) *(size_t *)arg += end - first;
  for (size_t panel = first; panel < end; panel++)
    for (size_t c = 0; c < mn_panels_rows(p, panel); c++) {
      size_t top = panel * p->width, j = top + c;
      for (size_t i = top; i < p->n; i++) put(p, i, j, i < j ? (double)NAN : matrix_element(i, j));
    }
  return MN_OK;
}

mn_panels *matrix_factor(size_t n, size_t width, mn_dtype type)
{
  mn_panels *p;
  size_t pivot;
  assert_int_equal(mn_panels_open(n, width, type, &p, NULL), MN_OK);
  matrix_fill(NULL, p, 0, p->count, NULL);
  assert_int_equal(mn_cholesky_factor(p, 2, NULL, &pivot, NULL), MN_OK);
  return p;
}

void expect_same_bits(const mn_panels *a, const mn_panels *b, size_t first, size_t end)
{
  for (size_t panel = first; panel < end; panel++)
    for (size_t j = panel * a->width; j < panel * a->width + mn_panels_rows(a, panel); j++)
      if (memcmp(mn_panels_at(a, j, j), mn_panels_at(b, j, j), (a->n - j) * mn_dtype_size(a->type)))
        fail_msg("n = %zu, width %zu: column %zu differs", a->n, a->width, j);
}

void expect_stored(mn_panel_store *store, const mn_panels *factor)
{
  mn_panels *p;
  mn_meter meter;
  assert_int_equal(mn_panel_store_finished(store), factor->count);
  assert_int_equal(mn_panels_open(factor->n, factor->width, factor->type, &p, NULL), MN_OK);
  mn_meter_open(&meter, NULL, "read", 1, "byte");
  for (size_t j = 0; j < p->count; j++)
    assert_int_equal(mn_panel_store_read_panel(store, j, &p->panel[j], &meter, NULL), MN_OK);
  expect_same_bits(p, factor, 0, p->count);
  mn_panels_close(&p);
}

/* ---- folders, threads, processes */

static int is_visible(const struct dirent *entry)
{
  return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

void expect_listing(const char *folder, const char *names)
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

int threads_now(void)
{
  struct dirent **entries;
  int count = scandir("/proc/self/task", &entries, is_visible, NULL);
  for (int i = 0; i < count; i++) free(entries[i]);
  free(entries);
  return count;
}

/* A thread that was joined may be listed for a moment yet. */
void expect_threads(int count)
{
  for (int i = 0; i < 1000 && threads_now() > count; i++) usleep(10000);
  assert_true(threads_now() <= count);
}

void flip_bit(const char *path, size_t byte)
{
  char value;
  int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  assert_int_equal(syscall(SYS_pread64, fd, &value, 1, byte), 1);
  value ^= 4;
  assert_int_equal(syscall(SYS_pwrite64, fd, &value, 1, byte), 1);
  close(fd);
}

int run_and_kill(const char *mode, const char *folder, unsigned delay_us)
{
  int status;
  char self[4096] = ""; /* read, since under valgrind the link itself leads to valgrind */
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (!child) { /* exec at once: OpenMP's threads do not survive a fork */
    execl(self, "test", mode, folder, (char *)NULL);
    _exit(127);
  }
  usleep(delay_us);
  kill(child, SIGKILL); /* not waited for yet, so the number is still the child's */
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
