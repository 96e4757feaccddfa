/* minnorm express: reads, builds, verifies, tests, reports, saves, draws; for one number of samples or several. */
#include <math.h>
#include <stdlib.h>

#include "express.h"

/* The checks that take n steps a point and output are made on all points up to so many steps, else on a sample. */
static const double steps_max = 1e10;
static const size_t sample = 2000;

static mn_status check_options(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  if (!v->train && !mn_cli_given(cli, "dataset"))
    return mn_cli_fail(err, MN_ERR_ARGUMENT,
                       "training samples expected: --dataset NAME or --train SPEC; see minnorm express --help");
  if (v->train && !v->test && v->n_test) return mn_cli_fail(err, MN_ERR_ARGUMENT, "--n-test needs --test SPEC");
  return MN_OK;
}

static mn_status check_writable(const mn_cli *cli, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = mn_cli_check_outputs(cli, err);
  if (!st && v->save) st = mn_network_check_path(v->save, err);
  if (!st && v->plot) st = mn_plot_check_path(v->plot, err);
  return st;
}

static mn_status read_train(mn_cli *cli, size_t n, mn_cli_express_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_data_close(&run->train);
  mn_status st = mn_cli_open_data(cli, v->train, MN_TRAIN, n, &run->train, err);
  if (!st && v->corrupt > 0) st = mn_data_corrupt(run->train, v->corrupt, v->network.seed, err);
  return st;
}

static mn_status read_test(mn_cli *cli, mn_cli_express_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  if (!v->test && v->train) return MN_OK;
  mn_status st = mn_cli_open_data(cli, v->test, MN_TEST, v->n_test, &run->test, err);
  if (!st && run->test->columns != run->train->columns)
    st = mn_cli_fail(err, MN_ERR_DATA, "%s: %zu target columns expected as in %s, %zu found", run->test->name,
                     run->train->columns, run->train->name, run->test->columns);
  if (!st && run->test->dim != run->train->dim)
    st = mn_cli_fail(err, MN_ERR_DATA, "%s: samples of %zu features expected as in %s, %zu found", run->test->name,
                     run->train->dim, run->train->name, run->test->dim);
  return st;
}

/* Error of a classifier, or the root mean square difference of a regression, on the test set. */
static mn_status test_network(mn_cli *cli, const mn_cli_express_run *run, mn_cli_express_point *p, mn_error *err)
{
  size_t m = run->test->n, outputs = p->report.outputs, missed = 0;
  double *out = malloc(m * outputs * sizeof *out), sum = 0;
  int64_t *labels = malloc(m * sizeof *labels);
  mn_status st = MN_OK;
  if (!out || !labels) {
    st = mn_cli_fail(err, MN_ERR_MEMORY, "out of memory for %zu x %zu outputs", m, outputs);
    goto done;
  }
  if ((st = mn_network_forward(run->network, run->test, MN_FORWARD_PIECEWISE, &cli->context, out, err))) goto done;
  if (mn_network_labels(run->network)) {
    if ((st = mn_network_classify(run->network, m, out, labels, err))) goto done;
    for (size_t i = 0; i < m; i++) missed += (double)labels[i] != run->test->y[i];
    p->test_error = (double)missed / (double)m;
  } else {
    for (size_t i = 0; i < m * outputs; i++) sum += (out[i] - run->test->y[i]) * (out[i] - run->test->y[i]);
    p->test_rmse = sqrt(sum / (double)(m * outputs));
  }
done:
  free(out);
  free(labels);
  return st;
}

static size_t points_to_verify(const mn_cli *cli, const mn_network_report *r)
{
  if (cli->values.verify) return cli->values.verify;
  return (double)r->n * (double)r->n * (double)r->outputs <= steps_max ? 0 : sample;
}

/* A network that misses a label is no representation of the data, whatever its report says. */
static mn_status judge(const mn_cli_express_run *run, const mn_cli_express_point *p, mn_error *err)
{
  if (!(p->check.train_error > 0)) return MN_OK;
  return mn_cli_fail(
      err, MN_ERR_SINGULAR,
      "%s: the network misses %.3g of the training labels in double precision: least gap %.2g on a range "
      "of %.2g, norm %.2g; try --improve with more seconds, --candidates, or another --seed",
      run->train->name, p->check.train_error, p->report.gap, p->report.range, p->report.norm);
}

static mn_status run_point(mn_cli *cli, size_t n, mn_cli_express_run *run, mn_error *err)
{
  mn_cli_express_point *p = &run->points[run->count];
  *p = (mn_cli_express_point){.test_error = (double)NAN, .test_rmse = (double)NAN};
  mn_network_close(&run->network);
  mn_status st = read_train(cli, n, run, err);
  if (!st && !run->test) st = read_test(cli, run, err);
  if (!st) st = mn_network_build(run->train, &cli->values.network, &cli->context, &run->network, err);
  if (st) return st;
  p->report = *mn_network_report_of(run->network);
  st = mn_network_verify(run->network, run->train, points_to_verify(cli, &p->report), &cli->context, &p->check, err);
  if (!st && run->test) st = test_network(cli, run, p, err);
  mn_cli_progress_clear();
  run->count++;
  return st ? st : judge(run, p, err);
}

static mn_status run_points(mn_cli *cli, mn_cli_express_run *run, mn_error *err)
{
  size_t sizes[MN_CLI_EXPRESS_SIZES] = {0}, count = 1;
  mn_status st = MN_OK;
  if (cli->values.sizes)
    st = mn_cli_read_sizes("n", cli->values.sizes, INFINITY, MN_CLI_EXPRESS_SIZES, sizes, &count, err);
  for (size_t i = 0; !st && i < count; i++) {
    st = run_point(cli, sizes[i], run, err);
    if (!st && mn_cli_shows_table(cli)) mn_cli_express_table(cli, run, count);
  }
  return st;
}

static mn_status write_results(mn_cli *cli, mn_cli_express_run *run, mn_error *err)
{
  const mn_cli_values *v = &cli->values;
  mn_status st = MN_OK;
  if (v->save) st = mn_network_save(run->network, v->save, err);
  if (!st && v->save && mn_cli_shows_table(cli)) mn_cli_line("saved", "%s", v->save);
  if (!st && v->plot) st = mn_cli_express_plot(cli, run, err);
  if (!st && v->plot && mn_cli_shows_table(cli)) mn_cli_line("drawn", "%s", v->plot);
  if (!st && v->json) st = mn_cli_express_json(cli, run, err);
  return st;
}

mn_status mn_cli_express(mn_cli *cli, mn_error *err)
{
  mn_cli_express_run run = {0};
  mn_status st = check_options(cli, err);
  if (!st) st = check_writable(cli, err);
  if (!st) st = run_points(cli, &run, err);
  if (!st) st = write_results(cli, &run, err);
  mn_network_close(&run.network);
  mn_data_close(&run.train);
  mn_data_close(&run.test);
  return st;
}
