/* The completion script of bash. */
#include <ctype.h>
#include <string.h>

#include "cli.h"

/* "data download" is data_download in the script. */
static void print_identifier(FILE *out, const char *name)
{
  for (; *name; name++) fputc(isalnum((unsigned char)*name) ? *name : '_', out);
}

static void collect(mn_cli *cli, const mn_cli_command *command)
{
  memset(cli, 0, sizeof *cli);
  cli->command = command;
  mn_cli_collect(cli);
}

static void print_option_list(FILE *out, const mn_cli *cli)
{
  fputs("  local options_", out);
  print_identifier(out, cli->command->name);
  fputs("='", out);
  for (size_t i = 0; i < cli->entry_count; i++) fprintf(out, "%s--%s", i ? " " : "", cli->entries[i].option->key);
  fputs("'\n", out);
}

/* A case of "COMMAND --OPTION" for each option whose values are known words. */
static void print_choices(FILE *out, const mn_cli *cli)
{
  for (size_t i = 0; i < cli->entry_count; i++) {
    const mn_option *o = cli->entries[i].option;
    if (!o->choice) continue;
    fprintf(out, "    '%s --%s') words='", cli->command->name, o->key);
    for (int value = 0; o->choice(value); value++) fprintf(out, "%s%s", value ? " " : "", o->choice(value));
    fputs("' ;;\n", out);
  }
}

static void print_flags(FILE *out, const mn_cli *cli)
{
  for (size_t i = 0; i < cli->entry_count; i++)
    if (cli->entries[i].option->type == MN_OPTION_FLAG)
      fprintf(out, "    '%s --%s') words=$options ;;\n", cli->command->name, cli->entries[i].option->key);
}

void mn_cli_print_completion(FILE *out)
{
  static mn_cli cli; /* large */
  size_t count;
  const mn_cli_command *commands = mn_cli_commands(&count);
  fputs("# bash completion of minnorm; made by minnorm help --completion\n_minnorm()\n{\n"
        "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
        "  local options words\n  local commands='",
        out);
  for (size_t i = 0; i < count; i++)
    if (!strchr(commands[i].name, ' ')) fprintf(out, "%s ", commands[i].name);
  fputs("--help --version'\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n    return\n  fi\n"
        "  case \"$command ${COMP_WORDS[2]}\" in\n"
        "    'data download' | 'norms interpolants')\n"
        "      [ \"$COMP_CWORD\" -le 2 ] || command=\"$command ${COMP_WORDS[2]}\" ;;\n  esac\n",
        out);
  for (size_t i = 0; i < count; i++) {
    collect(&cli, &commands[i]);
    print_option_list(out, &cli);
  }
  fputs("  case $command in\n", out);
  for (size_t i = 0; i < count; i++) {
    fprintf(out, "    '%s') options=$options_", commands[i].name);
    print_identifier(out, commands[i].name);
    fputs(" ;;\n", out);
  }
  fputs("  esac\n  case \"$command $previous\" in\n", out);
  for (size_t i = 0; i < count; i++) {
    collect(&cli, &commands[i]);
    print_choices(out, &cli);
    print_flags(out, &cli);
  }
  fputs("    'data download --'*) ;;\n    'data download '*) words=\"mnist cifar10 all $options\" ;;\n"
        "    'norms norms') words=\"interpolants $options\" ;;\n    'data data') words=\"download $options\" ;;\n    "
        "'help help') "
        "words=$commands ;;\n"
        "    *' --'*) ;;\n    *) words=$options ;;\n  esac\n"
        "  if [ -n \"$words\" ]; then\n    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
        "  else\n    COMPREPLY=($(compgen -f -- \"$current\"))\n  fi\n}\ncomplete -o filenames -F _minnorm minnorm\n",
        out);
}
