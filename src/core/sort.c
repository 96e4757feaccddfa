#include "core/sort.h"

#include <string.h>

enum { DIGITS = 8, VALUES = 256 };

static const uint64_t sign = (uint64_t)1 << 63;

uint64_t mn_sort_key(double value)
{
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits & sign ? ~bits : bits | sign;
}

double mn_sort_value(uint64_t key)
{
  double value;
  uint64_t bits = key & sign ? key & ~sign : ~key;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static size_t digit(uint64_t key, int d)
{
  return (size_t)(key >> (8 * d)) % VALUES;
}

/* Counts become the places where each value begins; 1 when one value has them all. */
static int counts_to_places(size_t n, size_t counts[VALUES])
{
  size_t place = 0;
  for (size_t v = 0; v < VALUES; v++) {
    size_t count = counts[v];
    if (count == n) return 1;
    counts[v] = place;
    place += count;
  }
  return 0;
}

void mn_sort_entries(size_t n, mn_sort_entry *entries, mn_sort_entry *scratch)
{
  size_t counts[DIGITS][VALUES] = {{0}};
  mn_sort_entry *from = entries, *to = scratch;
  for (size_t i = 0; i < n; i++)
    for (int d = 0; d < DIGITS; d++) counts[d][digit(entries[i].key, d)]++;
  for (int d = 0; d < DIGITS; d++) {
    if (counts_to_places(n, counts[d])) continue;
    for (size_t i = 0; i < n; i++) to[counts[d][digit(from[i].key, d)]++] = from[i];
    mn_sort_entry *sorted = to;
    to = from;
    from = sorted;
  }
  if (from != entries) memcpy(entries, from, n * sizeof *entries);
}
