/* Rates and what is known of the machine: fields are filled and agree with each other; no rate is asserted. Work is
 * counted again by walking over the tiles one by one. */
#include <math.h>
#include <string.h>

#include "linalg/threads.h"
#include "minnorm/bench.h"
#include "support.h"

enum { COLUMNS = 10 }; /* right-hand sides of the solve and the residual */
static const char *const of_gemm = "the rate of gemm takes products of large matrices";
static const size_t mib = (size_t)1 << 20;

static int rate(double value)
{
  return value > 0 && isfinite(value);
}

static void gemm_rates_are_positive(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped(of_gemm);
  for (int type = MN_F32; type <= MN_F64; type++)
    for (int threads = 1; threads <= 2; threads++) {
      mn_context ctx = {.threads = threads};
      double gflops = -1;
      assert_int_equal(mn_bench_gemm((mn_dtype)type, 0.02, &ctx, &gflops, NULL), MN_OK);
      assert_true(rate(gflops));
    }
}

static void the_machine_has_every_rate(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped(of_gemm);
  for (int threads = 1; threads <= 3; threads += 2) { /* 3: parts of different lengths */
    mn_context ctx = {.threads = threads};
    mn_bench_machine m;
    assert_int_equal(mn_bench_measure(0.02, mib + 12, &ctx, &m, NULL), MN_OK);
    assert_true(m.threads == threads && m.array_bytes == mib + 8); /* whole words */
    assert_true(rate(m.dgemm_gflops) && rate(m.sgemm_gflops) && rate(m.touch_gbps));
    assert_true(rate(m.read_gbps) && rate(m.write_gbps) && rate(m.copy_gbps));
  }
}

