#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/atomic_file.h"
#include "core/memory.h"
#include "core/status.h"

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.5rem 0}\n"
    "caption{text-align:left;font-weight:bold;padding:.3rem 0}\n"
    "th,td{padding:.2rem .6rem;border-bottom:1px solid #8884;text-align:right;white-space:nowrap}\n"
    "th:first-child{text-align:left}\n"
    "tbody th{font-weight:normal;white-space:normal;min-width:11rem}\n"
    "th button{all:unset;cursor:pointer}\n"
    "th button:focus-visible,.p:focus-visible{outline:2px solid}\n"
    "th[aria-sort=ascending] button::after{content:' \\2191'}\n"
    "th[aria-sort=descending] button::after{content:' \\2193'}\n"
    "figure{margin:1rem 0}\n"
    "figcaption{font-weight:bold}\n"
    "svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}\n"
    "svg text{fill:currentColor}\n"
    "@media(max-width:40rem){svg{font-size:21px}}\n"
    ".g{stroke:#8884}\n"
    ".p{cursor:pointer;stroke:#fff8}\n"
    "output{display:block;min-height:1.5em}\n"
    "</style>\n";

/* A click on a name sorts by its column, up and then down: numbers first, then text. A point says its name below its
 * picture while it has the pointer or the focus; a tap does the same. */
static const char script[] =
    "<script>\n"
    "for (const button of document.querySelectorAll('th button'))\n"
    "  button.onclick = () => {\n"
    "    const head = button.parentNode, table = head.closest('table'), body = table.tBodies[0], k = head.cellIndex;\n"
    "    const down = head.getAttribute('aria-sort') === 'ascending';\n"
    "    const of = row => row.cells[k], number = row => of(row).dataset.v === undefined ? NaN : +of(row).dataset.v;\n"
    "    const order = (a, b) => {\n"
    "      const x = number(a), y = number(b);\n"
    "      if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;\n"
    "      const d = isNaN(x) ? of(a).textContent.localeCompare(of(b).textContent) : x - y;\n"
    "      return down ? -d : d;\n"
    "    };\n"
    "    for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');\n"
    "    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');\n"
    "    body.append(...[...body.rows].sort(order));\n"
    "  };\n"
    "for (const point of document.querySelectorAll('.p')) {\n"
    "  const say = () => point.closest('figure').querySelector('output').textContent = "
    "point.querySelector('title').textContent;\n"
    "  point.onpointerenter = point.onfocus = point.onclick = say;\n"
    "}\n"
    "</script>\n";

void mn_page_raw(mn_page *page, const char *s)
{
  mn_plot_text_add(&page->text, s, strlen(s));
}

void mn_page_escape(mn_page *page, const char *s)
{
  mn_plot_text_escape(&page->text, s);
}

mn_status mn_page_open(const char *title, mn_page **out, mn_error *err)
{
  mn_page *p = *out = mn_calloc(1, sizeof *p);
  if (!p) return MN_NO_MEMORY(err, sizeof *p);
  mn_page_raw(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>");
  mn_page_escape(p, title);
  mn_page_raw(p, "</title>\n");
  mn_page_raw(p, style);
  mn_page_raw(p, "</head>\n<body>\n<h1>");
  mn_page_escape(p, title);
  mn_page_raw(p, "</h1>\n");
  return MN_OK;
}

void mn_page_close(mn_page **page)
{
  if (!*page) return;
  mn_plot_text_free(&(*page)->text);
  mn_free(*page);
  *page = NULL;
}

static void element(mn_page *page, const char *begin, const char *text, const char *end)
{
  mn_page_raw(page, begin);
  mn_page_escape(page, text);
  mn_page_raw(page, end);
}

void mn_page_heading(mn_page *page, const char *text)
{
  element(page, "<h2>", text, "</h2>\n");
}

void mn_page_paragraph(mn_page *page, const char *text)
{
  element(page, "<p>", text, "</p>\n");
}

static void cell(mn_page *page, const mn_page_cell *c, int first)
{
  mn_page_raw(page, first ? "<th scope=\"row\"" : "<td");
  if (isfinite(c->value)) mn_plot_text_print(&page->text, " data-v=\"%.17g\"", c->value);
  element(page, ">", c->text, first ? "</th>" : "</td>");
}

void mn_page_table(mn_page *page, const char *caption, size_t columns, const char *const *names, size_t rows,
                   const mn_page_cell *cells)
{
  element(page, "<div class=\"wide\">\n<table>\n<caption>", caption, "</caption>\n<thead><tr>");
  for (size_t c = 0; c < columns; c++) element(page, "<th scope=\"col\"><button>", names[c], "</button></th>");
  mn_page_raw(page, "</tr></thead>\n<tbody>\n");
  for (size_t r = 0; r < rows; r++) {
    mn_page_raw(page, "<tr>");
    for (size_t c = 0; c < columns; c++) cell(page, &cells[r * columns + c], !c);
    mn_page_raw(page, "</tr>\n");
  }
  mn_page_raw(page, "</tbody>\n</table>\n</div>\n");
}

static mn_status write_file(const mn_page *page, const char *end, const char *path, mn_error *err)
{
  mn_atomic_file *file = NULL;
  mn_status st = mn_atomic_file_open(path, &file, err);
  if (!st) st = mn_atomic_file_write(file, page->text.bytes, page->text.count, err);
  if (!st) st = mn_atomic_file_write(file, script, sizeof script - 1, err);
  if (!st) st = mn_atomic_file_write(file, end, strlen(end), err);
  if (!st) st = mn_atomic_file_commit(&file, err);
  mn_atomic_file_abort(&file);
  return st;
}

mn_status mn_page_write(const mn_page *page, const char *path, mn_error *err)
{
  static const char end[] = "</body>\n</html>\n";
  if (page->text.missing) return MN_NO_MEMORY(err, page->text.missing);
  if (strcmp(path, "-")) return write_file(page, end, path, err);
  fwrite(page->text.bytes, 1, page->text.count, stdout);
  fputs(script, stdout);
  fputs(end, stdout);
  return fflush(stdout) || ferror(stdout) ? MN_FAIL(err, MN_ERR_IO, "standard output: the page cannot be written")
                                          : MN_OK;
}
