#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/memory.h"
#include "core/status.h"
#include "core/whole_file.h"
#include "minnorm/options.h"
#include "minnorm/report.h"

enum { MAX_LEVELS = 9, RESULTS_MOST = 1 << 30 };

struct mn_report {
  cJSON *levels[MAX_LEVELS]; /* the root, and what is open inside it */
  size_t depth;              /* of the innermost */
  size_t skipped;            /* levels that could not be opened and are still to be ended */
  int failed;                /* no memory, or too deep */
};

mn_status mn_report_open(mn_report **out, mn_error *err)
{
  mn_json_use_memory();
  *out = NULL;
  mn_report *report = mn_calloc(1, sizeof *report);
  if (!report) return MN_NO_MEMORY(err, sizeof *report);
  report->levels[0] = cJSON_CreateObject();
  if (!report->levels[0]) {
    mn_free(report);
    return MN_NO_MEMORY(err, sizeof(cJSON));
  }
  *out = report;
  return MN_OK;
}

void mn_report_close(mn_report **report)
{
  if (!*report) return;
  cJSON_Delete((*report)->levels[0]);
  mn_free(*report);
  *report = NULL;
}

/* Puts an item, which may be NULL for want of memory, into what is open. Returns it, or NULL. */
static cJSON *add(mn_report *report, const char *key, cJSON *item)
{
  cJSON *level = report->levels[report->depth];
  cJSON_bool ok = item && !report->skipped &&
                  (cJSON_IsArray(level) ? cJSON_AddItemToArray(level, item) : cJSON_AddItemToObject(level, key, item));
  if (ok) return item;
  cJSON_Delete(item);
  report->failed = 1;
  return NULL;
}

void mn_report_null(mn_report *report, const char *key)
{
  add(report, key, cJSON_CreateNull());
}

void mn_report_flag(mn_report *report, const char *key, int value)
{
  add(report, key, cJSON_CreateBool(value));
}

/* Numbers are printed here: cJSON's doubles hold no 64-bit integer and do not always read back the same. */
void mn_report_count(mn_report *report, const char *key, uint64_t value)
{
  char text[32];
  snprintf(text, sizeof text, "%" PRIu64, value);
  add(report, key, cJSON_CreateRaw(text));
}

void mn_report_real(mn_report *report, const char *key, double value)
{
  char text[40];
  mn_option_print_real(value, text, sizeof text);
  add(report, key, isfinite(value) ? cJSON_CreateRaw(text) : cJSON_CreateNull());
}

/* Bytes of the UTF-8 sequence at s, or 0 when it is none (overlong forms, surrogates, beyond U+10FFFF included). */
static size_t utf8_length(const unsigned char *s)
{
  if (s[0] < 0x80) return 1;
  size_t length = s[0] >= 0xf0 && s[0] < 0xf5   ? 4
                  : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                  : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                                                : 0;
  for (size_t i = 1; i < length; i++)
    if ((s[i] & 0xc0) != 0x80) return 0; /* the terminating zero is none either */
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
  if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
  return length;
}

static void make_utf8(char *text)
{
  for (unsigned char *s = (unsigned char *)text; *s;) {
    size_t length = utf8_length(s);
    if (!length) *s = '?';
    s += length ? length : 1;
  }
}

void mn_report_text(mn_report *report, const char *key, const char *text)
{
  if (!text) {
    mn_report_null(report, key);
    return;
  }
  cJSON *item = add(report, key, cJSON_CreateString(text));
  if (item) make_utf8(item->valuestring);
}

static void begin(mn_report *report, const char *key, cJSON *item)
{
  if (report->depth + 1 < MAX_LEVELS) {
    item = add(report, key, item);
    if (item) {
      report->levels[++report->depth] = item;
      return;
    }
  } else {
    cJSON_Delete(item);
    report->failed = 1;
  }
  report->skipped++;
}

void mn_report_begin_object(mn_report *report, const char *key)
{
  begin(report, key, cJSON_CreateObject());
}

void mn_report_begin_list(mn_report *report, const char *key)
{
  begin(report, key, cJSON_CreateArray());
}

void mn_report_end(mn_report *report)
{
  if (report->skipped)
    report->skipped--;
  else if (report->depth)
    report->depth--;
}

void mn_report_reals(mn_report *report, const char *key, size_t count, const double *values)
{
  mn_report_begin_list(report, key);
  for (size_t i = 0; i < count; i++) mn_report_real(report, NULL, values[i]);
  mn_report_end(report);
}

void mn_report_json(mn_report *report, const char *key, const char *json)
{
  add(report, key, cJSON_CreateRaw(json));
}

