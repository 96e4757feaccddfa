/* The tile transforms, written once for both precisions and every instruction set. The including file has chosen the
 * instruction set, included vecmath_f64.h or vecmath_f32.h for `real`, and defined MN_TRANSFORMS, the name of the table
 * that ends this file. No include guard by intent: one inclusion a file. */

enum { chunk = 256 }; /* elements taken through several steps while they stay in the first-level cache */

/* A parameter in `real`, where large ones must stay finite: infinity times 0 would be NaN. */
static inline real parameter(double x)
{
  return x > (double)vec_max ? vec_max : x < -(double)vec_max ? -vec_max : (real)x;
}

/* ||x||^2 + ||x'||^2 - 2 x . x', not below 0; the comparison keeps NaN. */
static inline real squared_distance(real row, real col, real dot)
{
  real r2 = vec_madd(-2, dot, row + col);
  return r2 < 0 ? 0 : r2;
}

static void linear(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows,
                   const real *cols)
{
  (void)kernel, (void)m, (void)n, (void)tile, (void)ld, (void)rows, (void)cols;
}

static void gaussian(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows,
                     const real *cols)
{
  const real gamma = parameter(kernel->gamma);
  for (size_t j = 0; j < n; j++) {
    real *c = tile + j * ld;
    const real col = cols[j];
#pragma omp simd
    for (size_t i = 0; i < m; i++) c[i] = vec_exp(-gamma * squared_distance(rows[i], col, c[i]));
  }
}

static void laplacian(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows,
                      const real *cols)
{
  const real gamma = parameter(kernel->gamma);
  for (size_t j = 0; j < n; j++) {
    real *c = tile + j * ld;
    const real col = cols[j];
#pragma omp simd
    for (size_t i = 0; i < m; i++) c[i] = vec_exp(-gamma * vec_sqrt(squared_distance(rows[i], col, c[i])));
  }
}

/* scale r, but at most 1000 (limit = 1000 / scale), where exp is long 0 and (1 + infinity) * 0 would be NaN. */
static inline real scaled(real scale, real limit, real r2)
{
  real r = vec_sqrt(r2);
  return scale * (r > limit ? limit : r);
}

static void matern32(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows,
                     const real *cols)
{
  const real scale = parameter(sqrt(3) * kernel->gamma), limit = 1000 / scale;
  for (size_t j = 0; j < n; j++) {
    real *c = tile + j * ld;
    const real col = cols[j];
#pragma omp simd
    for (size_t i = 0; i < m; i++) {
      real a = scaled(scale, limit, squared_distance(rows[i], col, c[i]));
      c[i] = (1 + a) * vec_exp(-a);
    }
  }
}

static void matern52(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows,
                     const real *cols)
{
  const real scale = parameter(sqrt(5) * kernel->gamma), limit = 1000 / scale, third = (real)(1.0 / 3);
  for (size_t j = 0; j < n; j++) {
    real *c = tile + j * ld;
    const real col = cols[j];
#pragma omp simd
    for (size_t i = 0; i < m; i++) {
      real a = scaled(scale, limit, squared_distance(rows[i], col, c[i]));
      c[i] = vec_madd(a, vec_madd(a, third, 1), 1) * vec_exp(-a);
    }
  }
}

/* c[i] = base[i]^degree, i < m <= chunk; base is overwritten. No square is taken that is not needed: it may overflow.
 */
static void integer_power(size_t m, int degree, real *base, real *c)
{
  const real first = (real)(degree & 1);
#pragma omp simd
  for (size_t i = 0; i < m; i++) c[i] = first > 0 ? base[i] : 1;
  for (int bits = degree >> 1; bits; bits >>= 1) {
#pragma omp simd
    for (size_t i = 0; i < m; i++) base[i] *= base[i];
    if (!(bits & 1)) continue;
#pragma omp simd
    for (size_t i = 0; i < m; i++) c[i] *= base[i];
  }
}

