/* Options of minnorm sweep: lists in the place of a fit's numbers, and where results go. */
#include <math.h>
#include <stddef.h>

#include "cli.h"

#define AT(name) offsetof(mn_cli_values, name)

static const mn_option data_rows[] = {
    {.key = "n",
     .letter = 'n',
     .type = MN_OPTION_TEXT,
     .offset = AT(sizes),
     .argument = "N[,N...]",
     .group = "Data",
     .help = "The first N training samples only; several numbers: a factor for each."},
    {.key = "dim",
     .type = MN_OPTION_TEXT,
     .offset = AT(dims),
     .argument = "D[,D...]",
     .group = "Features",
     .help =
         "The first D features only, rounded up to whole groups of them (256 filters, or a path of wavelets); several "
         "numbers: all from one pass over the features, with a factor for each."},
};

static const char kernel_group[] = "Kernel", task_group[] = "Task", solver_group[] = "Solver";

static const mn_option lists[] = {
    {.key = "gamma",
     .letter = 'g',
     .type = MN_OPTION_TEXT,
     .offset = AT(gammas),
     .fallback = "auto",
     .argument = "G[,G...]|auto|median",
     .group = kernel_group,
     .help = "Inverse widths of the kernel, with a factor for each. auto: the least leave-one-out square error on at "
             "most 4,000 training samples with their true labels, for each number of samples and ridge; median: the "
             "inverse median of r^2 (of r for kernels of r)."},
    {.key = "sigma",
     .type = MN_OPTION_TEXT,
     .offset = AT(sigmas),
     .argument = "S[,S...]",
     .group = kernel_group,
     .excludes = "gamma",
     .help = "Widths of the gaussian kernel, instead of --gamma: gamma = 1/(2 S^2)."},
    {.key = "corrupt",
     .type = MN_OPTION_TEXT,
     .offset = AT(corruptions),
     .fallback = "0",
     .argument = "P[,P...]",
     .group = task_group,
     .help = "Replace each training label, with probability P, by a class drawn uniformly. All levels and seeds share "
             "a factor. 0:1:0.1 is a whole curve; 1: random labels."},
    {.key = "seed",
     .type = MN_OPTION_TEXT,
     .offset = AT(seeds),
     .fallback = "0",
     .argument = "S[,S...]",
     .group = task_group,
     .help =
         "Seeds of the corruption, each a point at every level but 0; by the first one all else is drawn, samples to "
         "choose the bandwidth by, --variant, --draws, filters and patches."},
    {.key = "ridge",
     .letter = 'r',
     .type = MN_OPTION_TEXT,
     .offset = AT(ridges),
     .fallback = "0",
     .argument = "L[,L...]",
     .group = solver_group,
     .help = "Solve (K + L I) alpha = y, with a factor for each L; with solver eigen, and with auto from 27 of them "
             "on, one eigendecomposition for all above 0. At 0 the model interpolates."},
};

static const mn_option result_rows[] = {
    {.key = "log",
     .type = MN_OPTION_TEXT,
     .offset = AT(log),
     .argument = "FILE.jsonl",
     .group = mn_cli_results,
     .help = "Keep every point as it is done, as a line of JSON below one that says what the sweep is of. The same "
             "command goes on with such a file; one of other data or options is refused."},
    {.key = "csv",
     .type = MN_OPTION_TEXT,
     .offset = AT(csv),
     .argument = "FILE",
     .group = mn_cli_results,
     .help = "Write a table: a point a line, its place in the grid, errors, norm, residual, measures."},
    {.key = "plot",
     .type = MN_OPTION_TEXT,
     .offset = AT(plot),
     .argument = "FILE",
     .group = mn_cli_results,
     .help =
         "Draw errors and norm against what varies, with gnuplot: D, else corruption, else ridge, else gamma, else N; "
         "means over seeds, and a line for each of the rest. FILE ends in .svg or .png."},
};

const mn_option *mn_cli_sweep_data_rows(size_t *count)
{
  *count = sizeof data_rows / sizeof *data_rows;
  return data_rows;
}

const mn_option *mn_cli_sweep_lists(size_t *count)
{
  *count = sizeof lists / sizeof *lists;
  return lists;
}

const mn_option *mn_cli_sweep_result_rows(size_t *count)
{
  *count = sizeof result_rows / sizeof *result_rows;
  return result_rows;
}
