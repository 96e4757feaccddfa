/* Contact sheets: images side by side in one PNG, written a line at a time. */
#include <math.h>
#include <png.h>
#include <string.h>

#include "core/atomic_file.h"
#include "core/memory.h"
#include "core/status.h"
#include "minnorm/data.h"

enum { GAP = 2, GAP_GREY = 128 };       /* pixels between images, and their grey level */
static const size_t side_max = 1000000; /* libpng's limit for either side of a picture */

/* All that lives across libpng's longjmp is in here, so no local needs to be volatile. */
typedef struct {
  const mn_data *data;
  const char *path;
  size_t channels, height, width; /* of one image */
  size_t rows, cols;
  double low, high; /* values shown as 0 and 255 */
  size_t line_bytes;
  unsigned char *line; /* one line of the sheet, interleaved */
  png_structp png;
  png_infop info;
  mn_atomic_file *file;
  int no_memory;
  mn_status status; /* of the failure that libpng was left for */
  mn_error *err;
} sheet;

/* Takes the shape of the images; a square dim without a shape is taken for square grey images. */
static mn_status find_shape(sheet *s, mn_error *err)
{
  const mn_data *data = s->data;
  s->channels = data->channels;
  s->height = data->height;
  s->width = data->width;
  if (!s->channels) {
    size_t side = (size_t)(sqrt((double)data->dim) + 0.5);
    if (!side || side * side != data->dim)
      return MN_FAIL(err, MN_ERR_ARGUMENT,
                     "%s: the samples are no images: they have no shape, and their %zu features make no square",
                     data->name, data->dim);
    s->channels = 1;
    s->height = s->width = side;
  }
  if (s->channels != 1 && s->channels != 3)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: images of 1 or 3 channels can be shown, not of %zu", data->name,
                   s->channels);
  return MN_OK;
}

/* Pixels of `count` images of `side` with their gaps, 0 when libpng would refuse. */
static size_t sheet_side(size_t count, size_t side)
{
  if (!count || !side || count > side_max || side > side_max) return 0;
  size_t pixels = count * (side + GAP) - GAP;
  return pixels <= side_max ? pixels : 0;
}

static mn_status check_size(const sheet *s, mn_error *err)
{
  if (!s->rows || !s->cols)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: at least 1 row and 1 column of images expected, %zu x %zu found", s->path,
                   s->rows, s->cols);
  if (!s->data->n) return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: there are no samples to show", s->data->name);
  if (!sheet_side(s->rows, s->height) || !sheet_side(s->cols, s->width))
    return MN_FAIL(err, MN_ERR_ARGUMENT,
                   "%s: %zu x %zu images of %zu x %zu pixels are too many: a side may have %zu pixels", s->path,
                   s->rows, s->cols, s->height, s->width, side_max);
  return MN_OK;
}

static double value_at(const mn_data *data, size_t k)
{
  if (data->type == MN_U8) return ((const unsigned char *)data->x)[k];
  return data->type == MN_F32 ? ((const float *)data->x)[k] : ((const double *)data->x)[k];
}

/* Bytes are shown as they are, other values by the range of the images on the sheet. */
static void find_range(sheet *s)
{
  s->low = 0;
  s->high = 255;
  if (s->data->type == MN_U8) return;
  size_t shown = s->data->n / s->cols < s->rows ? s->data->n : s->rows * s->cols;
  s->low = INFINITY;
  s->high = -INFINITY;
  for (size_t k = 0; k < shown * s->data->dim; k++) {
    double v = value_at(s->data, k);
    if (!isfinite(v)) continue;
    if (v < s->low) s->low = v;
    if (v > s->high) s->high = v;
  }
}

static unsigned char grey_level(const sheet *s, double v)
{
  if (s->data->type == MN_U8) return (unsigned char)v;
  double range = s->high - s->low, part = (v - s->low) / range;
  if (!isfinite(range)) part = (0.5 * v - 0.5 * s->low) / (0.5 * s->high - 0.5 * s->low);
  return part >= 0 && part <= 1 ? (unsigned char)(255 * part + 0.5) : 0; /* NaN and infinity are black */
}

