/* Small generators: normal samples, a smooth regression, concentric rings. */
#include <math.h>

#include "data/synth.h"

/* a . v, v (length d) the normal direction that parameter k of the data set draws. */
static double project(const mn_synth_options *options, uint64_t k, const double *a)
{
  mn_random r = mn_synth_parameter(options, k);
  double sum = 0;
  for (size_t j = 0; j < options->d; j++) sum += a[j] * mn_synth_normal(&r);
  return sum;
}

/* Adds the centre of a class: a normal direction times distance / sqrt d. */
static void add_centre(const mn_synth_options *options, uint64_t class, double *x)
{
  mn_random r = mn_synth_parameter(options, class);
  double scale = options->distance / sqrt((double)options->d);
  for (size_t j = 0; j < options->d; j++) x[j] += scale * mn_synth_normal(&r);
}

void mn_synth_gaussian(const mn_synth_options *options, size_t i, mn_data *data)
{
  mn_random r = mn_synth_sample(options, i);
  uint64_t class = mn_random_below(&r, options->classes);
  double *x = (double *)data->x + i * options->d, *y = &data->y[i];
  for (size_t j = 0; j < options->d; j++) x[j] = mn_synth_normal(&r);
  if (options->labels == MN_SYNTH_CLUSTERS) {
    add_centre(options, class, x);
    *y = (double)class;
  } else if (options->labels == MN_SYNTH_RANDOM) {
    *y = mn_random_u32(&r) & 1 ? 1 : -1;
  } else {
    *y = project(options, 0, x) < 0 ? -1 : 1;
  }
}

/* Column c: sin(a . x) + (b . x)^2 / 2 + noise, with a and b normal of variance 4 / d and 1 / d. */
void mn_synth_regression(const mn_synth_options *options, size_t i, mn_data *data)
{
  mn_random r = mn_synth_sample(options, i);
  double *x = (double *)data->x + i * options->d, scale = 1 / sqrt((double)options->d);
  for (size_t j = 0; j < options->d; j++) x[j] = mn_synth_between(&r, -1, 1);
  for (size_t c = 0; c < options->columns; c++) {
    double a = 2 * scale * project(options, 2 * c, x), b = scale * project(options, 2 * c + 1, x);
    data->y[i * options->columns + c] = mn_synth_sin(a) + 0.5 * b * b + options->noise * mn_synth_normal(&r);
  }
}

/* Class c lies on the circle of radius c + 1 around the origin of the plane. */
void mn_synth_circles(const mn_synth_options *options, size_t i, mn_data *data)
{
  mn_random r = mn_synth_sample(options, i);
  uint64_t class = mn_random_below(&r, options->classes);
  double *x = (double *)data->x + 2 * i, angle = mn_synth_between(&r, -3.141592653589793, 3.141592653589793);
  double radius = (double)class + 1;
  x[0] = radius * mn_synth_cos(angle) + options->noise * mn_synth_normal(&r);
  x[1] = radius * mn_synth_sin(angle) + options->noise * mn_synth_normal(&r);
  data->y[i] = (double)class;
}
