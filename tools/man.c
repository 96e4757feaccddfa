/* The manual page, in the man macros of roff. */
#include <string.h>

#include "cli.h"

/* Text with what roff takes for its own made harmless. */
static void print_text(FILE *out, const char *text)
{
  if (*text == '.' || *text == '\'') fputs("\\&", out);
  for (; *text; text++) {
    if (*text == '-')
      fputs("\\-", out);
    else if (*text == '\\')
      fputs("\\e", out);
    else if (*text == '\'')
      fputs("\\(aq", out);
    else if (*text == '^')
      fputs("\\(ha", out);
    else if (*text == '~')
      fputs("\\(ti", out);
    else
      fputc(*text, out);
  }
}

static void print_line(FILE *out, const char *text)
{
  print_text(out, text);
  fputc('\n', out);
}

static void print_option(FILE *out, const mn_option *option)
{
  fputs(".TP\n\\fB", out);
  if (option->letter) fprintf(out, "\\-%c\\fR, \\fB", option->letter);
  print_text(out, "--");
  print_text(out, option->key);
  fputs("\\fR", out);
  if (option->argument) {
    fputs(" \\fI", out);
    print_text(out, option->argument);
    fputs("\\fR", out);
  }
  fputc('\n', out);
  print_line(out, option->help);
  for (int value = 0; option->choice && option->choice(value); value++) {
    if (!value) fputs("One of ", out);
    print_text(out, option->choice(value));
    fputs(option->choice(value + 1) ? ", " : ".\n", out);
  }
  if (option->fallback) {
    fputs("Default: ", out);
    print_text(out, option->fallback);
    fputs(".\n", out);
  }
}

static void print_examples(FILE *out, const mn_cli_command *command)
{
  char line[256];
  fputs(".PP\n.nf\n", out);
  for (const char *at = command->examples; *at;) {
    size_t length = strcspn(at, "\n");
    snprintf(line, sizeof line, "%.*s", (int)length, at);
    print_line(out, line);
    at += length + (at[length] == '\n');
  }
  fputs(".fi\n", out);
}

static void print_command(FILE *out, const mn_cli_command *command)
{
  static mn_cli cli; /* large */
  const char *group = "";
  memset(&cli, 0, sizeof cli);
  cli.command = command;
  mn_cli_collect(&cli);
  fputs(".SH MINNORM ", out);
  for (const char *c = command->name; *c; c++) fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
  fprintf(out, "\n.PP\n\\fBminnorm %s\\fR ", command->name);
  print_line(out, command->synopsis);
  fputs(".PP\n", out);
  print_line(out, command->description);
  for (size_t i = 0; i < cli.entry_count; i++) {
    const mn_option *o = cli.entries[i].option;
    if (strcmp(group, o->group)) fprintf(out, ".SS %s\n", group = o->group);
    print_option(out, o);
  }
  print_examples(out, command);
}

static void print_head(FILE *out, const mn_cli_command *commands, size_t count)
{
  mn_info info;
  mn_info_get(&info);
  fprintf(out, ".TH MINNORM 1 \"\" \"minnorm %s\" \"User Commands\"\n", info.version);
  fputs(
      ".SH NAME\nminnorm \\- exact minimum\\-norm kernel interpolation\n"
      ".SH SYNOPSIS\n.B minnorm\n.I SUBCOMMAND\n[\\fIOPTION\\fR...]\n"
      ".SH DESCRIPTION\n"
      "Fits the interpolant of least norm of a kernel to labelled samples, exactly, and reports its errors, norm and\n"
      "residual. Options may be abbreviated as long as they stay unique.\n",
      out);
  for (size_t i = 0; i < count; i++) {
    fprintf(out, ".TP\n\\fB%s\\fR\n", commands[i].name);
    print_line(out, commands[i].summary);
  }
}

static void print_tail(FILE *out)
{
  char name[128], help[256];
  fputs(".SH DATA SETS\nA \\fISPEC\\fR names the files of a data set and their format:\n", out);
  for (size_t i = 0; mn_cli_spec(i, name, sizeof name, help, sizeof help); i++) {
    fputs(".TP\n\\fB", out);
    print_text(out, name);
    fputs("\\fR\n", out);
    print_line(out, help);
  }
  fputs(".SH ENVIRONMENT\n.TP\n.B MINNORM_DATA\nWhere the standard data sets are, unless \\fB\\-\\-data\\-dir\\fR is "
        "given.\n"
        ".SH EXIT STATUS\n0 done, 1 the run failed, 2 wrong usage. Errors are one line on standard error.\n",
        out);
}

void mn_cli_print_man(FILE *out)
{
  size_t count;
  const mn_cli_command *commands = mn_cli_commands(&count);
  print_head(out, commands, count);
  for (size_t i = 0; i < count; i++) print_command(out, &commands[i]);
  print_tail(out);
}
