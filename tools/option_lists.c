/* The list of a subcommand's options: rows of its own, and the tables of the library calls that it makes. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cli.h"

static const char *preset_name(int value)
{
  const mn_preset_info *info = value >= 0 ? mn_features_preset_at((size_t)value) : NULL;
  return info ? info->name : NULL;
}

static void append(mn_cli *cli, const mn_option *option, void *target)
{
  if (cli->entry_count < MN_CLI_ENTRIES_MAX) cli->entries[cli->entry_count++] = (mn_cli_entry){option, target, 0};
}

static void append_table(mn_cli *cli, const mn_option *table, size_t count, void *target)
{
  for (size_t i = 0; i < count; i++) append(cli, &table[i], target);
}

enum {
  FITTING = MN_CLI_FIT | MN_CLI_SWEEP,
  FEATURE_COMMANDS = MN_CLI_FEATURES | MN_CLI_INTERPOLANTS | FITTING
}; /* the subcommands that compute features */

static const mn_option preset_row = {
    .key = "preset",
    .type = MN_OPTION_CHOICE,
    .offset = offsetof(mn_cli_values, preset),
    .choice = preset_name,
    .fallback = "b",
    .argument = "NAME",
    .group = "Features",
    .help =
        "A published recipe of the convolutional layer, all of it but the number of filters. a: whitened patches on "
        "images as they are, 3 x 3 overlapping averages (Recht et al. 2019); b: whitened patches on normalised "
        "ones, 2 x 2 sums (KeystoneML); d: as b with sums over the quadrants (Coates and Ng 2011); gaussian: as b "
        "with Gaussian filters. Options given besides go before the recipe's."};

static const mn_option seed_row = {.key = "seed",
                                   .type = MN_OPTION_U64,
                                   .offset = offsetof(mn_cli_values, seed),
                                   .fallback = "0",
                                   .argument = "S",
                                   .group = "Features",
                                   .help = "Seed of the filters, of the training patches drawn, and of --variant."};

static const char *feature_scale_name(int value)
{
  return value >= 0 ? mn_feature_scale_string((mn_feature_scale)value) : NULL;
}

const char *mn_cli_products_name(int value)
{
  static const char *const names[] = {"auto", "double", "single", "bfloat16"};
  return value >= 0 && value <= MN_CLI_PRODUCTS_BFLOAT16 ? names[value] : NULL;
}

/* What a fit does with features. */
static const mn_option stream_rows[] = {
    {.key = "feature-scale",
     .type = MN_OPTION_CHOICE,
     .offset = offsetof(mn_cli_values, feature_scale),
     .choice = feature_scale_name,
     .fallback = "auto",
     .argument = "SCALE",
     .group = "Features",
     .help = "Of each feature over the training images: none leaves it; center subtracts the mean; standard divides by "
             "the deviation, too, and all by the root of their number, so that the inner product of an image with "
             "itself is 1 in the mean. auto: standard for conv, none for the others."},
    {.key = "normalise",
     .type = MN_OPTION_FLAG,
     .offset = offsetof(mn_cli_values, normalise),
     .group = "Features",
     .help = "Then scale the features of each image to norm 1."},
    {.key = "products",
     .type = MN_OPTION_CHOICE,
     .offset = offsetof(mn_cli_values, products_type),
     .choice = mn_cli_products_name,
     .fallback = "auto",
     .argument = "PRECISION",
     .group = "Features",
     .help = "Precision of the inner products of features: double, single, or bfloat16, which rounds the features to 8 "
             "bits and sums in single precision, in less time on processors with AVX-512 BF16 or AMX. auto: double up "
             "to 20,480 "
             "features where memory has room for it, else single."},
    {.key = "save-gram",
     .type = MN_OPTION_TEXT,
     .offset = offsetof(mn_cli_values, save_gram),
     .argument = "DIR",
     .group = "Features",
     .excludes = "load-gram",
     .help = "Keep the inner products of the features in this folder, block after block: a run that is stopped goes on "
             "from the last one kept, and --load-gram needs no features."},
    {.key = "load-gram",
     .type = MN_OPTION_TEXT,
     .offset = offsetof(mn_cli_values, load_gram),
     .argument = "DIR",
     .group = "Features",
     .excludes = "features",
     .help =
         "Fit from the inner products kept there: any kernel, gamma, ridge and labels, and the first N and M of the "
         "samples."},
};

/* --features first, then what refines it. */
static void append_features(mn_cli *cli)
{
  size_t count, fits;
  const mn_option *table = mn_features_option_table(&count), *fit = mn_fit_option_table(&fits);
  append_table(cli, table, 1, &cli->values.features);
  append(cli, &preset_row, &cli->values);
  if (cli->command->bit == MN_CLI_FEATURES) append(cli, &seed_row, &cli->values);
  if (cli->command->bit & FITTING)
    append_table(cli, stream_rows, sizeof stream_rows / sizeof *stream_rows, &cli->values);
  if (cli->command->bit == MN_CLI_INTERPOLANTS) append_table(cli, stream_rows, 1, &cli->values); /* the scale */
  append_table(cli, table + 1, count - 1, &cli->values.features);
  if (cli->command->bit == MN_CLI_FEATURES) append(cli, mn_option_find(fit, fits, "scale"), &cli->values.fit);
}

