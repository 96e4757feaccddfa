/* The memory that is forecast against the most that the same fit then holds: each in a process of its own, which is
 * this program once more. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "model_support.h"

enum { N = 4000, TESTS = 500 };

/* What is promised of the memory of a fit, and on top the buffers that the BLAS and the C library take as they please:
 * by dgetrf, 3 MiB with OpenBLAS's kernels for AVX2 and 6 with those for AVX-512. */
static const double promised = 0.03, buffers = 0x1p23;

/* Fits whose matrix is most of what they hold. */
static const struct {
  const char *what;
  mn_dtype type;
  size_t dim;
  mn_solver solver;
  mn_precision precision;
  int interpolate, measures;
} fits[] = {
    {"double, reals", MN_F64, 300, MN_SOLVER_CHOLESKY, MN_PRECISION_DOUBLE, 0, 0},
    {"mixed, bytes", MN_U8, 50, MN_SOLVER_CHOLESKY, MN_PRECISION_MIXED, 0, 0},
    {"single, reals", MN_F32, 300, MN_SOLVER_CHOLESKY, MN_PRECISION_SINGLE, 0, 0},
    {"cg, bytes", MN_U8, 50, MN_SOLVER_CG, MN_PRECISION_AUTO, 0, 0},
    {"cg to interpolate, reals", MN_F32, 300, MN_SOLVER_CG, MN_PRECISION_AUTO, 1, 0},
    {"lu, bytes", MN_U8, 50, MN_SOLVER_LU, MN_PRECISION_AUTO, 0, 0},
    {"measures, mixed", MN_F32, 300, MN_SOLVER_CHOLESKY, MN_PRECISION_MIXED, 0, 1},
};

enum { FITS = sizeof fits / sizeof *fits };

/* What a child does: the forecast, the fit, or one after the other as the command has it. */
enum { FORECAST = 1, FIT = 2 };

static mn_status fit_and_predict(const mn_data *train, const mn_data *test, const mn_fit_options *options,
                                 const mn_context *ctx, mn_error *err)
{
  mn_model *model = NULL;
  mn_status st = mn_model_fit(train, options, ctx, &model, err);
  if (st) return st;
  double *scores = mn_alloc(test->n * mn_model_outputs(model), sizeof *scores);
  st = mn_model_predict(model, test, ctx, scores, err);
  mn_free(scores);
  mn_model_close(&model);
  return st;
}

static int child(size_t which, int does)
{
  mn_data *train = model_classes(N, fits[which].dim, fits[which].type, 10, 0, 1, 1);
  mn_data *test = model_classes(TESTS, fits[which].dim, fits[which].type, 10, 0, 1, 2);
  mn_fit_options options = model_kernel_options(MN_KERNEL_GAUSSIAN, 0.1);
  mn_context ctx = {.threads = 2};
  mn_forecast f = {0};
  mn_error err = {0};
  options.solve.solver = fits[which].solver, options.solve.precision = fits[which].precision;
  options.measures = fits[which].measures, options.draws = 32;
  options.solve.ridge = 1, options.solve.interpolate = fits[which].interpolate;
  mn_status st = does & FORECAST ? mn_fit_forecast(train, TESTS, NULL, &options, &ctx, &f, &err) : MN_OK;
  if (!st && does & FIT) st = fit_and_predict(train, test, &options, &ctx, &err);
  if (st) fprintf(stderr, "%s: %s\n", fits[which].what, err.text);
  printf("%.0f %zu\n", f.bytes, mn_memory_peak_rss());
  mn_data_close(&train);
  mn_data_close(&test);
  return st != MN_OK;
}

static void run_child(size_t which, int does, double *forecast, double *peak)
{
  char self[1024], command[1200], line[128] = "";
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  assert_true(length > 0);
  self[length] = '\0';
  snprintf(command, sizeof command, "'%s' child %zu %d", self, which, does);
  FILE *f = popen(command, "r");
  assert_non_null(f);
  char *got = fgets(line, sizeof line, f);
  int status = pclose(f);
  if (!got || status || sscanf(line, "%lf %lf", forecast, peak) != 2)
    fail_msg("%s: status %d, '%s'", command, status, line);
}

static void forecasts_are_what_fits_take(void **state)
{
  (void)state;
#ifdef __SANITIZE_ADDRESS__
  skip(); /* it holds on to what is released */
#endif
  for (size_t which = 0; which < FITS; which++) {
    double forecast, alone, both, unused;
    run_child(which, FORECAST, &forecast, &unused);
    run_child(which, FIT, &unused, &alone);
    run_child(which, FORECAST | FIT, &unused, &both);
    print_message("%-25s forecast %.1f MiB, peak %.1f (%+.1f %%), after the forecast %.1f (%+.1f %%)\n",
                  fits[which].what, forecast / 0x1p20, alone / 0x1p20, 100 * (forecast / alone - 1), both / 0x1p20,
                  100 * (forecast / both - 1));
    assert_true(fabs(forecast - alone) <= promised * alone + buffers);
    assert_true(fabs(forecast - both) <= promised * both + buffers);
  }
}

int main(int argc, char **argv)
{
  if (argc == 4 && !strcmp(argv[1], "child")) return child(strtoul(argv[2], NULL, 10), atoi(argv[3]));
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forecasts_are_what_fits_take),
  };
  return cmocka_run_group_tests_name("peak", tests, NULL, NULL);
}
