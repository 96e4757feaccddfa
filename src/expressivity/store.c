/* The network on disk: a folder with network.json and one .npy an array of weights. */
#include <stdio.h>

#include "core/folder.h"
#include "core/memory.h"
#include "core/status.h"
#include "data/npy.h"
#include "expressivity/network.h"
#include "minnorm/report.h"

static const mn_folder_kind kind = {"network.json", "minnorm network", "a network"};
enum { VERSION = 1 };

/* Arrays in the order a, b and w of each layer, and offset where there are several layers. */
int mn_network_array_at(const mn_network *network, size_t i, mn_network_array *out)
{
  size_t layers = network->report.layers, layer = (i - 1) / 2;
  *out = (mn_network_array){.ld = network->units};
  if (i == 0) {
    *out = (mn_network_array){"a", network->projection.a, network->dim, 0, network->dim};
  } else if (layer < layers) {
    size_t first = network->start[layer];
    int is_w = i % 2 == 0;
    out->rows = network->start[layer + 1] - first;
    out->columns = is_w ? network->outputs : 0;
    out->values = (is_w ? network->w : network->bias) + first;
    if (layers > 1)
      snprintf(out->name, sizeof out->name, "%c%zu", is_w ? 'w' : 'b', layer + 1);
    else
      snprintf(out->name, sizeof out->name, "%c", is_w ? 'w' : 'b');
  } else if (layers > 1 && i == 2 * layers + 1) {
    *out = (mn_network_array){"offset", network->offset, network->outputs, 0, network->outputs};
  } else {
    return 0;
  }
  return 1;
}

static size_t columns_of(const mn_network_array *array)
{
  return array->columns ? array->columns : 1;
}

size_t mn_network_count_weights(const mn_network *network)
{
  size_t count = 0;
  mn_network_array array;
  for (size_t i = 0; mn_network_array_at(network, i, &array); i++) count += array.rows * columns_of(&array);
  return count;
}

/* Row-major, so that numpy computes ReLU(...) @ w. */
static mn_status write_array(const mn_network_array *array, const char *folder, mn_error *err)
{
  char file[40];
  size_t columns = columns_of(array), shape[2] = {array->rows, array->columns};
  double *values = mn_alloc(array->rows * columns, sizeof *values);
  if (!values) return MN_NO_MEMORY(err, array->rows * columns * sizeof *values);
  for (size_t i = 0; i < array->rows; i++)
    for (size_t c = 0; c < columns; c++) values[i * columns + c] = array->values[i + c * array->ld];
  snprintf(file, sizeof file, "%s.npy", array->name);
  char *path = mn_folder_path(folder, file, err);
  mn_status st = path ? mn_npy_write(path, MN_NPY_F8, array->columns ? 2 : 1, shape, values, err) : MN_ERR_MEMORY;
  mn_free(path);
  mn_free(values);
  return st;
}

static void write_layers(const mn_network *network, mn_report *header)
{
  mn_network_array array;
  mn_report_begin_list(header, "layers");
  for (size_t l = 0; l < network->report.layers; l++) {
    mn_report_begin_object(header, NULL);
    mn_network_array_at(network, 2 * l + 1, &array);
    mn_report_text(header, "b", array.name);
    mn_network_array_at(network, 2 * l + 2, &array);
    mn_report_text(header, "w", array.name);
    mn_report_count(header, "units", array.rows);
    mn_report_end(header);
  }
  mn_report_end(header);
}

static void write_options(const mn_network *network, mn_report *header)
{
  size_t count;
  char text[64];
  const mn_option *table = mn_network_option_table(&count);
  mn_report_begin_object(header, "options");
  for (size_t i = 0; i < count; i++) {
    mn_option_get(&table[i], &network->options, text, sizeof text);
    mn_report_text(header, table[i].key, text);
  }
  mn_report_end(header);
}

static void write_summary(const mn_network *network, mn_report *header)
{
  const mn_network_report *r = &network->report;
  mn_report_text(header, "format", kind.format);
  mn_report_count(header, "version", VERSION);
  mn_report_text(header, "program", "minnorm " MINNORM_VERSION);
  mn_report_count(header, "n_train", r->n);
  mn_report_count(header, "dim", r->dim);
  mn_report_count(header, "outputs", r->outputs);
  mn_report_count(header, "depth", r->layers + 1);
  mn_report_count(header, "weights", r->weights);
  mn_report_begin_list(header, "labels");
  for (size_t c = 0; network->labels && c < network->classes; c++)
    mn_report_real(header, NULL, (double)network->labels[c]);
  mn_report_end(header);
  mn_report_real(header, "min_gap", r->gap);
  mn_report_real(header, "norm", r->norm);
}

static mn_status write_header(const mn_network *network, const char *folder, mn_error *err)
{
  mn_report *header = NULL;
  char *path = mn_folder_path(folder, kind.header, err);
  mn_status st = path ? mn_report_open(&header, err) : MN_ERR_MEMORY;
  if (!st) {
    write_summary(network, header);
    write_layers(network, header);
    write_options(network, header);
    st = mn_report_write(header, path, err);
  }
  mn_free(path);
  mn_report_close(&header);
  return st;
}

static mn_status fill(void *arg, const char *folder, mn_error *err)
{
  const mn_network *network = arg;
  mn_network_array array;
  mn_status st = MN_OK;
  for (size_t i = 0; !st && mn_network_array_at(network, i, &array); i++) st = write_array(&array, folder, err);
  return st ? st : write_header(network, folder, err);
}

mn_status mn_network_check_path(const char *path, mn_error *err)
{
  return mn_folder_check(&kind, path, err);
}

mn_status mn_network_save(const mn_network *network, const char *path, mn_error *err)
{
  return mn_folder_write(&kind, path, fill, (void *)network, err);
}
