/* minnorm fit --select: lists in, bandwidth and ridge out. */
#include <math.h>

#include "fit.h"

/* Numbers given by themselves are lists of one. */
static mn_status read_lists(const mn_cli *cli, mn_select_options *lists, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = MN_OK;
  lists->samples = v->select_samples;
  lists->by = v->select == 2 ? MN_SELECT_BY_ERROR : MN_SELECT_BY_MSE;
  if (v->select_gamma)
    st = mn_cli_read_reals("select-gamma", v->select_gamma, 1, (double)INFINITY, MN_SELECT_MAX, lists->gammas,
                           &lists->gamma_count, err);
  else if (v->fit.gamma_rule == MN_GAMMA_GIVEN)
    lists->gammas[lists->gamma_count++] = v->fit.kernel.gamma;
  if (!st && v->select_ridge)
    return mn_cli_read_reals("select-ridge", v->select_ridge, 0, (double)INFINITY, MN_SELECT_MAX, lists->ridges,
                             &lists->ridge_count, err);
  if (!st && mn_cli_given(cli, "ridge")) lists->ridges[0] = v->fit.solve.ridge, lists->ridge_count = 1;
  return st;
}

mn_status mn_cli_fit_check_select(const mn_cli *cli, mn_error *err)
{
  static const char *const keys[] = {"select-gamma", "select-ridge", "select-samples"};
  mn_select_options lists = mn_select_defaults();
  for (size_t k = 0; k < 3; k++)
    if (!cli->values.select && mn_cli_given(cli, keys[k]))
      return mn_cli_fail(err, MN_ERR_ARGUMENT, "--%s belongs to --select", keys[k]);
  if (cli->values.select_gamma && !mn_cli_kernel_has_gamma(&cli->values.fit.kernel))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--select-gamma: the kernel %s has no bandwidth",
                       mn_kernel_string(cli->values.fit.kernel.name));
  return read_lists(cli, &lists, err);
}

mn_status mn_cli_fit_select(mn_cli *cli, mn_cli_fit_run *run, mn_error *err)
{
  mn_select_options lists = mn_select_defaults();
  if (!cli->values.select) return MN_OK;
  mn_status st = read_lists(cli, &lists, err);
  if (!st) st = mn_fit_select(run->train, run->products, &lists, &cli->values.fit, &cli->context, &run->selection, err);
  mn_cli_progress_clear();
  return st;
}

void mn_cli_fit_select_line(const mn_cli_fit_run *run)
{
  const mn_selection *s = &run->selection;
  if (!s->count) return;
  mn_cli_line("selected", "ridge %s, best of %zu pairs by leave-one-out on %s samples, in %s",
              mn_number_real(s->points[s->best].ridge, 6).text, s->count, mn_number_count(s->samples).text,
              mn_number_seconds(s->seconds).text);
}

static void point(mn_report *j, const char *key, const mn_select_point *p)
{
  mn_report_begin_object(j, key);
  mn_report_real(j, "gamma", p->gamma);
  mn_report_real(j, "ridge", p->ridge);
  mn_report_real(j, "loo_mse", p->loo_mse);
  mn_report_real(j, "loo_error", p->loo_error);
  mn_report_real(j, "gcv", p->gcv);
  mn_report_end(j);
}

void mn_cli_fit_select_json(mn_report *j, const mn_cli_fit_run *run)
{
  const mn_selection *s = &run->selection;
  if (!s->count) {
    mn_report_null(j, "selection");
    return;
  }
  mn_report_begin_object(j, "selection");
  mn_report_text(j, "by", s->by == MN_SELECT_BY_ERROR ? "loo-error" : "loo");
  mn_report_count(j, "samples", s->samples);
  mn_report_real(j, "median", s->median);
  mn_report_real(j, "seconds", s->seconds);
  point(j, "best", &s->points[s->best]);
  mn_report_begin_list(j, "points");
  for (size_t i = 0; i < s->count; i++) point(j, NULL, &s->points[i]);
  mn_report_end(j);
  mn_report_end(j);
}
