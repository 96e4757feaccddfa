/* Measures beside the norm: what minnorm fit and sweep say of them. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "fit.h"

#define AT(name) offsetof(mn_fit_report, name)

/* Members of the object "measures". */
static const struct {
  const char *name;
  size_t offset;
  int compared; /* with test errors */
} members[MN_CLI_MEASURES] = {
    {"trace", AT(measures.of_factor.trace), 1},
    {"rademacher_bound", AT(measures.rademacher_bound), 1},
    {"rademacher", AT(measures.rademacher.mean), 1},
    {"rademacher_error", AT(measures.rademacher.error), 0},
    {"random_fit", AT(measures.of_factor.fit.mean), 1},
    {"random_fit_error", AT(measures.of_factor.fit.error), 0},
    {"random_norm", AT(measures.of_factor.fit_norm.mean), 1},
    {"random_norm_error", AT(measures.of_factor.fit_norm.error), 0},
    {"effective_dimension", AT(measures.of_factor.dimension), 1},
    {"margin_least", AT(measures.margins.least), 1},
    {"margin_tenth", AT(measures.margins.tenth), 1},
    {"margin_mean", AT(measures.margins.mean), 1},
    {"normalised_margin_least", AT(measures.over_norm.least), 1},
    {"normalised_margin_tenth", AT(measures.over_norm.tenth), 1},
    {"normalised_margin_mean", AT(measures.over_norm.mean), 1},
    {"stability_mean", AT(measures.stability_mean), 1},
    {"stability_most", AT(measures.stability_most), 1},
    {"seconds", AT(measures.of_factor.seconds), 0},
};

const char *mn_cli_measure(size_t i)
{
  return members[i].name;
}

int mn_cli_measure_compared(size_t i)
{
  return members[i].compared;
}

double mn_cli_measure_get(const mn_report *report, size_t i)
{
  char name[64];
  snprintf(name, sizeof name, "measures.%s", members[i].name);
  return mn_report_get(report, name);
}

static double value_of(const mn_fit_report *r, size_t i)
{
  double value;
  memcpy(&value, (const char *)r + members[i].offset, sizeof value);
  return value;
}

void mn_cli_measures_json(mn_report *report, const mn_fit_report *r)
{
  const mn_complexity *f = &r->measures.of_factor;
  if (!f->draws) {
    mn_report_null(report, "measures");
    return;
  }
  mn_report_begin_object(report, "measures");
  mn_report_count(report, "n", f->n);
  mn_report_count(report, "draws", f->draws);
  mn_report_count(report, "seed", f->seed);
  for (size_t i = 0; i < MN_CLI_MEASURES; i++) mn_report_real(report, members[i].name, value_of(r, i));
  mn_report_end(report);
}

static void margin_line(const char *label, const mn_margins *m)
{
  mn_cli_line(label, "%12s least, %s the tenth, %s mean", mn_number_real(m->least, 4).text,
              mn_number_real(m->tenth, 4).text, mn_number_real(m->mean, 4).text);
}

void mn_cli_measures_lines(const mn_fit_report *r)
{
  const mn_measures *m = &r->measures;
  const mn_complexity *f = &m->of_factor;
  if (!f->draws) return;
  mn_cli_line("rademacher", "%12s +- %s of the ball of that norm, bound %s", mn_number_real(m->rademacher.mean, 4).text,
              mn_number_real(m->rademacher.error, 1).text, mn_number_real(m->rademacher_bound, 4).text);
  mn_cli_line("random", "%12s +- %s of random signs fitted, norm %s +- %s", mn_number_real(f->fit.mean, 4).text,
              mn_number_real(f->fit.error, 1).text, mn_number_real(f->fit_norm.mean, 4).text,
              mn_number_real(f->fit_norm.error, 1).text);
  mn_cli_line("dimension", "%12s of %s effective, trace %s", mn_number_real(f->dimension, 6).text,
              mn_number_count(f->n).text, mn_number_real(f->trace, 6).text);
  if (isfinite(m->margins.least)) {
    margin_line("margin", &m->margins);
    margin_line("over norm", &m->over_norm);
  }
  mn_cli_line("stability", "%12s mean, %s largest change where a sample is left out",
              mn_number_real(m->stability_mean, 4).text, mn_number_real(m->stability_most, 4).text);
}
