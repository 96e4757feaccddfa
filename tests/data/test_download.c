/* Downloads from a web server on 127.0.0.1 (range_server.py): whole, resumed, broken off, wrong, cancelled. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/file.h>

#include "download_fixture.h"

static mn_download_file gz_row(const char *remote)
{
  return (mn_download_file){.dataset = "set",
                            .remote = remote,
                            .local = "set/file.gz",
                            .bytes = gz_bytes,
                            .content_bytes = CONTENT,
                            .md5 = content_md5};
}

/* The file is there, byte for byte, and nothing else. */
static void assert_installed(void)
{
  static unsigned char a[2 * CONTENT], b[2 * CONTENT];
  assert_int_equal(read_file(below(dir, "set/file.gz"), a, sizeof a), gz_bytes);
  assert_int_equal(read_file(below(root, "set/file.gz"), b, sizeof b), gz_bytes);
  assert_memory_equal(a, b, gz_bytes);
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), -1);
}

/* Puts the first bytes of the served file (changed by `flip`) where an interrupted transfer would have left them. */
static void leave_part(size_t bytes, unsigned char flip)
{
  static unsigned char part[4 * CONTENT];
  read_file(below(root, "set/file.gz"), part, sizeof part);
  part[bytes / 2] ^= flip;
  mkdir(dir, 0777);
  mkdir(below(dir, "set"), 0777);
  write_file(below(dir, "set/file.gz.part"), part, bytes);
}

static void a_file_arrives_and_stays(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  get_fine(&row, "ok/"); /* with and without the final slash */
  assert_installed();
  assert_logged("downloaded and verified");
  get_fine(&row, "error");
  assert_logged("already there, md5 verified");
  assert_requests("ok - 200\n");
}

static void an_interrupted_file_is_continued(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  leave_part(1000, 0);
  get_fine(&row, "ok");
  assert_installed();
  assert_requests("ok bytes=1000- 206\n");
}

static void a_server_without_ranges_starts_anew(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  leave_part(gz_bytes - 10, 255);
  get_fine(&row, "norange");
  assert_installed();
  assert_requests("norange bytes=%zu- 200\n", gz_bytes - 10);
}

static void a_wrong_beginning_is_thrown_away(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  leave_part(1000, 1);
  get_fine(&row, "ok");
  assert_installed();
  assert_requests("ok bytes=1000- 206\nok - 200\n");
}

static void a_complete_part_is_installed(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  leave_part(gz_bytes, 0);
  get_fine(&row, "ok");
  assert_installed();
  assert_requests("ok bytes=%zu- 416\n", gz_bytes);
}

static void an_overlong_part_is_thrown_away(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  leave_part(gz_bytes + 100, 0);
  get_fine(&row, "ok");
  assert_installed();
}

static void a_transfer_that_breaks_off_is_continued(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  get_fine(&row, "cut");
  assert_installed();
  assert_requests("cut - 200\ncut bytes=%zu- 206\n", gz_bytes / 2);
}

/* 4,000 bytes a request: one call gives up after a while, keeps what it has, and the next ones finish. */
static void several_calls_finish_a_bad_line(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  mn_error err = {0};
  assert_int_equal(get(&row, "drip", &err), MN_ERR_NETWORK);
  assert_non_null(strstr(err.text, "/drip/set/file.gz: "));
  assert_int_equal(size_of(below(dir, "set/file.gz")), -1);
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), 32000);
  get_fine(&row, "drip");
  assert_installed();
}

static void wrong_bytes_are_refused(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  mn_error err = {0};
  assert_int_equal(get(&row, "wrong", &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "/wrong/set/file.gz: "));
  assert_non_null(strstr(err.text, "nothing was kept"));
  assert_null(strchr(err.text, '\n'));
  assert_int_equal(size_of(below(dir, "set/file.gz")), -1);
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), -1);
  row.md5 = "00000000000000000000000000000000";
  assert_int_equal(get(&row, "ok", &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "md5 00000000000000000000000000000000 expected of the content"));
  row = gz_row("set/plain.gz");
  assert_int_equal(get(&row, "ok", &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "gzip file expected"));
  row = gz_row("set/file.gz");
  row.content_bytes--;
  assert_int_equal(get(&row, "ok", &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "59,999 bytes expected"));
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), -1);
}

