#include "interpolants_support.h"

#include <math.h>
#include <stdlib.h>

#include "core/random.h"

static double feature(mn_dtype type, mn_random *r)
{
  return type == MN_U8 ? (double)mn_random_below(r, 256) : mn_random_normal(r);
}

mn_data *problem_data(size_t n, size_t dim, mn_dtype type, size_t classes, uint64_t seed)
{
  mn_data *data = NULL;
  size_t columns = classes ? 1 : 2;
  assert_int_equal(mn_data_create(n, dim, type, columns, &data, NULL), MN_OK);
  for (size_t i = 0; i < n; i++) {
    mn_random r = mn_random_open(seed, MN_STREAM_TEST, i);
    double sum = 0;
    for (size_t j = 0; j < dim; j++) {
      double x = feature(type, &r);
      if (type == MN_U8)
        ((unsigned char *)data->x)[i * dim + j] = (unsigned char)x;
      else
        ((double *)data->x)[i * dim + j] = x;
      sum += j < 3 ? x : 0;
    }
    for (size_t c = 0; c < columns; c++)
      data->y[i * columns + c] = classes ? (double)((size_t)fabs(floor(sum)) % classes) : sum + (double)c * sin(sum);
  }
  return data;
}

mn_fit_options problem_options(mn_kernel_name name, size_t dim)
{
  mn_fit_options options = mn_fit_defaults();
  options.kernel = mn_kernel_default(name);
  options.kernel.gamma = 0.5 / (double)dim;
  options.gamma_rule = MN_GAMMA_GIVEN;
  return options;
}

mn_interpolants *problem_open(const mn_data *train, const mn_fit_options *options)
{
  mn_interpolants *p = NULL;
  mn_error err = {0};
  if (mn_interpolants_open(train, options, NULL, &p, &err)) fail_msg("%s", err.text);
  return p;
}

double *problem_predict(const mn_model *model, const mn_data *data)
{
  double *scores = malloc(data->n * mn_model_outputs(model) * sizeof *scores);
  assert_int_equal(mn_model_predict(model, data, NULL, scores, NULL), MN_OK);
  return scores;
}

double *problem_weights(const mn_model *model, size_t dim)
{
  mn_data *units = NULL;
  assert_int_equal(mn_data_create(dim, dim, MN_F64, 0, &units, NULL), MN_OK);
  for (size_t i = 0; i < dim * dim; i++) ((double *)units->x)[i] = i % (dim + 1) == 0;
  double *w = problem_predict(model, units);
  mn_data_close(&units);
  return w;
}

double problem_norm(size_t count, const double *a)
{
  long double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (long double)a[i] * a[i];
  return (double)sqrtl(sum);
}

double problem_distance(size_t count, const double *a, const double *b)
{
  long double sum = 0;
  for (size_t i = 0; i < count; i++) sum += ((long double)a[i] - b[i]) * ((long double)a[i] - b[i]);
  return (double)sqrtl(sum) / problem_norm(count, b);
}
