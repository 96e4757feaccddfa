/* A sweep: for each factor, the labels of its points as right-hand sides, in as few parts as memory allows. */
#include "model/sweep.h"

#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "gram/kernels.h"
#include "model/steps.h"

/* Points that are solved at once, and their vectors: a block of `outputs` columns each. */
typedef struct {
  size_t count, most;
  mn_sweep_place *places; /* most, like the others */
  mn_encoded *encoded;    /* whose y are blocks of the y here */
  double *y, *fitted;     /* n x outputs each */
  double *alpha;          /* unknowns x outputs each */
  double *values;         /* test samples x outputs each */
} part;

typedef struct {
  const mn_data *train, *test; /* test: NULL without one */
  const mn_products *products;
  const mn_sweep_options *options;
  const char *done;
  const mn_context *ctx;
  mn_sweep_take take;
  void *user;
  /* of the factor at hand */
  size_t family; /* factors of one number of samples and bandwidth */
  int shared;    /* an eigendecomposition serves those ridges of the family that share it */
  double open_s;
  mn_data head; /* its training samples, a view */
  mn_fitting f;
  mn_fit_options fit; /* of the model */
  mn_encoded plain;   /* its labels as they are */
  part part;
  mn_solution solution; /* of the part */
  double predict_s;
  double *scores; /* test samples x outputs, row-major */
  double *norms;  /* outputs */
} sweep;

static size_t outputs_of(const sweep *s)
{
  return s->f.model->outputs;
}

/* ---- the factor at hand */

/* Points of a factor that have still to be fitted. */
static size_t count_left(const sweep *s, size_t first, size_t labels)
{
  size_t left = 0;
  for (size_t i = first; i < first + labels; i++) left += !s->done || !s->done[i];
  return left;
}

static mn_status begin_factor(sweep *s, const mn_sweep_place *place, size_t left, mn_error *err)
{
  s->fit = mn_sweep_fit_options(s->options, place);
  if (s->shared) s->fit.solve.solver = MN_SOLVER_EIGEN;
  mn_status st = mn_fitting_begin(&s->f, &s->head, s->products, &s->fit, err);
  if (!st) st = mn_encode_targets(&s->head, &s->fit, &s->plain, err);
  if (st) return st;
  mn_model *m = s->f.model;
  m->outputs = m->report.outputs = s->plain.outputs;
  m->report.classes = s->plain.labels ? m->outputs : 0;
  s->part.most = mn_sweep_together(&s->f, s->test ? s->test->n : 0, left, s->ctx);
  m->options.solve.group = m->outputs;
  if (s->part.most < left) m->options.solve.need_factor = 1;
  size_t columns = s->part.most * m->outputs;
  st = mn_fitting_prepare(&s->f, &s->plain, columns, s->ctx, err);
  return st ? st : mn_fitting_open(&s->f, columns, s->ctx, err);
}

static mn_status allocate(sweep *s, mn_error *err)
{
  part *p = &s->part;
  size_t n = s->plain.n, unknowns = s->f.model->unknowns;
  size_t m = s->test ? s->test->n : 0, outputs = outputs_of(s), columns = p->most * outputs;
  p->places = mn_calloc(p->most, sizeof *p->places);
  p->encoded = mn_calloc(p->most, sizeof *p->encoded);
  p->y = mn_alloc_matrix(n * columns, sizeof *p->y);
  p->fitted = mn_alloc_matrix(n * columns, sizeof *p->fitted);
  p->alpha = mn_alloc_matrix(unknowns * columns, sizeof *p->alpha);
  s->norms = mn_alloc(outputs, sizeof *s->norms);
  if (m) p->values = mn_alloc_matrix(m * columns, sizeof *p->values);
  if (m) s->scores = mn_alloc_matrix(m * outputs, sizeof *s->scores);
  if (p->places && p->encoded && p->y && p->fitted && p->alpha && s->norms && (!m || (p->values && s->scores)))
    return MN_OK;
  return MN_NO_MEMORY(err, (2 * n + unknowns + m) * columns * sizeof *p->y);
}

