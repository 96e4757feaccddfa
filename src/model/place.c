/* Where kept products are during a fit. */
#include "linalg/threads.h"
#include "model/steps.h"

/* Bytes of the system of the first n training samples; of those on disk, as the solver's passes will read them. */
static double system_bytes(const mn_products *products, size_t n, const mn_fit_options *options, const mn_context *ctx)
{
  mn_system s = {
      .samples = mn_products_train(products, n),
      .kernel = options->kernel,
  };
  s.options = mn_fit_solve_options(options, 0);
  s.threads = mn_threads_open(ctx);
  return mn_solver_bytes(mn_solver_choose(&s), &s);
}

mn_status mn_fit_load_products(const char *folder, const mn_data *train, const mn_data *test,
                               const mn_fit_options *options, const mn_context *ctx, mn_products **out, mn_error *err)
{
  mn_status st = mn_products_load(folder, 0, 0, 0, 0, ctx, out, err);
  if (!st) st = mn_products_check(*out, train, test, err);
  if (st) goto done;
  mn_products_info info = mn_products_get(*out);
  size_t n = train->n, m = test ? test->n : info.m;
  double share = ((double)n + 2 * (double)m) * (double)n / (((double)info.n + 2 * (double)info.m) * (double)info.n);
  if (system_bytes(*out, n, options, ctx) + share * info.bytes > mn_solver_room(&options->solve)) return MN_OK;
  mn_products_close(out);
  st = mn_products_load(folder, n, m, 1, 0, ctx, out, err);
done:
  if (st) mn_products_close(out);
  return st;
}

mn_status mn_fit_check_products(const mn_data *train, const mn_fit_options *options, const mn_context *ctx,
                                mn_error *err)
{
  mn_products *to_come = NULL; /* takes no memory but for a word a sample: as if on disk */
  mn_fitting f = {0};
  mn_encoded e = {0};
  mn_status st = mn_products_open_empty(train->n, 0, MN_PRODUCTS_TILE, MN_F32, train->dim, "", &to_come, err);
  if (!st) st = mn_fitting_begin(&f, train, to_come, options, err);
  if (!st) st = mn_encode_targets(train, options, &e, err);
  if (!st) {
    const mn_system planned = mn_fitting_planned(&f, e.outputs, ctx);
    st = mn_solver_check_room(mn_solver_choose(&planned), &planned, err);
  }
  mn_encoded_close(&e);
  mn_fitting_close(&f);
  mn_products_close(&to_come);
  return st;
}

mn_status mn_fit_place_products(mn_products *products, const mn_data *train, const mn_fit_options *options,
                                const mn_context *ctx, mn_error *err)
{
  if (mn_products_get(products).on_disk) return MN_OK;
  if (system_bytes(products, train->n, options, ctx) <= mn_solver_room(&options->solve)) return MN_OK;
  return mn_products_to_disk(products, options->solve.scratch, ctx, err);
}
