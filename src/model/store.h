/* Between the folder of a model and what is written in it. */
#ifndef MN_MODEL_STORE_H
#define MN_MODEL_STORE_H

#include <stdint.h>

#include "model/model.h"

#define MN_STORE_HEADER "model.json"
#define MN_STORE_FORMAT "minnorm model" /* what a header says it is */
/* 2: of features of images, which programs that know version 1 alone must not take for a model of pixels. */
enum { MN_STORE_VERSION = 1, MN_STORE_VERSION_FEATURES = 2 };

/* What is stored. */
typedef struct {
  const mn_model *model;
  const mn_data *samples;    /* the centres; NULL when primal */
  const mn_scaling *scaling; /* of these */
  const mn_map *map;         /* NULL: the model is of the samples themselves */
} mn_store_content;

/* CRC-32 of bytes. */
uint32_t mn_store_checksum(const void *bytes, size_t count);

/* CRC-32 of the sizes, the scaling, the kernel and the features: what the header holds itself and predictions depend
 * on. */
uint32_t mn_store_settings_checksum(const mn_store_content *content);

/* Writes the arrays and then the header into an existing folder. */
mn_status mn_store_write(const mn_store_content *content, const char *folder, mn_error *err);

#endif
