/* The rows of mn_features_options: the command line, its help and the header of saved models come from here. */
#include <math.h>
#include <stddef.h>

#include "minnorm/features.h"

#define AT(name) offsetof(mn_features_options, name)

static const char *map_name(int value)
{
  return value >= 0 && value < MN_FEATURES_COUNT ? mn_features_string((mn_features_name)value) : NULL;
}

static const char *kind_name(int value)
{
  static const char *const names[] = {
      [MN_FILTERS_GAUSSIAN] = "gaussian", [MN_FILTERS_PATCHES] = "patches", [MN_FILTERS_WHITENED] = "whitened"};
  return value >= 0 && value <= MN_FILTERS_WHITENED ? names[value] : NULL;
}

static const char *norm_name(int value)
{
  static const char *const names[] = {
      [MN_PATCHES_RAW] = "raw", [MN_PATCHES_CENTER] = "center", [MN_PATCHES_NORM] = "norm", [MN_PATCHES_UNIT] = "unit"};
  return value >= 0 && value <= MN_PATCHES_UNIT ? names[value] : NULL;
}

static const char *rectifier_name(int value)
{
  static const char *const names[] = {
      [MN_RECTIFIER_RELU] = "relu", [MN_RECTIFIER_TWOSIDED] = "twosided", [MN_RECTIFIER_ABS] = "abs"};
  return value >= 0 && value <= MN_RECTIFIER_ABS ? names[value] : NULL;
}

static const char *pool_name(int value)
{
  static const char *const names[] = {[MN_POOL_AVERAGE] = "average", [MN_POOL_SUM] = "sum", [MN_POOL_MAX] = "max"};
  return value >= 0 && value <= MN_POOL_MAX ? names[value] : NULL;
}

static const char *engine_name(int value)
{
  static const char *const names[] = {[MN_CONV_AUTO] = "auto", [MN_CONV_BLOCKED] = "blocked", [MN_CONV_FFT] = "fft"};
  return value >= 0 && value <= MN_CONV_FFT ? names[value] : NULL;
}

/* What a recipe turns on must be possible to turn off, so these are no flags. */
static const char *switch_name(int value)
{
  static const char *const names[] = {"no", "yes"};
  return value >= 0 && value < 2 ? names[value] : NULL;
}

static const char map_group[] = "Features", wavelet_group[] = "Features: gabor and scattering",
                  conv_group[] = "Features: conv (defaults are those of --preset)";

