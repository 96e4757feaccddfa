/* One transfer with libcurl. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/download.h"

static const long connect_timeout_s = 20, stall_s = 30, stall_bytes_per_s = 100, redirections = 5;
static const int attempts = 8; /* of one URL, as long as each brings something */

/* libcurl reports some failed allocations as something else: this remembers that there was one. */
static atomic_int allocation_failed;

static void *noted(void *p)
{
  if (!p) atomic_store(&allocation_failed, 1);
  return p;
}

static void *curl_alloc(size_t bytes)
{
  return noted(mn_alloc(bytes, 1));
}

static void *curl_realloc(void *p, size_t bytes)
{
  return noted(mn_realloc(p, bytes, 1));
}

static void *curl_zeroed(size_t count, size_t size)
{
  return noted(mn_calloc(count, size));
}

static char *curl_copy(const char *text)
{
  return noted(mn_strdup(text));
}

static mn_status no_memory(mn_error *err)
{
  return MN_FAIL(err, MN_ERR_MEMORY, "out of memory in libcurl");
}

mn_status mn_fetch_start(mn_error *err)
{
  atomic_store(&allocation_failed, 0);
  CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_alloc, mn_free, curl_realloc, curl_copy, curl_zeroed);
  if (!code) return MN_OK;
  if (atomic_load(&allocation_failed)) return no_memory(err);
  return MN_FAIL(err, MN_ERR_NETWORK, "libcurl cannot be started: %s", curl_easy_strerror(code));
}

void mn_fetch_stop(void)
{
  curl_global_cleanup();
}

typedef struct {
  const mn_fetch *fetch;
  CURL *curl;
  int fd;
  uint64_t size;      /* of the file now */
  uint64_t continued; /* bytes of the file that are from before this request */
  int too_long;
  int io_error; /* errno of a failed write, or 0 */
  mn_meter meter;
  char reason[CURL_ERROR_SIZE];
} transfer;

static long response_code(const transfer *t)
{
  long code = 0;
  curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
  return code;
}

static int set_size(transfer *t, uint64_t size)
{
  t->size = size;
  if (!ftruncate(t->fd, (off_t)size) && lseek(t->fd, (off_t)size, SEEK_SET) >= 0) return 1;
  t->io_error = errno;
  return 0;
}

static int write_all(transfer *t, const char *bytes, size_t count)
{
  while (count) {
    ssize_t n = write(t->fd, bytes, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      t->io_error = n ? errno : EIO;
      return 0;
    }
    bytes += n;
    count -= (size_t)n;
    t->size += (uint64_t)n;
  }
  return 1;
}

/* libcurl's write callback: anything but `count` ends the transfer. */
static size_t receive(char *bytes, size_t one, size_t count, void *user)
{
  (void)one;
  transfer *t = user;
  long code = response_code(t);
  if (code != 200 && code != 206) return count; /* the page that explains an error */
  if (code == 200 && t->continued) {            /* the server sends the whole file instead of its rest */
    t->continued = 0;
    if (!set_size(t, 0)) return 0;
    mn_meter_open(&t->meter, t->fetch->ctx, "download", (double)t->fetch->bytes, "byte");
  }
  t->too_long = t->size + count > t->fetch->limit;
  if (t->too_long || !write_all(t, bytes, count)) return 0;
  return mn_meter_add(&t->meter, (double)count) ? 0 : count;
}

/* libcurl's progress callback, about once a second also when nothing comes: a chance to cancel. */
static int still_wanted(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
  (void)a, (void)b, (void)c, (void)d;
  transfer *t = user;
  return mn_meter_add(&t->meter, 0);
}

/* The web and nothing else: no file://, whoever asks for it. */
static CURLcode set_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85 */
  CURLcode code = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  return code ? code : curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  CURLcode code = curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  return code ? code : curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static CURLcode set_options(transfer *t, const char *range)
{
  CURL *c = t->curl;
  CURLcode code;
  if ((code = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->reason))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_URL, t->fetch->url))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_RANGE, range))) return code;
  if ((code = set_protocols(c))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_MAXREDIRS, redirections))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_USERAGENT, "minnorm/" MINNORM_VERSION))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, connect_timeout_s))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, stall_s))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, stall_bytes_per_s))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_WRITEDATA, t))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, still_wanted))) return code;
  if ((code = curl_easy_setopt(c, CURLOPT_XFERINFODATA, t))) return code;
  return curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

