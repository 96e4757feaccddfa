/* Sorting by a 64-bit key. */
#ifndef MN_CORE_SORT_H
#define MN_CORE_SORT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint64_t key;
  size_t item;
} mn_sort_entry;

/* A key that orders as the number does: -0.0 just below 0.0, infinities at the ends. */
uint64_t mn_sort_key(double value);
double mn_sort_value(uint64_t key);

/* Ascending keys; equal ones keep their order. O(n): radix sort by bytes, of which those that are all alike cost no
 * pass. scratch: n entries, overwritten. */
void mn_sort_entries(size_t n, mn_sort_entry *entries, mn_sort_entry *scratch);

#endif
