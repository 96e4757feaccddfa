/* The CIFAR-10 binary version: records of one label byte and 3 planes of 32 x 32 pixels.
 * https://www.cs.toronto.edu/~kriz/cifar.html */
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/input.h"
#include "data/readers.h"

enum { CHANNELS = 3, SIDE = 32, PIXELS = CHANNELS * SIDE * SIDE, RECORD = 1 + PIXELS, LABELS = 10 };

/* Records of a plain file, from its size. The files are read plain only: a gzip file does not tell its size. */
static mn_status count_records(const char *path, const mn_context *ctx, size_t *count, mn_error *err)
{
  char b[32];
  mn_input *in = NULL;
  mn_status st = mn_input_open(path, ctx, &in, err);
  if (st) return st;
  size_t bytes = mn_input_plain_size(in);
  mn_input_close(&in);
  *count = bytes / RECORD;
  if (*count && bytes % RECORD == 0) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: a plain file of a multiple of 3,073 bytes expected, %s found", path,
                 mn_group_digits(bytes, b));
}

static mn_status read_records(const char *path, const mn_context *ctx, size_t count, unsigned char *x, double *y,
                              mn_error *err)
{
  mn_input *in = NULL;
  mn_status st = mn_input_open(path, ctx, &in, err);
  if (!st) st = mn_input_expect(in, count * RECORD, err);
  for (size_t i = 0; i < count && !st; i++) {
    unsigned char label = 0;
    st = mn_input_read(in, &label, 1, err);
    if (!st && label >= LABELS)
      st = MN_FAIL(err, MN_ERR_DATA, "%s: record %zu: a label from 0 to 9 expected, %d found", path, i, label);
    if (!st) st = mn_input_read(in, x + i * PIXELS, PIXELS, err);
    y[i] = label;
  }
  if (!st) st = mn_input_end(in, err);
  mn_input_close(&in);
  return st;
}

mn_status mn_data_read_cifar(const char *const *paths, size_t files, const mn_context *ctx, mn_data **out,
                             mn_error *err)
{
  mn_status st = MN_OK;
  mn_data *data = NULL;
  size_t n = 0, done = 0;
  *out = NULL;
  size_t *count = mn_alloc(files, sizeof *count);
  if (!count) return MN_NO_MEMORY(err, files * sizeof *count);
  for (size_t f = 0; f < files; f++) {
    if ((st = count_records(paths[f], NULL, &count[f], err))) goto done;
    n += count[f];
  }
  if ((st = mn_data_check_room(paths[0], &(mn_data_shape){n, PIXELS, MN_U8, 1, 0}, ctx, err))) goto done;
  if ((st = mn_data_create(n, PIXELS, MN_U8, 1, &data, err))) goto done;
  data->channels = CHANNELS;
  data->height = data->width = SIDE;
  mn_data_set_name(data, paths[0]);
  for (size_t f = 0; f < files; done += count[f++])
    if ((st = read_records(paths[f], ctx, count[f], (unsigned char *)data->x + done * PIXELS, data->y + done, err)))
      goto done;
  *out = data;
  data = NULL;
done:
  mn_data_close(&data);
  mn_free(count);
  return st;
}

mn_status mn_data_open_cifar(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err)
{
  mn_spec spec;
  *out = NULL;
  mn_status st = mn_spec_open(arguments, &spec, err);
  if (st) return st;
  for (size_t i = 0; i < spec.count && !st; i++)
    if (!*spec.parts[i]) st = MN_FAIL(err, MN_ERR_ARGUMENT, "cifar:FILE[,FILE...] expected, '%s' found", arguments);
  if (!st) st = mn_data_read_cifar((const char *const *)spec.parts, spec.count, ctx, out, err);
  mn_spec_close(&spec);
  return st;
}
