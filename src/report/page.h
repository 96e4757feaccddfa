/* Inside of a page. */
#ifndef MN_REPORT_PAGE_H
#define MN_REPORT_PAGE_H

#include "minnorm/page.h"
#include "report/plot_text.h"

struct mn_page {
  mn_plot_text text;
};

/* Text as HTML shows it. */
void mn_page_escape(mn_page *page, const char *s);

/* Markup as it is. */
void mn_page_raw(mn_page *page, const char *s);

#endif
