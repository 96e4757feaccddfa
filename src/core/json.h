#ifndef MN_CORE_JSON_H
#define MN_CORE_JSON_H

/* Makes cJSON allocate through core/memory.h, so that its allocations are counted and can be made to fail. */
void mn_json_use_memory(void);

#endif
