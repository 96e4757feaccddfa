/* The grid of a sweep: how many points, and which. */
#include <math.h>

#include "core/status.h"
#include "gram/kernels.h"
#include "model/sweep.h"

static size_t length(size_t count)
{
  return count ? count : 1;
}

static double corruption_of(const mn_sweep_options *o, size_t level)
{
  return o->corrupt_count ? o->corrupt[level] : o->fit.corrupt;
}

static size_t seeds_of(const mn_sweep_options *o, size_t level)
{
  return corruption_of(o, level) > 0 ? length(o->seed_count) : 1;
}

size_t mn_sweep_labels(const mn_sweep_options *o)
{
  size_t count = 0;
  for (size_t level = 0; level < length(o->corrupt_count); level++) count += seeds_of(o, level);
  return count;
}

size_t mn_sweep_factors(const mn_sweep_options *o)
{
  return length(o->n_count) * length(o->gamma_count) * length(o->ridge_count);
}

size_t mn_sweep_count(const mn_sweep_options *options)
{
  return mn_sweep_factors(options) * mn_sweep_labels(options);
}

mn_sweep_place mn_sweep_place_of(const mn_sweep_options *o, size_t index)
{
  size_t labels = mn_sweep_labels(o), factor = index / labels, at = index % labels, level = 0;
  size_t ridges = length(o->ridge_count), gammas = length(o->gamma_count);
  mn_sweep_place p = {.index = index, .gamma = NAN, .ridge = o->fit.solve.ridge, .seed = o->fit.seed};
  if (o->n_count) p.n = o->n[factor / ridges / gammas];
  if (o->gamma_count) p.gamma = o->gammas[factor / ridges % gammas];
  if (o->ridge_count) p.ridge = o->ridges[factor % ridges];
  for (; at >= seeds_of(o, level); level++) at -= seeds_of(o, level);
  p.corrupt = corruption_of(o, level);
  if (o->seed_count) p.seed = o->seeds[at];
  return p;
}

mn_status mn_sweep_check(const mn_sweep_options *o, const mn_data *train, mn_error *err)
{
  for (size_t i = 0; i < o->n_count; i++)
    if (!o->n[i] || o->n[i] > train->n)
      return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: the first %zu samples of %zu cannot be taken", train->name, o->n[i],
                     train->n);
  if (o->gamma_count && !mn_kernel_find(o->fit.kernel.name)->has_gamma)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "the kernel %s has no bandwidth", mn_kernel_string(o->fit.kernel.name));
  for (size_t i = 0; i < o->gamma_count; i++)
    if (!(o->gammas[i] > 0) || !isfinite(o->gammas[i]))
      return MN_FAIL(err, MN_ERR_ARGUMENT, "gamma %g: a finite number above 0 expected", o->gammas[i]);
  for (size_t i = 0; i < o->ridge_count; i++)
    if (!(o->ridges[i] >= 0) || !isfinite(o->ridges[i]))
      return MN_FAIL(err, MN_ERR_ARGUMENT, "ridge %g: a finite number of at least 0 expected", o->ridges[i]);
  for (size_t i = 0; i < length(o->corrupt_count); i++)
    if (!(corruption_of(o, i) >= 0 && corruption_of(o, i) <= 1))
      return MN_FAIL(err, MN_ERR_ARGUMENT, "corruption %g: 0 ... 1 expected", corruption_of(o, i));
  return MN_OK;
}
