/* Input files, plain or gzip alike: read exactly, skip, lines. What a header claims is held against the size of the
 * file before the caller allocates anything. */
#ifndef MN_DATA_INPUT_H
#define MN_DATA_INPUT_H

#include <stddef.h>

#include "minnorm/context.h"
#include "minnorm/status.h"

typedef struct mn_input mn_input;

/* Opens a file; gzip is recognised by its first bytes (a name that ends in .gz has to be gzip). Long files report their
 * progress through ctx, which may be NULL. */
mn_status mn_input_open(const char *path, const mn_context *ctx, mn_input **out, mn_error *err);
void mn_input_close(mn_input **in);

const char *mn_input_path(const mn_input *in);

/* Bytes handed out so far, after decompression. */
size_t mn_input_position(const mn_input *in);

/* MN_ERR_FORMAT unless the whole file can hold `bytes` after decompression: exactly that many in a plain file, no more
 * than deflate can make of the file's size in a .gz. Call before allocating what a header claims. */
mn_status mn_input_expect(mn_input *in, size_t bytes, mn_error *err);

/* 1: a regular file, which can be opened again and is the same then. */
int mn_input_is_regular(const mn_input *in);

/* Size of a plain file; 0 for gzip and for what is no regular file. */
size_t mn_input_plain_size(const mn_input *in);

/* Reads exactly `count` bytes. A shorter file is MN_ERR_FORMAT with the counts, of the whole file if mn_input_expect
 * was called. */
mn_status mn_input_read(mn_input *in, void *to, size_t count, mn_error *err);

/* MN_ERR_FORMAT unless everything was read; in a .gz this is what verifies the check sum of the end. */
mn_status mn_input_end(mn_input *in, mn_error *err);

/* The next line without its newline (or CR LF), 0-terminated, valid until the next call; NULL after the last. A zero
 * byte inside a line is MN_ERR_FORMAT. `*number` counts lines from 1. */
mn_status mn_input_line(mn_input *in, char **line, size_t *number, mn_error *err);

#endif