static void other_arguments_are_refused(void **state)
{
  (void)state;
  double gflops = -1;
  mn_bench_point point = {0}, wanted = {.n = 50, .dim = 5, .type = MN_U8};
  mn_bench_machine machine;
  mn_error err = {0};
  assert_int_equal(mn_bench_gemm(MN_U8, 0.02, NULL, &gflops, &err), MN_ERR_ARGUMENT);
  assert_int_equal(err.code, MN_ERR_ARGUMENT);
  assert_true(err.text[0] && gflops == -1);
  assert_int_equal(mn_bench_gemm(MN_F64, 0, NULL, &gflops, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_bench_measure(0, mib, NULL, &machine, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_bench_measure(0.02, mib - 1, NULL, &machine, NULL), MN_ERR_ARGUMENT);
  assert_int_equal(mn_bench_run(&wanted, NULL, NULL, &point, NULL), MN_ERR_ARGUMENT);
  wanted = (mn_bench_point){.n = 50, .dim = 5, .type = MN_F64, .samples = (mn_bench_samples)2};
  assert_int_equal(mn_bench_run(&wanted, NULL, NULL, &point, NULL), MN_ERR_ARGUMENT);
  wanted = (mn_bench_point){.n = 0, .dim = 5, .type = MN_F64};
  assert_int_equal(mn_bench_run(&wanted, NULL, NULL, &point, NULL), MN_ERR_DATA);
  assert_int_equal(point.n, 0);
}

static void names(void **state)
{
  (void)state;
  assert_string_equal(mn_bench_pass_string(MN_BENCH_ALLOCATE), "allocate");
  assert_string_equal(mn_bench_pass_string(MN_BENCH_RESIDUAL), "residual");
  assert_null(mn_bench_pass_string(MN_BENCH_PASSES));
  assert_string_equal(mn_bench_samples_string(MN_BENCH_DOUBLE), "double");
  assert_string_equal(mn_bench_samples_string(MN_BENCH_BYTES), "bytes");
  assert_null(mn_bench_samples_string((mn_bench_samples)2));
}

static void check_point(const mn_bench_point *p, const mn_bench_machine *m)
{
  const double n = 300, dim = 20;
  const double flops[] = {0, n * n * dim, n * n * n / 3, 2 * n * n * COLUMNS, n * n * dim + 2 * n * n * COLUMNS};
  const double limits[] = {m->touch_gbps, m->write_gbps, m->read_gbps, m->read_gbps, m->read_gbps};
  assert_true(rate(p->gemm_gflops));
  assert_true(isnan(p->pass[MN_BENCH_ALLOCATE].flops) && isnan(p->pass[MN_BENCH_ALLOCATE].gemm_ratio));
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++) {
    const mn_bench_rate *r = &p->pass[pass];
    mn_bench_work work = mn_bench_work_of(pass, p->n, p->dim, p->width, p->type, p->samples);
    assert_true(r->seconds > 0);
    mn_test_close(r->bytes, work.bytes, 0);
    mn_test_close(r->gbps * r->seconds * 1e9 / work.bytes, 1, 1e-12);
    mn_test_close(r->memory_ratio * limits[pass], r->gbps, 1e-12);
    if (pass == MN_BENCH_ALLOCATE) continue;
    int multiplied_again = pass == MN_BENCH_RESIDUAL && p->type == MN_F32;
    mn_test_close(r->gflops * r->seconds * 1e9 / flops[pass], 1, 1e-12);
    mn_test_close(r->gemm_ratio * (multiplied_again ? m->dgemm_gflops : p->gemm_gflops), r->gflops, 1e-12);
  }
}

static void a_run_fills_every_field(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped(of_gemm);
  const mn_bench_machine m = {.dgemm_gflops = 3, .touch_gbps = 5, .read_gbps = 7, .write_gbps = 11};
  for (int type = MN_F32; type <= MN_F64; type++)
    for (int samples = MN_BENCH_DOUBLE; samples <= MN_BENCH_BYTES; samples++) {
      mn_context ctx = {.threads = 1 + type % 2};
      const mn_bench_point wanted = {.n = 300, .dim = 20, .type = (mn_dtype)type, .samples = (mn_bench_samples)samples};
      mn_bench_point p;
      assert_int_equal(mn_bench_run(&wanted, &m, &ctx, &p, NULL), MN_OK);
      assert_true(p.n == 300 && p.dim == 20 && p.type == wanted.type && p.samples == wanted.samples);
      assert_int_equal(p.threads, ctx.threads);
      check_point(&p, &m);
    }
}

static void without_a_machine_ratios_to_it_are_unknown(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped(of_gemm);
  const mn_bench_point wanted = {.n = 1, .dim = 1, .type = MN_F32};
  mn_bench_point p;
  assert_int_equal(mn_bench_run(&wanted, NULL, NULL, &p, NULL), MN_OK);
  for (mn_bench_pass pass = 0; pass < MN_BENCH_PASSES; pass++)
    assert_true(p.pass[pass].bytes > 0 && isnan(p.pass[pass].memory_ratio));
  assert_true(rate(p.pass[MN_BENCH_FACTOR].gemm_ratio) && isnan(p.pass[MN_BENCH_RESIDUAL].gemm_ratio));
}

/* Elements of the tiles of order n and width w, walked over one by one. */
typedef struct {
  double lower, factor, samples;
} walked;

static walked walk(size_t n, size_t dim, size_t w)
{
  walked out = {0};
  for (size_t j = 0; j < n; j += w) {
    size_t columns = n - j < w ? n - j : w;
    out.samples += (double)(columns * dim);
    for (size_t i = j; i < n; i += w) {
      size_t rows = n - i < w ? n - i : w;
      out.lower += (double)(rows * columns);
      out.samples += (double)(rows * dim);
      out.factor += 2 * (double)(rows * columns) + (i > j ? (double)(columns * columns) : 0);
      for (size_t k = 0; k < j; k += w) out.factor += (double)(rows * w + (i > j ? columns * w : 0));
    }
  }
  return out;
}

/* At the width that a fit takes. */
static double bytes_of(mn_bench_pass pass, size_t n, mn_dtype type, mn_bench_samples samples)
{
  return mn_bench_work_of(pass, n, 30, 0, type, samples).bytes;
}

static void work_is_that_of_the_tiles(void **state)
{
  (void)state;
  /* orders of one tile, of whole tiles and of a part left over; widths as the library chooses them */
  static const struct {
    size_t n, width;
  } cases[] = {{1, 128},    {100, 128},  {128, 128},  {129, 128},    {999, 128},   {1000, 128},
               {1024, 256}, {6000, 256}, {6144, 512}, {16384, 1024}, {20000, 1024}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    size_t n = cases[c].n;
    walked tiles = walk(n, 30, cases[c].width < n ? cases[c].width : n), stream = walk(n, 30, 512 < n ? 512 : n);
    mn_test_close(bytes_of(MN_BENCH_FACTOR, n, MN_F64, MN_BENCH_BYTES) / (8 * tiles.factor), 1, 1e-12);
    mn_test_close(bytes_of(MN_BENCH_FACTOR, n, MN_F32, MN_BENCH_BYTES) / (4 * tiles.factor), 1, 1e-12);
    mn_test_close(bytes_of(MN_BENCH_SOLVE, n, MN_F64, MN_BENCH_BYTES) / (16 * tiles.lower), 1, 1e-12);
    mn_test_close(bytes_of(MN_BENCH_GRAM, n, MN_F32, MN_BENCH_BYTES) / (4 * tiles.lower + tiles.samples), 1, 1e-12);
    mn_test_close(bytes_of(MN_BENCH_GRAM, n, MN_F64, MN_BENCH_DOUBLE) / (8 * (tiles.lower + tiles.samples)), 1, 1e-12);
    double vectors = 2.0 * (double)n * COLUMNS * 8;
    mn_test_close(bytes_of(MN_BENCH_RESIDUAL, n, MN_F32, MN_BENCH_BYTES) / (stream.samples + vectors), 1, 1e-12);
    assert_true(bytes_of(MN_BENCH_ALLOCATE, n, MN_F64, MN_BENCH_BYTES) >= 8 * (double)n * (double)(n + 1) / 2);
  }
}

static void work_of_any_width(void **state)
{
  (void)state;
  static const size_t widths[] = {1, 7, 64, 100, 128, 299, 300, 301, 100000}, n = 300;
  for (size_t c = 0; c < sizeof widths / sizeof *widths; c++) {
    size_t w = widths[c];
    walked tiles = walk(n, 30, w < n ? w : n);
    mn_bench_work factor = mn_bench_work_of(MN_BENCH_FACTOR, n, 30, w, MN_F32, MN_BENCH_BYTES);
    mn_bench_work gram = mn_bench_work_of(MN_BENCH_GRAM, n, 30, w, MN_F64, MN_BENCH_BYTES);
    mn_test_close(factor.bytes / (4 * tiles.factor), 1, 1e-12);
    mn_test_close(gram.bytes / (8 * tiles.lower + tiles.samples), 1, 1e-12);
    assert_true(factor.flops == mn_bench_work_of(MN_BENCH_FACTOR, n, 30, 0, MN_F32, MN_BENCH_BYTES).flops);
    assert_true(mn_bench_work_of(MN_BENCH_RESIDUAL, n, 30, w, MN_F64, MN_BENCH_BYTES).bytes ==
                bytes_of(MN_BENCH_RESIDUAL, n, MN_F64, MN_BENCH_BYTES)); /* it has no panels */
  }
}

/* The width asked for is what is measured, up to n; none is that of a fit. */
static void a_run_of_any_width(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped(of_gemm);
  static const size_t wanted[] = {0, 1, 37, 300, 5000}, had[] = {128, 1, 37, 300, 300};
  const mn_bench_machine m = {.dgemm_gflops = 3, .touch_gbps = 5, .read_gbps = 7, .write_gbps = 11};
  for (size_t i = 0; i < sizeof had / sizeof *had; i++) {
    const mn_bench_point w = {.n = 300, .dim = 20, .width = wanted[i], .type = MN_F64};
    mn_bench_point p;
    assert_int_equal(mn_bench_run(&w, &m, NULL, &p, NULL), MN_OK);
    assert_int_equal(p.width, had[i]);
    check_point(&p, &m);
  }
}

static void growth_of_power_laws(void **state)
{
  (void)state;
  const double n[] = {1000, 4000, 500, 30000}, noise[] = {1.1, 1 / 1.1, 1, 1};
  double t[4];
  for (double p = -1; p <= 3; p += 0.5) {
    for (size_t i = 0; i < 4; i++) t[i] = 2e-9 * pow(n[i], p);
    mn_test_close(mn_bench_growth(4, n, t), p, 1e-12);
    mn_test_close(mn_bench_growth(3, n, t), p, 1e-12);
  }
  /* x = -1, 0, 1 in units of log 2: the slope is (y_2 - y_0) / 2 whatever the middle is */
  const double doubled[] = {100, 200, 400}, y[] = {1, 5, 4};
  mn_test_close(mn_bench_growth(3, doubled, y), 1, 1e-12);
  for (size_t i = 0; i < 4; i++) t[i] = pow(n[i], 2) * noise[i];
  double slope = mn_bench_growth(4, n, t);
  assert_true(slope != 2 && fabs(slope - 2) < 0.2);
}

static void growth_that_cannot_be_fitted(void **state)
{
  (void)state;
  const double n[] = {10, 20, 40}, same[] = {10, 10, 10}, t[] = {1, 2, 4}, none[] = {1, 0, 4}, nan[] = {1, NAN, 4};
  assert_true(isnan(mn_bench_growth(0, n, t)));
  assert_true(isnan(mn_bench_growth(2, n, t)));
  assert_true(isnan(mn_bench_growth(3, same, t)));
  assert_true(isnan(mn_bench_growth(3, n, none)));
  assert_true(isnan(mn_bench_growth(3, none, t)));
  assert_true(isnan(mn_bench_growth(3, n, nan)));
}

/* Cancels in the phase that `user` names. */
static int cancel_phase(void *user, const mn_progress *progress)
{
  return !strcmp(progress->phase, user);
}

static void cancelling(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped(of_gemm);
  static char *const phases[] = {"memory", "gram", "factor", "residual"};
  const mn_bench_point wanted = {.n = 50, .dim = 5, .type = MN_F64};
  mn_bench_point p = {0};
  mn_bench_machine m;
  for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
    mn_context ctx = {.threads = 1, .progress = cancel_phase, .user = phases[i]};
    assert_int_equal(mn_bench_run(&wanted, NULL, &ctx, &p, NULL), MN_ERR_CANCELLED);
    assert_int_equal(p.n, 0);
  }
  mn_context ctx = {.threads = 1, .progress = cancel_phase, .user = "bandwidth"};
  assert_int_equal(mn_bench_measure(0.02, mib, &ctx, &m, NULL), MN_ERR_CANCELLED);
}

