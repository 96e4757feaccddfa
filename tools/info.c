/* minnorm info: what this program is made of and runs on. */
#include "cli.h"

static void table(const mn_info *info)
{
  mn_cli_line("version", "minnorm %s", info->version);
  mn_cli_line("compiler", "%s", info->compiler);
  mn_cli_line("blas", "%s", info->blas);
  printf("%-11s", "processor");
  for (size_t i = 0; i < sizeof info->features / sizeof *info->features && info->features[i]; i++)
    printf(" %s", info->features[i]);
  putchar('\n');
  mn_cli_line("threads", "%d", info->threads);
  mn_cli_line("memory", "%s, %s available", mn_number_bytes((double)info->memory_total).text,
              mn_number_bytes((double)info->memory_available).text);
}

static mn_status json(const mn_cli *cli, const mn_info *info, mn_error *err)
{
  mn_report *j = NULL;
  mn_status st = mn_cli_report_open(cli, &j, err);
  if (st) return st;
  mn_report_text(j, "compiler", info->compiler);
  mn_report_text(j, "blas", info->blas);
  mn_report_begin_list(j, "processor");
  for (size_t i = 0; i < sizeof info->features / sizeof *info->features && info->features[i]; i++)
    mn_report_text(j, NULL, info->features[i]);
  mn_report_end(j);
  mn_report_real(j, "threads", info->threads);
  mn_report_count(j, "memory_total_bytes", info->memory_total);
  mn_report_count(j, "memory_available_bytes", info->memory_available);
  return mn_cli_report_finish(cli, &j, err);
}

mn_status mn_cli_info(mn_cli *cli, mn_error *err)
{
  mn_info info;
  mn_status st = mn_cli_check_outputs(cli, err);
  mn_info_get(&info);
  if (!st && mn_cli_shows_table(cli)) table(&info);
  if (!st && cli->values.json) st = json(cli, &info, err);
  return st;
}
