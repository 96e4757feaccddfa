#include "data/array.h"

#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/readers.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "NPY files are read and written without swapping bytes");

enum { CHUNK = 1 << 16 }; /* elements of a Fortran-ordered file read at a time */

mn_status mn_array_open(const char *path, const mn_context *ctx, mn_array_header header, mn_array_file *out,
                        mn_error *err)
{
  size_t bytes, whole;
  mn_array_file file = {.count = 1};
  *out = (mn_array_file){0};
  mn_status st = mn_input_open(path, ctx, &file.in, err);
  if (!st) st = header(file.in, &file, err);
  for (size_t i = 0; !st && i < file.ndim; i++) st = mn_size_product(path, file.count, file.shape[i], &file.count, err);
  if (!st) st = mn_size_product(path, file.count, mn_npy_type_size(file.type), &bytes, err);
  if (st) goto done;
  whole = mn_input_position(file.in) + bytes;
  if (whole < bytes) whole = bytes; /* wraps: no file is that long either */
  if ((st = mn_input_expect(file.in, whole, err))) goto done;
  *out = file;
  file.in = NULL;
done:
  mn_array_close(&file);
  return st;
}

void mn_array_close(mn_array_file *file)
{
  mn_input_close(&file->in);
}

/* Offset of the next element of a Fortran-ordered file in C order: `index` counts with the first place fastest. */
static size_t next_offset(const mn_array_file *file, const size_t *stride, size_t *index, size_t offset)
{
  for (size_t i = 0; i < file->ndim; i++) {
    offset += stride[i];
    if (++index[i] < file->shape[i]) break;
    offset -= stride[i] * file->shape[i];
    index[i] = 0;
  }
  return offset;
}

static void scatter(const mn_array_file *file, const unsigned char *chunk, size_t count, size_t *index, size_t *offset,
                    unsigned char *values)
{
  size_t size = mn_npy_type_size(file->type), stride[MN_NPY_MAX_DIMS], step = 1;
  for (size_t i = file->ndim; i-- > 0; step *= file->shape[i]) stride[i] = step;
  for (size_t i = 0; i < count; i++) {
    memcpy(values + *offset * size, chunk + i * size, size);
    *offset = next_offset(file, stride, index, *offset);
  }
}

/* Reads a chunk at a time and puts each element where C order wants it, so that no second copy is needed. */
static mn_status read_fortran(mn_array_file *file, unsigned char *values, mn_error *err)
{
  mn_status st = MN_OK;
  size_t size = mn_npy_type_size(file->type), index[MN_NPY_MAX_DIMS] = {0}, offset = 0;
  unsigned char *chunk = mn_alloc(CHUNK, size);
  if (!chunk) return MN_NO_MEMORY(err, CHUNK * size);
  for (size_t left = file->count; left && !st;) {
    size_t count = left < CHUNK ? left : CHUNK;
    if ((st = mn_input_read(file->in, chunk, count * size, err))) break;
    scatter(file, chunk, count, index, &offset, values);
    left -= count;
  }
  mn_free(chunk);
  return st;
}

static void swap_bytes(unsigned char *values, size_t count, size_t size)
{
  for (size_t i = 0; i < count; i++)
    for (size_t a = i * size, b = a + size - 1; a < b; a++, b--) {
      unsigned char t = values[a];
      values[a] = values[b];
      values[b] = t;
    }
}

mn_status mn_array_read(mn_array_file *file, void *values, mn_error *err)
{
  size_t size = mn_npy_type_size(file->type);
  mn_status st = file->fortran && file->ndim > 1 ? read_fortran(file, values, err)
                                                 : mn_input_read(file->in, values, file->count * size, err);
  if (!st && file->big_endian && size > 1) swap_bytes(values, file->count, size);
  return st ? st : mn_input_end(file->in, err);
}

static double from_u1(const unsigned char *p)
{
  return *p;
}

