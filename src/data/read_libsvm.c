/* LIBSVM text: a label, or several targets with commas between them, then INDEX:VALUE with ascending indices from 1.
 * Features that are not named are 0. Samples are kept as pairs until the largest index is known. */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/input.h"
#include "data/readers.h"
#include "data/text.h"

typedef struct {
  uint32_t index; /* from 1 */
  double value;
} entry;

/* What a first look at the lines finds, before they are held against the rules. */
typedef struct {
  size_t n, targets, entries;
  uint32_t largest; /* index */
} outlook;

typedef struct {
  mn_input *in;
  const char *path;
  size_t line;        /* number of the current line */
  size_t dim;         /* as given; 0: the largest index */
  size_t columns;     /* targets; 0 until the first line was seen */
  uint32_t largest;   /* index seen */
  outlook expected;   /* all 0: not known */
  mn_growing y;       /* double: n x columns */
  mn_growing entries; /* entry: all samples, one after another */
  mn_growing ends;    /* size_t: n, where each sample's entries end */
} libsvm;

static mn_status malformed(const libsvm *f, const char *expected, const char *found, mn_error *err)
{
  char quoted[MN_QUOTE_ROOM];
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: line %zu: %s expected, %s found", f->path, f->line, expected,
                 mn_quote(found, strcspn(found, " \t"), quoted));
}

/* Reads the targets and moves *p behind them. */
static mn_status take_targets(libsvm *f, const char **p, mn_error *err)
{
  size_t columns = 0;
  for (int more = 1; more; columns++) {
    double value;
    const char *end = mn_text_number(*p, &value);
    if (!end || (*end && !strchr(" \t,", *end))) return malformed(f, "a label or a target", *p, err);
    mn_status st = mn_text_check_finite(f->path, f->line, "target", columns + 1, value, err);
    if (st) return st;
    if ((st = mn_growing_room(&f->y, 1, sizeof value, err))) return st;
    *(double *)mn_growing_add(&f->y, 1, sizeof value) = value;
    more = *end == ',';
    *p = end + more;
  }
  if (!f->columns) f->columns = columns;
  if (columns == f->columns) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: line %zu: %zu targets expected, %zu found", f->path, f->line, f->columns,
                 columns);
}

/* Reads the digits of an index; 0 when there are none or too many. */
static uint32_t take_index(const char **p)
{
  uint64_t index = 0;
  for (; isdigit((unsigned char)**p); ++*p)
    if (index <= INT32_MAX) index = 10 * index + (uint64_t)(**p - '0');
  return index <= INT32_MAX ? (uint32_t)index : 0;
}

/* Reads INDEX:VALUE, the index above `previous`, and moves *p behind it. */
static mn_status take_entry(libsvm *f, const char **p, uint32_t previous, entry *out, mn_error *err)
{
  const char *start = *p;
  out->index = take_index(p);
  if (!out->index || **p != ':') return malformed(f, "INDEX:VALUE with an index from 1 to 2147483647", start, err);
  const char *end = mn_text_number(*p + 1, &out->value);
  if (!end || (*end && !strchr(" \t", *end))) return malformed(f, "INDEX:VALUE", start, err);
  if (out->index <= previous)
    return MN_FAIL(err, MN_ERR_FORMAT, "%s: line %zu: ascending indices expected, %u after %u found", f->path, f->line,
                   out->index, previous);
  if (f->dim && out->index > f->dim)
    return MN_FAIL(err, MN_ERR_DATA, "%s: line %zu: an index of at most %zu (dim) expected, %u found", f->path, f->line,
                   f->dim, out->index);
  *p = end;
  return mn_text_check_finite(f->path, f->line, "index", out->index, out->value, err);
}

static mn_status take_line(libsvm *f, char *line, mn_error *err)
{
  entry e = {0};
  line[strcspn(line, "#")] = '\0';
  const char *p = mn_text_skip(line);
  if (!*p) return MN_OK;
  mn_status st = take_targets(f, &p, err);
  while (!st && *(p = mn_text_skip(p))) {
    if ((st = take_entry(f, &p, e.index, &e, err))) break;
    if ((st = mn_growing_room(&f->entries, 1, sizeof e, err))) break;
    *(entry *)mn_growing_add(&f->entries, 1, sizeof e) = e;
  }
  if (!st) st = mn_growing_room(&f->ends, 1, sizeof(size_t), err);
  if (st) return st;
  if (e.index > f->largest) f->largest = e.index;
  *(size_t *)mn_growing_add(&f->ends, 1, sizeof(size_t)) = f->entries.count;
  return MN_OK;
}

