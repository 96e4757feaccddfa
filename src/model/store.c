/* Models on disk: a folder with model.json and .npy arrays, each with a CRC-32 in the header, so that a damaged file is
 * told from a good one. core/folder.h makes it appear only when whole. */
#include "model/store.h"

#include <stdio.h>
#include <zlib.h>

#include "core/folder.h"
#include "core/status.h"
#include "data/select.h"

static const mn_folder_kind kind = {.header = MN_STORE_HEADER, .format = MN_STORE_FORMAT, .noun = "a model"};

uint32_t mn_store_checksum(const void *bytes, size_t count)
{
  const size_t most = (size_t)1 << 30; /* zlib counts in 32 bits */
  const unsigned char *p = bytes;
  uLong crc = crc32(0, NULL, 0);
  for (; count; p += count < most ? count : most, count -= count < most ? count : most)
    crc = crc32(crc, p, (uInt)(count < most ? count : most));
  return (uint32_t)crc;
}

uint32_t mn_store_settings_checksum(const mn_store_content *content)
{
  const mn_model *m = content->model;
  const mn_map *map = content->map;
  const mn_kernel *k = &m->report.kernel;
  char text[512 + MN_STREAM_TEXT];
  int length = snprintf(text, sizeof text, "%zu %zu %zu %zu %zu %d %d %d %a %a %d %d", m->report.n_train, m->report.dim,
                        m->outputs, m->report.classes, m->unknowns, m->primal, (int)content->scaling->kind,
                        (int)k->name, k->gamma, k->coef0, k->degree, k->depth);
  if (map)
    length += snprintf(text + length, sizeof text - (size_t)length, " %zu %zu %zu %d %d %.*s", map->channels,
                       map->height, map->width, map->unit, (int)map->type, MN_STREAM_TEXT - 1, map->text);
  return mn_store_checksum(text, (size_t)length);
}

mn_status mn_model_check_path(const char *path, mn_error *err)
{
  return mn_folder_check(&kind, path, err);
}

static mn_status fill(void *arg, const char *folder, mn_error *err)
{
  return mn_store_write(arg, folder, err);
}

/* Of a fit to products: the map is opened again, and the images are taken from the training set. */
static mn_status save_features(const mn_model *model, const char *path, mn_error *err)
{
  mn_map *map = NULL;
  mn_scaling *scaling = NULL;
  mn_data *kept = NULL;
  mn_status st = mn_map_of_products(model->products, model->train, &scaling, &map, err);
  if (!st && model->keep) st = mn_data_select(model->train, model->keep, model->samples.n, &kept, err);
  mn_store_content content = {model, kept ? kept : model->train, scaling, map};
  if (!st) st = mn_folder_write(&kind, path, fill, &content, err);
  mn_data_close(&kept);
  mn_scaling_close(&scaling);
  mn_map_close(&map);
  return st;
}

mn_status mn_model_save(const mn_model *model, const char *path, mn_error *err)
{
  mn_store_content content = {model, model->samples.data, model->scaling, model->map};
  return model->products ? save_features(model, path, err) : mn_folder_write(&kind, path, fill, &content, err);
}
