#define _GNU_SOURCE
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"

enum { LONG_BASE = 256 }; /* getopt's value of entry i is LONG_BASE + i; below stand letters */

mn_status mn_cli_fail(mn_error *err, mn_status code, const char *format, ...)
{
  va_list args;
  err->code = code;
  va_start(args, format);
  vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  return code;
}

static mn_status wrong_usage(const mn_cli *cli, mn_error *err, const char *what, const char *text)
{
  return mn_cli_fail(err, MN_ERR_ARGUMENT, "%s %.200s; see minnorm %s --help", what, text, cli->command->name);
}

/* What getopt_long is fed with. */
typedef struct {
  struct option longs[MN_CLI_ENTRIES_MAX + 1];
  char letters[2 * MN_CLI_ENTRIES_MAX + 2];
} getopt_tables;

static void make_tables(const mn_cli *cli, getopt_tables *t)
{
  size_t used = 0;
  t->letters[used++] = ':'; /* a missing argument is told from an unknown option */
  for (size_t i = 0; i < cli->entry_count; i++) {
    const mn_option *o = cli->entries[i].option;
    int argument = o->type == MN_OPTION_FLAG ? no_argument : required_argument;
    t->longs[i] = (struct option){o->key, argument, NULL, LONG_BASE + (int)i};
    if (!o->letter) continue;
    t->letters[used++] = o->letter;
    if (argument) t->letters[used++] = ':';
  }
  t->longs[cli->entry_count] = (struct option){0};
  t->letters[used] = '\0';
}

static mn_cli_entry *entry_of(mn_cli *cli, int value)
{
  if (value >= LONG_BASE) return &cli->entries[value - LONG_BASE];
  for (size_t i = 0; i < cli->entry_count; i++)
    if (value && cli->entries[i].option->letter == value) return &cli->entries[i];
  return NULL;
}

static mn_cli_entry *entry_by_key(const mn_cli *cli, const char *key)
{
  for (size_t i = 0; i < cli->entry_count; i++)
    if (!strcmp(cli->entries[i].option->key, key)) return (mn_cli_entry *)&cli->entries[i];
  return NULL;
}

int mn_cli_given(const mn_cli *cli, const char *key)
{
  const mn_cli_entry *entry = entry_by_key(cli, key);
  return entry && entry->given;
}

/* The subcommand that has an option of this name, or NULL. */
static const char *owner_of(const char *key)
{
  static mn_cli other; /* large */
  size_t count;
  const mn_cli_command *commands = mn_cli_commands(&count);
  for (size_t i = 0; i < count; i++) {
    other = (mn_cli){.command = &commands[i]};
    mn_cli_collect(&other);
    if (entry_by_key(&other, key)) return commands[i].name;
  }
  return NULL;
}

/* "--sa, --sc" of all that an abbreviation may mean; returns how many. */
static int candidates(const mn_cli *cli, const char *prefix, char *text, size_t size)
{
  int count = 0;
  size_t used = 0;
  *text = '\0';
  for (size_t i = 0; i < cli->entry_count; i++) {
    const char *key = cli->entries[i].option->key;
    if (strncmp(key, prefix, strlen(prefix))) continue;
    if (used < size) used += (size_t)snprintf(text + used, size - used, "%s--%s", count ? ", " : "", key);
    count++;
  }
  return count;
}

/* "save" of "--save=FILE". */
static void name_of(const char *word, char *name, size_t size)
{
  snprintf(name, size, "%.*s", (int)strcspn(word + 2, "="), word + 2);
}

/* MN_OK when no subcommand has an option of this name. */
static mn_status check_owner(const mn_cli *cli, const char *name, mn_error *err)
{
  const char *owner = owner_of(name);
  if (!owner) return MN_OK;
  return mn_cli_fail(err, MN_ERR_ARGUMENT, "unknown option --%s: it is an option of %s; see minnorm %s --help", name,
                     owner, cli->command->name);
}

static mn_status unknown_option(mn_cli *cli, const char *word, mn_error *err)
{
  char name[64], text[256];
  const mn_cli_entry *flag = optopt ? entry_of(cli, optopt) : NULL;
  if (flag) return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s takes no argument", flag->option->key);
  if (optopt) return wrong_usage(cli, err, "unknown option", (char[]){'-', (char)optopt, 0});
  name_of(word, name, sizeof name);
  if (candidates(cli, name, text, sizeof text) > 1)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "option --%s may mean %s", name, text);
  mn_status st = check_owner(cli, name, err);
  if (st) return st;
  snprintf(text, sizeof text, "--%s", name);
  return wrong_usage(cli, err, "unknown option", text);
}

/* An option that only another subcommand has does not stand for one that begins like it: sweep has --save-gram, but no
 * --save. */
static mn_status check_abbreviation(mn_cli *cli, int value, char **argv, mn_error *err)
{
  char name[64];
  if (value < LONG_BASE) return MN_OK;
  name_of(argv[optind - 1 - (optarg == argv[optind - 1])], name, sizeof name);
  return strcmp(name, entry_of(cli, value)->option->key) ? check_owner(cli, name, err) : MN_OK;
}

static mn_status set_entry(mn_cli_entry *entry, mn_error *err)
{
  entry->given = 1;
  return mn_option_set(entry->option, optarg ? optarg : "true", entry->target, err);
}

