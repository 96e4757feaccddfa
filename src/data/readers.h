/* Readers: one row of a table for each syntax that mn_data_open understands. */
#ifndef MN_DATA_READERS_H
#define MN_DATA_READERS_H

#include <stddef.h>

#include "minnorm/data.h"

/* Each reads what stands after the colon of a spec. `*out` is NULL on failure. */
mn_status mn_data_open_idx(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err);
mn_status mn_data_open_cifar(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err);
mn_status mn_data_open_npy(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err);
mn_status mn_data_open_libsvm(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err);
mn_status mn_data_open_csv(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err);
mn_status mn_data_open_synth(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err);

/* Reads records of one label byte and 3,072 pixel bytes from files, one after another. */
mn_status mn_data_read_cifar(const char *const *paths, size_t count, const mn_context *ctx, mn_data **out,
                             mn_error *err);

/* Reads an IDX pair; labels NULL: samples without targets. */
mn_status mn_data_read_idx(const char *images, const char *labels, const mn_context *ctx, mn_data **out, mn_error *err);

/* A comma-separated argument list, cut into its parts. */
typedef struct {
  char *text;   /* what the parts point into */
  char **parts; /* count strings */
  size_t count;
} mn_spec;

mn_status mn_spec_open(const char *arguments, mn_spec *out, mn_error *err);
void mn_spec_close(mn_spec *spec);

/* Takes KEY=VALUE, an integer in least ... most, out of the parts if it is there; `*value` stays as it was if not. */
mn_status mn_spec_take_size(mn_spec *spec, const char *key, size_t least, size_t most, size_t *value, mn_error *err);

/* MN_ERR_BUDGET when bytes are more than the context's budget, or the machine, has room for: to be asked before they
 * are allocated. `what` ends in a verb: "mirror images of 100 samples need". */
mn_status mn_data_check_bytes(const char *path, const char *what, size_t bytes, const mn_context *ctx, mn_error *err);

/* The same for a set of this shape. */
typedef struct {
  size_t n, dim;
  mn_dtype type;
  size_t columns;
  size_t beside; /* bytes that reading takes beside the set */
} mn_data_shape;
mn_status mn_data_check_room(const char *path, const mn_data_shape *shape, const mn_context *ctx, mn_error *err);

/* Sets data->name to the last component of a path, cut to what fits. */
void mn_data_set_name(mn_data *data, const char *path);

/* Makes a data set of doubles of arrays that the caller allocated; on failure they remain the caller's. */
mn_status mn_data_adopt(size_t n, size_t dim, double *x, size_t columns, double *y, mn_data **out, mn_error *err);

/* MN_ERR_DATA when a feature or a target is NaN or infinite, naming the file, the row and the column. */
mn_status mn_data_check_finite(const mn_data *data, const char *x_path, const char *y_path, mn_error *err);

/* Text of a file fit for a message: in quotes, cut to 40 characters, control characters as '?'. Returns `out`. */
enum { MN_QUOTE_ROOM = 48 };
char *mn_quote(const char *text, size_t length, char out[MN_QUOTE_ROOM]);

/* a * b, or MN_ERR_FORMAT with `path` named when it does not fit. */
mn_status mn_size_product(const char *path, size_t a, size_t b, size_t *out, mn_error *err);

#endif
