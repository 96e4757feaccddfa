#include "core/json.h"

#include <string.h>

#include "core/memory.h"
#include "core/status.h"

static void *hook_malloc(size_t bytes)
{
  return mn_alloc(bytes, 1);
}

void mn_json_use_memory(void)
{
  cJSON_Hooks hooks = {hook_malloc, mn_free};
  cJSON_InitHooks(&hooks);
}

mn_status mn_json_object(const char *path, const char *text, const char **end, cJSON **out, mn_error *err)
{
  mn_json_use_memory();
  long failures = mn_memory_failures();
  *out = cJSON_ParseWithOpts(text, end, 0);
  if (cJSON_IsObject(*out)) return MN_OK;
  cJSON_Delete(*out);
  *out = NULL;
  if (mn_memory_failures() != failures) return MN_NO_MEMORY(err, strlen(text));
  if (text[strspn(text, " \t\r\n")] == '{') text = "a damaged one";
  size_t shown = strcspn(text, "\r\n"), most = 40;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s%sa JSON object expected, %.*s found", path ? path : "", path ? ": " : "",
                 (int)(shown < most ? shown : most), text);
}
