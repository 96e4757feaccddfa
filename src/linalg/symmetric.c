#include "linalg/symmetric.h"

#include <string.h>

/* Column j of K from its lower triangle, n elements. */
static void copy_column(const mn_panels *k, size_t j, float *out)
{
  size_t w = k->width, own = j / w;
  for (size_t panel = 0; panel <= own; panel++) {
    size_t first = panel * w, end = panel == own ? j : first + w, ld = k->panel[panel].ld;
    const float *row = mn_panels_at(k, j, first);
    for (size_t c = first; c < end; c++) out[c] = row[(c - first) * ld];
  }
  memcpy(out + j, mn_panels_at(k, j, j), (k->n - j) * sizeof *out);
}

static mn_status columns(void *arg, size_t count, const size_t *which, float *out, mn_error *err)
{
  const mn_symmetric_kept *kept = arg;
  (void)err;
#pragma omp parallel for num_threads(kept->threads) schedule(dynamic)
  for (size_t s = 0; s < count; s++) copy_column(kept->k, which[s], out + s * kept->k->n);
  return MN_OK;
}

static mn_status elements(void *arg, size_t count, const size_t *i, const size_t *j, float *out, mn_error *err)
{
  const mn_symmetric_kept *kept = arg;
  (void)err;
#pragma omp parallel for num_threads(kept->threads) schedule(static)
  for (size_t k = 0; k < count; k++) {
    size_t low = i[k] < j[k] ? i[k] : j[k], high = i[k] < j[k] ? j[k] : i[k];
    out[k] = *(const float *)mn_panels_at(kept->k, high, low);
  }
  return MN_OK;
}

static mn_status panel(void *arg, size_t j, const mn_panels **out, mn_error *err)
{
  const mn_symmetric_kept *kept = arg;
  (void)j, (void)err;
  *out = kept->k;
  return MN_OK;
}

mn_symmetric mn_symmetric_of_panels(mn_symmetric_kept *kept)
{
  return (mn_symmetric){
      .n = kept->k->n, .arg = kept, .columns = columns, .elements = elements, .panel = panel, .panels = kept->k->count};
}
