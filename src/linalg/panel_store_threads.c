#define _GNU_SOURCE
#include "linalg/panel_store_threads.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/memory.h"
#include "core/status.h"

/* What both kinds of thread share with those that compute: a lock, a signal that something has changed, a wish to
 * stop, and what went wrong. */
typedef struct {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  atomic_int stop;
  mn_status status; /* under the lock, as what follows */
  mn_error error;
} helper;

static mn_status helper_open(helper *h, void *(*run)(void *), void *arg, mn_error *err)
{
  pthread_condattr_t clock;
  pthread_condattr_init(&clock); /* these cannot fail on Linux */
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&h->changed, &clock);
  pthread_condattr_destroy(&clock);
  pthread_mutex_init(&h->lock, NULL);
  int reason = pthread_create(&h->thread, NULL, run, arg);
  if (!reason) return MN_OK;
  pthread_cond_destroy(&h->changed);
  pthread_mutex_destroy(&h->lock);
  return MN_FAIL(err, MN_ERR_MEMORY, "a thread for the disk cannot be started: %s", strerror(reason));
}

static void change(helper *h)
{
  pthread_cond_broadcast(&h->changed);
}

static void helper_close(helper *h)
{
  pthread_mutex_lock(&h->lock);
  atomic_store(&h->stop, 1);
  change(h);
  pthread_mutex_unlock(&h->lock);
  pthread_join(h->thread, NULL);
  pthread_cond_destroy(&h->changed);
  pthread_mutex_destroy(&h->lock);
}

/* Waits for a change, but for a twentieth of a second at most, with the lock held; then reports, without the lock, that
 * time passes. Non-zero once cancelled. */
static int wait_and_report(helper *h, mn_meter *meter)
{
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += 50000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_cond_timedwait(&h->changed, &h->lock, &until);
  if (!meter) return 0;
  pthread_mutex_unlock(&h->lock);
  int cancelled = mn_meter_add(meter, 0);
  pthread_mutex_lock(&h->lock);
  return cancelled;
}

/* Notes how a transfer ended; the lock is held. */
static void note(helper *h, mn_status st, const mn_error *error)
{
  if (st) h->status = st, h->error = *error;
  change(h);
}

/* Hands an error of the thread to the caller; the lock is held, or the thread has ended. */
static mn_status handed_on(const helper *h, mn_error *err)
{
  if (h->status && err) *err = h->error;
  return h->status;
}

/* ---- reading ahead */

struct mn_panel_reader {
  helper helper;
  const mn_panel_store *store;
  const mn_panel_request *requests;
  size_t count;
  void *buffers[2];
  size_t loaded;      /* requests 0 ... loaded - 1 have been read */
  size_t free_for[2]; /* the request that may be read into each buffer */
};

/* Waits, with the lock held, until request i may be read; 0 when the reader is to end instead. */
static int may_read(mn_panel_reader *r, size_t i)
{
  while (r->free_for[i % 2] != i && !atomic_load(&r->helper.stop))
    pthread_cond_wait(&r->helper.changed, &r->helper.lock);
  return !atomic_load(&r->helper.stop);
}

static void *read_ahead(void *arg)
{
  mn_panel_reader *r = arg;
  helper *h = &r->helper;
  pthread_mutex_lock(&h->lock);
  for (size_t i = 0; i < r->count && !h->status && may_read(r, i); i++) {
    mn_error error = {0};
    const mn_panel_request *request = &r->requests[i];
    pthread_mutex_unlock(&h->lock);
    mn_status st = mn_panel_store_read(r->store, request->panel, request->first, r->buffers[i % 2], &h->stop, &error);
    pthread_mutex_lock(&h->lock);
    if (!st) r->loaded = i + 1;
    if (!atomic_load(&h->stop)) note(h, st, &error);
  }
  pthread_mutex_unlock(&h->lock);
  return NULL;
}

mn_status mn_panel_reader_open(const mn_panel_store *store, const mn_panel_request *requests, size_t count,
                               void *const buffers[2], mn_panel_reader **out, mn_error *err)
{
  *out = NULL;
  mn_panel_reader *r = mn_calloc(1, sizeof *r);
  if (!r) return MN_NO_MEMORY(err, sizeof *r);
  r->store = store;
  r->requests = requests;
  r->count = count;
  r->buffers[0] = buffers[0];
  r->buffers[1] = buffers[1];
  r->free_for[1] = 1;
  mn_status st = helper_open(&r->helper, read_ahead, r, err);
  if (st)
    mn_free(r);
  else
    *out = r;
  return st;
}

