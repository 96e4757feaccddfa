/* The list of a subcommand's options: rows of its own, and the tables of the library calls that it makes. */
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

enum { FEATURE_COMMANDS = MN_CLI_FEATURES }; /* the subcommands that compute features */

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

/* --features first, then what refines it. */
static void append_features(mn_cli *cli)
{
  size_t count, fits;
  const mn_option *table = mn_features_option_table(&count), *fit = mn_fit_option_table(&fits);
  append_table(cli, table, 1, &cli->values.features);
  append(cli, &preset_row, &cli->values);
  if (cli->command->bit == MN_CLI_FEATURES) append(cli, &seed_row, &cli->values);
  append_table(cli, table + 1, count - 1, &cli->values.features);
  if (cli->command->bit == MN_CLI_FEATURES) append(cli, mn_option_find(fit, fits, "scale"), &cli->values.fit);
}

/* The rows of a library call's options stand between the commands' own: after those of the data, before those of the
 * results. */
static void append_library(mn_cli *cli)
{
  size_t count;
  const mn_option *table;
  if (cli->command->bit & FEATURE_COMMANDS) append_features(cli);
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
