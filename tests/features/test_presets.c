/* The recipes' constants, as RECIPES and the sources named there have them. */
#include <string.h>

#include "minnorm/features.h"
#include "support.h"

static const mn_features_options recipe_a = {.name = MN_FEATURES_CONV,
                                             .patch = 6,
                                             .kind = MN_FILTERS_WHITENED,
                                             .patch_norm = MN_PATCHES_RAW,
                                             .filter_norm = MN_PATCHES_UNIT,
                                             .patch_constant = 0,
                                             .filter_unit = 0,
                                             .whiten_epsilon = 0.001,
                                             .whiten_patches = 100000,
                                             .whiten_test = 0,
                                             .rectifier = MN_RECTIFIER_TWOSIDED,
                                             .bias = 1,
                                             .pool = MN_POOL_AVERAGE,
                                             .pool_window = 15,
                                             .pool_stride = 6,
                                             .pool_ceil = 1};
static const mn_features_options recipe_b = {.name = MN_FEATURES_CONV,
                                             .patch = 6,
                                             .kind = MN_FILTERS_WHITENED,
                                             .patch_norm = MN_PATCHES_NORM,
                                             .filter_norm = MN_PATCHES_NORM,
                                             .patch_constant = 10,
                                             .filter_unit = 1,
                                             .whiten_epsilon = 0.1,
                                             .whiten_patches = 100000,
                                             .whiten_test = 1,
                                             .rectifier = MN_RECTIFIER_TWOSIDED,
                                             .bias = 0.25,
                                             .pool = MN_POOL_SUM,
                                             .pool_window = 14,
                                             .pool_stride = 13,
                                             .pool_ceil = 0};

/* Member by member: padding between them is nobody's business. */
static void assert_recipe(const mn_features_options *o, const mn_features_options *r)
{
  assert_int_equal(o->name, r->name);
  assert_int_equal(o->patch, r->patch);
  assert_int_equal(o->kind, r->kind);
  assert_int_equal(o->patch_norm, r->patch_norm);
  assert_int_equal(o->filter_norm, r->filter_norm);
  assert_true(o->patch_constant == r->patch_constant);
  assert_int_equal(o->filter_unit, r->filter_unit);
  assert_true(o->whiten_epsilon == r->whiten_epsilon);
  assert_int_equal(o->whiten_patches, r->whiten_patches);
  assert_int_equal(o->whiten_test, r->whiten_test);
  assert_int_equal(o->rectifier, r->rectifier);
  assert_true(o->bias == r->bias);
  assert_int_equal(o->pool, r->pool);
  assert_int_equal(o->pool_window, r->pool_window);
  assert_int_equal(o->pool_stride, r->pool_stride);
  assert_int_equal(o->pool_ceil, r->pool_ceil);
}

static mn_features_options preset(const char *name)
{
  mn_features_options o;
  memset(&o, 0x5a, sizeof o); /* whatever was there before */
  assert_int_equal(mn_features_preset(name, &o, NULL), MN_OK);
  return o;
}

static void constants(void **state)
{
  (void)state;
  mn_features_options d = recipe_b, gaussian = recipe_b, o = preset("a");
  d.pool_stride = 14;
  d.pool_ceil = 1;
  gaussian.kind = MN_FILTERS_GAUSSIAN;
  gaussian.whiten_test = 0;
  assert_recipe(&o, &recipe_a);
  o = preset("b");
  assert_recipe(&o, &recipe_b);
  o = preset("d");
  assert_recipe(&o, &d);
  o = preset("gaussian");
  assert_recipe(&o, &gaussian);
}

static void what_is_not_the_recipes_stays(void **state)
{
  (void)state;
  mn_features_options o = {.name = MN_FEATURES_GABOR, .scales = 2, .orientations = 3, .slant = 0.5, .pooling = 4};
  o.filters = 77;
  o.engine = MN_CONV_FFT;
  o.seed = 99;
  assert_int_equal(mn_features_preset("d", &o, NULL), MN_OK);
  assert_int_equal(o.name, MN_FEATURES_CONV);
  assert_int_equal(o.scales, 2);
  assert_int_equal(o.orientations, 3);
  assert_true(o.slant == 0.5);
  assert_int_equal(o.pooling, 4);
  assert_int_equal(o.filters, 77);
  assert_int_equal(o.engine, MN_CONV_FFT);
  assert_int_equal(o.seed, 99);
}

static void the_table_is_listed(void **state)
{
  (void)state;
  static const char *const names[] = {"a", "b", "d", "gaussian"};
  for (size_t i = 0; i < 4; i++) {
    const mn_preset_info *info = mn_features_preset_at(i);
    assert_non_null(info);
    assert_string_equal(info->name, names[i]);
    assert_true(strlen(info->help) > 10);
  }
  assert_null(mn_features_preset_at(4));
  assert_null(mn_features_preset_at(SIZE_MAX));
}

static void unknown_names_change_nothing(void **state)
{
  (void)state;
  static const char *const names[] = {"", "A", "c", "b ", "gauss"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    mn_features_options o = {.filters = 3}, before = o;
    mn_error err = {0};
    assert_int_equal(mn_features_preset(names[i], &o, &err), MN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "gaussian"));
    assert_memory_equal(&o, &before, sizeof o);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(constants),
      cmocka_unit_test(what_is_not_the_recipes_stays),
      cmocka_unit_test(the_table_is_listed),
      cmocka_unit_test(unknown_names_change_nothing),
  };
  return cmocka_run_group_tests_name("presets", tests, NULL, NULL);
}
