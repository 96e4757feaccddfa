/* From the caller's labels or real targets to the solver's right-hand sides. */
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "data/corrupt.h"
#include "model/model.h"

void mn_encoded_close(mn_encoded *e)
{
  mn_free(e->labels);
  mn_free(e->class_of);
  mn_free(e->y);
  mn_free(e->offset);
  *e = (mn_encoded){0};
}

static mn_status encode_classes(const mn_data *train, const mn_fit_options *options, mn_encoded *e, mn_error *err)
{
  mn_status st = mn_data_classes(train, &e->labels, &e->outputs, err);
  if (st) return st;
  size_t n = e->n, count = n * e->outputs;
  double off = options->targets == MN_TARGETS_PM1 ? -1 : 0;
  e->class_of = mn_alloc(n, sizeof *e->class_of);
  e->y = mn_alloc(count, sizeof *e->y);
  if (!e->class_of || !e->y) return MN_NO_MEMORY(err, count * sizeof *e->y);
  for (size_t i = 0; i < count; i++) e->y[i] = off;
  for (size_t i = 0; i < n; i++) {
    size_t class = mn_class_of_label(e->labels, e->outputs, train->y[i]);
    e->class_of[i] = mn_corrupt_class(class, e->outputs, options->corrupt, options->seed, i);
    e->y[i + n * e->class_of[i]] = 1;
  }
  return MN_OK;
}

static mn_status copy_columns(const mn_data *train, mn_encoded *e, mn_error *err)
{
  size_t n = e->n;
  e->outputs = train->columns;
  e->y = mn_alloc(n * e->outputs, sizeof *e->y);
  if (!e->y) return MN_NO_MEMORY(err, n * e->outputs * sizeof *e->y);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < e->outputs; c++) e->y[i + n * c] = train->y[i * e->outputs + c];
  return MN_OK;
}

static void subtract_means(mn_encoded *e)
{
  for (size_t c = 0; c < e->outputs; c++) {
    double *y = e->y + c * e->n, sum = 0;
    for (size_t i = 0; i < e->n; i++) sum += y[i];
    e->offset[c] = sum / (double)e->n;
    for (size_t i = 0; i < e->n; i++) y[i] -= e->offset[c];
  }
}

int mn_targets_are_classes(const mn_data *train, mn_task task)
{
  return task == MN_TASK_AUTO ? mn_data_has_labels(train) : task == MN_TASK_CLASSIFICATION;
}

static mn_status encode(const mn_data *train, const mn_fit_options *options, mn_encoded *e, mn_error *err)
{
  int labelled = mn_data_has_labels(train), classes = mn_targets_are_classes(train, options->task);
  if (!train->columns) return MN_FAIL(err, MN_ERR_DATA, "%s: no targets to fit", train->name);
  if (classes && !labelled)
    return MN_FAIL(err, MN_ERR_DATA, "%s: classification takes one column of integer labels", train->name);
  if (options->corrupt > 0 && !classes)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%s: only class labels can be corrupted", train->name);
  mn_status st = classes ? encode_classes(train, options, e, err) : copy_columns(train, e, err);
  if (st) return st;
  e->offset = mn_calloc(e->outputs, sizeof *e->offset);
  if (!e->offset) return MN_NO_MEMORY(err, e->outputs * sizeof *e->offset);
  if (options->center) subtract_means(e);
  return MN_OK;
}

mn_status mn_encode_targets(const mn_data *train, const mn_fit_options *options, mn_encoded *out, mn_error *err)
{
  *out = (mn_encoded){.n = train->n};
  mn_status st = encode(train, options, out, err);
  if (st) mn_encoded_close(out);
  return st;
}

static int same_targets(const mn_encoded *e, size_t i, size_t j)
{
  for (size_t c = 0; c < e->outputs; c++)
    if (e->y[i + c * e->n] != e->y[j + c * e->n]) return 0;
  return 1;
}

/* Names the first conflict and counts the rest. */
mn_status mn_merge_check(const mn_data *train, const mn_encoded *e, const mn_merge *merge, mn_error *err)
{
  size_t conflicts = 0, i = 0, j = 0;
  for (size_t s = e->n; merge->position && s-- > 0;) {
    size_t first = merge->keep[merge->position[s]];
    if (!same_targets(e, first, s)) conflicts++, i = first, j = s;
  }
  if (!conflicts) return MN_OK;
  char more[64] = "", what[96] = "different targets";
  if (conflicts > 1) snprintf(more, sizeof more, ", and %zu more such pairs", conflicts - 1);
  if (e->labels)
    snprintf(what, sizeof what, "labels %lld and %lld", (long long)e->labels[e->class_of[i]],
             (long long)e->labels[e->class_of[j]]);
  return MN_FAIL(
      err, MN_ERR_DATA,
      "%s: samples %zu and %zu (from 0) are equal but have %s%s: no function interpolates them; give a ridge "
      "(--ridge 1e-3), --solver eigen for least squares, or drop them",
      train->name, i, j, what, more);
}

static mn_status make_merge(size_t n, const mn_pair *pairs, size_t count, mn_merge *m, mn_error *err)
{
  m->keep = mn_alloc(n, sizeof *m->keep);
  m->position = mn_calloc(n, sizeof *m->position);
  if (!m->keep || !m->position) return MN_NO_MEMORY(err, 2 * n * sizeof *m->keep);
  const size_t kept = 0, left_out = 1;
  for (size_t p = 0; p < count; p++) m->position[pairs[p].second] = left_out;
  m->count = 0;
  for (size_t i = 0; i < n; i++) {
    if (m->position[i] != kept) continue;
    m->keep[m->count] = i;
    m->position[i] = m->count++;
  }
  for (size_t p = 0; p < count; p++) m->position[pairs[p].second] = m->position[pairs[p].first];
  return MN_OK;
}

mn_status mn_merge_open(const mn_data *train, const mn_encoded *encoded, mn_merge *out, mn_error *err)
{
  mn_pair *pairs = NULL;
  size_t count;
  *out = (mn_merge){.count = train->n};
  mn_status st = mn_data_duplicates(train, &pairs, &count, err);
  if (!st && count) st = make_merge(train->n, pairs, count, out, err);
  mn_data_free(pairs);
  if (!st) st = mn_merge_check(train, encoded, out, err);
  if (st) mn_merge_close(out);
  return st;
}

/* In place: every target moves to an earlier place. */
void mn_encoded_reduce(mn_encoded *e, const mn_merge *merge)
{
  if (!merge->keep) return;
  size_t count = merge->count;
  for (size_t c = 0; c < e->outputs; c++)
    for (size_t i = 0; i < count; i++) e->y[i + c * count] = e->y[merge->keep[i] + c * e->n];
  for (size_t i = 0; e->class_of && i < count; i++) e->class_of[i] = e->class_of[merge->keep[i]];
  e->n = count;
}

void mn_merge_close(mn_merge *merge)
{
  mn_free(merge->keep);
  mn_free(merge->position);
  *merge = (mn_merge){0};
}
