#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/atomic_file.h"
#include "core/status.h"
#include "core/temporary.h"
#include "data/npy.h"
#include "minnorm/options.h"
#include "minnorm/report.h"

static int ends_in(const char *path, const char *suffix)
{
  size_t length = strlen(path), tail = strlen(suffix);
  return length >= tail && !strcmp(path + length - tail, suffix);
}

mn_status mn_report_check_path(const char *path, mn_error *err)
{
  mn_atomic_file *file = NULL;
  if (!strcmp(path, "-")) return MN_OK;
  mn_status st = mn_atomic_file_open(path, &file, err);
  mn_atomic_file_abort(&file);
  return st;
}

mn_status mn_report_check_scores_path(const char *path, mn_error *err)
{
  if (!ends_in(path, ".npy") && !ends_in(path, ".csv"))
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: a name that ends in .npy or .csv expected", path);
  return mn_report_check_path(path, err);
}

static void print_row(FILE *stream, size_t columns, const double *row)
{
  for (size_t c = 0; c < columns; c++) {
    char text[40] = "";
    if (!isnan(row[c])) mn_option_print_real(row[c], text, sizeof text);
    fprintf(stream, "%s%s", c ? "," : "", text);
  }
  fputc('\n', stream);
}

mn_status mn_report_write_scores(const char *path, size_t m, size_t columns, const double *scores, mn_error *err)
{
  mn_atomic_file *file = NULL;
  mn_status st = mn_report_check_scores_path(path, err);
  if (st) return st;
  if (ends_in(path, ".npy")) return mn_npy_write(path, MN_NPY_F8, 2, (size_t[]){m, columns}, scores, err);
  if ((st = mn_atomic_file_open(path, &file, err))) return st;
  for (size_t i = 0; i < m; i++) print_row(mn_atomic_file_stream(file), columns, scores + i * columns);
  return mn_atomic_file_commit(&file, err);
}

mn_status mn_report_write_csv(const char *path, size_t columns, const char *const *names, size_t rows,
                              const double *values, mn_error *err)
{
  mn_atomic_file *file = NULL;
  mn_status st = mn_atomic_file_open(path, &file, err);
  if (st) return st;
  FILE *stream = mn_atomic_file_stream(file);
  for (size_t c = 0; c < columns; c++) fprintf(stream, "%s%s", c ? "," : "", names[c]);
  fputc('\n', stream);
  for (size_t i = 0; i < rows; i++) print_row(stream, columns, values + i * columns);
  return mn_atomic_file_commit(&file, err);
}

mn_status mn_report_write_labels(const char *path, size_t m, const int64_t *labels, mn_error *err)
{
  mn_atomic_file *file = NULL;
  if (ends_in(path, ".npy")) return mn_npy_write(path, MN_NPY_I8, 1, &m, labels, err);
  mn_status st = mn_atomic_file_open(path, &file, err);
  if (st) return st;
  for (size_t i = 0; i < m; i++) fprintf(mn_atomic_file_stream(file), "%" PRId64 "\n", labels[i]);
  return mn_atomic_file_commit(&file, err);
}

void mn_report_abandon_files(void)
{
  mn_temporary_unlink_all();
}