static void polynomial(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows,
                       const real *cols)
{
  const real gamma = parameter(kernel->gamma), coef0 = parameter(kernel->coef0);
  real base[chunk];
  (void)rows, (void)cols;
  for (size_t j = 0; j < n; j++) {
    for (size_t first = 0; first < m; first += chunk) {
      real *c = tile + j * ld + first;
      const size_t count = m - first < chunk ? m - first : chunk;
#pragma omp simd
      for (size_t i = 0; i < count; i++) base[i] = vec_madd(gamma, c[i], coef0);
      integer_power(count, kernel->degree, base, c);
    }
  }
}

/* cos(theta) for the product q of the norms, in [-1, 1]; 0 when q is 0. */
static inline real cosine(real dot, real q)
{
  real u = dot / (q > 0 ? q : 1);
  u = u > 1 ? 1 : u;
  return u < -1 ? -1 : u;
}

/* The two arc-cosine kernels of unit vectors: order 0, (pi - theta) / pi, and order 1, (sin theta + (pi - theta) cos
 * theta) / pi, with supplement = pi - theta = acos(-u). */
static inline real order_zero(real supplement)
{
  return supplement * (1 / vec_pi);
}

static inline real order_one(real u, real supplement)
{
  return vec_madd(supplement, u, vec_sqrt((1 - u) * (1 + u))) * (1 / vec_pi);
}

static void arccos1(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows,
                    const real *cols)
{
  (void)kernel;
  for (size_t j = 0; j < n; j++) {
    real *c = tile + j * ld;
    const real norm = vec_sqrt(cols[j]);
#pragma omp simd
    for (size_t i = 0; i < m; i++) {
      real q = vec_sqrt(rows[i]) * norm;
      real u = cosine(c[i], q);
      c[i] = q * order_one(u, vec_acos(-u));
    }
  }
}

/* One more layer: the cosine u of the hidden representations and the tangent kernel of unit vectors, in place. */
static void ntk_layer(size_t m, real *u, real *tangent)
{
#pragma omp simd
  for (size_t i = 0; i < m; i++) {
    real supplement = vec_acos(-u[i]);
    real next = order_one(u[i], supplement);
    tangent[i] = vec_madd(tangent[i], order_zero(supplement), next);
    u[i] = next > 1 ? 1 : next;
  }
}

static void ntk(const mn_kernel *kernel, size_t m, size_t n, real *tile, size_t ld, const real *rows, const real *cols)
{
  real u[chunk], q[chunk];
  if (kernel->depth == 1) return; /* the linear kernel, without its rounding */
  for (size_t j = 0; j < n; j++) {
    const real norm = vec_sqrt(cols[j]);
    for (size_t first = 0; first < m; first += chunk) {
      real *c = tile + j * ld + first;
      const size_t count = m - first < chunk ? m - first : chunk;
#pragma omp simd
      for (size_t i = 0; i < count; i++) {
        q[i] = vec_sqrt(rows[first + i]) * norm;
        c[i] = u[i] = cosine(c[i], q[i]);
      }
      for (int layer = 1; layer < kernel->depth; layer++) ntk_layer(count, u, c);
#pragma omp simd
      for (size_t i = 0; i < count; i++) c[i] *= q[i];
    }
  }
}

MN_TRANSFORM const MN_TRANSFORMS[MN_KERNEL_COUNT] = {
    [MN_KERNEL_LINEAR] = linear,         [MN_KERNEL_GAUSSIAN] = gaussian, [MN_KERNEL_LAPLACIAN] = laplacian,
    [MN_KERNEL_POLYNOMIAL] = polynomial, [MN_KERNEL_MATERN32] = matern32, [MN_KERNEL_MATERN52] = matern52,
    [MN_KERNEL_ARCCOS1] = arccos1,       [MN_KERNEL_NTK] = ntk,
};
