/* The readers of IDX and NPY: two headers in front of the same arrays. */
#include <stdint.h>
#include <string.h>

#include "core/status.h"
#include "data/array.h"
#include "data/readers.h"

/* IDX: two zero bytes, a type, the number of dimensions, then each length as a big-endian 32-bit number.
 * http://yann.lecun.com/exdb/mnist/ */
static const struct {
  unsigned char code;
  mn_npy_type type;
} idx_types[] = {{0x08, MN_NPY_U1}, {0x0c, MN_NPY_I4}, {0x0d, MN_NPY_F4}, {0x0e, MN_NPY_F8}};

static mn_status idx_type(const char *path, unsigned char code, mn_npy_type *out, mn_error *err)
{
  for (size_t i = 0; i < sizeof idx_types / sizeof *idx_types; i++)
    if (idx_types[i].code == code) {
      *out = idx_types[i].type;
      return MN_OK;
    }
  return MN_FAIL(err, MN_ERR_VERSION, "%s: IDX element type 08, 0c, 0d or 0e expected, %02x found", path, code);
}

mn_status mn_array_header_idx(mn_input *in, mn_array_file *out, mn_error *err)
{
  unsigned char m[4], length[4];
  const char *path = mn_input_path(in);
  mn_status st = mn_input_read(in, m, sizeof m, err);
  if (st) return st;
  if (m[0] || m[1])
    return MN_FAIL(err, MN_ERR_FORMAT,
                   "%s: wrong magic number: IDX's 00 00 TYPE DIMENSIONS expected, %02x %02x %02x %02x found", path,
                   m[0], m[1], m[2], m[3]);
  if ((st = idx_type(path, m[2], &out->type, err))) return st;
  if (m[3] < 1 || m[3] > MN_NPY_MAX_DIMS)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: 1 to 4 dimensions expected, %d found", path, m[3]);
  out->big_endian = 1;
  out->ndim = m[3];
  for (size_t i = 0; i < out->ndim && !st; i++) {
    st = mn_input_read(in, length, sizeof length, err);
    if (!st) out->shape[i] = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
  }
  return st;
}

/* Both syntaxes are FILE[,FILE]. */
static mn_status open_pair(const char *syntax, const char *arguments, mn_array_header header, size_t least_dims,
                           const mn_context *ctx, mn_data **out, mn_error *err)
{
  mn_spec spec;
  *out = NULL;
  mn_status st = mn_spec_open(arguments, &spec, err);
  if (st) return st;
  const char *x = spec.parts[0], *y = spec.count > 1 ? spec.parts[1] : NULL;
  if (spec.count > 2 || !*x || (y && !*y))
    st = MN_FAIL(err, MN_ERR_ARGUMENT, "%s expected, '%s' found", syntax, arguments);
  if (!st) st = mn_data_read_arrays(x, y, header, least_dims, ctx, out, err);
  mn_spec_close(&spec);
  return st;
}

mn_status mn_data_read_idx(const char *images, const char *labels, const mn_context *ctx, mn_data **out, mn_error *err)
{
  *out = NULL;
  return mn_data_read_arrays(images, labels, mn_array_header_idx, 1, ctx, out, err);
}

mn_status mn_data_open_idx(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err)
{
  return open_pair("idx:IMAGES[,LABELS]", arguments, mn_array_header_idx, 1, ctx, out, err);
}

mn_status mn_data_open_npy(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err)
{
  return open_pair("npy:X.npy[,Y.npy]", arguments, mn_array_header_npy, 2, ctx, out, err);
}
