/* Archives and the real table of downloads. */
#define _GNU_SOURCE
#include "download_fixture.h"

enum { TAR_ROOM = 1 << 16 };

static const mn_archive_member members[] = {{"one.bin", 3000}, {"two.bin", 512}, {"notes.txt", 0}};

typedef struct {
  unsigned char bytes[TAR_ROOM];
  size_t used;
} tar;

/* Appends an entry whose data are `count` bytes of content; returns its header. */
static unsigned char *tar_add(tar *t, const char *path, char type, size_t count)
{
  unsigned char *header = t->bytes + t->used;
  assert_true(t->used + 512 + count + 512 <= TAR_ROOM);
  strncpy((char *)header, path, 100);
  snprintf((char *)header + 124, 12, "%011zo", count);
  memcpy(header + 257, "ustar\00000", 8);
  header[156] = (unsigned char)type;
  unsigned sum = 8 * ' ';
  for (int i = 0; i < 512; i++) sum += header[i];
  snprintf((char *)header + 148, 8, "%06o", sum);
  memcpy(header + 512, content, count);
  t->used += 512 + (count + 511) / 512 * 512;
  return header;
}

static tar good_tar(void)
{
  tar t = {.used = 0};
  tar_add(&t, "folder/", '5', 0);
  tar_add(&t, "folder/one.bin", '0', 3000);
  tar_add(&t, "../evil.bin", '0', 700);
  tar_add(&t, "folder/two.bin", '2', 0); /* a link of a member's name is no member */
  tar_add(&t, "pax", 'x', 90);
  tar_add(&t, "../../two.bin", '\0', 512); /* only the last component counts */
  tar_add(&t, "folder/notes.txt", '0', 77);
  return t;
}

/* Packs it with the two blocks of zeros that end an archive, and makes the row that fits. */
static mn_download_file tar_row(const tar *t, char md5[33])
{
  write_gz(below(root, "set/pack.tar.gz"), t->bytes, t->used + 1024 <= TAR_ROOM ? t->used + 1024 : t->used);
  md5_of_file(below(root, "set/pack.tar.gz"), md5);
  return (mn_download_file){.dataset = "pack",
                            .remote = "set/pack.tar.gz",
                            .local = "pack.tar.gz",
                            .bytes = (uint64_t)size_of(below(root, "set/pack.tar.gz")),
                            .md5 = md5,
                            .folder = "pack",
                            .members = members,
                            .member_count = 3};
}

static void assert_member(const char *name, size_t count)
{
  static unsigned char bytes[CONTENT];
  assert_int_equal(read_file(below(dir, name), bytes, sizeof bytes), count);
  assert_memory_equal(bytes, content, count);
}

static void an_archive_is_unpacked(void **state)
{
  (void)state;
  need_server();
  tar t = good_tar();
  char md5[33];
  mn_download_file row = tar_row(&t, md5);
  get_fine(&row, "cut");
  assert_member("pack/one.bin", 3000);
  assert_member("pack/two.bin", 512);
  assert_member("pack/notes.txt", 77);
  assert_int_equal(size_of(below(dir, "pack/evil.bin")), -1);
  assert_int_equal(size_of(below(dir, "evil.bin")), -1);
  assert_int_equal(size_of(below(top, "evil.bin")), -1);
  assert_int_equal(size_of(below(dir, "pack.tar.gz")), -1);
  assert_int_equal(size_of(below(dir, "pack.tar.gz.part")), -1);
  get_fine(&row, "error");
  assert_logged("already there, sizes verified");
  assert_int_equal(truncate(below(dir, "pack/one.bin"), 10), 0);
  get_fine(&row, "ok");
  assert_member("pack/one.bin", 3000);
  mn_error err = {0};
  fresh(NULL);
  assert_int_equal(get(&row, "wrong", &err), MN_ERR_FORMAT);
  assert_int_equal(size_of(below(dir, "pack/one.bin")), -1);
  assert_int_equal(size_of(below(dir, "pack.tar.gz.part")), -1);
}

/* Expects the installation to fail and to leave the folder empty. */
static void assert_refused(const tar *t, const char *expected)
{
  char md5[33];
  mn_error err = {0};
  mn_download_file row = tar_row(t, md5);
  fresh(NULL);
  mkdir(dir, 0777);
  assert_int_equal(mn_archive_install(&row, below(root, "set/pack.tar.gz"), dir, NULL, &err), MN_ERR_FORMAT);
  if (!strstr(err.text, expected)) fail_msg("'%s' expected in: %s", expected, err.text);
  assert_int_equal(rmdir(dir), 0);
}

