#include "minnorm/samples.h"

#include <math.h>

#include "core/memory.h"
#include "core/status.h"

const char *mn_scale_string(mn_scale scale)
{
  static const char *const names[] = {
      [MN_SCALE_AUTO] = "auto", [MN_SCALE_UNIT] = "unit", [MN_SCALE_NONE] = "none", [MN_SCALE_STANDARD] = "standard"};
  return scale <= MN_SCALE_STANDARD ? names[scale] : NULL;
}

/* Conversion of whole rows. Scaling is always done in double and rounded last, so both outputs see the same numbers. */

typedef struct {
  const void *x; /* count x dim, the type of the data set */
  size_t count, dim;
  const double *shift, *factor; /* dim; standard only */
} block;

/* x / 255 for a byte, as division rounds it but in half the time: 1/255 = 2^-8 + 2^-16 + ... is cut after its sixth
 * term, so that x * head is exact, x * rest is 2^-48 of it, and only their sum rounds. A test holds all 256 values
 * against the division. */
static const double head = 0x1.0101010101p-8, rest = 0x1.01010101010101p-56;

static double unit(unsigned char x)
{
  return (double)x * head + (double)x * rest;
}

static void u8_none_f64(const block *b, double *restrict out)
{
  const unsigned char *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (double)x[i];
}

static void u8_unit_f64(const block *b, double *restrict out)
{
  const unsigned char *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = unit(x[i]);
}

static void u8_standard_f64(const block *b, double *restrict out)
{
  const unsigned char *restrict x = b->x;
  for (size_t i = 0; i < b->count; i++)
    for (size_t j = 0; j < b->dim; j++) out[i * b->dim + j] = ((double)x[i * b->dim + j] - b->shift[j]) * b->factor[j];
}

static void f32_none_f64(const block *b, double *restrict out)
{
  const float *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (double)x[i];
}

static void f32_unit_f64(const block *b, double *restrict out)
{
  const float *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (double)x[i] / 255.0;
}

static void f32_standard_f64(const block *b, double *restrict out)
{
  const float *restrict x = b->x;
  for (size_t i = 0; i < b->count; i++)
    for (size_t j = 0; j < b->dim; j++) out[i * b->dim + j] = ((double)x[i * b->dim + j] - b->shift[j]) * b->factor[j];
}

static void f64_none_f64(const block *b, double *restrict out)
{
  const double *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = x[i];
}

static void f64_unit_f64(const block *b, double *restrict out)
{
  const double *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = x[i] / 255.0;
}

static void f64_standard_f64(const block *b, double *restrict out)
{
  const double *restrict x = b->x;
  for (size_t i = 0; i < b->count; i++)
    for (size_t j = 0; j < b->dim; j++) out[i * b->dim + j] = (x[i * b->dim + j] - b->shift[j]) * b->factor[j];
}

static void u8_none_f32(const block *b, float *restrict out)
{
  const unsigned char *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (float)x[i];
}

static void u8_unit_f32(const block *b, float *restrict out)
{
  const unsigned char *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (float)unit(x[i]);
}

static void u8_standard_f32(const block *b, float *restrict out)
{
  const unsigned char *restrict x = b->x;
  for (size_t i = 0; i < b->count; i++)
    for (size_t j = 0; j < b->dim; j++)
      out[i * b->dim + j] = (float)(((double)x[i * b->dim + j] - b->shift[j]) * b->factor[j]);
}

static void f32_none_f32(const block *b, float *restrict out)
{
  const float *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (float)x[i];
}

static void f32_unit_f32(const block *b, float *restrict out)
{
  const float *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (float)((double)x[i] / 255.0);
}

static void f32_standard_f32(const block *b, float *restrict out)
{
  const float *restrict x = b->x;
  for (size_t i = 0; i < b->count; i++)
    for (size_t j = 0; j < b->dim; j++)
      out[i * b->dim + j] = (float)(((double)x[i * b->dim + j] - b->shift[j]) * b->factor[j]);
}

static void f64_none_f32(const block *b, float *restrict out)
{
  const double *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (float)(x[i]);
}

static void f64_unit_f32(const block *b, float *restrict out)
{
  const double *restrict x = b->x;
  for (size_t i = 0; i < b->count * b->dim; i++) out[i] = (float)(x[i] / 255.0);
}

static void f64_standard_f32(const block *b, float *restrict out)
{
  const double *restrict x = b->x;
  for (size_t i = 0; i < b->count; i++)
    for (size_t j = 0; j < b->dim; j++) out[i * b->dim + j] = (float)((x[i * b->dim + j] - b->shift[j]) * b->factor[j]);
}