const void *mn_panel_reader_get(mn_panel_reader *r, size_t i, mn_meter *meter)
{
  int cancelled = meter && mn_meter_cancelled(meter);
  pthread_mutex_lock(&r->helper.lock);
  while (r->loaded <= i && !r->helper.status && !cancelled) cancelled = wait_and_report(&r->helper, meter);
  int there = r->loaded > i && !cancelled;
  pthread_mutex_unlock(&r->helper.lock);
  return there ? r->buffers[i % 2] : NULL;
}

void mn_panel_reader_release(mn_panel_reader *r, size_t i)
{
  pthread_mutex_lock(&r->helper.lock);
  r->free_for[i % 2] = i + 2;
  change(&r->helper);
  pthread_mutex_unlock(&r->helper.lock);
}

mn_status mn_panel_reader_close(mn_panel_reader **reader, mn_error *err)
{
  mn_panel_reader *r = *reader;
  if (!r) return MN_OK;
  helper_close(&r->helper);
  mn_status st = handed_on(&r->helper, err);
  mn_free(r);
  *reader = NULL;
  return st;
}

/* ---- writing behind */

struct mn_panel_writer {
  helper helper;
  mn_panel_store *store;
  const mn_panels *panels;
  size_t posted, written; /* panels before these */
};

/* Waits, with the lock held, for a panel to write; 0 when the writer is to end instead. */
static int may_write(mn_panel_writer *w)
{
  while (w->written == w->posted && !atomic_load(&w->helper.stop))
    pthread_cond_wait(&w->helper.changed, &w->helper.lock);
  return !atomic_load(&w->helper.stop);
}

static void *write_behind(void *arg)
{
  mn_panel_writer *w = arg;
  helper *h = &w->helper;
  pthread_mutex_lock(&h->lock);
  while (!h->status && may_write(w)) {
    mn_error error = {0};
    size_t panel = w->written;
    pthread_mutex_unlock(&h->lock);
    mn_status st = mn_panel_store_write(w->store, panel, &w->panels->panel[panel], &h->stop, &error);
    pthread_mutex_lock(&h->lock);
    if (!st) w->written++;
    note(h, st, &error);
  }
  pthread_mutex_unlock(&h->lock);
  return NULL;
}

mn_status mn_panel_writer_open(mn_panel_store *store, const mn_panels *panels, mn_panel_writer **out, mn_error *err)
{
  *out = NULL;
  mn_panel_writer *w = mn_calloc(1, sizeof *w);
  if (!w) return MN_NO_MEMORY(err, sizeof *w);
  w->store = store;
  w->panels = panels;
  w->posted = w->written = mn_panel_store_finished(store);
  mn_status st = helper_open(&w->helper, write_behind, w, err);
  if (st)
    mn_free(w);
  else
    *out = w;
  return st;
}

mn_status mn_panel_writer_post(mn_panel_writer *w, size_t panel, mn_error *err)
{
  pthread_mutex_lock(&w->helper.lock);
  w->posted = panel + 1;
  change(&w->helper);
  mn_status st = handed_on(&w->helper, err);
  pthread_mutex_unlock(&w->helper.lock);
  return st;
}

mn_status mn_panel_writer_drain(mn_panel_writer *w, mn_meter *meter, mn_error *err)
{
  int cancelled = 0;
  pthread_mutex_lock(&w->helper.lock);
  while (w->written < w->posted && !w->helper.status && !cancelled) cancelled = wait_and_report(&w->helper, meter);
  mn_status st = handed_on(&w->helper, err);
  pthread_mutex_unlock(&w->helper.lock);
  return st || !cancelled ? st : mn_meter_close(meter, err);
}

void mn_panel_writer_close(mn_panel_writer **writer)
{
  mn_panel_writer *w = *writer;
  if (!w) return;
  helper_close(&w->helper);
  mn_free(w);
  *writer = NULL;
}
