/* Array files: a header of type and shape, then the values. IDX and NPY differ in their header only. */
#ifndef MN_DATA_ARRAY_H
#define MN_DATA_ARRAY_H

#include "data/input.h"
#include "data/npy.h"
#include "minnorm/data.h"

typedef struct {
  mn_input *in;
  mn_npy_type type;
  int fortran;    /* first index fastest */
  int big_endian; /* of elements longer than a byte */
  size_t ndim;
  size_t shape[MN_NPY_MAX_DIMS];
  size_t count; /* product of the shape */
} mn_array_file;

/* Reads a header: fills type, order and shape. */
typedef mn_status (*mn_array_header)(mn_input *in, mn_array_file *out, mn_error *err);
mn_status mn_array_header_npy(mn_input *in, mn_array_file *out, mn_error *err);
mn_status mn_array_header_idx(mn_input *in, mn_array_file *out, mn_error *err);

/* Opens a file, reads its header and holds the shape against the size of the file. `*out` is all zero on failure. */
mn_status mn_array_open(const char *path, const mn_context *ctx, mn_array_header header, mn_array_file *out,
                        mn_error *err);
void mn_array_close(mn_array_file *file);

/* Reads all values, in C order and the type of the file (count elements), or as doubles (integers beyond 2^53, which a
 * double cannot hold, are MN_ERR_DATA); then nothing may follow in the file. */
mn_status mn_array_read(mn_array_file *file, void *values, mn_error *err);
mn_status mn_array_read_f64(mn_array_file *file, double *values, mn_error *err);

/* A data set of one array of samples (n, d), (n, h, w) or (n, c, h, w) and one of targets, (n) or (n, columns).
 * y_path NULL: samples without targets. Images of least_dims = 1 may also be (n). */
mn_status mn_data_read_arrays(const char *x_path, const char *y_path, mn_array_header header, size_t least_dims,
                              const mn_context *ctx, mn_data **out, mn_error *err);

#endif
