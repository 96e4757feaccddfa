/* Loading a model: the header is checked member by member, each array against its shape and checksum in the header. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/folder.h"
#include "core/json.h"
#include "core/memory.h"
#include "core/status.h"
#include "core/whole_file.h"
#include "data/npy.h"
#include "minnorm/options.h"
#include "model/store.h"

enum { HEADER_MOST = 1 << 20 };

typedef struct {
  const char *folder;
  cJSON *header;
  size_t dim; /* of a sample */
} reader;

static mn_status damaged(const reader *r, const char *what, mn_error *err)
{
  return MN_FAIL(err, MN_ERR_FORMAT, "%s/%s: %s is missing or not what it should be: the model is damaged", r->folder,
                 MN_STORE_HEADER, what);
}

static mn_status read_header(reader *r, mn_error *err)
{
  char *text = NULL, *path = mn_folder_path(r->folder, MN_STORE_HEADER, err);
  if (!path) return MN_ERR_MEMORY;
  mn_status st = mn_whole_file_read(path, HEADER_MOST, &text, err);
  if (!st) st = mn_json_object(path, text, NULL, &r->header, err);
  mn_free(text);
  mn_free(path);
  return st;
}

static const char *get_text(const cJSON *object, const char *key)
{
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* A whole number of at least 0, below 2^53. */
static int get_count(const cJSON *object, const char *key, size_t *out)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!cJSON_IsNumber(item)) return 0;
  double value = item->valuedouble;
  if (!(value >= 0 && value < 0x1p53) || value != floor(value)) return 0;
  *out = (size_t)value;
  return 1;
}

static int get_real(const cJSON *object, const char *key, double *out)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
  *out = cJSON_IsNumber(item) ? item->valuedouble : NAN;
  return cJSON_IsNumber(item) || cJSON_IsNull(item);
}

static mn_status check_version(const reader *r, mn_error *err)
{
  size_t version;
  const char *format = get_text(r->header, "format");
  if (!format || strcmp(format, MN_STORE_FORMAT)) return damaged(r, "\"format\": \"" MN_STORE_FORMAT "\"", err);
  if (!get_count(r->header, "version", &version)) return damaged(r, "\"version\"", err);
  if (version == MN_STORE_VERSION || version == MN_STORE_VERSION_FEATURES) return MN_OK;
  return MN_FAIL(err, MN_ERR_VERSION, "%s: a model of format version %zu; this program reads versions %d and %d",
                 r->folder, version, MN_STORE_VERSION, MN_STORE_VERSION_FEATURES);
}

static mn_status read_kernel(const reader *r, mn_kernel *out, mn_error *err)
{
  const cJSON *kernel = cJSON_GetObjectItemCaseSensitive(r->header, "kernel");
  const char *name = get_text(kernel, "name");
  size_t degree, depth;
  if (!name || mn_kernel_by_name(name, &out->name, NULL)) return damaged(r, "\"kernel\"", err);
  if (!get_real(kernel, "gamma", &out->gamma) || !get_real(kernel, "coef0", &out->coef0) ||
      !get_count(kernel, "degree", &degree) || !get_count(kernel, "depth", &depth) || degree > 1000 || depth > 1000)
    return damaged(r, "\"kernel\"", err);
  out->degree = (int)degree;
  out->depth = (int)depth;
  return mn_kernel_check(out, NULL) ? damaged(r, "\"kernel\"", err) : MN_OK;
}

/* Reads an array the header names and requires its shape; columns 0: one dimension. */
static mn_status read_array(const reader *r, const char *name, mn_npy_type type, size_t rows, size_t columns,
                            mn_npy *out, mn_error *err)
{
  const cJSON *arrays = cJSON_GetObjectItemCaseSensitive(r->header, "arrays");
  const cJSON *entry = cJSON_GetObjectItemCaseSensitive(arrays, name);
  const char *file = get_text(entry, "file"), *crc = get_text(entry, "crc32");
  size_t shape[2] = {rows, columns};
  if (!file || strchr(file, '/') || !crc) return damaged(r, name, err);
  char *path = mn_folder_path(r->folder, file, err);
  if (!path) return MN_ERR_MEMORY;
  mn_status st = mn_npy_read_as(path, type, columns ? 2 : 1, shape, out, err);
  if (!st && strtoul(crc, NULL, 16) != mn_store_checksum(out->values, out->count * mn_npy_type_size(type))) {
    mn_npy_free(out);
    st = MN_FAIL(err, MN_ERR_FORMAT, "%s: checksum %s expected, another found: the model is damaged", path, crc);
  }
  mn_free(path);
  return st;
}

