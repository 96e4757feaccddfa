/* Options of feature maps: from the command line to what the library is given, and from there to tables and JSON. */
#include <string.h>

#include "cli.h"

/* "--filters belongs to --features conv". */
static mn_status not_used(const mn_option *row, mn_error *err)
{
  char maps[128] = "";
  size_t used = 0;
  for (mn_features_name name = MN_FEATURES_NONE; name < MN_FEATURES_COUNT && used < sizeof maps; name++)
    if (mn_features_option_used(row, name))
      used += (size_t)snprintf(maps + used, sizeof maps - used, "%s%s", used ? " or " : "", mn_features_string(name));
  return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s belongs to --features %s", row->key, maps);
}

static mn_status copy_option(const mn_option *row, const mn_features_options *from, mn_features_options *to,
                             mn_error *err)
{
  char text[64];
  mn_option_get(row, from, text, sizeof text);
  return mn_option_set(row, text, to, err);
}

static mn_status apply_preset(const mn_cli *cli, mn_features_options *out, mn_error *err)
{
  if (!mn_cli_given(cli, "preset")) return MN_OK;
  if (out->name != MN_FEATURES_CONV)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--preset belongs to --features %s", mn_features_string(MN_FEATURES_CONV));
  return mn_features_preset(mn_features_preset_at((size_t)cli->values.preset)->name, out, err);
}

mn_status mn_cli_features_options(const mn_cli *cli, mn_features_options *out, mn_error *err)
{
  const mn_features_options *given = &cli->values.features;
  *out = mn_features_default(given->name);
  mn_status st = apply_preset(cli, out, err);
  for (size_t i = 0; !st && i < cli->entry_count; i++) {
    const mn_cli_entry *entry = &cli->entries[i];
    if (!entry->given || entry->target != given) continue;
    st = mn_features_option_used(entry->option, given->name) ? copy_option(entry->option, given, out, err)
                                                             : not_used(entry->option, err);
  }
  out->seed = cli->command->bit == MN_CLI_FEATURES ? cli->values.seed : cli->values.fit.seed;
  return st;
}

/* Text of the option of this name. */
static mn_number text_of(const mn_features_options *options, const char *key)
{
  mn_number out;
  size_t count;
  const mn_option *table = mn_features_option_table(&count);
  mn_option_get(mn_option_find(table, count, key), options, out.text, sizeof out.text);
  return out;
}

static const char *preset_of(const mn_cli *cli)
{
  return mn_features_preset_at((size_t)cli->values.preset)->name;
}

void mn_cli_describe_map(const mn_cli *cli, const mn_features_options *o, char *text, size_t size)
{
  const char *name = mn_features_string(o->name);
  if (o->name == MN_FEATURES_CONV)
    snprintf(text, size, "%s, preset %s: %s %s filters of %zu x %zu, %s", name, preset_of(cli),
             mn_number_count(o->filters).text, text_of(o, "filter-kind").text, o->patch, o->patch,
             text_of(o, "rectifier").text);
  else if (o->name != MN_FEATURES_NONE)
    snprintf(text, size, "%s: %d scales, %d orientations, pooling scale %d", name, o->scales, o->orientations,
             o->pooling);
  else
    snprintf(text, size, "%s", name);
}

static void report_option(mn_report *report, const mn_option *row, const mn_features_options *options)
{
  char key[64];
  const void *value = (const char *)options + row->offset;
  snprintf(key, sizeof key, "%s", strcmp(row->key, "features") ? row->key : "map");
  for (char *c = key; *c; c++)
    if (*c == '-') *c = '_';
  if (row->type == MN_OPTION_SIZE)
    mn_report_count(report, key, *(const size_t *)value);
  else if (row->type == MN_OPTION_INT)
    mn_report_real(report, key, *(const int *)value);
  else if (row->type == MN_OPTION_REAL)
    mn_report_real(report, key, *(const double *)value);
  else
    mn_report_text(report, key, row->choice(*(const int *)value));
}

void mn_cli_report_map(mn_report *report, const mn_cli *cli, const mn_features_options *options)
{
  size_t count;
  const mn_option *table = mn_features_option_table(&count);
  for (size_t i = 0; i < count; i++)
    if (mn_features_option_used(&table[i], options->name)) report_option(report, &table[i], options);
  if (options->name == MN_FEATURES_NONE) return;
  mn_report_text(report, "preset", options->name == MN_FEATURES_CONV ? preset_of(cli) : NULL);
  mn_report_count(report, "seed", options->seed);
}
