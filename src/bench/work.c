/* What the passes do, counted: flops and bytes; and how times grow with n. */
#include <math.h>

#include "bench/bench.h"
#include "linalg/cholesky.h"
#include "linalg/panels.h"

enum { STREAM_TILE = 512 };

const char *mn_bench_pass_string(mn_bench_pass pass)
{
  static const char *const names[MN_BENCH_PASSES] = {"allocate", "gram", "factor", "solve", "residual"};
  return pass < MN_BENCH_PASSES ? names[pass] : NULL;
}

static double columns_of(double n, double width, double panel)
{
  return fmin(width, n - panel * width);
}

/* Elements of samples read where each tile needs the rows of its own and each panel its columns. */
static double sample_elements(double n, double dim, double width)
{
  double count = ceil(n / width), sum = 0;
  for (double j = 0; j < count; j++) sum += columns_of(n, width, j) + n - j * width;
  return sum * dim;
}

/* Elements of the tiles: those below the diagonal and on it, whole. */
static double tile_elements(double n, double width)
{
  double count = ceil(n / width), sum = 0;
  for (double j = 0; j < count; j++) sum += columns_of(n, width, j) * (n - j * width);
  return sum;
}

/* Elements read and written by the factorisation. Panel j: m rows, of which those below its diagonal tile also read
 * that tile and, for each panel before, the tiles in its row. */
static double factor_elements(double n, double width)
{
  double count = ceil(n / width), sum = 0;
  for (double j = 0; j < count; j++) {
    double m = n - j * width, columns = columns_of(n, width, j), below = ceil(m / width) - 1, before = j * width;
    sum += 2 * m * columns + below * columns * columns + before * (m + below * columns);
  }
  return sum;
}

size_t mn_bench_width(size_t n, size_t wanted)
{
  size_t width = wanted ? wanted : mn_panels_width(n);
  return width < n ? width : n;
}

mn_bench_work mn_bench_work_of(mn_bench_pass pass, size_t n, size_t dim, size_t width, mn_dtype type,
                               mn_bench_samples samples)
{
  double x = (double)n, d = (double)dim, w = (double)mn_bench_width(n, width), columns = MN_BENCH_COLUMNS;
  double element = (double)mn_dtype_size(type), sample = samples == MN_BENCH_BYTES ? 1 : sizeof(double);
  switch (pass) {
  case MN_BENCH_ALLOCATE:
    return (mn_bench_work){0, (double)mn_panels_bytes(n, (size_t)w, type)};
  case MN_BENCH_GRAM:
    return (mn_bench_work){x * x * d, tile_elements(x, w) * element + sample_elements(x, d, w) * sample};
  case MN_BENCH_FACTOR:
    return (mn_bench_work){mn_cholesky_flops(n), factor_elements(x, w) * element};
  case MN_BENCH_SOLVE:
    return (mn_bench_work){2 * x * x * columns, 2 * tile_elements(x, w) * element};
  default:
    return (mn_bench_work){x * x * (d + 2 * columns),
                           sample_elements(x, d, fmin(STREAM_TILE, x)) * sample + 2 * x * columns * sizeof(double)};
  }
}

double mn_bench_growth(size_t count, const double *n, const double *seconds)
{
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  if (count < 3) return (double)NAN;
  for (size_t i = 0; i < count; i++) {
    if (!(n[i] > 0) || !(seconds[i] > 0)) return (double)NAN;
    mean_x += log(n[i]) / (double)count;
    mean_y += log(seconds[i]) / (double)count;
  }
  for (size_t i = 0; i < count; i++) {
    double x = log(n[i]) - mean_x;
    xx += x * x;
    xy += x * (log(seconds[i]) - mean_y);
  }
  return xx > 1e-12 ? xy / xx : (double)NAN;
}