/* What a request came to. */
static mn_status outcome(transfer *t, CURLcode code, mn_error *err)
{
  const mn_fetch *f = t->fetch;
  char limit[32];
  if (atomic_load(&allocation_failed)) return no_memory(err);
  if (mn_meter_cancelled(&t->meter)) return mn_meter_close(&t->meter, err);
  if (t->io_error) return MN_FAIL(err, MN_ERR_IO, "%s: writing failed: %s", f->part, strerror(t->io_error));
  if (t->too_long)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: at most %s bytes expected, more found", f->url,
                   mn_group_digits(f->limit, limit));
  if (code) {
    t->reason[strcspn(t->reason, "\r\n")] = '\0';
    return MN_FAIL(err, MN_ERR_NETWORK, "%s: %s", f->url, t->reason[0] ? t->reason : curl_easy_strerror(code));
  }
  long status = response_code(t);
  int nothing_left = status == 416 && t->continued; /* the range begins at the end of the file: all is there */
  if (status != 200 && status != 206 && !nothing_left)
    return MN_FAIL(err, MN_ERR_NETWORK, "%s: the server answers with status %ld", f->url, status);
  return mn_meter_close(&t->meter, err);
}

/* One request, for what the file does not hold yet. */
static mn_status request(transfer *t, CURLcode *code, mn_error *err)
{
  char range[32];
  snprintf(range, sizeof range, "%llu-", (unsigned long long)t->size);
  t->continued = t->size;
  t->reason[0] = '\0';
  t->curl = curl_easy_init();
  if (!t->curl) return no_memory(err);
  mn_meter_open(&t->meter, t->fetch->ctx, "download", (double)t->fetch->bytes, "byte");
  mn_meter_add(&t->meter, (double)t->size);
  *code = set_options(t, t->size ? range : NULL);
  if (!*code) *code = curl_easy_perform(t->curl);
  mn_status st = outcome(t, *code, err);
  curl_easy_cleanup(t->curl);
  return st;
}

/* A connection that broke off, rather than one that never stood. */
static int broke_off(CURLcode code)
{
  return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_OPERATION_TIMEDOUT;
}

/* Opens the file for this process alone and finds what it holds. */
static mn_status open_part(transfer *t, mn_error *err)
{
  struct stat info;
  const char *part = t->fetch->part;
  t->fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (t->fd < 0 || fstat(t->fd, &info))
    return MN_FAIL(err, MN_ERR_IO, "%s: cannot be written: %s", part, strerror(errno));
  if (!S_ISREG(info.st_mode)) return MN_FAIL(err, MN_ERR_IO, "%s: a regular file expected", part);
  if (flock(t->fd, LOCK_EX | LOCK_NB))
    return MN_FAIL(err, MN_ERR_IO, "%s: in use by another download: %s", part, strerror(errno));
  if (set_size(t, (uint64_t)info.st_size)) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: cannot be written: %s", part, strerror(t->io_error));
}

mn_status mn_fetch_run(const mn_fetch *fetch, int *resumed, mn_error *err)
{
  transfer t = {.fetch = fetch};
  CURLcode code = CURLE_OK;
  uint64_t before = 0;
  atomic_store(&allocation_failed, 0);
  *resumed = 0;
  mn_status st = open_part(&t, err);
  if (st) goto done;
  for (int attempt = 0; attempt < attempts; attempt++) {
    before = t.size;
    st = request(&t, &code, err);
    if (attempt == 0) *resumed = t.continued > 0;
    if (st != MN_ERR_NETWORK || !broke_off(code) || t.size <= before) break;
  }
  if (!st && fsync(t.fd)) st = MN_FAIL(err, MN_ERR_IO, "%s: writing failed: %s", fetch->part, strerror(errno));
done:
  if (t.fd >= 0) close(t.fd);
  return st;
}
