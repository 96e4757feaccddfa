/* The options that belong to the subcommands rather than to a model. */
#include <math.h>
#include <stddef.h>

#include "cli.h"

#define AT(name) offsetof(mn_cli_values, name)

const char *mn_cli_dataset_name(int value)
{
  static const char *const names[] = {"mnist", "cifar10"};
  return value >= 0 && value < 2 ? names[value] : NULL;
}

const char *mn_cli_part_name(int value)
{
  static const char *const names[] = {[MN_TRAIN] = "train", [MN_TEST] = "test"};
  return value >= 0 && value < 2 ? names[value] : NULL;
}

static const char *type_name(int value)
{
  static const char *const names[] = {"double", "single"};
  return value >= 0 && value < 2 ? names[value] : NULL;
}

static const char *samples_name(int value)
{
  return value >= 0 ? mn_bench_samples_string((mn_bench_samples)value) : NULL;
}

static const char data_group[] = "Data", result_group[] = "Results", run_group[] = "Running";

static const mn_cli_row rows[] = {
    {{.key = "dataset",
      .letter = 'd',
      .type = MN_OPTION_CHOICE,
      .offset = AT(dataset),
      .choice = mn_cli_dataset_name,
      .argument = "NAME",
      .group = data_group,
      .help = "A standard data set, in its usual files below --data-dir."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_EXPRESS},
    {{.key = "data-dir",
      .type = MN_OPTION_TEXT,
      .offset = AT(data_dir),
      .argument = "DIR",
      .group = data_group,
      .help = "Where the standard data sets are. Default: $MINNORM_DATA, else ./data."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_DOWNLOAD | MN_CLI_EXPRESS},
    {{.key = "train",
      .type = MN_OPTION_TEXT,
      .offset = AT(train),
      .argument = "SPEC",
      .group = data_group,
      .excludes = "dataset",
      .help = "Training samples; SPEC is explained below."},
     MN_CLI_FIT | MN_CLI_DATA | MN_CLI_EXPRESS},
    {{.key = "test",
      .type = MN_OPTION_TEXT,
      .offset = AT(test),
      .argument = "SPEC",
      .group = data_group,
      .excludes = "dataset",
      .help = "Test samples; SPEC is explained below."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_EXPRESS},
    {{.key = "part",
      .type = MN_OPTION_CHOICE,
      .offset = AT(part),
      .choice = mn_cli_part_name,
      .argument = "PART",
      .group = data_group,
      .help = "Which part of --dataset. Default: test for predict, train for data."},
     MN_CLI_PREDICT | MN_CLI_DATA},
    {{.key = "n",
      .letter = 'n',
      .type = MN_OPTION_SIZE,
      .offset = AT(n),
      .least = 1,
      .most = INFINITY,
      .argument = "N",
      .group = data_group,
      .help = "The first N samples only: of the training set for fit, of the samples shown for data."},
     MN_CLI_FIT | MN_CLI_DATA},
    {{.key = "n-test",
      .type = MN_OPTION_SIZE,
      .offset = AT(n_test),
      .least = 1,
      .most = INFINITY,
      .argument = "M",
      .group = data_group,
      .help = "The first M of the samples to predict only."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_EXPRESS},
    {{.key = "shuffle",
      .type = MN_OPTION_U64,
      .offset = AT(shuffle),
      .argument = "SEED",
      .group = data_group,
      .help = "Put the samples in a random order first."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_EXPRESS},
    {{.key = "mirror",
      .type = MN_OPTION_FLAG,
      .offset = AT(mirror),
      .group = data_group,
      .help = "Train on the mirror image, left for right, of every image too; N counts the images before."},
     MN_CLI_FIT | MN_CLI_EXPRESS},
    {{.key = "mirror",
      .type = MN_OPTION_FLAG,
      .offset = AT(mirror),
      .group = data_group,
      .help = "Add the mirror image, left for right, of every image; N counts the images before."},
     MN_CLI_DATA},
    {{.key = "url",
      .type = MN_OPTION_TEXT,
      .offset = AT(url),
      .argument = "BASE",
      .group = data_group,
      .help = "Download from below this address instead of the usual mirrors."},
     MN_CLI_DOWNLOAD},
    {{.key = "model",
      .letter = 'm',
      .type = MN_OPTION_TEXT,
      .offset = AT(model),
      .argument = "MODEL",
      .group = data_group,
      .help = "The model to apply: a folder that minnorm fit --save wrote."},
     MN_CLI_PREDICT},
    {{.key = "n",
      .letter = 'n',
      .type = MN_OPTION_TEXT,
      .offset = AT(sizes),
      .fallback = "4000,8000",
      .argument = "N[,N...]",
      .group = "Measurement",
      .help = "Numbers of samples."},
     MN_CLI_BENCH},
    {{.key = "n",
      .letter = 'n',
      .type = MN_OPTION_TEXT,
      .offset = AT(sizes),
      .argument = "N[,N...]",
      .group = data_group,
      .help = "The first N training samples only. Several numbers, 32 at most: a network for each, of which --plot "
              "draws the growth and --save keeps the last."},
     MN_CLI_EXPRESS},
    {{.key = "corrupt",
      .type = MN_OPTION_REAL,
      .offset = AT(corrupt),
      .least = 0,
      .most = 1,
      .fallback = "0",
      .argument = "P",
      .group = data_group,
      .help = "Replace each training label, with probability P, by a class drawn uniformly; 1: random labels."},
     MN_CLI_EXPRESS},
    {{.key = "dim",
      .type = MN_OPTION_SIZE,
      .offset = AT(dim),
      .least = 1,
      .most = 1e6,
      .fallback = "784",
      .argument = "D",
      .group = "Measurement",
      .help = "Features of a sample."},
     MN_CLI_BENCH},
    {{.key = "precision",
      .type = MN_OPTION_CHOICE,
      .offset = AT(bench_type),
      .choice = type_name,
      .fallback = "double",
      .argument = "PRECISION",
      .group = "Measurement",
      .help = "Precision of the Gram matrix and its factor."},
     MN_CLI_BENCH},
    {{.key = "repeat",
      .type = MN_OPTION_INT,
      .offset = AT(repeat),
      .least = 1,
      .most = 99,
      .fallback = "1",
      .argument = "R",
      .group = "Measurement",
      .help = "Measure R times and report medians."},
     MN_CLI_BENCH},
    {{.key = "data",
      .type = MN_OPTION_CHOICE,
      .offset = AT(bench_samples),
      .choice = samples_name,
      .fallback = "double",
      .argument = "KIND",
      .group = "Measurement",
      .help =
          "Samples of reals (double), or of bytes as in images of digits, whose inner products have their own path."},
     MN_CLI_BENCH},
    {{.key = "compare-threads",
      .type = MN_OPTION_FLAG,
      .offset = AT(compare_threads),
      .group = "Measurement",
      .help = "Measure with one thread as well, and show how much faster all of them are."},
     MN_CLI_BENCH},
    {{.key = "save",
      .type = MN_OPTION_TEXT,
      .offset = AT(save),
      .argument = "MODEL",
      .group = result_group,
      .help = "Save the model: a folder with model.json and .npy arrays. An existing model is replaced."},
     MN_CLI_FIT},
    {{.key = "save",
      .type = MN_OPTION_TEXT,
      .offset = AT(save),
      .argument = "NET",
      .group = result_group,
      .help = "Save the network: a folder with network.json and .npy arrays. An existing network is replaced."},
     MN_CLI_EXPRESS},
    {{.key = "plot",
      .type = MN_OPTION_TEXT,
      .offset = AT(plot),
      .argument = "FILE",
      .group = result_group,
      .help = "Draw the function and its kinks, or error and norm against N, with gnuplot; FILE ends in .svg or .png."},
     MN_CLI_EXPRESS},
    {{.key = "plot",
      .type = MN_OPTION_TEXT,
      .offset = AT(plot),
      .argument = "FILE",
      .group = result_group,
      .help = "Draw rates and seconds against N, with gnuplot; FILE ends in .svg or .png."},
     MN_CLI_BENCH},
    {{.key = "verify",
      .type = MN_OPTION_SIZE,
      .offset = AT(verify),
      .least = 0,
      .most = INFINITY,
      .fallback = "0",
      .argument = "M",
      .group = result_group,
      .help = "Training points that the network is run on unit by unit, which takes M n steps; the others are checked "
              "piece by piece. 0: all where n^2 steps an output are at most 1e10, else 2,000."},
     MN_CLI_EXPRESS},
    {{.key = "labels",
      .type = MN_OPTION_TEXT,
      .offset = AT(labels),
      .argument = "FILE",
      .group = result_group,
      .help = "Write the predicted labels: a label a line, or an array when FILE ends in .npy."},
     MN_CLI_FIT | MN_CLI_PREDICT},
    {{.key = "scores",
      .type = MN_OPTION_TEXT,
      .offset = AT(scores),
      .argument = "FILE",
      .group = result_group,
      .help = "Write the predicted scores, a row a sample and a column a class (or target); FILE ends in .npy or "
              ".csv."},
     MN_CLI_FIT | MN_CLI_PREDICT},
    {{.key = "convert",
      .type = MN_OPTION_TEXT,
      .offset = AT(convert),
      .argument = "SPEC",
      .group = result_group,
      .help = "Write the samples in another format: idx:, cifar:, npy:, libsvm: or csv: with the names of the files."},
     MN_CLI_DATA},
    {{.key = "png",
      .type = MN_OPTION_TEXT,
      .offset = AT(png),
      .argument = "FILE",
      .group = result_group,
      .help = "Write a picture of the first images."},
     MN_CLI_DATA},
    {{.key = "rows",
      .type = MN_OPTION_SIZE,
      .offset = AT(rows),
      .least = 1,
      .most = 1000,
      .fallback = "10",
      .argument = "R",
      .group = result_group,
      .help = "Rows of images in the picture."},
     MN_CLI_DATA},
    {{.key = "cols",
      .type = MN_OPTION_SIZE,
      .offset = AT(cols),
      .least = 1,
      .most = 1000,
      .fallback = "10",
      .argument = "C",
      .group = result_group,
      .help = "Columns of images in the picture."},
     MN_CLI_DATA},
    {{.key = "json",
      .letter = 'j',
      .type = MN_OPTION_TEXT,
      .offset = AT(json),
      .argument = "FILE",
      .group = result_group,
      .help = "Write the report as one JSON object; - is standard output, instead of the table."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_BENCH | MN_CLI_INFO | MN_CLI_EXPRESS},
    {{.key = "checkpoint",
      .type = MN_OPTION_TEXT,
      .offset = AT(checkpoint),
      .argument = "DIR",
      .group = run_group,
      .help = "Keep the factor here as it grows: after a stop at any moment the same command goes on from the last "
              "finished panel. Removed once the system is solved."},
     MN_CLI_FIT},
    {{.key = "scratch",
      .type = MN_OPTION_TEXT,
      .offset = AT(scratch),
      .argument = "DIR",
      .group = run_group,
      .help = "Where a Cholesky factor that --memory has no room for is kept on disk while it is needed; rcond is not "
              "estimated then."},
     MN_CLI_FIT},
    {{.key = "dry-run",
      .type = MN_OPTION_FLAG,
      .offset = AT(dry_run),
      .group = run_group,
      .help = "Print the forecast of memory, operations and time, and stop."},
     MN_CLI_FIT},
    {{.key = "threads",
      .letter = 't',
      .type = MN_OPTION_INT,
      .offset = AT(threads),
      .least = 0,
      .most = 4096,
      .fallback = "0",
      .argument = "T",
      .group = run_group,
      .help = "Number of threads; 0: every core."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_BENCH | MN_CLI_EXPRESS},
    {{.key = "quiet",
      .letter = 'q',
      .type = MN_OPTION_FLAG,
      .offset = AT(quiet),
      .group = run_group,
      .help = "Print errors only, and no table."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_DOWNLOAD | MN_CLI_BENCH | MN_CLI_EXPRESS},
    {{.key = "verbose",
      .letter = 'v',
      .type = MN_OPTION_FLAG,
      .offset = AT(verbose),
      .group = run_group,
      .excludes = "quiet",
      .help = "Print what the library remarks on its way."},
     MN_CLI_FIT | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_DOWNLOAD | MN_CLI_BENCH | MN_CLI_EXPRESS},
    {{.key = "man",
      .type = MN_OPTION_FLAG,
      .offset = AT(man),
      .group = run_group,
      .excludes = "completion",
      .help = "Print the manual page (roff)."},
     MN_CLI_HELP},
    {{.key = "completion",
      .type = MN_OPTION_FLAG,
      .offset = AT(completion),
      .group = run_group,
      .help = "Print the completion script of bash."},
     MN_CLI_HELP},
    {{.key = "help",
      .letter = 'h',
      .type = MN_OPTION_FLAG,
      .offset = AT(help),
      .group = run_group,
      .help = "Print this help."},
     MN_CLI_ALL},
};

const mn_cli_row *mn_cli_rows(size_t *count)
{
  *count = sizeof rows / sizeof *rows;
  return rows;
}

static void append(mn_cli *cli, const mn_option *option, void *target)
{
  if (cli->entry_count < MN_CLI_ENTRIES_MAX) cli->entries[cli->entry_count++] = (mn_cli_entry){option, target, 0};
}

static void append_table(mn_cli *cli, const mn_option *table, size_t count, void *target)
{
  for (size_t i = 0; i < count; i++) append(cli, &table[i], target);
}

/* The rows of a library call's options stand between the commands' own: after those of the data, before those of the
 * results. */
static void append_library(mn_cli *cli)
{
  size_t count;
  const mn_option *table;
  if (cli->command->bit == MN_CLI_FIT) {
    table = mn_fit_option_table(&count);
    append_table(cli, table, count, &cli->values.fit);
  } else if (cli->command->bit == MN_CLI_EXPRESS) {
    table = mn_network_option_table(&count);
    append_table(cli, table, count, &cli->values.network);
  }
}

void mn_cli_collect(mn_cli *cli)
{
  int pending = 1;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!(rows[i].commands & cli->command->bit)) continue;
    if (pending && rows[i].option.group == result_group) {
      append_library(cli);
      pending = 0;
    }
    append(cli, &rows[i].option, &cli->values);
  }
}