static mn_status read_options(mn_cli *cli, int argc, char **argv, mn_error *err)
{
  getopt_tables tables;
  mn_status st = MN_OK;
  int value;
  make_tables(cli, &tables);
  opterr = 0;
  optind = 0; /* GNU: start anew */
  while (!st && (value = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
    if (value == '?')
      st = unknown_option(cli, argv[optind - 1], err);
    else if (value == ':')
      st = mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s needs an argument: %s; see minnorm %s --help",
                       entry_of(cli, optopt)->option->key, entry_of(cli, optopt)->option->argument, cli->command->name);
    else if (!(st = check_abbreviation(cli, value, argv, err)))
      st = set_entry(entry_of(cli, value), err);
  }
  cli->words = argv + optind;
  cli->word_count = argc - optind;
  return st;
}

static mn_status check_exclusions(const mn_cli *cli, mn_error *err)
{
  for (size_t i = 0; i < cli->entry_count; i++) {
    const mn_option *o = cli->entries[i].option;
    if (cli->entries[i].given && o->excludes && mn_cli_given(cli, o->excludes))
      return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s and --%s cannot be given together", o->key, o->excludes);
  }
  return MN_OK;
}

static mn_status set_defaults(mn_cli *cli, mn_error *err)
{
  cli->values.fit = mn_fit_defaults();
  cli->values.network = mn_network_defaults();
  cli->values.descent = mn_descent_defaults();
  cli->values.features = mn_features_default(MN_FEATURES_NONE);
  for (size_t i = 0; i < cli->entry_count; i++) {
    mn_status st = mn_options_defaults(cli->entries[i].option, 1, cli->entries[i].target, err);
    if (st) return st;
  }
  return MN_OK;
}

mn_status mn_cli_parse(mn_cli *cli, int argc, char **argv, int first, mn_error *err)
{
  mn_cli_collect(cli);
  mn_status st = set_defaults(cli, err);
  if (!st) st = read_options(cli, argc - first + 1, argv + first - 1, err);
  if (st || cli->values.help) return st;
  if (cli->word_count > cli->command->words_max)
    return wrong_usage(cli, err, "unexpected argument", cli->words[cli->command->words_max]);
  return check_exclusions(cli, err);
}

void mn_cli_release(mn_cli *cli)
{
  for (size_t i = 0; i < cli->entry_count; i++) mn_options_release(cli->entries[i].option, 1, cli->entries[i].target);
}

/* ---- lists */

/* Of one row's numbers, all of which have the same size. */
typedef struct {
  const mn_option *row;
  size_t most;
  void *values;
  size_t *count;
} list;

static mn_status add_number(const list *l, const char *text, mn_error *err)
{
  uint64_t *values = l->values; /* or doubles, or sizes: mn_option_set knows */
  if (*l->count == l->most)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s: at most %zu numbers expected", l->row->key, l->most);
  return mn_option_set(l->row, text, &values[(*l->count)++], err);
}

/* "0:1:0.1": the end is one of them when a step leads there. Twelve digits make 0.3 of 3 * 0.1. */
static mn_status add_range(const list *l, const char *text, mn_error *err)
{
  double start, end, step;
  char rest, number[32];
  mn_status st = MN_OK;
  if (sscanf(text, "%lf:%lf:%lf%c", &start, &end, &step, &rest) != 3 || !(step > 0) || !(end >= start) ||
      !isfinite(end) || !isfinite(start))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s %.100s: start:end:step with start <= end and step > 0 expected",
                       l->row->key, text);
  double last = floor((end - start) / step * (1 + 1e-12) + 1e-9);
  for (double k = 0; !st && k <= last; k++) {
    snprintf(number, sizeof number, "%.12g", start + k * step);
    st = add_number(l, number, err);
  }
  return st;
}

/* A number that is there twice would count twice in every mean and rank. */
static mn_status check_repeats(const list *l, mn_error *err)
{
  const uint64_t *values = l->values;
  char text[64];
  for (size_t i = 1; i < *l->count; i++)
    for (size_t k = 0; k < i; k++)
      if (values[i] == values[k]) {
        mn_option_get(l->row, &values[i], text, sizeof text);
        return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s: %s is there twice", l->row->key, text);
      }
  return MN_OK;
}

static mn_status read_list(const list *l, const char *text, mn_error *err)
{
  char part[64];
  for (*l->count = 0;;) {
    size_t length = strcspn(text, ",");
    snprintf(part, sizeof part, "%.*s", (int)(length < sizeof part ? length : sizeof part - 1), text);
    mn_status st = (strchr(part, ':') ? add_range : add_number)(l, part, err);
    if (st) return st;
    if (!text[length]) return check_repeats(l, err);
    text += length + 1;
  }
}

mn_status mn_cli_read_sizes(const char *key, const char *text, double largest, size_t most, size_t *sizes,
                            size_t *count, mn_error *err)
{
  const mn_option row = {.key = key, .type = MN_OPTION_SIZE, .least = 1, .most = largest};
  return read_list(&(list){&row, most, sizes, count}, text, err);
}

mn_status mn_cli_read_seeds(const char *key, const char *text, size_t most, uint64_t *seeds, size_t *count,
                            mn_error *err)
{
  const mn_option row = {.key = key, .type = MN_OPTION_U64};
  return read_list(&(list){&row, most, seeds, count}, text, err);
}

mn_status mn_cli_read_reals(const char *key, const char *text, int above, double largest, size_t most, double *values,
                            size_t *count, mn_error *err)
{
  const mn_option row = {.key = key, .type = MN_OPTION_REAL, .least = 0, .most = largest, .above = above};
  return read_list(&(list){&row, most, values, count}, text, err);
}
