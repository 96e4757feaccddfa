/* --draw-errors: the samples that a classifier got wrong, each above its label and the one predicted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { SHOWN = 400, COLUMNS = 20 };                                   /* the first ones */
enum { GLYPH_WIDTH = 3, GLYPH_HEIGHT = 5, STRIP = GLYPH_HEIGHT + 2 }; /* pixels */

/* Rows of a glyph from the top, its leftmost pixel the highest of three bits: an octal digit a row. */
typedef struct {
  char character;
  unsigned rows;
} glyph;

static const glyph glyphs[] = {{'0', 075557}, {'1', 026227}, {'2', 071747}, {'3', 071717},
                               {'4', 055711}, {'5', 074717}, {'6', 074757}, {'7', 071111},
                               {'8', 075757}, {'9', 075717}, {'-', 000700}, {'>', 042124}};

static void put_text(const char *text, size_t width, unsigned char *strip)
{
  for (size_t left = 1; *text && left + GLYPH_WIDTH <= width; text++, left += GLYPH_WIDTH + 1)
    for (size_t g = 0; g < sizeof glyphs / sizeof *glyphs; g++)
      for (unsigned k = 0; glyphs[g].character == *text && k < GLYPH_WIDTH * GLYPH_HEIGHT; k++)
        if (glyphs[g].rows >> (GLYPH_WIDTH * GLYPH_HEIGHT - 1 - k) & 1)
          strip[(1 + k / GLYPH_WIDTH) * width + left + k % GLYPH_WIDTH] = 255;
}

mn_status mn_cli_check_errors_picture(const mn_cli *cli, const mn_data *data, mn_error *err)
{
  if (!cli->values.draw_errors) return MN_OK;
  if (data->channels != 1 && data->channels != 3)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--draw-errors: %s: the samples are no grey or coloured images",
                       data->name);
  if (!mn_data_has_labels(data))
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "--draw-errors: %s: the samples have no class labels", data->name);
  return MN_OK;
}

/* Bytes as they are, other values by the range of the image. */
static void put_image(const mn_samples *samples, size_t i, float *pixels, unsigned char *to, size_t plane)
{
  const mn_data *data = samples->data;
  size_t each = data->height * data->width;
  float low = INFINITY, high = -INFINITY;
  mn_samples_rows_f32(samples, i, 1, pixels);
  for (size_t k = 0; k < data->dim; k++) {
    low = fminf(low, pixels[k]);
    high = fmaxf(high, pixels[k]);
  }
  if (data->type == MN_U8) low = 0, high = 255;
  for (size_t k = 0; k < data->dim; k++)
    to[k / each * plane + k % each] = (unsigned char)(high > low ? 255 * (pixels[k] - low) / (high - low) + 0.5F : 0);
}

/* sheet: a row of bytes for each of the samples wrong[0 ... count - 1], image above strip in every channel. */
static mn_status fill_sheet(const mn_samples *samples, const int64_t *predicted, size_t count, const size_t *wrong,
                            mn_data *sheet, mn_error *err)
{
  const mn_data *data = samples->data;
  size_t plane = sheet->height * sheet->width, image = data->height * data->width;
  float *pixels = calloc(data->dim, sizeof *pixels);
  if (!pixels) return mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for an image of %zu pixels", data->dim);
  memset(sheet->x, 0, count * sheet->dim);
  for (size_t e = 0; e < count; e++) {
    unsigned char *to = (unsigned char *)sheet->x + e * sheet->dim;
    char text[64];
    snprintf(text, sizeof text, "%.0f>%lld", data->y[wrong[e]], (long long)predicted[wrong[e]]);
    put_image(samples, wrong[e], pixels, to, plane);
    for (size_t c = 0; c < data->channels; c++) put_text(text, data->width, to + c * plane + image);
  }
  free(pixels);
  return MN_OK;
}

static mn_status write_sheet(const mn_samples *samples, const int64_t *predicted, size_t count, const size_t *wrong,
                             const char *path, mn_error *err)
{
  const mn_data *data = samples->data;
  mn_data *sheet = NULL;
  size_t height = data->height + STRIP, cols = count < COLUMNS ? count : COLUMNS;
  mn_status st = mn_data_create(count, data->channels * height * data->width, MN_U8, 0, &sheet, err);
  if (st) return st;
  sheet->channels = data->channels;
  sheet->height = height;
  sheet->width = data->width;
  st = fill_sheet(samples, predicted, count, wrong, sheet, err);
  if (!st) st = mn_data_write_png(sheet, (count + cols - 1) / cols, cols, path, err);
  mn_data_close(&sheet);
  return st;
}

mn_status mn_cli_draw_errors(const mn_cli *cli, const mn_data *data, const int64_t *predicted, mn_error *err)
{
  const char *path = cli->values.draw_errors;
  size_t wrong[SHOWN], count = 0, all = 0;
  mn_scaling *scaling = NULL;
  if (!path) return MN_OK;
  if (!predicted) return mn_cli_fail(err, MN_ERR_ARGUMENT, "--draw-errors: the model is a regression");
  for (size_t i = 0; i < data->n; i++) {
    if ((int64_t)data->y[i] == predicted[i]) continue;
    if (all++ < SHOWN) wrong[count++] = i;
  }
  mn_status st = count ? mn_scaling_open(MN_SCALE_NONE, data, &scaling, err) : MN_OK;
  if (!st && count) {
    const mn_samples samples = mn_samples_of(data, scaling);
    st = write_sheet(&samples, predicted, count, wrong, path, err);
  }
  if (!st && mn_cli_shows_table(cli))
    mn_cli_line("errors", "%s misclassified%s%s%s", mn_number_count(all).text, count ? ", " : "",
                count < all ? "the first 400 in " : "", count ? path : "");
  mn_scaling_close(&scaling);
  return st;
}