/* The array's memory becomes the caller's. */
static mn_status take_array(const reader *r, const char *name, mn_npy_type type, size_t rows, void *out, mn_error *err)
{
  mn_npy array;
  mn_status st = read_array(r, name, type, rows, 0, &array, err);
  if (!st) memcpy(out, &array.values, sizeof array.values);
  return st;
}

static mn_status read_coefficients(const reader *r, mn_model *m, mn_error *err)
{
  mn_npy rows;
  mn_status st = read_array(r, m->primal ? "weights" : "alpha", MN_NPY_F8, m->unknowns, m->outputs, &rows, err);
  if (st) return st;
  m->coefficients = mn_alloc_matrix(rows.count, sizeof *m->coefficients);
  if (m->coefficients)
    for (size_t i = 0; i < m->unknowns; i++)
      for (size_t c = 0; c < m->outputs; c++)
        m->coefficients[i + c * m->unknowns] = ((const double *)rows.values)[i * m->outputs + c];
  else
    st = MN_NO_MEMORY(err, rows.count * sizeof *m->coefficients);
  mn_npy_free(&rows);
  return st;
}

static mn_status read_scaling(const reader *r, mn_model *m, mn_error *err)
{
  const char *name = get_text(r->header, "scale");
  mn_scale kind = MN_SCALE_STANDARD;
  while (kind > MN_SCALE_AUTO && (!name || strcmp(name, mn_scale_string(kind)))) kind--;
  if (kind == MN_SCALE_AUTO) return damaged(r, "\"scale\"", err);
  mn_scaling *s = m->scaling = mn_calloc(1, sizeof *s);
  if (!s) return MN_NO_MEMORY(err, sizeof *s);
  *s = (mn_scaling){.kind = kind, .dim = r->dim};
  if (kind != MN_SCALE_STANDARD) return MN_OK;
  mn_status st = take_array(r, "shift", MN_NPY_F8, s->dim, &s->shift, err);
  return st ? st : take_array(r, "factor", MN_NPY_F8, s->dim, &s->factor, err);
}

static const mn_npy_type types[] = {[MN_U8] = MN_NPY_U1, [MN_F32] = MN_NPY_F4, [MN_F64] = MN_NPY_F8};

/* Which of these an array is of; 3: none. */
static size_t type_of(const reader *r, const char *name)
{
  const cJSON *arrays = cJSON_GetObjectItemCaseSensitive(r->header, "arrays");
  const char *dtype = get_text(cJSON_GetObjectItemCaseSensitive(arrays, name), "dtype");
  size_t type = 0;
  while (type < 3 && (!dtype || strcmp(dtype, mn_npy_type_string(types[type])))) type++;
  return type;
}

/* The centres, in whichever of the three types they were saved. */
static mn_status read_samples(const reader *r, mn_model *m, mn_error *err)
{
  size_t type = type_of(r, "samples"), n = m->unknowns, dim = r->dim;
  mn_npy x;
  if (type == 3) return damaged(r, "the type of samples", err);
  mn_status st = read_array(r, "samples", types[type], n, dim, &x, err);
  if (st) return st;
  if (!(st = mn_data_create(n, dim, (mn_dtype)type, 1, &m->owned, err))) {
    memcpy(m->owned->x, x.values, x.count * mn_npy_type_size(types[type]));
    memset(m->owned->y, 0, n * sizeof *m->owned->y);
    snprintf(m->owned->name, sizeof m->owned->name, "model");
    if (m->map)
      m->owned->channels = m->map->channels, m->owned->height = m->map->height, m->owned->width = m->map->width;
    m->samples = mn_samples_of(m->owned, m->scaling);
  }
  mn_npy_free(&x);
  return st;
}

