/* The inmost loops of the products of bfloat16 numbers, one table for every instruction set. */
#ifndef MN_GRAM_BFLOAT16_KERNEL_H
#define MN_GRAM_BFLOAT16_KERNEL_H

#include "core/cpu.h"
#include "gram/bfloat16.h"

/* Cells of a sample are whole steps; the most columns of b, and cells, that a level takes at once. */
enum { MN_BFLOAT16_STEP = 16, MN_BFLOAT16_COLUMNS = MN_BFLOAT16_PANEL, MN_BFLOAT16_DEPTH = 256 };

struct mn_bfloat16_level {
  mn_cpu_level needs;
  const char *name;
  size_t columns; /* of b that are multiplied with a panel at once: a divisor of a panel's samples */
  size_t depth;   /* cells at once, whole steps: panels of a tile of that depth stay in the second cache */
  /* A thread multiplies between these two; either may be NULL. */
  void (*open)(void), (*close)(void);
  /* Cells of a panel of b as multiply() takes them, step by step; NULL: as they are. With it `columns` is a panel. */
  void (*arrange)(size_t cells, const uint32_t *b, uint32_t *out);
  /* out (a panel x columns, leading dimension ld) = or +=; a: `cells` cells of a panel. */
  void (*multiply)(size_t cells, const uint32_t *a, const uint32_t *b, int add, float *out, size_t ld);
};

extern const mn_bfloat16_level mn_bfloat16_avx512, mn_bfloat16_amx;

#endif
