/* What a fit will need, before anything large is allocated. Seconds come from the passes themselves, timed on a few of
 * the samples. */
#include <math.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "gram/gram.h"
#include "gram/linear.h"
#include "linalg/blas.h"
#include "linalg/panels_multiply.h"
#include "linalg/rate.h"
#include "linalg/threads.h"
#include "solve/system.h"

/* Fraction of the gemm rate that a factorisation reaches, as `minnorm bench` shows it; dsyevd and dgesdd are bound by
 * memory for about half of their flops. */
static const double factor_share = 0.95, spectral_share = 0.4, preconditioner_share = 0.9;

/* Samples that passes are timed on, and flops that a pass over them may take. */
enum { PROBE_LEAST = 256, PROBE_MOST = 2048 };
static const double probe_flops = 4e9, measure_s = 0.25;

/* Order of the panels that products are timed on: beyond the caches, and of the width of those of a large fit, but
 * within half of what that will take. */
enum { STREAM_MOST = 16384, STREAM_LEAST = 256 };

static size_t stream_size(size_t n, mn_dtype type, double bytes)
{
  size_t size = n < STREAM_MOST ? n : STREAM_MOST;
  while (size > STREAM_LEAST && 2 * (double)mn_panels_bytes(size, mn_panels_width(size), type) > bytes) size /= 2;
  return size;
}

/* The first touch of a GiB takes no less; and for how long it is tried. */
static const double touch_least_s = 0.6, touch_most_s = 0.2;

/* Seconds of the passes over K of order n. */
typedef struct {
  size_t n, stream;
  double fill_s;    /* into panels, in the type of the factor */
  double product_s; /* panels of order `stream` times the vectors */
  double made_s;    /* K made anew in fp64, times the vectors */
  double cross_s;   /* K of two sets of n, times the vectors, as predictions take it */
  double touch_s;   /* the first touch of a GiB of memory that is not at hand */
  double at_hand;   /* bytes that are, for the probe has given them back */
} probe;

/* What was measured, for any row whose panels are of that type. */
typedef struct {
  double gflops[2]; /* of gemm in fp64, and in the type */
  probe p;
} machine;

/* Samples to time the passes on, of n. */
static size_t probe_size(const mn_samples *like, size_t n)
{
  double dim = like->products ? 1 : (double)like->dim, most = (double)(n < like->n ? n : like->n);
  return (size_t)fmin(most, fmin(fmax(sqrt(probe_flops / dim), PROBE_LEAST), PROBE_MOST));
}

/* The first n of them; few: of their data. */
static mn_samples first_of(const mn_samples *like, size_t n, mn_data *few)
{
  mn_samples samples = *like;
  if (!like->products) {
    *few = *like->data;
    few->n = n;
    samples = mn_samples_of(few, like->scaling);
  }
  samples.n = n;
  return samples;
}

typedef struct {
  mn_samples samples; /* the first ones */
  const mn_kernel *kernel;
  int threads;
  size_t columns;
  mn_panels *panels;
  double *v, *out; /* n x columns; of single panels v holds floats */
} workshop;

static mn_status workshop_open(workshop *w, size_t n, mn_dtype type, mn_error *err)
{
  size_t count = n * w->columns;
  mn_status st = mn_panels_open(n, mn_panels_width(n), type, &w->panels, err);
  if (st) return st;
  w->v = mn_calloc(count, sizeof *w->v);
  w->out = mn_alloc(count, sizeof *w->out);
  return w->v && w->out ? MN_OK : MN_NO_MEMORY(err, 2 * count * sizeof *w->v);
}

static void workshop_close(workshop *w)
{
  mn_panels_close(&w->panels);
  mn_free(w->v);
  mn_free(w->out);
}

static mn_status run_fill(workshop *w, mn_error *err)
{
  return mn_gram_fill(&w->samples, w->kernel, 0, w->threads, NULL, w->panels, err);
}

static mn_status run_product(workshop *w, mn_error *err)
{
  return mn_panels_multiply(w->panels, w->threads, w->columns, w->v, w->out, NULL, err);
}

static mn_status run_made(workshop *w, mn_error *err)
{
  return mn_gram_multiply_symmetric(&w->samples, w->kernel, w->threads, NULL, "forecast", w->columns, w->v, w->out,
                                    err);
}

static mn_status run_cross(workshop *w, mn_error *err)
{
  return mn_gram_multiply(&w->samples, &w->samples, w->kernel, w->threads, NULL, "forecast", w->columns, w->v, w->out,
                          err);
}