static void release_labels(part *p)
{
  for (size_t k = 0; k < p->count; k++) {
    p->encoded[k].y = NULL; /* the part's */
    mn_encoded_close(&p->encoded[k]);
  }
  p->count = 0;
}

static void close_factor(sweep *s)
{
  part *p = &s->part;
  release_labels(p);
  mn_free(p->places);
  mn_free(p->encoded);
  mn_free(p->y);
  mn_free(p->fitted);
  mn_free(p->alpha);
  mn_free(p->values);
  *p = (part){0};
  mn_free(s->scores);
  mn_free(s->norms);
  s->scores = s->norms = NULL;
  mn_encoded_close(&s->plain);
  mn_fitting_close(&s->f);
}

/* ---- the points of a part */

/* Encodes the labels of one more point into the next block of y. */
static mn_status add_point(sweep *s, mn_sweep_place place, mn_error *err)
{
  part *p = &s->part;
  mn_encoded *e = &p->encoded[p->count];
  mn_fit_options options = s->fit;
  options.corrupt = place.corrupt;
  options.seed = place.seed;
  mn_status st = mn_encode_targets(&s->head, &options, e, err);
  if (st) return st;
  if ((st = mn_merge_check(&s->head, e, &s->f.merge, err))) {
    mn_encoded_close(e);
    return st;
  }
  mn_encoded_reduce(e, &s->f.merge);
  size_t count = e->n * e->outputs;
  double *block = p->y + p->count * count;
  for (size_t i = 0; i < count; i++) block[i] = e->y[i];
  mn_free(e->y);
  e->y = block;
  place.n = s->head.n;
  p->places[p->count++] = place;
  return MN_OK;
}

/* ||(K + ridge I) alpha - y|| / ||y|| from the fitted values; of a linear model without the ridge. */
static double residual_of(const mn_model *view, const mn_encoded *e, const double *fitted)
{
  double left = 0, right = 0, ridge = view->primal ? 0 : view->report.ridge;
  size_t count = e->n * e->outputs;
  for (size_t i = 0; i < count; i++) {
    double r = fitted[i] - e->y[i];
    if (ridge > 0) r += ridge * view->coefficients[i];
    left += r * r;
    right += e->y[i] * e->y[i];
  }
  return sqrt(left / (right > 0 ? right : 1));
}

/* The k-th point as a model of its own that borrows what it has. */
static mn_model view_of(const sweep *s, size_t k)
{
  mn_model view = *s->f.model;
  const mn_encoded *e = &s->part.encoded[k];
  view.labels = e->labels;
  view.offset = e->offset;
  view.coefficients = s->part.alpha + k * view.unknowns * view.outputs;
  view.report.norm_per_output = s->norms;
  view.report.solution = s->solution;
  view.report.fit_s = s->open_s + s->solution.solve_s + s->solution.refine_s;
  return view;
}

static mn_status measure(sweep *s, mn_model *view, size_t k, mn_metrics *test, mn_error *err)
{
  const mn_encoded *e = &s->part.encoded[k];
  const double *fitted = s->part.fitted + k * e->n * e->outputs;
  *test = (mn_metrics){NAN, NAN, NAN};
  mn_status st = mn_fitting_measure(view, s->f.system, e, &s->f.merge, fitted, s->ctx, err);
  if (s->part.count > 1) {
    mn_solution *own = &view->report.solution;
    own->residual = residual_of(view, e, fitted);
    own->misfit = own->gradient = NAN;
  }
  if (st || !s->test) return st;
  mn_model_add_offset(view, s->test->n, s->part.values + k * s->test->n * e->outputs, s->scores);
  return s->test->columns ? mn_model_score(view, s->test, s->scores, test, err) : MN_OK;
}