/* Indices ascend: a line's last one is its largest. */
static void look_at_line(void *arg, char *line)
{
  outlook *all = &((libsvm *)arg)->expected;
  const char *colon = NULL, *p;
  line[strcspn(line, "#")] = '\0';
  if (!*(p = mn_text_skip(line))) return;
  all->n++, all->targets++;
  for (; *p && *p != ' ' && *p != '\t'; p++) all->targets += *p == ',';
  for (; *p; p++)
    if (*p == ':') all->entries++, colon = p;
  if (!colon) return;
  while (colon > line && isdigit((unsigned char)colon[-1])) colon--;
  uint32_t last = take_index(&colon);
  if (last > all->largest) all->largest = last;
}

/* The pairs and the matrix are in memory at once, in the end. */
static mn_status reserve(libsvm *f, const mn_context *ctx, mn_error *err)
{
  const outlook *all = &f->expected;
  size_t dim = f->dim ? f->dim : all->largest;
  if (!all->n || !dim) return MN_OK;
  mn_data_shape shape = {all->n, dim, MN_F64, all->targets / all->n, 0};
  shape.beside = all->entries * sizeof(entry) + all->n * sizeof(size_t);
  mn_status st = mn_data_check_room(f->path, &shape, ctx, err);
  if (!st) st = mn_growing_room(&f->y, all->targets, sizeof(double), err);
  if (!st) st = mn_growing_room(&f->entries, all->entries, sizeof(entry), err);
  return st ? st : mn_growing_room(&f->ends, all->n, sizeof(size_t), err);
}

static double *make_dense(const libsvm *f, size_t n, size_t dim)
{
  const entry *e = f->entries.items;
  const size_t *ends = f->ends.items;
  double *x = mn_calloc(n * dim, sizeof *x);
  for (size_t i = 0, k = 0; x && i < n; i++)
    for (; k < ends[i]; k++) x[i * dim + e[k].index - 1] = e[k].value;
  return x;
}

static mn_status finish(libsvm *f, const mn_context *ctx, mn_data **out, mn_error *err)
{
  size_t n = f->ends.count, dim = f->dim ? f->dim : f->largest;
  if (!n) return MN_FAIL(err, MN_ERR_DATA, "%s: at least one sample expected, none found", f->path);
  if (!dim) return MN_FAIL(err, MN_ERR_DATA, "%s: at least one feature expected, none found", f->path);
  /* an index says nothing about how many there are: the matrix it asks for has to fit into memory */
  mn_status st = mn_data_check_room(f->path, &(mn_data_shape){n, dim, MN_F64, 0, 0}, ctx, err); /* targets are there */
  if (st) return st;
  double *x = make_dense(f, n, dim), *y = mn_growing_take(&f->y, sizeof *y);
  st = x ? mn_data_adopt(n, dim, x, f->columns, y, out, err) : MN_NO_MEMORY(err, n * dim * sizeof *x);
  if (!st) mn_data_set_name(*out, f->path);
  if (st) mn_free(x), mn_free(y);
  return st;
}

static mn_status read_libsvm(const char *path, size_t dim, const mn_context *ctx, mn_data **out, mn_error *err)
{
  char *line;
  const mn_growing none = {.path = path, .ctx = ctx};
  libsvm f = {.path = path, .dim = dim, .y = none, .entries = none, .ends = none};
  mn_status st = mn_text_open(path, look_at_line, &f, ctx, &f.in, err);
  if (st) return st;
  st = reserve(&f, ctx, err);
  while (!st && !(st = mn_input_line(f.in, &line, &f.line, err)) && line)
    if ((st = take_line(&f, line, err))) break;
  if (!st) st = finish(&f, ctx, out, err);
  mn_free(f.y.items);
  mn_free(f.entries.items);
  mn_free(f.ends.items);
  mn_input_close(&f.in);
  return st;
}

mn_status mn_data_open_libsvm(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err)
{
  mn_spec spec;
  size_t dim = 0;
  *out = NULL;
  mn_status st = mn_spec_open(arguments, &spec, err);
  if (st) return st;
  st = mn_spec_take_size(&spec, "dim", 1, INT32_MAX, &dim, err);
  if (!st && (spec.count != 1 || !*spec.parts[0]))
    st = MN_FAIL(err, MN_ERR_ARGUMENT, "libsvm:FILE[,dim=D] expected, '%s' found", arguments);
  if (!st) st = read_libsvm(spec.parts[0], dim, ctx, out, err);
  mn_spec_close(&spec);
  return st;
}
