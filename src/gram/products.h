/* Inside of kept inner products.
 *
 * Rows are the n training samples, then the m test samples; columns are the training samples. Panel J has columns
 * J tile ... and the rows from J tile on, ROW-major with its columns as leading dimension, one after the other: with
 * features X as columns (dim x rows) it is the one product X_J' X, and any rows of it are contiguous. A tile (I, J) is
 * `tile` rows of a panel; tiles of rows begin anew with the test samples. In the tile I = J the products above the
 * diagonal are there too. Across, panels have the rows of the test samples alone. */
#ifndef MN_GRAM_PRODUCTS_H
#define MN_GRAM_PRODUCTS_H

#include "core/md5.h"
#include "minnorm/products.h"

enum { MN_PRODUCTS_TILE = 512 };

struct mn_products {
  size_t n, m, tile;
  size_t train;   /* training samples of the products that these are the first of: n, but where a part was loaded */
  int across;     /* 1: of test samples with training samples alone */
  size_t columns; /* of tiles, ceil(n / tile) */
  size_t rows;    /* of tiles: those, and ceil(m / tile) */
  mn_dtype type;
  size_t dim, done;
  char *text;
  uint64_t *samples;      /* n + m: a hash of each sample as it is in its data set */
  double *norms;          /* n + m: squared */
  double *shift, *factor; /* dim: what a feature had subtracted and was multiplied by; 0 and 1 where nothing is done */
  int bfloat16;           /* features to be added are such numbers, see bfloat16.h; of no consequence afterwards */
  double scale;           /* of the products and squared norms, as they are read: 1 but on the way to all features */
  double *inverse;        /* n + m: 1 / norm, for samples to be scaled to norm 1; NULL: as they are */
  void **panel;           /* columns; NULL: on disk */
  int fd;                 /* -1: in memory */
  char *path;             /* for messages; NULL in memory */
  uint32_t *checksums;    /* by ticket; of tiles on disk */
  char *folder;           /* where the products are saved as they are now; NULL: nowhere */
};

/* In memory, without any features. text is copied. */
mn_status mn_products_open(size_t n, size_t m, size_t tile, mn_dtype type, size_t dim, const char *text,
                           mn_products **out, mn_error *err);

/* The same of test samples with training samples alone, to be predicted and not to be saved. */
mn_status mn_products_open_across(size_t n, size_t m, size_t tile, mn_dtype type, size_t dim, const char *text,
                                  mn_products **out, mn_error *err);

/* For those that fill them in otherwise: without panels; with panels, undefined; without them again. */
mn_status mn_products_open_empty(size_t n, size_t m, size_t tile, mn_dtype type, size_t dim, const char *text,
                                 mn_products **out, mn_error *err);
mn_status mn_products_allocate_panels(mn_products *products, mn_error *err);
void mn_products_free_panels(mn_products *products);

/* Bytes of the products of n training and m test samples. */
double mn_products_bytes(size_t n, size_t m, mn_dtype type);

/* Adds the products of `count` more features, and their part of the norms; x: (n + m) x count, row-major, leading
 * dimension ld. The same bits for any number of threads. Phase "products", in flops. */
mn_status mn_products_add(mn_products *products, size_t count, const float *x, size_t ld, int threads,
                          const mn_context *ctx, mn_error *err);

/* Flops of it. */
double mn_products_flops(const mn_products *products, size_t count);

/* Bytes that it allocates, and flops of `count` features. */
double mn_products_add_bytes(size_t n, size_t m, mn_dtype type, int bfloat16);
double mn_products_add_flops(size_t n, size_t m, size_t count);

/* Gflop/s of it, measured with a tile a thread for a quarter of a second. */
mn_status mn_products_rate(mn_dtype type, int bfloat16, int threads, double *gflops, mn_error *err);

/* A hash of a sample's bytes. */
uint64_t mn_products_hash(const mn_data *data, size_t i);

/* Adds to a sum all that tells a view of kept products from others: hashes and norms of its samples, and what they are
 * of. */
void mn_products_sign(const mn_samples *samples, mn_md5 *md5);

/* Columns of panel J; first row of tile row I, and how many it has; tiles in all, and the number of one of them. */
size_t mn_products_width(const mn_products *products, size_t j);
size_t mn_products_first(const mn_products *products, size_t i);
size_t mn_products_height(const mn_products *products, size_t i);
size_t mn_products_tiles(const mn_products *products);
size_t mn_products_ticket(const mn_products *products, size_t i, size_t j);
size_t mn_products_tile_of_row(const mn_products *products, size_t row);

/* Elements before panel J; of all for J = columns. */
size_t mn_products_offset(const mn_products *products, size_t j);

/* A thread's tile from disk. */
typedef struct {
  void *space;   /* tile x tile */
  size_t ticket; /* what it holds; SIZE_MAX: nothing */
} mn_products_buffer;

/* Tile (I, J), I >= J, height x width row-major: in memory where it is, or read into the buffer and checked. NULL after
 * a failure. */
const void *mn_products_tile(const mn_products *products, size_t i, size_t j, mn_products_buffer *buffer,
                             mn_error *err);

/* products_file.c: tile (I, J) from disk. */
mn_status mn_products_read(const mn_products *products, size_t i, size_t j, void *to, mn_error *err);

#endif
