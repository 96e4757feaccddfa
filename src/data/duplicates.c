/* Equal samples: hash every row, sort by hash, compare those whose hashes agree. */
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "minnorm/data.h"

typedef struct {
  uint64_t hash;
  size_t row;
} entry;

/* One step of the hash: any odd multiplier with well-spread bits will do (this one is 2^64 / golden ratio). */
static uint64_t mix(uint64_t hash, uint64_t word)
{
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 29;
}

static uint64_t hash_u8(const void *row, size_t dim)
{
  const unsigned char *x = row;
  uint64_t hash = dim, word;
  for (; dim >= sizeof word; dim -= sizeof word, x += sizeof word) {
    memcpy(&word, x, sizeof word);
    hash = mix(hash, word);
  }
  word = 0;
  memcpy(&word, x, dim);
  return mix(hash, word);
}

/* Adding 0.0 makes 0.0 of -0.0 and leaves all else alone. */
static uint64_t hash_f32(const void *row, size_t dim)
{
  const float *x = row;
  uint64_t hash = dim;
  for (size_t j = 0; j < dim; j++) {
    float v = x[j] + 0.0f;
    uint32_t word;
    memcpy(&word, &v, sizeof word);
    hash = mix(hash, word);
  }
  return hash;
}

static uint64_t hash_f64(const void *row, size_t dim)
{
  const double *x = row;
  uint64_t hash = dim;
  for (size_t j = 0; j < dim; j++) {
    double v = x[j] + 0.0;
    uint64_t word;
    memcpy(&word, &v, sizeof word);
    hash = mix(hash, word);
  }
  return hash;
}

static int equal_u8(const void *a, const void *b, size_t dim)
{
  return !memcmp(a, b, dim);
}

static int equal_f32(const void *a, const void *b, size_t dim)
{
  const float *x = a, *y = b;
  for (size_t j = 0; j < dim; j++)
    if (x[j] != y[j]) return 0;
  return 1;
}

static int equal_f64(const void *a, const void *b, size_t dim)
{
  const double *x = a, *y = b;
  for (size_t j = 0; j < dim; j++)
    if (x[j] != y[j]) return 0;
  return 1;
}

static const struct {
  uint64_t (*hash)(const void *row, size_t dim);
  int (*equal)(const void *a, const void *b, size_t dim);
} types[] = {[MN_U8] = {hash_u8, equal_u8}, [MN_F32] = {hash_f32, equal_f32}, [MN_F64] = {hash_f64, equal_f64}};

static int compare_entries(const void *a, const void *b)
{
  const entry *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

static int compare_pairs(const void *a, const void *b)
{
  const mn_pair *x = a, *y = b;
  return (x->second > y->second) - (x->second < y->second);
}

static const void *row_of(const mn_data *data, size_t i)
{
  return (const char *)data->x + i * data->dim * mn_dtype_size(data->type);
}

/* Within entries of one hash, rows ascending: the first entries[0 ... distinct-1] are kept distinct, and each later row
 * is held against those. Usually there is one, whatever the number of copies. */
static size_t pairs_of_group(const mn_data *data, entry *group, size_t count, mn_pair *pairs)
{
  size_t found = 0, distinct = 1;
  for (size_t i = 1; i < count; i++) {
    size_t k = 0;
    while (k < distinct && !types[data->type].equal(row_of(data, group[k].row), row_of(data, group[i].row), data->dim))
      k++;
    if (k == distinct)
      group[distinct++] = group[i];
    else
      pairs[found++] = (mn_pair){group[k].row, group[i].row};
  }
  return found;
}

mn_status mn_data_duplicates(const mn_data *data, mn_pair **pairs, size_t *count, mn_error *err)
{
  size_t n = data->n, found = 0;
  *pairs = NULL;
  *count = 0;
  entry *entries = mn_alloc(n, sizeof *entries);
  mn_pair *all = mn_alloc(n, sizeof *all);
  if (!entries || !all) {
    mn_free(entries);
    mn_free(all);
    return MN_NO_MEMORY(err, n * (sizeof *entries + sizeof *all));
  }
  for (size_t i = 0; i < n; i++) entries[i] = (entry){types[data->type].hash(row_of(data, i), data->dim), i};
  qsort(entries, n, sizeof *entries, compare_entries);
  for (size_t start = 0, end; start < n; start = end) {
    for (end = start + 1; end < n && entries[end].hash == entries[start].hash;) end++;
    found += pairs_of_group(data, entries + start, end - start, all + found);
  }
  qsort(all, found, sizeof *all, compare_pairs);
  mn_free(entries);
  *pairs = all;
  *count = found;
  return MN_OK;
}
