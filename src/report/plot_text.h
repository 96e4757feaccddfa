/* Bytes that grow: the script for gnuplot, and the picture that comes back; a page. */
#ifndef MN_REPORT_PLOT_TEXT_H
#define MN_REPORT_PLOT_TEXT_H

#include <stddef.h>

typedef struct {
  char *bytes; /* count, in room for `room`; no terminating zero */
  size_t count, room;
  size_t missing; /* bytes that could not be had; what follows is not kept, so adding may go unchecked until the end */
} mn_plot_text;

void mn_plot_text_add(mn_plot_text *text, const char *bytes, size_t count);

/* At most 255 characters at a time. */
void mn_plot_text_print(mn_plot_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Any text as one of gnuplot's literals. Whatever could mean something to gnuplot (quotes, `, \, ; ...) is written as
 * an octal number, so that no text can become a command. For the sake of a well-formed SVG control characters become
 * spaces, bytes that are not UTF-8 '?', and ]]> becomes ]] >. NULL is the empty literal. */
void mn_plot_text_quote(mn_plot_text *text, const char *s);

/* Any text as HTML and XML show it: & < > " ' by name; control characters and invalid bytes as above. NULL is none. */
void mn_plot_text_escape(mn_plot_text *text, const char *s);

void mn_plot_text_free(mn_plot_text *text);

#endif