/* Rows by type, columns by scaling. */
static void (*const to_f64[3][4])(const block *, double *restrict) = {
    [MN_U8] = {[MN_SCALE_NONE] = u8_none_f64, [MN_SCALE_UNIT] = u8_unit_f64, [MN_SCALE_STANDARD] = u8_standard_f64},
    [MN_F32] = {[MN_SCALE_NONE] = f32_none_f64, [MN_SCALE_UNIT] = f32_unit_f64, [MN_SCALE_STANDARD] = f32_standard_f64},
    [MN_F64] = {[MN_SCALE_NONE] = f64_none_f64, [MN_SCALE_UNIT] = f64_unit_f64, [MN_SCALE_STANDARD] = f64_standard_f64},
};

static void (*const to_f32[3][4])(const block *, float *restrict) = {
    [MN_U8] = {[MN_SCALE_NONE] = u8_none_f32, [MN_SCALE_UNIT] = u8_unit_f32, [MN_SCALE_STANDARD] = u8_standard_f32},
    [MN_F32] = {[MN_SCALE_NONE] = f32_none_f32, [MN_SCALE_UNIT] = f32_unit_f32, [MN_SCALE_STANDARD] = f32_standard_f32},
    [MN_F64] = {[MN_SCALE_NONE] = f64_none_f32, [MN_SCALE_UNIT] = f64_unit_f32, [MN_SCALE_STANDARD] = f64_standard_f32},
};

static block block_of(const mn_samples *samples, size_t first, size_t count)
{
  const mn_data *data = samples->data;
  const char *start = (const char *)data->x + first * data->dim * mn_dtype_size(data->type);
  return (block){start, count, data->dim, samples->scaling->shift, samples->scaling->factor};
}

void mn_samples_rows_f64(const mn_samples *samples, size_t first, size_t count, double *out)
{
  block b = block_of(samples, first, count);
  to_f64[samples->data->type][samples->scaling->kind](&b, out);
}

void mn_samples_rows_f32(const mn_samples *samples, size_t first, size_t count, float *out)
{
  block b = block_of(samples, first, count);
  to_f32[samples->data->type][samples->scaling->kind](&b, out);
}

mn_samples mn_samples_of(const mn_data *data, const mn_scaling *scaling)
{
  return (mn_samples){.data = data, .scaling = scaling, .n = data->n, .dim = data->dim};
}

/* Welford's update of every feature's mean and sum of squared differences with sample number i. A feature that never
 * changes keeps its value as mean, exactly, and 0 as sum. */
static void welford(size_t dim, size_t i, const double *restrict x, double *restrict mean, double *restrict squares)
{
  double share = 1.0 / (double)(i + 1);
  for (size_t j = 0; j < dim; j++) {
    double difference = x[j] - mean[j];
    mean[j] += difference * share;
    squares[j] += difference * (x[j] - mean[j]);
  }
}

/* Fills shift with the means and factor with the inverse deviations (0 for a constant feature). */
static mn_status fit_standard(const mn_data *train, mn_scaling *scaling, mn_error *err)
{
  const mn_scaling none = {.kind = MN_SCALE_NONE, .dim = train->dim};
  mn_samples samples = mn_samples_of(train, &none);
  double *row = mn_alloc(train->dim, sizeof *row);
  scaling->shift = mn_calloc(train->dim, sizeof *scaling->shift);
  scaling->factor = mn_calloc(train->dim, sizeof *scaling->factor);
  if (!row || !scaling->shift || !scaling->factor) {
    mn_free(row);
    return MN_NO_MEMORY(err, 3 * train->dim * sizeof *row);
  }
  for (size_t i = 0; i < train->n; i++) {
    mn_samples_rows_f64(&samples, i, 1, row);
    welford(train->dim, i, row, scaling->shift, scaling->factor);
  }
  for (size_t j = 0; j < train->dim; j++) {
    double deviation = sqrt(scaling->factor[j] / (double)train->n);
    scaling->factor[j] = deviation > 0 ? 1.0 / deviation : 0.0;
  }
  mn_free(row);
  return MN_OK;
}

mn_status mn_scaling_open(mn_scale kind, const mn_data *train, mn_scaling **out, mn_error *err)
{
  *out = NULL;
  if (kind == MN_SCALE_AUTO) kind = train->type == MN_U8 ? MN_SCALE_UNIT : MN_SCALE_NONE;
  mn_scaling *scaling = mn_calloc(1, sizeof *scaling);
  if (!scaling) return MN_NO_MEMORY(err, sizeof *scaling);
  scaling->kind = kind;
  scaling->dim = train->dim;
  mn_status st = kind == MN_SCALE_STANDARD ? fit_standard(train, scaling, err) : MN_OK;
  if (st) mn_scaling_close(&scaling);
  *out = scaling;
  return st;
}

void mn_scaling_close(mn_scaling **scaling)
{
  if (!*scaling) return;
  mn_free((*scaling)->shift);
  mn_free((*scaling)->factor);
  mn_free(*scaling);
  *scaling = NULL;
}
