#include <string.h>

#include "core/md5.h"
#include "minnorm/data.h"

void mn_data_fingerprint(const mn_data *data, char text[33])
{
  const uint64_t sizes[] = {data->n, data->dim, data->channels, data->height, data->width, data->columns};
  const uint64_t type = (uint64_t)data->type;
  mn_md5 md5;
  mn_md5_open(&md5);
  mn_md5_add(&md5, sizes, sizeof sizes);
  mn_md5_add(&md5, &type, sizeof type);
  mn_md5_add(&md5, data->x, data->n * data->dim * mn_dtype_size(data->type));
  if (data->columns) mn_md5_add(&md5, data->y, data->n * data->columns * sizeof *data->y);
  mn_md5_close(&md5, text);
}