static mn_status print(const mn_report *report, int lines, char **text, mn_error *err)
{
  *text = NULL;
  if (report->failed) return MN_NO_MEMORY(err, sizeof(cJSON));
  mn_json_use_memory();
  *text = lines ? cJSON_Print(report->levels[0]) : cJSON_PrintUnformatted(report->levels[0]);
  return *text ? MN_OK : MN_NO_MEMORY(err, 256);
}

mn_status mn_report_line(const mn_report *report, char **line, mn_error *err)
{
  return print(report, 0, line, err);
}

void mn_report_free(char *text)
{
  mn_free(text);
}

mn_status mn_report_read(const char *text, mn_report **out, mn_error *err)
{
  cJSON *read;
  *out = NULL;
  mn_status st = mn_json_object(NULL, text, NULL, &read, err);
  if (!st && !(*out = mn_calloc(1, sizeof **out))) st = MN_NO_MEMORY(err, sizeof **out);
  if (st)
    cJSON_Delete(read);
  else
    (*out)->levels[0] = read;
  return st;
}

static const cJSON *find(const cJSON *item, const char *name)
{
  char key[64];
  while (item && *name) {
    size_t length = strcspn(name, ".");
    snprintf(key, sizeof key, "%.*s", (int)(length < sizeof key ? length : sizeof key - 1), name);
    item = cJSON_GetObjectItemCaseSensitive(item, key);
    name += length + (name[length] == '.');
  }
  return item;
}

double mn_report_get(const mn_report *report, const char *name)
{
  const cJSON *item = find(report->levels[0], name);
  if (cJSON_IsBool(item)) return cJSON_IsTrue(item);
  return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

const char *mn_report_get_text(const mn_report *report, const char *name)
{
  return cJSON_GetStringValue(find(report->levels[0], name));
}

/* ---- files of results */

typedef struct {
  const char *path, *name;
  mn_report_take take;
  void *user;
  size_t count; /* handed over */
} results;

static mn_status hand_over(results *r, cJSON *object, mn_error *err)
{
  const mn_report report = {.levels = {object}};
  if (!cJSON_IsNumber(find(object, r->name))) return MN_OK;
  r->count++;
  return r->take(r->user, &report, err);
}

static mn_status take_object(results *r, cJSON *object, mn_error *err)
{
  cJSON *points = cJSON_GetObjectItemCaseSensitive(object, "points"), *point;
  if (!cJSON_IsArray(points)) return hand_over(r, object, err);
  mn_status st = MN_OK;
  cJSON_ArrayForEach(point, points) if (!st) st = hand_over(r, point, err);
  return st;
}

/* One object after the other, whatever white space is between them. A last line that has no end is what a sweep that
 * was stopped, or is still running, had begun to write. */
static mn_status take_text(results *r, const char *text, mn_error *err)
{
  mn_status st = MN_OK;
  const char *at = text + strspn(text, " \t\r\n"), *end = at;
  for (; !st && *at; at = end + strspn(end, " \t\r\n")) {
    cJSON *object;
    int unfinished = r->count && !strchr(at, '\n');
    st = mn_json_object(r->path, at, &end, &object, unfinished ? NULL : err);
    if (st && unfinished) return st == MN_ERR_FORMAT ? MN_OK : MN_NO_MEMORY(err, strlen(at));
    if (!st) st = take_object(r, object, err);
    cJSON_Delete(object);
  }
  if (!st && !r->count)
    st = MN_FAIL(err, MN_ERR_FORMAT, "%s: no results with the number \"%s\" in it", r->path, r->name);
  return st;
}

mn_status mn_report_each(const char *path, const char *name, mn_report_take take, void *user, mn_error *err)
{
  results r = {.path = path, .name = name, .take = take, .user = user};
  char *text;
  mn_status st = mn_whole_file_read(path, RESULTS_MOST, &text, err);
  if (!st) st = take_text(&r, text, err);
  mn_free(text);
  return st;
}

static mn_status write_file(const char *path, const char *text, mn_error *err)
{
  mn_atomic_file *file = NULL;
  mn_status st = mn_atomic_file_open(path, &file, err);
  if (!st) st = mn_atomic_file_write(file, text, strlen(text), err);
  if (!st) st = mn_atomic_file_write(file, "\n", 1, err);
  if (!st) st = mn_atomic_file_commit(&file, err);
  mn_atomic_file_abort(&file);
  return st;
}

static mn_status write_stdout(const char *text, mn_error *err)
{
  if (fputs(text, stdout) < 0 || fputc('\n', stdout) < 0 || fflush(stdout))
    return MN_FAIL(err, MN_ERR_IO, "standard output: writing failed");
  return MN_OK;
}

mn_status mn_report_write(const mn_report *report, const char *path, mn_error *err)
{
  char *text;
  mn_status st = print(report, 1, &text, err);
  if (st) return st;
  st = !strcmp(path, "-") ? write_stdout(text, err) : write_file(path, text, err);
  mn_free(text);
  return st;
}