/* The mean of calls for at least that long. The first one, not counted, leaves memory in place. */
static mn_status time_calls(workshop *w, mn_status (*call)(workshop *w, mn_error *err), double least_s, double *seconds,
                            mn_error *err)
{
  mn_status st = call(w, err);
  double begin_s = mn_clock_s();
  int calls = 0;
  for (*seconds = 0; !st && (!calls || *seconds < least_s); calls++) {
    st = call(w, err);
    *seconds = mn_clock_s() - begin_s;
  }
  *seconds /= fmax(calls, 1);
  return st;
}

/* Seconds for a GiB; most: what the memory that is tried must not exceed. Memory that this process or the one before it
 * has given back comes first and is touched in no time, so it is the last slice that tells of all the rest. */
static mn_status time_touch(double most, int threads, double *seconds, mn_error *err)
{
  const size_t slice = (size_t)(fmin(fmax(most, 0x1p20), 0x1p27) / 8), bytes = 8 * slice;
  char *p = mn_alloc_matrix(bytes, 1);
  if (!p) return MN_NO_MEMORY(err, bytes);
  double begin_s = mn_clock_s(), now_s = begin_s;
  for (size_t done = 0; done < bytes && now_s - begin_s < touch_most_s; done += slice) {
    double before_s = now_s;
    mn_memory_populate(p + done, slice, threads);
    now_s = mn_clock_s();
    *seconds = (now_s - before_s) * 0x1p30 / (double)slice;
  }
  mn_free(p);
  return MN_OK;
}

static mn_status time_product(size_t n, mn_dtype type, size_t columns, int threads, double *seconds, mn_error *err)
{
  workshop w = {.threads = threads, .columns = columns};
  mn_status st = workshop_open(&w, n, type, err);
  if (!st) st = mn_panels_populate(w.panels, threads, NULL, err);
  double least_s = measure_s * (double)n / STREAM_MOST; /* small ones are a small part of the whole */
  if (!st) st = time_calls(&w, run_product, least_s, seconds, err);
  workshop_close(&w);
  return st;
}

static mn_status take_probe(const mn_samples *like, const mn_solver_row *row, const mn_system *s, mn_dtype type,
                            probe *out, mn_error *err)
{
  size_t n = s->samples.n, columns = s->options.columns;
  int threads = s->threads;
  mn_data few;
  workshop w = {.kernel = &s->kernel, .threads = threads, .columns = columns};
  w.samples = first_of(like, probe_size(like, n), &few);
  mn_status st = workshop_open(&w, w.samples.n, type, err);
  double most = fmin(mn_solver_bytes(row, s), mn_solver_room(&s->options));
  out->n = w.samples.n, out->stream = stream_size(n, type, most);
  out->at_hand = (double)mn_panels_bytes(out->stream, mn_panels_width(out->stream), type);
  if (!st) st = time_calls(&w, run_fill, 0, &out->fill_s, err);
  if (!st) st = time_calls(&w, run_made, 0, &out->made_s, err);
  if (!st) st = time_calls(&w, run_cross, 0, &out->cross_s, err);
  if (!st) st = time_touch(most / 4, threads, &out->touch_s, err);
  workshop_close(&w);
  return st ? st : time_product(out->stream, type, columns, threads, &out->product_s, err);
}

/* Panels are multiplied a tile at a time, which is slower the smaller it is. */
static int works_on_panels(const mn_solver_row *row)
{
  return row == &mn_solver_cholesky_row || row == &mn_solver_mixed_row || row == &mn_solver_disk_row ||
         row == &mn_solver_cg_row;
}

static void count_flops(const mn_solver_row *row, const mn_system *s, size_t m, mn_forecast *out)
{
  double dn = (double)s->samples.n, d = s->samples.products ? 0 : (double)s->samples.dim;
  out->factor_flops = row->flops(s);
  out->gram_flops = row->primal ? 0 : dn * dn * d;
  out->residual_flops = row->primal ? 0 : dn * dn * d;
  out->predict_flops = row->primal ? 0 : 2 * dn * (double)m * d;
  if (s->options.leave_one_out && row->influence) out->loo_flops = row->influence_flops(s);
  if (s->options.draws) out->complexity_flops = row->primal ? 0 : 2 * dn * dn * d; /* the product, and the residual */
}

/* What a row does with K. */
typedef struct {
  mn_dtype type;       /* of the panels that are filled and factored */
  double panels_bytes; /* all of them, first touched */
  double made;         /* passes that make K anew, times the vectors */
  double products;     /* products of panels and vectors, at the cost of those of `type` */
} work;

