/* NPY: one array a file, as numpy.save writes it (numpy/lib/format.py, versions 1.0, 2.0 and 3.0; little-endian). */
#ifndef MN_DATA_NPY_H
#define MN_DATA_NPY_H

#include <stddef.h>

#include "core/atomic_file.h"
#include "minnorm/status.h"

typedef enum { MN_NPY_U1, MN_NPY_I4, MN_NPY_I8, MN_NPY_F4, MN_NPY_F8 } mn_npy_type;

enum { MN_NPY_MAX_DIMS = 4 };

/* Bytes of one element; the name numpy has for the type, "<f8". */
size_t mn_npy_type_size(mn_npy_type type);
const char *mn_npy_type_string(mn_npy_type type);

/* An array in memory. */
typedef struct {
  mn_npy_type type;
  size_t ndim;
  size_t shape[MN_NPY_MAX_DIMS];
  size_t count; /* product of the shape */
  void *values; /* count elements, C order, 64-byte aligned; owned */
} mn_npy;

/* Reads a file of up to 4 dimensions; Fortran order becomes C order. The header is checked against the size of the file
 * before anything is allocated. Values are as they are: NaN is not looked for. `*out` is all zero on failure. */
mn_status mn_npy_read(const char *path, mn_npy *out, mn_error *err);

/* The same for a file that has to have this type and shape, where a 0 in `shape` stands for any length (the caller
 * finds it in out->shape); anything else is MN_ERR_FORMAT saying what was expected and what was found. */
mn_status mn_npy_read_as(const char *path, mn_npy_type type, size_t ndim, const size_t *shape, mn_npy *out,
                         mn_error *err);

/* Releases the values and zeroes the array; fine on a zero array. */
void mn_npy_free(mn_npy *array);

/* Writes an array atomically (core/atomic_file.h), C order. */
mn_status mn_npy_write(const char *path, mn_npy_type type, size_t ndim, const size_t *shape, const void *values,
                       mn_error *err);

/* Formats magic, version and dictionary; the result is a multiple of 64 bytes, at most MN_NPY_HEADER_ROOM. */
enum { MN_NPY_HEADER_ROOM = 256 };
size_t mn_npy_format_header(mn_npy_type type, size_t ndim, const size_t *shape, char out[MN_NPY_HEADER_ROOM]);

/* Writes the header alone, for an array whose values follow block by block with mn_atomic_file_write. */
mn_status mn_npy_write_header(mn_atomic_file *file, mn_npy_type type, size_t ndim, const size_t *shape, mn_error *err);

#endif
