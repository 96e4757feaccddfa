/* Results as one self-contained HTML page: text, tables that sort at a click, pictures whose points name themselves.
 * Nothing is fetched from elsewhere; without scripts all of it can still be read. */
#ifndef MINNORM_PAGE_H
#define MINNORM_PAGE_H

#include <stddef.h>

#include "minnorm/status.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* Filled from top to bottom. What is added never fails: a lack of memory is remembered, and mn_page_write says it. Text
 * is UTF-8 and taken literally: none of it can become markup; NULL is no text. */
typedef struct mn_page mn_page;

mn_status mn_page_open(const char *title, mn_page **out, mn_error *err);
void mn_page_close(mn_page **page);

void mn_page_heading(mn_page *page, const char *text);
void mn_page_paragraph(mn_page *page, const char *text);

/* value: what a column of numbers is sorted by; NaN: not a number, sorted by its text behind all numbers. */
typedef struct {
  const char *text;
  double value;
} mn_page_cell;

/* cells: rows x columns, row-major. The first column names the row. */
void mn_page_table(mn_page *page, const char *caption, size_t columns, const char *const *names, size_t rows,
                   const mn_page_cell *cells);

/* Points in the plane; names, one a point, are shown where a pointer or the keyboard is. One that is not finite, or <=
 * 0 on a logarithmic axis, is left out. */
typedef struct {
  const char *title;
  size_t count;
  const double *x, *y;
  const char *const *names;
} mn_page_series;

typedef struct {
  const char *caption, *x_label, *y_label;
  int log_x, log_y;
  size_t count;
  const mn_page_series *series; /* the k-th has the same colour and mark in every picture */
} mn_page_scatter;

void mn_page_points(mn_page *page, const mn_page_scatter *scatter);

/* The file appears when whole; "-" is standard output, flushed. The same page gives the same bytes. Errors:
 * MN_ERR_MEMORY for what could not be added, MN_ERR_IO. */
mn_status mn_page_write(const mn_page *page, const char *path, mn_error *err);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