/* Iterations, for the usual matrices: with 10 right-hand sides of MNIST 4 of 20,000 samples, 6 of 60,000. */
enum { MIXED_ITERATIONS = 5 };

/* Of CG to interpolation of MNIST: 15, 22 and 35 were seen for 5,000, 20,000 and 60,000 samples; 19, 37 and 74 when
 * some labels are random, few or all. */
static double interpolating(const mn_system *s)
{
  double part = (double)s->samples.n / 60000;
  return s->options.corrupt > 0 ? 74 * pow(part, 0.55) : 35 * pow(part, 0.36);
}

/* Of CG: 63, 101, 168 and 435 were seen for 5,000, 10,000, 20,000 and 60,000 samples of MNIST to 1e-10, and residuals
 * fall evenly. */
static double cg_iterations(const mn_system *s)
{
  if (s->options.interpolate) return interpolating(s);
  return 435 * pow((double)s->samples.n / 60000, 0.8) * fmax(-log10(s->options.tolerance), 1) / 10;
}

static double panels_bytes(const mn_system *s, mn_dtype type)
{
  return (double)mn_panels_bytes(s->samples.n, mn_panels_width(s->samples.n), type);
}

static work mixed_work(const mn_system *s)
{
  double single = panels_bytes(s, MN_F32);
  switch (mn_mixed_choose(s)) {
  case MN_GRAM_DOUBLE:
    return (work){MN_F32, 3 * single, 1, 2 * MIXED_ITERATIONS};
  case MN_GRAM_SINGLE:
    return (work){MN_F32, 2 * single, 3, 2 * MIXED_ITERATIONS};
  default:
    return (work){MN_F32, single, MIXED_ITERATIONS + 1, MIXED_ITERATIONS};
  }
}

/* The preconditioner, twice n x rank, is read in every iteration as K is, n^2 / 2. */
static work cg_work(const mn_system *s)
{
  mn_cg_plan plan = mn_cg_plan_for(s);
  double iterations = cg_iterations(s), beside = 4 * (double)plan.rank / (double)s->samples.n;
  if (plan.kept == MN_GRAM_NONE) return (work){MN_F32, 0, iterations + 1, beside * iterations};
  return (work){MN_F32, panels_bytes(s, MN_F32), s->options.interpolate ? 1 : 3, (1 + beside) * iterations};
}

static work work_of(const mn_solver_row *row, const mn_system *s)
{
  const mn_solve_options *o = &s->options;
  mn_dtype type =
      row == &mn_solver_cholesky_row || row == &mn_solver_disk_row ? mn_precision_type(o->precision) : MN_F64;
  if (row == &mn_solver_mixed_row) return mixed_work(s);
  if (row == &mn_solver_cg_row) return cg_work(s);
  return (work){type, row->held_bytes(s), 1, 0};
}

static double share_of(const mn_solver_row *row)
{
  return row == &mn_solver_cg_row         ? preconditioner_share
         : row->solver == MN_SOLVER_EIGEN ? spectral_share
                                          : factor_share;
}

/* Seconds of passes over n samples, which cost what they cost over the few times the ratio of the pairs: such that make
 * K anew, and products, times `more` vectors for each of the probe's. */
static double passes_s(const probe *p, double made, double products, double more, double pairs)
{
  double few = (double)p->n * (double)p->n, product_s = p->product_s / ((double)p->stream * (double)p->stream);
  return (made * (p->made_s / few + (more - 1) * product_s) + products * more * product_s) * pairs;
}

static void expect_seconds(const mn_solver_row *row, const mn_system *s, const work *w, const machine *of, size_t m,
                           mn_forecast *out)
{
  const probe *p = &of->p;
  double rate = share_of(row) * of->gflops[1] * 1e9, n = (double)s->samples.n, few = (double)p->n * (double)p->n;
  out->factor_s = out->factor_flops / rate;
  out->loo_s = out->loo_flops / rate;
  if (!row->primal) {
    out->allocate_s = fmax(w->panels_bytes * touch_least_s, (w->panels_bytes - p->at_hand) * p->touch_s) / 0x1p30;
    out->gram_s = p->fill_s / few * n * n;
    out->residual_s = passes_s(p, w->made, w->products, 1, n * n);
    out->predict_s = p->cross_s / few * n * (double)m;
    double more = (double)s->options.draws / (double)mn_system_columns(s);
    if (s->options.draws) out->complexity_s = passes_s(p, 1 + w->made, fmax(w->products, 1), more, n * n);
  }
  out->total_s = out->allocate_s + out->gram_s + out->factor_s + out->residual_s + out->predict_s;
  out->total_s += out->loo_s + out->complexity_s;
}

