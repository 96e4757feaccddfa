/* Inner products of samples, kept: of n training samples with each other, and of m test samples with these. Features
 * that are too many to be held at once are added block by block; every kernel, ridge, bandwidth and label is then
 * fitted and predicted without them, from memory or from disk. */
#ifndef MINNORM_PRODUCTS_H
#define MINNORM_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

#include "minnorm/context.h"
#include "minnorm/data.h"
#include "minnorm/samples.h"
#include "minnorm/status.h"
#include "minnorm/types.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_products mn_products;

typedef struct {
  size_t n, m;      /* training and test samples */
  mn_dtype type;    /* of a product, MN_F32 or MN_F64; squared norms are in fp64 */
  size_t dim, done; /* features in all, and of how many the products are the sums so far */
  int on_disk;      /* 1: read tile by tile when they are wanted */
  int unit;         /* 1: of samples scaled to norm 1 */
  double bytes;     /* of the products */
  const char *text; /* what they are of, in the maker's words */
} mn_products_info;

void mn_products_close(mn_products **products);
mn_products_info mn_products_get(const mn_products *products);

/* From now on the products are those of samples scaled to norm 1; one of norm 0 stays 0. What is saved does not change.
 */
mn_status mn_products_normalise(mn_products *products, mn_error *err);

/* Products of at most 2,048 samples, all 0, in the place of those of n training samples that are still to be made: for
 * forecasts. */
mn_status mn_products_to_come(size_t n, mn_dtype type, mn_products **out, mn_error *err);

/* Keeps the products in a folder, which is made when there is none (but not those above it), in place of the products
 * kept there before: the data are written beside the earlier ones and synced, and one file, the index, is exchanged at
 * the end, so that a stop at any moment leaves one of the two. A folder that has other files too may serve;
 * one where another process is saving products is MN_ERR_IO. Phase "save", in bytes. */
mn_status mn_products_save(mn_products *products, const char *folder, const mn_context *ctx, mn_error *err);

/* MN_OK when products could be kept there now: to be asked before hours of work. Leaves nothing behind. */
mn_status mn_products_check_folder(const char *folder, mn_error *err);

/* Whether a folder has an index of products. */
int mn_products_exist(const char *folder);

/* Removes data that a process killed at the end of its save had no time to; nothing while another one saves there. */
void mn_products_tidy(const char *folder);

/* Removes the products that a folder keeps, and the folder if it is empty then; none is fine. */
void mn_products_remove(const char *folder);

/* Opens products that a folder keeps: in memory if in_memory, and then the first n of the training samples and m of the
 * test samples (0: all), else all of them, read from the file tile by tile. A tile is checked whenever it is read: a
 * flipped bit is MN_ERR_FORMAT. More samples than are kept are MN_ERR_DATA. Products to which features have still to be
 * added are MN_ERR_DATA unless `unfinished` allows them. Phase "load", in bytes. */
mn_status mn_products_load(const char *folder, size_t n, size_t m, int in_memory, int unfinished, const mn_context *ctx,
                           mn_products **out, mn_error *err);

/* Gives the memory back: the products are on disk from then on, in the folder where they are saved as they are, else in
 * a file without a name in `scratch` (NULL: $TMPDIR, else /tmp), which goes with the process. Phase "save". */
mn_status mn_products_to_disk(mn_products *products, const char *scratch, const mn_context *ctx, mn_error *err);

/* MN_ERR_DATA, naming the first that differs, unless these are the first of the samples that the products are of.
 * Targets do not count. Either may be NULL. */
mn_status mn_products_check(const mn_products *products, const mn_data *train, const mn_data *test, mn_error *err);

/* Samples of which nothing but their products is known: the first n of the training set, or m of the test set. Kernels
 * between samples of these two take them like any others; two test samples have no product. */
mn_samples mn_products_train(const mn_products *products, size_t n);
mn_samples mn_products_test(const mn_products *products, size_t m);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
