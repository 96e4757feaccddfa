/* Models on disk: a folder with model.json and .npy arrays, each with a CRC-32 in the header, so that a damaged file is
 * told from a good one. core/folder.h makes it appear only when whole. */
#include "model/store.h"

#include <stdio.h>
#include <zlib.h>

#include "core/folder.h"
#include "core/status.h"

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

uint32_t mn_store_settings_checksum(const mn_model *m)
{
  const mn_kernel *k = &m->report.kernel;
  char text[512];
  int length = snprintf(text, sizeof text, "%zu %zu %zu %zu %zu %d %d %d %a %a %d %d", m->report.n_train, m->report.dim,
                        m->outputs, m->report.classes, m->unknowns, m->primal, (int)m->scaling->kind, (int)k->name,
                        k->gamma, k->coef0, k->degree, k->depth);
  return mn_store_checksum(text, (size_t)length);
}

mn_status mn_model_check_path(const char *path, mn_error *err)
{
  return mn_folder_check(&kind, path, err);
}

static mn_status fill(void *arg, const char *folder, mn_error *err)
{
  const mn_model *const *model = arg;
  return mn_store_write(*model, folder, err);
}

mn_status mn_model_save(const mn_model *model, const char *path, mn_error *err)
{
  if (model->products)
    return MN_FAIL(err, MN_ERR_UNSUPPORTED,
                   "%s: a model of features cannot be saved yet; their products can "
                   "(--save-gram)",
                   path);
  return mn_folder_write(&kind, path, fill, &model, err);
}