static const char *select_name(int value)
{
  static const char *const names[] = {"none", "loo", "loo-error"};
  return value >= 0 && value < 3 ? names[value] : NULL;
}

/* What --select chooses from. */
static const mn_option select_rows[] = {
    {.key = "select",
     .type = MN_OPTION_CHOICE,
     .offset = offsetof(mn_cli_values, select),
     .choice = select_name,
     .fallback = "none",
     .argument = "HOW",
     .group = "Selection",
     .help =
         "loo: choose bandwidth and ridge, of every pair from two lists, by the least leave-one-out square error on "
         "training samples; loo-error: by the fewest of them misclassified, and of equals by the square error."},
    {.key = "select-gamma",
     .type = MN_OPTION_TEXT,
     .offset = offsetof(mn_cli_values, select_gamma),
     .argument = "G[,G...]",
     .group = "Selection",
     .help =
         "Bandwidths to choose from, 16 at most. Default: --gamma if that is a number, else 1/8, 1/4, 1/2, 1, 2, 3, "
         "4, 6 and 8 times the inverse median."},
    {.key = "select-ridge",
     .type = MN_OPTION_TEXT,
     .offset = offsetof(mn_cli_values, select_ridge),
     .argument = "L[,L...]",
     .group = "Selection",
     .help = "Ridges to choose from, 16 at most. Default: --ridge if given, else 0, 1e-6, 1e-5 ... 0.1."},
    {.key = "select-samples",
     .type = MN_OPTION_SIZE,
     .offset = offsetof(mn_cli_values, select_samples),
     .least = 0,
     .most = INFINITY,
     .fallback = "4000",
     .argument = "M",
     .group = "Selection",
     .help = "Training samples to choose by, drawn by --seed; 0: all. Each pair takes 2/3 M^3 operations."},
};

/* Those of a fit, with lists in the place of some. */
static void append_sweep(mn_cli *cli)
{
  size_t count, lists;
  const mn_option *table = mn_fit_option_table(&count), *list = mn_cli_sweep_lists(&lists);
  for (size_t i = 0; i < count; i++) {
    const mn_option *own = mn_option_find(list, lists, table[i].key);
    append(cli, own ? own : &table[i], own ? (void *)&cli->values : (void *)&cli->values.fit);
  }
  table = mn_cli_sweep_result_rows(&count);
  append_table(cli, table, count, &cli->values);
}

/* Some of those of a fit, and those of descents. */
static void append_interpolants(mn_cli *cli)
{
  size_t count;
  const mn_option *table = mn_fit_option_table(&count);
  for (size_t i = 0; i < count; i++)
    if (mn_cli_interpolants_takes(&table[i])) append(cli, &table[i], &cli->values.fit);
  table = mn_cli_descent_rows(&count);
  append_table(cli, table, count, &cli->values.descent);
  table = mn_cli_interpolants_rows(&count);
  append_table(cli, table, count, &cli->values);
}

/* The rows of a library call's options stand between the commands' own: after those of the data, before those of the
 * results. */
static void append_library(mn_cli *cli)
{
  size_t count;
  const mn_option *table;
  if (cli->command->bit == MN_CLI_SWEEP) {
    table = mn_cli_sweep_data_rows(&count);
    append_table(cli, table, count, &cli->values);
  }
  if (cli->command->bit & FEATURE_COMMANDS) append_features(cli);
  if (cli->command->bit == MN_CLI_SWEEP) {
    append_sweep(cli);
  } else if (cli->command->bit == MN_CLI_FIT) {
    table = mn_fit_option_table(&count);
    append_table(cli, table, count, &cli->values.fit);
    append_table(cli, select_rows, sizeof select_rows / sizeof *select_rows, &cli->values);
  } else if (cli->command->bit == MN_CLI_EXPRESS) {
    table = mn_network_option_table(&count);
    append_table(cli, table, count, &cli->values.network);
  } else if (cli->command->bit == MN_CLI_NORMS) {
    table = mn_cli_norms_rows(&count);
    append_table(cli, table, count, &cli->values);
  } else if (cli->command->bit == MN_CLI_INTERPOLANTS) {
    append_interpolants(cli);
  } else if (cli->command->bit == MN_CLI_DATA) {
    table = mn_fit_option_table(&count);
    append(cli, mn_option_find(table, count, "corrupt"), &cli->values.fit);
  }
}

void mn_cli_collect(mn_cli *cli)
{
  size_t count;
  const mn_cli_row *rows = mn_cli_rows(&count);
  int pending = 1;
  for (size_t i = 0; i < count; i++) {
    if (!(rows[i].commands & cli->command->bit)) continue;
    if (pending && rows[i].option.group == mn_cli_results) {
      append_library(cli);
      pending = 0;
    }
    append(cli, &rows[i].option, &cli->values);
  }
}
