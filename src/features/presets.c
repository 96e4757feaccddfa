/* Published recipes of the convolutional layer. */
#include <string.h>

#include "core/status.h"
#include "minnorm/features.h"

/* Members that a row leaves out are those of mn_features_options that it does not set. */
typedef struct {
  mn_preset_info info;
  mn_features_options options;
} preset;

/* In all of them patches are 6 x 6, the covariance is of 100,000 patches, and the rectifier is two-sided. */
static const preset presets[] = {
    {{"a", "whitened patches on unnormalised images, 3 x 3 overlapping averages (Recht et al. 2019, nondeep)"},
     {.patch = 6,
      .kind = MN_FILTERS_WHITENED,
      .patch_norm = MN_PATCHES_RAW,
      .filter_norm = MN_PATCHES_UNIT,
      .whiten_epsilon = 1e-3,
      .whiten_patches = 100000,
      .rectifier = MN_RECTIFIER_TWOSIDED,
      .bias = 1,
      .pool = MN_POOL_AVERAGE,
      .pool_window = 15,
      .pool_stride = 6,
      .pool_ceil = 1}},
    {{"b", "whitened patches on normalised ones, 2 x 2 sums (KeystoneML, RandomPatchCifar)"},
     {.patch = 6,
      .kind = MN_FILTERS_WHITENED,
      .patch_norm = MN_PATCHES_NORM,
      .filter_norm = MN_PATCHES_NORM,
      .patch_constant = 10,
      .filter_unit = 1,
      .whiten_epsilon = 0.1,
      .whiten_patches = 100000,
      .whiten_test = 1,
      .rectifier = MN_RECTIFIER_TWOSIDED,
      .bias = 0.25,
      .pool = MN_POOL_SUM,
      .pool_window = 14,
      .pool_stride = 13}},
    {{"d", "as b, sums over the quadrants (Coates & Ng 2011, random patches)"},
     {.patch = 6,
      .kind = MN_FILTERS_WHITENED,
      .patch_norm = MN_PATCHES_NORM,
      .filter_norm = MN_PATCHES_NORM,
      .patch_constant = 10,
      .filter_unit = 1,
      .whiten_epsilon = 0.1,
      .whiten_patches = 100000,
      .whiten_test = 1,
      .rectifier = MN_RECTIFIER_TWOSIDED,
      .bias = 0.25,
      .pool = MN_POOL_SUM,
      .pool_window = 14,
      .pool_stride = 14,
      .pool_ceil = 1}},
    {{"gaussian", "as b with Gaussian filters: no training data, the baseline"},
     {.patch = 6,
      .kind = MN_FILTERS_GAUSSIAN,
      .patch_norm = MN_PATCHES_NORM,
      .filter_norm = MN_PATCHES_NORM,
      .patch_constant = 10,
      .filter_unit = 1,
      .whiten_epsilon = 0.1,
      .whiten_patches = 100000,
      .rectifier = MN_RECTIFIER_TWOSIDED,
      .bias = 0.25,
      .pool = MN_POOL_SUM,
      .pool_window = 14,
      .pool_stride = 13}},
};
enum { PRESETS = sizeof presets / sizeof *presets };

const mn_preset_info *mn_features_preset_at(size_t i)
{
  return i < PRESETS ? &presets[i].info : NULL;
}

/* What is not the recipe's stays. */
static void apply(const mn_features_options *recipe, mn_features_options *o)
{
  mn_features_options old = *o;
  *o = *recipe;
  o->name = MN_FEATURES_CONV;
  o->symmetric = old.symmetric;
  o->scales = old.scales;
  o->orientations = old.orientations;
  o->slant = old.slant;
  o->pooling = old.pooling;
  o->filters = old.filters;
  o->engine = old.engine;
  o->seed = old.seed;
}

mn_status mn_features_preset(const char *name, mn_features_options *options, mn_error *err)
{
  for (size_t i = 0; i < PRESETS; i++)
    if (!strcmp(presets[i].info.name, name)) {
      apply(&presets[i].options, options);
      return MN_OK;
    }
  return MN_FAIL(err, MN_ERR_ARGUMENT, "no preset '%s': a, b, d or gaussian expected", name);
}
