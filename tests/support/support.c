#define _XOPEN_SOURCE 700
#include "support.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"

void mn_test_every_allocation(mn_test_call call, void *arg)
{
  const long limit = 10000;
  for (long k = 0; k < limit; k++) {
    mn_error err = {0};
    long live = mn_memory_live();
    mn_memory_fail_at(k);
    mn_status st = call(arg, &err);
    mn_memory_fail_at(-1);
    if (mn_memory_live() != live) fail_msg("allocation %ld failing leaves %ld behind", k, mn_memory_live() - live);
    if (st >= 0) {
      assert_true(k > 0);
      return;
    }
    if (st != MN_ERR_MEMORY || !err.text[0]) fail_msg("allocation %ld failing: status %d, '%s'", k, st, err.text);
  }
  fail_msg("still failing after %ld allocations", limit);
}

void mn_test_mkdtemp(char *path)
{
  const char *base = getenv("TMPDIR");
  snprintf(path, 256, "%s/minnorm-test-XXXXXX", base ? base : "/tmp");
  assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
  (void)info, (void)type, (void)where;
  return remove(path);
}

void mn_test_rmtree(const char *path)
{
  nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char mn_test_dir[256];

int mn_test_dir_open(void **state)
{
  (void)state;
  mn_test_mkdtemp(mn_test_dir);
  return 0;
}

int mn_test_dir_close(void **state)
{
  (void)state;
  mn_test_rmtree(mn_test_dir);
  return 0;
}

/* DIR/NAME, in one of four buffers that rotate. */
static char *join(const char *dir, const char *name)
{
  static char paths[4][512];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

const char *mn_test_path(const char *name)
{
  return join(mn_test_dir, name);
}

const char *mn_test_write(const char *dir, const char *name, const void *bytes, size_t count)
{
  const char *path = join(dir, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, count, f), count);
  assert_int_equal(fclose(f), 0);
  return path;
}

int mn_test_is_wrapped(void)
{
  const char *wrapper = getenv("TEST_WRAPPER");
  return wrapper && *wrapper;
}

void mn_test_skip_if_wrapped(const char *reason)
{
  if (!mn_test_is_wrapped()) return;
  print_message("%s\n", reason);
  skip();
}

void mn_test_close(double a, double b, double tol)
{
  double scale = fabs(b) > 1 ? fabs(b) : 1;
  if (!(fabs(a - b) <= tol * scale)) fail_msg("%.17g is not %.17g to %g", a, b, tol);
}
