/* Options of minnorm norms: where results go. */
#include <stddef.h>

#include "cli.h"

#define AT(name) offsetof(mn_cli_values, name)

static const mn_option rows[] = {
    {.key = "page",
     .type = MN_OPTION_TEXT,
     .offset = AT(page),
     .argument = "FILE",
     .group = mn_cli_results,
     .help =
         "Write all of it as one HTML page that needs nothing else: tables that sort, pictures whose points say what "
         "model they are. - is standard output."},
    {.key = "plot",
     .type = MN_OPTION_TEXT,
     .offset = AT(plot),
     .argument = "FILE",
     .group = mn_cli_results,
     .help = "Draw the test error against the norm, its bound, margins, leave-one-out and stability, with gnuplot; "
             "FILE ends in .svg or .png."},
};

const mn_option *mn_cli_norms_rows(size_t *count)
{
  *count = sizeof rows / sizeof *rows;
  return rows;
}