static double from_i4(const unsigned char *p)
{
  int32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static double from_i8(const unsigned char *p)
{
  int64_t v;
  memcpy(&v, p, sizeof v);
  return (double)v;
}

static double from_f4(const unsigned char *p)
{
  float v;
  memcpy(&v, p, sizeof v);
  return (double)v;
}

static double (*const to_double[])(const unsigned char *) = {
    [MN_NPY_U1] = from_u1, [MN_NPY_I4] = from_i4, [MN_NPY_I8] = from_i8, [MN_NPY_F4] = from_f4}; /* f8 needs none */

/* The narrow values are read into the end of the wide array and widened from its start: each is read before the
 * growing front reaches it. */
mn_status mn_array_read_f64(mn_array_file *file, double *values, mn_error *err)
{
  const double exact = 0x1p53;
  size_t size = mn_npy_type_size(file->type);
  unsigned char *narrow = (unsigned char *)values + file->count * (sizeof *values - size);
  mn_status st = mn_array_read(file, narrow, err);
  if (st || file->type == MN_NPY_F8) return st;
  for (size_t i = 0; i < file->count; i++) {
    double v = to_double[file->type](narrow + i * size);
    if (file->type == MN_NPY_I8 && (v >= exact || v <= -exact))
      return MN_FAIL(err, MN_ERR_DATA, "%s: element %zu is %.0f: integers below 2^53 in magnitude expected",
                     mn_input_path(file->in), i, v);
    memcpy(values + i, &v, sizeof v);
  }
  return MN_OK;
}

static const struct {
  mn_dtype type;
  int convert; /* through read_f64 */
} kept_as[] = {[MN_NPY_U1] = {MN_U8, 0},
               [MN_NPY_I4] = {MN_F64, 1},
               [MN_NPY_I8] = {MN_F64, 1},
               [MN_NPY_F4] = {MN_F32, 0},
               [MN_NPY_F8] = {MN_F64, 0}};

static mn_status check_shapes(const mn_array_file *x, const mn_array_file *y, size_t least_dims, mn_error *err)
{
  char a[32], b[32];
  const char *path = mn_input_path(x->in);
  if (x->ndim < least_dims)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: samples of %zu to 4 dimensions expected, %zu found", path, least_dims,
                   x->ndim);
  if (!x->count) return MN_FAIL(err, MN_ERR_DATA, "%s: at least one sample of one feature expected, none found", path);
  if (!y->in) return MN_OK;
  if (y->ndim < 1 || y->ndim > 2)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: labels or targets of 1 or 2 dimensions expected, %zu found",
                   mn_input_path(y->in), y->ndim);
  if (y->shape[0] != x->shape[0])
    return MN_FAIL(err, MN_ERR_DATA, "%s: %s labels expected, as %s has samples, %s found", mn_input_path(y->in),
                   mn_group_digits(x->shape[0], a), path, mn_group_digits(y->shape[0], b));
  if (!y->count) return MN_FAIL(err, MN_ERR_DATA, "%s: at least one target column expected", mn_input_path(y->in));
  return MN_OK;
}

/* Images are (n, h, w) or (n, c, h, w). */
static void set_image_shape(const mn_array_file *x, mn_data *data)
{
  if (x->ndim < 3) return;
  data->channels = x->ndim == 4 ? x->shape[1] : 1;
  data->height = x->shape[x->ndim - 2];
  data->width = x->shape[x->ndim - 1];
}

mn_status mn_data_read_arrays(const char *x_path, const char *y_path, mn_array_header header, size_t least_dims,
                              const mn_context *ctx, mn_data **out, mn_error *err)
{
  mn_data *data = NULL;
  mn_array_file x = {0}, y = {0};
  mn_status st = mn_array_open(x_path, ctx, header, &x, err);
  if (!st && y_path) st = mn_array_open(y_path, ctx, header, &y, err);
  if (!st) st = check_shapes(&x, &y, least_dims, err);
  if (st) goto done;
  size_t n = x.shape[0], columns = y.in ? y.count / n : 0;
  mn_data_shape shape = {n, x.count / n, kept_as[x.type].type, columns, 0};
  if ((st = mn_data_check_room(x_path, &shape, ctx, err))) goto done;
  if ((st = mn_data_create(n, shape.dim, shape.type, columns, &data, err))) goto done;
  set_image_shape(&x, data);
  mn_data_set_name(data, x_path);
  st = kept_as[x.type].convert ? mn_array_read_f64(&x, data->x, err) : mn_array_read(&x, data->x, err);
  if (!st && y.in) st = mn_array_read_f64(&y, data->y, err);
  if (!st) st = mn_data_check_finite(data, x_path, y_path, err);
  if (st) goto done;
  *out = data;
  data = NULL;
done:
  mn_data_close(&data);
  mn_array_close(&y);
  mn_array_close(&x);
  return st;
}
