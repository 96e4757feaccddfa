/* The lists of minnorm sweep. */
#include <math.h>
#include <string.h>

#include "sweep.h"

static mn_status read_gammas(mn_cli_sweep_run *run, mn_error *err)
{
  const mn_cli_values *v = &run->cli->values;
  mn_sweep_options *o = &run->options;
  mn_fit_options *fit = &run->cli->values.fit;
  const double most = (double)INFINITY;
  mn_status st = MN_OK;
  fit->gamma_rule = v->gammas && !strcmp(v->gammas, "median") ? MN_GAMMA_MEDIAN : MN_GAMMA_AUTO;
  fit->kernel.gamma = 1;
  if (v->sigmas)
    st = mn_cli_read_reals("sigma", v->sigmas, 1, most, MN_CLI_SWEEP_LIST, run->gammas, &o->gamma_count, err);
  else if (v->gammas && strcmp(v->gammas, "auto") && fit->gamma_rule == MN_GAMMA_AUTO)
    st = mn_cli_read_reals("gamma", v->gammas, 1, most, MN_CLI_SWEEP_LIST, run->gammas, &o->gamma_count, err);
  for (size_t i = 0; !st && v->sigmas && i < o->gamma_count; i++) {
    run->gammas[i] = 1 / (2 * run->gammas[i] * run->gammas[i]);
    if (!(run->gammas[i] > 0 && isfinite(run->gammas[i])))
      return mn_cli_fail(err, MN_ERR_ARGUMENT, "--sigma %.120s: 1/(2 sigma^2) is not a finite number above 0",
                         v->sigmas);
  }
  if (st || !o->gamma_count) return st;
  fit->gamma_rule = MN_GAMMA_GIVEN;
  fit->kernel.gamma = run->gammas[0];
  return MN_OK;
}

/* One number is taken when the samples are read, as in a fit; of several, the first so many of the most. */
static mn_status read_sizes(mn_cli_sweep_run *run, mn_error *err)
{
  mn_cli_values *v = &run->cli->values;
  mn_sweep_options *o = &run->options;
  if (!v->sizes) return MN_OK;
  mn_status st = mn_cli_read_sizes("n", v->sizes, (double)INFINITY, MN_CLI_SWEEP_LIST, run->n, &o->n_count, err);
  for (size_t i = 0; !st && i < o->n_count; i++)
    if (run->n[i] > v->n) v->n = run->n[i];
  if (o->n_count == 1) o->n_count = 0;
  if (!st && o->n_count && v->mirror)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--mirror goes with one number of samples (--n)");
  if (!st && o->n_count && v->variant == MN_VARIANT_GAUSSIAN)
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "--variant gaussian goes with one number of samples (--n), on which its noise depends");
  return st;
}

static mn_status read_labels(mn_cli_sweep_run *run, mn_error *err)
{
  const mn_cli_values *v = &run->cli->values;
  mn_sweep_options *o = &run->options;
  mn_status st =
      mn_cli_read_reals("corrupt", v->corruptions, 0, 1, MN_CLI_SWEEP_LIST, run->corrupt, &o->corrupt_count, err);
  if (!st) st = mn_cli_read_seeds("seed", v->seeds, MN_CLI_SWEEP_LIST, run->seeds, &o->seed_count, err);
  if (!st && o->seed_count > 1 && v->variant != MN_VARIANT_TRUE)
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "--variant takes one --seed; random labels of several are --corrupt 1 --seed 0,1,2");
  if (!st && o->seed_count > 1 && o->corrupt_count == 1 && !(run->corrupt[0] > 0))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--seed: several seeds belong to label corruption, --corrupt P above 0");
  return st;
}

mn_status mn_cli_sweep_read_lists(mn_cli_sweep_run *run, mn_error *err)
{
  mn_cli_values *v = &run->cli->values;
  mn_sweep_options *o = &run->options;
  o->n = run->n, o->gammas = run->gammas, o->ridges = run->ridges;
  o->corrupt = run->corrupt, o->seeds = run->seeds;
  mn_status st = read_sizes(run, err);
  if (!st) st = read_gammas(run, err);
  if (!st)
    st = mn_cli_read_reals("ridge", v->ridges, 0, (double)INFINITY, MN_CLI_SWEEP_LIST, run->ridges, &o->ridge_count,
                           err);
  if (!st) st = read_labels(run, err);
  if (!st && v->dims)
    st = mn_cli_read_sizes("dim", v->dims, (double)INFINITY, MN_CLI_SWEEP_LIST, run->dims, &run->dim_count, err);
  if (!st && v->dims && (v->load_gram || v->features.name == MN_FEATURES_NONE))
    st = mn_cli_fail(err, MN_ERR_ARGUMENT, "--dim belongs to features that are computed: --features MAP");
  if (st) return st;
  v->fit.solve.ridge = run->ridges[0];
  v->fit.seed = run->seeds[0];
  v->fit.corrupt = 0;
  o->fit = v->fit;
  run->each = mn_sweep_count(o);
  run->count = run->each * (run->dim_count ? run->dim_count : 1);
  return MN_OK;
}

int mn_cli_sweep_varies(const mn_cli_sweep_run *run, int column)
{
  const mn_sweep_options *o = &run->options;
  const size_t counts[] = {[MN_CLI_SWEEP_N] = o->n_count,         [MN_CLI_SWEEP_GAMMA] = o->gamma_count,
                           [MN_CLI_SWEEP_RIDGE] = o->ridge_count, [MN_CLI_SWEEP_CORRUPT] = o->corrupt_count,
                           [MN_CLI_SWEEP_SEED] = o->seed_count,   [MN_CLI_SWEEP_DIM] = run->dim_count};
  return column <= MN_CLI_SWEEP_DIM && counts[column] > 1;
}