static mn_status hand_over(sweep *s, size_t k, mn_error *err)
{
  mn_model view = view_of(s, k);
  mn_sweep_point point = {.place = s->part.places[k], .report = &view.report, .together = s->part.count};
  point.predict_s = s->test ? s->predict_s : NAN;
  point.place.gamma = mn_kernel_find(view.report.kernel.name)->has_gamma ? view.report.kernel.gamma : NAN;
  mn_status st = measure(s, &view, k, &point.test, err);
  if (!st) st = s->take(s->user, &point, err);
  mn_free(view.report.loo_error_per_class);
  return st;
}

static mn_status run_part(sweep *s, mn_error *err)
{
  part *p = &s->part;
  mn_model *m = s->f.model;
  size_t columns = p->count * m->outputs;
  mn_status st = mn_system_solve(s->f.system, columns, p->y, p->alpha, p->fitted, s->ctx, &s->solution, err);
  if (st) return st;
  m->report.system = *mn_system_info(s->f.system); /* another solver may have taken over */
  double begin_s = mn_clock_s();
  if (s->test && (st = mn_model_values(m, s->test, columns, p->alpha, s->ctx, p->values, err))) return st;
  s->predict_s = mn_clock_s() - begin_s;
  for (size_t k = 0; !st && k < p->count; k++) st = hand_over(s, k, err);
  release_labels(p);
  return st;
}

static mn_status run_points(sweep *s, size_t first, size_t labels, mn_error *err)
{
  mn_status st = MN_OK;
  for (size_t i = first; !st && i < first + labels; i++) {
    if (s->done && s->done[i]) continue;
    st = add_point(s, mn_sweep_place_of(s->options, i), err);
    if (!st && s->part.count == s->part.most) st = run_part(s, err);
  }
  return st || !s->part.count ? st : run_part(s, err);
}

/* The decomposition at hand, for another ridge. */
static void take_ridge(sweep *s, double ridge)
{
  mn_model *m = s->f.model;
  mn_system_set_ridge(s->f.system, ridge);
  s->fit.solve.ridge = m->options.solve.ridge = m->report.ridge = ridge;
  m->report.system = *mn_system_info(s->f.system);
}

/* A new factor, unless the one at hand serves. */
static mn_status open_factor(sweep *s, size_t factor, const mn_sweep_place *place, size_t left, mn_error *err)
{
  size_t ridges = s->options->ridge_count ? s->options->ridge_count : 1, family = factor / ridges;
  double begin_s = mn_clock_s();
  int may_share = mn_sweep_may_share(s->options, place->ridge);
  if (s->f.system && s->shared && may_share && family == s->family && mn_system_takes_ridges(s->f.system)) {
    take_ridge(s, place->ridge);
    return MN_OK;
  }
  close_factor(s);
  s->family = family;
  s->head = *s->train;
  if (place->n) s->head.n = place->n;
  s->shared = mn_sweep_shares(s->options, &s->head, place->ridge, s->ctx);
  mn_status st = begin_factor(s, place, left, err);
  if (!st) st = allocate(s, err);
  s->open_s = mn_clock_s() - begin_s;
  return st;
}

static mn_status run_factor(sweep *s, size_t factor, mn_error *err)
{
  size_t labels = mn_sweep_labels(s->options), first = factor * labels, left = count_left(s, first, labels);
  if (!left) return MN_OK;
  const mn_sweep_place place = mn_sweep_place_of(s->options, first);
  mn_status st = open_factor(s, factor, &place, left, err);
  if (!st) st = run_points(s, first, labels, err);
  if (st || !s->shared) close_factor(s); /* before the next one takes its memory */
  return st;
}

mn_status mn_sweep_run(const mn_data *train, const mn_data *test, const mn_products *products,
                       const mn_sweep_options *options, const char *done, const mn_context *ctx, mn_sweep_take take,
                       void *user, mn_error *err)
{
  sweep s = {.train = train, .test = test, .products = products, .options = options, .done = done};
  s.ctx = ctx, s.take = take, s.user = user;
  mn_status st = mn_sweep_check(options, train, err);
  if (!st && products) st = mn_products_check(products, train, test, err);
  for (size_t f = 0; !st && f < mn_sweep_factors(options); f++) st = run_factor(&s, f, err);
  close_factor(&s);
  return st;
}
