/* The rows of mn_network_options. */
#include <math.h>
#include <stddef.h>

#include "minnorm/express.h"

#define AT(name) offsetof(mn_network_options, name)

static const char *targets_name(int value)
{
  static const char *const names[] = {
      [MN_NETWORK_LABEL] = "label", [MN_NETWORK_ONEHOT] = "onehot", [MN_NETWORK_PM1] = "pm1"};
  return value >= 0 && value <= MN_NETWORK_PM1 ? names[value] : NULL;
}

static const char *solver_name(int value)
{
  static const char *const names[] = {[MN_NETWORK_SLOPES] = "slopes", [MN_NETWORK_DENSE] = "dense"};
  return value >= 0 && value <= MN_NETWORK_DENSE ? names[value] : NULL;
}

static const char *scale_name(int value)
{
  static const char *const names[] = {
      [MN_NETWORK_SCALE_AUTO] = "auto", [MN_NETWORK_SCALE_NONE] = "none", [MN_NETWORK_SCALE_STANDARD] = "standard"};
  return value >= 0 && value <= MN_NETWORK_SCALE_STANDARD ? names[value] : NULL;
}

static const char group[] = "Network";

static const mn_option rows[] = {
    {.key = "depth",
     .letter = 'k',
     .type = MN_OPTION_INT,
     .offset = AT(depth),
     .least = 2,
     .most = 1e9,
     .fallback = "2",
     .argument = "K",
     .group = group,
     .help = "Layers of weights: K - 1 hidden layers of about n / (K - 1) units."},
    {.key = "targets",
     .type = MN_OPTION_CHOICE,
     .offset = AT(targets),
     .choice = targets_name,
     .fallback = "label",
     .argument = "TARGETS",
     .group = group,
     .help =
         "What the network says at a training point: its label or real targets (label: 2n + d weights), or an output "
         "a class, 1 for its own and 0 (onehot) or -1 (pm1) for the others."},
    {.key = "candidates",
     .type = MN_OPTION_INT,
     .offset = AT(candidates),
     .least = 1,
     .most = 10000,
     .fallback = "40",
     .argument = "C",
     .group = group,
     .help = "Directions drawn; the one with the largest least gap between projections is kept."},
    {.key = "improve",
     .type = MN_OPTION_REAL,
     .offset = AT(improve_s),
     .least = 0,
     .most = 1e6,
     .fallback = "3",
     .argument = "SECONDS",
     .group = group,
     .help = "Time at most for pushing the closest projections apart; 0: not at all."},
    {.key = "solver",
     .type = MN_OPTION_CHOICE,
     .offset = AT(solver),
     .choice = solver_name,
     .fallback = "slopes",
     .argument = "SOLVER",
     .group = group,
     .help =
         "How the output weights are found: from the changes of slope, in O(n), or from the dense triangular system "
         "(LAPACK, two layers, 8 n^2 bytes)."},
    {.key = "scale",
     .type = MN_OPTION_CHOICE,
     .offset = AT(scale),
     .choice = scale_name,
     .fallback = "auto",
     .argument = "SCALE",
     .group = group,
     .help =
         "How directions are drawn: alike for all features (none), or by the inverse of each one's standard deviation "
         "(standard). The network itself takes the features as they are in the file. auto: none for bytes, standard "
         "for the rest."},
    {.key = "seed",
     .letter = 's',
     .type = MN_OPTION_U64,
     .offset = AT(seed),
     .fallback = "0",
     .argument = "S",
     .group = group,
     .help = "Seed of the directions, of the corruption of labels, and of the points checked when not all are."},
};

const mn_option *mn_network_option_table(size_t *count)
{
  *count = sizeof rows / sizeof *rows;
  return rows;
}

mn_network_options mn_network_defaults(void)
{
  mn_network_options options = {0};
  mn_options_defaults(rows, sizeof rows / sizeof *rows, &options, NULL);
  return options;
}