static double solver_bytes(const mn_solver_row *row, const mn_system *s, const work *w)
{
  if (row == &mn_solver_disk_row) return mn_disk_bytes(s);
  double kept = row == &mn_solver_mixed_row ? w->panels_bytes - panels_bytes(s, MN_F32) : 0;
  return mn_solver_bytes(row, s) + kept;
}

/* Coefficients, and the scores in both orders. */
static double predict_bytes(const mn_solver_row *row, const mn_system *s, size_t m)
{
  size_t columns = mn_system_columns(s);
  mn_samples test = s->samples;
  test.n = m;
  if (!m) return 0;
  double vectors = ((double)(row->primal ? test.dim : s->samples.n) + 2 * (double)m) * (double)columns * sizeof(double);
  double pass = row->primal ? mn_linear_bytes(&test, columns, s->threads)
                            : mn_gram_multiply_bytes(&test, &s->samples, s->threads);
  return vectors + pass;
}

/* On top of what is there: the data, the libraries, and the buffers of the BLAS, which it keeps from the measurements
 * before. Reading the data may have taken more than the fit will. */
static double memory_of(const mn_solver_row *row, const mn_system *s, const work *w, size_t m)
{
  mn_memory_trim();
  double bytes = fmax(solver_bytes(row, s, w), predict_bytes(row, s, m));
  return fmax((double)mn_memory_peak_rss(), (double)mn_memory_current_rss() + bytes);
}

static mn_status measure(const mn_samples *like, const mn_solver_row *row, mn_dtype type, const mn_system *s,
                         machine *out, mn_error *err)
{
  size_t n = s->samples.n, order = works_on_panels(row) ? mn_panels_width(n) : MN_RATE_ORDER;
  mn_status st = mn_gemm_rate(MN_F64, order, measure_s, s->threads, &out->gflops[0], err);
  out->gflops[1] = out->gflops[0];
  if (!st && type == MN_F32) st = mn_gemm_rate(MN_F32, order, measure_s, s->threads, &out->gflops[1], err);
  if (!st && !row->primal) st = take_probe(like, row, s, type, &out->p, err);
  return st;
}

static mn_forecast forecast_of(const mn_solver_row *row, const mn_system *s, const machine *of, size_t m)
{
  mn_forecast f = {.solver = row->solver, .gflops = of->gflops[0], .weighed_cg_s = NAN, .weighed_factor_s = NAN};
  work w = work_of(row, s);
  f.bytes = memory_of(row, s, &w, m);
  count_flops(row, s, m, &f);
  expect_seconds(row, s, &w, of, m, &f);
  return f;
}

/* The factor's forecast, or that of CG where this is expected to take less time, or the factor more memory than there
 * is. */
static mn_forecast weigh(const mn_forecast *factor, const mn_system *s, const machine *of, size_t m)
{
  mn_forecast cg = forecast_of(&mn_solver_cg_row, s, of, m);
  int fits = mn_solver_check_room(&mn_solver_mixed_row, s, NULL) == MN_OK;
  mn_forecast best = cg.total_s < factor->total_s || !fits ? cg : *factor;
  best.weighed_cg_s = cg.total_s, best.weighed_factor_s = factor->total_s;
  return best;
}

mn_status mn_solve_forecast(const mn_samples *like, size_t n, size_t m, size_t element_bytes, size_t columns,
                            const mn_kernel *kernel, const mn_solve_options *options, const mn_context *ctx,
                            mn_forecast *out, mn_error *err)
{
  mn_system s = {.samples = *like, .kernel = *kernel, .options = *options, .threads = mn_threads_open(ctx)};
  machine of = {0};
  s.samples.n = n;
  s.options.columns = columns;
  if (!n || !like->dim || !columns || !like->n)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu samples, %zu features, %zu columns: at least 1 expected", n, like->dim,
                   columns);
  const mn_solver_row *row = mn_solver_choose(&s);
  mn_status st = measure(like, row, work_of(row, &s).type, &s, &of, err);
  if (st) return st;
  *out = forecast_of(row, &s, &of, m);
  if (mn_solver_may_iterate(&s)) *out = weigh(out, &s, &of, m);
  out->bytes += (double)(n + m) * (double)(like->dim * element_bytes);
  return MN_OK;
}
