/* Tables of numbers as text: commas, semicolons or tabs; an optional line of names first; targets in the last columns.
 */
#include <string.h>

#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/input.h"
#include "data/readers.h"
#include "data/text.h"

typedef struct {
  mn_input *in;
  const char *path;
  char separator;
  size_t targets; /* of the columns, the last ones */
  size_t width;   /* columns; 0 until the first line was seen */
  size_t lines;   /* that are not empty, as counted before the first is read; 0: not known */
  size_t n;
  double *row;     /* width */
  mn_growing x, y; /* doubles: n x (width - targets), n x targets */
} csv;

/* A field, cut out of its line: without blanks around it and without quotes. */
typedef struct {
  const char *text; /* 0-terminated */
  int quoted;
} field;

/* Cuts the field at *rest; *rest becomes the next one, or NULL after the last. */
static field next_field(char **rest, char separator)
{
  char *start = *rest, *end;
  field f = {0};
  while (*start == ' ' || (*start == '\t' && separator != '\t')) start++;
  f.quoted = *start == '"' && strchr(start + 1, '"');
  if (f.quoted) {
    end = strchr(++start, '"');
    *end++ = '\0';
    while (*end && *end != separator) end++;
    *rest = *end ? end + 1 : NULL;
  } else {
    end = strchr(start, separator);
    *rest = end ? end + 1 : NULL;
    if (!end) end = start + strlen(start);
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) end--;
    *end = '\0';
  }
  f.text = start;
  return f;
}

static int is_number(const field *f, double *value)
{
  const char *end = mn_text_number(mn_text_skip(f->text), value);
  return end && !*mn_text_skip(end);
}

/* The rarest of the separators that the first line has outside quotes. */
static char find_separator(const char *line)
{
  int tab = 0, semicolon = 0, quoted = 0;
  for (; *line; line++) {
    if (*line == '"') quoted = !quoted;
    if (quoted) continue;
    tab |= *line == '\t';
    semicolon |= *line == ';';
  }
  return tab ? '\t' : semicolon ? ';' : ',';
}

static void count_line(void *arg, char *line)
{
  csv *c = arg;
  c->lines += *mn_text_skip(line) != '\0';
}

/* Room for all lines, where they were counted. */
static mn_status reserve(csv *c, size_t lines, const mn_context *ctx, mn_error *err)
{
  size_t dim = c->width - c->targets;
  if (!lines) return MN_OK;
  mn_status st = mn_data_check_room(c->path, &(mn_data_shape){lines, dim, MN_F64, c->targets, 0}, ctx, err);
  if (!st) st = mn_growing_room(&c->x, lines * dim, sizeof(double), err);
  return st ? st : mn_growing_room(&c->y, lines * c->targets, sizeof(double), err);
}

/* Learns separator and width from the first line, and whether it holds names: any field that is neither empty nor a
 * number. The line is copied, since looking at it cuts it up. */
static mn_status learn(csv *c, const char *line, int *names, mn_error *err)
{
  double unused;
  char *copy = mn_strdup(line), *rest = copy;
  if (!copy) return MN_NO_MEMORY(err, strlen(line));
  c->separator = find_separator(line);
  *names = 0;
  while (rest) {
    field f = next_field(&rest, c->separator);
    if (*f.text && !is_number(&f, &unused)) *names = 1;
    c->width++;
  }
  mn_free(copy);
  if (c->targets >= c->width)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: more than %zu columns expected, one of them a feature; %zu found",
                   c->path, c->targets, c->width);
  c->row = mn_alloc(c->width, sizeof *c->row);
  return c->row ? MN_OK : MN_NO_MEMORY(err, c->width * sizeof *c->row);
}

