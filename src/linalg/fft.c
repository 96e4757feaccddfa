#define _XOPEN_SOURCE 700
#include "linalg/fft.h"

#include <errno.h>
#include <fftw3.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/atomic_file.h"
#include "core/memory.h"
#include "core/status.h"

/* FFTW's planner is one for the process. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

struct mn_fft {
  fftwf_plan forward, backward;
};

/* ---- the file of wisdom */

static const double measure_s = 5; /* a plan may be measured for that long */

/* Makes the parts of a path that are missing, from the one that ends at `from` on; the path is whole again after. */
static void make_folders(char *path, size_t from)
{
  for (char *slash = path + from; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    mkdir(path, 0700); /* what it failed for shows when the file is opened */
    *slash = '/';
  }
}

/* The file's path, its folders made; "" when there is no cache folder: the variables must hold absolute paths. */
static void find_file(size_t room, char *path)
{
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length = -1;
  if (cache && *cache == '/')
    length = snprintf(path, room, "%s/minnorm/fftw-single.wisdom", cache);
  else if (home && *home == '/')
    length = snprintf(path, room, "%s/.cache/minnorm/fftw-single.wisdom", home);
  if (length < 0 || (size_t)length >= room)
    *path = '\0';
  else
    make_folders(path, 1);
}

static void write_wisdom(mn_atomic_file *file)
{
  char *wisdom = fftwf_export_wisdom_to_string();
  if (wisdom) mn_atomic_file_write(file, wisdom, strlen(wisdom), NULL);
  free(wisdom); /* malloc's */
}

/* ---- plans */

/* Both plans or none. The arrays' contents are lost. */
static int make_plans(mn_fft *fft, size_t rows, size_t cols, float *in, float *out, unsigned flags)
{
  const ptrdiff_t n = (ptrdiff_t)cols;
  const fftwf_iodim64 sides[2] = {{(ptrdiff_t)rows, n, n}, {n, 1, 1}};
  fftwf_complex *from = (fftwf_complex *)in, *to = (fftwf_complex *)out;
  fft->forward = fftwf_plan_guru64_dft(2, sides, 0, NULL, from, to, FFTW_FORWARD, flags);
  fft->backward = fftwf_plan_guru64_dft(2, sides, 0, NULL, from, to, FFTW_BACKWARD, flags);
  if (fft->forward && fft->backward) return 1;
  fftwf_destroy_plan(fft->forward), fftwf_destroy_plan(fft->backward);
  fft->forward = fft->backward = NULL;
  return 0;
}

/* From this process's wisdom, else the file's, else measured and added to the file, else estimated. Nothing is measured
 * before the new file could be opened. Anything that goes wrong with the file is passed over, but memory. */
static mn_status plan(mn_fft *fft, size_t rows, size_t cols, float *in, float *out, mn_error *err)
{
  char path[4096];
  mn_atomic_file *file = NULL;
  if (make_plans(fft, rows, cols, in, out, FFTW_MEASURE | FFTW_WISDOM_ONLY)) return MN_OK;
  find_file(sizeof path, path);
  if (*path && fftwf_import_wisdom_from_filename(path) &&
      make_plans(fft, rows, cols, in, out, FFTW_MEASURE | FFTW_WISDOM_ONLY))
    return MN_OK;
  if (*path && mn_atomic_file_open(path, &file, NULL) == MN_ERR_MEMORY) return MN_NO_MEMORY(err, strlen(path));
  fftwf_set_timelimit(measure_s);
  int made = make_plans(fft, rows, cols, in, out, file ? FFTW_MEASURE : FFTW_ESTIMATE);
  fftwf_set_timelimit(FFTW_NO_TIMELIMIT);
  if (file && made) {
    write_wisdom(file);
    mn_atomic_file_commit(&file, NULL);
  }
  mn_atomic_file_abort(&file);
  return made ? MN_OK : MN_FAIL(err, MN_ERR_MEMORY, "FFTW made no plan for %zu x %zu", rows, cols);
}

mn_status mn_fft_open(size_t rows, size_t cols, mn_fft **out, mn_error *err)
{
  mn_status st = MN_OK;
  float *from = NULL, *to = NULL;
  *out = NULL;
  if (!rows || !cols || rows > PTRDIFF_MAX / (2 * sizeof(float)) / cols)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "no Fourier transform of %zu x %zu", rows, cols);
  mn_fft *fft = mn_calloc(1, sizeof *fft);
  from = mn_alloc_matrix(rows * cols, 2 * sizeof *from);
  to = mn_alloc_matrix(rows * cols, 2 * sizeof *to);
  if (!fft || !from || !to) {
    st = MN_NO_MEMORY(err, 4 * rows * cols * sizeof *from);
    goto done;
  }
  pthread_mutex_lock(&planner);
  st = plan(fft, rows, cols, from, to, err);
  pthread_mutex_unlock(&planner);
done:
  mn_free(from);
  mn_free(to);
  if (st)
    mn_fft_close(&fft);
  else
    *out = fft;
  return st;
}

void mn_fft_close(mn_fft **fft)
{
  if (!*fft) return;
  pthread_mutex_lock(&planner);
  fftwf_destroy_plan((*fft)->forward);
  fftwf_destroy_plan((*fft)->backward);
  pthread_mutex_unlock(&planner);
  mn_free(*fft);
  *fft = NULL;
}

/* ---- transforms; FFTW writes to the input of such plans only when asked to */

void mn_fft_forward(const mn_fft *fft, const float *in, float *out)
{
  fftwf_execute_dft(fft->forward, (fftwf_complex *)in, (fftwf_complex *)out);
}

void mn_fft_backward(const mn_fft *fft, const float *in, float *out)
{
  fftwf_execute_dft(fft->backward, (fftwf_complex *)in, (fftwf_complex *)out);
}
