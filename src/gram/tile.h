/* One tile of a Gram matrix: inner products of a block of rows and a block of columns, and the kernel's transform.
 *
 * Three engines have the inner products. Samples that are bytes, as they are or divided by 255, are multiplied in
 * integers (bytes.h): exact, and several times faster where the processor has the instructions. Kept products
 * (products.h) are copied, or read from disk. All others are converted and handed to gemm, for kernels of distances
 * with a center taken off. */
#ifndef MN_GRAM_TILE_H
#define MN_GRAM_TILE_H

#include <stddef.h>
#include <stdint.h>

#include "gram/bytes.h"
#include "gram/kernels.h"
#include "gram/products.h"
#include "linalg/blas.h"
#include "minnorm/samples.h"

/* One side of the matrix. */
typedef struct {
  const mn_samples *samples;
  size_t tile;       /* the most samples of a tile */
  double *norms;     /* n: squared norms as the transform takes them */
  float *norms32;    /* n, the same rounded; NULL in fp64 */
  uint32_t *squares; /* n: squared norms of the bytes; NULL with gemm */
} mn_tile_side;

typedef struct mn_tile_engine mn_tile_engine;

/* What the threads of a pass share. */
typedef struct {
  const mn_tile_engine *engine;
  const mn_kernel *kernel;
  const mn_kernel_row *row;
  const mn_blas *blas;
  const mn_bytes_level *bytes; /* NULL: another engine */
  int of_distance;             /* the transform needs r^2 alone: center with gemm, else -r^2/2 and norms of 0 */
  double scale2;               /* bytes: what an inner product is multiplied by */
  double *center;              /* gemm: dim, subtracted from every sample; NULL: none */
  mn_tile_side rows, cols;     /* cols has no samples and no arrays of its own for a symmetric matrix */
} mn_tiles;

/* One thread's blocks: samples as the engine reads them. */
typedef struct {
  void *xi, *xj;             /* gemm: tile x dim each, row-major; bytes: panels of cells */
  size_t first_i, first_j;   /* what they hold now; SIZE_MAX: nothing */
  double *row;               /* gemm: dim, for conversions */
  int32_t *start;            /* bytes: what the inner products of the rows start from */
  mn_products_buffer stored; /* products: a tile from disk */
  double *dots;              /* products: tile x tile, for kernels of angles; else NULL */
  mn_error error;            /* products: the first failure to read; nothing is computed from then on */
} mn_tile_blocks;

/* A way to have inner products. */
struct mn_tile_engine {
  /* side->norms, and what else the engine keeps of a side; open and compute as the calls below. */
  mn_status (*norms)(const mn_tiles *t, int threads, mn_tile_side *side, mn_error *err);
  int (*open)(const mn_tiles *t, mn_tile_blocks *b);
  void (*compute)(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n, void *tile,
                  size_t ld);
};
extern const mn_tile_engine mn_tile_bytes_engine, mn_tile_products_engine;

/* Chooses the engine and computes the norms. rows.tile and cols.tile are set by the caller, all else is 0; cols NULL:
 * the matrix is symmetric. of_distance as in mn_tiles. Closed after a failure, too. */
mn_status mn_tiles_open(mn_tiles *t, const mn_samples *rows, const mn_samples *cols, const mn_kernel *kernel,
                        int of_distance, mn_dtype type, int threads, mn_error *err);
void mn_tiles_close(mn_tiles *t);

/* 1 when all could be allocated; closed in either case. */
int mn_tile_blocks_open(const mn_tiles *t, mn_tile_blocks *b);
void mn_tile_blocks_close(mn_tile_blocks *b);

/* What computing tiles has met with: reading kept products may fail. */
mn_status mn_tile_blocks_status(const mn_tile_blocks *b, mn_error *err);

/* Bytes that mn_tiles_open and the blocks of all threads take, by the engine that serves such samples; of those only
 * the number and the kind count, not what they hold. Tiles of row_tile x col_tile; cols NULL: the matrix is symmetric.
 */
double mn_tiles_bytes(const mn_samples *rows, const mn_samples *cols, size_t row_tile, size_t col_tile, mn_dtype type,
                      int threads);

/* K(rows i0 ... i0 + m - 1, columns j0 ... j0 + n - 1) into `tile`, column-major with leading dimension ld. Tiles that
 * share a block with the one before are cheaper. */
void mn_tile_compute(const mn_tiles *t, mn_tile_blocks *b, size_t i0, size_t m, size_t j0, size_t n, void *tile,
                     size_t ld);

/* k(x, x) + ridge of rows i0 ... on the diagonal of a tile, from the norms alone. */
void mn_tile_diagonal(const mn_tiles *t, size_t i0, size_t m, double ridge, void *tile, size_t ld);

/* For the engines: columns of a symmetric matrix are its rows; the transform of inner products in place; an element of
 * the tile. */
const mn_tile_side *mn_tile_cols(const mn_tiles *t);
void mn_tile_transform(const mn_tiles *t, size_t i0, size_t m, size_t j0, size_t n, void *tile, size_t ld);
void mn_tile_put(mn_dtype type, void *a, size_t i, double value);

/* The engine of bytes, tile_bytes.c: the level that multiplies these samples, NULL: none; cols may be NULL. */
const mn_bytes_level *mn_tile_bytes_level(const mn_samples *rows, const mn_samples *cols);
double mn_tile_bytes_blocks(const mn_bytes_level *level, size_t row_tile, size_t col_tile, size_t dim);

/* The engine of kept products, tile_products.c. */
double mn_tile_products_blocks(const mn_products *products, size_t row_tile, size_t col_tile);

/* Where r^2 falls below this part of ||x||^2 + ||x'||^2, an angle from the inner product has lost its digits. */
double mn_tile_near(mn_dtype type);

#endif