/* Options are for information; what cannot be set any more (a later program's) is damage like any other. */
static mn_status read_options(const reader *r, mn_model *m, mn_error *err)
{
  size_t count;
  const mn_option *table = mn_fit_option_table(&count);
  const cJSON *options = cJSON_GetObjectItemCaseSensitive(r->header, "options");
  mn_status st = mn_options_defaults(table, count, &m->options, err);
  for (size_t i = 0; !st && i < count; i++) {
    if (table[i].alias) continue;
    const char *text = get_text(options, table[i].key);
    if (!text || mn_option_set(&table[i], text, &m->options, NULL)) st = damaged(r, table[i].key, err);
  }
  return st;
}

static mn_status read_sizes(const reader *r, mn_model *m, mn_error *err)
{
  mn_fit_report *report = &m->report;
  const cJSON *arrays = cJSON_GetObjectItemCaseSensitive(r->header, "arrays");
  m->primal = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r->header, "primal"));
  const cJSON *coefficients = cJSON_GetObjectItemCaseSensitive(arrays, m->primal ? "weights" : "alpha");
  if (!get_count(r->header, "n_train", &report->n_train) || !get_count(r->header, "dim", &report->dim) ||
      !get_count(r->header, "outputs", &report->outputs) || !get_count(r->header, "classes", &report->classes) ||
      !get_count(coefficients, "rows", &m->unknowns))
    return damaged(r, "a size", err);
  if (!report->dim || !report->outputs || !m->unknowns || (report->classes && report->classes != report->outputs) ||
      (m->primal && m->unknowns != report->dim))
    return damaged(r, "a size", err);
  m->outputs = report->outputs;
  get_real(r->header, "norm", &report->norm);
  get_real(r->header, "residual", &report->solution.residual);
  get_real(r->header, "train_error", &report->train_error);
  get_real(r->header, "train_rmse", &report->train_rmse);
  report->measures = mn_no_measures;
  report->loo_error = report->loo_mse = report->loo.gcv = report->loo.diagonal_error = report->loo.seconds = NAN;
  report->median = report->train_r2 = report->bandwidth_s = report->fit_s = NAN;
  report->solution.solve_s = report->solution.refine_s = report->solution.gradient = NAN;
  mn_system_report *system = &report->system;
  system->allocate_s = system->gram_s = system->factor_s = system->gram_gflops = system->factor_gflops = NAN;
  system->rcond = system->rank_tolerance = NAN;
  report->system.primal = m->primal;
  report->system.unknowns = m->unknowns;
  return MN_OK;
}

static mn_status check_settings(const reader *r, const mn_model *m, mn_error *err)
{
  const mn_store_content content = {m, NULL, m->scaling, m->map};
  const char *crc = get_text(r->header, "settings_crc32");
  if (!crc) return damaged(r, "\"settings_crc32\"", err);
  if (strtoul(crc, NULL, 16) == mn_store_settings_checksum(&content)) return MN_OK;
  return MN_FAIL(err, MN_ERR_FORMAT,
                 "%s/%s: sizes, scaling, kernel or features do not match their checksum: the model is damaged",
                 r->folder, MN_STORE_HEADER);
}

/* ---- features */

static mn_status read_features(reader *r, mn_model *m, mn_error *err)
{
  const cJSON *features = cJSON_GetObjectItemCaseSensitive(r->header, "features");
  size_t version, channels, height, width;
  r->dim = m->report.dim;
  if (!get_count(r->header, "version", &version) || version != MN_STORE_VERSION_FEATURES) return MN_OK;
  const char *text = get_text(features, "settings"), *products = get_text(features, "products");
  const cJSON *unit = cJSON_GetObjectItemCaseSensitive(features, "normalised");
  if (m->primal || !text || strlen(text) >= MN_STREAM_TEXT || !products || !cJSON_IsBool(unit) ||
      !get_count(features, "channels", &channels) || !get_count(features, "height", &height) ||
      !get_count(features, "width", &width) || !channels || !height || !width ||
      (double)channels * (double)height * (double)width > 0x1p53)
    return damaged(r, "\"features\"", err);
  mn_dtype type = strcmp(products, "double") ? MN_F32 : MN_F64;
  mn_status st = mn_map_open(text, cJSON_IsTrue(unit), type, &m->map, err);
  if (st) return st == MN_ERR_MEMORY ? st : damaged(r, "\"settings\"", err);
  m->map->channels = channels, m->map->height = height, m->map->width = width;
  m->map->dim = m->report.dim;
  r->dim = channels * height * width;
  return MN_OK;
}

