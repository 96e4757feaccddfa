/* Sets of samples that are made rather than read: random points, and two sets in one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/status.h"
#include "interpolants/problem.h"

static void put(mn_data *data, size_t at, double value)
{
  if (data->type == MN_U8)
    ((unsigned char *)data->x)[at] = (unsigned char)lrint(fmin(fmax(value, 0), 255));
  else if (data->type == MN_F32)
    ((float *)data->x)[at] = (float)value;
  else
    ((double *)data->x)[at] = value;
}

/* A constant feature has factor 0, and keeps its value. */
static void draw(const mn_scaling *standard, uint64_t seed, mn_data *out)
{
  for (size_t i = 0; i < out->n; i++) {
    mn_random r = mn_random_open(seed, MN_STREAM_CENTRES, i);
    for (size_t j = 0; j < out->dim; j++) {
      double factor = standard->factor[j], deviation = factor > 0 ? 1 / factor : 0;
      put(out, i * out->dim + j, standard->shift[j] + deviation * mn_random_normal(&r));
    }
  }
}

mn_status mn_random_points(const mn_interpolants *p, size_t count, uint64_t seed, mn_data **out, mn_error *err)
{
  mn_scaling *standard = NULL;
  *out = NULL;
  mn_status st = mn_scaling_open(MN_SCALE_STANDARD, p->train, &standard, err);
  if (!st) st = mn_data_create(count, p->train->dim, p->train->type, 0, out, err);
  if (!st) draw(standard, seed, *out);
  mn_scaling_close(&standard);
  return st;
}

mn_status mn_join(const mn_data *a, const mn_data *b, int targets, mn_data **out, mn_error *err)
{
  size_t row = a->dim * mn_dtype_size(a->type), columns = targets ? a->columns : 0;
  *out = NULL;
  if (a->type != b->type || a->dim != b->dim || (targets && a->columns != b->columns))
    return MN_FAIL(err, MN_ERR_DATA, "%s: samples of the type, %zu features and %zu target columns of %s expected",
                   b->name, a->dim, a->columns, a->name);
  mn_status st = mn_data_create(a->n + b->n, a->dim, a->type, columns, out, err);
  if (st) return st;
  mn_data *to = *out;
  memcpy(to->x, a->x, a->n * row);
  memcpy((char *)to->x + a->n * row, b->x, b->n * row);
  if (columns) {
    memcpy(to->y, a->y, a->n * columns * sizeof *to->y);
    memcpy(to->y + a->n * columns, b->y, b->n * columns * sizeof *to->y);
  }
  snprintf(to->name, sizeof to->name, "%s", a->name);
  return MN_OK;
}
