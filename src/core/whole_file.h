/* Small files as one text. */
#ifndef MN_CORE_WHOLE_FILE_H
#define MN_CORE_WHOLE_FILE_H

#include <stddef.h>

#include "minnorm/status.h"

/* All of a file and a zero behind it, to be released with mn_free. MN_ERR_IO; MN_ERR_FORMAT for more than `most` bytes.
 */
mn_status mn_whole_file_read(const char *path, size_t most, char **text, mn_error *err);

#endif
