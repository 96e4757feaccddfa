/* The table of the maps' options: every member has a row, reads back as it was, and belongs to the maps that use it. */
#include <string.h>

#include "minnorm/features.h"
#include "support.h"

static const mn_option *table;
static size_t rows;

/* All members set, each to something that is not its default. */
static const mn_features_options unusual = {.name = MN_FEATURES_SCATTERING,
                                            .symmetric = 1,
                                            .scales = 5,
                                            .orientations = 7,
                                            .slant = 0.3,
                                            .pooling = 4,
                                            .filters = 255999,
                                            .patch = 11,
                                            .kind = MN_FILTERS_PATCHES,
                                            .patch_norm = MN_PATCHES_UNIT,
                                            .filter_norm = MN_PATCHES_CENTER,
                                            .patch_constant = 0.1,
                                            .filter_unit = 1,
                                            .whiten_epsilon = 1e-300,
                                            .whiten_patches = 12345,
                                            .whiten_test = 1,
                                            .rectifier = MN_RECTIFIER_ABS,
                                            .bias = -1.0 / 3,
                                            .pool = MN_POOL_MAX,
                                            .pool_window = 9,
                                            .pool_stride = 8,
                                            .pool_ceil = 1,
                                            .engine = MN_CONV_FFT};

static void assert_same(const mn_features_options *a, const mn_features_options *b)
{
  assert_int_equal(a->name, b->name);
  assert_int_equal(a->symmetric, b->symmetric);
  assert_int_equal(a->scales, b->scales);
  assert_int_equal(a->orientations, b->orientations);
  assert_true(a->slant == b->slant);
  assert_int_equal(a->pooling, b->pooling);
  assert_int_equal(a->filters, b->filters);
  assert_int_equal(a->patch, b->patch);
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->patch_norm, b->patch_norm);
  assert_int_equal(a->filter_norm, b->filter_norm);
  assert_true(a->patch_constant == b->patch_constant);
  assert_int_equal(a->filter_unit, b->filter_unit);
  assert_true(a->whiten_epsilon == b->whiten_epsilon);
  assert_int_equal(a->whiten_patches, b->whiten_patches);
  assert_int_equal(a->whiten_test, b->whiten_test);
  assert_int_equal(a->rectifier, b->rectifier);
  assert_true(a->bias == b->bias);
  assert_int_equal(a->pool, b->pool);
  assert_int_equal(a->pool_window, b->pool_window);
  assert_int_equal(a->pool_stride, b->pool_stride);
  assert_int_equal(a->pool_ceil, b->pool_ceil);
  assert_int_equal(a->engine, b->engine);
}

static void copy(const mn_features_options *from, mn_features_options *to, mn_features_name used)
{
  for (size_t i = 0; i < rows; i++) {
    char text[64];
    mn_error err = {0};
    if (used != MN_FEATURES_COUNT && !mn_features_option_used(&table[i], used)) continue;
    assert_true(mn_option_get(&table[i], from, text, sizeof text) < sizeof text);
    if (mn_option_set(&table[i], text, to, &err)) fail_msg("%s", err.text);
  }
}

static void every_member_has_a_row(void **state)
{
  (void)state;
  mn_features_options o = {.seed = 3};
  copy(&unusual, &o, MN_FEATURES_COUNT);
  assert_same(&o, &unusual);
  assert_int_equal(o.seed, 3); /* and the seed none */
}

/* The rows that a map uses are all that its defaults, and every preset, set. */
static void a_maps_own_rows_are_enough(void **state)
{
  (void)state;
  for (mn_features_name name = MN_FEATURES_NONE; name < MN_FEATURES_COUNT; name++) {
    mn_features_options o = {0}, d = mn_features_default(name);
    copy(&d, &o, name);
    assert_same(&o, &d);
  }
  for (size_t i = 0; mn_features_preset_at(i); i++) {
    mn_features_options o = {0}, d = mn_features_default(MN_FEATURES_CONV);
    assert_int_equal(mn_features_preset(mn_features_preset_at(i)->name, &d, NULL), MN_OK);
    copy(&d, &o, MN_FEATURES_CONV);
    assert_same(&o, &d);
  }
}

