/* --help: everything is made from the tables of commands and options. */
#include <string.h>

#include "cli.h"

enum { WIDTH = 80, HELP_COLUMN = 24 };

int mn_cli_spec(size_t i, char *name, size_t name_size, char *help, size_t help_size)
{
  size_t files = 0;
  const mn_data_syntax *syntax;
  const mn_synth_info *synth;
  while (files <= i && mn_data_syntax_at(files)) files++;
  if (i < files) {
    syntax = mn_data_syntax_at(i);
    snprintf(name, name_size, "%s:%s", syntax->prefix, syntax->arguments);
    snprintf(help, help_size, "%s", syntax->help);
    return 1;
  }
  synth = mn_data_synth_info(i - files);
  if (!synth) return 0;
  snprintf(name, name_size, "synth:%s", synth->name);
  snprintf(help, help_size, "%s; keys %s", synth->help, synth->keys);
  return 1;
}

void mn_cli_print_wrapped(FILE *out, const char *text, int indent, int column, int width)
{
  int start = 1;
  while (*text) {
    int length = (int)strcspn(text, " ");
    if (!start && column + 1 + length > width) {
      fprintf(out, "\n%*s", indent, "");
      column = indent;
      start = 1;
    }
    fprintf(out, "%s%.*s", start ? "" : " ", length, text);
    column += length + !start;
    start = 0;
    text += length + (text[length] == ' ');
  }
  fputc('\n', out);
}

void mn_cli_print_usage_of(const mn_option *option, char *text, size_t size)
{
  char letter[8] = "    ";
  if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
  snprintf(text, size, "%s--%s%s%s", letter, option->key, option->argument ? " " : "",
           option->argument ? option->argument : "");
}

/* Help, names of a choice and default, in one text. */
static void full_help(const mn_option *option, char *text, size_t size)
{
  size_t used = (size_t)snprintf(text, size, "%s", option->help);
  for (int value = 0; option->choice && option->choice(value) && used < size; value++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", value ? ", " : " One of ", option->choice(value));
  if (option->choice && used < size) used += (size_t)snprintf(text + used, size - used, ".");
  if (option->fallback && used < size) snprintf(text + used, size - used, " Default: %s.", option->fallback);
}

static void print_item(FILE *out, const char *name, const char *text)
{
  int column = fprintf(out, "  %s", name);
  if (column + 2 > HELP_COLUMN)
    fprintf(out, "\n%*s", HELP_COLUMN, "");
  else
    fprintf(out, "%*s", HELP_COLUMN - column, "");
  mn_cli_print_wrapped(out, text, HELP_COLUMN, HELP_COLUMN, WIDTH);
}

static void print_options(const mn_cli *cli, FILE *out)
{
  const char *group = "";
  for (size_t i = 0; i < cli->entry_count; i++) {
    const mn_option *o = cli->entries[i].option;
    char name[64], text[1024];
    if (strcmp(group, o->group)) fprintf(out, "\n%s:\n", group = o->group);
    mn_cli_print_usage_of(o, name, sizeof name);
    full_help(o, text, sizeof text);
    print_item(out, name, text);
  }
}

static void print_examples(const mn_cli_command *command, FILE *out)
{
  fputs("\nExamples:\n", out);
  for (const char *line = command->examples; *line;) {
    int length = (int)strcspn(line, "\n");
    fprintf(out, "  %.*s\n", length, line);
    line += length + (line[length] == '\n');
  }
}

void mn_cli_print_help(const mn_cli *cli, FILE *out)
{
  const mn_cli_command *c = cli->command;
  int column = fprintf(out, "Usage: minnorm %s ", c->name);
  mn_cli_print_wrapped(out, c->synopsis, column, column, WIDTH);
  fputc('\n', out);
  mn_cli_print_wrapped(out, c->description, 0, 0, WIDTH);
  print_options(cli, out);
  if (c->bit & (MN_CLI_FIT | MN_CLI_SWEEP | MN_CLI_PREDICT | MN_CLI_DATA | MN_CLI_EXPRESS | MN_CLI_FEATURES |
                MN_CLI_INTERPOLANTS)) {
    char name[128], help[256];
    fputs("\nSPEC is one of:\n", out);
    for (size_t i = 0; mn_cli_spec(i, name, sizeof name, help, sizeof help); i++) print_item(out, name, help);
  }
  print_examples(c, out);
  fputs("\nExit status: 0 done, 1 the run failed, 2 wrong usage.\n", out);
}

void mn_cli_print_usage(FILE *out)
{
  size_t count;
  const mn_cli_command *commands = mn_cli_commands(&count);
  fputs("Usage: minnorm SUBCOMMAND [OPTION...]\n\nExact minimum-norm kernel interpolation.\n\nSubcommands:\n", out);
  for (size_t i = 0; i < count; i++) print_item(out, commands[i].name, commands[i].summary);
  fputs("\n  -h, --help            this list; minnorm SUBCOMMAND --help shows its options\n"
        "  --version             the version\n\nA first example, on images the program draws itself:\n"
        "  minnorm fit --train synth:digits,n=2000 --test synth:digits,part=test,n=500\n",
        out);
}

/* Joins the words of a command's name. */
static const mn_cli_command *command_of_words(const mn_cli *cli)
{
  size_t count;
  char name[64] = "";
  const mn_cli_command *commands = mn_cli_commands(&count);
  snprintf(name, sizeof name, "%s%s%s", cli->words[0], cli->word_count > 1 ? " " : "",
           cli->word_count > 1 ? cli->words[1] : "");
  for (size_t i = 0; i < count; i++)
    if (!strcmp(commands[i].name, name)) return &commands[i];
  return NULL;
}

mn_status mn_cli_help(mn_cli *cli, mn_error *err)
{
  static mn_cli other; /* large; prints, never parses */
  if (cli->word_count && (cli->values.man || cli->values.completion))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "unexpected argument %.100s; see minnorm help --help", cli->words[0]);
  if (cli->values.man)
    mn_cli_print_man(stdout);
  else if (cli->values.completion)
    mn_cli_print_completion(stdout);
  else if (!cli->word_count)
    mn_cli_print_usage(stdout);
  else if ((other.command = command_of_words(cli))) {
    mn_cli_collect(&other);
    mn_cli_print_help(&other, stdout);
  } else
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "unknown subcommand %.100s; see minnorm --help", cli->words[0]);
  return MN_OK;
}