static void an_endless_file_is_stopped(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  mn_error err = {0};
  assert_int_equal(get(&row, "endless", &err), MN_ERR_FORMAT);
  assert_non_null(strstr(err.text, "at most 125,536 bytes expected, more found"));
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), -1);
}

static void mirrors_are_tried_in_turn(void **state)
{
  (void)state;
  need_server();
  char url[3][128];
  static const char *const modes[] = {"wrong", "error", "redirect"};
  for (int i = 0; i < 3; i++) snprintf(url[i], sizeof url[i], "%s/%s/", base, modes[i]);
  const char *const mirrors[] = {url[0], url[1], url[2], NULL};
  mn_download_file row = gz_row("set/file.gz");
  row.mirrors = mirrors;
  mn_error err = {0};
  if (mn_download_files(&row, 1, "all", dir, NULL, &logging, &err)) fail_msg("%s", err.text);
  assert_installed();
  assert_requests("wrong - 200\nerror - 500\nredirect - 302\nok - 200\n");
  assert_logged("/wrong/set/file.gz: ");
  assert_logged("status 500; trying the next mirror");
}

static void network_errors_name_url_and_reason(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/absent.gz");
  mn_error err = {0};
  assert_int_equal(get(&row, "ok", &err), MN_ERR_NETWORK);
  assert_non_null(strstr(err.text, "/ok/set/absent.gz: the server answers with status 404"));
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), 0);
  leave_part(1000, 0); /* an error page is no reason to lose what is there */
  assert_int_equal(get(&row, "error", &err), MN_ERR_NETWORK);
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), 1000);
  assert_int_equal(mn_download_files(&row, 1, "set", dir, "file:///etc", NULL, &err), MN_ERR_NETWORK);
  assert_non_null(strstr(err.text, "file:///etc/set/absent.gz: "));
}

/* A port that nobody listens on: bound, never listened to. */
static void a_refused_connection_is_a_network_error(void **state)
{
  (void)state;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
  mn_download_file row = gz_row("set/file.gz");
  mn_error err = {0};
  assert_int_equal(mn_download_files(&row, 1, "set", dir, url, NULL, &err), MN_ERR_NETWORK);
  assert_ptr_equal(strstr(err.text, url), err.text);
  assert_non_null(strstr(err.text, "onnect"));
  close(fd);
}

typedef struct {
  double last, total;
  int calls, stop_after;
} watch;

static int watch_progress(void *user, const mn_progress *p)
{
  watch *w = user;
  assert_string_equal(p->phase, "download");
  assert_string_equal(p->unit, "byte");
  assert_true(p->done >= w->last);
  w->last = p->done;
  w->total = p->total;
  return ++w->calls == w->stop_after;
}

static void progress_counts_bytes(void **state)
{
  (void)state;
  need_server();
  char url[128];
  snprintf(url, sizeof url, "%s/ok", base);
  watch w = {0};
  mn_context ctx = {.progress = watch_progress, .user = &w};
  mn_download_file row = gz_row("set/file.gz");
  assert_int_equal(mn_download_files(&row, 1, "set", dir, url, &ctx, NULL), MN_OK);
  assert_true(w.calls >= 2);
  assert_true(w.last == w.total && w.total == (double)gz_bytes);
}

static void cancelling_keeps_what_is_there(void **state)
{
  (void)state;
  need_server();
  char url[128];
  snprintf(url, sizeof url, "%s/slow", base);
  watch w = {.stop_after = 5};
  mn_context ctx = {.progress = watch_progress, .user = &w};
  mn_download_file row = gz_row("set/file.gz");
  mn_error err = {0};
  assert_int_equal(mn_download_files(&row, 1, "set", dir, url, &ctx, &err), MN_ERR_CANCELLED);
  long kept = size_of(below(dir, "set/file.gz.part"));
  assert_in_range(kept, 1, gz_bytes - 1);
  assert_int_equal(size_of(below(dir, "set/file.gz")), -1);
  get_fine(&row, "ok");
  assert_installed();
}

