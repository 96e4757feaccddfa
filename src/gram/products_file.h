/* Between kept products and their files: the index, a header of fixed size and what products.h holds besides the
 * products themselves; and the data, tile by tile in the order of tickets, under one of two names, so that the next
 * ones are written beside them. Numbers are in the byte order of the machine; the magic number tells it. */
#ifndef MN_GRAM_PRODUCTS_FILE_H
#define MN_GRAM_PRODUCTS_FILE_H

#include "gram/products.h"

#define MN_PRODUCTS_INDEX "products.index"

/* "folder/products.0" or ".1", to be released with mn_free. */
char *mn_products_data_path(const char *folder, uint32_t generation, mn_error *err);

/* Opens what an index tells, on disk, without its data; and which data these are. */
mn_status mn_products_index_read(const char *folder, mn_products **out, uint32_t *generation, mn_error *err);

/* Exchanges the index; its checksums are those of the data, which have to be on the disk. */
mn_status mn_products_index_write(const mn_products *products, const char *folder, uint32_t generation, mn_error *err);

/* Bytes of the data before tile (I, J). */
size_t mn_products_tile_offset(const mn_products *products, size_t i, size_t j);

#endif