/* The patches that became filters, and the whitening, of maps that have any. */
static mn_status read_kept(const reader *r, mn_npy *patches, mn_npy *mean, mn_npy *square, mn_error *err)
{
  const cJSON *arrays = cJSON_GetObjectItemCaseSensitive(r->header, "arrays");
  size_t type = type_of(r, "patches"), filters, taps;
  const cJSON *entry = cJSON_GetObjectItemCaseSensitive(arrays, "patches");
  if (!entry) return MN_OK;
  if (type > MN_F32 || !get_count(entry, "rows", &filters) || !get_count(entry, "columns", &taps) || !filters || !taps)
    return damaged(r, "patches", err);
  mn_status st = read_array(r, "patches", types[type], filters, taps, patches, err);
  if (st || !cJSON_GetObjectItemCaseSensitive(arrays, "whitening_mean")) return st;
  st = read_array(r, "whitening_mean", MN_NPY_F8, taps, 0, mean, err);
  return st ? st : read_array(r, "whitening_square", MN_NPY_F8, taps, taps, square, err);
}

/* The map itself, once the images are there. */
static mn_status read_map(const reader *r, mn_model *m, mn_error *err)
{
  mn_npy patches = {0}, mean = {0}, square = {0};
  mn_map *map = m->map;
  mn_status st = read_kept(r, &patches, &mean, &square, err);
  if (!st && mn_map_has_shift(map)) st = take_array(r, "feature_shift", MN_NPY_F8, map->dim, &map->shift, err);
  if (!st && mn_map_has_factor(map)) st = take_array(r, "feature_factor", MN_NPY_F8, map->dim, &map->factor, err);
  if (st) goto done;
  const mn_features_kept kept = {patches.shape[0], patches.shape[1], patches.type == MN_NPY_U1 ? MN_U8 : MN_F32,
                                 patches.values,   mean.values,      square.values};
  st = mn_map_open_features(map, &m->samples, &kept, NULL, err);
  if (st == MN_ERR_MEMORY) goto done;
  if (st || map->dim != m->report.dim) st = damaged(r, "\"features\"", err);
done:
  mn_npy_free(&patches);
  mn_npy_free(&mean);
  mn_npy_free(&square);
  return st;
}

static mn_status read_model(reader *r, mn_model *m, mn_error *err)
{
  mn_status st = check_version(r, err);
  if (!st) st = read_sizes(r, m, err);
  if (!st) st = read_features(r, m, err);
  if (!st) st = read_options(r, m, err);
  if (!st) st = read_kernel(r, &m->report.kernel, err);
  if (!st) st = read_coefficients(r, m, err);
  if (!st) st = take_array(r, "offset", MN_NPY_F8, m->outputs, &m->offset, err);
  if (!st && m->report.classes) st = take_array(r, "labels", MN_NPY_I8, m->outputs, &m->labels, err);
  if (!st) st = read_scaling(r, m, err);
  if (!st) st = check_settings(r, m, err);
  if (!st && !m->primal) st = read_samples(r, m, err);
  if (!st && m->map) st = read_map(r, m, err);
  m->report.gamma_rule = m->options.gamma_rule;
  m->report.ridge = m->options.solve.ridge;
  return st;
}

mn_status mn_model_open(const char *path, mn_model **out, mn_error *err)
{
  *out = NULL;
  reader r = {.folder = path};
  mn_model *m = mn_calloc(1, sizeof *m);
  if (!m) return MN_NO_MEMORY(err, sizeof *m);
  mn_status st = read_header(&r, err);
  if (!st) st = read_model(&r, m, err);
  cJSON_Delete(r.header);
  if (st)
    mn_model_close(&m);
  else
    *out = m;
  return st;
}
