#include "core/status.h"
#include "features/map.h"

mn_status mn_features_draw(const mn_features *features, const char *path, mn_error *err)
{
  mn_data *images = NULL;
  size_t cols = 0;
  if (!features->row->picture)
    return MN_FAIL(err, MN_ERR_UNSUPPORTED, "there is no picture of the map %s", features->row->name);
  mn_status st = features->row->picture(features, &images, &cols, err);
  if (!st) st = mn_data_write_png(images, (images->n + cols - 1) / cols, cols, path, err);
  mn_data_close(&images);
  return st;
}
