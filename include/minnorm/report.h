/* Results on paper: JSON objects, files of predictions, numbers as people read them. */
#ifndef MINNORM_REPORT_H
#define MINNORM_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/status.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* ---- a JSON object, filled member by member
 *
 * The members never fail: what goes wrong (no memory) is remembered, and mn_report_write says it. Inside a list the key
 * is not used and may be NULL. */
typedef struct mn_report mn_report;

mn_status mn_report_open(mn_report **out, mn_error *err);
void mn_report_close(mn_report **report);

void mn_report_null(mn_report *report, const char *key);
void mn_report_flag(mn_report *report, const char *key, int value);
void mn_report_count(mn_report *report, const char *key, uint64_t value);
void mn_report_real(mn_report *report, const char *key, double value);     /* not finite: null */
void mn_report_text(mn_report *report, const char *key, const char *text); /* NULL: null; UTF-8, else ? for a byte */
void mn_report_reals(mn_report *report, const char *key, size_t count, const double *values); /* a list */

/* Members that follow go into the object or list, until mn_report_end. At most 8 levels. */
void mn_report_begin_object(mn_report *report, const char *key);
void mn_report_begin_list(mn_report *report, const char *key);
void mn_report_end(mn_report *report);

/* Writes the object to a file, which appears when whole; "-" is standard output, flushed. */
mn_status mn_report_write(const mn_report *report, const char *path, mn_error *err);

/* The object on one line, to be released with mn_report_free; and an object from such a text (MN_ERR_FORMAT when it is
 * none), of which a number is asked for by its name, "kernel.gamma" in an object inside: 1 and 0 for true and false,
 * NaN when there is none. */
mn_status mn_report_line(const mn_report *report, char **line, mn_error *err);
mn_status mn_report_read(const char *text, mn_report **out, mn_error *err);
double mn_report_get(const mn_report *report, const char *name);
const char *mn_report_get_text(const mn_report *report, const char *name); /* NULL when there is none; the report's */
void mn_report_free(char *text);

/* Hands over the objects of a file of results that have the number `name`: the report of a fit, the points of a
 * sweep's, or the lines of its log, of which a last one without an end may be cut. A negative status of take ends it
 * and is returned. MN_ERR_FORMAT for a file that has no such object, or something else than JSON. */
typedef mn_status (*mn_report_take)(void *user, const mn_report *report, mn_error *err);
mn_status mn_report_each(const char *path, const char *name, mn_report_take take, void *user, mn_error *err);

/* A member whose value is JSON already. */
void mn_report_json(mn_report *report, const char *key, const char *json);

/* ---- JSON lines: a file that a run appends to, a header and then a line an object
 *
 * A stop at any moment leaves whole lines; what may follow the last of them is cut off when the file is opened again.
 */
typedef struct mn_lines mn_lines;

/* Makes the file, or goes on with one that has the same header. MN_ERR_DATA, naming the first member that differs if
 * there is any in common, with another one; MN_ERR_IO when another run has the file open. The file of any error is
 * unchanged. */
mn_status mn_lines_open(const char *path, const char *header, mn_lines **out, mn_error *err);
void mn_lines_close(mn_lines **lines);

/* Those after the header, appended ones included. */
size_t mn_lines_count(const mn_lines *lines);
const char *mn_lines_at(const mn_lines *lines, size_t i); /* i < count; without the line end */

/* The line is on the disk when the call returns. */
mn_status mn_lines_append(mn_lines *lines, const char *line, mn_error *err);

/* ---- tables as text: names in the first line, then a row a line, exact; what is not a number is empty. rows x
 * columns, row-major. The file appears when whole. */
mn_status mn_report_write_csv(const char *path, size_t columns, const char *const *names, size_t rows,
                              const double *values, mn_error *err);

/* ---- how far two columns of numbers rise together, by their ranks; NaN where one of them has no two values */
typedef struct {
  size_t points;   /* rows of which both are numbers; only those count */
  double spearman; /* -1 ... 1, correlation of the ranks, of equal values their mean */
  double kendall; /* -1 ... 1, tau-b (Kendall 1945): pairs in the same order less pairs in opposite order, over the root
                     of the pairs that differ in x times those that differ in y */
} mn_rank_correlation;

/* x, y: n each, rounded first to so many significant digits, up to 17; 0: as they are. Six are right for measures, of
 * which some models have the same but for rounding, as the margins of what is interpolated. */
mn_status mn_report_correlate(size_t n, const double *x, const double *y, int digits, mn_rank_correlation *out,
                              mn_error *err);

/* ---- files of predictions */

/* MN_ERR_IO when no file of that name could be written now: to be called before the work. "-" is fine. */
mn_status mn_report_check_path(const char *path, mn_error *err);

/* The same, and MN_ERR_ARGUMENT unless the name ends in .npy or .csv. */
mn_status mn_report_check_scores_path(const char *path, mn_error *err);

/* scores: m x columns, row-major. .npy: an array of doubles of this shape. .csv: a sample a line, exact. */
mn_status mn_report_write_scores(const char *path, size_t m, size_t columns, const double *scores, mn_error *err);

/* .npy: an array of m 8-byte integers. Any other name: text, a label a line. */
mn_status mn_report_write_labels(const char *path, size_t m, const int64_t *labels, mn_error *err);

/* Removes the files that are being written and do not have their name yet. Async-signal-safe: for a handler that ends
 * the process. */
void mn_report_abandon_files(void);

/* ---- numbers as people read them; use .text at once or keep the struct */
typedef struct {
  char text[40];
} mn_number;

mn_number mn_number_count(uint64_t value);          /* 47,040,016 */
mn_number mn_number_bytes(double bytes);            /* 13.4 GiB */
mn_number mn_number_seconds(double seconds);        /* 0.031 s, 12.3 s, 4 min 05 s, 2 h 03 min */
mn_number mn_number_percent(double fraction);       /* 1.25 % */
mn_number mn_number_real(double value, int digits); /* %.*g; "-" when not a number, as the two above */

/* ---- about this process */
double mn_report_now_s(void);          /* a monotonic clock, from an arbitrary origin */
size_t mn_report_peak_rss_bytes(void); /* resident memory at its highest; 0: unknown */

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
