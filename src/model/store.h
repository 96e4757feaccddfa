/* Between the folder of a model and what is written in it. */
#ifndef MN_MODEL_STORE_H
#define MN_MODEL_STORE_H

#include <stdint.h>

#include "model/model.h"

#define MN_STORE_HEADER "model.json"
#define MN_STORE_FORMAT "minnorm model" /* what a header says it is */
enum { MN_STORE_VERSION = 1 };

/* CRC-32 of bytes. */
uint32_t mn_store_checksum(const void *bytes, size_t count);

/* CRC-32 of the sizes, the scaling and the kernel: what the header holds itself and predictions depend on. */
uint32_t mn_store_settings_checksum(const mn_model *model);

/* Writes the arrays and then the header into an existing folder. */
mn_status mn_store_write(const mn_model *model, const char *folder, mn_error *err);

#endif
