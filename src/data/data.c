#include "minnorm/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/readers.h"
#include "minnorm/samples.h"

mn_status mn_data_create(size_t n, size_t dim, mn_dtype type, size_t columns, mn_data **out, mn_error *err)
{
  size_t elements, targets;
  *out = NULL;
  if (!n || !dim)
    return MN_FAIL(err, MN_ERR_DATA, "at least one sample of one feature expected, %zu of %zu found", n, dim);
  if (__builtin_mul_overflow(n, dim, &elements) || __builtin_mul_overflow(n, columns, &targets))
    return MN_FAIL(err, MN_ERR_MEMORY, "%zu samples of %zu features and %zu targets do not fit any memory", n, dim,
                   columns);
  mn_data *data = mn_calloc(1, sizeof *data);
  if (!data) return MN_NO_MEMORY(err, sizeof *data);
  data->n = n;
  data->dim = dim;
  data->type = type;
  data->columns = columns;
  data->x = mn_alloc_matrix(elements, mn_dtype_size(type));
  if (data->x && columns) data->y = mn_alloc_matrix(targets, sizeof *data->y);
  if (!data->x || (columns && !data->y)) {
    mn_data_close(&data);
    return MN_NO_MEMORY(err, elements * mn_dtype_size(type) + targets * sizeof *data->y);
  }
  *out = data;
  return MN_OK;
}

mn_status mn_data_adopt(size_t n, size_t dim, double *x, size_t columns, double *y, mn_data **out, mn_error *err)
{
  mn_data *data = mn_calloc(1, sizeof *data);
  if (!data) return MN_NO_MEMORY(err, sizeof *data);
  *data = (mn_data){.n = n, .dim = dim, .type = MN_F64, .x = x, .columns = columns, .y = y};
  *out = data;
  return MN_OK;
}

void mn_data_close(mn_data **data)
{
  if (!*data) return;
  mn_free((*data)->x);
  mn_free((*data)->y);
  mn_free(*data);
  *data = NULL;
}

void mn_data_free(void *p)
{
  mn_free(p);
}

static int is_label(double y)
{
  return fabs(y) < 0x1p53 && y == floor(y);
}

int mn_data_has_labels(const mn_data *data)
{
  if (data->columns != 1) return 0;
  for (size_t i = 0; i < data->n; i++)
    if (!is_label(data->y[i])) return 0;
  return 1;
}

static int compare_labels(const void *a, const void *b)
{
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

mn_status mn_data_classes(const mn_data *data, int64_t **labels, size_t *count, mn_error *err)
{
  *labels = NULL;
  *count = 0;
  if (!mn_data_has_labels(data))
    return MN_FAIL(err, MN_ERR_DATA, "%s: integer labels in one column expected, others found", data->name);
  int64_t *all = mn_alloc(data->n, sizeof *all);
  if (!all) return MN_NO_MEMORY(err, data->n * sizeof *all);
  size_t distinct = 0;
  for (size_t i = 0; i < data->n; i++) all[i] = (int64_t)data->y[i];
  qsort(all, data->n, sizeof *all, compare_labels);
  for (size_t i = 0; i < data->n; i++)
    if (!i || all[i] != all[i - 1]) all[distinct++] = all[i]; /* all[i-1] is not yet overwritten: distinct <= i */
  *labels = all;
  *count = distinct;
  return MN_OK;
}

/* What one pass over the samples adds up. */
typedef struct {
  double *row;   /* dim, the sample as doubles */
  double *first; /* dim, the first sample */
  char *varies;  /* dim, 1 once a feature has had another value */
} summary_work;

static double add_row(const mn_data *data, summary_work *work, size_t i, mn_data_summary *out)
{
  const mn_scaling none = {.kind = MN_SCALE_NONE, .dim = data->dim};
  mn_samples samples = mn_samples_of(data, &none);
  double sum = 0;
  mn_samples_rows_f64(&samples, i, 1, work->row);
  if (i == 0) memcpy(work->first, work->row, data->dim * sizeof *work->row);
  for (size_t j = 0; j < data->dim; j++) {
    double v = work->row[j];
    sum += v;
    if (v < out->min) out->min = v;
    if (v > out->max) out->max = v;
    work->varies[j] |= v != work->first[j];
  }
  return sum;
}

static double squares_about(const mn_data *data, double *row, size_t i, double mean)
{
  const mn_scaling none = {.kind = MN_SCALE_NONE, .dim = data->dim};
  mn_samples samples = mn_samples_of(data, &none);
  double sum = 0;
  mn_samples_rows_f64(&samples, i, 1, row);
  for (size_t j = 0; j < data->dim; j++) sum += (row[j] - mean) * (row[j] - mean);
  return sum;
}

mn_status mn_data_summarise(const mn_data *data, mn_data_summary *out, mn_error *err)
{
  mn_status st = MN_OK;
  size_t dim = data->dim;
  double elements = (double)data->n * (double)dim, sum = 0, squares = 0;
  summary_work work = {mn_alloc(dim, sizeof(double)), mn_alloc(dim, sizeof(double)), mn_calloc(dim, 1)};
  *out = (mn_data_summary){.min = INFINITY, .max = -INFINITY};
  if (!work.row || !work.first || !work.varies) {
    st = MN_NO_MEMORY(err, dim * (2 * sizeof(double) + 1));
    goto done;
  }
  for (size_t i = 0; i < data->n; i++) sum += add_row(data, &work, i, out);
  out->mean = sum / elements;
  for (size_t i = 0; i < data->n; i++) squares += squares_about(data, work.row, i, out->mean);
  out->deviation = sqrt(squares / elements);
  for (size_t j = 0; j < dim; j++) out->constant_features += !work.varies[j];
done:
  mn_free(work.row);
  mn_free(work.first);
  mn_free(work.varies);
  return st;
}