static void hostile_archives_are_refused(void **state)
{
  (void)state;
  tar t = {.used = 0};
  assert_refused(&t, "one.bin is missing");
  tar_add(&t, "one.bin", '0', 2999);
  assert_refused(&t, "one.bin: 3,000 bytes expected, 2,999 found");
  t = good_tar();
  tar_add(&t, "one.bin", '0', 3000);
  assert_refused(&t, "one.bin is there twice");
  t = good_tar();
  t.bytes[3] ^= 1;
  assert_refused(&t, "damaged tar archive");
  t = (tar){.used = 0};
  unsigned char *header = tar_add(&t, "one.bin", '0', 3000);
  memcpy(header + 124, "\x80\0\0\0\0\0\0\0\0\0\x0b\xb8", 12); /* base-256: valid tar, not valid here */
  unsigned sum = 8 * ' ';
  for (int i = 0; i < 512; i++) sum += i < 148 || i >= 156 ? header[i] : 0;
  snprintf((char *)header + 148, 8, "%06o", sum);
  assert_refused(&t, "damaged tar archive");
  t = (tar){.used = 0};
  header = tar_add(&t, "big", '0', 0);
  memcpy(header + 124, "77777777777", 11);
  sum = 8 * ' ';
  for (int i = 0; i < 512; i++) sum += i < 148 || i >= 156 ? header[i] : 0;
  snprintf((char *)header + 148, 8, "%06o", sum);
  assert_refused(&t, "bytes expected"); /* 8 GiB claimed, nothing there */
  memset(t.bytes, 'x', sizeof t.bytes);
  t.used = sizeof t.bytes;
  assert_refused(&t, "damaged tar archive");
}

static mn_status unpack(void *arg, mn_error *err)
{
  return mn_archive_install(arg, below(root, "set/pack.tar.gz"), dir, NULL, err);
}

static void allocations_of_unpacking_may_fail(void **state)
{
  (void)state;
  tar t = good_tar();
  char md5[33];
  mn_download_file row = tar_row(&t, md5);
  mkdir(dir, 0777);
  mn_test_every_allocation(unpack, &row);
  assert_member("one.bin", 3000);
}

static void the_table_is_well_formed(void **state)
{
  (void)state;
  size_t count;
  const mn_download_file *table = mn_download_table(&count);
  assert_int_equal(count, 5);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(strlen(table[i].md5), 32);
    assert_int_equal(strspn(table[i].md5, "0123456789abcdef"), 32);
    assert_true(table[i].bytes > 0);
    assert_true(!table[i].members == !table[i].folder && !table[i].members != !table[i].content_bytes);
    assert_string_equal(table[i].local + strlen(table[i].local) - 3, ".gz");
    for (const char *const *m = table[i].mirrors; *m; m++) {
      assert_ptr_equal(strstr(*m, "https://"), *m);
      assert_int_equal((*m)[strlen(*m) - 1], '/');
    }
  }
}

/* The published sums against the data of this machine; nothing has to be fetched. */
static void real_data_are_recognised(void **state)
{
  (void)state;
  const char *data = getenv("MINNORM_DATA");
  if (!data || size_of(below(data, "mnist/train-images-idx3-ubyte.gz")) < 0 ||
      size_of(below(data, "cifar-10-batches-bin/test_batch.bin")) < 0) {
    printf("skipped: MINNORM_DATA names no folder with mnist and cifar-10-batches-bin\n");
    skip();
  }
  mn_error err = {0};
  if (mn_data_download("all", data, "http://127.0.0.1:9", &logging, &err)) fail_msg("%s", err.text);
  assert_logged("train-images-idx3-ubyte.gz: already there, md5 verified");
  assert_logged("cifar-10-batches-bin: already there, sizes verified");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(an_archive_is_unpacked, fresh),
      cmocka_unit_test_setup(hostile_archives_are_refused, fresh),
      cmocka_unit_test_setup(allocations_of_unpacking_may_fail, fresh),
      cmocka_unit_test_setup(the_table_is_well_formed, fresh),
      cmocka_unit_test_setup(real_data_are_recognised, fresh),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
