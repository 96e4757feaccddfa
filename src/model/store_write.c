/* The content of a saved model: arrays first, then the header that names them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/folder.h"
#include "core/memory.h"
#include "core/status.h"
#include "data/npy.h"
#include "minnorm/options.h"
#include "minnorm/report.h"
#include "model/store.h"

/* Where arrays go and where they are noted. */
typedef struct {
  const char *folder;
  mn_report *header;
} writer;

/* Writes NAME.npy of rows x columns (columns 0: one dimension) and notes type, shape and checksum in the header. */
static mn_status write_array(writer *w, const char *name, mn_npy_type type, size_t rows, size_t columns,
                             const void *values, mn_error *err)
{
  char file[64], crc[16];
  size_t shape[2] = {rows, columns}, count = rows * (columns ? columns : 1);
  snprintf(file, sizeof file, "%s.npy", name);
  char *path = mn_folder_path(w->folder, file, err);
  if (!path) return MN_ERR_MEMORY;
  mn_status st = mn_npy_write(path, type, columns ? 2 : 1, shape, values, err);
  mn_free(path);
  snprintf(crc, sizeof crc, "%08x", mn_store_checksum(values, count * mn_npy_type_size(type)));
  mn_report_begin_object(w->header, name);
  mn_report_text(w->header, "file", file);
  mn_report_text(w->header, "dtype", mn_npy_type_string(type));
  mn_report_count(w->header, "rows", rows);
  mn_report_count(w->header, "columns", columns);
  mn_report_text(w->header, "crc32", crc);
  mn_report_end(w->header);
  return st;
}

/* Coefficients row-major, so that numpy computes scores = K @ alpha + offset. */
static mn_status write_coefficients(writer *w, const mn_model *m, mn_error *err)
{
  size_t count = m->unknowns * m->outputs;
  double *rows = mn_alloc(count, sizeof *rows);
  if (!rows) return MN_NO_MEMORY(err, count * sizeof *rows);
  for (size_t i = 0; i < m->unknowns; i++)
    for (size_t c = 0; c < m->outputs; c++) rows[i * m->outputs + c] = m->coefficients[i + c * m->unknowns];
  mn_status st = write_array(w, m->primal ? "weights" : "alpha", MN_NPY_F8, m->unknowns, m->outputs, rows, err);
  mn_free(rows);
  return st;
}

static const mn_npy_type types[] = {[MN_U8] = MN_NPY_U1, [MN_F32] = MN_NPY_F4, [MN_F64] = MN_NPY_F8};

/* The scales of features, and what the map has of its training images. */
static mn_status write_map(writer *w, const mn_map *map, mn_error *err)
{
  const mn_features_kept k = mn_features_keep(map->features);
  mn_status st = MN_OK;
  if (map->shift) st = write_array(w, "feature_shift", MN_NPY_F8, map->dim, 0, map->shift, err);
  if (!st && map->factor) st = write_array(w, "feature_factor", MN_NPY_F8, map->dim, 0, map->factor, err);
  if (!st && k.patches) st = write_array(w, "patches", types[k.type], k.filters, k.taps, k.patches, err);
  if (!st && k.mean) st = write_array(w, "whitening_mean", MN_NPY_F8, k.taps, 0, k.mean, err);
  if (!st && k.square) st = write_array(w, "whitening_square", MN_NPY_F8, k.taps, k.taps, k.square, err);
  return st;
}