/* What --help says of defaults is what the maps have. */
static void defaults_are_those_of_the_maps(void **state)
{
  (void)state;
  size_t said = 0;
  for (mn_features_name name = MN_FEATURES_GABOR; name < MN_FEATURES_COUNT; name++)
    for (size_t i = 1; i < rows; i++) {
      char text[64];
      const mn_features_options d = mn_features_default(name);
      if (!table[i].fallback || !mn_features_option_used(&table[i], name)) continue;
      mn_option_get(&table[i], &d, text, sizeof text);
      assert_string_equal(text, table[i].fallback);
      said++;
    }
  assert_int_equal(said, 4 + 4 + 3);
}

static const mn_option *row_of(const char *key)
{
  const mn_option *row = mn_option_find(table, rows, key);
  if (!row) fail_msg("no row %s", key);
  return row;
}

static void rows_know_their_maps(void **state)
{
  (void)state;
  static const struct {
    const char *key;
    int gabor, conv;
  } expected[] = {{"features", 1, 1},       {"symmetric", 1, 1},     {"scales", 1, 0},  {"orientations", 1, 0},
                  {"slant", 1, 0},          {"pooling-scale", 1, 0}, {"filters", 0, 1}, {"patch", 0, 1},
                  {"whiten-epsilon", 0, 1}, {"pool", 0, 1},          {"engine", 0, 1}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    const mn_option *row = row_of(expected[i].key);
    assert_int_equal(mn_features_option_used(row, MN_FEATURES_GABOR), expected[i].gabor);
    assert_int_equal(mn_features_option_used(row, MN_FEATURES_SCATTERING), expected[i].gabor);
    assert_int_equal(mn_features_option_used(row, MN_FEATURES_CONV), expected[i].conv);
    assert_int_equal(mn_features_option_used(row, MN_FEATURES_NONE), row == table);
  }
}

static void wrong_texts_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *key, *text, *word;
  } wrong[] = {{"features", "Gabor", "none, gabor, scattering, conv"},
               {"features", "", "one of"},
               {"scales", "0", "from 1 to 16"},
               {"scales", "2.5", "integer"},
               {"orientations", "65", "from 1 to 64"},
               {"slant", "-1", "from 0 to 16"},
               {"slant", "nan", "number"},
               {"pooling-scale", "-1", "from 0 to 16"},
               {"filters", "0", "from 1 to 256000"},
               {"filters", "256001", "from 1 to 256000"},
               {"filters", "99999999999999999999", "256000"},
               {"filter-kind", "zca", "gaussian, patches, whitened"},
               {"patch", "0", "from 1"},
               {"patch-norm", "l2", "raw, center, norm, unit"},
               {"patch-constant", "-0.1", "at least 0"},
               {"filter-unit", "true", "no, yes"},
               {"whiten-epsilon", "inf", "number"},
               {"whiten-patches", "0", "from 1"},
               {"whiten-center", "1", "no, yes"},
               {"rectifier", "elu", "relu, twosided, abs"},
               {"bias", "x", "number"},
               {"pool", "mean", "average, sum, max"},
               {"pool-window", "0", "from 1"},
               {"pool-stride", "-3", "from 1"},
               {"pool-ceil", "maybe", "no, yes"},
               {"engine", "winograd", "auto, blocked, fft"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    mn_features_options o = unusual;
    mn_error err = {0};
    assert_int_equal(mn_option_set(row_of(wrong[i].key), wrong[i].text, &o, &err), MN_ERR_ARGUMENT);
    if (!strstr(err.text, wrong[i].word)) fail_msg("'%s' does not say '%s'", err.text, wrong[i].word);
    assert_same(&o, &unusual);
  }
}

int main(void)
{
  table = mn_features_option_table(&rows);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_member_has_a_row),         cmocka_unit_test(a_maps_own_rows_are_enough),
      cmocka_unit_test(defaults_are_those_of_the_maps), cmocka_unit_test(rows_know_their_maps),
      cmocka_unit_test(wrong_texts_are_refused),
  };
  return cmocka_run_group_tests_name("options of features", tests, NULL, NULL);
}
