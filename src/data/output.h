/* Output files: atomic (core/atomic_file.h), compressed when the name ends in .gz. */
#ifndef MN_DATA_OUTPUT_H
#define MN_DATA_OUTPUT_H

#include <stddef.h>

#include "minnorm/status.h"

typedef struct mn_output mn_output;

mn_status mn_output_open(const char *path, mn_output **out, mn_error *err);
mn_status mn_output_write(mn_output *out, const void *bytes, size_t count, mn_error *err);

/* Short formatted text, below 512 characters. */
mn_status mn_output_print(mn_output *out, mn_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Ends the compression and syncs, without giving the file its name; optional before commit. */
mn_status mn_output_sync(mn_output *out, mn_error *err);

/* Gives the file its name and releases the object whatever the outcome. */
mn_status mn_output_commit(mn_output **out, mn_error *err);

/* Leaves nothing behind; NULL is fine. */
void mn_output_abort(mn_output **out);

#endif