static mn_status write_arrays(writer *w, const mn_store_content *content, mn_error *err)
{
  const mn_model *m = content->model;
  const mn_scaling *scaling = content->scaling;
  const mn_data *x = content->samples;
  mn_report_begin_object(w->header, "arrays");
  mn_status st = write_coefficients(w, m, err);
  if (!st) st = write_array(w, "offset", MN_NPY_F8, m->outputs, 0, m->offset, err);
  if (!st && m->labels) st = write_array(w, "labels", MN_NPY_I8, m->outputs, 0, m->labels, err);
  if (!st && scaling->shift) st = write_array(w, "shift", MN_NPY_F8, scaling->dim, 0, scaling->shift, err);
  if (!st && scaling->factor) st = write_array(w, "factor", MN_NPY_F8, scaling->dim, 0, scaling->factor, err);
  if (!st && !m->primal) st = write_array(w, "samples", types[x->type], m->samples.n, x->dim, x->x, err);
  if (!st && content->map) st = write_map(w, content->map, err);
  mn_report_end(w->header);
  return st;
}

/* Every option of the fit as the text that sets it; the bandwidth that was found is in "kernel". */
static void write_options(mn_report *header, const mn_fit_options *options)
{
  size_t count;
  const mn_option *table = mn_fit_option_table(&count);
  mn_report_begin_object(header, "options");
  for (size_t i = 0; i < count; i++) {
    char text[64];
    if (table[i].alias) continue;
    mn_option_get(&table[i], options, text, sizeof text);
    mn_report_text(header, table[i].key, text);
  }
  mn_report_end(header);
}

static void write_features(mn_report *header, const mn_map *map)
{
  mn_report_begin_object(header, "features");
  mn_report_text(header, "settings", map->text);
  mn_report_count(header, "channels", map->channels);
  mn_report_count(header, "height", map->height);
  mn_report_count(header, "width", map->width);
  mn_report_flag(header, "normalised", map->unit);
  mn_report_text(header, "products", map->type == MN_F64 ? "double" : "single");
  mn_report_end(header);
}

static void write_summary(mn_report *header, const mn_store_content *content)
{
  const mn_model *m = content->model;
  const mn_fit_report *r = &m->report;
  mn_report_text(header, "format", MN_STORE_FORMAT);
  mn_report_count(header, "version", content->map ? MN_STORE_VERSION_FEATURES : MN_STORE_VERSION);
  mn_report_text(header, "program", "minnorm " MINNORM_VERSION);
  mn_report_count(header, "n_train", r->n_train);
  mn_report_count(header, "dim", r->dim);
  mn_report_count(header, "outputs", m->outputs);
  mn_report_count(header, "classes", r->classes);
  mn_report_flag(header, "primal", m->primal);
  mn_report_text(header, "scale", mn_scale_string(content->scaling->kind));
  mn_report_begin_object(header, "kernel");
  mn_report_text(header, "name", mn_kernel_string(r->kernel.name));
  mn_report_real(header, "gamma", r->kernel.gamma);
  mn_report_real(header, "coef0", r->kernel.coef0);
  mn_report_count(header, "degree", (uint64_t)r->kernel.degree);
  mn_report_count(header, "depth", (uint64_t)r->kernel.depth);
  mn_report_end(header);
  if (content->map) write_features(header, content->map);
  char crc[16];
  snprintf(crc, sizeof crc, "%08x", mn_store_settings_checksum(content));
  mn_report_text(header, "settings_crc32", crc);
  mn_report_real(header, "norm", r->norm);
  mn_report_real(header, "residual", r->solution.residual);
  mn_report_real(header, "train_error", r->train_error);
  mn_report_real(header, "train_rmse", r->train_rmse);
}

mn_status mn_store_write(const mn_store_content *content, const char *folder, mn_error *err)
{
  writer w = {.folder = folder};
  char *path = NULL;
  mn_status st = mn_report_open(&w.header, err);
  if (st) return st;
  write_summary(w.header, content);
  write_options(w.header, &content->model->options);
  if ((st = write_arrays(&w, content, err))) goto done;
  if (!(path = mn_folder_path(folder, MN_STORE_HEADER, err))) st = MN_ERR_MEMORY;
  if (!st) st = mn_report_write(w.header, path, err);
done:
  mn_free(path);
  mn_report_close(&w.header);
  return st;
}
