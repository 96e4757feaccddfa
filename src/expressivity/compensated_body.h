/* The loops of compensated.h; the file that includes this names the table and chooses the instruction set. The inner
 * loops run over lanes that know nothing of each other, which the compiler turns into vectors. */
#include <math.h>

enum { LANES = MN_COMPENSATED_POINTS };

/* sum + rest += a + b */
static inline void accumulate(double *sum, double *rest, double a, double b)
{
  double s = *sum + a, t = s - *sum;
  *rest += ((*sum - (s - t)) + (a - t)) + b;
  *sum = s;
}

static void dot(size_t n, const double *x, const double *a, double *hi, double *lo)
{
  double sum[LANES] = {0}, rest[LANES] = {0};
  size_t j = 0;
  for (; j + LANES <= n; j += LANES)
    for (size_t l = 0; l < LANES; l++) {
      double p = x[j + l] * a[j + l];
      accumulate(&sum[l], &rest[l], p, fma(x[j + l], a[j + l], -p));
    }
  for (; j < n; j++) {
    double p = x[j] * a[j];
    accumulate(&sum[0], &rest[0], p, fma(x[j], a[j], -p));
  }
  for (size_t l = 1; l < LANES; l++) accumulate(&sum[0], &rest[0], sum[l], rest[l]);
  *hi = sum[0] + rest[0];
  *lo = rest[0] - (*hi - sum[0]);
}

static void units(size_t count, const double *b, const double *w, const double *z, const double *rest, double *hi,
                  double *lo)
{
  double z_hi[LANES], z_lo[LANES], sum[LANES], low[LANES];
  for (size_t l = 0; l < LANES; l++) z_hi[l] = z[l], z_lo[l] = rest[l], sum[l] = hi[l], low[l] = lo[l];
  for (size_t j = 0; j < count; j++)
    for (size_t l = 0; l < LANES; l++) {
      double t = z_hi[l] - b[j], back = t - z_hi[l];
      double e = ((z_hi[l] - (t - back)) + (-b[j] - back)) + z_lo[l];
      int active = t + e > 0;
      t = active ? t : 0;
      e = active ? e : 0;
      double p = w[j] * t;
      accumulate(&sum[l], &low[l], p, fma(w[j], t, -p) + w[j] * e);
    }
  for (size_t l = 0; l < LANES; l++) hi[l] = sum[l], lo[l] = low[l];
}

const mn_compensated MN_COMPENSATED = {dot, units};
