/* Inner products of samples that are bytes, in integers and therefore exact.
 *
 * Samples are packed into panels: for every group of consecutive features one 32-bit cell a sample, the cells of a
 * panel's samples next to each other, features and samples padded with zeros. A panel of rows fills two vectors, a
 * panel of columns as many cells as the registers then leave room for; one step multiplies a vector of cells by one
 * cell of each column. */
#ifndef MN_GRAM_BYTES_H
#define MN_GRAM_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "core/cpu.h"
#include "minnorm/types.h"

/* What one instruction set does; files bytes_*.c, all from the source bytes_body.h. */
typedef struct {
  const char *name;
  mn_cpu_level needs;
  size_t rows, columns; /* samples of a panel; rows times columns inner products are computed at once */
  size_t group;         /* features of a cell */

  /* Packs count <= rows samples (x: count x dim, row-major) into out: cells(dim) x rows; start (rows) is what their
   * inner products start from, 128 times the sum of a sample where the columns' bytes are moved by -128. */
  void (*pack_rows)(size_t dim, size_t count, const unsigned char *x, uint32_t *out, int32_t *start);
  /* The same for count <= columns samples: cells(dim) x columns. */
  void (*pack_columns)(size_t dim, size_t count, const unsigned char *y, uint32_t *out);
  /* dots (rows x columns, column-major, leading dimension ld) of a panel of rows and a panel of columns. */
  void (*products)(size_t cells, const uint32_t *x, const int32_t *start, const uint32_t *y, int32_t *dots, size_t ld);

  /* m inner products with one column become squared distances, in place: rows[i] + column - 2 dots[i]. */
  void (*distances)(size_t m, const uint32_t *rows, uint32_t column, int32_t *dots);
  /* out[i] = scale * x[i], i < m. */
  void (*to_f64)(size_t m, const int32_t *x, double scale, double *out);
  void (*to_f32)(size_t m, const int32_t *x, double scale, float *out);
} mn_bytes_level;

/* Levels from 0, the plainest, on; NULL: past the last, or unknown to this build or to this processor. There is no
 * portable level: gemm is faster. For the tests; everybody else takes the best, or gemm where there is none. */
enum { MN_BYTES_LEVELS = 3 };
const mn_bytes_level *mn_bytes_level_get(int level);
const mn_bytes_level *mn_bytes_best(void);

/* The most rows and columns of a panel. */
enum { MN_BYTES_ROWS = 32, MN_BYTES_COLUMNS = 12 };

/* 1 when inner products and squared distances of samples of this dim, at most dim * 255^2, stay below 2^31. */
int mn_bytes_fit(size_t dim);

/* Cells of a sample, and those of all panels of `panel` samples that n samples take. */
size_t mn_bytes_cells(const mn_bytes_level *level, size_t dim);
size_t mn_bytes_panel_cells(const mn_bytes_level *level, size_t panel, size_t n, size_t dim);

/* The squared norm of a sample. */
uint32_t mn_bytes_square(size_t dim, const unsigned char *x);

#endif