/* Line y of image i, planes to interleaved. */
static void copy_image_line(const sheet *s, size_t i, size_t y, unsigned char *to)
{
  size_t plane = s->height * s->width, from = i * s->data->dim + y * s->width;
  for (size_t x = 0; x < s->width; x++)
    for (size_t c = 0; c < s->channels; c++)
      to[x * s->channels + c] = grey_level(s, value_at(s->data, from + c * plane + x));
}

/* Line y of the sheet. */
static void fill_line(const sheet *s, size_t y)
{
  size_t row = y / (s->height + GAP), within = y % (s->height + GAP);
  memset(s->line, GAP_GREY, s->line_bytes);
  if (within >= s->height || row > s->data->n / s->cols) return;
  for (size_t col = 0; col < s->cols && row * s->cols + col < s->data->n; col++)
    copy_image_line(s, row * s->cols + col, within, s->line + col * (s->width + GAP) * s->channels);
}

static png_voidp sheet_alloc(png_structp png, png_alloc_size_t bytes)
{
  sheet *s = png_get_mem_ptr(png);
  void *p = mn_alloc(bytes, 1);
  if (!p) s->no_memory = 1;
  return p;
}

static void sheet_release(png_structp png, png_voidp p)
{
  (void)png;
  mn_free(p);
}

/* Never returns to libpng. A status that is set already tells more than libpng's text. */
static void sheet_failed(png_structp png, png_const_charp text)
{
  sheet *s = png_get_error_ptr(png);
  if (!s->status && s->no_memory) s->status = MN_FAIL(s->err, MN_ERR_MEMORY, "out of memory in libpng: %s", text);
  if (!s->status) s->status = MN_FAIL(s->err, MN_ERR_IO, "%s: libpng: %s", s->path, text);
  png_longjmp(png, 1);
}

static void sheet_remark(png_structp png, png_const_charp text)
{
  (void)png, (void)text; /* warnings concern text and time chunks, of which there are none */
}

static void sheet_write(png_structp png, png_bytep bytes, size_t count)
{
  sheet *s = png_get_io_ptr(png);
  s->status = mn_atomic_file_write(s->file, bytes, count, s->err);
  if (s->status) png_error(png, "writing failed");
}

static void sheet_flush(png_structp png)
{
  (void)png; /* the file is flushed when it is committed */
}

static void write_picture(sheet *s)
{
  size_t width = sheet_side(s->cols, s->width), height = sheet_side(s->rows, s->height);
  png_set_write_fn(s->png, s, sheet_write, sheet_flush);
  png_set_IHDR(s->png, s->info, (png_uint_32)width, (png_uint_32)height, 8,
               s->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(s->png, s->info);
  for (size_t y = 0; y < height; y++) {
    fill_line(s, y);
    png_write_row(s->png, s->line);
  }
  png_write_end(s->png, NULL);
}

/* libpng leaves by longjmp when something fails. */
static mn_status encode(sheet *s)
{
  if (setjmp(png_jmpbuf(s->png))) return s->status;
  write_picture(s);
  return MN_OK;
}

static mn_status open_encoder(sheet *s, mn_error *err)
{
  s->line_bytes = sheet_side(s->cols, s->width) * s->channels;
  s->line = mn_alloc(s->line_bytes, 1);
  if (!s->line) return MN_NO_MEMORY(err, s->line_bytes);
  s->png =
      png_create_write_struct_2(PNG_LIBPNG_VER_STRING, s, sheet_failed, sheet_remark, s, sheet_alloc, sheet_release);
  s->info = s->png ? png_create_info_struct(s->png) : NULL;
  if (s->info) return MN_OK;
  return s->status ? s->status : MN_FAIL(err, MN_ERR_MEMORY, "out of memory in libpng");
}

mn_status mn_data_write_png(const mn_data *data, size_t rows, size_t cols, const char *path, mn_error *err)
{
  sheet s = {.data = data, .path = path, .rows = rows, .cols = cols, .err = err};
  mn_status st;
  if ((st = find_shape(&s, err))) goto done;
  if ((st = check_size(&s, err))) goto done;
  find_range(&s);
  if ((st = open_encoder(&s, err))) goto done;
  if ((st = mn_atomic_file_open(path, &s.file, err))) goto done;
  if ((st = encode(&s))) goto done;
  st = mn_atomic_file_commit(&s.file, err);
done:
  mn_atomic_file_abort(&s.file);
  png_destroy_write_struct(&s.png, &s.info);
  mn_free(s.line);
  return st;
}
