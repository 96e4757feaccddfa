#include <stdlib.h>

#include "cli.h"

static const char *data_dir(const mn_cli *cli)
{
  const char *from_environment = getenv("MINNORM_DATA");
  if (cli->values.data_dir) return cli->values.data_dir;
  return from_environment && *from_environment ? from_environment : "data";
}

/* Commands that fit have a seed among the options of the fit. */
static uint64_t seed_of(const mn_cli *cli)
{
  const mn_cli_values *v = &cli->values;
  if (cli->command->bit & (MN_CLI_FIT | MN_CLI_SWEEP | MN_CLI_INTERPOLANTS)) return v->fit.seed;
  return cli->command->bit == MN_CLI_EXPRESS ? v->network.seed : v->seed;
}

mn_status mn_cli_open_data(mn_cli *cli, const char *spec, mn_part part, size_t n, mn_data **out, mn_error *err)
{
  int shuffle = mn_cli_given(cli, "shuffle");
  const char *name = mn_cli_dataset_name(cli->values.dataset);
  mn_status st = spec ? mn_data_open(spec, &cli->context, out, err)
                      : mn_data_open_named(name, data_dir(cli), part, &cli->context, out, err);
  if (!st && (n || shuffle)) st = mn_data_take(out, n, shuffle, cli->values.shuffle, part, &cli->context, err);
  if (!st) st = mn_data_make_variant(*out, (mn_variant)cli->values.variant, part, seed_of(cli), &cli->context, err);
  if (!st && cli->values.mirror && (part == MN_TRAIN || cli->command->bit == MN_CLI_DATA))
    st = mn_data_mirror(out, &cli->context, err);
  if (st) mn_data_close(out);
  return st;
}

void mn_cli_variant_line(const mn_cli *cli)
{
  mn_variant variant = (mn_variant)cli->values.variant;
  if (variant != MN_VARIANT_TRUE) mn_cli_line("variant", "%s", mn_variant_string(variant));
}

void mn_cli_report_variant(const mn_cli *cli, mn_report *report)
{
  mn_report_text(report, "variant", mn_variant_string((mn_variant)cli->values.variant));
}

void mn_cli_describe_mirror(const mn_cli *cli, size_t n, char *text, size_t size)
{
  *text = '\0';
  if (cli->values.mirror) snprintf(text, size, " (%s and their mirror images)", mn_number_count(n / 2).text);
}

mn_status mn_cli_download(mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  const char *name = cli->word_count ? cli->words[0] : "all";
  mn_status st = mn_data_download(name, data_dir(cli), v->url, &cli->context, err);
  if (!st && !v->quiet) printf("%s: complete in %s\n", name, data_dir(cli));
  return st;
}
