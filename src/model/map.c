#include "model/map.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "linalg/threads.h"
#include "minnorm/model.h"
#include "model/stream_pass.h"
#include "solve/system.h"

mn_status mn_map_open(const char *text, int unit, mn_dtype type, mn_map **out, mn_error *err)
{
  mn_map *m = mn_calloc(1, sizeof *m);
  *out = NULL;
  if (!m || !(m->text = mn_strdup(text))) {
    mn_free(m);
    return MN_NO_MEMORY(err, sizeof *m + strlen(text));
  }
  m->unit = unit;
  m->type = type;
  mn_status st = mn_stream_text_options(text, &m->options, err);
  if (st)
    mn_map_close(&m);
  else
    *out = m;
  return st;
}

void mn_map_close(mn_map **map)
{
  mn_map *m = *map;
  if (!m) return;
  mn_features_close(&m->features);
  mn_free(m->shift);
  mn_free(m->factor);
  mn_free(m->text);
  mn_free(m);
  *map = NULL;
}

int mn_map_has_shift(const mn_map *m)
{
  return m->options.feature_scale != MN_FEATURE_SCALE_NONE;
}

int mn_map_has_factor(const mn_map *m)
{
  return m->options.feature_scale == MN_FEATURE_SCALE_STANDARD;
}

mn_status mn_map_open_features(mn_map *m, const mn_samples *images, const mn_features_kept *kept, const mn_context *ctx,
                               mn_error *err)
{
  const mn_features_options *o = &m->options.features;
  mn_status st = kept ? mn_features_open_kept(o, images, kept, ctx, &m->features, err)
                      : mn_features_open(o, images, ctx, &m->features, err);
  if (st) return st;
  m->dim = mn_features_dim(m->features);
  m->channels = images->data->channels;
  m->height = images->data->height;
  m->width = images->data->width;
  return MN_OK;
}

/* ---- of products */

/* Whether the map, or what it is given, depends on the training images. */
static int depends_on_images(const mn_stream_options *o)
{
  return o->scale == MN_SCALE_STANDARD ||
         (o->features.name == MN_FEATURES_CONV && o->features.kind != MN_FILTERS_GAUSSIAN);
}

static mn_status check_images(const mn_products *p, const mn_data *train, const mn_stream_options *o, mn_error *err)
{
  mn_status st = mn_stream_text_check_images(p->text, train, err);
  if (st) return st;
  if (train->n == p->train || !depends_on_images(o)) return MN_OK;
  return MN_FAIL(
      err, MN_ERR_UNSUPPORTED,
      "a model of the first %zu of %zu images cannot be saved, for its features were drawn from all of them: "
      "fit to all, or make features of these alone (--features)",
      train->n, p->train);
}

mn_status mn_model_check_features(const mn_products *products, const mn_data *train, mn_error *err)
{
  mn_stream_options o;
  mn_status st = mn_stream_text_options(mn_products_get(products).text, &o, err);
  return st ? st : check_images(products, train, &o, err);
}

static mn_status copy(size_t count, const double *from, double **out, mn_error *err)
{
  if (!(*out = mn_alloc(count, sizeof **out))) return MN_NO_MEMORY(err, count * sizeof **out);
  memcpy(*out, from, count * sizeof **out);
  return MN_OK;
}

mn_status mn_map_of_products(const mn_products *p, const mn_data *train, mn_scaling **scaling, mn_map **out,
                             mn_error *err)
{
  *scaling = NULL;
  mn_status st = mn_map_open(p->text, p->inverse != NULL, p->type, out, err);
  if (st) return st;
  mn_map *m = *out;
  if ((st = check_images(p, train, &m->options, err))) goto done;
  if ((st = mn_scaling_open(m->options.scale, train, scaling, err))) goto done;
  const mn_samples images = mn_samples_of(train, *scaling);
  if ((st = mn_map_open_features(m, &images, NULL, NULL, err))) goto done;
  if (m->dim != p->dim)
    st = MN_FAIL(err, MN_ERR_FORMAT, "%zu features were in the products, this program makes %zu", p->dim, m->dim);
  if (!st && mn_map_has_shift(m)) st = copy(m->dim, p->shift, &m->shift, err);
  if (!st && mn_map_has_factor(m)) st = copy(m->dim, p->factor, &m->factor, err);
done:
  if (!st) return MN_OK;
  mn_map_close(out);
  mn_scaling_close(scaling);
  return st;
}

/* ---- products with other images */

static double room_of(size_t memory_bytes)
{
  mn_solve_options o = {.memory_bytes = memory_bytes};
  return mn_solver_room(&o);
}

/* Bytes of the products of m other images and of what adding to them takes, but for blocks. */
static double bytes_of(const mn_map *map, size_t n, size_t m)
{
  double all = (double)n + (double)m;
  return (double)n * (double)m * (double)mn_dtype_size(map->type) +
         mn_products_add_bytes(n, m, map->type, map->options.bfloat16) + all * 4 * sizeof(double) +
         (double)map->dim * 2 * sizeof(double);
}

mn_status mn_map_most(const mn_map *map, size_t n, size_t m, size_t each, size_t memory_bytes, size_t *most,
                      mn_error *err)
{
  double group = (double)mn_stream_widest_group(map->features) * sizeof(float), room = room_of(memory_bytes);
  double fixed = bytes_of(map, n, 0) + (double)n * group;
  double one = bytes_of(map, n, 1) - bytes_of(map, n, 0) + group + (double)each, count = floor((room - fixed) / one);
  if (!(count >= 1))
    return MN_FAIL(err, MN_ERR_BUDGET, "features of %zu training images need %.2f GiB, %.2f GiB are left%s", n,
                   (fixed + one) / 0x1p30, fmax(room, 0) / 0x1p30, memory_bytes ? ": give more memory (--memory)" : "");
  double passes = ceil((double)m / fmin(count, (double)m));
  *most = (size_t)ceil((double)m / passes);
  return MN_OK;
}

static void set_scales(const mn_map *map, mn_products *p)
{
  for (size_t k = 0; k < map->dim; k++) p->factor[k] = map->factor ? map->factor[k] : 1;
  if (map->shift) memcpy(p->shift, map->shift, map->dim * sizeof *p->shift);
}

mn_status mn_map_products(const mn_map *map, const mn_samples *centres, const mn_samples *images, size_t first,
                          size_t count, size_t index, size_t passes, const mn_context *ctx, mn_products **out,
                          mn_error *err)
{
  size_t n = centres->n;
  double room = room_of(ctx ? ctx->memory_bytes : 0) - bytes_of(map, n, count);
  mn_stream_pass pass = {.features = map->features,
                         .images = {*centres, *images},
                         .first = first,
                         .scale = map->options.feature_scale,
                         .bfloat16 = map->options.bfloat16,
                         .measured = 1,
                         .block = mn_stream_choose_block(map->features, n + count, room),
                         .threads = mn_threads_open(ctx),
                         .ctx = ctx,
                         .index = index,
                         .passes = passes};
  mn_status st = mn_products_open_across(n, count, MN_PRODUCTS_TILE, map->type, map->dim, map->text, out, err);
  if (st) return st;
  pass.products = *out;
  set_scales(map, *out);
  st = mn_stream_pass_run(&pass, err);
  if (!st && map->unit) st = mn_products_normalise(*out, err);
  if (st) mn_products_close(out);
  return st;
}
