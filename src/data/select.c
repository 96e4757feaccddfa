#include "data/select.h"

#include <string.h>

mn_status mn_data_select(const mn_data *data, const size_t *index, size_t n, mn_data **out, mn_error *err)
{
  size_t row_bytes = data->dim * mn_dtype_size(data->type), columns = data->columns;
  mn_status st = mn_data_create(n, data->dim, data->type, columns, out, err);
  if (st) return st;
  mn_data *to = *out;
  to->channels = data->channels;
  to->height = data->height;
  to->width = data->width;
  memcpy(to->name, data->name, sizeof to->name);
  for (size_t i = 0; i < n; i++) {
    size_t source = index ? index[i] : i;
    memcpy((char *)to->x + i * row_bytes, (const char *)data->x + source * row_bytes, row_bytes);
    if (columns) memcpy(to->y + i * columns, data->y + source * columns, columns * sizeof *to->y);
  }
  return MN_OK;
}