static void information_is_there(void **state)
{
  (void)state;
  mn_info info;
  mn_info_get(&info);
  assert_non_null(strchr(info.version, '.'));
  assert_string_equal(info.blas, mn_threads_blas_name());
  assert_true(strlen(info.compiler) > 0);
  assert_int_equal(info.threads, mn_threads_open(NULL));
  assert_true(info.memory_total > 0 && info.memory_available > 0 && info.memory_available <= info.memory_total);
  size_t count = 0;
  while (count < 8 && info.features[count]) assert_true(strlen(info.features[count++]) > 0);
  assert_true(count > 0 && count < 8); /* and a NULL ends them */
}

static mn_status run_once(void *arg, mn_error *err)
{
  const mn_bench_point wanted = {.n = 10, .dim = 3, .type = MN_F32, .samples = *(mn_bench_samples *)arg};
  mn_context ctx = {.threads = 1};
  mn_bench_point p;
  return mn_bench_run(&wanted, NULL, &ctx, &p, err);
}

static mn_status measure_once(void *arg, mn_error *err)
{
  mn_context ctx = {.threads = 1};
  mn_bench_machine m;
  (void)arg;
  return mn_bench_measure(0.001, mib, &ctx, &m, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_test_skip_if_wrapped(of_gemm);
  mn_bench_samples kinds[] = {MN_BENCH_DOUBLE, MN_BENCH_BYTES};
  mn_test_every_allocation(run_once, &kinds[0]);
  mn_test_every_allocation(run_once, &kinds[1]);
  mn_test_every_allocation(measure_once, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gemm_rates_are_positive),      cmocka_unit_test(the_machine_has_every_rate),
      cmocka_unit_test(other_arguments_are_refused),  cmocka_unit_test(names),
      cmocka_unit_test(a_run_fills_every_field),      cmocka_unit_test(without_a_machine_ratios_to_it_are_unknown),
      cmocka_unit_test(work_is_that_of_the_tiles),    cmocka_unit_test(work_of_any_width),
      cmocka_unit_test(a_run_of_any_width),           cmocka_unit_test(growth_of_power_laws),
      cmocka_unit_test(growth_that_cannot_be_fitted), cmocka_unit_test(cancelling),
      cmocka_unit_test(information_is_there),         cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
