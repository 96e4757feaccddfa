#include "core/json.h"

#include <cjson/cJSON.h>

#include "core/memory.h"

static void *hook_malloc(size_t bytes)
{
  return mn_alloc(bytes, 1);
}

void mn_json_use_memory(void)
{
  cJSON_Hooks hooks = {hook_malloc, mn_free};
  cJSON_InitHooks(&hooks);
}
