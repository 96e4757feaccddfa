/* An approximate inverse G'G of what a partial Cholesky factor leaves of a matrix, S = K + ridge I - F F': row i of G
 * has elements at i and at a few neighbours alone and is the best of that pattern, g = e_i' of the inverse of S's block
 * there, scaled (factorised sparse approximate inverse; Kolotilina & Yeremin 1993). Neighbours are the rows after i,
 * pivots left out, whose elements in K are the largest beside their diagonal. Near-coinciding samples, which make the
 * smallest eigenvalues, are each other's neighbours: it is these that G takes out. */
#ifndef MN_LINALG_SPARSE_INVERSE_H
#define MN_LINALG_SPARSE_INVERSE_H

#include <stdint.h>

#include "linalg/low_rank.h"

enum { MN_SPARSE_MOST = 16 }; /* neighbours of a row, at most */

typedef struct {
  size_t n, degree;    /* neighbours of a row, at most; 1 ... MN_SPARSE_MOST */
  double *own;         /* n: elements (i, i); 0 at the pivots, whose rows are empty */
  double *value;       /* n x degree, row-major: elements at the neighbours */
  uint32_t *neighbour; /* n x degree, row-major; row i has count[i] */
  uint8_t *count;      /* n */
  size_t *start;       /* n + 1: where in `row` the rows that have i as neighbour begin */
  uint32_t *row;       /* as many as elements: row x degree + place, below 2^32 */
} mn_sparse_inverse;

/* Bytes that opening allocates at the peak, and what stays of them. */
double mn_sparse_inverse_bytes(size_t n, size_t degree);
double mn_sparse_inverse_held_bytes(size_t n, size_t degree);

/* For n below 2^28. */
mn_status mn_sparse_inverse_open(const mn_symmetric *k, const mn_low_rank *f, size_t degree, double ridge, int threads,
                                 mn_sparse_inverse **out, mn_error *err);
void mn_sparse_inverse_close(mn_sparse_inverse **g);

/* t = G'G t, and 0 at the pivots; t and work: n x columns, column-major. */
void mn_sparse_inverse_apply(const mn_sparse_inverse *g, int threads, size_t columns, double *t, double *work);

#endif
