/* The integer products, written once for every instruction set. The including file has chosen the instruction set and
 * defined
 *   vec                 a vector of int32_t, with vec_load, vec_store, vec_broadcast of one cell
 *   vec_dot(sum, x, y)  sum plus, in each lane, the inner product of the features of a cell of x and one of y
 *   panel_columns       columns of a panel: two vectors times as many sums stay in registers
 *   group, bias         features of a cell; what the columns' features are moved by, 128 where y is signed, else 0
 *   MN_BYTES, MN_BYTES_NAME, MN_BYTES_NEEDS: the row that ends this file. No include guard by intent. */

enum { lanes = sizeof(vec) / sizeof(int32_t), panel_rows = 2 * lanes };

/* Up to `group` features as one cell, padded with zeros; in memory in the order of the features. */
static inline uint32_t cell_of(const unsigned char *x, size_t count)
{
  const unsigned width = 32 / group;
  uint32_t cell = 0;
  for (size_t k = 0; k < count; k++) cell |= (uint32_t)x[k] << (width * k);
  return cell;
}

/* Cells first ... of one sample, every `step`-th of out, with the bits of flip inverted. */
static void pack_sample(size_t dim, const unsigned char *x, size_t first, uint32_t flip, size_t step, uint32_t *out)
{
  const size_t full = dim / group, rest = dim % group;
  for (size_t g = first; g < full; g++) out[g * step] = cell_of(x + g * group, group) ^ flip;
  if (rest) out[full * step] = cell_of(x + full * group, rest) ^ flip;
}

static inline __m128i four_cells(const unsigned char *x, __m128i flip)
{
  return _mm_xor_si128(
      group == 4 ? _mm_loadu_si128((const void *)x) : _mm_cvtepu8_epi16(_mm_loadl_epi64((const void *)x)), flip);
}

/* Four samples at once: squares of four by four cells are transposed in registers. */
static void pack_four(size_t dim, const unsigned char *x, uint32_t flip, size_t step, uint32_t *out)
{
  const size_t squares = dim / (4 * group);
  const __m128i flips = _mm_set1_epi32((int)flip);
  for (size_t s = 0; s < squares; s++) {
    const unsigned char *from = x + s * 4 * group;
    uint32_t *to = out + s * 4 * step;
    const __m128i a = four_cells(from, flips), b = four_cells(from + dim, flips);
    const __m128i c = four_cells(from + 2 * dim, flips), d = four_cells(from + 3 * dim, flips);
    const __m128i ab_low = _mm_unpacklo_epi32(a, b), ab_high = _mm_unpackhi_epi32(a, b);
    const __m128i cd_low = _mm_unpacklo_epi32(c, d), cd_high = _mm_unpackhi_epi32(c, d);
    _mm_storeu_si128((void *)to, _mm_unpacklo_epi64(ab_low, cd_low));
    _mm_storeu_si128((void *)(to + step), _mm_unpackhi_epi64(ab_low, cd_low));
    _mm_storeu_si128((void *)(to + 2 * step), _mm_unpacklo_epi64(ab_high, cd_high));
    _mm_storeu_si128((void *)(to + 3 * step), _mm_unpackhi_epi64(ab_high, cd_high));
  }
  for (size_t i = 0; i < 4; i++) pack_sample(dim, x + i * dim, 4 * squares, flip, step, out + i);
}

static void clear_sample(size_t dim, size_t step, uint32_t *out)
{
  const size_t cells = (dim + group - 1) / group;
  for (size_t g = 0; g < cells; g++) out[g * step] = 0;
}

/* A panel of `step` samples of which there are count. */
static void pack(size_t dim, size_t count, const unsigned char *x, uint32_t flip, size_t step, uint32_t *out)
{
  size_t i = 0;
  for (; i + 4 <= count; i += 4) pack_four(dim, x + i * dim, flip, step, out + i);
  for (; i < count; i++) pack_sample(dim, x + i * dim, 0, flip, step, out + i);
  for (; i < step; i++) clear_sample(dim, step, out + i);
}

static int32_t sum_of(size_t dim, const unsigned char *x)
{
  int32_t sum = 0;
  for (size_t k = 0; k < dim; k++) sum += x[k];
  return sum;
}

static void pack_rows(size_t dim, size_t count, const unsigned char *x, uint32_t *out, int32_t *start)
{
  pack(dim, count, x, 0, panel_rows, out);
  for (size_t i = 0; i < panel_rows; i++) start[i] = bias && i < count ? bias * sum_of(dim, x + i * dim) : 0;
}

/* y - 128 as a signed byte is y with its top bit inverted. Padded features meet zeros of the rows. */
static void pack_columns(size_t dim, size_t count, const unsigned char *y, uint32_t *out)
{
  pack(dim, count, y, bias ? 0x80808080U : 0, panel_columns, out);
}

static void products(size_t cells, const uint32_t *x, const int32_t *start, const uint32_t *y, int32_t *dots, size_t ld)
{
  vec low[panel_columns], high[panel_columns];
#pragma GCC unroll 12
  for (size_t j = 0; j < panel_columns; j++) low[j] = vec_load(start), high[j] = vec_load(start + lanes);
  for (size_t k = 0; k < cells; k++, x += panel_rows, y += panel_columns) {
    const vec x_low = vec_load(x), x_high = vec_load(x + lanes);
#pragma GCC unroll 12
    for (size_t j = 0; j < panel_columns; j++) {
      const vec cell = vec_broadcast(y[j]);
      low[j] = vec_dot(low[j], x_low, cell);
      high[j] = vec_dot(high[j], x_high, cell);
    }
  }
#pragma GCC unroll 12
  for (size_t j = 0; j < panel_columns; j++) {
    vec_store(dots + j * ld, low[j]);
    vec_store(dots + j * ld + lanes, high[j]);
  }
}

/* Modulo 2^32, where the sum of the norms may wrap but the result is below 2^31. */
static void distances(size_t m, const uint32_t *rows, uint32_t column, int32_t *dots)
{
  for (size_t i = 0; i < m; i++) dots[i] = (int32_t)(rows[i] + column - 2 * (uint32_t)dots[i]);
}

static void to_f64(size_t m, const int32_t *restrict x, double scale, double *restrict out)
{
  for (size_t i = 0; i < m; i++) out[i] = scale * (double)x[i];
}

static void to_f32(size_t m, const int32_t *restrict x, double scale, float *restrict out)
{
  for (size_t i = 0; i < m; i++) out[i] = (float)scale * (float)x[i];
}

const mn_bytes_level MN_BYTES = {
    .name = MN_BYTES_NAME,
    .needs = MN_BYTES_NEEDS,
    .rows = panel_rows,
    .columns = panel_columns,
    .group = group,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .products = products,
    .distances = distances,
    .to_f64 = to_f64,
    .to_f32 = to_f32,
};
