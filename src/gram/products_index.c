#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/atomic_file.h"
#include "core/folder.h"
#include "core/memory.h"
#include "core/status.h"
#include "gram/products_file.h"

static const uint64_t magic = 0x0a534d4152474e4d; /* "MNGRAMS\n" on a little-endian machine */
enum { VERSION = 1, TEXT_MOST = 1 << 16 };

typedef struct {
  uint64_t magic;
  uint32_t version;
  uint32_t type; /* bytes of an element */
  uint64_t n, m, tile, dim, done, text_bytes;
  uint32_t generation;
  uint32_t body;   /* CRC-32 of all that follows the header */
  uint32_t unused; /* 0 */
  uint32_t header; /* CRC-32 of the header before it */
} index_header;

enum { HEADER_BYTES = offsetof(index_header, header) };
_Static_assert(sizeof(index_header) == 80, "the header has no padding");

static uint32_t crc(uint32_t before, const void *bytes, size_t count)
{
  return (uint32_t)crc32_z(before, bytes, count);
}

char *mn_products_data_path(const char *folder, uint32_t generation, mn_error *err)
{
  return mn_folder_path(folder, generation ? "products.1" : "products.0", err);
}

int mn_products_exist(const char *folder)
{
  char path[4096];
  int length = snprintf(path, sizeof path, "%s/" MN_PRODUCTS_INDEX, folder);
  return length > 0 && length < (int)sizeof path && !access(path, F_OK);
}

/* ---- the body: its arrays, in their order */

enum { ARRAYS = 6 };
typedef struct {
  void *at;
  size_t bytes;
} array;

static void list_arrays(const mn_products *p, array *a)
{
  size_t all = p->n + p->m;
  a[0] = (array){p->text, strlen(p->text)};
  a[1] = (array){p->samples, all * sizeof *p->samples};
  a[2] = (array){p->norms, all * sizeof *p->norms};
  a[3] = (array){p->shift, p->dim * sizeof *p->shift};
  a[4] = (array){p->factor, p->dim * sizeof *p->factor};
  a[5] = (array){p->checksums, mn_products_tiles(p) * sizeof *p->checksums};
}

static uint32_t body_crc(const mn_products *p)
{
  array a[ARRAYS];
  uint32_t sum = 0;
  list_arrays(p, a);
  for (int i = 0; i < ARRAYS; i++) sum = crc(sum, a[i].at, a[i].bytes);
  return sum;
}

/* ---- writing */

mn_status mn_products_index_write(const mn_products *p, const char *folder, uint32_t generation, mn_error *err)
{
  array a[ARRAYS];
  mn_atomic_file *file = NULL;
  index_header h = {.magic = magic,
                    .version = VERSION,
                    .type = (uint32_t)mn_dtype_size(p->type),
                    .n = p->n,
                    .m = p->m,
                    .tile = p->tile,
                    .dim = p->dim,
                    .done = p->done,
                    .text_bytes = strlen(p->text),
                    .generation = generation,
                    .body = body_crc(p)};
  h.header = crc(0, &h, HEADER_BYTES);
  char *path = mn_folder_path(folder, MN_PRODUCTS_INDEX, err);
  if (!path) return MN_ERR_MEMORY;
  mn_status st = mn_atomic_file_open(path, &file, err);
  if (!st) st = mn_atomic_file_write(file, &h, sizeof h, err);
  list_arrays(p, a);
  for (int i = 0; !st && i < ARRAYS; i++) st = mn_atomic_file_write(file, a[i].at, a[i].bytes, err);
  if (!st) st = mn_atomic_file_commit(&file, err);
  mn_atomic_file_abort(&file);
  mn_free(path);
  return st;
}

/* ---- reading */

static mn_status damaged(const char *path, const char *what, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: %s; remove the folder and make the products anew", path, what);
}

static mn_status check_header(const char *path, const index_header *h, mn_error *err)
{
  if (h->magic != magic) return damaged(path, "not an index of products, or of a machine of another kind", err);
  if (h->version != VERSION)
    return MN_FAIL(err, MN_ERR_VERSION, "%s: version %u, this program reads version %d", path, h->version, VERSION);
  if (h->header != crc(0, h, HEADER_BYTES)) return damaged(path, "its header is damaged", err);
  int sane = (h->type == 4 || h->type == 8) && h->text_bytes < TEXT_MOST && h->done <= h->dim && h->generation < 2;
  return sane ? MN_OK : damaged(path, "its header makes no sense", err);
}

/* What the header promises, compared with the size of the file before anything of that size is allocated. */
static mn_status check_size(const char *path, FILE *f, const index_header *h, mn_error *err)
{
  struct stat info;
  char expected[32], found[32];
  double columns = (double)h->n / (double)h->tile + 1, rows = columns + (double)h->m / (double)h->tile + 1;
  double least = (double)(h->n + h->m) * 16 + (double)h->dim * 16 + (double)h->text_bytes;
  if (fstat(fileno(f), &info)) return MN_FAIL(err, MN_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
  if (h->tile && least <= (double)info.st_size && columns * rows * 4 < 2 * (double)info.st_size + 1e6) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: %s bytes expected at least, %s found: the file is damaged", path,
                 mn_group_digits((unsigned long long)least, expected),
                 mn_group_digits((unsigned long long)info.st_size, found));
}

static mn_status read_body(const char *path, FILE *f, const index_header *h, mn_products *p, mn_error *err)
{
  array a[ARRAYS];
  list_arrays(p, a);
  a[0].bytes = h->text_bytes;
  for (int i = 0; i < ARRAYS; i++)
    if (fread(a[i].at, 1, a[i].bytes, f) != a[i].bytes) return damaged(path, "the file is too short", err);
  if (strlen(p->text) != h->text_bytes || body_crc(p) != h->body) return damaged(path, "the file is damaged", err);
  p->done = h->done;
  return MN_OK;
}

static mn_status open_like(const index_header *h, mn_products **out, mn_error *err)
{
  char *blank = mn_alloc(h->text_bytes + 1, 1);
  if (!blank) return MN_NO_MEMORY(err, h->text_bytes + 1);
  memset(blank, ' ', h->text_bytes);
  blank[h->text_bytes] = '\0';
  mn_dtype type = h->type == 8 ? MN_F64 : MN_F32;
  mn_status st = mn_products_open_empty(h->n, h->m, h->tile, type, h->dim, blank, out, err);
  mn_free(blank);
  return st;
}

mn_status mn_products_index_read(const char *folder, mn_products **out, uint32_t *generation, mn_error *err)
{
  index_header h;
  *out = NULL;
  char *path = mn_folder_path(folder, MN_PRODUCTS_INDEX, err);
  if (!path) return MN_ERR_MEMORY;
  FILE *f = fopen(path, "rbe");
  mn_status st = MN_OK;
  if (!f)
    st = errno == ENOENT ? MN_FAIL(err, MN_ERR_IO, "%s: no inner products are kept here (--save-gram)", folder)
                         : MN_FAIL(err, MN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
  if (!st && fread(&h, 1, sizeof h, f) != sizeof h) st = damaged(path, "the file is too short", err);
  if (!st) st = check_header(path, &h, err);
  if (!st) st = check_size(path, f, &h, err);
  if (!st) st = open_like(&h, out, err);
  if (!st) st = read_body(path, f, &h, *out, err);
  if (!st) *generation = h.generation;
  if (f) fclose(f);
  if (st) mn_products_close(out);
  mn_free(path);
  return st;
}