static const mn_option table[] = {
    {.key = "features",
     .type = MN_OPTION_CHOICE,
     .offset = AT(name),
     .choice = map_name,
     .fallback = "none",
     .argument = "MAP",
     .group = map_group,
     .help = "What is made of an image first. none: its pixels as they are; gabor: moduli of Gabor wavelets, smoothed; "
             "scattering: moduli of wavelets of moduli of wavelets too; conv: a convolutional layer with random "
             "filters, rectified and pooled."},
    {.key = "symmetric",
     .type = MN_OPTION_CHOICE,
     .offset = AT(symmetric),
     .choice = switch_name,
     .fallback = "no",
     .argument = "SWITCH",
     .group = map_group,
     .help = "Add up the features of an image and of its mirror image, left for right, so that both have the same; "
             "they take twice the time."},
    {.key = "scales",
     .type = MN_OPTION_INT,
     .offset = AT(scales),
     .least = 1,
     .most = 16,
     .fallback = "3",
     .argument = "J",
     .group = wavelet_group,
     .help = "Scales of the Morlet wavelets, a factor of 2 apart, from the finest on."},
    {.key = "orientations",
     .type = MN_OPTION_INT,
     .offset = AT(orientations),
     .least = 1,
     .most = 64,
     .fallback = "8",
     .argument = "L",
     .group = wavelet_group,
     .help = "Orientations of the wavelets, evenly over pi."},
    {.key = "slant",
     .type = MN_OPTION_REAL,
     .offset = AT(slant),
     .least = 0,
     .most = 16,
     .fallback = "0",
     .argument = "S",
     .group = wavelet_group,
     .help = "Slant of the wavelets' envelope: along the wave it is S times as wide as across. 0: 4 / L."},
    {.key = "pooling-scale",
     .type = MN_OPTION_INT,
     .offset = AT(pooling),
     .least = 0,
     .most = 16,
     .argument = "P",
     .group = wavelet_group,
     .help = "Smoothing by a Gaussian of deviation 0.8 2^P, of which every 2^P-th pixel is kept. Default: 1 for gabor, "
             "2 for scattering."},
    {.key = "filters",
     .type = MN_OPTION_SIZE,
     .offset = AT(filters),
     .least = 1,
     .most = 256000,
     .fallback = "4096",
     .argument = "F",
     .group = conv_group,
     .help = "Number of filters."},
    {.key = "filter-kind",
     .type = MN_OPTION_CHOICE,
     .offset = AT(kind),
     .choice = kind_name,
     .argument = "KIND",
     .group = conv_group,
     .help = "Independent Gaussian weights; random patches of the training images; or such patches whitened (ZCA)."},
    {.key = "patch",
     .type = MN_OPTION_SIZE,
     .offset = AT(patch),
     .least = 1,
     .most = 1024,
     .argument = "SIDE",
     .group = conv_group,
     .help = "Side of a square filter, in pixels."},
    {.key = "patch-norm",
     .type = MN_OPTION_CHOICE,
     .offset = AT(patch_norm),
     .choice = norm_name,
     .argument = "NORM",
     .group = conv_group,
     .help = "What is done to a patch of an image before it meets a filter: nothing (raw); minus its mean (center); "
             "that over sqrt(variance + C) (norm); or scaled to norm 1 (unit)."},
    {.key = "filter-norm",
     .type = MN_OPTION_CHOICE,
     .offset = AT(filter_norm),
     .choice = norm_name,
     .argument = "NORM",
     .group = conv_group,
     .help = "The same for training patches that become filters, before they are whitened."},
    {.key = "patch-constant",
     .type = MN_OPTION_REAL,
     .offset = AT(patch_constant),
     .least = 0,
     .most = INFINITY,
     .argument = "C",
     .group = conv_group,
     .help = "Added to the variance of a patch, for pixels of 0 to 255; over 255^2 where these are scaled to 1."},
    {.key = "filter-unit",
     .type = MN_OPTION_CHOICE,
     .offset = AT(filter_unit),
     .choice = switch_name,
     .argument = "SWITCH",
     .group = conv_group,
     .help = "Scale filters to norm 1; a whitened patch gets norm 1, and is then whitened once more to be the filter."},
    {.key = "whiten-epsilon",
     .type = MN_OPTION_REAL,
     .offset = AT(whiten_epsilon),
     .least = 0,
     .most = INFINITY,
     .argument = "E",
     .group = conv_group,
     .help = "Added to the eigenvalues of the covariance of the patches. 0: those that are 0 are left out."},
    {.key = "whiten-patches",
     .type = MN_OPTION_SIZE,
     .offset = AT(whiten_patches),
     .least = 1,
     .most = 1e9,
     .argument = "N",
     .group = conv_group,
     .help = "Random training patches that the covariance is estimated from."},
    {.key = "whiten-center",
     .type = MN_OPTION_CHOICE,
     .offset = AT(whiten_test),
     .choice = switch_name,
     .argument = "SWITCH",
     .group = conv_group,
     .help = "Subtract the mean of these patches from all patches, which --patch-norm and --filter-norm must then "
             "normalise alike; no: the second moment about 0 takes the place of the covariance."},
    {.key = "rectifier",
     .type = MN_OPTION_CHOICE,
     .offset = AT(rectifier),
     .choice = rectifier_name,
     .argument = "RECTIFIER",
     .group = conv_group,
     .help = "Of a response z: max(z - B, 0); that and max(-z - B, 0), two features a filter; or |z|."},
    {.key = "bias",
     .type = MN_OPTION_REAL,
     .offset = AT(bias),
     .argument = "B",
     .group = conv_group,
     .help = "Bias of the rectifier."},
    {.key = "pool",
     .type = MN_OPTION_CHOICE,
     .offset = AT(pool),
     .choice = pool_name,
     .argument = "POOL",
     .group = conv_group,
     .help = "What is kept of the rectified responses in a window."},
    {.key = "pool-window",
     .type = MN_OPTION_SIZE,
     .offset = AT(pool_window),
     .least = 1,
     .most = 65535,
     .argument = "SIDE",
     .group = conv_group,
     .help = "Side of a pooling window, in positions of a filter."},
    {.key = "pool-stride",
     .type = MN_OPTION_SIZE,
     .offset = AT(pool_stride),
     .least = 1,
     .most = 65535,
     .argument = "STEP",
     .group = conv_group,
     .help = "Step between pooling windows."},
    {.key = "pool-ceil",
     .type = MN_OPTION_CHOICE,
     .offset = AT(pool_ceil),
     .choice = switch_name,
     .argument = "SWITCH",
     .group = conv_group,
     .help = "Keep a last window that is cut at the border; no: the positions it has are left out."},
    {.key = "engine",
     .type = MN_OPTION_CHOICE,
     .offset = AT(engine),
     .choice = engine_name,
     .fallback = "auto",
     .argument = "ENGINE",
     .group = conv_group,
     .help = "How the convolution is computed: products of patches and blocks of filters, products of spectra, or the "
             "faster of the two for this shape, which is measured (auto)."},
};

const mn_option *mn_features_option_table(size_t *count)
{
  *count = sizeof table / sizeof *table;
  return table;
}

int mn_features_option_used(const mn_option *row, mn_features_name name)
{
  if (row->group == wavelet_group) return name == MN_FEATURES_GABOR || name == MN_FEATURES_SCATTERING;
  if (row->offset == AT(symmetric)) return name != MN_FEATURES_NONE;
  return row->group == map_group || name == MN_FEATURES_CONV;
}
