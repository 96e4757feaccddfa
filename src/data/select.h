#ifndef MN_DATA_SELECT_H
#define MN_DATA_SELECT_H

#include "minnorm/data.h"

/* A new data set of the n samples that `index` names (NULL: the first n), in that order. */
mn_status mn_data_select(const mn_data *data, const size_t *index, size_t n, mn_data **out, mn_error *err);

#endif