static void damage_is_repaired_and_plain_files_count(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  get_fine(&row, "ok");
  write_file(below(dir, "set/file.gz"), "\x1f\x8bgarbage", 9);
  get_fine(&row, "ok");
  assert_installed();
  assert_logged("downloading it again");
  unlink(below(dir, "set/file.gz"));
  write_file(below(dir, "set/file"), content, CONTENT);
  get_fine(&row, "error"); /* not asked */
  assert_logged("already there");
}

static void a_part_in_use_is_left_alone(void **state)
{
  (void)state;
  mn_download_file row = gz_row("set/file.gz");
  leave_part(1000, 0);
  int fd = open(below(dir, "set/file.gz.part"), O_RDONLY | O_CLOEXEC);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  mn_error err = {0};
  assert_int_equal(mn_download_files(&row, 1, "set", dir, "http://127.0.0.1:9", NULL, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "in use by another download"));
  close(fd);
  assert_int_equal(size_of(below(dir, "set/file.gz.part")), 1000);
}

static void places_that_cannot_be_written_are_errors(void **state)
{
  (void)state;
  mn_download_file row = gz_row("set/file.gz");
  mn_error err = {0};
  write_file(dir, "a file", 6);
  assert_int_equal(mn_download_files(&row, 1, "set", dir, "http://127.0.0.1:9", NULL, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "data/set: cannot be made: Not a directory"));
  unlink(dir);
  mkdir(dir, 0777);
  mkdir(below(dir, "set"), 0777);
  mkdir(below(dir, "set/file.gz.part"), 0777);
  assert_int_equal(mn_download_files(&row, 1, "set", dir, "http://127.0.0.1:9", NULL, &err), MN_ERR_IO);
  assert_non_null(strstr(err.text, "file.gz.part: cannot be written"));
}

static void wrong_arguments_are_refused(void **state)
{
  (void)state;
  mn_error err = {0};
  assert_int_equal(mn_data_download("imagenet", dir, "http://127.0.0.1:9", NULL, &err), MN_ERR_ARGUMENT);
  assert_string_equal(err.text, "download: unknown data set 'imagenet'; there are mnist, cifar10, all");
  assert_int_equal(mn_data_download("mnist", "", "http://127.0.0.1:9", NULL, &err), MN_ERR_ARGUMENT);
  assert_int_equal(size_of(dir), -1);
}

static mn_status download_anew(void *arg, mn_error *err)
{
  fresh(NULL);
  mn_status st = get(arg, "ok", err);
  if (st) assert_int_equal(size_of(below(dir, "set/file.gz")), -1);
  return st;
}

static void allocations_may_fail(void **state)
{
  (void)state;
  need_server();
  mn_download_file row = gz_row("set/file.gz");
  mn_test_every_allocation(download_anew, &row);
  assert_installed();
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_file_arrives_and_stays, fresh),
      cmocka_unit_test_setup(an_interrupted_file_is_continued, fresh),
      cmocka_unit_test_setup(a_server_without_ranges_starts_anew, fresh),
      cmocka_unit_test_setup(a_wrong_beginning_is_thrown_away, fresh),
      cmocka_unit_test_setup(a_complete_part_is_installed, fresh),
      cmocka_unit_test_setup(an_overlong_part_is_thrown_away, fresh),
      cmocka_unit_test_setup(a_transfer_that_breaks_off_is_continued, fresh),
      cmocka_unit_test_setup(several_calls_finish_a_bad_line, fresh),
      cmocka_unit_test_setup(wrong_bytes_are_refused, fresh),
      cmocka_unit_test_setup(an_endless_file_is_stopped, fresh),
      cmocka_unit_test_setup(mirrors_are_tried_in_turn, fresh),
      cmocka_unit_test_setup(network_errors_name_url_and_reason, fresh),
      cmocka_unit_test_setup(a_refused_connection_is_a_network_error, fresh),
      cmocka_unit_test_setup(progress_counts_bytes, fresh),
      cmocka_unit_test_setup(cancelling_keeps_what_is_there, fresh),
      cmocka_unit_test_setup(damage_is_repaired_and_plain_files_count, fresh),
      cmocka_unit_test_setup(a_part_in_use_is_left_alone, fresh),
      cmocka_unit_test_setup(places_that_cannot_be_written_are_errors, fresh),
      cmocka_unit_test_setup(wrong_arguments_are_refused, fresh),
      cmocka_unit_test_setup(allocations_may_fail, fresh),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
