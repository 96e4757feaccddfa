#ifndef MN_CORE_JSON_H
#define MN_CORE_JSON_H

#include <cjson/cJSON.h>

#include "minnorm/status.h"

/* Makes cJSON allocate through core/memory.h, so that its allocations are counted and can be made to fail. */
void mn_json_use_memory(void);

/* The object that a text begins with, to be released with cJSON_Delete, and where it ends (NULL: not asked for).
 * MN_ERR_FORMAT when it begins with something else; the message names the path, where there is one. */
mn_status mn_json_object(const char *path, const char *text, const char **end, cJSON **out, mn_error *err);

#endif
