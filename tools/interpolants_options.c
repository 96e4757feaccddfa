/* Options of minnorm norms interpolants: of the descents, and what it shows. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cli.h"

#define AT(name) offsetof(mn_descent_options, name)

static const char group[] = "Descents";

static const mn_option descent_rows[] = {
    {.key = "tol",
     .type = MN_OPTION_REAL,
     .offset = AT(tolerance),
     .least = 0,
     .most = 1,
     .above = 1,
     .fallback = "1e-6",
     .argument = "T",
     .group = group,
     .help = "A descent ends within this distance of its limit, as a part of the least norm."},
    {.key = "passes",
     .type = MN_OPTION_SIZE,
     .offset = AT(passes_max),
     .least = 1,
     .most = INFINITY,
     .fallback = "20000",
     .argument = "P",
     .group = group,
     .help = "Or after so many passes over the training samples, and the table says so."},
    {.key = "batch",
     .type = MN_OPTION_SIZE,
     .offset = AT(batch),
     .least = 1,
     .most = INFINITY,
     .fallback = "1",
     .argument = "B",
     .group = group,
     .help = "Samples of a batch of sgd. Kaczmarz takes single ones, with steps that fit each exactly."},
    {.key = "start",
     .type = MN_OPTION_REAL,
     .offset = AT(start),
     .least = 0,
     .most = 1e6,
     .above = 1,
     .fallback = "1",
     .argument = "R",
     .group = group,
     .help = "Norm of the start outside the span, as a multiple of the least norm."},
};

static const mn_option rows[] = {
    {.key = "curvature",
     .type = MN_OPTION_FLAG,
     .offset = offsetof(mn_cli_values, curvature),
     .group = mn_cli_results,
     .help = "Show the spectrum of the loss's second derivative at two minima, the least norm and the one from outside "
             "the span: of the squared loss, and of the logistic one with its minima there, of the first output."},
    {.key = "plot",
     .type = MN_OPTION_TEXT,
     .offset = offsetof(mn_cli_values, plot),
     .argument = "FILE",
     .group = mn_cli_results,
     .help =
         "Draw the distances along the way, and the test error against the norm, with gnuplot; FILE ends in .svg or "
         ".png."},
};

const mn_option *mn_cli_descent_rows(size_t *count)
{
  *count = sizeof descent_rows / sizeof *descent_rows;
  return descent_rows;
}

const mn_option *mn_cli_interpolants_rows(size_t *count)
{
  *count = sizeof rows / sizeof *rows;
  return rows;
}

int mn_cli_interpolants_takes(const mn_option *row)
{
  static const char *const keys[] = {"kernel", "gamma", "sigma",   "coef0",  "degree", "depth",
                                     "scale",  "task",  "targets", "center", "seed",   "memory"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (!strcmp(row->key, keys[i])) return 1;
  return 0;
}