static mn_status parse_row(csv *c, char *line, size_t number, mn_error *err)
{
  char quoted[MN_QUOTE_ROOM];
  size_t column = 0;
  for (char *rest = line; rest; column++) {
    field f = next_field(&rest, c->separator);
    if (column >= c->width) continue; /* counted for the message */
    if (!is_number(&f, &c->row[column]))
      return MN_FAIL(err, MN_ERR_FORMAT, "%s: line %zu, column %zu: a number expected, %s found", c->path, number,
                     column + 1, mn_quote(f.text, strlen(f.text), quoted));
    mn_status st = mn_text_check_finite(c->path, number, "column", column + 1, c->row[column], err);
    if (st) return st;
  }
  if (column == c->width) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT, "%s: line %zu: %zu columns expected, %zu found", c->path, number, c->width,
                 column);
}

static mn_status keep_row(csv *c, mn_error *err)
{
  size_t dim = c->width - c->targets;
  mn_status st = mn_growing_room(&c->x, dim, sizeof(double), err);
  if (!st) st = mn_growing_room(&c->y, c->targets, sizeof(double), err);
  if (st) return st;
  memcpy(mn_growing_add(&c->x, dim, sizeof(double)), c->row, dim * sizeof(double));
  if (c->targets) memcpy(mn_growing_add(&c->y, c->targets, sizeof(double)), c->row + dim, c->targets * sizeof(double));
  c->n++;
  return MN_OK;
}

static mn_status take_line(csv *c, char *line, size_t number, const mn_context *ctx, mn_error *err)
{
  static const char byte_order_mark[] = "\xef\xbb\xbf";
  mn_status st;
  int names = 0;
  if (number == 1 && !strncmp(line, byte_order_mark, 3)) line += 3;
  if (!*mn_text_skip(line)) return MN_OK;
  if (!c->width) {
    if ((st = learn(c, line, &names, err))) return st;
    if (names) mn_log(ctx, "%s: line %zu is taken as names of columns", c->path, number);
    if ((st = reserve(c, c->lines - (names && c->lines), ctx, err)) || names) return st;
  }
  st = parse_row(c, line, number, err);
  return st ? st : keep_row(c, err);
}

/* Moves the numbers into a data set. */
static mn_status finish(csv *c, mn_data **out, mn_error *err)
{
  if (!c->n) return MN_FAIL(err, MN_ERR_DATA, "%s: at least one line of numbers expected, none found", c->path);
  double *x = mn_growing_take(&c->x, sizeof *x), *y = c->targets ? mn_growing_take(&c->y, sizeof *y) : NULL;
  mn_status st = mn_data_adopt(c->n, c->width - c->targets, x, c->targets, y, out, err);
  if (!st) mn_data_set_name(*out, c->path);
  if (st) mn_free(x), mn_free(y);
  return st;
}

static mn_status read_csv(const char *path, size_t targets, const mn_context *ctx, mn_data **out, mn_error *err)
{
  char *line;
  size_t number = 0;
  csv c = {.path = path, .targets = targets, .x = {.path = path, .ctx = ctx}, .y = {.path = path, .ctx = ctx}};
  mn_status st = mn_text_open(path, count_line, &c, ctx, &c.in, err);
  if (st) return st;
  while (!(st = mn_input_line(c.in, &line, &number, err)) && line)
    if ((st = take_line(&c, line, number, ctx, err))) break;
  if (!st) st = finish(&c, out, err);
  mn_free(c.x.items);
  mn_free(c.y.items);
  mn_free(c.row);
  mn_input_close(&c.in);
  return st;
}

mn_status mn_data_open_csv(const char *arguments, const mn_context *ctx, mn_data **out, mn_error *err)
{
  const size_t most_targets = 1000000;
  mn_spec spec;
  size_t targets = 1;
  *out = NULL;
  mn_status st = mn_spec_open(arguments, &spec, err);
  if (st) return st;
  st = mn_spec_take_size(&spec, "targets", 0, most_targets, &targets, err);
  if (!st && (spec.count != 1 || !*spec.parts[0]))
    st = MN_FAIL(err, MN_ERR_ARGUMENT, "csv:FILE[,targets=T] expected, '%s' found", arguments);
  if (!st) st = read_csv(spec.parts[0], targets, ctx, out, err);
  mn_spec_close(&spec);
  return st;
}
