/* What the tests of the data module share: small files of every format, made by code that knows nothing of the library.
 */
#ifndef MN_TESTS_DATA_SUPPORT_H
#define MN_TESTS_DATA_SUPPORT_H

#include "minnorm/data.h"
#include "support.h"

/* The temporary directory of a test program. */
extern char dir[256];
int make_dir(void **state);
int remove_dir(void **state);

/* Bytes that grow. */
typedef struct {
  unsigned char bytes[1 << 14];
  size_t count;
} file_bytes;

void put(file_bytes *f, const void *bytes, size_t count);
void put_text(file_bytes *f, const char *text);
void put_byte(file_bytes *f, int byte);
void put_big_endian(file_bytes *f, uint64_t value, size_t size);

/* An IDX header; a version 1 NPY header with this dictionary. */
void put_idx(file_bytes *f, int type, size_t ndim, const size_t *shape);
void put_npy(file_bytes *f, const char *dictionary);

/* The same bytes as a gzip file. */
void compress_gz(const file_bytes *from, file_bytes *to);

/* Saves to DIR/NAME. */
void save(const file_bytes *f, const char *name);

/* Opens a spec in which every @ stands for DIR/. */
mn_status open_spec(const char *spec, mn_data **out, mn_error *err);
mn_status write_spec(const mn_data *data, const char *spec, mn_error *err);

/* The same, under a budget of what the process holds and `more` bytes, and closes; counts reports of progress. */
mn_status open_within(const char *spec, size_t more, int *reports, mn_error *err);

/* Opens and asserts that it works. */
mn_data *must_open(const char *spec);

/* Asserts the status and that the message holds each of up to two texts, in one line; and that nothing is left. */
void must_fail_once(const char *spec, mn_status status, const char *text, const char *more);

/* The same, and once more without an error record. */
void must_fail(const char *spec, mn_status status, const char *text, const char *more);

/* Asserts equal shapes, types, features and targets, bit for bit. */
void must_equal(const mn_data *a, const mn_data *b);

/* Files in the directory. */
size_t files_there(void);

#endif
